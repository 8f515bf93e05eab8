"""Stored operations, and what of them this tenant offers.

Operations are files: `operations/<name>.graphql`, with the fragments of `fragments/*.graphql`. Consonance's public
documentation is incomplete and tenants differ, so every operation is fitted to the tenant's introspected schema before
use. Three directives of ours say how; none of them is ever sent:

`@ifOffered`    the flow can live without this selection: left out where the schema lacks the field, an argument or an
                enum value of it.
`@eachType`     on an inline fragment of an interface: asked of every type of that interface in turn, so that a field
                which only some types have is asked of those.
`@eachVariant`  on a field: asked once per marketing-text variant, under the alias `variant_<NAME>`, because a text does
                not say which variant it is.

What else is missing makes the operation unavailable, with a list of what to ask Consonance for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TypeVar

from graphql import (
    ArgumentNode,
    DocumentNode,
    EnumValueNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    GraphQLUnionType,
    InlineFragmentNode,
    ListTypeNode,
    ListValueNode,
    NamedTypeNode,
    NameNode,
    NonNullTypeNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    TypeNode,
    ValueNode,
    get_named_type,
    is_leaf_type,
    is_required_argument,
    parse,
    print_ast,
    validate,
)

from include.errors import CapabilityMissing, ConfigurationError

FOLDER = Path(__file__).resolve().parent
VARIANT_ENUM = "MarketingTextVariant"
VARIANT_ARGUMENT = "variantIn"
VARIANT_ALIAS = "variant_"
_OURS = frozenset({"ifOffered", "eachType", "eachVariant"})
_FLOWS = re.compile(r"^#\s*Flows:\s*(.+)$", re.MULTILINE)
_INSTEAD = re.compile(r"^#\s*Without it:\s*(.+)$", re.MULTILINE)

Composite = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType


@dataclass(frozen=True, slots=True)
class Stored:
    """An operation as written. `flows` are those that use it; `instead` says how they go on without it, "" where they can't."""

    name: str
    flows: tuple[str, ...]
    document: DocumentNode
    instead: str = ""


@dataclass(frozen=True, slots=True)
class Capability:
    """What this tenant makes of one operation: `missing` stops it, `left_out` is what it can live without."""

    operation: str
    flows: tuple[str, ...]
    ok: bool
    missing: tuple[str, ...]
    left_out: tuple[str, ...]
    instead: str = ""

    @property
    def fatal(self) -> bool:
        """Whether its flows can't run at this tenant."""
        return not self.ok and not self.instead


@dataclass(frozen=True, slots=True)
class Fitted:
    """An operation ready to be sent, or the reasons why not (then `text` is empty)."""

    capability: Capability
    text: str

    def demand(self) -> str:
        """The text to send. Raises `CapabilityMissing` that names all that is missing."""
        if not self.capability.ok:
            raise CapabilityMissing(
                f"this Consonance does not offer {', '.join(self.capability.missing)}",
                where=f"operation {self.capability.operation}",
                todo="Ask Consonance support for it; `colophon connections check` lists all that is missing.",
            )
        return self.text


@cache
def stored() -> dict[str, Stored]:
    """All operations by name, each with the fragments of the folder. Raises `ConfigurationError` for a file that can't be parsed."""
    parts = [node for path in sorted((FOLDER / "fragments").glob("*.graphql")) for node in _parse(path).definitions]
    found = {}
    for path in sorted((FOLDER / "operations").glob("*.graphql")):
        text = path.read_text(encoding="utf-8")
        flows, instead = _FLOWS.search(text), _INSTEAD.search(text)
        names = tuple(name.strip() for name in flows.group(1).split(",")) if flows else ()
        document = DocumentNode(definitions=(*_parse(path).definitions, *parts))
        found[path.stem] = Stored(path.stem, names, document, instead.group(1).strip() if instead else "")
    return found


def _parse(path: Path) -> DocumentNode:
    try:
        return parse(path.read_text(encoding="utf-8"), no_location=True)
    except GraphQLSyntaxError as bad:
        raise ConfigurationError(bad.message, where=str(path)) from bad


def capabilities(schema: GraphQLSchema, variants: Collection[str] = ()) -> list[Capability]:
    """Every stored operation against this schema, by name."""
    return [fit(operation, schema, variants).capability for operation in stored().values()]


def fit(operation: Stored, schema: GraphQLSchema, variants: Collection[str] = ()) -> Fitted:
    """Fits one operation to the schema. Never raises for what the schema lacks: the result says so."""
    fitting = _Fitting(schema, tuple(sorted(variants)), operation.document)
    document = fitting.document()
    missing = fitting.missing
    if not missing:
        # What the fitting can't see (types of variables, clashes between fragments) the reference implementation does.
        missing = [error.message for error in validate(schema, document)]
    left_out = tuple(dict.fromkeys(fitting.left_out))
    gaps = tuple(dict.fromkeys(missing))
    capability = Capability(operation.name, operation.flows, not missing, gaps, left_out, operation.instead)
    return Fitted(capability, "" if missing else print_ast(document))


