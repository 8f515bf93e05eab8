"""Barcodes of a cover are read, whatever their size and direction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportlab.graphics import renderPDF
from reportlab.graphics.barcode.eanbc import Ean13BarcodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import CMYKColor

from include.files.preflight import Expected, barcode
from include.files.preflight.pdf import check_pdf
from tests.files import makers

COVER = Expected(part="cover", isbn=makers.ISBN, trim_mm=(129, 198), spine_mm=20, colour="cmyk")
MM = makers.MM


def on_cover(isbn: str, *, scale: float = 1.0, turn: float = 0.0) -> Any:
    """A barcode without its number in letters, on white."""

    def paint(canvas: Any, number: int) -> None:
        canvas.setFillColorCMYK(0.9, 0.2, 0, 0)
        canvas.rect(0, 0, 800, 600, stroke=0, fill=1)
        canvas.translate(70 * MM, 70 * MM)
        canvas.rotate(turn)
        canvas.scale(scale, scale)
        canvas.setFillColorCMYK(0, 0, 0, 0)
        canvas.rect(-3 * MM, -3 * MM, 44 * MM, 30 * MM, stroke=0, fill=1)
        drawing = Drawing(40 * MM, 27 * MM)
        black = CMYKColor(0, 0, 0, 1)
        drawing.add(Ean13BarcodeWidget(isbn, barHeight=20 * MM, barWidth=0.33 * MM, humanReadable=0, barFillColor=black, barStrokeWidth=0))
        renderPDF.draw(drawing, canvas, 0, 0)

    return paint


def seen(path: Path) -> tuple[str, ...]:
    document = pypdfium2.PdfDocument(path)
    try:
        return barcode.barcodes(document[0])
    finally:
        document.close()


@pytest.mark.parametrize("turn", [0, 90, 180, 270, 3])
@pytest.mark.parametrize("scale", [0.8, 1.0, 1.2])
def test_barcode_is_read(tmp_path: Path, scale: float, turn: float) -> None:
    path = makers.pdf(tmp_path / "a.pdf", pages=1, trim=(278, 198), isbn="", paint=on_cover(makers.ISBN, scale=scale, turn=turn))
    assert seen(path) == (makers.ISBN,)


def test_right_barcode_says_whose_cover_it_is(tmp_path: Path) -> None:
    path = makers.pdf(tmp_path / "a.pdf", pages=1, trim=(278, 198), isbn="", paint=on_cover(makers.ISBN))
    findings, facts = check_pdf(path, COVER)
    assert findings == []
    assert facts["barcodes"] == [makers.ISBN]


def test_wrong_barcode_fails_though_the_text_is_right(tmp_path: Path) -> None:
    path = makers.pdf(tmp_path / "a.pdf", pages=1, trim=(278, 198), paint=on_cover(makers.OTHER_ISBN))
    (finding,) = check_pdf(path, replace(COVER, isbns=(makers.OTHER_ISBN,)))[0]
    assert (finding.code, finding.message) == (
        "isbn-wrong",
        f"The barcode is {makers.OTHER_ISBN} (another format's of this title), not {makers.ISBN}.",
    )


def test_other_trades_barcodes_are_no_isbns(tmp_path: Path) -> None:
    path = makers.pdf(tmp_path / "a.pdf", pages=1, trim=(278, 198), paint=on_cover("5012345678900"))
    assert seen(path) == ("5012345678900",)
    assert check_pdf(path, COVER)[0] == []


@given(st.integers(0, 2**32 - 1))
def test_noise_holds_no_barcodes(seed: int) -> None:
    random = np.random.default_rng(seed)
    assert barcode.read(random.random((60, 600)) < 0.5, step=5) == ()
    assert barcode.read(np.repeat(random.random((60, 300)) < 0.5, 2, axis=1), step=5) == ()
