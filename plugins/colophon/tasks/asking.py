"""What questions to people share: who may answer, and who did."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import HITLOperator

ANSWER_WITHIN = timedelta(hours=12)


class PersonOfRole(HITLOperator):
    """Asks the people whom another task names in its `people`, who alone may answer; anybody, where it names nobody.

    `about`: that task; of a mapped group, the one with the same index.
    """

    def __init__(self, *, about: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.about = about

    def execute(self, context: Any) -> Any:
        ti = context["ti"]
        self.assigned_users = only(ti.xcom_pull(task_ids=self.about, map_indexes=ti.map_index)["people"])
        return super().execute(context)


def only(people: Iterable[str]) -> list[Any] | None:
    """As a question wants them; None, where anybody may answer."""
    return [{"id": name, "name": name} for name in people] or None


def answered_by(answer: dict[str, Any]) -> str:
    """The name of who answered; empty where nobody did in time."""
    return str((answer.get("responded_by_user") or {}).get("name") or "")
