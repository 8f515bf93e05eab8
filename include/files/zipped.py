"""ZIP archives, read without trust (PKWARE APPNOTE 6.3).

The standard library's `zipfile` loads any directory whatever its size, takes an archive's word for sizes, and (before
3.11.8) does not see overlapping members. Here the directory is walked with a limit, its two copies must agree, members must
not share bytes, and what comes out is counted while it comes. Anything that two programs could read differently (bytes
before or after the archive, several ends) is refused, so that whoever opens the file later sees what was examined.
"""

from __future__ import annotations

import bz2
import lzma
import stat
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, BinaryIO

from include.files.model import Refused

CHUNK = 64 << 10  # bytes read, and at most 16 times as many written, at a time
STORED, DEFLATED, DEFLATE64, BZIP2, LZMA, AES = 0, 8, 9, 12, 14, 99
_END, _END64, _LOCATOR, _CENTRAL, _LOCAL = b"PK\x05\x06", b"PK\x06\x06", b"PK\x06\x07", b"PK\x01\x02", b"PK\x03\x04"
_AGAIN = "Ask the sender to pack the files again, with another program."


class DamagedMember(Refused):
    """One member can't be read; the others can."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One member as the directory tells it. `name` is decoded, not cleaned."""

    name: str
    method: int
    encrypted: bool
    crc: int
    packed: int
    size: int
    start: int  # first byte of the packed data
    mode: int  # Unix mode, 0 where the archive comes from elsewhere
    misnamed: bool = False  # said to be UTF-8 and is not

    @property
    def folder(self) -> bool:
        return self.name.endswith(("/", "\\")) or stat.S_ISDIR(self.mode)


def directory(stream: BinaryIO, *, most: int) -> list[Entry]:
    """All members, in the directory's order.

    Raises `Refused`: archive-broken (cut short, contradicts itself, other data before or after), archive-members (more than
    `most`), archive-bomb (members that share bytes).
    """
    size = stream.seek(0, 2)
    begin, length, told = _end(stream, size)
    if told > most or length > most * (46 + 1024):
        raise Refused("archive-members", f"{told:,} members, {most:,} are allowed", todo="Ask the sender to split the archive.")
    stream.seek(begin)
    central = stream.read(length)
    entries: list[Entry] = []
    spans: list[tuple[int, int]] = []
    at = 0
    while at < len(central):
        entry, offset, raw, at = _entry(central, at)
        if len(entries) >= most:
            raise Refused("archive-members", f"more than {most:,} members", todo="Ask the sender to split the archive.")
        data = _local(stream, offset, raw)
        if data + entry.packed > begin:
            raise Refused("archive-broken", "a member reaches beyond the end", where=entry.name, todo=_AGAIN)
        spans.append((offset, data + entry.packed))
        entries.append(
            Entry(entry.name, entry.method, entry.encrypted, entry.crc, entry.packed, entry.size, data, entry.mode, entry.misnamed)
        )
    if len(entries) != told:
        raise Refused("archive-broken", f"the directory tells of {told:,} members and lists {len(entries):,}", todo=_AGAIN)
    spans.sort()
    if any(before[1] > after[0] for before, after in pairwise(spans)):
        raise Refused("archive-bomb", "members share the same bytes, as only an archive bomb's do", todo="Do not open it; ask the sender.")
    return entries


