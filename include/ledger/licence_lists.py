"""Licences as pages show them: by the day they end, with what somebody must do about them. Each list reads a page's worth.

Licences without a day are no gap in it: those that nobody has told an end of and those without end are groups of their own.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal_column, or_, select, union
from sqlalchemy.orm import Session, selectinload

from include.ledger import licence_words
from include.ledger.licence_rows import (
    FlagState,
    LicenceFlagRow,
    LicenceRow,
    LicenceServesRow,
    LicenceSheetRow,
    LicenceState,
    LicenceSyncRow,
)
from include.ledger.models import ProductRow, WorkRow

OPEN = (FlagState.OPEN, FlagState.ACKNOWLEDGED)
UNKNOWN, PERPETUAL, EARLIER, LATER = "unknown", "perpetual", "earlier", "later"
UNTOLD, WORLDWIDE = "unknown", "*"

Key = tuple[int, str, int]
"""Where a list stands: its part (0 to come, 1 unknown, 2 perpetual, 3 ended), last day of use, id."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a list shows; empty means all.

    `words`: an ISBN; or parts of its asset's id, name or artist, of order, invoice, titles and campaigns that it serves. `territory`:
    alpha-2 code in which it may be used, `*` everywhere, `unknown` not told. `team`, `cause`: of open flags on it. `ends`: a month
    (2027-03), `unknown`, `perpetual`, or before and after the months from `since` to `until` (`earlier`, `later`).
    """

    words: str = ""
    territory: str = ""
    state: str = ""
    team: str = ""
    cause: str = ""
    ends: str = ""
    since: str = ""
    until: str = ""
    work_id: int = 0
    asset_id: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """Licences that end on one day (or whose end is `unknown` or `perpetual`): all, with open flags, with flags that stop deliveries."""

    day: str
    number: int
    flagged: int
    blocking: int


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of licences with what they serve. `bars`: what fits whatever its end; `states`: number of those that fit in each state,
    whatever their state."""

    rows: list[LicenceRow]
    bars: list[Bar]
    states: dict[str, int]


def listing(session: Session, wish: Wish, *, today: date, after: Key | None = None, limit: int = 50) -> Listing:
    """Licences to come by their end, then those of unknown end, those without end, those that have ended: those behind `after`."""
    conditions = _conditions(session, wish)
    bars, states = _counted(session, wish, conditions)
    ids: list[int] = []
    for part in range(after[0] if after else 0, 4):
        query = select(LicenceRow.id).where(*conditions, *_of_state(wish), *_ends(wish))
        query = _part(query, part, today, after if after and after[0] == part else None)
        ids += session.scalars(query.limit(limit - len(ids)))
        if len(ids) >= limit:
            break
    return Listing(_loaded(session, ids), bars, states)


def _counted(session: Session, wish: Wish, conditions: Sequence[ColumnElement[bool]]) -> tuple[list[Bar], dict[str, int]]:
    """Bars by day, in the index's own order (grouping by month would sort them all), and numbers by state."""
    columns = (LicenceRow.ends_on, LicenceRow.ends_state, LicenceRow.state)
    sums = (func.count(), func.sum(case((_flagged, 1), else_=0)), func.sum(case((_blocking, 1), else_=0)))
    bars: dict[str, list[int]] = {}
    states: dict[str, int] = {}
    for ends, endless, state, *numbers in session.execute(select(*columns, *sums).where(*conditions).group_by(*columns)):
        if _shown(wish, ends, endless):
            states[state] = states.get(state, 0) + numbers[0]
        if wish.state in {"", state}:
            bar = bars.setdefault(_day(ends, endless), [0, 0, 0])
            bar[:] = (had + more for had, more in zip(bar, numbers, strict=True))
    return [Bar(day, *numbers) for day, numbers in sorted(bars.items())], states


def _day(ends: str, state: str) -> str:
    return ends or (PERPETUAL if state == PERPETUAL else UNKNOWN)


def _shown(wish: Wish, ends: str, state: str) -> bool:
    """What `_ends` says in SQL."""
    match wish.ends:
        case "":
            return True
        case "unknown" | "perpetual":
            return _day(ends, state) == wish.ends
        case "earlier":
            return "" < ends < wish.since
        case "later":
            return ends > f"{wish.until}-31"
    return ends.startswith(wish.ends)


