"""Launch packs: the approved set of a title goes to sales, marketing and retailers, once the title is ready and its embargo is over.

Everyone gets the same set, or the part of it that they take. When the set changes (a new cover, other copy), the next revision goes to
everybody who has an earlier one, and names what it replaces; what is in it no more is named, too.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.catalogue import read
from include.deliveries.build import Run
from include.deliveries.naming import slug
from include.errors import ConfigurationError, RejectedData, TransientError
from include.ledger import packages, readiness, title_files
from include.ledger.database import Ledger
from include.ledger.file_rows import PackageRow, ReadinessRow
from include.ledger.models import ProductRow
from include.ledger.readiness import Wish
from include.packages.build import NewPackage, prepare, shares_folder
from include.packages.launch_set import LaunchSet, assemble, source_of
from include.packages.releases import Outcome, note
from include.partners import Party
from include.partners.model import House
from include.partners.packages import Launch
from include.readiness import assess
from include.readiness.assess import after, before
from include.readiness.columns import Line, contributors
from include.readiness.lines import is_for, lines, products_of
from include.store import ArtefactStore
from include.titles.model import Product

FLOW = "launch_packs"
LATEST_DAYS = 30  # after publication: a first pack still goes
_PROMISED = ("cover", "copy")  # without these there is nothing to launch with


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a pack has to wait."""

    code: str
    message: str
    todo: str

    def to_json(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "todo": self.todo}


def build_all(ledger: Ledger, store: ArtefactStore, party: Party, house: House, now: datetime, run: Run | None = None) -> Outcome:
    """Prepares every pack that this party is due, and writes down which titles wait, and why.

    `now` carries a zone. A title that can't be built is set aside with its reason. Raises `ConfigurationError` for a party without
    `[launch]`, an unknown check in its gate or a mask that can't be filled; `TransientError` if most covers can't be fetched now.
    """
    wish, run = _wish(party), run or Run()
    check_gate(party)
    today = now.astimezone(ZoneInfo(party.schedule.timezone)).date()
    with ledger.session() as session:
        packages.settle(session, party.id, FLOW, now=now, who=run.who)  # after a run that died between arrival and record
    with ledger.read() as session:
        found = due(session, party, today)
        twice = read.duplicate_isbns(session)
    _forget_waiting(ledger, party, found)
    _stop(ledger, party, lambda product: product not in found, now, run)
    outcome = Outcome()
    trouble: list[TransientError] = []
    for product_id in found:
        with ledger.read() as session:
            line = _load(session, product_id, wish, today)
            files = title_files.files_of(session, line.row.work_id, product_id=product_id, current=True) if line else []
            others = siblings(session, line.product) if line else ()
        if line is None:
            _stop(ledger, party, {product_id}.__contains__, now, run)
            continue
        outcome.releases += 1
        where = {"work_id": line.row.work_id, "product_id": product_id}
        subject = subject_of(line.product) if line.product.isbn not in twice else f"product-{product_id}"
        try:
            reasons = [*_unnamed(line.product, twice), *gate(line, wish, house, today, others)]
            source = source_of(line.product, files, today, wish.model_dump(mode="json"), party.transport.folder)
            if not reasons and source and _has(ledger, party, subject, source):
                continue
            if not reasons:
                launch_set = assemble(line.product, files, store, today, _Memory(ledger, store, product_id).cover)
                reasons = _lacking(launch_set, wish)
            if reasons:
                with ledger.session() as session:
                    packages.settle(session, party.id, FLOW, now=now, who=run.who, subject=subject)
                    packages.wait(session, party.id, FLOW, subject, [one.to_json() for one in reasons], now=now, who=run.who, **where)
                outcome.waiting += 1
                continue
            row = prepare(ledger, store, pack(party, house, line, launch_set, today, source), now=now, run=run)
            _remember(ledger, row, source)
            note(outcome, row)
        except RejectedData as bad:
            outcome.problems.append({"subject": subject, "message": str(bad), "todo": bad.todo})
        except TransientError as bad:
            trouble.append(bad)
            outcome.problems.append({"subject": subject, "message": str(bad), "todo": "It is tried again in the next run."})
    if trouble and len(trouble) * 2 > len(found):
        raise trouble[-1]
    return outcome


