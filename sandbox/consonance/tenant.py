"""The GraphQL schema as a tenant has it.

`full` has every member of schema.graphql; `evidenced` only those that somebody outside has seen. Where that leaves a type without
members, what leads to the type goes too; an enumeration that is left empty keeps one placeholder, since inputs of its type were seen.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from graphql import (
    DefinitionNode,
    DocumentNode,
    EnumTypeDefinitionNode,
    EnumValueDefinitionNode,
    GraphQLSchema,
    InputObjectTypeDefinitionNode,
    InterfaceTypeDefinitionNode,
    ListTypeNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    ObjectTypeDefinitionNode,
    TypeNode,
    build_ast_schema,
    parse,
)

from sandbox.catalogue import Tenant

SDL = Path(__file__).with_name("schema.graphql")
PLACEHOLDER = "UNREADABLE_PLACEHOLDER"
_WITH_FIELDS = (ObjectTypeDefinitionNode, InterfaceTypeDefinitionNode, InputObjectTypeDefinitionNode)


def build_schema_of(tenant: Tenant) -> GraphQLSchema:
    """Without resolvers."""
    document = parse(SDL.read_text(encoding="utf-8"), no_location=True)
    return build_ast_schema(document if tenant == "full" else _seen_only(document))


def _seen_only(document: DocumentNode) -> DocumentNode:
    definitions = [_seen(node) for node in document.definitions]
    while empty := {node.name.value for node in definitions if isinstance(node, _WITH_FIELDS) and not node.fields}:
        left = [node for node in definitions if not (isinstance(node, _WITH_FIELDS) and node.name.value in empty)]
        definitions = [_leading_elsewhere(node, empty) for node in left]
    return replace(document, definitions=tuple(definitions))


def _seen(node: DefinitionNode) -> DefinitionNode:
    """A definition without its inferred members."""
    if isinstance(node, _WITH_FIELDS):
        fields: Any = tuple(field for field in node.fields or () if not _inferred(field))
        return replace(node, fields=fields)
    if isinstance(node, EnumTypeDefinitionNode):
        values = tuple(value for value in node.values or () if not _inferred(value))
        return replace(node, values=values or (EnumValueDefinitionNode(name=NameNode(value=PLACEHOLDER)),))
    return node


def _leading_elsewhere(node: DefinitionNode, empty: set[str]) -> DefinitionNode:
    """A definition without the members whose types are gone."""
    if not isinstance(node, _WITH_FIELDS):
        return node
    fields: Any = tuple(field for field in node.fields or () if _named(field.type) not in empty)
    return replace(node, fields=fields)


def _inferred(node: object) -> bool:
    return any(directive.name.value == "inferred" for directive in getattr(node, "directives", None) or ())


def _named(node: TypeNode) -> str:
    while isinstance(node, (ListTypeNode, NonNullTypeNode)):
        node = node.type
    assert isinstance(node, NamedTypeNode)
    return node.name.value
