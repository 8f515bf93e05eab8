"""Arrivals: seen in an inbox, stored, decided. Whoever decides first wins; the second finds it done.

A row is found again by (inbox, path, mark). The mark is what tells one arrival from the next under the same path: size and time for
files of an inbox, the parent's row and the place in it for members of an archive.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256 as digest_of
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from include.errors import PermanentError
from include.ledger.chunks import chunks
from include.ledger.file_rows import IntakeFileRow, IntakeState

OPEN = (IntakeState.QUARANTINED, IntakeState.PROPOSED)  # a person's turn
CLOSED = ("moved", "deleted", "gone")  # the original is no longer there: the same path means another arrival
_LONGEST = 700  # characters of a path
_ESCAPED = re.compile(r"\\(?:\\|x([0-9a-f]{2}))")


@dataclass(frozen=True, slots=True)
class Seen:
    """A file as a listing shows it: `path` under the inbox in the server's own bytes, `name` for people."""

    path: str
    name: str
    bytes: int
    modified: datetime | None = None

    @property
    def mark(self) -> str:
        return f"{self.bytes} {self.modified.isoformat() if self.modified else ''}".strip()


def kept_path(path: str) -> str:
    """A path as the key of a row: as `escaped`, and what is too long cut, with a digest that keeps it apart from others."""
    kept = escaped(path)
    return kept if len(kept) <= _LONGEST else f"{kept[: _LONGEST - 17]}~{digest_of(kept.encode()).hexdigest()[:16]}"


def escaped(path: str) -> str:
    """A path as a column can hold it: bytes that are no UTF-8, and NUL, as `\\xe9`; a backslash is doubled."""
    path = path.replace("\\", "\\\\").replace("\x00", "\\x00")
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def server_path(kept: str) -> str:
    """The path in the server's own bytes again."""
    raw = _ESCAPED.sub(lambda found: _unescaped(found[1]), kept)
    return raw.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")


def _unescaped(code: str | None) -> str:
    return "\\" if code is None else chr(0xDC00 + int(code, 16) if code != "00" else 0)


def shown_path(kept: str) -> str:
    """The path as people read it: bytes that are no UTF-8 are taken for the Western European encoding of old systems."""
    raw = server_path(kept)
    if not any("\udc80" <= letter <= "\udcff" for letter in raw):
        return raw
    return raw.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


# --- looking


def see(session: Session, inbox: str, files: Sequence[Seen], *, now: datetime, restricted: str = "") -> dict[str, IntakeFileRow]:
    """The arrival that each listed file is, by its path; new ones get a row, for the role `restricted` from the start. Knows a file by
    path, size and time.

    A file that still grows keeps its row, with the new size; its time of look starts again.
    """
    known: dict[str, list[IntakeFileRow]] = {}
    for paths in chunks([kept_path(file.path) for file in files]):
        query = select(IntakeFileRow).where(IntakeFileRow.inbox == inbox, IntakeFileRow.path.in_(paths)).order_by(IntakeFileRow.id)
        for old in session.scalars(query):
            known.setdefault(old.path, []).append(old)
    here: dict[str, IntakeFileRow] = {}
    fresh: list[dict[str, Any]] = []
    for file in files:
        path = kept_path(file.path)
        rows = known.get(path, [])
        row = next((row for row in reversed(rows) if _mark(row) == file.mark and row.original not in CLOSED), None)
        if row is None:
            row = next((row for row in reversed(rows) if row.state == IntakeState.ARRIVING and not row.sha256), None)
            if row is None:
                fresh.append(_new(inbox, path, file, _free_mark(file.mark, rows), now) | {"restricted": restricted})
                continue
            row.mark, row.bytes, row.modified, row.looked_at = _free_mark(file.mark, rows), file.bytes, file.modified, now
        here[file.path] = row
    if fresh:
        _insert(session, fresh)
        raw = {kept_path(file.path): file.path for file in files}
        for some in chunks(fresh):
            query = select(IntakeFileRow).where(IntakeFileRow.inbox == inbox, IntakeFileRow.path.in_([one["path"] for one in some]))
            marks = {(one["path"], one["mark"]) for one in some}
            here |= {raw[new.path]: new for new in session.scalars(query) if (new.path, new.mark) in marks}
    return here


def forget_unseen(session: Session, inbox: str, there: Collection[str], *, under_trouble: Collection[str] = ()) -> int:
    """Drops arrivals that were only looked at and are no longer listed; gives their number. `under_trouble`: folders that could not
    be listed, of which nothing is known now."""
    waiting = and_(IntakeFileRow.inbox == inbox, IntakeFileRow.state == IntakeState.ARRIVING, IntakeFileRow.sha256 == "")
    gone = 0
    kept = {kept_path(path) for path in there}
    for row in session.scalars(select(IntakeFileRow).where(waiting, IntakeFileRow.parent_id.is_(None))):
        if row.path not in kept and not any(row.path.startswith(folder) for folder in under_trouble):
            session.delete(row)
            gone += 1
    return gone


