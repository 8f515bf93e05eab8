"""Fetches pictures from Cloudinary's delivery host: bounded in time and size, and with no key, cookie or anything of ~/.netrc."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests
import urllib3
from requests.auth import AuthBase

from include.clients.exchange import PASSING, Patience
from include.errors import ConfigurationError, PermanentError, TransientError

LONGEST = 600.0  # seconds for one picture


@dataclass(frozen=True, slots=True)
class Fetched:
    md5: str
    bytes: int


class NotDelivered(PermanentError):
    """The delivery host refuses this picture for good, with its reason."""


class TooLarge(PermanentError):
    """More bytes than were asked for at most."""


class _Nobody(AuthBase):
    """No login: without one, requests would look into ~/.netrc."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        return request


class Fetcher:
    """Safe to use from several threads. `timeout` (seconds) bounds connecting and every read, `LONGEST` a whole picture."""

    def __init__(self, *, timeout: float = 30.0, patience: Patience | None = None, sleep: Callable[[float], None] = time.sleep) -> None:
        self._timeout, self._patience, self._sleep = timeout, patience or Patience(tries=3), sleep
        self._local = threading.local()

    def fetch(self, url: str, into: Path, most_bytes: int, where: str) -> Fetched:
        """Writes the picture to `into`. `where` is for messages: addresses may be signed, and are never told.

        Raises `NotDelivered` (4xx), `TooLarge`, `TransientError` once patience is at its end, `ConfigurationError` for a certificate
        or a redirect.
        """
        return self._patience.tried(lambda: self._once(url, into, most_bytes, where), self._sleep)

    def _once(self, url: str, into: Path, most_bytes: int, where: str) -> Fetched:
        try:
            with self._session().get(
                url,
                headers={"Accept": "image/*,*/*;q=0.5", "Accept-Encoding": "identity", "User-Agent": "colophon"},
                auth=_Nobody(),
                timeout=(min(10.0, self._timeout), self._timeout),
                allow_redirects=False,
                stream=True,
            ) as response:
                _refuse(response, where)
                return _written(response, into, most_bytes, where)
        except requests.exceptions.SSLError:
            raise ConfigurationError("the delivery host's certificate is not trusted", where=where, todo="Check the CA bundle.") from None
        except ValueError:
            raise ConfigurationError(
                "the picture's address can't be used", where=where, todo="Check the delivery address in the connection."
            ) from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, OSError) as broken:
            raise TransientError(f"the picture did not come ({type(broken).__name__})", where=where) from None  # its words hold the address

    def _session(self) -> requests.Session:
        if not hasattr(self._local, "session"):
            self._local.session = requests.Session()
        session: requests.Session = self._local.session
        session.cookies.clear()
        return session


def _refuse(response: requests.Response, where: str) -> None:
    """Cloudinary says why in the header X-Cld-Error."""
    status = response.status_code
    if 200 <= status < 300:
        return
    words = "".join(sign if sign.isprintable() else " " for sign in response.headers.get("X-Cld-Error", ""))[:200]
    told = f"HTTP {status}: {words}" if words else f"HTTP {status}"
    if 300 <= status < 400:
        raise ConfigurationError(
            f"{told}: the delivery host sends elsewhere", where=where, todo="Name the final address in the connection."
        )
    if status in PASSING or status in {420, 423} or status >= 500:
        raise TransientError(told, where=where)
    raise NotDelivered(told, where=where)


def _written(response: requests.Response, into: Path, most_bytes: int, where: str) -> Fetched:
    digest, count, until = hashlib.md5(usedforsecurity=False), 0, time.monotonic() + LONGEST
    told = response.headers.get("Content-Length", "")
    promised = int(told) if told.isascii() and told.isdigit() and len(told) < 16 else None
    with into.open("wb") as out:
        while chunk := response.raw.read1(1 << 18, decode_content=False):
            count += len(chunk)
            if count > most_bytes:
                raise TooLarge(f"it has more than {most_bytes:,} bytes", where=where)
            if time.monotonic() > until:
                raise TransientError(f"the picture did not come within {LONGEST:.0f} seconds", where=where)
            out.write(chunk)
            digest.update(chunk)
    if count == 0:
        raise TransientError("no bytes came", where=where)
    if promised is not None and count != promised:
        raise TransientError(f"{count:,} bytes came of {promised:,}", where=where)
    return Fetched(digest.hexdigest(), count)
