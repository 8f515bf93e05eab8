"""What each field of the GraphQL schema answers.

Tables by type: a field's resolver, or the name of the attribute that it shows. A field of the schema that stands in no table answers
null (or an empty list, where null is not allowed): its name was seen, but the sandbox's publisher has nothing to put there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from decimal import Decimal
from operator import attrgetter
from typing import Any

from graphql import GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLResolveInfo, GraphQLSchema
from stdnum import isbn as stdnum_isbn

from include.titles import identifiers
from sandbox.catalogue import Catalogue, Product, Work
from sandbox.catalogue.facts import Contact, Contribution, Cover, MarketingText, Price, Run, Subject
from sandbox.catalogue.people import statement
from sandbox.consonance import searching
from sandbox.consonance.codes import literal, onix_code, plain
from sandbox.consonance.markdown import html, without_markup

Resolver = Callable[..., Any]
SYMBOLS = {"GBP": "£", "USD": "$", "EUR": "€", "AUD": "A$"}
INCHES = {"MM": Decimal(1), "CM": Decimal(10), "IN": Decimal("25.4")}
FORMAT_CODES = {"Hardback": "HB", "Paperback": "PB", "ePub": "EP", "PDF": "PD", "Audio download": "AD", "Audio CD": "CD", "Dumpbin": "DB"}


@dataclass
class Context:
    """What a resolver may ask. `base_url` is where the sandbox's own files (covers) are found."""

    catalogue: Catalogue
    base_url: str

    def work_of(self, product: Product) -> Work:
        work = self.catalogue.work(product.work_id)
        assert work is not None
        return work


@dataclass(frozen=True, slots=True)
class Within:
    """A part of a work, with the work it is part of."""

    part: Any
    work: Work


def _work_of(product: Product, info: GraphQLResolveInfo) -> Work:
    return info.context.work_of(product)


# Query


def _works(
    _: None, info: GraphQLResolveInfo, workSearch: dict[str, Any] | None = None, productSearch: dict[str, Any] | None = None
) -> list[Work]:  # noqa: N803
    return searching.works(info.context.catalogue, workSearch or {}, productSearch or {})


def _work(_: None, info: GraphQLResolveInfo, workSearch: dict[str, Any] | None = None) -> Work | None:  # noqa: N803
    return next(iter(searching.works(info.context.catalogue, workSearch or {}, {}, 1)), None) if workSearch else None


def _products(
    _: None,
    info: GraphQLResolveInfo,
    productSearch: dict[str, Any] | None = None,
    workSearch: dict[str, Any] | None = None,  # noqa: N803
    priceSearch: dict[str, Any] | None = None,  # noqa: N803
) -> list[Product]:
    return searching.products(info.context.catalogue, productSearch or {}, workSearch or {}, priceSearch or {})


def _product(_: None, info: GraphQLResolveInfo, productSearch: dict[str, Any] | None = None) -> Product | None:  # noqa: N803
    return next(iter(searching.products(info.context.catalogue, productSearch or {}, {}, {}, 1)), None) if productSearch else None


def _contract(_: None, info: GraphQLResolveInfo, contractSearch: dict[str, Any] | None = None) -> Within | None:  # noqa: N803
    id = (contractSearch or {}).get("idEq")
    work = info.context.catalogue.work_of_contract(id) if id is not None else None
    return Within(work.contract, work) if work else None


def _contacts(_: None, info: GraphQLResolveInfo, contactSearch: dict[str, Any] | None = None) -> list[Contact]:  # noqa: N803
    part = ((contactSearch or {}).get("personNameCont") or "").casefold()
    found = (contact for contact in info.context.catalogue.contacts() if not contact.organisation and part in contact.name.casefold())
    return [contact for contact, _number in zip(found, range(searching.WORKS_PER_PAGE), strict=False)]


def _organisation(_: None, info: GraphQLResolveInfo, organisationSearch: dict[str, Any] | None = None) -> Contact | None:  # noqa: N803
    name = (organisationSearch or {}).get("nameEq")
    return next((contact for contact in info.context.catalogue.contacts() if contact.organisation and contact.name == name), None)


def _person(_: None, info: GraphQLResolveInfo, id: int) -> Contact | None:
    contact = info.context.catalogue.contact(id)
    return contact if contact and not contact.organisation else None


# Work


def _subject_codes(work: Work, info: GraphQLResolveInfo, schemesIn: list[str] | None = None, mainOnly: bool = False) -> list[Subject]:  # noqa: N803
    wanted = None if schemesIn is None else set(schemesIn)
    return [one for one in work.subjects if (wanted is None or SCHEMES[one.scheme] in wanted) and (one.main or not mainOnly)]


