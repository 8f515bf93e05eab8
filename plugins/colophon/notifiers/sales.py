"""Notices about reports of sales: one that a person must decide on, one that could not be read, those that are late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from colophon.notifiers.channels import Notice, tell
from colophon.notifiers.question import answered_at
from include.errors import ConfigurationError
from include.partners.registry import load_house, load_source

if TYPE_CHECKING:
    from include.sales.arrivals import Taken
    from include.sales.calendar import Due


class ReportQuestion(BaseNotifier):
    """Told as the question is put whether a report counts, to the `notify` addresses of its source."""

    def notify(self, context: Any) -> None:
        ti = context["ti"]
        tell(question_notice(context, ti.xcom_pull(task_ids="asked")[ti.map_index]))


def question_notice(context: Any, taken: dict[str, Any]) -> Notice:
    """What is asked and why, and the address where it is answered."""
    name, to, sender = _people(taken["source"])
    lines = [f"{taken['name']} is batch {taken['batch']}, {taken['state']}.", "", *(f"* {one}" for one in taken["said"]), ""]
    lines += [f"Answer: {answered_at(context)}", "No answer in twelve hours leaves it as it is."]
    return Notice(f"{name}: does {taken['name']} count?", "\n".join(lines), to, sender, topic=f"sales {taken['source']} asks")


def tell_of_report(taken: Taken) -> None:
    """Of what was set aside or has rows that could not be read, and nobody is asked about."""
    if notice := report_notice(taken):
        tell(notice)


def report_notice(taken: Taken) -> Notice | None:
    """None where there is nothing to look at, and where a question says it."""
    if taken.asks or not taken.said or taken.became == "duplicate":
        return None
    name, to, sender = _people(taken.source)
    what = "was set aside" if taken.batch is None else "has something to look at"
    where = "Publishing → Quarantine" if taken.batch is None else f"Publishing → Sales, batch {taken.batch}"
    text = "\n".join([f"{taken.name} {what}.", "", *(f"* {one}" for one in taken.said), "", f"See {where}."])
    return Notice(f"{name}: {taken.name} {what}", text, to, sender, topic=f"sales report {taken.source} {taken.name}")


def tell_of_late(due: Sequence[Due]) -> None:
    for notice in late_notices(due):
        tell(notice)


def late_notices(due: Sequence[Due]) -> list[Notice]:
    """One for each source."""
    found = []
    for source in sorted({one.source for one in due}):
        theirs = [one for one in due if one.source == source]
        name, to, sender = _people(source)
        lines = [f"{one.period}{f', {one.currency}' if one.currency else ''}: was due on {one.due_on}" for one in theirs]
        text = "\n".join([f"Reports of {name} that are not there:", "", *lines, "", "Ask the sender. You are told of each once."])
        found.append(
            Notice(f"{name}: {len(theirs)} report{'s' if len(theirs) > 1 else ''} late", text, to, sender, topic=f"sales {source} late")
        )
    return found


def _people(source: str) -> tuple[str, tuple[str, ...], str]:
    """Name, addresses to tell, address to send from. A broken `config/` costs the addresses, never the notice."""
    name, to, sender = source or "Sales reports", (), ""
    try:
        house = load_house()
        to, sender = house.notify or ((house.sender.email,) if house.sender.email else ()), house.sender.email
        if source:
            settings = load_source(source)
            name, to = settings.name, settings.notify or to
    except ConfigurationError:
        pass
    return name, to, sender
