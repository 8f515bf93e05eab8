"""A cover or other picture against what is expected."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from include.files.model import Finding, Sniffed
from include.files.preflight.codes import finding
from include.files.preflight.expected import Expected
from include.files.previews import facts as facts_of

_SPACES = {
    "RGB": "rgb",
    "RGBA": "rgb",
    "P": "rgb",
    "YCbCr": "rgb",
    "CMYK": "cmyk",
    "L": "gray",
    "LA": "gray",
    "bitmap": "gray",
    "LAB": "lab",
}
_ALLOWED = {"rgb": {"rgb", "gray"}, "cmyk": {"cmyk", "gray"}, "gray": {"gray"}}


def check_picture(local: Path, sniffed: Sniffed, expected: Expected) -> tuple[list[Finding], dict[str, Any]]:
    """Findings, and the facts of `previews.facts`. The picture itself is decoded only by `previews`."""
    facts = facts_of(local, sniffed)
    if "pixels" not in facts:
        return [finding("picture-unreadable")], facts
    return list(_findings(facts, expected)), facts


def _findings(facts: dict[str, Any], expected: Expected) -> Iterator[Finding]:
    width, height = facts["pixels"]
    sides = sorted((width, height))
    shown = f"{width:,} × {height:,} pixels"
    if expected.min_pixels and any(side < least for side, least in zip(sides, sorted(expected.min_pixels), strict=True)):
        yield finding("picture-small", f"The picture has {shown}; at least {_by(expected.min_pixels)} are wanted.")
    if expected.max_pixels and any(side > most for side, most in zip(sides, sorted(expected.max_pixels), strict=True)):
        yield finding("picture-large", f"The picture has {shown}; {_by(expected.max_pixels)} are the most.")
    space = _SPACES.get(facts.get("colour", ""), "")
    if expected.colour and space not in _ALLOWED[expected.colour]:
        yield finding("picture-colour", f"The picture is {space.upper() or facts.get('colour')}; {expected.colour.upper()} is wanted.")
    if expected.colour and not facts.get("profile"):
        yield finding("picture-profile")
    if expected.ratio and abs(height / width - expected.ratio) > expected.ratio_tolerance:
        yield finding("picture-ratio", f"The picture is {height / width:.2f} times as high as wide; {expected.ratio:.2f} is wanted.")
    if expected.min_dpi and expected.trim_mm:
        dpi = min(side / (length / 25.4) for side, length in zip(sides, sorted(expected.trim_mm), strict=True))
        if dpi < expected.min_dpi - 0.5:
            code = "image-dpi-too-low" if dpi < expected.min_dpi / 2 else "image-dpi-low"
            yield finding(code, f"In the product's size the picture has {dpi:.0f} dots per inch; {expected.min_dpi} are wanted.")


def _by(pixels: tuple[int, int]) -> str:
    return f"{pixels[0]:,} × {pixels[1]:,}"
