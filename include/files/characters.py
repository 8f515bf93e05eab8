"""What the formats that we write can't hold, and what a spreadsheet program would run instead of showing it."""

from __future__ import annotations

import re

# XML 1.0 (fifth edition), production 2: the complement of Char. Workbooks are XML, too.
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
LONGEST_CELL = 32_767  # characters that Excel takes in a cell
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NEGATIVE = re.compile(r"-[0-9]+(?:[.,][0-9]+)?")


def harmless(text: str) -> str:
    """A cell of a CSV that no spreadsheet program runs as a formula: an apostrophe stands before what looks like one (OWASP, CSV
    injection). A number that is less than nothing stays one."""
    return f"'{text}" if text.startswith(_FORMULA) and not _NEGATIVE.fullmatch(text) else text
