"""A whole sheet: every row read, found in the catalogue, compared with it and with the other rows. Nothing is written anywhere."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from include.errors import ConfigurationError
from include.imports import known as catalogue
from include.imports.differences import PRICES, Change, differences, shown
from include.imports.fields import BOTH, FIELDS
from include.imports.mapping import Mapping
from include.imports.offers import Offers
from include.imports.resolve import About, about
from include.imports.rows import Row, read_row
from include.imports.sheets import Sheet, read
from include.imports.workbooks import coming_already
from include.ledger import imports
from include.ledger.sales_rows import LineState
from include.titles import codelists

ADVICE = "What to do"
"""Heading of the column beside the status, in the answer."""


@dataclass(slots=True)
class Checked:
    """One row with what it is about, what it would change, and its state before anything is done."""

    row: Row
    about: About
    changes: list[Change] = field(default_factory=list)
    state: LineState = LineState.BAD
    coming: bool = False  # an earlier sheet makes this title

    @property
    def product_id(self) -> int | None:
        return self.about.title.product.id if self.about.title else None

    @property
    def work_id(self) -> int | None:
        return self.about.work.id if self.about.work else None

    @property
    def title(self) -> str:
        return self.row.title or (self.about.work.title if self.about.work else "")

    @property
    def isbn(self) -> str:
        return self.row.isbn or (self.about.title.product.isbn if self.about.title else "")

    def to_json(self) -> dict[str, Any]:
        return {
            "row": self.row.number, "isbn": self.isbn, "title": self.title, "work_id": self.work_id, "product_id": self.product_id,
            "state": str(self.state), "fields": self.row.to_json(), "changes": self.changes, "problems": self.row.problems,
        }  # fmt: skip


@dataclass(slots=True)
class CheckedSheet:
    """A sheet that was checked. `asks`: why a person must say yes before anything is written."""

    name: str
    sheet: Sheet
    mapping: Mapping
    lines: list[Checked]
    made_at: datetime | None
    reasons: list[dict[str, str]] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(str(line.state) for line in self.lines)
        return {state: found[state] for state in sorted(found)}

    def to_json(self) -> dict[str, Any]:
        """For programs: facts of the sheet, counts by state, every row with its changes and problems."""
        return {
            "name": self.name, "mapping": self.mapping.id, "worksheet": self.sheet.name, "headings_in_row": self.sheet.head.row,
            "encoding": self.sheet.encoding, "delimiter": self.sheet.delimiter,
            "made_at": self.made_at.isoformat() if self.made_at else None, "rows": len(self.lines), "counts": self.counts,
            "asks": self.asks, "reasons": self.reasons, "lines": [line.to_json() for line in self.lines],
        }  # fmt: skip


def check(
    session: Session, path: Path, name: str, mapping: Mapping, offers: Offers, *, now: datetime, arrived: datetime | None = None
) -> CheckedSheet:
    """Reads and checks the sheet at `path`. `arrived`: when the file was written at the sender's, where that is known.

    A sheet that says it was made later than now was made now. Raises `Refused` for a sheet that can't be read at all,
    `ConfigurationError` where the mirror is empty.
    """
    sheet = read(path, name, mapping, arrived=arrived)
    made_at = min(sheet.made_at, now) if sheet.made_at else None
    rows = [read_row(line, sheet, mapping) for line in sheet.lines]
    known = catalogue.load(
        session,
        isbns={row.isbn for row in rows if row.isbn},
        product_ids={int(row.keys["product_id"]) for row in rows if "product_id" in row.keys},
        work_ids={int(row.keys["work_id"]) for row in rows if "work_id" in row.keys},
        references={row.keys["reference"] for row in rows if "reference" in row.keys},
    )
    if known.since is None:
        what = "the mirror of Consonance was never filled: every title would seem to be new"
        raise ConfigurationError(what, where="catalogue_sync", todo="Run catalogue_sync, then try again.")
    lines = [Checked(row, about(row, known, mapping)) for row in rows]
    _refuse_twins(lines)
    _refuse_disagreement(lines, mapping)
    coming = imports.on_its_way(session, {line.row.isbn for line in lines if line.about.new})
    for line in lines:
        if earlier := coming.get(line.row.isbn) if line.about.new else None:
            line.coming = True
            problem = coming_already(earlier)
            if problem not in line.row.problems:
                line.row.problems.append(problem)
        elif line.about.new:
            _check_new(line.row, mapping)
        else:
            line.changes = differences(line.row, line.about, known, mapping, offers, made_at)
        _doubt(line, now.date())
        line.state = state_of(line)
        if line.state in {LineState.WAITING, LineState.NEW} and line.row.number in sheet.hidden:
            line.row.wrong("hidden", "the row is hidden in the sheet", "Take it out, if it is not meant.", severity="warning")
    checked = CheckedSheet(name, sheet, mapping, lines, made_at)
    passed_over = {mapping.status.casefold(), ADVICE.casefold()}
    checked.reasons = [
        {"code": "heading-unknown", "message": f"nobody reads the column {heading!r}", "where": f"{name}, row {sheet.head.row}",
         "todo": "Nothing, or give the column a name that is known."}
        for heading in sheet.head.unknown if heading.casefold() not in passed_over
    ]  # fmt: skip
    checked.asks = asks(lines, mapping)
    return checked


def state_of(line: Checked) -> LineState:
    """A row with an error is not taken in part: its sender meant all of it."""
    if line.row.bad:
        return LineState.BAD
    if line.coming:
        return LineState.UNCHANGED
    if line.about.new:
        return LineState.NEW
    if any(change["conflict"] for change in line.changes):
        return LineState.CONFLICT
    ways = {change["as"] for change in line.changes if change["as"]}
    if ways - {PRICES}:
        return LineState.WAITING
    return LineState.NEW if ways else LineState.UNCHANGED


def asks(lines: Collection[Checked], mapping: Mapping) -> list[str]:
    """Why a person must be asked; empty: nobody need be."""
    waiting = [line for line in lines if line.state == LineState.WAITING]
    works = len({line.work_id for line in waiting})
    hidden = sum(any(problem["code"] == "hidden" for problem in line.row.problems) for line in lines)
    found = [f"{works:,} titles would change, more than {mapping.ask.works:,}"] if works > mapping.ask.works else []
    if hidden:
        found.append(f"{hidden:,} {'row that is' if hidden == 1 else 'rows that are'} hidden in the sheet would be taken")
    for name in mapping.ask.fields:
        names = {name, BOTH.get(name, name)}
        if changed := sum(any(change["field"] in names and change["as"] for change in line.changes) for line in waiting):
            found.append(f"{changed:,} {'row changes' if changed == 1 else 'rows change'} {FIELDS[name].label.casefold()}")
    return found


def _check_new(row: Row, mapping: Mapping) -> None:
    if not mapping.new:
        row.wrong("not-in-consonance", f"Consonance has no edition {row.isbn}", "This sheet makes no new titles: correct the ISBN.",
                  field="isbn")  # fmt: skip
        return
    for name in mapping.new_requires:
        if not row.fields.get(name):
            heading = mapping.columns[name].headers[0]
            row.wrong("new-lacks", f"a new title needs {heading}", "Fill it in.", field=name, column=heading)


def _doubt(line: Checked, today: date) -> None:
    """What a reader of the record would not believe: a status of List 64 against the day of publication. The row is taken all the same."""
    changed = {change["field"] for change in line.changes}
    if line.row.bad or not (line.about.new or {"publishing_status", "publication_date"} & changed):
        return
    product = line.about.title.product if line.about.title else None
    status = line.row.fields.get("publishing_status") or (product.publishing_status if product else "")
    day = line.row.fields.get("publication_date") or (product.publication_date.isoformat() if product and product.publication_date else "")
    if (status == "04" and str(day) > today.isoformat()) or (status == "02" and "" < str(day) < today.isoformat()):
        what = f"the status is {status} ({codelists.names(64)[str(status)]}), and the publication date {day}"
        line.row.wrong("status-and-date", what, "Correct the one that is wrong.", field="publishing_status", severity="warning")


def _refuse_twins(lines: Sequence[Checked]) -> None:
    """Two rows of one edition: the same again is left out; two that differ both go back."""
    groups: dict[tuple[Any, ...], list[Checked]] = defaultdict(list)
    for line in lines:
        if (ident := line.product_id or line.row.isbn) and not _only_prices(line.row):
            groups[ident,].append(line)
        elif ident:
            for price in line.row.prices:
                groups[ident, *price.key].append(line)
    for twins in groups.values():
        if len(twins) == 1:
            continue
        rows = ", ".join(str(twin.row.number) for twin in twins)
        if all((twin.row.fields, twin.row.prices) == (twins[0].row.fields, twins[0].row.prices) for twin in twins):
            for twin in twins[1:]:
                twin.row.wrong("duplicate", f"row {twins[0].row.number} says the same", "Take one of the two out.", field="isbn")
        else:
            for twin in twins:
                twin.row.wrong("duplicate", f"rows {rows} are about one edition and differ", "Leave the one that holds.", field="isbn")


def _only_prices(row: Row) -> bool:
    """A list of prices has several rows for an edition, each with a currency of its own."""
    return bool(row.prices) and not row.fields


def _refuse_disagreement(lines: Sequence[Checked], mapping: Mapping) -> None:
    """Rows of one work must say the same of what is the work's: whichever came last would win otherwise."""
    said: dict[tuple[int, str], list[Checked]] = defaultdict(list)
    for line in lines:
        if line.row.bad or line.work_id is None:
            continue
        for name in line.row.fields:
            levels = mapping.columns[name].levels if name in BOTH else (FIELDS[name].level,)
            if "work" in levels and FIELDS[name].input:
                said[line.work_id, name].append(line)
    for (_, name), group in said.items():
        if len({repr(line.row.fields[name]) for line in group}) == 1:
            continue
        values = ", ".join(f"row {line.row.number} {shown(line.row.fields[name])}" for line in group[:4])
        for line in group:
            heading = mapping.columns[name].headers[0]
            line.row.wrong("rows-disagree", f"{heading} belongs to the work, and its rows differ: {values}", "Make them equal.",
                           field=name, column=heading)  # fmt: skip
