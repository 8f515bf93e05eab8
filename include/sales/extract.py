"""A recognised report's lines, in record batches of `include.sales.lines.SCHEMA`; `digest` is left for who loads them.

A row that can't be read is refused with its reasons and the rest goes on. Totals, footers and blank rows are no lines; what they state
is kept as control totals.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from include.errors import RejectedData
from include.files.bounds import printable
from include.partners.sources import SalesSource
from include.sales import digests
from include.sales.columns import Columns, Meanings
from include.sales.layout import Cell
from include.sales.lines import SCHEMA, Kind, Model
from include.sales.periods import days as days_of
from include.sales.readers.opened import AnySheet, opened
from include.sales.readers.rows import Rows
from include.sales.readers.tree import TreeSheet
from include.sales.reading import Control, Notes, Rejected, Rejects
from include.sales.recognise import Found, Recognised
from include.sales.sifting import Sifter
from include.sales.spans import Periods

_USAGE = (Model.PAGE_READS.value, Model.USAGE.value)
_A_LOOK = 500  # rows of two sheets that are compared before they are compared whole
_CURRENCY_OF = (
    ("gross", "currency"),
    ("fees", "currency"),
    ("net", "currency"),
    ("paid", "paid_currency"),
    ("list_price", "list_currency"),
)
_ZERO = pa.scalar(Decimal(0), pa.decimal128(38, 10))


class Reading:
    """Iterate it once for the lines; everything else is complete only then.

    `rows`: rows of the file that were lines or should have been (also refused ones, not skipped ones). `skipped`: reason → rows.
    `rejects`: refused rows. `controls`: what the report states; `found` gives what its lines come to for one of them.
    """

    def __init__(self, path: Path, name: str, recognised: Recognised, source: SalesSource | None, rows_at_once: int) -> None:
        self.recognised, self._path, self._name, self._source, self._rows_at_once = recognised, path, name, source, rows_at_once
        self.rows = 0
        self.rows_of: Counter[str] = Counter()  # sheet → rows
        self.skipped: Counter[str] = Counter()
        self.rejects = Rejects()
        self.controls: list[Control] = []
        self.copied: list[str] = []  # sheets that were taken for copies of others, in sentences
        self.notes = Notes()
        for note in recognised.notes:
            self.notes.add(note)
        self.period: tuple[date, date] | None = None
        above = [row for one in recognised.found for row in one.above]
        self.preamble = {row[0].strip(): row[1].strip() for row in above if len(row) > 1 and row[0].strip()}
        self._amounts: dict[tuple[str, str, str, str], Decimal] = {}  # sheet, model, what, currency
        self._said: dict[tuple[int, int | None], tuple[int, int, Counter[str]]] = {}
        self._meanings = Meanings()
        self._batches = self._all()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        return self._batches

    def __next__(self) -> pa.RecordBatch:
        return next(self._batches)

    def found(self, control: Control) -> Decimal:
        """What the lines that were read come to where the report states `control.stated`."""
        sheets = control.sheets or tuple(self.rows_of)
        if control.what == "rows":
            return Decimal(sum(self.rows_of[sheet] for sheet in sheets))
        return sum(
            (
                amount
                for (sheet, model, what, currency), amount in self._amounts.items()
                if sheet in sheets
                and what == control.what
                and control.currency in {"", currency}
                and (not control.models or model in control.models)
            ),
            Decimal(0),
        )

    def _all(self) -> Iterator[pa.RecordBatch]:
        with opened(self._path, self._name) as file:
            for found in self.recognised.found:
                sheet = next((one for one in file.sheets if (one.member, one.name) == (found.member, found.sheet)), None)
                if sheet is None:
                    raise RejectedData("the file changed while it was read", where=printable(self._name), todo="Load it again.")
                if self._is_copy(found, file.copies.get(found.member, "")):
                    self.notes.add(f"{printable(found.member)} in the archive is {printable(file.copies[found.member])} again: read once")
                    continue
                if (first := self._read_before(found, file.sheets)) is not None:
                    what = f"{printable(found.label)!r} has the same lines as {printable(first.label)!r}"
                    self.notes.add(f"{what}: read once. If both are real, ask for them in one table")
                    if found.member == first.member or PurePosixPath(found.member).stem != PurePosixPath(first.member).stem:
                        self.copied.append(what)  # else it is surely one: a table in two formats
                    continue
                if sheet.hidden:
                    self.notes.add(f"sheet {printable(found.label)!r} is hidden: its rows are read like the others")
                yield from self._sheet(found, sheet)
        if self.period is None:  # nothing was sold: the report still speaks of a month
            spans = (Periods(self.recognised.layout, found, self._name).whole() for found in self.recognised.found)
            self.period = next((span for span in spans if span is not None), None)

    def _is_copy(self, found: Found, of: str) -> bool:
        """Whether it is another member again, and of the same period: small months may well be alike but for the file's name."""
        first = next((one for one in self.recognised.found if of and (one.member, one.sheet) == (of, found.sheet)), None)
        layout = self.recognised.layout
        return first is not None and Periods(layout, first, self._name).whole() == Periods(layout, found, self._name).whole()

    def _read_before(self, found: Found, sheets: Sequence[AnySheet]) -> Found | None:
        """The sheet before it that has just these lines: a copy that somebody left in the workbook, the same table in two formats."""
        if found.table.role != "lines":
            return None
        for one in itertools.takewhile(lambda each: each is not found, self.recognised.found):
            if one.table is not found.table or not (begins := self._says(found, sheets, 1))[0]:
                continue
            if self._says(one, sheets, 1) == begins and self._says(one, sheets) == self._says(found, sheets):
                return one
        return None

    def _says(self, found: Found, sheets: Sequence[AnySheet], most: int | None = None) -> tuple[int, int, Counter[str]]:
        """Of so many record batches of a sheet: lines, a sum that is the same for the same lines, whatever their order, and why rows could
        not be read: such rows would be told of nowhere, were it taken for a copy."""
        if (id(found), most) not in self._said:
            alone = Reading(
                self._path, self._name, replace(self.recognised, found=(found,)), self._source, _A_LOOK if most else self._rows_at_once
            )
            sheet = next(one for one in sheets if (one.member, one.name) == (found.member, found.sheet))
            lines = total = 0
            for batch in itertools.islice(alone._sheet(found, sheet), most):
                total += int(digests.keys(digests.hashes(batch), batch).sum())
                lines += batch.num_rows
            self._said[id(found), most] = (lines, total % (1 << 64), Counter(alone.rejects.codes))
        return self._said[id(found), most]

    def _sheet(self, found: Found, sheet: AnySheet) -> Iterator[pa.RecordBatch]:
        layout = self.recognised.layout
        sifter = Sifter(found, self.rejects, self.skipped, self.notes)
        zone = (self._source.timezone if self._source else "") or layout.timezone or "UTC"
        periods = Periods(layout, found, self._name)
        if found.table.role == "lines":
            self.rows_of[found.label] += 0
        for rows in self._rows(found, sheet, sifter):
            columns = Columns(rows, found.positions, layout, found.shape, zone, self._meanings, self.notes)
            columns = sifter.sifted(columns)
            if len(columns) and found.table.role == "lines":
                self.rows += len(columns)
                self.rows_of[found.label] += len(columns)
                yield from self._lines(columns, found, periods)
        if isinstance(sheet, TreeSheet):
            sifter.around(sheet.around)
        self.controls += sifter.controls([one.label for one in self.recognised.found if one.table.role == "lines"], _sheets_like)

    def _rows(self, found: Found, sheet: AnySheet, sifter: Sifter) -> Iterator[Rows]:
        if isinstance(sheet, TreeSheet):
            yield from sheet.read(found.table.row, found.header, self._rows_at_once)
        else:
            yield from sheet.batches(found.shape, self._rows_at_once, sifter.ragged)

    def _lines(self, columns: Columns, found: Found, periods: Periods) -> Iterator[pa.RecordBatch]:
        table = found.table
        variants: list[tuple[Columns, dict[str, Cell], tuple[str, ...], tuple[date, date] | None]] = [
            (columns, table.fields | line.fields, line.unless_zero, None) for line in table.lines
        ]
        if table.months:
            for at, first, last in periods.months():
                column = f"month {at}"
                cell = Cell.model_validate({"column": column})
                variants.append((
                    columns.with_column(column, at),
                    table.fields | {table.months.into: cell},
                    (table.months.into,),
                    (first, last),
                ))
        if not variants:
            variants.append((columns, dict(table.fields), (), None))
        made: list[tuple[dict[str, pa.Array], pa.Array | None]] = []
        for of, fields, unless, span in variants:
            arrays = self._line(of, fields, found, periods, span)
            there = _there(arrays, unless) if unless else None
            periods.check(of, arrays, there)
            made.append((arrays, there))
        kept = self._kept(columns, [of for of, _, _, _ in variants], found)
        self._count_nothing([there for _, there in made], kept, len(columns))
        for arrays, there in made:
            batch = pa.RecordBatch.from_arrays([arrays[name] for name in SCHEMA.names], schema=SCHEMA)
            keep = there if kept is None else kept if there is None else pc.and_(kept, there)
            if keep is not None:
                batch = batch.filter(keep)
            if batch.num_rows:
                self._counted(batch, found.label)
                yield batch

    def _count_nothing(self, there: list[pa.Array | None], kept: pa.Array | None, rows: int) -> None:
        """Rows in which nothing was sold, returned or read are counted, and no lines."""
        some = pa.repeat(pa.scalar(False), rows)
        for one in there:
            if one is None:
                return
            some = pc.or_(some, one)
        nothing = pc.invert(some) if kept is None else pc.and_(kept, pc.invert(some))
        if count := pc.sum(nothing).as_py():
            self.skipped["nothing sold or used"] += count

    def _kept(self, columns: Columns, variants: list[Columns], found: Found) -> pa.Array | None:
        """Which rows stay, once those with troubles are written down; None for all."""
        told: dict[tuple[int, str], Any] = {}
        for of in variants:
            for trouble in of.troubles:
                told.setdefault((trouble.at, trouble.column), trouble)
            of.troubles = []
        if not told:
            return None
        numbers = columns.rows.numbers.to_pylist()
        for at, column in sorted(told):
            value, why = told[at, column].value or "", told[at, column].why
            shown = value[:200] if value.isprintable() else printable(value)[:200]
            self.rejects.add(Rejected(found.label, numbers[at], column, shown, why.code, why.what, why.todo))
        bad = pa.array(sorted({at for at, _ in told}), pa.int64())
        return pc.invert(pc.is_in(pa.array(range(len(columns)), pa.int64()), bad))

    def _line(
        self, columns: Columns, fields: dict[str, Cell], found: Found, periods: Periods, span: tuple[date, date] | None
    ) -> dict[str, pa.Array]:
        count = len(columns)
        arrays: dict[str, pa.Array] = {name: columns.field(name, cell) for name, cell in fields.items()}
        for money, code in _CURRENCY_OF:
            if money in arrays and code in arrays:
                columns.contradicted(money, arrays[code])
        arrays["row"] = columns.rows.numbers
        arrays["sheet"] = pa.repeat(pa.scalar(found.label, pa.string()), count)
        arrays["id_type"], arrays["id_value"], arrays["other_ids"] = columns.ids(found.table.ids)
        days = arrays.pop("date", None)
        arrays["period"], _, last = periods.of(columns, days, span)
        given = pc.struct_field(days, "last") if days is not None else pa.nulls(count, pa.date32())
        arrays["date"] = pc.coalesce(given, last)
        for name in SCHEMA.names:
            if name not in arrays:
                arrays[name] = pa.nulls(count, SCHEMA.field(name).type)
        arrays["model"] = pc.fill_null(arrays["model"], Model.SALE.value)
        if self._source and self._source.territory:
            arrays["territory"] = pc.fill_null(arrays["territory"], self._source.territory)
        _kinds(arrays, fields)
        if found.table.zero_is_free:
            nothing_paid = pc.and_(
                pc.fill_null(pc.equal(arrays["net"], _ZERO), False), pc.equal(pc.fill_null(arrays["list_price"], _ZERO), _ZERO)
            )
            given_away = pc.and_(nothing_paid, pc.fill_null(pc.greater(arrays["units"], 0), False))
            free = pc.and_(given_away, pc.equal(arrays["model"], Model.SALE.value))
            arrays["model"] = pc.if_else(free, Model.FREE.value, arrays["model"])
        return arrays

    def _counted(self, batch: pa.RecordBatch, sheet: str) -> None:
        """Sums for the controls, and the first and last day."""
        if (first := pc.min(batch["date"]).as_py()) is not None:
            last = pc.max(batch["date"]).as_py()
            spans = [days_of(text) for text in pc.unique(batch["period"]).to_pylist() if text]
            first, last = min([first, *(one.first for one in spans)]), max([last, *(one.last for one in spans)])
            self.period = (min(first, self.period[0]), max(last, self.period[1])) if self.period else (first, last)
        table = pa.table({
            name: batch[name] for name in ("currency", "paid_currency", "model", "kind", "units", "net", "gross", "fees", "paid")
        })
        keys = ["currency", "paid_currency", "model", "kind"]
        sums = table.group_by(keys).aggregate([(name, "sum") for name in ("units", "net", "gross", "fees", "paid")])
        for one in sums.to_pylist():
            currency, units, model = one["currency"] or "", one["units_sum"] or 0, one["model"]
            if model in _USAGE:
                self._add(sheet, model, "usage", currency, units)
            else:
                self._add(sheet, model, "units", currency, units)
                returned = one["kind"] == Kind.RETURN
                self._add(sheet, model, "returned" if returned else "sold", currency, -units if returned else units)
            for name in ("net", "gross", "fees"):
                self._add(sheet, model, name, currency, one[f"{name}_sum"] or 0)
            self._add(sheet, model, "paid", one["paid_currency"] or "", one["paid_sum"] or 0)

    def _add(self, sheet: str, model: str, what: str, currency: str, amount: Decimal | int) -> None:
        at = (sheet, model, what, currency)
        self._amounts[at] = self._amounts.get(at, Decimal(0)) + amount


