"""Reads sheets of titles: XLSX and delimited text, with the headings wherever they stand.

Cells come as the sheet has them; what they mean is for the extractors. Of a workbook only values are read: formulas show what they showed
when the sheet was saved, and one that was never calculated is said to be so. What can't be read at all raises `Refused`.
"""

from __future__ import annotations

import codecs
import csv
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from include.files.model import Refused
from include.imports.extractors import UNCALCULATED, Cell, plain
from include.imports.mapping import Column, Mapping, PriceColumn, fold

MOST_BYTES = 500_000_000  # of a text, or of a workbook's parts unpacked: far more than any sheet of titles has
MOST_COLUMNS = 400
BLANK_ROWS = 2_000  # so many in a row, and the sheet is over, whatever its formatting says
_SAMPLE = 1 << 18  # bytes
_OLD = ("cp1252", "mac_roman", "cp1250", "cp1251", "cp1253", "cp1254", "cp850")
_SPREADSHEETS = (".xlsx", ".xlsm", ".xltx", ".xltm")
_TEXTS = (".csv", ".tsv", ".txt", ".tab")


@dataclass(frozen=True, slots=True)
class Line:
    """One row: `number` as a spreadsheet counts it. `shifted`: it has values beyond the last heading."""

    number: int
    cells: tuple[Cell, ...]
    shifted: bool = False

    def at(self, place: int | None) -> Cell:
        return self.cells[place] if place is not None and place < len(self.cells) else None


@dataclass(frozen=True, slots=True)
class Head:
    """The headings: where each column of the mapping stands, and which headings nobody asks for."""

    row: int
    headings: tuple[str, ...]
    places: dict[str, int]
    was: dict[str, int]
    prices: tuple[tuple[PriceColumn, int], ...]
    unknown: tuple[str, ...] = ()

    def heading(self, place: int | None) -> str:
        return self.headings[place] if place is not None and place < len(self.headings) else ""


@dataclass(slots=True)
class Sheet:
    """A sheet as it was read. `made_at` is None where nothing says when it was made."""

    kind: str  # xlsx, csv
    name: str  # of the worksheet
    head: Head
    lines: list[Line] = field(default_factory=list)
    made_at: datetime | None = None
    widest: int = 0  # columns that anything stands in, without heading, too
    encoding: str = ""
    delimiter: str = ""


def read(path: Path, name: str, mapping: Mapping, *, arrived: datetime | None = None) -> Sheet:
    """The sheet in the file at `path`, which the sender called `name`. `arrived`: when the file was written or came in.

    Raises `Refused`: not-a-sheet, sheet-broken, sheet-missing, encoding, csv-broken, no-headings, heading-twice, too-long, empty.
    """
    if _unpacked(path) > MOST_BYTES:
        raise Refused(
            "too-long", f"the sheet has more than {MOST_BYTES // 1_000_000} MB", where=name, todo="Send the rows of titles alone."
        )
    suffix = Path(name).suffix.lower()
    with path.open("rb") as file:
        start = file.read(8)
    if start[:4] == b"PK\x03\x04" and suffix != ".zip":
        return _workbook(path, name, mapping, arrived)
    if suffix in _SPREADSHEETS or start[:4] == b"\xd0\xcf\x11\xe0":
        todo = "Save it as an Excel workbook (.xlsx) without a password, or as CSV (UTF-8), and send it again."
        raise Refused("not-a-sheet", "this is no workbook of Excel 2007 or later, or it is encrypted", where=name, todo=todo)
    if suffix not in _TEXTS:
        raise Refused("not-a-sheet", f"sheets are .xlsx or .csv files, not {suffix or 'without an extension'}", where=name,
                      todo="Save it as an Excel workbook (.xlsx), and send it again.")  # fmt: skip
    return _text(path, name, mapping, arrived)


def _unpacked(path: Path) -> int:
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
    try:
        title = _worksheet(book.sheetnames, name, mapping)
        sheet: Any = book[title]
        if not hasattr(sheet, "iter_rows"):
            raise Refused("not-a-sheet", f"{title!r} holds a chart, no rows", where=name, todo="Put the rows into the first sheet.")
        sheet.reset_dimensions()  # what the file says of its size need not be so
        rows = _numbered(sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS))
        properties = book.properties
        told = {"modified": _zoned(properties.modified), "created": _zoned(properties.created), "arrived": arrived}
        uncalculated = _uncalculated(path, title) if _has_formulas(path) else frozenset()
        return _sheet("xlsx", title, name, mapping, rows, told, uncalculated)
    except Refused:
        raise
    except Exception as bad:  # as above: rows are parsed as they are read
        raise broken from bad
    finally:
        book.close()


