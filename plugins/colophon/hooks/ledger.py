"""The ledger and the artefact store, from Airflow's connection `colophon_ledger`."""

from __future__ import annotations

from functools import cached_property

from airflow.sdk import BaseHook

from colophon.hooks.connections import if_there
from include.errors import ConfigurationError
from include.ledger.database import Ledger
from include.store import ArtefactStore


class LedgerHook(BaseHook):
    """Opens the ledger. Without the connection, `COLOPHON_LEDGER` or the embedded SQLite file is used.

    With a host the connection means PostgreSQL; without one, `schema` is the path of an SQLite file.
    """

    conn_name_attr = "ledger_conn_id"
    default_conn_name = "colophon_ledger"
    conn_type = "colophon_ledger"
    hook_name = "Colophon ledger"

    def __init__(self, ledger_conn_id: str = default_conn_name) -> None:
        super().__init__()
        self.ledger_conn_id = ledger_conn_id

    def get_conn(self) -> Ledger:
        return self._ledger

    @cached_property
    def _ledger(self) -> Ledger:
        return Ledger(self.url())

    def url(self) -> str | None:
        """The database's URL; None for the embedded default. Holds the password: never log it."""
        from sqlalchemy import URL

        if (connection := if_there(self.ledger_conn_id)) is None:
            return None
        if not connection.host:
            if not connection.schema:
                where = f"connection {self.ledger_conn_id}"
                raise ConfigurationError("neither a host nor a file", where=where, todo="Fill in one of the two.")
            return f"sqlite:///{connection.schema}"
        url = URL.create("postgresql+psycopg", connection.login, connection.password, connection.host, connection.port, connection.schema)
        return url.render_as_string(hide_password=False)

    def test_connection(self) -> tuple[bool, str]:
        """For the *Test* button of the connection form."""
        from sqlalchemy import text
        from sqlalchemy.exc import SQLAlchemyError

        try:
            with self.get_conn().engine.connect() as connection:
                connection.execute(text("select 1"))
        except (SQLAlchemyError, ConfigurationError) as bad:
            return False, f"The ledger can't be reached: {type(bad).__name__}"
        return True, "The ledger answers"


def open_ledger() -> Ledger:
    """The ledger that this worker's flows share."""
    return LedgerHook().get_conn()


def open_store() -> ArtefactStore:
    """The artefact store (`COLOPHON_STORE`)."""
    return ArtefactStore()
