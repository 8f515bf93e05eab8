"""The ledger's lasting records as lines of JSON, and lines back into an empty ledger: the same record is the same bytes, always.

Left out is what only says when something was last looked at: it changes though nothing has changed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Table, insert, select
from sqlalchemy.orm import Session

from include.errors import RejectedData
from include.ledger.file_rows import ContractRow, ReviewRow, StageChangeRow, TitleFileRow
from include.ledger.models import Base, EventRow, Moment, ProductRow, WorkRow

# What `include.ledger.title_files` writes down of a title's files, the history of every review; and which calendar was read last.
HISTORY = (
    "file attached", "file superseded", "file current again", "file removed", "file approved", "file rejected", "file pending",
    "calendar read",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Dumped:
    """One table. Records are dumped in buckets of `size` values of the column `by`, so that a change touches one bucket.

    `fill`: a column that is left out and has no default → the one whose value it takes when it is loaded.
    """

    row: type[Base]
    by: str
    size: int
    leave_out: tuple[str, ...] = ()
    fill: Mapping[str, str] = field(default_factory=dict)
    only: ColumnElement[bool] | None = None

    @property
    def table(self) -> Table:
        table: Any = self.row.__table__
        return table  # type: ignore[no-any-return]

    @property
    def columns(self) -> list[str]:
        return [column.name for column in self.table.columns if column.name not in self.leave_out]


TABLES: Mapping[str, Dumped] = {  # in the order in which they are loaded
    "work": Dumped(WorkRow, "id", 200, ("seen_in",)),
    "product": Dumped(ProductRow, "work_id", 200, ("seen_in",)),
    "contract": Dumped(ContractRow, "id", 200, ("read_at",), {"read_at": "changed_at"}),
    "stage_change": Dumped(StageChangeRow, "id", 2_000),
    "title_file": Dumped(TitleFileRow, "work_id", 200),
    "review": Dumped(ReviewRow, "title_file_id", 1_000),
    "event": Dumped(EventRow, "id", 2_000, only=EventRow.what.in_(HISTORY)),
}


@dataclass(frozen=True, slots=True)
class Record:
    """One row as a line of canonical JSON, without its end. `key` is the row's id, `bucket` its place in the dump."""

    bucket: int
    key: int
    line: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.line).hexdigest()


def records(session: Session, name: str) -> Iterator[Record]:
    """All records of a table, by bucket and id; some hundred in memory at a time."""
    dumped = TABLES[name]
    columns = [dumped.table.columns[column] for column in dumped.columns]
    by = dumped.columns.index(dumped.by)
    id = dumped.columns.index("id")
    query = select(*columns).order_by(dumped.table.columns[dumped.by], dumped.table.columns["id"])
    if dumped.only is not None:
        query = query.where(dumped.only)
    for row in session.execute(query.execution_options(yield_per=500)):
        values = {column: _said(value) for column, value in zip(dumped.columns, row, strict=True)}
        yield Record(row[by] // dumped.size, row[id], _line(values))


def load(session: Session, name: str, lines: Iterable[bytes]) -> int:
    """Puts records back; gives their number. Columns that this version does not know are passed over, those that are missing get
    their default. Raises `RejectedData` for a table or a line that is none."""
    dumped = TABLES.get(name)
    if dumped is None:
        raise RejectedData(f"there is no table {name!r}", where="backup", todo="Restore it with the version of Colophon that made it.")
    rows: list[dict[str, Any]] = []
    count = 0
    for line in lines:
        rows.append(_row(dumped, line))
        count += 1
        if len(rows) >= 500:
            session.execute(insert(dumped.row), rows)
            rows = []
    if rows:
        session.execute(insert(dumped.row), rows)
    return count


def _line(values: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # half a surrogate pair, in what a file says of itself
        return json.dumps(values, sort_keys=True, separators=(",", ":")).encode("ascii")


def _said(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    return value


def _row(dumped: Dumped, line: bytes) -> dict[str, Any]:
    try:
        said = json.loads(line.decode("utf-8", "surrogateescape"))
        row: dict[str, Any] = {}
        for name in dumped.columns:
            if name not in said:
                continue
            kind, value = dumped.table.columns[name].type, said[name]
            if value is not None and isinstance(kind, Moment):
                value = datetime.fromisoformat(value)
            elif value is not None and isinstance(kind, LargeBinary):
                value = value.encode("utf-8", "surrogateescape")
            row[name] = value
        return row | {name: row[source] for name, source in dumped.fill.items()}
    except (ValueError, TypeError, KeyError, AttributeError) as bad:
        raise RejectedData(f"a record can't be read: {bad}", where=f"table {dumped.table.name}", todo="Restore another date.") from bad
