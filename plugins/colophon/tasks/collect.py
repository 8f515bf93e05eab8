"""Tasks that collect partners' answers."""

from __future__ import annotations

from typing import Any

from airflow.sdk import task


@task
def answering_partners() -> list[str]:
    """Ids of the partners that answer in some way."""
    from include.partners import load_partners

    return [partner.id for partner in load_partners() if partner.acknowledgements.kind != "none"]


@task(map_index_template="{{ partner_id }}")
def answers(partner_id: str) -> dict[str, Any]:
    """Reads one partner's new answers into the ledger; gives counts."""
    import logging
    from datetime import UTC, datetime

    from airflow.sdk import get_current_context

    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.hooks.remote import open_remote
    from include.deliveries.answers import collect
    from include.partners import load_house, load_partner

    get_current_context()["partner_id"] = partner_id
    partner = load_partner(partner_id)
    with open_remote(partner.transport) as remote:
        outcome = collect(open_ledger(), open_store(), partner, load_house(), remote, datetime.now(UTC))
    logging.getLogger("colophon.acknowledgements").info("%s: %s", partner.name, outcome)
    return outcome
