"""Which period a line belongs to: by the row, by what stands above the table, by the file's name, by the line's day."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.sales import extractors, periods
from include.sales.columns import Columns, Trouble
from include.sales.extractors import Unreadable
from include.sales.layout import Layout, key
from include.sales.layout import Period as Rule
from include.sales.lines import Model
from include.sales.recognise import Found

_MONTHS = {name.casefold(): number for names in (calendar.month_name, calendar.month_abbr) for number, name in enumerate(names) if name}
_MONTHS["sept"] = 9


class Periods:
    """The rules of one layout, in one table of one file."""

    def __init__(self, layout: Layout, found: Found, name: str) -> None:
        self._layout, self._found, self._name = layout, found, name
        self._fixed: dict[int, tuple[date, date] | None] = {}

    def of(self, columns: Columns, days: pa.Array | None, span: tuple[date, date] | None) -> tuple[pa.Array, pa.Array, pa.Array]:
        """Period, its first and its last day, for each row; null where no rule gives one."""
        count = len(columns)
        if span is not None:
            return _repeated(span, count)
        first = last = pa.nulls(count, pa.date32())
        for number, rule in enumerate(self._layout.period):
            one_first, one_last = self._by(number, rule, columns, days)
            first, last = pc.coalesce(first, one_first), pc.coalesce(last, one_last)
            if not last.null_count:
                break
        pairs = pa.StructArray.from_arrays([first, last], ["first", "last"])
        return _texts(pairs), first, last

    def _by(self, number: int, rule: Rule, columns: Columns, days: pa.Array | None) -> tuple[pa.Array, pa.Array]:
        count = len(columns)
        if rule.source == "columns":
            spans = [columns.spans(columns.text(column), rule.formats, column) for column in rule.columns]
            if len(spans) == 1:
                return _months(pc.struct_field(spans[0], "last"))
            return _in_order(columns, rule, pc.struct_field(spans[0], "first"), pc.struct_field(spans[-1], "last"))
        if rule.source == "date":
            if days is None:
                return pa.nulls(count, pa.date32()), pa.nulls(count, pa.date32())
            return _months(pc.struct_field(days, "last"))
        if number not in self._fixed:
            self._fixed[number] = self._once(rule)
        fixed = self._fixed[number]
        if fixed is None:
            return pa.nulls(count, pa.date32()), pa.nulls(count, pa.date32())
        _, one, other = _repeated(fixed, count)
        return one, other

    def whole(self) -> tuple[date, date] | None:
        """What the file says of all its lines, also where it has none."""
        rules = (rule for rule in self._layout.period if rule.source not in {"columns", "date"})
        return next((span for rule in rules if (span := self._once(rule)) is not None), None)

    def _once(self, rule: Rule) -> tuple[date, date] | None:
        """By what holds for the whole table."""
        if rule.source == "name":
            texts: Sequence[str] = (*filter(None, reversed(self._found.member.split("/"))), self._name)
        elif rule.source == "sheet":
            texts = (self._found.sheet,)
        elif rule.key:
            texts = [cell for row in self._found.above if row and key(row[0]) == key(rule.key) for cell in row[1:]]
        else:
            texts = [cell for row in self._found.above for cell in row]
        for text in texts:
            if text and (found := re.search(rule.matches, text, re.IGNORECASE)) and (span := _span(found, rule)):
                return span
        return None

    def months(self) -> Iterator[tuple[int, date, date]]:
        """Columns that stand for months: place, first and last day."""
        rule = self._found.table.months
        if rule is None:
            return
        read = extractors.day(rule.formats, "UTC")
        for at, name in enumerate(self._found.header):
            if re.fullmatch(rule.matches, name.strip()):
                try:
                    yield at, *read(name.strip())
                except Unreadable:
                    continue

    def check(self, columns: Columns, arrays: dict[str, pa.Array], there: pa.Array | None) -> None:
        """Notes what makes a row no line: no product, no amount at all, money without a currency, no period; only rows that are `there`."""
        nothing = pc.and_(pc.and_(pc.is_null(arrays["units"]), pc.is_null(arrays["net"])), pc.is_null(arrays["gross"]))
        money = pc.or_(pc.is_valid(arrays["net"]), pc.is_valid(arrays["gross"]))
        product = pc.and_(pc.is_null(arrays["id_value"]), pc.not_equal(arrays["model"], Model.ADJUSTMENT.value))
        already = {trouble.at for trouble in columns.troubles}
        for wrong, code, what, todo in (
            (product, "no-product", "nothing in the row says which product it is", "Fill in the identifier, or ask for the report again."),
            (
                nothing,
                "no-amount",
                "the row has neither units nor money",
                "Ask what it means; if it is a total, describe it in the layout.",
            ),
            (pc.and_(money, pc.is_null(arrays["currency"])), "no-currency", "the row has money and no currency", "Fill in the currency."),
            (
                pc.is_null(arrays["period"]),
                "no-period",
                "neither the row nor the file says of which period it is",
                "Put the month into the file's name, such as 2026-09, as the vendor does.",
            ),
        ):
            mask = pc.fill_null(wrong if there is None else pc.and_(wrong, there), False)
            if pc.any(mask).as_py():
                why = Unreadable(code, what, todo)
                columns.troubles += [Trouble(at, "", "", why) for at in pc.indices_nonzero(mask).to_pylist() if at not in already]


def _in_order(columns: Columns, rule: Rule, first: pa.Array, last: pa.Array) -> tuple[pa.Array, pa.Array]:
    """Periods that end before they begin are troubles of their rows."""
    turned = pc.fill_null(pc.greater(first, last), False)
    if not pc.any(turned).as_py():
        return first, last
    why = Unreadable("not-a-period", "the period ends before it begins", "Ask which days are meant.")
    said = columns.text(rule.columns[-1])
    columns.troubles += [Trouble(at, rule.columns[-1], said[at].as_py() or "", why) for at in pc.indices_nonzero(turned).to_pylist()]
    none = pa.scalar(None, pa.date32())
    return pc.if_else(turned, none, first), pc.if_else(turned, none, last)


def _months(days: pa.Array) -> tuple[pa.Array, pa.Array]:
    """First and last day of each day's month."""
    coded = days.dictionary_encode()
    known: list[date] = coded.dictionary.to_pylist()
    first = pa.array([day.replace(day=1) for day in known], pa.date32()).take(coded.indices)
    return first, pa.array([periods.last_of_month(day) for day in known], pa.date32()).take(coded.indices)


