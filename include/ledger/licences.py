"""Licences of images in the ledger: one of them, lists for pages and reports, those of a title, what stops a delivery, their history.

Lists go by the last day of use, those without one last, and are turned page by page without counting.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, or_, select
from sqlalchemy.orm import Session, selectinload

from include.errors import PermanentError
from include.ledger.chunks import CHUNK, chunks
from include.ledger.licence_rows import (
    FlagState,
    LicenceChangeRow,
    LicenceFlagRow,
    LicenceRow,
    LicenceServesRow,
    LicenceState,
)
from include.ledger.models import ProductRow, WorkRow

ENDLESS = "9999-12-31"  # where a licence without a known end stands in a list
STATES = tuple(LicenceState)
EVERYWHERE = "*"
UNTOLD = (FlagState.OPEN, FlagState.ACKNOWLEDGED)
"""Flags about which somebody has still to do something."""

Key = tuple[str, int]
"""Where a list stands: last day of use (`ENDLESS` for none) and id."""
_ends_key: ColumnElement[str] = case((LicenceRow.ends_on == "", ENDLESS), else_=LicenceRow.ends_on)


@dataclass(frozen=True, slots=True)
class Wish:
    """Which licences a list shows; empty means all.

    `words`: an asset's id, order, invoice or a part of its name, or an ISBN or part of the title of what it serves. `state`: one of
    `STATES`. `team`: a role that has open flags on it. `territory`: an alpha-2 code in which it may be used; with `unknown`, those whose
    territories nobody has told. `ends_since`, `ends_until`: ISO days, both inclusive, leave out licences without an end. `flagged`: with
    flags that nobody has settled. `serving`: False shows those that no title is known of.
    """

    words: str = ""
    state: str = ""
    work_id: int | None = None
    product_id: int | None = None
    asset_id: str = ""
    campaign: str = ""
    team: str = ""
    territory: str = ""
    model: str = ""
    ends_since: str = ""
    ends_until: str = ""
    flagged: bool = False
    serving: bool | None = None


def get(session: Session, licence_id: int, *, lock: bool = False) -> LicenceRow:
    """One licence with what it serves. Raises `PermanentError` if there is none."""
    query = select(LicenceRow).where(LicenceRow.id == licence_id).options(selectinload(LicenceRow.serves))
    row = session.scalar(query.with_for_update() if lock else query)
    if row is None:
        raise PermanentError(f"there is no licence {licence_id}", todo="Look it up in the list.")
    return row


def page(session: Session, wish: Wish, *, after: Key | None = None, before: Key | None = None, limit: int = 50) -> list[LicenceRow]:
    """Licences with what they serve, the soonest end first: those after `after`, or the last ones before `before`."""
    query = _wished(select(LicenceRow), wish).options(selectinload(LicenceRow.serves))
    if before is not None:
        query = query.where(or_(_ends_key < before[0], and_(_ends_key == before[0], LicenceRow.id < before[1])))
        return list(session.scalars(query.order_by(_ends_key.desc(), LicenceRow.id.desc()).limit(limit)))[::-1]
    if after is not None:
        query = query.where(or_(_ends_key > after[0], and_(_ends_key == after[0], LicenceRow.id > after[1])))
    return list(session.scalars(query.order_by(_ends_key, LicenceRow.id).limit(limit)))


def key_of(row: LicenceRow) -> Key:
    return row.ends_on or ENDLESS, row.id


def rows(session: Session, wish: Wish = Wish(), *, limit: int = CHUNK) -> Iterator[list[LicenceRow]]:
    """All of them by id, in pages of `limit` that leave the session again: memory stays flat."""
    last = 0
    query = _wished(select(LicenceRow), wish).options(selectinload(LicenceRow.serves)).order_by(LicenceRow.id).limit(limit)
    while found := list(session.scalars(query.where(LicenceRow.id > last))):
        last = found[-1].id
        yield found
        for row in found:
            session.expunge(row)


def totals(session: Session, wish: Wish = Wish()) -> dict[str, int]:
    """Number of licences in each state, every state of `STATES`."""
    query = _wished(select(LicenceRow.state, func.count()), wish).group_by(LicenceRow.state)
    found = {str(state): int(count) for state, count in session.execute(query)}
    return {str(state): found.get(state, 0) for state in STATES}


def horizon(session: Session, wish: Wish = Wish()) -> dict[str, dict[str, int]]:
    """Licences that end in each month: {"2027-03": {state: number}}, for drawing. Without those that have no known end."""
    month = func.substr(LicenceRow.ends_on, 1, 7)
    query = _wished(select(month, LicenceRow.state, func.count()), wish).where(LicenceRow.ends_on != "")
    found: dict[str, dict[str, int]] = {}
    for name, state, count in session.execute(query.group_by(month, LicenceRow.state).order_by(month)):
        found.setdefault(str(name), {})[str(state)] = int(count)
    return found


def of_title(session: Session, work_id: int, product_id: int | None = None) -> list[LicenceRow]:
    """Licences that serve a work; with `product_id`, those for this edition or for every edition."""
    serves = [LicenceServesRow.licence_id == LicenceRow.id, LicenceServesRow.work_id == work_id]
    if product_id is not None:
        serves.append(LicenceServesRow.product_id.in_((0, product_id)))
    query = select(LicenceRow).where(exists().where(*serves)).options(selectinload(LicenceRow.serves))
    return list(session.scalars(query.order_by(_ends_key, LicenceRow.id)))


def blocking(session: Session, work_ids: Collection[int]) -> dict[int, list[LicenceFlagRow]]:
    """Flags that stop a delivery of these works: blocking ones that nobody has settled. Works without any are left out.

    A flag with a `product_id` stops that edition alone. One without a work stops every work that its licence serves.
    """
    wanted, found = sorted(set(work_ids) - {0}), dict[int, list[LicenceFlagRow]]()
    stops = (LicenceFlagRow.blocking, LicenceFlagRow.state.in_(UNTOLD))
    for some in chunks(wanted):
        query = select(LicenceFlagRow).where(LicenceFlagRow.work_id.in_(some), *stops)
        for flag in session.scalars(query.order_by(LicenceFlagRow.work_id, LicenceFlagRow.id)):
            found.setdefault(flag.work_id, []).append(flag)
        tied = (LicenceFlagRow.licence_id == LicenceServesRow.licence_id, LicenceServesRow.work_id.in_(some))
        served = select(LicenceServesRow.work_id, LicenceFlagRow).where(LicenceFlagRow.work_id == 0, *tied, *stops).distinct()
        for work_id, flag in session.execute(served.order_by(LicenceServesRow.work_id, LicenceFlagRow.id)):
            found.setdefault(int(work_id), []).append(flag)
    return found


def stopping(session: Session, products: Mapping[int, int]) -> dict[int, list[dict[str, str]]]:
    """Why products may not leave, as reasons ({code, message, todo, where}); `products`: id to the work's. Those that may are left out."""
    of_works = blocking(session, products.values())
    if not of_works:
        return {}
    rows: dict[int, LicenceRow] = {}
    ids = sorted({flag.licence_id for found in of_works.values() for flag in found})
    for some in chunks(ids):
        rows |= {row.id: row for row in session.scalars(select(LicenceRow).where(LicenceRow.id.in_(some)))}
    found: dict[int, list[dict[str, str]]] = {}
    for product, work in products.items():
        for flag in of_works.get(work, ()):
            if flag.product_id in {0, product}:
                found.setdefault(product, []).append(_reason(flag, rows[flag.licence_id]))
    return found


