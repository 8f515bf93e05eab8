"""The columns of a readiness report, and the version of that list.

The version stands in every row (CSV, XLSX) and at the head (JSON, HTML). It is counted up when a column goes, is renamed or means
something else; a new column at the end, before the checks, does not change it. Who reads a report by its headings is safe either way.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Literal

from include.errors import ConfigurationError
from include.feeds import codelists
from include.ledger.file_rows import ReadinessRow
from include.partners import Party
from include.readiness import assess
from include.readiness.milestones import day
from include.titles.model import Product

SCHEMA = 1
CHECKS = "checks"
BETWEEN = "; "
Value = str | int | date | None
Kind = Literal["text", "number", "date", "state", "risk", "check"]


@dataclass(frozen=True, slots=True)
class Line:
    """One title of a report. `runs`: its production runs, where the report asks for them, in Consonance's own JSON."""

    row: ReadinessRow
    product: Product
    runs: Sequence[Mapping[str, Any]] = ()

    def check(self, code: str) -> dict[str, Any] | None:
        return next((one for one in self.row.checks if one["code"] == code), None)

    def open(self) -> list[dict[str, Any]]:
        """Checks that are missing or late, the late ones first."""
        return sorted((one for one in self.row.checks if one["state"] in {"missing", "late"}), key=lambda one: one["state"] != "late")


@dataclass(frozen=True, slots=True)
class Column:
    """`key` is what a partner's file names, `header` what stands above the column."""

    key: str
    header: str
    read: Callable[[Line], Value]
    kind: Kind = "text"
    width: int = 14
    means: str = ""


def contributors(product: Product) -> str:
    names = [
        one.person_name or one.corporate_name or " ".join(part for part in (one.names_before_key, one.key_names) if part)
        for one in sorted(product.work.contributors, key=lambda one: (not one.role.startswith("A"), one.sequence))
    ]
    return BETWEEN.join(dict.fromkeys(name for name in names if name))


def _names(line: Line, state: str) -> str:
    return BETWEEN.join(one["name"] for one in line.row.checks if one["state"] == state)


def _next_due(line: Line) -> date | None:
    return min((due for one in line.open() if (due := day(one["due"]))), default=None)


def _due(line: Line, code: str) -> date | None:
    check = line.check(code)
    return day(check["due"]) if check else None


def _whole(value: Decimal | None) -> int | None:
    return int(value.to_integral_value()) if value else None


def _run(line: Line) -> Mapping[str, Any] | None:
    """The production run that comes next for this product: the first that is not long over, else the last."""
    mine = [run for run in line.runs if line.product.id in (run.get("productIds") or ())]
    dated = [run for run in mine if str(run.get("deliveryDate") or "") >= line.row.assessed_at.date().isoformat()]
    return next(iter(dated or mine[-1:]), None)


def _copies(product_id: int, run: Mapping[str, Any]) -> int | None:
    rows = [row for row in run.get("quantities") or () if isinstance(row, dict) and isinstance(row.get("quantity"), int)]
    mine = [row["quantity"] for row in rows if row.get("productId") in {None, product_id}]
    return sum(mine) if mine else None


def _column(key: str, header: str, means: str, width: int = 14, kind: Kind = "text") -> Callable[[Callable[[Line], Value]], None]:
    def declare(read: Callable[[Line], Value]) -> None:
        COLUMNS[key] = Column(key, header, read, kind, width, means)

    return declare


