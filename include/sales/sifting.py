"""Which rows of a table are lines: totals, footers, notes, blank rows and rows of another kind are told apart, and what they state kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import pyarrow as pa
import pyarrow.compute as pc

from include.files.bounds import printable
from include.sales import extractors
from include.sales.columns import Columns
from include.sales.extractors import Unreadable
from include.sales.layout import Condition, Footer, Stated, key
from include.sales.readers.rows import Rows
from include.sales.reading import Control, Notes, Rejected, Rejects
from include.sales.recognise import Found

_MOST_STATED = 10_000  # different totals one table may state


class Sifter:
    """For one table of one file."""

    def __init__(self, found: Found, rejects: Rejects, skipped: Counter[str], notes: Notes) -> None:
        self._found, self._rejects, self._skipped, self._notes = found, rejects, skipped, notes
        self._table = found.table
        self._width = found.shape.width
        self._ends: int | None = None  # row after which nothing is a line
        self._summary: tuple[dict[str, int], tuple[Stated, ...]] | None = None
        self._stated: dict[tuple[Stated, str, Decimal], str] = {}
        self._times: Counter[tuple[Stated, str, Decimal]] = Counter()
        self._together: dict[tuple[Stated, str], Decimal] = {}
        self._read = extractors.decimal(found.shape.mark)

    def ragged(self, row: int, cells: list[str]) -> None:
        """A row of another width than the table's: a footer, a blank one, or one that is refused."""
        if not any(cell.strip() for cell in cells):
            return
        if self._ended(row):
            self._after(row, cells)
        elif self._footer(row, cells):
            if self._table.role == "lines":
                self._skipped["totals and notes"] += 1
        elif joined := max(cell.count("\n") for cell in cells if self._joins(cell)) if any(map(self._joins, cells)) else 0:
            self._refuse_joined(row, cells, joined + 1)
        else:
            self._rejects.add(
                Rejected(
                    self._found.label,
                    row,
                    "",
                    printable(" | ".join(cells))[:200],
                    "cells",
                    f"the row has {len(cells)} cells where the table has {self._width}",
                    "Compare it with its neighbours: a delimiter is missing or one too many, or the file was cut off.",
                )
            )

    def _joins(self, cell: str) -> bool:
        """Whether whole rows stand in one cell: a quotation mark was opened by mistake, and closed by the next mistake or never."""
        shape = self._found.shape
        return bool(shape.delimiter) and shape.quoted and "\n" in cell and cell.count(shape.delimiter) >= self._width - 1

    def _refuse_joined(self, row: int, cells: Sequence[str], rows: int) -> None:
        self._rejects.add(
            Rejected(
                self._found.label, row, "", printable(" | ".join(cells))[:200], "rows-joined",
                f"a quotation mark that opens and does not close joins {rows} rows: none of them is read",
                "Ask for the report again, or take the single quotation mark out of this row.",
            ),
            rows,
        )  # fmt: skip

    def _ended(self, row: int) -> bool:
        return self._ends is not None and row > self._ends

    def _after(self, row: int, cells: Sequence[str]) -> None:
        """A row below the lines: of a summary, or of nothing."""
        if self._opens_summary(row, cells):
            return
        if self._summary is not None:
            places, stated = self._summary
            for one in stated:
                self._note(one, row, lambda column: cells[places[column]] if places.get(column, len(cells)) < len(cells) else "", cells)
        else:
            self._footer(row, cells)

    def _opens_summary(self, row: int, cells: Sequence[str]) -> bool:
        said = [key(cell) for cell in cells if cell.strip()]
        for summary in self._table.summaries:
            if said == [key(name) for name in summary.header]:
                self._summary = ({name: at for at, name in enumerate(summary.header)}, summary.stated)
                self._ends = row if self._ends is None else self._ends
                return True
        return False

    def _footer(self, row: int, cells: Sequence[str]) -> bool:
        """Whether the row is a footer; what it states is kept."""
        if self._opens_summary(row, cells):
            return True
        positions = self._found.positions

        def cell(column: str) -> str:
            at = positions.get(column, len(cells))
            return cells[at].strip() if at < len(cells) else ""

        for footer in self._table.footers:
            text = cell(footer.column) if footer.column else next((one.strip() for one in cells if one.strip()), "")
            if not _fits(footer.matches, text) or any(cell(column) not in {"", text} for column in footer.blank):
                continue
            self._take(footer, row, cell, cells)
            return True
        return False

    def _take(self, footer: Footer, row: int, cell: Callable[[str], str], cells: Sequence[str]) -> None:
        for one in footer.stated:
            self._note(one, row, cell, cells)
        if footer.ends and self._ends is None:
            self._ends = row

    def _note(self, stated: Stated, row: int, cell: Callable[[str], str], cells: Sequence[str]) -> None:
        text = cells[stated.cell - 1].strip() if 0 < stated.cell <= len(cells) else cell(stated.column) if stated.column else ""
        if text.strip():
            where = f"{self._found.label}, row {row}" if self._found.label else f"row {row}"
            self._keep(stated, text, cell(stated.currency_column) if stated.currency_column else stated.currency, where, rows=1)

    def _keep(self, stated: Stated, text: str, currency: str, where: str, *, rows: int = 0) -> None:
        try:
            amount = self._read(text)
            code = extractors.currency(currency) if currency.strip() else ""
        except Unreadable as bad:
            self._notes.add(f"a total can't be read ({where}): {bad.what}")
            return
        if stated.together:
            at = (stated, code)
            self._together[at] = self._together.get(at, Decimal(0)) + amount
        elif len(self._stated) < _MOST_STATED:
            self._stated.setdefault((stated, code, amount), where)
            self._times[stated, code, amount] += rows

    def sifted(self, columns: Columns) -> Columns:
        """The rows that are lines. What is not is counted under its reason."""
        columns = self._without_the_end(columns)
        columns = self._without_blank(columns)
        columns = self._without_joined(columns)
        columns = self._without_the_header(columns)
        columns = self._without_footers(columns)
        for skip in self._table.skips:
            columns = self._without(columns, _fitting(columns, skip), skip.reason or f"{' or '.join(skip.columns)} is {skip.matches}")
        if self._table.keeps and len(columns):
            kept = _fitting(columns, self._table.keeps[0])
            for one in self._table.keeps[1:]:
                kept = pc.or_(kept, _fitting(columns, one))
            columns = self._without(columns, pc.invert(kept), self._table.keeps[0].reason)
        self._columns_stated(columns)
        return columns

    def _without(self, columns: Columns, mask: pa.Array, reason: str) -> Columns:
        count = pc.sum(mask).as_py() or 0
        if not count:
            return columns
        if self._table.role == "lines" and reason:
            self._skipped[reason] += count
        return columns.only(pc.invert(mask))

    def _without_the_end(self, columns: Columns) -> Columns:
        if self._ends is None:
            return columns
        after = pc.greater(columns.rows.numbers, self._ends)
        if pc.any(after).as_py():
            rest = columns.only(after)
            for at in range(len(rest)):
                self._after(rest.rows.numbers[at].as_py(), [column[at].as_py() or "" for column in rest.rows.columns])
            return columns.only(pc.invert(after))
        return columns

    def _without_blank(self, columns: Columns) -> Columns:
        blank: pa.Array | None = None
        for column in columns.rows.columns:
            empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(column), ""), True)
            blank = empty if blank is None else pc.and_(blank, empty)
            if not pc.any(blank).as_py():
                return columns
        return columns.only(pc.invert(blank)) if blank is not None else columns

    def _without_joined(self, columns: Columns) -> Columns:
        """Cells with whole rows in them have as many delimiters as those rows: by chance no text has."""
        shape = self._found.shape
        if not shape.delimiter or not shape.quoted or self._width < 3:
            return columns
        joined: dict[int, int] = {}
        for column in columns.rows.columns:
            broken = pc.match_substring(column, "\n")
            if pc.any(broken).as_py():
                for at in pc.indices_nonzero(pc.fill_null(broken, False)).to_pylist():
                    text = column[at].as_py()
                    if text.count(shape.delimiter) == text.count("\n") * (self._width - 1):
                        joined[at] = text.count("\n") + 1
        if not joined:
            return columns
        for at, rows in sorted(joined.items()):
            cells = [column[at].as_py() or "" for column in columns.rows.columns]
            self._refuse_joined(columns.rows.numbers[at].as_py(), cells, rows)
        return columns.only(pc.invert(pc.is_in(pa.array(range(len(columns)), pa.int64()), pa.array(list(joined), pa.int64()))))

    def _without_the_header(self, columns: Columns) -> Columns:
        """Reports that were joined by hand have the header again, once for each."""
        header, again = self._found.header, pa.repeat(pa.scalar(True), len(columns))
        if not self._found.shape.header_row:
            return columns
        for at in self._found.positions.values():
            if at < len(columns.rows.columns):
                again = pc.and_(again, pc.fill_null(pc.equal(pc.utf8_trim_whitespace(columns.rows.columns[at]), header[at].strip()), False))
                if not pc.any(again).as_py():
                    return columns
        return self._without(columns, again, "the header again")

    def _without_footers(self, columns: Columns) -> Columns:
        if not (self._table.footers or self._table.summaries) or not len(columns):
            return columns
        suspects = self._suspects(columns)
        if not pc.any(suspects).as_py():
            return columns
        gone: list[int] = []
        for at in pc.indices_nonzero(suspects).to_pylist():
            number = columns.rows.numbers[at].as_py()
            cells = [column[at].as_py() or "" for column in columns.rows.columns]
            if self._ended(number):
                self._after(number, cells)
                gone.append(at)
            elif self._footer(number, cells):
                gone.append(at)
        if not gone:
            return columns
        if self._table.role == "lines":
            self._skipped["totals and notes"] += len(gone)
        keep = pc.invert(pc.is_in(pa.array(range(len(columns)), pa.int64()), pa.array(gone, pa.int64())))
        return self._without_the_end(columns.only(keep))

    def _suspects(self, columns: Columns) -> pa.Array:
        """Rows that may be footers, told at once for all rows; each is then looked at by itself."""
        found = pa.repeat(pa.scalar(False), len(columns))
        first: pa.Array | None = None
        for footer in self._table.footers:
            if footer.column:
                text = columns.text(footer.column, plain=True)
            else:
                first = _first(columns.rows) if first is None else first
                text = first
            suspect = _matching(text, footer.matches)
            for column in footer.blank:
                other = columns.text(column, plain=True)
                suspect = pc.and_(suspect, pc.or_(pc.is_null(other), pc.fill_null(pc.equal(other, text), False)))
            found = pc.or_(found, suspect)
        for summary in self._table.summaries:
            first = _first(columns.rows) if first is None else first
            found = pc.or_(found, pc.fill_null(pc.equal(pc.utf8_lower(first), summary.header[0].lower()), False))
        return found

    def _columns_stated(self, columns: Columns) -> None:
        """Totals that stand in columns: repeated in every row, or (of a control table) to add up."""
        for stated in self._table.stated:
            if stated.column.startswith("/") or not len(columns):
                continue
            texts, currencies = columns.text(stated.column), columns.text(stated.currency_column) if stated.currency_column else None
            where = f"{self._found.label}, {stated.column}".lstrip(", ")
            if stated.together:
                for at in pc.indices_nonzero(pc.is_valid(texts)).to_pylist():
                    self._keep(
                        stated, texts[at].as_py(), (currencies[at].as_py() or "") if currencies is not None else stated.currency, where
                    )
                continue
            pairs = pa.table({"text": texts, "currency": currencies if currencies is not None else pa.nulls(len(columns), pa.string())})
            for one in pairs.group_by(["text", "currency"]).aggregate([]).to_pylist()[:_MOST_STATED]:
                if one["text"]:
                    self._keep(stated, one["text"], one["currency"] or stated.currency, where)

    def around(self, said: Mapping[str, str]) -> None:
        """Totals of an XML message, which stand outside of its rows."""
        for stated in self._table.stated:
            if stated.column.startswith("/") and said.get(stated.column):
                self._keep(stated, said[stated.column], said.get(stated.currency_column, "") or stated.currency, stated.column)

    def controls(self, labels: list[str], like: Callable[[list[str], tuple[str, ...]], tuple[str, ...]]) -> list[Control]:
        """What this table states, in the order in which it was met."""

        def sheets(stated: Stated) -> tuple[str, ...]:
            if stated.of_sheets:
                return like(labels, stated.of_sheets) or ("",)
            return () if self._table.role == "control" else (self._found.label,)

        kept = [
            Control(one.what, code, amount, where, sheets(one), one.of_models, max(1, self._times[one, code, amount]))
            for (one, code, amount), where in self._stated.items()
        ]
        where = self._found.label or self._table.name or "the report's totals"
        return kept + [Control(one.what, code, amount, where, sheets(one), one.of_models) for (one, code), amount in self._together.items()]


def _matching(texts: pa.Array, pattern: str) -> pa.Array:
    coded = pc.fill_null(texts, "").dictionary_encode()  # the first column is often a day or a shop
    return pc.match_substring_regex(coded.dictionary, f"^(?:{pattern})$", ignore_case=True).take(coded.indices)


def _fits(pattern: str, text: str) -> bool:
    return bool(_matching(pa.array([text]), pattern)[0].as_py())


def _fitting(columns: Columns, condition: Condition) -> pa.Array:
    found = pa.repeat(pa.scalar(False), len(columns))
    for column in condition.columns:
        found = pc.or_(found, _matching(columns.text(column), condition.matches))
    return found


def _first(rows: Rows) -> pa.Array:
    """The first cell of each row that has something in it."""
    first = _or_null(rows.columns[0])
    return first if not first.null_count else pc.coalesce(first, *(_or_null(column) for column in rows.columns[1:]))


def _or_null(column: pa.Array) -> pa.Array:
    bare = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(bare, ""), pa.scalar(None, pa.string()), bare)
