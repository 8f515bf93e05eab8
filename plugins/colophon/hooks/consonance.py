"""Consonance, from an Airflow connection of type `consonance` or `http`."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseHook

from colophon.hooks import connections
from include.errors import ColophonError, ConfigurationError

if TYPE_CHECKING:
    from include.clients.consonance import Consonance
    from include.clients.consonance.client import RestUse


class ConsonanceHook(BaseHook):
    """Turns the connection into a client.

    `host` is the log-in address (`https://web.consonance.app`; without a scheme: `schema`, or https), `password` the key.
    Extras: `timeout` (seconds for one request, 60), `rest` (true: read through REST v4 alone, for tenants without
    GraphQL; "never": GraphQL alone; else REST fills in what GraphQL does not tell), `page_concurrency` (REST requests
    in flight, 4).
    """

    conn_name_attr = "consonance_conn_id"
    default_conn_name = "consonance"
    conn_type = "consonance"
    hook_name = "Consonance"

    def __init__(self, consonance_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.consonance_conn_id = consonance_conn_id

    def get_conn(self) -> Consonance:
        """Raises `ConfigurationError` if the connection lacks an address or a key, or an extra can't be read."""
        return self._client

    @cached_property
    def _client(self) -> Consonance:
        from include.clients.consonance import Consonance
        from include.clients.exchange import Exchange

        where = f"connection {self.consonance_conn_id}"
        connection = connections.named(self.consonance_conn_id, "the type Consonance")
        if not connection.host:
            raise ConfigurationError("there is no address", where=where, todo="Give it like https://web.consonance.app.")
        extra = connection.extra_dejson
        timeout = connections.number(extra, "timeout", 60.0, where)
        concurrency = int(connections.number(extra, "page_concurrency", 4, where))
        exchange = Exchange(connections.address(connection.host, connection.schema, connection.port, without="/graphql"), timeout=timeout)
        return Consonance(exchange, (connection.password or "").strip(), rest=_rest(extra.get("rest"), where), concurrency=concurrency)

    def test_connection(self) -> tuple[bool, str]:
        """For the *Test* button of the connection form: what the key can read."""
        try:
            client = self.get_conn()
            if client.rest == "only":
                next(client.rest_products())
                return True, "REST v4 answers"
            lacking = [one for one in client.capabilities() if one.fatal]
        except ColophonError as bad:
            return False, str(bad)
        if lacking:
            names = ", ".join(f"{one.operation} ({', '.join(one.missing)})" for one in lacking)
            return False, f"The key is good, but this Consonance does not offer what these need: {names}"
        return True, "GraphQL answers and offers all that Colophon needs"


def _rest(value: Any, where: str) -> RestUse:
    text = str(value).strip().lower()
    if text in {"true", "1", "yes", "only"}:
        return "only"
    if text in {"none", "", "false", "0", "no", "fill"}:
        return "fill"
    if text == "never":
        return "never"
    raise ConfigurationError(f"rest is {value!r}", where=where, todo='Give true, false or "never".')
