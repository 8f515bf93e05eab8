"""What a file is, by its bytes.

Our own table comes first: it knows the formats of the trade and the ones that can do harm. puremagic 1.30 was tried and is
not relied upon: it takes every ZIP-based format for a DOCX, prose that begins with "BM" for a bitmap and prose that begins
with "MZ" for a program, and does not know a PDF with a line break before `%PDF`. It only helps to put a name to bytes that
we refuse anyway (`resembles`).

The name decides only among plain texts (CSV, JSON, Markdown, ...), where the bytes can't say it.
"""

from __future__ import annotations

import bz2
import lzma
import re
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from include.files import compound, signatures, zipped
from include.files.model import Refused, Sniffed
from include.files.signatures import ACTIVE, EPUB, HTML, PDF, SCRIPT, SVG, TEXT, UNKNOWN, XML, ZIP

__all__ = ["ACTIVE", "TEXT", "UNKNOWN", "Sniffed", "decode", "is_tar", "resembles", "sniff", "starts", "suffix"]

HEAD = 64 << 10  # bytes that are looked at
_SPACE = b" \t\r\n\x0c"
_HTML = re.compile(rb"<(?:!doctype\s+html|html|head|body|script|iframe|meta|object|embed)[\s>/]", re.IGNORECASE)
_ROOT = re.compile(rb"<([A-Za-z_][\w.:-]*)")
_SCRIPTS = (b"#!", b"<?php", b"<%@", b"@echo off", b"windows registry editor", b"[internetshortcut]", b"[desktop entry]", b"[autorun]")


def sniff(local: Path, name: str) -> Sniffed:
    """What the bytes at `local` are; `name` only tells plain texts apart. `application/octet-stream` when nothing fits.

    Reads the first 64 KiB, the last two of an ISO image or a disk image, and a ZIP's directory. Never raises for what is in
    the file: a broken ZIP is a ZIP.
    """
    size = local.stat().st_size
    with local.open("rb") as stream:
        head = stream.read(HEAD)
        return _by_signature(stream, head, size, name) or _by_structure(stream, head, size) or _text(head, size, suffix(name)) or UNKNOWN


def suffix(name: str) -> str:
    """The last extension with its dot, lower-case: ".pdf"; "" where the name has none or only looks as if ("Vol. 2 final")."""
    found = PurePosixPath(name.replace("\\", "/")).suffix.lower()
    return found if re.fullmatch(r"\.[a-z0-9_+-]{1,12}", found) else ""


def resembles(local: Path) -> str:
    """A guess, for a person, at what refused bytes might be: "application/x-blender"; "" when there is none worth telling."""
    import puremagic

    try:
        with local.open("rb") as stream:
            found = puremagic.magic_string(stream.read(8192))
    except (puremagic.PureError, ValueError):
        return ""
    return next((str(one.mime_type or one.name) for one in found if one.confidence >= 0.4 and (one.mime_type or one.name)), "")


def _by_signature(stream: BinaryIO, head: bytes, size: int, name: str) -> Sniffed | None:
    if head.startswith(b"PK") and head[2:4] in {b"\x03\x04", b"\x05\x06", b"\x07\x08"}:
        return _zip(stream)
    if head.startswith(compound.MAGIC):
        return compound.sniff(stream, size)
    if head.startswith(b"%PDF-"):
        return PDF
    for magic, media_type, extension in signatures.COMPRESSED:
        if head.startswith(magic) and (inner := _first_bytes(head, extension)) is not None:
            tarred = is_tar(inner)
            return Sniffed(media_type, f".tar{extension}" if tarred else extension, "archive")
    if head[:3] == b"ID3" and b"" < head[3:4] < b"\x10":
        return Sniffed("audio/mpeg", ".mp3", "audio")
    if head[:3] in {b"FWS", b"CWS", b"ZWS"} and head[3:4] < b"\x40" and b"\0" in head[4:8]:
        return Sniffed("application/x-shockwave-flash", ".swf", "other")
    if head[:4] == b"RIFF":
        return signatures.RIFF.get(head[8:12])
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return Sniffed("audio/aiff", ".aif", "audio")
    if head[4:8] == b"ftyp":
        brand = signatures.BRANDS.get(head[8:12])
        if (brand is None or brand.family == "audio") and suffix(name) in {".m4a", ".m4b"}:  # one container: sound by its name
            return Sniffed("audio/mp4", suffix(name), "audio")
        return brand or Sniffed("video/mp4", ".mp4", "video")
    if head[4:8] in {b"moov", b"mdat", b"wide"} and len(head) > 16:
        return Sniffed("video/quicktime", ".mov", "video")
    return next((found for magic, found in signatures.AT_START if head.startswith(magic)), None)


