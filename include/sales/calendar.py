"""Which reports should be there, and which are late: by each source's `[expected]` table and what was loaded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.ledger.sales_lists import COUNTED
from include.ledger.sales_rows import BatchState, SalesBatchRow, SalesPartRow
from include.partners.sources import Expected, SalesSource
from include.sales.periods import Days, of

SHOWN = 24  # periods of one source, the newest ones
_MONTHS = {"month": 1, "quarter": 3, "half-year": 6, "year": 12}


@dataclass(frozen=True, slots=True)
class Due:
    """One report that is expected. `currency` is empty where any will do.

    `state`: there; waiting (it came, and a person must say whether it counts); expected (there is time yet); late.
    """

    source: str
    name: str
    period: str  # 2026-09, or from/to
    days: Days
    due_on: date
    state: str
    currency: str = ""
    batches: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """By which a notice is known to have been given."""
        return f"{self.source} {self.period}{f' {self.currency}' if self.currency else ''}"

    def days_late(self, today: date) -> int:
        return max(0, (today - self.due_on).days)


@dataclass(frozen=True, slots=True)
class _Loaded:
    batch: int
    days: Days
    currencies: frozenset[str]
    counts: bool


def expected(session: Session, sources: Sequence[SalesSource], today: date) -> list[Due]:
    """Every period that is over, from the source's first one on (at most 24 of each), oldest first.

    A period counts as reported when a batch that counts covers its middle: shops' months begin a day early or late. A source that never
    sent anything and has no `since` expects nothing.
    """
    loaded = _loaded(session, [source.id for source in sources])
    found = [due for source in sources if source.enabled for due in _of_source(source, loaded.get(source.id, []), today)]
    return sorted(found, key=lambda due: (due.due_on, due.source, due.currency))


def late(session: Session, sources: Sequence[SalesSource], today: date) -> list[Due]:
    return [due for due in expected(session, sources, today) if due.state == "late"]


def _of_source(source: SalesSource, loaded: Sequence[_Loaded], today: date) -> Iterator[Due]:
    rule = source.expected
    first = min((one.days.first for one in loaded if one.counts), default=None)
    start = date.fromisoformat(f"{rule.since}-01") if rule.since else first
    if not rule.every or start is None:
        return
    over = [days for days in periods(rule, start, today) if days.last < today]
    for days in over[-SHOWN:]:
        middle = days.first + (days.last - days.first) // 2
        for currency in rule.currencies or ("",):
            here = [one for one in loaded if one.days.first <= middle <= one.days.last and (not currency or currency in one.currencies)]
            due_on = days.last + timedelta(days=rule.due_days)
            counting = any(one.counts for one in here)
            state = "there" if counting else "waiting" if here else "late" if today > due_on else "expected"
            yield Due(source.id, source.name, of(days.first, days.last), days, due_on, state, currency, tuple(one.batch for one in here))


def periods(rule: Expected, start: date, until: date) -> Iterator[Days]:
    """The periods of a source from the one that holds `start`, as long as they begin by `until`."""
    if rule.fiscal == "apple" and rule.every == "month":
        # A first month that is only named, or a report's first day: either way the fiscal month that holds its middle.
        yield from (days for days in fiscal_months(start, until) if days.last >= start + timedelta(days=7))
        return
    first = _first_day(rule.every, start)
    while first <= until:
        following = _following(rule.every, first)
        yield Days(first, following - timedelta(days=1))
        first = following


def fiscal_months(start: date, until: date) -> Iterator[Days]:
    """Apple's fiscal months: each quarter has 35, 28 and 28 days; the year begins on the Sunday after September's last Saturday, and a
    year of 53 weeks gives its odd week to December (as in 2023)."""
    for year in range(start.year, until.year + 2):
        first, ends = (_last_saturday_of_september(one) for one in (year - 1, year))
        weeks = [5, 4, 4] * 4
        if (ends - first).days == 53 * 7:
            weeks[2] = 5
        day = first + timedelta(days=1)
        for count in weeks:
            days = Days(day, day + timedelta(days=7 * count - 1))
            if days.last >= start and days.first <= until:
                yield days
            day += timedelta(days=7 * count)


def _last_saturday_of_september(year: int) -> date:
    last = date(year, 9, 30)
    return last - timedelta(days=(last.weekday() - 5) % 7)


def _first_day(every: str, day: date) -> date:
    if every == "day":
        return day
    if every == "week":
        return day - timedelta(days=day.weekday())
    months = _MONTHS[every]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def _following(every: str, first: date) -> date:
    if every in {"day", "week"}:
        return first + timedelta(days=1 if every == "day" else 7)
    months = first.year * 12 + first.month - 1 + _MONTHS[every]
    return date(months // 12, months % 12 + 1, 1)


def _loaded(session: Session, sources: Sequence[str]) -> dict[str, list[_Loaded]]:
    """What counts, and what was refused and waits for a person, by source, with the currencies that each batch has."""
    batch = SalesBatchRow
    waits = (batch.state == BatchState.REFUSED) & batch.decided_at.is_(None) & (batch.period_from != "")
    query = (
        select(batch.source, batch.id, batch.period_from, batch.period_to, batch.state, SalesPartRow.currency)
        .outerjoin(SalesPartRow, SalesPartRow.batch_id == batch.id)
        .where(batch.source.in_(list(sources)), batch.state.in_(COUNTED) | waits)
        .order_by(batch.id)
    )
    found: dict[str, dict[int, tuple[Days, bool, set[str]]]] = {}
    for source, number, first, last, state, currency in session.execute(query):
        if not first or not last:
            continue
        days = Days(date.fromisoformat(first), date.fromisoformat(last))
        found.setdefault(source, {}).setdefault(number, (days, state in COUNTED, set()))[2].add(currency or "")
    return {
        source: [_Loaded(number, days, frozenset(names), counts) for number, (days, counts, names) in batches.items()]
        for source, batches in found.items()
    }
