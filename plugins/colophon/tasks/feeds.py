"""Tasks of a metadata feed: build, ask a person where it is unusual, deliver, record the decision."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import task

ANSWER_WITHIN = timedelta(hours=12)


@task
def build(partner_id: str, *, params: dict[str, Any] | None = None, dag_run: Any = None) -> dict[str, Any]:
    """Builds what the partner is due. Skips the rest of the run when nothing is."""
    import logging
    from dataclasses import asdict
    from datetime import UTC, datetime

    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.ledger import open_ledger, open_store
    from include.deliveries.build import FeedBuild, Run
    from include.partners import load_house, load_partner

    log = logging.getLogger("colophon.feeds")
    kind = (params or {}).get("kind")
    built = FeedBuild(
        open_ledger(),
        open_store(),
        load_partner(partner_id),
        load_house(),
        datetime.now(UTC),
        Run(dag_run.dag_id, dag_run.run_id),
        kind if kind in {"full", "delta"} else None,
        on_progress=lambda looked, counts: log.info("%s titles looked at: %s", looked, dict(counts)),
    ).build()
    log.info("%s: %s", partner_id, built)
    if built.delivery_id is None:
        raise AirflowSkipException(f"{partner_id} has everything: nothing changed since the last delivery. {built.counts}")
    if built.state == "declined":
        raise AirflowSkipException(
            f"Delivery {built.delivery_id} was declined and nothing changed since. Redeliver it to send it all the same."
        )
    return asdict(built)


@task.short_circuit(ignore_downstream_trigger_rules=False)
def unusual(built: dict[str, Any]) -> bool:
    """Goes on to the person only if a limit of the partner's file is passed."""
    return bool(built["approve"])


def ask_a_person() -> ApprovalOperator:
    """The question, with the reasons; no answer in twelve hours means no."""
    return ApprovalOperator(
        task_id="approve",
        subject="Send this delivery to {{ ti.xcom_pull(task_ids='build')['partner'] }}?",
        body="Delivery {{ ti.xcom_pull(task_ids='build')['delivery_id'] }} waits:\n"
        "{% for reason in ti.xcom_pull(task_ids='build')['approve'] %}\n* {{ reason }}{% endfor %}\n\n"
        "Its records and reasons are on the page Publishing → Deliveries.",
        defaults="Reject",
        response_timeout=ANSWER_WITHIN,
        execution_timeout=None,
    )


@task
def approved(built: dict[str, Any], answer: dict[str, Any]) -> None:
    """Records who approved."""
    from datetime import UTC, datetime

    from colophon.hooks.ledger import open_ledger
    from include.deliveries.send import approve

    by = (answer.get("responded_by_user") or {}).get("name") or "a person"
    approve(open_ledger(), built["delivery_id"], who=by, now=datetime.now(UTC))


@task(trigger_rule="all_done")
def declined(built: dict[str, Any] | None) -> None:
    """Records a no, or no answer in time: a delivery that still waits will not go."""
    from datetime import UTC, datetime

    from colophon.hooks.ledger import open_ledger
    from include.deliveries.send import decline

    if built:
        decline(open_ledger(), built["delivery_id"], now=datetime.now(UTC))


@task(trigger_rule="none_failed_min_one_success", retries=5)
def deliver(partner_id: str, built: dict[str, Any], *, dag_run: Any = None) -> dict[str, Any]:
    """Sends the delivery's files. Files that arrived in an earlier try are not sent again."""
    from colophon.tasks.sending import send_delivery
    from include.deliveries.build import Run

    return send_delivery(partner_id, built["delivery_id"], Run(dag_run.dag_id, dag_run.run_id))
