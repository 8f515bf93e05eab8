"""Backups as the ledger knows them: which ran, what they found, what lies at the archive, which files belong in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger.deliveries import ARRIVED, UNSENT, move, record_event
from include.ledger.file_rows import BackupRow, TitleFileRow
from include.ledger.models import DeliveryRow, DeliveryState, EventRow, FileRow, ProductRow, WorkRow
from include.ledger.title_files import ATTACHED, REMOVED

FLOW = "archive_backup"
MANIFEST = "manifest:"  # business keys of deliveries that carry one
OBJECTS = "objects:"


@dataclass(frozen=True, slots=True)
class Asset:
    """One version of a title's file, with what a person needs to find it in a folder."""

    id: int
    sha256: str
    bytes: int
    preview: str
    restricted: str
    current: bool
    kind: str
    part: str
    revision: str
    name: str
    work_id: int
    title: str
    imprint: str
    isbn: str


def assets(session: Session) -> Iterator[Asset]:
    """All versions that were not removed, by id."""
    row = TitleFileRow
    query = (
        select(
            row.id, row.sha256, row.bytes, row.preview, row.restricted, row.state, row.kind, row.part, row.revision, row.name, row.work_id,
            WorkRow.title, WorkRow.imprint, ProductRow.isbn,
        )
        .outerjoin(WorkRow, WorkRow.id == row.work_id)
        .outerjoin(ProductRow, ProductRow.id == row.product_id)
        .where(row.state != REMOVED)
        .order_by(row.id)
    )  # fmt: skip
    for found in session.execute(query.execution_options(yield_per=500)):
        values: dict[str, Any] = found._asdict()
        state = values.pop("state")
        shown: dict[str, Any] = {name: values.pop(name) or "" for name in ("title", "imprint", "isbn")}
        yield Asset(**values, **shown, current=state == ATTACHED)


def calendar(session: Session) -> str:
    """sha256 of the calendar of to-dos as it was last read; empty where the house has none."""
    query = select(EventRow.sha256).where(EventRow.what == "calendar read", EventRow.sha256 != "")
    return session.scalar(query.order_by(EventRow.id.desc()).limit(1)) or ""


def stored(session: Session, partner: str) -> dict[str, tuple[str, int]]:
    """Objects that arrived at the archive, by name: sha256 and bytes as they were last sent."""
    query = (
        select(FileRow.name, FileRow.sha256, FileRow.bytes)
        .join(DeliveryRow)
        .where(
            DeliveryRow.partner == partner,
            DeliveryRow.flow == FLOW,
            DeliveryRow.business_key.startswith(OBJECTS, autoescape=True),
            FileRow.state == "delivered",
        )
        .order_by(FileRow.id)
    )
    return {name: (sha256, size) for name, sha256, size in session.execute(query.execution_options(yield_per=1_000))}


def manifest_delivery(session: Session, partner: str) -> DeliveryRow | None:
    """The last delivery that carries a manifest and was not withdrawn."""
    query = select(DeliveryRow).where(
        DeliveryRow.partner == partner,
        DeliveryRow.flow == FLOW,
        DeliveryRow.business_key.startswith(MANIFEST, autoescape=True),
        DeliveryRow.state != DeliveryState.WITHDRAWN,
    )
    return session.scalar(query.order_by(DeliveryRow.id.desc()).limit(1))


def last(session: Session, partner: str) -> BackupRow | None:
    return next(iter(kept(session, partner)), None)


def kept(session: Session, partner: str) -> Sequence[BackupRow]:
    """Backups whose manifests lie at the archive, newest first."""
    query = select(BackupRow).where(BackupRow.partner == partner, BackupRow.removed_at.is_(None))
    return session.scalars(query.order_by(BackupRow.made_at.desc(), BackupRow.id.desc())).all()


def get(session: Session, backup_id: int) -> BackupRow:
    """Raises `PermanentError` if there is no such backup."""
    row = session.get(BackupRow, backup_id)
    if row is None:
        raise PermanentError(f"there is no backup {backup_id}", todo="Look at the archive's deliveries.")
    return row


def add(session: Session, row: BackupRow, *, now: datetime, who: str = "") -> BackupRow:
    """Writes a backup down once: the one with this name, if it is there already."""
    known = session.scalar(select(BackupRow).where(BackupRow.partner == row.partner, BackupRow.name == row.name))
    if known is not None:
        return known
    session.add(row)
    session.flush()
    detail = {"backup": row.id, "objects": row.objects, "added": row.added, "added_bytes": row.added_bytes}
    record_event(
        session, what="backup made", now=now, who=who, partner=row.partner, delivery_id=row.delivery_id, subject=row.name, bytes=row.bytes,
        sha256=row.sha256, detail=detail,
    )  # fmt: skip
    return row


def read_back(session: Session, partner: str) -> int:
    """Objects that were read back in all runs so far: where the next sample begins."""
    return session.scalar(select(func.coalesce(func.sum(BackupRow.verified), 0)).where(BackupRow.partner == partner)) or 0


def verified(
    session: Session, backup_id: int, count: int, problems: Sequence[Mapping[str, Any]], *, now: datetime, who: str = ""
) -> BackupRow:
    """What reading back came to: so many objects were looked at, and these were not right."""
    row = get(session, backup_id)
    row.verified += count
    row.problems = [dict(problem) for problem in problems]
    if problems:
        record_event(
            session, what="backup damaged", now=now, who=who, partner=row.partner, delivery_id=row.delivery_id, subject=row.name,
            detail={"backup": row.id, "problems": row.problems[:50]},
        )  # fmt: skip
    return row


def removed(session: Session, backup_id: int, *, now: datetime, who: str = "") -> None:
    """Its manifest is gone from the archive."""
    row = get(session, backup_id)
    row.removed_at = now
    record_event(session, what="backup removed", now=now, who=who, partner=row.partner, subject=row.name, sha256=row.sha256)


def withdraw_unsent(session: Session, partner: str, *, now: datetime, who: str = "") -> int:
    """Withdraws objects' deliveries that did not leave: what is missing is worked out anew each time. Gives their number."""
    query = select(DeliveryRow).where(
        DeliveryRow.partner == partner,
        DeliveryRow.flow == FLOW,
        DeliveryRow.business_key.startswith(OBJECTS, autoescape=True),
        DeliveryRow.state.in_(UNSENT),
        DeliveryRow.delivered_at.is_(None),
    )
    rows = session.scalars(query).all()
    for row in rows:
        move(session, row, DeliveryState.WITHDRAWN, now=now, who=who, detail={"why": "what is missing is worked out anew"})
    return len(rows)


def has_arrived(row: DeliveryRow) -> bool:
    return row.state in ARRIVED
