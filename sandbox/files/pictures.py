"""Artwork as agencies send it: TIFF in RGB, CMYK or grey with a colour profile, up to any size; PSD; JPEG and PNG."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy
from PIL import Image

from sandbox.files import colour, jackets
from sandbox.files.order import Order

DEFECTS = frozenset({"no-profile", "small"})
_CHANNELS = {"rgb": 3, "cmyk": 4, "gray": 1}
_PHOTOMETRIC = {"rgb": 2, "cmyk": 5, "gray": 1}
_ROWS = 256  # of one strip
_DPI = 300


def size_of(order: Order, channels: int) -> tuple[int, int]:
    """(width, height) in pixels, two to three, uncompressed not below `order.size` bytes; 1400 × 2100 where no size is asked."""
    if order.defect == "small":
        return 300, 450
    if not order.size:
        return 1400, 2100
    unit = max(1, int((order.size / channels / 6) ** 0.5) + 1)
    return 2 * unit, 3 * unit


def strips(order: Order, width: int, height: int, channels: int) -> Iterator[numpy.ndarray]:
    """Rows of pixels from above, some at a time: waves of colour with grain, never the same in two orders."""
    roll = order.roll
    waves = [(roll.uniform(0.5, 4), roll.uniform(0.5, 4), roll.uniform(0, 6.3), roll.uniform(60, 110)) for _ in range(channels)]
    grain = numpy.random.default_rng(roll.getrandbits(63))
    across = numpy.linspace(0, 6.3, width, dtype=numpy.float32)[None, :]
    for top in range(0, height, _ROWS):
        down = numpy.linspace(0, 6.3, height, dtype=numpy.float32)[top : top + _ROWS, None]
        speckle = grain.integers(0, 12, (down.shape[0], width), dtype=numpy.uint8)
        rows = numpy.empty((down.shape[0], width, channels), numpy.uint8)
        for channel, (x, y, phase, strength) in enumerate(waves):
            ink = 0.25 if channels == 4 and channel == 3 else 1.0
            rows[:, :, channel] = ((numpy.sin(across * x + phase) + numpy.cos(down * y)) * (strength / 2 * ink) + 122 * ink).astype(
                numpy.uint8
            )
            rows[:, :, channel] += speckle
        yield rows


def profile_of(mode: str) -> bytes:
    return colour.cmyk_profile() if mode == "cmyk" else colour.srgb_profile() if mode == "rgb" else b""


def tiff(order: Order, path: Path) -> None:
    """TIFF 6.0, uncompressed strips, written as they are made: memory stays flat for any size below 4 GB."""
    mode = order.colour or "rgb"
    channels = _CHANNELS[mode]
    width, height = size_of(order, channels)
    offsets, counts = [], []
    with path.open("wb") as file:
        file.write(struct.pack("<2sHI", b"II", 42, 0))
        for rows in strips(order, width, height, channels):
            offsets.append(file.tell())
            counts.append(file.write(rows.tobytes()))
        tags: list[tuple[int, int, tuple[int, ...] | bytes]] = [
            (256, 4, (width,)), (257, 4, (height,)), (258, 3, (8,) * channels), (259, 3, (1,)), (262, 3, (_PHOTOMETRIC[mode],)),
            (273, 4, tuple(offsets)), (277, 3, (channels,)), (278, 4, (_ROWS,)), (279, 4, tuple(counts)),
            (282, 5, (_DPI, 1)), (283, 5, (_DPI, 1)), (284, 3, (1,)), (296, 3, (2,)),
            (270, 2, _ascii(f"{order.title}, artwork {order.part or '01'}")),
            (306, 2, _ascii(f"{order.made:%Y:%m:%d} 10:30:00")), (315, 2, _ascii("Brightlens")),
        ]  # fmt: skip
        profile = b"" if order.defect == "no-profile" else profile_of(mode)
        if profile:
            tags.append((34675, 7, profile))
        place = _directory(file, sorted(tags))
        file.seek(4)
        file.write(struct.pack("<I", place))


def _ascii(said: str) -> bytes:
    return said.encode("ascii", "replace") + b"\0"


def _directory(file, tags: list[tuple[int, int, tuple[int, ...] | bytes]]) -> int:  # type: ignore[no-untyped-def]
    """Writes long values, then the directory; gives its offset."""
    entries = []
    for tag, kind, value in tags:
        if isinstance(value, bytes):
            body, count = value, len(value)
        else:
            body = struct.pack(f"<{len(value)}{'H' if kind == 3 else 'I'}", *value)
            count = len(value) // 2 if kind == 5 else len(value)
        if len(body) > 4:
            file.write(b"\0" * (file.tell() % 2))
            place = file.tell()
            file.write(body)
            body = struct.pack("<I", place)
        entries.append(struct.pack("<HHI4s", tag, kind, count, body.ljust(4, b"\0")))
    file.write(b"\0" * (file.tell() % 2))
    start = int(file.tell())
    file.write(struct.pack("<H", len(entries)) + b"".join(entries) + b"\0\0\0\0")
    return start


def psd(order: Order, path: Path) -> None:
    """Photoshop's format by Adobe's specification: flattened, 8 bits, raw planes."""
    mode = order.colour or "cmyk"
    channels = _CHANNELS[mode]
    width, height = size_of(order, channels)
    resolution = struct.pack(">HHIHHIHH", 0, 0, 0, 0, 0, 0, 0, 0)[:0] + struct.pack(">IHHIHH", _DPI << 16, 1, 1, _DPI << 16, 1, 1)
    resources = _resource(1005, resolution)
    profile = b"" if order.defect == "no-profile" else profile_of(mode)
    if profile:
        resources += _resource(1039, profile)
    head = struct.pack(">4sH6sHIIHH", b"8BPS", 1, b"\0" * 6, channels, height, width, 8, {"rgb": 3, "cmyk": 4, "gray": 1}[mode])
    with path.open("wb") as file:
        file.write(head + struct.pack(">I", 0) + struct.pack(">I", len(resources)) + resources + struct.pack(">IH", 0, 0))
        start, plane = file.tell(), width * height
        done = 0
        for rows in strips(order, width, height, channels):
            for channel in range(channels):
                file.seek(start + channel * plane + done)
                values = rows[:, :, channel]
                file.write((255 - values if mode == "cmyk" else values).tobytes())  # PSD's inks are inverted
            done += rows.shape[0] * width


def _resource(number: int, content: bytes) -> bytes:
    return struct.pack(">4sHHI", b"8BIM", number, 0, len(content)) + content + b"\0" * (len(content) % 2)


def plain(order: Order, path: Path) -> None:
    """JPEG or PNG, by the path's extension."""
    if order.format == "png":
        width, height = (300, 450) if order.defect == "small" else (1200, 628)
        rows = numpy.concatenate(list(strips(order, width, height, 3)))
        Image.fromarray(rows).save(path, "PNG", icc_profile=colour.srgb_profile(), dpi=(72, 72))
        return
    width, height = size_of(order, 3)
    roll = order.roll
    mode = "CMYK" if order.colour == "cmyk" else "RGB"
    content = jackets.art(order, (width, height), mode, tuple(roll.random() for _ in range(4)))
    path.write_bytes(content)
