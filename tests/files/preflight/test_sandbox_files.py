"""The sandbox's typesetters send files that preflight passes, and its defects are found for what they are."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from include.files import sniff
from include.files.preflight import Expected, acx
from include.files.preflight.check import check_here
from sandbox.catalogue import Catalogue
from sandbox.files.make import make, orders_of

PDFX = ("PDF/X-1a", "PDF/X-3", "PDF/X-4")


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return Catalogue(1, 60, date(2026, 11, 21))


def product_of(catalogue: Catalogue, form: str) -> Any:
    return next(
        product
        for work in catalogue.works()
        if not catalogue.is_planted(work.id)
        for product in work.products
        if product.form == form and (product.pages or form == "AJ")
    )


def codes(catalogue: Catalogue, folder: Path, kind: str, form: str, defect: str = "", **expected: Any) -> set[str]:
    product = product_of(catalogue, form)
    (order,) = orders_of(catalogue, {"kind": kind, "product_id": product.id, "defect": defect})
    made = make(order, folder)
    trim = (float(product.width_mm), float(product.height_mm)) if product.width_mm else None
    wanted = {"isbn": product.isbn, "trim_mm": trim, "bleed_mm": 3.0, "pdfx": PDFX, "colour": "cmyk", "min_dpi": 300} | expected
    rules = acx() if kind == "audio" else Expected(epubcheck=False, **({"isbn": product.isbn} | expected if kind == "ebook" else wanted))
    return {one.code for one in check_here(made.path, made.path.name, sniff.sniff(made.path, made.path.name), rules).findings}


@pytest.mark.parametrize(
    ("defect", "want"),
    [
        ("", set()),
        ("wrong-pages", {"pages-differ"}),
        ("odd-pages", {"pages-uneven"}),
        ("wrong-trim", {"trim-differs"}),
        ("no-trimbox", {"trim-missing"}),
        ("font-not-embedded", {"fonts-missing"}),
        ("no-pdfx", {"pdfx-missing"}),
        ("wrong-isbn", {"isbn-wrong"}),
    ],
)
def test_interiors(catalogue: Catalogue, tmp_path: Path, defect: str, want: set[str]) -> None:
    product = product_of(catalogue, "BC")
    pages = product.pages + (product.front_pages or 0) + (product.back_pages or 0)
    assert codes(catalogue, tmp_path, "interior", "BC", defect, part="text", pages=pages) == want


@pytest.mark.parametrize(
    ("defect", "want"), [("", set()), ("wrong-spine", {"spine-differs"}), ("rgb-image", {"colour-rgb"}), ("wrong-isbn", {"isbn-wrong"})]
)
def test_covers(catalogue: Catalogue, tmp_path: Path, defect: str, want: set[str]) -> None:
    thickness = product_of(catalogue, "BC").thickness_mm
    assert codes(catalogue, tmp_path, "jacket", "BC", defect, part="cover", spine_mm=float(thickness)) == want


@pytest.mark.parametrize(
    ("defect", "want"), [("", set()), ("no-accessibility", {"epub-accessibility"}), ("late-mimetype", {"epub-mimetype"})]
)
def test_ebooks(catalogue: Catalogue, tmp_path: Path, defect: str, want: set[str]) -> None:
    form = next(product.form for work in catalogue.works() for product in work.products if product.kind == "ElectronicBookProduct")
    found = codes(catalogue, tmp_path, "ebook", form, defect, accessibility=True)
    assert want <= found if defect == "no-accessibility" else found == want


@pytest.mark.parametrize(
    ("defect", "want"), [("", set()), ("variable", {"audio-variable"}), ("quiet", {"audio-level"}), ("noisy", {"audio-noise"})]
)
def test_chapters(catalogue: Catalogue, tmp_path: Path, defect: str, want: set[str]) -> None:
    assert codes(catalogue, tmp_path, "audio", "AJ", defect) == want
