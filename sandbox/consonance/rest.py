"""The REST record of a product, version 4: read-only, products only, fifty to a page.

The names are those that public pages show. Where a page shows a list but not what is in it (`subjects`, `weblinks`) the entry is the
least that makes it useful. The record tells no price type, no dates of a price and no countries for sale: GraphQL does.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

from stdnum import isbn as stdnum_isbn

from include.titles import identifiers
from sandbox.catalogue import Catalogue, Product, Work
from sandbox.catalogue.people import statement
from sandbox.consonance.context import cover_url
from sandbox.consonance.markdown import html

PER_PAGE = 50
# A style's name says what it fits into: pixels of height or of width.
STYLES = ("jpg_rgb_0650h", "jpg_rgb_0050w", "jpg_rgb_original")
_ALTERNATIVE_FORMAT = "06"  # List 51


class UnknownFilterError(ValueError):
    """A `q[…]` that nobody has seen in use: refused, so that no client takes all products for the answer."""


def page_of(catalogue: Catalogue, number: int, filters: dict[str, str], base_url: str) -> dict[str, Any]:
    """The envelope of page `number` (from 1). Raises `UnknownFilterError`."""
    if filters:
        products = list(_filtered(catalogue, filters))
        total, shown = len(products), products[(number - 1) * PER_PAGE : number * PER_PAGE]
    else:
        total = catalogue.product_count()
        shown = list(islice(catalogue.products_from((number - 1) * PER_PAGE), PER_PAGE))
    return {
        "current_page": number,
        "per_page": PER_PAGE,
        "total_pages": max(1, -(-total // PER_PAGE)),
        "url": f"{base_url}/api/v4/products.json",
        "products": [record(catalogue, product, base_url) for product in shown],
    }


def _filtered(catalogue: Catalogue, filters: dict[str, str]) -> Iterator[Product]:
    unknown = set(filters) - {"work_title_cont", "isbn_eq", "pub_date_eq", "id_eq", "shops_id_eq"}
    if unknown:
        raise UnknownFilterError(f"unknown filter {', '.join(sorted(unknown))}")
    if "id_eq" in filters:
        found = catalogue.product(int(filters["id_eq"])) if filters["id_eq"].isascii() and filters["id_eq"].isdigit() else None
        products: Iterator[Product] = iter([found] if found else [])
    elif "isbn_eq" in filters:
        products = iter(catalogue.products_by_isbn([filters["isbn_eq"]]))
    else:
        products = catalogue.products()
    for product in products:
        work = catalogue.work(product.work_id)
        title = (work.title or "") if work else ""
        day = product.publication_date.isoformat() if product.publication_date else ""
        if (
            filters.get("work_title_cont", "").casefold() in title.casefold()
            and filters.get("pub_date_eq", day) == day
            and filters.get("isbn_eq", product.isbn) == product.isbn
            and filters.get("shops_id_eq", "1") == "1"
        ):
            yield product


def record(catalogue: Catalogue, product: Product, base_url: str) -> dict[str, Any]:
    work = catalogue.work(product.work_id)
    assert work is not None
    subjects = [
        {"id": _subject_id(work, place), "code": one.code, "description": one.description} for place, one in enumerate(work.subjects)
    ]
    day = product.publication_date
    return {
        "id": product.id,
        "work_id": work.id,
        "full_title": product.full_title,
        "subtitle": product.subtitle or None,
        "pub_date": day.isoformat() if day else None,
        "publishing_status": product.status,
        "out_of_print_date": product.out_of_print_date.isoformat() if product.out_of_print_date else None,
        "product_form": product.form,
        "edition_type_codes": list(product.edition_types),
        "edition_statement": work.edition_statement or None,
        "in_house_format": product.format,
        "in_house_edition": product.edition,
        "isbn": _printed(product.isbn),
        "product_doi": None,
        "work_doi": work.doi or None,
        "work_type_name": work.work_type,
        "season_name": work.season,
        "marketing_tier_name": work.tier,
        "project_stage_name": work.stage,
        "lc_control_number": None,
        "in_house_work_reference": work.reference,
        "publishers_url": None,
        "imprint": work.imprint,
        "weblinks": [{"url": link.link, "description": link.description} for link in product.web_links],
        "edition_number": work.edition_number,
        "extents": _extents(product),
        "measurements": _measurements(product),
        "authorship": statement(work.contributions) or None,
        # `code` is ONIX 2.1's List 33: 01 main, 02 short, 04 contents, 08 review quote, 09 headline, 13 biographical note.
        "marketingtexts": [
            {"code": text.code, "external_text": html(text.markdown)} for text in work.texts if product.id in text.product_ids
        ],
        "prices": [
            {"currency_code": price.currency, "price_qualifier": price.qualifier, "price_amount": str(price.amount)}
            for price in product.prices
        ],
        "supportingresources": [
            {"style_urls": [{"style": style, "url": cover_url(base_url, cover, style)} for style in STYLES]}
            for cover in work.covers
            if product.id in cover.product_ids
        ],
        "subjects": subjects,
        "main_subject_id": subjects[0]["id"] if subjects else None,
        "series_ids": [membership.series.id for membership in work.memberships],
        "all_related_products": [
            {"relation_code": _ALTERNATIVE_FORMAT, "isbn": _printed(other.isbn)} for other in work.products if other.id != product.id
        ],
        "rights_not_available_countries": list(product.not_for_sale),
    }


def _subject_id(work: Work, place: int) -> int:
    return work.id * 20 + place


def _printed(isbn: str | None) -> str:
    if not isbn:
        return "No ISBN"
    return str(stdnum_isbn.format(isbn)) if identifiers.is_isbn13(isbn) else isbn


def _extents(product: Product) -> dict[str, int | None]:
    pages, front, back = product.pages, product.front_pages, product.back_pages
    total = None if pages is None else pages + (front or 0) + (back or 0)
    return {
        "page_count": total,
        "main_content_page_count": pages,
        "number_of_words": product.words,
        "front_matter_page_count": front,
        "back_matter_page_count": back,
        "total_numbered_pages": total,
        "production_page_count": total,
        "absolute_page_count": total,
    }


def _measurements(product: Product) -> dict[str, str] | None:
    """Height by width by thickness, as far as they are known."""
    if product.height_mm is None or product.width_mm is None:
        return None
    sides = [side for side in (product.height_mm, product.width_mm, product.thickness_mm) if side is not None]
    return {
        "product_dimensions_mm": " x ".join(f"{side:g}" for side in sides) + " mm",
        "product_dimensions_in": " x ".join(f"{float(side) / 25.4:.2f}" for side in sides) + " in",
    }
