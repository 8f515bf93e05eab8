"""Readiness reports and readiness packages through Airflow, read back from the parties' side."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.flows.released import check_sums, counts, listing, planted, products, put, release_in, three_formats

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(600)]

VENDORS = {"pressmark": ("readiness", {"BB"}), "inkwell": ("readiness", {"BC"}), "compositor": ("in/readiness", {"BB", "BC"})}
CONSONANCE = {
    "Approved cover is present", "Contributor is present", "Price is present", "Publication date is present",
    "Publishing status is present",
    "Sales rights are present", "Series present", "Approved cover resolution is adequate", "Product form is present",
    "Product form code is not deprecated", "Word count is present", "Page count is present", "Only one short description is present",
    "Biographical note is present", "Main description is present", "Short description is present",
}  # fmt: skip


def test_three_vendors_each_get_only_their_titles_and_a_second_run_changes_nothing(run_flow, sandbox, ledger, catalogue):
    assert run_flow("readiness_reports").state == "success"
    forms = {one.get("isbn", ""): one.get("form", "") for one in products(ledger)}
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


def test_a_release_in_three_formats_tells_which_is_late_and_why(run_flow, sandbox, ledger, catalogue, store):
    book, ebook, recording = three_formats(ledger, planted(sandbox))
    day = release_in(sandbox, 40, book, ebook, recording)
    assert run_flow("catalogue_sync").state == "success"
    put(ledger, store, "ebook", b"epub", book["work_id"], media_type="application/epub+zip", name="final.epub")
    put(ledger, store, "jacket", b"pdf", book["work_id"], name="jacket.pdf", approve=False)
    assert run_flow("readiness_packages").state == "success"

    folder = sandbox.home("salesroom") / "releases" / f"{day}_{book['work_id']}"
    names = check_sums(folder)
    assert {f"checklist_{one['isbn']}.csv" for one in (book, ebook, recording)} <= names.keys()
    told = json.loads((folder / "release.json").read_text())
    formats = {one["isbn"]: one for one in told["formats"]}
    assert {isbn: one["state"] for isbn, one in formats.items()} == {
        book["isbn"]: "late", ebook["isbn"]: "ready", recording["isbn"]: "open"
    }  # fmt: skip
    assert formats[book["isbn"]]["why"] == "There is no typeset interior. jacket.pdf waits for approval"
    assert formats[recording["isbn"]]["why"] == "There is no chapter"
    assert {check["check"] for check in formats[book["isbn"]]["checks"]} >= CONSONANCE
    assert {(one["asset"], one["state"]) for one in told["assets"]} >= {
        ("Typeset interior", "missing"), ("Jacket or cover for print", "waits for approval"), ("E-book file", "approved")
    }  # fmt: skip
    assert [one for one in told["dates"] if one["what"].startswith("Publication")]
    page = (folder / "release.html").read_text()
    assert "There is no typeset interior" in page
    assert "<script" not in page
    rows = list(csv.DictReader(io.StringIO((folder / "formats.csv").read_bytes().decode("utf-8-sig"), newline="")))
    assert [row["isbn"] for row in rows if row["state"] == "late"] == [book["isbn"]]

    before = listing(sandbox, "salesroom"), counts(ledger)
    assert run_flow("readiness_packages").state == "success"
    assert (listing(sandbox, "salesroom"), counts(ledger)) == before

    put(ledger, store, "audio", b"sound", book["work_id"], part="01", name="01.mp3")
    assert run_flow("readiness_packages").state == "success"
    check_sums(folder)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["package"]["revision"], manifest["replaces"]["revision"]) == (2, 1)
    assert manifest["package"]["formats"][recording["isbn"]] == "ready"
