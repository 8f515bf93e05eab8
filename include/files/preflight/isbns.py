"""ISBNs that a file shows, as text and as barcodes: the right one, another one, none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2

from include.files.model import Finding
from include.files.preflight import barcode
from include.files.preflight.codes import finding
from include.files.preflight.expected import Expected
from include.files.preflight.pages import isbns_in
from include.titles.identifiers import is_isbn13

FIRST, LAST = 12, 4  # pages of a book block where an imprint page or a back cover is
FLAT = 2  # so few pages are a cover, and may have a barcode
_TEXT = 200_000  # characters of one page


def isbn_findings(local: Path, facts: dict[str, Any], expected: Expected) -> Iterator[Finding]:
    """Only with an ISBN expected. Adds `printed_isbns` and `barcodes` to the facts: an imprint page shows the ISBNs of all formats,
    a barcode is the product's own or wrong."""
    if not expected.isbn:
        return
    right, wrong, codes = _read(local)
    facts["printed_isbns"] = list(right)
    if codes:
        facts["barcodes"] = list(codes)
    strange = [code for code in codes if code != expected.isbn]
    if strange:
        yield finding("isbn-wrong", f"The barcode is {strange[0]}{_whose(strange[0], expected)}, not {expected.isbn}.")
    elif expected.isbn in right or codes:
        return
    elif right:
        shown = next((isbn for isbn in right if isbn in expected.isbns), right[0])
        yield finding("isbn-wrong", f"The file shows ISBN {shown}{_whose(shown, expected)}, not {expected.isbn}.")
    elif wrong:
        yield finding("isbn-invalid", f"{wrong[0]} looks like an ISBN, but its check digit is wrong; {expected.isbn} is expected.")
    else:
        yield finding("isbn-missing")


def _whose(isbn: str, expected: Expected) -> str:
    return " (another format's of this title)" if isbn in expected.isbns else ""


def _read(local: Path) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """(ISBNs in the text, numbers with a wrong check digit, ISBNs in barcodes)"""
    try:
        document = pypdfium2.PdfDocument(local)
    except (pypdfium2.PdfiumError, OSError):
        return (), (), ()
    try:
        number = len(document)
        which = range(number) if number <= FIRST + LAST else [*range(FIRST), *range(number - LAST, number)]
        right, wrong = isbns_in("\n\n".join(_text(document, at) for at in which))
        codes = barcode.of_document(document, FLAT) if number <= FLAT else ()
        return right, wrong, tuple(code for code in codes if is_isbn13(code))
    finally:
        document.close()


def _text(document: Any, at: int) -> str:
    try:
        page = document[at]
        text = page.get_textpage()
        return str(text.get_text_range(0, min(text.count_chars(), _TEXT))) if text.count_chars() else ""
    except (pypdfium2.PdfiumError, ValueError, OSError):
        return ""
