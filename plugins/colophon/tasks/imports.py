"""Tasks of `title_import`: check the sheets, ask a person where much would change, write, prepare workbooks, answer the sender."""

from __future__ import annotations

from typing import Any

from airflow.sdk import AssetAlias, task, task_group

from colophon import assets
from colophon.notifiers.sheet import SheetQuestion
from colophon.policy import CONSONANCE_POOL
from colophon.tasks.asking import ANSWER_WITHIN, PersonOfRole, answered_by

GROUP = "sheet"
WORKBOOKS = AssetAlias("workbooks")  # an event only if a workbook was made


@task(trigger_rule="all_done", pool=CONSONANCE_POOL)
def check(inbox_id: str, *, dag_run: Any = None) -> list[dict[str, Any]]:
    """Reads the sheets that the inbox has taken, looks at what became of earlier ones' workbooks, and gives those that there is something
    to do for, one mapped group each. A sheet that can't be read is set aside with its reason."""
    import logging
    from datetime import UTC, datetime

    from colophon.hooks.consonance import ConsonanceHook
    from colophon.hooks.ledger import open_ledger, open_store
    from include.imports.arrivals import Desk
    from include.partners import load_house, load_inbox

    log = logging.getLogger("colophon.imports")
    desk = Desk(open_ledger(), open_store(), load_inbox(inbox_id), load_house(), ConsonanceHook().get_conn(), say=log.info)
    now = datetime.now(UTC)
    desk.receive(now)
    desk.settle(now)
    return [sheet.to_json() for sheet in desk.due(now, run_id=dag_run.run_id if dag_run else "", asks_for=ANSWER_WITHIN)]


@task(map_index_template="{{ sheet.name }}")
def unusual(sheet: dict[str, Any], *, dag_run: Any = None) -> dict[str, Any]:
    """Goes on to the person only where one must say yes. Skips itself: what a task skips downstream, a mapped group does not heed."""
    from datetime import UTC, datetime

    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.ledger import open_ledger
    from include.imports import record
    from include.partners import load_people

    get_current_context()["sheet"] = sheet
    if not sheet["asks"]:
        raise AirflowSkipException("Nobody has to be asked.")
    record.asked(open_ledger(), sheet["id"], now=datetime.now(UTC), run_id=dag_run.run_id)
    return sheet | {"people": list(load_people().roles.get(sheet["role"], ()))}


def ask_a_person() -> PersonOfRole:
    """The question, with what would change; no answer in twelve hours means no."""
    sheet = f"ti.xcom_pull(task_ids='{GROUP}.unusual', map_indexes=ti.map_index)"
    return PersonOfRole(
        task_id="approve",
        about=f"{GROUP}.unusual",
        map_index_template="{{ %s['name'] }}" % sheet,  # noqa: UP031 - braces
        subject="Write the changes of {{ %s['name'] }} into Consonance?" % sheet,  # noqa: UP031 - braces
        body="{% set sheet = " + sheet + " %}"
        "{% for reason in sheet['asks'] %}\n* {{ reason }}{% endfor %}\n\n"
        "| Rows | |\n|---|---:|\n{% for state, number in sheet['counts'].items() %}| {{ state }} | {{ number }} |\n{% endfor %}\n"
        "{% for line in sheet['examples'] %}\n* {{ line | replace('[', '(') | replace(']', ')') }}{% endfor %}\n\n"  # a title is no link
        "[Sheet {{ sheet['id'] }}](plugin/imports/colophon/imports/sheets/{{ sheet['id'] }}) shows every row.\n\n"
        "**Approve** writes them, and makes workbooks of new titles and prices. **Reject** writes nothing, and the sheet goes back to its "
        "sender. No answer in twelve hours is a *Reject*.",
        options=["Approve", "Reject"],
        defaults="Reject",
        response_timeout=ANSWER_WITHIN,
        execution_timeout=None,
        notifiers=SheetQuestion(f"{GROUP}.unusual"),
    )


