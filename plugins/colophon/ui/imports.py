"""Publishing → Imports: workbooks that a person loads into Consonance, sheets of titles, royalty statements that nobody's name fits.

The role `royalties` alone sees statements; a workbook is handed out to the role that may load it.
"""

from __future__ import annotations

import logging
import re
from datetime import UTC, datetime
from typing import Any

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from fastapi import APIRouter, Depends, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from colophon.ui import roles, runs, shell
from colophon.ui.files import saved
from colophon.ui.shell import Reading, Typed, User, render
from include.errors import ColophonError, ConfigurationError, PermanentError
from include.imports import answer as answers
from include.imports import record as sheets
from include.imports.mapping import load_mapping
from include.ledger import import_lists
from include.ledger.file_rows import IntakeFileRow
from include.ledger.sales_rows import LineState, StatementRow, StatementState, TitleImportRow, WorkbookRow
from include.ledger.statements import by_period
from include.royalties import decide as statements
from include.royalties.payees import load_payees
from include.royalties.read import Rules
from include.workbooks import hand
from include.workbooks.question import question, totals
from include.workbooks.template import load_template

ROWS = 40
READS_BACK = "import_workbooks"
TABS = {"workbooks": "Workbooks", "done": "Loaded workbooks", "sheets": "Sheets of titles"}
OF_STATEMENTS = {"statements": "Held statements", "decided": "Decided statements", "delivered": "Delivered statements"}
STATES = {
    "statements": (StatementState.HELD,), "decided": (StatementState.READY, StatementState.REFUSED),
    "delivered": (StatementState.DELIVERED,),
}  # fmt: skip
ROYALTIES, EDITORIAL = "royalties", "editorial"
router = APIRouter()
log = logging.getLogger("colophon.ui")


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid")
    note: Typed = Field("", max_length=2000)


class Confirmation(BaseModel):
    model_config = ConfigDict(extra="forbid")
    loaded: bool = False  # the box that must be ticked
    rows: int | None = Field(None, ge=0, le=2**31)  # as Consonance counted them
    note: Typed = Field("", max_length=2000)


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Payee(BaseModel):
    """Whose a statement is, and which other payees (ids) may be named in it."""

    model_config = ConfigDict(extra="forbid")
    payee: Typed = Field(min_length=1, max_length=60)
    may_name: Typed = Field("", max_length=400)


@router.get("/imports", response_class=HTMLResponse)
def page(
    request: Request, session: Reading, user: User, show: str = "workbooks", before: int | None = Query(None, ge=0, le=2**62)
) -> HTMLResponse:
    may = roles.may(user)
    tabs = TABS | (OF_STATEMENTS if may(ROYALTIES) else {})
    show = show if show in tabs else "workbooks"
    if show == "sheets":
        rows: list[Any] = list(import_lists.sheets(session, before=before, limit=ROWS + 1))
    elif show in OF_STATEMENTS:
        rows = list(import_lists.statements(session, states=STATES[show], before=before, limit=ROWS + 1))
    else:
        rows = list(import_lists.workbooks(session, waiting=show == "workbooks", before=before, limit=ROWS + 1))
    return render(
        request,
        "imports.html",
        tabs=tabs,
        show=show,
        counts=import_lists.counts(session),
        rows=rows[:ROWS],
        more=rows[ROWS - 1].id if len(rows) > ROWS else None,
        before=before,
        may=may,
        questions={row.id: _question(row) for row in rows[:ROWS]} if show in {"workbooks", "done"} else {},
        payees=sorted(load_payees(), key=lambda payee: payee.name) if show in OF_STATEMENTS else (),
        periods=by_period(session) if show in OF_STATEMENTS and before is None else (),
    )


@router.get("/imports/{workbook_id}")
def one(request: Request, session: Reading, workbook_id: int) -> RedirectResponse:
    """Where questions in Airflow and mails point to."""
    row = _workbook(session, workbook_id)
    show = "" if row.state in import_lists.WAITING else "?show=done"
    base = str(request.scope.get("root_path", "")).rstrip("/")
    return RedirectResponse(f"{base}/imports{show}#workbook-{row.id}", 303)


