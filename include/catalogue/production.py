"""Production runs of a work, read from Consonance when a job ticket is written: the mirror does not keep them."""

from __future__ import annotations

from typing import Any

from include.clients.consonance import Consonance
from include.errors import TransientError


def of_work(client: Consonance, work_id: int) -> list[dict[str, Any]]:
    """The work's production runs as Consonance tells them, newest delivery last; [] where it has none or the tenant does not show them.

    Keys as in Consonance: `id`, `name`, `deliveryDate`, `productIds`, and lists `quantities`, `bindings`, `covers`, `interiors`,
    `finishes`, `embellishments`. What the tenant's schema lacks (often `quantities`) is not there: `left_out` names it. Raises as
    `Consonance` does when it can't be reached.
    """
    if client.rest == "only" or not client.capability("production_runs").ok:
        return []
    work = client.run("production_runs", {"id": work_id}).get("work")
    if work is None:
        return []
    runs = work.get("productionRuns") if isinstance(work, dict) else None
    if not isinstance(runs, list):
        raise TransientError("productionRuns is not a list", where="operation production_runs")
    return sorted((run for run in runs if isinstance(run, dict)), key=lambda run: (run.get("deliveryDate") or "", run.get("id") or 0))


def left_out(client: Consonance) -> str:
    """One sentence on what this tenant does not tell of production runs; "" if it tells all."""
    if client.rest == "only":
        return "REST v4 tells nothing of production runs."
    capability = client.capability("production_runs")
    lacking = capability.missing or capability.left_out
    return f"This Consonance does not tell {', '.join(lacking)}." if lacking else ""
