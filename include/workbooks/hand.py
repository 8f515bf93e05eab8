"""What a person does with a workbook: gets it, says that it is loaded or not; and what takes it away again.

The question in Airflow and the page Imports both end here. Said twice is said once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy.orm import Session

from include.errors import RejectedData
from include.ledger import imports
from include.ledger import workbooks as rows
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.sales_rows import WorkbookRow
from include.ledger.sales_rows import WorkbookState as S

PAGE = "/colophon/imports"  # of the pages' app; its workbooks are at /<id>, their bytes at /<id>/file


@dataclass(frozen=True, slots=True)
class Said:
    """What a person read off Consonance: whether its totals are ours, how many rows it took, its totals. None: not said."""

    agrees: bool | None = None
    rows: int | None = None
    totals: Mapping[str, Decimal] | None = None

    def to_json(self) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        if self.agrees is not None:
            kept["agrees"] = self.agrees
        if self.rows is not None:
            kept["rows"] = self.rows
        if self.totals is not None:
            kept["totals"] = {name: format(amount, "f") for name, amount in sorted(self.totals.items())}
        return kept


def claim(
    ledger: Ledger,
    *,
    now: datetime,
    asked_before: datetime,
    dag_id: str,
    run_id: str,
    only: int | None = None,
    most: int = 1000,
    who: str = "",
) -> list[WorkbookRow]:
    """Workbooks that this run is to ask a person about, handed over to it: nobody else asks about them while the question is open.

    Those that nobody was asked about, those of which the question must be closed (asked before `asked_before`), and those that this run
    has claimed before; `most` of them. `only`: this one, whoever was asked about it, unless it is loaded or withdrawn.
    """
    with ledger.session() as session:
        if only is not None:
            one = rows.get(session, only, lock=True)
            found = [one] if one.state in rows.OPEN else []
        else:
            found = rows.to_hand_over(session, asked_before=asked_before, dag_id=dag_id, run_id=run_id, most=most)
        for row in found:
            if row.state == S.PREPARED or (row.dag_id, row.run_id) != (dag_id, run_id) or row.handed_at is None:
                row.handed_at, row.dag_id, row.run_id = now, dag_id, run_id
                rows.move(session, row, S.HANDED_OVER, now=now, who=who, detail={"dag_id": dag_id, "run_id": run_id})
        return found


def not_loaded(ledger: Ledger, id: int, *, now: datetime, who: str = "", note: str = "", dag_id: str = "", run_id: str = "") -> WorkbookRow:
    """A person says that it is not loaded, or nobody answered (`who` empty): somebody is asked again. Nothing else changes; nothing at all
    where another run asks by now."""
    with ledger.session() as session:
        row = rows.get(session, id, lock=True)
        if row.state == S.HANDED_OVER and (not run_id or (row.dag_id, row.run_id) == (dag_id, run_id)):
            row.note = note.strip() or row.note
            rows.move(session, row, S.PREPARED, now=now, who=who, detail={"note": note.strip(), "answered": bool(who)})
        return row


def confirm(ledger: Ledger, id: int, *, now: datetime, who: str, note: str = "", said: Said | None = None) -> WorkbookRow:
    """A person says that it is loaded and approved in Consonance. Who confirms again changes nothing, unless it was found incomplete.

    Raises `RejectedData` for a workbook that was withdrawn: that the person has loaded it all the same is kept on it, for somebody to mend.
    """
    said = said or Said()
    with ledger.session() as session:
        row = rows.get(session, id, lock=True)
        withdrawn = row.state == S.WITHDRAWN
        if withdrawn:
            todo = "Take its rows out of Consonance again, where it lets you, or ask its support; and tell who withdrew it."
            row.missing = [{"code": "loaded-though-withdrawn", "message": f"{who} says that it is loaded: it was withdrawn.", "todo": todo}]
            about = {"workbook": row.id, "kind": row.kind, "note": note.strip()}
            record_event(session, what="withdrawn workbook loaded", now=now, who=who, subject=row.name, sha256=row.sha256, detail=about)
        elif row.state not in {S.CONFIRMED, S.VERIFIED}:
            row.confirmed_at, row.confirmed_by, row.said = now, who, said.to_json()
            row.note, row.missing = note.strip() or row.note, []
            rows.move(session, row, S.CONFIRMED, now=now, who=who, detail={"note": note.strip(), "said": said.to_json()})
    if withdrawn:
        raise RejectedData(f"the workbook was withdrawn: {row.note}".rstrip(": "), where=row.name, todo=todo)
    return row


def withdraw(session: Session, what: str, number: int, *, now: datetime, who: str = "", note: str = "") -> list[WorkbookRow]:
    """Takes back all workbooks that hold rows of a batch of sales or a sheet of titles (`rows.BATCH`, `rows.IMPORT`), in the caller's
    transaction: they are not to be loaded any more. Gives those that a person has in hand, who must be told.

    Raises `RejectedData` where one of them is loaded: then it is too late.
    """
    found = [rows.get(session, row.id, lock=True) for row in rows.of_source(session, what, number)]
    for row in found:
        if row.state in rows.LOADED:
            when = f"{row.confirmed_at:%-d %B %Y}" if row.confirmed_at else "some day"
            raise RejectedData(
                f"workbook {row.id} is in Consonance already: {row.confirmed_by or 'somebody'} loaded it on {when}",
                where=row.name,
                todo="What was imported there can't be taken back from here.",
            )
    in_hand = [row for row in found if row.state == S.HANDED_OVER]
    for row in found:
        if row.state in rows.OPEN:
            row.note = note.strip()
            rows.move(session, row, S.WITHDRAWN, now=now, who=who, detail={"note": row.note})
    if what == rows.BATCH:
        rows.release(session, number)
    return in_hand


def withdraw_one(ledger: Ledger, id: int, *, now: datetime, who: str, note: str) -> WorkbookRow:
    """A person says that this workbook shall never be loaded. Raises `RejectedData` without a note, and where it is loaded."""
    if not note.strip():
        raise RejectedData("a withdrawal needs a note", where=f"workbook {id}", todo="Say why, for whoever asks later.")
    with ledger.session() as session:
        row = rows.get(session, id, lock=True)
        if row.state in rows.LOADED:
            raise RejectedData(f"the workbook is {row.state}", where=row.name, todo="What is in Consonance can't be taken back from here.")
        if row.state in rows.OPEN:
            row.note = note.strip()
            rows.move(session, row, S.WITHDRAWN, now=now, who=who, detail={"note": row.note})
        return row


def wanted_again(ledger: Ledger, id: int, *, now: datetime, who: str) -> WorkbookRow:
    """A person thinks again about a workbook that was withdrawn: it is asked about anew.

    Raises `RejectedData` where its sales are undone, where its titles or prices are in another workbook by now, or where somebody has
    loaded it all the same.
    """
    with ledger.session() as session:
        row = rows.get(session, id, lock=True)
        if row.state != S.WITHDRAWN:
            return row
        if row.missing:
            raise RejectedData(row.missing[0]["message"], where=row.name, todo=row.missing[0]["todo"])
        if gone := rows.undone(session, row):
            raise RejectedData(f"batch {gone[0]} is undone: its sales do not count", where=row.name, todo="Load the report again.")
        if later := rows.later_ones(session, row):
            what, todo = f"workbook {later[0]} holds some of it by now", "Load that one; or withdraw it first."
            raise RejectedData(what, where=row.name, todo=todo)
        rows.move(session, row, S.PREPARED, now=now, who=who, detail={"why": "wanted again"})
        for number in rows.numbers(row, rows.IMPORT):
            imports.take_up_again(session, number, row)
        return row
