"""A sheet of invoice terms: row by row, good ones count, bad ones go back coloured, and a second load changes nothing."""

from __future__ import annotations

import csv
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook, load_workbook
from sqlalchemy import event

from include.files.model import Refused
from include.ledger.licence_rows import LicenceState
from include.licences import invoices, terms
from include.licences.edit import set_term
from include.licences.invoice_cells import load_terms_sheet
from include.licences.invoices import load
from include.licences.model import SheetLoaded
from sandbox.getty.library import id_of
from tests.licences.rights_desk import Desk

HEADINGS = ("Image ID", "Order", "Invoice", "Usage", "Territory", "Valid from", "Valid until", "Print run", "Format", "New editions",
            "Editorial use only", "ISBN", "Used as", "Campaign", "Wording", "Our remark")  # fmt: skip
MANAGED = id_of(86)
GOOD = {"Image ID": MANAGED, "Territory": "UK and Ireland; Australia", "Valid from": "1 October 2026", "Valid until": "30/09/2031",
        "Print run": "8,000", "Format": "hardback", "Usage": "front cover", "New editions": "no", "Editorial use only": "no",
        "Used as": "cover", "Our remark": "keep me"}  # fmt: skip
RED = "00FFC7CE"


def sheet(desk: Desk, *rows: dict[str, Any], name: str = "terms.xlsx") -> Path:
    path = desk.folder / name
    if name.endswith(".csv"):
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, HEADINGS)
            writer.writeheader()
            writer.writerows(rows)
        return path
    book = Workbook()
    book.active.append(HEADINGS)
    for row in rows:
        book.active.append([row.get(heading) for heading in HEADINGS])
    book.save(path)
    return path


def loaded(desk: Desk, path: Path) -> SheetLoaded:
    return load(
        desk.ledger, desk.store, path, path.name, mapping=load_terms_sheet(), campaigns=["spring"], now=desk.now, who="rightsmanager"
    )


def answer(desk: Desk, done: SheetLoaded) -> Any:
    return load_workbook(BytesIO(desk.store.open(done.answer).read())).active


@pytest.mark.parametrize("name", ["terms.xlsx", "terms.csv"])
def test_terms_of_an_invoice_clear_a_managed_licence(desk: Desk, name: str):
    desk.sync()
    isbn = _isbn(desk, 1001)
    done = loaded(desk, sheet(desk, GOOD | {"ISBN": isbn}, name=name))
    assert (done.rows, done.applied, done.bad) == (1, 1, 0), done.reasons
    row = desk.licence(MANAGED)
    told = terms.read(row)
    assert (row.state, row.ends_on, row.territories, told.print_run) == (LicenceState.REVIEW, "2031-09-30", " AU GB IE ", 8000)
    assert (told["ends"].source, told["ends"].checked_by) == ("invoice", "rightsmanager")
    assert told["ends"].reference == f"invoice {row.invoice}"
    assert told.new_editions is False
    assert [(one.work_id, one.role, one.source) for one in row.serves] == [(1001, "cover", "sheet")]
    assert {field for field, _, who in desk.history(row.id) if who == "rightsmanager"} >= {"ends", "territories", "print_run", "state"}
    set_term(desk.ledger, row.id, "restrictions", state="known", note="the invoice allows it", who="rightsmanager", now=desk.now)
    desk.sync()
    assert terms.read(desk.licence(MANAGED))["ends"].source == "invoice"
    assert desk.licence(MANAGED).state == LicenceState.CLEARED


