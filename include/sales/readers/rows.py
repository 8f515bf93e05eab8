"""Sheets, and rows of cells in columns. Everything is text until the layout says what it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

DAY_FIRST, MONTH_FIRST = "%d/%m/%Y", "%m/%d/%Y"
Ragged = Callable[[int, list[str]], None]  # row in the sheet, its cells: one that has not the table's width


@dataclass(frozen=True, slots=True)
class Rows:
    """Some rows, column by column (`columns[i]` may be shorter in no case). `numbers`: where in the sheet, from 1."""

    numbers: pa.Array
    columns: list[pa.Array]

    def __len__(self) -> int:
        return len(self.numbers)

    def slice(self, start: int, rows: int) -> Rows:
        return Rows(self.numbers.slice(start, rows), [column.slice(start, rows) for column in self.columns])


@dataclass(frozen=True, slots=True)
class Shape:
    """How a table lies in its sheet."""

    header_row: int  # from 1; 0: none
    width: int
    lines: int = 0  # of text, up to and with the header
    encoding: str = ""
    delimiter: str = ""
    quoted: bool = True
    mark: str = "."  # decimal mark that numeric cells of a workbook are written with
    month_first: bool = False  # 09/23/2026, though the layout expects 23/09/2026
    since_1904: bool = False  # how a workbook counts its days

    def formats(self, formats: tuple[str, ...]) -> tuple[str, ...]:
        """A layout's formats of dates as this table has them."""
        meant = {DAY_FIRST: MONTH_FIRST} if self.month_first else {}
        return tuple(meant.get(one, f"{one} 1904" if one == "excel" and self.since_1904 else one) for one in formats)


@dataclass(slots=True)
class Gatherer:
    """Makes columns out of rows that come one by one."""

    width: int
    rows_at_once: int
    _numbers: list[int] = field(default_factory=list)
    _cells: list[list[str | None]] = field(default_factory=list)

    def gathered(self, rows: Iterable[tuple[int, Sequence[str]]]) -> Iterator[Rows]:
        for number, cells in rows:
            self._numbers.append(number)
            self._cells.append([*cells[: self.width], *[None] * (self.width - len(cells))])
            if len(self._numbers) >= self.rows_at_once:
                yield self._taken()
        if self._numbers:
            yield self._taken()

    def _taken(self) -> Rows:
        columns = [pa.array(column, pa.string()) for column in zip(*self._cells, strict=True)]
        taken = Rows(pa.array(self._numbers, pa.int64()), columns)
        self._numbers, self._cells = [], []
        return taken
