"""A sheet and its rows in the ledger: taken once, decided by a person where that is wanted, and what its state is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from include.errors import RejectedData
from include.imports.check import CheckedSheet, check
from include.imports.mapping import Mapping
from include.imports.offers import Offers
from include.ledger import imports
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.sales_rows import LineState, TitleImportLineRow, TitleImportRow
from include.store import ArtefactStore

ASKS = "asks"  # code of a reason for which a person is asked
ASKED = "asked"  # code of the note that a run has put the question


@dataclass(frozen=True, slots=True)
class Taken:
    """A sheet in the ledger; `again`: it was there already, byte for byte."""

    import_id: int
    state: str
    counts: dict[str, Any]
    again: bool = False


def take(
    ledger: Ledger,
    store: ArtefactStore,
    mapping: Mapping,
    offers: Offers,
    *,
    sha256: str,
    name: str,
    arrived: datetime | None,
    now: datetime,
    intake_id: int | None = None,
    who: str = "",
) -> Taken:
    """Checks the sheet in the store and keeps it with its rows, all at once. The same bytes by the same mapping are one sheet, for ever.

    Raises `include.files.model.Refused` for a sheet that can't be read at all: nothing is kept of it.
    """
    with ledger.read() as session:
        if known := imports.find(session, mapping.id, sha256):
            return Taken(known.id, known.state, known.counts, again=True)
        with store.local(sha256) as path:
            checked = check(session, path, name, mapping, offers, now=now, arrived=arrived)
    try:
        with ledger.session() as session:
            if known := imports.find(session, mapping.id, sha256):  # another worker was first
                return Taken(known.id, known.state, known.counts, again=True)
            row = _row(checked, mapping, sha256, name, store.size(sha256), now, intake_id)
            session.add(row)
            session.flush()
            imports.count(session, row)
            detail = {"title import": row.id, "mapping": mapping.id, **row.counts}
            record_event(
                session, what="sheet of titles read", now=now, who=who, subject=name, bytes=row.bytes, sha256=sha256, detail=detail
            )
            return Taken(row.id, row.state, row.counts)
    except IntegrityError:  # another worker was faster, on a database that locks rows
        with ledger.read() as session:
            if known := imports.find(session, mapping.id, sha256):
                return Taken(known.id, known.state, known.counts, again=True)
        raise


def _row(
    checked: CheckedSheet, mapping: Mapping, sha256: str, name: str, size: int, now: datetime, intake_id: int | None
) -> TitleImportRow:
    asks: list[dict[str, Any]] = [
        {"code": ASKS, "message": why, "where": name, "todo": f"Somebody of {mapping.ask.role} says yes or no."} for why in checked.asks
    ]
    return TitleImportRow(
        mapping=mapping.id, name=name[:255], sha256=sha256, bytes=size, intake_id=intake_id, made_at=checked.made_at, received_at=now,
        state=imports.ASKS if asks else imports.CHECKED, reasons=[*asks, *checked.reasons],
        lines=[
            TitleImportLineRow(
                row=line.row.number, isbn=line.isbn[:20], title=line.title, work_id=line.work_id, product_id=line.product_id,
                state=line.state, fields=line.row.to_json(), changes=line.changes, problems=line.row.problems,
            )
            for line in checked.lines
        ],
    )  # fmt: skip


def approve(ledger: Ledger, import_id: int, *, now: datetime, who: str) -> TitleImportRow:
    """A person lets a sheet's changes be written. Said twice is said once. Raises `RejectedData` for a sheet that was declined."""
    with ledger.session() as session:
        row = imports.get(session, import_id, lock=True)
        if row.state == imports.DECLINED:
            raise RejectedData("the sheet was declined", where=row.name, todo="Send the sheet again.")
        if row.state == imports.ASKS:
            _decide(session, row, imports.CHECKED, now, who, "sheet of titles approved")
        return row


def decline(ledger: Ledger, import_id: int, *, now: datetime, who: str = "") -> TitleImportRow:
    """A person said no, or nobody answered (`who` empty): nothing of the sheet is written, and it goes back. Said twice is said once.

    Raises `RejectedData` where somebody was faster with a yes: a person who says no must know that it was too late.
    """
    with ledger.session() as session:
        row = imports.get(session, import_id, lock=True)
        if row.state != imports.ASKS:
            if who and row.state != imports.DECLINED:
                by = f"{row.decided_by} has said yes" if row.decided_by else "nobody had to be asked"
                todo = "Look at the sheet's rows. What is written there can be written back with another sheet."
                raise RejectedData(f"it is too late for a no: {by}, and the sheet is {row.state}", where=row.name, todo=todo)
            return row
        said = f"{who} said no" if who else "nobody answered in time, which is a no"
        for line in imports.lines(session, import_id, LineState.WAITING, LineState.NEW):
            line.state = LineState.DECLINED
            todo = "Ask why, and send the sheet again."
            imports.add_problem(line, imports.problem("declined", said, todo))
        _decide(session, row, imports.DECLINED, now, who, "sheet of titles declined")
        return row


def _decide(session: Session, row: TitleImportRow, state: str, now: datetime, who: str, what: str) -> None:
    row.state, row.decided_at, row.decided_by = state, now, who
    imports.count(session, row)
    record_event(session, what=what, now=now, who=who, subject=row.name, detail={"title import": row.id})


def asked(ledger: Ledger, import_id: int, *, now: datetime, run_id: str) -> None:
    """Notes that a run has put the question, so that no other run puts it, too, while somebody may still answer."""
    with ledger.session() as session:
        row = imports.get(session, import_id, lock=True)
        note = {"code": ASKED, "message": f"asked on {now:%Y-%m-%d %H:%M} UTC", "where": run_id, "todo": "", "at": now.isoformat()}
        row.reasons = [*(reason for reason in row.reasons if reason["code"] != ASKED), note]


def begin(ledger: Ledger, import_id: int) -> bool:
    """Whether the sheet may be written now: it was checked, and approved where that is wanted."""
    with ledger.session() as session:
        row = imports.get(session, import_id, lock=True)
        if row.state == imports.CHECKED:
            row.state = imports.APPLYING
        return row.state == imports.APPLYING


def conclude(ledger: Ledger, import_id: int, *, now: datetime) -> str:
    """The sheet's state once nothing more can be done now: over, or waiting for the workbooks that a person has."""
    with ledger.session() as session:
        row = imports.get(session, import_id, lock=True)
        counts = imports.count(session, row)
        if row.state in {imports.APPLYING, imports.HANDED}:
            waits = {LineState.NEW, LineState.HANDED_OVER, LineState.MISSING} & {LineState(state) for state in counts}
            state = imports.HANDED if waits or imports.has_unsettled(session, import_id) else imports.DONE
            if LineState.WAITING in counts or LineState.APPLIED in counts:
                state = imports.APPLYING
            if row.state != state and state == imports.DONE:
                detail = {"title import": row.id, **counts}
                record_event(session, what="sheet of titles done", now=now, subject=row.name, detail=detail)
            if row.state != state:
                row.state, row.answered_at = state, None  # the sender is to be told
        return row.state
