"""Documents that are ZIP archives inside: EPUB, OOXML (DOCX, XLSX, PPTX), ODF, IDML, Pages.

They are not unpacked, but whoever opens them later will: the same bounds hold for them as for an archive, and their parts
are looked at.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from include.files import bounds, images, markup, sniff, zipped
from include.files.model import Refused, Sniffed
from include.files.unpack import zip_kind
from include.partners.inboxes import Limits

_XML = frozenset({
    ".xml", ".rels", ".opf", ".ncx", ".xhtml", ".html", ".htm", ".svg", ".smil", ".pls", ".vml", ".rdf", ".xsl", ".mimetype",
})  # fmt: skip
_PICTURES = {".jpg": ".jpg", ".jpeg": ".jpg", ".png": ".png", ".gif": ".gif", ".webp": ".webp", ".bmp": ".bmp"}
_MACROS = ("vbaproject.bin", "vbadata.xml")
_MACRO_FILES = (".docm", ".dotm", ".xlsm", ".xltm", ".xlam", ".pptm", ".potm", ".ppam", ".ppsm")
_HEAD = 512 << 10
_NO_MACROS = "Ask the sender to save it without macros (as .docx or .xlsx)."
# A template or object on somebody's server is loaded, with its macros, when the document is opened.
_REMOTE = ("/attachedTemplate", "/oleObject", "/frame", "/subDocument")
_ABROAD = re.compile(r"\s*(?:https?:|ftp:|mhtml:|file:/*[^/]*\\\\|\\\\|//)", re.IGNORECASE)


def check(stream: BinaryIO, sniffed: Sniffed, limits: Limits) -> None:
    """Reads every part once, in pieces, into nothing.

    Raises `Refused`: archive-broken, archive-encrypted, archive-bomb, archive-members, path-traversal, name-illegal,
    link-member, special-member, duplicate-member, macro, executable, xml-entities, image-too-large.
    """
    budget, seen = bounds.Budget(limits), set[str]()
    entries = zipped.directory(stream, most=limits.members)
    budget.expect(sum(entry.size for entry in entries))
    for entry in entries:
        budget.member()
        path, shown = bounds.clean(entry.name), bounds.printable(entry.name)
        kind = zip_kind(entry)
        if kind == "folder":
            continue
        if kind != "file":
            raise Refused(f"{kind}-member", "a part is no file", where=shown, todo="Ask the sender to save it anew.")
        if bounds.same(path) in seen:
            raise Refused("duplicate-member", "two parts have this name", where=shown, todo="Ask the sender to save it anew.")
        seen.add(bounds.same(path))
        lower = path.lower()
        if (
            lower.rpartition("/")[2] in _MACROS
            or lower.endswith(_MACRO_FILES)
            or (sniffed.extension.startswith(".od") and "Basic/" in path)
        ):
            raise Refused("macro", "the document carries macros", where=shown, todo=_NO_MACROS)
        _part(stream, entry, path, budget, limits)


def _part(stream: BinaryIO, entry: zipped.Entry, path: str, budget: bounds.Budget, limits: Limits) -> None:
    shown, extension = bounds.printable(path), sniff.suffix(path)
    pieces = zipped.data(stream, entry, budget.count)
    try:
        if extension in _XML:
            _markup(pieces, path, extension, shown)
            return
        head = b""
        for piece in pieces:
            if len(head) < _HEAD:
                head += piece[:_HEAD]
        if sniff.starts(iter([head])):
            raise Refused("executable", "a part is a program", where=shown, todo="Do not open it; ask the sender.")
        if extension in _PICTURES:
            _picture(head, _PICTURES[extension], limits.pixels, shown)
    except zipped.DamagedMember as damaged:
        raise Refused(damaged.code, damaged.what, where=shown, todo=damaged.todo) from damaged


def _markup(pieces: Iterator[bytes], path: str, extension: str, shown: str) -> None:
    package = extension == ".rels" or path == "[Content_Types].xml"
    markup.check(pieces, shown, whole=False, each=partial(_declared, shown) if package else None)


def _declared(shown: str, name: str, attributes: dict[str, str]) -> None:
    """What an OOXML package says of its parts and of other files (ECMA-376 part 2, 8.2 and 9). Raises `Refused` (macro)."""
    content = attributes.get("ContentType", "")
    if "macroEnabled" in content or "vbaProject" in content:
        raise Refused("macro", "the document says that it carries macros", where=shown, todo=_NO_MACROS)
    remote = name == "Relationship" and attributes.get("Type", "").endswith(_REMOTE) and attributes.get("TargetMode") == "External"
    if remote and _ABROAD.match(attributes.get("Target", "")):
        raise Refused("macro", "the document loads a template or object from elsewhere", where=shown, todo=_NO_MACROS)


def _picture(head: bytes, extension: str, pixels: int, shown: str) -> None:
    """By what its header says; a picture that can't be measured is left to the checks of the whole book."""
    try:
        size = images.measure(io.BytesIO(head), extension)
    except Refused:
        return
    if size and size.pixels:
        images.within(size, pixels, shown)
