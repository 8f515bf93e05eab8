"""Front covers as real JPEG files: drawn when somebody asks, always the same bytes."""

from __future__ import annotations

import colorsys
from functools import lru_cache
from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from sandbox.catalogue.chance import dice
from sandbox.catalogue.facts import Cover

_COMMENT = 65_533  # most bytes of one comment segment


def jpeg(cover: Cover, style: str = "original") -> bytes:
    """The cover as it was taken in, or in one of the REST record's styles, such as `jpg_rgb_0650h`: never larger than the original.

    The original is exactly as many bytes as the catalogue says. Raises `KeyError` for an unknown style.
    """
    if style in {"original", "jpg_rgb_original"}:
        return _filled(_drawn(cover.id, cover.width, cover.height), cover.bytes)
    side, unit = style.removeprefix("jpg_rgb_")[:-1], style[-1]
    if not style.startswith("jpg_rgb_") or not side.isdigit() or unit not in "hw" or not 1 <= int(side) <= 5000:
        raise KeyError(style)
    scale = min(1.0, int(side) / (cover.height if unit == "h" else cover.width))
    return _drawn(cover.id, max(1, round(cover.width * scale)), max(1, round(cover.height * scale)))


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height of a JPEG file. Raises `ValueError` if it is none."""
    try:
        with Image.open(BytesIO(data), formats=["JPEG"]) as image:
            image.verify()
            return image.size
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ValueError("this is no JPEG") from error


@lru_cache(maxsize=256)
def _drawn(id: int, width: int, height: int) -> bytes:
    roll = dice(71, id)
    hue = roll.random()
    ground, light, dark = (_colour(hue, *rest) for rest in ((0.55, 0.55), (0.25, 0.95), (0.6, 0.25)))
    image = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(image)
    for _ in range(4):
        x, y, radius = roll.uniform(0, width), roll.uniform(height * 0.35, height), roll.uniform(0.1, 0.45) * width
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=roll.choice((light, dark)))
    draw.rectangle((0, 0, width, height * 0.28), fill=dark)
    draw.text((width * 0.08, height * 0.08), "LANTERN\n& QUILL", fill=light, font=ImageFont.load_default(size=max(8, width // 9)))
    draw.text((width * 0.08, height * 0.93), f"No. {id // 10}", fill=dark, font=ImageFont.load_default(size=max(6, width // 20)))
    file = BytesIO()
    image.save(file, "JPEG", quality=60)
    return file.getvalue()


def _colour(hue: float, saturation: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _filled(data: bytes, size: int) -> bytes:
    """Comment segments behind the start of the image, until it is `size` bytes long (if it is not longer already)."""
    missing = size - len(data)
    comments = b""
    while missing >= 4:
        body = min(missing - 4, _COMMENT)
        if 0 < missing - 4 - body < 4:
            body -= 4
        comments += b"\xff\xfe" + (body + 2).to_bytes(2, "big") + b"." * body
        missing -= body + 4
    return data[:2] + comments + data[2:]