def _end(stream: BinaryIO, size: int) -> tuple[int, int, int]:
    """(start of the directory, its bytes, members told)."""
    begin = max(0, size - 65_557 - 20)
    stream.seek(begin)
    tail = stream.read()
    at = tail.rfind(_END)
    if at < 0 or at + 22 > len(tail):
        raise Refused(
            "archive-broken", "the end of the archive is missing: it was cut short, or is no ZIP", todo="Ask the sender to send it again."
        )
    disk, first, here, told, length, offset, comment = struct.unpack_from("<HHHHIIH", tail, at + 4)
    if at + 22 + comment != len(tail):
        raise Refused("archive-broken", "there are bytes after the end of the archive", todo=_AGAIN)
    end = begin + at
    if tail[at - 20 : at - 16] == _LOCATOR and at >= 20:
        where = struct.unpack_from("<Q", tail, at - 12)[0]
        stream.seek(min(where, size))
        record = stream.read(56)
        if len(record) < 56 or record[:4] != _END64:
            raise Refused("archive-broken", "its ZIP64 end does not fit", todo=_AGAIN)
        disk, first, here, told, length, offset = struct.unpack_from("<IIQQQQ", record, 16)
        end = where
        if where + 12 + struct.unpack_from("<Q", record, 4)[0] != begin + at - 20:
            raise Refused("archive-broken", "its ZIP64 end does not fit", todo=_AGAIN)
    if disk or first or here != told:
        raise Refused("archive-broken", "one part of an archive in several parts", todo="Ask the sender for one archive.")
    if offset + length != end:
        raise Refused("archive-broken", "there are other bytes before the archive or between its parts", todo=_AGAIN)
    if told == 0 and end != 0:
        raise Refused("archive-broken", "an archive without members, but not empty", todo=_AGAIN)
    return offset, length, told


def _entry(central: bytes, at: int) -> tuple[Entry, int, bytes, int]:
    if central[at : at + 4] != _CENTRAL or at + 46 > len(central):
        raise Refused("archive-broken", "the directory is damaged", todo=_AGAIN)
    made, _, flags, method, _, _, crc, packed, size, names, extras, comments, disk, _, attributes, offset = struct.unpack_from(
        "<HHHHHHIIIHHHHHII", central, at + 4
    )
    raw = central[at + 46 : at + 46 + names]
    extra = central[at + 46 + names : at + 46 + names + extras]
    following = at + 46 + names + extras + comments
    if following > len(central) or disk not in {0, 0xFFFF}:
        raise Refused("archive-broken", "the directory is damaged", todo=_AGAIN)
    size, packed, offset = _wide(extra, size, packed, offset)
    name, misnamed = _name(raw, utf8=bool(flags & 0x800))
    mode = attributes >> 16 if made >> 8 in {3, 19} else 0
    return Entry(name, method, bool(flags & 0x41) or method == AES, crc, packed, size, 0, mode, misnamed), offset, raw, following