@router.get("/imports/{workbook_id}/file")
def workbook(session: Reading, user: User, workbook_id: int) -> Response:
    row = _workbook(session, workbook_id)
    roles.must(user, row.role)
    return saved(row.name, row.sha256)


@router.post("/imports/{workbook_id}/confirm", dependencies=[Depends(runs.from_our_page)])
def confirm(request: Request, session: Reading, user: User, workbook_id: int, wish: Confirmation) -> dict[str, Any]:
    """The person says that Consonance has it. A run reads back what can be read back: now, if the person may start it, else the next."""
    roles.must(user, _workbook(session, workbook_id).role)
    if not wish.loaded:
        raise HTTPException(400, "Tick the box once Consonance says that the import is done.")
    said = hand.Said(agrees=True, rows=wish.rows)
    hand.confirm(shell.ledger(), workbook_id, now=datetime.now(UTC), who=user.get_name(), note=wish.note, said=said)
    if run := _started(request, READS_BACK, user):
        return {"said": "Confirmed. What can be read back is read back now.", **run}
    return {"said": "Confirmed. The next run of import_workbooks reads back what can be read back."}


@router.post("/imports/{workbook_id}/withdraw", dependencies=[Depends(runs.from_our_page)])
def withdraw(session: Reading, user: User, workbook_id: int, wish: Note) -> dict[str, Any]:
    roles.must(user, _workbook(session, workbook_id).role)
    hand.withdraw_one(shell.ledger(), workbook_id, now=datetime.now(UTC), who=user.get_name(), note=wish.note)
    return {"said": "Withdrawn: nobody is to load it."}


@router.post("/imports/{workbook_id}/again", dependencies=[Depends(runs.from_our_page)])
def want_again(session: Reading, user: User, workbook_id: int, wish: Nothing) -> dict[str, Any]:
    roles.must(user, _workbook(session, workbook_id).role)
    hand.wanted_again(shell.ledger(), workbook_id, now=datetime.now(UTC), who=user.get_name())
    return {"said": "It waits for a person again."}


@router.get("/imports/sheets/{import_id}", response_class=HTMLResponse)
def sheet(
    request: Request,
    session: Reading,
    user: User,
    import_id: int,
    state: str = Query("", max_length=20),
    after: int = Query(0, ge=0, le=2**31),
) -> HTMLResponse:
    row = _sheet(session, import_id)
    state = state if state in set(LineState) else ""
    lines = import_lists.sheet_lines(session, import_id, states=(state,) if state else (), after=after, limit=ROWS + 1)
    return render(
        request,
        "sheet.html",
        sheet=row,
        lines=lines[:ROWS],
        more=lines[ROWS - 1].row if len(lines) > ROWS else None,
        after=after,
        state=state,
        states=import_lists.line_states(session, import_id),
        decides=roles.may(user)(_decides(row)),
    )


@router.get("/imports/sheets/{import_id}/file")
def answer(session: Reading, import_id: int) -> Response:
    """The sheet as it went back to its sender, with the status of each row."""
    row = _sheet(session, import_id)
    if not row.answer:
        raise HTTPException(404, "This sheet has not been answered yet.")
    return saved(answers.file_name(row), row.answer)


@router.post("/imports/sheets/{import_id}/approve", dependencies=[Depends(runs.from_our_page)])
def approve(request: Request, session: Reading, user: User, import_id: int, wish: Nothing) -> dict[str, Any]:
    """A run writes it: now, if the person may start it, else the next."""
    row = _sheet(session, import_id)
    roles.must(user, _decides(row))
    sheets.approve(shell.ledger(), import_id, now=datetime.now(UTC), who=user.get_name())
    arrival = session.get(IntakeFileRow, row.intake_id) if row.intake_id else None
    if arrival is not None and (run := _started(request, f"{answers.FLOW}__{arrival.inbox}", user)):
        return {"said": "Approved: it is applied now.", **run}
    return {"said": "Approved: the next run applies it."}


