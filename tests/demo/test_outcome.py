"""The closing tables tell what really lies at the partners, not what the ledger hopes."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from demo import tables
from demo.outcome import held_back, lies_at, not_selected, outcomes
from include.ledger.models import DeliveryRow, FeedRecordRow, FileRow, ProductRow
from include.partners import load_partner

NOW = datetime(2026, 5, 1, tzinfo=UTC)
BYTES = b"<ONIXMessage/>"
DIGEST = hashlib.sha256(BYTES).hexdigest()


def deliver(session: Any, state: str = "delivered", sha256: str = DIGEST, **more: Any) -> None:
    file = FileRow(name="a.xml", folder="/inbox", remote_path="/inbox/a.xml", bytes=len(BYTES), sha256=sha256, state="delivered")
    session.add(
        DeliveryRow(
            partner="northgate", flow="metadata_feed", business_key=f"k{more}", digest=sha256, state=state, format="ONIX 3.0 reference",
            records=7, held=2, seconds=0.4, created_at=NOW, files=[file], **more,
        )
    )  # fmt: skip


def outcome(ledger: Any, sandbox: Path) -> Any:
    return outcomes(ledger, [load_partner("northgate")], sandbox)[0]


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "partners" / "northgate" / "inbox"
    folder.mkdir(parents=True)
    return folder


def test_a_partner_with_its_file_has_no_problem(ledger: Any, inbox: Path) -> None:
    (inbox / "a.xml").write_bytes(BYTES)
    with ledger.session() as session:
        deliver(session)
    found = outcome(ledger, inbox.parents[2])
    assert (found.problem, found.sent, found.held, found.bytes, found.message.remote_path) == ("", 7, 2, len(BYTES), "/inbox/a.xml")


@pytest.mark.parametrize("content", [None, b"", BYTES + b" "])
def test_a_missing_or_other_file_is_a_problem_whatever_the_ledger_says(ledger: Any, inbox: Path, content: bytes | None) -> None:
    if content is not None:
        (inbox / "a.xml").write_bytes(content)
    with ledger.session() as session:
        deliver(session)
    found = outcome(ledger, inbox.parents[2])
    assert "a.xml" in found.problem
    assert not found.message.found


def test_a_delivery_that_failed_says_why(ledger: Any, inbox: Path) -> None:
    (inbox / "a.xml").write_bytes(BYTES)
    with ledger.session() as session:
        deliver(session, "failed", reasons=[{"code": "LoginRefused", "message": "the partner refused the log-in"}])
    assert outcome(ledger, inbox.parents[2]).problem == "the delivery is failed: the partner refused the log-in"


def test_a_partner_without_a_delivery_has_a_problem(ledger: Any, tmp_path: Path) -> None:
    assert outcome(ledger, tmp_path).problem == "nothing was delivered"


@pytest.mark.parametrize("where", ["inbox/a.xml", "swept/a.xml", "inbox/a.xml.read"])
def test_a_file_counts_where_the_partner_took_it(tmp_path: Path, where: str) -> None:
    path = tmp_path / where
    path.parent.mkdir(parents=True)
    path.write_bytes(BYTES)
    assert lies_at(tmp_path, "/inbox/a.xml", DIGEST)
    assert not lies_at(tmp_path, "/inbox/b.xml", DIGEST)
    assert not lies_at(tmp_path, "", DIGEST)


def test_reasons_are_counted_by_rule_with_an_example_each(ledger: Any) -> None:
    reason = {"code": "title-missing", "message": "no title", "todo": "", "path": ""}
    other = {"code": "price-zero", "message": "a price of 0.00 GBP", "todo": "", "path": ""}
    with ledger.session() as session:
        session.add(
            ProductRow(id=1, work_id=1, isbn="9780000000002", title="Öl [bold]", digest="", content=b"", first_seen=NOW, changed_at=NOW)
        )
        for partner, product, state, reasons in [
            ("northgate", 1, "held", [reason, other]),
            ("meridian", 1, "held", [reason]),
            ("meridian", 2, "held", [reason]),
            ("meridian", 3, "not selected", [{"code": "market", "message": "not for sale there"}]),
            ("meridian", 4, "sent", []),
        ]:
            session.add(FeedRecordRow(partner=partner, product_id=product, state=state, reasons=reasons, looked_at=NOW))
    first, second = held_back(ledger)
    assert (first.code, first.titles, first.partners) == ("title-missing", 2, {"northgate", "meridian"})
    assert (second.code, second.titles, second.example) == ("price-zero", 1, "9780000000002 Öl [bold]: a price of 0.00 GBP")
    assert not_selected(ledger)["meridian"]["market"] == 1
    console = Console(record=True, width=160)
    console.print(tables.held_table([first, second], 2))
    assert "Öl [bold]" in console.export_text()
