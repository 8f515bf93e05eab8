"""A TIFF in bands of rows: artwork of several hundred megabytes is made smaller without ever being in memory whole.

Pillow decodes a TIFF at once. So each band's strips or tiles are put behind a header of their own, as a small TIFF with
the same tags, and decoded by themselves; every compression that Pillow knows works, because strips and tiles are
independent of each other (TIFF 6.0, section 15 for tiles).
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, TiffImagePlugin

ROWS = 256  # at least so many rows together, where strips are shorter
BAND = 256 << 20  # bytes of one band as it is stored

_WIDTH, _LENGTH, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL = 256, 257, 258, 259, 262, 266
_STRIP_OFFSETS, _SAMPLES, _ROWS_PER_STRIP, _STRIP_COUNTS, _PLANAR, _PREDICTOR = 273, 277, 278, 279, 284, 317
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS, _TILE_COUNTS = 322, 323, 324, 325
_SHORTS = (_BITS, _COMPRESSION, _PHOTOMETRIC, _FILL, _SAMPLES, _PLANAR, _PREDICTOR, 292, 293, 320, 332, 338, 339, 530)
_JPEG_TABLES = 347


class Bands:
    """`size` and `mode` of the first page, `info` (icc_profile, dpi), and its bands from top to bottom.

    Raises OSError, SyntaxError or ValueError for what Pillow can't read.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.image = TiffImagePlugin.TiffImageFile(path)  # the plugin itself: our own limits hold, not Pillow's
        self.mode, self.info = self.image.mode, self.image.info
        self._tags = self.image.tag_v2
        stored: Any = self._tags.get(_WIDTH), self._tags.get(_LENGTH)
        self._width, self._length = self.size = int(stored[0]), int(stored[1])  # as stored; Pillow's size is upright

    @property
    def orientation(self) -> int:
        return int(self._tags.get(274, 1) or 1)

    @property
    def banded(self) -> bool:
        """False: the page is one compressed strip and is decoded whole."""
        return self._tiled or len(self._numbers(_STRIP_OFFSETS)) > self._planes or self._raw

    @property
    def _tiled(self) -> bool:
        return _TILE_OFFSETS in self._tags

    @property
    def _raw(self) -> bool:
        return self._tags.get(_COMPRESSION, 1) == 1 and _STRIP_OFFSETS in self._tags

    @property
    def _planes(self) -> int:
        return int(self._tags.get(_SAMPLES, 1)) if self._tags.get(_PLANAR, 1) == 2 else 1

    def __iter__(self) -> Iterator[Image.Image]:
        with self._path.open("rb") as file:
            yield from self._tiles(file) if self._tiled else self._strips(file)

    def close(self) -> None:
        self.image.close()

    def _numbers(self, tag: int) -> tuple[int, ...]:
        found: Any = self._tags.get(tag, ())
        return tuple(found) if isinstance(found, tuple) else (int(found),)

    def _strips(self, file: BinaryIO) -> Iterator[Image.Image]:
        rows = min(int(self._tags.get(_ROWS_PER_STRIP, self._length) or self._length), self._length)
        offsets, counts = self._numbers(_STRIP_OFFSETS), self._numbers(_STRIP_COUNTS)
        planes = self._planes
        if self._raw and rows > ROWS:
            rows, offsets, counts = self._cut(rows, offsets)
        strips = -(-self._length // rows)
        if len(offsets) < strips * planes or len(counts) < strips * planes:
            raise ValueError("strips are missing")
        together = max(1, ROWS // rows)
        for first in range(0, strips, together):
            last = min(first + together, strips)
            height = min(last * rows, self._length) - first * rows
            which = [at + plane * strips for plane in range(planes) for at in range(first, last)]
            pieces = [_read(file, offsets[at], counts[at]) for at in which]
            yield self._alone(self._width, height, rows, pieces)

    def _cut(self, rows: int, offsets: Sequence[int]) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
        """Uncompressed strips that are long: as strips of `ROWS`."""
        bits: Any = self._tags.get(_BITS, 1)
        bits = bits if isinstance(bits, tuple) else (bits,)
        samples = int(self._tags.get(_SAMPLES, 1))
        each = bits[0] if self._planes > 1 else (sum(bits) if len(bits) == samples else bits[0] * samples)
        line = (self._width * each + 7) // 8
        strips = -(-self._length // rows)
        new_offsets: list[int] = []
        new_counts: list[int] = []
        for plane in range(self._planes):
            for top in range(0, self._length, ROWS):
                strip, within = divmod(top, rows)
                if top // rows != (min(top + ROWS, self._length) - 1) // rows:  # a piece would span two strips: only if they adjoin
                    here, after = offsets[plane * strips + strip], offsets[plane * strips + strip + 1]
                    if after != here + rows * line:
                        raise ValueError("strips don't adjoin")
                new_offsets.append(offsets[plane * strips + strip] + within * line)
                new_counts.append(min(ROWS, self._length - top) * line)
        return ROWS, tuple(new_offsets), tuple(new_counts)

    def _tiles(self, file: BinaryIO) -> Iterator[Image.Image]:
        width, length = int(self._tags[_TILE_WIDTH]), int(self._tags[_TILE_LENGTH])
        offsets, counts = self._numbers(_TILE_OFFSETS), self._numbers(_TILE_COUNTS)
        across, down = -(-self._width // width), -(-self._length // length)
        if len(offsets) < across * down * self._planes or len(counts) < len(offsets):
            raise ValueError("tiles are missing")
        for row in range(down):
            band: Image.Image | None = None
            for column in range(across):
                which = [plane * across * down + row * across + column for plane in range(self._planes)]
                tile = self._alone(width, length, length, [_read(file, offsets[at], counts[at]) for at in which])
                if band is None:
                    band = Image.new(tile.mode, (self._width, min(length, self._length - row * length)))
                    if tile.mode == "P" and (palette := tile.getpalette()):
                        band.putpalette(palette)
                band.paste(tile, (column * width, 0))
            if band is not None:
                yield band

    def _alone(self, width: int, height: int, rows: int, pieces: Sequence[bytes]) -> Image.Image:
        """The pieces as a TIFF of their own, decoded."""
        order = "<" if self._tags.prefix == b"II" else ">"
        fields: list[tuple[int, int, Sequence[int] | bytes]] = [
            (_WIDTH, 4, (width,)),
            (_LENGTH, 4, (height,)),
            (_ROWS_PER_STRIP, 4, (rows,)),
        ]
        for tag in _SHORTS:
            if tag in self._tags:
                value: Any = self._tags[tag]
                wide = tag in {292, 293}
                fields.append((tag, 4 if wide else 3, tuple(int(one) for one in (value if isinstance(value, tuple) else (value,)))))
        if _JPEG_TABLES in self._tags:
            fields.append((_JPEG_TABLES, 7, bytes(self._tags[_JPEG_TABLES])))
        where = 8 + sum(map(len, pieces))
        starts, at = [], 8
        for piece in pieces:
            starts.append(at)
            at += len(piece)
        fields += [(_STRIP_OFFSETS, 4, starts), (_STRIP_COUNTS, 4, [len(piece) for piece in pieces])]
        made = io.BytesIO()
        made.write((b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, where + where % 2))
        for piece in pieces:
            made.write(piece)
        made.write(b"\0" * (where % 2))
        made.write(_directory(order, sorted(fields), where + where % 2))
        made.seek(0)
        image = TiffImagePlugin.TiffImageFile(made)
        image.load()
        return image


def _read(file: BinaryIO, offset: int, count: int) -> bytes:
    if count > BAND:
        raise ValueError("a strip is too large")
    file.seek(offset)
    data = file.read(count)
    if len(data) < count:
        raise ValueError("the file ends early")
    return data


def _directory(order: str, fields: Sequence[tuple[int, int, Sequence[int] | bytes]], at: int) -> bytes:
    """An image file directory that begins at `at`, values longer than four bytes behind it (TIFF 6.0, section 2)."""
    entries, behind = b"", b""
    room = at + 2 + 12 * len(fields) + 4
    for tag, kind, values in fields:
        data = values if isinstance(values, bytes) else struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *values)
        entries += struct.pack(f"{order}HHI", tag, kind, len(values))
        if len(data) <= 4:
            entries += data.ljust(4, b"\0")
        else:
            entries += struct.pack(f"{order}I", room + len(behind))
            behind += data + b"\0" * (len(data) % 2)
    return struct.pack(f"{order}H", len(fields)) + entries + b"\0\0\0\0" + behind
