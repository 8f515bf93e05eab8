"""From Consonance's REST v4 product records: what GraphQL does not tell, and whole titles where a tenant has no GraphQL.

REST v4 is old, read only and lists products alone; a work is what its products say of it. It gives no contributors but
their statement, and no price types, so titles read through REST alone are poorer and the feed's gates will say so.
"""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

from include.errors import RejectedData
from include.partners.model import House
from include.titles import identifiers
from include.titles.forms import form_of
from include.titles.model import Price, Product, Related, Resource, Subject, Text, Work
from include.titles.reading import (
    Row,
    code,
    codes,
    day,
    has_markup,
    identity,
    millimetres,
    money,
    one,
    places,
    rows,
    text,
    whole,
)
from include.titles.subjects import one_main_each, subject_of

# ONIX 2.1 text types (List 33) to ONIX 3 (List 153). What is for other readers than the public is not taken over.
TEXT_TYPES = {
    "01": "03",  # main description
    "02": "02",  # short description
    "03": "03",  # long description
    "04": "04",  # table of contents
    "05": "06",  # review quote, restricted length
    "06": "07",  # review of a previous edition
    "07": "06",  # review text
    "08": "06",  # review quote
    "09": "10",  # promotional headline
    "10": "08",  # review of a previous work
    "13": "12",  # biographical note
    "17": "05",  # flap copy
    "18": "05",  # back cover copy
    "19": "11",  # feature
    "20": "18",  # new feature
    "21": "13",  # publisher's notice
    "22": "15",  # index
    "23": "14",  # excerpt
    "33": "26",  # introduction
    "43": "16",  # short description of a series
    "44": "17",  # description of a series
    "47": "20",  # open access statement
}
_MANY = frozenset({"06", "07", "08", "14"})  # reviews and excerpts come in numbers, a description once
_DIMENSION = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_HEIGHT = re.compile(r"_0*([0-9]{2,5})h$")
_BISAC = re.compile(r"^[A-Z]{3}[0-9]{6}$")


def fill(product: Product, row: Row, house: House) -> Product:
    """The product with what only its REST record tells. What GraphQL told is never replaced, but the cover's address
    where the house names the image styles that it wants (`resource_styles`)."""
    extents, measures = one(row, "extents"), _dimensions(row)
    told = {item.type for item in product.texts}
    texts = (*product.texts, *(item for item in texts_of(row) if item.type not in told))
    related = dict.fromkeys((*product.related, *related_of(row, product.isbn)))
    return replace(
        product,
        doi=product.doi or text(row, "product_doi"),
        out_of_print_date=product.out_of_print_date or day(row, "out_of_print_date"),
        height_mm=product.height_mm or measures[0],
        width_mm=product.width_mm or measures[1],
        thickness_mm=product.thickness_mm or measures[2],
        pages=product.pages or _pages(extents),
        pages_front=product.pages_front or whole(extents, "front_matter_page_count"),
        pages_back=product.pages_back or whole(extents, "back_matter_page_count"),
        pages_total=product.pages_total or whole(extents, "total_numbered_pages"),
        words=product.words or whole(extents, "number_of_words"),
        texts=tuple(sorted(texts, key=lambda item: item.type)),
        resources=_with_style(product.resources, row, house),
        related=tuple(sorted(related, key=lambda item: (item.relation, item.isbn))),
        not_sold_in=product.not_sold_in or places(row, "rights_not_available_countries"),
    )


def work_from(row: Row, house: House) -> Work:
    """The work of a product, as far as the product's record tells. Raises `RejectedData` if it names none."""
    id = identity(row, "work_id")
    if id is None:
        raise RejectedData("the record names no work", where=f"product {row.get('id')}", todo="Ask Consonance support.")
    return Work(
        id=id,
        title=text(row, "full_title"),
        subtitle=text(row, "subtitle"),
        reference=text(row, "in_house_work_reference"),
        doi=text(row, "work_doi"),
        imprint=text(row, "imprint") or text(one(row, "imprint"), "name"),
        stage=text(row, "project_stage_name"),
        season=text(row, "season_name"),
        work_type=text(row, "work_type_name"),
        edition_number=text(row, "edition_number"),
        edition_statement=text(row, "edition_statement"),
        edition_types=codes(row, "edition_type_codes"),
        contributor_statement=text(row, "authorship"),
        subjects=_subjects(row),
    )


