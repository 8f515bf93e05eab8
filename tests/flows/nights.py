"""What an independent reader expects of the feeds: partners' rules in the tests' own words, and what lies at the partners."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

HOUSE = frozenset({
    "isbn-missing", "isbn-invalid", "isbn-duplicate", "title-missing", "form-missing", "form-unknown", "publishing-status-missing",
    "publication-date-missing", "status-date-conflict", "availability-conflict", "price-missing", "price-zero", "price-overlap",
    "price-gap", "tax-mismatch", "rights-missing", "rights-overlap", "rights-unknown-country", "subject-bisac-invalid",
    "short-description-long", "text-illegal",
})  # fmt: skip


@dataclass(frozen=True)
class View:
    """How a partner looks at titles: which it wants, which rules it has, which prices it reads."""

    rules: frozenset[str]
    prices: tuple[tuple[str, str, tuple[str, ...]], ...]  # currency, type, countries of the market
    forms: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    markets: tuple[str, ...] = ()
    horizon_months: int = 0


VIEWS = {
    "northgate": View(HOUSE, (("GBP", "02", ("GB", "IE")),)),
    "meridian": View(
        HOUSE | {"contributor-missing", "subject-bisac-missing", "pages-missing", "short-description-missing"},
        (("USD", "01", ("US",)),),
        markets=("US",),
    ),
    "librarium": View(
        HOUSE | {"contributor-missing", "subject-thema-missing", "pages-missing", "measures-missing", "description-missing"},
        (("EUR", "02", ("DE", "AT", "CH")),),
        markets=("DE", "AT", "CH"),
    ),
    "fennimore": View(
        HOUSE | {"contributor-missing", "subject-bisac-missing", "biography-missing", "cover-missing"},
        (("GBP", "02", ("GB",)),),
        forms=("B", "E"),
        statuses=("02", "04", "07"),
        markets=("GB",),
    ),
    "quickshelf": View(
        HOUSE | {"contributor-missing", "description-missing", "cover-missing", "cover-small", "subject-bisac-missing"},
        (("GBP", "02", ("GB",)), ("USD", "01", ("US",))),
        forms=("E", "A", "B"),
        statuses=("02", "04"),
        horizon_months=18,
    ),
    "dropwell": View(HOUSE, (("GBP", "02", ("GB",)),), forms=("B",), markets=("GB",)),
}


@dataclass(frozen=True)
class Title:
    """What of a title decides whether a partner wants it, as Consonance says it."""

    form: str
    status: str
    published: date | None
    worldwide: bool
    sold_in: frozenset[str]
    not_sold_in: frozenset[str]

    def sold(self, country: str) -> bool:
        return country not in self.not_sold_in and (self.worldwide or country in self.sold_in)

    @property
    def rights_known(self) -> bool:
        return bool(self.worldwide or self.sold_in or self.not_sold_in)


def wanted(view: View, title: Title) -> bool:
    """A value that is unknown leaves nothing out: a rule says so instead."""
    if view.forms and title.form and not title.form.startswith(view.forms):
        return False
    if view.statuses and title.status and title.status not in view.statuses:
        return False
    if view.horizon_months and title.published:
        today = datetime.now(UTC).date()
        months = (title.published.year - today.year) * 12 + title.published.month - today.month
        if months > view.horizon_months or (months == view.horizon_months and title.published.day > today.day):
            return False
    return not view.markets or not title.rights_known or any(title.sold(country) for country in view.markets)


def expected(partner: str, defects: Iterable[Mapping[str, Any]], titles: Mapping[int, Title]) -> set[tuple[int, str]]:
    """(product id, code) that the planted defects come to under this partner's rules."""
    view = VIEWS[partner]
    found = set()
    for defect in defects:
        title = titles[defect["product_id"]]
        if defect["code"] in view.rules and wanted(view, title) and _concerns(view, defect["scope"], title):
            found.add((defect["product_id"], defect["code"]))
    return found


def delta(partner: str, changes: Iterable[Mapping[str, Any]], titles: Mapping[int, Title], held: set[tuple[int, str]]) -> set[int]:
    """Products that must go to this partner for these changes, and no others. Not for partners who take whole catalogues."""
    view = VIEWS[partner]
    stay = {number for number, _ in held}
    return {
        change["product_id"]
        for change in changes
        if change["product_id"] not in stay
        and wanted(view, titles[change["product_id"]])
        and (change["what"] != "price" or _concerns(view, {"currency": "GBP", "type": "02"}, titles[change["product_id"]]))
    }


def _concerns(view: View, scope: Mapping[str, str], title: Title) -> bool:
    if "currency" not in scope:
        return True
    for currency, type_, countries in view.prices:
        if currency == scope["currency"] and scope.get("type", type_) == type_ and any(title.sold(country) for country in countries):
            return scope.get("country", countries[0]) in countries
    return False


def titles_of(ledger: Any) -> dict[int, Title]:
    """Every title of the mirror, from its stored JSON, not through the code under test."""
    from sqlalchemy import text

    with ledger.read() as session:
        rows = session.execute(text("select id, content from product")).all()
    found = {}
    for number, content in rows:
        facts = json.loads(content)
        found[number] = Title(
            facts.get("form", ""),
            facts.get("publishing_status", ""),
            date.fromisoformat(facts["publication_date"]) if facts.get("publication_date") else None,
            bool(facts.get("sold_worldwide")),
            frozenset(facts.get("sold_in", ())),
            frozenset(facts.get("not_sold_in", ())),
        )
    return found
