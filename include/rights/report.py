"""Rights reports, contract extracts and finance extracts: written for one recipient, and prepared for delivery when they changed.

    scope (its titles) ─▶ rights, licences ─▶ flags of the period ─▶ CSV and workbook ─▶ package ─▶ delivery
                          batches of the period ─▶ sums ─▶ extract ─▶ re-added, else nothing goes

One package for each report and period, known by its contents: a second run changes nothing. An earlier period's rights report stays as
it was sent until its flags change; then it goes again, as of that day.
"""

from __future__ import annotations

import posixpath
import tempfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from include.deliveries.build import Run
from include.errors import ConfigurationError
from include.ledger import packages, rights
from include.ledger.database import Ledger
from include.ledger.rights import FLOW
from include.ledger.sales_rows import SalesBatchRow
from include.packages.build import Item, NewPackage, prepare
from include.partners import House, Party
from include.partners.royalties import RightsReport
from include.rights import about, gathered, spans, tables
from include.rights.contracts import LicensedRight
from include.rights.finance import Extract
from include.rights.flagged import Flagged
from include.rights.flags import Flag
from include.rights.scope import Scope, Theirs, scope_of
from include.rights.sheets import SCHEMA, Files, digest_of
from include.rights.spans import Span
from include.royalties.payees import PayeeList
from include.store import ArtefactStore
from include.transfer.naming import is_safe


@dataclass(frozen=True, slots=True)
class Made:
    """One report in files. `lines`: of its main table; `sums`: digest of its flags."""

    report: str
    period: str
    files: tuple[Path, ...]
    lines: int
    flags: int
    sums: str

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"files": [str(path) for path in self.files]}


@dataclass(frozen=True, slots=True)
class Built:
    """One report of a run. `delivery_id` is None where the recipient has it all already, or there is nothing to tell."""

    report: str
    period: str
    delivery_id: int | None
    lines: int
    flags: int


def build(
    ledger: Ledger, store: ArtefactStore, party: Party, house: House, payees: PayeeList, now: datetime, run: Run | None = None
) -> list[Built]:
    """Writes the party's reports and prepares the deliveries of those that changed. Nothing is sent. `now` carries a zone.

    Raises `ConfigurationError` for a party without `[rights]`, a payee that is not its own, or a mask that can't be filled;
    `PermanentError` where an extract does not re-add to its batches.
    """
    scope, run = scope_of(party, payees, _today(party, now)), run or Run()
    gather(ledger, store, now)
    built: list[Built] = []
    with ledger.session() as session:
        packages.settle(session, party.id, FLOW, now=now, who=run.who)
        periods = rights.part_periods(session)
    due = spans.ended(periods, scope.today, scope.wish.every, scope.wish.periods)
    with tempfile.TemporaryDirectory(prefix="colophon-rights-") as folder:
        for number, (span, parts) in enumerate(due.items()):
            for report in scope.wish.reports:
                if number and (report == "contracts" or not _tells_periods_apart(scope.wish)):
                    continue
                with ledger.read() as session:
                    if number and report == "rights" and _as_sent(session, store, scope, span, parts):
                        continue
                    place = Path(folder) / f"{report}-{span.name}"
                    place.mkdir()
                    made = make(session, store, scope, house, report, span, parts, place)
                delivery = _prepared(ledger, store, scope, house, made, newest=number == 0, now=now, run=run)
                built.append(Built(report, span.name, delivery, made.lines, made.flags))
                for path in made.files:
                    path.unlink()
    return built


def gather(ledger: Ledger, store: ArtefactStore, now: datetime) -> int:
    """Adds up the batches that nobody has added up yet; gives the number of all."""
    with ledger.read() as session:
        batches = rights.counted(session)
        new = [batch for batch in batches if rights.summary(session, batch.lines, gathered.VERSION) is None]
        session.expunge_all()
    for batch in new:
        gathered.of_batch(ledger, store, batch, now)
    return len(batches)


def make(
    session: Session, store: ArtefactStore, scope: Scope, house: House, report: str, span: Span, parts: Collection[str], folder: Path
) -> Made:
    """Writes one report into a folder. `parts`: periods of parts that belong to the span."""
    writers: dict[str, Callable[[], Made]] = {
        "rights": lambda: _rights(session, store, scope, house, span, parts, folder),
        "contracts": lambda: _contracts(session, scope, house, span, folder),
        "finance": lambda: _finance(session, store, scope, house, span, parts, folder),
    }
    return writers[report]()


