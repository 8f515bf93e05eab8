"""Types by the bytes, and what puremagic would have said instead (the reason why it is not relied upon)."""

from __future__ import annotations

import zipfile
from pathlib import Path

import puremagic
import pytest

from include.files import sniff
from tests.files import good
from tests.files.good import GOOD


def sniffed(tmp_path: Path, content: bytes, name: str) -> sniff.Sniffed:
    local = tmp_path / "file"
    local.write_bytes(content)
    return sniff.sniff(local, name)


@pytest.mark.parametrize("name", [name for name in GOOD if "." in name and GOOD[name][1] not in {".csv", ".json", ".m4b"}])
def test_type_does_not_depend_on_the_name_but_among_texts_and_sound(name: str, tmp_path: Path) -> None:
    make, want = GOOD[name]
    assert sniffed(tmp_path, make(), "x.dat").extension == want


def test_names_decide_among_plain_texts(tmp_path: Path) -> None:
    assert sniffed(tmp_path, b"a,b\n", "a.csv").media_type == "text/csv"
    assert sniffed(tmp_path, b"a,b\n", "a.pdf").media_type == "text/plain"
    assert sniffed(tmp_path, b"<b>bold</b> words", "a.md").extension == ".md"


@pytest.mark.parametrize(
    ("name", "extension"),
    [
        ("a.PDF", ".pdf"),
        ("Vol. 2 final", ""),
        ("a", ""),
        (".hidden", ""),
        ("x/y.tar.gz", ".gz"),
        ("a\\b.Jpg", ".jpg"),
        ("Chapter 1. The end", ""),
        ("a.", ""),
    ],
)
def test_suffix(name: str, extension: str) -> None:
    assert sniff.suffix(name) == extension


def test_mp3_needs_two_frames(tmp_path: Path) -> None:
    assert sniffed(tmp_path, good.MP3, "x").extension == ".mp3"
    assert sniffed(tmp_path, good.MP3[:4] + bytes(range(256)) * 4, "x") == sniff.UNKNOWN


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_text_in_every_encoding_of_an_author(encoding: str, tmp_path: Path) -> None:
    text = good.PROSE * 3000  # longer than what is looked at: the last character is cut
    assert sniffed(tmp_path, text.encode(encoding), "a.txt") == sniff.TEXT


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (good.zipped({"a.txt": b"x"}, zipfile.ZIP_STORED), ".docx"),  # every ZIP
        (good.odt(), ".docx"),
        (b"BM is a town", ".bmp"),
        (b"MZ was here", ".exe"),
        ("notes".encode("utf-16"), ".ini"),
    ],
)
def test_puremagic_is_wrong_where_we_are_right(content: bytes, wrong: str, tmp_path: Path) -> None:
    assert puremagic.magic_string(content)[0].extension == wrong
    assert sniffed(tmp_path, content, "x").extension != wrong


def test_puremagic_does_not_know_a_pdf_behind_a_line_break() -> None:
    with pytest.raises(puremagic.PureError):
        puremagic.magic_string(b"\r\n\r\n%PDF-1.7\n%%EOF")


def test_what_is_refused_gets_a_name_where_there_is_one(tmp_path: Path) -> None:
    local = tmp_path / "old.rar"
    local.write_bytes(b"Rar!\x1a\x07\x01\0" + bytes(100))
    assert "rar" in sniff.resembles(local).lower()
    local.write_bytes(bytes((x * 197) % 251 for x in range(500)))
    assert sniff.resembles(local) == ""
