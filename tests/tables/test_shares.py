"""Paying a table's order in shares: one's own, a friend's, all that is left; never twice; and back to who paid."""

import asyncio
from datetime import timedelta

import pytest

from scripts.client import Json, new_key
from tests.payments.money import until, until_status
from tests.support.core import card_now
from tests.support.following import follow
from tests.support.world import World
from tests.tables.tables import (
    OUTSIDE,
    TableOf,
    add,
    card_of,
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
from tests.till.counter import Guest, hire

POINTS = "{ me { memberships { points } } }"


async def _shared(world: World, split: str = "EACH_PAYS_OWN", **more: int) -> tuple[TableOf, list[Guest], Json]:
    """An order of 30, 20.01 and 9.99 yuan by three people, the first of whom placed it."""
    table, people = await new_table(world), await guests(world, 3, **more)
    for guest, what in zip(people, (table.fish, table.soup, table.tea), strict=True):
        await add(guest.api, table, what)
    return table, people, await place(people[0].api, table, split)


async def _left(world: World, guest: Guest) -> int:
    """What is on a guest's card, in fen, held or not."""
    return sum(lot.left_fen for lot in (await card_now(world, guest.card_id)).lots)


async def _free(world: World, guest: Guest) -> int:
    """What of it can be spent, in fen."""
    return (await guest.api.ask("{ me { wallet { totalBalance { amountFen } } } }"))["me"]["wallet"]["totalBalance"][
        "amountFen"
    ]  # type: ignore[no-any-return]


async def test_each_pays_their_own_and_with_the_last_it_is_paid(world: World) -> None:
    table, people, order = await _shared(world)
    for paid_fen, (guest, share) in zip((3_000, 5_001, 6_000), zip(people, order["shares"], strict=True), strict=True):
        seen = (await pay(guest, order, share))["order"]
        assert seen["paid"]["amountFen"] == paid_fen
        assert [payment["amount"] for payment in seen["payments"]] == [share["amount"]]  # one's own payments only
        assert seen["status"] == ("PAID" if paid_fen == 6_000 else "AWAITING_PAYMENT")
    assert [await _left(world, guest) for guest in people] == [17_000, 17_999, 19_001]
    assert fen(seen["shares"], "paid") == [3_000, 2_001, 999]
    assert await look(people[0].api, table) is None
    assert await code_of(pay(people[0], order, order["shares"][0])) == "NOT_PAYABLE"


async def test_a_friend_may_pay_for_another_but_no_stranger(world: World) -> None:
    _, (ann, bob, _), order = await _shared(world)
    [stranger] = await guests(world, 1)
    soup = order["shares"][1]
    assert await code_of(pay(stranger, order, soup)) == "NOT_FOUND"
    assert await code_of(pay(ann, order, {"id": "shr_none"})) == "NOT_FOUND"
    assert await code_of(pay(ann, order, soup, card_of(bob))) == "NOT_FOUND"  # with one's own cards
    await pay(ann, order, soup)
    assert await code_of(pay(bob, order, soup)) == "NOT_PAYABLE"
    assert (await _left(world, ann), await _left(world, bob)) == (20_000 - 2_001, 20_000)


async def test_a_share_is_paid_whole(world: World) -> None:
    _, (ann, *_), order = await _shared(world)
    share = mine(order)
    for tenders in (
        [card_of(ann, 2_999)],
        [card_of(ann, 3_001)],
        [{"method": "CASH"}],
        [card_of(ann, 1_000), {"method": "CASH"}],
        [{"method": "PASS", "cardId": ann.card_id}],
    ):
        assert await code_of(pay(ann, order, share, *tenders)) == "AMOUNT_INVALID"
    assert (await order_now(ann.api, order))["paid"]["amountFen"] == 0


async def test_a_part_in_the_chat_app_holds_the_card_and_is_paid_with_the_others_in_any_order(world: World) -> None:
    _, (ann, bob, cat), order = await _shared(world)
    opened = await pay(ann, order, order["shares"][0], card_of(ann, 1_000), OUTSIDE)
    assert opened["payment"]["amount"]["amountFen"] == 2_000
    assert (await _left(world, ann), await _free(world, ann)) == (20_000, 19_000)
    theirs = await pay(bob, order, order["shares"][1], OUTSIDE)
    await pay(cat, order, order["shares"][2])
    await world.phone.pay(theirs["payment"])
    await until_status(world, theirs["payment"]["id"], "SUCCEEDED")
    seen = await order_now(ann.api, order)
    assert (seen["status"], fen(seen["shares"], "paid")) == ("AWAITING_PAYMENT", [0, 2_001, 999])
    await world.phone.pay(opened["payment"])
    await until_status(world, opened["payment"]["id"], "SUCCEEDED")
    seen = await order_now(ann.api, order)
    assert (seen["status"], fen(seen["shares"], "paid")) == ("PAID", [3_000, 2_001, 999])
    assert await _left(world, ann) == 19_000


async def test_paying_a_share_anew_gives_up_what_waits_for_it_and_nothing_else(world: World) -> None:
    _, (ann, bob, _), order = await _shared(world)
    first = await pay(ann, order, order["shares"][0], card_of(ann, 1_000), OUTSIDE)
    other = await pay(bob, order, order["shares"][1], card_of(bob, 1), OUTSIDE)
    await pay(bob, order, order["shares"][0])  # for Ann, whose sheet is closed and whose card is free
    await until_status(world, first["payment"]["id"], "CLOSED")
    assert (await _free(world, ann), await _free(world, bob)) == (20_000, 20_000 - 3_000 - 1)
    await world.phone.pay(other["payment"])
    await until_status(world, other["payment"]["id"], "SUCCEEDED")
    assert fen((await order_now(ann.api, order))["shares"], "paid") == [3_000, 2_001, 0]


async def test_one_may_pay_all_that_is_left(world: World) -> None:
    _, (ann, bob, cat), order = await _shared(world, "EQUAL")
    assert fen(order["shares"]) == [2_000, 2_000, 2_000]
    await pay(ann, order, mine(order))
    waiting = await pay(bob, order, order["shares"][1], OUTSIDE)
    assert await code_of(pay(cat, order, None)) == "NOT_PAYABLE"  # while Bob is paying
    done = (await pay(bob, order, None))["order"]  # who may think better of it
    assert (done["status"], fen(done["shares"], "paid")) == ("PAID", [2_000, 2_000, 2_000])
    await until_status(world, waiting["payment"]["id"], "CLOSED")
    assert [await _left(world, each) for each in (ann, bob, cat)] == [18_000, 16_000, 20_000]


async def test_all_that_is_left_in_the_chat_app_pays_every_share_it_was_for(world: World) -> None:
    _, (ann, bob, _), order = await _shared(world)
    opened = await pay(ann, order, None, card_of(ann, 500), OUTSIDE)
    assert opened["payment"]["amount"]["amountFen"] == 5_500
    await world.phone.pay(opened["payment"])
    await until_status(world, opened["payment"]["id"], "SUCCEEDED")
    seen = await order_now(bob.api, order)
    assert (seen["status"], fen(seen["shares"], "paid")) == ("PAID", [3_000, 2_001, 999])
    _, (ann, bob, _), order = await _shared(world)
    opened = await pay(ann, order, None, card_of(ann, 500), OUTSIDE)
    await pay(bob, order, order["shares"][1])  # one of them is paid otherwise: the whole of it is given up
    await until_status(world, opened["payment"]["id"], "CLOSED")
    assert (await _free(world, ann), fen((await order_now(ann.api, order))["shares"], "paid")) == (
        20_000,
        [0, 2_001, 0],
    )


async def test_cancelled_each_gets_back_what_they_paid(world: World) -> None:
    table, (ann, bob, cat), order = await _shared(world)
    await pay(ann, order, order["shares"][0])
    opened = await pay(bob, order, order["shares"][1], card_of(bob, 1), OUTSIDE)
    await world.phone.pay(opened["payment"])
    await until_status(world, opened["payment"]["id"], "SUCCEEDED")
    held = await pay(cat, order, order["shares"][2], card_of(cat, 99), OUTSIDE)
    done = (await ann.api.do("cancelOrder", "order { status }", orderId=order["id"]))["order"]
    assert done["status"] == "CANCELLED"
    assert [await _free(world, each) for each in (ann, bob, cat)] == [20_000, 20_000, 20_000]
    await until_status(world, opened["payment"]["id"], "REFUNDED")
    await until_status(world, held["payment"]["id"], "CLOSED")
    seen = await order_now(bob.api, order)
    assert (seen["paid"]["amountFen"], seen["refunded"]["amountFen"]) == (5_001, 5_001)
    cart = await look(bob.api, table)
    assert cart is not None
    assert (cart["placed"], len(cart["lines"])) == (False, 3)


async def test_what_is_paid_in_the_chat_app_after_it_was_cancelled_goes_back_by_itself(world: World) -> None:
    _, (ann, bob, _), order = await _shared(world)
    opened = await pay(bob, order, order["shares"][1], OUTSIDE)
    await world.phone.pay(opened["payment"])
    await ann.api.do("cancelOrder", "order { status }", orderId=order["id"])  # whichever comes first
    row = await until_status(world, opened["payment"]["id"], "REFUNDED")
    assert row["refunded_fen"] == 2_001


async def _paid_by_each(world: World, split: str) -> tuple[TableOf, list[Guest], Json]:
    table, people, order = await _shared(world, split)
    for guest, share in zip(people, order["shares"], strict=True):
        await pay(guest, order, share)
    return table, people, order


async def _refund(world: World, table: TableOf, order: Json, *places: int) -> None:
    """One unit of these lines; of none: all that is left."""
    manager = await hire(world, "MANAGER", (table.store_id,))
    lines = [{"lineId": order["lines"][place]["id"], "quantity": 1} for place in places] or None
    wanted = {"orderId": order["id"], "lines": lines, "reason": "凉了", "idempotencyKey": new_key()}
    await manager.do("refundOrder", "refunded { amountFen }", **wanted)


async def test_a_dish_goes_back_to_who_has_paid_for_it(world: World) -> None:
    """The soup is Bob's: 20.01 to him alone, and the rest of all three to each."""
    table, people, order = await _paid_by_each(world, "EACH_PAYS_OWN")
    await _refund(world, table, order, 1)
    assert [await _left(world, each) for each in people] == [17_000, 20_000, 19_001]
    await _refund(world, table, order)
    assert [await _left(world, each) for each in people] == [20_000] * 3


async def test_a_dish_whose_share_a_friend_has_paid_goes_back_to_the_friend(world: World) -> None:
    """Ann pays her 30.00 and Bob's 20.01 in one payment, Cat her own 9.99; soup and tea go back."""
    table, (ann, bob, cat), order = await _shared(world)
    await pay(cat, order, order["shares"][2])
    await pay(ann, order, None)
    await _refund(world, table, order, 1, 2)
    assert [await _left(world, each) for each in (ann, bob, cat)] == [17_000, 20_000, 20_000]


async def test_where_all_owe_the_same_a_dish_goes_back_in_proportion(world: World) -> None:
    """20 yuan each of 60: a third of the soup's 20.01 to each."""
    table, people, order = await _paid_by_each(world, "EQUAL")
    await _refund(world, table, order, 1)
    assert [await _left(world, each) for each in people] == [18_667] * 3
    await _refund(world, table, order)
    assert [await _left(world, each) for each in people] == [20_000] * 3


async def test_points_go_to_each_payer_for_what_they_paid_and_back_with_a_refund(world: World) -> None:
    table, (ann, bob, cat), order = await _shared(world)
    manager = await hire(world, "MANAGER", (table.store_id,))
    await pay(ann, order, order["shares"][0])
    await pay(ann, order, order["shares"][2])  # 39.99 yuan in all
    await pay(bob, order, order["shares"][1])  # 20.01
    for step in ("ACCEPT", "COMPLETE"):
        await manager.do("advanceOrder", "order { id }", orderId=order["id"], step=step)

    async def points() -> list[int]:
        return [(await each.api.ask(POINTS))["me"]["memberships"][0]["points"] for each in (ann, bob, cat)]

    assert await points() == [39, 20, 0]
    assert [(await order_now(each.api, order))["pointsEarned"] for each in (ann, bob, cat)] == [39, 20, 0]
    wanted = {"orderId": order["id"], "reason": "退", "idempotencyKey": new_key()}
    lines = [
        {"lineId": order["lines"][0]["id"], "quantity": 1}
    ]  # Ann's fish, which she has paid: 9.99 are left of hers
    await manager.do("refundOrder", "refunded { amountFen }", **wanted, lines=lines)
    assert await points() == [9, 20, 0]


async def test_points_of_a_shared_order_that_was_not_handed_over_after_all_are_taken_back(world: World) -> None:
    table, (ann, bob, cat), order = await _shared(world)
    cashier = await hire(world, store_ids=(table.store_id,))
    await pay(ann, order, order["shares"][0])
    code = (await pay(bob, order, None))["order"]["verificationCode"]  # 30.00, the other 30.00
    wanted = {"storeId": table.store_id, "code": code, "idempotencyKey": new_key()}
    done = (await cashier.do("redeemCode", "redemption { id }", **wanted))["redemption"]

    async def points() -> list[int]:
        return [(await each.api.ask(POINTS))["me"]["memberships"][0]["points"] for each in (ann, bob, cat)]

    assert await points() == [30, 30, 0]
    wanted = {"redemptionId": done["id"], "reason": "拿错了", "idempotencyKey": new_key()}
    await cashier.do("undoRedemption", "redemption { undoneAt }", **wanted)
    assert await points() == [0, 0, 0]


async def test_after_its_time_nothing_new_is_begun_though_a_sheet_is_still_open(world: World) -> None:
    """Ann's sheet keeps the order alive until it ends; Bob's card and Cat's sheet do not make it live on."""
    _, (ann, bob, cat), order = await _shared(world)
    opened = await pay(ann, order, order["shares"][0], OUTSIDE)
    over = world.clock.now() - timedelta(seconds=1)
    await world.app.connection.collection("orders").update_one({"_id": order["id"]}, {"$set": {"pay_before": over}})
    assert await code_of(pay(bob, order, order["shares"][1])) == "NOT_PAYABLE"
    assert await code_of(pay(cat, order, order["shares"][2], OUTSIDE)) == "NOT_PAYABLE"
    assert await _free(world, bob) == 20_000
    await world.phone.pay(opened["payment"])
    await until_status(world, opened["payment"]["id"], "SUCCEEDED")
    seen = await until(lambda: _cancelled(bob, order))
    assert fen(seen["shares"], "paid") == [3_000, 0, 0]


async def _cancelled(guest: Guest, order: Json) -> Json | None:
    """The order, once it is over."""
    seen = await order_now(guest.api, order)
    return seen if seen["status"] == "CANCELLED" else None


async def test_cash_at_the_till_pays_all_that_is_left(world: World) -> None:
    table, (ann, bob, cat), order = await _shared(world)
    cashier = await hire(world, store_ids=(table.store_id,))
    await pay(ann, order, order["shares"][0])
    opened = await pay(bob, order, order["shares"][1], card_of(bob, 1), OUTSIDE)
    wanted = {"storeId": table.store_id, "orderId": order["id"]}
    assert await code_of(cashier.do("takeCash", "order { id }", **wanted, amountFen=999, idempotencyKey=new_key())) == (
        "AMOUNT_INVALID"
    )
    await cashier.do("takeCash", "order { id }", **wanted, idempotencyKey=new_key())
    seen = await order_now(bob.api, order)
    assert (seen["status"], fen(seen["shares"], "paid")) == ("PAID", [3_000, 2_001, 999])
    assert await _free(world, bob) == 20_000
    for guest, cash in ((ann, []), (bob, [2_001]), (cat, [999])):  # each their own, though all of it came at once
        payments = (await order_now(guest.api, order))["payments"]
        assert [each["amount"]["amountFen"] for each in payments if each["method"] == "CASH"] == cash
    await until_status(world, opened["payment"]["id"], "CLOSED")


async def test_everybody_at_the_table_is_told_of_every_change_and_of_nobody_elses_payment(world: World) -> None:
    _, (ann, bob, cat), order = await _shared(world)
    before = {each.id: await world.app.live.sequence(each.id) for each in (ann, bob, cat)}
    await pay(ann, order, order["shares"][0])
    for guest in (ann, bob, cat):
        events = await world.app.live.backlog(guest.id, before[guest.id])
        orders = [event for event in events if event.kind == "ORDER_CHANGED"]
        assert [event.snapshot["paid_fen"] for event in orders] == [3_000]
        payments = [event.snapshot["customer_id"] for event in events if event.kind == "PAYMENT_CHANGED"]
        assert payments == ([ann.id] if guest is ann else [])


async def test_the_stream_of_an_order_is_for_all_at_its_table(world: World) -> None:
    _, (ann, bob, _), order = await _shared(world)
    query = """subscription($id: ID!) { orderUpdates(orderId: $id) { __typename
      ... on OrderChanged { order { canCancel paid { amountFen } shares { mine } } } } }"""
    async with bob.api.socket() as socket:
        stream = await follow(world.app, socket, query, id=order["id"])
        await pay(ann, order, order["shares"][0])
        seen = (await stream.until("OrderChanged"))["order"]
    assert (seen["canCancel"], seen["paid"]["amountFen"]) == (False, 3_000)
    assert [share["mine"] for share in seen["shares"]] == [False, True, False]


@pytest.mark.parametrize("same", [True, False], ids=["one share", "all that is left and each share"])
async def test_no_share_is_paid_twice_however_many_pay_at_once(world: World, same: bool) -> None:
    _, people, order = await _shared(world, fen=100_000)
    shares = [order["shares"][0]] if same else [*order["shares"], None]
    calls = [pay(guest, order, share) for guest in people for share in shares for _ in range(3)]
    codes = await asyncio.gather(*(code_of(each) for each in calls))
    assert codes.count(None) == 1 if same else codes.count(None) <= 3
    assert {*codes} <= {None, "NOT_PAYABLE"}
    spent = sum([100_000 - await _left(world, guest) for guest in people])
    seen = await order_now(people[0].api, order)
    assert spent == seen["paid"]["amountFen"] == (3_000 if same else 6_000)
    assert fen(seen["shares"], "paid") == ([3_000, 0, 0] if same else [3_000, 2_001, 999])


async def test_all_pay_at_once_in_the_chat_app(world: World) -> None:
    _, people, order = await _shared(world)
    pairs = list(zip(people, order["shares"], strict=True))
    opened = await asyncio.gather(*(pay(guest, order, share, card_of(guest, 9), OUTSIDE) for guest, share in pairs))
    await asyncio.gather(*(world.phone.pay(each["payment"]) for each in opened))

    async def paid() -> bool:
        return (await order_now(people[0].api, order))["status"] == "PAID"  # type: ignore[no-any-return]

    await until(paid)
    assert [await _left(world, guest) for guest in people] == [20_000 - 9] * 3
