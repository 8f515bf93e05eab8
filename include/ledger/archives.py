"""Old archives in the ledger: walks with their folders and files, shards, and every file's one fate.

Functions take a session of `Ledger.session()` and leave the commit to it. Paths are those under the archive's root, as
`include.ledger.archive_listing.key` writes them: every name that a server can give has its own row, on any database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, case, delete, func, literal, or_, select, update
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger.archive_listing import key, listing, problems, server_path
from include.ledger.chunks import chunks
from include.ledger.file_rows import ArchiveFileRow, ArchiveFolderRow, ArchiveShardRow, ArchiveWalkRow, Fate

LISTING, LISTED, PLANNED, MOVING, DONE = "listing", "listed", "planned", "moving", "done"
PLANS = (Fate.MATCHED, Fate.PROPOSED, Fate.UNKNOWN, Fate.DUPLICATE)
"""Fates that a dry run may say of a file. Once it was fetched (it has a `sha256`) they are final."""

OPEN = (Fate.WAITING, *PLANS)
_RECENT = timedelta(seconds=90)  # a pace older than this is none: the worker waits, or has ended


# --- walks


def latest(session: Session, archive: str) -> ArchiveWalkRow | None:
    """The archive's last walk, ended or not."""
    return session.scalar(select(ArchiveWalkRow).where(ArchiveWalkRow.archive == archive).order_by(ArchiveWalkRow.number.desc()).limit(1))


def walks(session: Session, archive: str, most: int = 20) -> list[ArchiveWalkRow]:
    """The archive's walks, newest first."""
    query = select(ArchiveWalkRow).where(ArchiveWalkRow.archive == archive).order_by(ArchiveWalkRow.number.desc())
    return list(session.scalars(query.limit(most)))


def walk(session: Session, archive: str, number: int, *, lock: bool = False) -> ArchiveWalkRow:
    """Raises `PermanentError` if there was no such walk."""
    query = select(ArchiveWalkRow).where(ArchiveWalkRow.archive == archive, ArchiveWalkRow.number == number)
    row = session.scalar(query.with_for_update().execution_options(populate_existing=True) if lock else query)
    if row is None:
        raise PermanentError(f"there was no walk {number} through this archive", where=archive, todo="Start the flow, or `migrate plan`.")
    return row


def begin(session: Session, archive: str, now: datetime, *, largest: int) -> ArchiveWalkRow:
    """A new walk from the root. Files that no earlier walk fetched wait again; among them those that the server would not give,
    but not those that are empty or larger than `largest` bytes: they would only be refused again."""
    before = latest(session, archive)
    number = before.number + 1 if before else 1
    file = ArchiveFileRow
    refused = and_(file.fate == Fate.UNREADABLE, file.other == "", file.bytes > 0, file.bytes <= largest)
    session.execute(
        update(file)
        .where(file.archive == archive, file.sha256 == "", or_(file.fate.in_(OPEN), refused))
        .values(fate=Fate.WAITING, reason="", shard_id=None)
    )
    session.execute(update(file).where(file.archive == archive, file.fate == Fate.VANISHED).values(change=""))  # old news
    session.execute(delete(ArchiveFolderRow).where(ArchiveFolderRow.archive == archive, ArchiveFolderRow.walk < number))
    session.execute(delete(ArchiveShardRow).where(ArchiveShardRow.archive == archive, ArchiveShardRow.done == 0))  # of plans only
    row = ArchiveWalkRow(archive=archive, number=number, phase=LISTING, started_at=now, counts={})
    session.add_all([row, ArchiveFolderRow(archive=archive, walk=number, path="", listed=False)])
    session.flush()
    return row


def count(row: ArchiveWalkRow, **numbers: Any) -> None:
    """Adds to what the walk's row tells."""
    row.counts = row.counts | numbers


def vanish(session: Session, archive: str, number: int, now: datetime) -> int:
    """Gives what an earlier walk saw, and this one did not, the fate `vanished`. Files under folders that this walk could not list
    stay as they are. Gives their number."""
    file = ArchiveFileRow
    unseen = [file.archive == archive, file.seen_in < number, file.fate != Fate.VANISHED]
    for folder, _ in problems(session, archive, number, most=10_000):
        if folder == "":
            return 0
        unseen.append(func.substr(file.path, 1, len(folder) + 1) != f"{folder}/")
    before = case((file.sha256 != "", literal("was ") + file.fate + literal(f"; no longer listed as of {now:%Y-%m-%d}")), else_="")
    done = session.execute(update(file).where(*unseen).values(fate=Fate.VANISHED, change="vanished", shard_id=None, reason=before))
    return int(done.rowcount)  # type: ignore[attr-defined]


# --- shards


