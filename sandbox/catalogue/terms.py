"""Terms of sale: prices in four currencies that reconcile with tax, and territories."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from random import Random

import pycountry

from sandbox.catalogue.facts import Price

CENT = Decimal("0.01")
_IDS = 20  # per product
# Percent of tax in the price, by currency: print and e-books, then audio. Great Britain, Germany, the United States.
TAX = {"GBP": (0, 20), "EUR": (7, 7), "USD": (0, 0)}
RATES = {"GBP": Decimal(1), "USD": Decimal("1.32"), "EUR": Decimal("1.18"), "AUD": Decimal("1.95")}
BASE = {
    "Hardback": (1600, 3200),
    "Paperback": (899, 1499),
    "ePub": (399, 999),
    "PDF": (499, 1299),
    "Audio download": (1199, 2399),
    "Audio CD": (1799, 2999),
}

COMMONWEALTH = (
    "AG", "AU", "BB", "BD", "BS", "BW", "BZ", "CY", "DM", "FJ", "GB", "GD", "GH", "GM", "GY", "IE", "IN", "JM", "KE", "KN",
    "LC", "LK", "MT", "MU", "MW", "MY", "NA", "NG", "NZ", "PK", "SC", "SG", "SL", "TT", "TZ", "UG", "VC", "ZA", "ZM", "ZW",
)  # fmt: skip
NORTH_AMERICA = ("CA", "MX", "PH", "US")
UNITED_STATES = ("CA", "US")
EUROPE = (
    "AT", "BE", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GR", "HU", "IE", "IT", "LT", "LU", "LV", "MT",
    "NL", "NO", "PL", "PT", "SE", "SI", "SK",
)  # fmt: skip


@cache
def everywhere_but(excluded: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(country.alpha_2 for country in pycountry.countries if country.alpha_2 not in excluded))


@cache
def territories(kind: str) -> tuple[bool, tuple[str, ...], tuple[str, ...]]:
    """Sold worldwide; for sale in; not for sale in. The lists never meet."""
    match kind:
        case "commonwealth":
            return False, COMMONWEALTH, NORTH_AMERICA
        case "not North America":
            return False, everywhere_but(NORTH_AMERICA), NORTH_AMERICA
        case "Europe":
            return False, EUROPE, ()
        case "United States":
            return False, UNITED_STATES, everywhere_but(UNITED_STATES)
        case _:
            return True, (), ()


def sold_in(kind: str, country: str) -> bool:
    worldwide, countries, _ = territories(kind)
    return worldwide or country in countries


def without_tax(amount: Decimal, percent: int) -> Decimal:
    return (amount * 100 / (100 + percent)).quantize(CENT, ROUND_HALF_UP)


def with_tax(amount: Decimal, percent: int) -> Decimal:
    return (amount * (100 + percent) / 100).quantize(CENT, ROUND_HALF_UP)


def reconciled(amount: Decimal, percent: int) -> tuple[Decimal, Decimal]:
    """An inc-tax price at or just under `amount`, and its ex-tax price, that give each other to the cent."""
    while with_tax(without_tax(amount, percent), percent) != amount:
        amount -= CENT
    return amount, without_tax(amount, percent)


def rounded(amount: Decimal) -> Decimal:
    """To the next price point that ends in 99."""
    return max(Decimal("0.99"), amount.to_integral_value(ROUND_HALF_UP) - CENT)


def prices(roll: Random, product: int, format: str, rights: str, published: date, *, plain: bool) -> tuple[Price, ...]:
    """Great Britain's and Germany's with tax (02), America's without (01), Australia's with. Where a product may not be sold it
    has no price. `plain`: one undated price each, as planted products want it."""
    low, high = BASE[format]
    base = rounded(Decimal(roll.randint(low, high)) / 100)
    audio = format.startswith("Audio")
    found: list[tuple[Decimal, str, str, str, date | None, date | None]] = []
    for currency, country, type in (("GBP", "GB", "02"), ("USD", "US", "01"), ("EUR", "DE", "02"), ("AUD", "AU", "02")):
        both, dated, library = roll.random() < 0.3, roll.random() < 0.1, roll.random() < 0.15
        if not sold_in(rights, country) or (currency == "AUD" and (plain or not both)):
            continue
        amount = rounded(base * RATES[currency])
        if currency == "AUD" or plain or not both:
            found.append((amount, currency, type, "05", None, None))
        else:
            with_, without = reconciled(amount, TAX[currency][audio])
            found += [(with_ if type == "02" else without, currency, type, "05", None, None)]
            found += [(without if type == "02" else with_, currency, "01" if type == "02" else "02", "05", None, None)]
        if not plain and dated and not both:
            # An introductory price that gives way to the full one overnight.
            change = published + timedelta(days=90)
            first = found.pop()
            found += [
                (max(CENT * 99, amount - 2), currency, first[2], "05", None, change),
                (amount, currency, first[2], "05", change + timedelta(days=1), None),
            ]
        if not plain and library and currency == "GBP" and format in {"ePub", "PDF"}:
            found.append((amount * 3, currency, type, "10", None, None))
    return tuple(Price(product * _IDS + place, *one) for place, one in enumerate(found))
