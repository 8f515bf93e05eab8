"""HTTP as every client here wants it: bounded in time and size, patient, honest, and silent about secrets.

One `Exchange` speaks to one service. A request always has a time-out, for connecting, for every read and over all. What
may pass (429, 5xx, a dropped line, broken JSON) is tried again with growing delay, or after `Retry-After`; what is left
is raised as a class of `include.errors`. Messages hold method, path, status and the reason phrase; never a header, a
query or a body.
"""

from __future__ import annotations

import json
import math
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn, TypeVar
from urllib.parse import urlsplit

import requests
import urllib3
from requests.auth import AuthBase

from include.errors import ConfigurationError, LoginRefused, PermanentError, TransientError

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524})
Check = Callable[[Any], None]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Patience:
    """How often one request is tried, and how long we wait in between (seconds).

    A server that asks for more than `longest` is obeyed by giving up with `retry_after`: the scheduler waits, no worker.
    """

    tries: int = 5
    first: float = 1.0
    longest: float = 60.0

    def tried(
        self,
        once: Callable[[], T],
        sleep: Callable[[float], None],
        *,
        repeat: bool = True,
        spent: type[TransientError] | tuple[()] = (),
    ) -> T:
        """What `once` gives, called again after a `TransientError` as long as patience lasts, not at all without `repeat`.

        Raises the last error, one that asks for more than `longest`, and `spent` (on which patience was spent already) at once.
        """
        for attempt in range(1, self.tries + 1):
            try:
                return once()
            except spent:
                raise
            except TransientError as passing:
                if not repeat or attempt == self.tries or (passing.retry_after or 0) > self.longest:
                    raise
                sleep(self._pause(attempt) if passing.retry_after is None else passing.retry_after)
        raise AssertionError("tries is at least 1")

    def _pause(self, attempt: int) -> float:
        delay = min(self.longest, self.first * 2.0 ** (attempt - 1))
        return delay * random.uniform(0.75, 1.0)  # noqa: S311 - spreads workers that failed together, no secret


