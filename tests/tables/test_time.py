"""What time does to a table: guests who have gone, orders that not all have paid in time; tidied or not."""

import asyncio
from contextlib import aclosing
from datetime import timedelta

import pytest

from resolvers.jobs import tidy_orders
from resolvers.live.follow_table import follow_table
from resolvers.ordering.model import LineRequest, Order, OrderStatus
from resolvers.ordering.pay import pay_order
from resolvers.ordering.tenders import Tender
from resolvers.paging import encode_cursor
from resolvers.payments.model import PaymentMethod
from resolvers.people.model import SignedIn
from resolvers.tables.add import add_to_table
from resolvers.tables.at_table import cart_now
from resolvers.tables.change import change_table_line
from resolvers.tables.model import TableCart, TableSplit
from resolvers.tables.place import place_table_order
from tests.menu.shops import outcome
from tests.payments.money import until, until_status
from tests.support.core import card_now, card_with, new_person
from tests.support.world import World
from tests.tables import tables
from tests.tables.tables import OUTSIDE, TableOf, card_of, guests, new_table, order_now, pay

KEYS = iter(range(1_000_000))


def _key() -> str:
    return f"k{next(KEYS)}"


async def _cart(table: TableOf) -> TableCart | None:
    return await cart_now(table.world.app, table.code)


async def _adds(table: TableOf, person: SignedIn, quantity: int = 1) -> None:
    await add_to_table(table.world.app, person, table.code, LineRequest(table.fish.id, quantity), _key())


async def _placed(table: TableOf, person: SignedIn, how: TableSplit) -> Order:
    app, cart = table.world.app, await _cart(table)
    assert cart is not None
    order_id = await place_table_order(app, person, table.code, cart.revision, how, None, _key())
    order = await app.orders.order(order_id)
    assert order is not None
    return order


async def test_a_cart_nobody_touched_for_three_hours_is_over(time: World) -> None:
    table, (ann, bob) = await new_table(time), [await new_person(time) for _ in range(2)]
    await _adds(table, ann, 2)
    before = await _cart(table)
    assert before is not None
    time.clock.ahead += timedelta(hours=3) - timedelta(minutes=1)
    assert await _cart(table) == before
    time.clock.ahead += timedelta(minutes=1)
    assert await _cart(table) is None
    async with aclosing(follow_table(time.app, table.code, encode_cursor((0, before.id)))) as stream:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(stream), 0.5)  # which is no news
    line = before.lines[0]
    assert await outcome(change_table_line(time.app, ann, table.code, line.id, 1, 3)) == "LINE_CHANGED"
    assert await outcome(place_table_order(time.app, ann, table.code, 1, TableSplit.ONE_PAYS, None, _key())) == "EMPTY"
    await _adds(table, bob)
    after = await _cart(table)
    assert after is not None
    assert (after.id != before.id, after.people, [line.quantity for line in after.lines]) == (
        True,
        (bob.customer_id,),
        [1],
    )
    async with aclosing(follow_table(time.app, table.code, encode_cursor((0, before.id)))) as stream:
        event = await anext(stream)
        assert (event.cart.id, event.resync) == (after.id, True)
    left = await time.app.tables.cart(before.id)
    assert left is not None
    assert not left.open


async def test_who_watches_is_not_told_of_the_cart_that_was_left_behind(time: World) -> None:
    table, (ann, bob) = await new_table(time), [await new_person(time) for _ in range(2)]
    await _adds(table, ann)
    async with aclosing(follow_table(time.app, table.code, None)) as stream:
        first = await anext(stream)
        time.clock.ahead += timedelta(hours=3)
        await _adds(table, bob)
        event = await asyncio.wait_for(anext(stream), 30)
    assert (event.cart.id != first.cart.id, event.cart.people, event.resync) == (True, (bob.customer_id,), True)


async def test_an_order_not_all_have_paid_in_time_is_over_and_what_was_paid_goes_back(time: World) -> None:
    app, table = time.app, await new_table(time)
    ann, bob, cat = people = [await new_person(time) for _ in range(3)]
    cards = [await card_with(time, person, 10_000) for person in people]
    for person in people:
        await _adds(table, person)
    order = await _placed(table, ann, TableSplit.EACH_PAYS_OWN)
    for person, card, share in zip((ann, bob), cards, order.shares, strict=False):
        tender = Tender(PaymentMethod.STORED_VALUE, card.id, None)
        await pay_order(app, person, order.id, [tender], _key(), share_id=share.id)
    time.clock.ahead += timedelta(minutes=15)
    found = await app.orders.order(order.id)
    assert found is not None
    assert found.status_at(time.clock.now()) is OrderStatus.CANCELLED
    cart = await _cart(table)
    assert cart is not None
    assert (cart.order_id, len(cart.lines)) == (None, 3)  # whether or not it is tidied
    late = Tender(PaymentMethod.STORED_VALUE, cards[2].id, None)
    assert await outcome(pay_order(app, cat, order.id, [late], _key(), share_id=order.shares[2].id)) == "NOT_PAYABLE"
    before = await app.live.backlog(cat.customer_id, 0)
    await _adds(table, cat)  # which ends it first
    assert [sum(lot.left_fen for lot in (await card_now(time, card.id)).lots) for card in cards] == [10_000] * 3
    ended = await app.orders.order(order.id)
    assert ended is not None
    assert (ended.status, ended.paid_fen, ended.refunded_fen) == (OrderStatus.CANCELLED, 6_000, 6_000)
    for person in people:
        told = [event for event in await app.live.backlog(person.customer_id, 0) if event.kind == "ORDER_CHANGED"]
        assert told[-1].snapshot["status"] == "CANCELLED"
    assert len(await app.live.backlog(cat.customer_id, 0)) >= len(before)
    again = await _placed(table, bob, TableSplit.EACH_PAYS_OWN)
    assert [share.amount_fen for share in again.shares] == [3_000, 3_000, 6_000]


