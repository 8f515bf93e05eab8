"""The sheet goes back to its sender: every cell as it was, and beside each row what became of it, in words and in colour."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import posixpath
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast
from zipfile import BadZipFile, ZipFile

from sqlalchemy import select
from sqlalchemy.orm import Session

from include.files.characters import ILLEGAL, LONGEST_CELL
from include.imports.biff import open_old
from include.imports.check import ADVICE
from include.imports.differences import shown
from include.imports.mapping import Mapping, fold
from include.imports.sheets import MOST_COLUMNS, Sheet, read, unpacked
from include.imports.workbooks import CREATED
from include.ledger import deliveries, imports
from include.ledger.database import Ledger
from include.ledger.deliveries import UNSENT, NewFile
from include.ledger.models import DeliveryRow, DeliveryState
from include.ledger.sales_rows import LineState, TitleImportLineRow, TitleImportRow
from include.partners.inboxes import Inbox
from include.store import ArtefactStore
from include.transfer.naming import is_safe

FLOW = "title_import"
FOLDER = "answers"
"""Under the inbox; its files are never looked at (`exclude` of the inbox)."""

MOST_WHOLE = 60_000_000  # bytes, unpacked: openpyxl holds a workbook in about twenty times as many
MOST_MERGED = 500_000  # cells
_MERGED = re.compile(rb"<(?:\w{1,30}:)?mergeCell\s[^>]{0,200}?ref=[\"']([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})[\"']")
GREEN, GREY, BLUE, AMBER, RED = "C6EFCE", "EDEDED", "DDEBF7", "FFEB9C", "FFC7CE"
_UNWRITABLE = (ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError, BadZipFile)
_STATUS = {
    LineState.BAD: ("Not accepted", RED),
    LineState.UNCHANGED: ("Nothing to change", GREY),
    LineState.WAITING: ("Not written yet", AMBER),
    LineState.CONFLICT: ("Conflict", AMBER),
    LineState.DECLINED: ("Declined", RED),
    LineState.APPLIED: ("Written, not read back", AMBER),
    LineState.VERIFIED: ("Updated", GREEN),
    LineState.FAILED: ("Refused by Consonance", RED),
    LineState.NEW: ("Goes into a workbook", BLUE),
    LineState.HANDED_OVER: ("In a workbook", BLUE),
    LineState.MISSING: ("Not in Consonance", RED),
}


@dataclass(frozen=True, slots=True)
class Status:
    """What the sender reads in one row: a word, its colour, and sentences."""

    word: str
    colour: str
    advice: str


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer ready to go; `delivery_id` None: the sender has it as it is. `again`: it was there before, and another one since."""

    import_id: int
    delivery_id: int | None
    name: str
    again: bool = False


def status_of(line: TitleImportLineRow) -> Status:
    """A row's status for its sender."""
    word, colour = _STATUS[LineState(line.state)]
    sentences: list[str] = []
    if any(change["as"] == CREATED for change in line.changes) and line.state == LineState.VERIFIED:
        word = "New title made"
    if line.state == LineState.MISSING and any(problem["code"] == "title-twice" for problem in line.problems):
        word = "Twice in Consonance"
    if line.state in {LineState.NEW, LineState.HANDED_OVER} and line.workbook_id:
        what = "the new title" if line.product_id is None else "its prices"
        sentences.append(f"Somebody loads {what} into Consonance: workbook {line.workbook_id}.")
    if line.state == LineState.CONFLICT:
        sentences += [f"{change['label']}: {change['conflict']}. The sheet says {shown(change['after'])}. Nothing of the row was written."
                      for change in line.changes if change["conflict"]]  # fmt: skip
    done = [change for change in line.changes if change.get("at") and change["as"] not in {CREATED}]
    if done:
        sentences.append("; ".join(f"{change['label']}: {shown(change['before'])} → {shown(change['after'])}" for change in done) + ".")
    if done and line.state in {LineState.BAD, LineState.CONFLICT, LineState.DECLINED, LineState.FAILED}:
        word, colour = f"{word}, in part written", AMBER
    for problem in line.problems:
        column = f"{problem['column']}: " if problem["column"] and problem["severity"] == "error" else ""
        sentences.append(f"{column}{problem['message']}. {problem['todo']}".strip())
    if any(problem["severity"] == "warning" for problem in line.problems) and line.state in {LineState.UNCHANGED, LineState.VERIFIED}:
        word, colour = (f"{word}, but see beside", AMBER)
    return Status(word, colour, " ".join(sentences))


