"""What a check of a licence looks at: the licence, its terms, the editions that it serves, campaigns, production runs.

Read for many licences at once, so that a check of all of them takes a few statements a page.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.errors import ColophonError
from include.ledger.chunks import chunks
from include.ledger.licence_rows import LicenceRow, LicenceServesRow
from include.ledger.models import ProductRow, WorkRow
from include.licences import terms as reading
from include.licences.terms import Terms
from include.partners.licensing import Campaign
from include.readiness.assess import GIVEN_UP
from include.rights.held import Rights

RunsOf = Callable[[int], Sequence[Mapping[str, Any]]]
"""Work id to Consonance's production runs, as `include.catalogue.production.of_work` gives them."""
_FORMATS = {"B": "print", "E": "ebook", "A": "audio"}  # first letter of a List 150 code


@dataclass(frozen=True, slots=True)
class Edition:
    """One living product that somebody still brings out. `format`: `print`, `ebook`, `audio`, "" for what is none of them."""

    id: int
    work_id: int
    isbn: str
    title: str
    form: str  # List 150
    published: date | None
    rights: Rights
    first_seen: datetime

    @property
    def format(self) -> str:
        return _FORMATS.get(self.form[:1], "")

    @property
    def named(self) -> str:
        return f"{self.title} ({self.isbn or f'product {self.id}'})"


@dataclass(frozen=True, slots=True)
class PrintRun:
    """One production run. `products` is empty where it is for all of the work's. `quantity` None: Consonance does not tell it."""

    work_id: int
    name: str
    products: frozenset[int]
    day: date | None
    quantity: int | None

    def prints(self, edition: Edition) -> bool:
        return edition.work_id == self.work_id and edition.format == "print" and (not self.products or edition.id in self.products)


