"""Whether two statements show the same. A second export of a batch has other subsets of its fonts, and so other bytes, on every page."""

from __future__ import annotations

from pathlib import Path

SCALE = 1.5  # pixels for each point: a comma that became a point is seen


def show_the_same(one: Path, other: Path) -> bool:
    """Two PDFs: the same pages with the same text, drawn alike to the pixel. False for what can't be drawn."""
    import pypdfium2

    try:
        first, second = pypdfium2.PdfDocument(one), pypdfium2.PdfDocument(other)
    except pypdfium2.PdfiumError:
        return False
    try:
        if len(first) != len(second):
            return False
        for number in range(len(first)):
            pages = first[number], second[number]
            texts = [page.get_textpage() for page in pages]
            if texts[0].get_text_range() != texts[1].get_text_range():
                return False
            drawn = [page.render(scale=SCALE, grayscale=True) for page in pages]
            if bytes(drawn[0].buffer) != bytes(drawn[1].buffer):
                return False
        return True
    except pypdfium2.PdfiumError:
        return False
    finally:
        first.close()
        second.close()
