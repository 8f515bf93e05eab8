"""Tables of a report as CSV and as one workbook, row by row: memory does not grow with them, and the same rows give the same bytes.

No text becomes a formula; decimals keep every digit. Each row of a CSV says by which version of its columns it is written, since programs
read it; a workbook, which people read, begins with a sheet that says what it is.
"""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, TextIO

from xlsxwriter import Workbook

from include.errors import ConfigurationError
from include.files.characters import ILLEGAL, LONGEST_CELL, harmless
from include.workbooks.write import number

SCHEMA = 1
"""Count it up whenever a column is renamed, moved or taken away; one more at the end changes nothing for who reads by name."""
SCHEMA_HEADER = "Schema"
Value = str | int | Decimal | date | None
_MADE = datetime(1980, 1, 1)  # noqa: DTZ001 - the library wants it so; a workbook does not say when it was written
_MOST = 1_048_576  # rows of a sheet, with its header
_FILLS = {
    "not held": ("#F8D3CF", "#8A1F14"), "unknown": ("#FBEBC8", "#6B4A00"), "territory not told": ("#FBEBC8", "#6B4A00"),
    "difference": ("#DDF1E3", "#14532D"),
}  # fmt: skip
_HEADING = {"bold": True, "bg_color": "#2B4264", "font_color": "#FFFFFF", "text_wrap": True, "valign": "vcenter", "num_format": "@"}


@dataclass(frozen=True, slots=True)
class Column:
    header: str
    kind: Literal["text", "whole", "plain", "decimal", "date"] = "text"  # plain: a number that is a name
    width: int = 14


@dataclass(frozen=True, slots=True)
class Layout:
    """One table. `part` ends the name of its CSV; the main one has none. `frozen`: columns that stay in sight."""

    sheet: str
    columns: tuple[Column, ...]
    part: str = ""
    frozen: int = 0