SCHEMES = {"BIC": "BIC", "BISAC": "BISAC", "Thema": "THEMA", "Dewey": "DEWEY", "InHouseSubject": "IN_HOUSE", "NUR": "NUR"}


def _codes(scheme: str) -> Resolver:
    return lambda work, info: [one.code for one in work.subjects if one.scheme == scheme]


def _texts(texts: Iterable[MarketingText], variants: list[str] | None) -> list[MarketingText]:
    return [text for text in texts if variants is None or text.variant in variants]


def _work_texts(work: Work, info: GraphQLResolveInfo, variantIn: list[str] | None = None) -> list[MarketingText]:  # noqa: N803
    return _texts(work.texts, variantIn)


def _product_texts(product: Product, info: GraphQLResolveInfo, variantIn: list[str] | None = None) -> list[MarketingText]:  # noqa: N803
    return _texts((text for text in _work_of(product, info).texts if product.id in text.product_ids), variantIn)


def _work_products(work: Work, info: GraphQLResolveInfo, productSearch: dict[str, Any] | None = None) -> list[Product]:  # noqa: N803
    return [product for product in work.products if searching.fits_product(work, product, productSearch or {})]


def _within(name: str) -> Resolver:
    return lambda work, info: [Within(part, work) for part in getattr(work, name)]


WORK: Mapping[str, Resolver | str] = {
    "id": "id", "title": "title", "subtitle": lambda w, i: w.subtitle or None, "acronym": lambda w, i: w.acronym or None,
    "alternativeTitles": lambda w, i: w.alternative_titles or None, "authorshipDescription": lambda w, i: statement(w.contributions) or None,
    "contributorPrettyList": lambda w, i: ", ".join(one.contact.name for one in w.contributions) or None, "bics": _codes("BIC"),
    "bisacs": _codes("BISAC"), "clientId": lambda w, i: 1, "titleInOriginalLanguage": lambda w, i: w.original_title or None,
    "identifyingDoi": lambda w, i: w.doi or None, "inHouseWorkReference": "reference", "workType": "work_type", "projectStage": "stage",
    "season": "season", "marketingTier": "tier", "imprint": lambda w, i: {"id": w.imprint_id, "name": w.imprint},
    "supportingResources": "covers", "editionNumber": "edition_number", "editionStatement": lambda w, i: w.edition_statement or None,
    "onixEditionTypeCodes": lambda w, i: sorted({code for product in w.products for code in product.edition_types}),
    "seriesMemberships": "memberships", "contributions": _within("contributions"), "similarProducts": lambda w, i: i.context.catalogue.similar(w),
    "subjectCodes": _subject_codes, "prizes": _within("prizes"), "marketingTexts": _work_texts, "productionRuns": _within("runs"),
    "products": _work_products, "audience": lambda w, i: {"description": "General / trade", "onixAudiences": [onix_code(28, "01")], "contentWarnings": []},
}  # fmt: skip


# Product


def _isbn(product: Product, info: GraphQLResolveInfo) -> dict[str, str | None] | None:
    if not product.isbn:
        return None
    good = identifiers.is_isbn13(product.isbn)
    dashes = stdnum_isbn.format(product.isbn) if good else product.isbn
    return {
        "isbn10": identifiers.isbn10(product.isbn) or None if good else None,
        "isbn13": product.isbn,
        "isbnWithDashes": dashes,
        "isbnWithSpaces": dashes.replace("-", " "),
    }


def _prices(product: Product, info: GraphQLResolveInfo, priceSearch: dict[str, Any] | None = None) -> list[Price]:  # noqa: N803
    return [price for price in product.prices if searching.fits_price(price, priceSearch or {})]


def _length(name: str) -> Resolver:
    def resolve(product: Product, info: GraphQLResolveInfo, unit: str = "MM") -> float | None:
        millimetres = getattr(product, name)
        return None if millimetres is None else float(round(millimetres / INCHES[unit], 3))

    return resolve


def _date_string(name: str) -> Resolver:
    def resolve(product: Product, info: GraphQLResolveInfo, directives: str | None = None) -> str | None:
        day = getattr(product, name)
        return None if day is None else day.strftime(directives or "%Y-%m-%d")

    return resolve


def _all_pages(product: Product, info: GraphQLResolveInfo) -> int | None:
    return None if product.pages is None else product.pages + (product.front_pages or 0) + (product.back_pages or 0)


