"""Tasks of `import_workbooks`: hand each workbook to a person, note the answer, read back what can be read back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import Param, task, task_group

from colophon.notifiers.workbook import WorkbookNotice
from colophon.policy import CONSONANCE_POOL
from colophon.tasks.asking import PersonOfRole, answered_by

GROUP = "workbook"
LOADED, NOT_LOADED = "Loaded", "Not loaded"
ANSWER_WITHIN = timedelta(days=7)
MOST = 200  # questions of one run; the rest go into the next


@task
def due(*, params: dict[str, Any] | None = None, dag_run: Any = None) -> list[dict[str, Any]]:
    """Workbooks that a person is to be asked about, one mapped question each. They are this run's from now on."""
    from datetime import UTC, datetime

    from colophon.hooks.ledger import open_ledger
    from include.workbooks import hand
    from include.workbooks.question import question
    from include.workbooks.template import load_template

    now, only = datetime.now(UTC), (params or {}).get("workbook")
    asked_before = now - ANSWER_WITHIN - timedelta(hours=1)
    claimed = hand.claim(
        open_ledger(), now=now, asked_before=asked_before, dag_id=dag_run.dag_id, run_id=dag_run.run_id, only=only, most=MOST
    )  # fmt: skip
    return [question(row, load_template(row.kind)) for row in claimed]  # type: ignore[arg-type]  # kinds are ours


@task(map_index_template="{{ workbook.name }}")
def ready(workbook: dict[str, Any]) -> dict[str, Any]:
    """Makes sure that the workbook can be downloaded, before anybody is asked to."""
    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.ledger import open_ledger, open_store
    from include.errors import PermanentError
    from include.ledger import workbooks
    from include.partners.registry import load_people

    get_current_context()["workbook"] = workbook
    with open_ledger().read() as session:
        row = workbooks.get(session, workbook["id"])
    if row.state not in workbooks.OPEN:
        raise AirflowSkipException(f"{row.name} is {row.state}: nobody has to be asked.")
    if not open_store().exists(row.sha256):
        todo = "Restore the artefact from the archive, or withdraw the workbook on the page Imports and make it again."
        raise PermanentError(f"the bytes of {row.name} are gone", where=f"artefact {row.sha256}", todo=todo)
    return workbook | {"people": list(load_people().roles.get(row.role, ()))}


def ask_a_person() -> PersonOfRole:
    """The question, with totals, checklist and where to download. No answer in seven days: not loaded, and somebody is asked again."""
    about = f"ti.xcom_pull(task_ids='{GROUP}.ready', map_indexes=ti.map_index)"
    return PersonOfRole(
        task_id="load",
        about=f"{GROUP}.ready",
        map_index_template="{{ %s['name'] }}" % about,  # noqa: UP031 - braces
        subject="Load {{ %s['name'] }} into Consonance" % about,  # noqa: UP031 - braces
        body="{% set about = " + about + " %}"
        "[Download {{ about['name'] }}](plugin/imports/colophon/imports/{{ about['id'] }}): {{ about['what'] }}"
        "{% if about['part'] %}, {{ about['part'] }}{% endif %}. In Consonance: {{ about['place'] }}.\n\n"
        "| | |\n|---|---:|\n| Rows | {{ '{:,}'.format(about['rows']) }} |\n"
        "{% for label, amount in about['totals'] %}| {{ label }} | {{ amount }} |\n{% endfor %}\n"
        "{% for step in about['checklist'] %}1. {{ step }}\n{% endfor %}\n"
        "{% if about['note'] %}Said before: {{ about['note'] }}\n\n{% endif %}"
        "**Loaded** says that you have approved the import in Consonance and that it shows these rows and totals. **Not loaded** changes "
        "nothing: it is asked about again. So is what nobody has answered in seven days. "
        "[All workbooks](plugin/imports/colophon/imports)",
        options=[LOADED, NOT_LOADED],
        defaults=NOT_LOADED,
        params={
            "rows": Param(
                None, type=["null", "integer"], minimum=0, title="Rows", description="As Consonance counted them; empty: not counted."
            ),
            "note": Param("", type="string", maxLength=2000, title="Note", description="What you saw, for whoever asks later."),
        },
        response_timeout=ANSWER_WITHIN,
        execution_timeout=None,
        notifiers=WorkbookNotice(f"{GROUP}.ready"),
    )


