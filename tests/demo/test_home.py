"""A demo lives in its own folder, alone, with its own secrets, and starts afresh unless asked to go on."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from demo.children import DemoError
from demo.home import USER, make_home

ROOT = Path(__file__).resolve().parents[2]


def test_a_second_demo_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    _, lock = make_home(ROOT, tmp_path, keep=False)
    with pytest.raises(DemoError, match="another demo runs"):
        make_home(ROOT, tmp_path, keep=False)
    lock.close()
    make_home(ROOT, tmp_path, keep=False)[1].close()


@pytest.mark.parametrize("keep", [True, False])
def test_state_of_the_last_demo_stays_only_if_asked_for(tmp_path: Path, keep: bool) -> None:
    home, lock = make_home(ROOT, tmp_path, keep=False)
    lock.close()
    home.ledger.write_bytes(b"rows")
    (home.sandbox / "ready.json").write_text("{}")
    again, lock = make_home(ROOT, tmp_path, keep=keep)
    lock.close()
    assert home.ledger.exists() is keep
    assert (again.secrets == home.secrets) is keep
    assert not (home.sandbox / "ready.json").exists()


def test_secrets_are_the_owners_alone(tmp_path: Path) -> None:
    home, lock = make_home(ROOT, tmp_path, keep=False)
    lock.close()
    (home.sandbox / "connections.json").write_text(json.dumps({"consonance": {"password": "x"}}))
    assert set(home.write_connections()) == {"consonance", "colophon_ledger"}
    for name in ("secrets.json", "passwords.json", "connections.json"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert json.loads((tmp_path / "passwords.json").read_text()) == {USER: home.secrets["password"]}


def test_nothing_of_the_machines_own_airflow_comes_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__EXECUTOR", "CeleryExecutor")
    monkeypatch.setenv("AIRFLOW_CONN_CONSONANCE", "http://live.example")
    monkeypatch.setenv("COLOPHON_STORE", "s3://live")
    home, lock = make_home(ROOT, tmp_path, keep=False)
    lock.close()
    environment = home.environment()
    assert environment["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
    assert not {"AIRFLOW_CONN_CONSONANCE", "COLOPHON_STORE"} & set(environment)
    assert environment["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] == f"{home.url}/execution/"
    assert environment["AIRFLOW__API__PORT"] in home.url
