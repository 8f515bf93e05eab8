"""Workbooks of Excel 97 to 2003 (`.xls`), read by xlrd: at most 65,536 rows, values as they were last calculated. Nothing writes them."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import xlrd

from include.files.model import Refused
from include.imports.extractors import Cell

MAGIC = b"\xd0\xcf\x11\xe0"  # of Microsoft's compound files; a locked .xlsx is one, too
MOST_BYTES = 40_000_000  # xlrd holds a sheet in about twenty times as many
_BROKEN = (
    xlrd.XLRDError,
    xlrd.compdoc.CompDocError,
    struct.error,
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NotImplementedError,
    TypeError,
    ValueError,
)  # fmt: skip - what xlrd raises for damaged files
SERIAL_ZERO = (date(1899, 12, 30), date(1904, 1, 1))


@dataclass(frozen=True, slots=True)
class OldWorkbook:
    """One file."""

    book: Any
    name: str

    @property
    def sheets(self) -> Iterator[tuple[str, bool]]:
        """Name of each worksheet and whether people see it, in order; each is loaded as it is asked for. Raises `Refused`."""
        for number in range(self.book.nsheets):
            try:
                sheet = self.book.sheet_by_index(number)
            except _BROKEN as bad:
                raise _broken(self.name) from bad
            yield str(sheet.name), sheet.visibility == 0

    @property
    def serial_zero(self) -> date:
        return SERIAL_ZERO[self.book.datemode]

    def rows(self, title: str, columns: int) -> Iterator[tuple[Cell, ...]]:
        """Rows from the first on, blank ones, too. Raises `Refused`."""
        try:
            sheet = self.book.sheet_by_name(title)
            for number in range(sheet.nrows):
                kinds, values = sheet.row_types(number, 0, columns), sheet.row_values(number, 0, columns)
                yield tuple(self._cell(kind, value) for kind, value in zip(kinds, values, strict=True))
        except _BROKEN as bad:
            raise _broken(self.name) from bad

    def _cell(self, kind: int, value: Any) -> Cell:
        match kind:
            case xlrd.XL_CELL_NUMBER | xlrd.XL_CELL_TEXT:
                return value  # type: ignore[no-any-return]
            case xlrd.XL_CELL_DATE:
                try:
                    return xlrd.xldate_as_datetime(value, self.book.datemode)  # type: ignore[no-any-return]
                except (ArithmeticError, ValueError, xlrd.xldate.XLDateError):
                    return float(value)  # looks like a date and is none: the extractor says so
            case xlrd.XL_CELL_BOOLEAN:
                return bool(value)
            case xlrd.XL_CELL_ERROR:
                return str(xlrd.error_text_from_code.get(value, "#VALUE!"))
        return None


def open_old(path: Path, name: str) -> OldWorkbook:
    """Raises `Refused`: too-long, sheet-broken, not-a-sheet."""
    if path.stat().st_size > MOST_BYTES:
        todo = "Save it as an Excel workbook (.xlsx), or send the rows of titles alone."
        raise Refused("too-long", f"an .xls has more than {MOST_BYTES // 1_000_000} MB", where=name, todo=todo)
    try:
        return OldWorkbook(xlrd.open_workbook(str(path), on_demand=True, ragged_rows=True, logfile=_Silent()), name)
    except _BROKEN as bad:
        if "encrypt" in str(bad).lower() or "Can't find workbook" in str(bad):
            todo = "Save it as an Excel workbook (.xlsx) without a password, or as CSV (UTF-8), and send it again."
            raise Refused("not-a-sheet", "the workbook is behind a password, or is none", where=name, todo=todo) from bad
        raise _broken(name) from bad


def _broken(name: str) -> Refused:
    return Refused("sheet-broken", "the workbook can't be read", where=name, todo="Open it in Excel, save it as .xlsx, and send it again.")


class _Silent:
    """xlrd writes its doubts here."""

    def write(self, _: str) -> int:
        return 0

    def flush(self) -> None:
        pass