@dataclass(slots=True)
class _Fitting:
    schema: GraphQLSchema
    variants: tuple[str, ...]
    source: DocumentNode
    missing: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    fragments: dict[str, FragmentDefinitionNode | None] = field(default_factory=dict)
    problems_of: dict[str, list[str]] = field(default_factory=dict)

    def document(self) -> DocumentNode:
        definitions: list[OperationDefinitionNode | FragmentDefinitionNode] = [
            self._operation(node) for node in self.source.definitions if isinstance(node, OperationDefinitionNode)
        ]
        used = _spreads(definitions)
        waiting = sorted(used)
        while waiting:
            fragment = self.fragments.get(waiting.pop())
            if fragment is not None:
                definitions.append(fragment)
                new = _spreads([fragment]) - used
                used |= new
                waiting.extend(sorted(new))
        text = " ".join(print_ast(node.selection_set) for node in definitions)
        return DocumentNode(definitions=tuple(_without_unused_variables(node, text) for node in definitions))

    def _operation(self, node: OperationDefinitionNode) -> OperationDefinitionNode:
        root = self.schema.get_root_type(node.operation)
        if root is None:
            self.missing.append(node.operation.value)
            return node
        problems: list[str] = []
        for variable in node.variable_definitions or ():
            name = _named(variable.type)
            if name not in self.schema.type_map:
                problems.append(f"type {name}")
        selected = self._selections(node.selection_set, root, problems)
        self.missing += problems
        return replace(node, selection_set=selected or node.selection_set)

    def _selections(self, node: SelectionSetNode, parent: Composite, problems: list[str]) -> SelectionSetNode | None:
        """What is left of a selection set; None if nothing is. What can't be done without is added to `problems`."""
        kept: list[SelectionNode] = []
        for selection in node.selections:
            own: list[str] = []
            fitted = self._selection(selection, parent, own)
            if not own:
                kept += fitted
            elif _marked(selection, "ifOffered"):
                self.left_out += own
            else:
                problems += own
        return SelectionSetNode(selections=tuple(kept)) if kept else None

    def _selection(self, node: SelectionNode, parent: Composite, problems: list[str]) -> list[SelectionNode]:
        if isinstance(node, FieldNode):
            if _marked(node, "eachVariant"):
                return self._each_variant(node, parent, problems)
            fitted = self._field(node, parent, problems)
            return [fitted] if fitted else []
        if isinstance(node, InlineFragmentNode):
            return self._inline(node, parent, problems)
        if isinstance(node, FragmentSpreadNode):
            self._fragment(node.name.value)
            problems += self.problems_of[node.name.value]
            if self.fragments[node.name.value] is None and not problems:
                return []
            return [_stripped(node)]
        raise TypeError(f"an unknown kind of selection: {type(node).__name__}")

    def _field(self, node: FieldNode, parent: Composite, problems: list[str]) -> FieldNode | None:
        name = node.name.value
        if name == "__typename":
            return _stripped(node)
        offered = None if isinstance(parent, GraphQLUnionType) else parent.fields.get(name)
        if offered is None:
            problems.append(f"{parent.name}.{name}")
            return None
        path = f"{parent.name}.{name}"
        self._arguments(node.arguments or (), offered.args, path, problems)
        problems += [f"{path} needs {arg}" for arg, of in offered.args.items() if is_required_argument(of) and arg not in _names(node)]
        kind = get_named_type(offered.type)
        if node.selection_set is None:
            if not is_leaf_type(kind):
                problems.append(f"{path} as a plain value")
            return _stripped(node)
        if not isinstance(kind, Composite):
            problems.append(f"{path} as an object")
            return None
        selected = self._selections(node.selection_set, kind, problems)
        if selected is None and not problems:
            problems.append(f"{path} with any of the fields asked for")
        return _stripped(replace(node, selection_set=selected))

    def _each_variant(self, node: FieldNode, parent: Composite, problems: list[str]) -> list[SelectionNode]:
        kind = self.schema.type_map.get(VARIANT_ENUM)
        if not isinstance(kind, GraphQLEnumType):
            problems.append(f"type {VARIANT_ENUM}")
            return []
        self.left_out += [f"{VARIANT_ENUM}.{name}" for name in self.variants if name not in kind.values]
        found: list[SelectionNode] = []
        for variant in self.variants:
            if variant in kind.values:
                only = ListValueNode(values=(EnumValueNode(value=variant),))
                argument = ArgumentNode(name=NameNode(value=VARIANT_ARGUMENT), value=only)
                asked = replace(node, alias=NameNode(value=VARIANT_ALIAS + variant), arguments=(*(node.arguments or ()), argument))
                if fitted := self._field(asked, parent, problems):
                    found.append(fitted)
        return found

    def _inline(self, node: InlineFragmentNode, parent: Composite, problems: list[str]) -> list[SelectionNode]:
        name = node.type_condition.name.value if node.type_condition else parent.name
        kind = self.schema.type_map.get(name)
        if not isinstance(kind, Composite):
            problems.append(f"type {name}")
            return []
        kinds: Sequence[Composite] = [kind]
        if _marked(node, "eachType") and not isinstance(kind, GraphQLObjectType):
            kinds = sorted(self.schema.get_possible_types(kind), key=lambda one: one.name)
        found: list[SelectionNode] = []
        left_out: list[set[str]] = []
        for one in kinds:
            before = len(self.left_out)
            selected = self._selections(node.selection_set, one, problems)
            if len(kinds) > 1:
                left_out.append({path.replace(f"{one.name}.", f"{name}.", 1) for path in self.left_out[before:]})
                del self.left_out[before:]
            if selected is not None:
                condition = NamedTypeNode(name=NameNode(value=one.name))
                found.append(_stripped(replace(node, type_condition=condition, selection_set=selected)))
        if len(kinds) > 1:  # a field that one type has and another has not is as it should be
            self.left_out += sorted(set.intersection(*left_out))
        return found

    def _fragment(self, name: str) -> None:
        if name in self.fragments:
            return
        self.fragments[name], self.problems_of[name] = None, []
        source = next((n for n in self.source.definitions if isinstance(n, FragmentDefinitionNode) and n.name.value == name), None)
        if source is None:
            raise ConfigurationError(f"there is no fragment {name}", where=str(FOLDER / "fragments"))
        on = source.type_condition.name.value
        kind = self.schema.type_map.get(on)
        if not isinstance(kind, Composite):
            self.problems_of[name] = [f"type {on}"]
            return
        selected = self._selections(source.selection_set, kind, self.problems_of[name])
        if selected is not None:
            self.fragments[name] = replace(source, selection_set=selected)

    def _arguments(self, given: Sequence[ArgumentNode], offered: dict[str, GraphQLArgument], path: str, problems: list[str]) -> None:
        for argument in given:
            name = argument.name.value
            if name not in offered:
                problems.append(f"{path}({name}:)")
            else:
                self._value(argument.value, get_named_type(offered[name].type), f"{path}({name}:)", problems)

    def _value(self, value: ValueNode, kind: GraphQLNamedType, path: str, problems: list[str]) -> None:
        if isinstance(value, ListValueNode):
            for item in value.values:
                self._value(item, kind, path, problems)
        elif isinstance(value, EnumValueNode):
            if isinstance(kind, GraphQLEnumType) and value.value not in kind.values:
                problems.append(f"{kind.name}.{value.value}")
        elif isinstance(value, ObjectValueNode) and isinstance(kind, GraphQLInputObjectType):
            for member in value.fields:
                if member.name.value not in kind.fields:
                    problems.append(f"{kind.name}.{member.name.value}")
                else:
                    inner = get_named_type(kind.fields[member.name.value].type)
                    self._value(member.value, inner, f"{kind.name}.{member.name.value}", problems)


