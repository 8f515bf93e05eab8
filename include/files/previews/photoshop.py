"""The flattened picture of a PSD or PSB, in bands of rows: 8 and 16 bits, raw or run-length coded.

By Adobe's "Photoshop File Formats Specification": header, colour mode data, image resources, layers, image data. The
layers are never read. Pillow knows neither PSB nor 16 bits, and loads the picture whole.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from PIL import Image, ImageChops

from include.files.model import Refused

ROWS = 128
_MODES = {1: ("L", 1), 2: ("P", 1), 3: ("RGB", 3), 4: ("CMYK", 4), 8: ("L", 1), 9: ("LAB", 3)}  # 8, duotone: its gray
_LARGEST = 300_000  # pixels a side, of PSB
_RESOURCES = 64 << 20


class Photoshop:
    """`size`, `mode`, `bits`, `info` (icc_profile, dpi), and its bands. Raises `Refused` (psd-…) with the reason why it has no picture."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.info: dict[str, object] = {}
        self._palette = b""
        with path.open("rb") as file:
            try:
                self._header(file)
            except struct.error as short:
                raise Refused("psd-broken", "The Photoshop file ends early") from short

    def _header(self, file: BinaryIO) -> None:
        signature, version, channels, height, width, bits, mode = struct.unpack(">4sH6xHIIHH", file.read(26))
        if signature != b"8BPS" or version not in {1, 2} or not (0 < width <= _LARGEST and 0 < height <= _LARGEST):
            raise Refused("psd-broken", "The Photoshop file's header is wrong")
        if mode not in _MODES or bits not in {8, 16}:
            raise Refused("psd-unknown", f"A Photoshop file of colour mode {mode} with {bits} bits has no preview")
        self.mode, self._samples = _MODES[mode]
        self._large, self.bits, self.size, self._channels = version == 2, bits, (width, height), channels
        if channels < self._samples:
            raise Refused("psd-broken", "The Photoshop file has too few channels")
        self._palette = file.read(_length(file))
        self._read_resources(file.read(min(_length(file), _RESOURCES)))
        (layers,) = struct.unpack(">Q" if self._large else ">I", file.read(8 if self._large else 4))
        file.seek(layers, 1)
        (self._compression,) = struct.unpack(">H", file.read(2))
        if self._compression not in {0, 1}:
            raise Refused("psd-unknown", "The Photoshop file's flattened picture is packed in a way that is not known")
        self._data = file.tell()

    def _read_resources(self, data: bytes) -> None:
        at = 0
        while at + 12 <= len(data):
            signature, number = struct.unpack_from(">4sH", data, at)
            if signature != b"8BIM":
                break
            name = data[at + 6] + 1
            at += 6 + name + name % 2
            if at + 4 > len(data):
                break
            (size,) = struct.unpack_from(">I", data, at)
            body = data[at + 4 : at + 4 + size]
            at += 4 + size + size % 2
            if number == 1039:
                self.info["icc_profile"] = body
            elif number == 1005 and len(body) >= 16:
                self.info["dpi"] = (struct.unpack_from(">i", body)[0] / 65536, struct.unpack_from(">i", body, 8)[0] / 65536)
            elif number == 1057 and len(body) >= 5 and not body[4]:
                raise Refused(
                    "psd-layers-only",
                    "The Photoshop file was saved without its flattened picture",
                    todo="Save it with “Maximize Compatibility”.",
                )

    @property
    def channels(self) -> int:
        return int(self._channels)

    def __iter__(self) -> Iterator[Image.Image]:
        with self._path.open("rb") as file:
            file.seek(self._data)
            starts, lengths = self._rows(file)
            height = self.size[1]
            for top in range(0, height, ROWS):
                rows = min(ROWS, height - top)
                yield self._merged([self._band(file, starts, lengths, channel * height + top, rows) for channel in range(self._samples)])

    def _rows(self, file: BinaryIO) -> tuple[list[int], list[int]]:
        """Where each row of each colour channel begins, and how long it is."""
        width, height = self.size
        number = self._samples * height
        if self._compression == 0:
            line = width * self.bits // 8
            return [self._data + at * line for at in range(number)], [line] * number
        size = 4 if self._large else 2
        table = file.read(self._channels * height * size)
        lengths = list(struct.unpack_from(f">{number}{'I' if self._large else 'H'}", table))
        starts, at = [], self._data + self._channels * height * size
        for length in lengths:
            starts.append(at)
            at += length
        return starts, lengths

    def _band(self, file: BinaryIO, starts: list[int], lengths: list[int], first: int, rows: int) -> Image.Image:
        """Rows of one channel as a gray picture; of sixteen bits the upper eight."""
        size = (self.size[0] * self.bits // 8, rows)
        file.seek(starts[first])
        data = file.read(sum(lengths[first : first + rows]))
        if self._compression == 0:
            if len(data) < size[0] * size[1]:
                raise ValueError("the file ends early")
            band = Image.frombytes("L", size, data)
        else:
            band = Image.frombytes("L", size, data, "packbits", "L")
        if self.bits == 16:
            import numpy as np

            band = Image.fromarray(np.ascontiguousarray(np.asarray(band)[:, ::2]))
        return band

    def _merged(self, channels: list[Image.Image]) -> Image.Image:
        if self.mode == "CMYK":
            return Image.merge("CMYK", [ImageChops.invert(channel) for channel in channels])
        if self.mode == "LAB":  # Pillow keeps a and b as signed bytes, Photoshop with an offset of 128
            light, *tints = channels
            return Image.merge("LAB", [light, *(tint.point([(value + 128) % 256 for value in range(256)]) for tint in tints)])
        if self.mode == "P":
            (band,) = channels
            band = Image.frombytes("P", band.size, band.tobytes())
            red, green, blue = self._palette[:256], self._palette[256:512], self._palette[512:768]
            band.putpalette([value for rgb in zip(red, green, blue, strict=True) for value in rgb])
            return band
        return channels[0] if self.mode == "L" else Image.merge(self.mode, channels)


def _length(file: BinaryIO) -> int:
    (length,) = struct.unpack(">I", file.read(4))
    return int(length)
