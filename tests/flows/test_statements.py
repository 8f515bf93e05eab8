"""Statements leave the royalties department as one file and arrive cut apart, each at its own agent, read back from their servers."""

from __future__ import annotations

import csv
import io
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from sqlalchemy import select

from include.ledger import statements
from include.ledger.models import EventRow
from include.ledger.sales_rows import StatementRow, StatementState

pytestmark = [pytest.mark.airflow, pytest.mark.timeout(300)]

ROOT = Path(__file__).resolve().parents[2]
FLOW = "royalty_statements__statements"
NAMES = {
    "P-1001": "Adaeze Okonkwo",
    "P-1002": "Zoë Müller-Offley",
    "P-2001": "Jonathan Bright",
    "P-2002": "Siân Griffith",
    "P-3001": "Tomasz Wróbel",
}
UNKNOWN = "Jonathon Bryght"


@dataclass
class Office:
    """The royalties department, its agents' servers, and what Airflow shows of a run."""

    ledger: Any
    store: Any
    sandbox: Any
    run: Any
    capture: Any

    def export(self, **wanted: Any) -> dict[str, Any]:
        return self.sandbox.call("drop", {"inbox": "statements", **wanted})

    def flow(self) -> tuple[str, str]:
        """State of a run, and all that it said: logs and XComs."""
        self.capture.clear()
        run = self.run(FLOW)
        from airflow.models.xcom import XComModel
        from airflow.utils.session import create_session

        with create_session() as session:
            told = [str(one.value) for one in session.scalars(select(XComModel).where(XComModel.run_id == run.run_id))]
        return str(run.state), "\n".join([*told, self.capture.text])

    def at(self, partner: str) -> dict[str, bytes]:
        base = self.sandbox.home(partner) / "statements"
        return {str(path.relative_to(base)): path.read_bytes() for path in sorted(base.rglob("*")) if path.is_file()}

    def rows(self, **where: Any) -> list[StatementRow]:
        with self.ledger.read() as session:
            return list(session.scalars(select(StatementRow).filter_by(**where).order_by(StatementRow.id)))


@pytest.fixture
def office(run_flow, ledger, store, sandbox, tmp_path, monkeypatch, caplog) -> Office:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    inbox = tmp_path / "config" / "inboxes" / "statements.toml"
    inbox.write_text(inbox.read_text().replace("settle_seconds = 5", "settle_seconds = 0"))
    monkeypatch.setenv("COLOPHON_CONFIG", str(tmp_path / "config"))
    caplog.set_level("INFO")
    return Office(ledger, store, sandbox, run_flow, caplog)


def said(content: bytes) -> str:
    """All of a PDF, by a reader of the test's own: page text, and every decoded object."""
    document = pypdfium2.PdfDocument(content)
    text = "\n".join(page.get_textpage().get_text_range() for page in document)
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert not pdf.attachments
        for one in pdf.objects:
            text += str(one.unparse(resolved=True), "latin-1") if isinstance(one, pikepdf.Dictionary) else ""
            text += one.read_bytes().decode("latin-1") if isinstance(one, pikepdf.Stream) else ""
    return text


def of_pdfs(files: dict[str, bytes]) -> dict[str, str]:
    return {Path(name).name.partition("_")[0]: said(content) for name, content in files.items() if name.endswith(".pdf")}


