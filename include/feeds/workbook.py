"""Writes a feed as an XLSX workbook: one sheet, frozen bold header, texts as texts, the same bytes for the same rows."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from types import TracebackType
from typing import BinaryIO, Self
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.cell.cell import Cell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet._write_only import WriteOnlyWorksheet

from include.feeds.record import Record
from include.feeds.tabular import formatted
from include.partners.model import Column

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip file knows
_WHEN = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(<)")
_WIDE = {"title": 40, "subtitle": 40, "contributors": 40, "description": 60, "short_description": 60, "cover_url": 40, "isbn13": 16}


class XlsxWriter:
    """Takes rows as `TabularRenderer` renders them; openpyxl keeps them on disk until the end."""

    def __init__(self, out: BinaryIO, columns: Sequence[Column]) -> None:
        self._out, self._columns = out, columns
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("Titles")

    def add(self, record: Record | bytes) -> tuple[int, int]:
        """Offset and length are 0: a row of a workbook has no bytes of its own."""
        body = record if isinstance(record, bytes) else record.body
        self._sheet.append([self._cell(value, column) for value, column in zip(json.loads(body), self._columns, strict=True)])
        return 0, 0

    def no_product(self) -> None:
        """The header row alone says it."""

    def __enter__(self) -> Self:
        self._sheet.freeze_panes = "A2"
        for number, column in enumerate(self._columns, start=1):
            width = max(_WIDE.get(column.field, 12), len(column.header) + 2)
            self._sheet.column_dimensions[get_column_letter(number)].width = width
        self._sheet.append([text_cell(self._sheet, column.header, bold=True) for column in self._columns])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with tempfile.TemporaryFile() as draft:
            self._book.save(draft)  # also after an error: it removes openpyxl's own temporary file
            if kind is None:
                draft.seek(0)
                same_bytes(draft, self._out)

    def _cell(self, value: str | dict[str, str] | None, column: Column) -> Cell | None:
        if value is None:
            return None
        if isinstance(value, str):
            return text_cell(self._sheet, value)
        typed = date.fromisoformat(value["d"]) if "d" in value else Decimal(value["n"])
        if column.format:
            return text_cell(self._sheet, formatted(typed, column))
        cell = WriteOnlyCell(self._sheet, typed)  # type: ignore[arg-type]  # dates and decimals are written too
        cell.number_format = "yyyy-mm-dd" if isinstance(typed, date) else "General"
        return cell


def text_cell(sheet: WriteOnlyWorksheet, value: str, *, bold: bool = False) -> Cell:
    """A cell that is text and nothing else, also where it starts with "=": a title is never a formula."""
    cell = WriteOnlyCell(sheet, value)
    cell.data_type = "s"
    cell.number_format = "@"
    if bold:
        cell.font = Font(bold=True)
    return cell


def same_bytes(draft: BinaryIO, out: BinaryIO) -> None:
    """Copies a workbook without what only says when it was written: dates of its parts and in its properties."""
    with ZipFile(draft) as old, ZipFile(out, "w", ZIP_DEFLATED) as new:
        for part in old.infolist():
            entry = ZipInfo(part.filename, _EPOCH)
            entry.compress_type, entry.external_attr = ZIP_DEFLATED, 0o600 << 16
            with old.open(part) as source, new.open(entry, "w", force_zip64=True) as target:
                if part.filename == "docProps/core.xml":
                    target.write(_WHEN.sub(rb"\g<1>1980-01-01T00:00:00Z\g<2>", source.read()))
                else:
                    shutil.copyfileobj(source, target, 1 << 20)
