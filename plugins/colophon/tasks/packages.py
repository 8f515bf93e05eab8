"""Tasks of `print_handoff` and `format_delivery`: whose turn it is, build each package, ask a person where a check fails, deliver."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, Literal

from airflow.providers.standard.operators.hitl import HITLOperator
from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable, task, task_group

from colophon import assets
from colophon.notifiers.question import QuestionNotice
from colophon.policy import CONSONANCE_POOL, pool_for
from colophon.tasks.asking import ANSWER_WITHIN, answered_by
from include.partners import Party

if TYPE_CHECKING:
    from include.packages.making import Making
    from include.store import ArtefactStore

Flow = Literal["print_handoff", "format_delivery"]
GROUP = "package"


def when(party: Party, stages: Sequence[str]) -> Any:
    """As soon as a work reaches one of these stages or files were approved; and by the party's clock, for what an event missed."""
    wanted: list[Asset] = [*(assets.stage(name) for name in stages), assets.FILES_APPROVED]
    either = reduce(or_, wanted)
    if not party.schedule.cron:
        return either
    return AssetOrTimeSchedule(timetable=CronTriggerTimetable(party.schedule.cron, timezone=party.schedule.timezone), assets=either)


@task
def due(flow: Flow, party_id: str, *, params: dict[str, Any] | None = None, dag_run: Any = None) -> list[dict[str, Any]]:
    """Titles whose turn it is, one mapped package each. Packages of titles whose turn it is no more are stopped."""
    import logging
    from datetime import UTC, datetime

    from colophon.hooks.ledger import open_ledger
    from include.deliveries.build import Run
    from include.packages import formats, handoff, making
    from include.partners import load_house, load_party

    log = logging.getLogger("colophon.packages")
    party, now, words = load_party(party_id), datetime.now(UTC), str((params or {}).get("title") or "").strip()
    ledger = open_ledger()
    module = handoff if flow == "print_handoff" else formats
    titles = module.due(ledger, party, load_house(), now, words)
    if not words:
        run = Run(dag_run.dag_id, dag_run.run_id) if dag_run else Run()
        if flow == "print_handoff":
            stopped = making.stop_what_is_not_due(ledger, party, flow, titles, now=now, run=run)
        else:
            stopped = formats.stop(ledger, party, load_house(), now=now, run=run)
        log.info("%s packages were stopped: their titles are in no such stage any more", stopped)
    if len(titles) > making.MOST:
        log.warning("%s titles are due, %s go in this run and the rest in the next", len(titles), making.MOST)
    return [one.to_json() for one in titles[: making.MOST]]


@task(map_index_template="{{ title.isbn or title.product_id }}")
def build(flow: Flow, party_id: str, title: dict[str, Any], *, dag_run: Any = None) -> dict[str, Any]:
    """Chooses, checks, names and packs one title's files. Skips what waits, what the party has, and what was declined."""
    from datetime import UTC, datetime

    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.ledger import open_ledger, open_store
    from include.deliveries.build import Run
    from include.ledger import deliveries, packages
    from include.ledger.models import DeliveryState
    from include.packages.making import record

    get_current_context()["title"] = title
    ledger, store, now = open_ledger(), open_store(), datetime.now(UTC)
    making = make(flow, party_id, title["product_id"], ledger, store, now)
    row = record(ledger, store, making, now=now, run=Run(dag_run.dag_id, dag_run.run_id) if dag_run else Run())
    if row.state == packages.WAITING:
        raise AirflowSkipException(f"{title['title']} waits: " + "; ".join(str(reason["message"]) for reason in row.reasons))
    if row.state == packages.DELIVERED:
        raise AirflowSkipException(f"{party_id} has {title['title']} as it is, revision {row.revision}.")
    with ledger.read() as session:
        state = deliveries.get(session, row.delivery_id or 0).state
    if state == DeliveryState.DECLINED:
        raise AirflowSkipException(
            f"Delivery {row.delivery_id} was declined and nothing changed since. Redeliver it to send it all the same."
        )
    asks = state == DeliveryState.AWAITING_APPROVAL
    return {
        "partner": party_id,
        "package_id": row.id,
        "delivery_id": row.delivery_id,
        "isbn": title["isbn"],
        "title": title["title"],
        "revision": row.revision,
        "files": len(row.files),
        "bytes": sum(file.bytes for file in row.files),
        "approve": [f"{reason['message']} ({reason['where']})" for reason in row.reasons] if asks else [],
    }


