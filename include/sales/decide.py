"""What a person says of a batch: it may count although it does not balance; what to do with a report that the rule refused."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from include.errors import RejectedData, TransientError
from include.ledger import sales
from include.ledger.database import Ledger
from include.ledger.sales_rows import BatchState, Overlap, SalesBatchRow
from include.sales import balance, overlap, recording, staging, store, undo
from include.sales.facts import Look
from include.sales.overlap import Decision
from include.sales.staging import Comparer
from include.store import ArtefactStore

Choice = Literal["replace", "difference", "add"]
CHOICES: tuple[Choice, ...] = ("replace", "difference", "add")
_ATTEMPTS = 8


def approve(ledger: Ledger, batch_id: int, *, now: datetime, who: str, note: str = "") -> SalesBatchRow:
    """A batch counts as it is: what is open of its controls is explained by the note. A second time changes nothing.

    Raises `RejectedData` without a note where something is open, and for a batch that was refused or undone.
    """
    with ledger.session() as session:
        sales.turn(session, sales.get(session, batch_id).source)
        batch = sales.get(session, batch_id, lock=True)
        where = f"batch {batch.id}, {batch.name}"
        if batch.state in {BatchState.REFUSED, BatchState.UNDONE}:
            raise RejectedData(f"it is {batch.state}", where=where, todo="Decide what it is to the batches before, or load it again.")
        if batch.state not in {BatchState.LOADED, BatchState.UNBALANCED}:
            return batch
        if balance.unbalanced(batch.reasons) and not note.strip():
            raise RejectedData("an approval of what does not balance needs a note", where=where, todo="Say what explains the difference.")
        batch.controls = [balance.settled(one, f"{note.strip()} ({who})") for one in batch.controls]
        batch.state, batch.decided_at, batch.decided_by, batch.note = BatchState.APPROVED, now, who, note.strip()
        sales.said(session, "sales approved", batch, now=now, who=who, note=note.strip(), reasons=batch.reasons)
        return batch


def leave(ledger: Ledger, batch_id: int, *, now: datetime, who: str, note: str) -> SalesBatchRow:
    """A refused report stays out: nobody is asked about it again. Raises `RejectedData` without a note, or where it counts."""
    if not note.strip():
        raise RejectedData("a refusal needs a note", where=f"batch {batch_id}", todo="Say why, for whoever asks later.")
    with ledger.session() as session:
        batch = sales.get(session, batch_id, lock=True)
        if batch.state != BatchState.REFUSED:
            raise RejectedData(f"it is {batch.state}", where=f"batch {batch.id}, {batch.name}", todo="Undo it, if it shall not count.")
        if batch.decided_at is None:
            batch.decided_at, batch.decided_by, batch.note = now, who, note.strip()
            sales.said(session, "sales left out", batch, now=now, who=who, note=note.strip())
        return batch


def accept(
    ledger: Ledger, artefacts: ArtefactStore, batch_id: int, choice: Choice, *, now: datetime, who: str, note: str = ""
) -> SalesBatchRow:
    """A person says what becomes of a report that was refused by rule: `replace` the earlier batches, load the `difference`, or `add` it
    beside them. Where replacing is not possible (they are with Consonance, or have more than the report speaks of) the difference is
    loaded, and `reasons` say so. A second time changes nothing.

    Raises `RejectedData` for a batch that was not refused, or has no lines.
    """
    for _ in range(_ATTEMPTS):
        with ledger.read() as session:
            batch = sales.get(session, batch_id)
            if batch.state not in {BatchState.REFUSED, BatchState.UNDONE} and batch.decided_at is not None:
                return batch
            _check(batch)
            parts = recording.parts_of(batch)
            look = Look.of(session, batch.source, parts)
        with tempfile.TemporaryDirectory(prefix="colophon-sales-") as folder, artefacts.local(batch.lines) as path:
            staged = staging.again(store.in_file(path), Path(folder) / "lines.parquet")
            compare = Comparer(artefacts, staged, look.kept)
            decision = overlap.of_a_person(parts, look.standing, choice, compare)
            if decision.overlap is Overlap.RESENT:
                raise RejectedData(decision.choice, where=f"batch {batch.id}, {batch.name}", todo="There is nothing to load; leave it.")
            counting = staged
            if decision.whole != frozenset(part.key for part in parts):
                counting = staging.again(compare.lines(decision), Path(folder) / "counting.parquet")
            lines = artefacts.put(counting.path).sha256
            with ledger.session() as session:
                sales.turn(session, batch.source)
                row = sales.get(session, batch_id, lock=True)
                if row.state != BatchState.REFUSED or Look.of(session, row.source, parts) != look:
                    continue
                _take(row, decision, note, now, who)
                row.rows, row.lines = counting.rows, lines
                row.parts.clear()
                session.flush()
                recording.settle(session, row, decision, counting.totals, parts, now=now, who=who)
                sales.said(session, "sales accepted", row, now=now, who=who, note=note.strip(), choice=choice, came=decision.choice)
        undo.compare_payments(ledger, row)
        with ledger.read() as session:
            return sales.get(session, batch_id)
    raise TransientError("others keep loading reports of the same source", where=f"batch {batch_id}", todo="Try again.")


def _check(batch: SalesBatchRow) -> None:
    where = f"batch {batch.id}, {batch.name}"
    if batch.state != BatchState.REFUSED:
        raise RejectedData(f"it is {batch.state}: there is nothing to decide", where=where, todo="Undo it, if it shall not count.")
    if not batch.rows:
        raise RejectedData("it has no lines", where=where, todo="Undo the batches before, if nothing was sold after all.")


def _take(row: SalesBatchRow, decision: Decision, note: str, now: datetime, who: str) -> None:
    """A person has decided: what balances is approved, what does not still waits."""
    kept = [one for one in row.reasons if one["code"] not in _DECIDED]
    row.reasons = [*decision.reasons, *kept]
    row.overlap = decision.overlap
    row.state = BatchState.UNBALANCED if balance.unbalanced(kept) else BatchState.APPROVED
    if row.state == BatchState.APPROVED:
        row.decided_at, row.decided_by = now, who
    row.note = note.strip()


_DECIDED: Sequence[str] = (overlap.Group.RESTATED, overlap.Group.ACROSS, "other-source", "empty-again")
