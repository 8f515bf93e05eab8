"""Makes import workbooks: rows in, workbooks in the store and the ledger out, of a size the importer takes, with totals that re-add.

The same rows for the same thing make the same workbooks, once: whoever is killed in the middle, or runs twice, finds them there.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any
from unicodedata import normalize

from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from include.errors import PermanentError, RejectedData
from include.ledger import workbooks as rows
from include.ledger.database import Ledger
from include.ledger.sales_rows import WorkbookRow, WorkbookState
from include.store import Artefact, ArtefactStore
from include.workbooks.template import Kind, Template, load_template
from include.workbooks.write import Sheet, Value, checked

Totals = Mapping[str, Decimal]
Aside = Callable[["Row", RejectedData], None]
LONGEST_NAME = 100  # characters, without what tells the parts


@dataclass(frozen=True, slots=True)
class Row:
    """One row of an import.

    `values` by the names that `config/workbooks` calls `field`; `adds`: what it adds to which total; `expects`: what must be there once it
    is loaded (`{"isbn": …}`); `group`: rows that stand together and have the same one stay in one workbook; `where`: what a person calls
    it, for errors.
    """

    values: Mapping[str, Value]
    adds: Totals = field(default_factory=dict)
    expects: Mapping[str, Any] | None = None
    group: str = ""
    where: str = ""


@dataclass(frozen=True, slots=True)
class NewWorkbook:
    """What is to be loaded.

    `subject`: what it is for, as in `sales 12`. `name`: as people recognise the file, without an ending. `totals`: what all rows must
    come to; with None nobody knows before. `sources`: `[{"sales batch": 12}]`. `role`: who loads it, if not the template's role. `then`:
    called in the transaction that keeps the workbooks (not if all of them were there), to note where one's rows are. `aside`: is told of
    each row that the import can't hold, which then stays out (and out of `totals`); without it such a row stops everything.
    """

    kind: Kind
    subject: str
    name: str
    rows: Iterable[Row]
    totals: Totals | None = None
    sources: Sequence[Mapping[str, Any]] = ()
    role: str = ""
    then: Callable[[Session, list[WorkbookRow]], None] | None = None
    aside: Aside | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """One workbook in the store."""

    artefact: Artefact
    digest: str
    rows: int
    totals: dict[str, Decimal]
    expects: list[dict[str, Any]]


def prepare(
    ledger: Ledger,
    store: ArtefactStore,
    new: NewWorkbook,
    now: datetime,
    *,
    who: str = "",
    template: Template | None = None,
    dag_id: str = "",
    run_id: str = "",
) -> list[WorkbookRow]:
    """The workbooks that hold these rows, in order: new ones, or those that were prepared before. None for no rows.

    One that was withdrawn and is wanted again as it was comes back. Raises `RejectedData` for a row that an import can't hold (look at
    it before: `write.checked`), `PermanentError` where rows and totals differ: then nothing is kept.
    """
    template = template or load_template(new.kind)
    left_out: dict[str, Decimal] = {}
    tell = new.aside

    def aside(row: Row, why: RejectedData) -> None:
        if tell is None:
            raise why
        tell(row, why)
        _add(left_out, row.adds)

    written = write(store, template, new.rows, aside)
    _compare(new, written, left_out)
    with ledger.session() as session:
        kept = [_keep(session, new, template, one, (part, len(written)), now, who, (dag_id, run_id)) for part, one in enumerate(written, 1)]
        if new.then is not None and any(is_new for _, is_new in kept):
            new.then(session, [row for row, _ in kept])
    return [row for row, _ in kept]


def _keep(
    session: Session,
    new: NewWorkbook,
    template: Template,
    one: Written,
    place: tuple[int, int],
    now: datetime,
    who: str,
    run: tuple[str, str],
) -> tuple[WorkbookRow, bool]:
    """The row of a workbook, and whether it is new (or back again)."""
    row = session.scalar(_find(new, one.digest))
    if row is None:
        row = _row(new, template, one, place, now)
        row.dag_id, row.run_id = run
        try:
            with session.begin_nested():
                session.add(row)
        except IntegrityError:  # another process was faster
            row = session.scalars(_find(new, one.digest)).one()
        else:
            rows.move(session, row, WorkbookState.PREPARED, now=now, who=who, detail={"totals": row.totals, "subject": row.subject})
            return row, True
    if row.state != WorkbookState.WITHDRAWN:
        return row, False
    row = rows.get(session, row.id, lock=True)
    if row.state != WorkbookState.WITHDRAWN:
        return row, False
    row.note, row.prepared_at = "", now
    rows.move(session, row, WorkbookState.PREPARED, now=now, who=who, detail={"why": "wanted again"})
    return row, True


def write(store: ArtefactStore, template: Template, found: Iterable[Row], aside: Aside) -> list[Written]:
    """Workbooks of at most `template.rows` rows each, in the store. Rows that the import can't hold go to `aside`.

    Raises `RejectedData` for a group that is larger than a workbook.
    """
    out: list[Written] = []
    part: _Part | None = None
    try:
        for together in _groups(found):
            if len(together) > 1 and part is not None and part.rows + len(together) > template.rows:
                out.append(part.end(store))
                part = None
            for place, row in enumerate(together):
                cells = _cells(row, template, aside)
                if cells is None:
                    continue
                if part is not None and part.rows >= template.rows:
                    if place:
                        what = f"more rows belong together than the {template.rows} of a workbook"
                        raise RejectedData(what, where=row.where, todo="Raise `rows` in config/workbooks, if the importer takes it.")
                    out.append(part.end(store))
                    part = None
                if part is None:
                    part = _Part(template)
                part.add(row, cells)
        if part is not None:
            out.append(part.end(store))
            part = None
    finally:
        if part is not None:
            part.forget()
    return out


def _groups(found: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows that stay together; a row without a group is by itself."""
    for group, members in groupby(found, key=lambda row: row.group):
        if group:
            yield list(members)
        else:
            yield from ([row] for row in members)


