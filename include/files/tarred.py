"""TAR archives (POSIX.1-2001 pax, GNU, old ones), plain or in gzip, bzip2, xz, read as a stream without trust.

`tarfile` reads a whole pax header into memory, whatever its size says; here headers are bounded, and everything that comes
out of the compressor is counted while it comes.
"""

from __future__ import annotations

import bz2
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Literal

from include.files.model import Refused

CHUNK = 64 << 10
PIECE = 1 << 20
MEMORY = 256 << 20  # bytes that a decompressor may ask for
_HEADER = 64 << 10  # bytes of a pax header or of a GNU long name
_AGAIN = "Ask the sender to send it again."
_BROKEN = (zlib.error, lzma.LZMAError, OSError, EOFError, ValueError)


@dataclass(frozen=True, slots=True)
class Entry:
    """One member. `data` must be read, or left alone, before the next one is asked for."""

    name: str
    kind: Literal["file", "folder", "link", "special"]
    size: int
    data: Iterator[bytes]


def unpacked(stream: BinaryIO, count: Callable[[int, int], None]) -> Iterator[bytes]:
    """The content of a gzip, bzip2 or xz file (several streams, one after the other, are one) in pieces of at most 1 MiB.

    Raises `Refused` (archive-broken: damaged or cut short) and what `count(packed, unpacked)` raises.
    """
    stream.seek(0)
    start = stream.read(6)
    stream.seek(0)
    fresh: Callable[[], Any]
    if start[:2] == b"\x1f\x8b":
        fresh = _Gzip
    elif start[:3] == b"BZh":
        fresh = bz2.BZ2Decompressor
    else:

        def fresh() -> Any:
            return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MEMORY)

    try:
        yield from _streams(stream, fresh, count)
    except _BROKEN as damaged:
        raise Refused("archive-broken", "the packed data is damaged or cut short", todo=_AGAIN) from damaged


def _streams(stream: BinaryIO, fresh: Callable[[], Any], count: Callable[[int, int], None]) -> Iterator[bytes]:
    one, block, begun = fresh(), b"", False
    while True:
        taken = 0
        if not block and (begun is False or one.needs_input):
            block = stream.read(CHUNK)
            taken = len(block)
            if not block:
                if begun:
                    raise EOFError
                return
        begun = True
        piece = one.decompress(block, PIECE)
        block = b""
        count(taken, len(piece))
        if piece:
            yield piece
        if one.eof:
            block = one.unused_data.lstrip(b"\0")  # padding on tapes and block devices
            while not block and (more := stream.read(CHUNK)):
                count(len(more), 0)
                block = more.lstrip(b"\0")
            one, begun = fresh(), False
            if not block:
                return


