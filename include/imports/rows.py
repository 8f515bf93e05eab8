"""One row of a sheet: what it says, field by field, and what is wrong with it. It knows nothing of the catalogue."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from include.imports.extractors import EXTRACTORS, SERIAL_ZERO, Cell, Unreadable, Value, Ways, amount_for, is_in, plain
from include.imports.fields import BASE, FIELDS, KEYS, PRICE
from include.imports.mapping import Column, Mapping
from include.imports.sheets import Line, Sheet
from include.imports.subject_codes import SCHEMES, house_list
from include.ledger import imports

Problem = dict[str, Any]
_PRICE_LISTS = {"price_type": 58, "price_qualifier": 59}


@dataclass(frozen=True, slots=True)
class SaidPrice:
    """A price as a row says it: amount with the decimals of its currency, codes of Lists 58 and 59."""

    amount: str
    currency: str
    type: str
    qualifier: str
    column: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.currency, self.type, self.qualifier

    @property
    def name(self) -> str:
        """As a field: `price GBP 02 05`."""
        return f"price {' '.join(self.key)}"


@dataclass(slots=True)
class Row:
    """What one row says. A field that is not in `fields` was left empty; an empty value means that it is to be emptied."""

    number: int
    keys: dict[str, str] = field(default_factory=dict)
    fields: dict[str, Value] = field(default_factory=dict)
    was: dict[str, Value] = field(default_factory=dict)
    prices: list[SaidPrice] = field(default_factory=list)
    base: str = ""
    problems: list[Problem] = field(default_factory=list)

    @property
    def isbn(self) -> str:
        return self.keys.get("isbn", "")

    @property
    def title(self) -> str:
        title = self.fields.get("title", "")
        return title if isinstance(title, str) else ""

    @property
    def bad(self) -> bool:
        return any(problem["severity"] == "error" for problem in self.problems)

    def to_json(self) -> dict[str, Any]:
        """As `TitleImportLineRow.fields` keeps it: keys, fields and prices by our names."""
        return self.keys | self.fields | {price.name: price.amount for price in self.prices}

    def wrong(
        self, code: str, message: str, todo: str, *, field: str = "", column: str = "", severity: Literal["error", "warning"] = "error"
    ) -> None:
        one = imports.problem(code, message, todo, field=field, column=column, severity=severity)
        if one not in self.problems:
            self.problems.append(one)


def read_row(line: Line, sheet: Sheet, mapping: Mapping) -> Row:
    """Everything that the row says; what can't be read is among its problems, and the rest is read all the same."""
    row = Row(line.number)
    if line.shifted:
        todo = "A separator stands within a text: put the text into quotation marks."
        row.wrong("columns-shifted", "the row has more values than there are headings", todo)
    for name, place in sheet.head.places.items():
        column = mapping.columns[name]
        heading = sheet.head.heading(place)
        value = _value(row, name, line.at(place), column, mapping, heading, sheet.serial_zero)
        if value is None:
            if column.required and not any(problem["column"] == heading for problem in row.problems):
                row.wrong("empty", f"{heading} is empty", "Fill it in.", field=name, column=heading)
        elif name in KEYS:
            row.keys[name] = str(value)
        elif name == BASE:
            row.base = str(value)
        else:
            row.fields[name] = value
    for name, place in sheet.head.was.items():
        value = _value(row, name, line.at(place), mapping.columns[name], mapping, sheet.head.heading(place), sheet.serial_zero)
        if value is not None:  # an empty cell says nothing of what was there
            row.was[name] = value
    _prices(row, line, sheet, mapping)
    return row


def ways_of(name: str, column: Column | None, mapping: Mapping, serial_zero: date = SERIAL_ZERO) -> Ways:
    """How the mapping says that this column is written."""
    known = FIELDS.get(name)
    values = {said.casefold(): meant for said, meant in column.values.items()} if column else {}
    list_number = known.list_number if known else _PRICE_LISTS.get(name, 0)
    codes = house_list(known.read) if known and known.read in SCHEMES else {}
    return Ways(mapping.dates, mapping.decimal_mark, values, list_number, known.longest if known else 100, serial_zero, codes)


def _value(
    row: Row, name: str, cell: Cell, column: Column, mapping: Mapping, heading: str, serial_zero: date = SERIAL_ZERO
) -> Value | None:
    """None where the cell says nothing."""
    extractor = column.read or (FIELDS[name].read if name in FIELDS else {**KEYS, **PRICE}.get(name, "text"))
    try:
        shown = plain(cell)
        if not shown or shown.casefold() in mapping.empty:
            return None
        if mapping.clear and shown == mapping.clear and name in FIELDS:
            return [] if FIELDS[name].read in SCHEMES else ""
        return EXTRACTORS[extractor](cell, ways_of(name, column, mapping, serial_zero))
    except Unreadable as bad:
        row.wrong(bad.code, bad.message, bad.todo, field=name, column=heading)
        return None


def _is_in(row: Row, cell: Cell, currency: str, heading: str) -> bool:
    """Whether the cell names no other currency than the one that it is in."""
    if is_in(cell, currency):
        return True
    row.wrong("price-currency", f"{plain(cell)!r} is not in {currency}", f"Enter the price in {currency}.", field="amount", column=heading)
    return False


def _prices(row: Row, line: Line, sheet: Sheet, mapping: Mapping) -> None:
    """Of columns that say the currency in their heading, and of a row that says it beside the amount."""
    found: list[SaidPrice] = []
    for price, place in sheet.head.prices:
        heading = sheet.head.heading(place)
        amount = _value(row, "amount", line.at(place), Column(headers=price.headers), mapping, heading)
        if amount is not None and _is_in(row, line.at(place), price.currency, heading):
            found.append(SaidPrice(str(amount), price.currency, price.type, price.qualifier, heading))
    said = {name: str(row.fields.pop(name, "")) for name in PRICE}
    at = sheet.head.places.get("amount")
    heading = sheet.head.heading(at)
    if said["amount"] and said["currency"] and _is_in(row, line.at(at), said["currency"], heading):
        type_, qualifier = said["price_type"] or mapping.price_type, said["price_qualifier"] or mapping.price_qualifier
        found.append(SaidPrice(said["amount"], said["currency"], type_, qualifier, heading))
    for one in found:
        try:
            exact = amount_for(one.amount, one.currency)
        except Unreadable as bad:
            row.wrong(bad.code, bad.message, bad.todo, field=one.name, column=one.column)
            continue
        row.prices.append(SaidPrice(exact, one.currency, one.type, one.qualifier, one.column))
