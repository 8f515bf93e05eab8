"""Reads sheets of titles: XLSX, XLS and delimited text, with the headings wherever they stand.

Cells come as the sheet has them; what they mean is for the extractors. Of a workbook only values are read: formulas show what they showed
when the sheet was saved, and one that was never calculated is said to be so. What can't be read at all raises `Refused`.
"""

from __future__ import annotations

import csv
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any, cast

from include.files.model import Refused
from include.imports.biff import MAGIC, open_old
from include.imports.encodings import encoding_of, undecodable
from include.imports.extractors import SERIAL_ZERO, UNCALCULATED, Cell
from include.imports.heads import Head, find_head, stated
from include.imports.mapping import Mapping, fold

MOST_BYTES = 200_000_000  # of a text, or of a workbook's parts unpacked: far more than any sheet of titles has
MOST_COLUMNS = 400
_FIRST_YEAR = 2006  # of the format
FEWEST_DIGITS = 7  # of an ISBN-10 that lost its zeros
BLANK_ROWS = 2_000  # so many in a row, and the sheet is over, whatever its formatting says
_FORMULA = re.compile(rb"<(?:\w{1,30}:)?f[\s/>]")
_HIDDEN = re.compile(rb"<(?:\w{1,30}:)?row\s(?=[^>]{0,500}hidden=[\"'](?:1|true)[\"'])[^>]{0,500}?\br=[\"']([0-9]{1,7})[\"']")
_SPREADSHEETS = (".xlsx", ".xlsm", ".xltx", ".xltm")
_TEXTS = (".csv", ".tsv", ".txt", ".tab", ".xls")  # many a system calls its text so


@dataclass(frozen=True, slots=True)
class Line:
    """One row: `number` as a spreadsheet counts it. `shifted`: it has values beyond the last heading."""

    number: int
    cells: tuple[Cell, ...]
    shifted: bool = False

    def at(self, place: int | None) -> Cell:
        return self.cells[place] if place is not None and place < len(self.cells) else None


@dataclass(slots=True)
class Sheet:
    """A sheet as it was read. `made_at` is None where nothing says when it was made."""

    kind: str  # xlsx, xls, csv
    name: str  # of the worksheet
    head: Head
    lines: list[Line] = field(default_factory=list)
    made_at: datetime | None = None
    serial_zero: date = SERIAL_ZERO  # the day that the workbook's numbers of days count from
    widest: int = 0  # columns that anything stands in, without heading, too
    hidden: frozenset[int] = frozenset()  # rows that its sender does not see, of .xlsx
    encoding: str = ""
    delimiter: str = ""


def read(path: Path, name: str, mapping: Mapping, *, arrived: datetime | None = None) -> Sheet:
    """The sheet in the file at `path`, which the sender called `name`. `arrived`: when the file was written or came in.

    Raises `Refused`: not-a-sheet, sheet-broken, sheet-missing, encoding, csv-broken, no-headings, heading-twice, too-long, empty.
    """
    if unpacked(path) > MOST_BYTES:
        raise Refused(
            "too-long", f"the sheet has more than {MOST_BYTES // 1_000_000} MB", where=name, todo="Send the rows of titles alone."
        )
    suffix = Path(name).suffix.lower()
    with path.open("rb") as file:
        start = file.read(8)
    if start[:4] == b"PK\x03\x04" and suffix != ".zip":
        return _workbook(path, name, mapping, arrived)
    if start[:4] == MAGIC:
        return _old_workbook(path, name, mapping, arrived)
    todo = "Save it as an Excel workbook (.xlsx), and send it again."
    if suffix in _SPREADSHEETS:
        raise Refused("not-a-sheet", "the file is called a workbook, and is none", where=name, todo=todo)
    if suffix not in _TEXTS:
        what = f"sheets are .xlsx, .xls or .csv files, not {suffix or 'without an extension'}"
        raise Refused("not-a-sheet", what, where=name, todo=todo)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        raise Refused("not-a-sheet", "this is a web page, or XML, and no sheet", where=name, todo=f"Open it in Excel. {todo}")
    return _text(path, name, mapping, arrived)


