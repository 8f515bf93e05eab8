"""The rules of the trade, written once more and simply, for what the sandbox serves: so that what checks and what makes are not one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from html import unescape
from itertools import combinations
from typing import Any

import pycountry
from stdnum import isbn

COUNTRIES = {country.alpha_2 for country in pycountry.countries}
LIST_150 = re.compile(r"^(00|[ABCDEFMPSVXZ][A-Z])$")
TAX = {"GBP": {"A": 20, "B": 0, "E": 0}, "EUR": dict.fromkeys("ABE", 7), "USD": dict.fromkeys("ABE", 0)}
# What the six partners read: currency, type, and where the product must be sold.
READ = (("GBP", "02", {"GB"}), ("USD", "01", {"US"}), ("EUR", "02", {"DE", "AT", "CH"}))
FORMS = {"BB": "BB", "BC": "BC", "DG": "ED", "AJ": "AJ", "AC": "AC"}  # List 7 → List 150


@dataclass
class Price:
    currency: str
    type: str
    qualifier: str
    amount: Decimal
    starts: date | None
    ends: date | None

    def holds(self, day: date) -> bool:
        return (self.starts is None or self.starts <= day) and (self.ends is None or day <= self.ends)


@dataclass
class Seen:
    """A product as a client sees it."""

    id: int
    isbn: str
    title: str
    form: str  # List 7
    format: str
    status: str
    availability: str
    published: date | None
    contributors: int
    biography: bool
    prices: list[Price]
    worldwide: bool
    for_sale: set[str]
    not_for_sale: set[str]
    bisac: list[str]
    thema: list[str]
    description: str
    short: str
    pages: int | None
    height: float | None
    width: float | None
    longest_side: float | None  # of the cover; None: there is none
    words: list[str] = field(default_factory=list)


def plain(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html)).strip()


def day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def prices_of(found: list[dict[str, Any]]) -> list[Price]:
    return [
        Price(
            price["currencyCode"],
            price["onixPriceTypeCode"].strip("_"),
            price["onixPriceTypeQualifierCode"].strip("_"),
            Decimal(price["amountWithCurrencyCode"].split()[1]),
            day(price["effectiveFrom"]),
            day(price["effectiveTo"]),
        )
        for price in found
    ]


def defects(seen: Seen, today: date, isbns: list[str]) -> set[tuple[str, str]]:
    """(code, currency or "") of all that is wrong."""
    form = FORMS.get(seen.form, seen.form)
    wrong = {code for code, is_wrong in _simple(seen, today, isbns, form).items() if is_wrong}
    return {(code, "") for code in wrong} | _price_defects(seen, today, form)


def _simple(seen: Seen, today: date, isbns: list[str], form: str) -> dict[str, bool]:
    ahead = (seen.published - today).days if seen.published else 0
    impossible = {"04": {"01", "10", "11", "12"}, "02": {"20", "21", "22", "23"}} | {
        s: {"20", "21", "22", "23"} for s in ("01", "07", "08", "11")
    }
    return {
        "isbn-missing": not seen.isbn,
        "isbn-invalid": bool(seen.isbn) and not (isbn.is_valid(seen.isbn) and len(seen.isbn) == 13),
        "isbn-duplicate": bool(seen.isbn) and isbns.count(seen.isbn) > 1,
        "title-missing": not seen.title,
        "contributor-missing": not seen.contributors,
        "form-missing": not form and not seen.format,
        "form-unknown": bool(form) and (not LIST_150.match(form) or form[0] not in "ABE"),
        "publishing-status-missing": not seen.status,
        "publication-date-missing": seen.published is None,
        "status-date-conflict": (seen.status == "02" and ahead < -14) or (seen.status == "04" and ahead > 14),
        "availability-conflict": seen.availability in impossible.get(seen.status, ()),
        "rights-missing": not (seen.worldwide or seen.for_sale),
        "rights-overlap": bool(seen.for_sale & seen.not_for_sale),
        "rights-unknown-country": bool((seen.for_sale | seen.not_for_sale) - COUNTRIES),
        "subject-bisac-missing": not seen.bisac,
        "subject-bisac-invalid": any(not re.fullmatch(r"[A-Z]{3}[0-9]{6}", code) for code in seen.bisac),
        "subject-thema-missing": not seen.thema,
        "description-missing": not seen.description,
        "short-description-missing": not seen.short,
        "short-description-long": len(plain(seen.short)) > 350,
        "biography-missing": not seen.biography,
        "pages-missing": form.startswith("B") and not seen.pages,
        "measures-missing": form.startswith("B") and not (seen.height and seen.width),
        "cover-missing": seen.longest_side is None,
        "cover-small": seen.longest_side is not None and seen.longest_side < 650,
        "text-illegal": any(re.search("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text) for text in seen.words),
    }


def _price_defects(seen: Seen, today: date, form: str) -> set[tuple[str, str]]:
    wrong: set[tuple[str, str]] = set()
    groups: dict[tuple[str, str, str], list[Price]] = {}
    for price in seen.prices:
        groups.setdefault((price.currency, price.type, price.qualifier), []).append(price)
        if price.amount <= 0:
            wrong.add(("price-zero", price.currency))
    for currency, type, where in READ:
        sold = seen.worldwide or not (seen.for_sale or seen.not_for_sale) or bool(where & seen.for_sale)
        left = [price for price in groups.get((currency, type, "05"), []) if price.ends is None or price.ends >= today]
        if sold and not left:
            wrong.add(("price-missing", currency))
    for (currency, type, qualifier), prices in groups.items():
        edges = {one for price in prices for one in (price.starts, price.ends) if one} | {today}
        days = {edge + timedelta(days=shift) for edge in edges for shift in (-1, 0, 1)}
        if any(first.holds(one) and second.holds(one) for first, second in combinations(prices, 2) for one in days):
            wrong.add(("price-overlap", currency))
        starts, ends = [price.starts or date.min for price in prices], [price.ends or date.max for price in prices]
        between = [one for one in days if min(starts) < one < max(ends)]
        if len(prices) > 1 and any(not any(price.holds(one) for price in prices) for one in between):
            wrong.add(("price-gap", currency))
        rate = TAX.get(currency, {}).get(form[:1])
        if type == "01" and rate is not None:
            for gross in groups.get((currency, "02", qualifier), []):
                exact = prices[0].amount * (100 + rate) / 100
                if exact.quantize(Decimal("0.01"), ROUND_HALF_UP) != gross.amount:
                    wrong.add(("tax-mismatch", currency))
    return wrong