def _repeated(span: tuple[date, date], count: int) -> tuple[pa.Array, pa.Array, pa.Array]:
    text = periods.of(*span)
    days = [pa.repeat(pa.scalar(day, pa.date32()), count) for day in span]
    return pa.repeat(pa.scalar(text, pa.string()), count), days[0], days[1]


def _texts(pairs: pa.StructArray) -> pa.Array:
    first, last = pairs.field(0), pairs.field(1)
    joined = pc.binary_join_element_wise(pc.cast(first, pa.string()), pc.cast(last, pa.string()), "/")
    coded = joined.dictionary_encode()
    texts = []
    for text in coded.dictionary.to_pylist():
        one, _, other = text.partition("/")
        texts.append(periods.of(date.fromisoformat(one), date.fromisoformat(other)))
    return pa.array(texts, pa.string()).take(coded.indices)


def _span(found: re.Match[str], rule: Rule) -> tuple[date, date] | None:
    groups: dict[str, Any] = found.groupdict()
    read = extractors.day(rule.formats, "UTC")
    try:
        if groups.get("first"):
            first, _ = read(groups["first"])
            _, last = read(groups.get("last") or groups["first"])
            return (first, last) if first <= last else None
        year, month = int(groups["year"]), str(groups["month"])
        number = int(month) if month.isdigit() else _MONTHS.get(month.casefold().rstrip("."), 0)
        first = date(year if year > 99 else 2000 + year, number, 1)
    except (Unreadable, ValueError, KeyError):
        return None
    return first, periods.last_of_month(first)
