"""What the calendar alone changes in a record: the notification type, and until when a record stays as it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from include.feeds.onix.availability import BY_STATUS
from include.titles.model import Product

EARLY, ADVANCE, CONFIRMED, UPDATE, TEST_UPDATE, TEST = "01", "02", "03", "04", "88", "89"  # List 1
WITHOUT_DATE = frozenset({"01", "03"})
"""List 64: cancelled and postponed titles carry no publication date."""
SIX_MONTHS = timedelta(days=183)
_PUBLISHED = frozenset(BY_STATUS) - {"01", "02", "03"}


def notification(product: Product, today: date) -> str:
    """List 1: early until about six months before publication, then advance, and confirmed from the day itself.

    Without a date the status decides: what was published once is confirmed.
    """
    day = product.publication_date or product.planned_date
    if day is None:
        return CONFIRMED if product.publishing_status in _PUBLISHED else EARLY
    if day <= today:
        return CONFIRMED
    return ADVANCE if day - today <= SIX_MONTHS else EARLY


def compact(day: date) -> str:
    """YYYYMMDD, List 55 format 00; years before 1000 keep their zeroes."""
    return f"{day.year:04d}{day.month:02d}{day.day:02d}"


def stable_until(product: Product, today: date, others: Iterable[date]) -> date | None:
    """The first day after today on which the record may differ: notification, availability, or one of the other days."""
    days = set(others)
    if day := product.publication_date or product.planned_date:
        days.add(day)
        if day - date.min > SIX_MONTHS:
            days.add(day - SIX_MONTHS)
    return min((day for day in days if day > today), default=None)