S = TypeVar("S", FieldNode, FragmentSpreadNode, InlineFragmentNode)
D = TypeVar("D", bound=OperationDefinitionNode | FragmentDefinitionNode)


def _marked(node: SelectionNode, name: str) -> bool:
    return any(directive.name.value == name for directive in node.directives or ())


def _stripped(node: S) -> S:
    """Without our own directives."""
    return replace(node, directives=tuple(one for one in node.directives or () if one.name.value not in _OURS))


def _without_unused_variables(node: D, text: str) -> D:
    """A variable whose only use was left out would make the operation invalid."""
    if not isinstance(node, OperationDefinitionNode):
        return node
    used = tuple(one for one in node.variable_definitions or () if re.search(rf"\${one.variable.name.value}\b", text))
    return replace(node, variable_definitions=used)


def _names(node: FieldNode) -> set[str]:
    return {argument.name.value for argument in node.arguments or ()}


def _named(kind: TypeNode) -> str:
    while isinstance(kind, ListTypeNode | NonNullTypeNode):
        kind = kind.type
    assert isinstance(kind, NamedTypeNode)  # noqa: S101 - the grammar has no fourth kind
    return kind.name.value


def _spreads(nodes: Sequence[OperationDefinitionNode | FragmentDefinitionNode]) -> set[str]:
    found: set[str] = set()
    waiting: list[SelectionSetNode | None] = [node.selection_set for node in nodes]
    while waiting:
        selected = waiting.pop()
        for selection in selected.selections if selected else ():
            if isinstance(selection, FragmentSpreadNode):
                found.add(selection.name.value)
            elif isinstance(selection, FieldNode | InlineFragmentNode):
                waiting.append(selection.selection_set)
    return found
