"""The house's calendar, from an Airflow connection to the to-dos of a title."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.readiness.test_todos import calendar, event, served, todo
from tests.readiness.titles import HARDBACK, fill

pytestmark = pytest.mark.airflow
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def config(ledger, tmp_path, monkeypatch):
    """The repository's config, for a house with a calendar."""
    folder = tmp_path / "config"
    shutil.copytree(ROOT / "config", folder)
    with (folder / "house.toml").open("a") as file:
        file.write("\n[calendar]\n")
    monkeypatch.setenv("COLOPHON_CONFIG", str(folder))


def todos_of(ledger, store, said: list[str]) -> list[tuple[str, str]]:
    from colophon.tasks.readiness import refresh_all
    from include.ledger import readiness
    from include.partners import load_house

    refresh_all(ledger, store, load_house(), datetime.now(UTC), say=said.append)
    with ledger.read() as session:
        checks = readiness.get(session, HARDBACK.id).checks
    return [(one["name"], one["state"]) for one in checks if one["code"] == "to-do"]


def test_to_dos_of_the_calendar_reach_the_title_and_outlive_a_bad_night(config, connections, ledger, store):
    fill(ledger, replace(HARDBACK))
    said: list[str] = []
    assert todos_of(ledger, store, said) == []
    assert "there is no such connection" in said[0]
    body = calendar(event("The Tide Clock: files to press"), todo("The Tide Clock: index"))
    with served(200, body) as address:
        connections({"consonance_calendar": {"conn_type": "http", "password": address}})
        wanted = [("To-do: The Tide Clock: files to press", "not asked"), ("To-do: The Tide Clock: index", "missing")]
        assert todos_of(ledger, store, said) == wanted
    said.clear()
    assert todos_of(ledger, store, said) == wanted  # the server is gone now
    assert "The to-dos are those of" in said[0]
    assert "secret" not in " ".join(said)
