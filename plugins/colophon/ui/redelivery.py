"""The *Redeliver* button: starts a run of the DAG `redeliver`, with the user's own permission and name.

A request from another site must not do it: the log-in cookie is `SameSite=Lax`, the body must be JSON (which another
site can't send without being asked first), and the browser's own word on where the request comes from is heeded.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict

from colophon.ui import shell
from colophon.ui.shell import User
from include.deliveries.redeliver import CAN_GO
from include.errors import ConfigurationError
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
    allowed = get_auth_manager().is_authorized_dag(
        method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(id=DAG_ID), user=user
    )
    return "" if allowed else f"Your role may not start the DAG {DAG_ID}."


def from_our_page(request: Request) -> None:
    """Refuses what a browser sends on behalf of another site. Programs with a token of their own may come."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
    if (site is not None and site not in {"same-origin", "none"}) or (site is None and foreign):
        raise HTTPException(403, "The request came from another site.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "The body must be JSON.")


@router.post(
    "/deliveries/{delivery_id}/redeliver",
    status_code=202,
    dependencies=[
        Depends(from_our_page),
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
    run_id, paused = _trigger({"delivery_id": delivery_id, "mode": wish.mode, "dry_run": wish.dry_run}, user.get_name())
    with ledger.session() as session:
        record_event(
            session, what="redelivery asked for", now=datetime.now(UTC), who=user.get_name(), delivery=get(session, delivery_id),
            subject=run_id, detail={"mode": wish.mode, "dry_run": wish.dry_run},
        )  # fmt: skip
    airflow = str(request.scope.get("root_path", "")).removesuffix("/colophon")
    return {"run_id": run_id, "url": f"{airflow}/dags/{DAG_ID}/runs/{quote(run_id, safe='')}", "paused": paused}


def _trigger(conf: dict[str, Any], who: str) -> tuple[str, bool]:
    """Id of the new run, and whether the DAG is paused, so that the run waits."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.exceptions import AirflowException, DagNotFound, ParamValidationError
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType

    try:
        with create_session() as session:
            run = trigger_dag(DAG_ID, triggered_by=DagRunTriggeredByType.UI, triggering_user_name=who, conf=conf, session=session)
            model = DagModel.get_current(DAG_ID, session=session)
            if run is None:
                raise ConfigurationError(f"Airflow started no run of {DAG_ID}", todo="Look at the API server's log.")
            return str(run.run_id), bool(model and model.is_paused)
    except DagNotFound as missing:
        raise ConfigurationError(
            f"Airflow does not know the DAG {DAG_ID}", todo="Check that dags/redeliver.py is deployed and parsed."
        ) from missing
    except (ParamValidationError, ValueError, AirflowException) as refused:
        raise ConfigurationError(f"Airflow refused the run: {refused}", todo="Start the DAG redeliver by its own form.") from refused
