"""What an order is called by, and what its customer's phone hears of each step."""

import pytest

from resolvers.ordering import draft
from scripts.client import new_key
from tests.menu.shops import dish, open_shop, wanted
from tests.support.core import dishes, new_person, placed
from tests.support.following import follow
from tests.support.world import World

UPDATES = """subscription($id: ID!) { orderUpdates(orderId: $id) { __typename
  ... on OrderChanged { order { status } } } }"""


async def test_numbers_count_up_per_store_and_day(world: World) -> None:
    food = dish()
    here, there = await open_shop(world, [food]), await open_shop(world, [food])
    person = await new_person(world)
    numbers = [
        (await placed(world.app, person, wanted(shop, (food, 1)), new_key())).number for shop in (here, here, there)
    ]
    assert numbers == ["001", "002", "001"]


async def test_two_open_orders_of_a_store_never_share_a_verification_code(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    food = dish()
    shop, person = await open_shop(world, [food]), await new_person(world)
    drawn = iter([7, 7, 7, 8])  # the second order draws what the first has, twice
    monkeypatch.setattr(draft.secrets, "randbelow", lambda _: next(drawn))
    codes = [(await placed(world.app, person, wanted(shop, (food, 1)), new_key())).verification_code for _ in range(2)]
    assert codes == ["000007", "000008"]


async def test_each_step_of_the_shop_reaches_the_customers_order_updates(world: World) -> None:
    person, owner = await world.person(), await world.staff()
    lines = [{"dishId": (await dishes(world))[0].id, "quantity": 1}]
    cart = {"storeId": world.store_id, "type": "PICK_UP", "lines": lines, "tenders": [{"method": "CASH"}]}
    order = (await person.do("placeOrder", "order { id }", **cart, idempotencyKey=new_key()))["order"]
    async with person.socket() as socket:
        updates = await follow(world.app, socket, UPDATES, id=order["id"])
        cash = {"storeId": world.store_id, "orderId": order["id"], "idempotencyKey": new_key()}
        await owner.do("takeCash", "order { id }", **cash)
        for step in ("ACCEPT", "READY", "COMPLETE"):
            await owner.do("advanceOrder", "order { status }", orderId=order["id"], step=step)
        told = []
        while "COMPLETED" not in told:
            event = await updates.next()
            if event["__typename"] == "OrderChanged":
                told.append(event["order"]["status"])
    assert [each for each in dict.fromkeys(told) if each != "AWAITING_PAYMENT"] == [
        "PAID",
        "ACCEPTED",
        "READY",
        "COMPLETED",
    ]
