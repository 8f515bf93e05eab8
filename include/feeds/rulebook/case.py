"""What a rule looks at, and how a rule is declared."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from include.feeds.offers import EUROZONE, WORLD, market_countries, price_for, rules_for, sellable
from include.feeds.record import Reason
from include.partners.model import Feed, House, Market, Partner, PriceRule
from include.titles.model import Price, Product, Resource, Text

FRONT_COVER = "01"  # List 158


@dataclass(frozen=True, slots=True)
class Need:
    """A price rule that asks something of a title. `prices`: those it reads, valid today or later, by the day they start;
    `past`: those of the same currency, type and qualifier that are over."""

    market: Market
    rule: PriceRule
    prices: tuple[Price, ...]
    past: tuple[Price, ...]

    @property
    def name(self) -> str:
        """For people: currency, type as it is read, qualifier."""
        return f"{self.rule.currency} {self.rule.from_type or self.rule.type}/{self.rule.qualifier}"


@dataclass(frozen=True)
class Case:
    """One title before one partner, on one day. `duplicates` are the ISBNs that more than one exportable product has."""

    product: Product
    partner: Partner
    house: House
    today: date
    duplicates: frozenset[str] = frozenset()

    @property
    def feed(self) -> Feed:
        return self.partner.feed

    @cached_property
    def form(self) -> str:
        """Product form as it is sent: the partner's substitutions come before every check of a code."""
        form = self.product.form.strip()
        return self.feed.substitutions.get("150", {}).get(form, form)

    @cached_property
    def needs(self) -> tuple[Need, ...]:
        """Every price rule that asks something of this title: its market is one where the title may be sold, its forms fit."""
        return tuple(
            _need(self.product, market, rule_, self.today)
            for market in self.feed.markets
            if market_countries(self.product, market)
            for rule_ in rules_for(self.product, market)
            if _sold_where_it_holds(self.product, rule_)
        )

    @property
    def is_print(self) -> bool:
        return self.product.form.startswith("B")

    @property
    def is_audio(self) -> bool:
        return self.product.form.startswith("A")

    def texts(self, type_: str) -> list[Text]:
        """Texts of one type (List 153) that say something, the product's own before the work's."""
        return [text for text in (*self.product.texts, *self.product.work.texts) if text.type == type_ and text.body.strip()]

    def cover(self) -> Resource | None:
        """The front cover: the product's own, else the work's."""
        resources = (*self.product.resources, *self.product.work.resources)
        return next((r for r in resources if r.content_type == FRONT_COVER and r.url), None)


def _need(product: Product, market: Market, rule_: PriceRule, today: date) -> Need:
    prices = tuple(price_for(product, rule_, today))
    read = (rule_.currency, rule_.from_type or rule_.type, rule_.qualifier)
    past = tuple(p for p in product.prices if p.ends and p.ends < today and (p.currency, p.type, p.qualifier) == read)
    return Need(market, rule_, prices, past)


def _sold_where_it_holds(product: Product, rule_: PriceRule) -> bool:
    """Whether the product may be sold somewhere in the territory that the price is for."""
    if not rule_.territory or WORLD in rule_.territory:
        return True
    return any(sellable(product, place) for name in rule_.territory for place in (EUROZONE if name == "ECZ" else (name,)))


Check = Callable[[Case], str]
"""Gives the sentence that says what is wrong, with the values found; "" where all is well."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A declared rule. `sentence` and `source` come from the function's docstring."""

    code: str
    check: Check
    todo: str
    path: str
    sentence: str
    source: str

    def reason(self, case: Case) -> Reason | None:
        message = self.check(case)
        return Reason(self.code, message, self.todo, self.path) if message else None


RULES: dict[str, Rule] = {}


def rule(code: str, *, todo: str, path: str) -> Callable[[Check], Check]:
    """Declares a rule: its code, what an editor does about it, and where in the ONIX record it shows (reference tags, from Product)."""

    def declare(check: Check) -> Check:
        words = re.sub(r"\s+", " ", check.__doc__ or "").strip()
        sentence, _, source = words.partition(" Source: ")
        if not source or code in RULES:
            raise TypeError(f"rule {code}: a docstring with 'Source:' is missing, or the code is taken")
        RULES[code] = Rule(code, check, todo, path, sentence, source.rstrip("."))
        return check

    return declare


def several(values: list[str], *, most: int = 3) -> str:
    """A list for people: the first few, and how many more there are."""
    more = len(values) - most
    return ", ".join(values[:most]) + (f" and {more} more" if more > 0 else "")
