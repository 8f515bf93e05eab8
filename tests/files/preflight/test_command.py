"""`colophon preflight`: says what is wrong, and by its exit status whether anything fails."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from colophon.cli import main
from tests.files import makers


def test_good_files_exit_with_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pdf = makers.pdf(tmp_path / f"{makers.ISBN}_text.pdf")
    (tmp_path / f"{makers.ISBN}.jpg").write_bytes(makers.cover_jpeg((500, 800)))
    assert (
        main(["preflight", str(pdf), str(tmp_path / f"{makers.ISBN}.jpg"), "--pages", "16", "--trim", "129x198", "--pdfx", "PDF/X-1a"]) == 0
    )
    said = capsys.readouterr().out.splitlines()
    assert said[0] == f"ok    {makers.ISBN}_text.pdf  (application/pdf, 16 pages, 129 × 198 mm)"
    assert said[1] == f"ok    {makers.ISBN}.jpg  (image/jpeg, 500 × 800 pixels)"


def test_the_name_says_which_isbn_and_part(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pdf = makers.pdf(tmp_path / f"{makers.OTHER_ISBN}_text.pdf", pages=15)
    assert main(["preflight", str(pdf), "--json"]) == 1
    (row,) = json.loads(capsys.readouterr().out)
    assert [one["code"] for one in row["findings"]] == ["isbn-wrong", "pages-uneven"]
    assert row["fails"] is True
    assert row["facts"]["pages"] == 15


def test_several_sound_files_are_one_audiobook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(makers.mp3(tmp_path / name, makers.speech(4.0))) for name in ("01.mp3", "03.mp3")]
    assert main(["preflight", *files]) == 1
    said = capsys.readouterr().out
    assert "chapter-gap" in said
    assert "credits-opening" in said


def test_unsafe_files_are_not_looked_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "text.pdf").write_bytes(b"MZ\x90\0" + b"\0" * 200)
    assert main(["preflight", str(tmp_path / "text.pdf")]) == 1
    assert capsys.readouterr().out.startswith("FAIL  text.pdf")


def test_a_path_that_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preflight", str(tmp_path / "absent.pdf")]) == 1
    assert "there is no such file" in capsys.readouterr().err


def test_measures_that_are_none_are_a_wrong_command_line(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["preflight", "a.pdf", "--trim", "A5"])
    assert ended.value.code == 2