def digest_of(lines: Sequence[TitleImportLineRow]) -> str:
    """Of what the sender would read: the same answer is sent once."""
    told = [[line.row, *(getattr(status_of(line), name) for name in ("word", "advice"))] for line in lines]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def prepare(
    ledger: Ledger,
    store: ArtefactStore,
    inbox: Inbox,
    mapping: Mapping,
    import_id: int,
    *,
    now: datetime,
    dag_id: str = "",
    run_id: str = "",
) -> Answer:
    """Marks the sheet and prepares its delivery into the inbox's folder for answers; nothing if the sender has just this answer."""
    with ledger.read() as session:
        row = imports.get(session, import_id)
        lines = list(imports.lines(session, import_id))
        session.expunge_all()
    name, digest, key = file_name(row), digest_of(lines), imports.subject(import_id)
    with ledger.read() as session:
        if known := deliveries.find(session, inbox.id, FLOW, key, digest):
            gone = known.delivered_at is not None and row.delivery_id == known.id
            if gone or known.state in UNSENT:
                return Answer(import_id, None if gone else known.id, name)
    with store.local(row.sha256) as path, store.create() as out:
        mark(path, row.name, mapping, {line.row: status_of(line) for line in lines}, _bad_cells(lines), cast(BinaryIO, out))
    folder = posixpath.join(inbox.transport.folder, FOLDER)
    with ledger.session() as session:
        file = NewFile(name, folder, out.artefact.bytes, out.artefact.sha256, role="message")
        delivery = deliveries.prepare(
            session, partner=inbox.id, flow=FLOW, business_key=key, digest=digest, files=[file], now=now, kind="answer",
            format="sheet of titles", records=len(lines), held=sum(line.state == LineState.BAD for line in lines), dag_id=dag_id,
            run_id=run_id,
        )  # fmt: skip
        for older in _unsent(session, inbox.id, key, delivery.id):
            deliveries.move(session, older, DeliveryState.WITHDRAWN, now=now, detail={"replaced by": delivery.id})
        kept = imports.get(session, import_id, lock=True)
        kept.answer, kept.delivery_id = out.artefact.sha256, delivery.id
        return Answer(import_id, delivery.id, name, again=delivery.delivered_at is not None)


def is_stale(ledger: Ledger, inbox: Inbox, import_id: int) -> bool:
    """Whether the sender would read something else now than in the last answer."""
    with ledger.read() as session:
        row = imports.get(session, import_id)
        digest = digest_of(list(imports.lines(session, import_id)))
        known = deliveries.find(session, inbox.id, FLOW, imports.subject(import_id), digest)
        return known is None or known.id != row.delivery_id


def sent(ledger: Ledger, import_id: int, *, now: datetime) -> None:
    """The answer lies with the sender."""
    with ledger.session() as session:
        imports.get(session, import_id, lock=True).answered_at = now


def file_name(row: TitleImportRow) -> str:
    """The sheet's own name with its number: two sheets of one name have two answers."""
    stem = Path(row.name).stem.strip()[:120]
    name = f"{stem} (sheet {row.id}).xlsx"
    return name if stem and is_safe(name) else f"sheet {row.id}.xlsx"


def _unsent(session: Session, partner: str, key: str, but: int) -> list[DeliveryRow]:
    query = select(DeliveryRow).where(
        DeliveryRow.partner == partner, DeliveryRow.flow == FLOW, DeliveryRow.business_key == key, DeliveryRow.state.in_(UNSENT)
    )
    return list(session.scalars(query.where(DeliveryRow.id != but, DeliveryRow.delivered_at.is_(None))))


def _bad_cells(lines: Sequence[TitleImportLineRow]) -> dict[int, set[str]]:
    return {
        line.row: {fold(str(problem["column"])) for problem in line.problems if problem["column"] and problem["severity"] == "error"}
        for line in lines
    }


# --- the marked sheet


def mark(path: Path, name: str, mapping: Mapping, told: dict[int, Status], bad: dict[int, set[str]], out: BinaryIO) -> None:
    """Writes the sheet with two more columns. A workbook keeps its sheets, formulas and styles as far as openpyxl knows them; a text,
    an .xls, and a workbook that is too large for that or can only be read row by row, becomes a workbook of its values."""
    from openpyxl import load_workbook

    sheet = read(path, name, mapping)
    book: Any = None
    if sheet.kind == "xlsx":
        try:
            if not _can_be_held(path):
                raise ValueError("too large")
            book = load_workbook(io.BytesIO(path.read_bytes()), rich_text=True)
            book.template = False  # it is called .xlsx, and a spreadsheet opens no template of that name
            page = book[sheet.name]
        except _UNWRITABLE:  # openpyxl reads less of a workbook as a whole than row by row
            book = None
    if book is None:
        book, page = _as_workbook(path, sheet)
    _write_status(page, sheet, mapping, told, bad)
    data = io.BytesIO()
    book.save(data)
    out.write(data.getvalue())


