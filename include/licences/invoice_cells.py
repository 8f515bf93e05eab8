"""One row of a sheet of invoice terms: from its cells to terms, or to what its sender must mend. An empty cell says nothing."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import model_validator

from include.errors import RejectedData
from include.imports.extractors import Cell, Unreadable, Ways, day, isbn, plain
from include.imports.mapping import Mapping, fold
from include.imports.sheets import Line, Sheet
from include.licences.edit import EDITIONS, checked
from include.licences.model import FORMATS, ROLES, Term, TermState
from include.partners.registry import config_root, read_table
from include.sales.extractors import country

TERMS = ("use", "territories", "starts", "ends", "print_run", "formats", "new_editions", "editorial_only")
KEYS = ("asset_id", "order_id", "invoice", "isbn", "role", "campaign", "note")
ENDLESS = frozenset({"perpetual", "in perpetuity", "no end", "forever", "unlimited", "without end"})
LIMITLESS = frozenset({"unlimited", "no limit", "any", "all", "without limit"})
WORLDWIDE = frozenset({"worldwide", "world", "all countries", "all territories", "global"})
_YES, _NO = frozenset({"yes", "y", "true", "1", "x", "allowed"}), frozenset({"no", "n", "false", "0", "needs a licence", "not allowed"})
TAKEN_BACK = "unknown"
"""In a cell: what an earlier sheet said there was wrong, and nothing is said instead."""
_LISTED = re.compile(r"\s*[;|/\n]\s*")
_BETWEEN = re.compile(r"\s*(?:;|,|\||/|\n|\band\b|&)\s*")
Problem = dict[str, Any]


class TermsSheet(Mapping):
    """`config/licences/terms.toml`: which headings the columns of a sheet of invoice terms have, and what its words mean."""

    key: tuple[Any, ...] = ("asset_id",)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        known = (*KEYS, *TERMS)
        if unknown := [name for name in self.columns if name not in known]:
            raise ValueError(f"columns: there is no field {', '.join(unknown)}; there are {', '.join(known)}")
        if "asset_id" not in self.columns:
            raise ValueError("no column says which asset a row is about: add asset_id")
        headed: dict[str, str] = {}
        for name, column in self.columns.items():
            for heading in column.headers:
                if headed.setdefault(fold(heading), name) != name:
                    raise ValueError(f"the heading {heading!r} is given to {headed[fold(heading)]} and {name}")
        if "%d/%m/%Y" in self.dates and "%m/%d/%Y" in self.dates:
            raise ValueError("dates: day and month can't be told apart if both orders are allowed")
        return self


def load_terms_sheet(root: Path | None = None) -> TermsSheet:
    """Raises `ConfigurationError` with file, key and what to do."""
    return read_table((root or config_root()) / "licences" / "terms.toml", TermsSheet)


@dataclass(slots=True)
class TermsRow:
    """What one row says. A field that is not in `terms` was left empty."""

    number: int
    keys: dict[str, str] = field(default_factory=dict)
    terms: dict[str, Term] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    @property
    def silent(self) -> bool:
        """Names a licence and says nothing of it: not filled in yet."""
        return not (self.terms or self.problems or {"isbn", "campaign"} & set(self.keys))

    def wrong(self, code: str, message: str, todo: str, column: str = "") -> None:
        self.problems.append({"row": self.number, "code": code, "column": column, "message": message, "todo": todo})


def read_row(line: Line, sheet: Sheet, mapping: TermsSheet) -> TermsRow:
    """Everything that a row says; what can't be read is among its problems, and the rest is read all the same."""
    row = TermsRow(line.number)
    if line.shifted:
        row.wrong("columns-shifted", "the row has more values than there are headings", "Put texts with separators into quotation marks.")
    for name, place in sheet.head.places.items():
        heading, cell = sheet.head.heading(place), line.at(place)
        try:
            words = plain(cell)
            if words and words.casefold() not in mapping.empty:
                _take(row, name, cell, words, _ways(name, mapping))
        except Unreadable as bad:
            row.wrong(bad.code, bad.message, bad.todo, heading)
        except RejectedData as bad:
            row.wrong("value-wrong", bad.what, bad.todo, heading)
    _together(row)
    return row


def _take(row: TermsRow, name: str, cell: Cell, words: str, ways: Ways) -> None:
    match name:
        case "isbn":
            row.keys[name] = str(isbn(cell, ways))
        case "role":
            row.keys[name] = _one_of(words, ROLES, ways)
        case _ if name in KEYS:
            row.keys[name] = words
        case _ if words.casefold() == TAKEN_BACK:
            row.terms[name] = Term()
        case _:
            row.terms[name] = _READ[name](cell, words, ways)


