"""Operations fitted to what a tenant offers."""

from __future__ import annotations

import pytest
from graphql import build_schema, parse, validate

from include.clients.consonance import operations
from include.clients.consonance.operations import Stored, fit

SCHEMA = build_schema("""
type Query { things(kind: Kind, search: Search): [Thing!]!  one: One  needy(must: Int!): Int }
input Search { after: Int }
enum Kind { OLD NEW }
enum MarketingTextVariant { SHORT LONG }
interface Thing { id: Int! name: String texts(variantIn: [MarketingTextVariant!]): [Text!]! tags: [Tag!] }
type Book implements Thing {
  id: Int! name: String texts(variantIn: [MarketingTextVariant!]): [Text!]! tags: [Tag!] pages: Int height(unit: Unit): Float
}
type Tape implements Thing { id: Int! name: String texts(variantIn: [MarketingTextVariant!]): [Text!]! tags: [Tag!] minutes: Int }
enum Unit { MM }
type Text { body: String }
type Tag { name: String }
type One { id: Int }
""")


def fitted(text: str, variants=()) -> operations.Fitted:
    return fit(Stored("test", ("flow",), parse(text, no_location=True)), SCHEMA, variants)


def sent(text: str, variants=()) -> str:
    found = fitted(text, variants)
    assert found.capability.missing == ()
    assert not validate(SCHEMA, parse(found.text))
    assert "ifOffered" not in found.text
    return " ".join(found.text.split())


def missing(text: str) -> tuple[str, ...]:
    found = fitted(text)
    assert not found.capability.ok
    assert found.text == ""
    return found.capability.missing


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("{ things { id colour @ifOffered } }", "{ things { id } }"),
        ("{ things { id tags @ifOffered { name weight @ifOffered } } }", "{ things { id tags { name } } }"),
        ("{ things { id tags @ifOffered { weight } } }", "{ things { id } }"),
        ("{ things { id tags @ifOffered { weight @ifOffered } } }", "{ things { id } }"),
        ("{ things { id name(short: true) @ifOffered } }", "{ things { id } }"),
        ("{ things { id } other: things(kind: ANCIENT) @ifOffered { id } }", "{ things { id } }"),
        ("{ things { id } other: things(search: {before: 1}) @ifOffered { id } }", "{ things { id } }"),
        ("{ things { id } needy @ifOffered }", "{ things { id } }"),
        ("{ things { id tags @ifOffered } }", "{ things { id } }"),
        ("{ things { id name @ifOffered { first } } }", "{ things { id } }"),
        ("{ things { id ... on Film @ifOffered { reels } } }", "{ things { id } }"),
        ("{ things { id ... on Book { pages covers @ifOffered } } }", "{ things { id ... on Book { pages } } }"),
        ("{ things { __typename id } }", "{ things { __typename id } }"),
    ],
)
def test_what_the_flow_can_live_without_is_left_out(text, want):
    assert sent(text) == want
    assert bool(fitted(text).capability.left_out) is ("@" in text)


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("{ things { id colour } }", ("Thing.colour",)),
        ("{ things { colour weight } }", ("Thing.colour", "Thing.weight")),
        ("{ things(kind: ANCIENT) { id } }", ("Kind.ANCIENT",)),
        ("{ things(search: {before: 1}) { id } }", ("Search.before",)),
        ("{ things(sort: 1) { id } }", ("Query.things(sort:)",)),
        ("{ needy }", ("Query.needy needs must",)),
        ("{ things }", ("Query.things as a plain value",)),
        ("{ things { id name { first } } }", ("Thing.name as an object",)),
        ("{ things { tags { weight @ifOffered } } }", ("Thing.tags with any of the fields asked for",)),
        ("query q($x: Colour) { things { id } }", ("type Colour",)),
        ("mutation { updateThing { id } }", ("mutation",)),
        ("{ things { ...Parts } } fragment Parts on Film { reels }", ("type Film",)),
    ],
)
def test_what_the_flow_needs_is_named(text, want):
    assert missing(text) == want


def test_a_wrong_type_of_variable_is_found_by_the_reference_implementation():
    assert (
        "of type 'String' used in position expecting type 'Int'" in missing("query q($a: String) { things(search: {after: $a}) { id } }")[0]
    )


def test_an_optional_fragment_goes_with_what_it_needs():
    text = "{ things { id ...Parts @ifOffered } } fragment Parts on Thing { colour ...More } fragment More on Thing { name }"
    assert sent(text) == "{ things { id } }"


def test_fragments_are_pruned_inside():
    text = "{ things { ...Parts } } fragment Parts on Thing { id colour @ifOffered }"
    assert sent(text) == "{ things { ...Parts } } fragment Parts on Thing { id }"


def test_fragments_that_nobody_uses_are_not_sent():
    assert sent("{ things { id } } fragment Parts on Thing { colour }") == "{ things { id } }"


def test_a_variable_that_is_not_used_any_more_is_not_declared():
    assert sent("query q($k: Kind) { things { id } other: items(kind: $k) @ifOffered { id } }") == "query q { things { id } }"


def test_a_field_of_some_types_is_asked_of_those():
    text = "{ things { id ... on Thing @eachType { pages @ifOffered minutes @ifOffered height(unit: MM) @ifOffered colour @ifOffered } } }"
    assert sent(text) == "{ things { id ... on Book { pages height(unit: MM) } ... on Tape { minutes } } }"
    assert fitted(text).capability.left_out == ("Thing.colour",), "what no type has, once"


def test_texts_are_asked_for_by_variant():
    text = "{ things { id texts @ifOffered @eachVariant { body } } }"
    want = "{ things { id variant_LONG: texts(variantIn: [LONG]) { body } variant_SHORT: texts(variantIn: [SHORT]) { body } } }"
    assert sent(text, ["SHORT", "LONG"]) == want
    assert sent(text, ["SHORT", "JACKET"]) == "{ things { id variant_SHORT: texts(variantIn: [SHORT]) { body } } }"
    assert fitted(text, ["SHORT", "JACKET"]).capability.left_out == ("MarketingTextVariant.JACKET",)
    assert sent(text) == "{ things { id } }"


def test_a_name_that_is_no_variant_never_reaches_the_query():
    assert sent("{ things { id texts @eachVariant { body } } }", ["SHORT", "X]) { id } #"]).count("texts") == 1


def test_every_stored_operation_is_ready_to_be_fitted():
    found = operations.stored()
    assert found
    for stored in found.values():
        assert stored.flows, f"{stored.name} says no flow"
        fit(stored, SCHEMA)