def _by_structure(stream: BinaryIO, head: bytes, size: int) -> Sniffed | None:
    """Formats whose signature is short, late or at the end: each needs a second proof."""
    if _is_program(head):
        return Sniffed("application/x-msdownload", ".exe", "other")
    if is_tar(head):
        return Sniffed("application/x-tar", ".tar", "archive")
    if (
        head[:2] == b"BM"
        and len(head) >= 26
        and head[6:10] == b"\0\0\0\0"
        and struct.unpack_from("<I", head, 14)[0] in {12, 40, 52, 56, 108, 124}
    ):
        return Sniffed("image/bmp", ".bmp", "image")
    if head[60:68] in {b"BOOKMOBI", b"TEXtREAd"}:
        return Sniffed("application/x-mobipocket-ebook", ".mobi", "other")
    if (audio := _mpeg_audio(head)) is not None:
        return audio
    at = head[:1024].find(b"%PDF-")  # ISO 32000-1 annex H.3.4.1: readers accept a header within the first 1,024 bytes
    if at > 0 and _harmless_before_pdf(head[:at]):
        return PDF
    if size > 0x8006:
        stream.seek(0x8001)
        if stream.read(5) == b"CD001":
            return Sniffed("application/x-iso9660-image", ".iso", "other")
        stream.seek(size - 512)
        if stream.read(4) == b"koly":
            return Sniffed("application/x-apple-diskimage", ".dmg", "other")
    return None


def _harmless_before_pdf(lead: bytes) -> bool:
    """Blank space, a byte order mark, printer commands (PJL) or a MacBinary header; anything else hides something."""
    rest = lead.removeprefix(b"\xef\xbb\xbf").strip(_SPACE + b"\0")
    return not rest or rest.startswith(b"\x1b%-12345X") or (len(lead) == 128 and lead[0] == 0)


def _is_program(head: bytes) -> bool:
    """MZ with a header that fits (a DOS or Windows program), so that prose beginning with "MZ" is prose."""
    if head[:2] not in {b"MZ", b"ZM"} or len(head) < 4:
        return False
    return any(byte < 9 or 13 < byte < 32 or byte > 126 for byte in head[2:64])


def is_tar(head: bytes) -> bool:
    """Whether these first bytes are a TAR header: `ustar`, or an old one whose checksum is right."""
    if len(head) < 512:
        return False
    if head[257:262] == b"ustar":
        return True
    try:
        told = int(head[148:156].strip(b" \0") or b"-1", 8)
    except ValueError:
        return False
    return told == sum(head[:148]) + 256 + sum(head[156:512]) and head[0] != 0


def _first_bytes(head: bytes, extension: str) -> bytes | None:
    """The first bytes inside gzip, bzip2 or xz; None if it is no such thing."""
    try:
        if extension == ".gz":
            return zlib.decompressobj(31).decompress(head, 1024)
        if extension == ".bz2":
            return bz2.BZ2Decompressor().decompress(head, 1024)
        return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=1 << 28).decompress(head, 1024)
    except (zlib.error, OSError, EOFError):
        return None if extension == ".bz2" else b""
    except lzma.LZMAError:
        return b""


def _frame_length(head: bytes, at: int) -> int:
    """Bytes of the MPEG audio frame that starts at `at`; 0 if none does."""
    if at + 4 > len(head) or head[at] != 0xFF or head[at + 1] & 0xE0 != 0xE0:
        return 0
    version, layer = head[at + 1] >> 3 & 3, 4 - (head[at + 1] >> 1 & 3)
    bitrate, rate = head[at + 2] >> 4, head[at + 2] >> 2 & 3
    if version == 1 or layer not in {2, 3} or not 0 < bitrate < 15 or rate == 3:
        return 0
    samples = 1152 if version == 3 or layer == 2 else 576
    return samples // 8 * signatures.BITRATES[version == 3, layer][bitrate - 1] * 1000 // signatures.RATES[version][rate] + (
        head[at + 2] >> 1 & 1
    )


def _mpeg_audio(head: bytes) -> Sniffed | None:
    """MP3 without an ID3 tag: two frames, one after the other. AAC in ADTS likewise."""
    start = len(head) - len(head.lstrip(b"\0"))  # encoders pad
    first = _frame_length(head, start)
    if first and (_frame_length(head, start + first) or start + first == len(head)):
        return Sniffed("audio/mpeg", ".mp3", "audio")
    if head[:1] == b"\xff" and len(head) > 7 and head[1] & 0xF6 == 0xF0:
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        if length > 7 and head[length : length + 1] == b"\xff" and head[length + 1] & 0xF6 == 0xF0:
            return Sniffed("audio/aac", ".aac", "audio")
    return None


