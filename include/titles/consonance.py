"""From Consonance's GraphQL JSON to titles. Pure: a row in, a `Work` or `Product` out.

Which fields the service has is told in the operations of the client; whatever was left out there simply reads as empty
here. What GraphQL does not tell is filled from the product's REST v4 record (`include.titles.consonance_rest`), where
there is one. A row that can't be mapped at all raises `RejectedData`; anything less never does.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from include.errors import RejectedData
from include.partners.model import House
from include.titles import consonance_rest, identifiers
from include.titles.forms import form_of
from include.titles.model import Collection, Contributor, Price, Product, Related, Resource, Subject, Text, Work
from include.titles.reading import (
    Row,
    code,
    codes,
    day,
    flag,
    has_markup,
    identity,
    ids,
    millimetres,
    money,
    number,
    one,
    places,
    rows,
    text,
    whole,
)
from include.titles.subjects import one_main_each, subject_of

VARIANT = "variant_"  # alias of the marketing texts of one variant
ALTERNATIVE_FORMAT = "06"  # List 51


def work_from(row: Row, house: House) -> Work:
    """A work. Raises `RejectedData` if it has no usable id."""
    id = identity(row)
    if id is None:
        raise RejectedData(f"a work has the id {row.get('id')!r}", where="Consonance works", todo="Ask Consonance support.")
    imprint = one(row, "imprint")
    audience = one(row, "audience")
    return Work(
        id=id,
        title=text(row, "title"),
        subtitle=text(row, "subtitle"),
        reference=text(row, "inHouseWorkReference"),
        doi=text(row, "identifyingDoi"),
        imprint_id=identity(imprint),
        imprint=text(imprint, "name"),
        stage=text(row, "projectStage"),
        season=text(row, "season"),
        work_type=text(row, "workType"),
        edition_number=text(row, "editionNumber"),
        edition_statement=text(row, "editionStatement"),
        edition_types=codes(row, "onixEditionTypeCodes"),
        original_title=text(row, "titleInOriginalLanguage"),
        contributor_statement=text(row, "authorshipDescription"),
        contributors=tuple(_contributors(row)),
        collections=tuple(filter(None, map(_collection, rows(row, "seriesMemberships")))),
        subjects=_subjects(row),
        audiences=tuple(dict.fromkeys(filter(None, (_onix_code(item) for item in rows(audience, "onixAudiences"))))),
        audience_description=text(audience, "description"),
    )


def product_from(row: Row, work: Work, house: House, rest: Row | None = None) -> Product:
    """A product of `work`. `rest` is its REST v4 record. Raises `RejectedData` if it has no usable id."""
    id = identity(row)
    if id is None:
        raise RejectedData(f"a product has the id {row.get('id')!r}", where=f"work {work.id}", todo="Ask Consonance support.")
    format = text(one(row, "inHouseFormat"), "name")
    form = form_of(code(row, "onix21ProductFormCode"), format, house)
    raw_isbn = text(one(row, "isbn"), "isbn13")
    isbn = identifiers.isbn13(raw_isbn) or raw_isbn
    prefix, without, full = titles(text(row, "titlePrefix"), text(row, "titleWithoutPrefix"), text(row, "fullTitle"))
    exportable = flag(row, "allowOnixExports")
    product = Product(
        id=id,
        work=work,
        kind=text(row, "__typename"),
        isbn=isbn,
        gtin=identifiers.gtin(text(row, "gtin")) or text(row, "gtin"),
        doi=text(row, "productIdentifyingDoi"),
        asin=text(row, "asin"),
        internal_reference=text(row, "internalReference"),
        title_prefix=prefix,
        title_without_prefix=without,
        full_title=full,
        subtitle=text(row, "subtitle"),
        composition=form.composition,
        form=form.form,
        form_details=form.details,
        form_description=text(row, "productFormDescription"),
        edition=text(one(row, "inHouseEdition"), "name"),
        format=format,
        accessibility=house.accessibility.get(format, ()),
        publishing_status=code(row, "onixPublishingStatusCode"),
        availability=code(row, "onixProductAvailabilityCode"),
        publication_date=day(row, "publicationDate"),
        planned_date=day(row, "plannedPublicationDate"),
        announcement_date=day(row, "publicAnnouncementDate"),
        height_mm=millimetres(row, "productHeight"),
        width_mm=millimetres(row, "productWidth"),
        thickness_mm=millimetres(row, "productThickness"),
        pages=_first_whole(row, "mainContentPageCount", "approximatePageCount", "productionPageCount", "absolutePageCount"),
        pages_front=whole(row, "frontMatterPageCount"),
        pages_back=whole(row, "backMatterPageCount"),
        pages_total=whole(row, "totalNumberedPages"),
        words=whole(row, "wordCount"),
        prices=tuple(filter(None, map(_price, rows(row, "prices")))),
        texts=tuple(_texts(row, house)),
        resources=tuple(_covers(rows(one(row, "work"), "supportingResources"), id)),
        related=_siblings(rows(one(row, "work"), "products"), id, isbn),
        sold_worldwide=flag(row, "isForSaleWorldwide"),
        sold_in=places(row, "forSaleCountryCodes"),
        not_sold_in=places(row, "notForSaleCountryCodes"),
        sales_rights=text(row, "salesRightsDescription"),
        exportable=exportable is not False,
    )
    return consonance_rest.fill(product, rest, house) if rest else product


def work_id_of(row: Row) -> int:
    """The id of a product's work. Raises `RejectedData` if there is none."""
    id = identity(one(row, "work"))
    if id is None:
        raise RejectedData("the product has no work", where=f"product {row.get('id')}", todo="Give it a work in Consonance.")
    return id