class _Header(AuthBase):
    """One authorisation header. An `AuthBase`, because requests would replace a plain header from ~/.netrc."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = self._value
        return request


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    where: str
    authorization: str = field(repr=False)
    params: Mapping[str, str | int] | None
    body: Mapping[str, Any] | None


class Exchange:
    """Requests to one address (scheme, host, port, perhaps a path).

    `timeout` (seconds) bounds one try as a whole; `most_bytes` bounds a reply after decompression. Safe to use from
    several threads: each has its own `requests.Session`, made by `session`.
    """

    def __init__(
        self,
        address: str,
        *,
        timeout: float = 60.0,
        patience: Patience | None = None,
        most_bytes: int = 256_000_000,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        session: Callable[[], requests.Session] = requests.Session,
    ) -> None:
        parts = urlsplit(address)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ConfigurationError(
                "the address is not an http(s) URL", where=parts.hostname or "connection", todo="Give it like https://web.consonance.app."
            )
        self.address = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
        self._timeout, self._most_bytes = timeout, most_bytes
        self._patience = patience or Patience()
        self._sleep, self._now, self._new_session = sleep, now, session
        self._local = threading.local()

    def json(
        self,
        method: str,
        path: str,
        *,
        authorization: str,
        params: Mapping[str, str | int] | None = None,
        body: Mapping[str, Any] | None = None,
        check: Check = lambda _: None,
        repeat: bool = True,
    ) -> Any:
        """The decoded reply; numbers with a fraction are `Decimal`.

        `check` looks at the reply and may raise: a `TransientError` from it is tried again like the network's own.
        `repeat` is off for requests that change something: one that got no answer may have been done. Raises `LoginRefused`
        (401, 403), `ConfigurationError` (redirect, 404), `PermanentError` (other 4xx, reply too large), `TransientError` (all
        else, once patience is at its end).
        """
        request = _Request(method, path, f"{method} {self.address}{path}", authorization, params, body)

        def once() -> Any:
            reply = self._once(request)
            check(reply)
            return reply

        return self._patience.tried(once, self._sleep, repeat=repeat)

    def _once(self, request: _Request) -> Any:
        where = request.where
        deadline = time.monotonic() + self._timeout
        try:
            response = self._session().request(
                request.method,
                self.address + request.path,
                params=request.params,
                json=request.body,
                auth=_Header(request.authorization),
                headers={"Accept": "application/json", "User-Agent": "colophon"},
                timeout=(min(10.0, self._timeout), self._timeout),
                allow_redirects=False,  # a redirect would carry the key somewhere else
                stream=True,
            )
            with response:
                if not response.ok or response.is_redirect:
                    self._refuse(response, where)
                content = self._read(response, where, deadline)
        except requests.exceptions.SSLError as bad:
            raise ConfigurationError(
                "the server's certificate is not trusted", where=where, todo="Check the address and the CA bundle."
            ) from bad
        except (requests.exceptions.Timeout, urllib3.exceptions.TimeoutError) as slow:
            raise self._too_slow(where) from slow
        except ValueError:  # InvalidURL, InvalidHeader and http.client's own
            # The library's message would repeat the header, so it is not chained.
            raise ConfigurationError(
                "address or key hold a character that HTTP forbids", where=where, todo="Check the connection."
            ) from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as broken:
            raise TransientError(f"no answer ({type(broken).__name__})", where=where) from broken
        return _decode(content, where)

    def _read(self, response: requests.Response, where: str, deadline: float) -> bytes:
        """The body, by our clock: the library's time-out starts anew with every byte that arrives, so it is read as it comes."""
        content = bytearray()
        while chunk := response.raw.read1(1 << 16, decode_content=True):
            content += chunk
            if len(content) > self._most_bytes:
                raise PermanentError(f"the reply is larger than {self._most_bytes:,} bytes", where=where)
            if time.monotonic() > deadline:
                raise self._too_slow(where)
        return bytes(content)

    def _too_slow(self, where: str) -> TransientError:
        return TransientError(
            f"no full answer within {self._timeout:g} seconds", where=where, todo="If it lasts, give the connection a longer time-out."
        )

    def _refuse(self, response: requests.Response, where: str) -> NoReturn:
        status = f"HTTP {response.status_code} {response.reason or ''}".rstrip()[:120]
        if response.status_code in {401, 403}:
            raise LoginRefused(f"{status}: the key was refused", where=where, todo="Check the key in the connection.")
        if response.status_code in PASSING or response.status_code >= 500:
            raise TransientError(status, where=where, retry_after=self._retry_after(response.headers.get("Retry-After", "")))
        if 300 <= response.status_code < 400:
            target = urlsplit(response.headers.get("Location", ""))
            raise ConfigurationError(
                f"{status}: moved to {target.scheme}://{target.hostname}", where=where, todo="Put that address into the connection."
            )
        if response.status_code == 404:
            raise ConfigurationError(status, where=where, todo="Check the address in the connection.")
        raise PermanentError(status, where=where)

    def _retry_after(self, value: str) -> float | None:
        """Seconds, from a number or a date (RFC 9110 §10.2.3); None where it is neither."""
        try:
            seconds = float(value)
        except ValueError:
            try:
                moment = parsedate_to_datetime(value)
            except (ValueError, TypeError):
                return None
            seconds = ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - self._now()).total_seconds()
        return max(0.0, seconds) if math.isfinite(seconds) else None

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = self._new_session()
        session: requests.Session = self._local.session
        return session


def _decode(content: bytes, where: str) -> Any:
    try:
        return json.loads(content, parse_float=Decimal, parse_constant=_not_a_number)
    except (ValueError, RecursionError) as bad:  # UnicodeDecodeError is a ValueError
        raise TransientError("the reply is not valid JSON", where=where) from bad


def _not_a_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