def product_from(row: Row, work: Work, house: House) -> Product:
    """A product from its record alone. Raises `RejectedData` if it has no usable id."""
    id = identity(row)
    if id is None:
        raise RejectedData(f"a product has the id {row.get('id')!r}", where=f"work {work.id}", todo="Ask Consonance support.")
    format = text(row, "in_house_format") or text(one(row, "in_house_format"), "name")
    form = form_of(code(row, "product_form"), format, house)
    raw_isbn = text(row, "isbn")
    none = raw_isbn.casefold() == "no isbn"
    product = Product(
        id=id,
        work=work,
        isbn="" if none else identifiers.isbn13(raw_isbn) or raw_isbn,
        full_title=text(row, "full_title"),
        subtitle=text(row, "subtitle"),
        composition=form.composition,
        form=form.form,
        form_details=form.details,
        edition=text(row, "in_house_edition") or text(one(row, "in_house_edition"), "name"),
        format=format,
        accessibility=house.accessibility.get(format, ()),
        publishing_status=code(row, "publishing_status"),
        publication_date=day(row, "pub_date"),
        prices=tuple(filter(None, map(_price, rows(row, "prices")))),
    )
    return fill(product, row, house)


def texts_of(row: Row) -> list[Text]:
    """Texts of the types that ONIX 3 has, by type; the first of a kind that comes once, in the order of List 33."""
    found: dict[str, list[Text]] = {}
    for item in sorted(rows(row, "marketingtexts"), key=lambda item: code(item, "code")):
        type, body = TEXT_TYPES.get(code(item, "code")), text(item, "external_text")
        if type and body and (type in _MANY or type not in found):
            found.setdefault(type, []).append(Text(type, body, has_markup(body)))
    return [item for type in sorted(found) for item in found[type]]


def related_of(row: Row, isbn: str) -> list[Related]:
    found = []
    for item in rows(row, "all_related_products"):
        relation, other = code(item, "relation_code"), identifiers.isbn13(text(item, "isbn"))
        if relation and other and other != isbn:
            found.append(Related(relation, other))
    return found


def _pages(extents: Row) -> int | None:
    keys = ("main_content_page_count", "page_count", "production_page_count", "absolute_page_count")
    return next((found for key in keys if (found := whole(extents, key)) is not None), None)


def _dimensions(row: Row) -> tuple[Decimal | None, Decimal | None, Decimal | None]:
    """Height, width and thickness in mm, from a text such as `198 x 129 x 21mm` or an object with those names."""
    measures = one(row, "measurements")
    named = one(measures, "product_dimensions_mm")
    if named:
        return millimetres(named, "height"), millimetres(named, "width"), millimetres(named, "thickness")
    numbers = _DIMENSION.findall(text(measures, "product_dimensions_mm"))
    found = [millimetres({"value": item}, "value") for item in numbers[:3]]
    if len(found) < 2:
        return None, None, None
    return found[0], found[1], found[2] if len(found) > 2 else None


def _price(row: Row) -> Price | None:
    amount = money(row, "price_amount")
    if amount is None:
        return None
    # The type (with or without tax) is not in the documented record; without it no price rule fits, which is as it should be.
    return Price(amount, text(row, "currency_code").upper(), code(row, "price_type"), code(row, "price_qualifier"))


def _styles(row: Row, house: House) -> tuple[str, int | None]:
    """Address and height of the first cover in the style that the house wants, else in the largest; ("", None) if there is none."""
    resources = rows(row, "supportingresources")
    urls = {text(item, "style"): text(item, "url") for item in rows(resources[0], "style_urls")} if resources else {}
    heights = {style: int(match.group(1)) if (match := _HEIGHT.search(style)) else 0 for style, url in urls.items() if url}
    if not heights:
        return "", None
    style = next((wanted for wanted in house.resource_styles if wanted in heights), None) or max(
        sorted(heights), key=lambda name: heights[name]
    )
    return urls[style], heights[style] or None


def _with_style(resources: tuple[Resource, ...], row: Row, house: House) -> tuple[Resource, ...]:
    url, height = _styles(row, house)
    if not url or (resources and not house.resource_styles):
        return resources
    if resources:
        return (replace(resources[0], url=url, height=height or resources[0].height, width=None), *resources[1:])
    return (Resource(id=identity(rows(row, "supportingresources")[0]) or 0, url=url, height=height),)


def _subjects(row: Row) -> tuple[Subject, ...]:
    """Only BISAC codes can be told from the code alone; the shape of the others is not documented."""
    main = row.get("main_subject_id")
    found = [
        subject_of("BISAC", subject, text(item, "description"), main=main is not None and item.get("id") == main)
        for item in rows(row, "subjects")
        if _BISAC.match(subject := text(item, "code"))
    ]
    return one_main_each(found)
