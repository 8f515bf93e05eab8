"""What a walk through an old archive saw: names as the ledger keeps them, folders with what they came to, files.

Writing the same again changes nothing, so that a walk may be stopped anywhere and go on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection, and_, case, false, func, literal_column, null, or_, select, true
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from include.ledger.file_rows import ArchiveFileRow, ArchiveFolderRow, Fate

_LONGEST = 700  # characters of a path in the ledger
_MOST_BYTES = 2000  # of a path: an index of PostgreSQL holds no more than 2,700
_ESCAPE = re.compile(r"\\(\\|x[0-9a-f]{2})")


# --- names


def key(path: str) -> tuple[str, str]:
    """A path in the server's own bytes (`surrogateescape`) as the ledger keeps it: (path, whole path if that is too long).

    A backslash is doubled; bytes that are no UTF-8 and control characters become `\\xe9`. Different paths stay different.
    """
    text = path
    if "\\" in path or not path.isprintable():
        text = "".join(map(_escaped, path))
    if len(text) <= _LONGEST and (len(text) * 4 <= _MOST_BYTES or len(text.encode()) <= _MOST_BYTES):
        return text, ""
    return f"{text[:230]}…{sha256(text.encode()).hexdigest()[:32]}…{text[-230:]}", text


def server_path(path: str, whole_path: str = "") -> str:
    """The path in the server's own bytes again."""
    text = whole_path or path
    if "\\" not in text:
        return text
    return _ESCAPE.sub(lambda found: "\\" if found[1] == "\\" else _byte(int(found[1][1:], 16)), text)


def _escaped(letter: str) -> str:
    if letter == "\\":
        return "\\\\"
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 32 or code == 127 else letter


def _byte(value: int) -> str:
    return chr(value if value < 128 else 0xDC00 + value)


# --- listing


class NewFile(NamedTuple):
    """One file of a folder, as listed. `refused`: why it will never be asked for."""

    path: str
    whole_path: str
    bytes: int
    modified: datetime | None
    other: str = ""
    refused: str = ""


class NewFolder(NamedTuple):
    path: str
    whole_path: str


class DoneFolder(NamedTuple):
    """A folder that was listed to its end, or could not be (`problem`)."""

    path: str
    whole_path: str
    files: int
    bytes: int
    left_out: int
    problem: str = ""


def write_listing(
    session: Session,
    archive: str,
    number: int,
    files: Sequence[NewFile],
    folders: Sequence[NewFolder] = (),
    done: Sequence[DoneFolder] = (),
) -> None:
    """What a walk saw. Writing the same again changes nothing: a folder may be listed twice when a worker was killed."""
    connection = session.connection()
    inserting = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    if folders:
        new = inserting(ArchiveFolderRow).values(
            archive=_constant(archive), walk=_constant(number), listed=_constant(False), files=_constant(0), bytes=_constant(0),
            left_out=_constant(0), problem=_constant(""),
        )  # fmt: skip
        connection.execute(new.on_conflict_do_nothing(index_elements=["archive", "walk", "path"]), [one._asdict() for one in folders])
    if files:
        statement = _upsert(inserting, archive, number)
        if connection.dialect.name == "sqlite":
            _many(connection, statement, files)
        else:
            once = {one.path: one for one in files}  # PostgreSQL refuses a row twice in one statement
            connection.execute(statement, [_values(one) for one in once.values()])
    if done:
        listed = inserting(ArchiveFolderRow).values(archive=_constant(archive), walk=_constant(number), listed=_constant(True))
        told = {name: listed.excluded[name] for name in ("listed", "files", "bytes", "left_out", "problem")}
        connection.execute(
            listed.on_conflict_do_update(index_elements=["archive", "walk", "path"], set_=told), [one._asdict() for one in done]
        )


def _values(file: NewFile) -> dict[str, Any]:
    return {
        "path": file.path, "whole_path": file.whole_path, "bytes": file.bytes, "modified": file.modified, "other": file.other,
        "fate": Fate.UNREADABLE.value if file.refused else Fate.WAITING.value, "reason": file.refused,
    }  # fmt: skip