def _cells(row: Row, template: Template, aside: Aside) -> list[Value] | None:
    try:
        cells = checked(row.values, template.columns, row.where)
        for column, cell in zip(template.columns, cells, strict=True):
            if column.filled and cell is None:
                raise RejectedData(f"there is no {column.header}", where=row.where, todo="The import needs it.")
    except RejectedData as bad:
        aside(row, bad)
        return None
    return cells


class _Part:
    """A workbook being written."""

    def __init__(self, template: Template) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="colophon-")
        self._path = Path(self._folder.name) / "workbook.xlsx"
        self._sheet = Sheet(self._path, template)
        self._hash = hashlib.sha256(repr([column.header for column in template.columns]).encode())
        self._totals: dict[str, Decimal] = {}
        self._expects: list[dict[str, Any]] = []

    @property
    def rows(self) -> int:
        return self._sheet.rows

    def add(self, row: Row, cells: Sequence[Value]) -> None:
        self._sheet.add(cells)
        line = "\x1f".join("" if cell is None else f"{type(cell).__name__[0]}{cell}" for cell in cells)
        self._hash.update(f"{line}\x1e".encode("utf-8", "surrogatepass"))
        _add(self._totals, row.adds)
        if row.expects is not None:
            self._expects.append(dict(row.expects))

    def end(self, store: ArtefactStore) -> Written:
        self._sheet.close()
        artefact = store.put(self._path)
        self._folder.cleanup()
        return Written(artefact, self._hash.hexdigest(), self.rows, self._totals, self._expects)

    def forget(self) -> None:
        self._sheet.close()
        self._folder.cleanup()


def _compare(new: NewWorkbook, written: Sequence[Written], left_out: Totals) -> None:
    if new.totals is None:
        return
    found = dict(left_out)
    for part in written:
        _add(found, part.totals)
    for name in sorted({*found, *new.totals}):
        is_, wanted = found.get(name, Decimal(0)), new.totals.get(name, Decimal(0))
        if is_ != wanted:
            what = f"the rows come to {is_:f} {name} and should come to {wanted:f}, a difference of {is_ - wanted:f}"
            raise PermanentError(what, where=f"{new.kind}, {new.subject}", todo="Nothing was kept. This is a defect: tell the maintainers.")


def _add(totals: dict[str, Decimal], more: Totals) -> None:
    for name, amount in more.items():
        totals[name] = totals.get(name, Decimal(0)) + amount


def _find(new: NewWorkbook, digest: str) -> Select[WorkbookRow]:
    return select(WorkbookRow).where(WorkbookRow.kind == new.kind, WorkbookRow.subject == new.subject[:120], WorkbookRow.digest == digest)


def _row(new: NewWorkbook, template: Template, one: Written, place: tuple[int, int], now: datetime) -> WorkbookRow:
    part, parts = place
    return WorkbookRow(
        kind=new.kind, subject=new.subject[:120], digest=one.digest, part=part, parts=parts, name=file_name(new.name, part, parts),
        sha256=one.artefact.sha256, bytes=one.artefact.bytes, rows=one.rows,
        totals={name: plainly(amount) for name, amount in sorted(one.totals.items())}, expects=one.expects,
        sources=[dict(source) for source in new.sources], role=new.role or template.role, prepared_at=now,
    )  # fmt: skip


def plainly(amount: Decimal) -> str:
    """Every digit that says something, and the cents where there are any: `1`, `1.50`, `0.3333`."""
    whole, point, rest = format(amount, "f").partition(".")
    return whole + (f".{rest.rstrip('0').ljust(2, '0')}" if point else "")


def file_name(name: str, part: int, parts: int) -> str:
    """As a person recognises it, in letters that every file system and browser takes: `sales_kobo_2026-09_batch-12_1-of-3.xlsx`."""
    plain = normalize("NFKD", name).encode("ascii", "ignore").decode()
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", plain).strip("-._")[:LONGEST_NAME].rstrip("-._") or "import"
    return f"{stem}_{part}-of-{parts}.xlsx" if parts > 1 else f"{stem}.xlsx"
