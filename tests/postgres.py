"""A PostgreSQL server of our own, started once by each process that wants one, and ledgers on it.

A new ledger is a copy of one that was migrated, as in `tests.schema`. Modules import the fixtures that they want."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, text

from include.ledger.database import Ledger


@pytest.fixture(scope="session")
def postgres() -> str:
    """The server's URL; skips where there is none."""
    url, reason = _server()
    if reason:
        pytest.skip(reason)
    return url


@pytest.fixture
def postgres_ledger(postgres: str) -> Iterator[Ledger]:
    """A ledger with its schema on PostgreSQL."""
    with on_postgres() as ledger:
        yield ledger


@contextmanager
def on_postgres(*, empty: bool = False) -> Iterator[Ledger]:
    """A ledger of its own on the server, with its schema or without."""
    name = f"t{uuid.uuid4().hex}"
    _say(f"CREATE DATABASE {name}" if empty else f"CREATE DATABASE {name} TEMPLATE {_migrated()} {_strategy()}")
    ledger = _ledger(name)
    yield ledger
    ledger.dispose()
    _say(f"DROP DATABASE {name} WITH (FORCE)")


@cache
def _migrated() -> str:
    _say("CREATE DATABASE migrated")
    ledger = _ledger("migrated")
    ledger.upgrade()
    ledger.dispose()
    return "migrated"


@cache
def _strategy() -> str:
    with _admin().connect() as connection:
        version = connection.dialect.server_version_info or (0,)
    return "STRATEGY FILE_COPY" if version >= (15,) else ""  # twice as fast as through the log; older ones know no other


def _ledger(name: str) -> Ledger:
    return Ledger(_server()[0].replace("/postgres?", f"/{name}?"))


def _say(statement: str) -> None:
    with _admin().connect() as connection:
        connection.execute(text(statement))


@cache
def _admin() -> Engine:
    return create_engine(_server()[0].replace("postgresql://", "postgresql+psycopg://"), isolation_level="AUTOCOMMIT")


@cache
def _server() -> tuple[str, str]:
    """Its URL, or why there is none."""
    binaries = _binaries()
    if binaries is None:
        return "", "no PostgreSQL server binaries here"
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        if subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode or not shutil.which("setpriv"):
            return "", "PostgreSQL can't run as root here"
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))  # a socket's path must be short
    folder.chmod(0o777)
    data = folder / "data"
    environment = {**os.environ, "LC_ALL": "C", "HOME": str(folder)}

    def run(*command: str) -> None:
        subprocess.run(
            [*as_user, *command], check=True, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=240
        )

    def stop() -> None:
        if (data / "postmaster.pid").exists():
            run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)

    atexit.register(stop)
    run(str(binaries / "initdb"), "-D", str(data), "-U", "colophon", "-A", "trust", "-E", "UTF8", "--no-sync")
    settings = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off"
    run(str(binaries / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w", "-o", settings, "start")
    return f"postgresql://colophon@/postgres?host={folder}", ""


def _binaries() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]), reverse=True)
    if found:
        return found[0].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None
