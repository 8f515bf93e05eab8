"""Writes one import workbook row by row, in constant memory: texts as texts, decimals with every digit, the same rows as the same bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from xlsxwriter import Workbook

from include.errors import RejectedData
from include.workbooks.template import Column, Template

Value = str | int | Decimal | date | None
LONGEST_TEXT = 32_767  # characters in a cell
DIGITS = 15  # that a spreadsheet's number holds
_UNSEEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # a workbook is XML, which has no such characters
_MADE = datetime(1980, 1, 1)  # noqa: DTZ001 - the library wants it so; a workbook does not say when it was written


class Sheet:
    """A workbook with one sheet, at `path` once it is closed."""

    def __init__(self, path: Path, template: Template) -> None:
        self._book = Workbook(str(path), {"constant_memory": True})
        self._book.set_properties({"title": template.sheet, "created": _MADE})
        self._sheet = self._book.add_worksheet(template.sheet)
        bold = self._book.add_format({"bold": True, "num_format": "@"})
        self._text = self._book.add_format({"num_format": "@"})
        self._whole = self._book.add_format({"num_format": "0"})
        self._money = self._book.add_format({"num_format": "0.00########"})  # at least the cents, and what is finer
        self._sheet.freeze_panes(1, 0)
        for number, column in enumerate(template.columns):
            self._sheet.set_column(number, number, max(column.width, len(column.header) + 2))
        for number, column in enumerate(template.columns):
            self._sheet.write_string(0, number, column.header, bold)
        self.rows = 0

    def add(self, values: Sequence[Value]) -> None:
        """One row, as `checked` gives it."""
        self.rows += 1
        for number, value in enumerate(values):
            if value is None or value == "":
                continue
            if isinstance(value, str):
                self._sheet.write_string(self.rows, number, value, self._text)  # also where it starts with "=": never a formula
            else:
                self._sheet.write_number(self.rows, number, value, self._whole if isinstance(value, int) else self._money)

    def close(self) -> None:
        """Writes the file out. Also wanted for a workbook that nobody wants any more: it removes the library's own temporary file."""
        self._sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{self.rows + 1}"})
        self._book.close()


def checked(values: Mapping[str, Value], columns: Sequence[Column], where: str) -> list[Value]:
    """One row's cells in the order of the columns. Raises `RejectedData` for what this column can't hold."""
    return [_cell(values.get(column.field), column, where) for column in columns]


def _cell(value: Value, column: Column, where: str) -> Value:
    if value is None or value == "":
        return None
    place = f"{where}, column {column.header}"
    match column.type:
        case "decimal":
            if isinstance(value, Decimal | int) and not isinstance(value, bool):
                return number(Decimal(value), place)
        case "whole":
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**DIGITS:
                return value
        case "date":
            if isinstance(value, date) and not isinstance(value, datetime):
                return value.isoformat()
        case _:
            text = value if isinstance(value, str) else str(value) if isinstance(value, int) else None
            if text is not None and len(text) <= LONGEST_TEXT:
                return _UNSEEN.sub("", text)
    raise RejectedData(f"{str(value)[:60]!r} can't stand there", where=place, todo=f"The column takes: {column.type}.")


def number(value: Decimal, where: str) -> Decimal | str:
    """As a number where a spreadsheet holds every digit of it, else as text with every digit. Raises `RejectedData` for no number."""
    if not value.is_finite():
        raise RejectedData(f"{value} is no amount", where=where)
    written = format(value, "f")
    if "." in written:
        written = written.rstrip("0").removesuffix(".")
    if len(written.lstrip("-").replace(".", "").strip("0")) > DIGITS:
        return format(value, "f")
    return Decimal(written) if value else Decimal(0)
