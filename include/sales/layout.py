"""How a report looks: `config/reports/<id>.toml`. Recognising and reading follow it; no shop's name stands in the code.

A layout holds one or more tables (sheets of a workbook, the one table of a text file). A table's header is the vendor's own, word for
word; header names are compared without case, blanks and punctuation, because vendors change those without telling anybody.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from include.partners.registry import read_named, stems
from include.partners.tables import Currency, FileTable, Table
from include.sales.lines import SCHEMA

What = Literal["rows", "units", "sold", "returned", "usage", "net", "gross", "fees", "paid"]
COMPUTED = frozenset({"row", "sheet", "period", "id_type", "id_value", "other_ids", "digest"})  # not of one column: never a field


def key(header: str) -> str:
    """A header's name as it is compared: letters, digits and `%`, without case."""
    return re.sub(r"[^\w%]|_", "", header).casefold() if header else ""


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as bad:
        raise ValueError(f"not a regular expression: {bad}") from bad
    return value


class Cell(Table):
    """Where one field of the canonical line comes from. `title = "Title"` is short for `title = { column = "Title" }`."""

    columns: tuple[str, ...] = Field(default=(), description="The first of these with something in it; `column` for a single one.")
    total: tuple[str, ...] = Field(default=(), description="The sum of these columns, `-` in front of one that is taken off.")
    by: str = Field(default="", description="Column whose value chooses among `of`.")
    of: dict[str, str] = Field(default={}, description="Value of `by` → column.")
    value: str = Field(default="", description="The same for all lines; also where the columns have nothing.")
    as_: Literal["", "percent", "share", "fraction"] = Field(
        default="",
        alias="as",
        description="Of discount_percent. percent: as written, `48%`. share: what is ours, taken from 100. fraction: 0.48.",
    )
    formats: tuple[str, ...] = Field(
        default=("iso",),
        description="Of dates: iso (also with a time and an offset), excel (a spreadsheet's number of the day), or as strptime's. "
        "Where %d/%m/%Y stands without %m/%d/%Y, the file's days tell which of the two is meant.",
    )
    map: dict[str, str] = Field(default={}, description="What the report says → ours, without case; `*` for everything else.")
    sign: Literal["", "by kind", "turned", "positive", "negative"] = Field(
        default="", description="by kind: negative in returns, whatever the report's sign. turned: the other way around."
    )
    missing: Literal["allowed", "rejected"] = "allowed"

    @model_validator(mode="before")
    @classmethod
    def _short(cls, given: Any) -> Any:
        if isinstance(given, str):
            return {"columns": (given,)}
        if isinstance(given, dict) and "column" in given:
            rest = {name: value for name, value in given.items() if name != "column"}
            return rest | {"columns": (given["column"], *rest.get("columns", ()))}
        return given

    def names(self) -> tuple[str, ...]:
        """All columns it may read."""
        return (*self.columns, *(name.removeprefix("-") for name in self.total), *filter(None, (self.by,)), *self.of.values())


class Id(Table):
    """One column that names the product. The first with a usable value counts, the others are kept beside it."""

    type: Literal["isbn", "asin", "sku", "doi", "proprietary", "parent-isbn", "any"] = Field(
        description="any: told by the value. A value in an isbn column that is none is kept as what it looks like, else as proprietary."
    )
    column: str
    types: dict[str, str] = Field(default={}, description="What `type_column` says → type, where the report says it.")
    type_column: str = ""
    only_beside: bool = Field(default=False, description="Never the product itself: the parent of an edition.")


class Condition(Table):
    """Rows by what one of these columns says."""

    columns: tuple[str, ...]
    matches: str = Field(description="Regular expression for the whole cell, without case; `` for an empty one.")
    reason: str = Field(
        default="", description="For people, where such rows are counted; of what is kept, empty: the others are not counted."
    )

    _valid = field_validator("matches")(_pattern)


