"""Tasks of `licence_expiry`: raise and close flags, write the report, deliver it, mail it, note it in Jira."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.sdk import task

from colophon.policy import CONSONANCE_POOL

if TYPE_CHECKING:
    from include.licences.report import Report

log = logging.getLogger("colophon.licences")


@task(pool=CONSONANCE_POOL)
def check() -> dict[str, Any]:
    """Looks at every licence; production runs are read of works with licences that end or limit copies."""
    from colophon.hooks.consonance import ConsonanceHook
    from colophon.hooks.ledger import open_ledger
    from include.catalogue import production
    from include.errors import ColophonError
    from include.licences import flags
    from include.partners.registry import load_campaigns, load_house

    client = ConsonanceHook().get_conn()
    done = flags.check(
        open_ledger(), load_house().licences, campaigns=load_campaigns(), runs_of=lambda work_id: production.of_work(client, work_id),
        now=datetime.now(UTC), say=log.info,
    )  # fmt: skip
    log.info("%s", ", ".join(f"{count:,} {what}" for what, count in done.counts.items()))
    try:
        if done.counts["licences"] and (left_out := production.left_out(client)):
            log.warning("%s Reprints and print runs are flagged as far as it does.", left_out)
    except ColophonError as trouble:  # all flags are raised; what it does not tell can be said the next time
        log.warning("%s", trouble)
    for one in done.problems:
        log.warning("%s: %s. %s", one["where"], one["what"], one["todo"])
    return done.to_json()


@task
def report() -> dict[str, Any]:
    """Writes workbook and page of all open flags; gives their artefacts."""
    from dataclasses import asdict

    from colophon.hooks.ledger import open_ledger, open_store
    from include.licences.report import build
    from include.partners.registry import load_house

    built = build(open_ledger(), open_store(), load_house(), datetime.now(UTC).date())
    log.info("%s flags, %s of which stop deliveries", f"{built.lines:,}", f"{built.blocking:,}")
    return asdict(built)


@task
def prepare(party_id: str, built: dict[str, Any], *, dag_run: Any = None) -> list[int]:
    """The delivery of the report; none where the party has one of the same flags."""
    from colophon.hooks.ledger import open_ledger, open_store
    from include.deliveries.build import Run
    from include.licences import outgoing
    from include.partners.registry import load_house, load_party

    run = Run(dag_run.dag_id, dag_run.run_id) if dag_run else Run()
    delivery = outgoing.prepare(
        open_ledger(), open_store(), load_house(), load_party(party_id), _report(built), now=datetime.now(UTC), run=run
    )
    log.info("%s: %s", party_id, "has a report of the same flags" if delivery is None else f"delivery {delivery}")
    return [] if delivery is None else [delivery]


@task(retries=5, map_index_template="{{ delivery_id }}")
def deliver(party_id: str, delivery_id: int, *, dag_run: Any = None) -> dict[str, Any]:
    """Sends the report. Files that arrived in an earlier try are not sent again."""
    from colophon.tasks.sending import send_delivery
    from include.deliveries.build import Run

    return send_delivery(party_id, delivery_id, Run(dag_run.dag_id, dag_run.run_id))


@task
def mail(built: dict[str, Any]) -> dict[str, Any]:
    """Mails flags that nobody was told of. What could not be sent is tried again; what may have been is not."""
    from colophon.hooks.ledger import open_ledger, open_store
    from colophon.hooks.telling import open_mail
    from include.licences import telling
    from include.licences.posting import InDoubt
    from include.partners.registry import load_house

    send = open_mail()
    if send is None:
        return {}
    told = telling.mail(open_ledger(), open_store(), load_house(), _report(built), send, now=datetime.now(UTC))
    log.info("Mailed: %s", ", ".join(told.told) or "nothing new")
    _raise_first(told.problems, besides=InDoubt)
    return told.to_json()


@task
def note() -> dict[str, Any]:
    """Notes flags that no issue tells of in the issue of each team."""
    from colophon.hooks.ledger import open_ledger
    from colophon.hooks.telling import open_jira
    from include.licences import issues
    from include.partners.registry import load_house

    jira = open_jira()
    if jira is None:
        return {}
    noted = issues.note(open_ledger(), jira, load_house(), now=datetime.now(UTC), clock=lambda: datetime.now(UTC))
    log.info("Jira: opened %s, commented %s", ", ".join(noted.opened) or "none", ", ".join(noted.commented) or "none")
    _raise_first(noted.problems)
    return noted.to_json()


def _raise_first(problems: Iterable[Exception], besides: type[Exception] | tuple[()] = ()) -> None:
    """All are logged; the first that trying again may mend fails the task, after everybody else was told."""
    found = list(problems)
    for one in found:
        log.warning("%s", one)
    for one in found:
        if not isinstance(one, besides):
            raise one


def _report(built: dict[str, Any]) -> Report:
    from include.licences.report import Report
    from include.store import Artefact

    return Report(built["digest"], built["lines"], built["blocking"], Artefact(**built["workbook"]), Artefact(**built["page"]))