def test_each_agent_gets_its_own_payees_finance_gets_all_and_what_is_doubtful_waits(office):
    batch = [{"of": "P-1001", "lines": 20}, {"of": "P-1002"}, {"of": "P-2001"}, {"of": "P-2002"}, {"of": "P-3001"}]
    unknown = {"of": "P-9", "payee": UNKNOWN, "payee_number": "", "contracts": [501003]}
    told = office.export(statements=[*batch, unknown], defects=["shared", "attachment", "bookmarks"], name="june.pdf")
    state, heard = office.flow()
    assert state == "success"

    agents = {"foxglove": {"P-1001", "P-1002"}, "merrow": {"P-2001", "P-2002"}}
    for agent, payees in agents.items():
        found = of_pdfs(office.at(agent))
        assert set(found) == payees
        for payee, text in found.items():
            assert NAMES[payee] in text
            for other in {*NAMES, "P-9"} - {payee}:
                assert NAMES.get(other, UNKNOWN) not in text
                assert other not in text
        listed = json.loads(office.at(agent)["January-to-June-2026/manifest.json"])
        everything = b"".join(content for name, content in office.at(agent).items() if not name.endswith(".pdf")).decode()
        assert len([one for one in listed["files"] if one["role"] == "statement"]) == 2
        assert not any(other in everything for other in {*NAMES, *NAMES.values()} - payees)

    finance = office.at("countinghouse")
    assert set(of_pdfs(finance)) == set(NAMES)
    table = list(csv.DictReader(io.StringIO(finance["January-to-June-2026/statements_January-to-June-2026.csv"].decode("utf-8-sig"))))
    wanted = {(one["number"], one["amount"]) for one in told["statements"][:-1]}
    assert {(row["statement"], row["amount"]) for row in table} == wanted

    held = office.rows(state=StatementState.HELD)
    assert [row.payee_name for row in held] == [UNKNOWN]
    assert next(reason["code"] for reason in held[0].reasons) == "payee-unknown"
    assert {reason.get("payee") for reason in held[0].reasons} >= {"P-2001"}
    with office.ledger.read() as session:
        heard += "\n".join(f"{one.subject} {one.detail}" for one in session.scalars(select(EventRow)))
    assert not any(name in heard for name in (*NAMES.values(), UNKNOWN))

    decided_and_corrected(office, held[0].id, batch)


def decided_and_corrected(office: Office, held: int, batch: list[dict[str, Any]]) -> None:
    """A person says whose it is; the same file comes again, and one in which a single statement is corrected."""
    from include.royalties import decide
    from include.royalties.read import Rules

    now = datetime.now(UTC)
    decide.give(office.ledger, office.store, Rules.load(), held, "P-2001", now=now, who="royaltymanager")
    before = {partner: office.at(partner) for partner in ("foxglove", "merrow", "countinghouse")}
    unknown = {"of": "P-9", "payee": UNKNOWN, "payee_number": "", "contracts": [501003]}
    office.export(statements=[*batch, unknown], defects=["shared", "attachment", "bookmarks"], name="june again.pdf")
    office.export(statements=[{**batch[1], "add": "5.00"}, *batch[2:4]], defects=["shared"], name="june corrected.pdf")
    assert office.flow()[0] == "success"

    after = {partner: office.at(partner) for partner in before}
    changed = {partner: news(before[partner], after[partner]) for partner in before}
    corrected, given = "P-1002_January-to-June-2026_S-26H1-1002.pdf", "P-2001_January-to-June-2026_S-26H1-9.pdf"
    assert changed == {"foxglove": [corrected], "merrow": [given], "countinghouse": sorted([corrected, given])}
    with office.ledger.read() as session:
        states = statements.counts(session)
    assert states == {"delivered": 6, "replaced": 1}
    assert [row.state for row in office.rows(payee="P-1002")] == [StatementState.REPLACED, StatementState.DELIVERED]
    assert office.rows(payee="P-1002")[1].replaces_id == office.rows(payee="P-1002")[0].id

    nothing_more(office)


def news(before: dict[str, bytes], after: dict[str, bytes]) -> list[str]:
    return sorted(Path(name).name for name in after if name.endswith(".pdf") and before.get(name) != after[name])


def nothing_more(office: Office) -> None:
    """Another run finds nothing to prepare for anybody."""
    from include.deliveries.build import Run
    from include.partners import load_house, load_inbox, load_parties
    from include.royalties.outgoing import build_all
    from include.royalties.read import Rules
    from include.royalties.take import take_all

    now, rules = datetime.now(UTC), Rules.load()
    assert +take_all(office.ledger, office.store, load_inbox("statements"), now=now, say=lambda line: None).counts == {}
    for party in load_parties():
        if party.statements is not None:
            assert build_all(office.ledger, office.store, party, load_house(), rules, now=now, run=Run()).deliveries == []