def _many(connection: Connection, statement: Any, files: Sequence[NewFile]) -> None:
    """The same in half the time: SQLite takes tuples as they are, and times, which listings tell in UTC, as
    SQLAlchemy writes them there."""
    compiled = statement.compile(dialect=connection.dialect, column_keys=list(_values(files[0])))
    waiting, refused = Fate.WAITING.value, Fate.UNREADABLE.value
    rows = [
        (path, whole, other, size, modified.isoformat(" ", "microseconds")[:26] if modified else None, refused if why else waiting, why)
        for path, whole, size, modified, other, why in files
    ]
    order = [("path", "whole_path", "other", "bytes", "modified", "fate", "reason").index(name) for name in compiled.positiontup]
    connection.exec_driver_sql(str(compiled), rows if order == sorted(order) else [tuple(row[at] for at in order) for row in rows])


def _upsert(inserting: Any, archive: str, number: int) -> Any:
    """One file: new, changed or the same as at the walk before. A file that has not changed keeps its fate."""
    row = ArchiveFileRow.__table__.c
    new = inserting(ArchiveFileRow).values(
        archive=_constant(archive), seen_in=_constant(number), sha256=_constant(""), kind=_constant(""), change=_constant("new")
    )
    told = new.excluded
    gone = row.fate == _constant(Fate.VANISHED.value)
    kept = and_(row.bytes == told.bytes, row.modified.is_not_distinct_from(told.modified), row.other == told.other, ~gone)
    again = row.seen_in == told.seen_in  # listed twice in this walk
    values: dict[str, Any] = {name: told[name] for name in ("bytes", "modified", "other", "seen_in")}
    values["change"] = case(
        (and_(again, or_(kept, row.change == _constant("new"))), row.change),
        (kept, _constant("same")),
        (gone, _constant("new")),
        else_=_constant("changed"),
    )
    values |= {name: case((kept, row[name]), else_=told[name]) for name in ("fate", "reason", "sha256", "kind")}
    values |= {name: case((kept, row[name]), else_=null()) for name in ("work_id", "intake_id", "shard_id")}
    return new.on_conflict_do_update(index_elements=["archive", "path"], set_=values)


def _constant(value: str | int) -> Any:
    """A value that is the same for all rows of a statement, written into it: bound a million times it would cost more than the rest.
    Only for ids of archives (their form is checked as their file is read), numbers, and words of ours."""
    if isinstance(value, bool):
        return true() if value else false()
    return literal_column(str(value) if isinstance(value, int) else f"'{value}'")


def open_folders(session: Session, archive: str, number: int, most: int) -> list[NewFolder]:
    """Folders that are still to be listed."""
    row = ArchiveFolderRow
    query = select(row.path, row.whole_path).where(row.archive == archive, row.walk == number, row.listed.is_(False)).limit(most)
    return [NewFolder(*found) for found in session.execute(query)]


def problems(session: Session, archive: str, number: int, most: int = 1000) -> list[tuple[str, str]]:
    """(folder, why) of folders that could not be listed, or not quite."""
    row = ArchiveFolderRow
    query = select(row.path, row.problem).where(row.archive == archive, row.walk == number, row.problem != "").order_by(row.path)
    return [(path, problem) for path, problem in session.execute(query.limit(most))]


class Listing(NamedTuple):
    folders: int
    open_folders: int
    files: int
    bytes: int
    left_out: int
    problems: int


def listing(session: Session, archive: str, number: int) -> Listing:
    """What the folders of a walk came to, by their own listings."""
    row = ArchiveFolderRow
    numbers = session.execute(
        select(
            func.count(), func.sum(case((row.listed, 0), else_=1)), func.sum(row.files), func.sum(row.bytes), func.sum(row.left_out),
            func.sum(case((row.problem != "", 1), else_=0)),
        ).where(row.archive == archive, row.walk == number)
    ).one()  # fmt: skip
    return Listing(*(int(each or 0) for each in numbers))
