"""The report of flags on its way to a party over SFTP or FTP: one package, known by its flags, so that what says the same goes once."""

from __future__ import annotations

import posixpath
from datetime import datetime

from include.deliveries.build import Run
from include.ledger import packages
from include.ledger.database import Ledger
from include.licences.flags import EXPIRY as FLOW
from include.licences.report import SCHEMA, Report
from include.packages.build import Item, NewPackage
from include.packages.build import prepare as build
from include.partners import House, Party
from include.store import ArtefactStore

SUBJECT = "licences"


def prepare(
    ledger: Ledger, store: ArtefactStore, house: House, party: Party, report: Report, *, now: datetime, run: Run | None = None
) -> int | None:
    """The delivery that is to go; None where the party has a report of the same flags. The first one goes also where it is empty."""
    run = run or Run()
    with ledger.session() as session:
        packages.settle(session, party.id, FLOW, now=now, who=run.who)
    files = (("licences.xlsx", report.workbook), ("licences.html", report.page))
    items = [Item("report", name, one.sha256, one.bytes, identity=f"{report.digest} {name}") for name, one in files]
    about = {"from": house.sender.name, "report": SUBJECT, "flags": report.lines, "schema": SCHEMA}
    new = NewPackage(
        party=party, flow=FLOW, subject=SUBJECT, items=items, folder=posixpath.join(party.transport.folder, SUBJECT), about=about,
        flat=True, bare=True, format=f"licences {SCHEMA}",
    )  # fmt: skip
    row = build(ledger, store, new, now=now, run=run)
    with ledger.read() as session:
        return packages.to_send(session, row)
