"""`colophon migrate`: the flow's own steps from a terminal; 0 only when all is well."""

from __future__ import annotations

import csv
import io
import json
import shutil

import pytest

from tests.archives.test_move import TEXT, put
from tests.archives.tree import grow
from tests.archives.vault import ROOT

pytestmark = pytest.mark.airflow


@pytest.fixture
def command(vault, connections, tmp_path, monkeypatch):
    """Runs a command against the vault; gives (exit status, what it printed)."""
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    monkeypatch.setenv("COLOPHON_CONFIG", str(config))
    connections({
        "archive_vault": {
            "conn_type": "sftp", "host": "127.0.0.1", "port": vault.port, "login": "lantern", "extra": {"host_key": vault.host_key},
        }
    })  # fmt: skip

    def run(*argv: str) -> tuple[int, str]:
        from colophon import cli, commands

        out = io.StringIO()
        monkeypatch.setattr(commands, "out", out)
        monkeypatch.setattr("sys.stdout", out)
        return cli.main(["migrate", *argv]), out.getvalue()

    return run


def test_plan_run_and_status(vault, command, tmp_path):
    (vault.root / "archive").mkdir()
    grow(vault.root / "archive", 50, rich=False)
    assert command("status", "vault")[0] == 0
    status, said = command("plan", "vault", "--json", "--out", str(tmp_path / "out"))
    assert status == 0
    planned = json.loads(said)
    assert sum(planned["account"]["fates"].values()) == 50
    with (tmp_path / "out/vault.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == 50
    assert (tmp_path / "out/vault.xlsx").stat().st_size > 1000
    assert "nothing was fetched" in (tmp_path / "out/vault.txt").read_text()

    status, said = command("run", "vault")
    assert status == 0
    assert "Every file has one fate" in said
    status, said = command("status", "vault", "--json")
    assert status == 0
    assert json.loads(said)["phase"] == "done"
    status, said = command("status", "vault")
    assert "attached" in said
    assert "100.0 %" in said


def test_what_is_not_well_gives_1_and_says_why(vault, command, capsys):
    assert command("plan", "nowhere")[0] == 1
    assert "there is no archive 'nowhere'" in capsys.readouterr().err
    assert command("run", "vault")[0] == 1  # the server has no folder /archive
    assert "no such file or folder" in capsys.readouterr().err


def test_outside_its_hours_the_command_says_when(vault, command, capsys, tmp_path):
    put(vault, "archive/a.txt", TEXT)
    file = tmp_path / "config/archives/vault.toml"
    file.write_text(file.read_text().replace("[bounds]\n", '[bounds]\nstarts = 00:00:00\nends = 00:00:01\ntimezone = "UTC"\n'))
    assert command("run", "vault")[0] == 1
    assert "the archive may be used again from" in capsys.readouterr().err
