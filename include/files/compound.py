"""Microsoft's compound files ([MS-CFB]): old DOC, XLS and PPT, Outlook messages, installers, password-protected OOXML.

Only the list of streams is read, with every chain bounded: enough to tell what it is and whether it carries macros.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from include.files.model import Refused, Sniffed

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
DOC = Sniffed("application/msword", ".doc", "document")
XLS = Sniffed("application/vnd.ms-excel", ".xls", "spreadsheet")
PPT = Sniffed("application/vnd.ms-powerpoint", ".ppt", "document")
MSG = Sniffed("application/vnd.ms-outlook", ".msg", "other")
MSI = Sniffed("application/x-msi", ".msi", "other")
LOCKED = Sniffed("application/x-ole-encrypted", ".docx", "document")  # an OOXML file behind a password
OTHER = Sniffed("application/x-ole-storage", "", "other")
_INSTALLER = bytes.fromhex("84100c0000000000c000000000000046")  # class id of Windows Installer databases
_PATCH = bytes.fromhex("86100c0000000000c000000000000046")
_MOST = 65_536  # sectors of the directory's chain


def streams(stream: BinaryIO) -> dict[str, bytes]:
    """Names of all streams and storages → class id (16 bytes). Raises `Refused` (archive-broken) when the structure does not hold."""
    size = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(512)
    if len(head) < 512 or head[:8] != MAGIC:
        raise _broken()
    shift = struct.unpack_from("<H", head, 30)[0]
    if shift not in {9, 12}:
        raise _broken()
    sector = 1 << shift
    tables, first = struct.unpack_from("<I", head, 44)[0], struct.unpack_from("<I", head, 48)[0]
    table = [number for number in struct.unpack_from("<109I", head, 76) if number < 0xFFFFFFF0][: min(tables, 109)]
    if tables > 109:
        table += _more_tables(stream, head, sector, tables)
    found: dict[str, bytes] = {}
    seen: set[int] = set()
    while first < 0xFFFFFFF0:
        if first in seen or len(seen) >= _MOST or (first + 1) * sector >= size:
            raise _broken()
        seen.add(first)
        stream.seek((first + 1) * sector)
        block = stream.read(sector)
        for at in range(0, len(block) - 127, 128):
            length, kind = struct.unpack_from("<HB", block, at + 64)
            if kind in {1, 2, 5} and 2 <= length <= 64:
                found[block[at : at + length - 2].decode("utf-16-le", "replace")] = block[at + 80 : at + 96]
        first = _next(stream, table, sector, first)
    if not found:
        raise _broken()
    return found


def _more_tables(stream: BinaryIO, head: bytes, sector: int, tables: int) -> list[int]:
    found: list[int] = []
    at = struct.unpack_from("<I", head, 68)[0]
    seen: set[int] = set()
    while at < 0xFFFFFFF0 and len(found) < tables and at not in seen and len(seen) < _MOST:
        seen.add(at)
        stream.seek((at + 1) * sector)
        block = stream.read(sector)
        if len(block) < sector:
            raise _broken()
        numbers = struct.unpack(f"<{sector // 4}I", block)
        found += [number for number in numbers[:-1] if number < 0xFFFFFFF0]
        at = numbers[-1]
    return found


def _next(stream: BinaryIO, table: list[int], sector: int, number: int) -> int:
    place, index = divmod(number, sector // 4)
    if place >= len(table):
        raise _broken()
    stream.seek((table[place] + 1) * sector + index * 4)
    raw = stream.read(4)
    if len(raw) < 4:
        raise _broken()
    return int(struct.unpack("<I", raw)[0])


def sniff(stream: BinaryIO, size: int) -> Sniffed:
    """Which of the family it is, by the streams in it."""
    try:
        names = streams(stream)
    except Refused:
        return OTHER
    root = names.get("Root Entry", b"")
    if root in {_INSTALLER, _PATCH}:
        return MSI
    for name, found in (
        ("EncryptedPackage", LOCKED), ("WordDocument", DOC), ("Workbook", XLS), ("Book", XLS), ("PowerPoint Document", PPT),
        ("__properties_version1.0", MSG),
    ):  # fmt: skip
        if name in names:
            return found
    return OTHER


def check(stream: BinaryIO) -> None:
    """Raises `Refused`: archive-broken, document-encrypted, macro."""
    names = {name.lower() for name in streams(stream)}
    if names & {"encryptedpackage", "encryptioninfo"}:
        raise Refused("document-encrypted", "the document is protected by a password", todo="Ask the sender for it without a password.")
    if names & {"_vba_project", "vba", "macros", "_vba_project_cur", "vbaproject"}:
        raise Refused("macro", "the document carries macros", todo="Ask the sender to save it without macros (as .docx or .xlsx).")


def _broken() -> Refused:
    return Refused("archive-broken", "the document's inner structure is damaged", todo="Ask the sender to save it anew and send it again.")
