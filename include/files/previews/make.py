"""Previews: small, well-known formats at once, everything else in a process of its own that may be ended."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from include.files import alone
from include.files.model import Refused, Sniffed
from include.files.previews.facts import facts

if TYPE_CHECKING:
    from PIL import Image

LONGEST = 1200  # pixels
SECONDS = 60  # for one preview
AT_ONCE = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
AT_ONCE_PIXELS = 30_000_000
_SHOWN = frozenset({"image", "pdf", "epub", "audio", "video"})


@dataclass(frozen=True, slots=True)
class Preview:
    """`jpeg` is None where no picture can be made; `reason` then says why, in a sentence."""

    jpeg: bytes | None
    reason: str = ""


def preview(local: Path, sniffed: Sniffed, longest: int = LONGEST) -> bytes | None:
    """A JPEG in sRGB, its longer side at most `longest` pixels, or None. Never raises for what is in the file."""
    return make(local, sniffed, longest).jpeg


def make(local: Path, sniffed: Sniffed, longest: int = LONGEST) -> Preview:
    """As `preview`, with the reason where there is none.

    A picture: the picture. PSD and PSB: their flattened picture. PDF: the first page. A film: a frame that shows something.
    Sound: the cover inside, else the waveform. EPUB: its cover. Others have none.
    Decoders of formats that are often broken or hostile run in a process of their own: at most `SECONDS`, with bounded memory.
    """
    if sniffed.family not in _SHOWN:
        return Preview(None, f"No preview is made of {sniffed.media_type}.")
    if sniffed.media_type in AT_ONCE and _light(local, sniffed):
        return here(local, sniffed, longest)
    request = {"local": str(local.resolve()), "sniffed": asdict(sniffed), "longest": longest}
    try:
        reply = alone.run("preview", request, seconds=SECONDS)
    except alone.Stopped as stopped:
        return Preview(None, str(stopped))
    return Preview(reply) if reply.startswith(b"\xff\xd8") else Preview(None, reply.decode("utf-8", "replace"))


def _light(local: Path, sniffed: Sniffed) -> bool:
    width, height = facts(local, sniffed).get("pixels", (0, 0))
    return bool(0 < width * height <= AT_ONCE_PIXELS)


def job(request: Mapping[str, Any]) -> bytes:
    """The JPEG, or the reason why there is none."""
    made = here(Path(request["local"]), Sniffed(**request["sniffed"]), request["longest"])
    return made.reason.encode() if made.jpeg is None else made.jpeg


def here(local: Path, sniffed: Sniffed, longest: int) -> Preview:
    """In this process."""
    from include.files.previews import pictures

    try:
        return Preview(pictures.jpeg(_image(local, sniffed, longest)))
    except Refused as refused:
        return Preview(None, f"{refused.what.rstrip('.')}.")
    except MemoryError:
        return Preview(None, "The file needs more memory than a preview may have.")
    except (OSError, SyntaxError, ValueError, TypeError, KeyError, EOFError, OverflowError, struct.error, RuntimeError, IndexError) as bad:
        said = getattr(bad, "strerror", None) or (str(bad) if str(local) not in str(bad) else "") or type(bad).__name__
        return Preview(None, f"The file can't be shown: {said[:200].rstrip('.')}.")


def _image(local: Path, sniffed: Sniffed, longest: int) -> Image.Image:
    if sniffed.family == "image":
        from include.files.previews.pictures import small

        return small(local, sniffed.media_type, longest)
    if sniffed.family in {"pdf", "epub"}:
        from include.files.previews.page import epub_cover, first_page

        return first_page(local, longest) if sniffed.family == "pdf" else epub_cover(local, longest)
    from include.files.previews import moving

    if sniffed.family == "video":
        return moving.frame(local, sniffed, longest)
    return moving.cover(local, longest) or moving.waveform(local, sniffed, longest)
