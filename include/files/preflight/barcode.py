"""EAN-13 barcodes of a page, read as a scanner reads them: along lines across the rendered page (ISO/IEC 15420).

A symbol is 95 modules in 59 bars and spaces: a guard of three, six digits of four, a middle guard of five, six digits of
four, a guard of three. The first digit is told by which of two alphabets the left digits use.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pypdfium2

DPI = 300
PIXELS = 40_000_000  # of the rendered page at most
STEP_MM = 1.5  # between two lines; a symbol is 23 mm high, a cut-down one still 10
TWICE = 2  # lines that must read the same
_RUNS, _MODULES = 59, 95
_QUIET = 4  # modules of white beside the symbol; seven are demanded, designers give fewer

_LEFT_ODD = ("3211", "2221", "2122", "1411", "1132", "1231", "1114", "1312", "1213", "3112")  # space, bar, space, bar
_LEFT_EVEN = tuple(pattern[::-1] for pattern in _LEFT_ODD)
_FIRST = ("OOOOOO", "OOEOEE", "OOEEOE", "OOEEEO", "OEOOEE", "OEEOOE", "OEEEOO", "OEOEOE", "OEOEEO", "OEEOEO")
_WIDTHS = np.array([[int(one) for one in pattern] for pattern in (*_LEFT_ODD, *_LEFT_EVEN)], dtype=float)
_GUARD_BARS, _GUARD_SPACES = [0, 2, 28, 30, 56, 58], [1, 27, 29, 31, 57]
Lines = np.ndarray[Any, np.dtype[np.bool_]]


def barcodes(page: Any) -> tuple[str, ...]:
    """Thirteen digits of each symbol on a pypdfium2 page, in any of four directions. Raises PdfiumError for a broken page."""
    width, height = page.get_size()
    if not (width > 0 and height > 0):
        return ()
    scale = min(DPI / 72, (PIXELS / (width * height)) ** 0.5)
    gray = np.asarray(page.render(scale=scale, grayscale=True).to_numpy())
    return read(gray.reshape(gray.shape[0], gray.shape[1], -1)[:, :, 0] < 128, step=max(1, int(STEP_MM / 25.4 * 72 * scale)))


def read(dark: Lines, step: int) -> tuple[str, ...]:
    """From a picture of dark and light; those that at least `TWICE` lines agree on, the surest first."""
    seen: Counter[str] = Counter()
    for lines in (dark, dark.T):
        for at in range(step // 2, lines.shape[0], step):
            seen.update({*_line(lines[at])})
    return tuple(digits for digits, times in seen.most_common() if times >= TWICE)


def _line(dark: Lines) -> list[str]:
    edges = np.flatnonzero(dark[1:] != dark[:-1]) + 1
    if edges.size < _RUNS + 1:
        return []
    runs = np.diff(edges).astype(float)  # what lies before the first edge and behind the last is margin
    found = []
    for ordered, begins_dark in ((runs, bool(dark[edges[0]])), (runs[::-1], bool(dark[edges[-2]]))):
        for start in _candidates(ordered, begins_dark):
            digits = _digits(ordered[start : start + _RUNS])
            if digits:
                found.append(digits)
    return found


def _candidates(runs: np.ndarray[Any, Any], begins_dark: bool) -> list[int]:
    """Where three guards of single modules stand at the right places, with white in front."""
    if runs.size < _RUNS:
        return []
    sums = np.concatenate(([0.0], np.cumsum(runs)))
    starts = np.arange(0 if begins_dark else 1, runs.size - _RUNS + 1, 2)
    module = (sums[starts + _RUNS] - sums[starts]) / _MODULES
    right = module >= 1.0
    for at in (0, 1, 2, 27, 28, 29, 30, 31, 56, 57, 58):
        right &= np.abs(runs[starts + at] / module - 1) < 0.75
    before = np.where(starts > 0, runs[np.maximum(starts - 1, 0)], np.inf)
    right &= before >= _QUIET * module
    return [int(one) for one in starts[right]]


def _digits(runs: np.ndarray[Any, Any]) -> str:
    """ "" where a digit is unclear, or the check digit is wrong.

    Ink and rendering make bars wider than spaces: the guards say by how much.
    """
    gain = (runs[_GUARD_BARS].mean() - runs[_GUARD_SPACES].mean()) / 2
    runs = runs - np.where(np.arange(_RUNS) % 2, -gain, gain)
    left, right = runs[3:27].reshape(6, 4), runs[32:56].reshape(6, 4)
    first, parity = "", ""
    for group in left:
        which = _nearest(group, _WIDTHS)
        if which < 0:
            return ""
        first += str(which % 10)
        parity += "O" if which < 10 else "E"
    second = ""
    for group in right:
        which = _nearest(group, _WIDTHS[:10])
        if which < 0:
            return ""
        second += str(which)
    if parity not in _FIRST:
        return ""
    digits = str(_FIRST.index(parity)) + first + second
    total = sum(int(digit) * (3 if at % 2 else 1) for at, digit in enumerate(digits))
    return digits if total % 10 == 0 else ""


def _nearest(group: np.ndarray[Any, Any], patterns: np.ndarray[Any, Any]) -> int:
    """The pattern that the four widths are closest to; -1 if none is close."""
    distance = np.abs(patterns - group * (7 / group.sum())).sum(axis=1)
    best = int(distance.argmin())
    return best if distance[best] < 1.2 else -1


def of_document(document: Any, pages: int) -> tuple[str, ...]:
    """Of the first pages of a pypdfium2 document; broken ones have none."""
    found: dict[str, None] = {}
    for at in range(min(pages, len(document))):
        try:
            found |= dict.fromkeys(barcodes(document[at]))
        except (pypdfium2.PdfiumError, ValueError, OSError):
            continue
    return tuple(found)
