"""Whether two statements show the same. A second export of a batch has other subsets of its fonts, and so other bytes, on every page."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

SCALE = 1.5  # pixels for each point: a comma that became a point is seen


def show_the_same(one: Path, other: Path, changing: Sequence[str] = ()) -> bool:
    """Two PDFs: the same pages with the same text, drawn alike to the pixel, but for the text that matches `changing`. False for what
    can't be drawn."""
    with _both(one, other) as (first, second):
        if first is None or second is None or len(first) != len(second):
            return False
        pairs = [(first[at], second[at]) for at in range(len(first))]
        return all(_same_text(*pair, changing) and _drawn_alike(*pair, changing) for pair in pairs)
    return False


def say_the_same(one: Path, other: Path) -> bool:
    """Two CSVs of ours: the same rows under the same headers, in whatever order. Memory does not grow with them."""
    return _said(one) == _said(other)


def _said(table: Path) -> tuple[int, int]:
    number, digests = 0, 0
    with table.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            number += 1
            digests += int.from_bytes(hashlib.sha256(repr(sorted(row.items())).encode()).digest())
    return number, digests


def still_shows(given: Path, pages: Sequence[int], cut: Path) -> bool:
    """Whether a PDF of these pages (from 0) shows what they showed: the same text, or, where a reader was told another text than is drawn,
    the same picture."""
    with _both(given, cut) as (first, second):
        if first is None or second is None or len(second) != len(pages):
            return False
        pairs = [(first[page], second[at]) for at, page in enumerate(pages)]
        return all(_same_text(*pair) or _drawn_alike(*pair) for pair in pairs)
    return False


@contextmanager
def _both(one: Path, other: Path) -> Iterator[tuple[Any, Any]]:
    """Both, open; (None, None) if one does not open. What breaks later on ends the block."""
    import pypdfium2

    with ExitStack() as stack, suppress(pypdfium2.PdfiumError):
        opened = []
        for path in (one, other):
            try:
                opened.append(stack.enter_context(closing(pypdfium2.PdfDocument(path))))
            except pypdfium2.PdfiumError:
                opened.append(None)
        yield opened[0], opened[1]


def _same_text(one: Any, other: Any, changing: Sequence[str] = ()) -> bool:
    texts = []
    for page in (one, other):
        with closing(page.get_textpage()) as lines:
            text = lines.get_text_range().replace("\r\n", "\n")
        for pattern in changing:
            text = re.sub(pattern, "", text, flags=re.MULTILINE)
        texts.append(text)
    return bool(texts[0] == texts[1])


def _drawn_alike(one: Any, other: Any, changing: Sequence[str] = ()) -> bool:
    drawn = [page.render(scale=SCALE, grayscale=True).to_numpy() for page in (one, other)]
    if drawn[0].shape != drawn[1].shape:
        return False
    for left, bottom, right, top in [place for page in (one, other) for place in _places(page, changing)]:
        height = drawn[0].shape[0]
        rows = slice(max(0, int(height - top * SCALE) - 2), max(0, int(height - bottom * SCALE) + 3))
        for picture in drawn:
            picture[rows, max(0, int(left * SCALE) - 2) : max(0, int(right * SCALE) + 3)] = 255
    return bool((drawn[0] == drawn[1]).all())


def _places(page: Any, changing: Sequence[str]) -> Iterator[tuple[float, float, float, float]]:
    """Where the text that changes stands. On a page that is turned it is not looked for: nothing is left out there."""
    if not changing or page.get_rotation():
        return
    with closing(page.get_textpage()) as lines:
        text = lines.get_text_range().replace("\r\n", "\n")
        for found in {one[0].strip() for pattern in changing for one in re.finditer(pattern, text, re.MULTILINE)} - {""}:
            search = lines.search(found)
            while (at := search.get_next()) is not None:
                yield from (lines.get_rect(number) for number in range(lines.count_rects(*at)))
            search.close()