def _rights_sentence(product: Product, info: GraphQLResolveInfo) -> str | None:
    if product.worldwide:
        return "Worldwide"
    parts = (("For sale in ", product.for_sale), ("Not for sale in ", product.not_for_sale))
    return "; ".join(words + ", ".join(countries) for words, countries in parts if countries) or None


def _edition(product: Product, info: GraphQLResolveInfo) -> dict[str, Any]:
    return {"name": product.edition, "code": "".join(word[0] for word in product.edition.split()).upper(), "inHouseFormats": None}


def _format(product: Product, info: GraphQLResolveInfo) -> dict[str, Any] | None:
    return {"name": product.format, "code": FORMAT_CODES.get(product.format, "XX")} if product.format else None


PRODUCT: Mapping[str, Resolver | str] = {
    "id": "id", "isbn": _isbn, "fullTitle": "full_title", "titlePrefix": lambda p, i: p.prefix or None, "titleWithoutPrefix": "title",
    "subtitle": lambda p, i: p.subtitle or None, "authorshipDescription": lambda p, i: statement(_work_of(p, i).contributions) or None,
    "onix21ProductForm": lambda p, i: onix_code(7, p.form), "onix21ProductFormCode": lambda p, i: literal(p.form),
    "onixPublishingStatus": lambda p, i: onix_code(64, p.status), "onixPublishingStatusCode": lambda p, i: literal(p.status),
    "onixProductAvailabilityCode": lambda p, i: literal(p.availability), "onixEditionTypeCodes": "edition_types",
    "publicationDate": "publication_date", "publicationDateString": _date_string("publication_date"), "plannedPublicationDate": "planned_date",
    "plannedPublicationDateString": _date_string("planned_date"), "prices": _prices, "marketingTexts": _product_texts, "inHouseEdition": _edition,
    "inHouseFormat": _format, "forSaleCountryCodes": "for_sale", "notForSaleCountryCodes": "not_for_sale", "salesRightsDescription": _rights_sentence,
    "isForSaleWorldwide": "worldwide", "webLinks": "web_links", "work": _work_of,
    "contributions": lambda p, i: [Within(one, w) for w in [_work_of(p, i)] for one in w.contributions],
    "productHeight": _length("height_mm"), "productWidth": _length("width_mm"), "productThickness": _length("thickness_mm"),
    "approximatePageCount": _all_pages, "productionPageCount": _all_pages, "totalNumberedPages": _all_pages, "absolutePageCount": _all_pages,
    "mainContentPageCount": "pages", "contentPageCount": "pages", "frontMatterPageCount": "front_pages", "backMatterPageCount": "back_pages",
    "wordCount": "words", "allowOnixExports": "exportable", "asin": lambda p, i: p.asin or None,
}  # fmt: skip


# What hangs on works and products


def _shown(markdown: str, strip: bool | None) -> str:
    return without_markup(markdown) if strip else html(markdown)


TEXT: Mapping[str, Resolver | str] = {
    "id": "id", "externalText": lambda t, i, stripHtml=False: _shown(t.markdown, stripHtml), "externalTextMarkdown": "markdown",
    "externalTextNumberOfCharacters": lambda t, i: len(without_markup(t.markdown)), "alternateExternalText": lambda t, i, stripHtml=False: "",
    "alternateExternalTextMarkdown": lambda t, i: "", "internalText": lambda t, i, stripHtml=False: "", "internalTextMarkdown": lambda t, i: "",
    "internalTextNumberOfCharacters": lambda t, i: 0, "htmlCharsCount": lambda t, i: str(len(html(t.markdown))), "approvalStatusName": lambda t, i: "Approved",
    "fromDate": "starts", "untilDate": "ends", "onixContentAudienceCodes": lambda t, i: ["_00"], "onixContentAudiences": lambda t, i: [onix_code(154, "00")],
    "productIds": "product_ids",
}  # fmt: skip
RESOURCE: Mapping[str, Resolver | str] = {
    "id": "id", "height": "height", "aspectRatio": lambda c, i: round(c.width / c.height, 6), "caption": "caption", "copyright": "copyright",
    "copyrightHolder": lambda c, i: "Lantern & Quill", "createdAt": lambda c, i: datetime.combine(c.created, time(9), UTC), "fileSize": "bytes",
    "filename": "filename", "imageContentType": lambda c, i: "image/jpeg", "isProcessing": lambda c, i: False, "productIds": "product_ids",
    "requiredCredit": lambda c, i: c.credit or None, "url": lambda c, i: cover_url(i.context.base_url, c),
    "imageRemoteUrl": lambda c, i: c.remote_url or None, "onixContentAudience": lambda c, i: [onix_code(154, "00")],
    "onixIntendedContentAudience": lambda c, i: onix_code(154, "00"),
}  # fmt: skip


