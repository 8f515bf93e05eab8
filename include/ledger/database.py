"""One database for all that Colophon remembers: SQLite by default, PostgreSQL in production.

Times, transactions and locks are set here, so that the rest needs to know neither. A writer on SQLite takes the lock
when its transaction begins (`BEGIN IMMEDIATE`), so it waits its turn instead of failing in the middle.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, ProgrammingError
from sqlalchemy.orm import Session, sessionmaker

from include.errors import ConfigurationError, TransientError

BUSY_SECONDS = 30
MIGRATIONS = Path(__file__).resolve().parent / "migrations"
ADVISORY_LOCK = 0x434F4C4F50484F4E  # "COLOPHON": one migration at a time on PostgreSQL


def default_url() -> str:
    """`COLOPHON_LEDGER`, else a SQLite file under `COLOPHON_HOME`, else under `.colophon/` in the current folder."""
    if url := os.environ.get("COLOPHON_LEDGER"):
        return url
    home = Path(os.environ.get("COLOPHON_HOME") or ".colophon").expanduser().absolute()
    return f"sqlite:///{home / 'ledger.sqlite'}"


class Ledger:
    """The ledger's database.

    `url` is an SQLAlchemy URL (`sqlite:////path/ledger.sqlite`, `postgresql://user:password@host/name`) or a path.
    Nothing is opened before it is used. Raises `ConfigurationError` for a URL that is not one of these.
    """

    def __init__(self, url: str | None = None) -> None:
        self._url = _parse(url or default_url())
        if self._url.get_backend_name() == "sqlite":
            Path(self._url.database or "").parent.mkdir(parents=True, exist_ok=True)
            self.engine = create_engine(  # without parameters: errors go to logs, and rows hold what only a role may see
                self._url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, hide_parameters=True
            )
            event.listen(self.engine, "connect", _open_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        else:
            self.engine = create_engine(self._url, pool_pre_ping=True, hide_parameters=True)
            event.listen(self.engine, "connect", _open_postgres)
        self._readers = self.engine.execution_options(colophon_reads=True, postgresql_readonly=True)
        self._write_sessions = sessionmaker(self.engine, expire_on_commit=False)
        self._read_sessions = sessionmaker(self._readers, expire_on_commit=False, autoflush=False)

    def __repr__(self) -> str:
        return f"Ledger({self.where!r})"

    @property
    def where(self) -> str:
        """The database's address, without the password."""
        return self._url.render_as_string(hide_password=True)

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A session that writes: committed at the end, rolled back on an error. Keep it short.

        Raises `TransientError` when the database can't be reached or stays busy, `ConfigurationError` when it has not
        been upgraded.
        """
        with self._explained(), self._write_sessions() as session:
            yield session
            session.commit()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that reads one consistent state where the database can, next to any writer; the database refuses
        to write in it. Raises as `session` does."""
        with self._explained(), self._read_sessions() as session:
            yield session

    @contextmanager
    def apart(self) -> Iterator[Connection]:
        """A connection outside of sessions and transactions, for a lock that is its own: closed at the end, not given back to the pool, so
        that the lock goes with it. Raises as `session` does."""
        with self._explained(), self.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            try:
                yield connection
            finally:
                connection.detach()

    def dispose(self) -> None:
        """Closes pooled connections (before a fork, at the end of a test)."""
        self.engine.dispose()

    # --- schema

    def upgrade(self) -> str:
        """Brings the schema to the newest revision; gives its id. Safe when several processes do it at once: the
        second waits, and finds nothing left to do. Raises `ConfigurationError` for a schema newer than this code."""
        with self._explained(), self.engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})
            self._refuse_newer(connection)
            config = _alembic()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return self.head

    def revision(self) -> str:
        """The schema's revision; empty for an empty database."""
        with self._explained(), self._readers.connect() as connection:
            return _revision(connection)

    @property
    def head(self) -> str:
        """The newest revision that this code knows."""
        return ScriptDirectory.from_config(_alembic()).get_current_head() or ""

    def _refuse_newer(self, connection: Connection) -> None:
        now = _revision(connection)
        known = {script.revision for script in ScriptDirectory.from_config(_alembic()).walk_revisions()}
        if now and now not in known:
            raise ConfigurationError(
                f"the ledger's schema ({now}) is newer than this version of Colophon",
                where=self.where,
                todo="Install the newer Colophon here, too.",
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except (OperationalError, ProgrammingError) as failed:
            words = str(failed.orig).strip().splitlines()[0] if str(failed.orig).strip() else type(failed.orig).__name__
            if "no such table" in words or "no such column" in words or getattr(failed.orig, "sqlstate", "") in {"42P01", "42703"}:
                raise ConfigurationError(
                    f"the ledger's schema is not up to date ({words})", where=self.where, todo="Run `colophon ledger upgrade`."
                ) from failed
            if isinstance(failed, ProgrammingError):
                raise
            raise TransientError(f"the ledger database failed: {words}", where=self.where) from failed


def _parse(text_url: str) -> URL:
    where = "COLOPHON_LEDGER"
    if "://" not in text_url:
        text_url = f"sqlite:///{Path(text_url).expanduser().absolute()}"
    try:
        url = make_url(text_url)
        backend = url.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError) as bad:
        raise ConfigurationError(
            "the ledger's address is no database URL", where=where, todo="Use sqlite:////path or postgresql://…"
        ) from bad
    if backend in {"postgres", "postgresql"}:  # the first as other tools write it; one driver, whatever the URL names
        url = url.set(drivername="postgresql+psycopg")
        backend = "postgresql"
    if backend not in {"sqlite", "postgresql"}:
        raise ConfigurationError(f"the ledger does not run on {backend}", where=where, todo="Use sqlite:////path or postgresql://…")
    if backend == "sqlite" and (not url.database or url.database == ":memory:"):
        raise ConfigurationError(
            "an in-memory ledger would forget what was sent", where=where, todo="Name a file: sqlite:////path/ledger.sqlite"
        )
    return url


def _open_postgres(connection: Any, record: Any) -> None:
    """PostgreSQL's texts hold neither NUL nor halves of surrogate pairs, and a whole transaction fails for one. Here they become `\ufffd`:
    names, metadata and notes are other people's. Keys are escaped before they come here, so that they stay different."""
    from psycopg import DataError
    from psycopg.types.string import StrDumperUnknown

    class Forgiving(StrDumperUnknown):
        def dump(self, obj: str) -> Any:
            try:
                return super().dump(obj)
            except (DataError, UnicodeEncodeError):
                return super().dump(obj.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace"))

    connection.adapters.register_dumper(str, Forgiving)


def _open_sqlite(connection: Any, record: Any) -> None:
    connection.isolation_level = None  # the driver would begin transactions by itself, and too late
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        _switch_to_wal(cursor)
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA cache_size = -32768")
    cursor.close()


def _switch_to_wal(cursor: Any) -> None:
    """Once per file. It needs the file for itself, and SQLite's busy handler does not wait for that."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as busy:
            if "locked" not in str(busy) or time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    reads = bool(connection.get_execution_options().get("colophon_reads"))
    connection.exec_driver_sql(f"PRAGMA query_only = {int(reads)}")
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")


def _alembic() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _revision(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""