def _worksheet(names: Sequence[str], name: str, mapping: Mapping) -> str:
    if not mapping.sheet and names:
        return names[0]
    for one in names:
        if one.strip().casefold() == mapping.sheet.casefold():
            return one
    todo = f"Call it so; there are {', '.join(names) or 'none'}."
    raise Refused("sheet-missing", f"there is no worksheet {mapping.sheet!r}", where=name, todo=todo)


def _has_formulas(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.filename.startswith("xl/worksheets/"):
                tail = b""
                with archive.open(info) as part:
                    while piece := part.read(1 << 20):
                        if b"<f>" in (seen := tail + piece) or b"<f " in seen:
                            return True
                        tail = piece[-3:]
    return False


def _uncalculated(path: Path, title: str) -> frozenset[tuple[int, int]]:
    """Cells with a formula (row and place); whether one has a value, the other reading tells."""
    from openpyxl import load_workbook

    with path.open("rb") as file:
        book = load_workbook(file, read_only=True)
        sheet: Any = book[title]
        sheet.reset_dimensions()
        return frozenset(
            (row, place)
            for row, cells in _numbered(sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS))
            for place, cell in enumerate(cells)
            if isinstance(cell, str) and cell.startswith("=")
        )


def _zoned(moment: datetime | None) -> datetime | None:
    """Workbooks keep their times in UTC, without saying so."""
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


# --- delimited text


def _text(path: Path, name: str, mapping: Mapping, arrived: datetime | None) -> Sheet:
    encoding = encoding_of(path, name, mapping.encoding)
    with path.open(encoding=encoding, newline="") as stream:
        try:
            start = stream.read(1 << 16)
        except UnicodeDecodeError as bad:
            raise _undecodable(name, encoding) from bad
        stream.seek(0)
        delimiter = mapping.delimiter or _delimiter(start)
        reader = csv.reader((line.replace("\0", "") for line in stream), delimiter=delimiter, strict=True)
        try:
            rows = ((number, tuple(cells[:MOST_COLUMNS])) for number, cells in enumerate(reader, start=1))
            sheet = _sheet("csv", "", name, mapping, rows, {"arrived": arrived}, frozenset())
        except csv.Error as bad:
            todo = "Look at the quotation marks of that line, or send a workbook (.xlsx)."
            raise Refused("csv-broken", f"the text can't be split into columns: {bad}", where=f"{name}, line {reader.line_num}",
                          todo=todo) from bad  # fmt: skip
        except UnicodeDecodeError as bad:
            raise _undecodable(name, encoding) from bad
    sheet.encoding, sheet.delimiter = encoding, delimiter
    return sheet


def encoding_of(path: Path, name: str, told: str = "") -> str:
    """What the text is in: its byte-order mark, UTF-8 if all of it is, what the mapping says, else the best guess."""
    with path.open("rb") as file:
        start = file.read(_SAMPLE)
    for mark, encoding in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if start.startswith(mark):
            return encoding
    for half, encoding in ((start[1::2], "utf-16-le"), (start[::2], "utf-16-be")):
        if half.count(0) > len(half) * 0.4:
            return encoding
    if _is_utf8(path):
        return "utf-8"
    if told:
        return told
    from charset_normalizer import from_bytes

    guess = from_bytes(start, cp_isolation=list(_OLD)).best()
    if guess is None:
        raise _undecodable(name, "any encoding that is known here")
    return guess.encoding


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        try:
            while piece := file.read(1 << 20):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
    return True


def _undecodable(name: str, encoding: str) -> Refused:
    return Refused("encoding", f"the text is not in {encoding}", where=name, todo="Save it as CSV UTF-8, or as a workbook (.xlsx).")


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
    uncalculated: frozenset[tuple[int, int]],
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
        if uncalculated:
            cells = tuple(  # noqa: PLW2901
                UNCALCULATED if cell is None and (number, place) in uncalculated else cell for place, cell in enumerate(cells)
            )
        if sheet.widest < len(cells):
            sheet.widest = max(sheet.widest, _width(cells))
        if not any(cells[place] not in {None, ""} and str(cells[place]).strip() for place in asked if place < len(cells)):
            blank += 1  # nothing, or a note beside the table
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


