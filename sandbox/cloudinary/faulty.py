"""What Cloudinary does on a bad day.

| kind | fields | what happens |
| --- | --- | --- |
| `status` | `status`, `message`, `retry_after` | that HTTP status instead of an answer; nothing is done |
| `status_after` | the same | the request is done, and answered with that status all the same |
| `slow` | `seconds` | the answer waits |
| `drop` | | the request is done, and the connection breaks in the middle of the answer |
| `drop_before` | | the connection breaks, nothing is done |
| `not_json` | | 502 with a page for people, nothing is done |
| `bad_signature` | | 401, whatever the signature says |

`only` narrows it to `upload`, `admin` or `delivery`; without it delivery stays well. `operation` narrows it to paths that hold this text,
`method` to GET, POST, PUT or DELETE.
`times` says how often; without it the fault stays until it is cleared.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.broken import BrokenOnPurposeError, answer, breaking
from sandbox.cloudinary.upload_api import ACTIONS
from sandbox.faults import Faults

SERVICE = "cloudinary"
PARTS = ("upload", "admin", "delivery")


class FaultyDay:
    """ASGI middleware before Cloudinary's own paths."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app, self.faults = app, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if (slow := self._taken("slow", scope)) is not None:
            await asyncio.sleep(float(slow.get("seconds", 1)))
        if (status := self._taken("status", scope)) is not None:
            await _drained(receive)
            await _refuse(send, status)
        elif self._taken("drop_before", scope) is not None:
            await _drained(receive)
            raise BrokenOnPurposeError("dropped before anything was done, as asked")
        elif self._taken("not_json", scope) is not None:
            await _drained(receive)
            await answer(send, 502, b"<html><body>Bad gateway</body></html>", [(b"content-type", b"text/html")])
        elif self._taken("bad_signature", scope) is not None:
            await _drained(receive)
            await _refuse(send, {"status": 401, "message": "Invalid Signature 0000. String to sign - 'timestamp=1'."})
        elif (after := self._taken("status_after", scope)) is not None:
            await self.app(scope, receive, _nowhere)
            await _refuse(send, after)
        elif self._taken("drop", scope) is not None:
            await self.app(scope, receive, breaking(send))
        else:
            await self.app(scope, receive, send)

    def _taken(self, kind: str, scope: Scope) -> Mapping[str, Any] | None:
        fault = self.faults.active(SERVICE, kind)
        if fault is None or not _meant(fault, scope["path"]) or fault.get("method") not in {None, scope["method"]}:
            return None
        return self.faults.take(SERVICE, kind)


def _meant(fault: Mapping[str, Any], path: str) -> bool:
    if fault.get("operation") and str(fault["operation"]) not in path:
        return False
    part = "delivery" if "/v1_1/" not in path else "upload" if path.rpartition("/")[2] in ACTIONS and "/resources/" not in path else "admin"
    return part == fault["only"] if fault.get("only") else part != "delivery"


async def _drained(receive: Receive) -> None:
    """Reads the request to its end: a sender that is still writing would see a broken pipe instead of our answer."""
    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
        pass


async def _nowhere(message: Message) -> None:
    return


async def _refuse(send: Send, fault: Mapping[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    if fault.get("retry_after") is not None:
        headers.append((b"retry-after", str(fault["retry_after"]).encode()))
    body = json.dumps({"error": {"message": str(fault.get("message") or "the sandbox was asked for this")}}).encode()
    await answer(send, int(fault["status"]), body, headers)
