"""How exported statements look, as data: `config/statements/<id>.toml`.

What Consonance's own export looks like is not evidenced anywhere we may read, and every publisher's statement has its own template. So
nothing of it is in the code: a layout says by which words a statement's first page (PDF) or header (CSV) is known, and where payee,
number, period, contract and amount stand.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from include.partners.registry import read_named, stems
from include.partners.tables import FileTable, Table


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern, re.MULTILINE)
    except re.error as bad:
        raise ValueError(f"not a regular expression: {bad}") from bad
    return pattern


def _one_group(pattern: str) -> str:
    if pattern and re.compile(_compiles(pattern)).groups != 1:
        raise ValueError("the pattern needs exactly one group ( ): the value")
    return pattern


def _two_groups(pattern: str) -> str:
    if pattern and re.compile(_compiles(pattern)).groups != 2:
        raise ValueError("the pattern needs two groups ( ): page and number of pages")
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]
Value = Annotated[str, AfterValidator(_one_group)]


class PdfMarks(Table):
    """Regular expressions on the text of one page, line by line; the one group of each is the value."""

    first_page: tuple[Pattern, ...] = Field(min_length=1, description="All of them are on a statement's first page, and on no other page.")
    payee: Value = Field(description="The payee's name.")
    payee_number: Value = Field(default="", description="The payee's number, as in the payee list.")
    number: Value = Field(default="", description="The statement's number.")
    period: Value = Field(default="", description="The period, as it is printed.")
    contract: Value = Field(default="", description="A contract's id; as often as it is there.")
    amount: Value = Field(default="", description="Amount payable.")
    currency: Value = Field(default="", description="Its currency: three letters.")
    page: Annotated[str, AfterValidator(_two_groups)] = Field(default="", description="Page and number of pages: `Page (\\d+) of (\\d+)`.")
    changing: tuple[Pattern, ...] = Field(
        default=(), description="Text that differs from export to export, such as the day of printing. Two that differ in nothing else are "
        "one statement, which is not sent again.",
    )  # fmt: skip
    following: Literal["number", "payee_number", "follow"] = Field(
        default="number", description="How a later page says whose it is: by the statement's or the payee's number on it; follow: it does "
        "not, and belongs to the first page before it. Then `page` is needed.",
    )  # fmt: skip

    @model_validator(mode="after")
    def _every_page_is_known(self) -> Self:
        if self.following == "follow" and not self.page:
            raise ValueError("following = follow needs `page`: else nobody could tell that a page is missing or one too many")
        if self.following != "follow" and not getattr(self, self.following):
            raise ValueError(f"following = {self.following} needs the pattern `{self.following}`")
        return self


class CsvColumns(Table):
    """Headers of a CSV with the rows of all payees. All that are named here must be there."""

    payee: str
    payee_number: str = ""
    number: str = ""
    period: str = ""
    contract: str = ""
    amount: str = Field(default="", description="Added up for each statement.")
    currency: str = ""
    others: tuple[str, ...] = Field(default=(), description="Columns that travel as well. A column that is not named here stays behind.")

    @property
    def named(self) -> tuple[str, ...]:
        first = (self.payee, self.payee_number, self.number, self.period, self.contract, self.amount, self.currency)
        return tuple(name for name in (*first, *self.others) if name)


class StatementLayout(FileTable):
    """One way in which statements are exported."""

    name: str
    pdf: PdfMarks | None = None
    csv: CsvColumns | None = None
    decimal_point: Literal[".", ","] = "."
    enabled: bool = True

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.pdf is None) == (self.csv is None):
            raise ValueError("a layout has either [pdf] or [csv]")
        return self


def load_layouts(root: Path | None = None) -> list[StatementLayout]:
    """All enabled layouts, by id. Raises `ConfigurationError` with file and key."""
    found = (read_named("statements", stem, StatementLayout, "layout of statements", root) for stem in stems("statements", root))
    return [layout for layout in found if layout.enabled]
