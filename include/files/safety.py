"""Whether a file that came from outside may be looked at by anything else.

In this order, each step before the next one may: size and name; type by the bytes; types that act when opened; bytes
against the name; the virus scanner, where there is one; then the structure of that type, always by reading headers and
counting, never by decoding. Memory stays flat whatever the size.

Name and bytes must agree, with these exceptions, which senders do every day and which are safe, because everything
further goes by the bytes: an image, sound, film, archive or word processor file named as another of its family (a PNG called
.jpg, an RTF called .doc) is taken for what it is; so is an EPUB or DOCX called .zip, an Illustrator file (.ai) that is a
PDF, and a file without an extension, or with one that says nothing.
"""

from __future__ import annotations

import os
import re
import struct
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from include.files import bounds, clamav, compound, containers, images, markup, pdfs, sevenzip, sniff, tarred, zipped
from include.files.model import Finding, Refused, Severity, Sniffed
from include.partners.inboxes import Limits

_TYPES = tomllib.loads(Path(__file__).with_name("types.toml").read_text(encoding="utf-8"))
FORBIDDEN = frozenset(_TYPES["forbidden"])
_MACRO_NAMES = frozenset(_TYPES["macros"])
_SAME: dict[str, str] = _TYPES["same"]
_FAMILIES: dict[str, str] = {extension: family for family, extensions in _TYPES["families"].items() for extension in extensions}
_INTERCHANGEABLE = frozenset({"image", "audio", "video", "archive", "document", "spreadsheet", "text", "xml", "font"})
_ALSO = frozenset({
    ("artwork", ".pdf"), ("artwork", ".eps"), ("archive", ".epub"), ("archive", ".docx"), ("archive", ".xlsx"), ("archive", ".odt"),
    ("archive", ".pptx"), ("archive", ".idml"), ("archive", ".pages"), ("text", ".xml"), ("audio", ".mp4"), ("video", ".m4a"),
})  # fmt: skip
_ZIPPED = frozenset({".epub", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".odg", ".idml", ".pages", ".vsdx"})
_RTF_ACTS = re.compile(rb"\\(?:objupdate|objautlink|ddeauto|\*\\template\s+(?:https?:|\\\\|\\'))", re.IGNORECASE)


def examine(local: Path, name: str, limits: Limits) -> Sniffed:
    """What the file is, if it is safe to look at. `name` is the sender's name or path, only read.

    An archive is only looked at from outside: its members come from `unpack.members`, each to be examined again.

    Raises `Refused` with one of: empty, too-large, name-illegal, path-traversal, content-mismatch, unknown-type, executable,
    macro, virus, data-broken, xml-entities, image-too-large, image-broken, media-broken, pdf-broken, pdf-encrypted,
    document-encrypted, archive-broken, archive-encrypted, archive-bomb, archive-members, link-member, special-member,
    duplicate-member. `TransientError` when the virus scanner (`COLOPHON_CLAMAV`) does not answer.
    """
    return look(local, name, limits)[0]


def look(local: Path, name: str, limits: Limits) -> tuple[Sniffed, tuple[Finding, ...]]:
    """As `examine`, with what is odd and was let pass: another type than the name says, JavaScript in a PDF, ... (notes)."""
    shown = bounds.printable(name)
    try:
        _size(local, limits)
        bounds.clean(name)
        sniffed = sniff.sniff(local, name)
        notes = _agree(local, name, sniffed)
        if address := os.environ.get("COLOPHON_CLAMAV", ""):
            clamav.scan(local, address)
        return sniffed, notes + _structure(local, sniffed, limits)
    except Refused as refused:
        refused.where = f"{shown}: {refused.where}" if refused.where and refused.where != shown else shown
        raise


def _size(local: Path, limits: Limits) -> None:
    size = local.stat().st_size
    if size == 0:
        raise Refused("empty", "the file is empty", todo="Ask the sender to send it again.")
    if size > limits.file_bytes:
        what = f"{size:,} bytes; {limits.file_bytes:,} are allowed"
        raise Refused("too-large", what, todo="Raise `limits.file_bytes` of the inbox, or ask for a smaller file.")


