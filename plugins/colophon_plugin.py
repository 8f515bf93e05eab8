"""Tells Airflow about Colophon's pages under Publishing. Nothing else belongs here.

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


class Signed:
    """Signed addresses, which need no log-in: an application of its own."""

    async def __call__(
        self,
        scope: MutableMapping[str, Any],
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
    ) -> None:
        from colophon.ui.signed import app

        await app(scope, receive, send)


def view(name: str, route: str) -> dict[str, str]:
    """An entry of the menu. Its addresses are relative: Airflow may itself stand under a prefix."""
    own = PREFIX.removeprefix("/")
    return {
        "name": name,
        "category": "Publishing",
        "destination": "nav",
        "href": f"{own}/{route}",
        "url_route": route,
        "icon": f"{own}/static/{route}.svg",
        "icon_dark_mode": f"{own}/static/{route}-dark.svg",
    }


class ColophonPlugin(AirflowPlugin):
    name = "colophon"
    fastapi_apps: ClassVar = [  # the longer address first: Airflow takes the first that fits
        {"name": "Colophon, signed addresses", "app": Signed(), "url_prefix": f"{PREFIX}/signed"},
        {"name": "Colophon", "app": Pages(), "url_prefix": PREFIX},
    ]
    external_views: ClassVar = [
        view(name, name.lower())
        for name in ("Deliveries", "Titles", "Quarantine", "Readiness", "Licences", "Sales", "Imports", "Migration", "Connections")
    ]
