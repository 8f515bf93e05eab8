"""What was sold, read and returned in a month: the truth that a report is made from, and that its totals are added up from.

Everything hangs on the catalogue, the layout, the month and the seed: the same words give the same sales.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any
from zlib import crc32

from stdnum import ean

from sandbox.catalogue import Catalogue, Product, Work
from sandbox.catalogue.chance import dice
from sandbox.catalogue.people import statement

CENT = Decimal("0.01")
COUNTRIES = {  # where readers are → what they pay in
    "GB": "GBP", "US": "USD", "DE": "EUR", "FR": "EUR", "IE": "EUR", "AU": "AUD", "CA": "CAD", "NO": "NOK", "IN": "INR",
}  # fmt: skip
RATES = {  # of one pound, in that month
    "GBP": Decimal(1), "USD": Decimal("1.31"), "EUR": Decimal("1.17"), "AUD": Decimal("1.97"), "CAD": Decimal("1.82"),
    "NOK": Decimal("13.6"), "INR": Decimal("111"),
}  # fmt: skip
HAZARDS = frozenset({
    "utf16", "float_isbn", "lost_isbn", "quoted_isbn", "isbn10", "decimal_comma", "parentheses", "trailing_minus", "totals_row",
    "unknown_isbn", "restated", "not_held", "broken_total", "preamble", "zero_price",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Sold:
    """One line's truth. Returns have negative units, net, gross and fees. `isbn` is what the report is given, which may be nobody's.

    `net` is ours, in `currency`; `paid` the same in the currency of payment where a report converts. `said`: the ISBN as the file has it.
    """

    work: Work
    product: Product
    isbn: str
    territory: str
    currency: str
    day: date
    units: int
    list_price: Decimal
    percent: int  # of the list price that is ours
    model: str = "sale"
    fees: Decimal = Decimal(0)
    title: str = ""
    unknown: bool = False
    held: bool = True
    lost: bool = False

    @property
    def gross(self) -> Decimal:
        return self.list_price * self.units

    @property
    def unit_net(self) -> Decimal:
        return cents(self.list_price * self.percent / 100)

    @property
    def net(self) -> Decimal:
        return self.unit_net * self.units - self.fees

    @property
    def author(self) -> str:
        return statement(self.work.contributions).partition(",")[0] or "Anonymous"

    @property
    def author_inverted(self) -> str:
        lead = next((one.contact for one in self.work.contributions if one.role in {"A01", "B01"}), None)
        return lead.inverted if lead else "Anonymous"


@dataclass(frozen=True, slots=True)
class Order:
    """One report that is wanted: layout, month (its first day), hazards; `currency` where a report has one only."""

    catalogue: Catalogue
    layout: str
    month: date
    seed: int = 1
    rows: int = 0
    currency: str = ""
    hazards: frozenset[str] = frozenset()

    @property
    def ends(self) -> date:
        return self.month.replace(day=monthrange(self.month.year, self.month.month)[1])

    def roll(self, *parts: int) -> Random:
        return dice(91, crc32(self.layout.encode()), self.month.toordinal(), self.seed, *parts)

    def has(self, hazard: str) -> bool:
        return hazard in self.hazards

    def money(self, amount: Decimal, places: int = 2) -> str:
        """As this report writes amounts."""
        text = f"{abs(amount):,.{places}f}" if self.has("decimal_comma") else f"{abs(amount):.{places}f}"
        if self.has("decimal_comma"):
            text = text.replace(",", " ").replace(".", ",").replace(" ", ".")
        if amount >= 0:
            return text
        if self.has("parentheses"):
            return f"({text})"
        return f"{text}-" if self.has("trailing_minus") else f"-{text}"

    def written(self, sold: Sold) -> str:
        """The ISBN as this report's file has it."""
        isbn = sold.isbn
        if sold.lost:
            return f"{Decimal(isbn):.5E}"
        if self.has("isbn10") and isbn.startswith("978"):
            return _isbn10(isbn)
        if self.has("float_isbn"):
            return f"{isbn}.0"
        return f"'{isbn}" if self.has("quoted_isbn") else isbn


@dataclass(slots=True)
class Truth:
    """What a report comes to, added up from what was sold; amounts as text."""

    sold: list[Sold]
    pages: list[Sold] = field(default_factory=list)
    controls: dict[str, str] = field(default_factory=dict)
    paid: dict[str, str] = field(default_factory=dict)
    earned: dict[str, Decimal] = field(default_factory=dict)  # by currency, what was earned without a sale: pages that were read

    def totals(self) -> dict[str, dict[str, Any]]:
        """Currency → {rows, sold, returned, units, net}, of what a reader can count: a line whose ISBN is lost is none of it."""
        found: dict[str, dict[str, Any]] = {}
        for one in self.sold:
            if one.lost:
                continue
            cell = found.setdefault(one.currency, {"rows": 0, "sold": 0, "returned": 0, "units": 0, "net": Decimal(0)})
            cell["rows"] += 1
            cell["sold" if one.units >= 0 else "returned"] += abs(one.units)
            cell["units"] += one.units
            cell["net"] += one.net
        for currency, amount in self.earned.items():
            cell = found.setdefault(currency, {"rows": 0, "sold": 0, "returned": 0, "units": 0, "net": Decimal(0)})
            cell["net"] += amount
        return {currency: cell | {"net": str(cell["net"])} for currency, cell in sorted(found.items())}

    def planted(self) -> list[dict[str, Any]]:
        """What must come up: {hazard, isbn, territory, units, net, currency}."""
        marks: tuple[tuple[str, Callable[[Sold], bool]], ...] = (
            ("unknown_isbn", lambda one: one.unknown), ("not_held", lambda one: not one.held), ("lost_isbn", lambda one: one.lost),
        )  # fmt: skip
        return [
            {
                "hazard": hazard, "isbn": one.isbn, "territory": one.territory, "units": one.units, "net": str(one.net),
                "currency": one.currency, "work_id": one.work.id, "product_id": one.product.id,
            }
            for hazard, fits in marks for one in self.sold if fits(one)
        ]  # fmt: skip


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, ROUND_HALF_UP)