COLUMNS: dict[str, Column] = {}
_column("isbn", "ISBN", "ISBN-13, as Consonance has it", 16)(lambda line: line.row.isbn)
_column("title", "Title", "", 44)(lambda line: line.row.title)
_column("contributors", "Contributors", "authors first", 30)(lambda line: contributors(line.product))
_column("imprint", "Imprint", "", 20)(lambda line: line.row.imprint)
_column("season", "Season", "", 15)(lambda line: line.row.season)
_column("format", "Format", "in-house format", 16)(lambda line: line.row.format)
_column("form", "Form", "ONIX List 150", 7)(lambda line: line.row.form)
_column("stage", "Stage", "project stage in Consonance", 20)(lambda line: line.row.stage)
_column("publishing_status", "Publishing status", "ONIX List 64, in words", 18)(
    lambda line: codelists.label(64, line.product.publishing_status) or line.product.publishing_status
)
_column("publication_date", "Publication date", "the planned one where there is no other", 16, "date")(
    lambda line: day(line.row.publication_date)
)
_column("state", "State", "ready, open, late, published", 11, "state")(lambda line: line.row.state)
_column("risk", "Risk", "to the publication date: low, high or empty", 8, "risk")(lambda line: line.row.risk)
_column("done", "Done", "checks passed", 7, "number")(lambda line: line.row.done)
_column("wanted", "Wanted", "checks asked for", 9, "number")(lambda line: line.row.wanted)
_column("next_due", "Next due", "first day by which something open must be done", 12, "date")(_next_due)
_column("late", "Late", "names of the checks that are late", 40)(lambda line: _names(line, "late"))
_column("missing", "Still to come", "names of the checks that are open and in time", 40)(lambda line: _names(line, "missing"))
_column("todo", "To do", "what to do about the first of them", 50)(
    lambda line: next((one["todo"] for one in line.open() if one["todo"]), "")
)
_column("pages", "Pages", "", 8, "number")(lambda line: line.product.pages_total or line.product.pages)
_column("height_mm", "Height mm", "trim", 11, "number")(lambda line: _whole(line.product.height_mm))
_column("width_mm", "Width mm", "trim", 11, "number")(lambda line: _whole(line.product.width_mm))
_column("manuscript_due", "Manuscript due", "from the contract, as revised", 15, "date")(lambda line: _due(line, "contract-manuscript"))
_column("proofs_due", "Proofs due", "from the contract", 12, "date")(lambda line: _due(line, "contract-proofs"))
_column("run_delivery", "Run due", "delivery of the production run; only where it is named", 12, "date")(
    lambda line: day(run["deliveryDate"]) if (run := _run(line)) and isinstance(run.get("deliveryDate"), str) else None
)
_column("run_quantity", "Run quantity", "copies of the production run; only where it is named", 12, "number")(
    lambda line: _copies(line.product.id, run) if (run := _run(line)) else None
)
RUNS = frozenset({"run_delivery", "run_quantity"})  # read from Consonance for each work: for those who ask for them


def columns_of(party: Party) -> list[Column]:
    """The columns of this party's report, in its order. Raises `ConfigurationError` for one that does not exist."""
    report = party.report
    wanted = report.columns if report is not None and report.columns else (*(key for key in COLUMNS if key not in RUNS), CHECKS)
    checks = {column.key: column for column in check_columns()}
    chosen: dict[str, Column] = {}
    for key in wanted:
        if key == CHECKS:
            chosen |= checks
        elif (column := COLUMNS.get(key) or checks.get(key)) is not None:
            chosen[key] = column
        else:
            known = [*COLUMNS, CHECKS, *checks]
            near = get_close_matches(key, known, 1)
            todo = f"Did you mean {near[0]!r}?" if near else f"Known: {', '.join(known)}."
            raise ConfigurationError(f"there is no column {key!r}", where=f"config/partners/{party.id}.toml, report.columns", todo=todo)
    return list(chosen.values())


def check_columns() -> list[Column]:
    """One column for each check, headed by its name; a title's other contract deliveries and to-dos share theirs: the worst counts."""
    return [
        Column(code, name, _check_reader(code), "check", max(12, min(24, len(name) // 2 + 4)), name) for code, name in assess.known_checks()
    ]


def _check_reader(code: str) -> Callable[[Line], Value]:
    several = code == "contract-delivery"

    def read(line: Line) -> Value:
        states = {one["state"] for one in line.row.checks if one["code"] == code or (several and one["code"].startswith(f"{code}-"))}
        return next((state for state in ("late", "missing", "done", "not asked") if state in states), "")

    return read
