"""The hostile corpus: every file ends as it must, by its own reason, quickly and in little memory."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from include.files import safety, unpack
from include.files.model import Refused
from include.partners.inboxes import Limits
from include.store import ArtefactStore
from tests.files.good import GOOD, MEMBERS
from tests.files.hostile import CASES, Case


def fate(local: Path, name: str, limits: Limits, store: ArtefactStore) -> tuple[str, dict[str, str]]:
    """(code or extension, member → code or "")."""
    found: dict[str, str] = {}
    try:
        sniffed = safety.examine(local, name, limits)
        if unpack.is_archive(sniffed):
            for member in unpack.members(local, name, limits, store):
                path = member.path if member.path not in found else f"{member.path}#{len(found) + 1}"
                found[path] = member.refused.code if member.refused else ""
                assert member.refused or (member.artefact and store.exists(member.artefact.sha256))
    except Refused as refused:
        return refused.code if refused.what and refused.todo and refused.where else f"{refused.code} without its sentences", found
    return sniffed.extension, found


@pytest.mark.parametrize("case", CASES, ids=[f"{case.want}-{case.how}" for case in CASES])
def test_hostile_file_meets_its_fate(case: Case, tmp_path: Path, store: Any) -> None:
    local = tmp_path / "file"
    local.write_bytes(case.make())
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    got, members = fate(local, case.name, case.limits, store)
    assert got == case.want, (got, case.how)
    if case.members is not None:
        assert members == case.members
    assert time.process_time() - started < 1.5
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 700_000  # KiB; qpdf's limit and a cold start


@pytest.mark.parametrize("name", GOOD)
def test_good_file_passes(name: str, tmp_path: Path, store: Any) -> None:
    make, want = GOOD[name]
    local = tmp_path / "file"
    local.write_bytes(make())
    got, members = fate(local, name, Limits(), store)
    assert got == want
    if want in {".zip", ".tar", ".7z"} or want.startswith(".tar."):
        assert members == dict.fromkeys(MEMBERS, "")


def test_there_are_enough_of_them() -> None:
    assert len(CASES) >= 60
    assert len({(case.name, case.how) for case in CASES}) == len(CASES)
    assert len(GOOD) >= 25


_STREAM = """
import resource, sys, time
from pathlib import Path
from include.files import safety, unpack
from include.files.model import Refused
from include.partners.inboxes import Limits
from include.store import ArtefactStore
local = Path(sys.argv[1])
limits = Limits(unpacked_bytes=50_000_000_000, file_bytes=50_000_000_000, ratio=int(sys.argv[3]))
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    for member in unpack.members(local, local.name, limits, ArtefactStore(sys.argv[2])): pass
except Refused as refused: print(refused.code)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - base)
"""


@pytest.mark.parametrize("name", ["bomb.zip", "bomb.csv.gz"])
def test_memory_stays_flat_under_a_bomb_of_ten_gigabytes(name: str, tmp_path: Path) -> None:
    """Peak above the start, in a process of its own: tens of megabytes."""
    case = next(case for case in CASES if case.name == name)
    local = tmp_path / name
    local.write_bytes(case.make())
    ran = subprocess.run(
        [sys.executable, "-c", _STREAM, str(local), str(tmp_path / "store"), "200"], capture_output=True, text=True, timeout=60, check=True
    )
    code, peak = ran.stdout.split()
    assert code == "archive-bomb"
    assert int(peak) < 40_000  # KiB
    assert not list((tmp_path / "store").rglob("*.artefact"))  # nothing is left behind
