"""What becomes of the file at the sender's once we have it: moved to `processed/`, deleted, or left.

Only when the arrival is decided, the store's copy was read back and is what its hash says, and the original is still what was taken.
Where it goes is written down before it goes: whoever is stopped in between finds it there and only notes it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from posixpath import join, splitext

from include.errors import ColophonError, ConfigurationError, PermanentError
from include.intake.finished import done_name
from include.ledger import intake as rows
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.file_rows import IntakeFileRow, IntakeState
from include.partners import Inbox
from include.store import ArtefactStore
from include.transfer.lane import Job, Lane
from include.transfer.remote import Remote


@dataclass(frozen=True, slots=True)
class Fate:
    """What became of one original: moved, deleted, left, gone; empty where it must wait, and `why`."""

    id: int
    original: str = ""
    path: str = ""
    why: str = ""


def finish(ledger: Ledger, store: ArtefactStore, inbox: Inbox, remote: Remote, ids: Sequence[int], *, now: datetime) -> list[Fate]:
    """Deals with the originals of these decided arrivals; what can't be done now is told and tried again by the next run.

    Raises `ConfigurationError` where the server does not let us in; everything else is in the fates.
    """
    with ledger.read() as session:
        found = list(rows.read(session, ids).values())
    due = [row for row in found if row.original == "" and row.state != IntakeState.ARRIVING and row.parent_id is None]
    if inbox.originals == "leave":
        fates = [Fate(row.id, "left", row.path) for row in due]
    else:
        fates = [fate for row in due if (fate := _must_stay(store, row))]
        staying = {fate.id for fate in fates}
        going = [row for row in due if row.id not in staying]
        planned = _planned(ledger, inbox, remote, going) if inbox.originals == "move" else {}
        fates += _all(remote, [_job(inbox, row, *planned.get(row.id, ("", False))) for row in going])
    _note(ledger, fates, now)
    return fates


def place(inbox: Inbox, row: IntakeFileRow, *, second: bool = False) -> str:
    """Where an original is moved to: its path under `processed/`; `second`: with the row's number, where that name is taken."""
    path = join(inbox.transport.folder, inbox.processed, rows.server_path(row.path))
    root, suffix = splitext(path)
    return f"{root}.{row.id}{suffix}" if second else path


def _must_stay(store: ArtefactStore, row: IntakeFileRow) -> Fate | None:
    """Where the store has no copy, or one that is not what it should be, the sender's is the only one."""
    if not row.sha256:
        return Fate(row.id, "left", row.path)
    try:
        store.verify(row.sha256)
    except PermanentError as damaged:
        return Fate(row.id, why=str(damaged))
    return None


def _planned(ledger: Ledger, inbox: Inbox, remote: Remote, going: Sequence[IntakeFileRow]) -> dict[int, tuple[str, bool]]:
    """Each one's target, a name that was free when it was chosen, and whether it was chosen by an earlier run."""
    fresh = [row for row in going if not row.original_path]

    def free(row: IntakeFileRow) -> Job[Fate]:
        async def job(lane: Lane) -> Fate:
            try:
                taken = await lane.stat(place(inbox, row)) is not None
            except ConfigurationError:
                raise
            except ColophonError as bad:
                return Fate(row.id, why=str(bad))
            return Fate(row.id, path=place(inbox, row, second=taken))

        return job

    chosen = {fate.id: fate.path for fate in _all(remote, [free(row) for row in fresh]) if not fate.why}
    planned: dict[int, tuple[str, bool]] = {row.id: (rows.server_path(row.original_path), True) for row in going if row.original_path}
    with ledger.session() as session:
        for row in rows.lock(session, chosen).values():
            known = bool(row.original_path)  # another worker was faster
            row.original_path = row.original_path or rows.escaped(chosen[row.id])
            planned[row.id] = rows.server_path(row.original_path), known
    return planned


def _job(inbox: Inbox, row: IntakeFileRow, target: str, tried: bool) -> Job[Fate]:
    source = join(inbox.transport.folder, rows.server_path(row.path))
    moves = inbox.originals == "move"

    async def job(lane: Lane) -> Fate:
        if moves and not target:
            return Fate(row.id, why="its place under `processed` could not be chosen")
        try:
            if moves and tried and await lane.stat(target) is not None:
                return Fate(row.id, "moved", target)  # an earlier run was stopped right after it; what lies here now is news
            there = await lane.stat(source)
            if there is None:
                return Fate(row.id, "gone" if moves else "deleted")
            if there.bytes != row.bytes or (there.modified and row.modified and there.modified != row.modified):
                return Fate(row.id, "gone")  # the sender put another one in its place: the next look takes it
            if moves:
                await lane.mkdirs(target.rpartition("/")[0])
            if inbox.finished.rule == "done_file":  # first: left behind it would call the next upload of this name whole
                done = done_name(inbox.finished, source)
                if await lane.stat(done) is not None:
                    await (lane.rename(done, done_name(inbox.finished, target), replace=True) if moves else lane.remove(done))
            if not moves:
                await lane.remove(source)
                return Fate(row.id, "deleted")
            await lane.rename(source, target, replace=False)
            return Fate(row.id, "moved", target)
        except ConfigurationError:
            raise
        except ColophonError as bad:
            return Fate(row.id, why=str(bad))

    return job


def _all(remote: Remote, jobs: Sequence[Job[Fate]]) -> list[Fate]:
    return remote.run(jobs, remote.transport.parallel) if jobs else []


def _note(ledger: Ledger, fates: Sequence[Fate], now: datetime) -> None:
    """One transaction for all; an event where the sender's folder was changed."""
    if not fates:
        return
    with ledger.session() as session:
        known = rows.lock(session, [fate.id for fate in fates if fate.original])
        for fate in fates:
            row = known.get(fate.id)
            if row is None or row.original:
                continue
            row.original, row.original_path = fate.original, rows.escaped(fate.path) if fate.path else ""
            if fate.original in {"moved", "deleted"}:
                about = {"inbox": row.inbox, "intake": row.id, "to": row.original_path}
                record_event(session, what=f"original {fate.original}", now=now, subject=row.path, bytes=row.bytes, detail=about)
