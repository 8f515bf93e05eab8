# ruff: noqa: E501 - rows read best as rows
"""Publishing → Migration: how far an old archive has come, and every file's fate."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from lxml import html

from include.ledger import archives
from include.ledger.file_rows import ArchiveFileRow, Fate
from tests.ui.conftest import HOSTILE

pytestmark = pytest.mark.airflow
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def walked(ledger: Any) -> None:
    fill_archive(ledger)


def fill_archive(ledger: Any) -> None:
    with ledger.session() as session:
        archives.begin(session, "vault", NOW, largest=10**9)
        for number in range(120):
            fate = (Fate.ATTACHED, Fate.PROPOSED, Fate.UNREADABLE)[number % 3]
            session.add(
                ArchiveFileRow(
                    archive="vault", path=f"Ember/{number:03} {HOSTILE}", bytes=10, fate=fate, reason="because" if number % 3 else "", seen_in=1, intake_id=number
                )
            )  # fmt: skip


def page(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text[-1500:]
    return html.fromstring(answer.text)


def words(tree: Any) -> str:
    return " ".join(tree.text_content().split())


def test_an_archive_that_nobody_walked_through_says_how_to_begin(client: Any) -> None:
    assert "Nobody has walked through it yet" in words(page(client.get("/colophon/migration")))


def test_fates_are_counted_and_lead_to_their_files(client: Any, walked: None) -> None:
    tree = page(client.get("/colophon/migration"))
    assert "40 unreadable" in words(tree.xpath("//ul[@aria-label='Fates']")[0])
    listed = page(client.get(tree.xpath("//ul[@aria-label='Fates']//a/@href")[-1]))
    assert len(listed.xpath("//tbody/tr")) == 40


def test_every_file_is_on_exactly_one_page_as_text(client: Any, walked: None) -> None:
    seen, url = [], "/colophon/migration/vault"
    while url:
        answer = client.get(url)
        assert "<script>alert" not in answer.text
        tree = page(answer)
        seen += tree.xpath("//tbody/tr/th/text()")
        following = tree.xpath("//a[@rel='next']/@href")
        url = following[0] if following else ""
    assert len(seen) == len(set(seen)) == 120


def test_an_unknown_archive_is_no_page(client: Any) -> None:
    page(client.get("/colophon/migration/nowhere"), 404)