async def test_who_paid_a_share_has_it_back_when_they_use_their_card_next(time: World) -> None:
    """With every worker stopped: not only the one who placed the order, and nobody at that table does anything."""
    app, table = time.app, await new_table(time)
    ann, bob = [await new_person(time) for _ in range(2)]
    await card_with(time, ann, 3_000)
    card = await card_with(time, bob, 3_000)
    tender = Tender(PaymentMethod.STORED_VALUE, card.id, None)
    for person in (ann, bob):
        await _adds(table, person)
    order = await _placed(table, ann, TableSplit.EACH_PAYS_OWN)
    await pay_order(app, bob, order.id, [tender], _key(), share_id=order.shares[1].id)
    await time.rest()
    try:
        time.clock.ahead += timedelta(minutes=16)
        other = await new_table(time)
        await _adds(other, bob)
        alone = await _placed(other, bob, TableSplit.ONE_PAYS)
        assert await outcome(pay_order(app, bob, alone.id, [tender], _key())) == "won"
    finally:
        await time.go_on()
    ended = await app.orders.order(order.id)
    assert ended is not None
    assert (ended.status, ended.refunded_fen) == (OrderStatus.CANCELLED, 3_000)


async def test_a_lapsed_order_is_no_reason_to_look_again(time: World) -> None:
    table, ann = await new_table(time), await new_person(time)
    await _adds(table, ann)
    first = await _placed(table, ann, TableSplit.ONE_PAYS)
    cart = await _cart(table)
    assert cart is not None
    time.clock.ahead += timedelta(minutes=15)
    await place_table_order(time.app, ann, table.code, cart.revision, TableSplit.ONE_PAYS, None, _key())
    now = await time.app.tables.open_cart(table.code)
    assert now is not None
    assert now.order_id not in (None, first.id)


async def test_a_lapsed_order_does_not_bring_guests_back_who_have_gone(time: World) -> None:
    table, ann = await new_table(time), await new_person(time)
    await _adds(table, ann)
    await _placed(table, ann, TableSplit.ONE_PAYS)
    time.clock.ahead += timedelta(hours=3)
    assert await _cart(table) is None
    await tidy_orders(time.app)
    assert await _cart(table) is None
    await _adds(table, ann, 5)
    cart = await _cart(table)
    assert cart is not None
    assert [line.quantity for line in cart.lines] == [5]


@pytest.mark.parametrize("under_way", [False, True], ids=["nothing waits", "a payment waits"])
async def test_what_was_paid_in_the_chat_app_goes_back_when_not_all_pay_in_time(world: World, under_way: bool) -> None:
    table, (ann, bob, cat) = await new_table(world), await guests(world, 3)
    for guest in (ann, bob, cat):
        await tables.add(guest.api, table, table.fish)
    order = await tables.place(ann.api, table, "EACH_PAYS_OWN")
    paid = await pay(ann, order, order["shares"][0], card_of(ann, 1_000), OUTSIDE)
    await world.phone.pay(paid["payment"])
    await until_status(world, paid["payment"]["id"], "SUCCEEDED")
    over = {"$set": {"pay_before": world.clock.now(), "expires_at": world.clock.now(), "poll_at": world.clock.now()}}
    collection = world.app.connection.collection
    if under_way:
        waits = await pay(bob, order, order["shares"][1], card_of(bob, 1), OUTSIDE)
        await collection("orders").update_one({"_id": order["id"]}, over)
        assert (await order_now(bob.api, order))["status"] == "AWAITING_PAYMENT"  # it may have been paid just now
        await collection("payments").update_one({"_id": waits["payment"]["id"]}, over)
        await until_status(world, waits["payment"]["id"], "CLOSED")
    else:
        await collection("orders").update_one({"_id": order["id"]}, over)
    assert (await order_now(bob.api, order))["status"] == "CANCELLED"

    async def tidied() -> bool:
        await tidy_orders(world.app)
        found = await world.app.orders.order(order["id"])
        return found is not None and found.status is OrderStatus.CANCELLED

    await until(tidied)
    await until_status(world, paid["payment"]["id"], "REFUNDED")
    seen = await order_now(cat.api, order)
    assert (seen["paid"]["amountFen"], seen["refunded"]["amountFen"]) == (3_000, 3_000)
    for guest in (ann, bob):
        card = await card_now(world, guest.card_id)
        assert (sum(lot.left_fen for lot in card.lots), card.holds) == (20_000, ())