class Sheet:
    """One table that is being written."""

    def __init__(self, layout: Layout, texts: TextIO | None, book: Workbook | None) -> None:
        self.rows, self._layout, self._texts, self._book = 0, layout, texts, book
        headers = [column.header for column in layout.columns]
        if texts is not None:
            self._csv = csv.writer(texts, lineterminator="\r\n")
            self._csv.writerow([SCHEMA_HEADER, *headers])
        if book is not None:
            self._start(book, headers)

    def add(self, values: Sequence[Value]) -> None:
        written = [_text(value) for value in values]
        if self._book is not None and self.rows + 1 >= _MOST:
            raise ConfigurationError(
                f"the table {self._layout.sheet} has more rows than a workbook's sheet takes", where=self._layout.sheet,
                todo='Say formats = ["csv"] in the party\'s [rights] table, or narrow its products.',
            )  # fmt: skip
        self.rows += 1
        if self._texts is not None:
            self._csv.writerow([str(SCHEMA), *(harmless(t) if isinstance(v, str) else t for v, t in zip(values, written, strict=True))])
        if self._book is not None:
            for place, (value, text) in enumerate(zip(values, written, strict=True)):
                if text:
                    self._cell(place, value, text)

    def close(self) -> None:
        """Filters and colours, once the number of rows is known."""
        if self._book is None:
            return
        last = len(self._layout.columns) - 1
        self._sheet.autofilter(0, 0, max(self.rows, 1), last)
        self._sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{self.rows + 1}"})
        for place, column in enumerate(self._layout.columns):
            if column.header in {"Finding", "What"}:
                for word, (back, ink) in _FILLS.items():
                    shown = self._book.add_format({"bg_color": back, "font_color": ink})
                    rule = {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": shown}
                    self._sheet.conditional_format(1, place, max(self.rows, 1), place, rule)

    def _start(self, book: Workbook, headers: Sequence[str]) -> None:
        self._sheet = book.add_worksheet(self._layout.sheet)
        heading = book.add_format(_HEADING)
        shown = {"text": "@", "whole": "#,##0", "plain": "0", "decimal": "#,##0.00########", "date": "yyyy-mm-dd"}
        self._formats = {kind: book.add_format({"num_format": shape}) for kind, shape in shown.items()}
        self._sheet.freeze_panes(1, self._layout.frozen)
        self._sheet.set_landscape()
        self._sheet.fit_to_pages(1, 0)
        self._sheet.repeat_rows(0)
        for place, column in enumerate(self._layout.columns):
            self._sheet.set_column(place, place, max(column.width, len(column.header) + 2))
        for place, header in enumerate(headers):
            self._sheet.write_string(0, place, header, heading)

    def _cell(self, place: int, value: Value, text: str) -> None:
        if isinstance(value, date) and value.year >= 1900:  # a workbook knows no day before 1900
            self._sheet.write_datetime(self.rows, place, value, self._formats["date"])
        elif isinstance(value, int | Decimal):
            exact: Any = number(Decimal(value), f"{self._layout.sheet}, row {self.rows + 1}")
            if isinstance(exact, str):  # more digits than a spreadsheet's number holds
                self._sheet.write_string(self.rows, place, exact, self._formats["text"])
            else:
                kind = self._layout.columns[place].kind
                self._sheet.write_number(self.rows, place, exact, self._formats[kind])
        else:
            self._sheet.write_string(self.rows, place, text[:LONGEST_CELL], self._formats["text"])


class Files:
    """The files of one report in a folder, as a context manager: `<stem>.xlsx`, and a CSV for each table."""

    def __init__(self, folder: Path, stem: str, formats: Sequence[str], title: str) -> None:
        self.paths: list[Path] = []
        self._folder, self._stem, self._formats = folder, stem, formats
        self._texts: list[TextIO] = []
        self._sheets: list[Sheet] = []
        self._book: Workbook | None = None
        if "xlsx" in formats:
            path = folder / f"{stem}.xlsx"
            self._book = Workbook(str(path), {"constant_memory": True})
            self._book.set_properties({"title": title, "created": _MADE})
            self.paths.append(path)

    def about(self, lines: Iterable[tuple[str, str]]) -> None:
        """What the workbook is, as its first sheet: a heading, then (what, text). The CSVs have none."""
        if self._book is None:
            return
        sheet = self._book.add_worksheet("About")
        heading = self._book.add_format({"bold": True, "font_size": 13, "num_format": "@"})
        what = self._book.add_format({"bold": True, "valign": "top", "num_format": "@"})
        text = self._book.add_format({"text_wrap": True, "valign": "top", "num_format": "@"})
        sheet.set_column(0, 0, 24)
        sheet.set_column(1, 1, 100)
        sheet.hide_gridlines(2)
        for row, (left, right) in enumerate(lines):
            sheet.write_string(row, 0, left, what if row else heading)
            if row:
                sheet.write_string(row, 1, ILLEGAL.sub("", right)[:LONGEST_CELL], text)

    def table(self, layout: Layout) -> Sheet:
        texts = None
        if "csv" in self._formats:
            path = self._folder / f"{self._stem}{f'_{layout.part}' if layout.part else ''}.csv"
            texts = path.open("w", encoding="utf-8-sig", errors="replace", newline="")  # the mark lets spreadsheet programs read accents
            self._texts.append(texts)
            self.paths.append(path)
        self._sheets.append(Sheet(layout, texts, self._book))
        return self._sheets[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for sheet in self._sheets if kind is None else ():
            sheet.close()
        for texts in self._texts:
            texts.close()
        if self._book is not None:
            self._book.close()  # also after an error: it removes the library's own temporary files


def digest_of(rows: Iterable[Sequence[Value]]) -> str:
    """What rows say, whatever they are written in."""
    digest = hashlib.sha256(str(SCHEMA).encode())
    for row in rows:
        digest.update(json.dumps([_text(value) for value in row]).encode())
    return digest.hexdigest()


def _text(value: Value) -> str:
    """As it stands in a CSV: ISO dates, plain digits; characters that no spreadsheet takes are left out."""
    if value is None:
        return ""
    if isinstance(value, str):
        return ILLEGAL.sub("", value)
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.isoformat() if isinstance(value, date) else str(value)
