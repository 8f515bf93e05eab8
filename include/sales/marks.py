"""How a table writes its numbers and days, where the layout leaves it open: told by what they prove, not by where the file is from."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import pyarrow.compute as pc

from include.errors import RejectedData
from include.sales.layout import Cell, Layout, ReportTable
from include.sales.readers.opened import AnySheet
from include.sales.readers.rows import DAY_FIRST, MONTH_FIRST, Shape
from include.sales.readers.text import TextSheet
from include.sales.readers.tree import TreeSheet

_AMOUNTS = frozenset({"list_price", "gross", "net", "fees", "paid", "discount_percent"})
_DAY = re.compile(r"\s*(\d{1,2})/(\d{1,2})/\d{4}\b")
_AT_ONCE = 50_000  # rows that are looked at together, beyond the sample


def told(
    layout: Layout, table: ReportTable, positions: dict[str, int], sheet: AnySheet, shape: Shape, below: Sequence[Sequence[str]],
    notes: list[str],
) -> Shape:  # fmt: skip
    """The shape with its decimal mark and the order of day and month. Where hundreds of rows prove nothing, the first others do; where
    none does to the end, the mark is a dot and the day comes first, which the notes say."""
    mark = of_sample(layout, table, positions, below, text=isinstance(sheet, TextSheet))
    days = _days_at(layout, table, positions)
    order = _order(row[at] for row in below for at in days if at < len(row))
    if not mark or order == "either":
        amounts = _amounts_at(table, positions) if not mark else []
        for texts in _further(sheet, replace(shape, mark="."), {*amounts, *days}):
            mark = mark or _most(Counter(filter(None, (_shown(text) for at in amounts for text in texts[at]))))
            order = _order(text for at in days for text in texts[at]) if order == "either" else order
            if mark and order != "either":
                break
    if order == "either":
        notes.append("days such as 03/09/2026 are read as day/month/year, which none of them proves")
    return replace(shape, mark=mark or ".", month_first=order == "month")


def of_sample(layout: Layout, table: ReportTable, positions: dict[str, int], below: Sequence[Sequence[str]], *, text: bool) -> str:
    """The decimal mark: as the layout says, or as these numbers show; "" where nothing in a text decides."""
    if layout.decimal != "told":
        return layout.decimal
    places = _amounts_at(table, positions)
    seen = Counter(filter(None, (_shown(row[at]) for row in below for at in places if at < len(row))))
    if not text:  # a workbook's own numbers come with a dot: only what was typed as text tells
        return "," if seen[","] else "."
    return _most(seen)


def _most(seen: Counter[str]) -> str:
    return "" if not seen else "," if seen[","] > seen["."] else "."


def _further(sheet: AnySheet, shape: Shape, places: set[int]) -> Iterator[dict[int, list[str]]]:
    """The different texts of these columns, some rows after others. Ends where the file can't be read on: who reads the lines tells it."""
    if isinstance(sheet, TreeSheet) or not places:
        return
    try:
        for rows in sheet.batches(shape, _AT_ONCE, lambda *_: None):
            yield {at: [text or "" for text in pc.unique(rows.columns[at]).to_pylist()] for at in places}
    except RejectedData:
        return


def _amounts_at(table: ReportTable, positions: dict[str, int]) -> list[int]:
    return _places(positions, (cell for name, cell in _cells(table) if name in _AMOUNTS))


def _days_at(layout: Layout, table: ReportTable, positions: dict[str, int]) -> list[int]:
    """Columns of days that are day/month/year by the layout, unless the file proves the other order."""
    periods = [Cell(columns=rule.columns, formats=rule.formats) for rule in layout.period if rule.source == "columns"]
    cells = [cell for name, cell in _cells(table) if name == "date"] + periods
    return _places(positions, (one for one in cells if DAY_FIRST in one.formats and MONTH_FIRST not in one.formats))


def _cells(table: ReportTable) -> list[tuple[str, Cell]]:
    return [*table.fields.items(), *(item for line in table.lines for item in line.fields.items())]


def _places(positions: dict[str, int], cells: Iterable[Cell]) -> list[int]:
    names = {name for cell in cells for name in cell.names()}
    return sorted({positions[name] for name in names if name in positions})


def _shown(number: str) -> str:
    """Which mark this number proves to be the decimal one; "" for 1,234 and 1.234, which prove nothing."""
    found = re.search(r"([.,])(\d*)\D*$", number.strip())
    if not found:
        return ""
    mark, digits = found[1], found[2]
    other = "," if mark == "." else "."
    return mark if len(digits) != 3 or other in number or number.strip(" -+(").startswith("0") else ""


def _order(days: Iterable[str]) -> str:
    """day, month: what comes first by the first of these that proves it; either: none does; "" where none is written so."""
    order = ""
    for text in days:
        if found := _DAY.match(text):
            first, second = int(found[1]), int(found[2])
            if max(first, second) > 12:
                return "day" if first > second else "month"
            order = "either"
    return order
