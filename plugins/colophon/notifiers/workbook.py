"""Notices about import workbooks: one waits for a person, or what it should have brought is not in Consonance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.sdk import BaseNotifier

from colophon.notifiers.channels import Notice, tell
from colophon.notifiers.failure import people
from colophon.notifiers.question import answered_at

MOST_NAMED = 40


class WorkbookNotice(BaseNotifier):
    """Told as the question is put. `ready`: the task whose answer describes the workbook."""

    def __init__(self, ready: str, context: Any = None) -> None:
        super().__init__(context=context)
        self.ready = ready

    def notify(self, context: Any) -> None:
        ti = context["ti"]
        about = ti.xcom_pull(task_ids=self.ready, map_indexes=ti.map_index)
        totals = [f"{label}: {amount}" for label, amount in about["totals"]]
        steps = [f"{number}. {step}" for number, step in enumerate(about["checklist"], start=1)]
        where = answered_at(context)
        lines = [context["task"].subject, "", f"Rows: {about['rows']}", *totals, "", *steps, "", f"Download and answer: {where}"]
        _, to, sender = people()
        tell(Notice(f"Consonance: {about['name']} is to be loaded", "\n".join(lines), to, sender, topic="import workbooks"))


def tell_incomplete(name: str, id: int, missing: Sequence[dict[str, Any]]) -> None:
    """That a person has confirmed a workbook and not all of it is there."""
    named = [f"* {one['message']}. {one['todo']}".replace("..", ".") for one in missing[:MOST_NAMED]]
    more = [f"and {len(missing) - MOST_NAMED} more"] if len(missing) > MOST_NAMED else []
    lines = [f"Workbook {id} was confirmed as loaded, but:", "", *named, *more, "", "See Publishing → Imports."]
    _, to, sender = people()
    tell(Notice(f"Consonance: {name} is not all there", "\n".join(lines), to, sender, topic=f"workbook {id}"))
