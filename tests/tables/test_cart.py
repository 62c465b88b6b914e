"""A table's cart: who added what, edits that merge and edits that meet, and what is refused."""

import asyncio

import pytest

from resolvers.ordering.model import LineRequest
from resolvers.tables.add import add_to_table
from scripts.client import GraphQLFailed, new_key
from tests.menu.shops import outcome
from tests.support.core import new_person
from tests.support.world import World
from tests.tables.tables import CART, add, change, code_of, guests, look, new_table


async def test_two_people_see_one_cart_and_who_added_what(world: World) -> None:
    table, (ann, bob) = await new_table(world), await guests(world, 2)
    assert await look(ann.api, table) is None
    await add(ann.api, table, table.fish, 2, note="少盐")
    cart = await add(bob.api, table, table.soup)
    assert [(line["dish"]["name"], line["quantity"], line["mine"]) for line in cart["lines"]] == [
        ("鱼", 2, False),
        ("汤", 1, True),
    ]
    assert cart["subtotal"]["amountFen"] == 2 * 3_000 + 2_001
    assert (len(cart["people"]), cart["revision"], cart["tableCode"], cart["placed"]) == (2, 2, table.code, False)
    seen = await look(ann.api, table)
    assert seen is not None
    assert [line["mine"] for line in seen["lines"]] == [True, False]
    assert seen["lines"][0]["note"] == "少盐"
    found = await ann.api.ask("query($id: ID!) { node(id: $id) { ... on TableCart { revision } } }", id=cart["id"])
    assert found["node"] == {"revision": 2}


async def test_the_same_dish_twice_is_two_lines(world: World) -> None:
    table, (ann, bob) = await new_table(world), await guests(world, 2)
    await add(ann.api, table, table.tea)
    cart = await add(bob.api, table, table.tea)
    assert [line["quantity"] for line in cart["lines"]] == [1, 1]


async def test_a_stranger_who_only_looks_is_not_at_the_table(world: World) -> None:
    table, (ann, passer_by) = await new_table(world), await guests(world, 2)
    await add(ann.api, table, table.tea)
    cart = await look(passer_by.api, table)
    assert cart is not None
    assert len(cart["people"]) == 1
    with pytest.raises(GraphQLFailed) as failed:
        await look(world.visitor(), table)
    assert failed.value.code == "UNAUTHENTICATED"
    # no id of a person is anywhere in it
    assert "cus_" not in str(cart)


async def test_edits_of_different_lines_merge_and_of_one_line_meet(world: World) -> None:
    table, (ann, bob) = await new_table(world), await guests(world, 2)
    await add(ann.api, table, table.fish)
    fish, soup = (await add(bob.api, table, table.soup))["lines"]
    await asyncio.gather(change(ann.api, table, fish, 3), change(bob.api, table, soup, 2))
    cart = await look(ann.api, table)
    assert cart is not None
    assert [(line["quantity"], line["revision"]) for line in cart["lines"]] == [(3, 2), (2, 2)]
    assert await code_of(change(bob.api, table, fish, 4)) == "LINE_CHANGED"  # of which Ann has made three
    await change(bob.api, table, cart["lines"][0], 4)  # anybody may change anybody's
    cart = await look(ann.api, table)
    assert cart is not None
    assert cart["lines"][0]["quantity"] == 4


async def test_a_change_sent_again_is_success_and_somebody_elses_same_change_is_not(world: World) -> None:
    table, (ann, bob) = await new_table(world), await guests(world, 2)
    [fish] = (await add(ann.api, table, table.fish))["lines"]
    first = await change(ann.api, table, fish, 3)
    assert (await change(ann.api, table, fish, 3))["revision"] == first["revision"]
    assert await code_of(change(bob.api, table, fish, 3)) == "LINE_CHANGED"
    assert await code_of(change(ann.api, table, fish, 2)) == "LINE_CHANGED"
    [fish] = first["lines"]
    gone = await change(ann.api, table, fish, 0)
    assert (gone["lines"], len(gone["people"])) == ([], 1)
    assert (await change(ann.api, table, fish, 0))["revision"] == gone["revision"]
    assert await code_of(change(bob.api, table, fish, 0)) == "LINE_CHANGED"
    assert await code_of(change(ann.api, table, fish, 1)) == "LINE_CHANGED"


