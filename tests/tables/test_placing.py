"""Placing a table's cart: once, at the revision that was seen, shared as it was asked; and what the cart does then."""

import pytest

from scripts.client import Refused, new_key
from tests.support.world import World
from tests.tables.tables import (
    add,
    change,
    code_of,
    fen,
    guests,
    look,
    mine,
    new_table,
    order_now,
    pay,
    place,
)
from tests.till.counter import claimed

ORDERS = "{ me { orders { nodes { id } } } }"


async def test_one_pays_for_all_with_their_coupon(world: World) -> None:
    table, (ann, bob) = await new_table(world), await guests(world, 2, 30_000)
    await claimed(world, ann, "cash-50")  # 50 yuan off from 300
    await add(bob.api, table, table.fish, 10)
    await add(ann.api, table, table.soup)
    order = await place(ann.api, table)
    assert (order["type"], order["tableCode"], order["partySize"]) == ("DINE_IN", table.code, 2)
    assert (order["payable"]["amountFen"], order["couponDiscount"]["amountFen"]) == (32_001 - 5_000, 5_000)
    assert order["shares"] == []
    assert [line["quantity"] for line in order["lines"]] == [10, 1]
    seen = await order_now(bob.api, order)  # everybody at the table sees it, but not whose coupon it was
    assert (seen["payable"], seen["usedCoupons"], seen["canCancel"]) == (order["payable"], [], False)
    assert len(order["usedCoupons"]) == 1
    assert await code_of(pay(bob, order, None)) == "NOT_PAYABLE"
    assert await code_of(pay(ann, order, {"id": "shr_none"})) == "NOT_FOUND"
    paid = (await pay(ann, order, None))["order"]
    assert (paid["status"], paid["paid"]["amountFen"]) == ("PAID", 27_001)
    seen = await order_now(bob.api, order)
    assert (seen["status"], seen["payments"]) == ("PAID", [])
    assert seen["verificationCode"] == paid["verificationCode"] is not None


async def test_each_pays_what_they_added_without_coupons(world: World) -> None:
    table, (ann, bob, cat, dan) = await new_table(world), await guests(world, 4)
    await claimed(world, dan, "cash-50")
    await add(ann.api, table, table.fish, 12)
    await add(bob.api, table, table.soup)
    await add(cat.api, table, table.rice)
    await add(bob.api, table, table.tea)
    order = await place(dan.api, table, "EACH_PAYS_OWN")  # who has added nothing
    assert fen(order["shares"]) == [36_000, 2_001 + 999, 0]
    assert fen(order["shares"], "paid") == [0, 0, 0]
    assert [share["mine"] for share in order["shares"]] == [False] * 3
    assert (order["partySize"], order["couponDiscount"]["amountFen"], order["usedCoupons"]) == (4, 0, [])
    assert [mine(await order_now(each.api, order))["amount"]["amountFen"] for each in (ann, bob, cat)] == [
        36_000,
        3_000,
        0,
    ]
    for guest in (ann, bob, cat, dan):  # for who placed it, and who has a share
        nodes = (await guest.api.ask(ORDERS))["me"]["orders"]["nodes"]
        assert [each["id"] for each in nodes] == [order["id"]]


async def test_equal_shares_to_the_fen_for_all_who_ever_added_something_and_who_places(world: World) -> None:
    table, (ann, bob, cat) = await new_table(world), await guests(world, 3)
    await add(ann.api, table, table.fish)
    cart = await add(bob.api, table, table.tea)
    await change(bob.api, table, cart["lines"][1], 0)
    await add(ann.api, table, table.soup)
    order = await place(cat.api, table, "EQUAL")
    assert order["payable"]["amountFen"] == 5_001
    assert fen(order["shares"]) == [1_667, 1_667, 1_667]
    other = await new_table(world)
    await add(ann.api, other, other.fish)
    await add(ann.api, other, other.soup)
    await add(bob.api, other, other.rice)
    assert fen((await place(bob.api, other, "EQUAL"))["shares"]) == [2_501, 2_500]