def cut_shard(session: Session, archive: str, number: int, most: int, after: int = 0) -> tuple[int, int]:
    """The next shard of up to `most` waiting files; gives (its number of files, the last one's id). (0, …) when none is left."""
    file = ArchiveFileRow
    waiting = (
        file.archive == archive, file.fate == Fate.WAITING, file.id > after, file.seen_in == number, file.shard_id.is_(None),
        file.sha256 == "",
    )  # fmt: skip
    found = session.execute(select(file.id, file.bytes).where(*waiting).order_by(file.id).limit(most)).all()
    if not found:
        return 0, after
    shard = ArchiveShardRow(archive=archive, walk=number, state="listed", files=len(found), bytes=sum(bytes for _, bytes in found))
    session.add(shard)
    session.flush()
    session.execute(update(file).where(*waiting, file.id <= found[-1].id).values(shard_id=shard.id))
    return len(found), int(found[-1].id)


def open_shards(session: Session, archive: str, number: int) -> list[int]:
    """Ids of the walk's shards that have files left, in order."""
    row = ArchiveShardRow
    return list(session.scalars(select(row.id).where(row.archive == archive, row.walk == number, row.state != "done").order_by(row.id)))


def left_in(session: Session, shard_id: int, *, after: int = 0, most: int = 1_000_000) -> list[ArchiveFileRow]:
    """Files of a shard that nobody has fetched yet, by id."""
    file = ArchiveFileRow
    query = select(file).where(file.shard_id == shard_id, *_unfetched(), file.id > after)
    return list(session.scalars(query.order_by(file.id).limit(most)))


def _unfetched() -> tuple[ColumnElement[bool], ...]:
    return ArchiveFileRow.fate.in_(OPEN), ArchiveFileRow.sha256 == ""


# --- fates


def settle(session: Session, shard_id: int, fates: Sequence[dict[str, Any]]) -> list[int]:
    """Gives files of one shard their fates ([{id, fate, reason, …}]), and counts them there. Gives the ids of those whose fate was
    news: another worker may have been first."""
    file, shard = ArchiveFileRow, ArchiveShardRow
    found = session.execute(
        select(file.id, file.bytes)
        .where(file.id.in_([one["id"] for one in fates]), *_unfetched(), file.shard_id == shard_id)
        .with_for_update()
    )
    open_ones = {int(id): int(size) for id, size in found}
    if not open_ones:
        return []
    told = [one for one in fates if one["id"] in open_ones]
    for names in {tuple(sorted(one)) for one in told}:  # one statement for those that tell the same
        session.execute(update(file), [one for one in told if tuple(sorted(one)) == names])
    session.execute(
        update(shard)
        .where(shard.id == shard_id)
        .values(done=shard.done + len(open_ones), done_bytes=shard.done_bytes + sum(open_ones.values()))
    )
    return list(open_ones)


def relist(session: Session, file_id: int, number: int, bytes: int, modified: datetime | None) -> None:
    """A file has changed since the walk listed it: what was listed is set right, so that sums still agree."""
    file, folder, shard = ArchiveFileRow, ArchiveFolderRow, ArchiveShardRow
    row = session.execute(
        select(file.archive, file.path, file.whole_path, file.bytes, file.shard_id).where(file.id == file_id).with_for_update()
    ).one()
    more = bytes - row.bytes
    session.execute(update(file).where(file.id == file_id).values(bytes=bytes, modified=modified))
    if more:
        above, _ = key(server_path(row.path, row.whole_path).rpartition("/")[0])
        where = (folder.archive == row.archive, folder.walk == number, folder.path == above)
        session.execute(update(folder).where(*where).values(bytes=folder.bytes + more))
        session.execute(update(shard).where(shard.id == row.shard_id).values(bytes=shard.bytes + more))


def fate_counts(session: Session, archive: str) -> dict[str, int]:
    """Files by fate, over all walks. Quick: from an index."""
    file = ArchiveFileRow
    query = select(file.fate, func.count()).where(file.archive == archive).group_by(file.fate)
    return {fate: int(number) for fate, number in session.execute(query)}


class Sum(NamedTuple):
    """Files and bytes of one kind, fate, change and imprint (empty where no title was found)."""

    kind: str
    fate: str
    change: str
    imprint: str
    files: int
    bytes: int


def sums(session: Session, archive: str, number: int) -> list[Sum]:
    """What a walk saw (`number`), and what it found vanished, added up."""
    from include.ledger.models import WorkRow

    file = ArchiveFileRow
    seen = or_(file.seen_in == number, file.fate == Fate.VANISHED)
    query = (
        select(file.kind, file.fate, file.change, file.work_id, func.count(), func.sum(file.bytes))
        .where(file.archive == archive, seen)
        .group_by(file.kind, file.fate, file.change, file.work_id)
    )
    found = session.execute(query).all()
    imprints: dict[int, str] = {}
    for some in chunks(sorted({row[3] for row in found if row[3] is not None})):
        imprints |= {id: imprint for id, imprint in session.execute(select(WorkRow.id, WorkRow.imprint).where(WorkRow.id.in_(some)))}  # noqa: C416
    added: dict[tuple[str, str, str, str], list[int]] = {}
    for kind, fate, change, work, files, size in found:
        both = added.setdefault((kind, fate, change, imprints.get(work or 0, "")), [0, 0])
        both[0] += int(files)
        both[1] += int(size or 0)
    return [Sum(*names, *numbers) for names, numbers in sorted(added.items())]


