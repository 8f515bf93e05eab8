"""Damaged files: whatever happens to a file on its way, it is taken or refused, and nothing else is raised."""

from __future__ import annotations

import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from include.files import bounds, safety, sniff, unpack
from include.files.model import Refused
from include.partners.inboxes import Limits
from include.store import ArtefactStore
from tests.files.good import GOOD
from tests.files.hostile import CASES

MUST_BE_WHOLE = (
    ".png",
    ".jpg",
    ".gif",
    ".webp",
    ".bmp",
    ".psd",
    ".pdf",
    ".epub",
    ".docx",
    ".zip",
    ".tgz",
    ".bz2",
    ".xz",
    ".7z",
    ".gz",
    ".wav",
    ".mp4",
)


@cache
def content(name: str) -> bytes:
    return GOOD[name][0]()


def taken_or_refused(local: Path, name: str, store: ArtefactStore) -> str:
    started = time.process_time()
    try:
        sniffed = safety.examine(local, name, Limits())
        if unpack.is_archive(sniffed):
            refusals = [member.refused for member in unpack.members(local, name, Limits(), store) if member.refused]
            return refusals[0].code if refusals else ""
    except Refused as refused:
        return refused.code
    finally:
        assert time.process_time() - started < 2
    return ""


@pytest.mark.parametrize("name", GOOD)
def test_truncated_at_every_tenth(name: str, tmp_path: Path, store: Any) -> None:
    whole, local = content(name), tmp_path / "file"
    for tenth in range(1, 10):
        local.write_bytes(whole[: len(whole) * tenth // 10])
        code = taken_or_refused(local, name, store)
        if name.endswith(MUST_BE_WHOLE) and "owner" not in name:
            assert code, f"{name} cut at {tenth}0% was taken for whole"


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(GOOD)),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=6),
    cut=st.one_of(st.none(), st.floats(0, 1)),
)
def test_mutated_files_are_taken_or_refused(
    name: str, changes: list[tuple[float, bytes]], cut: float | None, tmp_path: Path, store: Any
) -> None:
    data = bytearray(content(name))
    for place, new in changes:
        at = int(place * (len(data) - 1))
        data[at : at + len(new)] = new
    if cut is not None:
        del data[int(cut * len(data)) :]
    local = tmp_path / "file"
    local.write_bytes(data)
    taken_or_refused(local, name, store)


@pytest.mark.long
@settings(max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    number=st.integers(0, len(CASES) - 1),
    changes=st.lists(st.tuples(st.floats(0, 1), st.binary(min_size=1, max_size=8)), min_size=1, max_size=12),
)
def test_mutated_hostile_files_are_taken_or_refused(number: int, changes: list[tuple[float, bytes]], tmp_path: Path, store: Any) -> None:
    case = CASES[number]
    data = bytearray(case.make())
    if len(data) > 100_000 or not data:
        return
    for place, new in changes:
        at = int(place * (len(data) - 1))
        data[at : at + len(new)] = new
    local = tmp_path / "file"
    local.write_bytes(data)
    taken_or_refused(local, case.name, store)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    data=st.binary(max_size=2000),
    head=st.sampled_from([
        b"", b"PK\x03\x04", b"%PDF-1.7\n", b"\xff\xd8\xff", b"II*\0", b"8BPS\0\x01", b"7z\xbc\xaf\x27\x1c\0\4", b"BZh9",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"<svg ", b"\0\0\0\x20ftypisom", b"RIFF",
    ]),
    name=st.sampled_from(["a", "a.zip", "a.pdf", "a.tif", "a.doc", "a.json"]),
)  # fmt: skip
def test_any_bytes_are_taken_or_refused(data: bytes, head: bytes, name: str, tmp_path: Path, store: Any) -> None:
    local = tmp_path / "file"
    local.write_bytes(head + data)
    sniff.sniff(local, name)
    taken_or_refused(local, name, store)


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60))
def test_a_clean_name_stays_in_its_folder_and_stays_clean(name: str) -> None:
    try:
        path = bounds.clean(name)
    except Refused:
        return
    parts = path.split("/")
    assert not path.startswith("/")
    assert ".." not in parts
    assert "" not in parts
    assert "\0" not in path
    assert "\\" not in path
    assert bounds.clean(path) == path
