"""The last look at statements, whoever sends them: the flow, a redelivery, the command line. What is about to leave is opened once more."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from include.ledger import deliveries, packages, statements
from include.ledger.database import Ledger
from include.ledger.file_rows import PackageRow
from include.ledger.models import DeliveryRow
from include.ledger.packages import Stopped
from include.ledger.sales_rows import StatementRow
from include.ledger.statements import FLOW, GOES
from include.packages.manifest import SUMS
from include.partners import Party
from include.royalties import check, decide, match
from include.royalties.check import Watch
from include.royalties.payees import load_payees
from include.royalties.statements import reason
from include.royalties.watching import Watching
from include.store import ArtefactStore

_LOOK = "Look at the page of statements; the next run sends what may go."


def refuse(
    ledger: Ledger, store: ArtefactStore, party: Party, delivery_id: int, *, now: datetime, again: bool = False, who: str = ""
) -> None:
    """Raises `Stopped` if a delivery of statements holds anything that is not for this party, by what the payee list says now; nothing of
    it leaves then. Does nothing to other deliveries, nor to one that has arrived and is not wanted again."""
    with ledger.read() as session:  # opening files takes its time: nobody else has to wait
        delivery = deliveries.get(session, delivery_id)
        if delivery.flow != FLOW or (delivery.delivered_at is not None and not again):
            return
        reasons = [*_unfit(session, store, party, delivery, packages.of_delivery(session, delivery_id))]
    if not reasons:
        return
    with ledger.session() as session:
        row = packages.of_delivery(session, delivery_id)
        if row is not None and deliveries.get(session, delivery_id).delivered_at is None:
            packages.stop(session, row, reasons, now=now, who=who)
    codes = ", ".join(sorted({str(one["code"]) for one in reasons}))
    what = f"the statements may not leave: {len(reasons)} reasons ({codes})"
    raise Stopped(what, where=f"{party.id}, delivery {delivery_id}", todo=_LOOK, reasons=reasons)


def _unfit(session: Session, store: ArtefactStore, party: Party, delivery: DeliveryRow, row: PackageRow | None) -> Iterator[dict[str, Any]]:
    if row is None or party.statements is None or delivery.partner != party.id:
        yield reason("not-theirs", "the party gets no statements, or this is no package of them", party.id, _LOOK)
        return
    watching = Watching(load_payees())
    carried = {str(one["name"]): one for one in row.ticket.get("statements", [])}
    rows = statements.by_ids(session, [int(one["id"]) for one in carried.values()])
    travelling = list(_travelling(party, delivery, row))
    names_sent = {name for name, _ in travelling}
    for name, one in carried.items():
        if name in names_sent:
            yield from _statement(session, store, watching, party, name, one, rows.get(int(one["id"])))
    let = {id for statement in rows.values() for id in decide.allowed_in(statement)}
    theirs = {str(one["payee"]) for one in carried.values()} | let | _had(session, party, row)
    everybody = Watch(check.marks_of(watching.payees), None if party.statements.everything else frozenset(theirs))
    for name, sha256 in travelling:
        if name not in carried:
            with store.local(sha256) as path:  # manifest, sums, finance's table
                yield from check.findings(path, name, everybody)
        elif sha256 != carried[name]["sha256"]:
            yield reason("other-bytes", "a file is not the statement that was checked", name, _LOOK)
    for file in delivery.files:
        yield from check.findings_in_name(f"{file.folder}/{file.name}", everybody)
        if party.transport.openpgp and not file.name.endswith((party.transport.openpgp.suffix, SUMS)):
            yield reason("not-sealed", "the party gets sealed files only, and this was built before", file.name, _LOOK)


def _had(session: Session, party: Party, row: PackageRow) -> set[str]:
    """Payees whose statements of this period the party has: a manifest may say what became of them."""
    arrived = [
        one
        for one in packages.of_subject(session, party.id, FLOW, row.subject)
        if one.delivery_id is not None and deliveries.get(session, one.delivery_id).delivered_at is not None
    ]
    return {str(each["payee"]) for one in arrived for each in one.ticket.get("statements", [])}


def _statement(
    session: Session, store: ArtefactStore, watching: Watching, party: Party, name: str, one: dict[str, Any], row: StatementRow | None
) -> Iterator[dict[str, Any]]:
    where = f"statement {one['id']}"
    if row is None or row.state not in GOES or row.sha256 != one["sha256"] or row.payee != one["payee"]:
        yield reason("not-current", "the statement is not ready any more, or is another one now", where, _LOOK)
        return
    payee = watching.payees.get(row.payee)
    if payee is None:
        yield reason("payee-unknown", f"payee {row.payee} is not in the list any more", where, _LOOK)
    elif not match.is_still(row, payee):
        yield reason("name-differs", f"payee {payee.id} is somebody else in the list now", where, _LOOK)
    elif party.statements is None or (not party.statements.everything and payee.recipient != party.id):
        yield reason("not-theirs", f"the statements of payee {payee.id} go to {payee.recipient} now", where, _LOOK)
    else:
        watch = watching.of(session, row, row.payee, decide.allowed_in(row))
        yield from decide.check_row(store, row, watch)
        yield from check.findings_in_name(name, watch)


def _travelling(party: Party, delivery: DeliveryRow, row: PackageRow) -> Iterator[tuple[str, str]]:
    """(path in the package, digest) of each file of the delivery, as it was before it was sealed. A file that is not of the package
    comes under its own name, so that it is looked into."""
    plain = {file.name: file.sha256 for file in row.files}
    suffix = party.transport.openpgp.suffix if party.transport.openpgp else ""
    for file in delivery.files:
        bare = file.name.removesuffix(suffix) if suffix and file.name.endswith(suffix) else file.name
        place = posixpath.join("/", file.folder, bare)
        path = max((name for name in plain if place.endswith(f"/{name}")), key=len, default="")
        if not path:
            yield file.name, file.sha256
        elif bare != file.name:
            yield path, plain[path]  # what was sealed; the sealed bytes can be opened by the recipient alone
        else:
            yield path, file.sha256