def _reason(flag: LicenceFlagRow, row: LicenceRow) -> dict[str, str]:
    named = f" ({row.name})" if row.name else ""
    return {
        "code": f"licence-{flag.cause}",
        "message": f"licence {row.id} of the image {row.asset_id}{named} forbids it: {flag.message}",
        "todo": f"{flag.todo} Then resolve flag {flag.id} on the licence's page.",
        "where": f"licence {row.id}, asset {row.asset_id}",
    }


def flags(session: Session, licence_id: int) -> list[LicenceFlagRow]:
    """All flags of a licence, the newest first."""
    query = select(LicenceFlagRow).where(LicenceFlagRow.licence_id == licence_id)
    return list(session.scalars(query.order_by(LicenceFlagRow.id.desc())))


def changes(session: Session, licence_id: int, *, before: int | None = None, limit: int = 100) -> list[LicenceChangeRow]:
    """What changed in a licence, the newest first. `before` is the last id of the page before."""
    query = select(LicenceChangeRow).where(LicenceChangeRow.licence_id == licence_id)
    if before is not None:
        query = query.where(LicenceChangeRow.id < before)
    return list(session.scalars(query.order_by(LicenceChangeRow.id.desc()).limit(limit)))


def titles(session: Session, found: Sequence[LicenceRow]) -> dict[tuple[int, int], tuple[str, str]]:
    """What these licences serve, in words: {(work id, product id): (title, ISBN)}; the ISBN is "" for every edition."""
    served = {(one.work_id, one.product_id) for row in found for one in row.serves if one.work_id}
    works = _named(session, WorkRow.id, WorkRow.title, {work for work, _ in served})
    isbns = _named(session, ProductRow.id, ProductRow.isbn, {product for _, product in served if product})
    return {(work, product): (works.get(work, ""), isbns.get(product, "")) for work, product in served}


def choices(session: Session) -> dict[str, list[str]]:
    """Values that filters may have: models, teams, territories."""
    models = list(session.scalars(select(LicenceRow.model).distinct().where(LicenceRow.model != "").order_by(LicenceRow.model)))
    open_flags = select(LicenceFlagRow.team).distinct().where(LicenceFlagRow.team != "", LicenceFlagRow.state.in_(UNTOLD))
    said = session.scalars(select(LicenceRow.territories).distinct().where(LicenceRow.territories.not_in(("", EVERYWHERE))))
    return {
        "model": models,
        "team": sorted(session.scalars(open_flags)),
        "territory": sorted({code for codes in said for code in codes.split()}),
    }


