"""The typesetter's pages: as many as the product has, trimmed as it is, ready for the press."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw
from reportlab.lib.units import mm
from stdnum import isbn as isbn_number

from sandbox.files import press, prose
from sandbox.files.order import Order
from sandbox.files.paper import BOLD, ITALIC, REGULAR, Paper
from sandbox.files.press import SLUG

DEFECTS = frozenset({
    "no-trimbox", "no-bleed", "small-bleed", "wrong-pages", "odd-pages", "wrong-trim", "font-not-embedded", "rgb-image", "low-resolution",
    "no-pdfx", "no-intent", "encrypted", "wrong-isbn", "annotation", "layers", "script", "mixed-pages",
})  # fmt: skip
OTHER_ISBN = "9781909999992"  # a valid number of another publisher


def trim_of(order: Order) -> tuple[float, float]:
    """(width, height) in mm. Raises ValueError for a product without measures."""
    product = order.product
    if product is None or product.width_mm is None or product.height_mm is None:
        raise ValueError("the product has no measures to make pages for")
    return float(product.width_mm), float(product.height_mm)


def printed_isbn(order: Order) -> str:
    return OTHER_ISBN if order.defect == "wrong-isbn" else order.isbn


def interior(order: Order, path: Path) -> None:
    if order.product is None or not order.product.pages:
        raise ValueError("the product has no page count")
    width, height = trim_of(order)
    if order.defect == "wrong-trim":
        width, height = width - 6, height - 9
    count = (
        order.product.pages
        + (order.product.front_pages or 0)
        + (order.product.back_pages or 0)
        + {"wrong-pages": 32, "odd-pages": 1}.get(order.defect, 0)
    )
    roll = order.roll
    paper = Paper(path, (width + 2 * SLUG, height + 2 * SLUG), order.title, order.author, origin=SLUG)
    margin, leading = (18.0, 4.9)
    rows, columns = int((height - 2 * margin - 8) / leading), int((width - 2 * margin) / 1.72)
    running = prose.lines(roll, columns)
    picture = _picture(order)
    for number in range(1, count + 1):
        _crop_marks(paper, width, height)
        if number == 1:
            paper.text(width / 2, height * 0.68, order.title[:60], 20, BOLD, "centre")
            paper.text(width / 2, height * 0.6, order.author[:70], 12, ITALIC, "centre")
            paper.text(width / 2, 20, order.work.imprint, 10, REGULAR, "centre")
        elif number == 2:
            paper.column(margin, 70, _imprint_page(order), 7.5, 3.8)
        elif number == 3:
            paper.image(picture, margin, height * 0.4, 60, 80)
            paper.text(margin, height * 0.4 - 6, prose.sentence(roll)[:60], 8, ITALIC)
        else:
            if number % 20 == 5:
                paper.text(width / 2, height - margin - 6, prose.chapter_title(roll), 15, BOLD, "centre")
                said = [next(running) for _ in range(rows - 6)]
                paper.column(margin, height - margin - 6 * leading, said, 9.5, leading)
            else:
                paper.column(margin, height - margin, [next(running) for _ in range(rows)], 9.5, leading)
            paper.text(margin if number % 2 == 0 else width - margin, 10, str(number), 8, REGULAR, "left" if number % 2 == 0 else "right")
        if order.defect == "font-not-embedded" and number == 4:
            paper.text(margin, 14, "Set in another typeface.", 8, "Helvetica")
        if order.defect == "mixed-pages" and number == 5:
            paper.canvas.setPageSize(((width + 2 * SLUG + 20) * mm, (height + 2 * SLUG) * mm))
        paper.next()
    paper.save()
    trim = (width, height)
    press.finish(path, trim, order.made, pdfx=order.pdfx, defect=order.defect)
    if order.defect == "mixed-pages":
        _widen(path, 5, trim)


def _imprint_page(order: Order) -> list[str]:
    isbn = printed_isbn(order)
    shown = f"ISBN {isbn_number.format(isbn)}" if isbn_number.is_valid(isbn) else f"ISBN {isbn}" if isbn else ""
    year = order.product.publication_date.year if order.product and order.product.publication_date else order.made.year
    return [
        f"First published in Great Britain in {year}",
        f"by {order.work.imprint}, an imprint of Lantern & Quill Publishing",
        "14 Paternoster Lane, London EC4M 7AB",
        "",
        f"Copyright © {order.author[:60]} {year}",
        "",
        shown,
        "",
        "Typeset by Compositor Ltd",
    ]


def _picture(order: Order) -> BytesIO:
    """60 × 80 mm, grey, 300 dots per inch, or what the defect says."""
    dots = 110 if order.defect == "low-resolution" else 300
    size = (round(60 / 25.4 * dots), round(80 / 25.4 * dots))
    roll = order.roll
    image = Image.new("RGB" if order.defect == "rgb-image" else "L", size, "white")
    draw = ImageDraw.Draw(image)
    for _ in range(14):
        x, y, r = roll.randrange(size[0]), roll.randrange(size[1]), roll.randrange(size[0] // 12, size[0] // 3)
        shade = roll.randrange(60, 220)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=(shade, shade // 2, 90) if image.mode == "RGB" else shade)
    file = BytesIO()
    image.save(file, "PNG")
    file.seek(0)
    return file


def _crop_marks(paper: Paper, width: float, height: float) -> None:
    near, far = 4.0, 9.0  # from the trimmed edge
    for x in (0.0, width):
        paper.line(x, -near, x, -far)
        paper.line(x, height + near, x, height + far)
    for y in (0.0, height):
        paper.line(-near, y, -far, y)
        paper.line(width + near, y, width + far, y)


def _widen(path: Path, number: int, trim: tuple[float, float]) -> None:
    import pikepdf

    with pikepdf.open(path, allow_overwriting_input=True) as pdf:
        page = pdf.pages[number - 1]
        page.TrimBox = press._box(SLUG, (trim[0] + 20, trim[1]))
        page.BleedBox = press._box(SLUG - press.BLEED, (trim[0] + 20 + 2 * press.BLEED, trim[1] + 2 * press.BLEED))
        pdf.save(path, deterministic_id=True, force_version="1.3", object_stream_mode=pikepdf.ObjectStreamMode.disable)
