"""What Cloudinary's refusals mean, as classes of `include.errors`.

The SDK tells the status in three ways: by its exception's class, in the text ("Error 423 - …", also of a bare `Exception`), or as
`http_code` of an upload. Its texts may repeat a key, a signature or an address, so they are never chained: what is worth reading of
them is taken over, without what belongs to nobody else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import urllib3

from include.errors import ColophonError, ConfigurationError, LoginRefused, PermanentError, RejectedData, TransientError

PASSING = frozenset({408, 420, 423, 425, 429})
BY_CLASS = {"BadRequest": 400, "AuthorizationRequired": 401, "NotAllowed": 403, "NotFound": 404, "AlreadyExists": 409, "RateLimited": 420}
_STATUS = re.compile(r"^Error (\d{3}) - ")
_NO_JSON = re.compile(r"^Error parsing server response \((\d{3})\)")
_BUSY_FIELD = 5.0  # seconds: another change of the same field is going on


class NotFound(PermanentError):
    """There is no such asset, field, folder or transformation."""


class AlreadyExists(PermanentError):
    """There is one of that name."""


class AllowanceUsedUp(TransientError):
    """The hour's admin requests are used up. `retry_after` says when they come back, where that is known."""

    def __init__(self, what: str, *, where: str, retry_after: float | None = None) -> None:
        todo = "Nothing: requests come back at the end of Cloudinary's hour, and the next run goes on."
        super().__init__(what, where=where, todo=todo, retry_after=retry_after)


def classified(bad: Exception, where: str, *, record: bool, secrets: Iterable[str], seconds: float) -> ColophonError:
    """What the SDK raised, as ours. `record`: the request was about one record's data, so that a 400 sets that record aside."""
    text = str(bad)
    if found := _NO_JSON.match(text):
        return _no_json(int(found[1]), where)
    if found := _STATUS.match(text):
        return refused(int(found[1]), text[found.end() :], where, record=record, secrets=secrets)
    if status := BY_CLASS.get(type(bad).__name__):
        return refused(status, text, where, record=record, secrets=secrets)
    for cause in _causes(bad):
        if isinstance(cause, urllib3.exceptions.SSLError):
            return ConfigurationError("the server's certificate is not trusted", where=where, todo="Check the API host and the CA bundle.")
        if isinstance(cause, urllib3.exceptions.LocationParseError | urllib3.exceptions.LocationValueError):
            return ConfigurationError("the API host is no address", where=where, todo="Give it like https://api.cloudinary.com.")
        if isinstance(cause, urllib3.exceptions.NewConnectionError | ConnectionRefusedError):
            return TransientError("no answer: nobody listens at the API host", where=where)
        if isinstance(cause, urllib3.exceptions.TimeoutError | TimeoutError):
            what = f"no full answer within {seconds:g} seconds"
            return TransientError(what, where=where, todo="If it lasts, give the connection a longer time-out.")
    if isinstance(bad, TypeError | KeyError | ValueError | AttributeError):  # the SDK stumbled over JSON of another shape
        return TransientError(f"no answer that can be read ({type(bad).__name__})", where=where)
    cause_name = next((type(cause).__name__ for cause in _causes(bad)), type(bad).__name__)
    return TransientError(f"no answer ({cause_name})", where=where)


def refused(status: int, words: str, where: str, *, record: bool, secrets: Iterable[str]) -> ColophonError:  # noqa: PLR0912
    """An answer with that status and the server's words."""
    said = scrubbed(words, secrets)
    told = f"HTTP {status}: {said}" if said else f"HTTP {status}"
    match status:
        case 401 if "cloud_name" in words:
            return LoginRefused(told, where=where, todo="Check the cloud name in the connection.")
        case 401 if "signature" in words.lower():
            return LoginRefused("HTTP 401: the signature was refused", where=where, todo="Check the API secret in the connection.")
        case 401:
            return LoginRefused(told, where=where, todo="Check cloud name, API key and API secret in the connection.")
        case 403:
            todo = "Ask an administrator of the product environment for the permission, or Cloudinary whether the plan includes it."
            return PermanentError(told, where=where, todo=todo)
        case 404:
            return NotFound(told, where=where)
        case 409:
            return AlreadyExists(told, where=where)
        case 400 if "already exists" in words:
            return AlreadyExists(told, where=where)
        case 400 if "stale request" in words.lower():
            return ConfigurationError(told, where=where, todo="Set this machine's clock.")
        case 400 if record:
            return RejectedData(told, where=where, todo="Mend the record, the field or the file that Cloudinary names.")
        case 413:
            return PermanentError(told, where=where, todo="The file is larger than the plan takes; see the plan's limits.")
        case 420 | 429 if "already updating" in words:
            return TransientError(told, where=where, retry_after=_BUSY_FIELD)
        case 420 | 429:
            return AllowanceUsedUp(told, where=where)
    if status in PASSING or status >= 500:
        return TransientError(told, where=where)
    return PermanentError(told, where=where)


def _no_json(status: int, where: str) -> ColophonError:
    if 300 <= status < 500:
        what = f"HTTP {status}, and the answer is no JSON: this is not Cloudinary's API"
        return ConfigurationError(what, where=where, todo="Check the API host in the connection.")
    return TransientError(f"HTTP {status}, and the answer is no JSON", where=where)


def _causes(bad: BaseException) -> Iterator[BaseException]:
    """What is behind the SDK's exception, from the inside of urllib3's out."""
    found: list[BaseException] = []
    cause: BaseException | None = bad.__context__
    while cause is not None and cause not in found and len(found) < 10:
        found.append(cause)
        reason = getattr(cause, "reason", None)
        cause = reason if isinstance(reason, BaseException) else cause.__context__
    yield from reversed(found)


def scrubbed(words: str, secrets: Iterable[str]) -> str:
    """The server's words without keys, signatures and what was signed; one line of at most 300 characters."""
    words = re.sub(r"\s*String to sign - .*", "", words, flags=re.DOTALL)
    for secret in secrets:
        words = words.replace(secret, "***") if secret else words
    words = re.sub(r"\b[0-9a-fA-F]{40,}\b", "***", words)
    return " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())[:300]