def arrival(
    session: Session, inbox: str, file: Seen, *, now: datetime, mark: str = "", parent_id: int | None = None, restricted: str = ""
) -> IntakeFileRow:
    """The row of one arrival, made if there is none: for members of archives and files of old archives."""
    path = kept_path(file.path)
    same = (IntakeFileRow.inbox == inbox, IntakeFileRow.path == path, IntakeFileRow.mark == (mark or file.mark))
    row = session.scalar(select(IntakeFileRow).where(*same).with_for_update())
    if row is None:
        _insert(session, [_new(inbox, path, file, mark or file.mark, now) | {"parent_id": parent_id, "restricted": restricted}])
        row = session.scalars(select(IntakeFileRow).where(*same).with_for_update()).one()
    return row


def waiting(session: Session, inbox: str) -> list[IntakeFileRow]:
    """Stored and not decided: somebody was stopped in between. Oldest first, members left out (their archive is opened again)."""
    query = _of(inbox).where(IntakeFileRow.state == IntakeState.ARRIVING, IntakeFileRow.sha256 != "", IntakeFileRow.parent_id.is_(None))
    return list(session.scalars(query.order_by(IntakeFileRow.id)))


def untidied(session: Session, inbox: str) -> list[IntakeFileRow]:
    """Decided, and the original still lies where it came from, as far as we know."""
    query = _of(inbox).where(IntakeFileRow.state != IntakeState.ARRIVING, IntakeFileRow.parent_id.is_(None), IntakeFileRow.original == "")
    return list(session.scalars(query.order_by(IntakeFileRow.id)))


def was_taken(session: Session, inbox: str, path: str) -> bool:
    """Whether the last arrival under a path was decided and its original is no longer there."""
    query = _of(inbox).where(IntakeFileRow.path == kept_path(path)).order_by(IntakeFileRow.id.desc()).limit(1)
    row = session.scalar(query)
    return row is not None and row.state != IntakeState.ARRIVING and row.original in CLOSED


# --- taking


def get(session: Session, intake_id: int, *, lock: bool = False) -> IntakeFileRow:
    """Raises `PermanentError` if there is no such arrival."""
    row = session.get(IntakeFileRow, intake_id, with_for_update=lock or None, populate_existing=lock)
    if row is None:
        raise PermanentError(f"there is no arrival {intake_id}", todo="Look at the page Quarantine again.")
    return row


def read(session: Session, ids: Iterable[int]) -> dict[int, IntakeFileRow]:
    """These arrivals, by id, in the order of the ids; those that are no more are left out."""
    found: dict[int, IntakeFileRow] = {}
    for some in chunks(list(ids)):
        known = {row.id: row for row in session.scalars(select(IntakeFileRow).where(IntakeFileRow.id.in_(some)))}
        found |= {id: known[id] for id in some if id in known}
    return found


def lock(session: Session, ids: Iterable[int]) -> dict[int, IntakeFileRow]:
    """These arrivals as they are now, to be changed, by id; those that are no more are left out."""
    found: dict[int, IntakeFileRow] = {}
    for some in chunks(list(ids)):
        query = select(IntakeFileRow).where(IntakeFileRow.id.in_(some)).order_by(IntakeFileRow.id)
        found |= {row.id: row for row in session.scalars(query.with_for_update().execution_options(populate_existing=True))}
    return found


def claim(session: Session, ids: Iterable[int]) -> list[IntakeFileRow]:
    """Those of these arrivals that are still to be taken, in the order they were sent: by their time, then as they were seen."""
    rows: list[IntakeFileRow] = []
    for some in chunks(list(ids)):
        query = select(IntakeFileRow).where(IntakeFileRow.id.in_(some), IntakeFileRow.state == IntakeState.ARRIVING)
        rows += session.scalars(query)
    return sorted(rows, key=lambda row: (row.modified or row.seen_at, row.id))


def stored(session: Session, intake_id: int, mark: str, sha256: str, bytes: int, *, now: datetime) -> IntakeFileRow | None:
    """Notes that the store has an arrival's bytes. None where that is no news: another worker was first, or the file changed under
    the same name after these bytes were read."""
    return note_stored(lock(session, [intake_id]).get(intake_id), mark, sha256, bytes, now=now)


def note_stored(row: IntakeFileRow | None, mark: str, sha256: str, bytes: int, *, now: datetime) -> IntakeFileRow | None:
    """As `stored`, of a row that is locked."""
    if row is None or row.mark != mark or row.sha256 or row.state != IntakeState.ARRIVING:
        return None
    row.sha256, row.bytes, row.stored_at, row.reasons = sha256, bytes, now, []
    return row


