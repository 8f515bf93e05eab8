# ruff: noqa: E501 - rows read best as rows
"""Publishing → Imports: workbooks that wait, sheets with their rows, held statements for one role only."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from lxml import html

from include.ledger.sales_rows import StatementRow, TitleImportLineRow, TitleImportRow, WorkbookRow
from include.store import ArtefactStore
from tests.ui.conftest import HOSTILE

pytestmark = pytest.mark.airflow
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
SECRET = "Odalys Merriweather"


@pytest.fixture
def imports(seeded: Any, ledger: Any) -> None:
    fill_imports(ledger, ArtefactStore())


def fill_imports(ledger: Any, store: ArtefactStore) -> None:
    kept = store.put(io.BytesIO(b"workbook"))
    with ledger.session() as session:
        for number, state in enumerate(("handed over", "incomplete", "verified"), 1):
            session.add(
                WorkbookRow(
                    id=number, kind="sales" if number == 1 else "titles", subject=f"sales {number}", digest=f"{number}", name=f"consonance_{number}.xlsx", sha256=kept.sha256, bytes=kept.bytes,
                    rows=12, totals={"units": "12", "GBP": "123.45"}, state=state, role="sales" if number == 1 else "editorial", prepared_at=NOW,
                    missing=[{"isbn": "9781915000019", "message": "not in Consonance", "todo": "Load it."}] if state == "incomplete" else [],
                )
            )  # fmt: skip
        session.add(
            TitleImportRow(
                id=1,
                mapping="season",
                name=f"spring {HOSTILE}.csv",
                sha256="1" * 64,
                bytes=9,
                received_at=NOW,
                state="awaiting approval",
                counts={"waiting": 1, "bad": 1},
                answer=kept.sha256,
            )
        )
        session.flush()
        session.add(
            TitleImportLineRow(
                import_id=1,
                row=2,
                isbn="9781915000019",
                title=HOSTILE,
                product_id=1,
                work_id=1,
                state="waiting",
                changes=[
                    {
                        "level": "product",
                        "field": "publication_date",
                        "label": "Publication date",
                        "before": "2027-01-01",
                        "after": "2027-02-01",
                        "as": "updateWork products publicationDate",
                        "conflict": "",
                    },
                    {
                        "level": "work",
                        "field": "bisac",
                        "label": "BISAC",
                        "before": [],
                        "after": ["FIC019000", "FIC000000"],
                        "as": "",
                        "conflict": "",
                    },
                ],
            )
        )
        session.add(
            TitleImportLineRow(
                import_id=1,
                row=3,
                isbn="978",
                title="Bad",
                state="bad",
                problems=[
                    {
                        "code": "isbn-wrong",
                        "field": "isbn",
                        "column": "A",
                        "message": "the check digit is wrong",
                        "todo": "Look at the book.",
                        "severity": "error",
                    }
                ],
            )
        )
        session.add(
            StatementRow(
                id=1,
                source="spring run.pdf",
                source_sha256="2" * 64,
                position="pages 1-2",
                name="s.pdf",
                sha256=kept.sha256,
                bytes=kept.bytes,
                payee_name=SECRET,
                amount=Decimal("12.30"),
                currency="GBP",
                state="held",
                received_at=NOW,
                reasons=[{"code": "payee-unknown", "message": "nobody of this name", "where": "", "todo": "Say whose it is."}],
            )
        )


def page(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text[-1500:]
    return html.fromstring(answer.text)


def words(tree: Any) -> str:
    return " ".join(tree.text_content().split())


def test_nothing_waits(client: Any) -> None:
    assert "No workbook waits for anybody" in words(page(client.get("/colophon/imports")))


def test_waiting_workbooks_say_totals_and_what_is_missing(client: Any, imports: None) -> None:
    tree = page(client.get("/colophon/imports"))
    assert tree.xpath("//article/@id") == ["workbook-2", "workbook-1"]
    assert "123.45" in words(tree)
    assert "It was confirmed, but:not in ConsonanceLoad it." in words(tree)
    assert "a second import of the same workbook counts twice" in words(tree), "the steps, as the question in Airflow has them"
    assert page(client.get("/colophon/imports?show=done")).xpath("//article/@id") == ["workbook-3"]


def test_a_link_to_one_workbook_finds_it(client: Any, imports: None) -> None:
    answer = client.get("/colophon/imports/3", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/colophon/imports?show=done#workbook-3")
    assert client.get("/colophon/imports/99").status_code == 404


def test_a_workbook_is_confirmed_once_its_box_is_ticked(client: Any, imports: None, ledger: Any) -> None:
    assert client.post("/colophon/imports/1/confirm", json={"note": ""}).status_code == 400
    assert client.post("/colophon/imports/1/confirm", json={"loaded": True, "rows": 11, "note": "import 88"}).status_code == 200
    with ledger.read() as session:
        row = session.get(WorkbookRow, 1)
        assert (row.state, row.confirmed_by, row.note) == ("confirmed", "ada", "import 88")
        assert row.said == {"agrees": True, "rows": 11}


def test_a_workbook_is_for_its_role(client_as: Any, client: Any, imports: None) -> None:
    viewer = client_as("viewer")
    assert "Only the role sales may load it" in words(page(viewer.get("/colophon/imports")))
    assert viewer.get("/colophon/imports/1/file").status_code == 403
    assert viewer.post("/colophon/imports/1/confirm", json={"loaded": True}).status_code == 403
    assert client.get("/colophon/imports/1/file").content == b"workbook"


def test_a_withdrawn_workbook_waits_for_nobody(client: Any, imports: None) -> None:
    assert client.post("/colophon/imports/1/withdraw", json={"note": "wrong month"}).status_code == 200
    assert "workbook-1" not in page(client.get("/colophon/imports")).xpath("//article/@id")
    assert "It shall be loaded after all" in words(page(client.get("/colophon/imports?show=done")))
    assert client.post("/colophon/imports/1/again", json={}).status_code == 200
    assert "workbook-1" in page(client.get("/colophon/imports")).xpath("//article/@id")


def test_a_sheet_shows_each_row_before_and_after(client: Any, imports: None) -> None:
    assert "awaiting approval" in words(page(client.get("/colophon/imports?show=sheets")))
    answer = client.get("/colophon/imports/sheets/1")
    told = words(page(answer))
    assert "Publication date 2027-01-01 → 2027-02-01" in told
    assert "BISAC – → FIC019000; FIC000000 not through the API" in told
    assert "the check digit is wrong" in told
    assert "<script>alert" not in answer.text
    assert len(page(client.get("/colophon/imports/sheets/1?state=bad")).xpath("//tbody/tr")) == 1
    file = client.get("/colophon/imports/sheets/1/file")
    assert (file.content, ".xlsx" in file.headers["content-disposition"]) == (b"workbook", True), "whatever the sheet was"


def test_a_sheet_is_approved_by_editorial(client: Any, client_as: Any, imports: None, ledger: Any) -> None:
    assert client_as("viewer").post("/colophon/imports/sheets/1/approve", json={}).status_code == 403
    assert client.post("/colophon/imports/sheets/1/approve", json={}).status_code == 200
    with ledger.read() as session:
        row = session.get(TitleImportRow, 1)
        assert (row.state, row.decided_by) == ("checked", "ada")
    late = client.post("/colophon/imports/sheets/1/decline", json={})
    assert late.status_code >= 400, "nobody may think that it was stopped"
    assert "ada has said yes" in late.text


def test_statements_are_for_the_role_royalties_only(client: Any, client_as: Any, imports: None) -> None:
    assert SECRET in words(page(client.get("/colophon/imports?show=statements")))
    viewer = client_as("viewer")
    for path in ("imports?show=statements", "imports?show=decided", "imports?show=delivered", "imports"):
        assert SECRET not in viewer.get(f"/colophon/{path}").text
    assert viewer.get("/colophon/imports/statements/1/file").status_code == 403
    assert viewer.post("/colophon/imports/statements/1/payee", json={"payee": "P-1001"}).status_code == 403
    for wish in ("back", "wrong"):
        assert viewer.post(f"/colophon/imports/statements/1/{wish}", json={}).status_code == 403


def test_a_refused_statement_goes_to_nobody_and_one_that_was_let_go_can_be_taken_back(client: Any, imports: None, ledger: Any) -> None:
    assert "1 · 12.30 GBP" in words(page(client.get("/colophon/imports?show=statements")))
    assert client.post("/colophon/imports/statements/1/back", json={}).status_code == 400
    assert client.post("/colophon/imports/statements/1/refuse", json={}).status_code == 200
    assert page(client.get("/colophon/imports?show=decided")).xpath("//article/@id") == ["statement-1"]
    with ledger.session() as session:
        row = session.get(StatementRow, 1)
        assert row.state == "refused"
        row.state, row.payee, row.recipient = "ready", "P-1001", "foxglove"  # somebody has let it go after all
    told = words(page(client.get("/colophon/imports?show=decided")))
    assert "goes to foxglove with the next run" in told
    assert client.post("/colophon/imports/statements/1/back", json={}).status_code == 200
    with ledger.read() as session:
        assert (session.get(StatementRow, 1).state, session.get(StatementRow, 1).decided_by) == ("held", "ada")
    with ledger.session() as session:
        session.get(StatementRow, 1).state = "delivered"
    assert "delivered to foxglove" in words(page(client.get("/colophon/imports?show=delivered")))
    assert client.post("/colophon/imports/statements/1/wrong", json={}).status_code == 200
    assert "foxglove got it by mistake, says ada" in words(page(client.get("/colophon/imports?show=decided")))
