"""The report of open flags as a workbook: one line each with a filter on every column, and a sheet of numbers by team and cause."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from include.feeds.rulebook.content import ILLEGAL
from include.feeds.tabular import LONGEST_CELL
from include.feeds.workbook import same_bytes, text_cell

if TYPE_CHECKING:
    from include.licences.report import Line

COLUMNS = (  # heading, field, width
    ("Due", "due_on", 12), ("Who must act", "team", 14), ("Cause", "cause", 13), ("Threshold, days", "days", 11), ("Blocks", "blocking", 9),
    ("State", "state", 14), ("Image", "asset_id", 14), ("Image's name", "name", 30), ("Title", "title", 34), ("ISBN", "isbn", 16),
    ("Licence ends", "ends", 13), ("Territories", "territories", 22), ("What", "message", 60), ("What to do", "todo", 50),
    ("Flagged on", "opened_on", 12), ("Note", "note", 30), ("Licence", "licence_id", 9), ("Flag", "flag_id", 9),
)  # fmt: skip
_DAYS = frozenset({"due_on", "opened_on", "ends"})
_WRAPPED = frozenset({"message", "todo", "note", "title", "name", "territories"})
_BLOCKS = (PatternFill("solid", fgColor="F8D3CF"), Font(color="8A1F14", bold=True))
_HEAD = (PatternFill("solid", fgColor="2B4264"), Font(color="FFFFFF", bold=True))


class Sheet:
    """Takes lines one by one; openpyxl keeps them on disk until the end."""

    def __init__(self, out: BinaryIO, summary: Mapping[str, Counter[str]]) -> None:
        self._out, self._summary, self._rows = out, summary, 1
        self._book = Workbook(write_only=True)
        self._sheet = self._book.create_sheet("Flags")

    def __enter__(self) -> Self:
        sheet = self._sheet
        sheet.freeze_panes = "D2"
        for number, (_, _, width) in enumerate(COLUMNS, start=1):
            sheet.column_dimensions[get_column_letter(number)].width = width
        sheet.row_dimensions[1].height = 32
        sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
        sheet.print_title_rows = "1:1"
        sheet.append([_heading(sheet, heading) for heading, _, _ in COLUMNS])
        return self

    def add(self, line: Line) -> None:
        self._sheet.append([self._cell(name, getattr(line, name)) for _, name, _ in COLUMNS])
        self._rows += 1

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._sheet.auto_filter.ref = f"A1:{get_column_letter(len(COLUMNS))}{self._rows}"
        self._numbers()
        with tempfile.TemporaryFile() as draft:
            self._book.save(draft)  # also after an error: it removes openpyxl's own temporary file
            if kind is None:
                draft.seek(0)
                same_bytes(draft, self._out)

    def _cell(self, name: str, value: Any) -> Any:
        if name == "blocking":
            cell = text_cell(self._sheet, "blocks" if value else "")
            if value:
                cell.fill, cell.font = _BLOCKS
        elif name == "days":
            cell = WriteOnlyCell(self._sheet, value if value >= 0 else None)
        elif name in _DAYS and value[:1].isdigit():
            cell = WriteOnlyCell(self._sheet, date.fromisoformat(value))  # type: ignore[arg-type]  # dates are written too
            cell.number_format = "yyyy-mm-dd"
        elif isinstance(value, int):
            cell = WriteOnlyCell(self._sheet, value)
        else:
            cell = text_cell(self._sheet, ILLEGAL.sub("", value)[:LONGEST_CELL])
        cell.alignment = Alignment(vertical="top", wrap_text=name in _WRAPPED)
        return cell

    def _numbers(self) -> None:
        sheet = self._book.create_sheet("By team")
        sheet.freeze_panes = "A2"
        for letter, width in (("A", 18), ("B", 18), ("C", 10)):
            sheet.column_dimensions[letter].width = width
        sheet.append([_heading(sheet, heading) for heading in ("Who must act", "Cause", "Flags")])
        for team, causes in self._summary.items():
            for cause, count in sorted(causes.items()):
                if cause != "blocking":
                    sheet.append([text_cell(sheet, team or "nobody named"), text_cell(sheet, cause), WriteOnlyCell(sheet, count)])


def _heading(sheet: Any, heading: str) -> Any:
    cell = text_cell(sheet, heading, bold=True)
    cell.fill, cell.font = _HEAD
    cell.alignment = Alignment(wrap_text=True, vertical="center")
    return cell
