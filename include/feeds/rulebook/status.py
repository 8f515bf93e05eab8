"""Rules about where a product stands: publishing status, dates, availability."""

from __future__ import annotations

from datetime import timedelta

from include.feeds import codelists
from include.feeds.rulebook.case import Case, rule

GRACE = timedelta(days=14)
FORTHCOMING, ACTIVE = "02", "04"  # List 64
AVAILABLE = frozenset({"20", "21", "22", "23"})  # List 65
IMPOSSIBLE = {  # List 64 status → List 65 availabilities that contradict it
    ACTIVE: frozenset({"01", "10", "11", "12"}),
    FORTHCOMING: AVAILABLE,
    "01": AVAILABLE,  # cancelled
    "07": AVAILABLE,  # out of print
    "08": AVAILABLE,  # inactive
    "11": AVAILABLE,  # withdrawn from sale
}


def _named(number: int, code: str) -> str:
    heading = codelists.label(number, code)
    return f"{code} ({heading})" if heading else code


@rule("publishing-status-missing", todo="Choose the publishing status.", path="PublishingDetail/PublishingStatus")
def publishing_status_missing(case: Case) -> str:
    """A product has a publishing status. Source: ONIX P.20, List 64; Consonance's checks."""
    return "" if case.product.publishing_status.strip() else "there is no publishing status"


@rule("publication-date-missing", todo="Enter the publication date, even if it is a plan.", path="PublishingDetail/PublishingDate")
def publication_date_missing(case: Case) -> str:
    """A product has a publication date. Source: ONIX P.20, List 163 code 01; Thoth's gates; Consonance's checks; Google Play."""
    return "" if case.product.publication_date else "there is no publication date"


@rule(
    "status-date-conflict",
    todo="Set the status that is true today, or correct the date.",
    path="PublishingDetail/PublishingStatus",
)
def status_date_conflict(case: Case) -> str:
    """Not forthcoming (02) more than 14 days after publication, nor active (04) more than 14 days before it. Source: ONIX Lists 64, 163."""
    status, published = case.product.publishing_status, case.product.publication_date
    if published is None:
        return ""
    if status == FORTHCOMING and published < case.today - GRACE:
        return f"status is {_named(64, status)}, but the publication date {published} is {(case.today - published).days} days past"
    if status == ACTIVE and published > case.today + GRACE:
        return f"status is {_named(64, status)}, but the publication date {published} is {(published - case.today).days} days ahead"
    return ""


@rule(
    "availability-conflict",
    todo="Correct the availability or the publishing status.",
    path="ProductSupply/SupplyDetail/ProductAvailability",
)
def availability_conflict(case: Case) -> str:
    """An availability that is given is possible with the publishing status: an active product is not still to come, a
    forthcoming, cancelled, inactive, out-of-print or withdrawn one is not available. Source: ONIX Lists 64, 65."""
    status, availability = case.product.publishing_status, case.product.availability
    if availability not in IMPOSSIBLE.get(status, ()):
        return ""
    return f"availability {_named(65, availability)} can't go with publishing status {_named(64, status)}"
