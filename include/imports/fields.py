"""What a sheet may say of a title: which field it is, how it is read, how Consonance takes it, or why it does not.

`input` is the member of `UpdateWorkInput` or `UpdateProductInput`, by the names that Consonance's schema pages show; whether this tenant
has it, its own schema says (`include.imports.offers`). Fields without one can't be written by any public operation: they go back to the
sender with `instead`. Only what can be read back is ever written, or nobody could tell whether it was.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from include.imports.extractors import Value
from include.titles.model import Product, Work

Level = Literal["work", "product"]

LONGEST_TITLE = 300  # characters: EDItEUR's suggested maximum for TitleText and Subtitle
LONGEST_NOTE = 400  # ProductFormDescription
LONGEST_NAME = 100  # names of imprints, series, editions; identifiers of one's own

BY_HAND = "Consonance's public API has no operation for it: change it there by hand."


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a sheet. `known` reads it from the mirror's work or product, as a sheet's value would be written."""

    name: str
    level: Level
    label: str
    read: str  # extractor
    known: Callable[[Any], Value]
    input: str = ""
    seen: str = ""  # field of Consonance's that shows it again: `Work.subtitle`
    list_number: int = 0  # ONIX code list
    longest: int = 0
    literal: bool = False  # an enumeration: `_04` for 04
    id_of: Literal["season", "stage", "work_type", ""] = (
        ""  # written as a number of Consonance's, which the mapping's table of this name gives
    )
    instead: str = BY_HAND


def _text(name: str) -> Callable[[Work], Value]:
    return lambda work: str(getattr(work, name) or "")


def _of(name: str) -> Callable[[Product], Value]:
    def read(product: Product) -> Value:
        value = getattr(product, name)
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, Decimal):
            return format(value.normalize(), "f")
        return "" if value is None else str(value)

    return read


def _subjects(*schemes: str) -> Callable[[Work], Value]:
    return lambda work: [one.code for one in work.subjects if one.scheme in schemes]


def _series(work: Work) -> Value:
    return work.collections[0].title if work.collections else ""


_WORK = (
    Field("title", "work", "Title", "text", _text("title"), "title", "Work.title", longest=LONGEST_TITLE),
    Field("subtitle", "work", "Subtitle", "text", _text("subtitle"), "subtitle", "Work.subtitle", longest=LONGEST_TITLE),
    Field("bisac", "work", "BISAC", "bisac", _subjects("10"), "bisacs", "Work.subjectCodes"),
    Field("thema", "work", "Thema", "thema", _subjects("93", "94", "95", "96", "97", "98", "99"), "themas", "Work.subjectCodes"),
    Field("bic", "work", "BIC", "bic", _subjects("12", "13", "14", "15", "16", "17"), "bics", "Work.subjectCodes"),
    Field("nur", "work", "NUR", "nur", _subjects("32"), "nurs", "Work.subjectCodes"),
    Field("season", "work", "Season", "named", _text("season"), "seasonId", "Work.season", id_of="season"),
    Field("stage", "work", "Project stage", "named", _text("stage"), "projectStageId", "Work.projectStage", id_of="stage"),
    Field("work_type", "work", "Work type", "named", _text("work_type"), "workTypeId", "Work.workType", id_of="work_type"),
    Field("imprint", "work", "Imprint", "named", _text("imprint"), longest=LONGEST_NAME),
    Field("contributors", "work", "Contributors", "text", _text("contributor_statement"), longest=LONGEST_NOTE),
    Field("series", "work", "Series", "text", _series, longest=LONGEST_TITLE),
    Field("edition_number", "work", "Edition number", "number", _text("edition_number")),
    Field("edition_statement", "work", "Edition statement", "text", _text("edition_statement"), longest=LONGEST_NAME),
)
_PRODUCT = (
    Field("product_prefix", "product", "Title prefix", "text", _of("title_prefix"), "prefix", "Product.titlePrefix", longest=20),
    Field("product_title", "product", "Product title", "text", _of("title_without_prefix"), "title", "Product.titleWithoutPrefix",
          longest=LONGEST_TITLE),
    Field("product_subtitle", "product", "Product subtitle", "text", _of("subtitle"), "subtitle", "Product.subtitle",
          longest=LONGEST_TITLE),
    Field("internal_reference", "product", "Internal reference", "text", _of("internal_reference"), "internalReference",
          "Product.internalReference", longest=LONGEST_NAME),
    Field("asin", "product", "ASIN", "asin", _of("asin"), "asin", "Product.asin"),
    Field("gtin", "product", "GTIN", "gtin", _of("gtin"), "gtin", "Product.gtin"),
    Field("doi", "product", "DOI", "doi", _of("doi"), "productIdentifyingDoi", "Product.productIdentifyingDoi"),
    Field("form_description", "product", "Form description", "text", _of("form_description"), "productFormDescription",
          "Product.productFormDescription", longest=LONGEST_NOTE),
    Field("publication_date", "product", "Publication date", "date", _of("publication_date"), "publicationDate",
          "Product.publicationDate"),
    Field("planned_date", "product", "Planned publication date", "date", _of("planned_date"), "plannedPublicationDate",
          "Product.plannedPublicationDate"),
    Field("announcement_date", "product", "Announcement date", "date", _of("announcement_date"), "publicAnnouncementDate",
          "Product.publicAnnouncementDate"),
    Field("publishing_status", "product", "Publishing status", "code", _of("publishing_status"), "onixPublishingStatusCode",
          "Product.onixPublishingStatusCode", list_number=64, literal=True),
    Field("availability", "product", "Availability", "code", _of("availability"), "onixProductAvailabilityCode",
          "Product.onixProductAvailabilityCode", list_number=65, literal=True),
    Field("format", "product", "Format", "named", _of("format"), longest=LONGEST_NAME),
    Field("edition", "product", "Edition", "named", _of("edition"), longest=LONGEST_NAME),
    Field("pages", "product", "Pages", "number", _of("pages")),
    Field("height_mm", "product", "Height (mm)", "number", _of("height_mm")),
    Field("width_mm", "product", "Width (mm)", "number", _of("width_mm")),
    Field("thickness_mm", "product", "Thickness (mm)", "number", _of("thickness_mm")),
)  # fmt: skip

FIELDS: dict[str, Field] = {field.name: field for field in (*_WORK, *_PRODUCT)}
KEYS = {"isbn": "isbn", "reference": "text", "product_id": "id", "work_id": "id"}
"""Columns that say which title a row is about → extractor."""
PRICE = {"amount": "money", "currency": "currency", "price_type": "code", "price_qualifier": "code"}
"""Columns of a sheet with one price in each row → extractor."""
BOTH = {"title": "product_title", "subtitle": "product_subtitle"}
"""Fields that a work and each of its products have: a column says which of the two it means (`levels`)."""
BASE = "base"
"""A column that holds the mark of what Consonance had when the row was written (`include.imports.known.mark`)."""
