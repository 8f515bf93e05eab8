"""How a sheet of titles is read: `config/mappings/<id>.toml`, as data. Columns are found by their headings, wherever they stand."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from include.imports.extractors import EXTRACTORS
from include.imports.fields import BASE, BOTH, FIELDS, KEYS, PRICE
from include.partners.registry import read_named
from include.partners.tables import Code2, Currency, FileTable, Table

LEVELS: tuple[Literal["work", "product"], ...] = ("work", "product")


class Column(Table):
    """One column. Its table is named by the field: `[columns.subtitle]`."""

    headers: tuple[str, ...] = Field(min_length=1, description="Headings under which it stands; case, blanks and punctuation do not count.")
    required: bool = Field(default=False, description="A sheet without this column is refused, a row without a value goes back.")
    read: str = Field(default="", description="Extractor, if it is not the field's own: " + ", ".join(EXTRACTORS) + ".")
    values: dict[str, str] = Field(default_factory=dict, description="What the sheet says → what it means (a code of ONIX, a name).")
    was: tuple[str, ...] = Field(
        default=(), description="Headings of a column with what Consonance had: only what still is so may be changed."
    )
    levels: tuple[Literal["work", "product"], ...] = Field(
        default=LEVELS, description="title and subtitle: whether the work's, the product's, or both are meant."
    )

    @field_validator("read")
    @classmethod
    def _known(cls, read: str) -> str:
        if read and read not in EXTRACTORS:
            raise ValueError(f"there is no extractor {read!r}; there are {', '.join(EXTRACTORS)}")
        return read


class PriceColumn(Table):
    """A column whose heading says the price's currency and type."""

    headers: tuple[str, ...] = Field(min_length=1)
    currency: Currency
    type: Code2 = Field(default="02", description="List 58.")
    qualifier: Code2 = Field(default="05", description="List 59.")


class Ask(Table):
    """When a person must say yes before anything is written. No answer means no."""

    works: int = Field(default=100, ge=0, description="More works than this would change.")
    fields: tuple[str, ...] = Field(default=(), description="Fields of which a change is always asked about.")
    role: str = Field(default="editorial", description="Who is asked, by Airflow and on the page Imports (config/people.toml).")


class Mapping(FileTable):
    """One kind of sheet."""

    name: str
    sheet: str = Field(default="", description="Name of the worksheet; empty: the first.")
    header_within: int = Field(default=25, ge=1, le=200, description="The headings stand in one of so many first rows.")
    encoding: str = Field(default="", description="CSV: what it is in, where its bytes do not say; empty: Western Windows, Mac or DOS.")
    delimiter: Literal["", ",", ";", "\t", "|"] = Field(default="", description="CSV; empty: found out.")
    dates: tuple[str, ...] = Field(
        default=("%Y-%m-%d",),
        min_length=1,
        description="Forms of dates in texts (strftime). With `%B` or `%b` in one, any text that names the month is a date, in English, "
        "German, French, Spanish, Italian, Dutch, Portuguese, Danish, Swedish and Norwegian.",
    )
    decimal_mark: Literal[".", ","] = "."
    empty: tuple[str, ...] = Field(default=("-", "–", "n/a", "tbc", "tba"), description="Texts that say nothing, as an empty cell does.")
    clear: str = Field(default="", description="Text that empties a field in Consonance; without it nothing is ever emptied.")
    key: tuple[Literal["isbn", "reference", "product_id", "work_id"], ...] = Field(
        default=("isbn", "reference", "product_id", "work_id"), min_length=1, description="What says which title is meant, best first."
    )
    columns: dict[str, Column]
    prices: tuple[PriceColumn, ...] = ()
    price_type: Code2 = Field(default="02", description="List 58 code of prices whose row says none.")
    price_qualifier: Code2 = Field(default="05", description="List 59 code of prices whose row says none.")
    new: bool = Field(default=True, description="Titles that Consonance lacks go into its workbook of new titles; else they go back.")
    new_requires: tuple[str, ...] = Field(default=("title",), description="Columns that a new title must have a value in.")
    made: tuple[Literal["stated", "modified", "created", "arrived"], ...] = Field(
        default=("stated", "modified", "arrived"),
        description="When the sheet was made, the first that is known: what it says above its headings, what its properties say, when the "
        "file was written. What changed in Consonance since then is a conflict.",
    )
    stated: str = Field(default="", description="Pattern of that statement (regular expression); its group is the moment or day.")
    ids: dict[Literal["season", "stage", "work_type"], dict[str, int]] = Field(
        default_factory=dict, description="Names → Consonance's numbers, which its API takes and does not list."
    )
    ask: Ask = Ask()
    rows: int = Field(
        default=20_000,
        ge=1,
        le=100_000,
        description="Longer sheets are refused: a sheet and its answer are held in memory, about 20 kB a row.",
    )
    status: str = Field(default="Status", description="Heading of the column that the sender finds the answer in.")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        known = {*FIELDS, *KEYS, *PRICE, BASE} - set(BOTH.values())
        if unknown := [name for name in self.columns if name not in known]:
            raise ValueError(f"columns: there is no field {', '.join(unknown)}; there are {', '.join(sorted(known))}")
        headed: dict[str, str] = {}
        columns = [(name, heading) for name, column in self.columns.items() for heading in (*column.headers, *column.was)]
        for name, heading in [*columns, *((f"price {one.currency}", heading) for one in self.prices for heading in one.headers)]:
            if headed.setdefault(fold(heading), name) != name:
                raise ValueError(f"the heading {heading!r} is given to {headed[fold(heading)]} and {name}")
        if not any(name in self.columns for name in self.key):
            raise ValueError("no column says which title a row is about: add one of isbn, reference, product_id, work_id")
        if "amount" in self.columns and "currency" not in self.columns:
            raise ValueError("a column `amount` needs a column `currency`; or use [[prices]]")
        if {"%d/%m/%Y", "%m/%d/%Y"} <= set(self.dates) or {"%d.%m.%Y", "%m.%d.%Y"} <= set(self.dates):
            raise ValueError("dates: day and month can't be told apart if both orders are allowed")
        if wrong := [name for name in (*self.ask.fields, *self.new_requires) if name not in self.columns]:
            raise ValueError(f"there is no column {', '.join(wrong)}")
        try:
            codecs.lookup(self.encoding or "utf-8")
        except LookupError as bad:
            raise ValueError(f"encoding: {bad}") from bad
        try:
            groups = re.compile(self.stated).groups
        except re.error as bad:
            raise ValueError(f"stated is no regular expression: {bad}") from bad
        if self.stated and groups != 1:
            raise ValueError("stated needs one group: `As of:? *(.+)`")
        return self


def fold(heading: str) -> str:
    """Headings are equal however people write them: `ISBN-13`, `Isbn 13` and `isbn13` are one."""
    return "".join(character for character in heading.casefold() if character.isalnum())


def load_mapping(mapping_id: str, root: Path | None = None) -> Mapping:
    """One mapping. Raises `ConfigurationError` that names the known ones, or says what is wrong in the file."""
    return read_named("mappings", mapping_id, Mapping, "mapping", root)
