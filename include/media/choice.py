"""Which cover belongs on which title, by the metadata alone: its ISBN before the work, the work before the series.

Only what was approved, read on the asset itself and found fit is chosen. Of one asset the newest such version counts: while a newer one is
pending, or was refused by our checks, the approved one stays; where the newest one that was ever approved is rejected, there is none, and
a cover that is meant less exactly (for the work, for the series) takes the place.

Two assets that are meant equally exactly for one title are somebody's mistake: one goes first, and the other's row says so (`lost`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.ledger import covers
from include.ledger.chunks import chunks
from include.ledger.deliveries import record_event
from include.ledger.licence_rows import CoverRow
from include.ledger.models import ProductRow, WorkRow
from include.titles.identifiers import isbn13

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Candidate:
    """The version of an asset that counts. `held`: it stays where it is, and comes nowhere new (unconfirmed again, pending again, gone).
    `gone`: nobody can decide about it any more, so whatever is meant as exactly goes before it."""

    id: int
    public_id: str
    kind: str
    isbn: str
    work: str
    series: str
    revision: int
    version: int
    etag: str
    held: bool
    gone: bool

    @property
    def why(self) -> str:
        return covers.why(self.isbn, self.work)

    @property
    def exactness(self) -> int:
        return 0 if self.isbn else 1 if self.work else 2

    @property
    def goes_first(self) -> tuple[int, bool, int, int, int]:
        return self.exactness, self.gone, -self.revision, -self.version, -self.id


@dataclass(slots=True)
class Choice:
    """`wanted`: (product, kind) → what it should have. `behind`: what was meant as exactly, and does not go first. `works`: product → its
    work. `lost`: cover → why no title has it, or not all that it names. `found_work`: cover → the work that its metadata names."""

    wanted: dict[tuple[int, str], Candidate] = field(default_factory=dict)
    behind: dict[tuple[int, str], list[Candidate]] = field(default_factory=dict)
    works: dict[int, int] = field(default_factory=dict)
    lost: dict[int, str] = field(default_factory=dict)
    found_work: dict[int, int] = field(default_factory=dict)


def choose(session: Session) -> Choice:
    """For every living product of the mirror."""
    candidates, choice = list(_candidates(session)), Choice()
    by_isbn = _products_by_isbn(session, {one.isbn for one in candidates if one.isbn})
    works = _works(session, {one.work for one in candidates if one.work})
    series = _series(session, {covers.series_key(one.series) for one in candidates if not one.isbn and not one.work and one.series})
    meant: dict[int, list[Candidate]] = {}
    doubtful: list[tuple[int, int, Candidate]] = []
    for one in candidates:
        ids = works.get(one.work, [])
        if len(ids) == 1:
            choice.found_work[one.id] = ids[0]
        if one.isbn:
            products = by_isbn.get(one.isbn, [])
            if why := _why_no_edition(one, products, ids):
                choice.lost[one.id] = why
            if not why:
                _offer(choice, *products[0], one)
            elif len(products) == 1:
                doubtful.append((*products[0], one))
            continue
        ids = ids if one.work else series.get(covers.series_key(one.series), [])
        if why := _why_nobodys(one, len(ids)):
            choice.lost[one.id] = why
            continue
        for id in ids:
            meant.setdefault(id, []).append(one)
    for product, work in _products_of(session, meant):
        for one in meant[work]:
            _offer(choice, product, work, one)
    for product, work, one in doubtful:  # one of the two is wrong, and nobody knows which: what is there stays
        if (product, one.kind) not in choice.wanted:
            _offer(choice, product, work, replace(one, held=True))
    _tell_rivals(choice)
    return choice


def _why_no_edition(one: Candidate, products: list[tuple[int, int]], works: list[int]) -> str:
    if len(products) == 1 and len(works) == 1 and works[0] != products[0][1]:
        told = f"The ISBN {one.isbn} is of work {products[0][1]}, and the cover is for work {works[0]}"
        return f"{told}: correct one of them in Cloudinary."
    if not products and not isbn13(one.isbn):
        return f"{one.isbn} is no ISBN: correct it in Cloudinary."
    return "" if len(products) == 1 else _number_of(len(products), f"with the ISBN {one.isbn}", "product")


def _why_nobodys(one: Candidate, works: int) -> str:
    if one.work:
        return "" if works == 1 else _number_of(works, f"with the id or reference {one.work}", "work")
    if not one.series:
        return "It names no title: fill in the ISBN, the work or the series in Cloudinary."
    return "" if works else f"No work belongs to the series {one.series}."


def _offer(choice: Choice, product: int, work: int, one: Candidate) -> None:
    choice.works[product] = work
    key = (product, one.kind)
    first, *behind = sorted([one, *([choice.wanted[key]] if key in choice.wanted else [])], key=lambda each: each.goes_first)
    choice.wanted[key] = first
    if behind and behind[0].exactness == first.exactness:
        choice.behind.setdefault(key, []).append(behind[0])


def _tell_rivals(choice: Choice) -> None:
    for key, behind in sorted(choice.behind.items(), key=lambda item: item[0]):
        first = choice.wanted[key]
        for one in behind:
            if one.exactness == first.exactness and not one.gone:
                choice.lost.setdefault(one.id, _rival(first, one))


def _rival(first: Candidate, one: Candidate) -> str:
    """Both public ids, which goes first and by what, and what to do."""
    both = _meant_for(one) if _meant_for(one) == _meant_for(first) else f"one title ({_meant_for(one)}, {_meant_for(first)})"
    by = f"its revision is {first.revision}, not {one.revision}" if first.revision != one.revision else "it was uploaded later"
    return (
        f"Two pictures are approved as the {covers.LABELS[one.kind].lower()} of {both}: {first.public_id} goes first, as {by}, and "
        f"{one.public_id} is not used. Reject one of them in Cloudinary, or correct its metadata."
    )


def _meant_for(one: Candidate) -> str:
    return f"the ISBN {one.isbn}" if one.isbn else f"the work {one.work}" if one.work else f"the series {one.series}"


def _number_of(count: int, what: str, noun: str) -> str:
    if count:
        return f"There are {count} {noun}s {what} in Consonance: mend it there."
    return f"There is no {noun} {what} in the mirror of Consonance."


def _candidates(session: Session) -> Iterator[Candidate]:
    """One for each asset at most."""
    columns = (
        CoverRow.id, CoverRow.public_id, CoverRow.kind, CoverRow.isbn, CoverRow.work, CoverRow.series, CoverRow.revision, CoverRow.version,
        CoverRow.etag, CoverRow.asset_id, CoverRow.moderation, CoverRow.confirmed, CoverRow.approved_at, CoverRow.gone_at, CoverRow.sha256,
    )  # fmt: skip
    query = select(*columns).order_by(CoverRow.asset_id, CoverRow.version.desc()).execution_options(yield_per=_BATCH)
    settled = ""
    for row in session.execute(query):
        if row.asset_id == settled or not row.approved_at:
            continue
        if row.moderation == "rejected":
            settled = row.asset_id
        elif row.sha256:
            settled = row.asset_id
            gone = row.gone_at is not None
            yield Candidate(*row[:9], held=gone or not row.confirmed, gone=gone)


def _products_by_isbn(session: Session, isbns: set[str]) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for some in chunks(sorted(isbns)):
        query = select(ProductRow.isbn, ProductRow.id, ProductRow.work_id).where(ProductRow.isbn.in_(some), ProductRow.deleted_at.is_(None))
        for isbn, id, work in session.execute(query):
            found.setdefault(isbn, []).append((id, work))
    return found


def _works(session: Session, named: set[str]) -> dict[str, list[int]]:
    """Works by what the field says: Consonance's id, else the reference. The mirror is read through only for references."""
    found: dict[str, list[int]] = {}
    numbers = {name: int(name) for name in named if name.isascii() and name.isdigit() and len(name) < 18}
    for some in chunks(sorted(set(numbers.values()))):
        there = set(session.scalars(select(WorkRow.id).where(WorkRow.id.in_(some), WorkRow.deleted_at.is_(None))))
        found |= {name: [id] for name, id in numbers.items() if id in there}
    if left := {name.casefold(): name for name in named - set(found)}:
        query = select(WorkRow.id, WorkRow.content).where(WorkRow.deleted_at.is_(None)).execution_options(yield_per=_BATCH)
        for id, content in session.execute(query):
            reference = str(json.loads(content).get("reference") or "").strip().casefold()
            if reference and reference in left:
                found.setdefault(left[reference], []).append(id)
    return found