def _agree(local: Path, name: str, sniffed: Sniffed) -> tuple[Finding, ...]:
    """Name against bytes. Raises `Refused` (executable, macro, content-mismatch, unknown-type)."""
    extension = sniff.suffix(name)
    told = _told(name, extension)
    if extension in _MACRO_NAMES:
        raise Refused("macro", "a document with macros, by its name", todo="Ask the sender to save it without macros (as .docx or .xlsx).")
    if extension in FORBIDDEN:
        raise Refused("executable", f"files named {extension} act when they are opened", todo="Ask the sender for the document itself.")
    if sniffed.media_type in sniff.ACTIVE:
        what = f"the file is a program, script, web page, installer or disk image ({sniffed.media_type})"
        raise Refused("executable", what, todo="Do not open it; ask the sender for the document itself.")
    family = _FAMILIES.get(told, "")
    if sniffed in {sniff.UNKNOWN, compound.OTHER}:
        if family and family != "unread":
            todo = "Ask the sender to send it again."
            raise Refused("content-mismatch", f"the file is no {told[1:].upper()}, whatever its name says", todo=todo)
        what = f"the file is {sniff.resembles(local) or 'of unknown type'}"
        raise Refused("unknown-type", what, todo="Ask the sender for a usual format, such as PDF, DOCX, JPG or ZIP.")
    if not family or told == sniffed.extension:
        return ()
    if (sniffed.family == family and family in _INTERCHANGEABLE) or (family, sniffed.extension) in _ALSO or _font(family, sniffed):
        message = f"Named {extension}, but it is {sniffed.media_type}; taken for what it is."
        return (Finding("other-type", Severity.NOTE, message, file=name),)
    what = f"named {extension}, but it is {sniffed.media_type}"
    raise Refused("content-mismatch", what, todo="Ask the sender which one is meant, and to send it under the right name.")


def _font(family: str, sniffed: Sniffed) -> bool:
    return family == "font" and sniffed.media_type.startswith("font/")


def _told(name: str, extension: str) -> str:
    told = _SAME.get(extension, extension)
    if told in {".gz", ".bz2", ".xz"} and sniff.suffix(name[: -len(extension)]) == ".tar":
        return f".tar{told}"
    return told


def _structure(local: Path, sniffed: Sniffed, limits: Limits) -> tuple[Finding, ...]:
    if sniffed.family == "pdf":
        return pdfs.check(local, FORBIDDEN)
    if sniffed.family == "image":
        images.check(local, sniffed.extension, limits.pixels)
        return ()
    with local.open("rb") as stream:
        if stream.read(8) == compound.MAGIC:
            compound.check(stream)
        elif sniffed.extension in _ZIPPED:
            containers.check(stream, sniffed, limits)
        elif sniffed.family == "archive":
            _archive(stream, sniffed, limits)
        elif sniffed.family == "xml":
            markup.check(_pieces(stream), picture=sniffed.extension == ".svg")
        elif sniffed.extension == ".json":
            markup.check_json(_pieces(stream))
        elif sniffed.extension == ".rtf":
            _rich_text(stream)
        elif sniffed.media_type in {"audio/wav", "audio/mp4", "video/mp4", "video/quicktime"}:
            _media(stream, sniffed)
    return ()


def _pieces(stream: BinaryIO) -> Iterator[bytes]:
    stream.seek(0)
    while block := stream.read(1 << 16):
        yield block


def _archive(stream: BinaryIO, sniffed: Sniffed, limits: Limits) -> None:
    """From outside: is the directory whole, is anything in it readable, does it promise a bomb?"""
    budget = bounds.Budget(limits)
    if sniffed.extension == ".zip":
        entries = zipped.directory(stream, most=limits.members)
        budget.expect(sum(entry.size for entry in entries))
        files = [entry for entry in entries if not entry.folder]
        if files and all(entry.encrypted for entry in files):
            raise Refused("archive-encrypted", "the archive is protected by a password", todo="Ask the sender for it without a password.")
    elif sniffed.extension == ".7z":
        budget.expect(sevenzip.directory(stream, most=limits.members).size)
    elif sniffed.extension.startswith(".tar"):
        pieces = tarred.plain(stream, budget.count) if sniffed.extension == ".tar" else tarred.unpacked(stream, budget.count)
        next(tarred.members(pieces), None)
    else:
        next(tarred.unpacked(stream, budget.count), None)


def _rich_text(stream: BinaryIO) -> None:
    """Raises `Refused` (macro) for RTF that fetches or runs something as soon as it is opened."""
    kept = b""
    for block in _pieces(stream):
        if _RTF_ACTS.search(kept + block):
            what = "the document loads or starts something when it is opened"
            raise Refused("macro", what, todo="Ask the sender for a DOCX or PDF.")
        kept = block[-64:]


def _media(stream: BinaryIO, sniffed: Sniffed) -> None:
    """Raises `Refused` (media-broken) when the boxes (ISO/IEC 14496-12) or chunks (RIFF) reach beyond the file's end."""
    whole = stream.seek(0, 2)
    cut = Refused("media-broken", "the recording is cut short", todo="Ask the sender to send it again.")
    if sniffed.extension == ".wav":
        stream.seek(4)
        length = struct.unpack("<I", stream.read(4))[0]
        if length not in {0, 0xFFFFFFFF} and length + 8 > whole + 1:
            raise cut
        return
    at, moov, boxes = 0, False, 0
    while at + 8 <= whole and boxes < 100_000:
        stream.seek(at)
        head = stream.read(16)
        length, kind = struct.unpack_from(">I4s", head)
        if length == 1 and len(head) == 16:
            length = struct.unpack_from(">Q", head, 8)[0]
        length = length or whole - at
        if length < 8 or (at + length > whole):
            raise cut
        moov = moov or kind in {b"moov", b"moof"}
        at, boxes = at + length, boxes + 1
    if not moov:
        raise cut
