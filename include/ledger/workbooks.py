"""The ledger's import workbooks: found, moved between states, and what each step means for the sales and sheets they came from.

`move` is the one way into a state: batches of sales and lines of sheets follow in the same transaction, whoever asks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import String, cast, or_, select, update
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger.chunks import chunks
from include.ledger.deliveries import record_event
from include.ledger.sales_rows import BatchState, LineState, SalesBatchRow, SalesProductRow, TitleImportLineRow, WorkbookRow
from include.ledger.sales_rows import WorkbookState as S

OPEN = (S.PREPARED, S.HANDED_OVER)  # nobody has said that it is loaded
LOADED = (S.CONFIRMED, S.VERIFIED, S.INCOMPLETE)  # somebody has
BATCH, IMPORT = "sales batch", "title import"  # keys of `sources`


def get(session: Session, id: int, *, lock: bool = False) -> WorkbookRow:
    """Raises `PermanentError` if there is none. `lock`: the batches that it comes from are locked first, as whoever undoes one does."""
    row = session.get(WorkbookRow, id) if 0 < id < 2**63 else None
    if row is None:
        raise PermanentError(f"there is no workbook {id}", todo="Look at the page Imports.")
    if lock:
        for number in sorted(numbers(row, BATCH)):
            session.get(SalesBatchRow, number, with_for_update=True, populate_existing=True)
        session.refresh(row, with_for_update=True)
    return row


def of_subject(session: Session, kind: str, subject: str) -> list[WorkbookRow]:
    """All workbooks of one thing, oldest first."""
    query = select(WorkbookRow).where(WorkbookRow.kind == kind, WorkbookRow.subject == subject)
    return list(session.scalars(query.order_by(WorkbookRow.id)))


def of_source(session: Session, what: str, number: int) -> list[WorkbookRow]:
    """All workbooks that hold rows of this batch of sales (`BATCH`) or sheet of titles (`IMPORT`), oldest first."""
    like = cast(WorkbookRow.sources, String).like(f'%"{what}": {number}%')  # finds also 123 for 12, but not thousands of others
    return [row for row in session.scalars(select(WorkbookRow).where(like).order_by(WorkbookRow.id)) if number in numbers(row, what)]


def numbers(row: WorkbookRow, what: str) -> list[int]:
    """Numbers of the batches or sheets that a workbook comes from."""
    return [int(source[what]) for source in row.sources if what in source]


def listed(session: Session, states: Collection[str] = (), *, kind: str = "", before: int = 0, limit: int = 50) -> list[WorkbookRow]:
    """Workbooks from new to old; `before`: id of the last one of the page before."""
    query = select(WorkbookRow).order_by(WorkbookRow.id.desc()).limit(limit)
    if states:
        query = query.where(WorkbookRow.state.in_(list(states)))
    if kind:
        query = query.where(WorkbookRow.kind == kind)
    return list(session.scalars(query.where(WorkbookRow.id < before) if before else query))


def to_hand_over(session: Session, *, asked_before: datetime, dag_id: str = "", run_id: str = "", most: int = 1000) -> list[WorkbookRow]:
    """Workbooks that a person is to be asked about, locked: those that nobody was asked about, those of which the question (asked before
    this moment) must be closed by now, and those that this very run has asked about: it was cleared."""
    again = (WorkbookRow.state == S.HANDED_OVER) & (WorkbookRow.handed_at < asked_before)
    mine = (WorkbookRow.state == S.HANDED_OVER) & (WorkbookRow.dag_id == dag_id) & (WorkbookRow.run_id == run_id)
    query = select(WorkbookRow.id).where(or_(WorkbookRow.state == S.PREPARED, again, mine if run_id else again))
    found = [get(session, id, lock=True) for id in session.scalars(query.order_by(WorkbookRow.id).limit(most)).all()]
    return [row for row in found if row.state == S.PREPARED or (row.state == S.HANDED_OVER and _again(row, asked_before, dag_id, run_id))]


def _again(row: WorkbookRow, asked_before: datetime, dag_id: str, run_id: str) -> bool:
    """Whether it may be asked about once more, now that nobody else can change it."""
    return (bool(run_id) and (row.dag_id, row.run_id) == (dag_id, run_id)) or (row.handed_at is not None and row.handed_at < asked_before)


def to_verify(session: Session) -> list[WorkbookRow]:
    """Workbooks that a person has confirmed and that were not found whole in Consonance yet."""
    query = select(WorkbookRow).where(WorkbookRow.state.in_([S.CONFIRMED, S.INCOMPLETE]))
    return list(session.scalars(query.order_by(WorkbookRow.id)))


def move(session: Session, row: WorkbookRow, state: S, *, now: datetime, who: str = "", detail: dict[str, Any] | None = None) -> None:
    """Into this state, with its event; batches of sales and lines of sheets follow."""
    before, row.state = row.state, state
    about = {"workbook": row.id, "kind": row.kind, "rows": row.rows, "was": before} | (detail or {})
    record_event(session, what=f"workbook {state}", now=now, who=who, subject=row.name, bytes=row.bytes, sha256=row.sha256, detail=about)
    session.flush()
    for number in numbers(row, BATCH):
        _follow_batch(session, number, now, who)
    if row.kind == "titles":
        _follow_lines(session, row)


def _follow_batch(session: Session, number: int, now: datetime, who: str) -> None:
    """A batch is handed over once a person has all its workbooks, and confirmed once all of them are; back again with any of them."""
    batch = session.get(SalesBatchRow, number, with_for_update=True)
    follows = {BatchState.LOADED, BatchState.APPROVED, BatchState.HANDED_OVER, BatchState.CONFIRMED}
    if batch is None or batch.state not in follows:
        return
    states = {row.state for row in of_source(session, BATCH, number)} - {S.WITHDRAWN}
    waits = SalesProductRow.workbook_id.is_(None) & (SalesProductRow.state != "ignored")
    unfinished = session.scalar(select(SalesProductRow.id).where(SalesProductRow.batch_id == number, waits).limit(1))
    if not states or S.PREPARED in states or unfinished is not None:
        state = BatchState.APPROVED if batch.decided_at else BatchState.LOADED
    else:
        state = BatchState.CONFIRMED if states <= {S.CONFIRMED, S.VERIFIED} else BatchState.HANDED_OVER
    if batch.state != state:
        record_event(session, what=f"sales {state}", now=now, who=who, subject=batch.name, detail={BATCH: number, "was": batch.state})
        batch.state = state


def _follow_lines(session: Session, row: WorkbookRow) -> None:
    """New titles of a sheet: handed over, there, or missing; new again once their workbook is withdrawn."""
    of_it = TitleImportLineRow.workbook_id == row.id
    waiting = TitleImportLineRow.state.in_([LineState.NEW, LineState.HANDED_OVER, LineState.MISSING])
    lines = update(TitleImportLineRow).where(of_it, waiting)
    missing = [str(one["isbn"]) for one in row.missing if one.get("isbn")]
    match row.state:
        case S.HANDED_OVER | S.CONFIRMED:
            session.execute(lines.values(state=LineState.HANDED_OVER))
        case S.VERIFIED:
            session.execute(lines.values(state=LineState.VERIFIED))
        case S.INCOMPLETE:
            session.execute(lines.where(TitleImportLineRow.isbn.not_in(missing)).values(state=LineState.VERIFIED))
            for chunk in chunks(missing):
                session.execute(lines.where(TitleImportLineRow.isbn.in_(chunk)).values(state=LineState.MISSING))
        case S.WITHDRAWN:
            session.execute(lines.values(state=LineState.NEW, workbook_id=None))
        case _:
            session.execute(lines.values(state=LineState.NEW))


def undone(session: Session, row: WorkbookRow) -> list[int]:
    """Batches of a workbook whose lines do not count any more."""
    gone = SalesBatchRow.state.in_([BatchState.UNDONE, BatchState.REFUSED])
    return list(session.scalars(select(SalesBatchRow.id).where(SalesBatchRow.id.in_(numbers(row, BATCH)), gone).order_by(SalesBatchRow.id)))


def later_ones(session: Session, row: WorkbookRow) -> list[int]:
    """Workbooks that were made since and hold a title or a price of this one: loaded, both would count."""
    kept = {_about(one) for one in row.expects}
    query = select(WorkbookRow).where(WorkbookRow.kind == row.kind, WorkbookRow.id > row.id, WorkbookRow.state != S.WITHDRAWN)
    return [one.id for one in session.scalars(query.order_by(WorkbookRow.id)) if any(_about(expected) in kept for expected in one.expects)]


def _about(expected: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(expected.get(name, "")) for name in ("isbn", "currency", "type", "qualifier"))


def release(session: Session, batch: int) -> None:
    """Products of a batch of which all workbooks are withdrawn are in none any more: should it count again, they go again."""
    in_one = (SalesProductRow.batch_id == batch) & (SalesProductRow.workbook_id > 0)
    session.execute(update(SalesProductRow).where(in_one).values(workbook_id=None))