def write(
    ledger: Ledger, store: ArtefactStore, party: Party, house: House, payees: PayeeList, now: datetime, folder: Path, period: str = ""
) -> list[Made]:
    """The party's reports of one period (the last that has ended) as they would go, into a local folder. Nothing is recorded or sent.

    Raises as `build`, and `ConfigurationError` for what is no period of theirs.
    """
    scope = scope_of(party, payees, _today(party, now))
    every = scope.wish.every
    span = spans.named(period, every) if period else spans.newest(scope.today, every)
    folder.mkdir(parents=True, exist_ok=True)
    with ledger.read() as session:
        parts = spans.of_span(rights.part_periods(session), span)
        return [make(session, store, scope, house, report, span, parts, folder) for report in scope.wish.reports]


# --- the three reports


def _rights(session: Session, store: ArtefactStore, scope: Scope, house: House, span: Span, parts: Collection[str], folder: Path) -> Made:
    licensed: dict[int, list[LicensedRight]] = {}
    for contract in scope.contracts(session):
        if contract.work_id is not None and contract.rights:
            licensed.setdefault(contract.work_id, []).extend(contract.rights)
    if "contracts" not in scope.wish.reports:  # what the author gets of a licence is the contract's
        licensed = {work: [LicensedRight(one.type, None) for one in some] for work, some in licensed.items()}
    flagged = _flags(session, store, scope, parts)
    found = flagged.found
    counts: dict[int, int] = {}
    for flag in found:
        counts[flag.product_id] = counts.get(flag.product_id, 0) + 1
    works: dict[int, str] = {}
    layouts = (tables.RIGHTS, tables.LICENSED, tables.BY_TERRITORY, tables.FLAGS, tables.RIGHTS_CONTROL)
    with _files(scope, house, "rights", span, folder) as files:
        sheet, of_licences, of_territories, of_flags, control = (files.table(layout) for layout in layouts)
        for product, living in scope.titles(session):
            if living:
                works[product.work.id] = product.work.title
                mine = licensed.get(product.work.id, ())
                sheet.add(tables.rights_row(product, mine, counts.get(product.id, 0), scope.wish.territories))
        for row in tables.licensed_rows(works, licensed):
            of_licences.add(row)
        for row in tables.territory_rows(found):
            of_territories.add(row)
        for flag in found:
            of_flags.add(tables.flag_row(flag))
        for row in tables.rights_control_rows(flagged.sources, flagged.by_currency()):
            control.add(row)
    return Made("rights", span.name, tuple(files.paths), sheet.rows, len(found), _digest(found))


def _as_sent(session: Session, store: ArtefactStore, scope: Scope, span: Span, parts: Collection[str]) -> bool:
    """Whether the recipient has the flags of an earlier period, or it has none: then its report stays as it is."""
    where = (scope.party.id, FLOW, _subject("rights", span.name))
    if any(one.state in packages.UNSENT for one in packages.of_subject(session, *where)):
        return False
    found, before = _flags(session, store, scope, parts).found, packages.last_delivered(session, *where)
    return not found if before is None else before.ticket.get("sums") == _digest(found)


def _digest(found: Sequence[Flag]) -> str:
    return digest_of(tables.flag_row(one) for one in found)


def _flags(session: Session, store: ArtefactStore, scope: Scope, parts: Collection[str]) -> Flagged:
    """Flags of the period and of the recipient's own titles and territories."""
    flagged = Flagged()
    for batch in rights.counted(session, parts):
        theirs = scope.theirs(session)
        belongs = None if theirs.everything else theirs.has
        flagged.add(session, batch, gathered.seen(session, store, batch), parts, belongs, scope.wish.territories)
    return flagged


def _contracts(session: Session, scope: Scope, house: House, span: Span, folder: Path) -> Made:
    with _files(scope, house, "contracts", span, folder) as files:
        sheet, of_rights, of_dues = (files.table(layout) for layout in (tables.CONTRACTS, tables.CONTRACT_RIGHTS, tables.CONTRACT_DUES))
        found = list(scope.contracts(session))
        works = rights.works(session, {one.work_id for one in found if one.work_id is not None})
        for one in found:
            work = works.get(one.work_id or 0, ("", ""))[0]
            sheet.add(tables.contract_row(one, scope.named.get(one.id, ()), work))
            for licensed in one.rights:
                of_rights.add([one.id, work, licensed.type, licensed.author_cut])
            for due in one.dues:
                of_dues.add([one.id, work, due.what, due.requirement, due.due, due.slipped, due.percent])
    return Made("contracts", span.name, tuple(files.paths), sheet.rows, 0, "")


