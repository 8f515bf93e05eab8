"""What an image's header says, read without decoding anything, and whether the file is all there.

Sources: PNG (ISO/IEC 15948), JPEG (ISO/IEC 10918-1 annex B), TIFF 6.0 and BigTIFF, Adobe Photoshop file formats (PSD, PSB),
GIF89a, WebP container, BMP, JPEG 2000 (ISO/IEC 15444-1 annex I), HEIF (ISO/IEC 23008-12).
"""

from __future__ import annotations

import mmap
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from include.files.model import Refused

_SIDE = 300_000  # pixels: Photoshop's own limit for PSB
_DIRECTORIES = 2_000  # pages of a TIFF
_TYPES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}  # bytes by TIFF type
_TODO = "Ask the sender to export and send it again."


@dataclass(frozen=True, slots=True)
class Size:
    """Pixels of the largest picture in the file."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        return self.width * self.height


def check(local: Path, extension: str, pixels: int) -> Size | None:
    """The size of an image of this (sniffed) type; None where the type's header does not tell it.

    Raises `Refused`: image-too-large (more than `pixels`), image-broken (cut short, or a header that can't be).
    """
    with local.open("rb") as stream:
        size = measure(stream, extension)
        if size:
            within(size, pixels)
        _COMPLETE.get(extension, _anything)(stream)
    return size


def within(size: Size, pixels: int, where: str = "") -> None:
    """Raises `Refused` (image-too-large, image-broken)."""
    if size.width <= 0 or size.height <= 0:
        raise Refused("image-broken", "the image has no width or no height", where=where, todo=_TODO)
    if size.pixels > pixels or max(size.width, size.height) > max(_SIDE, pixels // 1000):
        what = f"{size.width:,} × {size.height:,} pixels; {pixels:,} are allowed in all"
        raise Refused(
            "image-too-large", what, where=where, todo="Ask the sender for a smaller image, or raise `limits.pixels` of the inbox."
        )


def measure(stream: BinaryIO, extension: str) -> Size | None:
    """Width and height by the header. Raises `Refused` (image-broken)."""
    reader = _MEASURE.get(extension)
    if reader is None:
        return None
    try:
        stream.seek(0)
        return reader(stream)
    except (struct.error, IndexError, ValueError, OverflowError, OSError) as damaged:
        raise Refused("image-broken", "the image's header is damaged or cut short", todo=_TODO) from damaged


def _png(stream: BinaryIO) -> Size:
    head = stream.read(33)
    if head[12:16] != b"IHDR":
        raise ValueError
    return Size(*struct.unpack_from(">II", head, 16))


def _gif(stream: BinaryIO) -> Size:
    return Size(*struct.unpack_from("<HH", stream.read(10), 6))


def _bmp(stream: BinaryIO) -> Size:
    head = stream.read(26)
    if struct.unpack_from("<I", head, 14)[0] == 12:
        return Size(*struct.unpack_from("<HH", head, 18))
    width, height = struct.unpack_from("<ii", head, 18)
    return Size(width, abs(height))


def _jpeg(stream: BinaryIO) -> Size:
    stream.seek(2)
    while True:
        marker = stream.read(1)
        if marker != b"\xff":
            raise ValueError
        while marker == b"\xff":
            marker = stream.read(1)
        code = marker[0]
        if 0xC0 <= code <= 0xCF and code not in {0xC4, 0xC8, 0xCC}:
            height, width = struct.unpack_from(">HH", stream.read(7), 3)
            return Size(width, height)
        if code in {0xD9, 0xDA}:
            raise ValueError
        if code == 0x01 or 0xD0 <= code <= 0xD8:
            continue
        length = struct.unpack(">H", stream.read(2))[0]
        if length < 2:
            raise ValueError
        stream.seek(length - 2, 1)


def _webp(stream: BinaryIO) -> Size:
    head = stream.read(40)
    kind = head[12:16]
    if kind == b"VP8X":
        return Size(1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little"))
    if kind == b"VP8L":
        bits = struct.unpack_from("<I", head, 21)[0]
        return Size((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", head, 26)
        return Size(width & 0x3FFF, height & 0x3FFF)
    raise ValueError


def _psd(stream: BinaryIO) -> Size:
    head = stream.read(26)
    version, channels, height, width, depth = struct.unpack_from(">H6xHIIH", head, 4)
    most = 30_000 if version == 1 else _SIDE
    if not 1 <= channels <= 56 or depth not in {1, 8, 16, 32}:
        raise ValueError
    if max(width, height) > most:
        raise Refused("image-too-large", f"{width:,} × {height:,} pixels; Photoshop's format ends at {most:,}", todo=_TODO)
    return Size(width, height)


def _jp2(stream: BinaryIO) -> Size:
    head = stream.read(4096)
    at = head.find(b"ihdr")
    if at < 0:
        raise ValueError
    height, width = struct.unpack_from(">II", head, at + 4)
    return Size(width, height)


def _heif(stream: BinaryIO) -> Size:
    head = stream.read(1 << 20)
    sizes: list[Size] = []
    at = head.find(b"ispe")
    while at >= 0 and len(sizes) < 1000:
        sizes.append(Size(*struct.unpack_from(">II", head, at + 8)))
        at = head.find(b"ispe", at + 4)
    if not sizes:
        raise ValueError
    return max(sizes, key=lambda size: size.pixels)


def _tiff(stream: BinaryIO) -> Size:
    """Every page's size, and whether every page's strips or tiles lie within the file."""
    whole = stream.seek(0, 2)
    stream.seek(0)
    head = stream.read(16)
    end = "<" if head[:2] == b"II" else ">"
    big = struct.unpack_from(f"{end}H", head, 2)[0] == 43
    number, entry, count = (f"{end}Q", 20, f"{end}Q") if big else (f"{end}I", 12, f"{end}H")
    at = struct.unpack_from(number, head, 8 if big else 4)[0]
    largest = Size(0, 0)
    seen: set[int] = set()
    while at:
        if at in seen or len(seen) > _DIRECTORIES or at >= whole:
            raise ValueError
        seen.add(at)
        stream.seek(at)
        entries = struct.unpack(count, stream.read(struct.calcsize(count)))[0]
        if entries > 4096:
            raise ValueError
        block = stream.read(entries * entry)
        at = struct.unpack(number, stream.read(struct.calcsize(number)))[0]
        tags = {
            struct.unpack_from(f"{end}H", block, place)[0]: block[place : place + entry]
            for place in range(0, len(block) - entry + 1, entry)
        }
        width, height = (_values(stream, tags.get(tag), end, big=big)[:1] or [0] for tag in (256, 257))
        size = Size(width[0], height[0])
        largest = max(largest, size, key=lambda one: one.pixels)
        for offsets, lengths in ((273, 279), (324, 325)):
            places, sizes = _values(stream, tags.get(offsets), end, big=big), _values(stream, tags.get(lengths), end, big=big)
            if any(place + length > whole for place, length in zip(places, sizes, strict=False)):
                raise ValueError
    if not largest.pixels:
        raise ValueError
    return largest


def _values(stream: BinaryIO, raw: bytes | None, end: str, *, big: bool) -> list[int]:
    if raw is None:
        return []
    kind = struct.unpack_from(f"{end}H", raw, 2)[0]
    count = struct.unpack_from(f"{end}Q" if big else f"{end}I", raw, 4)[0]
    code = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}.get(kind)
    if code is None or count > 4_000_000:
        raise ValueError
    inline = raw[12:20] if big else raw[8:12]
    length = _TYPES[kind] * count
    if length > len(inline):
        stream.seek(struct.unpack(f"{end}Q" if big else f"{end}I", inline)[0])
        inline = stream.read(length)
    return list(struct.unpack_from(f"{end}{count}{code}", inline))


_MEASURE = {
    ".png": _png, ".gif": _gif, ".bmp": _bmp, ".jpg": _jpeg, ".webp": _webp, ".psd": _psd, ".psb": _psd, ".jp2": _jp2, ".tif": _tiff,
    ".heic": _heif, ".avif": _heif,
}  # fmt: skip


def _anything(stream: BinaryIO) -> None:
    del stream


def _cut() -> Refused:
    return Refused("image-broken", "the image is cut short", todo=_TODO)


def _png_complete(stream: BinaryIO) -> None:
    """Every chunk is there with the right checksum, up to IEND."""
    whole = stream.seek(0, 2)
    at = 8
    while True:
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            raise _cut()
        length, kind = struct.unpack(">I4s", head)
        if length > whole - at - 12:
            raise _cut()
        crc, left = zlib.crc32(kind), length
        while left:
            block = stream.read(min(left, 1 << 20))
            if not block:
                raise _cut()
            crc, left = zlib.crc32(block, crc), left - len(block)
        if stream.read(4) != struct.pack(">I", crc):
            raise Refused("image-broken", f"a checksum is wrong (chunk {kind!r})", todo=_TODO)
        if kind == b"IEND":
            return
        at += 12 + length


def _jpeg_complete(stream: BinaryIO) -> None:
    """The image ends (EOI) after its last scan began (SOS)."""
    with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at = 2
        while at + 4 <= len(content) and content[at] == 0xFF and content[at + 1] != 0xDA:
            at += (
                1
                if content[at + 1] == 0xFF
                else 2
                if content[at + 1] == 1 or 0xD0 <= content[at + 1] <= 0xD8
                else 2 + struct.unpack_from(">H", content, at + 2)[0]
            )
        if content.find(b"\xff\xda", at) < 0 or content.rfind(b"\xff\xd9", at) < 0:
            raise _cut()


def _gif_complete(stream: BinaryIO) -> None:
    whole = stream.seek(0, 2)
    stream.seek(max(0, whole - 1024))
    if b"\x3b" not in stream.read().rstrip(b"\0\r\n")[-1:]:
        raise _cut()


def _riff_complete(stream: BinaryIO) -> None:
    whole = stream.seek(0, 2)
    stream.seek(4)
    if struct.unpack("<I", stream.read(4))[0] + 8 > whole:
        raise _cut()


def _bmp_complete(stream: BinaryIO) -> None:
    whole = stream.seek(0, 2)
    stream.seek(10)
    offset = struct.unpack("<I", stream.read(4))[0]
    stream.seek(14)
    head = stream.read(24)
    if struct.unpack_from("<I", head)[0] == 12 or offset > whole:
        return
    width, height, _, bits, packed = struct.unpack_from("<iiHHI", head, 4)
    if packed == 0 and offset + (width * bits + 31) // 32 * 4 * abs(height) > whole:
        raise _cut()


def _psd_complete(stream: BinaryIO) -> None:
    """Colour data, resources and layers lie within the file, and the merged image begins."""
    whole = stream.seek(0, 2)
    stream.seek(4)
    wide = stream.read(2) == b"\0\2"
    at = 26
    for length in (4, 4, 8 if wide else 4):
        stream.seek(at)
        raw = stream.read(length)
        if len(raw) < length:
            raise _cut()
        at += length + int.from_bytes(raw, "big")
    if at + 2 > whole:
        raise _cut()
    stream.seek(12)
    channels, height, width, depth = struct.unpack(">HIIH", stream.read(12))
    stream.seek(at)
    packing = struct.unpack(">H", stream.read(2))[0]
    if packing == 0 and at + 2 + channels * height * ((width * depth + 7) // 8) > whole:
        raise _cut()
    if packing == 1:
        counts = stream.read(channels * height * (4 if wide else 2)) if channels * height < 20_000_000 else b""
        lengths = (
            struct.unpack(f">{channels * height}{'I' if wide else 'H'}", counts)
            if len(counts) == channels * height * (4 if wide else 2)
            else None
        )
        if lengths is None or stream.tell() + sum(lengths) > whole:
            raise _cut()


_COMPLETE = {
    ".png": _png_complete, ".jpg": _jpeg_complete, ".gif": _gif_complete, ".webp": _riff_complete, ".bmp": _bmp_complete,
    ".psd": _psd_complete, ".psb": _psd_complete,
}  # fmt: skip
