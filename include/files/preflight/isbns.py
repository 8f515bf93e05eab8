"""ISBNs that a page shows as text: the right one, another one, none."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2

from include.files.model import Finding
from include.files.preflight.codes import finding
from include.files.preflight.expected import Expected
from include.files.preflight.pages import isbns_in

FIRST, LAST = 12, 4  # pages of a book block where an imprint page or a back cover is
_TEXT = 200_000  # characters of one page


def isbn_findings(local: Path, facts: dict[str, Any], expected: Expected) -> Iterator[Finding]:
    """Only with an ISBN expected. Adds `printed_isbns` to the facts: an imprint page shows those of all formats."""
    if not expected.isbn:
        return
    right, wrong = _printed(local)
    facts["printed_isbns"] = list(right)
    if expected.isbn in right:
        pass
    elif right:
        own = [isbn for isbn in right if isbn in expected.isbns]
        more = " (it is another format's of this title)" if own else ""
        yield finding("isbn-wrong", f"The file shows ISBN {(own or list(right))[0]}{more}, not {expected.isbn}.")
    elif wrong:
        yield finding("isbn-invalid", f"{wrong[0]} looks like an ISBN, but its check digit is wrong; {expected.isbn} is expected.")
    else:
        yield finding("isbn-missing")


def _printed(local: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        document = pypdfium2.PdfDocument(local)
    except (pypdfium2.PdfiumError, OSError):
        return (), ()
    try:
        number = len(document)
        which = range(number) if number <= FIRST + LAST else [*range(FIRST), *range(number - LAST, number)]
        return isbns_in("\n\n".join(_text(document, at) for at in which))
    finally:
        document.close()


def _text(document: Any, at: int) -> str:
    try:
        page = document[at]
        text = page.get_textpage()
        return str(text.get_text_range(0, min(text.count_chars(), _TEXT))) if text.count_chars() else ""
    except (pypdfium2.PdfiumError, ValueError, OSError):
        return ""
