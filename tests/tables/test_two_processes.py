"""A table whose guests are served by two processes, which meet in MongoDB only; and what its reads cost."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from gateway.wiring import wire
from resolvers.app import App
from resolvers.live.follow_table import follow_table
from resolvers.ordering.model import LineRequest
from resolvers.ordering.pay import pay_order
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod
from resolvers.people.model import SignedIn
from resolvers.tables.add import add_to_table
from resolvers.tables.at_table import free_of_lapsed
from resolvers.tables.change import change_table_line
from resolvers.tables.model import TableCart, TableSplit
from resolvers.tables.place import place_table_order
from tests.menu.shops import menu_of
from tests.support.core import card_now, card_with, new_person
from tests.support.racing import settled
from tests.support.watching import scan_of, watching
from tests.support.world import World, settings_of
from tests.tables.tables import CART, ORDER, add, guests, look, new_table, pay, place


@pytest.fixture
async def apps(world: World) -> AsyncIterator[list[App]]:
    """Two applications on one database; each has queues of its own."""
    other = wire(settings_of(world.settings), world.clock)
    await other.app.hub.start(_none_ended)
    yield [world.app, other.app]
    await other.app.hub.stop()
    await other.close()


async def _none_ended() -> dict[str, datetime]:
    return {}


async def test_all_that_is_added_lands_and_one_change_and_one_order_win(world: World, apps: list[App]) -> None:
    table, people = await new_table(world), [await new_person(world) for _ in range(12)]
    line = LineRequest(table.tea.id, 1)
    results = await asyncio.gather(
        *(
            settled(lambda app=apps[number % 2], person=person: add_to_table(app, person, table.code, line, "add"))
            for number, person in enumerate(people)
        )
    )
    assert Counter(results) == {"won": 12}
    cart = await world.app.tables.open_cart(table.code)
    assert cart is not None
    assert (len(cart.lines), len(cart.people), cart.revision) == (12, 12, 12)
    first = cart.lines[0].id
    results = await asyncio.gather(
        *(
            settled(
                lambda app=apps[number % 2], person=person, number=number: change_table_line(
                    app, person, table.code, first, 1, 2 + number
                )
            )
            for number, person in enumerate(people)
        )
    )
    assert Counter(results) == {"won": 1, "LINE_CHANGED": 11}
    results = await asyncio.gather(
        *(
            settled(
                lambda app=apps[number % 2], person=person: place_table_order(
                    app, person, table.code, 13, TableSplit.EQUAL, None, "place"
                )
            )
            for number, person in enumerate(people)
        )
    )
    assert Counter(results) == {"won": 1, "LINE_CHANGED": 11}


async def test_who_comes_second_elsewhere_is_told_so_though_the_dish_is_gone(
    world: World, apps: list[App], monkeypatch: pytest.MonkeyPatch
) -> None:
    table, (ann, bob) = await new_table(world), [await new_person(world) for _ in range(2)]
    store, last = await world.app.brands.store(table.store_id), replace(table.fish, daily_stock=1)
    assert store is not None
    await world.app.menus.put(menu_of(store, [last]))
    await add_to_table(world.app, ann, table.code, LineRequest(last.id, 1), "add")

    async def place_at(app: App, person: SignedIn) -> str:
        return await place_table_order(app, person, table.code, 1, TableSplit.EQUAL, None, "place")

    async def and_meanwhile_bob_orders(app: App, table_code: str) -> TableCart | None:
        cart = await free_of_lapsed(app, table_code)
        monkeypatch.undo()
        await place_at(apps[1], bob)
        return cart

    monkeypatch.setattr("resolvers.tables.place.free_of_lapsed", and_meanwhile_bob_orders)
    assert await settled(lambda: place_at(apps[0], ann)) == "LINE_CHANGED"


async def test_shares_paid_from_two_processes_are_each_paid_once(world: World, apps: list[App]) -> None:
    table, people = await new_table(world), [await new_person(world) for _ in range(5)]
    cards = [await card_with(world, person, 20_000) for person in people]
    for person in people:
        await add_to_table(world.app, person, table.code, LineRequest(table.fish.id, 1), "add")
    order_id = await place_table_order(world.app, people[0], table.code, 5, TableSplit.EQUAL, None, "place")
    order = await world.app.orders.order(order_id)
    assert order is not None
    results = await asyncio.gather(
        *(
            settled(
                lambda app=app, person=person, card=card, share=share: pay_order(
                    app,
                    person,
                    order_id,
                    [Tender(PaymentMethod.STORED_VALUE, card.id, None)],
                    f"{share.id}",
                    share_id=share.id,
                )
            )
            for app in apps
            for person, card in zip(people, cards, strict=True)
            for share in order.shares
        )
    )
    # the two copies of the one call that was first for a share both have its answer
    assert set(results) == {"won", "NOT_PAYABLE"}
    paid = await world.app.orders.order(order_id)
    assert paid is not None
    assert (paid.status.value, paid.paid_fen) == ("PAID", 15_000)
    spent = [20_000 - sum(lot.left_fen for lot in (await card_now(world, card.id)).lots) for card in cards]
    assert sum(spent) == 15_000


async def test_what_one_process_writes_is_seen_by_who_watches_through_the_other(world: World, apps: list[App]) -> None:
    table, ann = await new_table(world), await new_person(world)
    async with aclosing(follow_table(apps[1], table.code, None)) as stream:
        assert (await anext(stream)).cart is None
        waiting = asyncio.create_task(anext(stream))
        await add_to_table(apps[0], ann, table.code, LineRequest(table.tea.id, 2), "k")
        event = await asyncio.wait_for(waiting, 30)
    assert ([line.quantity for line in event.cart.lines], event.resync) == ([2], False)


async def test_every_read_of_a_table_is_covered_by_an_index(mongodb_uri: str, tmp_path_factory) -> None:  # type: ignore[no-untyped-def]
    async with watching(mongodb_uri, Path(tmp_path_factory.mktemp("tables-reads"))) as (world, commands):
        table, (ann, bob) = await new_table(world), await guests(world, 2)
        commands.seen.clear()
        cart = await add(ann.api, table, table.fish)
        await add(bob.api, table, table.soup)
        await ann.api.ask(f'{{ node(id: "{cart["id"]}") {{ {CART.replace("table {", "... on TableCart {", 1)} }} }}')
        order = await place(ann.api, table, "EACH_PAYS_OWN")
        await pay(bob, order, order["shares"][1])
        orders = ORDER.replace("order {", "nodes {", 1)
        for status in ("", ", status: [PAID]", ", status: [AWAITING_PAYMENT, CANCELLED]"):
            found = await bob.api.ask(f"{{ me {{ orders(first: 3{status}) {{ {orders} }} }} }}")
            assert len(found["me"]["orders"]["nodes"]) == (0 if "PAID]" in status else 1)
        await ann.api.do("cancelOrder", "order { id }", orderId=order["id"])
        scans = [await scan_of(world, name, command) for name, command in list(commands.seen)]
        assert [scan for scan in scans if scan] == []
        assert "table_carts" in {command[name] for name, command in commands.seen if name == "find"}
        listed = [command for name, command in commands.seen if name == "find" and command[name] == "orders"]
        by_person = [
            each for each in listed if "shares.payer_id" in str(each["filter"]) and "pay_before" not in each["sort"]
        ]
        assert len(by_person) == 3
        counts = []
        for more in (0, 5):
            for guest in await guests(world, more):
                await add(guest.api, table, table.tea)
            commands.seen.clear()
            await look(ann.api, table)
            counts.append(len(commands.seen))
        assert counts[0] == counts[1]  # of two people's cart as of seven's
        wanted = {"find": "orders", "filter": by_person[0]["filter"], "sort": by_person[0]["sort"]}
        explained = await world.app.connection.database.command("explain", wanted, verbosity="queryPlanner")
        # one's own orders and those with one's share are both read in order, no further than the page
        assert "SORT_MERGE" in str(explained["queryPlanner"]["winningPlan"])