def cover_url(base_url: str, cover: Cover, style: str = "original") -> str:
    return f"{base_url}/covers/{cover.id}/{style}.jpg"


PRICE: Mapping[str, Resolver | str] = {
    "id": "id", "amount": lambda p, i: float(p.amount), "amountWithCurrencyCode": lambda p, i: f"{p.currency} {p.amount}",
    "amountWithCurrencySymbol": lambda p, i: f"{SYMBOLS.get(p.currency, '')}{p.amount}", "currency": lambda p, i: {"code": p.currency},
    "currencyCode": "currency", "effectiveFrom": "starts", "effectiveTo": "ends", "label": lambda p, i: f"{p.currency}-{p.type}-{p.qualifier}",
    "onixPriceType": lambda p, i: onix_code(58, p.type), "onixPriceTypeCode": lambda p, i: literal(p.type),
    "onixPriceTypeQualifier": lambda p, i: onix_code(59, p.qualifier), "onixPriceTypeQualifierCode": lambda p, i: literal(p.qualifier),
}  # fmt: skip
CONTACT: Mapping[str, Resolver | str] = {
    "id": "id", "name": "name", "isni": lambda c, i: c.isni or None, "personName": "name", "personNameInverted": "inverted", "keyNames": "family",
    "biographicalNote": lambda c, i: c.biography or None, "organisationName": "name", "organisationCountry": "country",
}  # fmt: skip


def _part(name: str) -> Resolver:
    return lambda source, info: getattr(source.part, name)


CONTRIBUTION: Mapping[str, Resolver | str] = {
    "id": _part("id"), "sequenceNumber": _part("sequence"), "onixContributorRole": lambda c, i: onix_code(17, c.part.role),
    "onixContributorRoleCode": _part("role"), "contributor": lambda c, i: c.part.contact,
    "languagesFrom": lambda c, i: [onix_code(74, code) for code in c.part.languages_from], "languagesFromCodes": _part("languages_from"),
    "languagesTo": lambda c, i: [onix_code(74, code) for code in c.part.languages_to], "languagesToCodes": _part("languages_to"),
    "work": "work", "workId": "work.id", "productIds": lambda c, i: [product.id for product in c.work.products],
}  # fmt: skip
PRIZE: Mapping[str, Resolver | str] = {
    "id": _part("id"), "prizeName": _part("name"), "prizeYear": _part("year"), "productIds": _part("product_ids"), "prizeable": "work",
    "onixPrizeAchievement": lambda p, i: onix_code(41, p.part.achievement), "onixPrizeAchievementCode": lambda p, i: literal(p.part.achievement),
    "onixTerritory": lambda p, i: onix_code(91, p.part.territory), "onixTerritoryCode": _part("territory"),
}  # fmt: skip


def _of_run(**made: Any) -> Resolver:
    """The one binding, cover, interior or quantity of a run: what hangs on the run, and the names that are given."""

    def resolve(within: Within, info: GraphQLResolveInfo) -> list[dict[str, Any]]:
        run: Run = within.part
        products = [product for product in within.work.products if product.id in run.product_ids]
        shared = {"id": run.id, "productIds": run.product_ids, "products": products, "productionRunId": within}
        return [shared | {name: value(run) if callable(value) else value for name, value in made.items()}]

    return resolve


RUN: Mapping[str, Resolver | str] = {
    "id": _part("id"), "name": _part("name"), "deliveryDate": _part("delivery"), "productIds": _part("product_ids"), "work": "work", "workId": "work",
    "bindings": _of_run(pageBindingMethod=lambda run: run.binding), "covers": _of_run(coverType="Printed cover"),
    "interiors": _of_run(paper=lambda run: run.paper, fsc=True, textColour="1/1"), "finishes": _of_run(name=lambda run: run.finish),
    "quantities": _of_run(quantity=lambda run: run.quantity, name="First printing", productId=lambda run: run.product_ids[0], receivedQuantity=None),
}  # fmt: skip
CONTRACT: Mapping[str, Resolver | str] = {
    "id": _part("id"), "contractName": _part("name"), "clientId": lambda c, i: 1, "client": lambda c, i: i.context, "signedDate": _part("signed"),
    "msDeliveryDate": _part("manuscript_due"), "actualMsDeliveryDate": _part("manuscript_delivered"), "msProofsDate": _part("proofs_due"),
    "description": _part("description"), "term": _part("term"), "terminatedDate": _part("terminated"), "terminationReason": _part("termination_reason"),
    "guaranteedRoyaltyValue": _part("guaranteed_royalty"), "flatFeeValue": _part("flat_fee"), "authorDiscount": _part("author_discount"),
    "freeCopies": _part("free_copies"), "freeCopiesUsed": _part("free_copies_used"), "remainderRate": _part("remainder_rate"),
    "remainderRateOverCost": _part("remainder_rate_over_cost"), "licensedRights": _part("rights"), "deliveryDates": _part("dues"), "work": "work",
}  # fmt: skip

