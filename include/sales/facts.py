"""What a report is, before anything is decided; what of its source counts; and what becomes of the one by the other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
from sqlalchemy.orm import Session

from include.errors import RejectedData
from include.files.bounds import printable
from include.ledger import sales
from include.ledger import workbooks as workbook_rows
from include.ledger.sales_rows import BatchState, Overlap, SalesBatchRow, WorkbookState
from include.partners.sources import SalesSource
from include.sales import balance, overlap, periods, staging
from include.sales.loaded import Loaded
from include.sales.overlap import Decision, Part, Standing
from include.sales.reading import Control, Notes, Rejects
from include.sales.staging import Comparer, Kept, Staged

NOTES = 20  # told in a batch's reasons
_IN_HANDS = frozenset({BatchState.HANDED_OVER, BatchState.CONFIRMED})
_FREE = frozenset({WorkbookState.PREPARED, WorkbookState.WITHDRAWN})


class Reading(Protocol):
    """As `include.sales.extract.read` gives it: iterate, then ask."""

    controls: list[Control]
    rejects: Rejects
    notes: Notes
    skipped: Any
    copied: list[str]
    period: tuple[date, date] | None

    def __iter__(self) -> Iterator[pa.RecordBatch]: ...

    def found(self, control: Control) -> Any: ...


@dataclass(frozen=True, slots=True)
class Report:
    """A file of rows, and by which layout it is read."""

    name: str
    sha256: str
    bytes: int
    layout: str
    intake_id: int | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """A report that was read, before anything is decided."""

    source: str
    report: Report
    reading: Reading
    staged: Staged
    balance: balance.Balance
    parts_of_file: tuple[Part, ...]
    period: tuple[str, str]  # first and last day; empty where nothing says them

    @property
    def digest(self) -> str:
        return staging.digest_of(self.parts_of_file)

    def reasons(self, decision: Decision) -> list[dict[str, Any]]:
        """What a person should know of it, worst first."""
        told = [*decision.reasons, *(one for one in self.balance.reasons if one["code"] in balance.UNBALANCING)]
        if number := len(self.reading.rejects):
            codes = ", ".join(f"{code} {times}" for code, times in sorted(self.reading.rejects.codes.items()))
            todo = "Look at them, mend the layout or ask for the report again; what comes again is compared line by line."
            told.append(balance.reason("rows-rejected", f"{number} row{'s' if number != 1 else ''} could not be read: {codes}", todo=todo))
        told += [one for one in self.balance.reasons if one["code"] not in balance.UNBALANCING]
        notes = list(self.reading.notes.counted.items())[:NOTES]
        return [*told, *(balance.reason("note", note, where=f"{times} times" if times > 1 else "") for note, times in notes)]

    def state(self, decision: Decision) -> BatchState:
        if decision.overlap is Overlap.REFUSED:
            return BatchState.REFUSED
        return BatchState.LOADED if self.balance.balanced else BatchState.UNBALANCED

    def told(self, decision: Decision, row: SalesBatchRow | None, *, counting: Staged | None = None, batch: int | None = None) -> Loaded:
        counts = decision.overlap not in {Overlap.REFUSED, Overlap.RESENT} and counting is not None
        return Loaded(
            name=self.report.name, sha256=self.report.sha256, bytes=self.report.bytes, source=self.source, layout=self.report.layout,
            state="resent" if decision.overlap is Overlap.RESENT else str(row.state if row else self.state(decision)),
            overlap=decision.overlap, choice=decision.choice, period=self.period, rows=self.staged.rows,
            rejected=len(self.reading.rejects), totals=self.staged.totals.by_currency(),
            parts=counting.totals.parts() if counts and counting is not None else {},
            controls=tuple(self.balance.controls), reasons=tuple(self.reasons(decision)), skipped=dict(self.reading.skipped),
            notes=dict(self.reading.notes.counted), rejects=self.reading.rejects, batch=row.id if row else batch,
            replaces=decision.replaces, same_as=decision.same_as,
        )  # fmt: skip


def facts_of(source: SalesSource, report: Report, reading: Reading, staged: Staged, checked: balance.Balance) -> Facts:
    parts = staged.parts
    spans = [part.days for part in parts]
    if not spans and reading.period is not None:
        spans = [periods.Days(*reading.period)]
    if not spans and not len(reading.rejects):
        raise RejectedData(
            "the report has no lines and says no period",
            where=printable(report.name),
            todo="Put the month into the file's name, such as 2026-09, if nothing was sold.",
        )
    whole = spans[0] if spans else None
    for days in spans[1:]:
        whole = whole.with_(days) if whole else days
    if not parts and whole is not None and not len(reading.rejects):
        parts = [Part(periods.of(whole.first, whole.last), "", 0, 0)]  # nothing was sold: this is what was reported
    period = (whole.first.isoformat(), whole.last.isoformat()) if whole else ("", "")
    return Facts(source.id, report, reading, staged, checked, tuple(parts), period)


def arrived(session: Session, report: Report) -> SalesBatchRow | None:
    row = sales.of_intake(session, report.intake_id) if report.intake_id is not None else None
    return row if row is not None and row.sha256 == report.sha256 else None


def known(facts: Facts, row: SalesBatchRow) -> Loaded:
    """Of an arrival that was loaded by a run that could not say so any more."""
    replaces = (row.replaces_id,) if row.replaces_id else ()
    decision = Decision(Overlap(row.overlap), f"it is loaded as batch {row.id}", replaces=replaces, reasons=tuple(row.reasons))
    return facts.told(decision, row)


# --- what it is to others


@dataclass(frozen=True, slots=True)
class Look:
    """What of a source counts at one moment; equal as long as nothing changed that the decision about a report hangs on.

    `claims`: of each part that the report meets, whether it counts and whether a person or Consonance has it.
    """

    claims: tuple[tuple[int, str | None, bool], ...]
    standing: tuple[Standing, ...] = field(compare=False)
    kept: Mapping[int, Kept]

    @classmethod
    def of(cls, session: Session, source: str, parts: Sequence[Part]) -> Look:
        rows = sales.standing(session, source)
        standing = [Standing(row.id, row.batch_id, Part(row.period, row.currency, row.rows, int(row.digest or "0", 16))) for row in rows]
        batches, days = {row.batch_id: row.batch for row in rows}, [part.days for part in parts if not part.rows]
        met = {each.id for meeting in overlap.meet(parts, standing) for each in meeting.earlier}
        met |= {one.id for one in standing if any(one.part.days.meets(each) for each in days)}
        of_these = sorted({one.batch for one in standing if one.id in met})
        kept = {id for id in of_these if _is_kept(session, batches[id])}
        return cls(
            tuple((row.id, row.claim, row.batch_id in kept) for row in rows if row.id in met),
            tuple(Standing(one.id, one.batch, one.part, one.batch in kept) for one in standing),
            {id: Kept(id, batches[id].lines, batches[id].rows) for id in of_these},
        )


def _is_kept(session: Session, batch: SalesBatchRow) -> bool:
    if batch.state in _IN_HANDS:
        return True
    return any(row.state not in _FREE for row in workbook_rows.of_source(session, workbook_rows.BATCH, batch.id))


def decided(
    facts: Facts, look: Look, rule: overlap.Rule, compare: Comparer, other: SalesBatchRow | None, *, by_person: bool = False
) -> Decision:
    """What becomes of the report, by the source's rule or by a person's word."""
    if other is not None and not by_person:
        what = f"the same file was loaded as {other.source}'s: batch {other.id}"
        todo = "Decide on the page Sales whose report it is; undo the other batch where it was not theirs."
        return Decision(Overlap.REFUSED, f"{what}: a person decides", reasons=(balance.reason("other-source", what, todo=todo),))
    parts = facts.parts_of_file
    if not facts.staged.rows:
        return _nothing(facts, look)
    return (overlap.of_a_person if by_person else overlap.decide)(parts, look.standing, rule, compare)


def _nothing(facts: Facts, look: Look) -> Decision:
    if not facts.parts_of_file:
        what = "none of its rows could be read"
        reasons = (balance.reason("all-rejected", what, todo="Look at the rejected rows; mend the layout and load it again."),)
        return Decision(Overlap.REFUSED, what, reasons=reasons)
    days = facts.parts_of_file[0].days
    there = [one for one in look.standing if one.part.days.meets(days)]
    if same := sorted({one.batch for one in there if not one.part.rows and one.part.days == days}):
        return Decision(Overlap.RESENT, f"that nothing was sold is known: batch {same[-1]}", same_as=tuple(same))
    if sold := sorted({one.batch for one in there if one.part.rows}):
        what = f"the report is empty, and lines of its period were loaded before: batch {', '.join(map(str, sold))}"
        todo = "Ask the sender; undo the earlier batch if nothing was sold after all."
        return Decision(Overlap.REFUSED, f"{what}: a person decides", reasons=(balance.reason("empty-again", what, todo=todo),))
    return Decision(Overlap.NEW, "nothing was sold", frozenset(part.key for part in facts.parts_of_file))


def chosen(decision: Decision, facts: Facts, compare: Comparer, path: Path) -> Staged:
    """The lines that count by a decision; of a refused report all, so that a person may still decide otherwise."""
    everything = frozenset(part.key for part in facts.parts_of_file)
    if decision.overlap is Overlap.REFUSED or decision.whole == everything:
        return facts.staged
    return staging.again(compare.lines(decision), path)
