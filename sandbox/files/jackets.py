"""Covers and jackets laid flat: back, spine, front, and the flaps of a jacket, with a barcode whose number can be read as text."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw
from reportlab.graphics import renderPDF
from reportlab.graphics.barcode.eanbc import Ean13BarcodeWidget
from reportlab.graphics.shapes import Drawing
from reportlab.lib.colors import CMYKColor
from reportlab.lib.units import mm
from stdnum import isbn as isbn_number

from sandbox.files import press, prose
from sandbox.files.order import Order
from sandbox.files.pages import _crop_marks, printed_isbn, trim_of
from sandbox.files.paper import BOLD, ITALIC, REGULAR, Paper
from sandbox.files.press import SLUG

DEFECTS = frozenset({
    "no-trimbox", "no-bleed", "small-bleed", "wrong-spine", "wrong-trim", "font-not-embedded", "rgb-image", "low-resolution", "no-pdfx",
    "no-intent", "encrypted", "wrong-isbn", "two-many-pages", "annotation", "layers", "script",
})  # fmt: skip
FLAP = 80.0  # mm
_BLACK = CMYKColor(0, 0, 0, 1)


def spine_of(order: Order) -> float:
    """The product's thickness, or a sixteenth of a millimetre for each page."""
    product = order.product
    if product is not None and product.thickness_mm is not None:
        return float(product.thickness_mm)
    return round((product.pages if product and product.pages else 240) / 16, 1)


def jacket(order: Order, path: Path) -> None:
    """`part` cover: back, spine and front; jacket: with flaps of `FLAP` mm."""
    width, height = trim_of(order)
    if order.defect == "wrong-trim":
        width -= 5
    spine = spine_of(order) + (4 if order.defect == "wrong-spine" else 0)
    flap = 0.0 if order.part == "cover" else FLAP
    flat = 2 * (width + flap) + spine
    roll = order.roll
    paper = Paper(path, (flat + 2 * SLUG, height + 2 * SLUG), order.title, order.author, origin=SLUG)
    hue = (roll.random() * 0.8, roll.random() * 0.8, roll.random() * 0.5, 0.1)
    _crop_marks(paper, flat, height)
    bleed = press.BLEED
    paper.box(-bleed, -bleed, flat + 2 * bleed, height + 2 * bleed, hue)
    front = flap + width + spine
    paper.image(_picture(order, width, height, hue), front, 0, width, height * 0.62)
    paper.box(front + 8, height * 0.68, width - 16, height * 0.26, (0, 0, 0.06, 0))
    paper.text(front + width / 2, height * 0.84, order.title[:34], 18, BOLD, "centre")
    paper.text(front + width / 2, height * 0.74, order.author[:48], 11, ITALIC, "centre")
    _spine(paper, order, flap + width + spine / 2, height)
    paper.box(flap + 8, height * 0.4, width - 16, height * 0.5, (0, 0, 0.06, 0))
    lines = prose.lines(roll, int((width - 24) / 1.75))
    paper.column(flap + 12, height * 0.86, [next(lines) for _ in range(int(height * 0.42 / 5))], 9.5, 5)
    _barcode(paper, printed_isbn(order), flap + width - 52, 10)
    if flap:
        for left in (0.0, flap + 2 * width + spine):
            paper.box(left + 6, height * 0.2, flap - 12, height * 0.7, (0, 0, 0.06, 0))
            lines = prose.lines(roll, 38)
            paper.column(left + 9, height * 0.85, [next(lines) for _ in range(int(height * 0.6 / 5))], 9, 5)
    if order.defect == "font-not-embedded":
        paper.text(flap + 12, height * 0.1, "Lantern & Quill", 9, "Helvetica")
    paper.next()
    if order.defect == "two-many-pages":
        for _ in range(2):
            paper.text(20, 20, "Notes", 9)
            paper.next()
    paper.save()
    press.finish(path, (flat, height), order.made, pdfx=order.pdfx, defect=order.defect)


def _spine(paper: Paper, order: Order, middle: float, height: float) -> None:
    paper.canvas.saveState()
    paper.canvas.translate((middle + SLUG) * mm, (height * 0.9 + SLUG) * mm)
    paper.canvas.rotate(-90)
    paper.canvas.setFont(BOLD, 10)
    paper.canvas.setFillColorCMYK(0, 0, 0.06, 0)
    paper.canvas.drawString(0, -3.5, f"{order.title[:40]}   {order.author[:30]}")
    paper.canvas.restoreState()


def _barcode(paper: Paper, isbn: str, x: float, y: float) -> None:
    paper.box(x, y, 44, 34, (0, 0, 0, 0))
    if not isbn_number.is_valid(isbn):
        return
    paper.text(x + 22, y + 29, f"ISBN {isbn_number.format(isbn)}", 8, REGULAR, "centre")
    widget = Ean13BarcodeWidget(
        isbn, fontName=REGULAR, fontSize=9, barFillColor=_BLACK, textColor=_BLACK, barHeight=20 * mm, barWidth=0.33 * mm
    )
    drawing = Drawing(40 * mm, 27 * mm)
    drawing.add(widget)
    renderPDF.draw(drawing, paper.canvas, (x + 3 + SLUG) * mm, (y + 2 + SLUG) * mm, showBoundary=0)
    paper.black()


def _picture(order: Order, width: float, height: float, hue: tuple[float, ...]) -> BytesIO:
    """A CMYK JPEG of 300 dots per inch, or what the defect says. The canvas places JPEGs as they are."""
    dots = 110 if order.defect == "low-resolution" else 300
    size = (round(width / 25.4 * dots), round(height * 0.62 / 25.4 * dots))
    return BytesIO(art(order, size, "RGB" if order.defect == "rgb-image" else "CMYK", hue))


def art(order: Order, size: tuple[int, int], mode: str, hue: tuple[float, ...]) -> bytes:
    """A JPEG with shapes in the hue's colours."""
    roll = order.roll
    ground = tuple(round(255 * (part if mode == "CMYK" else 1 - part)) for part in hue[: len(mode)])
    image = Image.new(mode, size, ground)
    draw = ImageDraw.Draw(image)
    for _ in range(9):
        x, y, r = roll.randrange(size[0]), roll.randrange(size[1]), roll.randrange(size[0] // 10 + 1, size[0] // 3 + 2)
        fill = tuple(roll.randrange(0, 200) if place < 3 else 0 for place in range(len(mode)))
        draw.ellipse((x - r, y - r, x + r, y + r), fill=fill)
    file = BytesIO()
    image.save(file, "JPEG", quality=80, dpi=(300, 300))
    return file.getvalue()
