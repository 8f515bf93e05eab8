"""The titles of one party: its own and no others, by date of publication."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.feeds.selection import left_out_by
from include.ledger import readiness
from include.ledger.models import ProductRow, WorkRow
from include.ledger.readiness import Key, Wish
from include.partners.tables import ProductFilter
from include.readiness.assess import before
from include.readiness.columns import Line
from include.titles import codec
from include.titles.model import Product

PAGE = 500


def lines(session: Session, wanted: ProductFilter, today: date, *, published_days: int = 30, wish: Wish | None = None) -> Iterator[Line]:
    """Titles that this filter lets through, as last assessed. Published ones drop out after `published_days`.

    Unlike a feed, which holds back and complains, a value that is not known leaves a title out here where the filter asks for it: a
    vendor must not see what may be another's.
    """
    cutoff = before(today, published_days) or today
    asked = wish or Wish(unpublished_since=cutoff.isoformat())
    after: Key | None = None
    while page := readiness.page(session, asked, after=after, limit=PAGE):
        after = readiness.key_of(page[-1])
        products = products_of(session, [row.product_id for row in page])
        for row in page:
            session.expunge(row)
            product = products.get(row.product_id)
            if product is not None and is_for(product, wanted, today):
                yield Line(row, product)


def is_for(product: Product, wanted: ProductFilter, today: date) -> bool:
    """Whether the filter lets the product through, and says so of something that is known."""
    if (wanted.forms and not product.form) or (wanted.statuses and not product.publishing_status):
        return False
    rights_known = product.sold_worldwide or product.sold_in or product.not_sold_in
    if (wanted.markets and not rights_known) or (wanted.horizon_months and product.publication_date is None):
        return False
    return not left_out_by(product, wanted, today)


def products_of(session: Session, product_ids: list[int]) -> dict[int, Product]:
    """Living products by id, with their works."""
    query = select(ProductRow.id, ProductRow.content, WorkRow.id, WorkRow.content).join(WorkRow, WorkRow.id == ProductRow.work_id)
    query = query.where(ProductRow.id.in_(product_ids), ProductRow.deleted_at.is_(None), WorkRow.deleted_at.is_(None))
    works, found = {}, {}
    for id, content, work_id, work_content in session.execute(query):
        if work_id not in works:
            works[work_id] = codec.decode_work(work_content)
        found[id] = codec.decode_product(content, works[work_id])
    return found
