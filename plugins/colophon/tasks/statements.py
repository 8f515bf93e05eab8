"""Tasks of `royalty_statements`: read what was taken, prepare each recipient's packages, deliver, record. They tell numbers only."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import task

from colophon import assets
from colophon.policy import pool_for
from include.partners import Inbox, Party


@task(trigger_rule="all_done")
def read(inbox_id: str) -> dict[str, int]:
    """Cuts the exported files apart, finds whose each statement is, and checks it; gives counts."""
    import logging

    from colophon.hooks.ledger import open_ledger, open_store
    from include.partners import load_inbox
    from include.royalties.take import take_all

    log = logging.getLogger("colophon.statements")
    taken = take_all(open_ledger(), open_store(), load_inbox(inbox_id), now=datetime.now(UTC), say=log.info)
    log.info("Statements: %s", taken.to_json() or "nothing new")
    return taken.to_json()


@task
def prepare(party_id: str, *, dag_run: Any = None) -> list[int]:
    """Packs what the party is due; gives the deliveries that are to go."""
    import logging

    from colophon.hooks.ledger import open_ledger, open_store
    from include.deliveries.build import Run
    from include.partners import load_house, load_party
    from include.royalties.outgoing import build_all
    from include.royalties.read import Rules

    run = Run(dag_run.dag_id, dag_run.run_id) if dag_run else Run()
    party, now = load_party(party_id), datetime.now(UTC)
    prepared = build_all(open_ledger(), open_store(), party, load_house(), Rules.load(), now=now, run=run)
    log = logging.getLogger("colophon.statements")
    log.info("%s: %d statements in %d deliveries, %d held back", party_id, prepared.statements, len(prepared.deliveries), prepared.held)
    return prepared.deliveries


@task(retries=5, map_index_template="{{ delivery_id }}")
def deliver(party_id: str, delivery_id: int, *, dag_run: Any = None) -> dict[str, Any]:
    """Opens the package once more and sends it. Skips itself if anything in it is not for this party: nothing of it leaves then."""
    from colophon.tasks.sending import send_or_skip
    from include.deliveries.build import Run

    return send_or_skip(party_id, delivery_id, Run(dag_run.dag_id, dag_run.run_id))


@task(trigger_rule="all_done")
def record(inbox_id: str, read_now: dict[str, int] | None) -> dict[str, int]:
    """Writes down what has arrived, and tells who is to be told how many statements newly wait for a person; also after a failure."""
    from colophon.hooks.ledger import open_ledger
    from colophon.notifiers.channels import Notice, tell
    from colophon.notifiers.failure import people
    from include.ledger import statements
    from include.partners import load_inbox

    with open_ledger().session() as session:
        statements.settle(session, now=datetime.now(UTC))
        counts = statements.counts(session)
    if newly := (read_now or {}).get("held", 0):
        inbox, (_, house, sender) = load_inbox(inbox_id), people()
        subject = f"{inbox.name}: {newly} statement{'s' if newly > 1 else ''} held"
        whose = "whose they are. They go" if newly > 1 else "whose it is. It goes"
        text = (
            f"Somebody with the role {statements.ROLE} must say {whose} to nobody until then.\n\n"
            "See Publishing → Imports → Held statements, and docs/runbook/royalty_statements.md."
        )
        tell(Notice(subject, text, to=inbox.notify or house, sender=sender, topic=f"statements {inbox.id}"))
    return counts


def send_to_each(inbox: Inbox, parties: list[Party], after: Any) -> None:
    """Read, then prepare and deliver for each party by itself, then record. One party's trouble stops no other's statements."""
    found = read(inbox.id)
    after >> found
    sent = []
    for party in parties:
        due = prepare.override(task_id=f"prepare__{party.id}")(party.id)
        found >> due
        delivery = deliver.override(task_id=f"deliver__{party.id}", pool=pool_for(party), outlets=[assets.delivered(party.id)])
        sent.append(delivery.partial(party_id=party.id).expand(delivery_id=due))
    recorded = record(inbox.id, found)
    sent >> recorded
    [found, *sent, recorded] >> EmptyOperator(task_id="done", trigger_rule="none_failed")
