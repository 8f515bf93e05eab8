from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.ledger.database import Ledger
from tests.schema import upgraded


def _postgres_bin() -> Path | None:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    if found:
        return found[0].parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL server of our own on a Unix socket; gives the URL of an empty database's server."""
    binaries = _postgres_bin()
    if binaries is None:
        pytest.skip("no PostgreSQL server binaries here")
    as_user = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        if subprocess.run(["id", "postgres"], capture_output=True, check=False).returncode or not shutil.which("setpriv"):
            pytest.skip("PostgreSQL can't run as root here")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/tmp"))
    folder.chmod(0o777)
    data = folder / "data"
    environment = {**os.environ, "LC_ALL": "C", "HOME": str(folder)}

    def run(*command: str) -> None:
        subprocess.run(
            [*as_user, *command], check=True, env=environment, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120
        )

    try:
        run(str(binaries / "initdb"), "-D", str(data), "-U", "colophon", "-A", "trust", "-E", "UTF8", "--no-sync")
        run(
            str(binaries / "pg_ctl"), "-D", str(data), "-l", str(folder / "log"), "-w",
            "-o", f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off", "start",
        )  # fmt: skip
        yield f"postgresql://colophon@/postgres?host={folder}"
    finally:
        if (data / "postmaster.pid").exists():
            run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_ledger(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ledger]:
    """A ledger without a schema, on each database."""
    if request.param == "sqlite":
        ledger = Ledger(f"sqlite:///{tmp_path / 'ledger.sqlite'}")
        yield ledger
        ledger.dispose()
        return
    from sqlalchemy import create_engine, text

    server = request.getfixturevalue("postgres")
    name = f"t{abs(hash(str(tmp_path)))}"
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    ledger = Ledger(server.replace("/postgres?", f"/{name}?"))
    yield ledger
    ledger.dispose()
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
    admin.dispose()


@pytest.fixture
def ledger(empty_ledger: Ledger) -> Ledger:
    """A ledger with its schema, on each database."""
    upgraded(empty_ledger)
    return empty_ledger
