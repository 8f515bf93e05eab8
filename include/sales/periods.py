"""Periods of reports: a month (`2026-09`) or from a day to a day (`2026-08-30/2026-10-03`), both included."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date

from include.errors import RejectedData


@dataclass(frozen=True, order=True, slots=True)
class Days:
    """From a day to a day, both included."""

    first: date
    last: date

    def meets(self, other: Days) -> bool:
        return self.first <= other.last and other.first <= self.last

    def holds(self, other: Days) -> bool:
        return self.first <= other.first and other.last <= self.last

    def with_(self, other: Days) -> Days:
        return Days(min(self.first, other.first), max(self.last, other.last))


def days(period: str) -> Days:
    """Raises `RejectedData` for what is no period."""
    first, _, last = period.partition("/")
    try:
        found = Days(_day(first, end=False), _day(last or first, end=True))
    except ValueError as bad:
        raise RejectedData(f"{period!r} is no period", todo="Periods are 2026-09 or 2026-08-30/2026-10-03.") from bad
    if found.last < found.first:
        raise RejectedData(f"the period {period!r} ends before it begins", todo="Look at the report's own dates.")
    return found


def month(period: str, ordinal: int) -> str:
    """The month in which a line of this period counts, for charts. `ordinal` is its day's number of days since 1970-01-01.

    A month's report counts in its month, whenever the day was. Of a longer or shorter one a line counts by its day; where that is only
    the period's last one, by the day in the middle, since a fiscal September may end in October.
    """
    if period and "/" not in period:
        return period[:7]
    day = date.fromordinal(date(1970, 1, 1).toordinal() + ordinal)
    if period and (whole := days(period)).last == day:
        day = whole.first + (whole.last - whole.first) // 2
    return f"{day:%Y-%m}"


def of(first: date, last: date) -> str:
    """How this period is written."""
    return f"{first:%Y-%m}" if first.day == 1 and last == last_of_month(first) else f"{first}/{last}"


def last_of_month(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _day(text: str, *, end: bool) -> date:
    if len(text) == 7:
        first = date.fromisoformat(f"{text}-01")
        return last_of_month(first) if end else first
    return date.fromisoformat(text)
