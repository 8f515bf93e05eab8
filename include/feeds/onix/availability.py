"""ProductAvailability (List 65) where Consonance does not say it: from PublishingStatus (List 64) and the publication date."""

from __future__ import annotations

from datetime import date

from include.titles.model import Product

# List 64 status → List 65 availability. Each pair is one that List 65 allows: an active title is never "not yet
# available", a forthcoming one never "available".
BY_STATUS = {
    "01": "01",  # cancelled
    "02": "10",  # forthcoming: not yet available
    "03": "09",  # postponed indefinitely
    "04": "20",  # active: available, form unspecified
    "05": "43",  # no longer our product: no longer supplied by the supplier
    "06": "40",  # out of stock indefinitely: not available, reason unspecified (31 would promise a date)
    "07": "51",  # out of print: publisher indicates OP
    "08": "40",  # inactive
    "10": "47",  # remaindered
    "11": "46",  # withdrawn from sale
    "12": "49",  # recalled
    "13": "45",  # active, not sold separately
    "15": "49",  # recalled
    "16": "34",  # temporarily withdrawn from sale
    "17": "46",  # permanently withdrawn from sale
    "18": "50",  # active, but not sold as set
}
NOT_YET = frozenset({"10", "11", "12"})
"""Not yet available; List 65 asks for the expected date."""


def availability(product: Product, today: date) -> str:
    """As given, else by status. Where the status is unknown too, a day to come means 10, and else 99: contact supplier."""
    if product.availability:
        return product.availability
    if known := BY_STATUS.get(product.publishing_status):
        return known
    return "10" if product.publication_date and product.publication_date > today else "99"


def unpriced(product: Product, today: date) -> str:
    """UnpricedItemType (List 57) for a supply without any price."""
    now = availability(product, today)
    if now in {"45", "50"}:
        return {"45": "03", "50": "05"}[now]  # not sold separately, not sold as set
    return "02" if now in NOT_YET or now == "09" else "04"  # to be announced, or contact supplier
