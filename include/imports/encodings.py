"""What a delimited text is written in, as far as its bytes tell."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from include.files.characters import decodes
from include.files.model import Refused

_SAMPLE = 1 << 22  # bytes
_OLD = ("cp1252", "mac_roman", "cp850")
_ODD = re.compile(
    r"[a-zß-öø-ÿœšž][À-ÖØ-ÞŒŠŽŸ]"  # a capital behind a small letter
    r"|[^\W\d_\x00-\x7f]{4}"  # no word of ours has four such letters together
    r"|[^\W\d_][¡-©«-±´-¶¸¹»-¿×÷‚„†‡‰‹ƒˆ€“”‘•˜™›…]+[^\W\d_]"  # signs within a word, of which it has ’, – and · at most
    r"|[^\W\d_][¡¿‚„‹ƒˆ¢£¤¥€]"  # what opens a word, or stands before a number
    r"|[\x80-\x9f¤¦¬¯¸ƒˆ˜\u2500-\u25ff\uf8ff∂∑∏π∫Ω√≈∆◊ıˇ˘˙˚˛˝≠≤≥∞]"  # what no sheet of titles has
)


def encoding_of(path: Path, name: str, told: str = "") -> str:
    """What the text is in: its byte-order mark, UTF-8 if all of it is, what the mapping says (`told`); else what Windows writes in Western
    countries, or what older Macs and DOS wrote there, if it can be nothing else.

    Raises `Refused` (encoding) where that can't be told: a wrong guess would go unseen into the titles (£ would become Ł).
    """
    with path.open("rb") as file:
        start = file.read(1 << 18)
    for mark, encoding in ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if start.startswith(mark):
            return encoding
    for half, encoding in ((start[1::2], "utf-16-le"), (start[::2], "utf-16-be")):
        if half.count(0) > len(half) * 0.4:
            return encoding
    if decodes(path, "utf-8"):
        return "utf-8"
    if told:
        return told
    return _old(path, name)


def _old(path: Path, name: str) -> str:
    with path.open("rb") as file:
        start = file.read(_SAMPLE)
    fits = [encoding for encoding in _OLD if _reads_well(start, encoding)]
    if not fits or (len(fits) > 1 and _OLD[0] not in fits):
        todo = "Save it as CSV UTF-8, or as a workbook (.xlsx); or name its encoding in the mapping."
        raise Refused("encoding", "the text is in an encoding that can't be told for sure", where=name, todo=todo)
    return fits[0]


def _reads_well(start: bytes, encoding: str) -> bool:
    """Whether words look like words in it: the bytes of one encoding, read in another, put capitals and signs into the middle of words."""
    try:
        text = start.decode(encoding)
    except UnicodeDecodeError:
        return False
    return not _ODD.search(text)


def undecodable(name: str, encoding: str) -> Refused:
    return Refused("encoding", f"the text is not in {encoding}", where=name, todo="Save it as CSV UTF-8, or as a workbook (.xlsx).")
