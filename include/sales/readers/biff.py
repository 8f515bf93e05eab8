"""Real XLS (BIFF), as old reporting systems write it: at most 65,536 rows a sheet, read whole by xlrd."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import xlrd

from include.errors import RejectedData
from include.files.bounds import printable
from include.sales.readers.rows import Gatherer, Ragged, Rows, Shape
from include.sales.readers.workbook import dated, number

MOST_BYTES = 256 << 20  # xlrd holds it all; a full sheet of numbers is a tenth of this
_BROKEN = (
    xlrd.XLRDError,
    xlrd.compdoc.CompDocError,
    struct.error,
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OverflowError,
    TypeError,
    UnicodeError,
    ValueError,
)  # what xlrd raises for damaged files


class OldWorkbook:
    """One XLS file. Raises `RejectedData`."""

    def __init__(self, path: Path, member: str = "") -> None:
        if path.stat().st_size > MOST_BYTES:
            raise RejectedData("an XLS file of this size is none", where=printable(member), todo="Ask for it as XLSX or CSV.")
        try:
            book = xlrd.open_workbook(str(path), on_demand=False, logfile=_Silent())
            self.sheets = [OldSheet(sheet, book.datemode == 1, member) for sheet in book.sheets()]
        except _BROKEN as bad:
            locked = "encrypted" in str(bad).lower()
            what = "the workbook is behind a password" if locked else "the workbook is damaged"
            raise RejectedData(what, where=printable(member), todo="Ask for it again, as XLSX or CSV.") from bad


class OldSheet:
    """One sheet of it."""

    def __init__(self, sheet: xlrd.sheet.Sheet, since_1904: bool, member: str) -> None:
        self._sheet, self.since_1904 = sheet, since_1904
        self.hidden = bool(sheet.visibility)
        self.name, self.member = str(sheet.name), member

    def _rows(self, mark: str) -> Iterator[tuple[int, list[str]]]:
        for at in range(self._sheet.nrows):
            cells = [
                self._cell(kind, value, mark) for kind, value in zip(self._sheet.row_types(at), self._sheet.row_values(at), strict=True)
            ]
            if any(cells):
                yield at + 1, cells

    def _cell(self, kind: int, value: object, mark: str) -> str:
        if kind == xlrd.XL_CELL_NUMBER:
            return number(repr(value).removesuffix(".0"), mark)
        if kind == xlrd.XL_CELL_DATE:
            try:
                return dated(Decimal(repr(value)), since_1904=self.since_1904)
            except ValueError:
                return number(repr(value).removesuffix(".0"), mark)
        if kind == xlrd.XL_CELL_BOOLEAN:
            return "TRUE" if value else "FALSE"
        if kind == xlrd.XL_CELL_ERROR:
            return str(xlrd.error_text_from_code.get(value, "#ERROR"))
        return str(value)

    def head(self, rows: int) -> list[tuple[int, list[str]]]:
        found = []
        for one in self._rows("."):
            found.append(one)
            if len(found) >= rows:
                break
        return found

    def batches(self, shape: Shape, rows_at_once: int, ragged: Ragged) -> Iterator[Rows]:
        below = ((at, cells) for at, cells in self._rows(shape.mark) if at > shape.header_row)
        yield from Gatherer(shape.width, rows_at_once).gathered(below)


class _Silent:
    """xlrd writes its doubts here."""

    def write(self, _: str) -> int:
        return 0

    def flush(self) -> None:
        pass