def _finance(session: Session, store: ArtefactStore, scope: Scope, house: House, span: Span, parts: Collection[str], folder: Path) -> Made:
    theirs = scope.theirs(session)
    batches = rights.counted(session, parts)
    extract = extract_of(session, store, batches, parts, theirs, scope.wish.territories)
    with _files(scope, house, "finance", span, folder) as files:
        sheet, control = files.table(tables.FINANCE), files.table(tables.CONTROL)
        for row in tables.finance_rows(extract):
            sheet.add(row)
        for row in tables.control_rows(extract):
            control.add(row)
    return Made("finance", span.name, tuple(files.paths), sheet.rows, 0, "")


def extract_of(
    session: Session,
    store: ArtefactStore,
    batches: Sequence[SalesBatchRow],
    parts: Collection[str],
    theirs: Theirs,
    territories: Collection[str],
) -> Extract:
    """Raises `PermanentError` where the sums of a batch are not what it was loaded with, or an extract of everything is not its sum."""
    extract = Extract()
    for batch in batches:
        table = gathered.seen(session, store, batch)
        gathered.must_agree(batch, table)
        extract.add(session, batch, table, parts, belongs=None if theirs.everything else theirs.has, territories=territories)
    if theirs.everything and not territories:
        extract.must_re_add(batches, parts)
    return extract


# --- files and deliveries


def _files(scope: Scope, house: House, report: str, span: Span, folder: Path) -> Files:
    wish, where = scope.wish, f"config/partners/{scope.party.id}.toml, rights.file_name"
    try:
        stem = wish.file_name.format(report=report, period=span.name, partner=scope.party.id)
    except (KeyError, IndexError, ValueError, AttributeError) as bad:
        todo = "Use report, period and partner only."
        raise ConfigurationError(f"the mask {wish.file_name!r} can't be filled: {bad}", where=where, todo=todo) from bad
    if not is_safe(stem):
        raise ConfigurationError(f"{stem!r} is no file name", where=where, todo="Folders belong in rights.folder.")
    if len(wish.reports) > 1 and "{report" not in wish.file_name:
        raise ConfigurationError("two reports would have one name", where=where, todo="Put {report} into the mask.")
    files = Files(folder, stem, wish.formats, f"{report} {span.name}")
    files.about(about.lines(scope, house, report, span))
    return files


def _prepared(
    ledger: Ledger, store: ArtefactStore, scope: Scope, house: House, made: Made, *, newest: bool, now: datetime, run: Run
) -> int | None:
    """The delivery that is to go; None where nothing is."""
    party, subject = scope.party, _subject(made.report, made.period)
    with ledger.read() as session:
        before = packages.last_delivered(session, party.id, FLOW, subject)
        waits = any(one.state in packages.UNSENT for one in packages.of_subject(session, party.id, FLOW, subject))
    empty = not made.lines if made.report == "finance" else not newest and not made.flags
    if empty and before is None and not waits:
        return None
    items = [_item(store, path) for path in made.files]
    folder = posixpath.join(party.transport.folder, scope.wish.folder) if scope.wish.folder else party.transport.folder
    about = {"from": house.sender.name, "report": made.report, "period": made.period, "schema": SCHEMA}
    new = NewPackage(
        party=party, flow=FLOW, subject=subject, items=items, folder=folder, about=about,
        ticket={"sums": made.sums, "lines": made.lines, **_clients(scope)},
        flat=True, bare=True, format=f"{made.report} {SCHEMA}",
    )  # fmt: skip
    row = prepare(ledger, store, new, now=now, run=run)
    with ledger.read() as session:
        return packages.to_send(session, row)


def _clients(scope: Scope) -> dict[str, list[str]]:
    """Whose report it is, for the last look before it leaves."""
    contracts = sorted({number for payee in scope.payees for number in payee.contracts})
    return {"payees": [payee.id for payee in scope.payees], "contracts": contracts} if scope.payees else {}


def _subject(report: str, period: str) -> str:
    return f"{report}-{period}"


def _item(store: ArtefactStore, path: Path) -> Item:
    artefact = store.put(path)
    return Item("report", path.name, artefact.sha256, artefact.bytes)


def _tells_periods_apart(wish: RightsReport) -> bool:
    """Else each period's report would lie where the one before it lay: only the newest is made."""
    return "{period" in wish.file_name


def _today(party: Party, now: datetime) -> Any:
    return now.astimezone(ZoneInfo(party.schedule.timezone)).date()
