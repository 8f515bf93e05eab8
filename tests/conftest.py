"""What all tests share: a ledger, a store, the sandbox, an Airflow home. Unit tests pay for none of it."""

from __future__ import annotations

import atexit
import gc
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.airflow_home import migrate, parse, prepare, run, write_connections
from tests.schema import upgraded
from tests.statements import keep_compiled

ROOT = Path(__file__).resolve().parents[1]
TITLES = 60  # enough for every planted defect, few enough to be quick

# no test is about time: a busy machine must not fail one
settings.register_profile("colophon", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("colophon")

_AIRFLOW = Path(tempfile.mkdtemp(prefix="colophon-tests-")) / "airflow"
atexit.register(shutil.rmtree, _AIRFLOW.parent, ignore_errors=True)
prepare(_AIRFLOW)
keep_compiled()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    """File names in old encodings reach the logs as lone surrogates, which pytest-xdist can't send to its controller."""
    report: Any = yield
    report.sections = [(title, text.encode("utf-8", "backslashreplace").decode()) for title, text in report.sections]
    return report


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What runs through Airflow first: the longest files last would leave the other workers idle."""
    items.sort(key=lambda item: item.get_closest_marker("airflow") is None)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    """Modules and collected tests live to the end: the garbage collector need not walk through them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def colophon_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fresh COLOPHON_HOME: ledger and store of this test alone, also for processes that it starts."""
    home = tmp_path / "colophon"
    home.mkdir()
    for name in ("COLOPHON_LEDGER", "COLOPHON_STORE", "COLOPHON_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLOPHON_HOME", str(home))
    return home


@pytest.fixture
def ledger(colophon_home: Path) -> Iterator[Any]:
    """An empty, upgraded `include.ledger` database, the one that flows of this test find, too."""
    from include.ledger.database import Ledger

    ledger = Ledger()
    upgraded(ledger)
    yield ledger
    ledger.dispose()


@pytest.fixture
def store(colophon_home: Path) -> Any:
    """An empty artefact store, the one that flows of this test find, too."""
    from include.store import ArtefactStore

    return ArtefactStore()


@dataclass
class Sandbox:
    """The running sandbox. `reset` brings back its first day; partner folders are emptied, too."""

    dir: Path
    url: str
    connections: dict[str, dict[str, Any]]

    def call(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the control API: `call("faults", {...})` posts to /sandbox/faults, without a body it gets."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/sandbox/{path}", data, {"Content-Type": "application/json"})
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def home(self, partner: str) -> Path:
        """What the partner's server shows as `/`."""
        return self.dir / "partners" / partner

    def files(self, partner: str, folder: str = "inbox") -> list[str]:
        """Names of all files under a folder of the partner, sorted, also hidden ones."""
        base = self.home(partner) / folder
        return sorted(str(path.relative_to(base)) for path in base.rglob("*") if path.is_file())

    def reset(self) -> None:
        self.call("reset", {})
        for partner in (self.dir / "partners").iterdir():
            for path in partner.rglob("*"):
                if path.is_file():
                    path.unlink(missing_ok=True)


@pytest.fixture(scope="session")
def running_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for the whole session; take `sandbox` unless you change nothing in it."""
    folder = tmp_path_factory.mktemp("sandbox")
    log = folder / "sandbox.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox", "--dir", str(folder), "--titles", str(TITLES)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'plugins'}"},
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_for(folder / "ready.json", process, log)
        connections = json.loads((folder / "connections.json").read_text())
        yield Sandbox(folder, str(connections["consonance"]["host"]).rstrip("/"), connections)
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox on its first day, without faults, with empty partner folders."""
    running_sandbox.reset()
    yield running_sandbox
    running_sandbox.reset()


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """Airflow's home of this process, with its database and our pools."""
    migrate()
    return _AIRFLOW


@pytest.fixture
def connections(airflow_home: Path) -> Iterator[Callable[[dict[str, dict[str, Any]]], None]]:
    """Sets the Airflow connections of this test, in LocalFilesystemBackend's shape."""
    yield lambda given: write_connections(airflow_home, given)
    write_connections(airflow_home, {})


@pytest.fixture(scope="session")
def dag_bag(airflow_home: Path) -> Any:
    """Every DAG of `dags/`, parsed once."""
    return parse()


@pytest.fixture(scope="session")
def mirrored(dag_bag: Any, airflow_home: Path, running_sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a ledger after the first `catalogue_sync` of the sandbox, to copy: most flows begin there."""
    from include.ledger.database import Ledger

    file = tmp_path_factory.mktemp("mirrored") / "ledger.sqlite"
    with pytest.MonkeyPatch.context() as patch:
        for name in ("COLOPHON_HOME", "COLOPHON_STORE", "COLOPHON_CONFIG"):
            patch.delenv(name, raising=False)
        patch.setenv("COLOPHON_LEDGER", f"sqlite:///{file}")
        write_connections(airflow_home, running_sandbox.connections)
        running_sandbox.reset()
        ledger = upgraded(Ledger())
        assert str(run(dag_bag.dags["catalogue_sync"]).state) == "success"
        write_connections(airflow_home, {})
        ledger.dispose()
    with closing(sqlite3.connect(file)) as raw:  # one file, without its log, can be copied
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return file


@pytest.fixture
def catalogue(mirrored: Path, sandbox: Sandbox, ledger: Any, colophon_home: Path) -> None:
    """This test's ledger mirrors the sandbox's first day."""
    shutil.copyfile(mirrored, colophon_home / "ledger.sqlite")


@pytest.fixture(scope="session")
def airflow_api(airflow_home: Path) -> Iterator[Callable[[str, str], Any]]:
    """Gives a client of Airflow's API, logged in as this user with this role."""
    from airflow.api_fastapi.app import create_app, get_auth_manager
    from airflow.api_fastapi.auth.managers.simple.user import SimpleAuthManagerUser
    from fastapi.testclient import TestClient

    def client(name: str, role: str) -> TestClient:
        token = get_auth_manager().generate_jwt(SimpleAuthManagerUser(username=name, role=role))
        return TestClient(app, base_url="http://airflow.example", headers={"Authorization": f"Bearer {token}"})

    app = create_app(apps="core")
    with TestClient(app):  # for its start and its end
        yield client


@pytest.fixture
def run_flow(dag_bag: Any, sandbox: Sandbox, connections: Any, ledger: Any) -> Callable[..., Any]:
    """Runs a flow with `dag.test()` against the sandbox, with this test's ledger and store; gives the DagRun."""
    connections(sandbox.connections)
    return lambda dag_id, **conf: run(dag_bag.dags[dag_id], **conf)


def _wait_for(path: Path, process: subprocess.Popen[bytes], log: Path, seconds: float = 180) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if path.exists():
            return
        if process.poll() is not None:
            break
        time.sleep(0.1)
    pytest.fail(f"the sandbox did not start:\n{log.read_text()[-2000:]}")
