"""A layout's fields over many rows at once: each column is turned into values by its extractor, each different text once.

What can't be read is noted with its row, and its row is left out; the column goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.sales import extractors
from include.sales.extractors import Unreadable
from include.sales.layout import Cell, Id, Layout
from include.sales.lines import MONEY, RATE, SCHEMA, Kind, Model
from include.sales.readers.rows import Rows, Shape
from include.sales.reading import Notes

_MOST_REMEMBERED = 200_000  # different texts whose meaning is kept, for each extractor
_LARGE = pa.scalar(Decimal(10) ** 18, MONEY)  # no amount of money: `extractors.fitting` says so
_SUMMAND = pa.decimal128(37, 10)  # two of them add up to lines.MONEY
_CODES = {"territory", "list_currency", "currency", "paid_currency"}
_SPAN = pa.struct([("first", pa.date32()), ("last", pa.date32())])
_KINDS = frozenset(Kind)
_MODELS = frozenset(Model)


@dataclass(frozen=True, slots=True)
class Trouble:
    """One cell that can't be read: `at` counts rows from 0."""

    at: int
    column: str
    value: str
    why: Unreadable


@dataclass(slots=True)
class _Known:
    texts: pa.Array
    values: pa.Array
    bad: dict[str, Unreadable]


class Meanings:
    """What texts mean, remembered from batch to batch: each different text is read once."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, ...], _Known] = {}

    def of(
        self, name: tuple[str, ...], texts: pa.Array, read: Callable[[str], Any], kind: pa.DataType
    ) -> tuple[pa.Array, dict[int, Unreadable]]:
        """For each of these different texts its value, null for nothing; and for those that can't be read, by their place, why."""
        known = self._known.get(name)
        if known is None or len(known.texts) > _MOST_REMEMBERED:
            known = self._known[name] = _Known(pa.array([], pa.string()), pa.array([], kind), {})
        at = pc.index_in(texts, value_set=known.texts)
        fresh = texts.filter(pc.and_(pc.is_null(at), pc.is_valid(texts)))
        if len(fresh):
            values: list[Any] = []
            for text in fresh.to_pylist():
                try:
                    values.append(read(text))
                except Unreadable as why:
                    values.append(None)
                    known.bad[text] = why
            known.texts = pa.concat_arrays([known.texts, fresh])
            known.values = pa.concat_arrays([known.values, pa.array(values, kind)])
            at = pc.index_in(texts, value_set=known.texts)
        bad = {}
        if known.bad:
            for place in pc.indices_nonzero(pc.is_in(texts, value_set=pa.array(list(known.bad), pa.string()))).to_pylist():
                bad[place] = known.bad[texts[place].as_py()]
        return known.values.take(at), bad