def titles(prefix: str, without: str, full: str) -> tuple[str, str, str]:
    """Prefix, title without it, and both, completed from each other.

    A prefix is only taken off where Consonance names it: no language's articles are guessed (*A is for Ox*).
    """
    start = f"{prefix} "
    if prefix and not without and full.startswith(start):
        without = full[len(start) :].strip()
    elif prefix and without == full and full.startswith(start):
        without = without[len(start) :].strip()
    if not full:
        full = f"{prefix} {without}".strip() if without else ""
    return (prefix if without else ""), without, full


# --- parts of a work


def _contributors(row: Row) -> Iterable[Contributor]:
    found = sorted(rows(row, "contributions"), key=lambda part: (number(part, "sequenceNumber") or Decimal(0), identity(part) or 0))
    for place, contribution in enumerate(found, start=1):
        person = one(contribution, "contributor")
        name = text(person, "personName") or text(person, "name")
        is_organisation = person.get("__typename") == "Organisation" or bool(text(person, "organisationName"))
        before, key, inverted = (
            ("", "", "") if is_organisation else name_parts(name, text(person, "keyNames"), text(person, "personNameInverted"))
        )
        corporate = (text(person, "organisationName") or name) if is_organisation else ""
        if not (name or key or corporate):
            continue
        yield Contributor(
            sequence=place,
            role=code(contribution, "onixContributorRoleCode"),
            person_name="" if is_organisation else name or f"{before} {key}".strip(),
            names_before_key=before,
            key_names=key,
            inverted_name=inverted,
            corporate_name=corporate,
            isni=identifiers.isni(text(person, "isni")),  # a wrong one would point at somebody else: left out
            biography=text(person, "biographicalNote"),
            languages_from=_languages(contribution, "languagesFromCodes"),
            languages_to=_languages(contribution, "languagesToCodes"),
            product_ids=ids(contribution, "productIds"),
        )


def name_parts(name: str, key: str, inverted: str) -> tuple[str, str, str]:
    """Names before the key names, key names, inverted name: each from the others where it is missing (ONIX P.7)."""
    if not key and ", " in inverted:
        key = inverted.split(", ", 1)[0].strip()
    before = ""
    if key and name.endswith(key) and name != key:
        before = name[: -len(key)].strip()
    elif key and inverted.startswith(f"{key}, "):
        before = inverted[len(key) + 2 :].strip()
    if key and before and not inverted:
        inverted = f"{key}, {before}"
    return before, key, inverted