def read(path: Path, name: str, recognised: Recognised, source: SalesSource | None, *, rows_at_once: int = 50_000) -> Reading:
    """The report's lines, streamed. Iterating raises `RejectedData` where the file as a whole can't be read to its end."""
    return Reading(path, name, recognised, source, rows_at_once)


def _kinds(arrays: dict[str, pa.Array], fields: dict[str, Cell]) -> None:
    """Sale or return: as the report says, else by the sign of units, else of money. Then the signs that follow from it.

    A sale of fewer than no units is a return, whatever it is called: its units came back.
    """
    units, net = arrays["units"], arrays["net"]
    below = pc.fill_null(pc.less(units, 0), False)
    only_money = pc.and_(pc.equal(pc.fill_null(units, 0), 0), pc.fill_null(pc.less(net, _ZERO), False))
    told = pc.if_else(pc.or_(below, only_money), Kind.RETURN.value, Kind.SALE.value)
    arrays["kind"] = pc.if_else(below, Kind.RETURN.value, pc.coalesce(arrays["kind"], told))
    returned = pc.equal(arrays["kind"], Kind.RETURN.value)
    for name, cell in fields.items():
        if cell.sign == "by kind":
            arrays[name] = pc.if_else(returned, pc.negate(pc.abs(arrays[name])), arrays[name])


def _there(arrays: dict[str, pa.Array], unless: tuple[str, ...]) -> pa.Array:
    """Rows in which one of these is neither empty nor zero."""
    some = pa.repeat(pa.scalar(False), len(arrays["row"]))
    for name in unless:
        zero = pa.scalar(0, pa.int64()) if name == "units" else _ZERO
        some = pc.or_(some, pc.fill_null(pc.not_equal(arrays[name], zero), False))
    return some


def _sheets_like(labels: list[str], globs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(label for label in labels if any(fnmatchcase(label.rpartition(" / ")[2].lower(), glob.lower()) for glob in globs))
