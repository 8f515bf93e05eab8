"""A pointer from a product in Consonance to its page in Colophon, where the tenant's `createWebLink` can be filled in.

The members of `CreateWebLinkInput` were not readable. So the mutation is written from the tenant's own schema, with the names that a web
link shows when it is read (`link`, `role`, `note`, `description`) and the ways a product is named elsewhere (`productId`, `productIds`).
Where those are not there, or something else is demanded, there is no pointer. It is never put into ONIX.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, get_named_type, is_required_input_field

from include.clients.consonance import Consonance
from include.errors import TransientError

NOTE: Final = "Files of this title in Colophon"
UNSPECIFIED: Final = "_00"  # List 73
TEXT: Final = """
mutation createWebLink($input: CreateWebLinkInput!) {
  createWebLink(input: $input) {
    __typename
  }
}
"""


@dataclass(frozen=True, slots=True)
class Way:
    """How this tenant takes a web link: the members to fill in, or `why` there is none."""

    product: str = ""
    constant: tuple[tuple[str, Any], ...] = ()
    why: str = ""

    def input(self, product_id: int, address: str) -> dict[str, Any]:
        of_product = [product_id] if self.product == "productIds" else product_id
        return {"link": address, self.product: of_product, **dict(self.constant)}


def way(schema: GraphQLSchema) -> Way:
    """What of `createWebLink` this schema shows."""
    root = schema.mutation_type
    field = root.fields.get("createWebLink") if isinstance(root, GraphQLObjectType) else None
    kind = schema.type_map.get("CreateWebLinkInput")
    if field is None or not isinstance(kind, GraphQLInputObjectType) or set(field.args) != {"input"}:
        return Way(why="This Consonance does not offer createWebLink.")
    product = next((name for name in ("productId", "productIds") if name in kind.fields), "")
    if "link" not in kind.fields or not product:
        return Way(why="This Consonance's createWebLink does not show where address and product go.")
    constant: dict[str, Any] = {}
    for name in ("note", "description"):
        if name in kind.fields:
            constant[name] = NOTE
    if "includeInOnix" in kind.fields:
        constant["includeInOnix"] = False
    if "role" in kind.fields:
        role = get_named_type(kind.fields["role"].type)
        if isinstance(role, GraphQLEnumType) and UNSPECIFIED in role.values:
            constant["role"] = UNSPECIFIED
    filled = {"link", product, *constant}
    if more := [name for name, member in kind.fields.items() if is_required_input_field(member) and name not in filled]:
        return Way(why=f"This Consonance's createWebLink demands {', '.join(more)}, which Colophon does not know.")
    return Way(product, tuple(constant.items()))


def point(client: Consonance, product_id: int, address: str) -> bool:
    """Makes sure that the product has a link to this address; False where the tenant offers no way. Safe to do twice.

    Raises as `Consonance` does; after an answer that was lost, it looks whether the link is there.
    """
    if client.rest == "only" or not client.capability("web_links").ok:
        return False
    how = way(client.schema())
    if how.why:
        return False
    if _there(client, product_id, address):
        return True
    try:
        client.change_with(TEXT, {"input": how.input(product_id, address)}, "createWebLink")
    except TransientError:
        if not _there(client, product_id, address):
            raise
    return True


def _there(client: Consonance, product_id: int, address: str) -> bool:
    product = client.run("web_links", {"id": product_id}).get("product") or {}
    return any(isinstance(link, dict) and link.get("link") == address for link in product.get("webLinks") or ())
