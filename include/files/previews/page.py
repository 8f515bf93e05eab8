"""The first page of a PDF, the cover of an EPUB."""

from __future__ import annotations

import io
from pathlib import Path
from typing import cast

import pypdfium2
from PIL import Image

from include.files.epub import PICTURE, Epub
from include.files.model import Refused
from include.files.previews.pictures import small


def first_page(local: Path, longest: int) -> Image.Image:
    """As a viewer shows it: turned, cropped, annotations drawn. Raises `Refused`."""
    try:
        document = pypdfium2.PdfDocument(local)
    except pypdfium2.PdfiumError as bad:
        protected = "password" in str(bad).lower()
        raise Refused("no-preview", "The PDF wants a password" if protected else "The PDF can't be read") from bad
    try:
        if not len(document):
            raise Refused("no-preview", "The PDF has no pages")
        page = document[0]
        width, height = page.get_size()
        if not (width > 0 and height > 0):
            raise Refused("no-preview", "The PDF's first page has no size")
        scale = min(longest / max(width, height), 20.0)
        return cast(Image.Image, page.render(scale=scale).to_pil()).convert("RGB")
    except pypdfium2.PdfiumError as bad:
        raise Refused("no-preview", "The PDF's first page can't be shown") from bad
    finally:
        document.close()


def epub_cover(local: Path, longest: int) -> Image.Image:
    """The declared cover, else the first picture whose name says cover. Raises `Refused`."""
    with Epub(local) as epub:
        if epub.protected:
            raise Refused("no-preview", "The EPUB is protected")
        package = epub.package
        pictures = [item for item in package.manifest.values() if item.media_type in {"image/jpeg", "image/png", "image/gif", "image/webp"}]
        cover = package.cover
        if cover not in pictures:
            cover = next((item for item in pictures if "cover" in item.path.lower()), None)
        if cover is None:
            raise Refused("no-preview", "The EPUB has no cover picture")
        return small(io.BytesIO(epub.read(cover.path, PICTURE)), cover.media_type, longest)