def key_of(row: LicenceRow, today: date) -> Key:
    """Where a list goes on behind this row."""
    if not row.ends_on:
        return (2 if row.ends_state == PERPETUAL else 1), "", row.id
    return (0 if row.ends_on >= today.isoformat() else 3), row.ends_on, row.id


def open_flags(session: Session, licence_ids: Collection[int]) -> dict[int, list[LicenceFlagRow]]:
    """Flags that nobody has settled, the soonest first, by licence."""
    query = select(LicenceFlagRow).where(LicenceFlagRow.licence_id.in_(sorted(licence_ids)), LicenceFlagRow.state.in_(OPEN))
    found: dict[int, list[LicenceFlagRow]] = {}
    for flag in session.scalars(query.order_by(LicenceFlagRow.blocking.desc(), LicenceFlagRow.due_on, LicenceFlagRow.id)):
        found.setdefault(flag.licence_id, []).append(flag)
    return found


def choices(session: Session) -> tuple[list[str], list[str]]:
    """Teams and causes of open flags."""
    query = select(LicenceFlagRow.team, LicenceFlagRow.cause).where(LicenceFlagRow.state.in_(OPEN)).distinct()
    found = [(str(team), str(cause)) for team, cause in session.execute(query)]
    return sorted({team for team, _ in found if team}), sorted({cause for _, cause in found})


def of_work(session: Session, work_id: int, *, limit: int = 100) -> list[LicenceRow]:
    """Licences that serve a work or one of its editions, the soonest end first; `limit` of them."""
    serves = select(LicenceServesRow.licence_id).where(LicenceServesRow.work_id == work_id)
    query = select(LicenceRow).where(LicenceRow.id.in_(serves)).options(selectinload(LicenceRow.serves))
    return list(session.scalars(query.order_by(LicenceRow.ends_on == "", LicenceRow.ends_on, LicenceRow.id).limit(limit)))


@dataclass(frozen=True, slots=True)
class Served:
    """A title that a licence serves; `product_id` is an edition to show it by, 0 where there is none; no `isbn`: every edition."""

    title: str
    isbn: str
    product_id: int


def served(session: Session, rows: Sequence[LicenceRow]) -> dict[tuple[int, int], Served]:
    """What these licences serve, by work and product as the licences have them."""
    keys = {(one.work_id, one.product_id) for row in rows for one in row.serves if one.work_id}
    works = sorted({work for work, _ in keys})
    titles = {int(id): str(title) for id, title in session.execute(select(WorkRow.id, WorkRow.title).where(WorkRow.id.in_(works)))}
    products: dict[int, dict[int, str]] = {}
    of_works = select(ProductRow.work_id, ProductRow.id, ProductRow.isbn).where(ProductRow.work_id.in_(works)).order_by(ProductRow.id)
    for work, product, isbn in session.execute(of_works.where(ProductRow.deleted_at.is_(None))):
        products.setdefault(work, {})[product] = isbn
    found = {}
    for work, product in keys:
        there = products.get(work, {})
        edition = product if product in there else next(iter(there), 0)
        found[work, product] = Served(titles.get(work, ""), there.get(product, ""), edition)
    return found


def sheets(session: Session, *, limit: int = 40) -> list[LicenceSheetRow]:
    """Sheets of invoice terms, the newest first."""
    return list(session.scalars(select(LicenceSheetRow).order_by(LicenceSheetRow.id.desc()).limit(limit)))


def syncs(session: Session) -> list[LicenceSyncRow]:
    """How far each list of the agency was read, and what could not be."""
    return list(session.scalars(select(LicenceSyncRow).order_by(LicenceSyncRow.part)))


# --- conditions


def _part(query: Select[Any], part: int, today: date, after: Key | None) -> Select[Any]:
    """One part of the list, in its order."""
    ends, id, state, now = LicenceRow.ends_on, LicenceRow.id, LicenceRow.ends_state, today.isoformat()
    if part in {1, 2}:
        query = query.where(ends == "", state == PERPETUAL if part == 2 else state != PERPETUAL)
        return (query.where(id > after[2]) if after else query).order_by(id)
    if part == 0:
        query = query.where(ends >= now)
        if after:
            query = query.where(ends >= after[1], or_(ends > after[1], id > after[2]))
        return query.order_by(ends, id)
    query = query.where(ends != "", ends < now)
    if after:
        query = query.where(ends <= after[1], or_(ends < after[1], id < after[2]))
    return query.order_by(ends.desc(), id.desc())


