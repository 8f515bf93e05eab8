# ruff: noqa: E501 - rows read best as rows
"""Publishing → Readiness: filters, counts, the picture, pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import html

from include.ledger import readiness
from include.ledger.file_rows import ReadinessRow
from tests.ui.conftest import HOSTILE

pytestmark = pytest.mark.airflow
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def titles(ledger: Any) -> None:
    fill_readiness(ledger)


def fill_readiness(ledger: Any) -> None:
    checks = [
        {"code": "cover", "name": "approved cover present", "state": "missing", "message": f"no {HOSTILE}", "todo": "Send one.", "due": ""}
    ]
    with ledger.session() as session:
        for number in range(1, 131):
            state = ("late", "open", "ready")[number % 3]
            day = "" if number == 130 else f"2027-{number % 12 + 1:02}-15"
            session.add(
                ReadinessRow(
                    product_id=number, work_id=number, isbn=f"97800000{number:05}", title=HOSTILE if number == 1 else f"Title {number}",
                    imprint="Ember & Oak" if number % 2 else "Quill", season="Spring 2027", form="BC" if number % 4 else "ED", format="Paperback",
                    publication_date=day, state=state, late=state == "late", risk="high" if state == "late" else "", done=3, wanted=4,
                    checks=checks if state != "ready" else [], assessed_at=NOW,
                )
            )  # fmt: skip


def page(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text[-1500:]
    return html.fromstring(answer.text)


def words(tree: Any) -> str:
    return " ".join(tree.text_content().split())


def isbns(tree: Any) -> list[str]:
    return ["".join(link.itertext()) for link in tree.xpath("//tbody/tr/th/a")]


def test_an_empty_ledger_says_which_flow_fills_it(client: Any) -> None:
    assert "readiness_reports" in words(page(client.get("/colophon/readiness")))


def test_every_title_is_on_exactly_one_page(client: Any, titles: None) -> None:
    seen, url = [], "/colophon/readiness"
    while url:
        tree = page(client.get(url))
        seen += isbns(tree)
        following = tree.xpath("//a[@rel='next']/@href")
        url = following[0] if following else ""
    assert len(seen) == len(set(seen)) == 130


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("state=late", 43),
        ("form=E&state=ready", 11),
        ("imprint=Quill&state=open", 22),
        ("words=Title+77", 1),
        ("words=978-00000-00009", 1),
        ("season=none", 0),
    ],
)
def test_filters(client: Any, titles: None, ledger: Any, query: str, number: int) -> None:
    tree = page(client.get(f"/colophon/readiness?{query}"))
    assert len(isbns(tree)) == min(number, 50)


def test_the_picture_adds_up_to_the_dated_titles(client: Any, titles: None, ledger: Any) -> None:
    tree = page(client.get("/colophon/readiness?season=Spring+2027"))
    numbers = [int(text) for text in tree.xpath("//*[local-name()='text'][@class='b-number']/text()")]
    with ledger.read() as session:
        assert sum(numbers) == readiness.totals(session, readiness.Wish()).all - 1
    assert len(numbers) == 12


def test_what_is_missing_is_said_and_no_markup_of_the_ledger_runs(client: Any, titles: None) -> None:
    answer = client.get("/colophon/readiness")
    assert "<script>alert" not in answer.text
    assert "no <script>alert" in words(page(answer))


@pytest.mark.parametrize("query", ["state=nonsense", "form=%00", "after=7&day=xxxx", "words=%25%27"])
def test_what_makes_no_sense_breaks_nothing(client: Any, titles: None, query: str) -> None:
    assert client.get(f"/colophon/readiness?{query}").status_code in {200, 400}
