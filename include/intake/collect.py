"""Takes what is whole out of one inbox: into the store, decided, the original moved away. Then the next round.

Every step can be repeated, by anybody, at any time. What goes wrong with one file is told at the end and stops no other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from posixpath import join
from typing import Any

from sqlalchemy.orm import Session

from include.errors import ColophonError, ConfigurationError, TransientError
from include.intake import originals
from include.intake.download import Growing, Taken, download
from include.intake.match import TitleIndex
from include.intake.receive import Outcome, Receiver
from include.intake.source import Source
from include.ledger import intake as rows
from include.ledger.database import Ledger
from include.ledger.deliveries import record_event
from include.ledger.file_rows import IntakeFileRow, IntakeState
from include.partners import Inbox
from include.store import ArtefactStore
from include.transfer.lane import Job, Lane
from include.transfer.model import RemoteEntry
from include.transfer.remote import Remote

AT_ONCE, AT_ONCE_BYTES = 64, 256 << 20  # files and bytes of one round: fetched, decided, moved; then the next
Say = Callable[[str], None]


@dataclass(slots=True)
class Report:
    """What one run did: outcomes by arrival, and what did not work. `problems` are sentences; `tries_again`: some of it may pass."""

    outcomes: list[Outcome] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    growing: int = 0
    bytes: int = 0
    tries_again: bool = False

    @property
    def counts(self) -> dict[str, int]:
        """Arrivals by what became of them, members of archives too."""
        return dict(Counter(str(each.state) for outcome in self.outcomes for each in outcome.each()))

    @property
    def set_aside(self) -> list[Outcome]:
        return [each for outcome in self.outcomes for each in outcome.each() if each.set_aside]

    def to_json(self, most: int = 100) -> dict[str, Any]:
        """Small enough to be handed from task to task: counts, and of what was set aside the first `most`."""
        aside = [{"id": one.id, "path": one.path, "state": str(one.state), "reasons": list(one.reasons)} for one in self.set_aside]
        return {
            "counts": self.counts, "bytes": self.bytes, "growing": self.growing, "problems": self.problems[:most],
            "set_aside": aside[:most], "more": max(0, len(aside) - most),
        }  # fmt: skip


def take(
    ledger: Ledger,
    store: ArtefactStore,
    inbox: Inbox,
    remote: Remote,
    index: TitleIndex,
    ids: Sequence[int],
    *,
    now: datetime,
    who: str = "",
    say: Say | None = None,
) -> Report:
    """Fetches, decides and moves away these arrivals; those that somebody has decided meanwhile are passed over.

    Raises `ConfigurationError` where the server does not let us in; all else is in the report.
    """
    report = Report()
    receiver = Receiver(ledger, store, Source.of_inbox(inbox), index, now=now, who=who)
    with ledger.read() as session:
        claimed = rows.claim(session, ids)
    for some in _rounds(claimed):
        _fetch(ledger, store, inbox, remote, some, report, now=now, who=who)
        with ledger.read() as session:
            stored = [row for row in rows.claim(session, [row.id for row in some]) if row.sha256]
        outcomes = receiver.decide([row.id for row in stored])
        report.outcomes += outcomes
        for outcome in outcomes:
            if say and receiver.source.restricted_for(outcome.kind):
                say(f"arrival {outcome.id}: {outcome.state}")  # every viewer reads the log
            elif say:
                say(f"{outcome.path}: {outcome.state}" + (f" ({outcome.reasons[0]['message']})" if outcome.reasons else ""))
        tidy(ledger, store, inbox, remote, [outcome.id for outcome in outcomes], report, now=now)
    return report


def tidy(ledger: Ledger, store: ArtefactStore, inbox: Inbox, remote: Remote, ids: Sequence[int], report: Report, *, now: datetime) -> None:
    """Moves the originals of decided arrivals away; what does not work is a problem in the report."""
    for fate in originals.finish(ledger, store, inbox, remote, ids, now=now):
        if fate.why:
            report.problems.append(f"The original could not be {'moved' if inbox.originals == 'move' else 'removed'}: {fate.why}")


def _rounds(claimed: Sequence[IntakeFileRow]) -> Iterator[list[IntakeFileRow]]:
    some: list[IntakeFileRow] = []
    size = 0
    for row in claimed:
        if some and (len(some) >= AT_ONCE or size + row.bytes > AT_ONCE_BYTES):
            yield some
            some, size = [], 0
        some.append(row)
        size += row.bytes
    if some:
        yield some


def _fetch(
    ledger: Ledger,
    store: ArtefactStore,
    inbox: Inbox,
    remote: Remote,
    some: Sequence[IntakeFileRow],
    report: Report,
    *,
    now: datetime,
    who: str,
) -> None:
    """Into the store what is not there yet, and into the ledger that it is."""
    missing = [row for row in some if not row.sha256]
    results = remote.run([_job(store, inbox, row) for row in missing], inbox.transport.parallel) if missing else []
    with ledger.session() as session:
        locked = rows.lock(session, [row.id for row in missing])
        for row, result in zip(missing, results, strict=True):
            if isinstance(result, Taken):
                _note(session, inbox, row, locked.get(row.id), result, now, who)
                report.bytes += result.artefact.bytes
            elif isinstance(result, Growing):
                report.growing += 1
            else:
                _note_failure(row, locked.get(row.id), result, report)


def _job(store: ArtefactStore, inbox: Inbox, row: IntakeFileRow) -> Job[Taken | ColophonError]:
    path = join(inbox.transport.folder, rows.server_path(row.path))
    entry = RemoteEntry(row.name, path, row.bytes, row.modified)

    async def job(lane: Lane) -> Taken | ColophonError:
        try:
            return await download(lane, store, entry, f"{inbox.id} {row.path} {row.mark}")
        except ConfigurationError:
            raise
        except ColophonError as bad:
            return bad

    return job


def _note(session: Session, inbox: Inbox, row: IntakeFileRow, mine: IntakeFileRow | None, taken: Taken, now: datetime, who: str) -> None:
    """`mine` is the row as it is now, `row` as it was when the file was asked for."""
    kept = taken.artefact
    if rows.note_stored(mine, row.mark, kept.sha256, kept.bytes, now=now) is None:
        return  # another worker was first
    about: dict[str, Any] = {"inbox": inbox.id, "intake": row.id}
    if taken.resumed_from:
        about["resumed_from"] = taken.resumed_from
    record_event(
        session, what="file fetched", now=now, who=who, subject=row.path, bytes=kept.bytes, seconds=taken.seconds, sha256=kept.sha256,
        host_key=taken.host_key, detail=about,
    )  # fmt: skip


def _note_failure(row: IntakeFileRow, mine: IntakeFileRow | None, error: ColophonError, report: Report) -> None:
    """It stays an arrival, and the next run tries again; unless another worker has it already."""
    if mine is None or mine.state != IntakeState.ARRIVING or mine.sha256 or mine.mark != row.mark:
        return
    report.problems.append(str(error))
    report.tries_again |= isinstance(error, TransientError)
    reason = {"code": "not-fetched", "message": error.what, "where": row.path, "todo": error.todo or "The next run tries again."}
    if mine.reasons != [reason]:
        mine.reasons = [reason]
