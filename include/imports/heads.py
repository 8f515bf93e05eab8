"""Where the headings of a sheet stand, in one row or in two, which columns they name, and when the sheet says it was made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from include.files.model import Refused
from include.imports.extractors import Cell, plain
from include.imports.mapping import Column, Mapping, PriceColumn, fold

Numbered = tuple[int, tuple[Cell, ...]]


@dataclass(frozen=True, slots=True)
class Head:
    """The headings: the row that they end in, where each column of the mapping stands, and which headings nobody asks for."""

    row: int
    headings: tuple[str, ...]
    places: dict[str, int]
    was: dict[str, int]
    prices: tuple[tuple[PriceColumn, int], ...]
    unknown: tuple[str, ...] = ()

    def heading(self, place: int | None) -> str:
        return self.headings[place] if place is not None and place < len(self.headings) else ""


def find_head(rows: Sequence[Numbered], name: str, mapping: Mapping) -> Head:
    """The row with most of the mapping's headings, or two rows, where one stands above the other's: `Prices` over `GBP` and `USD`. It must
    have one of the keys and all required columns. Raises `Refused`."""
    best = max(((len(_places(cells, mapping.columns)), -number, cells) for number, cells in rows), default=None, key=lambda one: one[:2])
    if best is None or not best[0]:
        wanted = ", ".join(column.headers[0] for column in mapping.columns.values())
        raise Refused(
            "no-headings", f"none of the first {mapping.header_within} rows has headings that are known", where=name,
            todo=f"Known headings: {wanted}. Or the rows are not in this worksheet, or belong to another mapping than {mapping.id}.",
        )  # fmt: skip
    number, cells = _in_two_rows(-best[1], best[2], dict(rows), mapping)
    headings = tuple(_heading(cell) for cell in cells)
    while headings and not headings[-1]:
        headings = headings[:-1]
    places = _places(headings, mapping.columns)
    if missing := _missing(places, mapping):
        raise Refused("no-headings", f"there is no column {', '.join(missing)}", where=f"{name}, row {number}", todo="Add it.")
    stand = _folded(headings)
    was = {name_: found for name_, column in mapping.columns.items() if (found := _first(stand, column.was)) is not None}
    prices = tuple((price, found) for price in mapping.prices if (found := _first(stand, price.headers)) is not None)
    used = {*places.values(), *was.values(), *(found for _, found in prices)}
    folded = [fold(heading) for heading in headings]
    for place in sorted(used):
        if folded.count(folded[place]) > 1:
            message = f"two columns are called {headings[place]!r}"
            raise Refused("heading-twice", message, where=f"{name}, row {number}", todo="Rename one of them.")
    unknown = tuple(heading for at, heading in enumerate(headings) if heading and at not in used)
    return Head(number, headings, places, was, prices, unknown)


def _in_two_rows(number: int, cells: tuple[Cell, ...], rows: dict[int, tuple[Cell, ...]], mapping: Mapping) -> Numbered:
    """The row of headings, and what the row below or above adds to it. Below counts only where it leaves the columns that are found alone;
    above only if headings are missing without it: a row of titles must not become one of headings."""
    found = _places(cells, mapping.columns)
    if not _missing(found, mapping):
        below = rows.get(number + 1, ())
        if any(_heading(below[place]) for place in found.values() if place < len(below)):
            return number, cells
        both = _over(cells, below)
        return (number + 1, both) if _known(both, mapping) > _known(cells, mapping) else (number, cells)
    both = _over(rows.get(number - 1, ()), cells)
    return number, cells if _missing(_places(both, mapping.columns), mapping) else both


def _over(above: Sequence[Cell], below: Sequence[Cell]) -> tuple[Cell, ...]:
    wide = max(len(above), len(below))
    upper, lower = ([*cells, *[None] * (wide - len(cells))] for cells in (above, below))
    return tuple(under if _heading(under) else over for over, under in zip(upper, lower, strict=True))


def _known(cells: Sequence[Cell], mapping: Mapping) -> int:
    stand = _folded([_heading(cell) for cell in cells])
    return len(_places(cells, mapping.columns)) + sum(_first(stand, price.headers) is not None for price in mapping.prices)


def _missing(places: dict[str, int], mapping: Mapping) -> list[str]:
    """Headings that a sheet must have."""
    missing = [column.headers[0] for name, column in mapping.columns.items() if column.required and name not in places]
    if not any(key in places for key in mapping.key):
        missing.append(" or ".join(mapping.columns[key].headers[0] for key in mapping.key if key in mapping.columns))
    return missing


def _places(cells: Sequence[Cell], columns: dict[str, Column]) -> dict[str, int]:
    stand = _folded([_heading(cell) for cell in cells])
    return {name: place for name, column in columns.items() if (place := _first(stand, column.headers)) is not None}


def _folded(headings: Sequence[str]) -> dict[str, int]:
    return {fold(heading): place for place, heading in enumerate(headings) if heading}


def _first(stand: dict[str, int], wanted: Sequence[str]) -> int | None:
    """Where the first of the wanted headings stands: the mapping's order is its preference."""
    return next((stand[key] for one in wanted if (key := fold(one)) in stand), None)


def _heading(cell: Cell) -> str:
    return " ".join(str(cell).split())[:200] if isinstance(cell, str) else "" if cell is None else str(cell)


def stated(above: Sequence[Sequence[Cell]], mapping: Mapping) -> datetime | None:
    """The moment that the sheet says it was made at, above its headings; of a day alone, its beginning."""
    if not mapping.stated:
        return None
    pattern = re.compile(mapping.stated, re.IGNORECASE)
    for cells in above:
        for place, cell in enumerate(cells):
            said = pattern.search(str(cell)) if isinstance(cell, str) else None
            if said and (moment := _moment(said.group(1), mapping.dates)):
                return moment
            beside = cells[place + 1] if place + 1 < len(cells) else None
            if isinstance(cell, str) and isinstance(beside, datetime) and pattern.search(f"{cell} {plain(beside)}"):
                return beside.replace(tzinfo=UTC)
            together = pattern.search(f"{cell} {beside}") if isinstance(cell, str) and isinstance(beside, str) else None
            if together and (moment := _moment(together.group(1), mapping.dates)):
                return moment
    return None


def _moment(said: str, forms: Sequence[str]) -> datetime | None:
    for way in (datetime.fromisoformat, *(lambda text, form=form: datetime.strptime(text, form) for form in forms)):  # noqa: DTZ007
        try:
            moment = way(said.strip().rstrip("."))
        except ValueError:
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
