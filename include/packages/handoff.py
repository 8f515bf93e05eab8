"""Print handoff: a book's print-ready files, its job ticket and what the checks found, as the printer names them.

Production files come from intake: the approved, current version on the title. Consonance's own production files would come first, but
its public schema gives no way to list or fetch them; a production folder is an inbox (`config/inboxes`, originals left where they are),
so that its files, too, go through the same checks and the same approval.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from include.errors import ConfigurationError
from include.files import preflight
from include.files.model import Finding, Kind, Severity
from include.files.preflight import Expected
from include.files.preflight.codes import settled
from include.ledger import licences, packages
from include.ledger.database import Ledger
from include.packages import checking, naming, ticket
from include.packages.build import Item, made
from include.packages.contents import Chosen, choose
from include.packages.making import Due, Making, Shelf, asked_for, in_stages, preflight_file, put_together, shelf, unfit_title
from include.packages.ticket_page import as_pdf
from include.partners import House, Party
from include.partners.packages import Handoff
from include.partners.printers import Printer
from include.partners.registry import load_printer
from include.store import ArtefactStore
from include.titles.model import Product

FLOW = "print_handoff"
RunsOf = Callable[[int], Sequence[Mapping[str, Any]]]
"""Work id to Consonance's production runs, as `include.catalogue.production.of_work` gives them."""
_PAGED = ("text", "prelims", "ends", "index", "page")  # parts of the interior that the extent counts


@dataclass(frozen=True, slots=True)
class Job:
    """One printer's wishes for one book: its profile, the product's shelf, the production run if there is one."""

    printer: Printer
    handoff: Handoff
    shelf: Shelf
    run: Mapping[str, Any] | None

    @property
    def product(self) -> Product:
        return self.shelf.product


def due(ledger: Ledger, party: Party, house: House, now: datetime, words: str = "") -> list[Due]:
    """Titles for this printer: those in its stages, or what a person asked for. First those that it does not have yet: one run takes
    so many titles and no more."""
    wish = _wish(party)
    if words:
        return asked_for(ledger, wish.products, words, now.date())
    found = in_stages(ledger, wish.products, wish.stages, house, now.date())
    with ledger.read() as session:
        has = packages.products_delivered(session, party.id, FLOW)
    return sorted(found, key=lambda one: one.product_id in has)


def make(
    ledger: Ledger, store: ArtefactStore, party: Party, house: House, product_id: int, runs_of: RunsOf, *, now: datetime, left_out: str = ""
) -> Making:
    """One book's package, checked and named, or why it waits. Nothing is recorded but the checks' results. `left_out`: what this
    Consonance does not tell of production runs, in a sentence.

    Raises `TransientError` where Consonance does not answer: a ticket without its run must not go because of a bad line.
    """
    wish = _wish(party)
    printer = load_printer(wish.profile)
    with ledger.read() as session:
        of = shelf(session, product_id)
        forbidden = forbidden_by_licences(session, wish, of.product)
    contents = choose(printer, of.product, of.files)
    if reasons := (*unfit_title(of.product), *forbidden, *contents.reasons):
        return Making(party, FLOW, of.product, None, reasons, contents.notes, contents.chosen)
    run = ticket.run_for(of.product, runs_of(of.product.work.id))
    job = Job(printer, wish, of, run)
    checked = checking.check(ledger, store, contents.chosen, lambda one: expected(job, one, contents.chosen), now=now)
    more = (*_total_pages(job, contents.chosen, checked), *_layers(job, contents.chosen))
    checked = checking.Report(tuple(sorted((*checked.findings, *more), key=lambda one: list(Severity).index(one.severity))), checked.facts)
    told = ticket.ticket(of.product, run, house, left_out=left_out)

    def made_for_it(prefix: str, names: Mapping[str, str]) -> list[Item]:
        report = made(store, "preflight", f"{prefix}preflight.json", preflight_file(names, checked), identity="")
        return [*_ticket_files(store, printer, of.product, told, prefix), report]

    return put_together(
        party, FLOW, printer, of.product, contents, checked, house, folder=wish.folder, made=made_for_it, ticket=told,
        zipped="{isbn}_r{revision}.zip" if wish.zipped else "",
    )  # fmt: skip


