"""Many at one table at once: every line lands, one change of a line wins, one order is placed."""

import asyncio
from dataclasses import replace

from scripts.client import new_key
from tests.menu.shops import menu_of
from tests.support.world import World
from tests.tables.tables import add, change, code_of, guests, look, new_table, place
from tests.till.counter import new_guest


async def test_thirty_people_add_at_once(world: World) -> None:
    table, people = await new_table(world), await guests(world, 30)
    await asyncio.gather(*(add(guest.api, table, table.tea, 1 + place) for place, guest in enumerate(people)))
    cart = await look(people[0].api, table)
    assert cart is not None
    assert (len(cart["lines"]), len(cart["people"]), cart["revision"]) == (30, 30, 30)
    assert sum(line["quantity"] for line in cart["lines"]) == 30 * 31 // 2
    assert [line["mine"] for line in cart["lines"]].count(True) == 1


async def test_twenty_change_one_line_and_two_lines_merge(world: World) -> None:
    table, people = await new_table(world), await guests(world, 4)
    [tea] = (await add(people[0].api, table, table.tea))["lines"]
    codes = await asyncio.gather(
        *(code_of(change(people[number % 4].api, table, tea, 2 + number)) for number in range(20))
    )
    assert (codes.count(None), codes.count("LINE_CHANGED")) == (1, 19)
    fish = (await add(people[1].api, table, table.fish))["lines"][1]
    [tea, fish] = (await look(people[0].api, table) or {})["lines"]
    calls = [change(people[each % 4].api, table, line, 50 + each) for each in range(10) for line in (tea, fish)]
    codes = await asyncio.gather(*(code_of(call) for call in calls))
    assert codes[0::2].count(None) == codes[1::2].count(None) == 1
    cart = await look(people[0].api, table)
    assert cart is not None
    assert [line["revision"] for line in cart["lines"]] == [3, 2]


async def test_ten_place_at_once_and_each_with_their_own_key(world: World) -> None:
    table, people = await new_table(world), await guests(world, 10)
    for guest in people:
        await add(guest.api, table, table.tea)
    key = new_key()
    calls = [place(guest.api, table, "EQUAL", revision=10) for guest in people[1:]]
    calls += [place(people[0].api, table, "EQUAL", revision=10, idempotencyKey=key) for _ in range(3)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    placed = {each["id"] for each in answers if isinstance(each, dict)}
    assert len(placed) == 1
    refused = [getattr(each, "code", each) for each in answers if not isinstance(each, dict)]
    assert {*refused} <= {"LINE_CHANGED"}
    assert len(refused) in (9, 11)  # three copies of one call have one answer
    orders = await world.app.connection.collection("orders").count_documents({"table_code": table.code})
    assert orders == 1


async def test_who_comes_second_is_told_so_though_the_dish_is_gone(world: World) -> None:
    table, people = await new_table(world), await guests(world, 4)
    last = replace(table.fish, daily_stock=4)
    store = await world.app.brands.store(table.store_id)
    assert store is not None
    await world.app.menus.put(menu_of(store, [last]))
    for guest in people:
        await add(guest.api, table, last)
    calls = [code_of(place(guest.api, table, "EACH_PAYS_OWN", revision=4)) for guest in people]
    codes = await asyncio.gather(*calls)
    assert (codes.count(None), codes.count("LINE_CHANGED")) == (1, 3)


async def test_adding_while_somebody_places_is_in_the_order_or_refused(world: World) -> None:
    for _ in range(5):
        table, ann = await new_table(world), await new_guest(world)
        await add(ann.api, table, table.fish)
        [placed, added] = await asyncio.gather(
            code_of(place(ann.api, table, revision=1)), code_of(add(ann.api, table, table.tea))
        )
        assert (placed, added) in ((None, "LINE_CHANGED"), ("LINE_CHANGED", None))
