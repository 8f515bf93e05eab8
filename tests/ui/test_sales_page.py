# ruff: noqa: E501 - rows read best as rows
"""Publishing → Sales: batches, the pictures, products nobody knows, undo and approve."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from lxml import html

from colophon.ui import shell
from include.ledger.sales_rows import SalesBatchRow, SalesCellRow, SalesPartRow, SalesProductRow
from include.sales.reading import Rejected, Rejects
from include.sales.recording import keep_rejects
from tests.ui.conftest import HOSTILE

pytestmark = pytest.mark.airflow
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def sales(seeded: Any, ledger: Any) -> None:
    fill_sales(ledger)


def fill_sales(ledger: Any) -> None:
    """Fifty batches of two sources in two currencies; the first does not balance, the last is undone; one product is unknown."""
    with ledger.session() as session:
        for number in range(1, 51):
            month = f"2026-{number % 10 + 1:02}"
            state = "unbalanced" if number == 1 else "undone" if number == 50 else "loaded"
            controls = [
                {
                    "what": "net",
                    "currency": "GBP",
                    "stated": "100.10",
                    "found": "100.00",
                    "difference": "0.10",
                    "explained": [],
                    "open": "0.1",
                    "sheet": "",
                    "from": "footer",
                }
            ]
            session.add(
                SalesBatchRow(
                    id=number, source="apple" if number % 2 else "kobo", layout="apple_financial", name=HOSTILE if number == 2 else f"report {number}.txt",
                    sha256=f"{number:064}", bytes=1200, period_from=f"{month}-01", period_to=f"{month}-28", rows=3, rejected=1 if number == 3 else 0,
                    lines="0" * 64, state=state, digest=f"{number:064}", loaded_at=NOW, controls=controls if number == 1 else [], reasons=[],
                )
            )  # fmt: skip
        session.flush()
        for number in range(1, 51):
            month = f"2026-{number % 10 + 1:02}"
            claim = None if number == 50 else f"{number}"
            session.add(
                SalesPartRow(
                    batch_id=number,
                    source="apple",
                    period=month,
                    currency="GBP",
                    claim=claim,
                    rows=3,
                    sold=4,
                    returned=1,
                    usage=0,
                    net=Decimal("1234.5678"),
                )
            )
            session.add(
                SalesCellRow(
                    batch_id=number,
                    month=month,
                    channel=f"Shop {number % 9}" if number % 9 else "",
                    territory="GB",
                    model="sale",
                    currency="GBP",
                    rows=3,
                    sold=4,
                    returned=1,
                    usage=0,
                    net=Decimal("1234.5678"),
                )
            )
        session.add(
            SalesProductRow(
                id=1,
                batch_id=2,
                id_type="isbn",
                id_value="9780306406157",
                title=HOSTILE,
                rows=1,
                sold=1,
                net={"GBP": "3.50"},
                proposals=[{"product_id": 1, "work_id": 1, "title": "The Borrowed Harbour 1", "score": 91, "why": "title"}],
            )
        )
        session.add(
            SalesProductRow(
                id=2,
                batch_id=2,
                id_type="isbn",
                id_value="9781915000019",
                title="Harbour",
                rows=2,
                sold=3,
                net={"GBP": "7.00"},
                state="matched",
                product_id=1,
                work_id=1,
                why="ISBN",
            )
        )


def page(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text[-1500:]
    return html.fromstring(answer.text)


def words(tree: Any) -> str:
    return " ".join(tree.text_content().split())


def test_an_empty_ledger_says_how_reports_come_in(client: Any) -> None:
    assert "sales_load__" in words(page(client.get("/colophon/sales")))


def test_every_batch_is_on_exactly_one_page(client: Any, sales: None) -> None:
    seen, url = [], "/colophon/sales"
    while url:
        tree = page(client.get(url))
        seen += [int(link.text) for link in tree.xpath("//tbody/tr/th/a")]
        following = tree.xpath("//a[@rel='next']/@href")
        url = following[0] if following else ""
    assert seen == sorted(range(1, 51), reverse=True)


@pytest.mark.parametrize(
    ("query", "number"), [("source=kobo", 25), ("state=unbalanced", 1), ("month=2026-03", 5), ("words=report+7", 1), ("source=none", 0)]
)
def test_filters(client: Any, sales: None, query: str, number: int) -> None:
    assert len(page(client.get(f"/colophon/sales?{query}")).xpath("//tbody/tr/th/a")) == number


def test_pictures_show_units_and_net_by_month_and_channel_without_what_is_undone(client: Any, sales: None) -> None:
    tree = page(client.get("/colophon/sales"))
    units, net = tree.xpath("//figure[contains(@class, 'season')]")
    assert len(units.xpath(".//*[local-name()='g']")) == 10
    assert "all others" in words(units)  # nine shops, six of them with a colour of their own
    january = next(title for title in net.xpath(".//*[local-name()='title']/text()") if title.startswith("Jan 26"))
    assert january.count("1,235") == 4  # batches 10, 20, 30, 40; batch 50 is undone
    october = next(title for title in net.xpath(".//*[local-name()='title']/text()") if title.startswith("Oct 26"))
    assert "apple 1,235" in october  # its report names no channel


def test_a_batch_shows_exact_amounts_and_the_difference_to_the_cent(client: Any, sales: None) -> None:
    told = words(page(client.get("/colophon/sales/1")))
    assert "1,234.5678 GBP" in told
    assert "0.10" in told


def test_rows_that_were_not_loaded_are_shown_with_reasons_and_leave_as_a_harmless_table(client: Any, sales: None, ledger: Any) -> None:
    rejects = Rejects()
    for row in range(2, 52):
        rejects.add(Rejected("Sheet", row, "Net", "=cmd|'/c calc'!A1", "not-a-number", "'=cmd' is no number", "Ask for it again."))
    with ledger.session() as session:
        batch = session.get(SalesBatchRow, 3)
        batch.rejects, batch.rejected = keep_rejects(shell.store(), rejects), len(rejects)
    tree = page(client.get("/colophon/sales/3"))
    assert len(tree.xpath("//table[caption='Rejected rows with reasons']/tbody/tr")) == 40
    assert "The first of 50" in words(tree)
    lines = client.get("/colophon/sales/3/rejects").text.splitlines()
    assert (len(lines), lines[1]) == (51, "Sheet,2,Net,'=cmd|'/c calc'!A1,'=cmd' is no number,Ask for it again.")


def test_names_from_reports_are_text_and_nothing_else(client: Any, sales: None) -> None:
    for path in ("sales?before=3", "sales/2", "sales?show=unmatched"):
        answer = client.get(f"/colophon/{path}")
        assert "<script>alert" not in answer.text
        assert "alert(" in answer.text


def test_unmatched_products_are_decided_by_the_role_only(client: Any, client_as: Any, sales: None) -> None:
    assert "It is “The Borrowed Harbour 1”" in words(page(client.get("/colophon/sales?show=unmatched")))
    viewer = client_as("viewer")
    assert "The role sales decides" in words(page(viewer.get("/colophon/sales?show=unmatched")))
    assert viewer.post("/colophon/sales/products/1", json={"product_id": 1}).status_code == 403


def test_whose_a_product_is_is_said_once(client: Any, sales: None, ledger: Any) -> None:
    answer = client.post("/colophon/sales/products/1", json={"title": "9781915000019"})
    assert answer.status_code == 200, answer.text
    with ledger.read() as session:
        row = session.get(SalesProductRow, 1)
        assert (row.state, row.product_id, row.work_id) == ("matched", 1, 1)
    assert "Every product of every report is known" in words(page(client.get("/colophon/sales?show=unmatched")))


def test_an_unbalanced_batch_is_approved_with_a_reason(client: Any, sales: None, ledger: Any) -> None:
    assert client.post("/colophon/sales/1/approve", json={"note": "ten pence of bank fees"}).status_code == 200
    with ledger.read() as session:
        row = session.get(SalesBatchRow, 1)
        assert (row.state, row.note, bool(row.decided_by)) == ("approved", "ten pence of bank fees", True)


def test_an_undone_batch_leaves_every_total(client: Any, sales: None, ledger: Any) -> None:
    assert client.post("/colophon/sales/4/undo", json={"note": "a test file"}).status_code == 200
    with ledger.read() as session:
        assert session.get(SalesBatchRow, 4).state == "undone"
    assert "part of no total" in words(page(client.get("/colophon/sales/4")))


def test_what_another_site_sends_is_refused(client: Any, sales: None) -> None:
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Content-Type": "application/json"}
    assert client.post("/colophon/sales/4/undo", content=json.dumps({"note": "x"}), headers=headers).status_code == 403


def test_the_calendar_opens(client: Any, sales: None) -> None:
    page(client.get("/colophon/sales?show=calendar"))


def test_a_payment_is_compared_with_what_was_reported(client: Any, client_as: Any, sales: None) -> None:
    payment = {"source": "apple_books", "period": "2026-03", "currency": "gbp", "amount": "1,230.00", "reference": f"R-7 {HOSTILE}"}
    first = client.post("/colophon/sales/payments", json=payment)
    assert first.status_code == 200, first.text
    assert "Nothing is reported in GBP for 2026-03" in first.json()["said"]
    tree = page(client.get("/colophon/sales?show=calendar"))
    assert "1,230.00 GBP" in words(tree)
    assert "R-7 <script>" in words(tree)
    for wrong in ({"amount": "much"}, {"currency": "XXQ"}, {"period": "spring"}, {"paid_on": "2026-99-99"}, {"reference": ""}):
        answer = client.post("/colophon/sales/payments", json=payment | wrong)
        assert answer.status_code == 400, wrong
        assert answer.json()["todo"]
    assert client.post("/colophon/sales/payments", json=payment | {"source": "nobody"}).status_code == 404
    viewer = client_as("viewer")
    assert viewer.post("/colophon/sales/payments", json=payment).status_code == 403
    assert not page(viewer.get("/colophon/sales?show=calendar")).xpath("//form[@data-post]")


def test_a_payment_that_balances_and_one_that_does_not(client: Any, sales: None, ledger: Any) -> None:
    with ledger.session() as session:
        session.get(SalesBatchRow, 2).source = "apple_books"
        for part in session.query(SalesPartRow).filter_by(batch_id=2):
            part.source = "apple_books"
    payment = {"source": "apple_books", "period": "2026-03", "currency": "GBP", "amount": "1234.5678", "reference": "R-8"}
    assert "it balances" in client.post("/colophon/sales/payments", json=payment).json()["said"]
    assert "is not explained" in client.post("/colophon/sales/payments", json=payment | {"amount": "1200"}).json()["said"]


def test_a_title_shows_what_it_sold_to_the_last_digit(client: Any, client_as: Any, sales: None, ledger: Any) -> None:
    assert "Sales by period" not in client.get("/colophon/titles/3").text
    with ledger.session() as session:
        more = {"id_type": "isbn", "id_value": "9781915000019", "state": "matched", "product_id": 1, "work_id": 1}
        session.add(SalesProductRow(batch_id=3, rows=2, sold=9, returned=2, net={"GBP": "0.0001", "EUR": "12.5"}, **more))
        session.add(SalesProductRow(batch_id=4, rows=2, sold=0, usage=410, net={}, **more))
        session.add(SalesProductRow(batch_id=50, rows=2, sold=99, net={"GBP": "99"}, **more))  # undone
    tree = page(client_as("viewer").get("/colophon/titles/1"))
    section = tree.get_element_by_id("h-sales").getparent()
    told = words(section)
    assert "0.0001 GBP" in told
    assert "12.50 EUR" in told
    assert "7.0001 GBP" in words(section.xpath(".//tfoot")[0])
    assert "410" in words(section.xpath(".//table")[1])
    assert "99.00" not in told


def test_what_was_said_of_a_product_is_taken_back(client: Any, client_as: Any, sales: None, ledger: Any) -> None:
    assert client.post("/colophon/sales/products/1", json={"title": "9781915000019"}).status_code == 200
    assert page(client.get("/colophon/sales/2")).xpath("//form[contains(@data-post, '/reopen')]")
    assert client_as("viewer").post("/colophon/sales/products/1/reopen", json={}).status_code == 403
    answer = client.post("/colophon/sales/products/1/reopen", json={})
    assert (answer.status_code, bool(answer.json()["said"])) == (200, True)
    with ledger.read() as session:
        assert session.get(SalesProductRow, 1).state == "unmatched"


def test_usage_of_what_counts_in_no_total_is_not_handed_out(client: Any, sales: None) -> None:
    assert client.get("/colophon/sales/50/usage").status_code == 404
