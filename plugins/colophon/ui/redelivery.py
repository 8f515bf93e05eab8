"""The *Redeliver* button: starts a run of the DAG `redeliver`."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal

from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict

from colophon.ui import runs, shell
from colophon.ui.shell import User
from include.deliveries.redeliver import CAN_GO
from include.ledger.deliveries import get, record_event
from include.ledger.models import DeliveryRow

DAG_ID = "redeliver"
router = APIRouter()


class Wish(BaseModel):
    model_config = ConfigDict(extra="forbid")
    mode: Literal["as sent", "rebuilt"] = "as sent"
    dry_run: bool = False


def refusal(row: DeliveryRow, user: BaseUser) -> str:
    """Why the button is off for this delivery and user; empty: it is on."""
    if row.state not in CAN_GO:
        return f"A delivery that is {row.state} can't be sent again."
    return runs.refusal(DAG_ID, user)


@router.post(
    "/deliveries/{delivery_id}/redeliver",
    status_code=202,
    dependencies=[
        Depends(runs.from_our_page),
        Depends(requires_access_dag(method="POST", access_entity=DagAccessEntity.RUN, param_dag_id=DAG_ID)),
    ],
)
def redeliver(request: Request, user: User, delivery_id: int, wish: Wish) -> dict[str, Any]:
    """Starts the run; gives its id and address in Airflow."""
    ledger = shell.ledger()
    with ledger.read() as session:
        row = get(session, delivery_id)
        if row.state not in CAN_GO:
            raise HTTPException(409, f"Delivery {delivery_id} is {row.state}.")
    started = runs.start(request, DAG_ID, {"delivery_id": delivery_id, "mode": wish.mode, "dry_run": wish.dry_run}, user)
    with ledger.session() as session:
        record_event(
            session, what="redelivery asked for", now=datetime.now(UTC), who=user.get_name(), delivery=get(session, delivery_id),
            subject=started["run_id"], detail={"mode": wish.mode, "dry_run": wish.dry_run},
        )  # fmt: skip
    return started
