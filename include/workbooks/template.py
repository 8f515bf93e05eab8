"""What an import of Consonance's takes: `config/workbooks/{sales,products,prices}.toml`, and the publisher's own template over it.

Headers must match the template exactly, no column may be added, only the first sheet is read, and a blank column ends the sheet
(Consonance's documentation of its imports). So what is written follows the template that the publisher downloaded, where there is one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from include.errors import ConfigurationError
from include.partners.registry import config_root, read_table
from include.partners.tables import Currency, Role, Table

Kind = Literal["sales", "titles", "prices"]
FILES: dict[Kind, str] = {"sales": "sales.toml", "titles": "products.toml", "prices": "prices.toml"}
MOST_ROWS = 1_000_000  # a sheet ends at 1,048,576


class Column(Table):
    """One column of the import."""

    header: str = Field(min_length=1, description="Exactly as Consonance's template has it.")
    field: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="What we put there; the names stand in docs/runbook/import_workbooks.md.")
    type: Literal["text", "whole", "decimal", "date"] = Field(
        default="text", description="text: also of digits, so that no zero is lost. date: as text, YYYY-MM-DD. decimal: every digit."
    )
    required: bool = Field(default=False, description="A template without it can't be used.")
    filled: bool = Field(default=False, description="Each row has it.")
    documented: bool = Field(
        default=True, description="false: public pages do not show this header; the checklist asks the person to compare it."
    )
    width: int = Field(default=14, ge=4, le=120, description="Of the column as people see it, in characters.")


class Template(Table):
    """One of Consonance's imports, as this publisher uses it."""

    sheet: str = Field(min_length=1, max_length=31, description="Name of the first and only sheet.")
    place: str = Field(description="Where in Consonance a person loads it.")
    rows: int = Field(default=20_000, ge=1, le=MOST_ROWS, description="Rows of one workbook at most; more make more workbooks.")
    role: Role = Field(description="Role of config/people.toml that loads and confirms it.")
    currency: Currency | Literal[""] = Field(default="", description="Of the columns in Consonance's own currency (sales).")
    template: str = Field(default="", description="The template that you downloaded from Consonance (XLSX), beside this file; it wins.")
    checklist: tuple[str, ...] = Field(default=(), description="What the person does, in order.")
    columns: tuple[Column, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for what in ("header", "field"):
            names = [getattr(column, what) for column in self.columns]
            if twice := sorted({name for name in names if names.count(name) > 1}):
                raise ValueError(f"two columns have the {what} {twice[0]!r}")
        return self


def load_template(kind: Kind, root: Path | None = None) -> Template:
    """The import of this kind, with the columns that will be written, in their order.

    Raises `ConfigurationError` where the file or the publisher's own template can't be used.
    """
    folder = (root or config_root()) / "workbooks"
    loaded = read_table(folder / FILES[kind], Template)
    return loaded if not loaded.template else _narrowed(loaded, folder / loaded.template)


def _narrowed(given: Template, path: Path) -> Template:
    """Only columns that the downloaded template has, in its order."""
    headers = headers_of(path)
    known = {column.header: column for column in given.columns}
    missing = [column.header for column in given.columns if column.required and column.header not in headers]
    if missing:
        close = [header for header in headers if header.strip().casefold() in {name.strip().casefold() for name in missing}]
        hint = f" It has {close[0]!r}: write that into `header`." if close else " Download it again, or mend `columns`."
        raise ConfigurationError(f"the template lacks the column {missing[0]!r}", where=str(path), todo=f"We need it.{hint}")
    kept = tuple(known[header].model_copy(update={"documented": True}) for header in headers if header in known)
    return given.model_copy(update={"columns": kept})


def headers_of(path: Path) -> list[str]:
    """The header row of a workbook's first sheet, up to the first blank column. Raises `ConfigurationError` if it can't be read."""
    from zipfile import BadZipFile

    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        book = load_workbook(path, read_only=True)
        first = next(book.worksheets[0].iter_rows(min_row=1, max_row=1, values_only=True), ())
        book.close()
    except (OSError, BadZipFile, InvalidFileException, KeyError, ValueError, IndexError) as bad:
        what = "there is no such file" if isinstance(bad, FileNotFoundError) else "it is no XLSX workbook"
        raise ConfigurationError(what, where=str(path), todo="Download the template from Consonance and put it there.") from bad
    headers: list[str] = []
    for value in first:
        if value is None or str(value) == "":
            break
        headers.append(str(value))
    return headers