def _loaded(session: Session, ids: Sequence[int]) -> list[LicenceRow]:
    rows = session.scalars(select(LicenceRow).where(LicenceRow.id.in_(ids)).options(selectinload(LicenceRow.serves))) if ids else ()
    found = {row.id: row for row in rows}
    return [found[id] for id in ids if id in found]


def _ends(wish: Wish) -> list[ColumnElement[bool]]:
    ends, state = LicenceRow.ends_on, LicenceRow.ends_state
    match wish.ends:
        case "":
            return []
        case "unknown":
            return [ends == "", state != PERPETUAL]
        case "perpetual":
            return [ends == "", state == PERPETUAL]
        case "earlier":
            return [ends != "", ends < wish.since]
        case "later":
            return [ends > f"{wish.until}-31"]
    return [ends >= f"{wish.ends}-01", ends <= f"{wish.ends}-31"]


def _conditions(session: Session, wish: Wish) -> list[ColumnElement[bool]]:
    """What is wished but for state and end."""
    found: list[ColumnElement[bool]] = []
    if words := wish.words.replace("\0", "").strip():
        found.append(_worded(session, words))
    if wish.asset_id:
        found.append(LicenceRow.asset_id == wish.asset_id)
    if wish.work_id:
        found.append(LicenceRow.id.in_(select(LicenceServesRow.licence_id).where(LicenceServesRow.work_id == wish.work_id)))
    if wish.territory == UNTOLD:
        found.append(LicenceRow.territories == "")
    elif wish.territory == WORLDWIDE:
        found.append(LicenceRow.territories == WORLDWIDE)
    elif wish.territory:
        found.append(or_(LicenceRow.territories == WORLDWIDE, LicenceRow.territories.contains(f" {wish.territory} ", autoescape=True)))
    if wish.team or wish.cause:
        flagged = _of_flags.where(LicenceFlagRow.team == wish.team) if wish.team else _of_flags
        found.append(LicenceRow.id.in_(flagged.where(LicenceFlagRow.cause == wish.cause) if wish.cause else flagged))
    return found


_NOTHING: ColumnElement[str] = literal_column("''")  # written out: PostgreSQL takes two parameters for two values
_of_flags = select(LicenceFlagRow.licence_id).where(LicenceFlagRow.state.in_(OPEN))
_flagged = LicenceRow.id.in_(_of_flags)
_blocking = LicenceRow.id.in_(_of_flags.where(LicenceFlagRow.blocking))


def _of_state(wish: Wish) -> list[ColumnElement[bool]]:
    """Of the column as a text of its own: by the index of states SQLite would sort all that it finds."""
    return [LicenceRow.state.concat(_NOTHING) == wish.state] if wish.state else []


def _worded(session: Session, words: str) -> ColumnElement[bool]:
    """By an ISBN or its beginning, else by words."""
    number = "".join(character for character in words if character not in "-‐‑‒– ")
    if not (number.isascii() and number.isdigit() and len(number) > 3 and number.startswith(("978", "979"))):
        return licence_words.having(session, words)
    serves = select(LicenceServesRow.licence_id)
    products = select(ProductRow.id).where(ProductRow.isbn >= number, ProductRow.isbn < number + ":")  # the character after 9
    works = select(ProductRow.work_id).where(ProductRow.isbn >= number, ProductRow.isbn < number + ":")
    whole = serves.where(LicenceServesRow.work_id.in_(works), LicenceServesRow.product_id == 0)
    assets = select(LicenceRow.id).where(LicenceRow.asset_id == number)
    found = union(serves.where(LicenceServesRow.product_id.in_(products)), whole, assets)
    few = session.scalars(found.limit(licence_words.FEW + 1)).all()
    return LicenceRow.id.in_(few if len(few) <= licence_words.FEW else found)


STATES = tuple(str(state) for state in LicenceState)
