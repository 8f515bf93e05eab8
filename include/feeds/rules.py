"""The completeness gate: which rules a partner's profile asks for, and which of them a title breaks.

The rules themselves are in `include.feeds.rulebook`, the profiles in `profiles.toml`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import cache, lru_cache
from pathlib import Path

from include.errors import ConfigurationError
from include.feeds.record import Reason
from include.feeds.rulebook import content, identity, prices, rights, status
from include.feeds.rulebook.case import RULES, Case, Rule
from include.partners.model import House, Partner
from include.titles.model import Product

GROUPS = (identity, status, prices, rights, content)
"""The modules that declare the rules, in the order in which reasons are given."""
_NAMES = [group.__name__ for group in GROUPS]
_ORDERED = {rule.code: rule for rule in sorted(RULES.values(), key=lambda rule: _NAMES.index(rule.check.__module__))}
_PROFILES = Path(__file__).with_name("profiles.toml")


@dataclass(frozen=True, slots=True)
class Entry:
    """One code for the documentation: what holds a record back, where the rule comes from, what to do."""

    code: str
    sentence: str
    source: str
    todo: str


_GATES = (
    Entry(
        "schema-invalid",
        "The record is valid against EDItEUR's schema for the feed's release and tags; this always applies.",
        "EDItEUR, ONIX for Books XSD 2.1, 3.0, 3.1",
        "Mend the value that the message names, or tell the operators.",
    ),
    Entry(
        "strict-invalid",
        "The record meets EDItEUR's strict schema, where its path is configured (house.strict_schema).",
        "EDItEUR, ONIX for Books strict XSD 1.1",
        "Mend what the sentence names.",
    ),
)


def check(product: Product, partner: Partner, house: House, today: date, duplicate_isbns: frozenset[str] = frozenset()) -> list[Reason]:
    """Why the title is held back from this partner today; empty: nothing against it.

    `duplicate_isbns`: ISBNs that more than one exportable product of the mirror has. Raises `ConfigurationError` for an
    unknown profile or code in the partner's file.
    """
    case = Case(product, partner, house, today, duplicate_isbns)
    return [reason for rule in _rules_of(partner) if (reason := rule.reason(case))]


def codes_of(partner: Partner) -> tuple[str, ...]:
    """The codes that apply to a partner: its profile's, with those it adds and without those it drops."""
    return tuple(rule.code for rule in _rules_of(partner))


def catalogue() -> list[Entry]:
    """All codes with their sentence and source, in the order in which reasons are given."""
    return [*(Entry(rule.code, rule.sentence, rule.source, rule.todo) for rule in _ORDERED.values()), *_GATES]


def profiles() -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """Name → description and codes of each profile, for the documentation."""
    return {name: (description, codes) for name, (description, codes) in _profiles().items()}


def _rules_of(partner: Partner) -> tuple[Rule, ...]:
    wish = partner.feed.completeness
    return _chosen(partner.id, wish.profile, wish.add, wish.drop)


@lru_cache(maxsize=256)
def _chosen(partner: str, profile: str, add: tuple[str, ...], drop: tuple[str, ...]) -> tuple[Rule, ...]:
    where = f"config/partners/{partner}.toml, feed.completeness"
    if profile not in _profiles():
        raise _unknown("profile", profile, _profiles(), where)
    for code in (*add, *drop):
        if code not in RULES:
            raise _unknown("code", code, RULES, where)
    wanted = ({*_profiles()[profile][1]} | {*add}) - {*drop}
    return tuple(rule for code, rule in _ORDERED.items() if code in wanted)


@cache
def _profiles() -> Mapping[str, tuple[str, tuple[str, ...]]]:
    raw = tomllib.loads(_PROFILES.read_text(encoding="utf-8"))
    return {name: (table["description"], _codes(name, raw)) for name, table in raw.items()}


def _codes(name: str, raw: Mapping[str, dict[str, str | list[str]]]) -> tuple[str, ...]:
    table = raw[name]
    base = str(table.get("extends", ""))
    if base and base not in raw:
        raise _unknown("profile", base, raw, f"{_PROFILES.name}, {name}")
    codes = (*(_codes(base, raw) if base else ()), *table["codes"])
    for code in codes:
        if code not in RULES:
            raise _unknown("code", code, RULES, f"{_PROFILES.name}, {name}")
    return codes


def _unknown(kind: str, name: str, known: Iterable[str], where: str) -> ConfigurationError:
    known = list(known)
    near = get_close_matches(name, known, n=1)
    todo = f"Did you mean {near[0]!r}?" if near else f"Known ones: {', '.join(known)}."
    return ConfigurationError(f"there is no {kind} {name!r}", where=where, todo=todo)
