"""Notices about licences: parts of Getty's API that the key may not use, notes that name no title of ours."""

from __future__ import annotations

from collections.abc import Sequence

from colophon.notifiers.channels import Notice, tell
from include.errors import ConfigurationError
from include.partners.registry import load_house

MOST = 40  # of them in one notice; the rest stands in the run's log


def tell_of_problems(problems: Sequence[dict[str, str]]) -> None:
    """One notice for all that a run found out."""
    if not problems:
        return
    to, sender = _people()
    lines = [f"* {one['where']}: {one['what']}. {one['todo']}" for one in problems[:MOST]]
    if len(problems) > MOST:
        lines.append(f"* and {len(problems) - MOST} more: see the log of licence_sync.")
    count = f"{len(problems)} things" if len(problems) > 1 else "one thing"
    text = "\n".join(["The synchronisation of licences went on, but something is to be looked at:", "", *lines, "",
                      "See docs/runbook/licence_sync.md. You are told of each once."])  # fmt: skip
    tell(Notice(f"Licences: {count} to be looked at", text, to, sender, topic="licence_sync"))


def _people() -> tuple[tuple[str, ...], str]:
    """Who gets the report of licences. A broken `config/` costs the addresses, never the notice."""
    try:
        house = load_house()
    except ConfigurationError:
        return (), ""
    return house.licences.report_mail or house.notify, house.sender.email