def _wide(extra: bytes, size: int, packed: int, offset: int) -> tuple[int, int, int]:
    """ZIP64: what did not fit in 32 bits stands in extra field 1, in this order."""
    if 0xFFFFFFFF not in {size, packed, offset}:
        return size, packed, offset
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        if kind == 1:
            field = extra[at + 4 : at + 4 + length]
            numbers = iter(struct.unpack(f"<{len(field) // 8}Q", field[: len(field) // 8 * 8]))
            wide = [next(numbers, -1) if number == 0xFFFFFFFF else number for number in (size, packed, offset)]
            if -1 not in wide:
                return wide[0], wide[1], wide[2]
            break
        at += 4 + length
    raise Refused("archive-broken", "the directory lacks a size", todo=_AGAIN)


def _name(raw: bytes, *, utf8: bool) -> tuple[str, bool]:
    """The name, and whether it is not the UTF-8 it says. Without the flag: UTF-8 where it fits (macOS, Linux), else code page 437."""
    try:
        return raw.decode(), False
    except UnicodeDecodeError:
        return raw.decode("cp437"), utf8


def _local(stream: BinaryIO, offset: int, raw: bytes) -> int:
    """Where the data begins, by the member's own header, which must have the directory's name."""
    stream.seek(offset)
    header = stream.read(30)
    if len(header) < 30 or header[:4] != _LOCAL:
        raise Refused("archive-broken", "a member is not where the directory says", where=raw.decode("utf-8", "replace"), todo=_AGAIN)
    names, extras = struct.unpack_from("<HH", header, 26)
    if stream.read(names) != raw:
        raise Refused("archive-broken", "a member has two names", where=raw.decode("utf-8", "replace"), todo=_AGAIN)
    return offset + 30 + int(names) + int(extras)


class _Lzma:
    """ZIP's LZMA (APPNOTE 5.8): two bytes version, two bytes length of the properties, the properties, the raw stream."""

    def __init__(self) -> None:
        self._head = b""
        self._inner: lzma.LZMADecompressor | None = None
        self.eof = False

    def decompress(self, data: bytes, most: int) -> bytes:
        if self._inner is None:
            self._head += data
            if len(self._head) < 9:
                return b""
            length = struct.unpack_from("<H", self._head, 2)[0]
            if length != 5:
                raise lzma.LZMAError("properties")
            lclppb, dictionary = self._head[4], struct.unpack_from("<I", self._head, 5)[0]
            if dictionary > 256 << 20 or lclppb >= 225:
                raise lzma.LZMAError("dictionary")
            filters = [
                {"id": lzma.FILTER_LZMA1, "dict_size": max(dictionary, 4096), "lc": lclppb % 9, "lp": lclppb // 9 % 5, "pb": lclppb // 45}
            ]
            self._inner = lzma.LZMADecompressor(lzma.FORMAT_RAW, filters=filters)
            data = self._head[9:]
        out: bytes = self._inner.decompress(data, most)
        self.eof = self._inner.eof
        return out


def data(stream: BinaryIO, entry: Entry, count: Callable[[int, int], None] | None = None) -> Iterator[bytes]:
    """The member's content in pieces of at most 1 MiB, checked for size and CRC at the end.

    `count(packed, unpacked)` is called for every piece before it is handed on, and may raise. Raises `DamagedMember`:
    archive-encrypted, archive-broken (unknown method, damaged, CRC or size differ from the directory).
    """
    if entry.encrypted:
        raise DamagedMember(
            "archive-encrypted", "a member is encrypted", where=entry.name, todo="Ask the sender for it without a password."
        )
    crc = total = 0
    try:
        for packed, piece in _pieces(stream, entry):
            total += len(piece)
            if total > entry.size:
                break
            if count:
                count(packed, len(piece))
            crc = zlib.crc32(piece, crc)
            yield piece
    except (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError) as damaged:
        raise DamagedMember("archive-broken", "a member is damaged", where=entry.name, todo=_AGAIN) from damaged
    if total != entry.size:
        what = f"a member holds {'more' if total > entry.size else 'less'} than the {entry.size:,} bytes the directory tells"
        raise DamagedMember("archive-broken", what, where=entry.name, todo=_AGAIN)
    if crc != entry.crc:
        raise DamagedMember("archive-broken", "a member's checksum is wrong", where=entry.name, todo="Ask the sender to send it again.")


def _pieces(stream: BinaryIO, entry: Entry) -> Iterator[tuple[int, bytes]]:
    """(packed bytes taken, unpacked bytes) until the packed data ends."""
    at, end = entry.start, entry.start + entry.packed
    inflate = _inflater(entry)
    while at < end:
        stream.seek(at)
        block = stream.read(min(CHUNK, end - at))
        if not block:
            raise EOFError
        at += len(block)
        taken = len(block)
        for piece in inflate(block):
            yield taken, piece
            taken = 0


def _inflater(entry: Entry) -> Callable[[bytes], Iterator[bytes]]:
    most = CHUNK * 16
    if entry.method == STORED:
        return lambda block: iter((block,))
    if entry.method == DEFLATED:
        deflate = zlib.decompressobj(-15)

        def inflated(block: bytes) -> Iterator[bytes]:
            while block and not deflate.eof:
                piece = deflate.decompress(block, most)
                block = deflate.unconsumed_tail
                yield piece
                while not block and len(piece) == most:
                    piece = deflate.decompress(b"", most)
                    yield piece

        return inflated
    if entry.method == DEFLATE64:  # Windows Explorer writes it for files above 2 GB
        import inflate64

        wide = inflate64.Inflater()

        def inflated64(block: bytes) -> Iterator[bytes]:
            for at in range(0, len(block), 1024):
                if not wide.eof:
                    yield wide.inflate(block[at : at + 1024])

        return inflated64
    if entry.method in {BZIP2, LZMA}:
        other: Any = bz2.BZ2Decompressor() if entry.method == BZIP2 else _Lzma()

        def unpacked(block: bytes) -> Iterator[bytes]:
            while not other.eof:
                piece = other.decompress(block, most)
                yield piece
                block = b""
                if len(piece) < most:
                    return

        return unpacked
    raise DamagedMember(
        "archive-broken", f"a member is packed by a method ({entry.method}) that is not read here", where=entry.name, todo=_AGAIN
    )
