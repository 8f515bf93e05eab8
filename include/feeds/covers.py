"""Covers as files: fetched from where Consonance says they are, and brought into the shape that a partner takes.

A cover comes from outside, so nothing in it is believed: only picture formats are opened, its size is looked at before it
is decoded, and what is not an image is `RejectedData`.
"""

from __future__ import annotations

import struct
import time
from io import BytesIO
from typing import BinaryIO

import requests
from PIL import Image, ImageCms, ImageOps

from include.errors import RejectedData, TransientError
from include.partners.model import Covers

MOST_PIXELS = 64_000_000
MOST_BYTES = 50 * 1024 * 1024
_READABLE = ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP")  # nothing that runs programs, such as EPS
_WRITTEN: dict[str, dict[str, object]] = {
    "jpeg": {"format": "JPEG", "quality": 90, "optimize": True, "progressive": False, "subsampling": 0},
    "png": {"format": "PNG", "optimize": True},
    "tiff": {"format": "TIFF", "compression": "tiff_lzw"},
}
_GOING_ON = (408, 425, 429)  # as much as a server error: worth another try
_TODO = "Replace the cover in Consonance."


def prepare_cover(source: BinaryIO, covers: Covers) -> bytes:
    """The cover as an RGB image in the partner's format, upright, no larger than `longest_side` and never enlarged.

    Colour profiles are applied and left out, transparency lies on white, of several frames the first is taken; the same
    input gives the same bytes. A file that is all that already comes back as it is. Raises `RejectedData` for what is
    no image, is broken, or has more than 64 million pixels.
    """
    raw = source.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise RejectedData(f"the cover has more than {MOST_BYTES} bytes", todo=_TODO)
    try:
        with Image.open(BytesIO(raw), formats=_READABLE) as image:
            return _prepared(image, raw, covers)
    except RejectedData:
        raise
    except Image.DecompressionBombError as bomb:
        raise RejectedData("the cover has too many pixels", todo=_TODO) from bomb
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error, OverflowError, KeyError) as bad:
        raise RejectedData(f"the cover can't be read as an image: {bad or type(bad).__name__}", todo=_TODO) from bad


def _prepared(image: Image.Image, raw: bytes, covers: Covers) -> bytes:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise RejectedData(f"the cover has {width} × {height} pixels, {MOST_PIXELS} in all are allowed", todo=_TODO)
    longest = covers.longest_side or max(width, height)
    if image.format == "JPEG" and longest < max(width, height):
        image.draft(None, (longest, longest))  # decodes to no more than is needed
    image.load()
    fits = max(width, height) <= longest and image.format == covers.format.upper()
    if fits and image.mode == "RGB" and "icc_profile" not in image.info and not image.getexif() and getattr(image, "n_frames", 1) == 1:
        return raw
    rgb = _rgb(ImageOps.exif_transpose(image))
    if max(rgb.size) > longest:
        rgb = rgb.resize(_within(rgb.size, longest), Image.Resampling.LANCZOS)
    out = BytesIO()
    Image.frombytes("RGB", rgb.size, rgb.tobytes()).save(out, **_WRITTEN[covers.format])  # type: ignore[arg-type]  # without metadata
    return out.getvalue()


def _within(size: tuple[int, int], longest: int) -> tuple[int, int]:
    scale = longest / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _rgb(image: Image.Image) -> Image.Image:
    """Eight bits of sRGB for each colour, on white where the image lets through."""
    if image.mode in {"I", "I;16", "I;16L", "I;16B", "F"}:
        image = _eight_bits(image)
    if image.mode == "P":
        image = image.convert("RGBA" if "transparency" in image.info else "RGB")
    if image.mode in {"LA", "PA", "La", "RGBa"} or (image.mode in {"L", "RGB", "1"} and "transparency" in image.info):
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        ground = Image.new("RGBA", image.size, "white")
        ground.alpha_composite(image)
        ground.info = {"icc_profile": image.info["icc_profile"]} if "icc_profile" in image.info else {}
        image = ground.convert("RGB")
    return _profiled(image)


def _eight_bits(image: Image.Image) -> Image.Image:
    high = image.getextrema()[1]
    top = 65535 if isinstance(high, float | int) and high > 255 else 255
    if image.mode == "F" and isinstance(high, float) and high <= 1:
        top = 1
    return image.convert("F").point(lambda value: value * (255 / top) + 0).convert("L")


def _profiled(image: Image.Image) -> Image.Image:
    profile = image.info.get("icc_profile")
    if profile and image.mode in {"RGB", "CMYK", "L"}:
        try:
            embedded = ImageCms.ImageCmsProfile(BytesIO(profile))
            changed = ImageCms.profileToProfile(image, embedded, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            changed = None  # a broken profile, or one for other colours: the plain conversion is the next best
        if changed is not None:
            return changed
    return image.convert("RGB")


def fetch(url: str, timeout: float = 30.0, limit: int = MOST_BYTES) -> bytes:
    """A cover's bytes over http or https. `timeout`: seconds for each answer, four times that in all; `limit`: bytes.

    Raises `TransientError` if the server can't be reached or is busy, `RejectedData` if it has no such image.
    """
    where = url.partition("?")[0].rpartition("@")[2][:200]  # what follows may sign the address: it is for nobody's log
    if not url.lower().startswith(("http://", "https://")):
        raise RejectedData("the cover's address is neither http nor https", where=where, todo=_TODO)
    try:
        with requests.get(url, timeout=timeout, stream=True, headers={"Accept": "image/*"}) as answer:
            _look_at(answer, where, limit)
            return _read(answer, where, limit, time.monotonic() + 4 * timeout)
    except (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema) as bad:
        raise RejectedData(f"the cover's address can't be used: {type(bad).__name__}", where=where, todo=_TODO) from bad
    except requests.exceptions.TooManyRedirects as bad:
        raise RejectedData("the cover's address leads round in a circle", where=where, todo=_TODO) from bad
    except requests.RequestException as bad:
        raise TransientError(f"the cover could not be fetched: {type(bad).__name__}", where=where) from bad


def _look_at(answer: requests.Response, where: str, limit: int) -> None:
    status = answer.status_code
    if status >= 500 or status in _GOING_ON:
        wait = answer.headers.get("Retry-After", "")
        raise TransientError(f"the image server answers {status}", where=where, retry_after=float(wait) if wait.isdigit() else None)
    if status != 200:
        raise RejectedData(f"the image server answers {status}", where=where, todo=_TODO)
    kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind and not kind.startswith("image/") and kind not in {"application/octet-stream", "binary/octet-stream"}:
        raise RejectedData(f"the address gives {kind!r}, not an image", where=where, todo=_TODO)
    length = answer.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > limit:
        raise RejectedData(f"the cover has {length} bytes, {limit} are allowed", where=where, todo=_TODO)


def _read(answer: requests.Response, where: str, limit: int, until: float) -> bytes:
    content = bytearray()
    for chunk in answer.iter_content(1 << 16):
        content += chunk
        if len(content) > limit:
            raise RejectedData(f"the cover has more than {limit} bytes", where=where, todo=_TODO)
        if time.monotonic() > until:
            raise TransientError("the image server is too slow", where=where)
    if not content:
        raise RejectedData("the image server gives nothing", where=where, todo=_TODO)
    return bytes(content)
