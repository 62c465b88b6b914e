"""What answers without a token, and that everything else refuses: over every root field, so that none can forget."""

from typing import Any

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    get_named_type,
    is_composite_type,
    is_required_argument,
    is_required_input_field,
)

from schema.console.schema import console_schema
from schema.customer.schema import customer_schema
from scripts.client import Api
from tests.gateway.raw import open_socket, send
from tests.support.world import World

OPEN = {
    "customer": {
        "node",
        "me",
        "brand",
        "brands",
        "cities",
        "scene",
        "store",
        "storeByTable",
        "gift",
        "signIn",
        "refreshSession",
        "signOut",
    },
    "console": {"me", "signIn", "refreshSession", "signOut"},
}
SCHEMAS = {"customer": customer_schema._schema, "console": console_schema._schema}


def sample(kind: Any) -> str:
    """A literal that a type accepts."""
    match kind:
        case GraphQLNonNull():
            return sample(kind.of_type)
        case GraphQLList():
            return f"[{sample(kind.of_type)}]"
        case GraphQLEnumType():
            return next(iter(kind.values))
        case GraphQLInputObjectType():
            fields = [
                f"{name}: {sample(field.type)}" for name, field in kind.fields.items() if is_required_input_field(field)
            ]
            return f"{{{', '.join(fields)}}}"
    literals = {"Int": "1", "Float": "1", "Fen": "1", "Boolean": "true", "DateTime": '"2030-01-01T12:00:00+08:00"'}
    return literals.get(kind.name, '"x"')


def asked(name: str, field: GraphQLField) -> str:
    """The field with whatever it requires."""
    given = [f"{each}: {sample(arg.type)}" for each, arg in field.args.items() if is_required_argument(arg)]
    wanted = " { __typename }" if is_composite_type(get_named_type(field.type)) else ""
    return f"{name}({', '.join(given)}){wanted}" if given else f"{name}{wanted}"


def root_fields() -> list[Any]:
    """(endpoint, operation) of every query and mutation field of both endpoints."""
    return [
        pytest.param(endpoint, name, f"{kind} {{ {asked(name, field)} }}", id=f"{endpoint}-{name}")
        for endpoint, schema in SCHEMAS.items()
        for kind, root in (("query", schema.query_type), ("mutation", schema.mutation_type))
        for name, field in root.fields.items()
    ]


@pytest.mark.parametrize(("endpoint", "name", "operation"), root_fields())
async def test_every_root_field_refuses_a_visitor_unless_it_is_open(
    world: World, endpoint: str, name: str, operation: str
) -> None:
    visitor = Api(world.http, world.url if endpoint == "customer" else world.console)
    _, answer = await visitor.post(operation)
    codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
    assert codes == ([] if name in OPEN[endpoint] else ["UNAUTHENTICATED"])


@pytest.mark.parametrize("endpoint", SCHEMAS)
async def test_every_open_field_is_still_there(endpoint: str) -> None:
    schema = SCHEMAS[endpoint]
    there = {*schema.query_type.fields, *schema.mutation_type.fields}  # type: ignore[union-attr]
    assert OPEN[endpoint] - {"signOut"} <= there


@pytest.mark.parametrize("endpoint", SCHEMAS)
async def test_no_socket_is_opened_for_a_visitor(world: World, endpoint: str) -> None:
    url = world.url if endpoint == "customer" else world.console
    for payload in ({}, None, {"authorization": None}, {"authorization": ""}):
        async with open_socket(world, url) as frames:
            await frames.send({"type": "connection_init", "payload": payload})
            assert await frames.close_code() == 4401


async def test_a_visitor_reads_a_brand_a_store_and_a_menu_with_personal_fields_empty(world: World) -> None:
    data = await world.visitor().ask(
        """query($brand: ID!, $store: ID!) {
          me { id }
          brand(id: $brand) { name membership { level } claimableCoupons { nodes { headline } } topUpTiers { id } }
          store(id: $store) { name open menu { sections { items { dish { name } price { display } } } } } }""",
        brand=world.brand_id,
        store=world.store_id,
    )
    assert data["me"] is None
    assert data["brand"]["membership"] is None
    assert len(data["brand"]["claimableCoupons"]["nodes"]) >= 1
    assert data["store"]["menu"]["sections"][0]["items"][0]["price"]["display"].startswith("¥")


async def test_me_is_null_for_a_visitor_at_the_console_too(world: World) -> None:
    assert (await send(world, {"query": "{ me { id } }"}, url=world.console)).json == {"data": {"me": None}}
