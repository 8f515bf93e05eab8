"""Which statement holds, what can be read out of words, and the state that follows. No service, no ledger."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from include.ledger.licence_rows import LicenceState
from include.licences import prose, terms
from include.licences.model import FIELDS, Source, Term, TermState

TODAY = date(2026, 11, 21)
FULL = {
    "ends": Term(TermState.PERPETUAL, source=Source.AGREEMENT),
    "territories": Term(TermState.UNLIMITED, source=Source.AGREEMENT),
    "print_run": Term(TermState.UNLIMITED, source=Source.AGREEMENT),
    "formats": Term(TermState.UNLIMITED, source=Source.AGREEMENT),
    "editorial_only": Term(TermState.KNOWN, False, Source.API),
}


def held(**said: Term | list[Term]) -> terms.Terms:
    of = {name: told if isinstance(told, list) else [told] for name, told in said.items()}
    return terms.hold({name: {one.source: one for one in told if one.source} for name, told in of.items()})


def known(value: object, source: Source) -> Term:
    return Term(TermState.KNOWN, value, source)  # type: ignore[arg-type]


def state(told: terms.Terms, role: str = "cover", **more: object) -> LicenceState:
    settings = {"model": "royaltyfree", "roles": {role} if role else set(), "withdrawn": False, "today": TODAY}
    return terms.state_of(told, **(settings | more))[0]  # type: ignore[arg-type]


def test_nothing_said_is_unknown_and_never_allowed():
    nothing = held()
    assert all(not nothing[name].known for name in FIELDS)
    assert nothing.allows_format("print") is None
    assert nothing.new_editions is None
    assert not nothing.perpetual
    assert state(nothing) == LicenceState.TERMS_REQUIRED


def test_a_person_stands_above_an_invoice_and_that_above_the_rest():
    three = [known("2027-01-31", Source.AGREEMENT), known("2028-01-31", Source.INVOICE), known("2029-01-31", Source.PERSON)]
    assert [held(ends=three[:number]).ends.year for number in (1, 2, 3)] == [2027, 2028, 2029]


def test_words_narrow_an_agreement_and_never_widen_it():
    perpetual = FULL["ends"]
    assert held(ends=[perpetual, known("2027-01-31", Source.PROSE)])["ends"].source == Source.PROSE
    assert held(ends=[known("2026-12-31", Source.AGREEMENT), known("2027-01-31", Source.PROSE)]).ends == date(2026, 12, 31)
    assert held(territories=[FULL["territories"], known(["GB"], Source.PROSE)]).territories == {"GB"}
    assert held(editorial_only=[known(False, Source.API), known(True, Source.PROSE)]).editorial_only is True


def test_statements_that_exclude_each_other_are_for_a_person():
    told = held(**FULL | {"territories": [known(["GB", "IE"], Source.AGREEMENT), known(["IE", "FR"], Source.PROSE)]})
    assert told.disputed == {"territories"}
    assert state(told) == LicenceState.REVIEW


@pytest.mark.parametrize(("more", "wanted"), [
    ({}, LicenceState.CLEARED),
    ({"withdrawn": True}, LicenceState.WITHDRAWN),
    ({"role": ""}, LicenceState.REVIEW),
    ({"model": "rightsmanaged"}, LicenceState.CLEARED),
])  # fmt: skip
def test_full_terms_are_cleared_for_what_they_serve(more: dict[str, object], wanted: LicenceState):
    assert state(held(**FULL), **more) == wanted


@pytest.mark.parametrize(("field", "term", "wanted"), [
    ("ends", known("2026-11-20", Source.INVOICE), LicenceState.EXPIRED),
    ("ends", known("2026-11-21", Source.INVOICE), LicenceState.CLEARED),
    ("ends", Term(), LicenceState.TERMS_REQUIRED),
    ("territories", Term(), LicenceState.TERMS_REQUIRED),
    ("print_run", Term(), LicenceState.TERMS_REQUIRED),
    ("editorial_only", known(True, Source.API), LicenceState.BLOCKED),
    ("editorial_only", Term(), LicenceState.TERMS_REQUIRED),
    ("use", known(["interior"], Source.INVOICE), LicenceState.BLOCKED),
    ("releases", known("Not released", Source.API), LicenceState.REVIEW),
    ("releases", known("Model and property released", Source.API), LicenceState.CLEARED),
    ("restrictions", known(["Ask first."], Source.API), LicenceState.REVIEW),
    ("availability", known("gone", Source.API), LicenceState.REVIEW),
])  # fmt: skip
def test_a_state_follows_from_each_term(field: str, term: Term, wanted: LicenceState):
    assert state(held(**FULL | {field: term})) == wanted


def test_a_managed_licence_is_not_cleared_by_what_was_read_out_of_words():
    told = held(**FULL | {"print_run": known(8000, Source.PROSE)})
    assert state(told, model="rightsmanaged") == LicenceState.TERMS_REQUIRED
    assert state(told) == LicenceState.CLEARED


def test_a_print_run_does_not_matter_where_nothing_is_printed():
    assert state(held(**FULL | {"print_run": Term()}), role="promotion") == LicenceState.CLEARED


def test_restrictions_that_a_person_has_read_are_settled_until_they_change():
    read = held(**FULL | {"restrictions": [known(["Ask first."], Source.API), known(["Ask first."], Source.PERSON)]})
    changed = held(**FULL | {"restrictions": [known(["Ask first.", "Not on mugs."], Source.API), known(["Ask first."], Source.PERSON)]})
    assert (state(read), state(changed)) == (LicenceState.CLEARED, LicenceState.REVIEW)
    assert terms.unread_prose(changed) == ("Not on mugs.",)


@pytest.mark.parametrize(("sentence", "field", "value"), [
    ("Editorial use only.", "editorial_only", True),
    ("For use in the UK and Ireland only", "territories", ["GB", "IE"]),
    ("Germany, Austria & Switzerland only.", "territories", ["AT", "CH", "DE"]),
    ("No use after 31 January 2028.", "ends", "2028-01-31"),
    ("Licence expires on 2028-01-31", "ends", "2028-01-31"),
    ("Print run up to 8,000 copies.", "print_run", 8000),
])  # fmt: skip
def test_plain_sentences_are_read(sentence: str, field: str, value: object):
    found, settled = prose.read([sentence])
    assert (found[field].value, found[field].source, settled) == (value, Source.PROSE, (sentence,))


@pytest.mark.parametrize("sentence", [
    "Contact your local office for all commercial or promotional uses. Full editorial rights UK, US, Ireland, Canada (not Quebec).",
    "Canada (not Quebec) only",
    "For use in the UK and Commonwealth only",
    "No use after 03/04/2028",
    "Not for use in Germany.",
    "Worldwide use permitted.",
    "Unlimited print run.",
    "Print run of 10k.",
    "Print run up to 1.5 million copies",
])  # fmt: skip
def test_what_can_not_be_read_safely_is_left_to_a_person(sentence: str):
    assert prose.read([sentence]) == ({}, ())


@given(st.lists(st.text(max_size=60), max_size=4))
def test_no_words_ever_lift_a_limit(sentences: list[str]):
    found, _ = prose.read(sentences)
    assert all(one.state == TermState.KNOWN and one.source == Source.PROSE for one in found.values())


_VALUES = {
    "territories": st.lists(st.sampled_from(["GB", "IE", "FR", "US"]), min_size=1, unique=True).map(sorted),
    "ends": st.dates(date(2026, 1, 1), date(2030, 1, 1)).map(date.isoformat),
    "print_run": st.integers(1, 9000),
}


@given(st.sampled_from(sorted(_VALUES)), st.data())
def test_terms_survive_the_ledger(field: str, data: st.DataObject):
    told = {source: known(data.draw(_VALUES[field]), source) for source in data.draw(st.lists(st.sampled_from(list(Source)), unique=True))}
    before = terms.hold({field: told})
    after = terms.hold(terms.said_of(terms.to_json(before)))
    assert (after[field], after.disputed) == (before[field], before.disputed)
    assert {one.source for one in [after[field], *after.others(field)] if one.source} == set(told)
