"""The pages' application: log-in, errors that people can read, headers. What is on the pages is in `pages`.

Airflow mounts a plugin's application without any log-in of its own. Every route here hangs on Airflow's, by the
dependency below, which also lets go who may not see plugins.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView
from airflow.api_fastapi.core_api.security import requires_access_view
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from colophon.ui import (
    connections,
    files,
    imports,
    licence_sheets,
    licences,
    migration,
    pages,
    quarantine,
    readiness,
    record,
    redelivery,
    sales,
    titles,
)
from colophon.ui.shell import render, wants_json
from include.errors import ColophonError, ConfigurationError, PermanentError, TransientError

log = logging.getLogger("colophon.ui")

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
}

app = FastAPI(
    title="Colophon",
    dependencies=[Depends(requires_access_view(AccessView.PLUGINS))],
    docs_url=None,  # these three would stand outside the log-in
    redoc_url=None,
    openapi_url=None,
)
for module in (
    pages,
    titles,
    record,
    quarantine,
    readiness,
    licences,
    licence_sheets,
    sales,
    imports,
    migration,
    connections,
    files,
    redelivery,
):
    app.include_router(module.router)


@app.middleware("http")
async def set_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers.setdefault("Cache-Control", "private, no-store")
    return response


def _answer(request: Request, status: int, heading: str, what: str, todo: str = "") -> Response:
    if wants_json(request):
        return JSONResponse({"error": what, "todo": todo}, status)
    return render(request, "error.html", status, heading=heading, what=what, todo=todo, status=status)


@app.exception_handler(ColophonError)
async def explain(request: Request, error: ColophonError) -> Response:
    """What our own errors say; they never hold a secret."""
    where = f"{error.where}: " if error.where else ""
    if isinstance(error, PermanentError):
        return _answer(request, 404, "Not found", where + error.what, error.todo)
    if isinstance(error, TransientError):
        log.warning("%s", error)
        return _answer(request, 503, "Not reachable just now", where + error.what, error.todo or "Load the page again in a moment.")
    if isinstance(error, ConfigurationError):
        log.error("%s", error)
        return _answer(request, 503, "Something is set up wrongly", where + error.what, error.todo)
    return _answer(request, 400, "That did not work", where + error.what, error.todo)


@app.exception_handler(RequestValidationError)
async def refuse(request: Request, error: RequestValidationError) -> Response:
    wrong = "; ".join(f"{part['loc'][-1]}: {part['msg']}" for part in error.errors()[:5])
    return _answer(request, 400, "That address makes no sense", wrong, "Go back and try again.")


@app.exception_handler(HTTPException)
async def refuse_http(request: Request, error: HTTPException) -> Response:
    if error.status_code == 401:
        return _answer(
            request, 401, "You are not logged in", "Your log-in to Airflow is missing or has run out.", "Log in to Airflow and come back."
        )
    if error.status_code == 403:
        return _answer(request, 403, "You may not do this", str(error.detail), "Ask whoever gives out roles in Airflow.")
    phrase = HTTPStatus(error.status_code).phrase
    return _answer(request, error.status_code, phrase, str(error.detail or phrase), "Go back and try again.")


@app.exception_handler(Exception)
async def confess(request: Request, error: Exception) -> Response:
    """Airflow's log has the rest: people get no stack trace."""
    log.error("A page failed: %s", request.url.path, exc_info=error)
    response = _answer(request, 500, "This page failed", "An error that nobody foresaw.", "The API server's log has the details.")
    response.headers.update(HEADERS)
    return response