def _can_be_held(path: Path) -> bool:
    """Whether openpyxl can have the whole workbook in memory: of merged cells it makes every single one."""
    from openpyxl.worksheet.cell_range import CellRange

    if unpacked(path) > MOST_WHOLE:
        return False
    merged = 0
    with ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename.endswith(".xml"):
                for ref in _MERGED.findall(archive.read(info)):
                    span = CellRange(ref.decode())
                    merged += span.size["rows"] * span.size["columns"]
    return merged <= MOST_MERGED


def _write_status(page: Any, sheet: Sheet, mapping: Mapping, told: dict[int, Status], bad: dict[int, set[str]]) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    head = sheet.head.row
    first = _place(page, sheet, mapping)
    _divide(page, first, {head, *told})
    for offset, (heading, width) in enumerate(((mapping.status, 24), (ADVICE, 90))):
        cell = page.cell(head, first + offset)
        _say(cell, heading)
        cell.font, cell.comment = Font(bold=True), None
        page.column_dimensions[get_column_letter(first + offset)].width = width
    unread = [heading for heading in sheet.head.unknown if fold(heading) not in {fold(mapping.status), fold(ADVICE)}]
    if unread:
        said = ILLEGAL.sub("", f"These columns are not read: {'; '.join(unread)[:1_000]}")
        page.cell(head, first + 1).comment = Comment(said, "Colophon", height=120, width=300)
    fills = {colour: PatternFill("solid", start_color=colour) for colour in (GREEN, GREY, BLUE, AMBER, RED)}
    columns = {fold(heading): place + 1 for place, heading in enumerate(sheet.head.headings) if heading}
    for row, status in told.items():
        word, advice = page.cell(row, first), page.cell(row, first + 1)
        _say(word, status.word)
        _say(advice, status.advice)
        word.fill, advice.alignment = fills[status.colour], Alignment(wrap_text=True, vertical="top")
        for heading in bad.get(row, ()):
            if heading in columns:
                page.cell(row, columns[heading]).fill = fills[RED]


def _divide(page: Any, first: int, rows: set[int]) -> None:
    """Merged cells end before the status: the line of a section is often as wide as the page, and only its first cell is writable."""
    for span in list(page.merged_cells.ranges):
        if span.max_col < first or span.min_col > first + 1 or rows.isdisjoint(range(span.min_row, span.max_row + 1)):
            continue
        for row, column in span.cells:
            page.cell(row, column)  # where two overlap, the other has taken cells away
        page.unmerge_cells(span.coord)
        if span.min_col < first and (span.min_col, span.min_row) != (first - 1, span.max_row):
            page.merge_cells(start_row=span.min_row, end_row=span.max_row, start_column=span.min_col, end_column=first - 1)


def _say(cell: Any, words: str) -> None:
    """As a text, whatever it begins with: a sentence may begin with a heading of the sender's."""
    cell.value = ILLEGAL.sub("", words)[:LONGEST_CELL] or None
    if cell.value is not None:
        cell.data_type = "s"


def _place(page: Any, sheet: Sheet, mapping: Mapping) -> int:
    """Where the status stands: where an earlier answer had it, else behind everything that the sheet holds."""
    for place in range(1, len(sheet.head.headings)):
        here, beside = (fold(str(page.cell(sheet.head.row, place + step).value or "")) for step in (0, 1))
        if here == fold(mapping.status) and beside == fold(ADVICE):
            return place
    return sheet.widest + 1


def _as_workbook(path: Path, sheet: Sheet) -> tuple[Any, Any]:
    """The cells as they were, texts as texts: nothing in them becomes a formula, and no zero is lost."""
    from openpyxl import Workbook

    book = Workbook()
    page: Any = book.active
    page.title = "Sheet"
    for number, cells in _all_rows(path, sheet):
        for place, value in enumerate(cells, start=1):
            if value is None or value == "":
                continue
            cell = page.cell(number, place)
            if isinstance(value, str):
                cell.value, cell.number_format = ILLEGAL.sub("", value)[:LONGEST_CELL], "@"
                cell.data_type = "s"
            else:
                cell.value = value
    return book, page


def _all_rows(path: Path, sheet: Sheet) -> Iterator[tuple[int, Sequence[Any]]]:
    if sheet.kind == "csv":
        with path.open(encoding=sheet.encoding, newline="") as stream:
            reader = csv.reader((line.replace("\0", "") for line in stream), delimiter=sheet.delimiter, strict=True)
            yield from enumerate(reader, start=1)
        return
    last = max(line.number for line in sheet.lines)
    if sheet.kind == "xls":
        yield from enumerate(islice(open_old(path, path.name).rows(sheet.name, MOST_COLUMNS), last), start=1)
        return
    from openpyxl import load_workbook

    with path.open("rb") as file:
        page: Any = load_workbook(file, read_only=True, data_only=True)[sheet.name]
        page.reset_dimensions()
        yield from enumerate(page.iter_rows(values_only=True, max_col=MOST_COLUMNS, max_row=last), start=1)
