"""Brings the files of a shard over: fetched into the store, hashed, received as any arrival is, and given their fate.

A worker may be killed anywhere. Bytes that are in the store without a record are fetched again and found there; an arrival
that was decided is not decided again; the fate is written last, once. Files of one folder travel together, so that a
sidecar speaks for those beside it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any, cast

from include.archives.bounds import Throttle, opens_at
from include.archives.paths import plain_path, under
from include.archives.walk import refused_unread
from include.errors import ColophonError, ConfigurationError, PermanentError, TransientError
from include.files.model import Kind
from include.intake.download import Growing, download
from include.intake.examine import DECIDABLE
from include.intake.match import TitleIndex
from include.intake.receive import Outcome, Receiver
from include.intake.source import Source
from include.ledger import archives
from include.ledger import intake as arrivals
from include.ledger.archive_listing import key, server_path
from include.ledger.database import Ledger
from include.ledger.file_rows import ArchiveFileRow, ArchiveShardRow, Fate, IntakeState
from include.ledger.intake import Seen
from include.partners import Archive
from include.store import Artefact, ArtefactStore
from include.transfer import Remote, RemoteEntry
from include.transfer.lane import Job, Lane
from include.transfer.refusals import loses_connection

AT_ONCE = 64  # files fetched and then received together, about
BYTES_AT_ONCE = 1 << 30  # a chunk ends here, too
TELL = 5.0  # seconds between two words on how fast it goes
RATE_OF_ONE = 1 << 20  # bytes a second; where the bound is lower than this, files travel one by one

log = logging.getLogger(__name__)


class Closed(Exception):
    """The archive may not be used at this hour. `until`: when it may again."""

    def __init__(self, until: datetime) -> None:
        super().__init__(f"the archive may be used again from {until:%Y-%m-%d %H:%M %Z}")
        self.until = until


@dataclass
class Moved:
    """What one worker did."""

    files: int = 0
    bytes: int = 0
    fates: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Got:
    """One file of a chunk: its bytes in the store, or why not. `entry` is what the server says of it by now."""

    row: ArchiveFileRow
    entry: RemoteEntry
    artefact: Artefact | None = None
    fate: Fate | None = None
    reason: str = ""


class Mover:
    """Moves shards of walk `number`. `share`: how many workers there are at once, who share the bound on bytes."""

    def __init__(
        self,
        ledger: Ledger,
        store: ArtefactStore,
        archive: Archive,
        number: int,
        index: TitleIndex,
        open_remote: Callable[[], AbstractContextManager[Remote]],
        *,
        clock: Callable[[], datetime],
        say: Callable[[str], object] = log.info,
        worker: str = "1",
        share: int = 1,
        who: str = "",
    ) -> None:
        self.ledger, self.store, self.archive, self.number, self.index = ledger, store, archive, number, index
        self.source = Source.of_archive(archive)
        self.root = archive.transport.folder.rstrip("/") or "/"
        self.moved = Moved()
        self._open, self._clock, self._say = open_remote, clock, say
        self._worker, self._who = worker, who or self.source.id
        rate = archive.bounds.bytes_per_second / share if archive.bounds.bytes_per_second else None
        self._throttle = Throttle(rate)
        self._parallel = archive.transport.parallel if archive.transport.protocol == "sftp" else 1
        if rate:
            self._parallel = max(1, min(self._parallel, int(rate / RATE_OF_ONE)))
        self._began = self._told = time.monotonic()

    def run(self, shards: Sequence[int]) -> Moved:
        """Moves what is left of these shards. Raises `Closed` outside the archive's hours, `TransientError` when the server fails for
        now, `PermanentError` when the store has no room: run again, and it goes on."""
        with self._open() as remote:
            for shard in shards:
                self._shard(remote, shard)
        return self.moved

    # --- a shard

    def _shard(self, remote: Remote, shard: int) -> None:
        with self.ledger.read() as session:
            rows = archives.left_in(session, shard)
        if rows:
            self._must_be_open()
            self._mark(shard, "moving")
        receiver = Receiver(self.ledger, self.store, self.source, self.index, now=self._clock(), who=self._who)
        for chunk in chunks(rows):
            self._must_be_open()
            self._chunk(remote, receiver, chunk)
            self._tell(shard)
        self._mark(shard, "done")

    def _must_be_open(self) -> None:
        until = opens_at(self.archive.bounds, self._clock())
        if until is not None:
            raise Closed(until)

    def _mark(self, shard: int, state: str) -> None:
        with self.ledger.session() as session:
            row = session.get(ArchiveShardRow, shard, with_for_update=True)
            if row is None or row.state == "done":
                return
            now = self._clock()
            row.state = state
            row.started_at = row.started_at or now
            row.ended_at = now if state == "done" else None

    def _chunk(self, remote: Remote, receiver: Receiver, rows: Sequence[ArchiveFileRow]) -> None:
        got = self._fetch(remote, rows)
        stored = [one for one in got if one.artefact is not None]
        with self.ledger.session() as session:
            ids = [self._arrived(session, one, receiver.now) for one in stored]
        outcomes = dict(zip((one.row.id for one in stored), receiver.decide(ids), strict=True))
        with self.ledger.session() as session:
            self._settle(session, got, outcomes)

    def _arrived(self, session: Any, one: Got, now: datetime) -> int:
        """The arrival's row. Its mark holds the archive's own row, so that two odd names that look alike here stay apart."""
        artefact = cast(Artefact, one.artefact)
        path, _ = key(plain_path(server_path(one.row.path, one.row.whole_path)))
        seen = Seen(path, path.rpartition("/")[2], artefact.bytes, one.entry.modified)
        modified = f"{one.entry.modified:%Y%m%d%H%M%S}" if one.entry.modified else ""
        row = arrivals.arrival(session, self.source.id, seen, now=now, mark=f"{one.row.id} {artefact.bytes} {modified}".strip()[:64])
        arrivals.stored(session, row.id, row.mark, artefact.sha256, artefact.bytes, now=now)
        return row.id

    def _settle(self, session: Any, got: Sequence[Got], outcomes: dict[int, Outcome]) -> None:
        fates = []
        for one in got:
            row, entry = one.row, one.entry
            if (entry.bytes, entry.modified) != (row.bytes, row.modified):  # it has changed since it was listed
                archives.relist(session, row.id, self.number, entry.bytes, entry.modified)
            values: dict[str, Any] = {"id": row.id, "fate": one.fate, "reason": one.reason}
            if one.artefact is not None:
                outcome = outcomes[row.id]
                values["fate"], values["reason"] = fate_of(outcome)
                values |= {"sha256": one.artefact.sha256, "work_id": work_of(outcome), "intake_id": outcome.id}
                values["kind"] = row.kind if outcome.kind is Kind.UNKNOWN else outcome.kind.value
            fates.append(values)
        news = set(archives.settle(session, got[0].row.shard_id or 0, fates))
        for one, values in zip(got, fates, strict=True):
            if one.row.id in news:
                self.moved.files += 1
                self.moved.bytes += one.artefact.bytes if one.artefact else 0
                self.moved.fates[values["fate"]] = self.moved.fates.get(values["fate"], 0) + 1

    # --- bytes

    def _fetch(self, remote: Remote, rows: Sequence[ArchiveFileRow]) -> list[Got]:
        """Each file into the store, or the reason why not; in their order. Raises where all would fail alike."""
        asked = [(row, self._entry(row), refused_unread(row.bytes, self.archive)) for row in rows]
        fetched = iter(remote.run([self._job(row, entry) for row, entry, why in asked if not why], self._parallel))
        return [Got(row, entry, fate=Fate.UNREADABLE, reason=why) if why else next(fetched) for row, entry, why in asked]

    def _entry(self, row: ArchiveFileRow) -> RemoteEntry:
        path = server_path(row.path, row.whole_path)
        return RemoteEntry(path.rpartition("/")[2], under(self.root, path), row.bytes, row.modified)

    def _job(self, row: ArchiveFileRow, entry: RemoteEntry) -> Job[Got]:
        async def job(lane: Lane) -> Got:
            slowed = cast(Lane, Slowed(lane, self._throttle))
            now = entry
            for _ in range(2):
                try:
                    taken = await download(slowed, self.store, now, f"{self.source.id} {row.id} {now.bytes} {now.modified}")
                except Growing as changed:
                    seen = await lane.stat(now.path)
                    if seen is None:
                        return Got(row, now, fate=Fate.VANISHED, reason="gone since it was listed")
                    now = RemoteEntry(now.name, now.path, seen.bytes, seen.modified or now.modified)
                    trouble: ColophonError = changed
                except ConfigurationError:
                    raise
                except ColophonError as bad:
                    return await self._refused(lane, row, now, bad)
                else:
                    return Got(row, now, taken.artefact)
            return Got(row, now, fate=Fate.UNREADABLE, reason=f"it changes while it is read: {trouble.what}; the next walk tries again")

        return job

    async def _refused(self, lane: Lane, row: ArchiveFileRow, entry: RemoteEntry, bad: ColophonError) -> Got:
        """One file that the server won't give is set aside; raises where it is not this file's fault."""
        if not isinstance(bad, (PermanentError, TransientError)) or lane.where not in bad.where:
            raise bad  # the store has no room, or can't be written
        if isinstance(bad, TransientError) and (bad.__cause__ is None or loses_connection(bad.__cause__)):
            raise bad
        try:
            seen = await lane.stat(entry.path)  # raises `TransientError` if the server is away
        except PermanentError:
            seen = entry
        if seen is None:
            return Got(row, entry, fate=Fate.VANISHED, reason="gone since it was listed")
        return Got(row, entry, fate=Fate.UNREADABLE, reason=f"the server does not give it: {bad.what}")

    # --- how fast

    def _tell(self, shard: int) -> None:
        now = time.monotonic()
        if now - self._told < TELL:
            return
        self._told = now
        seconds = max(now - self._began, 0.001)
        files, size = self.moved.files / seconds, self.moved.bytes / seconds
        with self.ledger.session() as session:
            archives.tell_pace(session, self.archive.id, self.number, self._worker, self._clock(), files=files, bytes=size)
        self._say(
            f"{self.archive.id}, shard {shard}: {self.moved.files:,} files by this worker, {files:,.0f} files/s, {size / 1e6:,.1f} MB/s"
        )


class Slowed:
    """A lane whose reads keep to a bound on bytes per second; all else is the lane's own."""

    def __init__(self, lane: Lane, throttle: Throttle) -> None:
        self._lane, self._throttle = lane, throttle

    async def read(self, path: str, sink: Callable[[bytes], object], offset: int = 0, size: int | None = None) -> int | None:
        def slowly(data: bytes) -> None:
            self._throttle.take(len(data))
            sink(data)

        return await self._lane.read(path, slowly if self._throttle.rate else sink, offset, size)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._lane, name)


