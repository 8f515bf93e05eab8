"""The records and files that went: as they were sent, from the artefact store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, selectinload

from include.errors import PermanentError
from include.ledger.lists import begins, plain_isbn
from include.ledger.models import DeliveryRecordRow, DeliveryRow, FileRow
from include.partners import Partner


class Store(Protocol):
    """Where the bytes are: `include.store.ArtefactStore`, which stands above the ledger."""

    def read(self, sha256: str, offset: int, length: int) -> bytes:
        """Raises `PermanentError` if they are not there."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """The text of one record, as it stands in the message that a partner got."""

    partner: str
    partner_name: str
    product_id: int
    delivery_id: int
    sent_at: datetime | None
    format: str
    notification: str
    digest: str
    text: str  # empty where the format has no readable records (XLSX), or the bytes are gone
    missing: str = ""  # why there is no text


@dataclass(frozen=True, slots=True)
class FileSent:
    """One file that was, or was to be, at a partner."""

    partner: str
    delivery_id: int
    name: str
    remote_path: str
    role: str
    bytes: int
    sha256: str
    state: str
    verified: str
    delivered_at: datetime | None


def last_sent(session: Session, product_id: int, partner: str) -> tuple[DeliveryRecordRow, DeliveryRow] | None:
    """The record that arrived last. A redelivery makes an old delivery the last one, so time decides, not number."""
    found = session.execute(
        select(DeliveryRecordRow, DeliveryRow)
        .join(DeliveryRow, DeliveryRow.id == DeliveryRecordRow.delivery_id)
        .where(DeliveryRecordRow.product_id == product_id, DeliveryRow.partner == partner, DeliveryRow.delivered_at.is_not(None))
        .order_by(DeliveryRow.delivered_at.desc(), DeliveryRow.id.desc())
        .options(selectinload(DeliveryRow.files))
        .limit(1)
    ).first()
    return (found[0], found[1]) if found else None


def fragments(session: Session, store: Store, product_id: int, partners: Sequence[Partner]) -> list[Fragment]:
    """The record that each partner last received, side by side."""
    found = ((partner, last_sent(session, product_id, partner.id)) for partner in partners)
    return [_fragment(store, partner.id, partner, *last) for partner, last in found if last]


def fragment(session: Session, store: Store, delivery_id: int, product_id: int, partner: Partner | None = None) -> Fragment:
    """One title in one delivery, as it was built. Raises `PermanentError` if the delivery does not hold it."""
    row = session.get(DeliveryRow, delivery_id)
    record = session.get(DeliveryRecordRow, (delivery_id, product_id))
    if row is None or record is None:
        raise PermanentError(f"delivery {delivery_id} holds no product {product_id}", todo="Look at the title's page.")
    return _fragment(store, row.partner, partner, record, row)


def _fragment(store: Store, name: str, partner: Partner | None, record: DeliveryRecordRow, row: DeliveryRow) -> Fragment:
    text, missing = "", ""
    if not record.artefact or not record.length:
        missing = f"{row.format or 'This format'} has no record to show by itself"
    else:
        try:
            body = store.read(record.artefact, record.offset, record.length)
            text = body.decode(partner.feed.encoding if partner else "utf-8", errors="replace")
        except PermanentError as gone:
            missing = str(gone)
    return Fragment(
        name,
        partner.name if partner else name,
        record.product_id,
        row.id,
        row.delivered_at,
        row.format,
        record.notification,
        record.digest,
        text,
        missing,
    )


def files(session: Session, *, name: str = "", sha256: str = "", isbn: str = "", limit: int = 100) -> list[FileSent]:
    """Where a file went: by its exact name, its sha256, or (covers) a name that begins with the ISBN. Newest first."""
    wanted = []
    if name:
        wanted.append(FileRow.name == name)
    if sha256:
        wanted.append(FileRow.sha256 == sha256.lower())
    if number := plain_isbn(isbn):
        wanted.append(begins(session, number))
    if not wanted:
        raise PermanentError("no file was named", todo="Give a name, a sha256 or an ISBN.")
    query = select(FileRow, DeliveryRow.partner).join(DeliveryRow, DeliveryRow.id == FileRow.delivery_id).where(or_(*wanted))
    return [
        FileSent(
            partner=partner,
            delivery_id=file.delivery_id,
            name=file.name,
            remote_path=file.remote_path,
            role=file.role,
            bytes=file.bytes,
            sha256=file.sha256,
            state=file.state,
            verified=file.verified,
            delivered_at=file.delivered_at,
        )
        for file, partner in session.execute(query.order_by(FileRow.id.desc()).limit(limit))
    ]
