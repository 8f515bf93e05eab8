"""The few calls of Airflow's REST API (v2) that the demo makes, with the log-in of the simple auth manager."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import requests

TIMEOUT = 60  # seconds: on SQLite the server itself waits for other writers
ATTEMPTS = 4
ENDED = frozenset({"success", "failed"})


@dataclass(frozen=True)
class Task:
    """One task of a run, as the scheduler sees it now."""

    dag_id: str
    task_id: str
    state: str  # empty while nothing is decided
    tries: int
    seconds: float


class AirflowApi:
    """Raises `requests.RequestException` when the server does not answer or refuses."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._session = requests.Session()
        self._session.trust_env = False  # the server is on this machine: no proxy in between

    def log_in(self, user: str, password: str) -> None:
        answer = self._session.post(f"{self.url}/auth/token", json={"username": user, "password": password}, timeout=TIMEOUT)
        answer.raise_for_status()
        self._session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """What a button of Colophon's own pages sends."""
        answer = self._session.post(f"{self.url}/{path}", json=body, timeout=TIMEOUT)
        answer.raise_for_status()
        return answer.json()

    def is_healthy(self, component: str) -> bool:
        """Of `scheduler`, `dag_processor`, `triggerer`, `metadatabase`."""
        return bool(self._call("GET", "monitor/health")[component]["status"] == "healthy")

    def dag_ids(self) -> set[str]:
        return {dag["dag_id"] for dag in self._call("GET", "dags?limit=200&exclude_stale=true")["dags"]}

    def import_errors(self) -> list[str]:
        return [f"{error['filename']}\n{error['stack_trace']}" for error in self._call("GET", "importErrors")["import_errors"]]

    def make_pool(self, name: str, slots: int, description: str) -> None:
        body = {"name": name, "slots": slots, "description": description, "include_deferred": False}
        self._call("POST", "pools", body, conflict=True)  # it may be there from the last time

    def unpause(self, dag_id: str) -> None:
        self._call("PATCH", f"dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str) -> str:
        """Start a run by hand; gives its id, which we choose: asking twice starts one run."""
        run_id = f"demo__{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}"
        self._call("POST", f"dags/{dag_id}/dagRuns", {"dag_run_id": run_id, "logical_date": None, "note": "make demo"}, conflict=True)
        return run_id

    def run_state(self, dag_id: str, run_id: str) -> str:
        return str(self._call("GET", f"dags/{dag_id}/dagRuns/{run_id}")["state"])

    def tasks(self, runs: dict[str, str]) -> list[Task]:
        """Every task of these runs (DAG id → run id), in one call."""
        # a GET: the list that is asked for with POST is written into Airflow's audit log each time
        found = self._call("GET", "dags/~/dagRuns/~/taskInstances?limit=1000&order_by=-start_date")["task_instances"]
        return [
            Task(one["dag_id"], one["task_id"], one["state"] or "", one["try_number"], float(one["duration"] or 0))
            for one in found
            if runs.get(one["dag_id"]) == one["dag_run_id"]
        ][::-1]

    def complaint(self, dag_id: str, run_id: str, task_id: str, attempt: int) -> str:
        """The last error in a task's log, in one line; empty if there is none to be had."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{attempt}?full_content=true"
        try:
            content = self._call("GET", path)["content"]
        except requests.RequestException:
            return ""
        said = [line for line in content if isinstance(line, dict) and line.get("level") in {"error", "critical"}]
        for line in reversed(said):
            if detail := line.get("error_detail"):
                return f"{detail[0].get('exc_type', '')}: {detail[0].get('exc_value', '')}".strip()
        return str(said[-1].get("event", "")).splitlines()[0] if said else ""

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None, *, conflict: bool = False) -> Any:
        """`conflict`: that it exists already is as good."""
        for attempt in range(ATTEMPTS):
            try:
                answer = self._session.request(method, f"{self.url}/api/v2/{path}", json=body, timeout=TIMEOUT)
            except requests.Timeout:  # a busy machine; every call of ours may be made twice
                if attempt + 1 == ATTEMPTS:
                    raise
                continue
            if answer.status_code < requests.codes.server_error or attempt + 1 == ATTEMPTS:
                break
            time.sleep(1)  # on SQLite a writer may find the database locked for longer than it waits
        if not (conflict and answer.status_code == requests.codes.conflict):
            answer.raise_for_status()
        return answer.json()
