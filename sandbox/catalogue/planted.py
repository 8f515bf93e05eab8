"""The defects: each spoils one clean work in one way. What was planted is published, so that a test can ask for exactly that.

A defect of the work (no contributor, no BISAC) is one of all its products. No work has two, and none touches another, but for
the pair that shares an ISBN.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sandbox.catalogue.chance import isbn13
from sandbox.catalogue.facts import Defect, Price, Product, Work
from sandbox.catalogue.titles import FIRST_WORK, PRODUCTS_PER_WORK

Spoil = Callable[[Work, date], Work]


@dataclass(frozen=True)
class Plant:
    """`formats` of the work that is spoilt; `tenant`: the only tenant profile in which the defect can be read."""

    code: str
    note: str
    spoil: Spoil
    scope: dict[str, str]
    formats: tuple[str, ...] = ("Paperback",)
    tenant: str = ""


def work_id_of(index: int) -> int:
    """Where the `index`-th defect grows: one of every code among the first sixty works, the others on every second work after those."""
    if index < _CODES:
        return FIRST_WORK + 1 + index * 15 // 8
    return FIRST_WORK + 61 + 2 * (index - _CODES)


def planted(titles: int, work_id: int) -> Plant | None:
    """The defect of a work, if one is planted there."""
    index = _PLACES.get(work_id)
    return None if index is None or not _whole(titles, index) else PLANTS[index]


def _whole(titles: int, index: int) -> bool:
    """A small catalogue has room for the first defects only; half a pair would be no defect."""
    last = index + 1 if PLANTS[index].code == "isbn-duplicate" and index % 2 == 0 else index
    return work_id_of(last) < FIRST_WORK + titles


def defects_of(plant: Plant, work: Work) -> list[Defect]:
    return [Defect(product.id, work.id, product.isbn, plant.code, plant.scope, plant.note) for product in work.products]


def _products(**changes: Any) -> Spoil:
    return lambda work, today: replace(work, products=tuple(replace(product, **changes) for product in work.products))


def _each(change: Callable[[Product, date], Product]) -> Spoil:
    return lambda work, today: replace(work, products=tuple(change(product, today) for product in work.products))


def _work(**changes: Any) -> Spoil:
    return lambda work, today: replace(work, **changes)


def _status(status: str, days: int, availability: str) -> Spoil:
    return _each(
        lambda product, today: replace(product, status=status, availability=availability, publication_date=today + timedelta(days=days))
    )


def _prices(currency: str, change: Callable[[Price, date], list[Price]]) -> Spoil:
    """Put other prices in the place of those of a currency."""

    def spoil(product: Product, today: date) -> Product:
        kept = tuple(price for price in product.prices if price.currency != currency)
        changed = [new for price in product.prices if price.currency == currency for new in change(price, today)]
        return replace(product, prices=kept + tuple(changed))

    return _each(spoil)


def _none(price: Price, today: date) -> list[Price]:
    return []


def _expired(price: Price, today: date) -> list[Price]:
    return [replace(price, ends=today - timedelta(days=10))]


def _other_type(price: Price, today: date) -> list[Price]:
    return [replace(price, type="01" if price.type == "02" else "02")]


def _zero(price: Price, today: date) -> list[Price]:
    return [replace(price, amount=Decimal("0.00"))]


def _overlap(price: Price, today: date) -> list[Price]:
    return [
        replace(price, ends=today + timedelta(days=30)),
        replace(price, id=price.id + 10, amount=price.amount + 1, starts=today + timedelta(days=30)),
    ]


def _twice(price: Price, today: date) -> list[Price]:
    return [price, replace(price, id=price.id + 10, amount=price.amount + 2)]


def _gap(price: Price, today: date) -> list[Price]:
    return [
        replace(price, ends=today + timedelta(days=20)),
        replace(price, id=price.id + 10, amount=price.amount + 1, starts=today + timedelta(days=31)),
    ]


def _past_gap(price: Price, today: date) -> list[Price]:
    return [
        replace(price, starts=today - timedelta(days=300), ends=today - timedelta(days=40)),
        replace(price, id=price.id + 10, amount=price.amount + 1, starts=today + timedelta(days=5)),
    ]


def _ex_tax(wrong: str) -> Callable[[Price, date], list[Price]]:
    """Beside the price its sister of the other tax type, `wrong` away from what the rate says or from it altogether."""

    def change(price: Price, today: date) -> list[Price]:
        other = "01" if price.type == "02" else "02"
        return [price, replace(price, id=price.id + 10, type=other, amount=price.amount + Decimal(wrong))]

    return change


def _without_subjects(scheme: str) -> Spoil:
    return lambda work, today: replace(work, subjects=tuple(subject for subject in work.subjects if subject.scheme != scheme))


def _bisac(code: str, *, beside: bool = False) -> Spoil:
    def spoil(work: Work, today: date) -> Work:
        first = next(subject for subject in work.subjects if subject.scheme == "BISAC")
        wrong = replace(first, code=code, main=not beside)
        others = tuple(subject for subject in work.subjects if subject.scheme != "BISAC")
        return replace(work, subjects=((first, wrong) if beside else (wrong,)) + others)

    return spoil


def _without_text(variant: str) -> Spoil:
    return lambda work, today: replace(work, texts=tuple(text for text in work.texts if text.variant != variant))


def _no_biography(work: Work, today: date) -> Work:
    silent = tuple(replace(one, contact=replace(one.contact, biography="")) for one in work.contributions)
    return replace(_without_text("BIOGRAPHICAL_NOTE")(work, today), contributions=silent)


def _long_short(characters: int) -> Spoil:
    def spoil(work: Work, today: date) -> Work:
        def longer(body: str) -> str:
            return (body + " And then the tide turned." * 20)[: characters - 1] + "."

        return replace(
            work, texts=tuple(replace(t, markdown=longer(t.markdown)) if t.variant == "SHORT_DESCRIPTION" else t for t in work.texts)
        )

    return spoil


def _cover(width: int, height: int) -> Spoil:
    return lambda work, today: replace(work, covers=tuple(replace(cover, width=width, height=height) for cover in work.covers))


def _illegal(field: str, character: str) -> Spoil:
    def spoil(product: Product, today: date) -> Product:
        body = getattr(product, field) or "A Story"
        changed: dict[str, Any] = {field: f"{body[:3]}{character}{body[3:]}"}
        return replace(product, **changed)

    return _each(spoil)


def _no_title(work: Work, today: date) -> Work:
    return replace(work, title=None, products=tuple(replace(product, prefix="", title=None) for product in work.products))


def _duplicate(work: Work, today: date) -> Work:
    """The ISBN of the first of the pair, whose work is the one before."""
    return replace(work, products=tuple(replace(product, isbn=_partner_isbn(product)) for product in work.products))


def _partner_isbn(product: Product) -> str:
    return isbn13(product.id - PRODUCTS_PER_WORK - FIRST_WORK * PRODUCTS_PER_WORK)


def _same(work: Work, today: date) -> Work:
    return work


GBP, USD, EUR = ({"currency": "GBP", "type": "02"}, {"currency": "USD", "type": "01"}, {"currency": "EUR", "type": "02"})
AUDIO = ("Audio download",)

_ALL: tuple[Plant, ...] = (
    # The pair stands first, so that even a small catalogue has it whole.
    Plant("isbn-duplicate", "the same ISBN as another title", _same, {}),
    Plant("isbn-duplicate", "the same ISBN as another title", _duplicate, {}),
    Plant("price-missing", "no sterling price", _prices("GBP", _none), GBP),
    Plant("contributor-missing", "no contributor", _work(contributions=()), {}, ("Paperback", "ePub")),
    Plant("isbn-missing", "no ISBN yet", _products(isbn=None), {}),
    Plant(
        "rights-overlap",
        "Australia both for sale and not for sale",
        _products(worldwide=False, for_sale=("AU", "DE", "GB", "IE", "US"), not_for_sale=("AU", "CA")),
        {"country": "AU"},
    ),
    Plant("cover-missing", "no front cover", _work(covers=()), {}, ("Paperback", "ePub")),
    Plant("status-date-conflict", "forthcoming, published 60 days ago", _status("02", -60, "10"), {}),
    Plant("subject-bisac-missing", "no BISAC code", _without_subjects("BISAC"), {}, ("Paperback", "ePub")),
    Plant("price-missing", "no dollar price", _prices("USD", _none), USD),
    Plant("price-missing", "no euro price", _prices("EUR", _none), EUR),
    Plant("price-missing", "the sterling price ended ten days ago", _prices("GBP", _expired), GBP),
    Plant("price-missing", "sterling price without tax only", _prices("GBP", _other_type), GBP, ("ePub",)),
    Plant("price-missing", "no sterling price", _prices("GBP", _none), GBP, AUDIO),
    Plant("price-missing", "dollar price with tax only", _prices("USD", _other_type), USD, ("ePub",)),
    Plant("isbn-missing", "no ISBN yet", _products(isbn=None), {}, ("ePub",)),
    Plant("isbn-invalid", "wrong check digit", _products(isbn="9781915999991"), {}),
    Plant("isbn-invalid", "twelve digits", _products(isbn="978191599998"), {}, ("Hardback",)),
    Plant("title-missing", "no title", _no_title, {}),
    Plant("contributor-missing", "no contributor", _work(contributions=()), {}, AUDIO),
    Plant("form-missing", "neither product form nor in-house format", _products(kind="GenericProduct", form=None, format=None), {}),
    Plant(
        "form-unknown",
        "multiple copy pack: a product form that List 150 does not have",
        _products(kind="PhysicalProduct", form="WX", format="Dumpbin", pages=None, height_mm=None, width_mm=None, thickness_mm=None),
        {},
    ),
    Plant("publishing-status-missing", "no publishing status", _products(status=None, availability=None), {}),
    Plant("publishing-status-missing", "no publishing status", _products(status=None, availability=None), {}, ("ePub",)),
    Plant("publication-date-missing", "no publication date", _products(publication_date=None, planned_date=None), {}),
    Plant("publication-date-missing", "no publication date", _products(publication_date=None, planned_date=None), {}, AUDIO),
    Plant("status-date-conflict", "active, published in 90 days", _status("04", 90, "20"), {}),
    Plant("status-date-conflict", "forthcoming, published 16 days ago", _status("02", -16, "10"), {}, ("ePub",)),
    Plant("status-date-conflict", "active, published in 20 days", _status("04", 20, "20"), {}, AUDIO),
    Plant("availability-conflict", "active, yet not yet available", _products(availability="10"), {"tenant": "full"}, tenant="full"),
    Plant("availability-conflict", "forthcoming, yet in stock", _status("02", 120, "21"), {"tenant": "full"}, tenant="full"),
    Plant(
        "availability-conflict",
        "out of print, yet available",
        _products(status="07", availability="20"),
        {"tenant": "full"},
        ("Hardback",),
        "full",
    ),
    Plant("price-zero", "sterling price of nothing", _prices("GBP", _zero), GBP),
    Plant("price-zero", "dollar price of nothing", _prices("USD", _zero), USD, ("ePub",)),
    Plant("price-zero", "euro price of nothing", _prices("EUR", _zero), EUR),
    Plant("price-overlap", "two sterling prices on the day of the change", _prices("GBP", _overlap), GBP),
    Plant("price-overlap", "two dollar prices at once", _prices("USD", _twice), USD),
    Plant("price-overlap", "two euro prices on the day of the change", _prices("EUR", _overlap), EUR, ("ePub",)),
    Plant("price-gap", "ten days without a sterling price", _prices("GBP", _gap), GBP),
    Plant("price-gap", "ten days without a dollar price", _prices("USD", _gap), USD, ("Hardback",)),
    Plant("price-gap", "no euro price between the last one and the next", _prices("EUR", _past_gap), EUR),
    Plant(
        "tax-mismatch",
        "sterling prices that differ on a zero-rated book",
        _prices("GBP", _ex_tax("-1.00")),
        {"currency": "GBP", "country": "GB"},
    ),
    Plant(
        "tax-mismatch",
        "sterling prices of an audiobook without its tax",
        _prices("GBP", _ex_tax("0")),
        {"currency": "GBP", "country": "GB"},
        AUDIO,
    ),
    Plant(
        "tax-mismatch",
        "euro prices without seven percent between them",
        _prices("EUR", _ex_tax("-0.02")),
        {"currency": "EUR", "country": "DE"},
    ),
    Plant("rights-missing", "neither worldwide nor any country", _products(worldwide=False), {}),
    Plant(
        "rights-overlap",
        "Norway both for sale and not for sale",
        _products(worldwide=False, for_sale=("AT", "DE", "GB", "IE", "NO", "US"), not_for_sale=("NO",)),
        {"country": "NO"},
        ("ePub",),
    ),
    Plant(
        "rights-unknown-country",
        "UK is no ISO 3166 code",
        _products(worldwide=False, for_sale=("DE", "GB", "IE", "UK", "US")),
        {"country": "UK"},
    ),
    Plant(
        "rights-unknown-country",
        "EU is no ISO 3166 code",
        _products(worldwide=False, for_sale=("DE", "GB", "US"), not_for_sale=("EU",)),
        {"country": "EU"},
        ("ePub",),
    ),
    Plant("subject-bisac-missing", "no BISAC code", _without_subjects("BISAC"), {}, AUDIO),
    Plant("subject-bisac-invalid", "eight characters", _bisac("FIC01900"), {}),
    Plant(
        "subject-bisac-invalid", "a Thema code in the place of a second BISAC code", _bisac("FBA", beside=True), {}, ("Paperback", "ePub")
    ),
    Plant("subject-thema-missing", "no Thema code", _without_subjects("Thema"), {}),
    Plant("subject-thema-missing", "no Thema code", _without_subjects("Thema"), {}, ("ePub",)),
    Plant("description-missing", "no main description", _without_text("MAIN_DESCRIPTION"), {}),
    Plant("description-missing", "no main description", _without_text("MAIN_DESCRIPTION"), {}, ("ePub",)),
    Plant("short-description-missing", "no short description", _without_text("SHORT_DESCRIPTION"), {}),
    Plant("short-description-missing", "no short description", _without_text("SHORT_DESCRIPTION"), {}, AUDIO),
    Plant("short-description-long", "351 characters", _long_short(351), {}),
    Plant("short-description-long", "480 characters", _long_short(480), {}, ("ePub",)),
    Plant("biography-missing", "no biography", _no_biography, {}),
    Plant("biography-missing", "no biography", _no_biography, {}, ("ePub",)),
    Plant("pages-missing", "no page count", _products(pages=None, front_pages=None, back_pages=None), {}),
    Plant("pages-missing", "no page count", _products(pages=None, front_pages=None, back_pages=None), {}, ("Hardback",)),
    Plant("measures-missing", "no measures", _products(height_mm=None, width_mm=None, thickness_mm=None), {}),
    Plant("measures-missing", "no width", _products(width_mm=None), {}, ("Hardback",)),
    Plant("cover-missing", "no front cover", _work(covers=()), {}, AUDIO),
    Plant("cover-small", "400 by 600 pixels", _cover(400, 600), {}),
    Plant("cover-small", "433 by 649 pixels", _cover(433, 649), {}, ("ePub",)),
    Plant("text-illegal", "a vertical tab in the title", _illegal("title", "\v"), {"field": "title"}),
    Plant(
        "text-illegal", "an escape character in the subtitle", _illegal("subtitle", "\x1b"), {"field": "subtitle"}, ("Paperback", "ePub")
    ),
)


def _each_code_first(plants: tuple[Plant, ...]) -> tuple[Plant, ...]:
    """One of every code, then the others: sixty titles have room for all codes. The pair stays together."""
    earliest = {plant.code: place for place, plant in reversed(tuple(enumerate(plants)))}
    order = sorted(range(len(plants)), key=lambda place: place > 1 and earliest[plants[place].code] != place)
    return tuple(plants[place] for place in order)


PLANTS = _each_code_first(_ALL)
_CODES = len({plant.code for plant in PLANTS}) + 1  # the pair takes two places
_PLACES = {work_id_of(index): index for index in range(len(PLANTS))}
