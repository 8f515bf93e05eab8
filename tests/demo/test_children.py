"""The demo leaves no process behind and says why one of them died."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from demo.children import Children, DemoError


@pytest.fixture
def children(tmp_path: Path):
    group = Children(tmp_path / "logs", tmp_path, dict(os.environ))
    yield group
    group.stop()


def wait_for(path: Path) -> str:
    for _ in range(100):
        if path.exists() and (text := path.read_text()):
            return text
        time.sleep(0.05)
    raise AssertionError(path)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_process_that_dies_is_named_with_the_end_of_its_log(children: Children) -> None:
    child = children.start("scheduler", sys.executable, "-c", "print('no such table'); raise SystemExit(3)")
    child.process.wait(20)
    with pytest.raises(DemoError, match=r"scheduler ended by itself with status 3[\s\S]*no such table"):
        children.check()


def test_a_command_that_ends_well_is_no_alarm(children: Children) -> None:
    child = children.begin("migration", sys.executable, "-c", "print('done')")
    child.process.wait(20)
    children.check()
    assert children.finish(child) == "done\n"


def test_a_command_that_fails_or_hangs_says_so(children: Children) -> None:
    with pytest.raises(DemoError, match="status 2"):
        children.run("pools", sys.executable, "-c", "raise SystemExit(2)")
    with pytest.raises(DemoError, match="did not end within"):
        children.run("pools", sys.executable, "-c", "import time; time.sleep(60)", seconds=0.3)


def test_stop_ends_what_the_children_started(children: Children, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    code = (
        "import subprocess, pathlib, time\n"
        "p = subprocess.Popen(['sleep', '60'])\n"
        f"pathlib.Path({str(pid_file)!r}).write_text(str(p.pid))\n"
        "time.sleep(60)"
    )
    children.start("parent", sys.executable, "-c", code)
    grandchild = int(wait_for(pid_file))
    assert is_alive(grandchild)
    children.stop()
    for _ in range(40):
        if not is_alive(grandchild):
            return
        time.sleep(0.05)
    raise AssertionError("the grandchild still runs")
