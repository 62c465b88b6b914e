"""The conventions of the GraphQL schemas, and of the methods behind them."""

import ast

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNamedType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_specified_scalar_type,
)

LONGEST_MUTATION = 8  # lines of its body: read the input, call one verb, wrap the answer


def broken_conventions(schema: GraphQLSchema) -> list[str]:
    """Every place where a schema breaks a convention."""
    found: list[str] = []
    for name, kind in schema.type_map.items():
        if name.startswith("__") or (isinstance(kind, GraphQLScalarType) and is_specified_scalar_type(kind)):
            continue
        found += _type(name, kind)
    if schema.mutation_type is not None:
        for name, field in schema.mutation_type.fields.items():
            found += _mutation(name, field)
    return found


def _type(name: str, kind: GraphQLNamedType) -> list[str]:
    found = [] if kind.description else [f"{name} has no description"]
    if isinstance(kind, GraphQLEnumType):
        found += _enum(name, kind)
    if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType):
        for field_name, field in kind.fields.items():
            found += _described(f"{name}.{field_name}", field)
            for argument_name, argument in field.args.items():
                found += _described(f"{name}.{field_name}({argument_name})", argument)
    if isinstance(kind, GraphQLInputObjectType):
        for field_name, input_field in kind.fields.items():
            found += _described(f"{name}.{field_name}", input_field)
    if isinstance(kind, GraphQLObjectType):
        found += _object(name, kind)
    return found


def _described(place: str, item: GraphQLField | GraphQLArgument | GraphQLInputField) -> list[str]:
    found = [] if item.description else [f"{place} has no description"]
    kind = item.type.of_type if isinstance(item.type, GraphQLNonNull) else item.type
    if isinstance(kind, GraphQLList) and not isinstance(kind.of_type, GraphQLNonNull):
        found.append(f"{place} is a list of nullable items")
    if isinstance(item, GraphQLField) and isinstance(item.type, GraphQLList):
        found.append(f"{place} is a nullable list")
    return found


def _enum(name: str, kind: GraphQLEnumType) -> list[str]:
    found = [f"{name}.{value} has no description" for value, each in kind.values.items() if not each.description]
    if name.endswith("ErrorCode"):
        found += [
            f"{name}.{value} does not say when it is returned"
            for value, each in kind.values.items()
            if not (each.description or "").startswith("Returned ")
        ]
    return found


def _object(name: str, kind: GraphQLObjectType) -> list[str]:
    found = []
    interfaces = {interface.name for interface in kind.interfaces}
    if name.endswith("Error"):
        if "UserError" not in interfaces:
            found.append(f"{name} is no UserError")
        if "code" not in kind.fields:
            found.append(f"{name} has no code")
    if name.endswith("Connection") and not {"edges", "nodes", "pageInfo"} <= set(kind.fields):
        found.append(f"{name} is not a connection")
    for field_name, field in kind.fields.items():
        if get_named_type(field.type).name.endswith("Connection") and not {"first", "after"} <= set(field.args):
            found.append(f"{name}.{field_name} cannot be paged forward")
        if {"last", "before"} & set(field.args):
            found.append(f"{name}.{field_name} can be paged backward")
    return found


def _mutation(name: str, field: GraphQLField) -> list[str]:
    verb = name[0].upper() + name[1:]
    found = []
    if list(field.args) != ["input"] or not str(field.args["input"].type).endswith(f"{verb}Input!"):
        found.append(f"{name} does not take one input: {verb}Input!")
    union = field.type.of_type if isinstance(field.type, GraphQLNonNull) else None
    if not isinstance(union, GraphQLUnionType) or not union.name.endswith(f"{verb}Result"):
        return [*found, f"{name} does not answer {verb}Result!"]
    members = [member.name for member in union.types]
    if len(members) != 2 or not members[0].endswith(f"{verb}Success") or not members[1].endswith("Error"):
        found.append(f"{name} does not answer {verb}Success or a domain error, but {members}")
    return found


def long_mutations(source: str) -> list[str]:
    """Mutation methods whose body is longer than it may be, or that catch exceptions: rules belong into verbs."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AsyncFunctionDef) and any(
            "mutation" in ast.unparse(each) for each in node.decorator_list
        ):
            lines = (node.end_lineno or 0) - node.body[0].lineno + 1
            if lines > LONGEST_MUTATION:
                found.append(f"{node.name} has {lines} lines")
            if any(isinstance(each, ast.Try) for each in ast.walk(node)):
                found.append(f"{node.name} catches exceptions")
    return found
