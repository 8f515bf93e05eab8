"""What a file's headers and metadata say."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from include.files.model import Refused, Sniffed

_FRAMES = 1_000  # counted at most
_BITS = {"1": 1, "I": 32, "F": 32}


def facts(local: Path, sniffed: Sniffed) -> dict[str, Any]:
    """As JSON values; {} for what is not understood. Never raises for what is in the file. Nothing is decoded.

    PDF     pages, trim_mm, bleed_mm, media_mm ([w, h] of the first page), pdf_version, pdfx, title, author, isbns, encrypted
    picture pixels ([w, h], upright), dpi ([x, y]), colour (RGB, CMYK, L, ...), bits, profile, frames
    EPUB    epub_version, title, creators, language, identifiers, isbns, layout
    audio   container, codec, seconds, bitrate (bit/s), bitrate_mode, sample_rate (Hz), channels, title, artist, track, album
    video   container, codec, seconds, bitrate, pixels, frame_rate, audio_codec, sample_rate, channels
    """
    read = {"pdf": _pdf, "image": _picture, "epub": _epub, "audio": _moving, "video": _moving}.get(sniffed.family)
    return read(local, sniffed) if read else {}


def _pdf(local: Path, sniffed: Sniffed) -> dict[str, Any]:
    import pikepdf

    from include.files.preflight.pages import document_facts

    try:
        with pikepdf.open(local) as pdf:
            return document_facts(pdf)
    except pikepdf.PasswordError:
        return {"encrypted": True}
    except (pikepdf.PdfError, OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, RecursionError):
        return {}


def _picture(local: Path, sniffed: Sniffed) -> dict[str, Any]:
    from include.files.previews.pictures import PHOTOSHOP

    try:
        return _photoshop(local) if sniffed.media_type in PHOTOSHOP else _pillow(local, sniffed)
    except (Refused, OSError, SyntaxError, ValueError, TypeError, KeyError, struct.error, OverflowError, EOFError, MemoryError):
        return {}


def _photoshop(local: Path) -> dict[str, Any]:
    from include.files.previews.colours import profile_name
    from include.files.previews.photoshop import Photoshop

    psd = Photoshop(local)
    profile: Any = psd.info.get("icc_profile")
    dpi: Any = psd.info.get("dpi")
    found = {"pixels": list(psd.size), "colour": psd.mode, "bits": psd.bits, "profile": profile_name(profile), "channels": psd.channels}
    if dpi:
        found["dpi"] = [round(float(one), 1) for one in dpi]
    return {name: value for name, value in found.items() if value}


def _pillow(local: Path, sniffed: Sniffed) -> dict[str, Any]:
    from include.files.previews.colours import profile_name
    from include.files.previews.pictures import PLUGINS, orientation_of

    plugin = PLUGINS.get(sniffed.media_type)
    if plugin is None:
        return {}
    image = plugin(local)
    try:
        tiff = sniffed.media_type == "image/tiff"
        turned = not tiff and orientation_of(image) >= 5  # Pillow gives a TIFF's size upright
        found: dict[str, Any] = {
            "pixels": list(reversed(image.size)) if turned else list(image.size),
            "colour": {"RGBa": "RGBA", "1": "bitmap"}.get(image.mode, image.mode.partition(";")[0]),
            "bits": _BITS.get(image.mode, 16 if image.mode.startswith("I;16") else 8),
            "profile": profile_name(image.info.get("icc_profile")),
        }
        if tiff:
            bits = image.tag_v2.get(258, 1)
            found["bits"] = bits[0] if isinstance(bits, tuple) else bits
            if image.mode.startswith("I;16"):
                found["colour"] = "L"
        dpi = image.info.get("dpi")
        if dpi and all(float(one) > 0 for one in dpi):
            found["dpi"] = [round(float(one), 1) for one in dpi]
        found["frames"] = _frames(image)
        return {name: value for name, value in found.items() if value}
    finally:
        image.close()


def _frames(image: Any) -> int:
    """How many pictures the file holds, as far as they can be counted quickly."""
    if getattr(image, "is_animated", False) is False:
        return 1
    frames = 1
    try:
        while frames < _FRAMES:
            image.seek(frames)
            frames += 1
    except (EOFError, OSError, SyntaxError, ValueError, KeyError, TypeError):
        pass
    return frames


def _epub(local: Path, sniffed: Sniffed) -> dict[str, Any]:
    from include.files import epub

    try:
        return epub.facts(local)
    except Refused:
        return {}


def _moving(local: Path, sniffed: Sniffed) -> dict[str, Any]:
    from av.error import FFmpegError

    from include.files.previews import moving

    try:
        return moving.facts(local, sniffed)
    except (Refused, FFmpegError, OSError, ValueError):
        return {}