async def test_what_has_changed_since_is_not_ordered(world: World) -> None:
    table, (ann, bob) = await new_table(world), await guests(world, 2)
    assert await code_of(place(ann.api, table, revision=1)) == "EMPTY"
    cart = await add(ann.api, table, table.fish)
    await add(bob.api, table, table.soup)
    assert await code_of(place(ann.api, table, revision=cart["revision"])) == "LINE_CHANGED"
    with pytest.raises(Refused) as refused:
        await place(ann.api, table, expectedPayableFen=3_000)
    assert refused.value.code == "PRICE_CHANGED"
    seen = await look(ann.api, table)
    assert seen is not None
    assert (seen["order"], seen["placed"], seen["revision"]) == (None, False, 2)
    assert (await place(ann.api, table, expectedPayableFen=5_001))["payable"]["amountFen"] == 5_001


async def test_an_emptied_cart_is_not_ordered(world: World) -> None:
    table, (ann,) = await new_table(world), await guests(world, 1)
    [fish] = (await add(ann.api, table, table.fish))["lines"]
    await change(ann.api, table, fish, 0)
    assert await code_of(place(ann.api, table)) == "EMPTY"


async def test_while_it_waits_to_be_paid_the_cart_stays_as_it_was_ordered(world: World) -> None:
    table, (ann, bob, passer_by) = await new_table(world), await guests(world, 3)
    [fish] = (await add(ann.api, table, table.fish))["lines"]
    await add(bob.api, table, table.soup)
    key = new_key()
    order = await place(ann.api, table, idempotencyKey=key, revision=2)
    assert (await place(ann.api, table, idempotencyKey=key, revision=2))["id"] == order["id"]
    assert await code_of(place(ann.api, table, idempotencyKey=key, revision=3)) == "IDEMPOTENCY_KEY_REUSED"
    for refused in (add(bob.api, table, table.tea), change(bob.api, table, fish, 2), place(bob.api, table)):
        assert await code_of(refused) == "LINE_CHANGED"
    cart = await look(bob.api, table)
    assert cart is not None
    assert (cart["placed"], cart["order"]["id"], len(cart["lines"])) == (True, order["id"], 2)
    cart = await look(passer_by.api, table)
    assert cart is not None
    assert (cart["placed"], cart["order"]) == (True, None)  # who does not take part sees the cart only
    assert await order_now(passer_by.api, order) is None


async def test_once_it_is_paid_more_is_another_cart(world: World) -> None:
    table, (ann, bob) = await new_table(world), await guests(world, 2)
    cart = await add(ann.api, table, table.fish)
    order = await place(ann.api, table)
    await pay(ann, order, None)
    assert await look(bob.api, table) is None
    more = await add(bob.api, table, table.tea)
    assert more["id"] != cart["id"]
    assert ([line["mine"] for line in more["lines"]], len(more["people"]), more["revision"]) == ([True], 1, 1)
    second = await place(bob.api, table)
    assert second["id"] != order["id"]
    assert await order_now(ann.api, second) is None  # who has added nothing to it


async def test_cancelled_the_cart_is_free_again_with_its_lines(world: World) -> None:
    table, (ann, bob, passer_by) = await new_table(world), await guests(world, 3)
    cart = await add(ann.api, table, table.fish)
    await add(bob.api, table, table.soup)
    order = await place(ann.api, table, "EQUAL")
    cancel = {"orderId": order["id"]}
    assert await code_of(bob.api.do("cancelOrder", "order { id }", **cancel)) == "NOT_CANCELLABLE"
    assert await code_of(passer_by.api.do("cancelOrder", "order { id }", **cancel)) == "NOT_FOUND"
    for _ in range(2):
        assert (await ann.api.do("cancelOrder", "order { status }", **cancel))["order"]["status"] == "CANCELLED"
    again = await look(bob.api, table)
    assert again is not None
    assert (again["id"], again["placed"], again["order"], len(again["lines"])) == (cart["id"], False, None, 2)
    await add(bob.api, table, table.tea)
    assert (await place(bob.api, table, "EQUAL"))["payable"]["amountFen"] == 6_000


async def test_what_costs_nothing_is_paid_as_it_is_placed(world: World) -> None:
    table, (ann, bob) = await new_table(world), await guests(world, 2)
    await add(ann.api, table, table.rice)
    await add(bob.api, table, table.rice)
    order = await place(ann.api, table, "EQUAL")
    assert (order["status"], fen(order["shares"]), order["paid"]["amountFen"]) == ("PAID", [0, 0], 0)
    assert await look(ann.api, table) is None
