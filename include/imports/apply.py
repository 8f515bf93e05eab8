"""Writes a sheet's changes: one `updateWork` for each work with its products, compared with what Consonance has before and after.

Before: what Consonance has now must be what it had when the row was checked, else somebody was there in between, and nothing of the row
is written. What already is as the row wants it is not written again, so that whoever was killed between the write and the record goes on
as if nothing had happened. After: only what is read back counts as written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from include.clients.consonance import Consonance
from include.errors import PermanentError, TransientError
from include.imports import live as consonance
from include.imports.differences import PRICES, Change, shown
from include.imports.extractors import Value
from include.imports.fields import FIELDS
from include.imports.live import Live
from include.imports.mapping import Mapping
from include.ledger import imports
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.sales_rows import LineState, TitleImportLineRow
from include.partners.model import House

STRIKES = 3  # works in a row that Consonance did not answer for: then it is not worth going on
API = "updateWork"
Say = Callable[[str], None]
Key = tuple[str, int, str]
Problem = dict[str, Any]


@dataclass(slots=True)
class Applied:
    """What came of a sheet's works. `waiting`: those that Consonance did not answer for."""

    written: int = 0
    same: int = 0
    conflicts: int = 0
    refused: int = 0
    waiting: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Applying:
    """One sheet's writing. `clock` gives the time with its zone."""

    ledger: Ledger
    client: Consonance
    house: House
    mapping: Mapping
    import_id: int
    clock: Callable[[], datetime]
    say: Say = lambda line: None
    who: str = ""

    def run(self) -> Applied:
        """Writes what waits. Raises `TransientError` at the end if Consonance did not answer for some works; the next try goes on there."""
        with self.ledger.read() as session:
            works = imports.works_waiting(session, self.import_id)
        done, strikes = Applied(), 0
        for place, work_id in enumerate(works, start=1):
            try:
                self._work(work_id, done)
                strikes = 0
            except TransientError as lost:
                done.waiting.append(f"work {work_id}: {lost}")
                strikes += 1
                if strikes == STRIKES:
                    break
            except PermanentError as bad:  # of this work alone: the others go on
                self._refuse(work_id, _refusal(bad.what), done)
            if place % 50 == 0:
                self.say(f"{place:,} of {len(works):,} works")
        if done.waiting:
            what = f"Consonance did not answer for {len(done.waiting)} works: {done.waiting[0]}"
            raise TransientError(
                what, where=f"sheet {self.import_id}", todo="It is tried again by itself; what was written is not sent twice."
            )
        return done

    def _work(self, work_id: int, done: Applied) -> None:
        with self.ledger.read() as session:
            lines = imports.lines_of_work(session, self.import_id, work_id, LineState.WAITING, LineState.APPLIED)
        before = consonance.read(self.client, self.house, work_id)
        refused = {line.id: problem for line in lines if (problem := _conflict(line, before))}
        going = [line for line in lines if line.id not in refused]
        send = _to_send(going, before) if before else {}
        failure: Problem | None = None
        if send:
            failure = self._write(work_id, send)
            after = consonance.read(self.client, self.house, work_id)
            lost = [key for key, value in send.items() if after is None or after.value(*key) != value]
            if lost and failure is None:
                failure = _not_kept(lost[0], send[lost[0]], after)
            elif not lost:
                failure = None  # whatever was said: it is there
        with self.ledger.session() as session:
            self._record(session, work_id, refused, {line.id for line in going}, set(send), failure)
        done.conflicts += len(refused)
        done.refused += len(going) if failure else 0
        if going and not failure:
            done.written += bool(send)
            done.same += not send

    def _refuse(self, work_id: int, problem: Problem, done: Applied) -> None:
        with self.ledger.session() as session:
            for line in imports.lines_of_work(session, self.import_id, work_id, LineState.WAITING, LineState.APPLIED):
                line.state = LineState.FAILED
                imports.add_problem(line, problem)
                done.refused += 1

    def _write(self, work_id: int, send: dict[Key, Value]) -> Problem | None:
        """Sends it once. Consonance's refusal, or None; what was lost on the way is found out by reading back."""
        try:
            data = self.client.change("update_work", {"input": self.input_of(work_id, send)})
        except PermanentError as bad:
            return _refusal(bad.what)
        except TransientError as lost:
            self.say(f"work {work_id}: {lost}")
            found = consonance.read(self.client, self.house, work_id)
            if found is None or any(found.value(*key) != value for key, value in send.items()):
                raise
            return None
        errors = (data.get("updateWork") or {}).get("errors") or []
        said = [" ".join(str(error.get(name)) for name in ("field", "attribute", "message") if error.get(name)) for error in errors]
        return _refusal("; ".join(said)) if said else None

    def input_of(self, work_id: int, send: dict[Key, Value]) -> dict[str, Any]:
        """`UpdateWorkInput` with these values: the work's members, and its products' with their ids."""
        work: dict[str, Any] = {"id": work_id}
        products: dict[int, dict[str, Any]] = {}
        for (level, id, name), value in send.items():
            member, given = FIELDS[name].input, self._given(name, value)
            if level == "work":
                work[member] = given
            else:
                products.setdefault(id, {"id": id})[member] = given
        return work | ({"products": [products[id] for id in sorted(products)]} if products else {})

    def _given(self, name: str, value: Value) -> Any:
        of = FIELDS[name]
        if of.id_of:
            return self.mapping.ids[of.id_of][str(value)]
        if of.literal:
            return f"_{value}" if value else None
        return None if of.read == "date" and not value else value

    def _record(
        self, session: Session, work_id: int, refused: dict[int, Problem], going: set[int], sent: set[Key], failure: Problem | None
    ) -> None:
        now = self.clock()
        kept: list[Change] = []
        for line in imports.lines_of_work(session, self.import_id, work_id, LineState.WAITING, LineState.APPLIED):
            if line.id in refused:
                line.state = LineState.CONFLICT
                imports.add_problem(line, refused[line.id])
            elif line.id in going and failure:
                line.state = LineState.FAILED
                imports.add_problem(line, failure)
            elif line.id in going:
                kept += [change for change in line.changes if is_open(change)]
                line.changes = [{**change, "at": now.isoformat()} if is_open(change) else change for change in line.changes]
                line.state = next_state(line)
        for what, ours in (("title updated", True), ("title found as a sheet wants it", False)):  # by a run that was killed, or a person
            fields = [
                {name: change[name] for name in ("level", "id", "field", "before", "after")}
                for change in kept if ((change["level"], change["id"], change["field"]) in sent) is ours
            ]  # fmt: skip
            if fields:
                detail = {
                    "work": work_id,
                    "title import": self.import_id,
                    "changes": list({repr(one): one for one in fields}.values())[:50],
                }
                record_event(session, what=what, now=now, who=self.who, subject=f"work {work_id}", detail=detail)


