"""Pointers from Consonance to our pages: only where the tenant's own schema shows how."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from graphql import build_schema, graphql_sync

from include.errors import TransientError
from include.intake import web_links
from sandbox.consonance.tenant import build_schema_of
from tests.clients.tenant import Reply, Waits, client_of, served

SDL = """
type Query { product(productSearch: Search): Product }
input Search { idEq: Int }
type Product { id: Int! webLinks: [WebLink!]! }
type WebLink { id: Int! link: String note: String role: Role }
enum Role { _00 _02 }
type Mutation { createWebLink(input: CreateWebLinkInput!): Payload }
type Payload { clientMutationId: String }
input CreateWebLinkInput { clientMutationId: String %s }
"""
KNOWN = "link: String! productId: Int! role: Role! note: String includeInOnix: Boolean!"
PAGE = "https://airflow.example/colophon/titles/7"


@dataclass
class Tenant:
    members: str = KNOWN
    links: list[dict[str, Any]] = field(default_factory=list)
    lose_answers: bool = False

    def answer(self, method: str, target: str, headers: Any, body: bytes) -> Reply:
        asked = json.loads(body)
        schema = build_schema(SDL % self.members)
        root = {
            "product": lambda info, productSearch: {"id": productSearch["idEq"], "webLinks": self.links},  # noqa: N803 - GraphQL's name
            "createWebLink": self._create,
        }
        told = graphql_sync(schema, asked["query"], root, variable_values=asked["variables"]).formatted
        if self.lose_answers and "createWebLink" in asked["query"].partition("{")[0]:
            return Reply(502)
        return Reply(200, json.dumps(told).encode())

    def _create(self, info: Any, input: dict[str, Any]) -> dict[str, Any]:
        self.links.append({"id": len(self.links) + 1} | input)
        return {}


@pytest.fixture
def tenant() -> Tenant:
    return Tenant()


@pytest.fixture
def client(tenant: Tenant) -> Iterator[Any]:
    with served(tenant.answer) as address:
        yield client_of(address, Waits())


def test_a_link_is_made_once_and_never_for_onix(tenant: Tenant, client: Any) -> None:
    assert web_links.point(client, 7, PAGE)
    assert web_links.point(client, 7, PAGE)
    assert tenant.links == [{"id": 1, "link": PAGE, "productId": 7, "role": "_00", "note": web_links.NOTE, "includeInOnix": False}]


def test_a_lost_answer_makes_no_second_link(tenant: Tenant, client: Any) -> None:
    tenant.lose_answers = True
    assert web_links.point(client, 7, PAGE)
    assert len(tenant.links) == 1


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ("", "does not show where address and product go"),
        ("link: String!", "does not show where address and product go"),
        ("link: String! productId: Int! colour: String!", "demands colour"),
    ],
)
def test_what_can_not_be_filled_in_is_not_tried(tenant: Tenant, client: Any, members: str, why: str) -> None:
    tenant.members = members
    assert why in web_links.way(client.schema()).why
    assert not web_links.point(client, 7, PAGE)
    assert tenant.links == []


@pytest.mark.parametrize("profile", ["full", "evidenced"])
def test_the_sandbox_s_tenants_show_no_way(profile: Any) -> None:
    assert web_links.way(build_schema_of(profile)).why


def test_several_products_may_be_named_at_once(tenant: Tenant, client: Any) -> None:
    tenant.members = "link: String! productIds: [Int!]"
    assert web_links.point(client, 7, PAGE)
    assert tenant.links[0]["productIds"] == [7]


def test_a_server_that_is_down_is_told(tenant: Tenant, client: Any) -> None:
    client.schema()
    tenant.lose_answers = True
    tenant._create = lambda info, **_: {}  # type: ignore[method-assign]
    with pytest.raises(TransientError):
        web_links.point(client, 7, PAGE)