def as_json(row: LicenceRow) -> dict[str, Any]:
    """One licence, ready for JSON."""
    names = (
        "id", "provider", "asset_id", "use", "name", "artist", "family", "model", "agreement", "product_type", "getty_product_id",
        "order_id", "invoice", "notes", "state", "ends_on", "agreement_ends_on", "editorial_only", "territories", "terms",
    )  # fmt: skip
    moments = {name: _iso(getattr(row, name)) for name in ("licensed_at", "withdrawn_at", "first_seen", "changed_at", "checked_at")}
    serves = [{name: getattr(one, name) for name in ("work_id", "product_id", "campaign", "role", "source")} for one in row.serves]
    return {name: getattr(row, name) for name in names} | moments | {"serves": serves}


def expired(session: Session, today: date, *, limit: int = CHUNK) -> list[int]:
    """Ids of licences whose last day has passed and whose state does not say so yet."""
    query = select(LicenceRow.id).where(
        LicenceRow.ends_on != "",
        LicenceRow.ends_on < today.isoformat(),
        LicenceRow.state.not_in((LicenceState.EXPIRED, LicenceState.WITHDRAWN)),
    )
    return list(session.scalars(query.order_by(LicenceRow.id).limit(limit)))


# --- conditions


def _wished(query: Any, wish: Wish) -> Any:
    """The condition of a list on any query over licences."""
    for name in ("state", "asset_id", "model"):
        if value := getattr(wish, name):
            query = query.where(getattr(LicenceRow, name) == value)
    served = [getattr(LicenceServesRow, name) == value for name in ("work_id", "product_id", "campaign") if (value := getattr(wish, name))]
    if served:
        query = query.where(exists().where(LicenceServesRow.licence_id == LicenceRow.id, *served))
    if wish.serving is not None:
        serves = exists().where(LicenceServesRow.licence_id == LicenceRow.id)
        query = query.where(serves if wish.serving else ~serves)
    if wish.team or wish.flagged:
        open_flags = [LicenceFlagRow.licence_id == LicenceRow.id, LicenceFlagRow.state.in_(UNTOLD)]
        query = query.where(exists().where(*open_flags, *([LicenceFlagRow.team == wish.team] if wish.team else [])))
    if wish.territory == "unknown":
        query = query.where(LicenceRow.territories == "")
    elif wish.territory:
        within = LicenceRow.territories.contains(f" {wish.territory[:2].upper()} ", autoescape=True)
        query = query.where(or_(LicenceRow.territories == EVERYWHERE, within))
    if wish.ends_since:
        query = query.where(LicenceRow.ends_on >= wish.ends_since)
    if wish.ends_until:
        query = query.where(LicenceRow.ends_on <= wish.ends_until, LicenceRow.ends_on != "")
    return _worded(query, wish.words)


def _worded(query: Any, words: str) -> Any:
    words = words.encode("utf-8", "replace").decode().replace("\x00", "").strip()[:200]
    if not words:
        return query
    number = "".join(character for character in words if character not in "-‐‑‒– ")
    found: list[ColumnElement[bool]] = [LicenceRow.asset_id == number, LicenceRow.order_id == words, LicenceRow.invoice == words]
    serves = [LicenceServesRow.licence_id == LicenceRow.id]
    if number.isascii() and number.isdigit() and number.startswith(("978", "979")):
        of_isbn = select(ProductRow.id).where(ProductRow.isbn >= number[:20], ProductRow.isbn < number[:20] + ":")  # after 9
        found.append(exists().where(*serves, LicenceServesRow.product_id.in_(of_isbn)))
        of_works = select(ProductRow.work_id).where(ProductRow.isbn >= number[:20], ProductRow.isbn < number[:20] + ":")
        found.append(exists().where(*serves, LicenceServesRow.product_id == 0, LicenceServesRow.work_id.in_(of_works)))
    else:
        found.append(LicenceRow.name.icontains(words, autoescape=True))
        of_title = select(WorkRow.id).where(WorkRow.title.icontains(words, autoescape=True))
        found.append(exists().where(*serves, LicenceServesRow.work_id.in_(of_title)))
    return query.where(or_(*found))


def _named(session: Session, id: Any, name: Any, wanted: Collection[int]) -> dict[int, str]:
    ids, found = sorted(wanted), dict[int, str]()
    for some in chunks(ids):
        found |= {int(key): str(value) for key, value in session.execute(select(id, name).where(id.in_(some)))}
    return found


def _iso(moment: Any) -> str:
    return str(moment.isoformat(timespec="seconds")) if moment else ""