def _zip(stream: BinaryIO) -> Sniffed:
    try:
        names = {entry.name: entry for entry in zipped.directory(stream, most=100_000)}
    except Refused:
        return _broken_zip(stream)
    if "AndroidManifest.xml" in names or "classes.dex" in names:
        return Sniffed("application/vnd.android.package-archive", ".apk", "other")
    if "AppxManifest.xml" in names or "AppxMetadata/AppxBundleManifest.xml" in names:
        return Sniffed("application/vnd.microsoft.appx", ".appx", "other")
    if "META-INF/MANIFEST.MF" in names and any(name.endswith(".class") for name in names):
        return Sniffed("application/java-archive", ".jar", "other")
    if (told := names.get("mimetype")) is not None and told.size < 200:
        try:
            declared = b"".join(zipped.data(stream, told)).decode("ascii", "replace").strip()
        except Refused:
            declared = ""
        if declared in signatures.PACKAGES:
            return signatures.PACKAGES[declared]
    if "META-INF/container.xml" in names:
        return EPUB
    if "[Content_Types].xml" in names:
        for folder, found in signatures.OFFICE:
            if any(name.startswith(folder) for name in names):
                return found
    if any(name.endswith(".iwa") for name in names):
        return Sniffed("application/vnd.apple.pages", ".pages", "document")
    return ZIP


def _broken_zip(stream: BinaryIO) -> Sniffed:
    """What a ZIP whose directory is lost was meant to be, by its first members."""
    stream.seek(0)
    head = stream.read(HEAD)
    if head[26:28] == b"\x08\0" and head[30:38] == b"mimetype":
        declared = head[38:].split(b"PK", 1)[0].decode("ascii", "replace")
        for media_type, found in signatures.PACKAGES.items():
            if declared.startswith(media_type):
                return found
    if b"[Content_Types].xml" in head[:2048]:
        for folder, found in signatures.OFFICE:
            if folder.encode() in head:
                return found
    return ZIP


def _text(head: bytes, size: int, extension: str) -> Sniffed | None:
    text = decode(head, whole=size <= len(head))
    if text is None:
        return None
    start = text.lstrip("\ufeff \t\r\n\x0c").encode("utf-8", "replace")
    low = start[:200].lower()
    if low.startswith(_SCRIPTS):
        return SCRIPT
    if start.startswith(b"<"):
        markup = _without_prolog(start)
        if _HTML.match(markup):
            return HTML
        root = _ROOT.match(markup)
        local = root[1].rpartition(b":")[2].lower() if root else b""
        if local == b"html" or b"<html" in start[:1024].lower():
            return HTML
        if local == b"svg":
            return SVG
        if low.startswith((b"<?xml", b"<!doctype")) or extension in _XML_NAMES:  # tagged manuscripts begin with "<", too
            return XML
    return signatures.TEXTS.get(extension, TEXT)


_XML_NAMES = frozenset({".xml", ".svg", ".opf", ".ncx", ".onix", ".fdx"})


def _without_prolog(start: bytes) -> bytes:
    """From the doctype of HTML or the root element on: XML declaration, comments and other doctypes are passed over."""
    for _ in range(50):
        start = start.lstrip(_SPACE)
        if start.startswith(b"<?"):
            end = start.find(b"?>") + 2
        elif start.startswith(b"<!--"):
            end = start.find(b"-->") + 3
        elif start[:9].lower() == b"<!doctype" and not _HTML.match(start):
            close, bracket = start.find(b">"), start.find(b"[")
            end = (start.find(b"]>") + 2) if 0 <= bracket < close else close + 1
        else:
            break
        if end < 3:
            break
        start = start[end:]
    return start


def decode(head: bytes, *, whole: bool = True) -> str | None:
    """The text that these bytes are: UTF-8, UTF-16 (with or without its mark) or, failing that, Windows-1252
    or Mac Roman; None for binary.

    `whole` False: the last character may be cut.
    """
    if not head:
        return None
    for mark, encoding in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if head.startswith(mark):
            even = head[: len(head) - len(head) % 2] if encoding == "utf-16" else head
            return _decoded(even, encoding, whole=whole)
    zeros = head.count(0)
    if zeros:
        encoding = "utf-16-le" if head[1::2].count(0) > head[0::2].count(0) else "utf-16-be"
        return _decoded(head[: len(head) - len(head) % 2], encoding, whole=whole) if zeros > len(head) // 4 else None
    found = _decoded(head, "utf-8", whole=whole) or _decoded(head, "cp1252", whole=whole)
    if found is None and sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in head) > len(head) * 3 // 4:
        return _decoded(head, "mac_roman", whole=whole)  # from before 2001; it has no undefined bytes, so mostly ASCII is asked
    return found


def _decoded(head: bytes, encoding: str, *, whole: bool) -> str | None:
    for cut in range(1 if whole else 4):
        try:
            text = head[: len(head) - cut].decode(encoding)
        except UnicodeDecodeError:
            continue
        odd = sum(1 for char in text if (char < " " and char not in "\t\n\r\x0b\x0c\x1a\x1b") or char in "\x7f\ufffe\uffff")
        return text if odd <= len(text) // 1000 and "\0" not in text else None
    return None


def starts(chunks: Iterator[bytes]) -> bool:
    """Whether a stream begins like a program (Windows, Linux, macOS)."""
    first = next(chunks, b"")[:64]
    return _is_program(first) or first[:4] in {
        b"\x7fELF",
        b"\xfe\xed\xfa\xce",
        b"\xfe\xed\xfa\xcf",
        b"\xce\xfa\xed\xfe",
        b"\xcf\xfa\xed\xfe",
    }
