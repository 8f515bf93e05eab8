"""Cloudinary, from an Airflow connection of type `cloudinary` or `http`."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from airflow.sdk import BaseHook

from colophon.hooks import connections
from include.errors import ColophonError, ConfigurationError

if TYPE_CHECKING:
    from include.clients.cloudinary import Account, Cloudinary


class CloudinaryHook(BaseHook):
    """Turns the connection into a client.

    `login` is the API key, `password` its secret, `host` the API's address (`https://api.cloudinary.com`, also where it is empty). The
    console's `cloudinary://key:secret@cloud` is understood as a connection's URI. Extras: `cloud_name`, `delivery` (where pictures are
    fetched from, with the cloud name at its end unless it is a private CDN's), `timeout` and `upload_timeout` (seconds), `reserve` (admin
    requests of every hour that are left to others), `signing` (sha1, sha256), `moderation` (the queue in which people decide).
    """

    conn_name_attr = "conn_id"
    default_conn_name = "cloudinary_default"
    conn_type = "cloudinary"
    hook_name = "Cloudinary"

    def __init__(self, conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.conn_id = conn_id

    def get_conn(self) -> Cloudinary:
        """Raises `ConfigurationError` if the connection lacks the cloud's name, a key or a secret, or an extra can't be read."""
        return self._client

    @property
    def moderation(self) -> str:
        """The queue in which people decide about covers: `manual`, unless the connection names another."""
        return connections.text(self._extra, "moderation") or "manual"

    @cached_property
    def _connection(self) -> Any:
        return connections.named(self.conn_id, "the type Cloudinary")

    @property
    def _where(self) -> str:
        return f"connection {self.conn_id}"

    @property
    def _extra(self) -> dict[str, Any]:
        found: dict[str, Any] = self._connection.extra_dejson
        return found

    @cached_property
    def _client(self) -> Cloudinary:
        from include.clients.cloudinary import Cloudinary

        return Cloudinary(
            self._account(),
            timeout=connections.number(self._extra, "timeout", 60.0, self._where),
            upload_timeout=connections.number(self._extra, "upload_timeout", 300.0, self._where),
            reserve=int(connections.number(self._extra, "reserve", 20, self._where, least=0)),
        )

    def _account(self) -> Account:
        from include.clients.cloudinary import Account
        from include.clients.cloudinary.account import API

        connection, extra = self._connection, self._extra
        host = str(connection.host or "").strip()
        cloud = connections.text(extra, "cloud_name")
        if not cloud and _is_cloud(host):
            cloud, host = host, ""
        if not cloud:
            raise ConfigurationError(
                "there is no cloud name", where=self._where, todo="Take it from the dashboard of Cloudinary's console."
            )
        return Account(
            cloud,
            str(connection.login or "").strip(),
            str(connection.password or "").strip(),
            api=connections.address(host, connection.schema, connection.port, without="/v1_1") or API,
            delivery=connections.text(extra, "delivery"),
            signing=_signing(extra.get("signing"), self._where),
            where=self._where,
        )

    def test_connection(self) -> tuple[bool, str]:
        """For the *Test* button of the connection form: whether key and cloud fit, and what is left of the hour's requests."""
        try:
            client = self.get_conn()
            client.ping()
        except ColophonError as bad:
            return False, str(bad)
        left = client.allowance
        told = f"; {left.remaining} of {left.limit} admin requests of this hour are left" if left else ""
        return True, f"Cloudinary answers for {client.account.cloud_name}{told}"


def _is_cloud(host: str) -> bool:
    """A cloud's name stands where a host would, in `cloudinary://key:secret@cloud`: it has no dot and no colon."""
    return bool(re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_\-]*", host)) and host != "localhost"


def _signing(value: Any, where: str) -> Literal["sha1", "sha256"]:
    text = str(value or "sha1").strip().lower()
    if text == "sha1":
        return "sha1"
    if text == "sha256":
        return "sha256"
    raise ConfigurationError(f"signing is {value!r}", where=where, todo="Give sha1 or sha256, as the product environment has it.")