def due(session: Session, party: Party, today: date) -> list[int]:
    """Products whose pack may go by now, by date of publication; and all of which the party has a pack, however long ago."""
    wish = _wish(party)
    near = Wish(since=(before(today, LATEST_DAYS) or today).isoformat(), until=after(today, wish.days_before).isoformat())
    found = dict.fromkeys(line.row.product_id for line in lines(session, wish.products, today, wish=near))
    has = select(PackageRow.product_id).where(
        PackageRow.partner == party.id, PackageRow.flow == FLOW, PackageRow.state == packages.DELIVERED
    )
    found |= dict.fromkeys(id for id in session.scalars(has.order_by(PackageRow.id)) if id is not None)
    return list(found)


def _has(ledger: Ledger, party: Party, subject: str, source: str) -> bool:
    """Whether the party has just what would be made, and nothing else waits to go."""
    with ledger.read() as session:
        rows = packages.of_subject(session, party.id, FLOW, subject)
        last = max((row for row in rows if row.state == packages.DELIVERED), key=lambda row: row.revision, default=None)
        return (
            last is not None
            and last.ticket.get("source") == source
            and all(row.state in {packages.DELIVERED, packages.REPLACED} for row in rows)
        )


def _remember(ledger: Ledger, row: PackageRow, source: str) -> None:
    """Other sources that came to the same pack need not be looked at again."""
    if row.ticket.get("source") != source:
        with ledger.session() as session:
            known = packages.get(session, row.id)
            known.ticket = {**known.ticket, "source": source}


def _unnamed(product: Product, twice: frozenset[str]) -> list[Reason]:
    """A pack is known by its ISBN: without one of its own it would be nobody's, or another's."""
    if not product.isbn:
        return [Reason("no-isbn", "There is no ISBN", "Assign one in Consonance.")]
    if product.isbn in twice:
        return [Reason("isbn-twice", f"Another product has the ISBN {product.isbn}, too", "Correct it in Consonance.")]
    return []


def _forget_waiting(ledger: Ledger, party: Party, found: Collection[int]) -> None:
    """Titles whose time it is not any more (their date moved, or they are gone) do not wait."""
    query = select(PackageRow).where(PackageRow.partner == party.id, PackageRow.flow == FLOW, PackageRow.state == packages.WAITING)
    with ledger.session() as session:
        for row in session.scalars(query).all():
            if row.product_id not in found:
                session.delete(row)


def _stop(ledger: Ledger, party: Party, which: Callable[[int | None], bool], now: datetime, run: Run) -> None:
    """What was built and has not left, of titles whose time it is not any more."""
    why = [{"code": "not-its-time", "message": "its date moved, or nobody brings it out any more", "todo": "Look at its publication date."}]
    query = select(PackageRow).where(PackageRow.partner == party.id, PackageRow.flow == FLOW)
    with ledger.session() as session:
        for row in session.scalars(query.where(PackageRow.state.in_([packages.BUILT, packages.HELD]))).all():
            if which(row.product_id):
                packages.stop(session, row, why, now=now, who=run.who)


def gate(line: Line, wish: Launch, house: House, today: date, others: Sequence[Product] = ()) -> list[Reason]:
    """Why nothing of this title may leave today; [] if it may. `others`: the work's other products."""
    reasons = []
    row = line.row
    if wish.gate:
        closed = [check for check in line.open() if check["code"] in wish.gate]
        reasons += [Reason("not-ready", f"{check['name']}: {check['message']}", check["todo"]) for check in closed]
    elif row.state not in {readiness.READY, readiness.PUBLISHED}:
        waiting = line.open()
        more = f" and {len(waiting) - 3} more" if len(waiting) > 3 else ""
        names = "; ".join(str(one["name"]) for one in waiting[:3])
        reasons.append(Reason("not-ready", f"The title is {row.state}: {names}{more}", "See its readiness on the title's page."))
    day = opens(line.product, others, house)
    if wish.embargo and day is not None and today < day:
        reasons.append(Reason("embargo", f"Nothing of it may leave before {day}", "Nothing: it goes on that day."))
    return reasons


def siblings(session: Session, product: Product) -> tuple[Product, ...]:
    """The work's other living products."""
    ids = session.scalars(select(ProductRow.id).where(ProductRow.work_id == product.work.id, ProductRow.id != product.id)).all()
    return tuple(products_of(session, list(ids)).values())