def test_good_rows_count_and_bad_ones_go_back_coloured(desk: Desk):
    desk.sync()
    bad: list[tuple[dict[str, Any], str]] = [
        ({"Image ID": "99", "Valid until": "perpetual", "Invoice": "X"}, "asset-unknown"),
        ({"Image ID": id_of(88), "Valid until": "31.12.2027"}, "date-wrong"),
        ({"Image ID": id_of(88), "Territory": "UK and Commonwealth"}, "territory-unknown"),
        ({"Image ID": id_of(88), "Print run": "many"}, "number-wrong"),
        ({"Image ID": id_of(88), "Valid from": "2027-01-01", "Valid until": "2026-01-01"}, "ends-first"),
        ({"Image ID": id_of(88), "Invoice": "GI-1", "Valid until": "perpetual"}, "invoice-other"),
        ({"Image ID": id_of(0), "Valid until": "perpetual"}, "no-invoice"),
        ({"Image ID": id_of(88), "Campaign": "autumn"}, "campaign-unknown"),
        ({"Image ID": id_of(88), "ISBN": "9780306406157"}, "isbn-unknown"),
        ({"Image ID": id_of(88), "Usage": "mug"}, "word-unknown"),
        ({"Image ID": MANAGED, "Valid until": "perpetual"}, "twice"),
    ]
    done = loaded(desk, sheet(desk, GOOD, *(row for row, _ in bad), {"Image ID": id_of(88)}))
    assert (done.rows, done.applied, done.unchanged, done.bad) == (13, 1, 1, 11)
    marked = answer(desk, done)
    column = len(HEADINGS) + 1
    said = [marked.cell(number, column).value for number in range(2, 15)]
    assert said == ["Applied, but see beside", *["Not accepted"] * 11, "Nothing said"]
    assert marked.cell(2, HEADINGS.index("Our remark") + 1).value == "keep me"
    assert marked.cell(4, HEADINGS.index("Valid until") + 1).fill.start_color.rgb == RED
    assert all(marked.cell(number, column + 1).value for number in range(3, 15))
    codes = {one["code"] for one in _sheet_row(desk).reasons}
    assert codes == {code for _, code in bad}
    assert desk.licence(id_of(88)).state == LicenceState.TERMS_REQUIRED


def test_a_second_load_changes_nothing(desk: Desk):
    desk.sync()
    path = sheet(desk, GOOD, {"Image ID": "99", "Valid until": "perpetual"})
    first = loaded(desk, path)
    before = desk.everything()
    second = loaded(desk, path)
    assert desk.everything() == before
    assert (second.sheet_id, second.applied, second.bad, second.answer) == (first.sheet_id, 0, 1, first.answer)
    again = loaded(desk, sheet(desk, GOOD, name="the same terms.xlsx"))
    assert (again.applied, again.unchanged) == (0, 1)


def test_a_refused_row_counts_once_what_it_lacked_is_there(desk: Desk):
    desk.sync()
    late = id_of(60)
    path = sheet(desk, GOOD, {"Image ID": late, "Valid until": "perpetual", "Invoice": "GI-9"})
    assert loaded(desk, path).bad == 1
    desk.account.turn(purchase={"asset_id": late, "days_ago": 1})
    desk.sync()
    row = desk.licence(late)
    done = loaded(desk, sheet(desk, GOOD, {"Image ID": late, "Valid until": "perpetual", "Invoice": row.invoice}, name="mended.xlsx"))
    assert (done.applied, done.unchanged, done.bad) == (1, 1, 0)
    assert terms.read(desk.licence(late)).perpetual


def test_two_licences_of_one_asset_are_told_apart_by_their_order(desk: Desk):
    desk.sync()
    desk.account.turn(purchase={"asset_id": MANAGED, "days_ago": 1})
    desk.sync()
    newest = max(desk.licences(asset_id=MANAGED), key=lambda row: row.order_id)
    assert loaded(desk, sheet(desk, GOOD)).bad == 1
    assert loaded(desk, sheet(desk, GOOD | {"Order": newest.order_id}, name="orders.xlsx")).applied == 1
    assert [row.ends_on for row in desk.licences(asset_id=MANAGED) if row.id == newest.id] == ["2031-09-30"]


def test_unlimited_must_be_said(desk: Desk):
    desk.sync()
    said = {"Image ID": MANAGED, "Territory": "Worldwide", "Valid until": "in perpetuity", "Print run": "unlimited", "Format": "all"}
    assert loaded(desk, sheet(desk, said)).applied == 1
    told = terms.read(desk.licence(MANAGED))
    assert (told.perpetual, told["territories"].state, told["print_run"].state) == (True, "unlimited", "unlimited")
    assert not told["use"].known