@dataclass(frozen=True, slots=True)
class Served:
    """One tie of the licence, with the editions that it means. `whole`: every edition of the work."""

    role: str
    work_id: int
    whole: bool
    editions: tuple[Edition, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One licence, ready to be checked. `others`: editions of its works that it does not serve, nor any licence of the same asset.

    `asks_runs`: works whose production runs matter to it."""

    row: LicenceRow
    terms: Terms
    serves: tuple[Served, ...] = ()
    others: tuple[Edition, ...] = ()
    campaigns: tuple[Campaign, ...] = ()

    @property
    def asks_runs(self) -> frozenset[int]:
        printed = {one.work_id for one in self.serves if one.role != "promotion" and any(e.format == "print" for e in one.editions)}
        return frozenset(printed) if self.terms.ends is not None or self.terms.print_run is not None else frozenset()

    @property
    def works(self) -> tuple[int, ...]:
        return tuple(dict.fromkeys(one.work_id for one in self.serves))

    @property
    def work_id(self) -> int:
        """The one work that it serves; 0 for none, or several."""
        return self.works[0] if len(self.works) == 1 else 0

    def editions(self, *roles: str) -> tuple[Edition, ...]:
        """Those that it serves, each once; with `roles` only as one of these."""
        return tuple({e.id: e for one in self.serves if not roles or one.role in roles for e in one.editions}.values())


@dataclass(slots=True)
class Runs:
    """Production runs by work, asked once. What can't be read is told in `trouble`, and those works are left as they are."""

    of: RunsOf = lambda work_id: ()
    trouble: str = ""
    _known: dict[int, tuple[PrintRun, ...] | None] = field(default_factory=dict)

    def works(self, work_ids: Collection[int]) -> tuple[PrintRun, ...] | None:
        """None where Consonance did not answer."""
        found: list[PrintRun] = []
        for work_id in sorted(work_ids):
            runs = self._work(work_id)
            if runs is None:
                return None
            found += runs
        return tuple(found)

    def _work(self, work_id: int) -> tuple[PrintRun, ...] | None:
        if work_id in self._known:
            return self._known[work_id]
        runs: tuple[PrintRun, ...] | None = None
        if not self.trouble:  # it would not answer the next one either
            try:
                runs = tuple(_run(work_id, one) for one in self.of(work_id))
            except ColophonError as bad:
                self.trouble = str(bad)
        self._known[work_id] = runs
        return runs


def _run(work_id: int, told: Mapping[str, Any]) -> PrintRun:
    amounts = [one.get("quantity") for one in told.get("quantities") or () if isinstance(one, Mapping)]
    known = [amount for amount in amounts if isinstance(amount, int) and not isinstance(amount, bool)]
    name = str(told.get("name") or f"run {told.get('id') or ''}").strip()
    return PrintRun(work_id, name, frozenset(told.get("productIds") or ()), _day(told.get("deliveryDate")), sum(known) if known else None)


def gather(session: Session, rows: Sequence[LicenceRow], campaigns: Sequence[Campaign]) -> list[Case]:
    """The licences of a page (with what they serve) as cases. Titles that are gone or given up count no more."""
    works = {one.work_id for row in rows for one in row.serves if one.work_id}
    editions = _editions(session, works)
    beside = _served_by_asset(session, {(row.provider, row.asset_id) for row in rows})
    named = {one.id: one for one in campaigns}
    by_isbn: dict[str, list[Campaign]] = {}
    for one in campaigns:
        for isbn in one.titles:
            by_isbn.setdefault(isbn.replace("-", ""), []).append(one)
    return [_case(row, editions, beside.get((row.provider, row.asset_id), frozenset()), named, by_isbn) for row in rows]


def _case(
    row: LicenceRow,
    editions: Mapping[int, tuple[Edition, ...]],
    beside: frozenset[tuple[int, int]],
    named: Mapping[str, Campaign],
    by_isbn: Mapping[str, Sequence[Campaign]],
) -> Case:
    serves = []
    tied: dict[str, Campaign] = {}
    for one in row.serves:
        if one.campaign in named:
            tied[one.campaign] = named[one.campaign]
        if one.work_id and (all_of := editions.get(one.work_id)):
            mine = tuple(e for e in all_of if one.product_id in {0, e.id})
            serves.append(Served(one.role, one.work_id, not one.product_id, mine))
            for edition in mine if one.role != "interior" else ():  # a campaign shows a title's cover, not what is in it
                tied |= {campaign.id: campaign for campaign in by_isbn.get(edition.isbn, ())}
    others = []
    for work_id in dict.fromkeys(one.work_id for one in serves if one.role != "promotion"):
        whole = (work_id, 0) in beside
        others += [e for e in editions[work_id] if (work_id, e.id) not in beside and (not whole or e.first_seen > row.first_seen)]
    return Case(row, reading.read(row), tuple(serves), tuple(others), tuple(tied.values()))


def _editions(session: Session, works: Collection[int]) -> dict[int, tuple[Edition, ...]]:
    wanted, found = sorted(works), dict[int, list[Edition]]()
    for some in chunks(wanted):
        query = (
            select(ProductRow.id, ProductRow.work_id, ProductRow.isbn, ProductRow.title, WorkRow.title, ProductRow.form,
                   ProductRow.publication_date, ProductRow.content, ProductRow.first_seen)
            .join(WorkRow, WorkRow.id == ProductRow.work_id)
            .where(ProductRow.work_id.in_(some), ProductRow.deleted_at.is_(None), WorkRow.deleted_at.is_(None))
            .order_by(ProductRow.id)
        )  # fmt: skip
        for id, work_id, isbn, title, of_work, form, published, content, first_seen in session.execute(query):
            told = json.loads(content)
            if told.get("publishing_status") in GIVEN_UP:
                continue
            rights = Rights(told.get("sold_worldwide"), tuple(told.get("sold_in", ())), tuple(told.get("not_sold_in", ())))
            day = _day(published) or _day(told.get("planned_date"))
            one = Edition(id, work_id, isbn, title or of_work, form, day, rights, first_seen)
            found.setdefault(work_id, []).append(one)
    return {work_id: tuple(editions) for work_id, editions in found.items()}


def _served_by_asset(session: Session, assets: Collection[tuple[str, str]]) -> dict[tuple[str, str], frozenset[tuple[int, int]]]:
    """What all licences of an asset (agency and id) serve, (work, product) each: a second licence may have been taken for the second
    edition."""
    found: dict[tuple[str, str], set[tuple[int, int]]] = {}
    query = select(LicenceRow.asset_id, LicenceServesRow.work_id, LicenceServesRow.product_id).join(
        LicenceServesRow, LicenceServesRow.licence_id == LicenceRow.id
    )
    for provider in sorted({agency for agency, _ in assets}):
        of_provider = query.where(LicenceRow.provider == provider, LicenceServesRow.work_id != 0)
        for some in chunks(sorted(id for agency, id in assets if agency == provider)):
            for asset, work, product in session.execute(of_provider.where(LicenceRow.asset_id.in_(some))):
                found.setdefault((provider, asset), set()).add((work, product))
    return {asset: frozenset(served) for asset, served in found.items()}


def _day(text: Any) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
