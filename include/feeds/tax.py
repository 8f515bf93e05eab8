"""Tax on a price, exact to the currency's smallest unit.

The house's rates are in `config/house.toml` (`[[taxes]]`): one per country and form of product.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from include.partners.model import House, TaxRate
from include.titles.model import Price

TAX_INCLUSIVE = frozenset({"02", "04", "07", "09", "12", "14", "17", "22", "24", "27", "34", "42"})
"""List 58 types that hold the tax; all others are before tax."""

# ISO 4217, list one: currencies whose smallest unit is not a hundredth.
_WHOLE = frozenset("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split())  # noqa: SIM905
_THOUSANDTHS = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_UNIT, _CENT, _MIL = Decimal(1), Decimal("0.01"), Decimal("0.001")


@dataclass(frozen=True, slots=True)
class TaxLine:
    """The tax in or on one price; `taxable` + `amount` is the price with tax."""

    type: str  # List 171
    rate_code: str  # List 62
    percent: Decimal
    taxable: Decimal
    amount: Decimal

    @property
    def gross(self) -> Decimal:
        return self.taxable + self.amount


def fits_form(form: str, patterns: Collection[str]) -> bool:
    """Whether a List 150 form is meant by these codes or first letters (`B`, `ED`); no patterns mean every form."""
    return not patterns or form in patterns or form[:1] in patterns


def smallest_unit(currency: str) -> Decimal:
    if currency in _WHOLE:
        return _UNIT
    return _MIL if currency in _THOUSANDTHS else _CENT


def rounded(amount: Decimal, currency: str) -> Decimal:
    """To the currency's smallest unit, half up."""
    return amount.quantize(smallest_unit(currency), ROUND_HALF_UP)


def rate_for(form: str, country: str, house: House) -> TaxRate | None:
    """The house's rate for a form in a country: an exact form code wins over its letter; None if there is none."""
    letter = None
    for rate in house.taxes:
        if rate.country != country:
            continue
        if form in rate.forms:
            return rate
        if letter is None and fits_form(form, rate.forms):
            letter = rate
    return letter


def tax_of(price: Price, form: str, country: str, house: House) -> TaxLine | None:
    """The tax in a tax-inclusive price, or on one before tax; None if the house has no rate for that form and country."""
    rate = rate_for(form, country, house)
    return tax_at(rate, rounded(price.amount, price.currency), price.currency, price.type in TAX_INCLUSIVE) if rate else None


def tax_at(rate: TaxRate, whole: Decimal, currency: str, inclusive: bool) -> TaxLine:
    """The tax in an amount, or on one before tax, at a known rate."""
    if rate.percent == 0:
        return TaxLine(rate.type, rate.rate_code, rate.percent, whole, whole - whole)
    if inclusive:
        taxable = rounded(whole * 100 / (100 + rate.percent), currency)
        return TaxLine(rate.type, rate.rate_code, rate.percent, taxable, whole - taxable)
    return TaxLine(rate.type, rate.rate_code, rate.percent, whole, rounded(whole * rate.percent / 100, currency))
