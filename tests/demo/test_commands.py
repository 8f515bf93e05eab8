"""The developer's commands: what the Makefile promises, and the demo from beginning to end."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from include.partners import load_partners

ROOT = Path(__file__).resolve().parents[2]
TARGETS = ("demo", "test", "test-long", "lint", "bench", "docs", "clean", "lock")


def make(*arguments: str) -> str:
    """What make says; as if no other make had called us."""
    environment = {name: value for name, value in os.environ.items() if name not in {"MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"}}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=30).stdout


def plan(*arguments: str) -> str:
    """What make would run, without running it."""
    return make("-n", *arguments)


def left_behind(home: Path) -> list[list[str]]:
    """Processes that live in this demo's home."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if process.environ().get("COLOPHON_HOME", "").startswith(str(home)):
                found.append(process.cmdline())
    return found


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
def test_every_target_is_there_and_explained() -> None:
    explained = set(re.findall(r"^make ([a-z-]+)", make("help"), re.MULTILINE))
    assert set(TARGETS) <= explained
    for target in TARGETS:
        assert plan(target), target


@pytest.mark.skipif(not shutil.which("make"), reason="no make here")
def test_switches_of_the_demo_reach_it() -> None:
    assert "--exit" not in plan("demo")
    assert plan("demo", "EXIT=1", "KEEP=1", "TITLES=50").strip().endswith("-m demo --exit --keep --titles 50")


def test_ci_script_is_sound_shell_and_keeps_the_exit_code(tmp_path: Path) -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
    repo = tmp_path / "repo"
    (repo / ".ci").mkdir(parents=True)
    shutil.copy(script, repo / ".ci" / "run")
    (repo / "Makefile").write_text("test:\n\t@echo '===== 1 failed, 2 passed in 0.10s ====='; exit 1\n")
    # every command it looks for is there, so that nothing is installed
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sshd", "chromium", "chromedriver", "psql", "redis-server", "gpg", "lftp"):
        (tools / name).write_text("#!/bin/sh\n")
        (tools / name).chmod(0o755)
    done = subprocess.run(
        [str(repo / ".ci" / "run")],
        env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert done.stdout.strip().splitlines()[-1] == "===== 1 failed, 2 passed in 0.10s ====="


def play(home: Path, *options: str) -> dict[str, Any]:
    """A demo from beginning to end; gives its report."""
    command = [sys.executable, "-m", "demo", "--exit", "--titles", "40", "--home", str(home), *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert left_behind(home) == []
    return json.loads((home / "outcome.json").read_text())


@pytest.mark.long
@pytest.mark.airflow
@pytest.mark.timeout(1200)
def test_demo_brings_every_partner_its_files_and_a_second_one_sends_nothing_new(tmp_path: Path) -> None:
    first = play(tmp_path)
    assert [one["partner"] for one in first["partners"]] == [partner.id for partner in load_partners()]
    assert all(file["found"] for one in first["partners"] for file in one["files"])
    again = play(tmp_path, "--keep")
    resent = [
        one["partner"] for one, before in zip(again["partners"], first["partners"], strict=True) if one["delivery"] != before["delivery"]
    ]
    # "nothing new" is told at most once a day, to those who want to hear it
    assert set(resent) <= {partner.id for partner in load_partners() if partner.feed.empty == "no_product"}


@pytest.mark.long
@pytest.mark.airflow
@pytest.mark.timeout(300)
def test_ctrl_c_ends_the_demo_and_all_its_processes(tmp_path: Path) -> None:
    process = subprocess.Popen([sys.executable, "-m", "demo", "--home", str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        if "Airflow is up" in line:
            break
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 0
    assert left_behind(tmp_path) == []