def make(flow: Flow, party_id: str, product_id: int, ledger: Any, store: ArtefactStore, now: Any) -> Making:
    """One title's package as its flow makes it; production runs come from Consonance. What the command line shares."""
    from colophon.hooks.consonance import ConsonanceHook
    from include.catalogue import production
    from include.packages import formats, handoff
    from include.partners import load_house, load_party

    party, house = load_party(party_id), load_house()
    if flow == "format_delivery":
        return formats.make(ledger, store, party, house, product_id, now=now)
    client = ConsonanceHook().get_conn()
    return handoff.make(
        ledger, store, party, house, product_id, lambda work_id: production.of_work(client, work_id), now=now,
        left_out=production.left_out(client),
    )  # fmt: skip


@task(map_index_template="{{ built.isbn }}")
def unusual(built: dict[str, Any]) -> None:
    """Goes on to the person only if a check failed. Skips itself: what a task skips downstream, a mapped group does not heed."""
    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    get_current_context()["built"] = built
    if not built["approve"]:
        raise AirflowSkipException("All checks passed: nobody has to be asked.")


def ask_a_person(party: Party) -> HITLOperator:
    """The question, with what the checks found; no answer in twelve hours means no."""
    built = f"ti.xcom_pull(task_ids='{GROUP}.build', map_indexes=ti.map_index)"
    return HITLOperator(
        task_id="approve",
        map_index_template="{{ %s['isbn'] }}" % built,  # noqa: UP031 - braces
        subject="Send {{ %s['title'] }} ({{ %s['isbn'] }}) to %s all the same?" % (built, built, party.name),  # noqa: UP031 - braces
        body="{% set built = " + built + " %}"
        "Checks of package {{ built['revision'] }} failed:\n"
        "{% for reason in built['approve'] %}\n* {{ reason }}{% endfor %}\n\n"
        "[Delivery {{ built['delivery_id'] }}](plugin/deliveries/colophon/deliveries/{{ built['delivery_id'] }}) shows its files.\n\n"
        "**Approve** sends the {{ built['files'] }} files as they are. **Reject** sends nothing, and it is not offered again until a "
        "file, the title or its run changes. No answer in twelve hours is a *Reject*.",
        options=["Approve", "Reject"],
        defaults="Reject",
        response_timeout=ANSWER_WITHIN,
        execution_timeout=None,
        notifiers=QuestionNotice(party.id),
    )


@task(map_index_template="{{ built.isbn }}")
def decide(built: dict[str, Any], answer: dict[str, Any]) -> None:
    """Records who let it go; or who said no, or that nobody answered in time, and then skips itself."""
    from datetime import UTC, datetime

    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.ledger import open_ledger
    from include.ledger import packages

    get_current_context()["built"] = built
    who = answered_by(answer)
    yes = list(answer["chosen_options"]) == ["Approve"]
    with open_ledger().session() as session:
        packages.decide(session, built["package_id"], approved=yes, now=datetime.now(UTC), who=who or ("a person" if yes else ""))
    if not yes:
        raise AirflowSkipException(f"{who} said no." if who else "Nobody answered in time, which is a no.")


@task(trigger_rule="none_failed_min_one_success", retries=5, map_index_template="{{ built.isbn }}")
def deliver(party_id: str, built: dict[str, Any], *, dag_run: Any = None) -> dict[str, Any]:
    """Sends the package's files, the manifest last. Skips what a person declined; what may not leave any more is stopped."""
    from airflow.sdk import get_current_context
    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.ledger import open_ledger
    from colophon.tasks.sending import send_or_skip
    from include.deliveries.build import Run
    from include.ledger import deliveries
    from include.ledger.models import DeliveryState

    get_current_context()["built"] = built
    with open_ledger().read() as session:
        if deliveries.get(session, built["delivery_id"]).state == DeliveryState.DECLINED:
            raise AirflowSkipException(f"Delivery {built['delivery_id']} was declined.")
    return send_or_skip(party_id, built["delivery_id"], Run(dag_run.dag_id, dag_run.run_id))


def each_package(flow: Flow, party: Party) -> Any:
    """Build, ask where a check fails, deliver: a group to be mapped over titles."""

    @task_group(group_id=GROUP)
    def package(title: dict[str, Any]) -> None:
        built = build.override(pool=CONSONANCE_POOL)(flow, party.id, title) if flow == "print_handoff" else build(flow, party.id, title)
        question = ask_a_person(party)
        decided = decide(built, question.output)
        delivery = deliver.override(pool=pool_for(party), outlets=[assets.delivered(party.id)])(party.id, built)
        unusual(built) >> question >> decided >> delivery

    return package
