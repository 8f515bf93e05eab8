"""The royalties department: exports come in, runs happen. No server is asked."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from include.deliveries.build import Run
from include.ledger import deliveries, packages, statements
from include.ledger.sales_rows import StatementRow
from include.partners import load_house, load_parties, load_party
from include.royalties import leaving, take
from include.royalties.outgoing import build_all
from include.royalties.read import Rules
from sandbox.statements import export
from tests.royalties.exports import PERIOD, batch

NOW = datetime(2026, 7, 21, 9, 0, tzinfo=UTC)


class Department:
    """Exports come in, runs happen; no server is asked: what was prepared is opened, and noted as arrived."""

    def __init__(self, ledger, store, config: Path) -> None:
        self.ledger, self.store, self.payees = ledger, store, config / "payees.csv"
        self.now, self.files = NOW, 0

    def comes(self, *asked, kind: str = "pdf", defects=(), intake_id: int | None = None):
        """An export is read; gives counts."""
        return self.reads(*export.make(batch(*asked), kind, defects), intake_id=intake_id)

    def reads(self, name: str, content: bytes, *, intake_id: int | None = None):
        self.files += 1
        artefact = self.store.put(io.BytesIO(content))
        return take.take(self.ledger, self.store, Rules.load(), name, artefact.sha256, intake_id=intake_id or self.files, now=self.now)

    def prepared(self) -> dict[str, list[int]]:
        """Deliveries that each party is due."""
        rules = Rules.load()
        take.look_again(self.ledger, self.store, rules, now=self.now)
        parties = [party for party in load_parties() if party.statements is not None]
        build = {party.id: build_all(self.ledger, self.store, party, load_house(), rules, now=self.now, run=Run()) for party in parties}
        return {party: done.deliveries for party, done in build.items() if done.deliveries}

    def run(self) -> dict[str, list[str]]:
        """A run; gives the names of the statements that arrived, by party."""
        self.now += timedelta(minutes=15)
        arrived = {}
        for party, ids in self.prepared().items():
            arrived[party] = sorted(name for id in ids for name in self.arrives(party, id))
        return arrived

    def arrives(self, party: str, delivery_id: int) -> list[str]:
        leaving.refuse(self.ledger, self.store, load_party(party), delivery_id, now=self.now)
        with self.ledger.session() as session:
            row = deliveries.start(session, delivery_id, now=self.now)
            names = [file.name for file in row.files if file.name.endswith((".pdf", "n.csv", "1.csv"))]
            packages.settle_delivery(session, deliveries.mark_delivered(session, delivery_id, self.now), now=self.now)
            statements.settle(session, now=self.now)
        return names

    def listed(self, *lines: str) -> None:
        """The payee list becomes another one."""
        self.payees.write_text("payee,name,also,recipient,contracts\n" + "\n".join(lines) + "\n")

    def moved(self, payee: str, before: str, after: str) -> None:
        text = self.payees.read_text().splitlines()
        self.payees.write_text("\n".join(line.replace(before, after) if line.startswith(payee) else line for line in text) + "\n")

    def rows(self, **where) -> list[StatementRow]:
        with self.ledger.read() as session:
            return list(session.scalars(select(StatementRow).filter_by(**where).order_by(StatementRow.id)))

    def states(self) -> dict[str, int]:
        with self.ledger.read() as session:
            return statements.counts(session)


def pdf(payee: str, number: str = "") -> str:
    return f"{payee}_{PERIOD}_{number or f'S-26H1-{payee[2:]}'}.pdf"


FOUR = tuple({"of": payee} for payee in ("P-1001", "P-1002", "P-2001", "P-2002"))
