"""What the formats that we write can't hold, what a spreadsheet program would run instead of showing it, and what bytes are text."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

# XML 1.0 (fifth edition), production 2: the complement of Char. Workbooks are XML, too.
ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
LONGEST_CELL = 32_767  # characters that Excel takes in a cell
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_NEGATIVE = re.compile(r"-[0-9]+(?:[.,][0-9]+)?")


def harmless(text: str, *, amounts: bool = False) -> str:
    """A cell of a CSV that no spreadsheet program runs as a formula: an apostrophe stands before what looks like one (OWASP, CSV
    injection). With `amounts`, a number that is less than nothing stays one."""
    runs = text.startswith(_FORMULA) and not (amounts and _NEGATIVE.fullmatch(text))
    return f"'{text}" if runs else text


def decodes(path: Path, encoding: str) -> bool:
    """Whether all bytes of a file are text in this encoding; a file of any size, a megabyte at a time."""
    decoder = codecs.getincrementaldecoder(encoding)()
    with path.open("rb") as file:
        try:
            while piece := file.read(1 << 20):
                decoder.decode(piece)
            decoder.decode(b"", final=True)
        except UnicodeError:
            return False
    return True
