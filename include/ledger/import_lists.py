"""Lists for the page Imports: workbooks that wait for a person, sheets of titles with their rows, royalty statements."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from include.ledger.sales_rows import (
    LineState,
    StatementRow,
    StatementState,
    TitleImportLineRow,
    TitleImportRow,
    WorkbookRow,
    WorkbookState,
)

WAITING = (WorkbookState.PREPARED, WorkbookState.HANDED_OVER, WorkbookState.CONFIRMED, WorkbookState.INCOMPLETE)
"""States of a workbook that somebody has still to do something about."""


def workbooks(session: Session, *, waiting: bool = True, before: int | None = None, limit: int = 50) -> list[WorkbookRow]:
    """A page of workbooks, newest first: those that wait for a person, or the others. `before` is the last id of the page before."""
    of_states = WorkbookRow.state.in_(WAITING) if waiting else WorkbookRow.state.not_in(WAITING)
    query = select(WorkbookRow).where(of_states)
    if before is not None:
        query = query.where(WorkbookRow.id < before)
    return list(session.scalars(query.order_by(WorkbookRow.id.desc()).limit(limit)))


def sheets(session: Session, *, before: int | None = None, limit: int = 50) -> list[TitleImportRow]:
    """A page of sheets of titles, newest first."""
    query = select(TitleImportRow)
    if before is not None:
        query = query.where(TitleImportRow.id < before)
    return list(session.scalars(query.order_by(TitleImportRow.id.desc()).limit(limit)))


def sheet_lines(
    session: Session, import_id: int, *, states: Collection[str] = (), after: int = 0, limit: int = 100
) -> list[TitleImportLineRow]:
    """A page of a sheet's rows, in its order, from the row after `after` on; `states`: only those, empty: all."""
    query = select(TitleImportLineRow).where(TitleImportLineRow.import_id == import_id, TitleImportLineRow.row > after)
    if states:
        query = query.where(TitleImportLineRow.state.in_(list(states)))
    return list(session.scalars(query.order_by(TitleImportLineRow.row).limit(limit)))


def line_states(session: Session, import_id: int) -> dict[str, int]:
    """Number of a sheet's rows in each state, in the order in which people look for them."""
    counted = select(TitleImportLineRow.state, func.count()).where(TitleImportLineRow.import_id == import_id)
    found = {str(row[0]): int(row[1]) for row in session.execute(counted.group_by(TitleImportLineRow.state))}
    return {state: found[state] for state in LineState if state in found}


def statements(
    session: Session, *, states: Collection[str] = (StatementState.HELD,), before: int | None = None, limit: int = 50
) -> list[StatementRow]:
    """A page of statements, newest first; of those that are to go only the ones that a person has let go. For who has the role
    `royalties` only: the caller sees to it."""
    decided = or_(StatementRow.state != StatementState.READY, StatementRow.decided_at.is_not(None))
    query = select(StatementRow).where(StatementRow.state.in_(list(states)), decided)
    if before is not None:
        query = query.where(StatementRow.id < before)
    return list(session.scalars(query.order_by(StatementRow.id.desc()).limit(limit)))


def counts(session: Session) -> dict[str, int]:
    """What waits for a person: workbooks, sheets, statements."""
    return {
        "workbooks": int(session.scalar(select(func.count()).select_from(WorkbookRow).where(WorkbookRow.state.in_(WAITING))) or 0),
        "sheets": int(
            session.scalar(select(func.count()).select_from(TitleImportRow).where(TitleImportRow.state == "awaiting approval")) or 0
        ),
        "statements": int(
            session.scalar(select(func.count()).select_from(StatementRow).where(StatementRow.state == StatementState.HELD)) or 0
        ),
    }
