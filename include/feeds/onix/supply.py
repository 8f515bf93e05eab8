"""Block 6, ProductSupply: one for each market of the partner where the product may be sold (P.24, P.26)."""

from __future__ import annotations

from datetime import date, timedelta

from include.errors import RejectedData
from include.feeds.offers import Offer, market_countries, offers, price_for, rules_for
from include.feeds.onix.availability import NOT_YET, availability, unpriced
from include.feeds.onix.flavour import Flavour, plain_number
from include.feeds.onix.publishing import territory
from include.feeds.tax import TaxLine
from include.partners.model import Market, PriceRule, Supplier
from include.titles.model import Product

_RETURNABLE_BISAC = "02"  # List 53
_PROPRIETARY, _BIC = "02", "01"  # List 100
FREE = "01"  # List 57


def product_supply(f: Flavour, product: Product, today: date) -> str:
    return "".join(market_supply(f, product, market, today) for market in f.feed.markets)


def market_supply(f: Flavour, product: Product, market: Market, today: date) -> str:
    """Nothing where the product may not be sold: SalesRights says so already."""
    x = f.x
    places = market_countries(product, market)
    if not places:
        return ""
    return x.of(
        "ProductSupply",
        x("MarketReference", market.reference) if f.newer else "",
        x.of("Market", f.once(("territory", places), lambda: territory(f, places))),
        supply_detail(f, product, market, offers(product, market, f.house, today, places), today),
    )


def supply_detail(f: Flavour, product: Product, market: Market, offered: list[Offer], today: date) -> str:
    x = f.x
    now = f.swap("65", availability(product, today))
    prices = "".join([price(f, offer) for offer in offered])
    return x.of(
        "SupplyDetail",
        f.once(("supplier", market.supplier), lambda: supplier(f, market.supplier) + returns(f, market.supplier)),
        x.code("ProductAvailability", now),
        expected(f, product, now),
        prices or x.code("UnpricedItemType", unpriced(product, today)),
    )


def supplier(f: Flavour, who: Supplier) -> str:
    x = f.x
    return x.of(
        "Supplier",
        x.code("SupplierRole", who.role),
        f.x.identifier("Supplier", "06", who.gln),
        f.x.identifier("Supplier", "07", who.san),
        x("SupplierName", who.name),
    )


def returns(f: Flavour, who: Supplier) -> str:
    x = f.x
    if not who.returns_code:
        return ""
    return x.of("ReturnsConditions", x.code("ReturnsCodeType", _RETURNABLE_BISAC), x.code("ReturnsCode", who.returns_code))


def expected(f: Flavour, product: Product, now: str) -> str:
    """The day that List 65 asks for with "not yet available": publication, or the end of the embargo if later."""
    day = expected_day(product)
    if now not in NOT_YET or day is None:
        return ""
    return f.x.of("SupplyDate", f.x.code("SupplyDateRole", "08"), f.date(day))


def expected_day(product: Product) -> date | None:
    day = product.publication_date or product.planned_date
    return max(day, product.embargo_date) if day and product.embargo_date else day


def price(f: Flavour, offer: Offer) -> str:
    x, rule = f.x, offer.rule
    return x.of(
        "Price",
        x.code("PriceType", rule.type),
        x.code("PriceQualifier", rule.qualifier),
        f.once(("discount", rule), lambda: discount(f, rule)),
        amount(f, offer),
        x.code("CurrencyCode", rule.currency),
        f.once(("territory", offer.places), lambda: territory(f, offer.places)),
        _price_date(f, "14", offer.starts),
        _price_date(f, "15", offer.ends),
    )


def discount(f: Flavour, rule: PriceRule) -> str:
    x, percent = f.x, rule.discount_percent
    return discount_coded(f, rule) + (x.of("Discount", x.code("DiscountPercent", plain_number(percent))) if percent is not None else "")


def discount_coded(f: Flavour, rule: PriceRule) -> str:
    """A code of BIC's scheme, or of a proprietary one, which must be named."""
    x, bic = f.x, rule.discount_code_type.upper() == "BIC"
    if not rule.discount_code:
        return ""
    return x.of(
        "DiscountCoded",
        x.code("DiscountCodeType", _BIC if bic else _PROPRIETARY),
        "" if bic else x.code("DiscountCodeTypeName", rule.discount_code_type or f.partner.name),
        x.code("DiscountCode", rule.discount_code),
    )


def amount(f: Flavour, offer: Offer) -> str:
    """The amount with its tax. Raises `RejectedData` for a negative one; nothing to pay is "free of charge"."""
    x = f.x
    if offer.amount < 0:
        raise RejectedData(f"the price {offer.amount} {offer.rule.currency} is below zero", where="price", todo="Correct it in Consonance.")
    if offer.amount == 0:
        return x.code("UnpricedItemType", FREE)
    return x.code("PriceAmount", f"{offer.amount:f}") + (tax(f, offer.tax) if offer.tax and f.feed.price_tax else "")


def tax(f: Flavour, line: TaxLine) -> str:
    """Taxable and tax add up to the price, to the cent."""
    x = f.x
    return x.of(
        "Tax",
        x.code("TaxType", line.type),
        x.code("TaxRateCode", line.rate_code),
        x.code("TaxRatePercent", plain_number(line.percent)),
        x.code("TaxableAmount", f"{line.taxable:f}"),
        x.code("TaxAmount", f"{line.amount:f}"),
    )


def _price_date(f: Flavour, role: str, day: date | None) -> str:
    return f.x.of("PriceDate", f.x.code("PriceDateRole", role), f.date(day)) if day else ""


def days_of_change(f: Flavour, product: Product) -> list[date]:
    """The days on which a price of this feed stops being sent."""
    if not any(price.ends for price in product.prices):
        return []
    return [
        one.ends + timedelta(days=1)
        for market in f.feed.markets
        for rule in rules_for(product, market)
        for one in price_for(product, rule, date.min)
        if one.ends is not None and one.ends < date.max
    ]
