"""What print handoff and format delivery share: whose turn it is, and how a title's files become a package."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from include.catalogue import read
from include.deliveries.build import Run
from include.errors import PermanentError, RejectedData
from include.feeds import codelists
from include.feeds.selection import left_out_by
from include.files.model import Finding
from include.ledger import packages, title_files
from include.ledger.database import Ledger
from include.ledger.file_rows import PackageRow, TitleFileRow
from include.ledger.models import ProductRow, WorkRow
from include.packages import naming
from include.packages.build import Item, NewPackage, check_names, prepare, shares_folder
from include.packages.checking import Report, report
from include.packages.contents import Chosen, Contents
from include.partners import House, Party
from include.partners.profiles import Profile
from include.partners.tables import ProductFilter
from include.readiness.assess import given_up
from include.store import ArtefactStore
from include.titles.identifiers import is_isbn13
from include.titles.model import Product

MOST = 1000  # titles of one run, as many as Airflow maps at once; the rest comes the next time


@dataclass(frozen=True, slots=True)
class Due:
    """A title whose turn it is."""

    product_id: int
    work_id: int
    isbn: str
    title: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What the ledger has of one product: the product, its files (all versions), the ISBNs of the work's other products."""

    product: Product
    files: tuple[TitleFileRow, ...]
    siblings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Making:
    """What a title's package would be: `new`, or why there is none yet ([{code, message, todo, where}])."""

    party: Party
    flow: str
    product: Product
    new: NewPackage | None = None
    reasons: tuple[dict[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    chosen: tuple[Chosen, ...] = field(default=(), repr=False)


def in_stages(
    ledger: Ledger, wanted: ProductFilter, stages: Sequence[str], house: House, today: date, *, among: Collection[int] | None = None
) -> list[Due]:
    """Living titles that the filter selects, of works in one of the stages (`[stages]` of the house); no stages: in any. `among`: only
    of these products."""
    names = [name for name, stage in house.stages.items() if stage in stages]
    query = select(ProductRow, WorkRow).join(WorkRow, WorkRow.id == ProductRow.work_id).order_by(ProductRow.id)
    if stages:
        query = query.where(WorkRow.stage.in_(names))
    if among is not None:
        query = query.where(ProductRow.id.in_(among))
    with ledger.read() as session:
        return [_due(*pair) for pair in _living(session, query) if not left_out_by(read.title(*pair), wanted, today)]


def asked_for(ledger: Ledger, wanted: ProductFilter, words: str, today: date) -> list[Due]:
    """The title that a person named (ISBN, Consonance's id, words of the title), in those editions that the filter selects, in whatever
    stage.

    Raises `PermanentError` if there is none, or if the words fit several titles and none exactly.
    """
    with ledger.read() as session:
        pairs = [(product, work) for product, work in read.find(session, words) if product.deleted_at is None and work.deleted_at is None]
        found = [_due(*pair) for pair in pairs if not left_out_by(read.title(*pair), wanted, today)]
    if not found:
        known = ", ".join(sorted({product.isbn for product, _ in pairs})) or "no title"
        todo = "Give the ISBN of an edition that this partner gets."
        raise PermanentError(f"nothing for this partner: {known} fits", where=words, todo=todo)
    exactly = [one for one in found if words.strip() in {one.isbn, str(one.product_id)} or words.strip().casefold() == one.title.casefold()]
    found = exactly or found
    if len({one.work_id for one in found}) > 1:
        named = "; ".join(f"{one.title} ({one.isbn or one.product_id})" for one in found[:5])
        message = f"{len({one.work_id for one in found})} titles fit: {named}"
        raise PermanentError(message, where=words, todo="Give the ISBN of the one that is meant.")
    return found


def shelf(session: Session, product_id: int) -> Shelf:
    """Raises `PermanentError` if the mirror has no such living product. Files with restricted access are not among the files."""
    row = session.get(ProductRow, product_id)
    work = session.get(WorkRow, row.work_id) if row is not None else None
    if row is None or work is None or row.deleted_at is not None:
        raise PermanentError(f"there is no product {product_id} in the mirror", todo="Run catalogue_sync, then look the title up.")
    files = [file for file in title_files.files_of(session, row.work_id, product_id=product_id) if not file.restricted]
    siblings = session.scalars(select(ProductRow.isbn).where(ProductRow.work_id == row.work_id, ProductRow.id != product_id))
    return Shelf(read.title(row, work), tuple(files), tuple(sorted(isbn for isbn in siblings if is_isbn13(isbn))))


def unfit_title(product: Product) -> tuple[dict[str, str], ...]:
    """Why nothing can be made of this product: nobody brings it out any more, or nothing can be named after it."""
    if given_up(product):
        message = f"its publishing status is {codelists.label(64, product.publishing_status)}"
        todo = "Nothing, if that is right; else choose another status in Consonance."
        return ({"code": "given-up", "message": message, "where": "publishing status", "todo": todo},)
    if is_isbn13(product.isbn):
        return ()
    message = f"the ISBN {product.isbn!r} is not valid" if product.isbn else "the product has no ISBN"
    return ({"code": "isbn-missing", "message": message, "where": "ISBN", "todo": "Give it one in Consonance."},)


def put_together(
    party: Party,
    flow: str,
    profile: Profile,
    product: Product,
    contents: Contents,
    checked: Report,
    house: House,
    *,
    folder: str,
    zipped: str = "",
    bare: bool = False,
    made: Callable[[str, Mapping[str, str]], Iterable[Item]] = lambda prefix, names: (),
    ticket: dict[str, Any] | None = None,
) -> Making:
    """Names the files and adds what is made for the package; `made` gets the prefix of such names, and sha256 to name of the others.
    `folder` and `zipped` may hold `{isbn}` and `{revision}`. What can't be named makes it wait."""
    findings = (*checked.findings, *contents.notes)
    chosen = contents.chosen
    try:
        names = naming.names(profile, product, chosen, checked.facts)
        items = [
            Item(one.part.id, name, one.file.sha256, one.file.bytes, one.revision, one.file.id)
            for one, name in zip(chosen, names, strict=True)
        ]
        new = NewPackage(
            party=party,
            flow=flow,
            subject=product.isbn,
            items=items,
            folder=posixpath.join(party.transport.folder, folder.replace("{isbn}", product.isbn)).rstrip("/"),
            zipped=zipped.replace("{isbn}", product.isbn),
            work_id=product.work.id,
            product_id=product.id,
            about={"from": house.sender.name, "isbn": product.isbn, "title": product.full_title or product.work.title,
                   "format": product.format, "work": product.work.id, "product": product.id},
            findings=[one.to_json() for one in findings],
            ticket=ticket or {},
            ask=[_ask(one) for one in checked.failing],
            whole=profile.whole,
            flat=shares_folder(party, folder, zipped=bool(zipped)),
            bare=bare,
            format=profile.name,
        )  # fmt: skip
        new = replace(new, items=[*items, *made(new.prefix, {item.sha256: item.name for item in items})])
        check_names(new)
    except RejectedData as bad:
        reason = bad.reason("name-impossible")
        return Making(party, flow, product, None, (reason,), findings, chosen)
    return Making(party, flow, product, new, (), findings, chosen)


def preflight_file(names: Mapping[str, str], checked: Report) -> bytes:
    """`preflight.json`: what the checks found and measured. `names`: sha256 to the name in the package."""
    measured = {name: dict(checked.facts.get(sha256, {})) for sha256, name in names.items()}
    return json.dumps(report(checked.findings, measured), indent=2, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"


def record(ledger: Ledger, store: ArtefactStore, making: Making, *, now: datetime, run: Run) -> PackageRow:
    """Prepares the package, or writes down that it waits and why; gives its row. What was built under another ISBN is stopped."""
    if making.new is not None:
        with ledger.session() as session:
            _stop_other_numbers(session, making, now, run)
        return prepare(ledger, store, making.new, now=now, run=run)
    product = making.product
    with ledger.session() as session:
        packages.settle(session, making.party.id, making.flow, now=now, who=run.who, subject=_subject(product))
        _stop_other_numbers(session, making, now, run)
        return packages.wait(
            session, making.party.id, making.flow, _subject(product), making.reasons, now=now, who=run.who, work_id=product.work.id,
            product_id=product.id,
        )  # fmt: skip


def stop_what_is_not_due(ledger: Ledger, party: Party, flow: str, due: Sequence[Due], *, now: datetime, run: Run) -> int:
    """Stops packages that have not left and whose title's turn it is no more (its stage went back, or it is gone); gives their number."""
    wanted = {one.product_id for one in due}
    why = [
        {"code": "stage-left", "message": "the title is in no stage any more in which this partner gets it", "todo": "Look at its stage."}
    ]
    query = select(PackageRow).where(PackageRow.partner == party.id, PackageRow.flow == flow)
    with ledger.session() as session:
        packages.settle(session, party.id, flow, now=now, who=run.who)
        rows = [
            row
            for row in session.scalars(query.where(PackageRow.state.in_([packages.BUILT, packages.HELD])))
            if row.product_id not in wanted
        ]
        for row in rows:
            packages.stop(session, row, why, now=now, who=run.who)
        for row in session.scalars(query.where(PackageRow.state == packages.WAITING)).all():
            if row.product_id not in wanted:
                session.delete(row)
    return len(rows)


def _stop_other_numbers(session: Session, making: Making, now: datetime, run: Run) -> None:
    product, here = making.product, _subject(making.product)
    mine = (PackageRow.partner == making.party.id, PackageRow.flow == making.flow, PackageRow.product_id == product.id)
    why = [{"code": "isbn-changed", "message": f"the product is {product.isbn or 'without an ISBN'} now", "todo": "Nothing."}]
    for row in session.scalars(select(PackageRow).where(*mine, PackageRow.subject != here)).all():
        if row.state in {packages.BUILT, packages.HELD}:
            packages.stop(session, row, why, now=now, who=run.who)
        elif row.state == packages.WAITING:
            session.delete(row)


def _subject(product: Product) -> str:
    return product.isbn if is_isbn13(product.isbn) else f"product {product.id}"


def _living(session: Session, query: Select[ProductRow, WorkRow]) -> Iterable[tuple[ProductRow, WorkRow]]:
    living = query.where(ProductRow.deleted_at.is_(None), WorkRow.deleted_at.is_(None))
    for pair in session.execute(living.execution_options(yield_per=500)):
        yield pair[0], pair[1]


def _due(product: ProductRow, work: WorkRow) -> Due:
    return Due(product.id, work.id, product.isbn, product.title or work.title)


def _ask(finding: Finding) -> dict[str, str]:
    return {"code": finding.code, "message": finding.message, "todo": finding.todo, "where": f"{finding.file} {finding.where}".strip()}
