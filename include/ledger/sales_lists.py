"""Lists of sales for pages and commands: batches, months and channels, products nobody knows. Each reads a page's worth, whatever there is.

The months' net amounts are heights of a picture and are added up by the database; every amount that a person reads is exact.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Float, cast, func, select
from sqlalchemy.orm import Session, selectinload

from include.ledger.models import ProductRow
from include.ledger.sales_rows import BatchState, SalesBatchRow, SalesCellRow, SalesPartRow, SalesPaymentRow, SalesProductRow, WorkbookRow

COUNTED = tuple(state for state in BatchState if state not in {BatchState.UNDONE, BatchState.REFUSED})
"""States of a batch whose lines are part of every total."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a list shows. Empty means all; `month` as 2026-09."""

    source: str = ""
    state: str = ""
    month: str = ""
    words: str = ""  # of a file's name


@dataclass(frozen=True, slots=True)
class Bar:
    """One month and channel of the picture: units sold less returned; `drawn` is the net in one currency, near enough to draw it.
    Where the report names no channel, the source stands for it."""

    month: str
    channel: str
    units: int
    usage: int
    drawn: float
    source: str = ""


def batches(session: Session, wish: Wish, *, before: int | None = None, limit: int = 50) -> list[SalesBatchRow]:
    """A page of batches with their parts, newest first; `before` is the last id of the page before."""
    query = _chosen(select(SalesBatchRow), wish).options(selectinload(SalesBatchRow.parts))
    if before is not None:
        query = query.where(SalesBatchRow.id < before)
    return list(session.scalars(query.order_by(SalesBatchRow.id.desc()).limit(limit)))


def states(session: Session, wish: Wish) -> dict[str, int]:
    """Number of batches in each state, whichever state was wished."""
    chosen = _chosen(select(SalesBatchRow.id, SalesBatchRow.state), Wish(wish.source, "", wish.month, wish.words)).subquery()
    counted = select(chosen.c.state, func.count()).group_by(chosen.c.state)
    return {str(row[0]): int(row[1]) for row in session.execute(counted)}


def sources(session: Session) -> list[str]:
    """Everybody of whom there is a batch, by id."""
    return list(session.scalars(select(SalesBatchRow.source).distinct().order_by(SalesBatchRow.source)))


def currencies(session: Session, source: str = "") -> list[str]:
    """Of all that counts, the one with most lines first."""
    query = (
        select(SalesPartRow.currency)
        .where(SalesPartRow.claim.is_not(None), SalesPartRow.currency != "")
        .group_by(SalesPartRow.currency)
        .order_by(func.sum(SalesPartRow.rows).desc(), SalesPartRow.currency)
    )
    return list(session.scalars(query.where(SalesPartRow.source == source) if source else query))


def months(session: Session, *, since: str, currency: str, source: str = "") -> list[Bar]:
    """Units and net (in `currency`) by month and channel, from the month `since` on, of batches that count."""
    counting = select(SalesBatchRow.id).where(SalesBatchRow.state.in_(COUNTED))
    if source:
        counting = counting.where(SalesBatchRow.source == source)
    cell = SalesCellRow
    sums = (
        func.sum(cell.sold - cell.returned),
        func.sum(cell.usage),
        func.sum(cast(cell.net, Float)).filter(cell.currency == currency),
    )
    # + 0: all of it stands in the index of months and channels, in this order; by batches each cell would have to be fetched
    by_channel = (
        select(cell.month, cell.channel, *sums)
        .where((cell.batch_id + 0).in_(counting), cell.month >= since)
        .group_by(cell.month, cell.channel)
        .order_by(cell.month, cell.channel)
    )
    found = [
        Bar(month, name, int(units or 0), int(usage or 0), float(net or 0))
        for month, name, units, usage, net in session.execute(by_channel)
    ]
    unnamed = sorted({bar.month for bar in found if not bar.channel})
    if not unnamed:
        return found
    by_source = (
        select(cell.month, SalesBatchRow.source, *sums)
        .join(SalesBatchRow, SalesBatchRow.id == cell.batch_id)
        .where(cell.month.in_(unnamed), cell.channel == "", SalesBatchRow.id.in_(counting))
        .group_by(cell.month, SalesBatchRow.source)
        .order_by(cell.month, SalesBatchRow.source)
    )
    return [bar for bar in found if bar.channel] + [
        Bar(month, "", int(units or 0), int(usage or 0), float(net or 0), name)
        for month, name, units, usage, net in session.execute(by_source)
    ]