def chunks(rows: Sequence[ArchiveFileRow]) -> Iterator[list[ArchiveFileRow]]:
    """Files that are fetched together: whole folders where they are small, so that sidecars come with what they speak for."""
    chunk: list[ArchiveFileRow] = []
    size = 0
    for _, folder in groupby(
        sorted(rows, key=lambda row: (row.path.rpartition("/")[0], row.path)), lambda row: row.path.rpartition("/")[0]
    ):
        files = list(folder)
        if chunk and len(chunk) + len(files) > AT_ONCE:
            yield chunk
            chunk, size = [], 0
        for row in files:
            if chunk and (len(chunk) >= 4 * AT_ONCE or size + row.bytes > BYTES_AT_ONCE):
                yield chunk
                chunk, size = [], 0
            chunk.append(row)
            size += row.bytes
    if chunk:
        yield chunk


def fate_of(outcome: Outcome) -> tuple[Fate, str]:
    """The one fate of a file, and why. A packed file has the best fate among its members."""
    if outcome.state is IntakeState.UNPACKED:
        fates = [fate_of(member)[0] for member in outcome.members]
        if not fates:
            return Fate.UNKNOWN, "a packed file with nothing in it"
        best = next(fate for fate in _BEST_FIRST if fate in fates)
        told = ", ".join(f"{fates.count(fate)} {fate}" for fate in _BEST_FIRST if fate in fates)
        return best, f"{len(fates)} files were packed in it: {told}"
    reason = "; ".join(dict.fromkeys(each["message"] for each in outcome.reasons)) or outcome.why
    match outcome.state:
        case IntakeState.ATTACHED:
            return Fate.ATTACHED, reason
        case IntakeState.SUPERSEDED:
            return Fate.ATTACHED, "an older version than the title's current one"
        case IntakeState.DUPLICATE:
            return Fate.DUPLICATE, reason or "the same bytes are on this title already"
        case IntakeState.PROPOSED:
            return Fate.PROPOSED, reason
        case IntakeState.QUARANTINED if outcome.reasons and all(each["code"] in DECIDABLE for each in outcome.reasons):
            return Fate.UNKNOWN, reason
        case IntakeState.REFUSED:
            return Fate.UNKNOWN, reason or "a person said that it is nobody's"
    return Fate.UNREADABLE, reason


def work_of(outcome: Outcome) -> int | None:
    """The work that a file came to; of a packed one, that of its first member that came to one."""
    attached = [each.work_id for each in outcome.each() if each.title_file_id is not None]
    return next((work for work in (*attached, *(each.work_id for each in outcome.each())) if work is not None), None)


_BEST_FIRST = (Fate.ATTACHED, Fate.PROPOSED, Fate.UNKNOWN, Fate.DUPLICATE, Fate.UNREADABLE)