class _Gzip:
    """zlib with the manners of the other two."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(31)
        self._rest = b""

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def needs_input(self) -> bool:
        return not self._rest

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, most: int) -> bytes:
        out = self._inner.decompress(self._rest + data, most)
        self._rest = self._inner.unconsumed_tail
        return out


class _Source:
    """Bytes by count from pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._rest = pieces, b""

    def some(self, most: int) -> bytes:
        """At least one byte, at most `most`; b"" at the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = piece
        out, self._rest = self._rest[:most], self._rest[most:]
        return out

    def exactly(self, length: int) -> bytes:
        out = bytearray()
        while len(out) < length:
            some = self.some(length - len(out))
            if not some:
                raise Refused("archive-broken", "the archive is cut short", todo=_AGAIN)
            out += some
        return bytes(out)

    def skip(self, length: int) -> None:
        while length:
            some = self.some(min(length, PIECE))
            if not some:
                raise Refused("archive-broken", "the archive is cut short", todo=_AGAIN)
            length -= len(some)


def plain(stream: BinaryIO, count: Callable[[int, int], None]) -> Iterator[bytes]:
    """An uncompressed file in pieces, counted."""
    stream.seek(0)
    while block := stream.read(PIECE):
        count(len(block), len(block))
        yield block


def members(pieces: Iterator[bytes]) -> Iterator[Entry]:
    """Every member, in order. Raises `Refused` (archive-broken) where the archive is damaged or cut short."""
    source = _Source(pieces)
    long_name = ""
    overall: dict[str, str] = {}
    special: dict[str, str] = {}
    headers = 0
    while True:
        block = source.some(1)
        if not block:
            raise Refused("archive-broken", "the archive is cut short", todo=_AGAIN)
        block += source.exactly(511)
        if block == bytes(512):
            while source.some(PIECE):  # to the end of the packed data, where its checksum stands
                pass
            return
        try:
            info = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        except (tarfile.HeaderError, ValueError) as damaged:
            raise Refused("archive-broken", "a member's header is damaged", todo=_AGAIN) from damaged
        if info.size < 0:
            raise Refused("archive-broken", "a member has a negative size", todo=_AGAIN)
        if info.type in {b"x", b"g", b"X", b"L", b"K"}:
            headers += 1
            if info.size > _HEADER or headers > 16:
                raise Refused("archive-broken", "a member's header is too large", todo=_AGAIN)
            text = source.exactly(info.size)
            source.skip(-info.size % 512)
            if info.type == b"g":
                overall.update(_pax(text))
            elif info.type in {b"x", b"X"}:
                special = _pax(text)
            elif info.type == b"L":
                long_name = text.rstrip(b"\0").decode("utf-8", "surrogateescape")
            continue
        keys = overall | special
        name = keys.get("path") or long_name or info.name
        size = _size(keys.get("size"), info.size)
        sparse = info.type == b"S" or any(key.startswith("GNU.sparse") for key in keys)
        special, long_name, headers = {}, "", 0
        kind = _kind(info, name, sparse=sparse)
        if kind in {"link", "folder"} and info.type != b"0":
            size = 0 if kind == "folder" or info.type in {b"1", b"2"} else size
        rest = [size]
        yield Entry(_decoded(name), kind, size, _data(source, rest))
        source.skip(rest[0])
        source.skip(-size % 512)


def _kind(info: tarfile.TarInfo, name: str, *, sparse: bool) -> Literal["file", "folder", "link", "special"]:
    if sparse:
        return "special"
    if info.type in {b"1", b"2"}:
        return "link"
    if info.type == b"5" or (info.type in {b"0", b"\0"} and name.endswith("/")):
        return "folder"
    return "file" if info.type in {b"0", b"\0", b"7"} else "special"


def _data(source: _Source, rest: list[int]) -> Iterator[bytes]:
    while rest[0]:
        some = source.some(min(rest[0], PIECE))
        if not some:
            raise Refused("archive-broken", "the archive is cut short", todo=_AGAIN)
        rest[0] -= len(some)
        yield some


def _size(told: str | None, size: int) -> int:
    if told is None:
        return size
    if not told.isascii() or not told.isdigit() or len(told) > 18:
        raise Refused("archive-broken", "a member's size is no number", todo=_AGAIN)
    return int(told)


def _pax(text: bytes) -> dict[str, str]:
    """Records `<length> <key>=<value>\\n`."""
    found: dict[str, str] = {}
    while text.strip(b"\0"):
        length, _, _ = text.partition(b" ")
        if not length.isdigit() or len(length) > 6 or not len(length) + 4 < int(length) <= len(text):
            raise Refused("archive-broken", "a member's header is damaged", todo=_AGAIN)
        key, _, value = text[len(length) + 1 : int(length) - 1].partition(b"=")
        found[key.decode("utf-8", "replace")] = value.decode("utf-8", "surrogateescape")
        text = text[int(length) :]
    return found


def _decoded(name: str) -> str:
    raw = name.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def single(name: str) -> str:
    """Name of what a .gz, .bz2 or .xz holds: "data.csv.gz" → "data.csv"."""
    path = Path(name.replace("\\", "/")).name
    for ending in (".gz", ".bz2", ".xz"):
        if path.lower().endswith(ending) and len(path) > len(ending):
            return path[: -len(ending)]
    return f"{path}.unpacked"
