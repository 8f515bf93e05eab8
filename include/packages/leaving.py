"""The last look before a package leaves, whoever sends it: what holds for the title now, not for when the package was built."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from include.ledger import deliveries, packages
from include.ledger.database import Ledger
from include.ledger.packages import Stopped
from include.packages import formats, handoff, launch
from include.partners import House, Party
from include.readiness.assess import given_up
from include.readiness.lines import products_of

_OF_TITLES = frozenset({handoff.FLOW, formats.FLOW, launch.FLOW})


def refuse(ledger: Ledger, party: Party, house: House, delivery_id: int, *, now: datetime, again: bool = False, who: str = "") -> None:
    """Raises `Stopped` for a package of a title that was given up, is under embargo, or has an image whose licence forbids it; it is
    stopped, unless it has left before.

    Does nothing to other deliveries, nor to one that has arrived and is not wanted again. What `packages.unfit` looks at is not
    looked at here. `now` carries a zone.
    """
    today = now.astimezone(ZoneInfo(party.schedule.timezone)).date()
    with ledger.session() as session:
        row = packages.of_delivery(session, delivery_id)
        if row is None or row.product_id is None or row.flow not in _OF_TITLES:
            return
        delivery = deliveries.get(session, delivery_id)
        product = products_of(session, [row.product_id]).get(row.product_id)
        if product is None or (delivery.delivered_at is not None and not again):
            return
        reasons = []
        if given_up(product):
            reasons.append({
                "code": "given-up",
                "message": "nobody brings the title out any more",
                "todo": "Look at its publishing status.",
            })
        if row.flow == handoff.FLOW:
            reasons += handoff.forbidden_by_licences(session, party.handoff, product)
        if row.flow == launch.FLOW and party.launch is not None and party.launch.embargo:
            opens = launch.opens(product, launch.siblings(session, product), house)
            if opens is not None and today < opens:
                message = f"nothing of the title may leave before {opens}"
                reasons.append({"code": "embargo", "message": message, "todo": "Nothing: it goes on that day."})
        if not reasons:
            return
        if delivery.delivered_at is None:
            packages.stop(session, row, reasons, now=now, who=who)
        where = f"{row.partner}, {row.subject} r{row.revision}"
    sentences = "; ".join(reason["message"] for reason in reasons)
    raise Stopped(f"the package may not leave: {sentences}", where=where, todo=reasons[0]["todo"], reasons=reasons)