def is_open(change: Change) -> bool:
    """A change that the API takes and that was not written yet."""
    return change["as"].startswith(API) and not change.get("at")


def next_state(line: TitleImportLineRow) -> LineState:
    """Where a row stands once something of it was written: what is left of it decides."""
    if any(is_open(change) for change in line.changes):
        return LineState.WAITING
    if any(change["as"] == PRICES and not change.get("at") for change in line.changes):
        return LineState.NEW
    return LineState.VERIFIED


def _to_send(lines: Iterable[TitleImportLineRow], now: Live) -> dict[Key, Value]:
    """What Consonance does not have yet. Rows of one work that want the same ask for it once."""
    found: dict[Key, Value] = {}
    for line in lines:
        for change in line.changes:
            key = (change["level"], change["id"], change["field"])
            if is_open(change) and now.value(*key) != change["after"]:
                found[key] = change["after"]
    return found


def _conflict(line: TitleImportLineRow, now: Live | None) -> Problem | None:
    """Whether Consonance has something else now than what the row was compared with, and than what it wants."""
    if now is None:
        return imports.problem("gone", "Consonance does not have the work any more", "Ask for it in Consonance.")
    said, edition = str(line.fields.get("isbn", "")), now.products.get(line.product_id or 0)
    if said and edition is not None and edition.isbn != said:
        message = f"the edition that had the ISBN {said} has {edition.isbn or 'none'} in Consonance now"
        return imports.problem("renumbered", message, "Look which edition is meant, and send the row again.", field="isbn")
    for change in line.changes:
        if not is_open(change):
            continue
        found = now.value(change["level"], change["id"], change["field"])
        if found is None:
            return imports.problem(
                "gone", "Consonance does not have the edition any more", "Ask for it in Consonance.", field=change["field"]
            )
        if found not in (change["before"], change["after"]):
            message = f"{change['label']} was changed in Consonance meanwhile: it was {shown(change['before'])} and is {shown(found)}"
            return imports.problem("changed-meanwhile", message, "Decide which one holds, and send the row again.", field=change["field"])
    return None


def _not_kept(key: Key, wanted: Value, after: Live | None) -> Problem:
    has = after.value(*key) if after else None
    message = f"{FIELDS[key[2]].label}: {shown(wanted)} was written, and Consonance shows {shown(has or '')}"
    return imports.problem("not-kept", message, "Look at the title in Consonance.", field=key[2])


def _refusal(words: str) -> Problem:
    return imports.problem("refused", f"Consonance refused it: {words[:500]}", "Mend what it says, or change the title there by hand.")