def test_what_a_wrong_sheet_said_is_taken_back_with_its_invoice(desk: Desk):
    desk.sync()
    before = desk.licence(id_of(0))
    wrong = {"Image ID": id_of(0), "Invoice": "INV-1", "Territory": "Trinidad and Tobago; Jamaica", "Print run": "10"}
    assert loaded(desk, sheet(desk, wrong)).applied == 1
    row = desk.licence(id_of(0))
    assert (row.invoice, row.territories, terms.read(row).print_run) == ("INV-1", " JM TT ", 10)
    back = {"Image ID": id_of(0), "Invoice": "INV-1", "Territory": "unknown", "Print run": "Unknown", "Valid from": "unknown"}
    done = loaded(desk, sheet(desk, back, name="back.xlsx"))
    assert (done.applied, done.bad) == (1, 0), done.reasons
    row = desk.licence(id_of(0))
    assert (row.invoice, row.territories, row.terms["print_run"]) == (before.invoice, before.territories, before.terms["print_run"])
    assert row.state == before.state
    again = {"Image ID": id_of(0), "Invoice": "INV-2", "Print run": "5,000"}
    assert loaded(desk, sheet(desk, again, name="right.xlsx")).bad == 0
    assert desk.licence(id_of(0)).invoice == "INV-2"


def test_taking_back_what_nobody_said_changes_nothing_and_leaves_the_agencys_invoice(desk: Desk):
    desk.sync()
    invoice = desk.licence(MANAGED).invoice
    nothing = {"Image ID": MANAGED, "Territory": "unknown", "Valid until": "unknown"}
    assert loaded(desk, sheet(desk, nothing)).applied == 0
    loaded(desk, sheet(desk, GOOD, name="good.xlsx"))
    back = {heading: "unknown" for heading in GOOD if heading not in {"Image ID", "Used as", "Our remark"}}
    assert loaded(desk, sheet(desk, {"Image ID": MANAGED} | back, name="back.xlsx")).applied == 1
    row = desk.licence(MANAGED)
    assert invoice
    assert (row.invoice, row.state, row.territories) == (invoice, LicenceState.TERMS_REQUIRED, "")


def test_a_load_that_dies_in_the_middle_may_be_done_again(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(invoices, "CHUNK", 1)
    desk.sync()
    path = sheet(desk, GOOD, GOOD | {"Image ID": id_of(88)}, {"Image ID": "99", "Valid until": "perpetual"})
    left = [1]

    def commit(connection: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            connection.exec_driver_sql("ROLLBACK")  # what the database does once the process is gone
            raise KeyboardInterrupt

    event.listen(desk.ledger.engine, "commit", commit)
    with pytest.raises(KeyboardInterrupt):
        loaded(desk, path)
    event.remove(desk.ledger.engine, "commit", commit)
    assert desk.licence(MANAGED).ends_on == "2031-09-30"
    assert desk.licence(id_of(88)).ends_on == ""
    history = len(desk.history(desk.licence(MANAGED).id))
    done = loaded(desk, path)
    assert (done.applied, done.unchanged, done.bad) == (1, 1, 1)
    assert desk.licence(id_of(88)).ends_on == "2031-09-30"
    assert len(desk.history(desk.licence(MANAGED).id)) == history


def test_a_file_that_is_no_sheet_of_terms_is_refused(desk: Desk):
    path = desk.folder / "other.csv"
    path.write_text("Name,Colour\nFox,red\n")
    with pytest.raises(Refused):
        loaded(desk, path)


def _isbn(desk: Desk, work_id: int) -> str:
    from sqlalchemy import select

    from include.ledger.models import ProductRow

    with desk.ledger.read() as session:
        return str(session.scalar(select(ProductRow.isbn).where(ProductRow.work_id == work_id, ProductRow.isbn != "")))


def _sheet_row(desk: Desk) -> Any:
    from sqlalchemy import select

    from include.ledger.licence_rows import LicenceSheetRow

    with desk.ledger.read() as session:
        return session.scalars(select(LicenceSheetRow)).one()
