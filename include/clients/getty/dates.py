"""Getty's moments and windows of time.

Moments are written in UTC (`2026-11-21T08:00:00Z`); older records show offsets, or no zone at all.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

WINDOW = timedelta(days=30)
"""Histories give the last 30 days by default; whether more can be asked for at once is not said, so it is not tried."""


def moment(value: Any) -> datetime | None:
    """An aware moment in UTC; one without a zone is taken as UTC. None for what is absent or can't be read."""
    if not isinstance(value, str) or not value.strip():
        return None
    try:
        found = datetime.fromisoformat(value.strip())
    except ValueError:
        return None
    if found.year == 1:  # how .NET writes a date that was never set
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def windows(since: date, until: date, longest: timedelta = WINDOW) -> Iterator[tuple[date, date]]:
    """Pairs of days from `since` to `until`, oldest first, none longer than 30 days; 400 days are 14 pairs.

    A pair begins on the day on which the last one ended: whether Getty counts the last day in is not said. What is seen
    twice by that is the reader's to drop.
    """
    while since < until:
        end = min(since + longest, until)
        yield since, end
        since = end


def iso(day: date) -> str:
    return day.isoformat()
