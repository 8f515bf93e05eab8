"""Whether a picture may go out as a cover: a picture at all, whole, large enough, in sRGB by its own profile."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from PIL import Image, ImageCms, UnidentifiedImageError

from include.files.model import Refused
from include.files.previews.colours import profile_name
from include.partners.covers import CoverRules

FORMATS = ("JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "PSD")
_MOVING = frozenset({"GIF", "PNG", "WEBP"})  # several pictures of a TIFF or PSD are pages or layers
MOST_PIXELS = 100_000_000  # 33 × 33 inches at 300 dpi
_LARGE = 16_000_000  # pixels: several pictures of more are not held in memory at once
_one_large = threading.Lock()
_CLOSE = 3  # of 255: how far a profile's colours may lie from sRGB's; profiles of the same name differ by their rounding
_PATCHES = [(red, green, blue) for red in (0, 90, 180, 255) for green in (0, 90, 180, 255) for blue in (0, 90, 180, 255)]


def rules_digest(rules: CoverRules) -> str:
    """Of what is checked: what was refused is looked at again when it differs."""
    told = json.dumps([rules.min_pixels, rules.max_bytes, rules.colour])
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def examine(local: Path, rules: CoverRules) -> tuple[int, int]:
    """Width and height, upright, of a picture that may go. Raises `Refused` (cover-…) with the reason why it may not."""
    size = local.stat().st_size
    if size > rules.max_bytes:
        raise too_large(size, rules)
    Image.init()  # without it Pillow knows only its commonest formats by name
    try:
        with Image.open(local, formats=FORMATS) as image:
            width, height = image.size
            if width * height > MOST_PIXELS:
                raise _too_many_pixels(f"{width:,} × {height:,} pixels")
            if image.format in _MOVING and (count := int(getattr(image, "n_frames", 1))) > 1:
                raise Refused("cover-moving", f"it moves: it has {count} pictures", todo="Bring a master with one picture.")
            if max(width, height) < rules.min_pixels:
                what = f"its longer side has {max(width, height):,} pixels, and must have {rules.min_pixels:,}"
                raise Refused("cover-small", what, todo="Bring a larger master.")
            if rules.colour == "sRGB":
                _must_be_srgb(image)
            image.draft("RGB", (max(1, width // 8), max(1, height // 8)))  # a JPEG is read to its end at an eighth of its size
            turned = image.format != "TIFF" and image.getexif().get(0x0112, 1) >= 5  # Pillow gives a TIFF's size upright
            with _one_large if width * height > _LARGE else nullcontext():
                image.load()
            return (height, width) if turned else (width, height)
    except Image.DecompressionBombError:  # Pillow's own limit is beyond ours, and it does not tell the size
        raise _too_many_pixels("far too many pixels") from None
    except UnidentifiedImageError:
        raise Refused("cover-no-picture", "it is no picture", todo="Bring a JPEG, PNG or TIFF.") from None
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, EOFError) as broken:
        raise Refused("cover-broken", f"the picture can't be read to its end ({type(broken).__name__})", todo="Bring it anew.") from None


def plain_jpeg(local: Path) -> tuple[int, int] | None:
    """Width and height of what every program shows alike: a whole, upright RGB or gray JPEG. None for everything else."""
    Image.init()
    try:
        with Image.open(local, formats=("JPEG",)) as image:
            size = image.size
            if image.mode not in {"RGB", "L"} or image.getexif().get(0x0112, 1) != 1:
                return None
            image.draft(image.mode, (max(1, size[0] // 8), max(1, size[1] // 8)))
            image.load()
            return size
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, EOFError, Image.DecompressionBombError):
        return None


def too_large(size: int, rules: CoverRules) -> Refused:
    what = f"it has {size:,} bytes, and may have {rules.max_bytes:,}"
    return Refused("cover-bytes", what, todo="Bring a smaller file, or raise max_bytes in [covers] of config/house.toml.")


def _too_many_pixels(what: str) -> Refused:
    return Refused("cover-large", f"it has {what}, and may have {MOST_PIXELS:,} in all", todo="Bring a smaller master.")


def _must_be_srgb(image: Image.Image) -> None:
    todo = "Bring a master in RGB with an sRGB profile."
    if image.mode in {"CMYK", "LAB"}:
        raise Refused("cover-colour", f"its colours are {image.mode}, not RGB", todo=todo)
    if image.mode not in {"RGB", "RGBA", "RGBX", "P"}:
        raise Refused("cover-colour", f"it is gray or has an unusual mode ({image.mode}), not RGB", todo=todo)
    profile: Any = image.info.get("icc_profile")
    if not profile:
        if image.format == "PNG" and "srgb" in image.info:
            return
        raise Refused("cover-profile", "it has no colour profile, so nobody knows what its colours are", todo=todo)
    if not is_srgb(profile):
        raise Refused("cover-profile", f"its colour profile is {profile_name(profile) or 'unreadable'}, not sRGB", todo=todo)


def is_srgb(profile: bytes) -> bool:
    """By what it does to colours: names of sRGB profiles are many, and a name alone proves nothing."""
    patches = Image.new("RGB", (len(_PATCHES), 1))
    patches.putdata(_PATCHES)
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        shown = ImageCms.profileToProfile(
            patches, own, ImageCms.createProfile("sRGB"), renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return False
    if shown is None:
        return False
    pairs = zip(patches.tobytes(), shown.tobytes(), strict=True)
    return all(abs(before - after) <= _CLOSE for before, after in pairs)