class Stated(Table):
    """One control total: what the report itself says it comes to."""

    what: What
    column: str = ""
    cell: int = Field(default=0, ge=0, description="Instead of a column: the n-th cell of the row, from 1.")
    currency: Currency | Literal[""] = ""
    currency_column: str = ""
    together: bool = Field(default=False, description="The sum over all such rows; else each row by itself.")
    of_models: tuple[str, ...] = Field(default=(), description="Of lines of these models; empty: of all but page reads and usage.")
    of_sheets: tuple[str, ...] = Field(default=(), description="Of lines of these sheets (glob); empty: of all.")


class Footer(Table):
    """A row that is no line: a total, a note. It is told by its first cell with something in it, or by a column."""

    column: str = ""
    matches: str = ""
    blank: tuple[str, ...] = Field(default=(), description="And these columns are empty, or hold just that.")
    stated: tuple[Stated, ...] = ()
    ends: bool = Field(default=False, description="Nothing after it is read.")

    _valid = field_validator("matches")(_pattern)


class Summary(Table):
    """A table of totals below the lines, with a header of its own."""

    header: tuple[str, ...]
    stated: tuple[Stated, ...]


class Months(Table):
    """Columns that stand for months: each becomes a line."""

    matches: str = Field(default=r"[A-Z][a-z]{2}-\d{4}", description="Regular expression for the header.")
    formats: tuple[str, ...] = ("%b-%Y",)
    into: Literal["units", "net"] = "units"


class Line(Table):
    """One of several lines that a row becomes: a sale and a return, say."""

    fields: dict[str, Cell] = Field(default={})
    unless_zero: tuple[str, ...] = Field(default=("units", "net"), description="It is there only if one of these is not zero or empty.")


class Period(Table):
    """Where the period stands. Rules are tried in order."""

    source: Literal["columns", "above", "name", "sheet", "date"] = Field(
        alias="from",
        description="columns: of each row. above: in the rows above the header. name: in the file's name. date: the month of each date.",
    )
    columns: tuple[str, ...] = Field(default=(), description="One (its month counts, also of a day), or two (first and last day).")
    key: str = Field(default="", description="Of above: the cell before it; empty: any cell.")
    matches: str = Field(
        default="",
        description="Regular expression with the groups year and month (a number or an English name), or first and last (dates).",
    )
    formats: tuple[str, ...] = ("iso",)

    _valid = field_validator("matches")(_pattern)


