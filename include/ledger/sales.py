"""Batches of sales: found, claimed part by part, undone and brought back.

A part (source, period, currency) counts while its `claim` stands: source, period, currency and a number, unique in the database. Who
changes a source's batches takes its turn first, so that what was decided from looking at them is still so when it is written.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, text
from sqlalchemy.orm import Session, selectinload

from include.errors import PermanentError
from include.ledger.deliveries import record_event
from include.ledger.sales_lists import COUNTED
from include.ledger.sales_rows import BatchState, SalesBatchRow, SalesCellRow, SalesPartRow, SalesProductRow

TURN = 0x53414C45  # "SALE": first half of the advisory locks on PostgreSQL
CHUNK = 2_000  # rows in one statement


def turn(session: Session, source: str) -> None:
    """Until the transaction's end nobody else changes batches of this source. SQLite has one writer at a time anyhow."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:space, hashtext(:source))"), {"space": TURN, "source": source})


def get(session: Session, id: int, *, lock: bool = False) -> SalesBatchRow:
    """Raises `PermanentError` if there is no such batch."""
    row = session.get(SalesBatchRow, id, with_for_update=lock, populate_existing=lock) if 0 < id < 2**63 else None
    if row is None:
        raise PermanentError(f"there is no batch {id}", todo="Look at the page Sales.")
    return row


def standing(session: Session, source: str) -> list[SalesPartRow]:
    """Parts of this source that count, with their batches, oldest batch first."""
    query = (
        select(SalesPartRow)
        .where(SalesPartRow.source == source, SalesPartRow.claim.is_not(None))
        .options(selectinload(SalesPartRow.batch).selectinload(SalesBatchRow.parts))
    )
    return list(session.scalars(query.order_by(SalesPartRow.batch_id, SalesPartRow.id)))


def of_intake(session: Session, intake_id: int) -> SalesBatchRow | None:
    """The batch that an arrival became, while it counts."""
    query = select(SalesBatchRow).where(SalesBatchRow.intake_id == intake_id, SalesBatchRow.state.in_(COUNTED))
    return session.scalar(query.order_by(SalesBatchRow.id.desc()).limit(1))


def elsewhere(session: Session, sha256: str, source: str) -> SalesBatchRow | None:
    """A batch of another source that counts and came from the same bytes."""
    query = select(SalesBatchRow).where(SalesBatchRow.sha256 == sha256, SalesBatchRow.source != source, SalesBatchRow.state.in_(COUNTED))
    return session.scalar(query.order_by(SalesBatchRow.id).limit(1))


def refused(session: Session, source: str, digest: str, sha256: str) -> SalesBatchRow | None:
    """A batch of the same file and lines that was refused, whether a person has left it out since or not."""
    query = select(SalesBatchRow).where(
        SalesBatchRow.source == source, SalesBatchRow.digest == digest, SalesBatchRow.sha256 == sha256,
        SalesBatchRow.state == BatchState.REFUSED,
    )  # fmt: skip
    return session.scalar(query.order_by(SalesBatchRow.id.desc()).limit(1))


def claim(session: Session, part: SalesPartRow) -> None:
    """From now on this part counts, as the next of its source, period and currency."""
    stem = f"{part.source} {part.period} {part.currency} "
    query = select(SalesPartRow.claim).where(
        SalesPartRow.source == part.source, SalesPartRow.period == part.period, SalesPartRow.currency == part.currency,
        SalesPartRow.claim.is_not(None),
    )  # fmt: skip
    taken = [int(name.rpartition(" ")[2]) for name in session.scalars(query) if name]
    part.claim = f"{stem}{max(taken, default=0) + 1}"
    session.flush()


def release(session: Session, batch: SalesBatchRow) -> None:
    for part in batch.parts:
        part.claim = None
    session.flush()


def restore(session: Session, batch: SalesBatchRow) -> None:
    for part in batch.parts:
        claim(session, part)


def replaced_by(session: Session, id: int) -> list[SalesBatchRow]:
    """Batches that this one has undone, oldest first."""
    query = select(SalesBatchRow).where(SalesBatchRow.replaced_by_id == id, SalesBatchRow.state == BatchState.UNDONE)
    return list(session.scalars(query.order_by(SalesBatchRow.id).with_for_update()))


def add_cells(session: Session, rows: Iterator[dict[str, Any]]) -> None:
    _insert(session, SalesCellRow, rows)


def add_products(session: Session, rows: Iterator[dict[str, Any]]) -> None:
    _insert(session, SalesProductRow, rows)


def titles_of(session: Session, batch_id: int) -> Iterator[tuple[str, str, int | None, int | None]]:
    """Type and value of each product of a batch, with the work and the product that it is; None where nobody knows."""
    query = select(SalesProductRow.id_type, SalesProductRow.id_value, SalesProductRow.work_id, SalesProductRow.product_id)
    for row in session.execute(query.where(SalesProductRow.batch_id == batch_id).execution_options(yield_per=CHUNK)):
        yield row[0], row[1], row[2], row[3]


def said(session: Session, what: str, batch: SalesBatchRow, *, now: datetime, who: str, **about: Any) -> None:
    """An event about a batch."""
    detail = {"sales batch": batch.id, "source": batch.source, **about}
    record_event(session, what=what, now=now, who=who, subject=batch.name, bytes=batch.bytes, sha256=batch.sha256, detail=detail)


def _insert(session: Session, table: type[Any], rows: Iterator[dict[str, Any]]) -> None:
    chunk: list[dict[str, Any]] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            session.execute(insert(table.__table__), chunk)
            chunk = []
    if chunk:
        session.execute(insert(table.__table__), chunk)