class Columns:
    """Some rows of one table. `troubles` fill up while fields are read."""

    def __init__(
        self, rows: Rows, positions: dict[str, int], layout: Layout, shape: Shape, zone: str, meanings: Meanings, notes: Notes
    ) -> None:
        self.rows, self._positions, self._layout, self._shape, self._zone = rows, positions, layout, shape, zone
        self._mark = shape.mark
        self._meanings, self._notes = meanings, notes
        self._texts: dict[str, pa.Array] = {}
        self._marked: dict[str, list[tuple[str, pa.Array]]] = {}  # field → columns and texts that are not plain numbers
        self.troubles: list[Trouble] = []

    def __len__(self) -> int:
        return len(self.rows)

    def only(self, mask: pa.Array) -> Columns:
        """The rows for which it is true."""
        rows = Rows(self.rows.numbers.filter(mask), [column.filter(mask) for column in self.rows.columns])
        return Columns(rows, self._positions, self._layout, self._shape, self._zone, self._meanings, self._notes)

    def with_column(self, name: str, at: int) -> Columns:
        """The same rows, where `name` is the column at this place."""
        return Columns(self.rows, self._positions | {name: at}, self._layout, self._shape, self._zone, self._meanings, self._notes)

    def text(self, column: str, *, plain: bool = False) -> pa.Array:
        """Without blanks around it, null where there is nothing. `plain`: also what the layout says stands for nothing is text."""
        name = column if plain else f"{column}\0"
        if name not in self._texts:
            at = self._positions.get(column)
            if at is None or at >= len(self.rows.columns):
                return pa.nulls(len(self), pa.string())
            bare = pc.utf8_trim_whitespace(self.rows.columns[at])
            if not self._layout.quoted:
                bare = _without_quotes(bare)
            nothing = pc.equal(bare, "") if plain else pc.is_in(bare, pa.array(["", *self._layout.empty]))
            self._texts[name] = pc.if_else(nothing, pa.scalar(None, pa.string()), bare) if pc.any(nothing).as_py() else bare
        return self._texts[name]

    def chosen(self, cell: Cell, *, plain: bool = False) -> pa.Array:
        """The text that a cell of the layout stands for, mapped."""
        if cell.by:
            by = pc.utf8_upper(self.text(cell.by))
            found = pa.nulls(len(self), pa.string())
            for value, column in cell.of.items():
                found = pc.if_else(pc.fill_null(pc.equal(by, value.upper()), False), self.text(column, plain=plain), found)
        else:
            texts = [self.text(column, plain=plain) for column in cell.columns if column in self._positions]
            found = pc.coalesce(*texts) if texts else pa.nulls(len(self), pa.string())
        if cell.map:
            found = self._mapped(found, cell)
        if cell.value:
            found = pc.fill_null(found, cell.value)
        return found

    def _mapped(self, texts: pa.Array, cell: Cell) -> pa.Array:
        known = {said.casefold(): ours for said, ours in cell.map.items()}
        coded = texts.dictionary_encode()
        ours = [known.get(text.casefold(), known.get("*", text)) for text in coded.dictionary.to_pylist()]
        found = pa.array(ours, pa.string()).take(coded.indices)
        if "" in known:
            found = pc.fill_null(found, known[""])
        return pc.if_else(pc.equal(found, ""), pa.scalar(None, pa.string()), found)

    def _read(self, texts: pa.Array, column: str, name: tuple[str, ...], read: Callable[[str], Any], kind: pa.DataType) -> pa.Array:
        coded = texts.dictionary_encode()
        values, bad = self._meanings.of(name, coded.dictionary, read, kind)
        if bad:
            where = pc.indices_nonzero(pc.fill_null(pc.is_in(coded.indices, pa.array(list(bad), coded.indices.type)), False)).to_pylist()
            which = coded.indices.take(pa.array(where, pa.int64())).to_pylist()
            self.troubles += [Trouble(at, column, coded.dictionary[one].as_py(), bad[one]) for at, one in zip(where, which, strict=True)]
        return values.take(coded.indices)

    def field(self, name: str, cell: Cell) -> pa.Array:
        """The canonical field's values, in its type. Signs by kind are not set yet."""
        kind = SCHEMA.field(name).type
        column = _named(cell)
        if name == "units" or kind in {MONEY, RATE}:
            values = self._summed(name, cell) if cell.total else self._number(self.chosen(cell), name, cell, column)
            if cell.total and name == "units":
                values = pc.cast(values, pa.int64())
            values = _signed(values, cell.sign)
        elif name == "date":
            return self.spans(self.chosen(cell), cell.formats, column)
        elif name in _CODES:
            values = self._code(name, self.chosen(cell), column)
        elif name in {"kind", "model"}:
            values = self._known(self.chosen(cell), name, column)
        else:
            values = self.chosen(cell, plain=True)
        if cell.missing == "rejected":
            self._missing(values, name, column)
        return values

    def _missing(self, values: pa.Array, name: str, column: str) -> None:
        if values.null_count:
            why = Unreadable("missing", f"{column or name} is empty", "Fill it in, or ask for the report again.")
            self.troubles += [Trouble(at, column, "", why) for at in pc.indices_nonzero(pc.is_null(values)).to_pylist()]

    def _number(self, texts: pa.Array, name: str, cell: Cell, column: str, kind: pa.DataType | None = None) -> pa.Array:
        kind = kind or SCHEMA.field(name).type
        if texts.null_count == len(texts):
            return pa.nulls(len(texts), kind)
        if self._mark == "." and not cell.as_:
            try:  # plain numbers are read at once; everything else one by one
                plain = pc.cast(texts, kind)
            except pa.ArrowInvalid:
                plain = None
            if plain is not None and (kind != MONEY or not pc.any(pc.greater_equal(pc.abs(plain), _LARGE)).as_py()):
                return plain
        self._marked.setdefault(name, []).append((column, texts))
        if pa.types.is_integer(kind):
            return self._read(texts, column, ("units", self._mark), extractors.whole(self._mark), kind)
        places = 18 if kind == RATE else 10
        as_written = extractors.percent(self._mark, cell.as_) if cell.as_ else extractors.decimal(self._mark)

        def read(text: str) -> Decimal:
            value = as_written(text)
            fits = extractors.fitting(value, places, text)
            if fits != value:
                self._notes.add(f"amounts with more than {places} decimals are rounded at the last of them ({column})")
            return fits

        return self._read(texts, column, (cell.as_ or "decimal", self._mark, str(places)), read, kind)

    def _summed(self, field: str, cell: Cell) -> pa.Array:
        total: pa.Array | None = None
        for name in cell.total:
            column = name.removeprefix("-")
            texts = self.text(column)
            values = pc.cast(self._number(texts, field, cell, column, MONEY), _SUMMAND)
            if name.startswith("-"):
                values = pc.negate(values)
            if total is None:
                total = values
                continue
            both = pc.cast(pc.add(pc.fill_null(total, Decimal(0)), pc.fill_null(values, Decimal(0))), _SUMMAND)
            total = pc.if_else(pc.and_(pc.is_null(total), pc.is_null(values)), pa.scalar(None, _SUMMAND), both)
        return pc.cast(total if total is not None else pa.nulls(len(self), _SUMMAND), MONEY)

    def contradicted(self, money: str, codes: pa.Array) -> None:
        """Notes amounts that say another currency than these: `12.50 USD` in a row of GBP."""
        for column, texts in self._marked.get(money, ()):
            if pc.any(pc.match_substring_regex(texts, "[A-Za-z$€£¥₹₩]")).as_py():
                self._in_another(column, texts, codes)

    def _in_another(self, column: str, texts: pa.Array, codes: pa.Array) -> None:
        coded = texts.dictionary_encode()
        said = [extractors.currencies_of(text) for text in coded.dictionary.to_pylist()]
        some = pc.is_in(coded.indices, pa.array([at for at, each in enumerate(said) if each is not None], coded.indices.type))
        for at in pc.indices_nonzero(pc.and_(pc.fill_null(some, False), pc.is_valid(codes))).to_pylist():
            text, code, of = texts[at].as_py(), codes[at].as_py(), said[coded.indices[at].as_py()]
            if of is not None and code not in of:
                why = Unreadable("other-currency", f"{text[:60]!r} is no amount in {code}", "Ask which of the two currencies is meant.")
                self.troubles.append(Trouble(at, column, text, why))

    def _code(self, name: str, texts: pa.Array, column: str) -> pa.Array:
        if name != "territory":
            return self._read(texts, column, ("currency",), extractors.currency, pa.string())
        found = self._read(texts, column, ("country",), extractors.country, pa.string())
        unknown = pc.fill_null(pc.equal(found, ""), False)
        if pc.any(unknown).as_py():
            for one in pc.value_counts(texts.filter(unknown)).to_pylist():
                self._notes.add(f"territory {one['values'][:60]!r} is no country: left empty", one["counts"])
            found = pc.if_else(unknown, pa.scalar(None, pa.string()), found)
        return found

    def _known(self, texts: pa.Array, name: str, column: str) -> pa.Array:
        allowed = _KINDS if name == "kind" else _MODELS

        def read(text: str) -> str:
            if text in allowed:
                return text
            raise Unreadable("not-known", f"{text[:60]!r} is not known as a {name}", f"Add it to `map` of {name} in the layout.")

        return self._read(texts, column, (name,), read, pa.string())

    def spans(self, texts: pa.Array, formats: tuple[str, ...], column: str) -> pa.Array:
        """First and last day of what each text names."""
        formats = self._shape.formats(formats)
        read = extractors.day(formats, self._zone)

        def span(text: str) -> dict[str, date]:
            first, last = read(text)
            return {"first": first, "last": last}

        return self._read(texts, column, ("day", *formats), span, _SPAN)

    def _id(self, one: Id) -> pa.Array:
        """`type:value`, checked, for each row."""
        texts = self.text(one.column)
        if not one.type_column or one.type_column not in self._positions:
            return self._read(texts, one.column, ("id", one.type), extractors.identifier(one.type), pa.string())
        types = {said.casefold(): type for said, type in one.types.items()}

        def read(text: str) -> str:
            said, _, value = text.partition("\t")
            type = types.get(said.strip().casefold(), "" if said.strip() else one.type)
            if not type:
                raise Unreadable("not-known", f"{said[:60]!r} is no type of identifier", f"One of: {', '.join(one.types)}.")
            return extractors.identifier(type)(value)

        both = pc.binary_join_element_wise(pc.fill_null(self.text(one.type_column), ""), texts, "\t")
        return self._read(both, one.column, ("id", one.type, one.type_column), read, pa.string())

    def ids(self, ids: tuple[Id, ...]) -> tuple[pa.Array, pa.Array, pa.Array]:
        """Type and value of what names the product, and `type:value|…` of what else does."""
        named = [(one, _none_if_empty(self._id(one))) for one in ids if one.column in self._positions]
        usable = [values for one, values in named if not one.only_beside]
        if not usable:
            nothing = pa.nulls(len(self), pa.string())
            return nothing, nothing, nothing
        sure = [_unless_proprietary(values) if one.type == "isbn" else values for one, values in named if not one.only_beside]
        best = pc.coalesce(*sure, *usable)
        others = [pc.if_else(pc.fill_null(pc.not_equal(values, best), False), values, pa.scalar(None, pa.string())) for _, values in named]
        # null_handling="skip" drops rows of nothing but nulls (pyarrow 26): joined with empty texts instead, then cleaned
        joined = pc.binary_join_element_wise(*others, "|", null_handling="replace", null_replacement="")
        beside = pc.utf8_trim(pc.replace_substring_regex(joined, r"\|{2,}", "|"), "|")
        coded = best.dictionary_encode()
        pairs = pc.split_pattern(coded.dictionary, ":", max_splits=1)
        types, values = (pc.list_element(pairs, place).take(coded.indices) for place in (0, 1))
        return types, values, _none_if_empty(beside)


