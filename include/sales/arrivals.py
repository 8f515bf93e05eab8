"""A report that came through an inbox: whose it is, what it is, loaded, matched, and what a person must be asked.

Whoever was stopped in between does the same again and finds what is done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.errors import RejectedData
from include.intake import handing
from include.intake.globs import fits_any
from include.ledger import intake as rows
from include.ledger import sales
from include.ledger import sales_lists as lists
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.file_rows import IntakeFileRow, IntakeState
from include.ledger.models import EventRow
from include.ledger.sales_rows import BatchState, Overlap, SalesBatchRow, SalesProductRow
from include.partners.inboxes import Inbox
from include.partners.sources import SalesSource
from include.sales import calendar, decide, match
from include.sales.calendar import Due
from include.sales.layout import Layout
from include.sales.load import load
from include.sales.recognise import NotRecognised, Recognised, recognise
from include.store import ArtefactStore

KIND = "report"
LATE = "sales report late"
_QUIET = frozenset({"no-controls", "note"})
ASKS = (BatchState.UNBALANCED, BatchState.REFUSED)  # states in which a person must say whether it counts


@dataclass(frozen=True, slots=True)
class Taken:
    """What an arrival became. `became`: batch, duplicate, set aside. `said`: what a person should know of it; `asks`: a person must say
    whether the batch counts. `net`: currency and amount, of what counts."""

    arrival: int
    name: str
    became: str
    source: str = ""
    batch: int | None = None
    state: str = ""
    rows: int = 0
    rejected: int = 0
    net: tuple[tuple[str, str], ...] = ()
    asks: bool = False
    said: tuple[str, ...] = ()
    unmatched: int = 0

    def to_json(self) -> dict[str, Any]:
        return {
            "arrival": self.arrival, "name": self.name, "became": self.became, "source": self.source, "batch": self.batch,
            "state": self.state,
            "rows": self.rows, "rejected": self.rejected, "net": dict(self.net), "asks": self.asks, "said": list(self.said),
            "unmatched": self.unmatched,
        }  # fmt: skip


def waiting(ledger: Ledger, inbox: Inbox) -> list[int]:
    """Arrivals of an inbox that nobody has read, in the order in which they came."""
    with ledger.read() as session:
        return [row.id for row in handing.taken(session, inbox.id)]


def take(
    ledger: Ledger,
    store: ArtefactStore,
    inbox: Inbox,
    arrival_id: int,
    *,
    sources: Sequence[SalesSource],
    layouts: Sequence[Layout],
    now: datetime,
    who: str = "",
) -> Taken:
    """Loads one arrival of the inbox and matches its products; says on the arrival what became of it.

    A report that nobody knows, or that can't be read, is set aside with its reasons and stops nothing.
    """
    with ledger.read() as session:
        arrival = rows.get(session, arrival_id)
        if arrival.state != IntakeState.TAKEN:
            return _known(session, arrival)
    shown = rows.shown_path(arrival.path)
    with store.local(arrival.sha256) as path:
        try:
            source, layout = whose(path, shown, inbox, sources, layouts)
            loaded = load(ledger, store, source, path, shown, layouts=[layout], now=now, who=who, intake_id=arrival_id)
        except RejectedData as bad:
            code = bad.code if isinstance(bad, NobodysReport) else "unreadable"
            handing.set_aside(ledger, arrival_id, [bad.reason(code, shown)], kind=KIND, now=now, who=who)
            return Taken(arrival_id, shown, "set aside", said=(f"{bad.what}. {bad.todo}",))
    if loaded.overlap is Overlap.RESENT:
        about = {"sales batch": loaded.batch or (loaded.same_as[0] if loaded.same_as else None)}
        handing.duplicate(ledger, arrival_id, kind=KIND, about=about, now=now, who=who)
        return Taken(arrival_id, shown, "duplicate", source.id, loaded.batch, said=(loaded.choice,))
    if loaded.batch is None:
        raise RuntimeError(f"arrival {arrival_id} was loaded and has no batch")
    match.match(ledger, loaded.batch, now)
    handing.read(ledger, arrival_id, kind=KIND, about={"sales batch": loaded.batch}, now=now, who=who)
    with ledger.read() as session:
        return _taken(session, arrival_id, sales.get(session, loaded.batch))


class NobodysReport(RejectedData):
    """No source of this inbox sends it. `code` tells why."""

    def __init__(self, code: str, what: str, *, where: str = "", todo: str = "") -> None:
        super().__init__(what, where=where, todo=todo)
        self.code = code


def whose(path: Path, shown: str, inbox: Inbox, sources: Sequence[SalesSource], layouts: Sequence[Layout]) -> tuple[SalesSource, Layout]:
    """The source that sends such a file into this place, and its layout. Raises `NobodysReport`."""
    name = PurePosixPath(shown).name
    here = [source for source in sources if source.enabled and source.inbox == inbox.id and fits_any(shown, source.files)]
    if not here:
        todo = "Add its folder to `files` of a source in config/sources, or put it into the right folder."
        raise NobodysReport("source-unknown", f"no source sends files here: {shown}", where=shown, todo=todo)
    theirs = {name for source in here for name in source.layouts}
    found = recognise(path, name, [layout for layout in layouts if layout.id in theirs])
    if isinstance(found, Recognised):
        senders = [source for source in here if found.layout.id in source.layouts]
        if len(senders) > 1:
            both = " and ".join(source.id for source in senders)
            todo = "Make `files` in config/sources tell them apart."
            raise NobodysReport("source-unsure", f"{both} both send this report here", where=shown, todo=todo)
        return senders[0], found.layout
    anyones = recognise(path, name, layouts)
    if isinstance(anyones, Recognised):
        names = ", ".join(source.name for source in here)
        todo = f"Add {anyones.layout.id!r} to `layouts` of the source, or put the file into the folder of its sender."
        raise NobodysReport("layout-unexpected", f"it is a {anyones.layout.name}, which {names} do not send", where=shown, todo=todo)
    raise NobodysReport("layout-unknown", _differs(anyones if anyones.nearest else found), where=shown, todo=found.todo)


def _differs(found: NotRecognised) -> str:
    if found.nearest is None:
        return found.what
    return f"{found.what}; the nearest is {found.nearest.name}: {'; '.join(found.differs)}"


def _known(session: Session, arrival: IntakeFileRow) -> Taken:
    """What an earlier try made of it."""
    became = (arrival.clues or {}).get("became") or {}
    if arrival.state == IntakeState.READ and became.get("sales batch"):
        return _taken(session, arrival.id, sales.get(session, int(became["sales batch"])))
    what = "duplicate" if arrival.state == IntakeState.DUPLICATE else "set aside"
    return Taken(arrival.id, rows.shown_path(arrival.path), what)


def _taken(session: Session, arrival_id: int, batch: SalesBatchRow) -> Taken:
    net = tuple((currency, format(amount, "f")) for currency, amount in sorted(lists.net_of(batch.parts).items()))
    said = tuple(_sentence(one) for one in batch.reasons if one["code"] not in _QUIET)
    asks = batch.state in ASKS and batch.decided_at is None
    unmatched = lists.unmatched_count(session, batch=batch.id)
    return Taken(
        arrival_id, batch.name, "batch", batch.source, batch.id, str(batch.state), batch.rows, batch.rejected, net, asks, said, unmatched
    )


def _sentence(reason: dict[str, Any]) -> str:
    where = f" ({reason['where']})" if reason.get("where") else ""
    return f"{reason['message']}{where}. {reason.get('todo', '')}".strip()


# --- what goes on


def goes_on(ledger: Ledger, batch_id: int) -> str | None:
    """None for a batch that may go into workbooks, else the sentence why not."""
    with ledger.read() as session:
        batch = sales.get(session, batch_id)
        if batch.state in ASKS:
            return f"Batch {batch_id} is {batch.state} and waits for a person, on the page Sales."
        return f"Batch {batch_id} is undone." if batch.state == BatchState.UNDONE else None


def to_prepare(ledger: Ledger) -> list[int]:
    """Batches that have products with a title and in no workbook yet."""
    with ledger.read() as session:
        ready = [state for state in lists.COUNTED if state not in ASKS]
        query = (
            select(SalesBatchRow.id)
            .join(SalesProductRow, SalesProductRow.batch_id == SalesBatchRow.id)
            .where(SalesBatchRow.state.in_(ready), SalesProductRow.state == "matched", SalesProductRow.workbook_id.is_(None))
        )
        return sorted(set(session.scalars(query.distinct())))


# --- the calendar


def newly_late(
    ledger: Ledger, inbox: Inbox, sources: Sequence[SalesSource], *, now: datetime, tell: Callable[[Sequence[Due]], None]
) -> list[Due]:
    """Late reports of this inbox's sources that nobody was told of. Sources with a file that waits to be read are passed over."""
    with ledger.read() as session:
        paths = [rows.shown_path(row.path) for row in handing.taken(session, inbox.id)]
        mine = [one for one in sources if one.inbox == inbox.id and not any(fits_any(path, one.files) for path in paths)]
        due = calendar.late(session, mine, now.date())
        known = set(session.scalars(select(EventRow.subject).where(EventRow.what == LATE)))
    fresh = [one for one in due if one.key not in known]
    if fresh:
        tell(fresh)
        with ledger.session() as session:
            for one in fresh:
                record_event(session, what=LATE, now=now, subject=one.key, detail={"source": one.source, "due": one.due_on.isoformat()})
    return fresh


# --- a person's yes


def approved(ledger: Ledger, store: ArtefactStore, batch_id: int, *, how: str, note: str, now: datetime, who: str) -> BatchState:
    """A person said that a batch counts: a refused one by `how` (`decide.CHOICES`), one that does not balance as it is. Said twice, or
    after it was decided on the page, it changes nothing. Gives the state in which it is then."""
    said = note.strip() or f"approved by {who} without a note"
    choice: decide.Choice = next((one for one in decide.CHOICES if one == how), "difference")
    with ledger.read() as session:
        batch = sales.get(session, batch_id)
    if batch.state == BatchState.REFUSED and batch.decided_at is None:
        try:
            batch = decide.accept(ledger, store, batch_id, choice, now=now, who=who, note=said)
        except RejectedData as bad:  # nothing in it that is not loaded
            return BatchState(decide.leave(ledger, batch_id, now=now, who=who, note=f"{said}: {bad.what}").state)
        match.match(ledger, batch_id, now)
    if batch.state == BatchState.UNBALANCED:
        batch = decide.approve(ledger, batch_id, now=now, who=who, note=said)
    return BatchState(batch.state)
