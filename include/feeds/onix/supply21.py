"""Rights and supply in ONIX 2.1: one SupplyDetail for each market where the product may be sold."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from include.errors import RejectedData
from include.feeds.offers import WORLD, Offer, countries_of_sale, market_countries, offers, sold_everywhere
from include.feeds.onix import days
from include.feeds.onix.availability import NOT_YET, availability, unpriced
from include.feeds.onix.flavour import Flavour, plain_number
from include.feeds.onix.publishing import better_as_exceptions, elsewhere
from include.feeds.onix.supply import FREE, discount_coded, expected_day
from include.partners.model import Market
from include.titles.model import Product

FOR_SALE = "01"  # List 46
_NEWER = {"09": "40"}  # List 65: "postponed indefinitely" came after 2.1's last lists
REST = "ROW"  # List 49: the world except as otherwise specified; ONIX 3 has no such code


def sales_rights(f: Flavour, product: Product) -> str:
    """For sale in these countries, or in the rest of the world; and where it is not."""
    x = f.x
    refused = tuple(dict.fromkeys(product.not_sold_in))
    if sold_everywhere(product):
        return x.of("SalesRights", x.code("SalesRightsType", FOR_SALE), x.code("RightsTerritory", WORLD))
    sold = countries_of_sale(product)
    excepting = better_as_exceptions(f, sold)
    if excepting:
        place, refused = x.code("RightsTerritory", REST), elsewhere(sold)
    else:
        place = x("RightsCountry", " ".join(sold))
    rest = "" if excepting or product.sold_worldwide or not sold else x.of("NotForSale", x.code("RightsTerritory", REST))
    return "".join((
        x.of("SalesRights", x.code("SalesRightsType", FOR_SALE), place) if place else "",
        x.of("NotForSale", x("RightsCountry", " ".join(refused))),
        rest,
    ))


def supply_details(f: Flavour, product: Product, today: date) -> str:
    return "".join(supply_detail(f, product, market, today) for market in f.feed.markets)


def supply_detail(f: Flavour, product: Product, market: Market, today: date) -> str:
    x, who = f.x, market.supplier
    places = market_countries(product, market)
    if not places:
        return ""
    now = f.swap("65", _NEWER.get(code := availability(product, today), code))
    day = expected_day(product)
    return x.of(
        "SupplyDetail",
        f.x.identifier("Supplier", "06", who.gln),
        f.x.identifier("Supplier", "07", who.san),
        x("SupplierName", who.name),
        x.code("SupplierRole", who.role),
        x.code("SupplyToTerritory", WORLD) if WORLD in places else x("SupplyToCountry", " ".join(places)),
        x.code("ReturnsCodeType", "02") + x.code("ReturnsCode", who.returns_code) if who.returns_code else "",
        x.code("ProductAvailability", now),
        x("ExpectedShipDate", days.compact(day)) if day and now in NOT_YET else "",
        x("OnSaleDate", days.compact(product.embargo_date)) if product.embargo_date else "",
        prices(f, product, market, today),
    )


def prices(f: Flavour, product: Product, market: Market, today: date) -> str:
    """Prices above zero; what costs nothing is "free of charge", which 2.1 can only say of the whole supply."""
    found = offers(product, market, f.house, today, market_countries(product, market))
    if below := next((offer for offer in found if offer.amount < 0), None):
        raise RejectedData(
            f"the price {below.amount} {below.rule.currency} is below zero", where=product.isbn, todo="Correct it in Consonance."
        )
    charged = "".join(price(f, offer) for offer in found if offer.amount > 0)
    return charged or f.x.code("UnpricedItemType", FREE if found else unpriced(product, today))


def price(f: Flavour, offer: Offer) -> str:
    x, rule = f.x, offer.rule
    percent = rule.discount_percent
    return x.of(
        "Price",
        x.code("PriceTypeCode", rule.type),
        x.code("PriceQualifier", rule.qualifier),
        discount_coded(f, rule),
        x.code("DiscountPercent", plain_number(percent)) if percent is not None else "",
        x.code("PriceAmount", f"{offer.amount:f}"),
        x.code("CurrencyCode", rule.currency),
        _places(f, offer.places),
        _tax(f, offer),
        x("PriceEffectiveFrom", days.compact(offer.starts) if offer.starts else ""),
        x("PriceEffectiveUntil", days.compact(offer.ends) if offer.ends else ""),
    )


def _places(f: Flavour, places: Sequence[str]) -> str:
    x = f.x
    if WORLD in places:
        return x.code("Territory", WORLD)
    countries_first = "".join(x.code("CountryCode", place) for place in places if "-" not in place)
    return countries_first + x("Territory", " ".join(place for place in places if "-" in place))


def _tax(f: Flavour, offer: Offer) -> str:
    x, line = f.x, offer.tax
    if line is None or not f.feed.price_tax:
        return ""
    return "".join((
        x.code("TaxRateCode1", line.rate_code),
        x.code("TaxRatePercent1", plain_number(line.percent)),
        x.code("TaxableAmount1", f"{line.taxable:f}"),
        x.code("TaxAmount1", f"{line.amount:f}"),
    ))
