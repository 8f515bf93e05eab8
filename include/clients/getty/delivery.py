"""Fetches a licensed file. The delivery host is another house's: it gets no key, no token, no cookie, nothing of ~/.netrc."""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol
from urllib.parse import unquote, urljoin, urlsplit

import requests
import urllib3

from include.clients.getty.errors import LinkExpired
from include.clients.getty.model import DownloadLink, Fetched
from include.clients.getty.refusals import no_reply, untrusted
from include.errors import ConfigurationError, PermanentError, TransientError

if TYPE_CHECKING:
    from include.clients.getty.wire import Wire

MOST_BYTES = 4_000_000_000
LONGEST = 1800.0  # seconds for one file
MOST_REDIRECTS = 5
_NAME = re.compile(r'filename\s*=\s*(?:"([^"]*)"|([^;\s]+))', re.IGNORECASE)
_NAME_CODED = re.compile(r"filename\*\s*=\s*UTF-8''([^;\s]+)", re.IGNORECASE)


class Writable(Protocol):
    """A file opened for writing, which can be begun again."""

    def write(self, data: bytes, /) -> object: ...

    def seek(self, offset: int, /) -> object: ...

    def truncate(self) -> object: ...


def fetch(link: DownloadLink, into: Writable, wire: Wire, most: int = MOST_BYTES, longest: float = LONGEST) -> Fetched:
    """Streams the file into `into`, from its beginning at every try. `filename` is the host's, without any folder. `most` bytes, and
    `longest` seconds for one try, bound it.

    Raises `LinkExpired` where the address is no longer good, `TransientError` where the line broke or bytes are missing, once
    patience is at its end.
    """
    where = f"delivery of asset {link.asset_id}"

    def once() -> Fetched:
        into.seek(0)
        into.truncate()
        return _once(link, into, wire.timeout, where, most, longest)

    return wire.patience.tried(once, wire.sleep)


@contextmanager
def _unlogged() -> Iterator[None]:
    """At level DEBUG urllib3 logs every path; this one is as good as a key for a day."""
    thread, log = threading.get_ident(), logging.getLogger("urllib3.connectionpool")

    def others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    log.addFilter(others)
    try:
        yield
    finally:
        log.removeFilter(others)


def _once(link: DownloadLink, into: Writable, timeout: float, where: str, most: int, longest: float) -> Fetched:
    with _unlogged(), requests.Session() as session:
        try:
            with _answer(session, link.uri, timeout, where) as response:
                return _written(response, into, where, most, longest)
        except requests.exceptions.SSLError as bad:
            if not untrusted(bad):
                raise no_reply(bad, where, timeout) from None
            raise ConfigurationError("the delivery host's certificate is not trusted", where=where, todo="Check the CA bundle.") from None
        except ValueError:
            raise PermanentError("the file's address can't be used", where=where) from None
        except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError) as broken:
            raise no_reply(broken, where, timeout) from None  # the library's words hold the address


def _answer(session: requests.Session, uri: str, timeout: float, where: str) -> requests.Response:
    """The response with the file. Redirects are followed here, since requests would look for credentials of the next host."""
    from include.clients.getty.wire import NothingElse

    headers = {"Accept": "*/*", "Accept-Encoding": "identity", "User-Agent": "colophon"}
    for _ in range(MOST_REDIRECTS + 1):
        response = session.get(
            uri, headers=headers, auth=NothingElse(), timeout=(min(10.0, timeout), timeout), allow_redirects=False, stream=True
        )
        if not 300 <= response.status_code < 400:
            _refuse(response, where)
            return response
        following = urljoin(uri, response.headers.get("Location", ""))
        response.close()
        if following == uri or urlsplit(following).scheme not in {"https", urlsplit(uri).scheme}:
            break
        uri = following
        session.cookies.clear()
    raise PermanentError("the redirects of the delivery host lead nowhere", where=where)


def _refuse(response: requests.Response, where: str) -> None:
    status = response.status_code
    if response.ok:
        return
    response.close()
    if status in {400, 401, 403, 404, 410}:
        todo = "Its address was good for 24 hours; the licence stands, but asking for the file anew may count as another download."
        raise LinkExpired(f"HTTP {status}: the file is no longer given", where=where, todo=todo)
    if status in {408, 425, 429} or status >= 500:
        raise TransientError(f"HTTP {status}", where=where)
    raise PermanentError(f"HTTP {status}", where=where)


def _written(response: requests.Response, into: Writable, where: str, most: int, longest: float) -> Fetched:
    digest, count, deadline = hashlib.sha256(), 0, time.monotonic() + longest
    told = response.headers.get("Content-Length", "")
    promised = int(told) if told.isascii() and told.isdigit() and len(told) < 16 else None
    while chunk := response.raw.read1(1 << 18, decode_content=False):
        count += len(chunk)
        if count > most:
            raise PermanentError(f"the file is larger than {most:,} bytes", where=where)
        if time.monotonic() > deadline:
            raise TransientError(f"the file did not come within {longest:.0f} seconds", where=where)
        into.write(chunk)
        digest.update(chunk)
    if count == 0 or (promised is not None and count != promised):
        raise TransientError(f"{count:,} bytes came of {promised if promised is not None else 'more'}", where=where)
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    return Fetched(filename_of(response.headers), media_type, count, promised, digest.hexdigest())


def filename_of(headers: Mapping[str, str]) -> str:
    """The name in Content-Disposition (RFC 6266), its last part alone and without control characters; "" where there is none."""
    told = headers.get("Content-Disposition", "")
    coded, plain = _NAME_CODED.search(told), _NAME.search(told)
    name = unquote(coded[1]) if coded else (plain[1] or plain[2] or "") if plain else ""
    last = re.split(r"[/\\]", name)[-1]
    return "".join(character for character in last if character.isprintable()).strip().strip(".")[:200]
