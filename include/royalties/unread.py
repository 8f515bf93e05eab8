"""Where a PDF shows letters that its text does not tell: fonts without meaning; what stands in patterns, masks and drawn letters."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any

TEXTURE = 10_000  # pixels of a picture within a pattern, mask or letter: a larger one may show anything
_SHOWS = re.compile(rb"[)>\]]\s*(?:Tj|TJ|'|\")")
_WORD = re.compile("#{4}")
_MEANT = re.compile(r"/(uni([0-9A-F]{4})+|u[0-9A-F]{4,6}|afii\d+|\.notdef)(\..*)?")  # Adobe Glyph List, sections 2 and 6
_ORNAMENTS = re.compile(r"symbol|dingbats|wingdings|webdings", re.IGNORECASE)


def is_unread(text: str) -> bool:
    """Whether a tenth of a page's letters, or a whole word, are such that the font does not tell which they are. A bullet may be."""
    told = "".join("#" if _unknown(letter) else "." for letter in text)
    return told.count("#") * 10 > len(told) or _WORD.search(told) is not None


def _unknown(letter: str) -> bool:
    return (unicodedata.category(letter) in {"Co", "Cn", "Cc"} and not letter.isspace()) or letter == "\ufffd"


def disguised(pdf: Any) -> Iterator[tuple[str, str]]:
    """(where, what is wrong) of each place that no reader of text comes to. Raises what pikepdf raises for a broken file."""
    for one in pdf.objects:
        for dictionary in _dictionaries(one, 0):
            where = f"object {one.objgen[0]}"
            if dictionary.get("/Type") == "/Font" and _has_no_meaning(dictionary):
                yield where, "letters that can't be read: the font does not say what they are"
            for stream in _hidden(dictionary, one):
                if _shows_something(stream, set()):
                    yield where, "text or a picture inside a pattern, a mask or a letter, where it can't be read"


def _dictionaries(one: Any, depth: int) -> Iterator[Any]:
    """The object's own dictionary and those directly in it."""
    import pikepdf

    if isinstance(one, pikepdf.Stream):
        one = one.stream_dict
    if not isinstance(one, pikepdf.Dictionary | pikepdf.Array) or depth > 60:
        return
    if isinstance(one, pikepdf.Dictionary):
        yield one
    for child in list(one.values() if isinstance(one, pikepdf.Dictionary) else one):
        if isinstance(child, pikepdf.Dictionary | pikepdf.Array) and not child.is_indirect:
            yield from _dictionaries(child, depth + 1)


def _hidden(dictionary: Any, owner: Any) -> Iterator[Any]:
    """Streams that are drawn as colour, as transparency, or as a letter."""
    import pikepdf

    if dictionary.get("/PatternType") == 1:
        yield owner
    mask = dictionary.get("/SMask")
    if isinstance(mask, pikepdf.Dictionary) and "/G" in mask:
        yield mask["/G"]
    if dictionary.get("/Subtype") == "/Type3" and isinstance(drawings := dictionary.get("/CharProcs"), pikepdf.Dictionary):
        yield from drawings.values()
        yield from _things(dictionary.get("/Resources"))


def _things(resources: Any) -> Iterator[Any]:
    import pikepdf

    group = resources.get("/XObject") if isinstance(resources, pikepdf.Dictionary) else None
    yield from group.values() if isinstance(group, pikepdf.Dictionary) else ()


def _shows_something(stream: Any, seen: set[tuple[int, int]]) -> bool:
    """Whether it writes, or holds a picture that is more than a texture; also through the forms that it draws."""
    import pikepdf

    if not isinstance(stream, pikepdf.Stream) or stream.objgen in seen:
        return False
    seen.add(stream.objgen)
    if stream.get("/Subtype") == "/Image":
        return int(stream.get("/Width", 0)) * int(stream.get("/Height", 0)) > TEXTURE
    if _SHOWS.search(stream.read_bytes()):
        return True
    return any(_shows_something(one, seen) for one in _things(stream.get("/Resources")))


def _has_no_meaning(font: Any) -> bool:
    """A font of our own numbers, or of glyphs whose names are numbers, that does not say which letters they are. ISO 32000-1, 9.10.2."""
    import pikepdf

    if "/ToUnicode" in font or _ORNAMENTS.search(str(font.get("/BaseFont", ""))):
        return False
    encoding = font.get("/Encoding")
    if font.get("/Subtype") == "/Type0":
        descendants = font.get("/DescendantFonts")
        info = descendants[0].get("/CIDSystemInfo") if descendants else None
        return str(encoding).startswith("/Identity") and str(info.get("/Ordering", "") if info is not None else "") in {"", "Identity"}
    differences = encoding.get("/Differences") if isinstance(encoding, pikepdf.Dictionary) else None
    glyphs = [str(one) for one in differences or () if isinstance(one, pikepdf.Name)]
    return any(re.search(r"\d", name) and not _MEANT.fullmatch(name) for name in glyphs)
