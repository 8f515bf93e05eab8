# ruff: noqa: E501 - rows read best as rows
"""Parties that get files or reports instead of metadata: their cards, their pages, their deliveries; and where files lead to."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from typing import Any

import pytest
from lxml import html

from include.files.model import Kind
from include.ledger import archives, deliveries, record, title_files
from include.ledger.file_rows import ArchiveFileRow, Fate, IntakeFileRow, IntakeState, PackageFileRow, PackageRow
from include.ledger.record import Wanted
from include.ledger.title_files import NewTitleFile
from include.partners import Partner, load_parties

pytestmark = pytest.mark.airflow
NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)


@pytest.fixture
def handed(seeded: Any, ledger: Any, store: Any) -> int:
    """A package of an interior and a ticket that went to a printer; gives the delivery's id."""
    kept = store.put(io.BytesIO(b"pages"))
    with ledger.session() as session:
        file = title_files.attach(session, NewTitleFile(1, Kind.INTERIOR, "text.pdf", kept.bytes, kept.sha256, product_id=1), now=NOW).row
        row = deliveries.prepare(
            session, partner="pressmark", flow="print_handoff", business_key="9781915000019:1", digest="d", now=NOW, kind="", format="", records=0, held=0, due_at=None,
            files=[deliveries.NewFile("9781915000019_text.pdf", "/in", kept.bytes, kept.sha256, role="interior"), deliveries.NewFile("ticket.pdf", "/in", kept.bytes, kept.sha256, role="ticket")],
        )  # fmt: skip
        package = PackageRow(
            partner="pressmark", flow="print_handoff", subject="9781915000019", revision=2, digest="d", work_id=1, product_id=1, state="delivered", reasons=[], ticket={},
            findings=[{"code": "fonts", "severity": "warn", "message": "One font is not embedded.", "todo": ""}], delivery_id=row.id, built_at=NOW,
        )  # fmt: skip
        package.files = [
            PackageFileRow(title_file_id=file.id, role="interior", name="9781915000019_text.pdf", bytes=kept.bytes, sha256=kept.sha256)
        ]
        session.add(package)
        return int(row.id)


def page(answer: Any, status: int = 200) -> Any:
    assert answer.status_code == status, answer.text[-1500:]
    return html.fromstring(answer.text)


def words(tree: Any) -> str:
    return " ".join(tree.text_content().split())


def test_a_card_says_what_a_party_gets(client: Any, handed: int) -> None:
    tree = page(client.get("/colophon/deliveries"))
    card = tree.xpath("//li[contains(@class, 'card')][.//a[text()='Pressmark Printing (US)']]")[0]
    assert "print files, readiness reports" in words(card)
    assert "held back" not in words(card)
    assert "/colophon/deliveries?partner=pressmark" in card.xpath(".//a/@href")


@pytest.mark.parametrize("party", [party.id for party in load_parties() if not isinstance(party, Partner)])
def test_every_party_without_a_feed_has_a_page(client: Any, handed: int, party: str) -> None:
    tree = page(client.get(f"/colophon/partners/{party}?show=held"))
    assert not tree.xpath("//nav[@class='tabs']")


def test_its_page_leads_to_deliveries_and_titles(client: Any, handed: int) -> None:
    tree = page(client.get("/colophon/partners/pressmark"))
    assert {f"/colophon/deliveries/{handed}", "/colophon/titles/1#h-packages"} <= set(tree.xpath("//main//a/@href"))


def test_a_package_in_a_delivery_is_shown_as_one(client: Any, handed: int) -> None:
    tree = page(client.get(f"/colophon/deliveries/{handed}"))
    said = words(tree)
    for there in ("Revision2", "interior", "ticket", "One font is not embedded"):
        assert there in said, there
    for elsewhere in ("Titles in it", "Held back", "Rebuilt"):
        assert elsewhere not in said, elsewhere
    assert "/colophon/titles/1#h-packages" in tree.xpath("//section[@aria-labelledby='h-package']//a/@href")
    assert f"/colophon/deliveries/{handed}" in page(client.get("/colophon/titles/1")).xpath(
        "//section[@aria-labelledby='h-packages']//a/@href"
    )


def test_a_file_of_an_old_archive_leads_to_its_place_on_the_title(client: Any, handed: int, ledger: Any) -> None:
    with ledger.session() as session:
        archives.begin(session, "vault", NOW, largest=10**9)
        arrival = IntakeFileRow(
            inbox="archive:vault",
            path="a.pdf",
            mark="1",
            name="a.pdf",
            state=IntakeState.ATTACHED,
            title_file_id=1,
            seen_at=NOW,
            looked_at=NOW,
        )
        session.add(arrival)
        session.flush()
        session.add(ArchiveFileRow(archive="vault", path="a.pdf", fate=Fate.ATTACHED, work_id=1, intake_id=arrival.id, seen_in=1))
    (link,) = page(client.get("/colophon/migration/vault")).xpath("//tbody//a/@href")
    path, _, place = link.partition("#")
    assert page(client.get(path)).xpath(f"//article[@id='{place}']")


@pytest.mark.parametrize(
    ("dated", "day"),
    [("2019-05-04", date(2019, 5, 4)), ("", date(2020, 1, 2)), ("2019-13-45", date(2020, 1, 2)), ("spring", date(2020, 1, 2))],
)
def test_a_file_has_one_day_whatever_is_written_in_it(client: Any, seeded: Any, ledger: Any, dated: str, day: date) -> None:
    with ledger.session() as session:
        modified = datetime(2020, 1, 2, 23, tzinfo=UTC)
        row = title_files.attach(
            session, NewTitleFile(1, Kind.MANUSCRIPT, "m.docx", 1, "f" * 64, dated=dated, modified=modified), now=NOW
        ).row
        assert record.day_of(row) == day
        assert [file.id for file in record.files(session, 1, Wanted(since=day, until=day), allowed=lambda role: True)] == [row.id]
    assert page(client.get(f"/colophon/titles/1?since={day}&until={day}")).xpath("//article//a[@download]")


def test_of_many_versions_the_newest_are_shown_and_the_others_are_found(client: Any, seeded: Any, ledger: Any) -> None:
    with ledger.session() as session:
        for number in range(1, 41):
            new = NewTitleFile(
                1,
                Kind.INTERIOR,
                f"text_r{number}.pdf",
                1,
                f"{number:064}",
                product_id=1,
                revision=str(number),
                rank=number * 10_000,
                dated=f"2025-01-{(number - 1) % 28 + 1:02}",
            )
            title_files.attach(session, new, now=NOW)
    tree = page(client.get("/colophon/titles/1"))
    assert "39 older versions" in words(tree)
    assert len(tree.xpath("//article//a[@download]")) == 11
    (every,) = tree.xpath("//article//details//p/a/@href")
    assert len(page(client.get(every)).xpath("//article//a[@download]")) == 40
    assert len(page(client.get("/colophon/titles/1?since=2025-01-03&until=2025-01-03")).xpath("//article//a[@download]")) == 2
