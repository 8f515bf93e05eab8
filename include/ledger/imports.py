"""Sheets of titles: what each came to, row by row, and what earlier sheets have written.

All functions take a session of `Ledger.session()` (or `read()`, where they only look) and leave the commit to it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger.chunks import chunks
from include.ledger.sales_rows import LineState, TitleImportLineRow, TitleImportRow, WorkbookRow, WorkbookState

CHECKED, ASKS, APPLYING, HANDED, DONE, DECLINED, REFUSED = (
    "checked", "awaiting approval", "applying", "handed over", "done", "declined", "refused",
)  # fmt: skip
OPEN = (CHECKED, ASKS, APPLYING, HANDED)
WRITTEN = (LineState.APPLIED, LineState.VERIFIED, LineState.NEW, LineState.HANDED_OVER, LineState.MISSING)
WITHDRAWN = "withdrawn"  # code of the problem of a row whose workbook was
PAGE = 500


@dataclass(frozen=True, slots=True)
class Own:
    """What a sheet has last written into one field, and when."""

    after: str | list[str]
    at: datetime


def find(session: Session, mapping: str, sha256: str) -> TitleImportRow | None:
    """The sheet with these bytes, read by this mapping, in whatever state."""
    return session.scalar(select(TitleImportRow).where(TitleImportRow.mapping == mapping, TitleImportRow.sha256 == sha256))


def get(session: Session, import_id: int, *, lock: bool = False) -> TitleImportRow:
    """Raises `PermanentError` if there is none of that number."""
    query = select(TitleImportRow).where(TitleImportRow.id == import_id)
    row = session.scalar((query.with_for_update() if lock else query).execution_options(populate_existing=True))
    if row is None:
        raise PermanentError(f"there is no sheet of titles {import_id}", where="title_import", todo="Look at the page Imports.")
    return row


def lines(session: Session, import_id: int, *states: LineState) -> Iterator[TitleImportLineRow]:
    """Rows of a sheet in its order, in pages; all states if none is asked for."""
    query = select(TitleImportLineRow).where(TitleImportLineRow.import_id == import_id)
    if states:
        query = query.where(TitleImportLineRow.state.in_(states))
    after = 0
    while page := list(session.scalars(query.where(TitleImportLineRow.row > after).order_by(TitleImportLineRow.row).limit(PAGE))):
        after = page[-1].row
        yield from page


def lines_of_work(session: Session, import_id: int, work_id: int, *states: LineState) -> list[TitleImportLineRow]:
    query = select(TitleImportLineRow).where(
        TitleImportLineRow.import_id == import_id, TitleImportLineRow.work_id == work_id, TitleImportLineRow.state.in_(states)
    )
    return list(session.scalars(query.order_by(TitleImportLineRow.row).execution_options(populate_existing=True)))


def works_waiting(session: Session, import_id: int) -> list[int]:
    """Works with rows that are to be written, or were written and not read back, in the sheet's order."""
    states = (LineState.WAITING, LineState.APPLIED)
    query = select(TitleImportLineRow.work_id, func.min(TitleImportLineRow.row)).where(
        TitleImportLineRow.import_id == import_id, TitleImportLineRow.state.in_(states), TitleImportLineRow.work_id.is_not(None)
    )
    found = session.execute(query.group_by(TitleImportLineRow.work_id).order_by(func.min(TitleImportLineRow.row)))
    return [work_id for work_id, _ in found if work_id is not None]


def own_changes(session: Session, work_ids: Collection[int]) -> dict[tuple[str, int, str], Own]:
    """(level, id, field) → what a sheet last wrote there, of these works."""
    of = TitleImportLineRow  # in whatever state: of a row that was declined later, something may have been written before
    query = select(of.changes).where(of.work_id.in_(work_ids), of.state != LineState.UNCHANGED)
    found: dict[tuple[str, int, str], Own] = {}
    for (changes,) in session.execute(query.order_by(of.id)):
        for change in changes:
            if not change.get("at"):
                continue
            own = Own(change["after"], datetime.fromisoformat(change["at"]))
            key = (change["level"], change["id"], change["field"])
            if key not in found or found[key].at <= own.at:
                found[key] = own
    return found


