"""Notices of a task that failed for good and of a deadline that passed, for the partner's people or the house's."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseNotifier

from colophon.notifiers.channels import Notice, tell
from include.errors import ColophonError, ConfigurationError
from include.partners.registry import load_house, load_party

log = logging.getLogger(__name__)

RUNBOOKS = frozenset({
    "archive_backup", "archive_migration", "cover_sync", "format_delivery", "import_workbooks", "launch_packs", "licence_expiry",
    "licence_sync", "partner_intake", "print_handoff", "rights_documents", "rights_reports", "royalty_statements", "sales_load",
    "title_import",
})  # fmt: skip
"""Flows with a page of their own in docs/runbook/, which is not there where the flows run."""


class FailureNotice(BaseNotifier):
    """An `on_failure_callback`: told once a task has used up its tries, or failed at once by its error's class.

    `partner`: the id of the partner whose `notify` addresses are told; empty: the house's.
    """

    def __init__(self, partner: str = "", context: Any = None) -> None:
        super().__init__(context=context)
        self.partner = partner

    def notify(self, context: Any) -> None:
        tell(failure_notice(context, self.partner))


class DeadlineNotice(BaseNotifier):
    """Told by Airflow's deadline alert when a run of a partner's feed has not ended in time.

    Runs in the triggerer. A worker would be the quieter place, but Airflow 3.3 gives callbacks there a token that may not
    read connections ("Token type 'workload' not allowed"), so that only those of the environment would be found.
    """

    def __init__(self, partner: str, context: Any = None) -> None:
        super().__init__(context=context)
        self.partner = partner

    def notify(self, context: Any) -> None:
        tell(deadline_notice(context, self.partner))

    async def async_notify(self, context: Any) -> None:
        await asyncio.to_thread(self.notify, context)  # mail and webhooks block; the triggerer's loop must not


def failure_notice(context: Mapping[str, Any], partner: str = "") -> Notice:
    """What happened, where, and what to do, from the context of a failed task."""
    ti, error = context.get("ti"), context.get("exception")
    flow = str(getattr(ti, "dag_id", "") or getattr(context.get("dag"), "dag_id", "a flow"))
    task = str(getattr(ti, "task_id", ""))
    name, to, sender = people(partner)
    lines = [f"{flow} failed{f' at {task}' if task else ''}.", "", _said(error), ""]
    if run_id := getattr(context.get("dag_run"), "run_id", ""):
        lines.append(f"Run: {run_id}")
    if link := getattr(ti, "log_url", ""):
        lines.append(f"Log: {link}")
    lines.append(f"A new run or clearing the failed task are both safe: nothing is sent twice. See {runbook(flow)}.")
    return Notice(f"{name}: {flow} failed", "\n".join(lines), to, sender, topic=f"{flow} failed {type(error).__name__}")


def deadline_notice(context: Mapping[str, Any], partner: str) -> Notice:
    """Which feed is late, by when it was wanted."""
    name, to, sender = people(partner)
    run = context.get("dag_run") or {}
    flow = run.get("dag_id", "") or f"the feed of {partner}"
    due = (context.get("deadline") or {}).get("deadline_time", "")
    text = f"{flow} should have ended by {due} and has not.\nRun: {run.get('dag_run_id', '')}\nSee docs/runbook.md: a delivery is late."
    return Notice(f"{name}: {flow} is late", text, to, sender, topic=f"{flow} late")


def people(partner: str = "") -> tuple[str, tuple[str, ...], str]:
    """Name, addresses to tell, address to send from. A broken `config/` costs the addresses, never the notice."""
    name, to, sender = partner or "Colophon", (), ""
    try:
        house = load_house()
        sender = house.sender.email
        to = house.notify or ((sender,) if sender else ())
        if partner:
            settings = load_party(partner)
            name, to = settings.name, settings.notify or to
    except ConfigurationError as broken:
        log.warning("Addresses for a notice are not known: %s", broken)
    return name, to, sender


def runbook(flow: str) -> str:
    """Where to read what to do: the page of the flow, of all its partners and inboxes, or the one of symptoms."""
    name = flow.partition("__")[0]
    return f"docs/runbook/{name}.md" if name in RUNBOOKS else "docs/runbook.md"


def _said(error: object) -> str:
    if isinstance(error, ColophonError):
        return f"{type(error).__name__}: {error}"
    if isinstance(error, BaseException):
        # A stranger's message is cut: it may be a page of HTML.
        return f"{type(error).__name__}: {str(error)[:500]}"
    return str(error or "No reason was given.")[:500]