@task(map_index_template="{{ sheet.name }}")
def decide(sheet: dict[str, Any], answer: dict[str, Any]) -> None:
    """Records who said what. What the page Imports was told before stays."""
    import logging
    from datetime import UTC, datetime

    from airflow.sdk import get_current_context

    from colophon.hooks.ledger import open_ledger
    from include.errors import RejectedData
    from include.imports import record

    get_current_context()["sheet"] = sheet
    who = answered_by(answer)
    ledger, now = open_ledger(), datetime.now(UTC)
    try:
        if list(answer["chosen_options"]) == ["Approve"]:
            record.approve(ledger, sheet["id"], now=now, who=who or "a person")
        else:
            record.decline(ledger, sheet["id"], now=now, who=who)
    except RejectedData as decided:
        logging.getLogger("colophon.imports").warning("%s", decided)


@task(trigger_rule="none_failed_min_one_success", pool=CONSONANCE_POOL, outlets=[WORKBOOKS], map_index_template="{{ sheet.name }}")
def write(sheet: dict[str, Any], *, dag_run: Any = None, outlet_events: Any = None) -> dict[str, Any]:
    """One `updateWork` for each work, read back; then the workbooks. Nothing of a sheet that nobody has approved, or that waits for one."""
    import logging
    from datetime import UTC, datetime

    from airflow.sdk import get_current_context

    from colophon.hooks.consonance import ConsonanceHook
    from colophon.hooks.ledger import open_ledger, open_store
    from include.imports.arrivals import Desk
    from include.partners import load_house, load_inbox

    get_current_context()["sheet"] = sheet
    log = logging.getLogger("colophon.imports")
    desk = Desk(open_ledger(), open_store(), load_inbox(sheet["inbox"]), load_house(), ConsonanceHook().get_conn(), say=log.info)
    written = desk.write(sheet["id"], lambda: datetime.now(UTC), dag_id=dag_run.dag_id, run_id=dag_run.run_id)
    if written.workbooks:
        outlet_events[WORKBOOKS].add(assets.WORKBOOKS_PREPARED, extra={"workbooks": len(written.workbooks)})
    return written.to_json()


@task(retries=5, map_index_template="{{ sheet.name }}")
def answer(sheet: dict[str, Any], written: dict[str, Any], *, dag_run: Any = None) -> dict[str, Any]:
    """Puts the marked sheet into the sender's folder for answers, if it tells anything that the last one did not."""
    import logging
    from datetime import UTC, datetime

    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.hooks.remote import open_remote
    from include.deliveries.build import Run
    from include.deliveries.send import Sending
    from include.imports import answer as answers
    from include.imports.mapping import load_mapping
    from include.partners import load_inbox, load_recipient

    get_current_context()["sheet"] = sheet
    inbox, ledger, store = load_inbox(sheet["inbox"]), open_ledger(), open_store()
    run = Run(dag_run.dag_id, dag_run.run_id)
    made = answers.prepare(
        ledger, store, inbox, load_mapping(sheet["mapping"]), written["id"], now=datetime.now(UTC), dag_id=run.dag_id, run_id=run.run_id
    )
    if made.delivery_id is None:
        answers.sent(ledger, made.import_id, now=datetime.now(UTC))
        raise AirflowSkipException(f"The sender has {made.name} as it is.")
    sending = Sending(ledger, store, load_recipient(answers.FLOW, inbox.id), run, say=logging.getLogger("colophon.deliver").info)
    told = sending.send(made.delivery_id, lambda: open_remote(inbox.transport), again=made.again)
    answers.sent(ledger, made.import_id, now=datetime.now(UTC))
    return told


def each_sheet() -> Any:
    """Ask where much would change, write, answer: a group to be mapped over sheets, each of which goes on by itself."""

    @task_group(group_id=GROUP)
    def sheet(sheet: dict[str, Any]) -> None:
        question = ask_a_person()
        decided = decide(sheet, question.output)
        written = write(sheet)
        unusual(sheet) >> question >> decided >> written
        answer(sheet, written)

    return sheet
