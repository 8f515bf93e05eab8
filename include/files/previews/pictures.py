"""Pictures made small: decoded in bands or by JPEG's own scaling where the format allows it, turned upright, as sRGB."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    Jpeg2KImagePlugin,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from include.files.model import Refused
from include.files.previews.colours import plain, to_srgb
from include.files.previews.photoshop import Photoshop
from include.files.previews.tiff import Bands

WHOLE = 120_000_000  # pixels of what can only be decoded whole
LARGEST = 4_000_000_000  # pixels of what is decoded in bands

PLUGINS: dict[str, Any] = {  # Image.open would try every format, and stop at Pillow's limit instead of ours
    "image/jpeg": JpegImagePlugin.JpegImageFile,
    "image/png": PngImagePlugin.PngImageFile,
    "image/tiff": TiffImagePlugin.TiffImageFile,
    "image/gif": GifImagePlugin.GifImageFile,
    "image/webp": WebPImagePlugin.WebPImageFile,
    "image/jp2": Jpeg2KImagePlugin.Jpeg2KImageFile,
    "image/avif": AvifImagePlugin.AvifImageFile,
    "image/bmp": BmpImagePlugin.BmpImageFile,
    "image/x-ms-bmp": BmpImagePlugin.BmpImageFile,
}
PHOTOSHOP = frozenset({"image/vnd.adobe.photoshop", "image/x-photoshop", "application/x-photoshop"})
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # EXIF orientation → what brings it upright


def small(source: Path | io.BytesIO, media_type: str, longest: int) -> Image.Image:
    """The picture in RGB, its longer side at most `longest`. Raises `Refused`, OSError, SyntaxError, ValueError, struct.error."""
    if media_type in PHOTOSHOP and isinstance(source, Path):
        psd = Photoshop(source)
        return _finished(_shrunk(psd, psd.size, longest), psd.size, psd.info.get("icc_profile"), 1, longest)
    if media_type == "image/tiff" and isinstance(source, Path):
        bands = Bands(source)
        try:
            _within(bands.size, LARGEST if bands.banded else WHOLE)
            return _finished(_shrunk(bands, bands.size, longest), bands.size, bands.info.get("icc_profile"), bands.orientation, longest)
        finally:
            bands.close()
    plugin = PLUGINS.get(media_type)
    if plugin is None:
        raise Refused("no-preview", f"No preview is made of {media_type}")
    image = plugin(source)
    try:
        size, profile, orientation = image.size, image.info.get("icc_profile"), orientation_of(image)
        if media_type == "image/jpeg":
            _within(image.size, LARGEST)
            image.draft(None, (longest, longest))
        _within(image.size, WHOLE)
        image.load()
        if image.mode == "CMYK" and media_type == "image/jpeg" and "adobe" not in image.info:
            image = Image.eval(image, lambda value: 255 - value)  # Pillow inverts as Adobe writes; here nobody says it is Adobe's
        return _finished(_shrunk([image], image.size, longest), size, profile, orientation, longest)
    finally:
        image.close()


def orientation_of(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(274, 1) or 1)
    except (OSError, SyntaxError, ValueError, TypeError, KeyError):
        return 1


def jpeg(image: Image.Image) -> bytes:
    """As an sRGB JPEG; without a profile of its own, as browsers take it for sRGB."""
    made = io.BytesIO()
    image.convert("RGB").save(made, "JPEG", quality=85, optimize=True)
    return made.getvalue()


def _within(size: tuple[int, int], limit: int) -> None:
    if size[0] * size[1] > limit:
        raise Refused("no-preview", f"With {size[0]:,} × {size[1]:,} pixels the picture is too large for a preview")


def _shrunk(bands: Iterable[Image.Image], size: tuple[int, int], longest: int) -> Image.Image:
    """All bands, one below the other, made smaller by a whole factor while they come."""
    factor = max(1, max(size) // longest)
    if factor == 1 or min(size) < factor:
        return _stacked([plain(band) for band in bands])
    return _stacked([band.reduce(factor) for band in _heights(bands, factor)])


def _heights(bands: Iterable[Image.Image], factor: int) -> Iterator[Image.Image]:
    """The same rows in bands whose height is a multiple of `factor`, but for the last."""
    rest: Image.Image | None = None
    for band in bands:
        piece = plain(band)
        if rest is not None:
            piece = _stacked([rest, piece])
        whole = piece.height - piece.height % factor
        if whole:
            yield piece.crop((0, 0, piece.width, whole))
        rest = piece.crop((0, whole, piece.width, piece.height)) if whole < piece.height else None
    if rest is not None:
        yield rest


def _stacked(bands: list[Image.Image]) -> Image.Image:
    if len(bands) == 1:
        return bands[0]
    if not bands:
        raise ValueError("no rows")
    whole = Image.new(bands[0].mode, (bands[0].width, sum(band.height for band in bands)))
    top = 0
    for band in bands:
        whole.paste(band, (0, top))
        top += band.height
    return whole


def _finished(image: Image.Image, size: tuple[int, int], profile: Any, orientation: int, longest: int) -> Image.Image:
    """`size`: of the picture as it was."""
    scale = min(1.0, longest / max(size))
    wanted = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    if image.size != wanted:
        image = image.resize(wanted, Image.Resampling.LANCZOS)
    image = to_srgb(image, profile if isinstance(profile, bytes) else None)
    return image.transpose(_TURNS[orientation]) if orientation in _TURNS else image
