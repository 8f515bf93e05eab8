"""SQL compiled once per process of tests: by itself SQLAlchemy compiles every statement anew for each engine, and each test has a
ledger of its own. That took a third of all time. Statements are kept for all SQLite ledgers together; PostgreSQL's are few."""

from __future__ import annotations

from sqlalchemy import Connection, Engine, event, util
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

_COMPILED = util.LRUCache(5000)


def keep_compiled() -> None:
    # a dialect is part of a statement's key; all of ours are made alike
    SQLiteDialect_pysqlite.__eq__ = lambda self, other: type(self) is type(other)  # type: ignore[method-assign, assignment]
    SQLiteDialect_pysqlite.__hash__ = lambda self: hash(type(self))  # type: ignore[method-assign, assignment]
    event.listen(Engine, "engine_connect", _share)


def _share(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        connection.execution_options(compiled_cache=_COMPILED)
