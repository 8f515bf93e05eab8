"""An inbox of sheets, from one end to the other: what the flow does in one run, sheet by sheet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy import or_, select

from include.clients.consonance import Consonance
from include.errors import CapabilityMissing, ConfigurationError, PermanentError, RejectedData
from include.files.model import Refused
from include.imports import answer, record, settle, workbooks
from include.imports.apply import Applied, Applying
from include.imports.differences import shown
from include.imports.mapping import Mapping, load_mapping
from include.imports.offers import Offers, offers
from include.intake import handing
from include.intake.globs import fits_any
from include.ledger import imports
from include.ledger.database import Ledger
from include.ledger.file_rows import IntakeFileRow
from include.ledger.sales_rows import LineState, TitleImportRow, WorkbookRow
from include.ledger.turns import turn
from include.partners.inboxes import Inbox
from include.partners.model import House
from include.store import ArtefactStore

KIND = "sheet"
EXAMPLES = 10
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Due:
    """A sheet that there is something to do for. `asks`: why a person is asked first; empty: nobody is."""

    id: int
    inbox: str
    mapping: str
    name: str
    role: str
    counts: dict[str, Any]
    asks: tuple[str, ...] = ()
    examples: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return {
            "id": self.id, "inbox": self.inbox, "mapping": self.mapping, "name": self.name, "role": self.role, "counts": self.counts,
            "asks": list(self.asks), "examples": list(self.examples),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """What writing a sheet came to."""

    id: int
    state: str
    counts: dict[str, Any]
    applied: Applied | None = None
    workbooks: tuple[WorkbookRow, ...] = ()

    def to_json(self) -> dict[str, Any]:
        of = self.applied or Applied()
        return {
            "id": self.id, "state": self.state, "counts": self.counts, "works_written": of.written, "works_as_wanted": of.same,
            "conflicts": of.conflicts, "refused": of.refused, "workbooks": [book.id for book in self.workbooks],
        }  # fmt: skip


@dataclass
class Desk:
    """Whoever works through an inbox of sheets. `say` gets a line for people now and then."""

    ledger: Ledger
    store: ArtefactStore
    inbox: Inbox
    house: House
    client: Consonance
    say: Say = field(default=lambda line: None)

    @cached_property
    def mapping(self) -> Mapping:
        """The inbox's mapping. Raises `ConfigurationError` for an inbox that names none, or would take its own answers for sheets."""
        where = f"config/inboxes/{self.inbox.id}.toml"
        if fits_any(ours := f"{answer.FOLDER}/sheet.xlsx", self.inbox.pattern) and not fits_any(ours, self.inbox.exclude):
            todo = f'Add `exclude = ["{answer.FOLDER}/**"]`.'
            raise ConfigurationError("the inbox would take its own answers for sheets", where=where, todo=todo)
        if not self.inbox.mapping:
            raise ConfigurationError("the inbox names no mapping", where=where, todo="Add `mapping`, a file of config/mappings.")
        return load_mapping(self.inbox.mapping)

    @cached_property
    def offers(self) -> Offers:
        """What Consonance lets us write; nothing, where it offers no `updateWork`: then sheets are checked and sent back."""
        try:
            return offers(self.client)
        except CapabilityMissing as lacking:
            self.say(f"Nothing can be written: {lacking}")
            return Offers({}, {})

    def receive(self, now: datetime) -> list[int]:
        """Checks and keeps every sheet that the inbox has taken; gives their numbers. What can't be read is set aside with its reason."""
        with self.ledger.read() as session:
            waiting = handing.taken(session, self.inbox.id)
            session.expunge_all()
        found = []
        for arrival in waiting:
            try:
                taken = record.take(
                    self.ledger, self.store, self.mapping, self.offers, sha256=arrival.sha256, name=arrival.name,
                    arrived=arrival.modified or arrival.seen_at, now=now, intake_id=arrival.id,
                )  # fmt: skip
            except (RejectedData, PermanentError) as bad:  # of this sheet alone: the others go on
                self.say(f"{arrival.name}: {bad}")
                code = bad.code if isinstance(bad, Refused) else "sheet-broken"
                handing.set_aside(self.ledger, arrival.id, [bad.reason(code, arrival.name)], kind=KIND, now=now)
                continue
            about = {"title import": taken.import_id}
            repeats = taken.again and not self._is_of(taken.import_id, arrival.id)
            (handing.duplicate if repeats else handing.read)(self.ledger, arrival.id, kind=KIND, about=about, now=now)
            self.say(f"{arrival.name}: sheet {taken.import_id}, {taken.state}, {taken.counts}")
            found.append(taken.import_id)
        return found

    def settle(self, now: datetime) -> None:
        """Brings sheets up to where their workbooks are. Raises as `Consonance` does."""
        for row in self._sheets():
            if row.state == imports.HANDED:
                settle.settle(self.ledger, self.client, self.house, self.mapping, self.offers, row.id, now=now)

    def due(self, now: datetime, *, run_id: str = "", asks_for: timedelta = timedelta(hours=12)) -> list[Due]:
        """Sheets to go on with: to be asked about, written, or answered. One that another run has asked about is left to that run for
        as long as the question is open."""
        return [self._due(row) for row in self._sheets() if self._is_due(row, now, run_id, asks_for)]

    def write(self, import_id: int, clock: Callable[[], datetime], *, dag_id: str = "", run_id: str = "") -> Written:
        """Writes a sheet that was checked, and approved where that is wanted, and makes its workbooks; safe to do again. Another run that
        writes the same sheet is waited for: it leaves nothing to do."""
        busy = f"Sheet {import_id}: another run is writing it at this moment. Waiting for its end."
        with turn(self.ledger, f"title import {import_id}", waiting=lambda: self.say(busy)):
            return self._write(import_id, clock, dag_id, run_id)

    def _write(self, import_id: int, clock: Callable[[], datetime], dag_id: str, run_id: str) -> Written:
        applied, made = None, []
        if record.begin(self.ledger, import_id):
            applied = Applying(self.ledger, self.client, self.house, self.mapping, import_id, clock, self.say, who=dag_id).run()
            made = workbooks.prepare_all(self.ledger, self.store, self.mapping, import_id, now=clock(), dag_id=dag_id, run_id=run_id)
        state = record.conclude(self.ledger, import_id, now=clock())
        with self.ledger.read() as session:
            counts = dict(imports.get(session, import_id).counts)
        self.say(f"sheet {import_id}: {state}, {counts}")
        return Written(import_id, state, counts, applied, tuple(made))

    def _sheets(self) -> list[TitleImportRow]:
        """Sheets of this inbox that are not over, or whose last answer is not with the sender."""
        of = TitleImportRow
        query = select(of).join(IntakeFileRow, IntakeFileRow.id == of.intake_id)
        query = query.where(IntakeFileRow.inbox == self.inbox.id, of.mapping == self.mapping.id)
        with self.ledger.read() as session:
            found = list(session.scalars(query.where(or_(of.state.in_(imports.OPEN), of.answered_at.is_(None))).order_by(of.id)))
            session.expunge_all()
        return found

    def _is_of(self, import_id: int, arrival_id: int) -> bool:
        """Whether the sheet came with this very arrival: a worker was stopped before it could say so."""
        with self.ledger.read() as session:
            return imports.get(session, import_id).intake_id == arrival_id

    def _is_due(self, row: TitleImportRow, now: datetime, run_id: str, asks_for: timedelta) -> bool:
        if row.state == imports.ASKS:
            note = next((reason for reason in row.reasons if reason["code"] == record.ASKED), None)
            return note is None or note["where"] == run_id or now - datetime.fromisoformat(note["at"]) >= asks_for
        if row.state in {imports.CHECKED, imports.APPLYING} or row.answered_at is None:
            return True
        return answer.is_stale(self.ledger, self.inbox, row.id)

    def _due(self, row: TitleImportRow) -> Due:
        asks = tuple(reason["message"] for reason in row.reasons if reason["code"] == record.ASKS) if row.state == imports.ASKS else ()
        examples = self._examples(row.id) if asks else ()
        return Due(row.id, self.inbox.id, row.mapping, row.name, self.mapping.ask.role, dict(row.counts), asks, examples)

    def _examples(self, import_id: int) -> tuple[str, ...]:
        """The first changes, for the person who decides."""
        found: list[str] = []
        with self.ledger.read() as session:
            for line in imports.lines(session, import_id, LineState.WAITING):
                found += [
                    f"row {line.row}, {line.title[:60]}: {change['label']} {shown(change['before'])} → {shown(change['after'])}"
                    for change in line.changes if change["as"]
                ]  # fmt: skip
                if len(found) >= EXAMPLES:
                    break
        return tuple(found[:EXAMPLES])
