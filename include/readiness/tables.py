"""A readiness report as CSV, XLSX and JSON. Each writer takes lines one by one: memory does not grow with their number.

No text becomes a formula: CSV puts an apostrophe in front of what a spreadsheet program would run, XLSX marks texts as texts.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Sequence
from datetime import date
from io import StringIO
from types import TracebackType
from typing import Any, BinaryIO, Protocol, Self

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.formatting.rule import CellIsRule
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from include.feeds.workbook import same_bytes, text_cell
from include.files.characters import ILLEGAL, LONGEST_CELL, harmless
from include.readiness.columns import SCHEMA, Column, Line, Value

SCHEMA_HEADER = "Schema"
FILLS = {  # state, risk or check → background and letters, as on the page
    "ready": ("D7EEDD", "17512B"), "done": ("D7EEDD", "17512B"), "open": ("FBEBC8", "6B4A00"), "missing": ("FBEBC8", "6B4A00"),
    "low": ("FBEBC8", "6B4A00"), "late": ("F8D3CF", "8A1F14"), "high": ("F8D3CF", "8A1F14"), "published": ("DDE5F0", "2B4264"),
    "not asked": ("F1F1EE", "6F6F68"),
}  # fmt: skip


class Writer(Protocol):
    """Writes a report's lines into a binary file; whole after a clean exit."""

    def __enter__(self) -> Self: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    def add(self, line: Line, values: Sequence[Value]) -> None: ...


class CsvReport:
    """UTF-8 with a byte-order mark, so that spreadsheet programs read accents; commas, CRLF (RFC 4180)."""

    def __init__(self, out: BinaryIO, columns: Sequence[Column]) -> None:
        self._out, self._columns = out, columns

    def __enter__(self) -> Self:
        self._out.write("\ufeff".encode())
        self._write([SCHEMA_HEADER, *(column.header for column in self._columns)])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        return

    def add(self, line: Line, values: Sequence[Value]) -> None:
        self._write([str(SCHEMA), *(harmless(plain) if isinstance(value, str) else plain for value in values for plain in [text(value)])])

    def _write(self, values: Sequence[str]) -> None:
        row = StringIO(newline="")
        csv.writer(row, lineterminator="\r\n").writerow(values)
        self._out.write(row.getvalue().encode())


class XlsxReport:
    """One sheet: frozen header and title, a filter on every column, widths that fit, colours that follow the values."""

    def __init__(self, out: BinaryIO, columns: Sequence[Column]) -> None:
        self._out, self._columns = out, columns
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("Readiness")
        self._rows = 1

    def __enter__(self) -> Self:
        titled = next((number for number, column in enumerate(self._columns, start=2) if column.key == "title"), 0)
        self._sheet.freeze_panes = f"{get_column_letter(titled + 1) if 0 < titled <= 4 else 'A'}2"
        self._sheet.column_dimensions["A"].width = 9
        for number, column in enumerate(self._columns, start=2):
            self._sheet.column_dimensions[get_column_letter(number)].width = column.width
        self._sheet.row_dimensions[1].height = 45
        self._sheet.page_setup.orientation, self._sheet.page_setup.fitToHeight = "landscape", 0
        self._sheet.sheet_properties.pageSetUpPr.fitToPage = True
        self._sheet.print_title_rows = "1:1"
        self._sheet.append([self._heading(header) for header in (SCHEMA_HEADER, *(column.header for column in self._columns))])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        last = get_column_letter(len(self._columns) + 1)
        self._sheet.auto_filter.ref = f"A1:{last}{self._rows}"
        self._colour()
        with tempfile.TemporaryFile() as draft:
            self._book.save(draft)  # also after an error: it removes openpyxl's own temporary file
            if kind is None:
                draft.seek(0)
                same_bytes(draft, self._out)

    def add(self, line: Line, values: Sequence[Value]) -> None:
        self._sheet.append([WriteOnlyCell(self._sheet, SCHEMA), *(self._cell(value) for value in values)])
        self._rows += 1

    def _cell(self, value: Value) -> Any:
        if value is None or value == "":
            return None
        if isinstance(value, str):
            cell = text_cell(self._sheet, text(value)[:LONGEST_CELL])
            cell.alignment = Alignment(vertical="top")
            return cell
        if isinstance(value, date) and value.year < 1900:  # a workbook knows no day before 1900
            return text_cell(self._sheet, value.isoformat())
        cell = WriteOnlyCell(self._sheet, value)  # type: ignore[arg-type]  # dates are written too
        cell.number_format = "yyyy-mm-dd" if isinstance(value, date) else "General"
        cell.alignment = Alignment(vertical="top")
        return cell

    def _heading(self, header: str) -> Any:
        cell = text_cell(self._sheet, header, bold=True)
        cell.font, cell.fill = Font(bold=True, color="FFFFFF"), PatternFill("solid", fgColor="2B4264")
        cell.alignment = Alignment(wrap_text=True, vertical="center")
        return cell

    def _colour(self) -> None:
        for number, column in enumerate(self._columns, start=2):
            words = {
                "state": ("ready", "open", "late", "published"),
                "risk": ("low", "high"),
                "check": ("done", "missing", "late", "not asked"),
            }
            letter = get_column_letter(number)
            for word in words.get(column.kind, ()):
                fill, letters = FILLS[word]
                rule = CellIsRule("equal", [f'"{word}"'], font=Font(color=letters), fill=PatternFill("solid", bgColor=fill))  # type: ignore[no-untyped-call]
                self._sheet.conditional_formatting.add(f"{letter}2:{letter}{max(self._rows, 2)}", rule)


class JsonReport:
    """One object: what it is, its schema, and `titles`; with a title's checks where the party has the columns of any."""

    def __init__(self, out: BinaryIO, columns: Sequence[Column], head: dict[str, Any]) -> None:
        self._out, self._head, self._first = out, head, True
        self._columns = [column for column in columns if column.kind != "check"]
        self._codes = {column.key for column in columns if column.kind == "check"}
        self._places = [place for place, column in enumerate(columns) if column.kind != "check"]

    def __enter__(self) -> Self:
        head = {"schema": "readiness", "version": SCHEMA, **self._head}
        self._out.write(json.dumps(head, ensure_ascii=False, indent=1)[:-2].encode("utf-8", "replace") + b',\n "titles": [')
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._out.write(b"\n ]\n}\n")

    def add(self, line: Line, values: Sequence[Value]) -> None:
        written: dict[str, Any] = {
            column.key: values[place].isoformat() if isinstance(values[place], date) else values[place]  # type: ignore[union-attr]
            for column, place in zip(self._columns, self._places, strict=True)
        }
        if self._codes:
            written["checks"] = shown_checks(line, self._codes)
        separator = b"\n  " if self._first else b",\n  "
        self._first = False
        self._out.write(separator + json.dumps(written, ensure_ascii=False).encode("utf-8", "replace"))


def shown_checks(line: Line, codes: set[str]) -> list[dict[str, Any]]:
    """A title's checks, as far as the party has their columns."""
    return [
        one
        for one in line.row.checks
        if one["code"] in codes or ("contract-delivery" in codes and one["code"].startswith("contract-delivery-"))
    ]


def text(value: Value) -> str:
    """As it stands in a cell: ISO dates, plain digits; characters that no spreadsheet takes are left out."""
    if value is None:
        return ""
    if isinstance(value, str):
        return ILLEGAL.sub("", value)
    return value.isoformat() if isinstance(value, date) else str(value)
