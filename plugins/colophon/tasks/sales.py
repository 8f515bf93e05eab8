"""Tasks of `sales_load` and `sales_matching`: read each report by itself, ask a person where it does not balance, prepare workbooks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import AssetAlias, Param, task, task_group

from colophon import assets
from colophon.notifiers.sales import ReportQuestion
from colophon.tasks.asking import ANSWER_WITHIN, answered_by, only
from include.partners import Inbox, load_people

GROUP = "question"
ROLE = "sales"
WAYS = ("difference", "replace", "add")
WORKBOOKS = AssetAlias("workbooks")  # an event only if a workbook waits for a person
SALES = AssetAlias("sales")  # an event only if something counts that did not


@task(trigger_rule="all_done")
def arrivals(inbox_id: str) -> list[int]:
    """Reports that the inbox has taken and nobody has read; also when some could not be fetched."""
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


@task(trigger_rule="all_done", outlets=[SALES])
def settled(taken: list[dict[str, Any]] | None, *, outlet_events: Any = None) -> list[int]:
    """Batches of this run that nobody is asked about; also when another report could not be read. Tells that there are new sales."""
    if counting := [one for one in taken or [] if one["batch"] is not None and one["became"] == "batch" and one["state"] != "refused"]:
        outlet_events[SALES].add(assets.SALES_LOADED, extra={"batches": len(counting)})
    return [one["batch"] for one in taken or [] if one["batch"] is not None and one["became"] == "batch" and not one["asks"]]


@task(trigger_rule="all_done")
def asked(taken: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """Those of which a person must say whether they count, one question each."""
    return [one for one in taken or [] if one["asks"]]


def ask_a_person() -> HITLOperator:
    """The question, with what does not agree; no answer in twelve hours means no, and the page Sales decides later."""
    taken = "ti.xcom_pull(task_ids='asked')[ti.map_index]"
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
            "note": Param("", type="string", maxLength=2000, title="Note", description="What explains it, for whoever asks later."),
        },
        assigned_users=only(load_people().roles.get(ROLE, ())),
        response_timeout=ANSWER_WITHIN,
        execution_timeout=None,
        notifiers=ReportQuestion(),
    )


@task(map_index_template="{{ taken.name }}", outlets=[SALES])
def decide(taken: dict[str, Any], answer: dict[str, Any], *, outlet_events: Any = None) -> int:
    """Records who let it count, and how; or skips itself: a no leaves the batch as it is."""
    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.ledger import open_ledger, open_store
    from include.sales.arrivals import approved

    get_current_context()["taken"] = taken
    who = answered_by(answer)
    if list(answer["chosen_options"]) != ["Approve"]:
        raise AirflowSkipException(f"{who} said no." if who else "Nobody answered in time, which is a no.")
    given = answer.get("params_input") or {}
    how, note = str(given.get("how") or WAYS[0]), str(given.get("note") or "")
    approved(open_ledger(), open_store(), taken["batch"], how=how, note=note, now=datetime.now(UTC), who=who or "a person")
    outlet_events[SALES].add(assets.SALES_LOADED, extra={"batches": 1})
    return int(taken["batch"])


@task(map_index_template="batch {{ batch_id }}", outlets=[WORKBOOKS])
def workbooks(batch_id: int, *, dag_run: Any = None, outlet_events: Any = None) -> dict[str, Any]:
    """Prepares what of a batch can go to Consonance and is in no workbook yet. Skips what waits for a person."""
    import logging

    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.ledger import open_ledger, open_store
    from include.ledger.sales_rows import WorkbookState
    from include.sales.arrivals import goes_on
    from include.sales.workbook import make

    get_current_context()["batch_id"] = batch_id
    ledger = open_ledger()
    if (why := goes_on(ledger, batch_id)) is not None:
        raise AirflowSkipException(why)
    run = {"dag_id": dag_run.dag_id, "run_id": dag_run.run_id} if dag_run else {}
    made = make(ledger, open_store(), batch_id, datetime.now(UTC), **run)
    for one in made.waiting:
        logging.getLogger("colophon.sales").info("waits: %s. %s", one.message, one.todo)
    if fresh := [row.id for row in made.workbooks if row.state == WorkbookState.PREPARED]:
        outlet_events[WORKBOOKS].add(assets.WORKBOOKS_PREPARED, extra={"workbooks": len(fresh)})
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


@task(outlets=[SALES])
def match_again(*, outlet_events: Any = None) -> list[int]:
    """Tries what waits once more; gives the batches of which something can go on."""
    import logging

    from colophon.hooks.ledger import open_ledger
    from include.sales import match
    from include.sales.arrivals import to_prepare

    ledger = open_ledger()
    done = match.again(ledger, datetime.now(UTC))
    if done.batches:
        outlet_events[SALES].add(assets.SALES_LOADED, extra={"batches": len(done.batches)})
    logging.getLogger("colophon.sales").info("%s matched, %s none of ours, %s wait", done.matched, done.ignored, done.unmatched)
    return to_prepare(ledger)


@task_group(group_id=GROUP)
def question(taken: dict[str, Any]) -> None:
    """Ask, note the answer, prepare the workbooks: to be mapped, so that no report waits for another's answer."""
    workbooks(decide(taken, ask_a_person().output))


def steps(inbox: Inbox, after: Any) -> None:
    """Read each report, prepare the workbooks of those that count, ask about the others. `done` says whether a report failed."""
    found = arrivals(inbox.id)
    after >> found
    taken = read.partial(inbox_id=inbox.id).expand(arrival=found)
    prepared = workbooks.expand(batch_id=settled(taken))
    question.expand(taken=asked(taken))
    overdue = late(inbox.id)
    taken >> overdue
    [taken, prepared, overdue] >> EmptyOperator(task_id="done", trigger_rule="none_failed")
