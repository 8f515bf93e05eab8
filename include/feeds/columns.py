"""What a column of a spreadsheet feed may hold: small named extractors, title in, value out.

A partner's file names them (`field = "publication_date"`). Values keep their type (text, number, date) until a cell is
written; an extractor gives None where there is nothing to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from difflib import get_close_matches
from functools import lru_cache

from include.errors import ConfigurationError, RejectedData
from include.feeds import codelists
from include.feeds.audience import audience_codes
from include.feeds.offers import Offer, countries_of_sale, offers, sold_everywhere
from include.feeds.onix import availability
from include.feeds.onix.titles import Title, title_of
from include.feeds.plain import plain
from include.partners.model import Column, Feed, House, Partner
from include.titles.identifiers import is_isbn13, isbn10, isbn13
from include.titles.model import Contributor, Price, Product

Value = str | int | Decimal | date | None
_PRICE = re.compile(r"price:([A-Z]{3})(?::([0-9]{2}))?")
_AUTHOR = "A01"  # List 17
BETWEEN = "; "


@dataclass(frozen=True, slots=True)
class View:
    """A title as one partner's spreadsheet sees it, on one day."""

    product: Product
    partner: Partner
    house: House
    today: date

    @property
    def feed(self) -> Feed:
        return self.partner.feed


Extractor = Callable[[View], Value]
EXTRACTORS: dict[str, Extractor] = {}


def _field(name: str) -> Callable[[Extractor], Extractor]:
    def declare(extractor: Extractor) -> Extractor:
        EXTRACTORS[name] = extractor
        return extractor

    return declare


def cells(product: Product, partner: Partner, house: House, today: date) -> Iterator[tuple[str, str]]:
    """The texts that a title's row holds, with the headers of their columns. A cell that can't be filled holds no text."""
    view = View(product, partner, house, today)
    for column, extractor in zip(partner.feed.columns, extractors(partner.id, partner.feed.columns), strict=True):
        try:
            value = extractor(view)
        except RejectedData:  # no title at all: that is a rule of its own
            continue
        if isinstance(value, str):
            yield column.header, value


@lru_cache(maxsize=64)
def extractors(partner: str, columns: tuple[Column, ...]) -> tuple[Extractor, ...]:
    """One per column. Raises `ConfigurationError` for a field that does not exist, naming the nearest one."""
    return tuple(_extractor(partner, column) for column in columns)


def _extractor(partner: str, column: Column) -> Extractor:
    where = f"config/partners/{partner}.toml, feed.columns, {column.header!r}"
    if not column.field:
        return lambda view: column.text or None
    if column.text:
        raise ConfigurationError("a column has a field or a fixed text, not both", where=where, todo="Remove one of them.")
    if price := _PRICE.fullmatch(column.field):
        return lambda view: price_of(view, price[1], price[2] or "")
    if column.field not in EXTRACTORS:
        near = get_close_matches(column.field, [*EXTRACTORS, "price:GBP:02"], n=1)
        todo = f"Did you mean {near[0]!r}?" if near else f"Known ones: {', '.join(EXTRACTORS)}, price:<currency>[:<type>]."
        raise ConfigurationError(f"there is no field {column.field!r}", where=where, todo=todo)
    return EXTRACTORS[column.field]


def price_of(view: View, currency: str, type_: str) -> Decimal | None:
    """The price of today, else the next one to come: as the partner's markets offer it, else as Consonance has it."""
    made = [price for price in _offered(view) if price.rule.currency == currency and type_ in {"", price.rule.type}]
    prices: Sequence[Offer | Price] = made or [p for p in view.product.prices if p.currency == currency and type_ in {"", p.type}]
    known = sorted((p for p in prices if p.ends is None or p.ends >= view.today), key=lambda p: p.starts or date.min)
    now = [price for price in known if price.starts is None or price.starts <= view.today]
    return (now[-1] if now else known[0]).amount if known else None


def _offered(view: View) -> list[Offer]:
    return [offer for market in view.feed.markets for offer in offers(view.product, market, view.house, view.today)]


def _swapped(view: View, list_: str, code: str) -> str:
    return view.feed.substitutions.get(list_, {}).get(code, code)


# --- what it is


@_field("record_reference")
def _record_reference(view: View) -> Value:
    product = view.product
    isbn = isbn13(product.isbn) or product.id
    return view.feed.record_reference.format(domain=view.house.domain, id=product.id, isbn=isbn, work_id=product.work.id)


@_field("isbn13")
def _isbn13(view: View) -> Value:
    """Thirteen digits; an ISBN that is wrong stays as it is."""
    return isbn13(view.product.isbn) or view.product.isbn


@_field("gtin13")
def _gtin13(view: View) -> Value:
    gtin = view.product.gtin or isbn13(view.product.isbn)
    return gtin if len(gtin) == 13 else None


@_field("isbn10")
def _isbn10(view: View) -> Value:
    """Only for 978 ISBNs."""
    return isbn10(view.product.isbn) if is_isbn13(isbn13(view.product.isbn)) else None


def _titled(view: View) -> Title | None:
    """None for a title without one: the rules say so, a row of nothing breaks nothing."""
    try:
        return title_of(view.product)
    except RejectedData:
        return None


@_field("title")
def _title(view: View) -> Value:
    return found.text if (found := _titled(view)) else None


@_field("title_prefix")
def _title_prefix(view: View) -> Value:
    return found.prefix if (found := _titled(view)) else None