TABLES: Mapping[str, Mapping[str, Resolver | str]] = {
    "Query": {
        "work": _work, "works": _works, "product": _product, "products": _products, "contract": _contract, "contacts": _contacts,
        "organisation": _organisation, "person": _person,
    },
    "Work": WORK,
    "MarketingText": TEXT,
    "SupportingResource": RESOURCE,
    "Price": PRICE,
    "Contribution": CONTRIBUTION,
    "Prize": PRIZE,
    "ProductionRun": RUN,
    "Contract": CONTRACT,
    "Person": CONTACT,
    "Organisation": CONTACT,
    "SeriesMembership": {"id": "id", "partNumber": lambda m, i: m.part or None, "series": "series"},
    "Series": {
        "id": "id", "name": "name", "titleWithSubtitle": lambda s, i: f"{s.name}: {s.subtitle}" if s.subtitle else s.name,
        "subtitle": lambda s, i: s.subtitle or None, "printIssn": lambda s, i: s.print_issn or None, "onlineIssn": lambda s, i: s.online_issn or None,
    },
    "LicensedRight": {"id": "id", "rightType": "right_type", "authorCut": "author_cut"},
    "DeliveryDate": {"id": "id", "dateDue": "date_due", "slippedDate": "slipped", "deliverableType": "deliverable"},
    "WebLink": {
        "id": "id", "link": "link", "role": lambda w, i: literal(w.role), "description": "description", "includeInOnix": lambda w, i: True,
        "note": lambda w, i: w.description or None,
    },
    "Client": {
        "id": lambda c, i: 1, "name": lambda c, i: "Lantern & Quill Publishing", "contacts": lambda c, i: [],
        "worksCount": lambda c, i: sum(1 for _ in c.catalogue.work_ids()),
        "productsCount": lambda c, i: sum(count for _, count in c.catalogue.product_count_by_work()),
    },
}  # fmt: skip
SUBJECT: Mapping[str, Resolver | str] = {
    "code": "code", "description": "description", "main": "main", "scheme": lambda s, i: SCHEMES[s.scheme],
    "parentCode": lambda s, i: s.code[:-1] or None,
}  # fmt: skip


def attach(schema: GraphQLSchema) -> None:
    """Give every field of the schema its resolver, and every interface a way to tell its types apart."""
    for type_ in schema.type_map.values():
        if not isinstance(type_, GraphQLObjectType) or type_.name.startswith("__") or type_.name == "Mutation":
            continue
        interfaces = {interface.name for interface in type_.interfaces}
        table = PRODUCT if "Product" in interfaces else SUBJECT if "SubjectCode" in interfaces else TABLES.get(type_.name)
        if table is None:
            continue  # answered as a dictionary
        for name, field in type_.fields.items():
            found = table.get(name)
            field.resolve = _nothing(field.type) if found is None else found if callable(found) else _attribute(found)
    for name, tell in (("Product", _kind), ("Contact", _contact_kind), ("SubjectCode", _scheme)):
        interface = schema.type_map.get(name)
        if interface is not None:
            interface.resolve_type = tell  # type: ignore[attr-defined]


def _attribute(name: str) -> Resolver:
    get = attrgetter(name)
    return lambda source, info, **_: get(source)


def _nothing(type_: Any) -> Resolver:
    answer = [] if isinstance(type_, GraphQLNonNull) and isinstance(type_.of_type, GraphQLList) else None
    return lambda source, info, **_: answer


def _kind(product: Product, *_: Any) -> str:
    return product.kind


def _contact_kind(contact: Contact, *_: Any) -> str:
    return "Organisation" if contact.organisation else "Person"


def _scheme(subject: Subject, *_: Any) -> str:
    return subject.scheme


__all__ = ["Context", "Contribution", "Within", "attach", "cover_url", "plain"]