def _without_quotes(texts: pa.Array) -> pa.Array:
    """Some write quotation marks around cells even where the vendor does not: a whole cell in them, those inside doubled."""
    if not pc.any(pc.starts_with(texts, '"')).as_py():
        return texts
    around = pc.match_substring_regex(texts, '^"(?:[^"]|"")*"$')
    bare = pc.replace_substring(pc.replace_substring_regex(texts, '^"|"$', ""), '""', '"')
    return pc.if_else(around, bare, texts)


def _named(cell: Cell) -> str:
    return (cell.columns or tuple(name.removeprefix("-") for name in cell.total) or tuple(cell.of.values()) or ("",))[0]


def _none_if_empty(texts: pa.Array) -> pa.Array:
    empty = pc.fill_null(pc.equal(texts, ""), False)
    return pc.if_else(empty, pa.scalar(None, pa.string()), texts) if pc.any(empty).as_py() else texts


def _unless_proprietary(texts: pa.Array) -> pa.Array:
    """An ISBN column whose value is none gives way to another column."""
    odd = pc.fill_null(pc.starts_with(texts, "proprietary:"), False)
    return pc.if_else(odd, pa.scalar(None, pa.string()), texts)


def _signed(values: pa.Array, sign: str) -> pa.Array:
    if sign == "turned":
        return pc.negate(values)
    if sign == "positive":
        return pc.abs(values)
    if sign == "negative":
        return pc.negate(pc.abs(values))
    return values