class ReportTable(Table):
    """One sheet or table of a report."""

    name: str = Field(default="", description="For people.")
    sheets: tuple[str, ...] = Field(default=(), description="Names of its sheets in a workbook (glob, without case); empty: any.")
    role: Literal["lines", "control"] = Field(default="lines", description="control: it only repeats in total what other sheets have.")
    needed: bool = Field(default=True, description="Without it the file is not this report.")
    header: tuple[str, ...] = Field(description="The vendor's header. In XML: paths from the row's element, `Price/PriceAmount`.")
    required: tuple[str, ...] = Field(default=(), description="Columns that must be there; empty: all that are read.")
    aliases: dict[str, tuple[str, ...]] = Field(default={}, description="Other names that a column has in other vintages.")
    row: str = Field(default="", description="XML: name of the element that is a row. What surrounds it is read as `/Header/...`.")
    fields: dict[str, Cell] = Field(default={})
    ids: tuple[Id, ...] = ()
    lines: tuple[Line, ...] = Field(default=(), description="Where a row becomes several lines: what differs from `fields`.")
    months: Months | None = None
    keeps: tuple[Condition, ...] = Field(default=(), description="Only rows that fit one of these are read.")
    skips: tuple[Condition, ...] = Field(default=(), description="Rows that fit one of these are counted and not read.")
    footers: tuple[Footer, ...] = ()
    summaries: tuple[Summary, ...] = ()
    stated: tuple[Stated, ...] = Field(default=(), description="Columns that repeat a total in every row; of a control table: to add up.")
    zero_is_free: bool = Field(default=False, description="Units without a price that brought nothing were given away: model free.")

    @model_validator(mode="after")
    def _hangs_together(self) -> Self:
        known = {key(name) for name in self.header}
        if unknown := [name for name in self.columns() if key(name) not in known]:
            raise ValueError(f"columns that `header` does not have: {', '.join(unknown)}")
        names = {*self.fields, *(name for line in self.lines for name in line.fields)}
        if wrong := sorted(name for name in names if name not in SCHEMA.names or name in COMPUTED):
            raise ValueError(f"no fields of the canonical line: {', '.join(wrong)}")
        if self.role == "lines" and not self.ids and self.fields.get("model", Cell()).value != "adjustment":
            raise ValueError("`ids` is missing: lines must name a product")
        return self

    def columns(self) -> list[str]:
        """Every column that is read, once, in no particular order."""
        cells = [*self.fields.values(), *(cell for line in self.lines for cell in line.fields.values())]
        names = [name for cell in cells for name in cell.names()] + [name for one in self.ids for name in (one.column, one.type_column)]
        names += [name for rule in (*self.keeps, *self.skips) for name in rule.columns]
        names += [name for rule in self.stated for name in (rule.column, rule.currency_column)]
        names += [
            name
            for footer in self.footers
            for name in (footer.column, *footer.blank, *(n for one in footer.stated for n in (one.column, one.currency_column)))
        ]
        return list(dict.fromkeys(name for name in names if name))

    def must_have(self) -> tuple[str, ...]:
        return self.required or tuple(self.columns())


class Layout(FileTable):
    """One report of one vendor."""

    name: str
    source: str = Field(description="Where its header was seen.")
    inferred: str = Field(default="", description="What of it nobody has compared with a real report: told with each one that is loaded.")
    files: tuple[str, ...] = Field(default=(), description="What such files are usually called (glob); only decides between equals.")
    last_resort: bool = Field(default=False, description="Only where no other layout fits.")
    estimate: bool = Field(default=False, description="Amounts are not what is paid: another report settles them.")
    above: dict[str, str] = Field(default={}, description="What the rows above the header must say: name → regular expression.")
    encodings: tuple[str, ...] = Field(
        default=("utf-8", "cp1252", "latin-1"), description="Of text without a byte order mark: the first that fits every byte."
    )
    delimiters: tuple[str, ...] = Field(default=("\t", ",", ";", "|"), description="The first under which the header is there.")
    quoted: bool = Field(default=True, description='Whether `"` around a cell may hold the delimiter.')
    decimal: Literal[".", ",", "told"] = Field(
        default="told", description="Decimal mark. told: by what the file's numbers prove, a dot where none proves anything."
    )
    empty: tuple[str, ...] = Field(default=("N/A", "n/a", "-", "–", "—"), description="What stands for nothing, but in titles and names.")
    unread_sheets: tuple[str, ...] = Field(default=(), description="Sheets that are known and say nothing new (glob).")
    header_within: int = Field(default=30, ge=1, description="Rows in which the header is looked for.")
    timezone: str = Field(default="", description="Zone of its dates, for people; times with an offset are brought into the source's.")
    period: tuple[Period, ...]
    tables: tuple[ReportTable, ...]

    @property
    def is_xml(self) -> bool:
        return any(table.row for table in self.tables)


def load_layouts(root: Path | None = None) -> list[Layout]:
    """All report layouts of `config/reports`, by id. Raises `ConfigurationError` with file, key and what to do."""
    return [load_layout(stem, root) for stem in stems("reports", root)]


def load_layout(layout_id: str, root: Path | None = None) -> Layout:
    """One layout. Raises `ConfigurationError` if there is no such file, or its id is not its name."""
    return read_named("reports", layout_id, Layout, "report layout", root)
