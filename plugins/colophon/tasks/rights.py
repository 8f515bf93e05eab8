"""Tasks of `rights_reports`: add up what was sold, write each recipient's reports, deliver what changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.sdk import task

from colophon import assets
from colophon.policy import pool_for
from include.partners import Party


@task
def sums() -> int:
    """Adds up the batches that nobody has added up yet, once for all recipients; gives the number of all."""
    from colophon.hooks.ledger import open_ledger, open_store
    from include.rights.report import gather

    return gather(open_ledger(), open_store(), datetime.now(UTC))


@task
def prepare(party_id: str, *, dag_run: Any = None) -> list[int]:
    """Writes the party's reports; gives the deliveries of those that changed."""
    import logging

    from colophon.hooks.ledger import open_ledger, open_store
    from include.deliveries.build import Run
    from include.partners import load_house, load_party
    from include.rights.report import build
    from include.royalties.payees import load_payees

    run = Run(dag_run.dag_id, dag_run.run_id) if dag_run else Run()
    built = build(open_ledger(), open_store(), load_party(party_id), load_house(), load_payees(), datetime.now(UTC), run)
    log = logging.getLogger("colophon.rights")
    for one in built:
        became = f"delivery {one.delivery_id}" if one.delivery_id is not None else "nothing to send"
        log.info("%s: %s of %s, %s lines, %s flags: %s", party_id, one.report, one.period, one.lines, one.flags, became)
    return [one.delivery_id for one in built if one.delivery_id is not None]


@task(retries=5, map_index_template="{{ delivery_id }}")
def deliver(party_id: str, delivery_id: int, *, dag_run: Any = None) -> dict[str, Any]:
    """Sends one report. Files that arrived in an earlier try are not sent again. Skips itself if it is not this party's any more."""
    from colophon.tasks.sending import send_or_skip
    from include.deliveries.build import Run

    return send_or_skip(party_id, delivery_id, Run(dag_run.dag_id, dag_run.run_id))


def send_to_each(parties: list[Party]) -> None:
    """Sums, then prepare and deliver for each party by itself: one party's trouble stops no other's report."""
    added = sums()
    for party in parties:
        due = prepare.override(task_id=f"prepare__{party.id}")(party.id)
        delivery = deliver.override(task_id=f"deliver__{party.id}", pool=pool_for(party), outlets=[assets.delivered(party.id)])
        added >> due
        delivery.partial(party_id=party.id).expand(delivery_id=due)