def twins(session: Session, rows: Sequence[IntakeFileRow]) -> dict[int, IntakeFileRow]:
    """Of each stored arrival the last earlier one of the same bytes under the same path that was decided, by the arrival's id."""
    found: dict[int, IntakeFileRow] = {}
    stored_ones = [row for row in rows if row.sha256]
    for some in chunks(stored_ones):
        query = select(IntakeFileRow).where(
            IntakeFileRow.inbox.in_({row.inbox for row in some}),
            IntakeFileRow.path.in_([row.path for row in some]),
            IntakeFileRow.state.not_in([IntakeState.ARRIVING, IntakeState.DUPLICATE]),
        )
        earlier: dict[tuple[str, str, str], list[IntakeFileRow]] = {}
        for one in session.scalars(query.order_by(IntakeFileRow.id)):
            earlier.setdefault((one.inbox, one.path, one.sha256), []).append(one)
        for row in some:
            if before := [one for one in earlier.get((row.inbox, row.path, row.sha256), ()) if one.id < row.id]:
                found[row.id] = before[-1]
    return found


# --- lists


def open_files(
    session: Session,
    *,
    inbox: str = "",
    states: Collection[str] = OPEN,
    restricted: Collection[str] | None = None,
    before: int | None = None,
    limit: int = 50,
) -> list[IntakeFileRow]:
    """A page of arrivals for the page Quarantine, newest first; `before` is the last id of the page before. Of restricted ones only
    those of the roles in `restricted`; None: all of them."""
    query = select(IntakeFileRow).where(IntakeFileRow.state.in_(list(states)))
    if inbox:
        query = query.where(IntakeFileRow.inbox == inbox)
    if restricted is not None:
        query = query.where(IntakeFileRow.restricted.in_(["", *restricted]))
    if before is not None:
        query = query.where(IntakeFileRow.id < before)
    return list(session.scalars(query.order_by(IntakeFileRow.id.desc()).limit(limit)))


def members(session: Session, parent_id: int) -> list[IntakeFileRow]:
    """What was in an archive, in its order."""
    return list(session.scalars(select(IntakeFileRow).where(IntakeFileRow.parent_id == parent_id).order_by(IntakeFileRow.id)))


def counts(session: Session, inbox: str = "", *, restricted: Collection[str] | None = None) -> dict[str, dict[str, int]]:
    """Number of arrivals by inbox and state."""
    query = select(IntakeFileRow.inbox, IntakeFileRow.state, func.count()).group_by(IntakeFileRow.inbox, IntakeFileRow.state)
    if inbox:
        query = query.where(IntakeFileRow.inbox == inbox)
    if restricted is not None:
        query = query.where(IntakeFileRow.restricted.in_(["", *restricted]))
    found: dict[str, dict[str, int]] = {}
    for name, state, number in session.execute(query):
        found.setdefault(name, {})[state] = number
    return found


def stuck(session: Session, inbox: str, before: datetime) -> list[IntakeFileRow]:
    """Arrivals that have not become whole since `before`, or that the server would not give."""
    query = _of(inbox).where(IntakeFileRow.state == IntakeState.ARRIVING, IntakeFileRow.sha256 == "")
    return [row for row in session.scalars(query.order_by(IntakeFileRow.id)) if row.reasons or row.seen_at < before]


# --- in here


def _of(inbox: str) -> Select[IntakeFileRow]:
    return select(IntakeFileRow).where(IntakeFileRow.inbox == inbox)


def _new(inbox: str, path: str, file: Seen, mark: str, now: datetime) -> dict[str, Any]:
    name = shown_path(escaped(file.name)).replace("\x00", "\ufffd")
    return {
        "inbox": inbox, "path": path, "mark": mark, "name": name if len(name) <= 255 else f"{name[:238]}~{name[-16:]}",
        "bytes": file.bytes, "modified": file.modified, "sha256": "", "media_type": "", "state": IntakeState.ARRIVING, "kind": "",
        "clues": {}, "proposals": [], "reasons": [], "restricted": "", "preview": "", "original": "", "original_path": "",
        "seen_at": now, "looked_at": now, "decided_by": "",
    }  # fmt: skip


def _insert(session: Session, rows: list[dict[str, Any]]) -> None:
    """Two workers may see the same file at the same moment: the second insert does nothing."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(insert(IntakeFileRow).on_conflict_do_nothing(index_elements=["inbox", "path", "mark"]), rows)


def _mark(row: IntakeFileRow) -> str:
    """Without the number that tells a repeated drop of the same name, size and time."""
    return row.mark.partition(" #")[0]


def _free_mark(mark: str, rows: Sequence[IntakeFileRow]) -> str:
    taken = {row.mark for row in rows}
    return next(name for name in (mark, *(f"{mark} #{number}" for number in range(2, len(taken) + 3))) if name not in taken)