def _languages(row: Row, key: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(identifiers.language(item) or item.lower() for item in codes(row, key)))


def _collection(row: Row) -> Collection | None:
    series = one(row, "series")
    title = text(series, "name")
    if not title:
        return None
    return Collection(
        title=title,
        subtitle=text(series, "subtitle"),
        part=text(row, "partNumber"),
        issn=text(series, "printIssn") or text(series, "onlineIssn"),
        year=text(row, "yearOfAnnual"),
    )


def _subjects(row: Row) -> tuple[Subject, ...]:
    if "subjectCodes" in row:
        found = [
            subject_of(text(item, "__typename"), subject, text(item, "description"), main=flag(item, "main") is True)
            for item in rows(row, "subjectCodes")
            if (subject := text(item, "code"))
        ]
    else:  # the plain lists hold codes only, most important first
        found = [subject_of(kind, item) for kind, key in (("BISAC", "bisacs"), ("BIC", "bics")) for item in codes(row, key)]
    return one_main_each(found)


def _onix_code(row: Row) -> str:
    """`ONIXCode` has `code` and `value`; which of them holds the two characters is not documented."""
    found = (code(row, "value"), code(row, "code"))
    return next((item for item in found if len(item) == 2 and item.isalnum()), "")


# --- parts of a product


def _first_whole(row: Row, *keys: str) -> int | None:
    return next((found for key in keys if (found := whole(row, key)) is not None), None)


def _price(row: Row) -> Price | None:
    amount = money(row, "amount")
    if amount is None:
        return None
    return Price(
        amount=amount,
        currency=text(row, "currencyCode").upper(),
        type=code(row, "onixPriceTypeCode"),
        qualifier=code(row, "onixPriceTypeQualifierCode"),
        starts=day(row, "effectiveFrom"),
        ends=day(row, "effectiveTo"),
    )


def _texts(row: Row, house: House) -> Iterable[Text]:
    """Texts by type, in the order of List 153, then as the service gives them."""
    found: list[Text] = []
    for variant, type in house.text_variants.items():
        for item in rows(row, VARIANT + variant):
            body = text(item, "externalText") or text(item, "externalTextMarkdown")
            if body:
                audiences = codes(item, "onixContentAudienceCodes") or ("00",)
                language = identifiers.language(code(item, "onixLanguageCode"))
                starts, ends = day(item, "fromDate"), day(item, "untilDate")
                found.append(Text(type, body, has_markup(body), audiences, language, starts=starts, ends=ends))
    return sorted(found, key=lambda item: item.type)


def _covers(resources: list[Row], product: int) -> Iterable[Resource]:
    """The front cover: the first resource that is ready and serves the product.

    Where the schema does not tell which products a resource serves, it serves all of the work's. What else a resource
    may be (its variant) can't be read, so no further one is guessed to be anything.
    """
    ready = [row for row in resources if identity(row) and text(row, "url") and not flag(row, "isProcessing")]
    serving = [row for row in ready if not (serves := ids(row, "productIds")) or product in serves]
    for row in serving[:1]:
        height, ratio = whole(row, "height"), number(row, "aspectRatio")
        yield Resource(
            id=identity(row) or 0,
            url=text(row, "url"),
            caption=text(row, "caption"),
            credit=text(row, "requiredCredit"),
            copyright=text(row, "copyright"),
            filename=text(row, "filename"),
            mime=text(row, "imageContentType"),
            width=round(height * ratio) if height and ratio and ratio > 0 else None,
            height=height,
            bytes=whole(row, "fileSize"),
            updated=day(row, "createdAt"),
        )


def _siblings(products: list[Row], product: int, isbn: str) -> tuple[Related, ...]:
    found = {identifiers.isbn13(text(one(row, "isbn"), "isbn13")) for row in products if identity(row) != product}
    return tuple(Related(ALTERNATIVE_FORMAT, other) for other in sorted(found - {"", isbn}))
