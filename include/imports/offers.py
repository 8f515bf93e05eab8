"""What this tenant's `updateWork` takes, by its own schema: the documentation of its input types is cut off, and tenants differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from typing import Any

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLInterfaceType, GraphQLSchema, get_named_type

from include.clients.consonance import Consonance
from include.errors import CapabilityMissing
from include.imports.fields import FIELDS, Field

READ = "title_import"
"""The stored operation that reads a work with its products; what it leaves out can't be read back."""


UNDOCUMENTED = frozenset(
    f"Product.{name}" for name in ("gtin", "internalReference", "onixProductAvailabilityCode", "productFormDescription",
                                   "productIdentifyingDoi", "publicAnnouncementDate")
)  # fmt: skip
"""What public pages name as input and do not show again: the page of the type that would is cut off."""


@dataclass(frozen=True, slots=True)
class Offers:
    """Members of the inputs of works and products → their enumeration's values (empty: no enumeration); what can't be read back, and what
    can be of each type of product: an ASIN, say, of e-books alone."""

    work: Mapping[str, frozenset[str]]
    product: Mapping[str, frozenset[str]]
    unseen: frozenset[str] = frozenset()
    shown: Mapping[str, frozenset[str]] = dataclass_field(default_factory=dict)

    def why_not(self, field: Field, value: str | list[str], ids: Mapping[Any, Mapping[str, int]], kind: str = "") -> str:
        """Why this value can't be written; empty if it can. `kind`: the product's type in Consonance."""
        if not field.input:
            return field.instead
        members = self.work if field.level == "work" else self.product
        if field.input not in members or (field.level == "product" and "products" not in self.work):
            return "Consonance's API does not offer this field here: change it there by hand."
        if field.seen in self.unseen:
            return "Consonance's API does not show this field here, so nobody could tell whether it was written: change it there by hand."
        if field.level == "product" and kind in self.shown and field.seen.removeprefix("Product.") not in self.shown[kind]:
            return (
                "Consonance's API does not show this field of such an edition, so nobody could tell whether it was written: by hand, then."
            )
        if field.id_of and value not in ids.get(field.id_of, {}):
            return f"Consonance's number of {value!r} is not known: add it to the mapping's table ids.{field.id_of}, or change it by hand."
        if field.literal and isinstance(value, str) and value and (values := members[field.input]) and f"_{value}" not in values:
            return f"Consonance does not offer the code {value} here: change it there by hand."
        return ""


def documented() -> Offers:
    """All that the documentation shows: for a look at a sheet without asking Consonance."""
    work = {one.input: frozenset[str]() for one in FIELDS.values() if one.level == "work" and one.input}
    product = {one.input: frozenset[str]() for one in FIELDS.values() if one.level == "product" and one.input}
    return Offers(work | {"products": frozenset()}, product, UNDOCUMENTED)


def offers(client: Consonance) -> Offers:
    """By the tenant's schema. Raises as `Consonance` does, and `CapabilityMissing` where it offers no `updateWork`."""
    if client.rest == "only":
        raise CapabilityMissing("REST v4 only reads", where=client.address, todo="Let the connection use GraphQL (extra `rest`).")
    update, seen = client.capability("update_work"), client.capability(READ)
    for one in (update, seen):
        if not one.ok:
            what = f"this Consonance does not offer {', '.join(one.missing)}"
            raise CapabilityMissing(what, where=f"operation {one.operation}", todo="Ask Consonance support for it.")
    return of_schema(client.schema(), seen.left_out)


def of_schema(schema: GraphQLSchema, left_out: Iterable[str]) -> Offers:
    """What this schema lets us write; `left_out`: what of the operation that reads back it lacks."""
    product = schema.type_map.get("Product")
    types = schema.get_possible_types(product) if isinstance(product, GraphQLInterfaceType) else ()
    shown = {one.name: frozenset(one.fields) for one in types}
    return Offers(_members(schema, "UpdateWorkInput"), _members(schema, "UpdateProductInput"), frozenset(left_out), shown)


def _members(schema: GraphQLSchema, name: str) -> dict[str, frozenset[str]]:
    kind = schema.type_map.get(name)
    if not isinstance(kind, GraphQLInputObjectType):
        return {}
    found = {}
    for member, field in kind.fields.items():
        of = get_named_type(field.type)
        found[member] = frozenset(of.values) if isinstance(of, GraphQLEnumType) else frozenset()
    return found
