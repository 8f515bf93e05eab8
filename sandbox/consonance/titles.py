"""What the fields of works and products answer."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from stdnum import isbn as stdnum_isbn

from include.titles import identifiers
from sandbox.catalogue import Product, Work
from sandbox.catalogue.facts import MarketingText, Price, Subject
from sandbox.catalogue.people import statement
from sandbox.consonance import searching
from sandbox.consonance.codes import literal, onix_code
from sandbox.consonance.context import Info, Resolver, Table, Within

# Subject scheme as the catalogue has it → member of SubjectCodeSchemeCategory.
SCHEMES = {"BIC": "BIC", "BISAC": "BISAC", "Thema": "THEMA", "Dewey": "DEWEY", "InHouseSubject": "IN_HOUSE", "NUR": "NUR"}
_MILLIMETRES = {"MM": Decimal(1), "CM": Decimal(10), "IN": Decimal("25.4")}
_FORMAT_CODES = {"Hardback": "HB", "Paperback": "PB", "ePub": "EP", "PDF": "PD", "Audio download": "AD", "Audio CD": "CD", "Dumpbin": "DB"}


def _work_of(product: Product, info: Info) -> Work:
    work: Work = info.context.work_of(product)
    return work


def _or_null(name: str) -> Resolver:
    """An empty text is no text."""
    return lambda source, info: getattr(source, name) or None


def _subject_codes(work: Work, info: Info, **asked: Any) -> list[Subject]:
    schemes = asked.get("schemesIn")
    return [one for one in work.subjects if (schemes is None or SCHEMES[one.scheme] in schemes) and (one.main or not asked.get("mainOnly"))]


def _codes(scheme: str) -> Resolver:
    return lambda work, info: [one.code for one in work.subjects if one.scheme == scheme]


def _texts(texts: Iterable[MarketingText], asked: dict[str, Any]) -> list[MarketingText]:
    variants = asked.get("variantIn")
    return [text for text in texts if variants is None or text.variant in variants]


def _work_texts(work: Work, info: Info, **asked: Any) -> list[MarketingText]:
    return _texts(work.texts, asked)


def _product_texts(product: Product, info: Info, **asked: Any) -> list[MarketingText]:
    return _texts((text for text in _work_of(product, info).texts if product.id in text.product_ids), asked)


def _work_products(work: Work, info: Info, **asked: Any) -> list[Product]:
    return [product for product in work.products if searching.fits_product(work, product, asked.get("productSearch") or {})]


def _within(name: str) -> Resolver:
    return lambda work, info: [Within(part, work) for part in getattr(work, name)]


def _edition_types(work: Work, info: Info) -> list[str]:
    return sorted({code for product in work.products for code in product.edition_types})


def _audience(work: Work, info: Info) -> dict[str, Any]:
    return {"description": "General / trade", "onixAudiences": [onix_code(28, "01")], "contentWarnings": []}


WORK: Table = {
    "id": "id",
    "clientId": lambda work, info: 1,
    "title": "title",
    "subtitle": _or_null("subtitle"),
    "acronym": _or_null("acronym"),
    "alternativeTitles": _or_null("alternative_titles"),
    "titleInOriginalLanguage": _or_null("original_title"),
    "identifyingDoi": _or_null("doi"),
    "inHouseWorkReference": "reference",
    "authorshipDescription": lambda work, info: statement(work.contributions) or None,
    "contributorPrettyList": lambda work, info: ", ".join(one.contact.name for one in work.contributions) or None,
    "contributions": _within("contributions"),
    "workType": "work_type",
    "projectStage": "stage",
    "season": "season",
    "marketingTier": "tier",
    "imprint": lambda work, info: {"id": work.imprint_id, "name": work.imprint},
    "editionNumber": "edition_number",
    "editionStatement": _or_null("edition_statement"),
    "onixEditionTypeCodes": _edition_types,
    "seriesMemberships": "memberships",
    "subjectCodes": _subject_codes,
    "bics": _codes("BIC"),
    "bisacs": _codes("BISAC"),
    "audience": _audience,
    "marketingTexts": _work_texts,
    "supportingResources": "covers",
    "prizes": _within("prizes"),
    "productionRuns": _within("runs"),
    "products": _work_products,
    "similarProducts": lambda work, info: info.context.catalogue.similar(work),
}


def _isbn(product: Product, info: Info) -> dict[str, str | None] | None:
    """A number that is no ISBN is shown as it stands."""
    if not product.isbn:
        return None
    good = identifiers.is_isbn13(product.isbn)
    dashes = str(stdnum_isbn.format(product.isbn)) if good else product.isbn
    return {
        "isbn10": identifiers.isbn10(product.isbn) or None,
        "isbn13": product.isbn,
        "isbnWithDashes": dashes,
        "isbnWithSpaces": dashes.replace("-", " "),
    }


def _prices(product: Product, info: Info, **asked: Any) -> list[Price]:
    return [price for price in product.prices if searching.fits_price(price, asked.get("priceSearch") or {})]


def _length(name: str) -> Resolver:
    def resolve(product: Product, info: Info, unit: str | None = None) -> float | None:
        millimetres = getattr(product, name)
        return None if millimetres is None else float(round(millimetres / _MILLIMETRES[unit or "MM"], 3))

    return resolve


def _date_string(name: str) -> Resolver:
    def resolve(product: Product, info: Info, directives: str | None = None) -> str | None:
        day = getattr(product, name)
        return None if day is None else day.strftime(directives or "%Y-%m-%d")

    return resolve


def _all_pages(product: Product, info: Info) -> int | None:
    return None if product.pages is None else product.pages + (product.front_pages or 0) + (product.back_pages or 0)


def _rights_sentence(product: Product, info: Info) -> str | None:
    if product.worldwide:
        return "Worldwide"
    parts = (("For sale in ", product.for_sale), ("Not for sale in ", product.not_for_sale))
    return "; ".join(words + ", ".join(countries) for words, countries in parts if countries) or None


def _edition(product: Product, info: Info) -> dict[str, Any]:
    return {"name": product.edition, "code": "".join(word[0] for word in product.edition.split()).upper()}


def _format(product: Product, info: Info) -> dict[str, Any] | None:
    return {"name": product.format, "code": _FORMAT_CODES.get(product.format, "XX")} if product.format else None


def _contributions(product: Product, info: Info) -> list[Within]:
    work = _work_of(product, info)
    return [Within(one, work) for one in work.contributions]


PRODUCT: Table = {
    "id": "id",
    "work": _work_of,
    "isbn": _isbn,
    "asin": _or_null("asin"),
    "fullTitle": "full_title",
    "titlePrefix": _or_null("prefix"),
    "titleWithoutPrefix": "title",
    "subtitle": _or_null("subtitle"),
    "authorshipDescription": lambda product, info: statement(_work_of(product, info).contributions) or None,
    "contributions": _contributions,
    "onix21ProductForm": lambda product, info: onix_code(7, product.form),
    "onix21ProductFormCode": lambda product, info: literal(product.form),
    "inHouseEdition": _edition,
    "inHouseFormat": _format,
    "onixEditionTypeCodes": "edition_types",
    "onixPublishingStatus": lambda product, info: onix_code(64, product.status),
    "onixPublishingStatusCode": lambda product, info: literal(product.status),
    "onixProductAvailabilityCode": lambda product, info: literal(product.availability),
    "publicationDate": "publication_date",
    "publicationDateString": _date_string("publication_date"),
    "plannedPublicationDate": "planned_date",
    "plannedPublicationDateString": _date_string("planned_date"),
    "prices": _prices,
    "isForSaleWorldwide": "worldwide",
    "forSaleCountryCodes": "for_sale",
    "notForSaleCountryCodes": "not_for_sale",
    "salesRightsDescription": _rights_sentence,
    "allowOnixExports": "exportable",
    "marketingTexts": _product_texts,
    "webLinks": "web_links",
    "productHeight": _length("height_mm"),
    "productWidth": _length("width_mm"),
    "productThickness": _length("thickness_mm"),
    "mainContentPageCount": "pages",
    "contentPageCount": "pages",
    "frontMatterPageCount": "front_pages",
    "backMatterPageCount": "back_pages",
    "approximatePageCount": _all_pages,
    "productionPageCount": _all_pages,
    "totalNumberedPages": _all_pages,
    "absolutePageCount": _all_pages,
    "wordCount": "words",
}
