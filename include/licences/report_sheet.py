"""The report of open flags as a workbook: one line each with a filter on every column, and a sheet of numbers by team and cause."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from datetime import date
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Self, cast

from xlsxwriter import Workbook

from include.feeds.workbook import same_bytes
from include.files.characters import ILLEGAL, LONGEST_CELL

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
_BLOCKS = {"bg_color": "#F8D3CF", "font_color": "#8A1F14", "bold": True}
_HEAD = {"bg_color": "#2B4264", "font_color": "#FFFFFF", "bold": True, "text_wrap": True, "valign": "vcenter"}
_OPTIONS = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


class Sheet:
    """Takes lines one by one, and keeps one row in memory."""

    def __init__(self, out: BinaryIO, summary: Mapping[str, Counter[str]]) -> None:
        self._out, self._summary, self._rows = out, summary, 0
        self._draft = tempfile.TemporaryFile()  # noqa: SIM115 - closed in __exit__
        self._book = Workbook(self._draft, _OPTIONS)
        kinds: dict[str, dict[str, Any]] = {
            "plain": {},
            "wrapped": {"text_wrap": True},
            "day": {"num_format": "yyyy-mm-dd", "align": "left"},
            "blocks": _BLOCKS,
        }
        self._kinds = {name: self._book.add_format({"valign": "top"} | kind) for name, kind in kinds.items()}
        self._head = self._book.add_format(_HEAD)
        self._sheet = self._book.add_worksheet("Flags")

    def __enter__(self) -> Self:
        sheet = self._sheet
        sheet.freeze_panes(1, 3)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(0)
        for number, (_, _, width) in enumerate(COLUMNS):
            sheet.set_column(number, number, width)
        sheet.set_row(0, 32)
        for number, (heading, _, _) in enumerate(COLUMNS):
            sheet.write_string(0, number, heading, self._head)
        return self

    def add(self, line: Line) -> None:
        self._rows += 1
        for number, (_, name, _) in enumerate(COLUMNS):
            self._write(number, name, getattr(line, name))

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._draft:
            self._sheet.autofilter(0, 0, self._rows, len(COLUMNS) - 1)
            self._numbers()
            self._book.close()  # also after an error: it removes its own temporary files
            if kind is None:
                self._draft.seek(0)
                same_bytes(cast(BinaryIO, self._draft), self._out)

    def _write(self, column: int, name: str, value: Any) -> None:
        """Texts are texts, also those that start with "="."""
        sheet, kinds = self._sheet, self._kinds
        if name == "blocking":
            if value:
                sheet.write_string(self._rows, column, "blocks", kinds["blocks"])
        elif name == "days":
            if value >= 0:
                sheet.write_number(self._rows, column, value, kinds["plain"])
        elif isinstance(value, int):
            sheet.write_number(self._rows, column, value, kinds["plain"])
        elif name in _DAYS and value[:1].isdigit():
            sheet.write_datetime(self._rows, column, date.fromisoformat(value), kinds["day"])
        elif value:
            sheet.write_string(self._rows, column, ILLEGAL.sub("", value)[:LONGEST_CELL], kinds["wrapped" if name in _WRAPPED else "plain"])

    def _numbers(self) -> None:
        sheet = self._book.add_worksheet("By team")
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, 1, 18)
        for number, heading in enumerate(("Who must act", "Cause", "Flags")):
            sheet.write_string(0, number, heading, self._head)
        rows = [(team, *one) for team, causes in self._summary.items() for one in sorted(causes.items()) if one[0] != "blocking"]
        for row, (team, cause, count) in enumerate(rows, start=1):
            sheet.write_string(row, 0, team or "nobody named")
            sheet.write_string(row, 1, cause)
            sheet.write_number(row, 2, count)
