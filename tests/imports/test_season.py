"""A season sheet from the sandbox's editorial, through everything but Airflow."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import pytest

from include.ledger.sales_rows import LineState
from include.workbooks import hand
from include.workbooks.verify import verify
from sandbox.sheets.season import sheet
from tests.imports.office import NOW, Office

S = LineState


def load(office: Office, book: Any) -> None:
    """A person loads a workbook into Consonance."""
    content = base64.b64encode(office.store.open(book.sha256).read()).decode()
    kind = {"titles": "products", "prices": "prices"}[book.kind]
    answer = office.server.control("import", {"kind": kind, "content": content})
    assert answer.status_code == 200, answer.text


def confirm(office: Office, book: Any) -> None:
    """A person says that a workbook is loaded, and it is looked for."""
    hand.confirm(office.ledger, book.id, now=office.now, who="editor")
    verify(office.ledger, office.client, book.id, now=office.now)


def states(office: Office, import_id: int) -> Counter[str]:
    return Counter(line.state for line in office.lines(import_id).values())


@pytest.mark.parametrize(("tenant", "rows", "updates"), [("large", 500, 60), ("narrow", 120, 15)])
def test_a_season_sheet_is_applied_new_titles_are_made_and_bad_rows_come_back(
    tenant: str, rows: int, updates: int, request: pytest.FixtureRequest
) -> None:
    office: Office = request.getfixturevalue(tenant)
    wanted = {
        "rows": rows,
        "updates": updates,
        "new": 30,
        "bad": 20,
        "made": NOW.isoformat(),
        "fields": ["subtitle", "bisac", "publication_date"],
    }
    name, content, told = sheet(office.server.catalogue, wanted)
    changed = {one["row"] for one in told["updates"]}
    taken = office.take(name, content)
    assert taken.counts == {"bad": 20, "new": 30, "waiting": len(changed), "unchanged": rows - 50 - len(changed)}
    lines = office.lines(taken.import_id)
    for bad in told["bad"]:
        assert bad["code"] in {problem["code"] for problem in lines[bad["row"]].problems}

    done = office.work_through(taken.import_id)
    assert done is not None
    assert (done.written, office.mutations()) == (updates, updates)
    assert states(office, taken.import_id) == {S.BAD: 20, S.NEW: 30, S.VERIFIED: len(changed), S.UNCHANGED: rows - 50 - len(changed)}
    for update in told["updates"]:
        work = office.server.catalogue.work(update["work_id"])
        product = office.server.catalogue.product(update["product_id"])
        if update["field"] == "subtitle":
            assert work.subtitle == product.subtitle == update["after"]
        if update["field"] == "bisac":
            assert "; ".join(one.code for one in work.subjects if one.scheme == "BISAC") == update["after"]
        if update["field"] == "publication_date":
            assert (product.publication_date.isoformat() == update["after"]) is (tenant == "large")

    (book,) = office.books(taken.import_id)
    assert (book.kind, book.rows, book.role) == ("titles", 30, "editorial")
    marked, _ = office.answer(taken.import_id)
    page = marked.active
    status, advice = page.max_column - 1, page.max_column
    assert [page.cell(told["first_row"] - 1, column).value for column in (status, advice)] == ["Status", "What to do"]
    assert {page.cell(bad["row"], status).value for bad in told["bad"]} == {"Not accepted"}
    assert {page.cell(bad["row"], status).fill.start_color.rgb for bad in told["bad"]} == {"00FFC7CE"}
    colours = Counter(page.cell(row, status).fill.start_color.rgb for row in changed)  # amber: dates that only people can write here
    assert colours.most_common(1)[0][0] == ("00C6EFCE" if tenant == "large" else "00FFEB9C")

    load(office, book)
    confirm(office, book)
    office.work_through(taken.import_id)
    lines = office.lines(taken.import_id)
    assert {lines[new["row"]].state for new in told["new"]} == {S.NEW}, "their prices are still to come"
    assert {office.server.catalogue.products_by_isbn([new["isbn"]])[0].subtitle for new in told["new"]} == {"A Novel"}
    prices = office.books(taken.import_id)[-1]
    assert (prices.kind, prices.rows) == ("prices", 30)
    load(office, prices)
    confirm(office, prices)
    office.work_through(taken.import_id)
    lines = office.lines(taken.import_id)
    assert {lines[new["row"]].state for new in told["new"]} == {S.VERIFIED}
    assert office.sheet(taken.import_id).state == "done"
    marked, _ = office.answer(taken.import_id)
    assert "New title made" in str(marked.active.cell(told["new"][0]["row"], status).value)
