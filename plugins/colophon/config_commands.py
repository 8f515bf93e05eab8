"""`colophon partners check`: reads every file of `config/` and says what is wrong; one broken file hides no other."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from colophon.commands import say
from include.errors import ColophonError, ConfigurationError
from include.partners import registry
from include.partners.licensing import Agreement
from include.partners.model import House, Partner, Party


def check(args: argparse.Namespace) -> int:
    """A line for each file; 0 only if all of them can be used. Raises `ConfigurationError` where the house itself can't be read."""
    house = registry.load_house()
    checks = [("people.toml", _people), *_files(house), *_workbooks(), *_subjects(), ("payees.csv", _payees), *_licences(house)]
    return 1 if sum(not _holds(name, read) for name, read in checks) else 0


def _holds(name: str, read: Callable[[], str]) -> bool:
    try:
        told = read()
    except ColophonError as wrong:
        say(f"FAIL  {name:<16} {wrong}")
        return False
    say(f"ok    {name:<16} {told}")
    return True


def _people() -> str:
    return f"{'':<5} roles: {', '.join(sorted(registry.load_people().roles)) or 'none'}"


def _files(house: House) -> Iterator[tuple[str, Callable[[], str]]]:
    """Folders of files that are named by their ids."""
    from include.imports.mapping import load_mapping
    from include.royalties.layout import StatementLayout
    from include.sales.layout import load_layout

    def agreement(id: str) -> Agreement:
        return registry.read_named("agreements", id, Agreement, "agreement")

    def statements(id: str) -> StatementLayout:
        return registry.read_named("statements", id, StatementLayout, "layout of statements")

    kinds: tuple[tuple[str, Callable[[str], Any], Callable[[Any], str]], ...] = (
        ("partners", registry.load_party, lambda one: f"{one.transport.protocol:<5} {_gets(one, house)}"),
        ("inboxes", registry.load_inbox, lambda one: f"{one.transport.protocol:<5} inboxes: {one.name}"),
        ("archives", registry.load_archive, lambda one: f"{one.transport.protocol:<5} archives: {one.name}"),
        ("printers", registry.load_printer, lambda one: f"{'':<5} printers: {one.name}, {len(one.parts)} parts"),
        ("vendors", registry.load_vendor, lambda one: f"{'':<5} vendors: {one.name}, {len(one.parts)} parts"),
        ("mappings", load_mapping, lambda one: f"{'':<5} mappings: {one.name}, {len(one.columns)} columns"),
        ("reports", load_layout, lambda one: f"{'':<5} reports: {one.name}"),
        ("sources", registry.load_source, lambda one: f"{'':<5} sources: {one.name}, {', '.join(one.layouts)}"),
        ("statements", statements, lambda one: f"{'':<5} statements: {one.name}"),
        ("agreements", agreement, lambda one: f"{'':<5} agreements: {one.name}, read {one.checked_on} by {one.checked_by}"),
    )
    for kind, load, words in kinds:
        for id in registry.stems(kind):
            yield id, partial(_read, load, words, id)


def _read(load: Callable[[str], Any], words: Callable[[Any], str], id: str) -> str:
    return words(load(id))


def _gets(party: Party, house: House) -> str:
    from include.feeds import renderer_for
    from include.feeds.rules import codes_of
    from include.ledger.recipients import label

    if isinstance(party, Partner):
        _must_be_places(party)
        return f"{renderer_for(party, house).label:<22} {len(codes_of(party))} rules"
    return label(party)


def _must_be_places(partner: Partner) -> None:
    """Raises `ConfigurationError` for what ONIX knows as neither country nor region: the schema would hold every title."""
    from include.feeds import codelists

    known = {*codelists.codes(91), *codelists.codes(49)}
    markets = partner.feed.markets
    places = {place for market in markets for place in (*market.countries, *(one for price in market.prices for one in price.territory))}
    if wrong := sorted(places - known):
        what = f"{', '.join(map(repr, wrong))}: no such country or region"
        raise ConfigurationError(
            what, where=f"config/partners/{partner.id}.toml: feed.markets", todo="Take codes of ISO 3166-1 (GB), or of List 49."
        )


def _workbooks() -> Iterator[tuple[str, Callable[[], str]]]:
    from include.workbooks.template import FILES, Kind, load_template

    def told(kind: Kind) -> str:
        template = load_template(kind)
        return f"{'':<5} workbooks: {len(template.columns)} columns, loaded by {template.role}"

    for kind, file in FILES.items():
        if (registry.config_root() / "workbooks" / file).exists():
            yield file.removesuffix(".toml"), partial(told, kind)


def _subjects() -> Iterator[tuple[str, Callable[[], str]]]:
    """The house's lists of subjects, where it has any."""
    from include.imports.subject_codes import SCHEMES, house_list

    def told(scheme: str) -> str:
        return f"{'':<5} subjects: {len(house_list(scheme)):,} codes"

    for scheme in SCHEMES:
        if (registry.config_root() / "subjects" / f"{scheme}.csv").exists():
            yield f"{scheme}.csv", partial(told, scheme)


def _payees() -> str:
    from include.rights.scope import scope_of
    from include.royalties import match
    from include.royalties.payees import load_payees

    payees, parties = load_payees(), {party.id: party for party in registry.load_parties()}
    if wrong := [f"{one['message']} ({one['where']})" for payee in payees for one in match.recipient(payee, parties)]:
        raise ConfigurationError("; ".join(wrong), todo="Mend config/payees.csv, or add the party.")
    for party in (one for one in parties.values() if one.rights is not None):
        scope_of(party, payees, datetime.now(UTC).date())  # whose payees it hears of are its own
    return f"{'':<5} {len(payees.payees)} payees"


def _licences(house: House) -> Iterator[tuple[str, Callable[[], str]]]:
    """What stands in one file for all licences, and what two files must not both say."""
    from include.licences.derive import claimed_twice
    from include.licences.flags import check_rules
    from include.licences.invoice_cells import load_terms_sheet

    def agreements() -> str:
        known = registry.load_agreements()
        if twice := claimed_twice(known):
            raise ConfigurationError("; ".join(twice), where="config/agreements", todo="Leave each to one agreement.")
        return f"{'':<5} {len(known)} agreements"

    def campaigns() -> str:
        return f"{'':<5} {', '.join(one.id for one in registry.load_campaigns()) or 'none'}"

    def terms() -> str:
        sheet = load_terms_sheet()
        return f"{'':<5} licences: {sheet.name}, {len(sheet.columns)} columns"

    def flags() -> str:
        rules = house.licences
        check_rules(rules)
        if rules.report_to:
            registry.load_party(rules.report_to)
        return f"{'':<5} flags: {', '.join(team.role for team in rules.teams) or 'no team must act'}"

    yield from (("agreements", agreements), ("campaigns", campaigns), ("terms", terms), ("licences", flags))
