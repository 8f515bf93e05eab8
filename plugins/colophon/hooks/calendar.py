"""Consonance's calendar of to-dos, from an Airflow connection of type http."""

from __future__ import annotations

from collections.abc import Callable

from airflow.sdk import BaseHook

from colophon.hooks import connections
from include.errors import ConfigurationError


class CalendarHook(BaseHook):
    """Turns the connection into a function that reads the calendar.

    The address is the secret: it belongs into `password`, where Airflow hides it; `host` is read where there is no password.
    """

    conn_name_attr = "calendar_conn_id"
    default_conn_name = "consonance_calendar"

    def __init__(self, calendar_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.calendar_conn_id = calendar_conn_id

    def get_conn(self) -> Callable[[], bytes]:
        """Raises `ConfigurationError` where Airflow lacks the connection, or it has no address."""
        from include.readiness.calendars import fetch

        where = f"connection {self.calendar_conn_id}"
        connection = connections.named(self.calendar_conn_id, "the calendar's address as its password")
        address = (connection.password or connection.host or "").strip()
        if not address:
            raise ConfigurationError("there is no address", where=where, todo="Give the calendar's address as the password.")
        return lambda: fetch(address)

    def read(self) -> bytes:
        """The calendar as it is now. Raises as `get_conn` and `include.readiness.calendars.fetch` do."""
        return self.get_conn()()
