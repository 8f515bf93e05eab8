"""Periods of reports: months, quarters, halves of a year, years. A part of a batch belongs to the one in which its own period ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from include.errors import ConfigurationError
from include.sales import periods

MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """Both days included. `name`: 2026-10, 2026-Q3, 2026-H2, 2026."""

    first: date
    last: date
    name: str


def span_of(day: date, every: str) -> Span:
    """The one that holds the day."""
    months = MONTHS[every]
    start = (day.month - 1) // months * months + 1
    first = day.replace(month=start, day=1)
    after = first.replace(year=first.year + (start + months > 12), month=(start + months - 1) % 12 + 1)
    number = (start - 1) // months + 1
    name = {1: f"{first:%Y-%m}", 3: f"{first.year}-Q{number}", 6: f"{first.year}-H{number}", 12: f"{first.year}"}[months]
    return Span(first, after - timedelta(days=1), name)


def newest(today: date, every: str) -> Span:
    """The last one that has ended."""
    return span_of(span_of(today, every).first - timedelta(days=1), every)


def named(name: str, every: str) -> Span:
    """The one that bears this name. Raises `ConfigurationError` if none does."""
    year = name.partition("-")[0]
    months = MONTHS[every]
    if year.isdigit() and len(year) == 4 and int(year):
        for start in range(1, 13, months):
            if (found := span_of(date(int(year), start, 1), every)).name == name:
                return found
    examples = {1: "2026-10", 3: "2026-Q3", 6: "2026-H2", 12: "2026"}
    raise ConfigurationError(f"{name!r} is no period of this report", where="--period", todo=f"Write it as in {examples[months]}.")


def ended(parts: Iterable[str], today: date, every: str, most: int) -> dict[Span, set[str]]:
    """The `most` last ended spans, as far as parts belong to them, newest first and the very last always: span → periods of parts."""
    last = newest(today, every)
    found: dict[Span, set[str]] = {last: set()}
    for part in parts:
        span = span_of(periods.days(part).last, every)
        if span.last <= last.last and _months_between(span.first, last.first) < most * MONTHS[every]:
            found.setdefault(span, set()).add(part)
    return dict(sorted(found.items(), reverse=True))


def of_span(parts: Iterable[str], span: Span) -> set[str]:
    return {part for part in parts if span.first <= periods.days(part).last <= span.last}


def _months_between(first: date, last: date) -> int:
    return (last.year - first.year) * 12 + last.month - first.month
