"""Taking a batch back, as if it had never come: what it replaced counts again, and its workbooks are not to be loaded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from include.errors import ConfigurationError, RejectedData
from include.ledger import sales
from include.ledger import workbooks as workbook_rows
from include.ledger.database import Ledger
from include.ledger.sales_rows import BatchState, SalesBatchRow
from include.partners.registry import load_source
from include.sales import balance, payments, periods
from include.workbooks import hand


@dataclass(frozen=True, slots=True)
class Undone:
    """`batch` counts no more, `restored` do again; `in_hand` are workbooks that a person has and must be told of."""

    batch: int
    restored: tuple[int, ...] = ()
    withdrawn: tuple[int, ...] = ()
    in_hand: tuple[int, ...] = ()


def undo(ledger: Ledger, batch_id: int, *, now: datetime, who: str, note: str = "") -> Undone:
    """Undoes a batch; a second time changes nothing.

    Raises `RejectedData` where its lines are in Consonance, where a later batch was loaded by what this one has (that one goes first),
    where another took its place (undoing that one brings it back), and where it never counted.
    """
    with ledger.session() as session:
        sales.turn(session, sales.get(session, batch_id).source)
        batch = sales.get(session, batch_id, lock=True)
        if batch.state == BatchState.UNDONE and batch.replaced_by_id is None:
            return Undone(batch.id)
        _check(session, batch)
        withdrawn, in_hand = take_back(session, batch, now=now, who=who, note=note)
        restored = sales.replaced_by(session, batch.id)
        for earlier in restored:
            _bring_back(session, earlier, now=now, who=who)
    compare_payments(ledger, batch)
    return Undone(batch.id, tuple(one.id for one in restored), withdrawn, in_hand)


def take_back(
    session: Session, batch: SalesBatchRow, *, now: datetime, who: str, note: str = "", replaced_by: int | None = None
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """In the caller's transaction and turn: the batch counts no more. Gives workbooks that were withdrawn, and those that a person has.

    Raises `RejectedData` where a workbook of it is loaded.
    """
    open_ = tuple(row.id for row in workbook_rows.of_source(session, workbook_rows.BATCH, batch.id) if row.state in workbook_rows.OPEN)
    why = note.strip() or (f"batch {replaced_by} took the place of batch {batch.id}" if replaced_by else f"batch {batch.id} was undone")
    in_hand = hand.withdraw(session, workbook_rows.BATCH, batch.id, now=now, who=who, note=why)
    before = batch.state
    batch.state, batch.undone_at, batch.undone_by, batch.replaced_by_id = BatchState.UNDONE, now, who, replaced_by
    if note.strip():
        batch.note = note.strip()
    sales.release(session, batch)
    about = {"was": before, "note": note.strip(), "replaced_by": replaced_by, "workbooks": list(open_)}
    sales.said(session, "sales undone", batch, now=now, who=who, **about)
    return open_, tuple(row.id for row in in_hand)


def compare_payments(ledger: Ledger, batch: SalesBatchRow) -> None:
    """Compares what was paid with what counts now, for the periods of a batch that came or went."""
    try:
        source = load_source(batch.source)
    except ConfigurationError:
        return  # nobody sends under that name any more: there is no tolerance to compare by
    keys = {(part.period, part.currency) for part in batch.parts}
    with ledger.read() as session:
        ids = {part.batch_id for part in sales.standing(session, batch.source) if (part.period, part.currency) in keys}
    for id in sorted(ids):
        payments.recheck(ledger, source, id)


def _check(session: Session, batch: SalesBatchRow) -> None:
    where = f"batch {batch.id}, {batch.name}"
    if batch.state == BatchState.UNDONE:
        todo = f"Undo batch {batch.replaced_by_id}: this one then counts again."
        raise RejectedData(f"batch {batch.replaced_by_id} took its place", where=where, todo=todo)
    if batch.state == BatchState.REFUSED:
        raise RejectedData("it was refused: none of its lines counts", where=where, todo="There is nothing to undo.")
    if batch.state == BatchState.CONFIRMED:
        todo = "What was imported there can't be taken back from here: load the shop's corrected report, and its difference goes over."
        raise RejectedData("its lines are in Consonance", where=where, todo=todo)
    mine = [(periods.days(part.period), part.currency) for part in batch.parts if part.rows]
    newest = max((part.id for part in batch.parts), default=0)
    later = sorted({
        part.batch_id
        for part in sales.standing(session, batch.source)
        if part.id > newest and part.rows
        and any(part.currency == currency and periods.days(part.period).meets(days) for days, currency in mine)
    })  # fmt: skip
    if later:
        told = ", ".join(map(str, reversed(later)))
        raise RejectedData(
            f"batch{'es' if len(later) > 1 else ''} {told} counted on it", where=where, todo=f"Undo {told} first, in this order."
        )  # fmt: skip


def _bring_back(session: Session, batch: SalesBatchRow, *, now: datetime, who: str) -> None:
    """A batch that was replaced counts again, in the state in which it was."""
    batch.state = state_of(batch)
    batch.undone_at, batch.undone_by, batch.replaced_by_id = None, "", None
    sales.restore(session, batch)
    sales.said(session, "sales restored", batch, now=now, who=who)


def state_of(batch: SalesBatchRow) -> BatchState:
    """Of a batch that counts and is in nobody's hands."""
    if batch.decided_at is not None:
        return BatchState.APPROVED
    return BatchState.UNBALANCED if balance.unbalanced(batch.reasons) else BatchState.LOADED