def unmatched(
    session: Session,
    *,
    states: Collection[str] = ("unmatched",),
    source: str = "",
    batch: int | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[tuple[SalesProductRow, str]]:
    """A page of products that no title is known for, with their source; newest first."""
    query = (
        select(SalesProductRow, SalesBatchRow.source)
        .join(SalesBatchRow, SalesBatchRow.id == SalesProductRow.batch_id)
        .where(SalesProductRow.state.in_(list(states)), SalesBatchRow.state.in_(COUNTED))
    )
    if source:
        query = query.where(SalesBatchRow.source == source)
    if batch is not None:
        query = query.where(SalesProductRow.batch_id == batch)
    if before is not None:
        query = query.where(SalesProductRow.id < before)
    return [(row, name) for row, name in session.execute(query.order_by(SalesProductRow.id.desc()).limit(limit))]


def unmatched_count(session: Session, *, batch: int | None = None) -> int:
    query = (
        select(func.count())
        .select_from(SalesProductRow)
        .join(SalesBatchRow, SalesBatchRow.id == SalesProductRow.batch_id)
        .where(SalesProductRow.state == "unmatched", SalesBatchRow.state.in_(COUNTED))
    )
    return int(session.scalar(query.where(SalesProductRow.batch_id == batch) if batch is not None else query) or 0)


def products_of(session: Session, batch: int, *, limit: int = 50) -> list[tuple[SalesProductRow, ProductRow | None]]:
    """The batch's products with the titles they are, those with most units first."""
    query = (
        select(SalesProductRow, ProductRow)
        .outerjoin(ProductRow, ProductRow.id == SalesProductRow.product_id)
        .where(SalesProductRow.batch_id == batch)
        .order_by((SalesProductRow.sold - SalesProductRow.returned + SalesProductRow.usage).desc(), SalesProductRow.id)
    )
    return [(row, product) for row, product in session.execute(query.limit(limit))]


def of_title(session: Session, product_id: int, *, limit: int = 60) -> list[tuple[SalesProductRow, SalesBatchRow]]:
    """What the title sold, batch by batch, newest period first."""
    query = (
        select(SalesProductRow, SalesBatchRow)
        .join(SalesBatchRow, SalesBatchRow.id == SalesProductRow.batch_id)
        .where(SalesProductRow.product_id == product_id, SalesBatchRow.state.in_(COUNTED))
        .order_by(SalesBatchRow.period_from.desc(), SalesBatchRow.id.desc())
    )
    return [(row, batch) for row, batch in session.execute(query.limit(limit))]


def workbooks_of(session: Session, batch: int) -> list[WorkbookRow]:
    """Import workbooks that hold this batch's lines."""
    query = select(WorkbookRow).where(WorkbookRow.kind == "sales").order_by(WorkbookRow.id.desc()).limit(500)
    return [row for row in session.scalars(query) if any(one.get("sales batch") == batch for one in row.sources)]


def payments(session: Session, *, limit: int = 40) -> list[SalesPaymentRow]:
    """What sources paid, as it was entered, newest first."""
    return list(session.scalars(select(SalesPaymentRow).order_by(SalesPaymentRow.id.desc()).limit(limit)))


def net_of(parts: Sequence[SalesPartRow]) -> dict[str, Decimal]:
    """Exact net by currency."""
    found: dict[str, Decimal] = {}
    for part in parts:
        if part.currency:
            found[part.currency] = found.get(part.currency, Decimal(0)) + part.net
    return found


def _chosen(query: Any, wish: Wish) -> Any:
    if wish.source:
        query = query.where(SalesBatchRow.source == wish.source)
    if wish.state:
        query = query.where(SalesBatchRow.state == wish.state)
    if wish.month:
        query = query.where(SalesBatchRow.period_from <= f"{wish.month}-31", SalesBatchRow.period_to >= f"{wish.month}-01")
    if wish.words:
        query = query.where(SalesBatchRow.name.icontains(wish.words, autoescape=True))
    return query
