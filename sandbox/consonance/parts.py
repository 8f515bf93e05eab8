"""What the fields of everything that hangs on works and products answer."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from sandbox.catalogue.facts import Cover, MarketingText, Run, Subject
from sandbox.consonance.codes import literal, onix_code
from sandbox.consonance.context import Info, Resolver, Table, Within, cover_url
from sandbox.consonance.markdown import html, without_markup
from sandbox.consonance.titles import SCHEMES

_SYMBOLS = {"GBP": "£", "USD": "$", "EUR": "€", "AUD": "A$"}
_NO_TEXT: Resolver = lambda text, info, **_: ""  # noqa: E731 - a table entry


def _part(name: str) -> Resolver:
    return lambda source, info: getattr(source.part, name)


def _shown(text: MarketingText, info: Info, **asked: Any) -> str:
    return without_markup(text.markdown) if asked.get("stripHtml") else html(text.markdown)


TEXT: Table = {
    "id": "id",
    "externalText": _shown,
    "externalTextMarkdown": "markdown",
    "externalTextNumberOfCharacters": lambda text, info: len(without_markup(text.markdown)),
    "htmlCharsCount": lambda text, info: str(len(html(text.markdown))),
    "alternateExternalText": _NO_TEXT,
    "alternateExternalTextMarkdown": _NO_TEXT,
    "internalText": _NO_TEXT,
    "internalTextMarkdown": _NO_TEXT,
    "internalTextNumberOfCharacters": lambda text, info: 0,
    "approvalStatusName": lambda text, info: "Approved",
    "fromDate": "starts",
    "untilDate": "ends",
    "onixContentAudienceCodes": lambda text, info: ["_00"],
    "onixContentAudiences": lambda text, info: [onix_code(154, "00")],
    "productIds": "product_ids",
}


def _created(cover: Cover, info: Info) -> datetime:
    return datetime.combine(cover.created, time(9), UTC)


RESOURCE: Table = {
    "id": "id",
    "url": lambda cover, info: cover_url(info.context.base_url, cover),
    "imageRemoteUrl": lambda cover, info: cover.remote_url or None,
    "filename": "filename",
    "fileSize": lambda cover, info: cover.bytes or None,
    "imageContentType": lambda cover, info: "image/jpeg",
    "height": lambda cover, info: cover.height or None,
    "aspectRatio": lambda cover, info: round(cover.width / cover.height, 6) if cover.height else None,
    "caption": "caption",
    "copyright": "copyright",
    "copyrightHolder": lambda cover, info: "Lantern & Quill",
    "requiredCredit": lambda cover, info: cover.credit or None,
    "createdAt": _created,
    "isProcessing": lambda cover, info: not (cover.height or cover.remote_url),
    "productIds": "product_ids",
    "onixContentAudience": lambda cover, info: [onix_code(154, "00")],
    "onixIntendedContentAudience": lambda cover, info: onix_code(154, "00"),
}
PRICE: Table = {
    "id": "id",
    "amount": lambda price, info: float(price.amount),
    "amountWithCurrencyCode": lambda price, info: f"{price.currency} {price.amount}",
    "amountWithCurrencySymbol": lambda price, info: f"{_SYMBOLS.get(price.currency, '')}{price.amount}",
    "currency": lambda price, info: {"code": price.currency},
    "currencyCode": "currency",
    "effectiveFrom": "starts",
    "effectiveTo": "ends",
    "label": lambda price, info: f"{price.currency}-{price.type}-{price.qualifier}",
    "onixPriceType": lambda price, info: onix_code(58, price.type),
    "onixPriceTypeCode": lambda price, info: literal(price.type),
    "onixPriceTypeQualifier": lambda price, info: onix_code(59, price.qualifier),
    "onixPriceTypeQualifierCode": lambda price, info: literal(price.qualifier),
}
SUBJECT: Table = {
    "code": "code",
    "description": "description",
    "main": "main",
    "scheme": lambda subject, info: SCHEMES[subject.scheme],
    "parentCode": lambda subject, info: subject.code[:-1] or None,
}
CONTACT: Table = {
    "id": "id",
    "name": "name",
    "isni": lambda contact, info: contact.isni or None,
    "personName": "name",
    "personNameInverted": "inverted",
    "keyNames": "family",
    "biographicalNote": lambda contact, info: contact.biography or None,
    "organisationName": "name",
    "organisationCountry": "country",
}


def _languages(name: str) -> Resolver:
    return lambda within, info: [onix_code(74, code) for code in getattr(within.part, name)]


CONTRIBUTION: Table = {
    "id": _part("id"),
    "sequenceNumber": _part("sequence"),
    "contributor": _part("contact"),
    "onixContributorRole": lambda within, info: onix_code(17, within.part.role),
    "onixContributorRoleCode": _part("role"),
    "languagesFrom": _languages("languages_from"),
    "languagesFromCodes": _part("languages_from"),
    "languagesTo": _languages("languages_to"),
    "languagesToCodes": _part("languages_to"),
    "work": "work",
    "workId": "work.id",
    "productIds": lambda within, info: [product.id for product in within.work.products],
}
PRIZE: Table = {
    "id": _part("id"),
    "prizeName": _part("name"),
    "prizeYear": _part("year"),
    "productIds": _part("product_ids"),
    "prizeable": "work",
    "onixPrizeAchievement": lambda within, info: onix_code(41, within.part.achievement),
    "onixPrizeAchievementCode": lambda within, info: literal(within.part.achievement),
    "onixTerritory": lambda within, info: onix_code(91, within.part.territory),
    "onixTerritoryCode": _part("territory"),
}


def _of_run(**made: Any) -> Resolver:
    """The one binding, cover, interior or quantity of a run: what all of them have, and the fields that are given."""

    def resolve(within: Within, info: Info) -> list[dict[str, Any]]:
        run: Run = within.part
        products = [product for product in within.work.products if product.id in run.product_ids]
        shared = {"id": run.id, "productIds": run.product_ids, "products": products, "productionRunId": within}
        return [shared | {name: value(run) if callable(value) else value for name, value in made.items()}]

    return resolve


RUN: Table = {
    "id": _part("id"),
    "name": _part("name"),
    "deliveryDate": _part("delivery"),
    "productIds": _part("product_ids"),
    "work": "work",
    "workId": "work",
    "bindings": _of_run(pageBindingMethod=lambda run: run.binding),
    "covers": _of_run(coverType="Printed cover"),
    "interiors": _of_run(paper=lambda run: run.paper, fsc=True, textColour="1/1"),
    "finishes": _of_run(name=lambda run: run.finish),
    "quantities": _of_run(quantity=lambda run: run.quantity, name="First printing", productId=lambda run: run.product_ids[0]),
}
CONTRACT: Table = {
    "id": _part("id"),
    "contractName": _part("name"),
    "clientId": lambda within, info: 1,
    "client": lambda within, info: info.context,
    "work": "work",
    "signedDate": _part("signed"),
    "msDeliveryDate": _part("manuscript_due"),
    "actualMsDeliveryDate": _part("manuscript_delivered"),
    "msProofsDate": _part("proofs_due"),
    "description": _part("description"),
    "term": _part("term"),
    "terminatedDate": _part("terminated"),
    "terminationReason": _part("termination_reason"),
    "guaranteedRoyaltyValue": _part("guaranteed_royalty"),
    "flatFeeValue": _part("flat_fee"),
    "authorDiscount": _part("author_discount"),
    "freeCopies": _part("free_copies"),
    "freeCopiesUsed": _part("free_copies_used"),
    "remainderRate": _part("remainder_rate"),
    "remainderRateOverCost": _part("remainder_rate_over_cost"),
    "licensedRights": _part("rights"),
    "deliveryDates": _part("dues"),
}
SERIES: Table = {
    "id": "id",
    "name": "name",
    "titleWithSubtitle": lambda series, info: f"{series.name}: {series.subtitle}" if series.subtitle else series.name,
    "subtitle": lambda series, info: series.subtitle or None,
    "printIssn": lambda series, info: series.print_issn or None,
    "onlineIssn": lambda series, info: series.online_issn or None,
}
WEB_LINK: Table = {
    "id": "id",
    "link": "link",
    "role": lambda link, info: literal(link.role),
    "description": "description",
    "includeInOnix": lambda link, info: True,
    "note": lambda link, info: link.description or None,
}
CLIENT: Table = {
    "id": lambda context, info: 1,
    "name": lambda context, info: "Lantern & Quill Publishing",
    "contacts": lambda context, info: [],
    "worksCount": lambda context, info: sum(1 for _ in context.catalogue.work_ids()),
    "productsCount": lambda context, info: context.catalogue.product_count(),
}


def scheme_of(subject: Subject, *_: Any) -> str:
    """The object type of a subject code."""
    return subject.scheme
