"""Whether two statements show the same. A second export of a batch has other subsets of its fonts, and so other bytes, on every page."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any

SCALE = 1.5  # pixels for each point: a comma that became a point is seen


def show_the_same(one: Path, other: Path) -> bool:
    """Two PDFs: the same pages with the same text, drawn alike to the pixel. False for what can't be drawn."""
    with _both(one, other) as (first, second):
        if first is None or second is None or len(first) != len(second):
            return False
        return all(_same_text(first[at], second[at]) and _drawn_alike(first[at], second[at]) for at in range(len(first)))
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


def _same_text(one: Any, other: Any) -> bool:
    texts = []
    for page in (one, other):
        lines = page.get_textpage()
        texts.append(lines.get_text_range())
        lines.close()
    return bool(texts[0] == texts[1])


def _drawn_alike(one: Any, other: Any) -> bool:
    drawn = [page.render(scale=SCALE, grayscale=True) for page in (one, other)]
    return bytes(drawn[0].buffer) == bytes(drawn[1].buffer)
