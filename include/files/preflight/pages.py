"""A PDF's pages and boxes in millimetres, and what the document says of itself.

Boxes by ISO 32000-1, 14.11.2: MediaBox and CropBox are inherited, TrimBox and BleedBox are not; UserUnit scales them all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pikepdf
from lxml import etree

from include.titles.identifiers import is_isbn13

MM = 25.4 / 72  # of a point
Box = tuple[float, float, float, float]  # left, bottom, right, top
_XMP = 4 << 20  # bytes
_PDFX = "{http://www.npes.org/pdfx/ns/id/}GTS_PDFXVersion"
_ISBN = re.compile(r"(?<!\d)9[ \t\u00a0\u2010-\u2015-]?7[ \t\u00a0\u2010-\u2015-]?[89](?:[ \t\u00a0\u2010-\u2015-]{0,2}\d){10}(?!\d)")
BROKEN = (pikepdf.PdfError, OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, IndexError, NotImplementedError)
"""What reading a broken PDF may raise: objects of the wrong type where others are expected."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page's boxes in millimetres. `trim` and `bleed` are None where the page doesn't have them."""

    number: int
    media: Box
    crop: Box
    trim: Box | None
    bleed: Box | None
    rotate: int
    unit: float  # points of one unit

    @property
    def finished(self) -> Box:
        """The trimmed page, as far as it is known."""
        return self.trim or self.crop


def size(box: Box) -> tuple[float, float]:
    return box[2] - box[0], box[3] - box[1]


def sheet(number: int, page: Any) -> Sheet:
    """Raises one of `BROKEN` where the page has no usable MediaBox."""
    found = page.obj if isinstance(page, pikepdf.Page) else page
    unit = float(found.get("/UserUnit", 1))
    media = _box(inherited(found, "/MediaBox"), unit)
    if media is None:
        raise ValueError("no MediaBox")
    crop = _box(inherited(found, "/CropBox"), unit) or media
    rotate = int(inherited(found, "/Rotate") or 0) % 360
    return Sheet(number, media, crop, _box(found.get("/TrimBox"), unit), _box(found.get("/BleedBox"), unit), rotate, unit)


def inherited(found: Any, name: str) -> Any:
    for _ in range(50):
        if name in found:
            return found[name]
        if "/Parent" not in found:
            return None
        found = found["/Parent"]
    return None


def _box(numbers: Any, unit: float) -> Box | None:
    if numbers is None:
        return None
    values = [float(one) * unit * MM for one in numbers]
    if len(values) != 4:
        return None
    left, right = sorted((values[0], values[2]))
    bottom, top = sorted((values[1], values[3]))
    return (left, bottom, right, top) if right > left and top > bottom else None


def document_facts(pdf: pikepdf.Pdf) -> dict[str, Any]:
    """pages, trim_mm, bleed_mm, media_mm ([w, h] of the first page), pdf_version, pdfx, title, author, isbns, encrypted."""
    found: dict[str, Any] = {"pages": len(pdf.pages), "pdf_version": pdf.pdf_version, "encrypted": pdf.is_encrypted}
    if found["pages"]:
        try:
            first = sheet(1, pdf.pages[0])
            found["media_mm"] = rounded(size(first.media))
            found["trim_mm"] = rounded(size(first.trim)) if first.trim else None
            found["bleed_mm"] = rounded(size(first.bleed)) if first.bleed else None
        except BROKEN:
            pass
    said = list(_information(pdf))
    for ours, theirs in (("title", "/Title"), ("author", "/Author")):
        found[ours] = next((value[:500] for name, value in said if name == theirs), "")
    found["pdfx"] = pdfx(pdf)
    found["isbns"] = list(dict.fromkeys(isbn for _, value in said for isbn in isbns_in(value)[0]))
    return {name: value for name, value in found.items() if value}


def rounded(lengths: Iterable[float]) -> list[float]:
    return [round(length, 1) for length in lengths]


def isbns_in(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(ISBN-13, numbers that look like one and have a wrong check digit), each once, in order."""
    right: dict[str, None] = {}
    wrong: dict[str, None] = {}
    for found in _ISBN.findall(text):
        digits = "".join(one for one in found if one in "0123456789")
        (right if is_isbn13(digits) else wrong)[digits] = None
    return tuple(right), tuple(wrong)


def _information(pdf: pikepdf.Pdf) -> Iterator[tuple[str, str]]:
    try:
        for name, value in pdf.docinfo.items():
            if isinstance(value, pikepdf.String):
                yield str(name), str(value)
    except BROKEN:
        pass
    root = _xmp(pdf)
    if root is not None:
        for name in ("title", "identifier", "creator", "source"):
            for element in root.iter(f"{{http://purl.org/dc/elements/1.1/}}{name}"):
                text = " ".join("".join(element.itertext()).split())
                yield {"title": "/Title", "creator": "/Author"}.get(name, name), text
        for element in root.iter("{*}isbn", "{*}eIsbn"):  # PRISM
            yield "isbn", element.text or ""


def _xmp(pdf: pikepdf.Pdf) -> Any:
    try:
        stream = pdf.Root.get("/Metadata")
        data = stream.read_bytes() if isinstance(stream, pikepdf.Stream) else b""
        if not data or len(data) > _XMP:
            return None
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=True)
        return etree.fromstring(data, parser)
    except (*BROKEN, etree.XMLSyntaxError):
        return None


def pdfx(pdf: pikepdf.Pdf) -> str:
    """ "PDF/X-1a", "PDF/X-3", "PDF/X-4" ...; "" for none. The key is in the document information (ISO 15930-1, -3, -4, -6)
    or, from PDF/X-4 on, in the XMP metadata (ISO 15930-7)."""
    said = ""
    try:
        info = pdf.docinfo
        said = str(info.get("/GTS_PDFXConformance", "")) or str(info.get("/GTS_PDFXVersion", ""))
    except BROKEN:
        pass
    if not said and (root := _xmp(pdf)) is not None:
        said = next((element.text or "" for element in root.iter(_PDFX)), "")
        said = said or next((element.get(_PDFX) for element in root.iter("*") if element.get(_PDFX)), "") or ""
    found = re.match(r"PDF/X-(\d)([a-z]*)", said.strip())
    if not found:
        return said.strip()[:40]
    number, letter = found.groups()
    return "PDF/X-1a" if number == "1" else f"PDF/X-{number}{letter if letter not in {'p'} else ''}"


def listed(numbers: Sequence[int], one: str = "page", many: str = "pages") -> str:
    """ "page 3"; "pages 3–5, 9"; long lists end in "and 12 more"."""
    numbers = sorted(set(numbers))
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    shown = [f"{run[0]}" if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs[:8]]
    more = sum(map(len, runs[8:]))
    return f"{one if len(numbers) == 1 else many} {', '.join(shown)}" + (f" and {more} more" if more else "")
