"""Rules about prices: there where a partner needs one, above nothing, one at a time, without holes, with the right tax."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from include.feeds.rulebook.case import Case, Need, rule, several
from include.feeds.tax import TAX_INCLUSIVE, rate_for, smallest_unit
from include.titles.model import Price

EX_TAX, INC_TAX = "01", "02"  # List 58: recommended retail price without and with tax
_DAY = timedelta(days=1)
_PRICE = "ProductSupply/SupplyDetail/Price"


def overlap(prices: Iterable[Price], today: date) -> tuple[Price, Price, date] | None:
    """Two prices that hold on the same day, and the first such day from today on; None if there are none.

    A price without a start has always held, one without an end goes on for ever; one that ends before it starts never holds.
    """
    first: tuple[Price, Price, date] | None = None
    longest: Price | None = None
    for price in _by_start(prices):
        if longest is not None:
            day = max(price.starts or date.min, longest.starts or date.min, today)
            if day <= min(price.ends or date.max, longest.ends or date.max) and (first is None or day < first[2]):
                first = (longest, price, day)
        if longest is None or (price.ends or date.max) > (longest.ends or date.max):
            longest = price
    return first


def gap(prices: Iterable[Price], today: date) -> tuple[date, date] | None:
    """First and last day of the first time between two prices on which none holds, if it is not over yet; None if there is none."""
    holds_until: date | None = None
    for price in _by_start(prices):
        starts = price.starts or date.min
        if holds_until is not None and holds_until < date.max and starts > holds_until + _DAY and starts > today:
            return holds_until + _DAY, starts - _DAY
        holds_until = max(holds_until or date.min, price.ends or date.max)
    return None


def _by_start(prices: Iterable[Price]) -> list[Price]:
    real = (price for price in prices if (price.starts or date.min) <= (price.ends or date.max))
    return sorted(real, key=lambda price: (price.starts or date.min, price.ends or date.max))


def _span(price: Price) -> str:
    when = f" from {price.starts}" if price.starts else ""
    return f"{price.amount}{when}{f' until {price.ends}' if price.ends else ''}"


def _each(needs: Sequence[Need]) -> Iterable[Need]:
    """Each (currency, type, qualifier) once: several markets may read the same prices."""
    seen = set()
    for need in needs:
        if need.name not in seen:
            seen.add(need.name)
            yield need


@rule("price-missing", todo="Add the price, or take the country out of the sales rights.", path=_PRICE)
def price_missing(case: Case) -> str:
    """Each price that the partner requires, in a market where the product may be sold, for a form such as this, is there and
    valid today or later. Source: ONIX P.26, List 58; IGP 1101, 3001, 3002; Consonance's checks; Google Play; OverDrive (USD)."""
    missing = [need for need in case.needs if need.rule.required and not _can_be_sent(case, need)]
    if not missing:
        return ""
    return "no price that is valid today or later: " + several([f"{need.name} in {_where(need)}" for need in _each(missing)])


def _can_be_sent(case: Case, need: Need) -> bool:
    """A price is there; where tax must be added or taken off, the house has a rate for it."""
    read = need.rule.from_type or need.rule.type
    if not need.prices or (read in TAX_INCLUSIVE) == (need.rule.type in TAX_INCLUSIVE):
        return bool(need.prices)
    return any(rate_for(case.product.form, place[:2], case.house) for place in _places(need))


def _places(need: Need) -> tuple[str, ...]:
    return need.rule.territory or need.market.countries


def _where(need: Need) -> str:
    return " ".join(_places(need)[:5]) or "WORLD"


@rule(
    "price-zero",
    todo="Enter the right price, or remove it if the product is not for sale.",
    path=f"{_PRICE}/PriceAmount",
)
def price_zero(case: Case) -> str:
    """No price that would be sent is nothing or less: a free product says so with UnpricedItemType, never with 0.00.
    Source: ONIX P.26, List 57; Thoth's gates (OverDrive: non-zero price)."""
    found = [f"{need.name} {_span(price)}" for need in _each(case.needs) for price in need.prices if price.amount <= 0]
    return f"a price is not above zero: {several(found)}" if found else ""


@rule("price-overlap", todo="End the earlier price on the day before the later one starts.", path=f"{_PRICE}/PriceDate")
def price_overlap(case: Case) -> str:
    """No two prices that the partner reads, of one currency, type and qualifier, hold on the same day, today or later.
    Source: ONIX P.26, Lists 58, 59, 173."""
    found = [(need.name, both) for need in _each(case.needs) if len(need.prices) > 1 and (both := overlap(need.prices, case.today))]
    return several([f"{name} {_span(one)} and {_span(other)} both hold on {day}" for name, (one, other, day) in found])


@rule("price-gap", todo="Let the later price start on the day after the earlier one ends.", path=f"{_PRICE}/PriceDate")
def price_gap(case: Case) -> str:
    """Between two dated prices that the partner reads, of one currency, type and qualifier, there is no day without a price,
    unless it is past. Source: ONIX P.26, List 173."""
    found = [(need.name, days) for need in _each(case.needs) if need.prices and (days := gap((*need.past, *need.prices), case.today))]
    return several([f"{name} has no price from {first} to {last}" for name, (first, last) in found])


@rule("tax-mismatch", todo="Correct one of the two prices, or the rate in config/house.toml.", path=f"{_PRICE}/Tax")
def tax_mismatch(case: Case) -> str:
    """Prices without (01) and with tax (02) of one currency and qualifier, for the same days, differ by the house's rate for that
    form and country, to the cent. Source: ONIX P.26, Lists 58, 62, 171."""
    found = []
    for need in _each(case.needs):
        rate = next((r for place in _places(need) if (r := rate_for(case.product.form, place[:2], case.house))), None)
        if rate is None:
            continue
        for ex, inc in _pairs(case, need):
            if not reconciles(ex.amount, inc.amount, rate.percent, smallest_unit(ex.currency)):
                found.append(
                    f"{ex.currency} {ex.amount} without and {inc.amount} with tax do not differ by {rate.percent} % ({rate.country})"
                )
    return several(list(dict.fromkeys(found)))


def reconciles(without: Decimal, with_tax: Decimal, percent: Decimal, unit: Decimal) -> bool:
    """Whether one amount follows from the other at this rate, rounded half up to the currency's unit in either direction."""
    factor = 1 + percent / 100
    return with_tax == (without * factor).quantize(unit, ROUND_HALF_UP) or without == (with_tax / factor).quantize(unit, ROUND_HALF_UP)


def _pairs(case: Case, need: Need) -> Iterable[tuple[Price, Price]]:
    """Prices of types 01 and 02 that hold on a day in common, today or later."""
    of_scope = [p for p in case.product.prices if p.currency == need.rule.currency and p.qualifier == need.rule.qualifier]
    for ex in of_scope:
        if ex.type != EX_TAX:
            continue
        for inc in of_scope:
            if inc.type == INC_TAX and overlap((ex, inc), case.today):
                yield ex, inc
