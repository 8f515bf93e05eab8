"""Tasks of a metadata feed: build, ask a person where it is unusual, deliver, record the decision."""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.hitl import HITLBranchOperator
from airflow.sdk import task

from colophon.notifiers.question import QuestionNotice
from colophon.tasks.asking import ANSWER_WITHIN, answered_by
from include.partners import Partner


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


class Question(HITLBranchOperator):
    """Keeps who answered, under the key `who` (empty: nobody did): a branch that skips tasks returns nothing."""

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        context["ti"].xcom_push(key="who", value=answered_by(event))
        return super().execute_complete(context, event)


def ask_a_person(partner: Partner) -> Question:
    """The question, with the reasons; no answer in twelve hours means no.

    A branch: what follows a no runs only after a no, so that no run without a question pays for it, and a failure to
    write down a yes never becomes a no. An `ApprovalOperator` would skip both alike.
    """
    return Question(
        task_id="approve",
        subject="Send {{ ti.xcom_pull(task_ids='build')['records'] }} records to " + partner.name + "?",
        body="{% set built = ti.xcom_pull(task_ids='build') %}"
        "This {{ built['kind'] }} delivery passes the limits in `config/partners/{{ built['partner'] }}.toml`:\n"
        "{% for reason in built['approve'] %}\n* {{ reason }}{% endfor %}\n\n"
        "[Delivery {{ built['delivery_id'] }}](plugin/deliveries/colophon/deliveries/{{ built['delivery_id'] }}) shows its records "
        "and what is held back, and why.\n\n"
        "**Approve** sends it now. **Reject** sends nothing, and it is not offered again until a title changes. "
        "No answer in twelve hours is a *Reject*.",
        options=["Approve", "Reject"],
        options_mapping={"Approve": "approved", "Reject": "declined"},
        defaults="Reject",
        response_timeout=ANSWER_WITHIN,
        execution_timeout=None,
        notifiers=QuestionNotice(partner.id),
    )


@task
def approved(built: dict[str, Any], who: str) -> None:
    """Records who approved."""
    from datetime import UTC, datetime

    from colophon.hooks.ledger import open_ledger
    from include.deliveries.send import approve

    approve(open_ledger(), built["delivery_id"], who=who or "a person", now=datetime.now(UTC))


@task
def declined(built: dict[str, Any], who: str) -> None:
    """Records who said no, or that nobody answered in time: the delivery will not go."""
    from datetime import UTC, datetime

    from colophon.hooks.ledger import open_ledger
    from include.deliveries.send import decline

    decline(open_ledger(), built["delivery_id"], who=who, now=datetime.now(UTC))


@task(trigger_rule="none_failed_min_one_success", retries=5)
def deliver(partner_id: str, built: dict[str, Any], *, dag_run: Any = None) -> dict[str, Any]:
    """Sends the delivery's files. Files that arrived in an earlier try are not sent again."""
    from colophon.tasks.sending import send_delivery
    from include.deliveries.build import Run

    return send_delivery(partner_id, built["delivery_id"], Run(dag_run.dag_id, dag_run.run_id))
