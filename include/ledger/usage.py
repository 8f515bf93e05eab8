"""Usage that is no sale (pages read, loans, requests) of one title, as its page shows it. Reports that count, newest first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from include.ledger.sales_lists import COUNTED
from include.ledger.sales_rows import SalesBatchRow, SalesProductRow


@dataclass(frozen=True, slots=True)
class TitleUsage:
    """What one report says of one work. `product_id` is None where the report names the work alone, or editions that are not told apart."""

    batch_id: int
    source: str
    layout: str
    period_from: str
    period_to: str
    product_id: int | None
    units: int


def of_work(session: Session, work_id: int, *, limit: int = 200) -> list[TitleUsage]:
    """Each report in which something of this work was read, lent or asked for."""
    batch, product = SalesBatchRow, SalesProductRow
    query = (
        select(batch.id, batch.source, batch.layout, batch.period_from, batch.period_to, product.product_id, func.sum(product.usage))
        .join(product, product.batch_id == batch.id)
        .where(product.work_id == work_id, product.usage != 0, product.state != "ignored", batch.state.in_(COUNTED))
        .group_by(batch.id, batch.source, batch.layout, batch.period_from, batch.period_to, product.product_id)
        .order_by(batch.period_to.desc(), batch.id.desc(), product.product_id)
        .limit(limit)
    )
    return [TitleUsage(*row[:6], units=int(row[6] or 0)) for row in session.execute(query)]
