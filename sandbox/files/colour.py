"""Colour profiles: sRGB from littleCMS, and a four-ink press made of a plain ink model (ICC.1:2001-04, `prtr`, lut8)."""

from __future__ import annotations

import struct
from functools import cache
from itertools import product

from PIL import ImageCms

# Share of red, green and blue light (linear) that a full layer of each ink lets through.
_INKS = ((0.05, 0.32, 0.72), (0.55, 0.03, 0.18), (0.93, 0.82, 0.03), (0.04, 0.04, 0.04))
_PAPER = (0.93, 0.93, 0.91)
_TO_XYZ = ((0.4361, 0.3851, 0.1431), (0.2225, 0.7169, 0.0606), (0.0139, 0.0971, 0.7141))  # linear sRGB, D50
_FROM_XYZ = ((3.1339, -1.6169, -0.4906), (-0.9788, 1.9161, 0.0335), (0.0719, -0.2290, 1.4052))
_WHITE = (0.9642, 1.0, 0.8249)


@cache
def srgb_profile() -> bytes:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return profile[:24] + struct.pack(">6H", 2020, 1, 1, 0, 0, 0) + profile[36:]  # the day of making would change the bytes


@cache
def cmyk_profile() -> bytes:
    """A coated sheet: device to Lab on a grid of 9⁴, Lab to device on one of 9³."""
    grid = 9
    steps = [place / (grid - 1) for place in range(grid)]
    forth = b"".join(bytes(_encoded(_lab(_light(inks)))) for inks in product(steps, repeat=4))
    back = b"".join(
        bytes(_clamped(round(255 * ink)) for ink in _inks((100 * light, 255 * a - 128, 255 * b - 128)))
        for light, a, b in product(steps, repeat=3)
    )
    tags = [
        (b"desc", _description("Sandbox Coated")),
        (b"cprt", b"text\0\0\0\0No copyright\0"),
        (b"wtpt", b"XYZ \0\0\0\0" + b"".join(_fixed(value) for value in _WHITE)),
        (b"A2B0", _lut(4, 3, grid, forth)),
        (b"B2A0", _lut(3, 4, grid, back)),
    ]
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags:
        padded = content + b"\0" * (-len(content) % 4)
        table += struct.pack(">4sII", name, offset + len(body), len(content))
        body += padded
    size = 128 + len(table) + len(body)
    head = struct.pack(">I4sI4s4s4s6H4s4sI4sIQI", size, b"\0\0\0\0", 0x02400000, b"prtr", b"CMYK", b"Lab ", 2020, 1, 1, 0, 0, 0,
                       b"acsp", b"\0\0\0\0", 0, b"\0\0\0\0", 0, 0, 0)  # fmt: skip
    head += b"".join(_fixed(value) for value in _WHITE)
    return head.ljust(128, b"\0") + table + body


def _light(inks: tuple[float, ...]) -> tuple[float, float, float]:
    """Reflected linear light of an overprint: each ink filters what the others leave."""
    red, green, blue = _PAPER
    for share, (r, g, b) in zip(inks, _INKS, strict=True):
        red, green, blue = red * (1 - share * (1 - r)), green * (1 - share * (1 - g)), blue * (1 - share * (1 - b))
    return red, green, blue


def _lab(light: tuple[float, float, float]) -> tuple[float, float, float]:
    x, y, z = (sum(m * c for m, c in zip(row, light, strict=True)) / white for row, white in zip(_TO_XYZ, _WHITE, strict=True))
    fx, fy, fz = (value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116 for value in (x, y, z))
    return 116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)


def _inks(lab: tuple[float, float, float]) -> tuple[float, float, float, float]:
    fy = (lab[0] + 16) / 116
    fs = fy + lab[1] / 500, fy, fy - lab[2] / 200
    xyz = [white * (f**3 if f**3 > 216 / 24389 else (116 * f - 16) * 27 / 24389) for f, white in zip(fs, _WHITE, strict=True)]
    light = [min(1.0, max(0.0, sum(m * c for m, c in zip(row, xyz, strict=True)))) for row in _FROM_XYZ]
    c, m, y = (1 - value ** (1 / 2.2) for value in light)
    black = min(c, m, y) ** 2
    rest = (1 - black) or 1.0
    return (c - black) / rest, (m - black) / rest, (y - black) / rest, black


def _encoded(lab: tuple[float, float, float]) -> tuple[int, int, int]:
    return _clamped(round(lab[0] * 2.55)), _clamped(round(lab[1] + 128)), _clamped(round(lab[2] + 128))


def _clamped(value: int) -> int:
    return min(255, max(0, value))


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _lut(inputs: int, outputs: int, grid: int, cells: bytes) -> bytes:
    straight = bytes(range(256))
    matrix = b"".join(_fixed(1.0 if place % 4 == 0 else 0.0) for place in range(9))
    return b"mft1\0\0\0\0" + bytes((inputs, outputs, grid, 0)) + matrix + straight * inputs + cells + straight * outputs


def _description(said: str) -> bytes:
    text = said.encode() + b"\0"
    return b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + b"\0" * (4 + 4 + 2 + 1 + 67)
