"""Preflight: pages of print PDFs and seconds of sound per second, against merely parsing every page.

The books are made here: text alone; text with a picture on each page, forms within forms. `--pages=N`, `--rounds=N`.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import pikepdf
from pikepdf import Array, Dictionary, Name

from include.files.preflight import Expected, acx
from include.files.preflight.audio import check_audio
from include.files.preflight.check import check_here
from tests.files import makers

ROOT = Path(__file__).resolve().parents[1]
TRIM = (129.0, 198.0)


def main(argv: Sequence[str] = ()) -> None:
    pages, rounds = int(_option(argv, "--pages", "2000")), int(_option(argv, "--rounds", "3"))
    expected = Expected(
        part="text",
        isbn=makers.ISBN,
        pages=pages,
        trim_mm=TRIM,
        bleed_mm=3,
        pdfx=("PDF/X-1a",),
        colour="cmyk",
        min_dpi=300,
        min_dpi_bitmap=550,
    )
    with tempfile.TemporaryDirectory() as folder:
        books = {
            "text": makers.pdf(Path(folder) / "text.pdf", pages=pages, paint=_lines),
            "pictures and forms": makers.pdf(Path(folder) / "art.pdf", pages=pages, paint=_picture, change=_nested),
        }
        print(f"{'':44}{'pages/s':>12}{'ms a page':>12}{'MB of file':>12}")
        for name, path in books.items():
            found = check_here(path, path.name, makers.PDF, expected)
            if found.findings:
                raise SystemExit(f"the book should have nothing wrong: {found.findings}")
            ways: dict[str, Callable[[], Any]] = {
                f"{name}: preflight": lambda path=path: check_here(path, path.name, makers.PDF, expected),
                f"{name}: pages parsed by pikepdf": lambda path=path: _parsed(path),
            }
            for way, seconds in _timed(ways, rounds).items():
                print(f"{way:44}{pages / seconds:12,.0f}{seconds / pages * 1000:12.2f}{path.stat().st_size / 1e6:12.1f}")
        print("\nPeak memory of a process that checks the second book: ", end="", flush=True)
        print(_alone(books["pictures and forms"]), "MB")
        _audio(Path(folder))


def _timed(ways: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Median processor seconds; rounds are interleaved, so that the machine's moods fall on all alike."""
    found: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            began = process_time()
            way()
            found[name].append(process_time() - began)
    return {name: statistics.median(seconds) for name, seconds in found.items()}


def _parsed(path: Path) -> int:
    """Every instruction of every page as pikepdf gives it, nothing looked at, forms not followed."""
    with pikepdf.open(path) as pdf:
        return sum(len(pikepdf.parse_content_stream(page)) for page in pdf.pages)


def _alone(path: Path) -> str:
    script = (
        "import resource, sys; from pathlib import Path; from include.files.preflight.pdf import check_pdf;"
        " from include.files.preflight import Expected; check_pdf(Path(sys.argv[1]), Expected(part='text', colour='cmyk', min_dpi=300));"
        " own = Path('/proc/self/status');"  # ru_maxrss begins with what the parent had
        " print(int(own.read_text().split('VmHWM:')[1].split()[0]) // 1024 if own.exists()"
        " else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20)"
    )
    return subprocess.run([sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()


def _audio(folder: Path) -> None:
    minutes = 10
    path = makers.mp3(folder / "01.mp3", makers.speech(minutes * 60.0))
    began = perf_counter()
    findings, facts = check_audio(path, makers.MP3, acx())
    taken = perf_counter() - began
    if findings:
        raise SystemExit(f"the chapter should have nothing wrong: {findings}")
    print(f"\nA chapter of {minutes} minutes by ACX's rules: {facts['seconds'] / taken:,.0f} × faster than it is heard")


def _lines(canvas: Any, number: int) -> None:
    """As full as a page of a novel."""
    canvas.setFont(makers.font(), 9)
    for line in range(28):
        canvas.drawString(40, 60 + 12 * line, (makers.PROSE[number % 40 :] + makers.PROSE)[line : line + 60])


def _picture(canvas: Any, number: int) -> None:
    _lines(canvas, number)
    makers.gray_picture(canvas, (60, 60), (600, 400), 1.5)


def _nested(pdf: pikepdf.Pdf) -> None:
    """An ornament on each page: a form in a form in a form."""
    form = pdf.make_stream(b"0 0 0 1 k 0 0 10 10 re f", Type=Name.XObject, Subtype=Name.Form, BBox=Array([0, 0, 10, 10]))
    for _ in range(3):
        form = pdf.make_stream(
            b"q .5 0 0 .5 0 0 cm /F Do Q q .5 0 0 .5 5 5 cm /F Do Q",
            Type=Name.XObject,
            Subtype=Name.Form,
            BBox=Array([0, 0, 10, 10]),
            Resources=Dictionary(XObject=Dictionary(F=form)),
        )
    for page in pdf.pages:
        page.contents_add(b"q 1 0 0 1 100 30 cm /Ornament Do Q")
        page.obj.Resources.XObject.Ornament = form


def _option(argv: Sequence[str], name: str, default: str) -> str:
    return next((word.partition("=")[2] for word in argv if word.startswith(f"{name}=")), default)


if __name__ == "__main__":
    main(sys.argv[1:])
