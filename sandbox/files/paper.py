"""PDF pages by reportlab, with embedded fonts and process black, the same bytes every time."""

from __future__ import annotations

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

import font_roboto
from reportlab.lib.units import mm
from reportlab.lib.utils import ImageReader
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas

REGULAR, BOLD, ITALIC = "Roboto-Regular", "Roboto-Bold", "Roboto-Italic"
A4 = (210.0, 297.0)
FONTS = Path(str(font_roboto.__file__)).parent / "files"


@cache
def _register() -> None:
    for name in (REGULAR, BOLD, ITALIC):
        pdfmetrics.registerFont(TTFont(name, str(FONTS / f"{name}.ttf")))


class Paper:
    """A canvas of millimetres with the origin at the lower left, or where `origin` puts it."""

    def __init__(self, path: Path, size: tuple[float, float], title: str = "", author: str = "", origin: float = 0) -> None:
        _register()
        self.size, self.origin = size, origin
        # Roboto from the start: the canvas would name Helvetica on every page, which is not embedded
        self.canvas: Any = Canvas(str(path), pagesize=(size[0] * mm, size[1] * mm), initialFontName=REGULAR, invariant=1)
        self.canvas.setTitle(title)
        self.canvas.setAuthor(author)
        self.canvas.setCreator("Sandbox Layout")
        self._fresh = True

    def black(self) -> None:
        self.canvas.setFillColorCMYK(0, 0, 0, 1)

    def _begin(self) -> None:
        """Black on a new page; only once something is drawn, since the canvas would take an empty page for one more."""
        if self._fresh:
            self._fresh = False
            self.black()

    def text(self, x: float, y: float, said: str, size: float = 10, font: str = REGULAR, align: str = "left") -> None:
        self._begin()
        self.canvas.setFont(font, size)
        draw = {"left": self.canvas.drawString, "right": self.canvas.drawRightString, "centre": self.canvas.drawCentredString}[align]
        draw((x + self.origin) * mm, (y + self.origin) * mm, said)

    def column(self, x: float, y: float, said: list[str], size: float = 10, leading: float = 5, font: str = REGULAR) -> None:
        """Lines downwards from (x, y), `leading` millimetres apart."""
        self._begin()
        body = self.canvas.beginText((x + self.origin) * mm, (y + self.origin) * mm)
        body.setFont(font, size, leading * mm)
        body.textLines(said, trim=0)
        self.canvas.drawText(body)

    def box(self, x: float, y: float, width: float, height: float, colour: tuple[float, float, float, float]) -> None:
        self._begin()
        self.canvas.setFillColorCMYK(*colour)
        self.canvas.rect((x + self.origin) * mm, (y + self.origin) * mm, width * mm, height * mm, stroke=0, fill=1)
        self.black()

    def line(self, x1: float, y1: float, x2: float, y2: float, width: float = 0.1) -> None:
        self._begin()
        self.canvas.setStrokeColorCMYK(0, 0, 0, 1)
        self.canvas.setLineWidth(width * mm)
        o = self.origin
        self.canvas.line((x1 + o) * mm, (y1 + o) * mm, (x2 + o) * mm, (y2 + o) * mm)

    def image(self, image: BytesIO, x: float, y: float, width: float, height: float) -> None:
        """A JPEG goes in as it is."""
        self._begin()
        self.canvas.drawImage(ImageReader(image), (x + self.origin) * mm, (y + self.origin) * mm, width * mm, height * mm)

    def next(self) -> None:
        self.canvas.showPage()
        self._fresh = True

    def save(self) -> None:
        self.canvas.save()
