"""Tasks of `redeliver`: choose by the form, send each choice."""

from __future__ import annotations

from typing import Any

from airflow.sdk import task


@task
def plan(*, params: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    """What would go, as a table in the log. Empty after a dry run; skips when nothing fits."""
    import logging

    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.ledger import open_ledger
    from include.deliveries import redeliver

    log = logging.getLogger("colophon.redeliver")
    form = dict(params or {})
    dry_run = form.pop("dry_run", False)
    planned = redeliver.plan(open_ledger(), redeliver.Wish.from_form(form))
    log.info("%s\n%s", "Would go:" if dry_run else "Goes again:", redeliver.table(planned))
    if dry_run or not planned:
        raise AirflowSkipException("dry run: nothing was sent" if dry_run else "no delivery fits the form")
    return [item.to_json() for item in planned]


@task(map_index_template="{{ planned.partner }} {{ planned.delivery_id }}")
def send_again(planned: dict[str, Any], *, dag_run: Any = None) -> dict[str, Any]:
    """Sends one delivery again, or builds it anew and sends that."""
    from datetime import UTC, datetime

    from airflow.sdk import get_current_context

    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.tasks.sending import send_delivery
    from include.deliveries import redeliver
    from include.deliveries.build import Run

    get_current_context()["planned"] = redeliver.Planned(**planned)
    who = (getattr(dag_run, "triggering_user_name", None) or "a person") if dag_run else "a person"
    run = Run(dag_run.dag_id, dag_run.run_id, who) if dag_run else Run(who=who)
    delivery_id = redeliver.prepare(open_ledger(), open_store(), redeliver.Planned(**planned), datetime.now(UTC), run)
    return send_delivery(planned["partner"], delivery_id, run, again=True)