@router.post("/imports/sheets/{import_id}/decline", dependencies=[Depends(runs.from_our_page)])
def decline(session: Reading, user: User, import_id: int, wish: Nothing) -> dict[str, Any]:
    roles.must(user, _decides(_sheet(session, import_id)))
    sheets.decline(shell.ledger(), import_id, now=datetime.now(UTC), who=user.get_name())
    return {"said": "Declined: nothing of it is applied."}


@router.get("/imports/statements/{statement_id}/file")
def statement(session: Reading, user: User, statement_id: int) -> Response:
    row = _statement(session, user, statement_id)
    return saved(row.name, row.sha256)


@router.post("/imports/statements/{statement_id}/payee", dependencies=[Depends(runs.from_our_page)])
def say_payee(session: Reading, user: User, statement_id: int, wish: Payee) -> dict[str, Any]:
    _statement(session, user, statement_id)
    named = [word for word in re.split(r"[\s,;]+", wish.may_name) if word]
    statements.give(
        shell.ledger(), shell.store(), Rules.load(), statement_id, wish.payee, now=datetime.now(UTC), who=user.get_name(), may_name=named
    )  # fmt: skip
    return {"said": "It goes to this payee's recipient with the next run."}


@router.post("/imports/statements/{statement_id}/back", dependencies=[Depends(runs.from_our_page)])
def take_back(session: Reading, user: User, statement_id: int, wish: Nothing) -> dict[str, Any]:
    _statement(session, user, statement_id)
    statements.take_back(shell.ledger(), statement_id, now=datetime.now(UTC), who=user.get_name())
    return {"said": "It is held again."}


@router.post("/imports/statements/{statement_id}/wrong", dependencies=[Depends(runs.from_our_page)])
def went_wrong(session: Reading, user: User, statement_id: int, wish: Nothing) -> dict[str, Any]:
    _statement(session, user, statement_id)
    statements.went_wrong(shell.ledger(), statement_id, now=datetime.now(UTC), who=user.get_name())
    return {"said": "It counts no more. Under Decided statements you say whose it is."}


@router.post("/imports/statements/{statement_id}/refuse", dependencies=[Depends(runs.from_our_page)])
def refuse(session: Reading, user: User, statement_id: int, wish: Nothing) -> dict[str, Any]:
    _statement(session, user, statement_id)
    statements.refuse(shell.ledger(), statement_id, now=datetime.now(UTC), who=user.get_name())
    return {"said": "It goes to nobody."}


def _started(request: Request, dag_id: str, user: BaseUser) -> dict[str, Any]:
    """A run, if the person may start it; nothing where that fails: the person's word is kept all the same."""
    try:
        return {} if runs.refusal(dag_id, user) else runs.start(request, dag_id, {}, user)
    except ColophonError as refused:
        log.warning("%s", refused)
        return {}


def _question(row: WorkbookRow) -> dict[str, Any]:
    """Totals and steps, as the question in Airflow has them; without steps where the import's file in config/ is broken."""
    try:
        return question(row, load_template(row.kind))  # type: ignore[arg-type]  # kinds are ours
    except ConfigurationError as broken:
        return {"totals": totals(row), "place": "", "checklist": [str(broken)]}


def _workbook(session: Session, workbook_id: int) -> WorkbookRow:
    row = session.get(WorkbookRow, workbook_id)
    if row is None:
        raise PermanentError(f"there is no workbook {workbook_id}", todo="Look at the page Imports again.")
    return row


def _sheet(session: Session, import_id: int) -> TitleImportRow:
    row = session.get(TitleImportRow, import_id)
    if row is None:
        raise PermanentError(f"there is no sheet {import_id}", todo="Look at the page Imports again.")
    return row


def _decides(row: TitleImportRow) -> str:
    """The role that says yes or no to the sheet, here as in Airflow."""
    try:
        return load_mapping(row.mapping).ask.role
    except ConfigurationError:  # the mapping is gone since
        return EDITORIAL


def _statement(session: Session, user: Any, statement_id: int) -> StatementRow:
    roles.must(user, ROYALTIES)
    row = session.get(StatementRow, statement_id)
    if row is None or row.state not in set(StatementState):
        raise PermanentError(f"there is no statement {statement_id}", todo="Look at the page Imports again.")
    return row
