"""Daily stock: gone for everybody at once, back the next day, and moved by the shop while people order."""

import asyncio
from collections import Counter
from dataclasses import replace

import pytest

from resolvers.brands.model import Store
from resolvers.ordering.cancel import cancel_order
from resolvers.ordering.menu import Dish, stock_counter
from resolvers.ordering.place import place_order
from resolvers.ordering.quote import quote_order
from resolvers.ordering.refusals import DishSoldOut
from resolvers.ordering.scarce import resize_stock, scarce_pieces
from tests.menu.shops import dish, in_days, menu_of, open_shop, outcome, sold_out, wanted
from tests.support.core import new_person, placed
from tests.support.world import World


async def _left(world: World, store: Store, each: Dish, days: int = 0) -> int | None:
    counter = stock_counter(each.id, store.business_day(in_days(world, store, days, 12)))
    return (await world.app.work_store.left([counter])).get(counter)


async def _now_stocked(world: World, store: Store, each: Dish, stock: int) -> None:
    """The shop has another daily stock of a dish."""
    await world.app.menus.put(menu_of(store, [replace(each, daily_stock=stock)]))
    await resize_stock(world.app, store)


async def test_two_after_the_last_dish_one_gets_it_and_everybody_sees_it_gone_until_tomorrow(world: World) -> None:
    last = dish("老虎斑", daily_stock=1)
    store = await open_shop(world, [last, dish("虾")])
    assert await sold_out(world, store) == [False, False]
    people = [await new_person(world) for _ in range(2)]
    order = wanted(store, (last, 1))
    assert Counter(await asyncio.gather(*(outcome(place_order(world.app, each, order, "k")) for each in people))) == {
        "won": 1,
        "SOLD_OUT": 1,
    }
    assert await sold_out(world, store) == [True, False]
    tomorrow = in_days(world, store, 1, 12)
    assert await sold_out(world, store, at=tomorrow.isoformat()) == [False, False]
    with pytest.raises(DishSoldOut) as refused:
        await place_order(world.app, await new_person(world), order, "k")
    assert "老虎斑" in refused.value.text
    assert refused.value.details == [last.id]
    ahead = replace(order, pick_up_at=tomorrow)
    assert await outcome(place_order(world.app, people[0], ahead, "tomorrow")) == "won"
    assert (await _left(world, store, last), await _left(world, store, last, 1)) == (0, 0)


async def test_the_answer_that_is_sold_out_names_the_dish(world: World) -> None:
    last = dish("老虎斑", daily_stock=0)
    store = await open_shop(world, [last])
    data = await (await world.person()).ask(
        "mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { ... on OrderError { code message"
        " dishes { name } } } }",
        input={
            "storeId": store.id,
            "type": "PICK_UP",
            "lines": [{"dishId": last.id, "quantity": 1}],
            "idempotencyKey": "k",
        },
    )
    answer = data["placeOrder"]
    assert (answer["code"], answer["dishes"]) == ("SOLD_OUT", [{"name": "老虎斑"}])
    assert "老虎斑" in answer["message"]


async def test_a_stock_of_none_is_sold_out_before_anybody_has_asked_for_it(world: World) -> None:
    store = await open_shop(world, [dish(daily_stock=0), dish(daily_stock=1), dish()])
    assert await sold_out(world, store) == [True, False, False]


async def test_whoever_knows_the_menu_asks_for_what_is_sold_out_only(world: World) -> None:
    gone, last, plain = dish(daily_stock=0), dish(daily_stock=1), dish()
    store = await open_shop(world, [gone, last, plain])
    asked = "query($id: ID!) { store(id: $id) { soldOutDishIds } }"
    assert (await world.visitor().ask(asked, id=store.id))["store"]["soldOutDishIds"] == [gone.id]
    await placed(world.app, await new_person(world), wanted(store, (last, 1)), "k")
    assert (await world.visitor().ask(asked, id=store.id))["store"]["soldOutDishIds"] == [gone.id, last.id]


async def test_another_daily_stock_moves_what_is_left_by_the_difference(world: World) -> None:
    fish = dish(daily_stock=5)
    store = await open_shop(world, [fish])
    person = await new_person(world)
    order = await placed(world.app, person, wanted(store, (fish, 3)), "three")
    ahead = wanted(store, (fish, 1), pick_up_at=in_days(world, store, 2, 12))
    await placed(world.app, person, ahead, "ahead")
    assert [await _left(world, store, fish, days) for days in (0, 1, 2)] == [2, None, 4]
    moves = [(8, 5), (8, 5), (4, 1), (2, -1), (2, -1), (5, 2), (0, -3)]  # 3 are sold throughout
    for stock, left in moves:
        await _now_stocked(world, store, fish, stock)
        assert await _left(world, store, fish) == left, stock
    assert await _left(world, store, fish, 2) == -1
    await _now_stocked(world, store, fish, 9)
    assert await _left(world, store, fish, 2) == 8
    await cancel_order(world.app, person, order.id)
    await _until_left(world, store, fish, 9)


async def test_what_was_sold_beyond_the_new_stock_is_not_sold_again(world: World) -> None:
    fish = dish(daily_stock=5)
    store = await open_shop(world, [fish])
    people = [await new_person(world) for _ in range(4)]
    orders = [await placed(world.app, person, wanted(store, (fish, 1)), "k") for person in people]
    await _now_stocked(world, store, fish, 2)  # 4 are sold: two more than there shall be
    for person, order, left in zip(people, orders, (-1, 0, 1), strict=False):
        await cancel_order(world.app, person, order.id)
        await _until_left(world, store, fish, left)
        assert await sold_out(world, store) == [left <= 0]


async def _until_left(world: World, store: Store, each: Dish, count: int) -> None:
    """Stock of a cancelled order comes back after the commit."""
    async with asyncio.timeout(30):
        while await _left(world, store, each) != count:
            await asyncio.sleep(0.05)


async def test_stock_moved_while_people_order_is_exact(world: World) -> None:
    fish = dish(daily_stock=10)
    store = await open_shop(world, [fish])
    await placed(world.app, await new_person(world), wanted(store, (fish, 1)), "first")
    people = [await new_person(world) for _ in range(24)]

    async def shop() -> str:
        for stock in (12, 9, 15, 18, 15):
            await _now_stocked(world, store, fish, stock)
        return "shop"

    order = wanted(store, (fish, 1))
    calls = [outcome(place_order(world.app, each, order, "k")) for each in people]
    sold = Counter(await asyncio.gather(shop(), *calls))["won"] + 1
    assert 9 <= sold <= 18
    assert await _left(world, store, fish) == 15 - sold
    await _now_stocked(world, store, fish, 30)
    assert await _left(world, store, fish) == 30 - sold


async def test_a_menu_changed_between_being_read_and_the_counter_being_made_holds(world: World) -> None:
    fish = dish(daily_stock=5)
    store = await open_shop(world, [fish])
    quoted = await quote_order(world.app, await new_person(world), wanted(store, (fish, 1)).cart())
    await _now_stocked(world, store, fish, 3)  # there is no counter yet that could be moved
    await scarce_pieces(world.app, quoted, None)
    assert await _left(world, store, fish) == 3
