"""Where a product may be sold, and at which prices it is offered there: pure functions, shared by rules and renderers.

A *place* is an ISO 3166-1 country, a List 49 region of one (`GB-SCT`), or `WORLD`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache, lru_cache

import pycountry

from include.feeds.tax import TAX_INCLUSIVE, TaxLine, fits_form, rate_for, rounded, tax_at
from include.partners.model import House, Market, PriceRule
from include.titles.model import Price, Product

WORLD = "WORLD"
# List 49, ECZ: Euro-using countries of continental Europe (Issue 75). The list asks senders to name the countries.
EUROZONE = tuple("AD AT BE BG CY DE EE ES FI FR GR HR IE IT LT LU LV MC ME MT NL PT SI SK SM VA".split())  # noqa: SIM905


@cache
def countries() -> tuple[str, ...]:
    """All ISO 3166-1 alpha-2 codes, sorted."""
    return tuple(sorted(country.alpha_2 for country in pycountry.countries))


def sellable(product: Product, country: str) -> bool:
    """Whether the product may be sold in a country or in a region of it. Where it is and is not for sale, it is not."""
    return _sellable(bool(product.sold_worldwide), product.sold_in, product.not_sold_in, country)


def sold_everywhere(product: Product) -> bool:
    return bool(product.sold_worldwide) and not product.not_sold_in


def countries_of_sale(product: Product) -> tuple[str, ...]:
    """Every country where the product may be sold, one by one."""
    return _countries_of_sale(bool(product.sold_worldwide), product.sold_in, product.not_sold_in)


def market_countries(product: Product, market: Market) -> tuple[str, ...]:
    """The places of a market where the product may be sold, in the market's order; empty: nowhere in it.

    A market without countries is the world. `WORLD` stays one word only if nothing is excepted.
    """
    return _places_of_sale(bool(product.sold_worldwide), product.sold_in, product.not_sold_in, market.countries)


def _sellable(worldwide: bool, sold_in: tuple[str, ...], not_sold_in: tuple[str, ...], place: str) -> bool:
    country = place[:2] if "-" in place else place
    return country not in not_sold_in and (worldwide or country in sold_in)


@lru_cache(maxsize=512)  # a catalogue knows few kinds of rights
def _countries_of_sale(worldwide: bool, sold_in: tuple[str, ...], not_sold_in: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(code for code in (countries() if worldwide else dict.fromkeys(sold_in)) if code not in not_sold_in)


@lru_cache(maxsize=2048)
def _places_of_sale(worldwide: bool, sold_in: tuple[str, ...], not_sold_in: tuple[str, ...], places: tuple[str, ...]) -> tuple[str, ...]:
    wanted = _expanded(places)
    if wanted and WORLD not in wanted:
        return tuple(place for place in wanted if _sellable(worldwide, sold_in, not_sold_in, place))
    return (WORLD,) if worldwide and not not_sold_in else _countries_of_sale(worldwide, sold_in, not_sold_in)


def price_for(product: Product, rule: PriceRule, today: date) -> list[Price]:
    """The product's prices that a rule reads, valid today or later, by the day they start."""
    read = rule.from_type or rule.type
    found = [
        price
        for price in product.prices
        if price.currency == rule.currency and price.type == read and price.qualifier == rule.qualifier and not _over(price, today)
    ]
    if len(found) > 1:
        found.sort(key=lambda price: price.starts or date.min)
    return found


def rules_for(product: Product, market: Market) -> Iterator[PriceRule]:
    """The market's price rules that are for a product of this form."""
    return (rule for rule in market.prices if fits_form(product.form, rule.forms))


@dataclass(frozen=True, slots=True)
class Offer:
    """A price as it is sent: for these places, with the tax in it where the house knows it."""

    rule: PriceRule
    amount: Decimal
    places: tuple[str, ...]
    tax: TaxLine | None
    starts: date | None
    ends: date | None


def offers(product: Product, market: Market, house: House, today: date, places: tuple[str, ...] | None = None) -> list[Offer]:
    """What the market's rules make of the product's prices, in the `places` of the market where it may be sold.

    A price with tax for several countries becomes one offer for each rate, so that none of them says a wrong one.
    Where tax has to be added or taken off and the house has no rate, there is no offer.
    """
    if places is None:
        places = market_countries(product, market)
    return [
        offer
        for rule in rules_for(product, market)
        for price in price_for(product, rule, today)
        for group in _by_rate(product.form, _priced_places(rule, places), house, {rule.type, price.type})
        if (offer := _offer(product, rule, price, group, house)) is not None
    ]


def _offer(product: Product, rule: PriceRule, price: Price, places: tuple[str, ...], house: House) -> Offer | None:
    amount = rounded(price.amount, price.currency)
    read_inclusive, inclusive = price.type in TAX_INCLUSIVE, rule.type in TAX_INCLUSIVE
    tax = None
    if read_inclusive or inclusive:
        rate = rate_for(product.form, places[0][:2], house) if places[0] != WORLD else None
        line = tax_at(rate, amount, price.currency, read_inclusive) if rate else None
        if read_inclusive != inclusive:
            if line is None:
                return None
            amount = line.gross if inclusive else line.taxable
        tax = line if inclusive else None
    return Offer(rule, amount, places, tax, price.starts, price.ends)


def _by_rate(form: str, places: tuple[str, ...], house: House, types: set[str]) -> list[tuple[str, ...]]:
    if len(places) < 2 or types.isdisjoint(TAX_INCLUSIVE):
        return [places] if places else []
    groups: dict[object, list[str]] = {}
    for place in places:
        rate = rate_for(form, place[:2], house)
        groups.setdefault(rate and (rate.type, rate.rate_code, rate.percent), []).append(place)
    return [tuple(group) for group in groups.values()]


def _priced_places(rule: PriceRule, places: tuple[str, ...]) -> tuple[str, ...]:
    if not rule.territory or WORLD in rule.territory:
        return places
    wanted = _expanded(rule.territory)
    if WORLD in places:
        return wanted
    known = set(places)
    return tuple(place for place in wanted if place in known or place[:2] in known)


def _expanded(places: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(country for place in places for country in (EUROZONE if place == "ECZ" else (place,))))


def _over(price: Price, today: date) -> bool:
    return price.ends is not None and price.ends < today
