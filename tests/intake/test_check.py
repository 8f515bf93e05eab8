"""`colophon intake check`: what would become of local files, and nothing else."""

from __future__ import annotations

import json
import os

import pytest

from colophon.cli import main
from include.intake.check import check
from include.intake.globs import fits
from include.intake.source import Source
from tests.intake.room import docx, inbox, isbn, packed, picture


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "given"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub" / f"{isbn(1)}_map.tif").write_bytes(picture())
    (folder / "pack.zip").write_bytes(packed(**{f"{isbn(2)} manuscript.docx": docx(), "../x.docx": docx()}))
    (folder / f"{isbn(3)}_manuscript.pdf").write_bytes(b"MZ" + b"\0" * 300)
    (folder / "The Lamp of Harbour 4 manuscript.docx").write_bytes(docx())
    (folder / ".hidden").write_bytes(b"1")
    return folder


def test_every_file_and_every_member_is_told_its_fate(room, folder):
    found = {one.file: one for one in check(folder, Source.of_inbox(inbox()), room.index)}
    assert {name: (one.fate, one.kind, one.work_id) for name, one in found.items()} == {
        f"{isbn(3)}_manuscript.pdf": ("quarantined", "", None),
        "The Lamp of Harbour 4 manuscript.docx": ("proposed", "manuscript", 4),
        "pack.zip": ("unpacked", "", None),
        f"pack.zip!{isbn(2)} manuscript.docx": ("attached", "manuscript", 2),
        "pack.zip!../x.docx": ("quarantined", "", None),
        f"sub/{isbn(1)}_map.tif": ("attached", "artwork", 1),
    }
    assert all(one.reasons for one in found.values() if not one.ok)


def test_nothing_is_moved_or_recorded(room, folder):
    there, rows = sorted(folder.rglob("*")), room.row_counts()
    list(check(folder, Source.of_inbox(inbox()), room.index))
    assert (sorted(folder.rglob("*")), room.row_counts()) == (there, rows)
    assert not [path for path in room.store.arriving().parent.parent.rglob("*") if path.is_file()]


def test_the_command_says_it_as_json_and_fails_where_a_person_is_needed(room, folder, capsys):
    assert main(["intake", "check", str(folder), "--json"]) == 1
    assert len(json.loads(capsys.readouterr().out)) == 6
    assert main(["intake", "check", str(folder / "sub")]) == 0
    assert "attached" in capsys.readouterr().out
    assert main(["intake", "check", str(folder / "nowhere")]) == 1


def test_names_of_old_systems_and_of_hostile_senders_are_read_as_in_an_inbox_and_move_no_cursor(room, tmp_path, capsys):
    (tmp_path / os.fsdecode(f"{isbn(1)} Manuscript caf\xe9.docx".encode("latin-1"))).write_bytes(docx())
    (tmp_path / "red\x1b[31m.docx").write_bytes(docx())
    assert main(["intake", "check", str(tmp_path)]) == 1
    told = capsys.readouterr().out
    assert "Manuscript café.docx" in told
    assert "\x1b" not in told


@pytest.mark.parametrize(
    ("path", "pattern", "wanted"),
    [
        ("a/b/c.tif", "**", True), ("c.tif", "**/c.tif", True), ("a/b/c.tif", "**/c.tif", True), ("a/c.tif", "*.tif", False),
        ("c.tif", "*.tif", True), ("a/b.tif", "a/*", True), ("a/b/c.tif", "a/*", False), ("a/b/c.tif", "a/**", True), ("ab", "a?", True),
        ("a/", "a?", False), ("x1.tif", "x[0-9].tif", True), ("xa.tif", "x[!0-9].tif", True), ("a[1].tif", "a[[]1].tif", True),
        ("a+b.tif", "a+b.tif", True),
    ],
)  # fmt: skip
def test_patterns_fit_as_people_expect(path, pattern, wanted):
    assert fits(path, pattern) is wanted
