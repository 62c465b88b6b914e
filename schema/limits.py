"""What an operation may cost: measured in one walk that visits every fragment once, before validation.

Walking a fragment again for every spread of it takes exponential time on a document of a kilobyte; here each fragment
is measured once and remembered.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
)

MAXIMUM_TOKENS = 2_000  # the longest operation of a real front end has about 600
MAXIMUM_QUERY = 32_768  # characters
MAXIMUM_DEPTH = 14  # the contract promises at least 10
MAXIMUM_ALIASES = 50  # a screen asks for a handful of things twice
MAXIMUM_ROOT_FIELDS = 20
MAXIMUM_COST = 20_000  # fields, counting a list as many times as it may have items
MAXIMUM_LIST = 100  # of any one list
UNKNOWN_LIST = 20  # what a page has when `first` is not given

# Introspection nests deeper than any operation, but costs little and only what the schema has.
_INTROSPECTION = ("__schema", "__type")


class LimitExceeded(Exception):
    """The operation is too large; the message says in what."""


@dataclass(frozen=True, slots=True)
class Size:
    """How deep, how dear, how many aliases."""

    depth: int
    cost: int
    aliases: int


class _Walk:
    """One measurement of one document."""

    def __init__(self, fragments: Mapping[str, FragmentDefinitionNode], variables: Mapping[str, Any]) -> None:
        self._fragments = fragments
        self._variables = variables
        self._known: dict[str, Size] = {}
        self._open: set[str] = set()

    def selection(self, node: SelectionSetNode | None, level: int) -> Size:
        if node is None:
            return Size(0, 0, 0)
        if level > MAXIMUM_DEPTH * 4:  # a bound on our own recursion, far above what is let through
            raise LimitExceeded("depth")
        depth = cost = aliases = 0
        for each in node.selections:
            size = self._one(each, level)
            depth, cost, aliases = max(depth, size.depth), cost + size.cost, aliases + size.aliases
            if cost > MAXIMUM_COST or aliases > MAXIMUM_ALIASES:
                raise LimitExceeded("cost" if cost > MAXIMUM_COST else "aliases")
        return Size(depth, cost, aliases)

    def _one(self, node: object, level: int) -> Size:
        if isinstance(node, FieldNode):
            if node.name.value in _INTROSPECTION:
                return Size(1, 1, 0)
            inner = self.selection(node.selection_set, level + 1)
            times = self._times(node) if inner.cost else 1
            return Size(inner.depth + 1, 1 + times * inner.cost, inner.aliases + (1 if node.alias else 0))
        if isinstance(node, InlineFragmentNode):
            return self.selection(node.selection_set, level + 1)
        if isinstance(node, FragmentSpreadNode):
            return self._fragment(node.name.value, level)
        return Size(0, 0, 0)

    def _fragment(self, name: str, level: int) -> Size:
        if name in self._known:
            return self._known[name]
        fragment = self._fragments.get(name)
        if fragment is None or name in self._open:  # validation says what is wrong with either
            return Size(0, 0, 0)
        self._open.add(name)
        self._known[name] = self.selection(fragment.selection_set, level + 1)
        self._open.discard(name)
        return self._known[name]

    def _times(self, node: FieldNode) -> int:
        for argument in node.arguments or ():
            if argument.name.value == "first":
                value: Any = None
                if isinstance(argument.value, IntValueNode):
                    value = int(argument.value.value[:9])
                elif isinstance(argument.value, VariableNode):
                    value = self._variables.get(argument.value.name.value)
                return min(max(value, 1), MAXIMUM_LIST) if type(value) is int else UNKNOWN_LIST
        return 1


def check_operation(document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> None:
    """Raise LimitExceeded when an operation is deeper, dearer or has more aliases than it may."""
    fragments = {
        definition.name.value: definition
        for definition in document.definitions
        if isinstance(definition, FragmentDefinitionNode)
    }
    if len(operation.selection_set.selections) > MAXIMUM_ROOT_FIELDS:
        raise LimitExceeded("root fields")
    size = _Walk(fragments, variables).selection(operation.selection_set, 1)
    if size.depth > MAXIMUM_DEPTH:
        raise LimitExceeded("depth")


def check_lists(value: Any) -> None:
    """Raise LimitExceeded when any list of the variables is longer than an input list may be."""
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, list):
            if len(each) > MAXIMUM_LIST:
                raise LimitExceeded(f"a list of more than {MAXIMUM_LIST} members")
            waiting.extend(each)
        elif isinstance(each, dict):
            waiting.extend(each.values())
