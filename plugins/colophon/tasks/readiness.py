"""Tasks of readiness: judge all titles, write each party's report, deliver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import task

from colophon.policy import CONSONANCE_POOL

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from logging import Logger

    from include.ledger.database import Ledger
    from include.packages.releases import Outcome
    from include.partners.model import House
    from include.readiness.refresh import Refreshed
    from include.store import ArtefactStore


@task
def refreshed() -> dict[str, int]:
    """Brings every title's readiness up to date; gives counts."""
    import logging
    from dataclasses import asdict
    from datetime import UTC, datetime

    from colophon.hooks.ledger import open_ledger, open_store
    from include.partners import load_house

    log = logging.getLogger("colophon.readiness")
    return asdict(refresh_all(open_ledger(), open_store(), load_house(), datetime.now(UTC), say=log.info))


def refresh_all(ledger: Ledger, store: ArtefactStore, house: House, now: datetime, *, say: Callable[[str], None]) -> Refreshed:
    """Readiness with the to-dos of the house's calendar, where it has one: what flows and the command line share."""
    from colophon.hooks.calendar import CalendarHook
    from include.readiness import calendars, todos
    from include.readiness.refresh import refresh

    known = todos.NO_TODOS
    if house.calendar is not None:
        content, trouble = calendars.newest(ledger, store, CalendarHook(house.calendar.connection).read, now)
        if trouble:
            say(trouble)
        with ledger.read() as session:
            known = todos.match(session, *todos.parse(content))
        say(f"To-dos that belong to no title for sure: {known.unmatched}; entries that can't be read: {known.unreadable}")
    done = refresh(ledger, house, now, todos=known)
    say(f"{done.looked_at:,} products looked at, {done.assessed:,} judged anew")
    return done


@task(pool=CONSONANCE_POOL)
def report(party_id: str, *, dag_run: Any = None) -> dict[str, Any]:
    """Writes the party's report. Skips the delivery when the party has all of it."""
    import logging
    from dataclasses import asdict
    from datetime import UTC, datetime

    from airflow.sdk.exceptions import AirflowSkipException

    from colophon.hooks.consonance import ConsonanceHook
    from colophon.hooks.ledger import open_ledger, open_store
    from include.catalogue import production
    from include.deliveries.build import Run
    from include.partners import load_house, load_party
    from include.readiness import reports

    run, consonance = Run(dag_run.dag_id, dag_run.run_id), ConsonanceHook()
    built = reports.build(
        open_ledger(), open_store(), load_party(party_id), load_house(), datetime.now(UTC), run,
        lambda work_id: production.of_work(consonance.get_conn(), work_id),
    )  # fmt: skip
    logging.getLogger("colophon.readiness").info("%s: %s titles, %s late", party_id, built.titles, built.late)
    if built.delivery_id is None:
        raise AirflowSkipException(f"{party_id} has this report already: {built.titles} titles, {built.late} late, nothing changed.")
    return asdict(built)


@task
def packages(party_id: str, *, dag_run: Any = None) -> list[int]:
    """Builds the party's readiness packages; gives the deliveries that are to go."""
    import logging
    from datetime import UTC, datetime

    from colophon.hooks.ledger import open_ledger, open_store
    from include.deliveries.build import Run
    from include.packages import releases
    from include.partners import load_house, load_party

    log, run = logging.getLogger("colophon.readiness"), Run(dag_run.dag_id, dag_run.run_id)
    outcome = releases.build_all(open_ledger(), open_store(), load_party(party_id), load_house(), datetime.now(UTC), run)
    log.info("%s: %s releases, %s packages to send", party_id, outcome.releases, len(outcome.deliveries))
    return _in_this_run(outcome, log)


@task
def packs(party_id: str, *, dag_run: Any = None) -> list[int]:
    """Builds the party's launch packs, and writes down which titles wait; gives the deliveries that are to go."""
    import logging
    from datetime import UTC, datetime

    from colophon.hooks.ledger import open_ledger, open_store
    from include.deliveries.build import Run
    from include.packages import launch
    from include.partners import load_house, load_party

    log, run = logging.getLogger("colophon.readiness"), Run(dag_run.dag_id, dag_run.run_id)
    outcome = launch.build_all(open_ledger(), open_store(), load_party(party_id), load_house(), datetime.now(UTC), run)
    log.info("%s: %s titles, %s wait, %s packs to send", party_id, outcome.releases, outcome.waiting, len(outcome.deliveries))
    return _in_this_run(outcome, log)


def _in_this_run(outcome: Outcome, log: Logger) -> list[int]:
    """Tells what was set aside; gives no more deliveries than one run may map."""
    from include.packages.making import MOST

    for problem in outcome.problems:
        log.warning("Set aside: %s: %s", problem["subject"], problem["message"])
    if len(outcome.deliveries) > MOST:
        log.warning("%s packages are to go, %s go in this run and the rest in the next", len(outcome.deliveries), MOST)
    return outcome.deliveries[:MOST]


@task(retries=5, map_index_template="{{ delivery_id }}")
def deliver_package(party_id: str, delivery_id: int, *, dag_run: Any = None) -> dict[str, Any]:
    """Sends one package. Files that arrived in an earlier try are not sent again."""
    from colophon.tasks.sending import send_delivery
    from include.deliveries.build import Run

    return send_delivery(party_id, delivery_id, Run(dag_run.dag_id, dag_run.run_id))


@task(retries=5)
def deliver(party_id: str, built: dict[str, Any], *, dag_run: Any = None) -> dict[str, Any]:
    """Sends the report. Files that arrived in an earlier try are not sent again."""
    from colophon.tasks.sending import send_delivery
    from include.deliveries.build import Run

    return send_delivery(party_id, built["delivery_id"], Run(dag_run.dag_id, dag_run.run_id))