def opens(product: Product, others: Sequence[Product], house: House) -> date | None:
    """The first day on which a pack may leave. Editions share their words and most of their pictures: another edition's embargo holds
    this one's pack, too, unless this one is published before that day."""
    days = [embargo(product, house)]
    for other in others:
        day = None if assess.given_up(other) else embargo(other, house)
        if day is not None and (product.publication_date is None or product.publication_date >= day):
            days.append(day)
    return max((day for day in days if day is not None), default=None)


def embargo(product: Product, house: House) -> date | None:
    """The product's own: from Consonance or from the house's list, the later of the two."""
    days = [product.embargo_date, house.embargoes.get(product.isbn), house.embargoes.get(str(product.work.id))]
    return max((day for day in days if day is not None), default=None)


def pack(party: Party, house: House, line: Line, launch_set: LaunchSet, today: date, source: str = "") -> NewPackage:
    """The pack of one title: of the set, what this party takes."""
    wish, product = _wish(party), line.product
    items = [item for content in wish.contents for item in launch_set.items.get(content, ())]
    folder = _filled(party, "folder", wish.folder, product)
    about = {
        "from": house.sender.name, "isbn": product.isbn, "title": product.full_title or product.work.title,
        "contributors": contributors(product), "publication_date": line.row.publication_date, "as_of": today.isoformat(),
    }  # fmt: skip
    where = posixpath.join(party.transport.folder, folder) if folder else party.transport.folder
    return NewPackage(
        party=party, flow=FLOW, subject=subject_of(product), items=items, folder=where,
        zipped=f"launch_{subject_of(product)}_r{{revision}}.zip" if wish.zipped else "", work_id=product.work.id, product_id=product.id,
        about=about, ticket={"source": source, "cover": launch_set.cover}, format="launch pack",
        flat=shares_folder(party, wish.folder, zipped=wish.zipped),
    )  # fmt: skip


def subject_of(product: Product) -> str:
    """What tells a party's packs apart: the ISBN."""
    return slug(product.isbn) if product.isbn else f"product-{product.id}"


def check_gate(party: Party) -> None:
    """Raises `ConfigurationError` if the party's gate names a check that does not exist."""
    known = {code for code, _ in assess.known_checks()}
    if unknown := sorted(set(_wish(party).gate) - known):
        where, todo = f"config/partners/{party.id}.toml, launch.gate", f"Known: {', '.join(sorted(known))}."
        raise ConfigurationError(f"there is no check {unknown[0]!r}", where=where, todo=todo)


@dataclass(frozen=True, slots=True)
class _Memory:
    """Covers of earlier packs of this product, for whichever party."""

    ledger: Ledger
    store: ArtefactStore
    product_id: int

    def cover(self, identity: str) -> tuple[str, int] | None:
        query = select(PackageRow.ticket).where(PackageRow.flow == FLOW, PackageRow.product_id == self.product_id)
        with self.ledger.read() as session:
            for ticket in session.scalars(query.order_by(PackageRow.id.desc()).limit(20)):
                known = ticket.get("cover") or {}
                if known.get("identity") == identity and self.store.exists(known["sha256"]):
                    return known["sha256"], known["bytes"]
        return None


def _load(session: Session, product_id: int, wish: Launch, today: date) -> Line | None:
    row = session.get(ReadinessRow, product_id)
    product = products_of(session, [product_id]).get(product_id)
    return Line(row, product) if row is not None and product is not None and is_for(product, wish.products, today) else None


def _lacking(launch_set: LaunchSet, wish: Launch) -> list[Reason]:
    return [
        Reason(f"no-{content}", message, "Add it, and have it approved.")
        for content, message in launch_set.lacking.items()
        if content in wish.contents and content in _PROMISED
    ]


def _filled(party: Party, name: str, mask: str, product: Product) -> str:
    try:
        return mask.format(isbn=subject_of(product), work=product.work.id, title=slug(product.work.title)[:60])
    except (KeyError, IndexError, ValueError, TypeError, AttributeError) as bad:
        where = f"config/partners/{party.id}.toml, launch.{name}"
        raise ConfigurationError(f"the mask {mask!r} can't be filled: {bad}", where=where, todo="Use isbn, work and title only.") from bad


def _wish(party: Party) -> Launch:
    if party.launch is None:
        raise ConfigurationError(f"{party.id!r} gets no launch packs", where="config/partners", todo="Add a [launch] table to its file.")
    return party.launch
