"""A sheet of invoice terms that a person supplies: checked row by row, good rows into the licences, all of it back with its answers.

A row that can't be used stays out and goes back marked; the others count. The same sheet loaded again changes nothing: only rows that were
refused before are looked at anew, since what they lacked may be there now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, cast

from sqlalchemy import select
from sqlalchemy.orm import Session, selectinload

from include.imports.answer import AMBER, GREEN, GREY, RED, Status, mark
from include.imports.mapping import fold
from include.imports.sheets import read
from include.ledger import licence_words
from include.ledger.chunks import chunks
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.licence_rows import LicenceChangeRow, LicenceRow, LicenceServesRow, LicenceSheetRow, LicenceState
from include.ledger.models import ProductRow
from include.licences import terms
from include.licences.edit import served_words
from include.licences.invoice_cells import TermsRow, TermsSheet, read_row
from include.licences.model import GETTY, Problem, SheetLoaded, Source
from include.licences.record import change, settle
from include.store import ArtefactStore

CHUNK = 200  # rows of one transaction
SHEET = "sheet"


@dataclass(slots=True)
class _Loading:
    """What became of the rows so far, by their number: whether it changed something, or the problems of a refused one."""

    name: str
    who: str
    now: datetime
    campaigns: frozenset[str]
    applied: dict[int, str] = field(default_factory=dict)
    same: set[int] = field(default_factory=set)
    refused: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    rows_of: dict[int, int] = field(default_factory=dict)  # licence → the sheet's row that spoke of it


def load(
    ledger: Ledger,
    store: ArtefactStore,
    path: Path,
    name: str,
    *,
    mapping: TermsSheet,
    campaigns: Sequence[str] = (),
    now: datetime,
    who: str,
) -> SheetLoaded:
    """Loads the sheet at `path`, which its sender called `name`; `who` says its terms. `mapping` is `load_terms_sheet()`.

    Raises `include.files.model.Refused` for what is no sheet of terms at all. A stopped load may be done again.
    """
    sha256 = _digest(path)
    sheet = read(path, name, mapping, arrived=now)
    before = _known(ledger, sha256)
    again = {int(one["row"]) for one in before.reasons} if before else None
    loading = _Loading(name, who, now, frozenset(campaigns))
    rows = [read_row(line, sheet, mapping) for line in sheet.lines]
    wanted = [row for row in rows if again is None or row.number in again]
    for some in chunks(wanted, CHUNK):
        with ledger.session() as session:
            touched = [_load(session, row, loading) for row in some]
            licence_words.write(session, [id for id in touched if id])
    if before is not None and not loading.applied:
        return _told(before, 0, len(rows) - before.bad)
    store.put(path)
    told, bad_cells = _statuses(rows, loading, again), _bad_cells(loading)
    with store.create() as out:
        mark(path, name, mapping, told, bad_cells, cast(BinaryIO, out))
    kept = _keep(ledger, path, sha256, rows, loading, out.artefact.sha256, before)
    return _told(kept, len(loading.applied), len(rows) - len(loading.applied) - kept.bad)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _known(ledger: Ledger, sha256: str) -> LicenceSheetRow | None:
    with ledger.read() as session:
        return session.scalar(select(LicenceSheetRow).where(LicenceSheetRow.sha256 == sha256))


# --- one row


def _load(session: Session, row: TermsRow, loading: _Loading) -> int:
    """Gives the id of the licence that it changed, 0 for none."""
    licence = None if row.problems else _licence(session, row)
    product = None if row.problems else _product(session, row, loading)
    if licence is not None and (other := loading.rows_of.get(licence.id, row.number)) != row.number and row.terms:
        row.wrong("twice", f"row {other} speaks of the same licence", "Leave one row for each licence; put all its territories into it.")
    invoice = row.keys.get("invoice", "")
    if licence is not None and invoice and licence.invoice and fold(invoice) != fold(licence.invoice):
        row.wrong(
            "invoice-other", f"the licence is on invoice {licence.invoice}, not {invoice}", "Compare asset and order with the invoice."
        )
    if licence is not None and row.terms and not (invoice or licence.invoice):
        row.wrong("no-invoice", "nothing says which invoice the terms are on", "Fill in the invoice's number.")
    if row.problems or licence is None:
        loading.refused[row.number] = row.problems
        return 0
    if row.terms:
        loading.rows_of[licence.id] = row.number
    changed = _apply(session, licence, row, loading)
    changed = _tie(session, licence, row, product, loading) or changed
    if not changed:
        loading.same.add(row.number)
        return 0
    licence.changed_at = loading.now
    loading.applied[row.number] = _advice(licence)
    return licence.id


def _licence(session: Session, row: TermsRow) -> LicenceRow | None:
    """The one licence that the row is about; its order or invoice tells two of one asset apart."""
    asset, order, invoice = row.keys["asset_id"], row.keys.get("order_id", ""), row.keys.get("invoice", "")
    query = select(LicenceRow).where(LicenceRow.provider == GETTY, LicenceRow.asset_id == asset).order_by(LicenceRow.id)
    found = list(session.scalars(query.options(selectinload(LicenceRow.serves)).with_for_update()))
    if not found:
        row.wrong(
            "asset-unknown", f"there is no licence of asset {asset}", "Compare the number; or run licence_sync if it was licensed today."
        )
        return None
    of_order = [one for one in found if order in {one.order_id, one.use}] if order else found
    of_invoice = [one for one in of_order if fold(one.invoice) == fold(invoice)] if invoice else of_order
    fitting = of_invoice or of_order
    if not fitting:
        orders = ", ".join(one.order_id or one.use for one in found)
        row.wrong("order-unknown", f"asset {asset} has no licence of order {order}", f"Its licences: {orders}.")
        return None
    if len(fitting) > 1:
        uses = ", ".join(one.use for one in fitting)
        row.wrong("which-licence", f"asset {asset} has {len(fitting)} licences: {uses}", "Fill in one of these as its order.")
        return None
    return fitting[0]


def _product(session: Session, row: TermsRow, loading: _Loading) -> ProductRow | None:
    campaign, isbn = row.keys.get("campaign", ""), row.keys.get("isbn", "")
    if campaign and campaign not in loading.campaigns:
        row.wrong("campaign-unknown", f"there is no campaign {campaign!r}", "Use an id of config/campaigns.toml, or leave it empty.")
    if not isbn:
        return None
    found = session.scalar(select(ProductRow).where(ProductRow.isbn == isbn, ProductRow.deleted_at.is_(None)))
    if found is None:
        row.wrong("isbn-unknown", f"{isbn} is no title of ours", "Compare the ISBN with Consonance.")
    return found


def _apply(session: Session, licence: LicenceRow, row: TermsRow, loading: _Loading) -> bool:
    """The row's terms as the invoice's statements. What the row leaves empty stays as it was."""
    invoice, moment = row.keys.get("invoice") or licence.invoice, loading.now.isoformat(timespec="seconds")
    said = terms.said_of(licence.terms)
    changed = False
    for name, term in row.terms.items():
        if not term.known:
            changed = said.get(name, {}).pop(Source.INVOICE, None) is not None or changed
            continue
        note = " ".join(part for part in (term.note, row.keys.get("note", "")) if part)
        told = replace(term, source=Source.INVOICE, reference=f"invoice {invoice}", checked_at=moment, checked_by=loading.who, note=note)
        if not told.same_as(said.get(name, {}).get(Source.INVOICE)):
            said.setdefault(name, {})[Source.INVOICE] = told
            changed = True
    if any(term.known for term in row.terms.values()) and invoice and not licence.invoice:
        change(session, licence.id, "invoice", "", invoice, who=loading.who, now=loading.now, source=loading.name)
        licence.invoice, changed = invoice[:60], True
    elif changed and licence.invoice and not any(Source.INVOICE in one for one in said.values()) and _by_sheet(session, licence):
        change(session, licence.id, "invoice", licence.invoice, "", who=loading.who, now=loading.now, source=loading.name)
        licence.invoice = ""
    if changed:
        settle(session, licence, said, who=loading.who, now=loading.now)
    return changed


def _by_sheet(session: Session, licence: LicenceRow) -> bool:
    """Whether the invoice's number came by a sheet, which may have had the wrong one, and not from the agency's order."""
    query = select(LicenceChangeRow.source).where(LicenceChangeRow.licence_id == licence.id, LicenceChangeRow.field == "invoice")
    last = session.scalar(query.order_by(LicenceChangeRow.id.desc()).limit(1))
    return last is not None and last != f"order {licence.order_id}"


def _tie(session: Session, licence: LicenceRow, row: TermsRow, product: ProductRow | None, loading: _Loading) -> bool:
    wanted = LicenceServesRow(
        work_id=product.work_id if product else 0, product_id=product.id if product else 0, campaign=row.keys.get("campaign", ""),
        role=row.keys.get("role", ""), source=SHEET,
    )  # fmt: skip
    key = (wanted.work_id, wanted.product_id, wanted.campaign, wanted.role)
    if not (wanted.work_id or wanted.campaign) or key in {(o.work_id, o.product_id, o.campaign, o.role) for o in licence.serves}:
        return False
    licence.serves.append(wanted)
    change(session, licence.id, "serves", "", served_words(wanted), who=loading.who, now=loading.now, source=loading.name)
    settle(session, licence, terms.said_of(licence.terms), who=loading.who, now=loading.now)
    return True


def _advice(licence: LicenceRow) -> str:
    """What its sender is told beside an accepted row: the state that the licence is in now, where it is not cleared."""
    if licence.state == LicenceState.CLEARED:
        return ""
    return f"The licence is now: {licence.state}. Its page under Publishing → Licences says why."


# --- the answer


def _statuses(rows: Sequence[TermsRow], loading: _Loading, again: set[int] | None) -> dict[int, Status]:
    told = {}
    for row in rows:
        if row.number in loading.refused:
            problems = loading.refused[row.number]
            advice = " ".join(f"{one['column'] + ': ' if one['column'] else ''}{one['message']}. {one['todo']}" for one in problems)
            told[row.number] = Status("Not accepted", RED, advice)
        elif row.number in loading.applied:
            advice = loading.applied[row.number]
            told[row.number] = Status("Applied, but see beside" if advice else "Applied", AMBER if advice else GREEN, advice)
        elif again is not None and row.number not in again:
            told[row.number] = Status("Applied before", GREEN, "")
        elif row.silent:
            told[row.number] = Status("Nothing said", GREY, "Fill in what the invoice says; `unlimited` where it says no limit.")
        else:
            told[row.number] = Status("Nothing to change", GREY, "")
    return told


def _bad_cells(loading: _Loading) -> dict[int, set[str]]:
    return {number: {fold(str(one["column"])) for one in problems if one["column"]} for number, problems in loading.refused.items()}


def _keep(
    ledger: Ledger, path: Path, sha256: str, rows: Sequence[TermsRow], loading: _Loading, answer: str, before: LicenceSheetRow | None
) -> LicenceSheetRow:
    reasons = [one for number in sorted(loading.refused) for one in loading.refused[number]]
    with ledger.session() as session:
        kept = session.scalar(select(LicenceSheetRow).where(LicenceSheetRow.sha256 == sha256)) or LicenceSheetRow(
            name=loading.name[:255], sha256=sha256, bytes=path.stat().st_size, received_at=loading.now, received_by=loading.who[:120],
            rows=len(rows), applied=0,
        )  # fmt: skip
        kept.bad, kept.answer, kept.reasons = len(loading.refused), answer, reasons
        kept.applied = (kept.applied if before else 0) + len(loading.applied)
        session.add(kept)
        session.flush()
        detail = {"rows": len(rows), "applied": len(loading.applied), "bad": kept.bad}
        record_event(
            session, what="invoice terms loaded", now=loading.now, who=loading.who, subject=f"sheet {kept.id}: {loading.name}",
            sha256=sha256, detail=detail,
        )  # fmt: skip
    return kept


def _told(kept: LicenceSheetRow, applied: int, unchanged: int) -> SheetLoaded:
    reasons: tuple[Problem, ...] = tuple(
        {"what": one["message"], "where": f"row {one['row']}{', ' + one['column'] if one['column'] else ''}", "todo": one["todo"]}
        for one in kept.reasons
    )
    return SheetLoaded(kept.id, kept.name, kept.rows, kept.bad, applied, unchanged, kept.answer, reasons)
