"""Readiness as last assessed: lists for pages and reports, a picture of a season, and how it is written.

`include.readiness.refresh` keeps the rows up to date. `checks` of a row are [{code, name, state, message, todo, due}]; `state` is one of
done, missing, late, not asked; `due` is an ISO date or "".
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import Select, and_, case, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from include.ledger.chunks import CHUNK, chunks
from include.ledger.file_rows import ReadinessRow

READY, OPEN, LATE, PUBLISHED = "ready", "open", "late", "published"
STATES = (LATE, OPEN, READY, PUBLISHED)
UNPUBLISHED = "unpublished"
UNPUBLISHED_STATES = (LATE, OPEN, READY)

Key = tuple[str, int]
"""Where a list stands: publication date ("" for none) and product id of the row before the next page."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Which rows a list shows; empty means all. `form` is a List 150 code or how it starts; `state` one of `STATES`, or `unpublished`.

    `words`: a part of the title, or the beginning of an ISBN (978…, 979…). `since` and `until`: publication dates, inclusive; both leave
    out titles without one. `unpublished_since`: not yet published, or on this day or later.
    """

    season: str = ""
    imprint: str = ""
    form: str = ""
    state: str = ""
    risk: str = ""
    late: bool = False
    words: str = ""
    since: str = ""
    until: str = ""
    unpublished_since: str = ""
    work_id: int | None = None


def page(session: Session, wish: Wish, *, after: Key | None = None, before: Key | None = None, limit: int = 50) -> list[ReadinessRow]:
    """Rows by publication date and product id, titles without a date first: those after `after`, or the last ones before `before`."""
    if wish.state == UNPUBLISHED:  # each state by itself goes by its index; together they would have to be sorted
        parts = [page(session, replace(wish, state=state), after=after, before=before, limit=limit) for state in UNPUBLISHED_STATES]
        merged = sorted((row for part in parts for row in part), key=key_of)
        return merged[-limit:] if before is not None else merged[:limit]
    key = (ReadinessRow.publication_date, ReadinessRow.product_id)
    query = _wished(select(ReadinessRow), wish)
    if before is not None:
        rows = session.scalars(query.where(_beyond(before, newer=False)).order_by(*(column.desc() for column in key)).limit(limit))
        return list(rows)[::-1]
    if after is not None:
        query = query.where(_beyond(after, newer=True))
    return list(session.scalars(query.order_by(*key).limit(limit)))


def rows(session: Session, wish: Wish, *, limit: int = CHUNK) -> Iterator[ReadinessRow]:
    """All of them, in pages of `limit` that leave the session again."""
    after: Key | None = None
    while found := page(session, wish, after=after, limit=limit):
        after = (found[-1].publication_date, found[-1].product_id)
        yield from found
        for row in found:
            session.expunge(row)


def key_of(row: ReadinessRow) -> Key:
    return row.publication_date, row.product_id


@dataclass(frozen=True, slots=True)
class Totals:
    """How many products are in each state, and at risk."""

    ready: int = 0
    open: int = 0
    late: int = 0
    published: int = 0
    low_risk: int = 0
    high_risk: int = 0

    @property
    def all(self) -> int:
        return self.ready + self.open + self.late + self.published


def totals(session: Session, wish: Wish) -> Totals:
    """Counts over all rows of a list, in one statement."""

    def count(condition: Any) -> Any:
        return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

    columns = [count(ReadinessRow.state == state) for state in (READY, OPEN, LATE, PUBLISHED)]
    columns += [count(ReadinessRow.risk == risk) for risk in ("low", "high")]
    return Totals(*session.execute(_wished(select(*columns), wish)).one())


def choices(session: Session, what: Literal["season", "imprint", "form"]) -> list[str]:
    """Values that a filter may have, without the empty one; seasons with the latest publication first."""
    column = getattr(ReadinessRow, what)
    query = select(column).where(column != "").group_by(column)
    order = func.max(ReadinessRow.publication_date).desc() if what == "season" else column
    return list(session.scalars(query.order_by(order, column)))


@dataclass(frozen=True, slots=True)
class Bar:
    """One cell of the picture: products of one form whose publication falls into one month ("" where there is no date)."""

    month: str  # 2027-03
    form: str  # first letter of List 150: B print, A audio, E digital
    ready: int
    open: int
    late: int
    published: int


def season_picture(session: Session, season: str, *, imprint: str = "", since: str = "") -> list[Bar]:
    """A season month by month and form by form, for drawing; `season` "" is all of them. `since`: only what comes out from that day."""
    month, form = func.substr(ReadinessRow.publication_date, 1, 7).label("month"), func.substr(ReadinessRow.form, 1, 1).label("form")
    counts = [func.sum(case((ReadinessRow.state == state, 1), else_=0)) for state in (READY, OPEN, LATE, PUBLISHED)]
    query = _wished(select(month, form, *counts), Wish(season=season, imprint=imprint, since=since))
    return [Bar(*found) for found in session.execute(query.group_by(month, form).order_by(month, form))]


def get(session: Session, product_id: int) -> ReadinessRow | None:
    """One product's readiness; None if it was not assessed yet, or nobody prepares it any more."""
    return session.get(ReadinessRow, product_id)


