"""`colophon titles check`: what is wrong in a sheet, and what it would change."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.imports.office import NOW, Office, workbook


@pytest.fixture
def at_home(office: Office, mirror: Path, colophon_home: Path) -> Office:
    shutil.copy(mirror, colophon_home / "ledger.sqlite")
    return office


def command(*words: str) -> int:
    from colophon.cli import main

    return main(["titles", "check", *words])


def test_a_sheet_is_checked_and_nothing_is_written(at_home: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (_, first), (_, second) = at_home.editions(2)
    path = tmp_path / "sheet.xlsx"
    path.write_bytes(workbook(["ISBN", "Subtitle"], [first.isbn, "New"], [second.isbn, "x" * 400], made=NOW))
    assert command(str(path)) == 1
    told = capsys.readouterr().out
    assert "Subtitle: " in told
    assert "400 characters, 300 are allowed" in told
    assert "2 rows: 1 bad, 1 waiting" in told
    assert command(str(path), "--json") == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["counts"], told["lines"][0]["changes"][0]["after"]) == ({"bad": 1, "waiting": 1}, "New")
    assert at_home.mutations() == 0
    path.write_bytes(workbook(["ISBN", "Subtitle"], [first.isbn, "New"], made=NOW))
    assert command(str(path), "--mapping", "season") == 0


def test_what_can_not_be_read_is_said_with_what_to_do(at_home: Office, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "plans.csv"
    path.write_text("holiday,plans\n1,2\n")
    assert command(str(path)) == 1
    assert "Known headings: ISBN" in capsys.readouterr().err
    assert command(str(tmp_path / "none.xlsx")) == 1
    assert "there is no such file" in capsys.readouterr().err
