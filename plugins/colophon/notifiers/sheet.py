"""The notice that a sheet of titles waits for a person's yes."""

from __future__ import annotations

from typing import Any

from airflow.sdk import BaseNotifier

from colophon.notifiers.channels import Notice, tell
from colophon.notifiers.failure import people
from colophon.notifiers.question import answered_at


class SheetQuestion(BaseNotifier):
    """Told as the question is put. `about`: the task whose answer describes the sheet."""

    def __init__(self, about: str, context: Any = None) -> None:
        super().__init__(context=context)
        self.about = about

    def notify(self, context: Any) -> None:
        ti = context["ti"]
        sheet = ti.xcom_pull(task_ids=self.about, map_indexes=ti.map_index)
        reasons = [f"* {reason}" for reason in sheet["asks"]]
        examples = [f"* {line}" for line in sheet["examples"]]
        where = answered_at(context)
        lines = [context["task"].subject, "", *reasons, "", *examples, "", f"Answer: {where}", "No answer in twelve hours means no."]
        _, to, sender = people()
        tell(Notice(f"Titles in bulk: {sheet['name']}", "\n".join(lines), to, sender, topic=f"sheet {sheet['id']}"))
