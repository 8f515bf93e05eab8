"""The job ticket as one page of PDF, the same bytes for the same ticket. Roboto has Latin, Greek and Cyrillic; other scripts are named."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

from include.packages.ticket import SECTIONS

_ONE_LINE = ("quantities", "finishes", "embellishments")
_MOST_LINES = 70
_LONGEST = 600  # letters of one value
_INK, _RULE = "#1a1a1a", "#6b6b6b"


def as_pdf(content: Mapping[str, Any]) -> bytes:
    """A4, one page: what is too long is set smaller, then cut, and says so."""
    from reportlab.lib.colors import HexColor
    from reportlab.lib.pagesizes import A4
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.lib.units import mm
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import Frame, KeepInFrame, Paragraph, Spacer, Table, TableStyle

    regular, bold = _fonts()
    ink, rule = HexColor(_INK), HexColor(_RULE)

    def style(size: float, font: str = regular, after: float = 0) -> Any:
        return ParagraphStyle("one", fontName=font, fontSize=size, leading=size * 1.3, textColor=ink, spaceAfter=after, wordWrap=None)

    label, value = style(8.5), style(9)
    label.textColor = rule
    job = content["job"]
    flow: list[Any] = [
        Paragraph("Job ticket", style(9, bold)),
        Paragraph(_shown(str(job.get("title", ""))) or "(no title)", style(19, bold, 2)),
    ]
    if job.get("subtitle"):
        flow.append(Paragraph(_shown(str(job["subtitle"])), style(11, after=2)))
    flow.append(Paragraph(_shown(f"ISBN {job.get('isbn', '')}"), style(11, bold, 4)))
    flow.append(Spacer(1, 2 * mm))
    rows, cut = _rows(content)
    cells = [
        [Paragraph(_shown(section), style(9, bold)), Paragraph(_shown(name), label), Paragraph(_shown(text), value)]
        for section, name, text in rows
    ]
    lines = [("LINEABOVE", (0, row), (-1, row), 0.4, rule) for row, (section, _, _) in enumerate(rows) if section]
    table = Table(cells, colWidths=[30 * mm, 38 * mm, 106 * mm], hAlign="LEFT")
    table.setStyle(
        TableStyle([("VALIGN", (0, 0), (-1, -1), "TOP"), ("TOPPADDING", (0, 0), (-1, -1), 1.2), ("BOTTOMPADDING", (0, 0), (-1, -1), 1.2),
                    ("LEFTPADDING", (0, 0), (-1, -1), 0), *lines])
    )  # fmt: skip
    flow.append(table)
    if cut:
        flow.append(Paragraph(f"{cut} more lines in the ticket's CSV and JSON.", style(9, bold)))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=A4, invariant=1, pageCompression=1)
    canvas.setTitle(f"Job ticket {job.get('isbn', '')}")
    canvas.setAuthor(str(job.get("publisher", "")))
    width, height = A4
    frame = Frame(18 * mm, 20 * mm, width - 36 * mm, height - 36 * mm, leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0)
    frame.addFromList([KeepInFrame(width - 36 * mm, height - 36 * mm, flow, mode="shrink")], canvas)
    canvas.setFont(regular, 7.5)
    canvas.setFillColor(rule)
    canvas.drawString(18 * mm, 11 * mm, _plain(f"{job.get('publisher', '')}   ISBN {job.get('isbn', '')}"))
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _rows(content: Mapping[str, Any]) -> tuple[list[tuple[str, str, str]], int]:
    """(section once, field, value), and how many rows were cut."""
    rows: list[tuple[str, str, str]] = []

    def add(section: str, fields: Mapping[str, Any], number: str = "") -> None:
        for place, (name, text) in enumerate(fields.items()):
            rows.append(((section if place == 0 else ""), f"{name}{number}", str(text)[:_LONGEST]))

    add("Job", {name: text for name, text in content["job"].items() if name not in {"isbn", "title", "subtitle"}})
    for section in ("extent", "measures", "dates"):
        add(section.capitalize(), content[section])
    run = content["run"]
    if content["note"]:
        rows.append(("Run", "note", content["note"]))
    if run is not None:
        add("" if content["note"] else "Run", {"name": run["name"] or run["id"]})
        for section, _ in SECTIONS:
            many = len(run[section]) > 1
            for number, item in enumerate(run[section], start=1):
                short = _in_one_line(item) if section in _ONE_LINE else item
                add(section.capitalize() if number == 1 else "", short, f" {number}" if many and short is item else "")
    contact: list[tuple[str, str, str]] = [
        ("Contact" if place == 0 else "", name, str(text)) for place, (name, text) in enumerate(content["contact"].items())
    ]
    cut = max(0, len(rows) + len(contact) - _MOST_LINES)
    return [*(rows[:-cut] if cut else rows), *contact], cut


def _in_one_line(item: Mapping[str, Any]) -> dict[str, str]:
    """{"UK": "4000 copies, first half"}; what has no name stands under a dash."""
    values = [f"{text} copies" if name == "quantity" else str(text) for name, text in item.items() if name != "name"]
    return {str(item.get("name") or "–"): ", ".join(values) or "yes"}


def _shown(text: str) -> str:
    """For a paragraph: marked up, with words in scripts that the font lacks named instead of drawn as boxes."""
    return escape(_plain(text))


def _plain(text: str) -> str:
    known = _letters()
    shown: list[str] = []
    missing: list[str] = []
    spaces = ""

    def close() -> None:
        nonlocal spaces
        if missing:
            shown.append(f"[{_script(missing)}: see the ticket's JSON]{spaces}")
        missing.clear()
        spaces = ""

    for letter in unicodedata.normalize("NFC", text):
        if letter.isspace() and missing:
            spaces = " "
        elif ord(letter) in known or letter.isspace():
            close()
            shown.append(letter)
        elif unicodedata.category(letter) not in {"Mn", "Cf", "Cc"}:
            missing.append(letter)
    close()
    return "".join(shown)


def _script(letters: list[str]) -> str:
    """HEBREW LETTER ALEF → Hebrew. What has no name: other signs."""
    for letter in letters:
        name = unicodedata.name(letter, "").split(" ")[0]
        if unicodedata.category(letter).startswith("L") and name:
            return {"CJK": "Chinese characters"}.get(name, name.capitalize())
    return "other signs"


@cache
def _fonts() -> tuple[str, str]:
    from font_roboto import Roboto, RobotoBold
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    pdfmetrics.registerFont(TTFont("TicketRegular", Roboto))
    pdfmetrics.registerFont(TTFont("TicketBold", RobotoBold))
    return "TicketRegular", "TicketBold"


@cache
def _letters() -> frozenset[int]:
    from reportlab.pdfbase import pdfmetrics

    regular, bold = _fonts()
    return frozenset(pdfmetrics.getFont(regular).face.charToGlyph) & frozenset(pdfmetrics.getFont(bold).face.charToGlyph)
