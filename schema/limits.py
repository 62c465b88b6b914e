"""What an operation may cost: measured in one walk that visits every fragment once, before validation.

Walking a fragment again for every spread of it takes exponential time on a document of a kilobyte; here each fragment
is measured once and remembered. The walk knows the schema's types, so that a page counts as many times as it may have
items even where `first` is left to its default, and a list is never free.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    ListValueNode,
    NamedTypeNode,
    ObjectValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    get_nullable_type,
)

MAXIMUM_TOKENS = 2_000  # the longest operation of a real front end has about 600
MAXIMUM_QUERY = 32_768  # characters
MAXIMUM_DEPTH = 14  # the contract promises at least 10
MAXIMUM_ALIASES = 50  # a screen asks for a handful of things twice
MAXIMUM_ROOT_FIELDS = 20
MAXIMUM_NESTED = 200  # fields with a selection, in the whole document: validation compares those of one name in pairs
MAXIMUM_COST = 20_000  # fields, counting a list as many times as it may have items
MAXIMUM_LIST = 100  # of any one list
UNKNOWN_PAGE = 20  # what a page has when `first` is not given
UNKNOWN_LIST = 5  # what a list that is no page has, about: sections of a menu, dishes of a section

# Introspection nests deeper than any operation, but costs little and only what the schema has; graphql-core's own rule
# bounds its lists. Under aliases it would be answered as many times over: 0.7 s for one document of 1 900 tokens.
_INTROSPECTION = ("__schema", "__type")

_Composite = GraphQLObjectType | GraphQLInterfaceType


_TOO_DEAR = f"it asks for more than {MAXIMUM_COST} fields in all: lower `first` where lists hold lists"


class LimitExceeded(Exception):
    """The operation is too large; the message says in what."""


@dataclass(frozen=True, slots=True)
class Size:
    """How deep, how dear, how many aliases, and how many fields at its top."""

    depth: int
    cost: int
    aliases: int
    fields: int


_NOTHING = Size(0, 0, 0, 0)


class _Walk:
    """One measurement of one operation."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._fragments = {
            definition.name.value: definition
            for definition in document.definitions
            if isinstance(definition, FragmentDefinitionNode)
        }
        self._variables = variables
        self._known: dict[str, Size] = {}
        self._open: set[str] = set()
        self._nested = 0

    def selection(self, node: SelectionSetNode | None, parent: _Composite | None, level: int) -> Size:
        if node is None:
            return _NOTHING
        if level > MAXIMUM_DEPTH * 4:  # a bound on our own recursion, far above what is let through
            raise LimitExceeded("depth")
        depth = cost = aliases = fields = 0
        for each in node.selections:
            size = self._one(each, parent, level)
            depth, cost, aliases = max(depth, size.depth), cost + size.cost, aliases + size.aliases
            fields += size.fields
            if cost > MAXIMUM_COST or aliases > MAXIMUM_ALIASES:
                raise LimitExceeded(_TOO_DEAR if cost > MAXIMUM_COST else "aliases")
        return Size(depth, cost, aliases, fields)

    def _one(self, node: object, parent: _Composite | None, level: int) -> Size:
        if isinstance(node, FieldNode):
            return self._field(node, parent, level)
        if isinstance(node, InlineFragmentNode):
            return self.selection(node.selection_set, self._type(node.type_condition) or parent, level + 1)
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value, level)
        return _NOTHING

    def _field(self, node: FieldNode, parent: _Composite | None, level: int) -> Size:
        for argument in node.arguments or ():
            check_literal(argument)
        self._nested += node.selection_set is not None
        if self._nested > MAXIMUM_NESTED:
            raise LimitExceeded("fields with a selection")
        aliases = 1 if node.alias else 0
        if node.name.value in _INTROSPECTION:
            inner = self.selection(node.selection_set, None, level + 1)
            if aliases or inner.aliases:
                raise LimitExceeded("aliases in introspection")
            return Size(1, 1 + inner.cost, 0, 1)
        field = parent.fields.get(node.name.value) if parent else None
        named = get_named_type(field.type) if field else None
        inner = self.selection(node.selection_set, named if isinstance(named, _Composite) else None, level + 1)
        of_page = parent is not None and parent.name.endswith("Connection")  # whose `first` has been counted
        times = self._times(node, field) if field and inner.cost and not of_page else 1
        return Size(inner.depth + 1, 1 + times * inner.cost, inner.aliases + aliases, 1)

    def _fragment(self, name: str, level: int) -> Size:
        if name in self._known:
            return self._known[name]
        fragment = self._fragments.get(name)
        if fragment is None or name in self._open:  # validation says what is wrong with either
            return _NOTHING
        self._open.add(name)
        parent = self._type(fragment.type_condition)
        self._known[name] = self.selection(fragment.selection_set, parent, level + 1)
        self._open.discard(name)
        return self._known[name]

    def _type(self, node: NamedTypeNode | None) -> _Composite | None:
        named = self._schema.type_map.get(node.name.value) if node else None
        return named if isinstance(named, _Composite) else None

    def _times(self, node: FieldNode, field: GraphQLField) -> int:
        if "first" not in field.args:
            return UNKNOWN_LIST if isinstance(get_nullable_type(field.type), GraphQLList) else 1
        value: Any = None
        for argument in node.arguments or ():
            if argument.name.value == "first" and isinstance(argument.value, IntValueNode):
                value = int(argument.value.value[:9])
            elif argument.name.value == "first" and isinstance(argument.value, VariableNode):
                value = self._variables.get(argument.value.name.value)
        return min(max(value, 1), MAXIMUM_LIST) if type(value) is int else UNKNOWN_PAGE


def check_operation(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> None:
    """Raise LimitExceeded when an operation is deeper, dearer or has more aliases than it may."""
    defaults: dict[str, Any] = {}
    for definition in operation.variable_definitions or ():
        if isinstance(definition.default_value, IntValueNode):
            defaults[definition.variable.name.value] = int(definition.default_value.value[:9])
        check_literal(definition.default_value)
    walk = _Walk(schema, document, {**defaults, **variables})
    size = walk.selection(operation.selection_set, schema.get_root_type(operation.operation), 1)
    if size.fields > MAXIMUM_ROOT_FIELDS:
        raise LimitExceeded("root fields")
    if size.depth > MAXIMUM_DEPTH:
        raise LimitExceeded("depth")


def check_lists(value: Any) -> None:
    """Raise LimitExceeded when any list of the variables is longer than an input list may be."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            _check_length(each)
            waiting.extend(each)
        elif isinstance(each, dict):
            waiting.extend(each.values())


def check_literal(value: object) -> None:
    """Raise LimitExceeded when a list written into the document is longer than an input list may be."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, ListValueNode):
            _check_length(each.values)
        waiting.extend(_parts(each))


def _parts(node: object) -> Iterator[object]:
    if isinstance(node, ArgumentNode):
        yield node.value
    elif isinstance(node, ListValueNode):
        yield from node.values
    elif isinstance(node, ObjectValueNode):
        yield from (field.value for field in node.fields)


def _check_length(values: Any) -> None:
    if len(values) > MAXIMUM_LIST:
        raise LimitExceeded(f"a list of more than {MAXIMUM_LIST} members")
