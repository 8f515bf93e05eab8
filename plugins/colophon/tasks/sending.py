"""Sends one delivery over the partner's connection: what feeds, redeliveries and the command line share."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from include.deliveries.build import Run
    from include.ledger.database import Ledger
    from include.partners import Party


def send_delivery(partner_id: str, delivery_id: int, run: Run, *, again: bool = False) -> dict[str, Any]:
    """Opens the connection and sends; gives the delivery's state and numbers. `again` sends files that already arrived, too.

    The one way out: royalty statements are looked into once more here, whoever sends them, and told of in numbers only.
    """
    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.hooks.remote import open_remote
    from include.deliveries.send import Sending
    from include.ledger import deliveries, rights, statements
    from include.packages import leaving
    from include.partners import load_house, load_recipient

    log, ledger = logging.getLogger("colophon.deliver"), open_ledger()
    with ledger.read() as session:
        flow = deliveries.get(session, delivery_id).flow
    partner = load_recipient(flow, partner_id)
    if flow == statements.FLOW:
        from include.royalties.send import send

        return send(ledger, open_store(), partner, delivery_id, lambda: open_remote(partner.transport), run=run, again=again)

    def look() -> None:
        if flow == rights.FLOW:
            _refuse_of_others(ledger, partner, delivery_id, run, again=again)
        leaving.refuse(ledger, partner, load_house(), delivery_id, now=datetime.now(UTC), again=again, who=run.who)

    sending = Sending(ledger, open_store(), partner, run, say=log.info, look=look)
    return sending.send(delivery_id, lambda: open_remote(partner.transport), again=again)


def send_or_skip(partner_id: str, delivery_id: int, run: Run) -> dict[str, Any]:
    """As `send_delivery`, in a task: it skips itself where something may not leave any more."""
    from airflow.sdk.exceptions import AirflowSkipException

    from include.ledger.packages import Stopped

    try:
        return send_delivery(partner_id, delivery_id, run)
    except Stopped as stopped:
        raise AirflowSkipException(str(stopped)) from stopped


def _refuse_of_others(ledger: Ledger, party: Party, delivery_id: int, run: Run, *, again: bool) -> None:
    """Rights reports of clients who are not this party's any more."""
    from include.rights.leaving import refuse
    from include.royalties.payees import load_payees

    refuse(ledger, party, load_payees(), delivery_id, now=datetime.now(UTC), again=again, who=run.who)
