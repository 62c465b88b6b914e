"""The faster way through plain types answers exactly what the ordinary way does, and remembers without mixing."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from graphql import execute, parse
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from gateway.graphql import Engine
from gateway.requests import Request
from schema.context import Context, Loaders
from schema.customer.schema import customer_schema
from schema.plain import PlainExecutor, plain_types
from tests.support.world import World

WHOLE = """query($id: ID!, $prices: Boolean! = true) { store(id: $id) { __typename menu { v: version
    sections { __typename name items { available soldOut
      price @include(if: $prices) { amountFen currency display } memberPrice { display } specialPrice { display }
      dish { ...D } } } } } }
  fragment D on Dish { __typename id title: name tags
    optionGroups { minimum options { id priceDelta { display } } } }"""


async def _ask(world: World, executor: type, query: str, **variables: object) -> object:
    loaders = Loaders(world.app, (), None, cache=True)
    found = execute(
        customer_schema._schema,
        parse(query),
        context_value=Context(world.app, None, loaders, "test"),
        variable_values={"id": world.store_id, **variables},
        executor_class=executor,
    )
    result = await found  # type: ignore[misc]
    assert not result.errors
    return result.data


@pytest.mark.parametrize("prices", [True, False])
async def test_both_ways_answer_the_same(world: World, prices: bool) -> None:
    ordinary = await _ask(world, StrawberryGraphQLCoreExecutionContext, WHOLE, prices=prices)
    assert await _ask(world, PlainExecutor, WHOLE, prices=prices) == ordinary


async def test_what_is_remembered_does_not_mix_documents_or_variables(world: World) -> None:
    engine = Engine(world.app, customer_schema)

    async def ask(query: str, **variables: object) -> dict[str, object]:
        operation = engine.prepare(Request(query, None, {"id": world.store_id, **variables}))
        answer = await engine.run(operation, None, "test")
        item = answer["data"]["store"]["menu"]["sections"][0]["items"][0]
        assert isinstance(item, dict)
        return item

    names = "query($id: ID!) { store(id: $id) { menu { sections { items { dish { name } } } } } }"
    for _ in range(2):
        assert "price" in await ask(WHOLE, prices=True)
        assert "price" not in await ask(WHOLE, prices=False)
        assert list(await ask(names)) == ["dish"]


def test_types_with_anything_to_resolve_are_not_plain() -> None:
    plain = plain_types(customer_schema._schema)
    assert {"Menu", "MenuItem", "Dish", "Money"} <= set(plain)
    assert not {"Store", "Brand", "Card", "Coupon", "Order", "Me", "Wallet", "Query"} & set(plain)


def test_a_query_has_one_moment_for_all_of_it_and_a_mutation_or_subscription_the_present() -> None:
    class Clock:
        at = datetime(2026, 11, 22, tzinfo=UTC)

        def now(self) -> datetime:
            return self.at

    app = SimpleNamespace(clock=Clock())
    of_query, of_mutation = (Loaders(app, None, None, cache=cache) for cache in (True, False))  # type: ignore[arg-type]
    began = app.clock.at
    app.clock.at += timedelta(hours=1)
    assert of_query.now == began
    assert of_mutation.now == began + timedelta(hours=1)
