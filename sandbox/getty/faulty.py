"""What Getty does on a bad day.

| kind | fields | what happens |
| --- | --- | --- |
| `status` | `status`, `code` | that HTTP status: with `code` as the API's error, without as the gateway's |
| `throttled` | `detail` | the older gateway's 403 with `X-Error-Detail` (`detail`: its words; "Account Over Queries Per Second Limit") |
| `slow` | `seconds` | the answer waits |
| `drop` | `when` | the connection breaks: `before` anything is done, `after` it was done, or in the `middle` of the answer |
| `not_json` | | 200 with a page of HTML, in the place of what was done |
| `empty` | | 200 without a body, in the place of what was done |

Every one may have `times`, and `on`: the operation, such as `POST /v3/downloads/images/{id}`, or `token`, or `delivery`. An error
status, `before`, and `throttled` leave everything as it was; `not_json` and `empty` hide what was done.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from sandbox.broken import BrokenOnPurposeError, breaking
from sandbox.faults import Faults

SERVICE = "getty"
KINDS = ("status", "throttled", "slow", "drop", "not_json", "empty")
WHEN = ("before", "middle", "after")
_VALUE = {"status": "status", "throttled": "detail", "slow": "seconds", "drop": "when"}
_MESSAGES = {401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests"}
Answering = Callable[[Request], Awaitable[Response]]


def faults_of(fault: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """`{"status": 503, "times": 2, "on": …}`, `{"drop": "after"}`, `{"slow": 2}`, `{"not_json": true}`, or each with its own object.

    Raises `ValueError` for what is no fault.
    """
    common = {name: fault[name] for name in ("times", "on", "code") if name in fault}
    kinds = [kind for kind in fault if kind in KINDS]
    if not kinds or set(fault) - set(KINDS) - {"times", "on", "code"}:
        raise ValueError(f"getty has the faults {', '.join(KINDS)}, with times, on, code")
    found = []
    for kind in kinds:
        value = fault[kind]
        own = dict(value) if isinstance(value, Mapping) else {} if value is True or kind not in _VALUE else {_VALUE[kind]: value}
        if kind == "status" and not (isinstance(own.get("status"), int) and 400 <= own["status"] <= 599):
            raise ValueError("`status` is an HTTP status from 400 to 599")
        if kind == "drop" and own.get("when", "middle") not in WHEN:
            raise ValueError(f"`drop` is {', '.join(WHEN)}")
        found.append((kind, common | own))
    return found


class BadDay:
    """Stands before every answer of Getty's."""

    def __init__(self, faults: Faults) -> None:
        self._faults = faults

    async def answer(self, request: Request, operation: str, answering: Answering) -> Response:
        if slow := self._take("slow", operation):
            await asyncio.sleep(float(slow.get("seconds", 1)))
        if status := self._take("status", operation):
            return error(int(status["status"]), str(status.get("code") or ""))
        if throttled := self._take("throttled", operation):
            detail = str(throttled.get("detail") or "Account Over Queries Per Second Limit")
            return error(403, "", {"X-Error-Detail": detail})
        drop = self._take("drop", operation)
        when = drop.get("when", "middle") if drop else ""
        if when == "before":
            return HangsUp()
        response = await answering(request)
        if when:
            return HangsUp() if when == "after" else BreaksOff(response)
        if self._take("not_json", operation):
            return HTMLResponse("<html><body>Please log in</body></html>")
        return Response() if self._take("empty", operation) else response

    def _take(self, kind: str, operation: str) -> Mapping[str, Any] | None:
        fault = self._faults.active(SERVICE, kind)
        if fault is None or fault.get("on", operation) != operation:
            return None
        return self._faults.take(SERVICE, kind)


def error(status: int, code: str = "", headers: Mapping[str, str] | None = None) -> Response:
    """The API's error where there is a code, else the gateway's."""
    told = {"ErrorCode": code, "ErrorMessage": f"{code}."} if code else {"message": _MESSAGES.get(status, "Internal Server Error")}
    media_type = "application/vnd.getty.error+json" if code else "application/json"
    return Response(json.dumps(told), status, headers, media_type)


class HangsUp(Response):
    """No answer at all: the line is cut."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(receive, "__self__", None), "transport", None)
        if transport is not None:
            transport.abort()
        raise BrokenOnPurposeError("hung up, as asked")


class BreaksOff(Response):
    """Half of an answer."""

    def __init__(self, whole: Response) -> None:
        self._whole = whole
        self.background = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._whole(scope, receive, breaking(send))