def files(session: Session, archive: str, *, fate: str = "", after: int = 0, most: int = 1000) -> list[ArchiveFileRow]:
    """Files of an archive by id, from the one after `after`; only those of one fate, if one is given."""
    query = select(ArchiveFileRow).where(ArchiveFileRow.archive == archive, ArchiveFileRow.id > after)
    if fate:
        query = query.where(ArchiveFileRow.fate == fate)
    return list(session.scalars(query.order_by(ArchiveFileRow.id).limit(most)))


def fates(session: Session, archive: str, fate: str = "", after: int = 0, limit: int = 50) -> list[ArchiveFileRow]:
    """A page of files for people: those of one fate (empty: all), from the one after id `after`."""
    return files(session, archive, fate=fate, after=after, most=limit)


# --- how far it has come


@dataclass(frozen=True, slots=True)
class Progress:
    """Where an archive stands. `files` and `bytes` are what the listing came to; `to_move` and `moved` are those of this walk's
    shards. Rates are per second, of the workers that are at work now; `seconds_left` is None where nobody can say."""

    archive: str
    walk: int = 0
    phase: str = ""  # empty: never begun
    started_at: datetime | None = None
    listed_at: datetime | None = None
    ended_at: datetime | None = None
    folders: int = 0
    open_folders: int = 0
    problems: int = 0
    files: int = 0
    bytes: int = 0
    left_out: int = 0
    to_move: int = 0
    to_move_bytes: int = 0
    moved: int = 0
    moved_bytes: int = 0
    files_per_second: float = 0.0
    bytes_per_second: float = 0.0
    seconds_left: float | None = None
    fates: dict[str, int] = field(default_factory=dict)
    counts: dict[str, Any] = field(default_factory=dict)

    @property
    def percent(self) -> float:
        """Of the files to move, 0 to 100; 100 where there are none."""
        return 100.0 * self.moved / self.to_move if self.to_move else 100.0


def progress(session: Session, archive: str, now: datetime | None = None) -> Progress:
    """Where the archive's last walk stands. With `now`, how fast it goes and how long it will take."""
    row = latest(session, archive)
    if row is None:
        return Progress(archive)
    seen = listing(session, archive, row.number)
    shard = ArchiveShardRow
    numbers = session.execute(
        select(func.sum(shard.files), func.sum(shard.bytes), func.sum(shard.done), func.sum(shard.done_bytes)).where(
            shard.archive == archive, shard.walk == row.number
        )
    ).one()
    to_move, to_move_bytes, moved, moved_bytes = (int(number or 0) for number in numbers)
    paces = [pace for pace in row.counts.get("paces", {}).values() if now and now - datetime.fromisoformat(pace["at"]) < _RECENT]
    files_rate, bytes_rate = (sum(float(pace[name]) for pace in paces) for name in ("files", "bytes"))
    left = None
    if row.phase == DONE or (to_move and moved == to_move):
        left = 0.0
    elif files_rate and to_move:
        by_bytes = (to_move_bytes - moved_bytes) / bytes_rate if bytes_rate else 0.0
        left = max((to_move - moved) / files_rate, by_bytes)
    return Progress(
        archive, row.number, row.phase, row.started_at, row.listed_at, row.ended_at, seen.folders, seen.open_folders, seen.problems,
        seen.files, seen.bytes, seen.left_out, to_move, to_move_bytes, moved, moved_bytes, files_rate, bytes_rate, left,
        fate_counts(session, archive), {name: value for name, value in row.counts.items() if name != "paces"},
    )  # fmt: skip


def tell_pace(session: Session, archive: str, number: int, worker: str, now: datetime, *, files: float, bytes: float) -> None:
    """How fast a worker goes, per second; it tells so every few seconds."""
    row = walk(session, archive, number, lock=True)
    paces = {
        name: pace for name, pace in row.counts.get("paces", {}).items() if now - datetime.fromisoformat(pace["at"]) < _RECENT
    } | {worker: {"files": round(files, 3), "bytes": round(bytes, 1), "at": now.isoformat()}}  # fmt: skip
    together = {name: round(sum(float(pace[name]) for pace in paces.values()), 3) for name in ("files", "bytes")}
    count(row, paces=paces, pace=together)
