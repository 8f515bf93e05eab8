"""Readiness reports and readiness packages through Airflow, read back from the parties' side."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from include.ledger.file_rows import ReadinessRow
from include.ledger.models import DeliveryRow, EventRow

pytestmark = pytest.mark.airflow

VENDORS = {"pressmark": ("readiness", {"BB"}), "inkwell": ("readiness", {"BC"}), "compositor": ("in/readiness", {"BB", "BC"})}
CONSONANCE = {
    "Approved cover is present", "Contributor is present", "Price is present", "Publication date is present",
    "Publishing status is present",
    "Sales rights are present", "Series present", "Approved cover resolution is adequate", "Product form is present",
    "Product form code is not deprecated", "Word count is present", "Page count is present", "Only one short description is present",
    "Biographical note is present", "Main description is present", "Short description is present",
}  # fmt: skip


def forms_of(ledger) -> dict[str, str]:
    """ISBN to form of every title that is not published long since, from the mirror's own JSON."""
    with ledger.read() as session:
        rows = session.execute(text("select content from product")).scalars().all()
    facts = [json.loads(content) for content in rows]
    return {one.get("isbn", ""): one.get("form", "") for one in facts}


def listing(sandbox, *parties: str) -> dict[str, int]:
    return {
        f"{party}{path.relative_to(sandbox.home(party))}": path.stat().st_mtime_ns
        for party in parties
        for path in sorted(sandbox.home(party).rglob("*"))
        if path.is_file()
    }


def counts(ledger) -> tuple[int, ...]:
    with ledger.read() as session:
        return tuple(session.scalar(select(func.count()).select_from(table)) for table in (DeliveryRow, EventRow, ReadinessRow))


def test_three_vendors_each_get_only_their_titles_and_a_second_run_changes_nothing(run_flow, sandbox, ledger):
    assert run_flow("catalogue_sync").state == "success"
    assert run_flow("readiness_reports").state == "success"
    forms = forms_of(ledger)
    for vendor, (folder, wanted) in VENDORS.items():
        names = sandbox.files(vendor, folder)
        assert names, vendor
        assert not [name for name in names if name.endswith(".part")]
        for name in names:
            path: Path = sandbox.home(vendor) / folder / name
            if name.endswith(".csv"):
                rows = list(csv.DictReader(io.StringIO(path.read_bytes().decode("utf-8-sig"), newline="")))
            elif name.endswith(".xlsx"):
                rows = rows_of_workbook(path)
            else:
                continue
            assert rows
            assert {forms[row["ISBN"]] for row in rows} <= wanted
            assert rows[0].keys() >= CONSONANCE
            assert {str(row["Schema"]) for row in rows} == {"1"}
            assert {row["State"] for row in rows} <= {"ready", "open", "late", "published"}
    before = listing(sandbox, *VENDORS), counts(ledger)
    assert run_flow("readiness_reports").state == "success"
    assert (listing(sandbox, *VENDORS), counts(ledger)) == before


def rows_of_workbook(path: Path) -> list[dict[str, object]]:
    from openpyxl import load_workbook

    header, *rows = load_workbook(path).active.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in rows]