@task(map_index_template="{{ about.name }}")
def answered(about: dict[str, Any], answer: dict[str, Any], *, dag_run: Any = None) -> dict[str, Any]:
    """Notes who has loaded it; skips itself where it is not loaded. What the page Imports was told before stays."""
    from datetime import UTC, datetime

    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.ledger import open_ledger
    from include.ledger import workbooks
    from include.workbooks import hand

    get_current_context()["about"] = about
    ledger, now = open_ledger(), datetime.now(UTC)
    who = answered_by(answer)
    told = (answer.get("params_input") or {}) if who else {}  # nobody filled in the form of a question whose time is over
    note = str(told.get("note") or "")
    if list(answer["chosen_options"]) == [LOADED]:
        said = hand.Said(agrees=True, rows=told.get("rows"))
        hand.confirm(ledger, about["id"], now=now, who=who or "a person", note=note, said=said)
        return about
    row = hand.not_loaded(ledger, about["id"], now=now, who=who, note=note, dag_id=dag_run.dag_id, run_id=dag_run.run_id)
    if row.state in workbooks.LOADED:
        return about  # on the page Imports somebody has said that it is
    why = f"{who} says that it is not loaded." if who else "Nobody answered in time."
    raise AirflowSkipException(f"{why} {'Somebody is asked again by the next run.' if row.state in workbooks.OPEN else row.note}")


@task(map_index_template="{{ about.name }}")
def read_back(about: dict[str, Any]) -> dict[str, Any]:
    """Looks in Consonance for what the workbook should have brought; names what is missing, and tells."""
    from airflow.sdk import get_current_context

    get_current_context()["about"] = about
    return _read_back([about["id"]])


@task
def look_again() -> dict[str, Any]:
    """Workbooks that were confirmed and not found whole: loaded later, perhaps, or confirmed on the page Imports."""
    from colophon.hooks.ledger import open_ledger
    from include.ledger import workbooks

    with open_ledger().read() as session:
        waiting = [row.id for row in workbooks.to_verify(session)]
    return _read_back(waiting)


def _read_back(ids: list[int]) -> dict[str, Any]:
    """Counts by state. People are told of what is missing when it is first found, and when it changes."""
    import logging
    from datetime import UTC, datetime

    from colophon.hooks.consonance import ConsonanceHook
    from colophon.hooks.ledger import open_ledger
    from colophon.notifiers.workbook import tell_incomplete
    from include.ledger import workbooks
    from include.workbooks.verify import verify

    log, ledger = logging.getLogger("colophon.workbooks"), open_ledger()
    counts: dict[str, int] = {}
    for id in ids:
        with ledger.read() as session:
            before = list(workbooks.get(session, id).missing)
        row = verify(ledger, ConsonanceHook().get_conn(), id, now=datetime.now(UTC))
        counts[row.state] = counts.get(row.state, 0) + 1
        log.info("%s: %s", row.name, row.state)
        for one in row.missing:
            log.warning("%s", one["message"])
        if row.missing and row.missing != before:
            tell_incomplete(row.name, row.id, row.missing)
    return counts


@task_group(group_id=GROUP)
def each_workbook(workbook: dict[str, Any]) -> None:
    """Ready, ask, note, read back: a group to be mapped over workbooks, each of which goes on by itself."""
    about = ready(workbook)
    question = ask_a_person()
    about >> question
    read_back.override(pool=CONSONANCE_POOL)(answered(about, question.output))
