"""GraphQL over HTTP, without the HTTP: a query and its variables in, the answer out."""

from __future__ import annotations

from collections import Counter, OrderedDict
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLScalarType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    StringValueNode,
    execute_sync,
    parse,
    specified_scalar_types,
    validate,
)

from sandbox.catalogue import Tenant
from sandbox.consonance import reading, writing
from sandbox.consonance.context import Context
from sandbox.consonance.tenant import build_schema_of

_KEPT = 128  # parsed queries


class GraphQL:
    """One tenant's endpoint. `operations` and `mutations` count the root fields that were asked for."""

    def __init__(self, tenant: Tenant) -> None:
        self.schema = build_schema_of(tenant)
        _scalars(self.schema)
        reading.attach(self.schema)
        writing.attach(self.schema)
        self.operations: Counter[str] = Counter()
        self.mutations: Counter[str] = Counter()
        self._documents: OrderedDict[str, DocumentNode | list[GraphQLError]] = OrderedDict()

    def answer(self, query: str, variables: dict[str, Any] | None, operation: str | None, context: Context) -> dict[str, Any]:
        """`data` and `errors` as the specification has them. An unknown field is an error, nothing is done then."""
        document = self._document(query)
        if isinstance(document, list):
            return {"errors": [error.formatted for error in document]}
        with context.catalogue.lock:
            result = execute_sync(self.schema, document, context_value=context, variable_values=variables, operation_name=operation)
        if result.data is not None:
            self._count(document, operation)
        return result.formatted  # type: ignore[return-value]

    def _document(self, query: str) -> DocumentNode | list[GraphQLError]:
        known = self._documents.get(query)
        if known is not None:
            self._documents.move_to_end(query)
            return known
        parsed: DocumentNode | list[GraphQLError]
        try:
            document = parse(query)
            parsed = validate(self.schema, document) or document
        except GraphQLError as error:
            parsed = [error]
        except RecursionError:
            parsed = [GraphQLError("the query is nested too deep")]
        self._documents[query] = parsed
        if len(self._documents) > _KEPT:
            self._documents.popitem(last=False)
        return parsed

    def _count(self, document: DocumentNode, operation: str | None) -> None:
        for node in document.definitions:
            if isinstance(node, OperationDefinitionNode) and (operation is None or (node.name and node.name.value == operation)):
                counter = self.mutations if node.operation is OperationType.MUTATION else self.operations
                counter.update(field.name.value for field in node.selection_set.selections if hasattr(field, "name"))


def _scalars(schema: GraphQLSchema) -> None:
    """Dates are read and written in ISO 8601; the other scalars are what JSON makes of them."""
    for name, type_ in schema.type_map.items():
        if not isinstance(type_, GraphQLScalarType) or name in specified_scalar_types:
            continue
        type_.coerce_output_value = _written
        if name == "ISO8601Date":
            type_.coerce_input_value = _day
            type_.coerce_input_literal = lambda node, *_: _day(node.value if isinstance(node, StringValueNode) else None)


def _written(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _day(value: Any) -> date:
    if not isinstance(value, str):
        raise GraphQLError("an ISO 8601 date is a text such as 2026-11-21")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise GraphQLError(f"{value!r} is no ISO 8601 date") from error
