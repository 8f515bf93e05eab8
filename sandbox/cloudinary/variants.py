"""Transformations of the address, made for real: `c_fill,h_400,w_300/f_webp,q_70`, `t_<name>`.

Understood: `c` (scale, fit, limit, mfit, fill, lfill, thumb, crop, pad, lpad, mpad), `w`, `h`, `ar`, `g` (compass points), `x`, `y`, `b`,
`q`, `f`, `dpr`, `a`, `e_grayscale`, `cs_cmyk`, `pg`. What has no effect on our flat pictures (`fl`, `r`, `o`, `co`, `bo`) is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageColor, ImageOps

from sandbox.cloudinary.answers import RefusedError
from sandbox.cloudinary.content import Content

MIME = {
    "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png", "webp": "image/webp", "gif": "image/gif", "tif": "image/tiff",
    "tiff": "image/tiff", "pdf": "application/pdf", "psd": "image/vnd.adobe.photoshop", "avif": "image/avif", "bmp": "image/bmp",
}  # fmt: skip
WRITTEN = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "gif": "GIF", "tif": "TIFF", "tiff": "TIFF"}
CROPS = ("scale", "fit", "limit", "mfit", "fill", "lfill", "thumb", "crop", "pad", "lpad", "mpad", "auto")
KNOWN = frozenset({"c", "w", "h", "ar", "g", "x", "y", "b", "q", "f", "fl", "dpr", "r", "a", "o", "e", "cs", "pg", "co", "bo", "t"})
_MOST = 5000  # pixels of a side
_COMPASS = {"north": (0.5, 0), "south": (0.5, 1), "west": (0, 0.5), "east": (1, 0.5), "center": (0.5, 0.5), "north_west": (0, 0),
            "north_east": (1, 0), "south_west": (0, 1), "south_east": (1, 1)}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Variant:
    data: bytes
    format: str
    width: int
    height: int


def is_step(text: str) -> bool:
    """Whether a part of an address is a transformation, and no folder of a public id."""
    parts = text.split(",")
    return bool(text) and all((found := re.fullmatch(r"([a-z]{1,3})_(.+)", part)) and found[1] in KNOWN for part in parts)


def resolved(text: str, named: Mapping[str, str]) -> list[dict[str, str]]:
    """The steps with names replaced by what they stand for. Raises `RefusedError` for what is unknown."""
    steps: list[dict[str, str]] = []
    for step in filter(None, text.split("/")):
        settings: dict[str, str] = {}
        for part in step.split(","):
            name, _, value = part.partition("_")
            if name == "t":
                if value not in named:
                    raise RefusedError(404, f"Named transformation {value} not found")
                if settings:
                    steps.append(settings)
                    settings = {}
                steps += resolved(named[value], named)
                continue
            if name not in KNOWN or not value:
                raise RefusedError(400, f"Invalid transformation component - {part}")
            settings[name] = value
        if settings:
            steps.append(settings)
    return steps


def make(content: Content, steps: list[dict[str, str]], extension: str) -> Variant:
    """The picture after all steps, in the format of the last `f_`, else of the extension, else its own."""
    own = content.facts[0]
    every = {name: value for step in steps for name, value in step.items()}
    format = every.get("f", "") if every.get("f") not in {None, "", "auto"} else extension or own
    format = "jpg" if format == "jpeg" else format
    if format not in WRITTEN:
        if steps or format != own:
            format = "jpg" if format in {"auto", own} else format
        if format not in WRITTEN:
            raise RefusedError(400, f"Unsupported format {format}")
    picture = content.picture(_number(every.get("pg", "1"), "pg"))
    for step in steps:
        picture = _stepped(picture, step)
    return Variant(_written(picture, format, every.get("q", "auto"), every.get("cs", "")), format, picture.width, picture.height)


def _stepped(picture: Image.Image, step: Mapping[str, str]) -> Image.Image:
    ratio = float(step.get("dpr", "1")) if step.get("dpr", "auto") != "auto" else 1.0
    width, height = _sides(picture, step)
    crop = step.get("c", "scale" if width or height else "")
    if crop and crop not in CROPS:
        raise RefusedError(400, f"Invalid crop mode {crop}")
    if width or height:
        if max(width * ratio, height * ratio) > _MOST:
            raise RefusedError(400, f"Maximum side is {_MOST} pixels")
        picture = _cropped(picture, crop, round(width * ratio), round(height * ratio), step)
    if angle := step.get("a"):
        picture = picture.rotate(-float(angle), expand=True) if angle.lstrip("-").isdigit() else picture
    if step.get("e", "").startswith("grayscale"):
        picture = ImageOps.grayscale(picture).convert("RGB")
    return picture


def _sides(picture: Image.Image, step: Mapping[str, str]) -> tuple[int, int]:
    width, height = _side(step.get("w"), picture.width, "w"), _side(step.get("h"), picture.height, "h")
    if aspect := step.get("ar"):
        over, _, under = aspect.partition(":")
        try:
            ratio = float(over) / float(under or 1)
        except (ValueError, ZeroDivisionError):
            raise RefusedError(400, f"Invalid aspect ratio {aspect}") from None
        if width and not height:
            height = round(width / ratio)
        elif height and not width:
            width = round(height * ratio)
        elif not width:
            width = min(picture.width, round(picture.height * ratio))
            height = round(width / ratio)
    return width, height


def _side(text: str | None, whole: int, name: str) -> int:
    """Pixels; `0.5` is a share, `auto` and `iw` are left alone."""
    if text is None or text == "auto":
        return 0
    if re.fullmatch(r"\d*\.\d+", text):
        return max(1, round(float(text) * whole))
    return _number(text, name)


def _number(text: str, name: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise RefusedError(400, f"Invalid {name} {text}")
    return int(text)


def _cropped(picture: Image.Image, crop: str, width: int, height: int, step: Mapping[str, str]) -> Image.Image:
    width, height = width or round(picture.width * height / picture.height), height or round(picture.height * width / picture.width)
    width, height = max(1, width), max(1, height)
    smaller = picture.width <= width and picture.height <= height
    centre = _COMPASS.get(step.get("g", "center"), (0.5, 0.5))
    match crop:
        case "scale":
            return picture.resize((width, height), Image.Resampling.LANCZOS)
        case "fit":
            return ImageOps.contain(picture, (width, height))
        case "limit":
            return picture if smaller else ImageOps.contain(picture, (width, height))
        case "mfit":
            return ImageOps.contain(picture, (width, height)) if smaller else picture
        case "lfill" if smaller:
            return picture
        case "fill" | "lfill" | "thumb" | "auto":
            return ImageOps.fit(picture, (width, height), centering=centre)
        case "crop":
            left = int(step.get("x") or (picture.width - width) * centre[0])
            top = int(step.get("y") or (picture.height - height) * centre[1])
            return picture.crop((left, top, min(left + width, picture.width), min(top + height, picture.height)))
    colour = _colour(step.get("b", "white"))
    as_it_is = (crop == "lpad" and smaller) or (crop == "mpad" and not smaller)
    inner = picture if as_it_is else ImageOps.contain(picture, (width, height))
    sheet = Image.new("RGB", (max(width, inner.width), max(height, inner.height)), colour)
    sheet.paste(inner, (round((sheet.width - inner.width) * centre[0]), round((sheet.height - inner.height) * centre[1])))
    return sheet


def _colour(text: str) -> Any:
    try:
        return ImageColor.getrgb(f"#{text[4:]}" if text.startswith("rgb:") else text)
    except ValueError:
        return (255, 255, 255)


def _written(picture: Image.Image, format: str, quality: str, space: str) -> bytes:
    level = int(quality) if quality.isdigit() else {"auto:low": 50, "auto:eco": 60, "auto:best": 90}.get(quality, 75)
    if not 1 <= level <= 100:
        raise RefusedError(400, f"Invalid quality {quality}")
    file = BytesIO()
    if format in {"jpg", "jpeg"}:
        picture = picture.convert("CMYK" if space == "cmyk" else "RGB")
    settings: dict[str, Any] = {"quality": level} if format in {"jpg", "webp"} else {}
    picture.save(file, WRITTEN[format], **settings)
    return file.getvalue()
