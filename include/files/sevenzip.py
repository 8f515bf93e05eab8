"""7z archives, with bounded memory.

py7zr 1.1.4's own extraction hands pieces of up to 128 MB to its writers, runs folders in parallel threads, joins names with
the current directory and has no limit by ratio. Its parts are used instead: its header classes and its decompressor, driven
here in pieces of 1 MiB, with the header's size, the number of files and the dictionary checked before anything is allocated.
"""

from __future__ import annotations

import io
import lzma
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from py7zr import archiveinfo, compressor, exceptions
from py7zr.properties import PROPERTY

from include.files.model import Refused
from include.files.zipped import DamagedMember

PIECE = 1 << 20
MEMORY = 256 << 20  # bytes of dictionary
_HEADER = 1_024  # bytes of header for each member that is allowed, and as many as 64 of them for the archive itself
_AGAIN = "Ask the sender to pack the files again, as a ZIP."
_BROKEN = (
    exceptions.ArchiveError, lzma.LZMAError, zlib.error, OSError, EOFError, ValueError, TypeError, AttributeError, AssertionError,
    IndexError, KeyError, struct.error, OverflowError, RuntimeError, SystemError,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """One member. `data` must be read to its end, or left alone, before the next one is asked for."""

    name: str
    kind: Literal["file", "folder", "link", "special"]
    size: int
    data: Iterator[bytes]


@dataclass(frozen=True, slots=True)
class Directory:
    files: list[dict[str, Any]]
    streams: Any  # py7zr's StreamsInfo, or None when all members are empty
    size: int  # bytes that the members say they have together


def directory(stream: BinaryIO, *, most: int) -> Directory:
    """The list of members. Raises `Refused`: archive-broken, archive-encrypted (names are encrypted), archive-members, archive-bomb."""
    try:
        return _directory(stream, most)
    except exceptions.PasswordRequired as locked:
        raise _locked() from locked
    except _BROKEN as damaged:
        raise Refused("archive-broken", "the archive's directory is damaged or cut short", todo=_AGAIN) from damaged


def _locked() -> Refused:
    return Refused("archive-encrypted", "the archive is protected by a password", todo="Ask the sender for it without a password.")


def _directory(stream: BinaryIO, most: int) -> Directory:
    size = stream.seek(0, 2)
    stream.seek(0)
    signature: Any = archiveinfo.SignatureHeader.retrieve(stream)
    start, room = 32, (most + 64) * _HEADER
    if signature.nextheadersize > room or 32 + signature.nextheaderofs + signature.nextheadersize > size:
        raise _too_many(most) if signature.nextheadersize > room else ValueError("cut short")
    if signature.nextheadersize == 0:
        if size > 32:
            raise ValueError("the end is missing")
        return Directory([], None, 0)
    stream.seek(start + signature.nextheaderofs)
    buffer = io.BytesIO(stream.read(signature.nextheadersize))
    if zlib.crc32(buffer.getvalue()) != signature.nextheadercrc:
        raise ValueError("checksum")
    kind = buffer.read(1)
    if kind == PROPERTY.ENCODED_HEADER:
        buffer = io.BytesIO(_decoded_header(stream, buffer, start, room, most))
        kind = buffer.read(1)
    if kind != PROPERTY.HEADER:
        raise ValueError("no header")
    return _header(buffer, most)


def _decoded_header(stream: BinaryIO, buffer: io.BytesIO, start: int, room: int, most: int) -> bytes:
    streams: Any = archiveinfo.HeaderStreamsInfo.retrieve(buffer)
    if len(streams.unpackinfo.folders) != 1 or not streams.packinfo.packsizes:
        raise ValueError("header in parts")
    folder = streams.unpackinfo.folders[0]
    wanted = folder.unpacksizes[-1]
    if wanted > room:
        raise _too_many(most)
    _memory(folder.coders)
    stream.seek(start + streams.packinfo.packpos)
    decoder = _decoder(folder, streams.packinfo.packsizes[0])
    out = b"".join(_read(decoder, stream, wanted, lambda packed, unpacked: None))
    if folder.digestdefined and zlib.crc32(out) != folder.crc:
        raise ValueError("checksum")
    return out


def _too_many(most: int) -> Refused:
    return Refused("archive-members", f"a directory larger than {most:,} members need", todo="Ask the sender to split the archive.")


def _header(buffer: io.BytesIO, most: int) -> Directory:
    kind, streams = buffer.read(1), None
    if kind == PROPERTY.MAIN_STREAMS_INFO:
        streams = archiveinfo.StreamsInfo.retrieve(buffer)
        kind = buffer.read(1)
    if kind != PROPERTY.FILES_INFO:
        raise ValueError("no files")
    at = buffer.tell()
    if archiveinfo.read_uint64(buffer) > most:
        raise Refused("archive-members", f"more than {most:,} members", todo="Ask the sender to split the archive.")
    buffer.seek(at)
    info: Any = archiveinfo.FilesInfo.retrieve(buffer)
    total = 0
    if streams is not None:
        for folder in streams.unpackinfo.folders:
            if compressor.SupportedMethods.needs_password(folder.coders):
                raise _locked()
            _memory(folder.coders)
            total += folder.get_unpack_size()
    empty = iter(info.emptyfiles)
    for file in info.files:
        file["folder"] = bool(file.get("emptystream")) and not next(empty, False)
        if "filename" not in file:
            raise ValueError("a member without a name")
    return Directory(info.files, streams, total)


def _memory(coders: list[dict[str, Any]]) -> None:
    """Refuses what asks for more memory than we give: LZMA and LZMA2 by their dictionary, PPMd by its model."""
    for coder in coders:
        method, properties = coder["method"], coder.get("properties") or b""
        if method == b"\x03\x01\x01" and len(properties) >= 5:
            asked = struct.unpack_from("<I", properties, 1)[0]
        elif method == b"\x21" and properties:
            bits = properties[0] & 0x3F
            asked = 0xFFFFFFFF if bits >= 40 else (2 | bits & 1) << (bits // 2 + 11)
        elif method == b"\x03\x04\x01" and len(properties) >= 5:
            asked = struct.unpack_from("<I", properties, 1)[0]
        else:
            continue
        if asked > MEMORY:
            what = f"unpacking asks for {asked >> 20:,} MB of memory, {MEMORY >> 20} are given"
            raise Refused("archive-bomb", what, todo="Ask the sender for a ZIP, or for a smaller dictionary.")


def _decoder(folder: Any, packed: int) -> Any:
    # Small blocks: Deflate in py7zr ignores the limit on its output, and may make a thousand bytes of each.
    return compressor.SevenZipDecompressor(
        folder.coders, packed, folder.unpacksizes, folder.crc if folder.digestdefined else None, None, 4096
    )


def _read(decoder: Any, stream: BinaryIO, wanted: int, count: Callable[[int, int], None]) -> Iterator[bytes]:
    idle = 0
    while wanted:
        before, at = decoder.consumed, stream.tell()
        piece = bytes(decoder.decompress(stream, min(wanted, PIECE)))
        idle = 0 if piece or decoder.consumed != before or stream.tell() != at else idle + 1
        if idle > 1:
            raise EOFError
        count(decoder.consumed - before, len(piece))
        wanted -= len(piece)
        if piece:
            yield piece


def members(stream: BinaryIO, found: Directory, count: Callable[[int, int], None]) -> Iterator[Entry]:
    """Every member, folder by folder of the archive (7z packs many members as one stream).

    Raises `Refused` (archive-broken) and what `count(packed, unpacked)` raises; `DamagedMember` from a member's data.
    """
    full = [file for file in found.files if not file.get("emptystream")]
    for file in found.files:
        if file.get("emptystream"):
            yield Entry(file["filename"], _kind(file), 0, iter(()))
    if not full:
        return
    try:
        yield from _full(stream, found, full, count)
    except _BROKEN as damaged:
        raise Refused("archive-broken", "the packed data is damaged or cut short", todo=_AGAIN) from damaged


def _full(stream: BinaryIO, found: Directory, full: list[dict[str, Any]], count: Callable[[int, int], None]) -> Iterator[Entry]:
    packs, folders, sub = found.streams.packinfo, found.streams.unpackinfo.folders, found.streams.substreamsinfo
    numbers = sub.num_unpackstreams_folders if sub is not None else [1] * len(folders)
    sizes = list(sub.unpacksizes) if sub is not None and sub.unpacksizes is not None else [folder.get_unpack_size() for folder in folders]
    if sum(numbers) != len(full) or len(sizes) < len(full) or len(packs.packsizes) < len(folders):
        raise ValueError("members and streams do not fit")
    at, index = 32 + packs.packpos, 0
    for number, folder, packed in zip(numbers, folders, packs.packsizes, strict=False):
        stream.seek(at)
        decoder = _decoder(folder, packed)
        place = at
        for _ in range(number):
            file, size = full[index], sizes[index]
            if size < 0:
                raise ValueError("negative size")
            told = sub.digests[index] if sub is not None and index < len(sub.digests) and sub.digestsdefined[index] else None
            rest = [size, place]
            yield Entry(file["filename"], _kind(file), size, _member(decoder, stream, rest, told, file["filename"], count))
            stream.seek(rest[1])
            for piece in _read(decoder, stream, rest[0], count):  # what the caller left
                rest[0] -= len(piece)
            place = stream.tell()
            index += 1
        at += packed


def _member(
    decoder: Any, stream: BinaryIO, rest: list[int], told: int | None, name: str, count: Callable[[int, int], None]
) -> Iterator[bytes]:
    """`rest`: bytes still to come, and where the archive is to be read on (others may move the file's position meanwhile)."""
    crc = 0
    stream.seek(rest[1])
    pieces = _read(decoder, stream, rest[0], count)
    while True:
        try:
            piece = next(pieces, b"")
        except _BROKEN as damaged:
            raise Refused("archive-broken", "the packed data is damaged or cut short", todo=_AGAIN) from damaged
        rest[1] = stream.tell()
        if not piece:
            break
        rest[0] -= len(piece)
        crc = zlib.crc32(piece, crc)
        yield piece
        stream.seek(rest[1])
    if told is not None and crc != told:
        raise DamagedMember("archive-broken", "a member's checksum is wrong", where=name, todo="Ask the sender to send it again.")


def _kind(file: dict[str, Any]) -> Literal["file", "folder", "link", "special"]:
    attributes = file.get("attributes") or 0
    if file["folder"] or attributes & 0x10:
        return "folder"
    if attributes & 0x400:  # Windows: a reparse point (link or junction)
        return "link"
    unix = attributes >> 16 & 0xF000 if attributes & 0x8000 else 0
    if unix == 0xA000:
        return "link"
    return "special" if unix and unix not in {0x8000, 0x4000} else "file"