def _together(row: TermsRow) -> None:
    if not row.keys.get("asset_id") and not row.problems:
        row.wrong("no-asset", "the row names no asset", "Fill in the asset's id, as the agency writes it.")
    starts, ends = row.terms.get("starts"), row.terms.get("ends")
    if starts and starts.known and ends and ends.state == TermState.KNOWN and str(ends.value) < str(starts.value):
        row.wrong("ends-first", f"it ends on {ends.value}, before it starts on {starts.value}", "Compare both days with the invoice.")


def _ways(name: str, mapping: TermsSheet) -> Ways:
    values = {said.casefold(): meant for said, meant in mapping.columns[name].values.items()}
    return Ways(mapping.dates, mapping.decimal_mark, values, longest=2_000)


# --- cells


def _territories(cell: Cell, words: str, ways: Ways) -> Term:
    if words.casefold() in WORLDWIDE:
        return Term(TermState.UNLIMITED, note=words)
    whole = ways.values.get(words.casefold())
    codes: list[str] = []
    for part in [whole] if whole else [one for group in _LISTED.split(words) for one in _places(group, ways) if one]:
        meant = ways.values.get(part.casefold(), part)
        found = [country(one) for one in meant.split()] if meant is not part or whole else [country(part)]
        if not all(found):
            todo = "Use codes or English names of countries, `;` between them, or `worldwide`; config/licences/terms.toml may name groups."
            raise Unreadable("territory-unknown", f"{part!r} is no country", todo)
        codes += found
    return Term(TermState.KNOWN, checked("territories", TermState.KNOWN, codes), note=_words(words, codes))


def _places(group: str, ways: Ways) -> list[str]:
    """`Trinidad and Tobago` is one country, `UK and Australia` are two."""
    return [group] if group.casefold() in ways.values or country(group) else _BETWEEN.split(group)


def _ends(cell: Cell, words: str, ways: Ways) -> Term:
    if words.casefold() in ENDLESS:
        return Term(TermState.PERPETUAL)
    return Term(TermState.KNOWN, str(day(cell, ways)))


def _starts(cell: Cell, words: str, ways: Ways) -> Term:
    return Term(TermState.KNOWN, str(day(cell, ways)))


def _print_run(cell: Cell, words: str, ways: Ways) -> Term:
    if words.casefold() in LIMITLESS:
        return Term(TermState.UNLIMITED)
    group = "." if ways.decimal_mark == "," else ","
    found = re.fullmatch(rf"(?:up to |max\.? )?(\d{{1,3}}(?:[{group} ]\d{{3}})+|\d+)(?: copies)?", words, re.IGNORECASE)
    if found is None:
        raise Unreadable("number-wrong", f"{words!r} is no number of copies", "Write it like 8000, or `unlimited`.")
    return Term(TermState.KNOWN, checked("print_run", TermState.KNOWN, int(re.sub(r"\D", "", found[1]))))


def _listed(name: str, known: tuple[str, ...]) -> Callable[[Cell, str, Ways], Term]:
    def read(cell: Cell, words: str, ways: Ways) -> Term:
        if words.casefold() in LIMITLESS:
            return Term(TermState.UNLIMITED)
        meant = ways.values.get(words.casefold())
        parts = meant.split() if meant else [one for one in _BETWEEN.split(words) if one]
        found = [_one_of(part, known, ways) for part in parts]
        return Term(TermState.KNOWN, checked(name, TermState.KNOWN, found), note=_words(words, found))

    return read


def _one_of(words: str, known: tuple[str, ...], ways: Ways) -> str:
    meant = ways.values.get(words.casefold(), words.casefold())
    if meant not in known:
        raise Unreadable(
            "word-unknown", f"{words!r} is none of {', '.join(known)}", "Use one of these; config/licences/terms.toml may name more."
        )
    return meant


def _editions(cell: Cell, words: str, ways: Ways) -> Term:
    return Term(TermState.KNOWN, EDITIONS[0] if _flag(words) else EDITIONS[1])


def _editorial(cell: Cell, words: str, ways: Ways) -> Term:
    return Term(TermState.KNOWN, _flag(words))


def _flag(words: str) -> bool:
    if words.casefold() in _YES | _NO:
        return words.casefold() in _YES
    raise Unreadable("word-unknown", f"{words!r} is neither yes nor no", "Write yes or no.")


def _words(words: str, codes: list[str]) -> str:
    """The sheet's own words, where they are not the codes."""
    return "" if {one.upper() for one in _BETWEEN.split(words)} == {one.upper() for one in codes} else words


_READ: dict[str, Callable[[Cell, str, Ways], Term]] = {
    "territories": _territories, "ends": _ends, "starts": _starts, "print_run": _print_run, "formats": _listed("formats", FORMATS),
    "use": _listed("use", ROLES), "new_editions": _editions, "editorial_only": _editorial,
}  # fmt: skip