async def test_what_cannot_be_added(world: World) -> None:
    table, elsewhere, (ann,) = await new_table(world), await new_table(world), await guests(world, 1)
    unknown = type(table)(**{each: getattr(table, each) for each in table.__slots__} | {"code": "no-table"})
    assert await code_of(add(ann.api, unknown, table.fish)) == "TABLE_UNKNOWN"
    assert await code_of(add(ann.api, table, elsewhere.fish)) == "DISH_UNAVAILABLE"
    assert await code_of(add(ann.api, table, table.fish, optionIds=["opt_none"])) == "OPTION_INVALID"
    assert await code_of(add(ann.api, table, table.fish, 0)) == "EMPTY"
    assert await code_of(add(ann.api, table, table.fish, 1_000)) == "AMOUNT_INVALID"
    for quantity in (-1, 1_000):
        line = {"id": "tln_x", "revision": 1}
        assert await code_of(change(ann.api, table, line, quantity)) == "AMOUNT_INVALID"
    assert await code_of(change(ann.api, table, {"id": "tln_x", "revision": 1}, 1)) == "LINE_CHANGED"
    assert await code_of(change(ann.api, unknown, {"id": "tln_x", "revision": 1}, 1)) == "TABLE_UNKNOWN"
    assert await look(ann.api, table) is None
    assert await look(ann.api, unknown) is None
    with pytest.raises(GraphQLFailed) as failed:
        await add(ann.api, table, table.fish, note="长" * 201)
    assert failed.value.code == "BAD_USER_INPUT"


async def test_what_is_refused_says_which_part_of_the_input_it_is_about(world: World) -> None:
    table, elsewhere, (ann,) = await new_table(world), await new_table(world), await guests(world, 1)
    query = """mutation($input: AddToTableInput!) { addToTable(input: $input) {
      ... on OrderError { code message field dishes { id } } } }"""
    wanted = {"tableCode": table.code, "idempotencyKey": new_key()}
    line = {"dishId": elsewhere.fish.id, "quantity": 1}
    refused = (await ann.api.ask(query, input=wanted | {"line": line}))["addToTable"]
    assert (refused["code"], refused["field"]) == ("DISH_UNAVAILABLE", ["input", "line", "dishId"])
    assert [each["id"] for each in refused["dishes"]] == [elsewhere.fish.id]
    line = {"dishId": table.fish.id, "quantity": 0}
    refused = (await ann.api.ask(query, input=wanted | {"line": line}))["addToTable"]
    assert (refused["code"], refused["field"]) == ("EMPTY", ["input", "line", "quantity"])


async def test_a_cart_has_a_hundred_lines_at_most(world: World) -> None:
    table, (ann,) = await new_table(world), await guests(world, 1)
    for _ in range(100):
        cart = await add(ann.api, table, table.rice)
    assert await code_of(add(ann.api, table, table.rice)) == "AMOUNT_INVALID"
    await change(ann.api, table, cart["lines"][0], 0)
    assert len((await add(ann.api, table, table.rice))["lines"]) == 100


async def test_a_cart_has_fifty_people_at_most(world: World) -> None:
    table, people = await new_table(world), [await new_person(world) for _ in range(51)]
    line = LineRequest(table.rice.id, 1)
    for person in people[:50]:
        await add_to_table(world.app, person, table.code, line, "k")
    assert await outcome(add_to_table(world.app, people[50], table.code, line, "k")) == "AMOUNT_INVALID"
    await add_to_table(world.app, people[0], table.code, line, "k2")


async def test_a_repeated_add_is_one_line_and_shows_the_cart_as_it_is_by_then(world: World) -> None:
    table, (ann, bob) = await new_table(world), await guests(world, 2)
    key = new_key()
    first = await add(ann.api, table, table.fish, key=key)
    await add(bob.api, table, table.tea)
    again = await add(ann.api, table, table.fish, key=key)
    assert again["lines"][0]["id"] == first["lines"][0]["id"]
    assert len(again["lines"]) == 2
    assert await code_of(add(ann.api, table, table.soup, key=key)) == "IDEMPOTENCY_KEY_REUSED"


async def test_a_cart_that_is_over_is_seen_by_who_ordered_from_it_only(world: World) -> None:
    table, (ann, passer_by) = await new_table(world), await guests(world, 2)
    cart = await add(ann.api, table, table.rice)
    query = f"query($id: ID!) {{ node(id: $id) {{ {CART.replace('table {', '... on TableCart {', 1)} }} }}"
    assert (await passer_by.api.ask(query, id=cart["id"]))["node"]["lines"][0]["mine"] is False
    wanted = {"tableCode": table.code, "revision": 1, "idempotencyKey": new_key()}
    await ann.api.do("placeTableOrder", "order { id }", **wanted)  # rice is free: paid at once, and the cart over
    assert await look(ann.api, table) is None
    assert (await ann.api.ask(query, id=cart["id"]))["node"]["order"]["status"] == "PAID"
    assert (await passer_by.api.ask(query, id=cart["id"]))["node"] is None
    assert (await world.visitor().ask(query, id=cart["id"]))["node"] is None
