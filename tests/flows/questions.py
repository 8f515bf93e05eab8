"""A person at Airflow's Required Actions, over the REST route that its pages use."""

from __future__ import annotations

import time
from typing import Any


def waiting(client: Any) -> list[dict[str, Any]]:
    """Questions that nobody has answered."""
    asked = client.get("/api/v2/dags/~/dagRuns/~/hitlDetails", params={"response_received": False})
    assert asked.status_code == 200, asked.text
    found: list[dict[str, Any]] = asked.json()["hitl_details"]
    return found


def reply(client: Any, question: dict[str, Any], word: str, **params: Any) -> None:
    """Says the word; `params`: what is filled into the question's form."""
    ti = question["task_instance"]
    path = f"/api/v2/dags/{ti['dag_id']}/dagRuns/{ti['dag_run_id']}/taskInstances/{ti['task_id']}/{ti['map_index']}/hitlDetails"
    given = client.patch(path, json={"chosen_options": [word]} | ({"params_input": params} if params else {}))
    assert given.status_code == 200, given.text


def let_time_run_out() -> None:
    """What the scheduler does every few seconds; `dag.test()` has none."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner

    time.sleep(0.2)
    SchedulerJobRunner(job=Job()).check_awaiting_input_timeouts()
