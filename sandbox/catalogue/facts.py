"""What the make-believe publisher knows of its titles. Frozen: an edit makes a new work in the place of the old.

Codes are ONIX values; list numbers stand beside them. Dates that bound something are the first and the last day it holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Contact:
    """A person, or an organisation where `organisation` is true. Names are as printed."""

    id: int
    name: str
    given: str = ""
    family: str = ""
    inverted: str = ""
    isni: str = ""
    biography: str = ""  # plain text
    organisation: bool = False
    country: str = "GB"


@dataclass(frozen=True, slots=True)
class Contribution:
    id: int
    sequence: int
    role: str  # List 17
    contact: Contact
    languages_from: tuple[str, ...] = ()  # List 74
    languages_to: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    scheme: str  # BIC, BISAC, Thema, InHouseSubject
    code: str
    description: str
    main: bool = False


@dataclass(frozen=True, slots=True)
class MarketingText:
    """`variant` is the sandbox's name for the kind, `code` the ONIX 2.1 text type (List 33) of the REST record."""

    id: int
    variant: str
    code: str
    markdown: str
    product_ids: tuple[int, ...]
    publication: str = ""
    starts: date | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True)
class Cover:
    """A picture of a title, by itself a front cover; `width` and `height` in pixels, `bytes` of the JPEG that the sandbox serves. All are 0
    while nobody knows: the image stays at `remote_url`, or is still to be uploaded."""

    id: int
    width: int
    height: int
    bytes: int
    filename: str
    caption: str
    copyright: str
    credit: str
    created: date
    product_ids: tuple[int, ...]
    remote_url: str = ""
    variant: str = "FRONT_COVER"


@dataclass(frozen=True, slots=True)
class Price:
    id: int
    amount: Decimal
    currency: str
    type: str  # List 58
    qualifier: str = "05"  # List 59
    starts: date | None = None
    ends: date | None = None


@dataclass(frozen=True, slots=True)
class Series:
    id: int
    name: str
    subtitle: str = ""
    print_issn: str = ""
    online_issn: str = ""


@dataclass(frozen=True, slots=True)
class Membership:
    id: int
    series: Series
    part: str = ""


@dataclass(frozen=True, slots=True)
class Prize:
    id: int
    name: str
    year: int
    achievement: str  # List 41
    territory: str
    product_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Right:
    id: int
    right_type: str
    author_cut: Decimal


@dataclass(frozen=True, slots=True)
class Due:
    id: int
    date_due: date
    deliverable: str
    slipped: date | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """`signed` is None while the work is a proposal."""

    id: int
    name: str
    signed: date | None
    manuscript_due: date | None
    manuscript_delivered: date | None
    proofs_due: date | None
    description: str = ""
    term: str = ""
    terminated: date | None = None
    termination_reason: str = ""
    guaranteed_royalty: Decimal | None = None
    flat_fee: Decimal | None = None
    author_discount: str = ""
    free_copies: str = ""
    free_copies_used: str = ""
    remainder_rate: str = ""
    remainder_rate_over_cost: Decimal | None = None
    rights: tuple[Right, ...] = ()
    dues: tuple[Due, ...] = ()


@dataclass(frozen=True, slots=True)
class Run:
    """A production run: the print specification of one or more products."""

    id: int
    name: str
    delivery: date
    paper: str
    binding: str
    finish: str
    quantity: int
    product_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class WebLink:
    id: int
    link: str
    role: str = "02"  # List 73: the publisher's page for the work
    description: str = ""


@dataclass(frozen=True, slots=True)
class Product:
    id: int
    work_id: int
    kind: str  # the seven product types of Consonance
    isbn: str | None  # thirteen digits, or what stands in their place
    prefix: str = ""
    title: str | None = ""  # without the prefix
    subtitle: str = ""
    form: str | None = None  # List 7 (ONIX 2.1)
    format: str | None = None  # in-house format
    edition: str = "First edition"  # in-house edition
    edition_types: tuple[str, ...] = ()  # List 21
    status: str | None = None  # List 64
    availability: str | None = None  # List 65
    publication_date: date | None = None
    planned_date: date | None = None
    announcement_date: date | None = None
    out_of_print_date: date | None = None
    prices: tuple[Price, ...] = ()
    worldwide: bool = True
    for_sale: tuple[str, ...] = ()  # ISO 3166-1 alpha-2
    not_for_sale: tuple[str, ...] = ()
    height_mm: Decimal | None = None
    width_mm: Decimal | None = None
    thickness_mm: Decimal | None = None
    pages: int | None = None
    front_pages: int | None = None
    back_pages: int | None = None
    words: int | None = None
    exportable: bool = True
    asin: str = ""
    web_links: tuple[WebLink, ...] = ()
    reference: str = ""
    written: tuple[tuple[str, str], ...] = field(default=())  # members of an update that nothing here reads back

    @property
    def full_title(self) -> str | None:
        """Prefix and title as one line; an elided article keeps its apostrophe without a space."""
        if self.title is None:
            return None
        joint = "" if self.prefix.endswith(("’", "'")) or not self.prefix else " "
        return f"{self.prefix}{joint}{self.title}"

    @property
    def is_print(self) -> bool:
        return self.kind == "PhysicalBookProduct"


@dataclass(frozen=True, slots=True)
class Work:
    id: int
    title: str | None
    subtitle: str
    imprint_id: int
    imprint: str
    genre: str
    reference: str
    work_type: str
    season: str
    stage: str
    tier: str
    changed: date  # the day of the last change to the work or to anything under it
    contract: Contract
    original_title: str = ""
    doi: str = ""
    edition_number: str = "1"
    edition_statement: str = ""
    acronym: str = ""
    alternative_titles: str = ""
    contributions: tuple[Contribution, ...] = ()
    memberships: tuple[Membership, ...] = ()
    subjects: tuple[Subject, ...] = ()
    texts: tuple[MarketingText, ...] = ()
    covers: tuple[Cover, ...] = ()
    prizes: tuple[Prize, ...] = ()
    runs: tuple[Run, ...] = ()
    products: tuple[Product, ...] = ()


@dataclass(frozen=True, slots=True)
class Defect:
    """A planted defect. `scope` narrows it: currency and type, country, field, or the only tenant profile that shows it."""

    product_id: int
    work_id: int
    isbn: str | None
    code: str
    scope: dict[str, str]
    note: str
