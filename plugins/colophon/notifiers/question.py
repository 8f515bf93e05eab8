"""The notice that a feed waits for a person's answer, for the partner's people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from airflow.sdk import BaseNotifier

from colophon.notifiers.channels import Notice, tell
from colophon.notifiers.failure import people


class QuestionNotice(BaseNotifier):
    """Told as the question is put. `partner`: the id of the partner whose `notify` addresses are told."""

    def __init__(self, partner: str, context: Any = None) -> None:
        super().__init__(context=context)
        self.partner = partner

    def notify(self, context: Any) -> None:
        tell(question_notice(context, self.partner))


def question_notice(context: Mapping[str, Any], partner: str) -> Notice:
    """What is asked and why, and the address where it is answered."""
    subject, ti = context["task"].subject, context["ti"]
    name, to, sender = people(partner)
    build = f"{ti.task_id.removesuffix('approve')}build"  # in a mapped group: of the same title
    reasons = ti.xcom_pull(task_ids=build, map_indexes=ti.map_index)["approve"]
    where = answered_at(context)
    lines = [subject, "", *(f"* {reason}" for reason in reasons), "", f"Answer: {where}", "No answer in twelve hours means no."]
    return Notice(f"{name}: {subject}", "\n".join(lines), to, sender, topic=f"{partner} asks")


def answered_at(context: Any) -> str:
    """Where the question of this task is answered: an address, or the words for it."""
    from airflow.providers.standard.operators.hitl import HITLOperator

    try:
        return HITLOperator.generate_link_to_ui_from_context(context=context)
    except ValueError:  # no `[api] base_url` is set
        return f"Airflow, Required Actions of {context['ti'].dag_id}"
