"""What a file looks like (a JPEG for people) and what can be measured of it without judging (facts)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from include.files.model import Sniffed

LONGEST = 1200  # pixels


@dataclass(frozen=True, slots=True)
class Preview:
    """`jpeg` is None where no picture can be made; `reason` then says why, in a sentence."""

    jpeg: bytes | None
    reason: str = ""


def preview(local: Path, sniffed: Sniffed, longest: int = LONGEST) -> bytes | None:
    """A JPEG in sRGB, its longer side at most `longest` pixels, or None. Never raises for what is in the file."""
    return make(local, sniffed, longest).jpeg


def make(local: Path, sniffed: Sniffed, longest: int = LONGEST) -> Preview:
    """As `preview`, with the reason where there is none."""
    raise NotImplementedError


def facts(local: Path, sniffed: Sniffed) -> dict[str, Any]:
    """What the file's headers and metadata say, as JSON values; {} for what is not understood. Never raises for what is in the file.

    PDF     pages, trim_mm, bleed_mm, media_mm ([w, h] of the first page), pdf_version, pdfx, title, author, isbns, encrypted
    picture pixels ([w, h], upright), dpi ([x, y]), colour (RGB, CMYK, L, ...), bits, profile, frames
    EPUB    epub_version, title, creators, language, identifiers, isbns, layout
    audio   container, codec, seconds, bitrate, sample_rate, channels, title, track, album
    video   container, codec, seconds, bitrate, pixels, frame_rate, audio_codec
    """
    raise NotImplementedError