def _series(session: Session, named: set[str]) -> dict[str, list[int]]:
    """Works by the series that they belong to, by its name or ISSN."""
    found: dict[str, list[int]] = {}
    if not named:
        return found
    query = select(WorkRow.id, WorkRow.content).where(WorkRow.deleted_at.is_(None)).execution_options(yield_per=_BATCH)
    for id, content in session.execute(query):
        for name in covers.series_of(content):
            if name in named:
                found.setdefault(name, []).append(id)
    return found


def _products_of(session: Session, works: Iterable[int]) -> Iterator[tuple[int, int]]:
    for some in chunks(sorted(works)):
        query = select(ProductRow.id, ProductRow.work_id).where(ProductRow.work_id.in_(some), ProductRow.deleted_at.is_(None))
        for row in session.execute(query.order_by(ProductRow.id)):
            yield row.id, row.work_id


def note_lost(session: Session, choice: Choice, now: datetime) -> int:
    """Writes down why covers are not on the titles that they name, and which works they name, where that is another than before."""
    changed = 0
    query = select(CoverRow.id, CoverRow.lost, CoverRow.work_id).where((CoverRow.lost != "") | CoverRow.work_id.is_not(None))
    before = {id: (lost, work) for id, lost, work in session.execute(query)}
    for id in before.keys() | choice.lost.keys() | choice.found_work.keys():
        lost, work = before.get(id, ("", None))
        told = (choice.lost.get(id, ""), choice.found_work.get(id, work))
        if told != (lost, work) and (row := session.get(CoverRow, id)) is not None:
            if told[0] and told[0] != lost:
                about = {"cover": row.id, "version": row.version, "kind": row.kind, "why": told[0]}
                record_event(session, what="cover not used", now=now, subject=row.public_id, detail=about)
            row.lost, row.work_id = told
            row.changed_at = now
            changed += 1
    return changed
