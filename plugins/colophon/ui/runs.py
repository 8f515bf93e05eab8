"""Buttons that start a run: with the user's own permission and name, and only when pressed on our pages.

A request from another site must not do it: the log-in cookie is `SameSite=Lax`, the body must be JSON (which another
site can't send without being asked first), and the browser's own word on where the request comes from is heeded.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.auth.managers.models.base_user import BaseUser
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity, DagDetails
from fastapi import HTTPException, Request

from include.errors import ConfigurationError


def refusal(dag_id: str, user: BaseUser) -> str:
    """Why this user may not start the DAG; empty: may."""
    allowed = get_auth_manager().is_authorized_dag(
        method="POST", access_entity=DagAccessEntity.RUN, details=DagDetails(id=dag_id), user=user
    )
    return "" if allowed else f"Your role may not start the DAG {dag_id}."


def from_our_page(request: Request) -> None:
    """Refuses what a browser sends on behalf of another site. Programs with a token of their own may come."""
    site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
    if (site is not None and site not in {"same-origin", "none"}) or (site is None and foreign):
        raise HTTPException(403, "The request came from another site.")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise HTTPException(415, "The body must be JSON.")


def start(request: Request, dag_id: str, conf: dict[str, Any], user: BaseUser) -> dict[str, Any]:
    """Starts a run; gives its id, its address in Airflow, and whether the DAG is paused, so that the run waits."""
    from airflow.api.common.trigger_dag import trigger_dag
    from airflow.exceptions import AirflowException, DagNotFound, ParamValidationError
    from airflow.models.dag import DagModel
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType

    who = user.get_name()
    try:
        with create_session() as session:
            run = trigger_dag(dag_id, triggered_by=DagRunTriggeredByType.UI, triggering_user_name=who, conf=conf, session=session)
            model = DagModel.get_current(dag_id, session=session)
            if run is None:
                raise ConfigurationError(f"Airflow started no run of {dag_id}", todo="Look at the API server's log.")
            run_id, paused = str(run.run_id), bool(model and model.is_paused)
    except DagNotFound as missing:
        raise ConfigurationError(
            f"Airflow does not know the DAG {dag_id}", todo=f"Check that dags/{dag_id}.py is deployed and parsed."
        ) from missing
    except (ParamValidationError, ValueError, AirflowException) as refused:
        raise ConfigurationError(f"Airflow refused the run: {refused}", todo=f"Start the DAG {dag_id} by its own form.") from refused
    airflow = str(request.scope.get("root_path", "")).removesuffix("/colophon")
    return {"run_id": run_id, "url": f"{airflow}/dags/{dag_id}/runs/{quote(run_id, safe='')}", "paused": paused}
