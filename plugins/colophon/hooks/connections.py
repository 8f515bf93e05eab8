"""What the hooks of web services share: the connection by its name, and what its form and its extras hold."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from airflow.sdk import BaseHook, Connection

from include.errors import ConfigurationError

LONGEST = 3600.0  # seconds, and the most of anything else that an extra counts


def if_there(conn_id: str) -> Connection | None:
    """The connection; None where Airflow has none of that name."""
    from airflow.exceptions import AirflowNotFoundException

    try:
        return BaseHook.get_connection(conn_id)
    except AirflowNotFoundException:
        return None


def named(conn_id: str, how: str) -> Connection:
    """The connection. Raises `ConfigurationError` where Airflow has none of that name; `how` says of which kind it is to be."""
    if (found := if_there(conn_id)) is None:
        todo = f"Add it under Admin → Connections, with {how}."
        raise ConfigurationError("there is no such connection", where=f"connection {conn_id}", todo=todo)
    return found


def address(host: str | None, scheme: str | None, port: int | None, *, without: str = "") -> str:
    """The service's address without a slash at its end, nor `without`; empty where there is no host.

    The host field may hold a whole URL, and connections made from a URI hold host, scheme and port apart.
    """
    bare = (host or "").strip()
    if not bare:
        return ""
    parts = urlsplit((bare if "://" in bare else f"{scheme or 'https'}://{bare}").rstrip("/"))
    if port and not _has_port(parts.netloc):
        parts = parts._replace(netloc=f"{parts.netloc}:{port}")
    return parts.geturl().removesuffix(without)


def _has_port(netloc: str) -> bool:
    _, colon, port = netloc.rpartition("]")[2].rpartition(":")  # `[::1]` has colons and no port
    return bool(colon) and port.isdigit()


def text(extra: dict[str, Any], name: str) -> str:
    """An extra as text; empty where it is not there."""
    value = extra.get(name)
    return str(value).strip() if value is not None else ""


def number(extra: dict[str, Any], name: str, default: float, where: str, *, least: float = 1) -> float:
    """An extra that is a number, `default` where it is empty. Raises `ConfigurationError` for anything but `least` to 3600."""
    value = extra.get(name)
    if value is None or value == "":
        return default
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = -1.0
    if not least <= found <= LONGEST:
        raise ConfigurationError(
            f"{name} is {value!r}", where=where, todo=f"Give a number from {least:g} to {LONGEST:g}, or leave it empty."
        )
    return found