def unpacked(path: Path) -> int:
    """Bytes that reading it may need. What is no zip, or a broken one, is as large as it is."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(info.file_size for info in archive.infolist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return path.stat().st_size


# --- workbooks


def _workbook(path: Path, name: str, mapping: Mapping, arrived: datetime | None) -> Sheet:
    from openpyxl import load_workbook

    broken = Refused("sheet-broken", "the workbook can't be read", where=name, todo="Open it in Excel, save it anew, and send it again.")
    with path.open("rb") as file:  # by name openpyxl wants an ending, which artefacts have none of
        try:
            book = load_workbook(file, read_only=True, data_only=True)
        except Exception as bad:  # it raises whatever a damaged part makes its parsers raise
            raise broken from bad
        return _of_workbook(book, path, name, mapping, arrived, broken)


def _of_workbook(book: Any, path: Path, name: str, mapping: Mapping, arrived: datetime | None, broken: Refused) -> Sheet:
    with ExitStack() as stack:
        try:
            seen = ((one, book[one].sheet_state == "visible" and hasattr(book[one], "iter_rows")) for one in book.sheetnames)  # or a chart
            title = _worksheet(seen, name, mapping)
            sheet: Any = book[title]
            if not hasattr(sheet, "iter_rows"):
                raise Refused("not-a-sheet", f"{title!r} holds a chart, no rows", where=name, todo="Put the rows into the first sheet.")
            rows = _numbered(_rows(sheet))
            has_formulas, hidden = _looked_through(path, getattr(sheet, "_worksheet_path", ""))
            if has_formulas:
                rows = _numbered(_calculated(_rows(sheet), stack.enter_context(_formulas(path, title))))
            properties = book.properties
            told = {"modified": _zoned(properties.modified), "created": _zoned(properties.created), "arrived": arrived}
            found = _sheet("xlsx", title, f"{name}, worksheet {title}" if len(book.sheetnames) > 1 else name, mapping, rows, told)
        except Refused:
            raise
        except Exception as bad:  # as above: rows are parsed as they are read
            raise broken from bad
        finally:
            book.close()
    found.serial_zero, found.hidden = book.epoch.date() if book.epoch.year == 1904 else SERIAL_ZERO, hidden
    return found


def _old_workbook(path: Path, name: str, mapping: Mapping, arrived: datetime | None) -> Sheet:
    book = open_old(path, name)
    title = _worksheet(book.sheets, name, mapping)
    rows = _numbered(book.rows(title, MOST_COLUMNS))
    found = _sheet("xls", title, f"{name}, worksheet {title}" if book.book.nsheets > 1 else name, mapping, rows, {"arrived": arrived})
    found.serial_zero = book.serial_zero
    return found


def _worksheet(names: Iterable[tuple[str, bool]], name: str, mapping: Mapping) -> str:
    """The one that the mapping names, else the first that people see."""
    others: list[str] = []
    for one, seen in names:
        if one.strip().casefold() == mapping.sheet.casefold() or (seen and not mapping.sheet):
            return one
        others.append(one)
    if others and not mapping.sheet:
        return others[0]
    todo = f"Call it so; there are {', '.join(others) or 'none'}."
    raise Refused("sheet-missing", f"there is no worksheet {mapping.sheet!r}", where=name, todo=todo)


def _rows(sheet: Any) -> Iterator[tuple[Any, ...]]:
    sheet.reset_dimensions()  # what the file says of its size need not be so
    return cast(Iterator[tuple[Any, ...]], sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS))


def _looked_through(path: Path, part: str) -> tuple[bool, frozenset[int]]:
    """Whether there are formulas, and which rows of the worksheet in this part of the package are hidden."""
    formulas, hidden = False, set[int]()
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename.startswith("xl/worksheets/"):
                tail = b""
                with archive.open(info) as stream:
                    while piece := stream.read(1 << 20):
                        seen = tail + piece
                        formulas = formulas or bool(_FORMULA.search(seen))
                        if info.filename == part and b"hidden=" in seen:
                            hidden.update(int(number) for number in _HIDDEN.findall(seen))
                        tail = seen[-1_100:]
    return formulas, frozenset(hidden)


@contextmanager
def _formulas(path: Path, title: str) -> Iterator[Iterator[tuple[Any, ...]]]:
    """The same rows, with formulas instead of what they came to."""
    from openpyxl import load_workbook

    with path.open("rb") as file:
        yield _rows(load_workbook(file, read_only=True)[title])


def _calculated(values: Iterable[tuple[Any, ...]], formulas: Iterable[tuple[Any, ...]]) -> Iterator[tuple[Cell, ...]]:
    """Row by row beside each other, as far as they are wanted: a formula that has no value is told from an empty cell."""
    for cells, beside in zip(values, formulas, strict=False):
        if None in cells and any(cell is not None for cell in beside):
            yield tuple(UNCALCULATED if cell is None and _is_formula(said) else cell for cell, said in zip(cells, beside, strict=False))
        else:
            yield cells


def _is_formula(cell: Any) -> bool:
    return cell.startswith("=") if isinstance(cell, str) else hasattr(cell, "ref")  # of an array, or a table of data


def _zoned(moment: datetime | None) -> datetime | None:
    """Workbooks keep their times in UTC, without saying so. Programs that know no time write 1601, 1980 or the like."""
    if moment is None or moment.year < _FIRST_YEAR:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


# --- delimited text


def _text(path: Path, name: str, mapping: Mapping, arrived: datetime | None) -> Sheet:
    encoding = encoding_of(path, name, mapping.encoding)
    with path.open(encoding=encoding, newline="") as stream:
        try:
            start = stream.read(1 << 16)
        except UnicodeDecodeError as bad:
            raise undecodable(name, encoding) from bad
        stream.seek(0)
        delimiter = mapping.delimiter or _delimiter(start)
        reader = csv.reader((line.replace("\0", "") for line in stream), delimiter=delimiter, strict=True)
        try:
            rows = ((number, tuple(cells[:MOST_COLUMNS])) for number, cells in enumerate(reader, start=1))
            sheet = _sheet("csv", "", name, mapping, rows, {"arrived": arrived})
        except csv.Error as bad:
            todo = "Look at the quotation marks of that line, or send a workbook (.xlsx)."
            raise Refused("csv-broken", f"the text can't be split into columns: {bad}", where=f"{name}, line {reader.line_num}",
                          todo=todo) from bad  # fmt: skip
        except UnicodeDecodeError as bad:
            raise undecodable(name, encoding) from bad
    sheet.encoding, sheet.delimiter = encoding, delimiter
    return sheet


def _delimiter(start: str) -> str:
    """The one that divides most of the first lines, evenly."""
    lines = [line for line in start.splitlines()[:30] if line.strip()]
    counts = {mark: sorted(line.count(mark) for line in lines) for mark in (";", "\t", "|", ",")}
    return max(counts, key=lambda mark: (counts[mark][len(lines) // 2] if lines else 0, max(counts[mark], default=0)))


# --- both


def _numbered(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[int, tuple[Cell, ...]]]:
    return ((number, tuple(cells)) for number, cells in enumerate(rows, start=1))


def _sheet(
    kind: str,
    title: str,
    name: str,
    mapping: Mapping,
    rows: Iterator[tuple[int, tuple[Cell, ...]]],
    told: dict[str, datetime | None],
) -> Sheet:
    first = list(islice(rows, mapping.header_within))
    head = find_head(first, name, mapping)
    above = [cells for number, cells in first if number < head.row]
    below = [row for row in first if row[0] > head.row]
    told["stated"] = stated(above, mapping)
    sheet = Sheet(kind, title, head, made_at=next((moment for way in mapping.made if (moment := told.get(way))), None))
    sheet.widest = max([len(head.headings), *(_width(cells) for _, cells in first)])
    wide, blank = len(head.headings), 0
    asked = sorted({*head.places.values(), *head.was.values(), *(place for _, place in head.prices)})
    for number, cells in chain(below, rows):
        if sheet.widest < len(cells):
            sheet.widest = max(sheet.widest, _width(cells))
        filled = [place for place in asked if place < len(cells) and cells[place] not in {None, ""} and str(cells[place]).strip()]
        if not filled or _is_no_row(cells, filled, head):
            blank += not filled  # nothing, or a note beside the table
            if blank > BLANK_ROWS:
                break
            continue
        blank = 0
        if len(sheet.lines) == mapping.rows:
            raise Refused("too-long", f"the sheet has more than {mapping.rows:,} rows", where=name, todo="Send it in parts.")
        beyond = kind == "csv" and any(isinstance(cell, str) and cell.strip() for cell in cells[wide:])
        sheet.lines.append(Line(number, cells[:wide], shifted=beyond))
    if not sheet.lines:
        raise Refused("empty", "there are no rows below the headings", where=name, todo="Send the sheet with its rows.")
    return sheet


def _is_no_row(cells: Sequence[Cell], filled: Sequence[int], head: Head) -> bool:
    """The line of a section (`Spring 2027` in the column of ISBNs, and nothing else), or the headings once more, on a page of their own."""
    if filled == [head.places.get("isbn")]:
        return sum(map(str.isdigit, str(cells[filled[0]]))) < FEWEST_DIGITS
    return len(filled) > 1 and all(fold(str(cells[place])) == fold(head.heading(place)) for place in filled)


def _width(cells: Sequence[Cell]) -> int:
    return max((place for place, cell in enumerate(cells, start=1) if cell not in {None, ""}), default=0)