def on_its_way(session: Session, isbns: Collection[str], *, besides: int = 0) -> dict[str, TitleImportLineRow]:
    """ISBN → the latest row of a sheet (but this one) that makes, or has just made, a title of it. A sheet that a person may still decline
    makes none."""
    states = (*WRITTEN, LineState.WAITING)
    found: dict[str, TitleImportLineRow] = {}
    wanted = sorted(isbns)
    for chunk in chunks(wanted, PAGE):
        query = select(TitleImportLineRow).where(TitleImportLineRow.isbn.in_(chunk), TitleImportLineRow.state.in_(states))
        query = query.join(TitleImportRow, TitleImportRow.id == TitleImportLineRow.import_id)
        query = query.where(TitleImportRow.state != ASKS, TitleImportRow.id != besides)
        found |= {line.isbn: line for line in session.scalars(query.order_by(TitleImportLineRow.id))}
    return found


def count(session: Session, row: TitleImportRow) -> dict[str, int]:
    """Sets the row's counts: line state → number."""
    session.flush()
    query = select(TitleImportLineRow.state, func.count()).where(TitleImportLineRow.import_id == row.id).group_by(TitleImportLineRow.state)
    row.counts = dict(sorted((str(state), number) for state, number in session.execute(query)))
    return row.counts


def workbooks(session: Session, row: TitleImportRow, *, withdrawn: bool = False) -> list[WorkbookRow]:
    """The workbooks that this sheet's new titles and prices went into; those that were withdrawn only if they are asked for."""
    query = select(WorkbookRow).where(WorkbookRow.subject == subject(row.id))
    if not withdrawn:
        query = query.where(WorkbookRow.state != WorkbookState.WITHDRAWN)
    return list(session.scalars(query.order_by(WorkbookRow.id)))


def take_up_again(session: Session, import_id: int, book: WorkbookRow) -> None:
    """A workbook that was withdrawn is wanted after all: its rows, which went back to their sender, are in it again."""
    row = get(session, import_id, lock=True)
    isbns = {str(one.get("isbn")) for one in book.expects}
    for line in list(lines(session, import_id, LineState.DECLINED, LineState.NEW)):
        if line.workbook_id is None and line.isbn in isbns and (line.product_id is None) == (book.kind == "titles"):
            line.state, line.workbook_id = LineState.NEW, book.id
            line.problems = [problem for problem in line.problems if problem["code"] != WITHDRAWN]
    count(session, row)
    if row.state == DONE:
        row.state = HANDED
    row.answered_at = None  # the sender is to be told


def has_unsettled(session: Session, import_id: int) -> bool:
    """Whether a new title was found in Consonance, and the rest of its row was not looked at yet."""
    of = TitleImportLineRow
    settled = of.product_id.is_not(None) | of.workbook_id.is_(None)
    query = select(of.id).where(of.import_id == import_id, of.state == LineState.VERIFIED, ~settled)
    return session.scalar(query.limit(1)) is not None


def subject(import_id: int) -> str:
    """What the workbooks of a sheet are for, as `WorkbookRow.subject` has it."""
    return f"titles {import_id}"


def problem(
    code: str, message: str, todo: str, *, field: str = "", column: str = "", severity: Literal["error", "warning"] = "error"
) -> dict[str, Any]:
    """What is wrong with a row, as `TitleImportLineRow.problems` keeps it: `code` for programs, `message` and `todo` for the sender."""
    return {"code": code, "field": field, "column": column, "message": message, "todo": todo, "severity": severity}


def add_problem(row: TitleImportLineRow, problem: dict[str, Any]) -> None:
    """Once each."""
    if problem not in row.problems:
        row.problems = [*row.problems, problem]
