"""Contracts from the office scanner: pages that are pictures, a little askew."""

from __future__ import annotations

import textwrap
from io import BytesIO
from pathlib import Path

import numpy
from PIL import Image, ImageDraw, ImageFont

from sandbox.files import prose
from sandbox.files.order import Order
from sandbox.files.paper import A4, FONTS, Paper

_DPI = 150


def contract(order: Order, path: Path) -> None:
    deal = order.work.contract
    roll = order.roll
    clauses = [f"{number}. {prose.paragraph(roll, 5)}" for number in range(1, 9)]
    signed = f"signed {deal.signed:%d %B %Y}" if deal.signed else "(unsigned)"
    parties = (f"{order.author} (the Author) and", "Lantern & Quill Publishing (the Publisher)")
    head = [f"AGREEMENT No. {deal.id}", "", "between", *parties, "concerning", order.title, signed, ""]
    lines = head + [line for clause in clauses for line in [*textwrap.wrap(clause, 78), ""]]
    rows = 46
    count = order.pages or max(2, -(-len(lines) // rows))
    paper = Paper(path, A4, "Scan", "")
    for number in range(count):
        page = lines[number * rows : (number + 1) * rows] or [f"(page {number + 1})"]
        paper.image(_scanned(order, number, page), 0, 0, *A4)
        paper.next()
    paper.save()


def _scanned(order: Order, number: int, lines: list[str]) -> BytesIO:
    roll = order.roll
    width, height = round(A4[0] / 25.4 * _DPI), round(A4[1] / 25.4 * _DPI)
    image = Image.new("L", (width, height), 246)
    draw = ImageDraw.Draw(image)
    font = ImageFont.truetype(str(FONTS / "Roboto-Regular.ttf"), 22)
    for place, line in enumerate(lines):
        draw.text((120, 130 + place * 33), line, fill=40, font=font)
    image = image.rotate(roll.uniform(-0.8, 0.8), fillcolor=238)
    grain = numpy.random.default_rng(roll.getrandbits(62) + number).normal(0, 4, (height, width))
    noisy = numpy.clip(numpy.asarray(image, numpy.float32) + grain, 0, 255).astype(numpy.uint8)
    file = BytesIO()
    Image.fromarray(noisy).save(file, "JPEG", quality=45, dpi=(_DPI, _DPI))
    file.seek(0)
    return file
