"""Tasks of `sales_load` and `sales_matching`: read each report by itself, ask a person where it does not balance, prepare workbooks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Param, task, task_group

from colophon.notifiers.sales import ReportQuestion
from colophon.tasks.feeds import ANSWER_WITHIN
from include.partners import Inbox, load_people

GROUP = "report"
ROLE = "sales"
WAYS = ("difference", "replace", "add")


@task(trigger_rule="all_done")
def arrivals(inbox_id: str) -> list[int]:
    """Reports that the inbox has taken and nobody has read, one mapped group each; also when some could not be fetched."""
    from colophon.hooks.ledger import open_ledger
    from include.partners import load_inbox
    from include.sales.arrivals import waiting

    return waiting(open_ledger(), load_inbox(inbox_id))


@task(map_index_template="{{ name }}")
def read(inbox_id: str, arrival: int, *, dag_run: Any = None) -> dict[str, Any]:
    """Loads one report and matches its products; tells who is to be told of what could not be read."""
    import logging

    from airflow.sdk import get_current_context

    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.notifiers.sales import tell_of_report
    from include.partners import load_inbox, load_sources
    from include.sales.arrivals import take
    from include.sales.layout import load_layouts

    taken = take(
        open_ledger(), open_store(), load_inbox(inbox_id), arrival, sources=load_sources(), layouts=load_layouts(), now=datetime.now(UTC),
        who=dag_run.dag_id if dag_run else "",
    )  # fmt: skip
    get_current_context()["name"] = taken.name
    logging.getLogger("colophon.sales").info("%s: %s %s", taken.name, taken.became, taken.to_json())
    tell_of_report(taken)
    return taken.to_json()


@task(map_index_template="{{ taken.name }}")
def unusual(taken: dict[str, Any]) -> None:
    """Goes on to the person only where one must say whether the report counts. Skips itself: what a task skips downstream, a mapped
    group does not heed."""
    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    get_current_context()["taken"] = taken
    if not taken["asks"]:
        raise AirflowSkipException("Nobody has to be asked: " + (f"batch {taken['batch']}" if taken["batch"] else taken["became"]))


def ask_a_person() -> HITLOperator:
    """The question, with what does not agree; no answer in twelve hours means no, and the page Sales decides later."""
    taken = f"ti.xcom_pull(task_ids='{GROUP}.read', map_indexes=ti.map_index)"
    users = [{"id": name, "name": name} for name in load_people().roles.get(ROLE, ())]
    return HITLOperator(
        task_id="approve",
        map_index_template="{{ %s['name'] }}" % taken,  # noqa: UP031 - braces
        subject="Does {{ %s['name'] }} count?" % taken,  # noqa: UP031 - braces
        body="{% set taken = " + taken + " %}"
        "Batch {{ taken['batch'] }} of {{ taken['source'] }} is {{ taken['state'] }}: {{ taken['rows'] }} lines"
        "{% for currency, amount in taken['net'].items() %}, {{ amount }} {{ currency }}{% endfor %}.\n"
        "{% for sentence in taken['said'] %}\n* {{ sentence }}{% endfor %}\n\n"
        "[Batch {{ taken['batch'] }}](plugin/sales/colophon/sales/{{ taken['batch'] }}) shows its totals and refused rows.\n\n"
        "**Approve** counts it; a report that was loaded before with other lines counts as *how* says: the difference to what is there, in "
        "its place, or beside it. **Reject** leaves it as it is, out of every workbook, until somebody decides on the page Sales or undoes "
        "it. No answer in twelve hours is a *Reject*.",
        options=["Approve", "Reject"],
        defaults="Reject",
        params={
            "how": Param(WAYS[0], enum=list(WAYS), title="How", description="Only where it was loaded before with other lines."),
            "note": Param("", type="string", title="Note", description="What explains it, for whoever asks later."),
        },
        assigned_users=users or None,
        response_timeout=ANSWER_WITHIN,
        execution_timeout=None,
        notifiers=ReportQuestion(),
    )


@task(map_index_template="{{ taken.name }}")
def decide(taken: dict[str, Any], answer: dict[str, Any]) -> None:
    """Records who let it count, and how; or skips itself: a no leaves the batch as it is."""
    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.ledger import open_ledger, open_store
    from include.sales.arrivals import approved

    get_current_context()["taken"] = taken
    who = str((answer.get("responded_by_user") or {}).get("name") or "")
    if list(answer["chosen_options"]) != ["Approve"]:
        raise AirflowSkipException(f"{who} said no." if who else "Nobody answered in time, which is a no.")
    given = answer.get("params_input") or {}
    how, note = str(given.get("how") or WAYS[0]), str(given.get("note") or "")
    approved(open_ledger(), open_store(), taken["batch"], how=how, note=note, now=datetime.now(UTC), who=who or "a person")


@task(trigger_rule="none_failed_min_one_success", map_index_template="{{ taken.name }}")
def workbooks(taken: dict[str, Any], *, dag_run: Any = None) -> dict[str, Any]:
    """Prepares what of the batch can go to Consonance. Skips what is no batch, and what waits for a person."""
    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    get_current_context()["taken"] = taken
    if taken["batch"] is None:
        raise AirflowSkipException(f"{taken['name']} is no batch: {taken['became']}.")
    return _prepared(taken["batch"], dag_run)


@task(map_index_template="batch {{ batch_id }}")
def prepare(batch_id: int, *, dag_run: Any = None) -> dict[str, Any]:
    """The same for a batch of an earlier day."""
    from airflow.sdk import get_current_context

    get_current_context()["batch_id"] = batch_id
    return _prepared(batch_id, dag_run)


def _prepared(batch_id: int, dag_run: Any) -> dict[str, Any]:
    import logging

    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.ledger import open_ledger, open_store
    from include.sales.arrivals import goes_on
    from include.sales.workbook import make

    ledger = open_ledger()
    if (why := goes_on(ledger, batch_id)) is not None:
        raise AirflowSkipException(why)
    run = {"dag_id": dag_run.dag_id, "run_id": dag_run.run_id} if dag_run else {}
    made = make(ledger, open_store(), batch_id, datetime.now(UTC), **run)
    log = logging.getLogger("colophon.sales")
    for one in made.waiting:
        log.info("waits: %s. %s", one.message, one.todo)
    return {"batch": batch_id, "workbooks": [row.id for row in made.workbooks], "waiting": len(made.waiting)}


@task(trigger_rule="all_done")
def late(inbox_id: str) -> list[str]:
    """Tells once of each report that should be there and is not; of a source whose file waits to be read nothing yet."""
    import logging

    from colophon.hooks.ledger import open_ledger
    from colophon.notifiers.sales import tell_of_late
    from include.partners import load_inbox, load_sources
    from include.sales.arrivals import newly_late

    inbox = load_inbox(inbox_id)
    due = newly_late(open_ledger(), inbox, load_sources(), now=datetime.now(UTC), tell=tell_of_late)
    logging.getLogger("colophon.sales").info("newly late: %s", ", ".join(one.key for one in due) or "nothing")
    return [one.key for one in due]


@task
def match_again() -> list[int]:
    """Tries what waits once more; gives the batches of which something can go on."""
    import logging

    from colophon.hooks.ledger import open_ledger
    from include.sales import match
    from include.sales.arrivals import to_prepare

    ledger = open_ledger()
    done = match.again(ledger, datetime.now(UTC))
    logging.getLogger("colophon.sales").info("%s matched, %s none of ours, %s wait", done.matched, done.ignored, done.unmatched)
    return to_prepare(ledger)


def each_report(inbox: Inbox) -> Any:
    """Read, ask where it does not balance, prepare the workbooks: a group to be mapped over arrivals, so that none waits for another."""

    @task_group(group_id=GROUP)
    def report(arrival: int) -> None:
        taken = read(inbox.id, arrival)
        question = ask_a_person()
        decided = decide(taken, question.output)
        unusual(taken) >> question >> decided >> workbooks(taken)

    return report
