"""The last look at rights reports of a party's clients, whoever sends them: are they its clients still?"""

from __future__ import annotations

from datetime import datetime

from include.ledger import deliveries, packages
from include.ledger.database import Ledger
from include.ledger.packages import Stopped
from include.ledger.rights import FLOW
from include.partners import Party
from include.royalties.payees import PayeeList

_TODO = "Look at config/payees.csv and the party's [rights] table; the next run writes the report anew."


def refuse(ledger: Ledger, party: Party, payees: PayeeList, delivery_id: int, *, now: datetime, again: bool = False, who: str = "") -> None:
    """Raises `Stopped` for a report of a payee or a contract that is not this party's any more; it is stopped, unless it has left before.

    Does nothing to other deliveries, nor to one that has arrived and is not wanted again.
    """
    with ledger.session() as session:
        delivery = deliveries.get(session, delivery_id)
        row = packages.of_delivery(session, delivery_id)
        if delivery.flow != FLOW or row is None or (delivery.delivered_at is not None and not again):
            return
        wanted = party.rights.payees if party.rights is not None and delivery.partner == party.id else ()
        mine = {payee.id: payee for id in wanted if (payee := payees.get(id)) is not None and payee.recipient == party.id}
        contracts = {contract for payee in mine.values() for contract in payee.contracts}
        wrong = [f"payee {id}" for id in row.ticket.get("payees", []) if id not in mine]
        wrong += [f"contract {id}" for id in row.ticket.get("contracts", []) if id not in contracts]
        if not wrong:
            return
        reasons = [{"code": "not-theirs", "message": f"{one} is not this party's any more", "where": "", "todo": _TODO} for one in wrong]
        if delivery.delivered_at is None:
            packages.stop(session, row, reasons, now=now, who=who)
        where = f"{row.partner}, {row.subject} r{row.revision}"
    raise Stopped(f"the report may not leave: {', '.join(wrong)} is not this party's any more", where=where, todo=_TODO, reasons=reasons)
