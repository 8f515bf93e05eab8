"""Follows runs until they end: a live table in a terminal, a line per change elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import requests
from rich.console import Console
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from demo.airflow_api import ENDED, AirflowApi, Task
from demo.children import DemoError

INTERVAL = 1.0
WAITING = "waiting for the scheduler"
BUSY = frozenset({"running", "queued", "scheduled", "restarting", "up_for_retry", "awaiting_input", "deferred"})
COLOURS = {"success": "green", "failed": "red", "running": "cyan"}


@dataclass
class Flow:
    """A run that is followed."""

    dag_id: str
    run_id: str
    begun: float
    state: str = "queued"
    tasks: list[Task] = field(default_factory=list)
    seconds: float = 0.0
    complaint: str = ""

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def now(self) -> str:
        """What it is doing, in a few words."""
        busy = [f"{task.task_id} {task.state.replace('_', ' ')}" for task in self.tasks if task.state in BUSY]
        if self.complaint and not self.ended:
            return f"{', '.join(busy)}: {self.complaint}"
        if self.ended:
            return self.complaint or ", ".join(f"{task.task_id} {task.seconds:.1f} s" for task in self.tasks if task.state == "success")
        return ", ".join(busy) or WAITING


class Progress:
    """`alive` is called now and then and raises when the demo can't go on."""

    def __init__(self, api: AirflowApi, console: Console, alive: Callable[[], None]) -> None:
        self._api, self._console, self._alive = api, console, alive
        self.flows: dict[str, Flow] = {}

    def run(self, dag_ids: list[str], seconds: float) -> list[Flow]:
        """Unpause and trigger these flows and wait until all have ended, well or not. DemoError after `seconds`."""
        return self.follow(self.start(dag_ids), seconds)

    def start(self, dag_ids: list[str]) -> list[Flow]:
        """Unpause and trigger these flows."""
        mine = []
        for dag_id in dag_ids:
            self._api.unpause(dag_id)
            flow = Flow(dag_id, self._api.trigger(dag_id), time.monotonic())
            self.flows[dag_id] = flow
            mine.append(flow)
        return mine

    def follow(self, mine: list[Flow], seconds: float) -> list[Flow]:
        """Wait until these have ended, well or not. DemoError after `seconds`."""
        until = time.monotonic() + seconds
        with Live(self, console=self._console, refresh_per_second=4, transient=False) if self._console.is_terminal else _Silence():
            while not all(flow.ended for flow in mine):
                self._alive()
                if time.monotonic() > until:
                    slow = "\n".join(f"  {flow.dag_id}: {flow.now}" for flow in mine if not flow.ended)
                    raise DemoError(f"after {seconds:.0f} s these had not ended:\n{slow}\nTheir logs are under .demo/airflow/logs.")
                try:
                    self._look(mine)
                except requests.ConnectionError as lost:
                    raise DemoError(f"Airflow's API server no longer answers: {lost}") from None
                time.sleep(INTERVAL)
        return mine

    def _look(self, mine: list[Flow]) -> None:
        open_flows = [flow for flow in mine if not flow.ended]
        tasks = self._api.tasks({flow.dag_id: flow.run_id for flow in open_flows})
        for flow in open_flows:
            before = (flow.state, flow.now)
            flow.tasks = [task for task in tasks if task.dag_id == flow.dag_id]
            flow.seconds = time.monotonic() - flow.begun
            flow.state = self._api.run_state(flow.dag_id, flow.run_id)
            trouble = [task for task in flow.tasks if task.state in {"failed", "up_for_retry"}]
            flow.complaint = self._api.complaint(flow.dag_id, flow.run_id, trouble[0].task_id, trouble[0].tries) if trouble else ""
            if not self._console.is_terminal and (flow.state, flow.now) != before and flow.now != WAITING:
                self._console.print(f"{flow.seconds:6.1f} s  {flow.dag_id}  {flow.state}: {flow.now}", highlight=False, soft_wrap=True)

    def __rich__(self) -> Table:
        table = Table(box=None, pad_edge=False, show_header=False)
        for width in (2, 30, 9, 9):
            table.add_column(min_width=width)
        table.add_column(ratio=1)
        for flow in self.flows.values():
            colour = COLOURS.get(flow.state, "")
            mark = Text("✔" if flow.state == "success" else "✘", colour) if flow.ended else Spinner("dots", style="cyan")
            seconds = flow.seconds if flow.ended else time.monotonic() - flow.begun
            now = Text(flow.now, "dim", overflow="ellipsis", no_wrap=True)
            table.add_row(mark, flow.dag_id, Text(flow.state, colour), f"{seconds:6.1f} s", now)
        return table


class _Silence:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...