def _width(cells: Sequence[Cell]) -> int:
    return max((place for place, cell in enumerate(cells, start=1) if cell not in {None, ""}), default=0)


def find_head(rows: Sequence[tuple[int, tuple[Cell, ...]]], name: str, mapping: Mapping) -> Head:
    """The row with most of the mapping's headings. It must have one of the keys and all required columns. Raises `Refused`."""
    best = max(((len(_places(cells, mapping.columns)), -number, cells) for number, cells in rows), default=None, key=lambda one: one[:2])
    if best is None or not best[0]:
        wanted = ", ".join(column.headers[0] for column in mapping.columns.values())
        raise Refused(
            "no-headings", f"none of the first {mapping.header_within} rows has headings that are known", where=name,
            todo=f"Known headings: {wanted}. Or the sheet belongs to another mapping than {mapping.id}.",
        )  # fmt: skip
    number, cells = -best[1], best[2]
    headings = tuple(_heading(cell) for cell in cells)
    while headings and not headings[-1]:
        headings = headings[:-1]
    places = _places(headings, mapping.columns)
    missing = [column.headers[0] for field_name, column in mapping.columns.items() if column.required and field_name not in places]
    if not any(key in places for key in mapping.key):
        missing.append(" or ".join(mapping.columns[key].headers[0] for key in mapping.key if key in mapping.columns))
    if missing:
        raise Refused("no-headings", f"there is no column {', '.join(missing)}", where=f"{name}, row {number}", todo="Add it.")
    for place in places.values():
        if [fold(heading) for heading in headings].count(fold(headings[place])) > 1:
            message = f"two columns are called {headings[place]!r}"
            raise Refused("heading-twice", message, where=f"{name}, row {number}", todo="Rename one of them.")
    was = {name_: found for name_, column in mapping.columns.items() if (found := _first(headings, column.was)) is not None}
    prices = tuple((price, found) for price in mapping.prices if (found := _first(headings, price.headers)) is not None)
    used = {*places.values(), *was.values(), *(found for _, found in prices)}
    unknown = tuple(heading for at, heading in enumerate(headings) if heading and at not in used)
    return Head(number, headings, places, was, prices, unknown)


def _places(cells: Sequence[Cell], columns: dict[str, Column]) -> dict[str, int]:
    headings = [_heading(cell) for cell in cells]
    return {name: place for name, column in columns.items() if (place := _first(headings, column.headers)) is not None}


def _first(headings: Sequence[str], wanted: Sequence[str]) -> int | None:
    """Where the first of the wanted headings stands: the mapping's order is its preference."""
    folded = {fold(heading): place for place, heading in enumerate(headings) if heading}
    return next((folded[key] for one in wanted if (key := fold(one)) in folded), None)


def _heading(cell: Cell) -> str:
    return " ".join(str(cell).split())[:200] if isinstance(cell, str) else "" if cell is None else str(cell)


def stated(above: Sequence[Sequence[Cell]], mapping: Mapping) -> datetime | None:
    """The moment that the sheet says it was made at, above its headings; of a day alone, its beginning."""
    if not mapping.stated:
        return None
    pattern = re.compile(mapping.stated, re.IGNORECASE)
    for cells in above:
        for place, cell in enumerate(cells):
            said = pattern.search(str(cell)) if isinstance(cell, str) else None
            if said and (moment := _moment(said.group(1), mapping.dates)):
                return moment
            beside = cells[place + 1] if place + 1 < len(cells) else None
            if isinstance(cell, str) and isinstance(beside, datetime) and pattern.search(f"{cell} {plain(beside)}"):
                return beside.replace(tzinfo=UTC)
            together = pattern.search(f"{cell} {beside}") if isinstance(cell, str) and isinstance(beside, str) else None
            if together and (moment := _moment(together.group(1), mapping.dates)):
                return moment
    return None


def _moment(said: str, forms: Sequence[str]) -> datetime | None:
    for way in (datetime.fromisoformat, *(lambda text, form=form: datetime.strptime(text, form) for form in forms)):  # noqa: DTZ007
        try:
            moment = way(said.strip().rstrip("."))
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
