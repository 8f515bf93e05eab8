"""From an answer that is none, or no good one, to the class of error that says what to do about it."""

from __future__ import annotations

import json
import re
import ssl
from collections.abc import Mapping

import requests
import urllib3

from include.clients.getty.errors import (
    AllowanceUsedUp,
    GettyError,
    KeyRefused,
    NotEnabled,
    NotFound,
    Refused,
    Throttled,
    UserNeeded,
)
from include.errors import TransientError

_DETAIL = re.compile(r"account over (queries per second|rate) limit", re.IGNORECASE)
_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_.]{0,59}")
_A_DAY_LIMIT = 3600.0  # seconds until a limit per day is tried again


class NoReply(TransientError):
    """The line broke. `sent` is False where the request can't have reached the other side."""

    sent: bool = True


class NoToken(TransientError):
    """There is no token for now, so the request itself was not sent."""


def no_reply(broken: BaseException, where: str, timeout: float) -> NoReply:
    """What a broken line means; chained to nothing, since the library's message holds the address with its query."""
    slow = isinstance(broken, requests.exceptions.Timeout | urllib3.exceptions.TimeoutError)
    what = f"no answer within {timeout:g} seconds" if slow else f"no answer ({type(broken).__name__})"
    found = NoReply(what, where=where, todo="If it lasts, give the connection a longer time-out." if slow else "")
    reason = getattr(broken.args[0] if broken.args else None, "reason", None)
    found.sent = not isinstance(broken, requests.exceptions.ConnectTimeout) and not isinstance(
        reason, urllib3.exceptions.NewConnectionError | urllib3.exceptions.ConnectTimeoutError
    )
    return found


def untrusted(bad: BaseException) -> bool:
    """Whether it is the certificate: any other trouble with TLS may come after the request was sent."""
    seen: list[BaseException] = []
    while bad not in seen:
        seen.append(bad)
        if isinstance(bad, ssl.SSLCertVerificationError):
            return True
        inner = [getattr(bad, "reason", None), *bad.args, bad.__cause__, bad.__context__]
        bad = next((one for one in inner if isinstance(one, BaseException) and one not in seen), bad)
    return False


def refusal(status: int, headers: Mapping[str, str], content: bytes, where: str) -> Exception:
    """The class for an error status: by ErrorCode, by the gateway's header, by the status."""
    code = code_of(content)
    said = f"HTTP {status}" + (f" {code}" if code else "")
    found: Exception
    if throttle := throttled(status, headers):
        daily = throttle == "daily"
        found = Throttled(f"{said}: too many requests", where=where, retry_after=_A_DAY_LIMIT if daily else _seconds(headers))
        found.daily = daily
    elif status == 401 or code == "UserTokenRequired":
        return login_refused(status, code, where)
    elif code == "OverageLimitReached":
        todo = "Wait until the allowance starts anew, or ask your Getty representative for more."
        found = AllowanceUsedUp(f"{said}: the product has no downloads left", where=where, todo=todo)
    elif status == 403:
        todo = "Ask your Getty representative to enable it for this key."
        found = NotEnabled(f"{said}: this key may not do that", where=where, todo=todo)
    elif status == 404:
        found = NotFound(f"{said}: there is no such thing", where=where)
    elif status >= 500 or status in {408, 425}:
        return TransientError(said, where=where, retry_after=_seconds(headers))
    else:
        found = Refused(said, where=where)
    if isinstance(found, GettyError):
        found.code, found.status = code, status
    return found


def login_refused(status: int, code: str, where: str, *, at_log_in: bool = False) -> KeyRefused:
    """`at_log_in`: no token was given; else one was, and what was asked for with it was refused."""
    said = f"HTTP {status}" + (f" {code}" if code else "")
    if code == "UserTokenRequired":
        todo = "Fill in user name and password of a Getty user in the connection."
        found: KeyRefused = UserNeeded(f"{said}: this key needs a user", where=where, todo=todo)
    else:
        todo = "Check key, secret and user in Getty's connection"
        todo += " (getty_default)." if at_log_in else "; for a single asset, whether your agreement covers it."
        found = KeyRefused(f"{said}: {'Getty refuses our log-in' if at_log_in else 'refused'}", where=where, todo=todo)
    found.code, found.status = code, status
    return found


def throttled(status: int, headers: Mapping[str, str]) -> str:
    """ "seconds" or "daily" for a throttled request: 429 today, 403 with a header at the older gateway."""
    told = _DETAIL.search(headers.get("X-Error-Detail", ""))
    if status == 429 or (status == 403 and told):
        return "daily" if told and told[1].lower() == "rate" else "seconds"
    return ""


def _seconds(headers: Mapping[str, str]) -> float | None:
    """Getty sends no Retry-After; what stands before it may."""
    value = headers.get("Retry-After", "")
    return float(value) if value.isascii() and value.isdigit() and len(value) < 7 else None


def code_of(content: bytes) -> str:
    """`ErrorCode` of the API, `error` of an OAuth reply (RFC 6749 §5.2); "" for the gateway's `message`, and for what is no JSON."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(found, dict):
        return ""
    code = next((value for name, value in found.items() if name.lower().replace("_", "") in {"errorcode", "error"}), "")
    return code if isinstance(code, str) and _CODE.fullmatch(code) else ""
