"""Sections of a title's page beside its record: covers with their versions, licences of its images, sales and usage."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from colophon.ui import roles
from colophon.ui.sales import known_sources
from colophon.ui.shell import User
from include.ledger import cover_lists, licence_lists, sales_lists, usage
from include.ledger.models import ProductRow

LICENCES = 100
BATCHES = 60


def sections(session: Session, user: User, product: ProductRow | None) -> dict[str, Any]:
    """Values for the template `title_sections.html`; nothing for a title that left the mirror."""
    if product is None:
        return {"kinds_of_covers": (), "licences": (), "sales": (), "usage": ()}
    licences = licence_lists.of_work(session, product.work_id, limit=LICENCES + 1)
    told = sales_lists.of_title(session, product.id, limit=BATCHES + 1)
    sales = [(row, batch) for row, batch in told[:BATCHES] if row.sold or row.returned or row.net]  # usage has a table of its own
    read = usage.of_work(session, product.work_id, limit=BATCHES + 1)
    return {
        "kinds_of_covers": cover_lists.of_product(session, product.id, product.work_id),
        "licences": licences[:LICENCES],
        "more_licences": len(licences) > LICENCES,
        "licence_flags": licence_lists.open_flags(session, [row.id for row in licences[:LICENCES]]),
        "served": licence_lists.served(session, licences[:LICENCES]),
        "sales": sales,
        "more_sales": len(told) > BATCHES,
        "sales_net": net(sales),
        "usage": read[:BATCHES],
        "more_usage": len(read) > BATCHES,
        "sources": {one.id: one.name for one in known_sources()[0]},
        "today": datetime.now(UTC).date().isoformat(),
        "may_see": roles.may(user),
    }


def net(sales: list[Any]) -> dict[str, Decimal]:
    """Exact net by currency of these batches."""
    found: dict[str, Decimal] = {}
    for row, _ in sales:
        for currency, amount in row.net.items():
            found[currency] = found.get(currency, Decimal(0)) + Decimal(str(amount))
    return found
