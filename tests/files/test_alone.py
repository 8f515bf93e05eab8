"""Work in a process of its own: what goes wrong there is said here, and nothing else happens."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from include.files import alone
from include.files.model import Checked, Sniffed
from include.files.preflight import Expected, acx
from include.files.preflight.check import check_here
from include.files.previews import facts
from include.files.previews.make import here
from tests.files import makers

ROOT = Path(__file__).resolve().parents[2]


def test_a_reader_that_fails_is_said_without_paths(tmp_path: Path) -> None:
    request = {"local": str(tmp_path / "absent"), "sniffed": {}, "longest": 1200}
    with pytest.raises(alone.Stopped, match=r"^The file made its reader fail \(TypeError\)\.$"):
        alone.run("preview", request, seconds=30)


def test_a_reader_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    with pytest.raises(alone.Stopped, match=r"longer than 0\.01 seconds"):
        alone.run("preview", {}, seconds=0.01)


@pytest.mark.skipif(not Path("/proc").exists(), reason="memory is limited where the system can")
def test_a_reader_that_eats_memory_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "greedy.py").write_text("def job(request):\n    return bytes(64 << 30)\n")
    script = "import sys, include.files.alone as alone; alone.JOBS['greedy'] = 'greedy'; sys.exit(alone.main(['greedy', '30']))"
    paths = alone.environment() | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    done = subprocess.run([sys.executable, "-c", script], input=b"{}", capture_output=True, check=False, env=paths, cwd=tmp_path)
    assert done.returncode != 0
    assert done.stderr.strip().endswith(b"MemoryError")


def test_our_secrets_stay_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "secret")
    monkeypatch.setenv("AIRFLOW_CONN_LEDGER", "postgresql://colophon:secret@ledger/")
    assert "secret" not in " ".join(alone.environment().values())


def _files(folder: Path) -> list[tuple[Path, Sniffed, Expected]]:
    (folder / "a.jpg").write_bytes(makers.cover_jpeg((200, 300)))
    makers.cover((200, 300)).save(folder / "a.tif", compression="tiff_lzw")
    makers.cover((100, 150)).save(folder / "a.png")
    text = Expected(part="text", isbn=makers.ISBN, pages=16, trim_mm=(129, 198), bleed_mm=3, pdfx=("PDF/X-1a",), colour="cmyk", min_dpi=300)
    return [
        (makers.pdf(folder / "a.pdf"), makers.PDF, text),
        (makers.epub(folder / "a.epub"), makers.EPUB, Expected(isbn=makers.ISBN, accessibility=True)),
        (makers.mp3(folder / "a.mp3", makers.speech(4.0)), makers.MP3, acx()),
        (makers.film(folder / "a.mp4"), makers.MP4, Expected()),
        (folder / "a.jpg", makers.JPEG, Expected(colour="rgb")),
        (folder / "a.tif", makers.TIFF, Expected(colour="rgb")),
        (folder / "a.png", makers.PNG, Expected(colour="rgb")),
    ]


@pytest.mark.long
def test_damaged_bytes_never_raise(tmp_path: Path) -> None:
    dice = random.Random(11)
    for path, sniffed, expected in _files(tmp_path):
        whole = path.read_bytes()
        for _ in range(150):
            path.write_bytes(_damaged(whole, dice))
            assert isinstance(check_here(path, path.name, sniffed, expected), Checked)
            assert isinstance(facts(path, sniffed), dict)
            made = here(path, sniffed, 200)
            assert made.jpeg or made.reason


def _damaged(whole: bytes, dice: random.Random) -> bytes:
    ways: list[Callable[[bytearray], None]] = [
        lambda data: data.__setitem__(dice.randrange(len(data)), dice.randrange(256)),
        lambda data: data.__delitem__(slice(dice.randrange(len(data)), None)),
        lambda data: data.__delitem__(slice(at := dice.randrange(len(data)), at + dice.randrange(1, 50))),
        lambda data: data.__setitem__(slice(at := dice.randrange(len(data)), at + 4), dice.randbytes(4)),
    ]
    data = bytearray(whole)
    for _ in range(dice.randrange(1, 12)):
        if data:
            dice.choice(ways)(data)
    return bytes(data)