def forbidden_by_licences(session: Session, wish: Handoff | None, product: Product) -> list[dict[str, str]]:
    """Reasons, where the printer's table heeds licences of images and one of the title's has a blocking flag."""
    if wish is None or wish.licences == "ignore":
        return []
    return licences.stopping(session, {product.id: product.work.id}).get(product.id, [])


def expected(job: Job, one: Chosen, chosen: Sequence[Chosen]) -> Expected:
    """What one part is checked against: the product's trim, extent and spine, then the printer's rules."""
    product, part = job.product, one.part
    trim = (float(product.width_mm), float(product.height_mm)) if product.width_mm and product.height_mm else None
    alone = part.measure == "text" and sum(_counts(other) for other in chosen) == 1
    return checking.wanted(
        job.printer,
        part,
        isbn=product.isbn,
        isbns=job.shelf.siblings,
        trim_mm=trim if part.measure in {"text", "cover", "jacket"} else None,
        pages=_extent(product) if alone else None,
        spine_mm=spine(job) if part.measure in {"cover", "jacket"} else None,
        colour="gray" if part.measure == "text" and ticket.printed_black(job.run) else None,
    )


def spine(job: Job) -> float | None:
    """Millimetres: the product's thickness, else what pages and paper of the production run come to, where both are known."""
    if job.product.thickness_mm:
        return float(job.product.thickness_mm)
    pages, paper = _extent(job.product), ticket.paper(job.run)
    return preflight.spine_mm(pages, *paper) if pages and paper else None


def _wish(party: Party) -> Handoff:
    if party.handoff is None:
        where = f"config/partners/{party.id}.toml"
        raise ConfigurationError(f"{party.name} gets no print-ready files", where=where, todo="Add a [handoff] table, or choose another.")
    return party.handoff


def _extent(product: Product) -> int | None:
    """All pages, where the record has their number; else main content, front and back matter together."""
    if product.pages_total or not product.pages:
        return product.pages_total
    return product.pages + (product.pages_front or 0) + (product.pages_back or 0)


def _counts(one: Chosen) -> bool:
    """Whether the extent counts its pages: plates and endpapers have none."""
    return one.file.kind == Kind.INTERIOR and (not one.file.part or one.file.part.startswith(_PAGED))


def _total_pages(job: Job, chosen: Sequence[Chosen], checked: checking.Report) -> tuple[Finding, ...]:
    """Text in several files: their pages together against the extent."""
    pieces = [one for one in chosen if _counts(one)]
    extent = _extent(job.product)
    if len(pieces) < 2 or extent is None:
        return ()
    rules = expected(job, next((one for one in pieces if one.part.measure == "text"), pieces[0]), chosen)
    pages = [checked.facts.get(one.file.sha256, {}).get("pages") for one in pieces]
    if not all(isinstance(count, int) for count in pages):
        return ()
    total = sum(count for count in pages if isinstance(count, int))
    if abs(total - extent) <= rules.pages_tolerance:
        return ()
    message = f"The {len(pieces)} files of the text have {total} pages together, the product's extent is {extent}."
    return settled([preflight.finding("pages-differ", message)], rules)


def _layers(job: Job, chosen: Sequence[Chosen]) -> tuple[Finding, ...]:
    """A finish that was ordered and whose artwork is not there."""
    there = {one.part.id for one in chosen}
    found: dict[str, Finding] = {}
    for extra in ticket.ordered_extras(job.product, job.run):
        for word, part in job.printer.layers.items():
            if word.casefold() in extra.casefold() and part not in there and part not in found:
                todo = "Ask the designer for it, or tell the printer that the cover's own file has it."
                found[part] = Finding("layer-missing", Severity.WARN, f"{extra} is ordered, and there is no file {part}.", todo)
    return tuple(found.values())


def _ticket_files(store: ArtefactStore, printer: Printer, product: Product, told: Mapping[str, Any], prefix: str) -> list[Item]:
    """JSON, CSV and PDF; only what the job is makes another package, not how a newer Colophon sets the page."""
    stem = prefix + naming.fill(printer.ticket, f"profile {printer.id}, ticket", **naming.fields(product, printer))
    return [
        made(store, "ticket", f"{stem}.json", ticket.as_json(told), identity=ticket.identity(told)),
        made(store, "ticket", f"{stem}.csv", ticket.as_csv(told), identity=""),
        made(store, "ticket", f"{stem}.pdf", as_pdf(told), identity=""),
    ]
