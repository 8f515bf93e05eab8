"""Fetches Consonance's calendar of to-dos, and remembers the last one that could be read.

Whoever knows the address can read the calendar, so the address is in no message and no log.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlsplit

import requests
from sqlalchemy import select

from include.errors import ColophonError, ConfigurationError, PermanentError, TransientError
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.models import EventRow
from include.store import ArtefactStore

MOST_BYTES = 20_000_000
READ = "calendar read"
_GOING_ON = (408, 425, 429)
_TODO = "Check the connection's address against the subscription in Consonance."


def fetch(address: str, *, timeout: float = 30.0, limit: int = MOST_BYTES) -> bytes:
    """The calendar's bytes. `webcal:` means https. `timeout`: seconds for each answer, four times that in all.

    Raises `ConfigurationError` for an address that can't be one, `TransientError` or `PermanentError` for what the server says.
    """
    address = address.strip()
    if address.lower().startswith("webcal:"):
        address = f"https:{address[7:]}"
    if not address.lower().startswith(("http://", "https://")):
        raise ConfigurationError("the calendar's address is neither https nor webcal", where="calendar", todo=_TODO)
    where = f"calendar at {urlsplit(address).hostname or 'its address'}"
    until = time.monotonic() + 4 * timeout
    content = bytearray()
    try:
        with requests.get(address, timeout=timeout, stream=True, headers={"Accept": "text/calendar"}) as answer:
            if answer.status_code >= 500 or answer.status_code in _GOING_ON:
                raise TransientError(f"the server answers {answer.status_code}", where=where)
            if answer.status_code != 200:
                raise PermanentError(f"the server answers {answer.status_code}", where=where, todo=_TODO)
            for chunk in answer.iter_content(1 << 16):
                content += chunk
                if len(content) > limit or time.monotonic() > until:
                    raise PermanentError(
                        f"the calendar is larger than {limit:,} bytes, or too slow", where=where, todo="Narrow its window."
                    )
    except requests.RequestException as bad:
        raise TransientError(
            f"the calendar could not be fetched: {type(bad).__name__}", where=where
        ) from None  # its words hold the address
    return bytes(content)


def newest(ledger: Ledger, store: ArtefactStore, read: Callable[[], bytes], now: datetime) -> tuple[bytes, str]:
    """The calendar as `read` gives it, or the last one that could be read, with a sentence about the trouble ("" for none).

    Nothing waits for a calendar: where there never was one, it is empty.
    """
    try:
        content = read()
    except ColophonError as trouble:
        with ledger.read() as session:
            known = session.execute(
                select(EventRow.sha256, EventRow.at)
                .where(EventRow.what == READ, EventRow.sha256 != "")
                .order_by(EventRow.id.desc())
                .limit(1)
            ).first()
        if known is None or not store.exists(known.sha256):
            return b"", f"{_sentence(trouble)} There are no to-dos."
        with store.open(known.sha256) as stream:
            return stream.read(), f"{_sentence(trouble)} The to-dos are those of {known.at:%Y-%m-%d %H:%M} UTC."
    artefact = store.put(io.BytesIO(content))
    with ledger.session() as session:
        last = session.scalar(select(EventRow.sha256).where(EventRow.what == READ).order_by(EventRow.id.desc()).limit(1))
        if last != artefact.sha256:
            record_event(session, what=READ, now=now, bytes=artefact.bytes, sha256=artefact.sha256)
    return content, ""


def _sentence(trouble: ColophonError) -> str:
    return f"{str(trouble).rstrip('.')}."
