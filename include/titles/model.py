"""Titles as Colophon knows them: frozen values, mapped from Consonance, independent of any feed.

Codes are ONIX for Books code-list values (EDItEUR, Issue 75) as two-character strings; the list is named beside each
field. Money is `Decimal`, dates are `date`, text is plain Unicode unless it says Markdown or HTML.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Contributor:
    sequence: int
    role: str  # List 17
    person_name: str = ""
    names_before_key: str = ""
    key_names: str = ""
    inverted_name: str = ""
    corporate_name: str = ""
    isni: str = ""
    orcid: str = ""
    biography: str = ""
    languages_from: tuple[str, ...] = ()  # List 74, role B06
    languages_to: tuple[str, ...] = ()
    product_ids: tuple[int, ...] = ()  # only these products of the work; empty: all of them


@dataclass(frozen=True, slots=True)
class Subject:
    scheme: str  # List 27: 10 BISAC, 12 BIC, 93-99 Thema, 20 keywords, 24 proprietary
    code: str
    description: str = ""
    main: bool = False


@dataclass(frozen=True, slots=True)
class Text:
    type: str  # List 153
    body: str  # XHTML fragment or plain text
    html: bool = False
    audiences: tuple[str, ...] = ("00",)  # List 154
    language: str = ""  # List 74
    author: str = ""
    source: str = ""
    starts: date | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    """A supporting resource (cover image): where it is, and what is known of the file."""

    id: int
    url: str
    content_type: str = "01"  # List 158
    caption: str = ""
    credit: str = ""
    copyright: str = ""
    filename: str = ""
    mime: str = ""
    width: int | None = None  # pixels
    height: int | None = None
    bytes: int | None = None
    updated: date | None = None


@dataclass(frozen=True, slots=True)
class Collection:
    """A series that the work belongs to."""

    title: str
    subtitle: str = ""
    part: str = ""
    issn: str = ""
    year: str = ""


@dataclass(frozen=True, slots=True)
class Price:
    amount: Decimal
    currency: str  # ISO 4217
    type: str  # List 58
    qualifier: str = "05"  # List 59
    starts: date | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True)
class Related:
    relation: str  # List 51
    isbn: str


@dataclass(frozen=True, slots=True)
class Language:
    role: str  # List 22
    code: str  # List 74 (ISO 639-2/B)


@dataclass(frozen=True, slots=True)
class Work:
    id: int
    title: str
    subtitle: str = ""
    reference: str = ""
    doi: str = ""
    imprint_id: int | None = None
    imprint: str = ""
    stage: str = ""
    season: str = ""
    work_type: str = ""
    edition_number: str = ""
    edition_statement: str = ""
    edition_types: tuple[str, ...] = ()  # List 21
    original_title: str = ""
    contributor_statement: str = ""
    contributors: tuple[Contributor, ...] = ()
    collections: tuple[Collection, ...] = ()
    subjects: tuple[Subject, ...] = ()
    audiences: tuple[str, ...] = ()  # List 28
    audience_description: str = ""
    languages: tuple[Language, ...] = ()
    texts: tuple[Text, ...] = ()
    resources: tuple[Resource, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """One ISBN-level product, with the work that it makes public.

    `isbn` is a checked ISBN-13, or the raw value of the source where that is wrong (see `include.titles.identifiers`):
    the feed's gates say so, the mirror does not drop it.
    """

    id: int
    work: Work
    kind: str = ""  # Consonance's product type: PhysicalBookProduct, ElectronicBookProduct, ...
    isbn: str = ""
    gtin: str = ""
    doi: str = ""
    asin: str = ""
    internal_reference: str = ""
    title_prefix: str = ""
    title_without_prefix: str = ""
    full_title: str = ""
    subtitle: str = ""
    composition: str = "00"  # List 2
    form: str = ""  # List 150
    form_details: tuple[str, ...] = ()  # List 175
    form_description: str = ""
    edition: str = ""  # in-house edition's name
    format: str = ""  # in-house format's name
    accessibility: tuple[str, ...] = ()  # List 196
    publishing_status: str = ""  # List 64
    availability: str = ""  # List 65
    publication_date: date | None = None
    planned_date: date | None = None
    announcement_date: date | None = None
    embargo_date: date | None = None
    out_of_print_date: date | None = None
    height_mm: Decimal | None = None
    width_mm: Decimal | None = None
    thickness_mm: Decimal | None = None
    weight_g: Decimal | None = None
    pages: int | None = None  # main content, List 23 code 00
    pages_front: int | None = None
    pages_back: int | None = None
    pages_total: int | None = None
    words: int | None = None
    duration_minutes: int | None = None
    prices: tuple[Price, ...] = ()
    texts: tuple[Text, ...] = ()
    resources: tuple[Resource, ...] = ()
    related: tuple[Related, ...] = ()
    sold_worldwide: bool | None = None
    sold_in: tuple[str, ...] = ()  # ISO 3166-1 alpha-2
    not_sold_in: tuple[str, ...] = ()
    sales_rights: str = ""  # in words
    exportable: bool = True  # Consonance's allowOnixExports
