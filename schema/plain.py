"""A faster way through plain types: those whose fields are all stored values, as a menu's thousands are.

The executor spends microseconds on every field, on path, info and error handling that a stored value needs none of.
For a selection on a plain type this file makes a plan once per operation, a list of (key, attribute, how to show it),
and applies it to each object. Whatever does not fit the plan goes the ordinary way, which knows how to complain.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from graphql import (
    GraphQLBoolean,
    GraphQLID,
    GraphQLInt,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    GraphQLString,
    is_leaf_type,
)
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

Show = Callable[[Any], Any]
Plan = Callable[[Any], dict[str, Any]]

_AS_THEY_ARE: dict[str, type] = {GraphQLString.name: str, GraphQLID.name: str, GraphQLBoolean.name: bool}
_INT_LIMIT = 2**31


class Remembered:
    """What was answered of an object that many requests show unchanged; such an object has one as `remembered`.

    A plain object's answer depends on nothing but the selection and the variables that steer @skip and @include.
    """

    MOST = 8  # answers per object: the front ends of one product ask in two or three ways

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[Any, ...], tuple[Any, dict[str, Any]]] = OrderedDict()

    def get(self, nodes: list[Any], steering: tuple[Any, ...], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The answer for these selection nodes, made if it is new. Nodes are kept, so that no id is used again."""
        key = (*map(id, nodes), *steering)
        found = self._answers.get(key)
        if found is None:
            found = self._answers[key] = (nodes, make())
            if len(self._answers) > self.MOST:
                self._answers.popitem(last=False)
        return found[1]


class _Misfit(Exception):
    """A value that does not fit the plan."""


def plain_types(schema: GraphQLSchema) -> dict[str, type]:
    """The plain object types of a schema, by name, with their classes."""
    candidates = {
        name: kind
        for name, kind in schema.type_map.items()
        if isinstance(kind, GraphQLObjectType) and "strawberry-definition" in (kind.extensions or {})
    }
    plain = {name for name, kind in candidates.items() if all(_is_stored(field) for field in kind.fields.values())}
    while True:  # a type is plain only if all that it holds is
        mixed = {
            name
            for name in plain
            for field in candidates[name].fields.values()
            if not is_leaf_type(inner := _inner(field.type)) and getattr(inner, "name", "") not in plain
        }
        if not mixed:
            return {name: candidates[name].extensions["strawberry-definition"].origin for name in plain}
        plain -= mixed


def _is_stored(field: Any) -> bool:
    return bool(getattr(field.resolve, "_is_default", False)) and not field.args


def _inner(kind: GraphQLOutputType) -> Any:
    while isinstance(kind, GraphQLNonNull | GraphQLList):
        kind = kind.of_type
    return kind


class PlainExecutor(StrawberryGraphQLCoreExecutionContext):
    """The executor, with plans for plain types."""

    _plans: dict[int, tuple[Any, Plan]] | None = None

    def complete_object_value(
        self, return_type: GraphQLObjectType, field_details_list: Any, info: Any, path: Any, result: Any, *rest: Any
    ) -> Any:
        """An object's fields: by its plan if its type is plain, else the ordinary way."""
        known = _PLAIN.get(id(self.schema))
        if known is None:
            known = _PLAIN.setdefault(id(self.schema), plain_types(self.schema))
        if known.get(return_type.name) is type(result):
            try:
                plan = self._plan(return_type, field_details_list)
                remembered: Remembered | None = getattr(result, "remembered", None)
                if remembered is None:
                    return plan(result)
                nodes = [details.node for details in field_details_list]
                return remembered.get(nodes, self._steering(), lambda: plan(result))
            except _Misfit:
                pass
        return super().complete_object_value(return_type, field_details_list, info, path, result, *rest)

    def _steering(self) -> tuple[Any, ...]:
        """The variables that can steer a selection: @skip and @include take booleans, and only those."""
        variables = self.variable_values.coerced
        return tuple((name, value) for name, value in sorted(variables.items()) if type(value) is bool)

    def _plan(self, kind: GraphQLObjectType, field_details_list: Any) -> Plan:
        if self._plans is None:
            self._plans = {}
        found = self._plans.get(id(field_details_list))
        if found is None:  # the list is kept with its plan, so that its id is not used again meanwhile
            found = self._plans[id(field_details_list)] = (
                field_details_list,
                self._make_plan(kind, field_details_list),
            )
        return found[1]

    def _make_plan(self, kind: GraphQLObjectType, field_details_list: Any) -> Plan:
        steps: list[tuple[str, str, Show]] = []
        typename: list[str] = []
        for key, details in self.collect_subfields(kind, field_details_list).grouped_field_set.items():
            name = details[0].node.name.value
            if name == "__typename":
                typename.append(key)
                continue
            field = kind.fields[name]
            attribute = field.extensions["strawberry-definition"].python_name
            steps.append((key, attribute, self._show(field.type, details)))

        def plan(value: Any) -> dict[str, Any]:
            shown = {key: show(getattr(value, attribute)) for key, attribute, show in steps}
            for key in typename:
                shown[key] = kind.name
            return shown

        return plan

    def _show(self, kind: GraphQLOutputType, details: Any) -> Show:
        if isinstance(kind, GraphQLNonNull):
            return _never_null(self._show(kind.of_type, details))
        if isinstance(kind, GraphQLList):
            item = self._show(kind.of_type, details)
            return lambda value: None if value is None else [item(each) for each in value]
        if isinstance(kind, GraphQLObjectType):
            plan = self._plan(kind, details)
            return lambda value: None if value is None else plan(value)
        if is_leaf_type(kind):
            return _leaf(kind)
        raise TypeError(f"{kind} is not plain")


_PLAIN: dict[int, dict[str, type]] = {}  # per schema; there are two, and they live as long as the process


def _never_null(show: Show) -> Show:
    def shown(value: Any) -> Any:
        if value is None:
            raise _Misfit
        return show(value)

    return shown


def _leaf(kind: GraphQLLeafType) -> Show:
    serialize = kind.serialize
    as_it_is = _AS_THEY_ARE.get(kind.name)
    if as_it_is is not None:
        return lambda value: value if type(value) is as_it_is or value is None else serialize(value)
    if kind.name == GraphQLInt.name:
        return lambda value: (
            value if type(value) is int and -_INT_LIMIT <= value < _INT_LIMIT else _other(serialize, value)
        )
    return lambda value: _other(serialize, value)


def _other(serialize: Callable[[Any], Any], value: Any) -> Any:
    return None if value is None else serialize(value)
