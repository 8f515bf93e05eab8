"""Reads Cloudinary's moderation queue into the ledger: which cover is there in which version, and what people said of it.

One listing for each status, five hundred covers to a request, and nothing is asked for a single cover. Listings have no etag: what is new
in them, or newly approved, is read by itself afterwards (`include.media.masters`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from include.clients.cloudinary import Asset, Cloudinary
from include.ledger import covers
from include.ledger.chunks import chunks
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.licence_rows import CoverRow
from include.media.meaning import APPROVED, PENDING, REJECTED, Meaning, meaning_of, must_know, status_of
from include.partners.covers import CoverRules

BATCH = 500


def read(ledger: Ledger, client: Cloudinary, rules: CoverRules, *, queue: str, now: datetime) -> Counter[str]:
    """Brings the ledger up to what the queue says. Gives how many covers are new, changed, gone, back, and without change.

    A cover that is in none of the listings is asked for by itself, once all of them were read to their end: it may have moved from one
    to another meanwhile. Else it is noted as gone. Raises as `Cloudinary` does, and `ConfigurationError` where the fields that the house
    names are not there.
    """
    must_know(client.fields(), rules, client.account.cloud_name)
    counts: Counter[str] = Counter()
    seen: set[str] = set()

    def take(assets: Iterable[Asset]) -> None:
        for some in _batches(assets):
            meant = [(asset, meaning) for asset in some if asset.asset_id and (meaning := meaning_of(asset, rules)) is not None]
            counts["no covers"] += len(some) - len(meant)
            with ledger.session() as session:
                _take(session, meant, now, counts)
            seen.update(asset.asset_id for asset, _ in meant)

    for status in (PENDING, APPROVED, REJECTED):  # as people mostly move them: what moves while we read is taken as the later one has it
        take(client.assets_by_moderation(status, kind=queue))
    for type, public_ids in _missed(ledger, seen).items():
        take(one for one in client.assets_by_ids(public_ids, type=type) if any(each.kind == queue for each in one.moderation))
    with ledger.session() as session:
        _note_gone(session, seen, now, counts)
    return counts


def _missed(ledger: Ledger, seen: set[str]) -> dict[str, list[str]]:
    """By type of delivery: public ids of what was there the last time, and is in no listing."""
    query = select(CoverRow.asset_id, CoverRow.type, CoverRow.public_id).where(CoverRow.gone_at.is_(None))
    found: dict[str, list[str]] = {}
    with ledger.read() as session:
        for asset_id, type, public_id in session.execute(query.execution_options(yield_per=1_000)):
            if asset_id not in seen:
                found.setdefault(type, []).append(public_id)
    return found


def _take(session: Session, meant: list[tuple[Asset, Meaning]], now: datetime, counts: Counter[str]) -> None:
    known = covers.newest(session, {asset.asset_id for asset, _ in meant})
    for asset, meaning in meant:
        row = known.get(asset.asset_id)
        if row is not None and asset.version < row.version:
            continue  # a listing that lags behind
        if row is None or asset.version > row.version:
            known[asset.asset_id] = _new(session, asset, meaning, now)
            counts["new"] += 1
            continue
        counts["changed" if _changed(session, row, asset, meaning, now) else "unchanged"] += 1
    for some in chunks(sorted(known)):
        session.execute(update(CoverRow).where(CoverRow.asset_id.in_(some)).values(seen_at=now, gone_at=None))


def _new(session: Session, asset: Asset, meaning: Meaning, now: datetime) -> CoverRow:
    row = CoverRow(
        asset_id=asset.asset_id, version=asset.version, etag="", moderation=status_of(asset), seen_at=now, changed_at=now,
        **_said(asset, meaning),
    )  # fmt: skip
    session.add(row)
    session.flush()
    _event(session, "cover seen", row, now)
    return row


def _changed(session: Session, row: CoverRow, asset: Asset, meaning: Meaning, now: datetime) -> bool:
    """Whether people have said something else of this version since, of its approval or of what it is for."""
    status, said = status_of(asset), _said(asset, meaning)
    before = {name: getattr(row, name) for name in said}
    same = before == said and row.moderation == status and row.gone_at is None
    if same:
        return False
    if row.work != said["work"]:
        row.work_id = None
    for name, value in said.items():
        setattr(row, name, value)
    if row.moderation != status:
        was, row.moderation = row.moderation, status
        row.confirmed = False
        _event(session, f"cover {status}", row, now, {"was": was})
    row.gone_at, row.changed_at = None, now
    return True


def _said(asset: Asset, meaning: Meaning) -> dict[str, Any]:
    return {
        "public_id": asset.public_id[:255], "type": asset.type, "kind": meaning.kind, "isbn": meaning.isbn, "work": meaning.work,
        "series": meaning.series, "revision": meaning.revision, "width": asset.width or 0, "height": asset.height or 0,
        "format": asset.format[:20], "bytes": asset.bytes or 0,
    }  # fmt: skip


def _note_gone(session: Session, seen: set[str], now: datetime, counts: Counter[str]) -> None:
    query = select(CoverRow.id, CoverRow.asset_id).where(CoverRow.gone_at.is_(None)).execution_options(yield_per=1_000)
    gone = [id for id, asset_id in session.execute(query) if asset_id not in seen]
    for some in chunks(gone):
        for row in session.scalars(select(CoverRow).where(CoverRow.id.in_(some))):
            row.gone_at = row.changed_at = now
            _event(session, "cover gone", row, now)
            counts["gone"] += 1


def _event(session: Session, what: str, row: CoverRow, now: datetime, detail: dict[str, Any] | None = None) -> None:
    about = {"cover": row.id, "version": row.version, "kind": row.kind, "moderation": row.moderation}
    record_event(session, what=what, now=now, subject=row.public_id, detail=about | (detail or {}))


def _batches(assets: Iterable[Asset]) -> Iterator[list[Asset]]:
    every = iter(assets)
    while some := list(islice(every, BATCH)):
        yield some
