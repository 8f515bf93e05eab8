"""Tells Airflow about Colophon's pages: Publishing → Deliveries. Nothing else belongs here.

The scheduler and every worker load plugins as well, so the pages are imported when the API server is first asked for one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

PREFIX = "/colophon"


class Pages:
    """The pages' ASGI application, imported with the first request."""

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        from colophon.ui.app import app

        await app(scope, receive, send)


class ColophonPlugin(AirflowPlugin):
    name = "colophon"
    fastapi_apps: ClassVar = [{"name": "Colophon", "app": Pages(), "url_prefix": PREFIX}]
    external_views: ClassVar = [
        {
            "name": "Deliveries",
            "category": "Publishing",
            "destination": "nav",
            "href": f"{PREFIX.removeprefix('/')}/deliveries",  # relative: Airflow may itself stand under a prefix
            "url_route": "deliveries",
            "icon": f"{PREFIX.removeprefix('/')}/static/icon.svg",
            "icon_dark_mode": f"{PREFIX.removeprefix('/')}/static/icon-dark.svg",
        }
    ]
