"""What Consonance's server does on a bad day.

| kind | fields | what happens to GraphQL and REST requests |
| --- | --- | --- |
| `status` | `status`, `retry_after` | that HTTP status; `Retry-After` where seconds are given |
| `slow` | `seconds` | the answer waits |
| `drop` | | the connection breaks in the middle of the answer |
| `errors` | `message` | GraphQL only: 200 with `errors` and no data |
| `stop_after_pages` | `pages` | after that many good answers every other one is a 503 |

`times` says how often; without it the fault stays until it is cleared.
"""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox.broken import answer, breaking
from sandbox.faults import Faults

SERVICE = "consonance"
PATHS = ("/graphql", "/api/")


class FaultyDay:
    """ASGI middleware before Consonance's own paths; `/sandbox/…` and covers are never ill."""

    def __init__(self, app: ASGIApp, faults: Faults) -> None:
        self.app, self.faults = app, faults
        self._pages = 0
        self._lock = threading.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(PATHS):
            await self.app(scope, receive, send)
            return
        if slow := self.faults.take(SERVICE, "slow"):
            await asyncio.sleep(float(slow.get("seconds", 1)))
        if status := self.faults.take(SERVICE, "status"):
            await _plain(send, int(status["status"]), status.get("retry_after"))
        elif self._stopped():
            await _plain(send, 503, None)
        elif scope["path"].startswith("/graphql") and (errors := self.faults.take(SERVICE, "errors")):
            body = json.dumps({"errors": [{"message": str(errors.get("message", "Internal error"))}]}).encode()
            await answer(send, 200, body, [(b"content-type", b"application/json")])
        elif self.faults.take(SERVICE, "drop"):
            await self.app(scope, receive, breaking(send))
        else:
            await self.app(scope, receive, send)

    def _stopped(self) -> bool:
        stop = self.faults.active(SERVICE, "stop_after_pages")
        with self._lock:
            if stop is None:
                self._pages = 0
                return False
            self._pages += 1
            return self._pages > int(stop.get("pages", 1))


async def _plain(send: Send, status: int, retry_after: Any) -> None:
    headers = [(b"content-type", b"text/plain")]
    if retry_after is not None:
        headers.append((b"retry-after", str(retry_after).encode()))
    await answer(send, status, b"the sandbox was asked for this\n", headers)