@_field("title_without_prefix")
def _title_without_prefix(view: View) -> Value:
    return found.without_prefix if (found := _titled(view)) else None


@_field("subtitle")
def _subtitle(view: View) -> Value:
    return view.product.subtitle or view.product.work.subtitle


@_field("contributors")
def _contributors(view: View) -> Value:
    """In order, with the role of everybody who is not an author: `Ana Lima; Jo Ek (Translated by)`."""
    return BETWEEN.join(filter(None, map(_credit, sorted(view.product.work.contributors, key=lambda one: one.sequence))))


def _credit(one: Contributor) -> str:
    name = one.person_name or one.corporate_name or f"{one.names_before_key} {one.key_names}".strip() or one.inverted_name
    role = codelists.label(17, one.role) if one.role != _AUTHOR else ""
    return f"{name} ({role})" if name and role else name


@_field("imprint")
def _imprint(view: View) -> Value:
    return view.product.work.imprint


@_field("publisher")
def _publisher(view: View) -> Value:
    return view.house.publisher


@_field("series")
def _series(view: View) -> Value:
    return view.product.work.collections[0].title if view.product.work.collections else None


@_field("series_part")
def _series_part(view: View) -> Value:
    return view.product.work.collections[0].part if view.product.work.collections else None


@_field("language")
def _language(view: View) -> Value:
    """List 74, of the text."""
    return next((one.code for one in view.product.work.languages if one.role == "01"), view.house.language)


# --- form and measures


@_field("form")
def _form(view: View) -> Value:
    """List 150, after the partner's substitutions."""
    return _swapped(view, "150", view.product.form)


@_field("form_name")
def _form_name(view: View) -> Value:
    code = _swapped(view, "150", view.product.form)
    return codelists.label(150, code) or code


@_field("format")
def _format(view: View) -> Value:
    """The in-house name of the format."""
    return view.product.format


@_field("pages")
def _pages(view: View) -> Value:
    return view.product.pages or view.product.pages_total


@_field("duration_minutes")
def _duration_minutes(view: View) -> Value:
    return view.product.duration_minutes


@_field("height_mm")
def _height_mm(view: View) -> Value:
    return view.product.height_mm


@_field("width_mm")
def _width_mm(view: View) -> Value:
    return view.product.width_mm


@_field("thickness_mm")
def _thickness_mm(view: View) -> Value:
    return view.product.thickness_mm


@_field("weight_g")
def _weight_g(view: View) -> Value:
    return view.product.weight_g


# --- where it stands


@_field("publication_date")
def _publication_date(view: View) -> Value:
    return view.product.publication_date


@_field("status")
def _status(view: View) -> Value:
    """List 64."""
    return _swapped(view, "64", view.product.publishing_status)


@_field("status_name")
def _status_name(view: View) -> Value:
    return codelists.label(64, view.product.publishing_status) or view.product.publishing_status


@_field("availability")
def _availability(view: View) -> Value:
    """List 65, derived from status and date where Consonance does not say it."""
    return _swapped(view, "65", availability.availability(view.product, view.today))


@_field("availability_name")
def _availability_name(view: View) -> Value:
    code = availability.availability(view.product, view.today)
    return codelists.label(65, code) or code


@_field("territory")
def _territory(view: View) -> Value:
    """WORLD, or the countries where it may be sold."""
    return "WORLD" if sold_everywhere(view.product) else " ".join(countries_of_sale(view.product))


@_field("not_for_sale")
def _not_for_sale(view: View) -> Value:
    return " ".join(sorted(set(view.product.not_sold_in)))


# --- what it is about


def _subjects(view: View, scheme: str) -> list[str]:
    found = [subject for subject in view.product.work.subjects if subject.scheme == scheme]
    return list(dict.fromkeys(subject.code for subject in sorted(found, key=lambda subject: not subject.main) if subject.code))


@_field("bisac")
def _bisac(view: View) -> Value:
    """The main BISAC subject, or the first."""
    return next(iter(_subjects(view, "10")), None)


@_field("bisac_list")
def _bisac_list(view: View) -> Value:
    return BETWEEN.join(_subjects(view, "10"))


@_field("thema")
def _thema(view: View) -> Value:
    return BETWEEN.join(_subjects(view, "93"))


@_field("bic")
def _bic(view: View) -> Value:
    return BETWEEN.join(_subjects(view, "12"))


@_field("keywords")
def _keywords(view: View) -> Value:
    words = (subject.description or subject.code for subject in view.product.work.subjects if subject.scheme == "20")
    return BETWEEN.join(dict.fromkeys(word for word in words if word))


@_field("audience")
def _audience(view: View) -> Value:
    """List 28, in words."""
    codes = audience_codes(view.product.work, view.house)
    return BETWEEN.join(codelists.label(28, code) or code for code in codes)


def _text(view: View, type_: str) -> Value:
    texts = (*view.product.texts, *view.product.work.texts)
    return next((words for text in texts if text.type == type_ and (words := plain(text))), None)


@_field("description")
def _description(view: View) -> Value:
    return _text(view, "03")


@_field("short_description")
def _short_description(view: View) -> Value:
    return _text(view, "02")


@_field("biography")
def _biography(view: View) -> Value:
    return _text(view, "12")


@_field("cover_url")
def _cover_url(view: View) -> Value:
    resources = (*view.product.resources, *view.product.work.resources)
    return next((one.url for one in resources if one.content_type == "01" and one.url), None)
