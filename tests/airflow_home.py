"""A home for Airflow in the tests: its own folder per process, SQLite, our DAGs and plugins, connections from a file.

The environment must be set before `airflow` is imported for the first time in a process, so `tests/conftest.py` calls
`prepare` as it is loaded. That costs nothing; the database is made by `migrate`, once, for the tests that want it.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import DEFAULT, patch

from sqlalchemy import event

ROOT = Path(__file__).resolve().parents[1]


_answers: list[Callable[[], None]] = []


def environment(home: Path) -> dict[str, str]:
    """What Airflow reads, for a home at `home`."""
    return {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__FERNET_KEY": "",
        "AIRFLOW__API_AUTH__JWT_SECRET": "only-for-the-tests-of-this-machine-" + "0" * 32,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home / "logs"),
        "AIRFLOW__SECRETS__BACKEND": "airflow.secrets.local_filesystem.LocalFilesystemBackend",
        "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({"connections_file_path": str(connections_file(home))}),
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "plugins")]),
    }


def connections_file(home: Path) -> Path:
    return home / "connections.json"


def prepare(home: Path) -> None:
    """Point Airflow at `home`, in this process and its children. It must not have been imported yet."""
    home.mkdir(parents=True, exist_ok=True)
    write_connections(home, {})
    os.environ.update(environment(home))


def write_connections(home: Path, connections: dict[str, dict[str, Any]]) -> None:
    """Replace the connections that hooks find; the backend reads the file at every look-up."""
    connections_file(home).write_text(json.dumps(connections))


def migrate() -> None:
    """Make Airflow's own tables and the pools of our flows. About two seconds, and the import of Airflow.

    Nothing is forced to disk: a test may be killed, the machine is not switched off.
    """
    from airflow import settings
    from airflow.models.pool import Pool
    from airflow.utils.db import initdb

    from colophon.policy import pools

    event.listen(settings.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
    initdb()
    for pool in pools():
        Pool.create_or_update_pool(pool.name, pool.slots, pool.description, include_deferred=False)


def parse() -> Any:
    """Every DAG of `dags/` under the config folder of this moment, written to Airflow's database."""
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import DagBag, sync_bag_to_db

    manager = DagBundlesManager()
    manager.sync_bundles_to_db()
    (bundle,) = manager.get_all_dag_bundles()
    bag = DagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
    assert bag.import_errors == {}
    for dag in bag.dags.values():
        dag.deadline = None  # `dag.test()` evaluates alerts that only the scheduler writes
    sync_bag_to_db(bag, bundle.name, bundle.version)
    return bag


def run(dag: Any, **conf: Any) -> Any:
    """Runs a DAG of `parse` with `dag.test()`, its form filled in, as a person does it; gives the DagRun.

    The form is whole, since a task keeps what an earlier run filled in. By itself `dag.test()` parses all files and writes
    all DAGs again before each run, which takes longer than a small run; and it sleeps a second whenever a step only skips tasks.
    """
    form = {name: dag.params[name] for name in dag.params} | conf
    sleep, waits = time.sleep, 0

    def wait(seconds: float) -> None:
        nonlocal waits
        if sys._getframe(1).f_globals["__name__"] != "airflow.sdk.definitions.dag":
            sleep(seconds)
        elif not _answers:
            sleep(0.05)
        else:
            waits += 1
            assert waits < 60, "it was answered and waits still"
            _answers[-1]()

    parsing = patch.multiple("airflow.dag_processing.dagbag", BundleDagBag=DEFAULT, sync_bag_to_db=DEFAULT)
    with parsing, patch("time.sleep", wait):
        return dag.test(run_conf=form or None)


@contextmanager
def answered_by(answer: Callable[[], None]) -> Iterator[None]:
    """Has `answer` called where a run waits for a person: a thread of its own would race the run's session."""
    _answers.append(answer)
    try:
        yield
    finally:
        _answers.remove(answer)
