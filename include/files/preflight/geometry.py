"""Page count, page boxes, bleed, spine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from include.files.model import Finding
from include.files.preflight.codes import finding
from include.files.preflight.expected import Expected
from include.files.preflight.pages import Box, Sheet, listed, rounded, size

SLACK = 0.1  # mm: rounding of points
FLAT = frozenset({"cover", "jacket"})
WIDEST_SPINE = 120.0  # mm


def check(sheets: Sequence[Sheet], pages: int, blanks: int, expected: Expected, facts: dict[str, Any]) -> Iterator[Finding]:
    """`blanks`: pages at the end that are blank. Adds page_sizes_mm and spine_mm to the facts."""
    facts["page_sizes_mm"] = _sizes(sheets)
    yield from _count(pages, blanks, expected)
    if expected.part or expected.trim_mm:
        yield from _boxes(sheets)
        yield from _alike(sheets)
        yield from _measures(sheets[0], expected, facts)
    if expected.bleed_mm:
        yield from _bleed(sheets, expected)


def _sizes(sheets: Sequence[Sheet]) -> list[list[float]]:
    found: list[list[float]] = []
    for one in sheets:
        measured = rounded(size(one.finished))
        if measured not in found and len(found) < 20:
            found.append(measured)
    return found


def _count(pages: int, blanks: int, expected: Expected) -> Iterator[Finding]:
    """A book may have more pages than its extent says: the extent often leaves out prelims (ONIX List 23, code 00 counts
    the main content alone), and blanks fill the last signature. So blanks at the end and `pages_tolerance` more are
    accepted. Fewer pages than the extent are pages that are missing."""
    if expected.part in FLAT:
        if pages > 2:
            yield finding("cover-pages", f"There are {pages} pages; a flat {expected.part} is one, or two with its inside.")
        return
    if expected.part != "text":
        return
    if expected.pages:
        if pages < expected.pages:
            short = expected.pages - pages
            yield finding("pages-differ", f"There are {pages} pages, {short} fewer than the product's extent of {expected.pages}.")
        elif pages - blanks > expected.pages + expected.pages_tolerance:
            most = expected.pages + expected.pages_tolerance
            without = f" ({blanks} blank ones at the end not counted)" if blanks else ""
            yield finding(
                "pages-differ",
                f"There are {pages} pages{without}; the product's extent is {expected.pages}, and more than {most} can't be explained.",
            )
    if expected.pages_multiple > 1 and pages % expected.pages_multiple:
        yield finding("pages-uneven", f"{pages} pages aren't a multiple of {expected.pages_multiple}.")


def _boxes(sheets: Sequence[Sheet]) -> Iterator[Finding]:
    missing = [one.number for one in sheets if one.trim is None]
    if missing:
        yield finding("trim-missing", where=listed(missing))
    outside = [
        one.number
        for one in sheets
        if (one.trim and not (_within(one.trim, one.media) and _within(one.trim, one.bleed or one.media)))
        or (one.bleed and not _within(one.bleed, one.media))
    ]
    if outside:
        yield finding("boxes-nested", where=listed(outside))


def _within(inner: Box, outer: Box) -> bool:
    return inner[0] >= outer[0] - SLACK and inner[1] >= outer[1] - SLACK and inner[2] <= outer[2] + SLACK and inner[3] <= outer[3] + SLACK


def _alike(sheets: Sequence[Sheet]) -> Iterator[Finding]:
    first = size(sheets[0].finished)
    other = [one.number for one in sheets if not _near(size(one.finished), first, 0.35)]  # 1 pt
    if other:
        yield finding("pages-mixed", f"The first page is {_by(first)}; {len(other)} others differ.", where=listed(other))
    turned = [one.number for one in sheets if one.rotate]
    if turned:
        yield finding("pages-rotated", where=listed(turned))
    if other or any(one.trim is None for one in sheets):
        return
    offsets = [((one.trim or one.media)[0] - one.media[0], (one.trim or one.media)[1] - one.media[1]) for one in sheets]
    moved = [one.number for at, one in enumerate(sheets) if not _near(offsets[at], offsets[at % 2], SLACK * 2)]  # left and right may differ
    if moved:
        yield finding("pages-offset", where=listed(moved))


def _measures(first: Sheet, expected: Expected, facts: dict[str, Any]) -> Iterator[Finding]:
    if expected.trim_mm is None or first.trim is None or (expected.part and expected.part not in {"text", *FLAT}):
        return
    width, height = size(first.finished)
    if first.rotate in {90, 270}:
        width, height = height, width
    wanted_width, wanted_height = expected.trim_mm
    if expected.part not in FLAT:
        if not _near((width, height), expected.trim_mm, expected.trim_tolerance_mm):
            yield finding("trim-differs", f"The trimmed page is {_by((width, height))}; the product is {_by(expected.trim_mm)}.")
        return
    boards = expected.board_mm if expected.part == "jacket" else 0.0
    wanted_height += 2 * boards
    flaps = 2 * (expected.flap_mm or 0.0) if expected.part == "jacket" else 0.0
    covers = 2 * (wanted_width + boards) + flaps
    spine = width - covers
    known = expected.part == "cover" or expected.flap_mm is not None
    tall = abs(height - wanted_height) > expected.trim_tolerance_mm
    too_narrow = spine < -expected.trim_tolerance_mm
    if tall or too_narrow or (known and spine > WIDEST_SPINE):
        yield finding(
            "trim-differs",
            f"The flat {expected.part} is {_by((width, height))}; the product of {_by(expected.trim_mm)} needs a height of"
            f" {wanted_height:.1f} mm and a width of {covers:.1f} mm and the spine.",
        )
        return
    if not known:
        if expected.spine_mm is not None:
            yield finding("spine-unchecked")
        return
    facts["spine_mm"] = round(spine, 1)
    if expected.spine_mm is not None and abs(spine - expected.spine_mm) > expected.spine_tolerance_mm:
        yield finding("spine-differs", f"The spine is {spine:.1f} mm wide; the book block is {expected.spine_mm:.1f} mm.")


def _bleed(sheets: Sequence[Sheet], expected: Expected) -> Iterator[Finding]:
    """Single pages of a book need none at the binding edge, so one of their sides may be without."""
    wanted = expected.bleed_mm - SLACK
    free = 1 if expected.part == "text" else 0
    missing: list[int] = []
    small: list[int] = []
    least = expected.bleed_mm
    for one in sheets:
        if one.trim is None:
            continue  # trim-missing says it
        around = _around(one.trim, one.bleed or one.media)
        short_sides = [side for side in around if side < wanted]
        across = sum(1 for side in (around[0], around[2]) if side < wanted)
        if len(short_sides) > free or across != len(short_sides):
            (small if one.bleed else missing).append(one.number)
            least = min(least, *around)
    if missing:
        yield finding("bleed-missing", f"There is no bleed; {expected.bleed_mm:g} mm are wanted.", where=listed(missing))
    if small:
        yield finding(
            "bleed-small", f"There are {max(0.0, least):.1f} mm of bleed; {expected.bleed_mm:g} mm are wanted.", where=listed(small)
        )


def _around(inner: Box, outer: Box) -> tuple[float, float, float, float]:
    """How far the outer box reaches beyond the inner one: left, below, right, above."""
    return inner[0] - outer[0], inner[1] - outer[1], outer[2] - inner[2], outer[3] - inner[3]


def _near(one: tuple[float, float], other: tuple[float, float], tolerance: float) -> bool:
    return abs(one[0] - other[0]) <= tolerance and abs(one[1] - other[1]) <= tolerance


def _by(lengths: tuple[float, float]) -> str:
    return f"{lengths[0]:.1f} × {lengths[1]:.1f} mm"
