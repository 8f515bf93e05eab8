"""Writes one import workbook row by row, in constant memory: texts as texts, decimals with every digit, the same rows as the same bytes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_col_to_name

from include.errors import RejectedData
from include.files.characters import ILLEGAL, LONGEST_CELL
from include.workbooks.template import Column, Template

Value = str | int | Decimal | date | None
DIGITS = 15  # that a spreadsheet's number holds
_SPECIAL = re.compile("[&<>]")
_SHEET = "xl/worksheets/sheet1.xml"
_AT_ONCE = 8_000  # cells that wait to be compressed together
_MADE = datetime(1980, 1, 1)  # noqa: DTZ001 - the library wants it so; a workbook does not say when it was written


class Sheet:
    """A workbook with one sheet, at `path` once it is closed.

    XlsxWriter makes the package: styles, widths, header. Its rows are written here: each value in its own words, so that a decimal never
    passes through a float, and several times as fast.
    """

    def __init__(self, path: Path, template: Template) -> None:
        parts, self._styles = _package(template)
        head, self._tail = parts.pop(_SHEET).split(b"</sheetData>")
        self._letters = [xl_col_to_name(number) for number in range(len(template.columns))]
        self._zip = ZipFile(path, "w", ZIP_DEFLATED)
        for name, content in parts.items():
            self._zip.writestr(_entry(name), content)
        self._out = self._zip.open(_entry(_SHEET), "w", force_zip64=True)
        self._out.write(head)
        self._waiting: list[str] = []
        self.rows = 0

    def add(self, values: Sequence[Value]) -> None:
        """One row, as `checked` gives it."""
        self.rows += 1
        row, styles, put = self.rows + 1, self._styles, self._waiting.append
        put(f'<row r="{row}">')
        for letter, value in zip(self._letters, values, strict=True):
            if value is None or value == "":
                continue
            if isinstance(value, str):  # also where it starts with "=": never a formula
                space = ' xml:space="preserve"' if value[0].isspace() or value[-1].isspace() else ""
                text = escape(value) if _SPECIAL.search(value) else value
                put(f'<c r="{letter}{row}" s="{styles["text"]}" t="inlineStr"><is><t{space}>{text}</t></is></c>')
            elif isinstance(value, int):
                put(f'<c r="{letter}{row}" s="{styles["whole"]}"><v>{value}</v></c>')
            else:
                put(f'<c r="{letter}{row}" s="{styles["decimal"]}"><v>{value:f}</v></c>')
        put("</row>")
        if len(self._waiting) > _AT_ONCE:
            self._flush()

    def _flush(self) -> None:
        self._out.write("".join(self._waiting).encode())
        self._waiting.clear()

    def close(self) -> None:
        """Writes the file out. Also wanted for a workbook that nobody wants any more."""
        self._flush()
        self._out.write(b"</sheetData>" + self._tail)
        self._out.close()
        self._zip.close()


def _package(template: Template) -> tuple[dict[str, bytes], dict[str, int]]:
    """The parts of a workbook that has a header and no rows, and the numbers of its styles: text, whole, decimal."""
    made = BytesIO()
    book = Workbook(made, {"constant_memory": True})
    book.set_properties({"title": template.sheet, "created": _MADE})
    sheet = book.add_worksheet(template.sheet)
    bold = book.add_format({"bold": True, "num_format": "@"})
    formats = {"text": "@", "whole": "0", "decimal": "0.00########"}  # at least the cents, and what is finer
    sheet.freeze_panes(1, 0)
    for number, column in enumerate(template.columns):
        sheet.set_column(number, number, max(column.width, len(column.header) + 2))
    for number, column in enumerate(template.columns):
        sheet.write_string(0, number, column.header, bold)
    for number, shape in enumerate(formats.values()):  # a row that shows their numbers
        sheet.write_number(1, number, 0, book.add_format({"num_format": shape}))
    sheet.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    book.close()
    with ZipFile(made) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    whole, sample = parts[_SHEET].split(b'<row r="2"', 1)
    sample, rest = sample.split(b"</row>", 1)
    styles = dict(zip(formats, (int(found) for found in re.findall(rb' s="(\d+)"', sample)), strict=True))
    parts[_SHEET] = re.sub(rb"<dimension [^>]*/>", b"", whole) + rest  # how many rows there will be nobody knows yet
    return parts, styles


def _entry(name: str) -> ZipInfo:
    """An entry that does not say when it was written."""
    entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o600 << 16
    return entry


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
            if text is not None and len(text) <= LONGEST_CELL:
                return ILLEGAL.sub("", text)
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
