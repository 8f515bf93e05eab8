"""Publishing → Connections: what the last check of all connections found, what to mend first, and *Check now*."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.orm import Session

from colophon.checks import Check
from colophon.ui import runs, shell
from colophon.ui.shell import Reading, User, render
from colophon.ui.words import apart
from include.errors import PermanentError
from include.ledger.models import EventRow

DAG_ID = "connections_check"
OLDER = 10
OVERDUE = timedelta(days=8)  # it runs every Monday
router = APIRouter()


@dataclass(frozen=True, slots=True)
class Connection:
    name: str
    steps: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        return all(step.ok for step in self.steps)

    @property
    def rows(self) -> tuple[Check, ...]:
        """The steps as they are shown: of a connection that is well, those with nothing to say share a row."""
        quiet = [step.step for step in self.steps if not step.message] if self.ok else []
        if not quiet:
            return self.steps
        return Check(self.name, ", ".join(quiet), True), *(step for step in self.steps if step.message)


@dataclass(frozen=True, slots=True)
class Checked:
    """One check of all connections, what needs mending first."""

    id: int
    at: datetime
    connections: tuple[Connection, ...]

    @property
    def broken(self) -> tuple[str, ...]:
        return tuple(one.name for one in self.connections if not one.ok)

    def sentence(self, now: datetime) -> str:
        """ "All well: 9 connections, checked 2 h ago." or "2 of 9 connections need mending, checked 2 h ago." """
        when, many = apart(self.at, now).replace("now", "just now"), len(self.connections)
        connections = "connection" if many == 1 else "connections"
        if not self.connections:
            return f"Nothing was checked {when}."
        if not self.broken:
            return f"All well: {many} {connections}, checked {when}."
        need = "needs" if len(self.broken) == 1 else "need"
        return f"{len(self.broken)} of {many} {connections} {need} mending, checked {when}."


def _checked(event: EventRow) -> Checked:
    steps: dict[str, list[Check]] = {}
    for row in event.detail.get("rows", ()):
        check = Check(
            str(row.get("connection", "")),
            str(row.get("step", "")),
            row.get("ok") is True,
            str(row.get("message", "")),
            str(row.get("todo", "")),
        )
        steps.setdefault(check.connection, []).append(check)
    found = [Connection(name, tuple(rows)) for name, rows in steps.items()]
    return Checked(event.id, event.at, tuple(sorted(found, key=lambda one: one.ok)))


def _checks(session: Session, before: int | None = None, limit: int = OLDER + 1) -> Sequence[Checked]:
    """The newest checks, latest first. Their events belong to no delivery, which is what the index finds them by."""
    query = select(EventRow).where(EventRow.delivery_id.is_(None), EventRow.what == "connections checked")
    if before is not None:
        query = query.where(EventRow.id <= before)
    return [_checked(event) for event in session.scalars(query.order_by(EventRow.id.desc()).limit(limit))]


@router.get("/connections", response_class=HTMLResponse)
def connections(request: Request, session: Reading, user: User, check: int | None = Query(None, ge=1, lt=2**63)) -> HTMLResponse:
    """The latest check, or the one that is asked for."""
    now, checks = datetime.now(UTC), _checks(session)
    shown = checks[0] if checks else None
    if check is not None:
        shown = next(iter(_checks(session, check, 1)), None)
        if shown is None or shown.id != check:
            raise PermanentError(f"there is no check {check}", todo="Choose one of the list.")
    partners, _ = shell.parties()
    return render(
        request,
        "connections.html",
        now=now,
        shown=shown,
        checks=checks,
        latest=shown is None or shown is checks[0] or shown.id == checks[0].id,
        overdue=bool(checks) and now - checks[0].at > OVERDUE,
        partners={one.transport.connection: one for one in partners},
        refusal=runs.refusal(DAG_ID, user),
    )


class Nothing(BaseModel):
    model_config = ConfigDict(extra="forbid")


@router.post(
    "/connections/check",
    status_code=202,
    dependencies=[
        Depends(runs.from_our_page),
        Depends(requires_access_dag(method="POST", access_entity=DagAccessEntity.RUN, param_dag_id=DAG_ID)),
    ],
)
def check_now(request: Request, user: User, wish: Nothing) -> dict[str, Any]:
    """Starts the run; gives its id and address in Airflow."""
    return runs.start(request, DAG_ID, {}, user)
