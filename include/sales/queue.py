"""What a person says to a product that no title is known for: it is this title, or none of ours; remembered for its source, or once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger import sales
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.models import ProductRow, WorkRow
from include.ledger.sales_rows import SalesAliasRow, SalesBatchRow, SalesProductRow

PAGE = "Publishing → Sales"


@dataclass(frozen=True, slots=True)
class Decided:
    """`rows`: products of batches that this settled; `batches`: theirs, whose lines can go on now."""

    rows: int
    batches: tuple[int, ...]
    why: str


def decide(
    ledger: Ledger,
    row_id: int,
    *,
    product_id: int | None = None,
    work_id: int | None = None,
    remember: bool = True,
    now: datetime,
    who: str,
) -> Decided:
    """Says which product (or, of usage, which work) it is; neither means: none of ours.

    `remember` writes it down for the source and settles the same identifier wherever it waits; else only this row. Said twice, it does
    nothing the second time. Raises `PermanentError` where the row or the title is not there, or its sales are in a workbook already.
    """
    with ledger.session() as session:
        sender = select(SalesBatchRow.source).join(SalesProductRow, SalesProductRow.batch_id == SalesBatchRow.id)
        sales.turn(session, session.scalar(sender.where(SalesProductRow.id == row_id)) or "")  # the same may be said of another row
        row, source = _row(session, row_id)
        work_id, title = _title(session, row, product_id, work_id)
        state = "matched" if work_id is not None else "ignored"
        why = (f"As {who} said: {title}" if title else f"None of ours, as {who} said")[:200]
        rows = [row]
        if remember:
            _remember(session, row, source, product_id, work_id, now, who)
            rows += [one for one in _same(session, row, source) if product_id is not None or work_id is None or is_usage(one)]
        changed = [one for one in rows if (one.state, one.work_id, one.product_id) != (state, work_id, product_id)]
        for one in changed:
            if one.workbook_id:
                raise PermanentError(
                    f"its sales are in workbook {one.workbook_id} already", where=f"batch {one.batch_id}, {one.id_type} {one.id_value}",
                    todo="Undo the batch first, or correct the title in Consonance.",
                )  # fmt: skip
            one.state, one.work_id, one.product_id, one.why = state, work_id, product_id, why
            one.decided_at, one.decided_by = now, who
        batches = tuple(sorted({one.batch_id for one in changed}))
        if changed:
            told = {"source": source, "type": row.id_type, "value": row.id_value, "product_id": product_id, "work_id": work_id}
            record_event(
                session, what="sales product decided", now=now, who=who, subject=title or row.title, detail=told | {"rows": len(changed)}
            )
    return Decided(len(changed), batches, why)


def reopen(ledger: Ledger, row_id: int, *, now: datetime, who: str) -> Decided:
    """Takes back what was decided or matched: the row waits again, and so does everything that the same word had settled.

    Raises `PermanentError` where the row is not there or its sales are in a workbook already.
    """
    with ledger.session() as session:
        row, source = _row(session, row_id)
        alias = session.scalar(select(SalesAliasRow).where(*_alias(row, source)))
        rows = [row, *(_settled_like(session, row, source) if alias is not None else ())]
        if alias is not None:
            session.delete(alias)
        changed = [one for one in rows if one.state != "unmatched" and (one is row or not one.workbook_id)]
        if row.workbook_id:  # 0: there is nothing to load
            raise PermanentError(
                f"its sales are in workbook {row.workbook_id}", where=f"batch {row.batch_id}", todo="Undo the batch first."
            )
        for one in changed:
            one.state, one.work_id, one.product_id, one.why = "unmatched", None, None, f"Opened again by {who}"[:200]
            one.decided_at, one.decided_by = now, who
        if changed:
            told = {"source": source, "type": row.id_type, "value": row.id_value, "rows": len(changed)}
            record_event(session, what="sales product reopened", now=now, who=who, subject=row.title, detail=told)
    return Decided(len(changed), tuple(sorted({one.batch_id for one in changed})), "")


def is_usage(row: SalesProductRow) -> bool:
    """Whether the product was only read, never sold: then its work is enough to know."""
    return not (row.sold or row.returned or row.net)


def _row(session: Session, row_id: int) -> tuple[SalesProductRow, str]:
    row = session.get(SalesProductRow, row_id, with_for_update=True)
    batch = session.get(SalesBatchRow, row.batch_id) if row is not None else None
    if row is None or batch is None:
        raise PermanentError(f"there is no product {row_id} of a report", where=PAGE, todo="Load the page again.")
    return row, batch.source


def _title(session: Session, row: SalesProductRow, product_id: int | None, work_id: int | None) -> tuple[int | None, str]:
    """The work and what a person calls it; nothing for "none of ours"."""
    if product_id is not None:
        product = session.get(ProductRow, product_id)
        if product is None or product.deleted_at is not None:
            raise PermanentError(
                f"Consonance has no product {product_id}", where=PAGE, todo="Choose another edition, or run catalogue_sync."
            )
        return product.work_id, f"{product.title} ({product.isbn or product.id})"
    if work_id is None:
        return None, ""
    work = session.get(WorkRow, work_id)
    if work is None or work.deleted_at is not None:
        raise PermanentError(f"Consonance has no work {work_id}", where=PAGE, todo="Choose another title, or run catalogue_sync.")
    if not is_usage(row):
        raise PermanentError("sales are an edition's, not a work's", where=f"{row.id_type} {row.id_value}", todo="Choose the edition.")
    return work.id, work.title


def _alias(row: SalesProductRow, source: str) -> tuple[ColumnElement[bool], ...]:
    return SalesAliasRow.source == source, SalesAliasRow.id_type == row.id_type, SalesAliasRow.id_value == row.id_value


def _remember(
    session: Session, row: SalesProductRow, source: str, product_id: int | None, work_id: int | None, now: datetime, who: str
) -> None:
    """The newest word counts."""
    alias = session.scalar(select(SalesAliasRow).where(*_alias(row, source)).with_for_update())
    if alias is None:
        named = {"source": source, "id_type": row.id_type, "id_value": row.id_value}
        session.add(SalesAliasRow(**named, product_id=product_id, work_id=work_id, created_at=now, created_by=who))
    elif (alias.product_id, alias.work_id) != (product_id, work_id):
        alias.product_id, alias.work_id, alias.created_at, alias.created_by = product_id, work_id, now, who


def _same(session: Session, row: SalesProductRow, source: str) -> Sequence[SalesProductRow]:
    """The same identifier of the same source, wherever it waits."""
    return session.scalars(_like(row, source).where(SalesProductRow.state == "unmatched")).all()


def _settled_like(session: Session, row: SalesProductRow, source: str) -> Sequence[SalesProductRow]:
    return session.scalars(_like(row, source).where(SalesProductRow.state == row.state, SalesProductRow.decided_by != "")).all()


def _like(row: SalesProductRow, source: str) -> Select[SalesProductRow]:
    return (
        select(SalesProductRow)
        .join(SalesBatchRow, SalesBatchRow.id == SalesProductRow.batch_id)
        .where(SalesBatchRow.source == source, SalesProductRow.id_type == row.id_type, SalesProductRow.id_value == row.id_value)
        .where(SalesProductRow.id != row.id)
        .order_by(SalesProductRow.id)
        .with_for_update(of=SalesProductRow)
    )