def products(order: Order, forms: Sequence[str], *, like: Callable[[Product], bool] = lambda one: True) -> list[tuple[Work, Product]]:
    """Published products of these in-house formats that nothing was planted on."""
    return [
        (work, product)
        for work in order.catalogue.works()
        if not order.catalogue.is_planted(work.id)
        for product in work.products
        if product.format in forms and product.isbn and product.status == "04" and (product.publication_date or order.ends) < order.month
        if like(product)
    ]


def trade(
    order: Order, forms: Sequence[str], *, percent: int = 50, rows: int = 24, countries: Sequence[str] = tuple(COUNTRIES),
    currencies: Mapping[str, str] = COUNTRIES, like: Callable[[Product], bool] = lambda one: True,
) -> list[Sold]:  # fmt: skip
    """A month's sales and returns of editions in these formats, where they may be sold; with what the order's hazards plant."""
    if order.hazards - HAZARDS:
        raise ValueError(f"hazards are {', '.join(sorted(HAZARDS))}")
    shelf = products(order, forms, like=like)
    if not shelf:
        raise ValueError(f"the catalogue has no published {' or '.join(forms)} in {order.month:%Y-%m}")
    roll, found = order.roll(1), []
    for number in range(order.rows or rows):
        work, product = shelf[roll.randrange(len(shelf))]
        places = [country for country in countries if may_sell(product, country)] or ["GB"]
        territory = roll.choice(places)
        currency = order.currency or currencies[territory]
        price = list_price(product, currency)
        units = -roll.choice((1, 1, 2)) if number % 8 == 5 else roll.choice((1, 1, 1, 2, 3, 4, 7, 12, 26))
        day = order.month + timedelta(days=roll.randrange(order.ends.day))
        found.append(
            Sold(work, product, product.isbn or "", territory, currency, day, units, price, percent, title=product.full_title or "")
        )
    return _with_hazards(order, found, shelf, currencies)


def _with_hazards(order: Order, found: list[Sold], shelf: Sequence[tuple[Work, Product]], currencies: Mapping[str, str]) -> list[Sold]:
    if order.has("zero_price"):
        found[1] = replace(found[1], list_price=Decimal("0.00"), units=abs(found[1].units))
    if order.has("unknown_isbn"):
        found[2] = replace(found[2], isbn=nobodys(order), unknown=True, title="A Book of Another House", units=abs(found[2].units))
    if order.has("lost_isbn"):
        found[3] = replace(found[3], lost=True, units=abs(found[3].units))
    if order.has("not_held"):
        found.append(_not_held(order, shelf, currencies))
    if order.has("restated"):
        found[0] = replace(found[0], units=found[0].units + 1)
        found.append(replace(found[4], day=order.ends, units=2))
    return found


def _not_held(order: Order, shelf: Sequence[tuple[Work, Product]], currencies: Mapping[str, str]) -> Sold:
    """A sale where the title's rights are not ours."""
    for work, product in shelf:
        for country in currencies:
            currency = order.currency or currencies[country]
            if not may_sell(product, country):
                price = list_price(product, currency)
                title = product.full_title or ""
                return Sold(work, product, product.isbn or "", country, currency, order.ends, 3, price, 50, title=title, held=False)
    raise ValueError("every such title may be sold everywhere")


def may_sell(product: Product, country: str) -> bool:
    return country not in product.not_for_sale and (product.worldwide or country in product.for_sale)


def list_price(product: Product, currency: str) -> Decimal:
    """The consumer price in this currency, or one made from another at the month's rate."""
    for price in product.prices:
        if price.currency == currency and price.qualifier == "05":
            return price.amount
    price = product.prices[0] if product.prices else None
    pounds = price.amount / RATES[price.currency] if price and price.currency in RATES else Decimal("9.99")
    return (pounds * RATES[currency]).to_integral_value(ROUND_HALF_UP) - CENT


def nobodys(order: Order) -> str:
    """A valid ISBN of another house."""
    body = f"978030640{order.seed % 1000:03d}"
    return body + str(ean.calc_check_digit(body))


def _isbn10(isbn: str) -> str:
    from stdnum import isbn as numbers

    return str(numbers.compact(numbers.to_isbn10(isbn)))
