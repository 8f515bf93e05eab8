"""What the query root answers, and every field's resolver.

A field of the schema that stands in no table answers null (or an empty list, where null is not allowed): its name was seen, but the
sandbox's publisher has nothing to put there.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from operator import attrgetter
from typing import Any

from graphql import GraphQLInterfaceType, GraphQLList, GraphQLNonNull, GraphQLObjectType, GraphQLSchema

from sandbox.catalogue import Catalogue, Product, Work
from sandbox.catalogue.facts import Contact
from sandbox.consonance import parts, searching, titles
from sandbox.consonance.context import Info, Resolver, Table, Within

_CONTACTS_PER_PAGE = 100


def _catalogue(info: Info) -> Catalogue:
    catalogue: Catalogue = info.context.catalogue
    return catalogue


def _works(_: None, info: Info, **asked: Any) -> list[Work]:
    return searching.works(_catalogue(info), asked.get("workSearch") or {}, asked.get("productSearch") or {})


def _work(_: None, info: Info, **asked: Any) -> Work | None:
    search = asked.get("workSearch")
    return next(iter(searching.works(_catalogue(info), search, {}, 1)), None) if search else None


def _products(_: None, info: Info, **asked: Any) -> list[Product]:
    product, work, price = (asked.get(name) or {} for name in ("productSearch", "workSearch", "priceSearch"))
    return searching.products(_catalogue(info), product, work, price)


def _product(_: None, info: Info, **asked: Any) -> Product | None:
    search = asked.get("productSearch")
    return next(iter(searching.products(_catalogue(info), search, {}, {}, 1)), None) if search else None


def _contract(_: None, info: Info, **asked: Any) -> Within | None:
    id = (asked.get("contractSearch") or {}).get("idEq")
    work = _catalogue(info).work_of_contract(id) if id is not None else None
    return Within(work.contract, work) if work else None


def _contacts(_: None, info: Info, **asked: Any) -> list[Contact]:
    part = ((asked.get("contactSearch") or {}).get("personNameCont") or "").casefold()
    found = (contact for contact in _catalogue(info).contacts() if not contact.organisation and part in contact.name.casefold())
    return list(islice(found, _CONTACTS_PER_PAGE))


def _organisation(_: None, info: Info, **asked: Any) -> Contact | None:
    name = (asked.get("organisationSearch") or {}).get("nameEq")
    return next((contact for contact in _catalogue(info).contacts() if contact.organisation and contact.name == name), None)


def _person(_: None, info: Info, **asked: Any) -> Contact | None:
    contact = _catalogue(info).contact(asked["id"])
    return contact if contact and not contact.organisation else None


QUERY: Table = {
    "work": _work,
    "works": _works,
    "product": _product,
    "products": _products,
    "contract": _contract,
    "contacts": _contacts,
    "organisation": _organisation,
    "person": _person,
}
TABLES: Mapping[str, Table] = {
    "Query": QUERY,
    "Work": titles.WORK,
    "MarketingText": parts.TEXT,
    "SupportingResource": parts.RESOURCE,
    "Price": parts.PRICE,
    "Contribution": parts.CONTRIBUTION,
    "Person": parts.CONTACT,
    "Organisation": parts.CONTACT,
    "Prize": parts.PRIZE,
    "ProductionRun": parts.RUN,
    "Contract": parts.CONTRACT,
    "LicensedRight": {"id": "id", "rightType": "right_type", "authorCut": "author_cut"},
    "DeliveryDate": {"id": "id", "dateDue": "date_due", "slippedDate": "slipped", "deliverableType": "deliverable"},
    "SeriesMembership": {"id": "id", "partNumber": lambda membership, info: membership.part or None, "series": "series"},
    "Series": parts.SERIES,
    "WebLink": parts.WEB_LINK,
    "Client": parts.CLIENT,
}


def attach(schema: GraphQLSchema) -> None:
    """Give every field of the schema its resolver, and every interface a way to tell its types apart."""
    for type_ in schema.type_map.values():
        if not isinstance(type_, GraphQLObjectType) or type_.name.startswith("__") or type_.name == "Mutation":
            continue
        interfaces = {interface.name for interface in type_.interfaces}
        table = titles.PRODUCT if "Product" in interfaces else parts.SUBJECT if "SubjectCode" in interfaces else TABLES.get(type_.name)
        if table is None:
            continue  # answered as a dictionary
        for name, field in type_.fields.items():
            found = table.get(name)
            field.resolve = _nothing(field.type) if found is None else found if callable(found) else _attribute(found)
    for name, tell in (("Product", _kind), ("Contact", _contact_kind), ("SubjectCode", parts.scheme_of)):
        interface = schema.type_map.get(name)
        if isinstance(interface, GraphQLInterfaceType):
            interface.resolve_type = tell


def _attribute(name: str) -> Resolver:
    get = attrgetter(name)
    return lambda source, info, **_: get(source)


def _nothing(type_: Any) -> Resolver:
    answer: list[Any] | None = [] if isinstance(type_, GraphQLNonNull) and isinstance(type_.of_type, GraphQLList) else None
    return lambda source, info, **_: answer


def _kind(product: Product, *_: Any) -> str:
    return product.kind


def _contact_kind(contact: Contact, *_: Any) -> str:
    return "Organisation" if contact.organisation else "Person"