def of_work(session: Session, work_id: int) -> list[ReadinessRow]:
    """A work's products, by date of publication."""
    return page(session, Wish(work_id=work_id), limit=CHUNK)


def as_json(row: ReadinessRow) -> dict[str, Any]:
    """One row, ready for JSON."""
    names = (
        "product_id", "work_id", "isbn", "title", "imprint", "season", "form", "format", "stage", "publication_date", "state", "late",
        "risk", "done", "wanted", "checks",
    )  # fmt: skip
    return {name: getattr(row, name) for name in names} | {"assessed_at": row.assessed_at.isoformat(timespec="seconds")}


# --- writing


def write(session: Session, values: Sequence[dict[str, Any]]) -> None:
    """Writes whole rows, new or known. Two writers at once are no harm: the last one's word stands."""
    if not values:
        return
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement = dialect.insert(ReadinessRow)
    update = {name: getattr(statement.excluded, name) for name in values[0] if name != "product_id"}
    session.execute(statement.on_conflict_do_update(index_elements=["product_id"], set_=update), list(values))


def forget(session: Session, product_ids: Collection[int]) -> None:
    """Products that are gone, or that nobody prepares any more."""
    wanted = sorted(product_ids)
    for some in chunks(wanted):
        session.execute(delete(ReadinessRow).where(ReadinessRow.product_id.in_(some)))


# --- conditions


def _wished(query: Select[Any], wish: Wish) -> Select[Any]:
    row = ReadinessRow
    for name in ("season", "imprint", "risk", "work_id"):
        if value := getattr(wish, name):
            query = query.where(getattr(row, name) == value)
    if wish.state == UNPUBLISHED:
        query = query.where(row.state != PUBLISHED)
    elif wish.state:
        query = query.where(row.state == wish.state)
    if wish.late:
        query = query.where(row.late.is_(True))
    if wish.form:
        query = query.where(row.form.startswith(wish.form, autoescape=True))
    if wish.since:
        query = query.where(row.publication_date >= wish.since)
    if wish.until:
        query = query.where(row.publication_date <= wish.until, row.publication_date != "")
    if wish.unpublished_since:
        query = query.where(or_(row.state != PUBLISHED, row.publication_date >= wish.unpublished_since))
    return _worded(query, wish.words)


def _worded(query: Select[Any], words: str) -> Select[Any]:
    words = words.encode("utf-8", "replace").decode().replace("\x00", "").strip()[:200]
    number = "".join(character for character in words if character not in "-‐‑‒– ")
    if number.isascii() and number.isdigit() and number.startswith(("978", "979")):
        return query.where(ReadinessRow.isbn >= number[:20], ReadinessRow.isbn < number[:20] + ":")  # the character after 9
    return query.where(ReadinessRow.title.icontains(words, autoescape=True)) if words else query


def _beyond(key: Key, *, newer: bool) -> Any:
    day, product_id = key
    column, id = ReadinessRow.publication_date, ReadinessRow.product_id
    if newer:
        return and_(column >= day, or_(column > day, id > product_id))
    return and_(column <= day, or_(column < day, id < product_id))
