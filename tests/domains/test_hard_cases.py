"""What goes wrong at the edges of time, retries and roles: each of these once lost, gave or showed the wrong thing."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from resolvers.cards.model import Lot
from resolvers.coupons.claim import claim_coupon
from resolvers.coupons.issue import issue_coupons
from resolvers.errors import BadInput, BalanceLimit, InsufficientBalance, NotFound, Refused
from resolvers.gifts.give import give
from resolvers.gifts.give_back import return_lapsed
from resolvers.gifts.present import Present
from resolvers.ids import new_id
from resolvers.ordering.cancel import cancel_lapsed
from resolvers.ordering.menu import stock_counter
from resolvers.ordering.model import LineRequest, OrderStatus, OrderStep, OrderType
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import Placement
from resolvers.ordering.quote import Quoted, quote_order
from resolvers.ordering.refund import refund_order
from resolvers.ordering.shop import advance_order
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod, PaymentStatus
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import NotAllowed, SignedIn
from resolvers.till.model import CodeInvalid, TooManyTries
from resolvers.till.redeem_code import redeem_code
from resolvers.till.show_code import show_code
from resolvers.work.model import SYSTEM, Call, Piece
from resolvers.work.unit import Work
from scripts.client import PAYMENT
from tests.support.core import books_are_in_order, card_now, card_with, dishes, member_of_staff, new_person, placed
from tests.support.world import World, open_product


@pytest.fixture(scope="module")
async def edge(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A product of its own: clocks are moved and rows are broken here."""
    async with open_product(mongodb_uri, Path(tmp_path_factory.mktemp("edge"))) as world:
        yield world


def _order(world: World, *lines: LineRequest, coupons: tuple[str, ...] | None = ()) -> Placement:
    return Placement(world.store_id, OrderType.PICK_UP, lines, coupons, None, None, None, None, None)


async def _stocked(world: World) -> tuple[LineRequest, int, str]:
    """One of a dish with a daily stock, how many there are, and its counter."""
    menu, store = await world.app.menus.menu(world.store_id), await world.app.brands.store(world.store_id)
    assert menu is not None
    assert store is not None
    dish = next(each for each in menu.dishes() if each.daily_stock and not each.mealtimes)
    options = tuple(option.id for group in dish.option_groups for option in group.options[: group.minimum])
    counter = stock_counter(dish.id, store.business_day(world.clock.now()))
    return LineRequest(dish.id, 1, options), dish.daily_stock or 0, counter


# ------------------------------------------------------------------ sweepers and the hub


async def test_one_row_that_cannot_be_tidied_keeps_no_other_waiting(edge: World) -> None:
    person = await new_person(edge)
    dish = (await dishes(edge))[0]
    bad = await placed(edge.app, person, _order(edge, LineRequest(dish.id, 1)), "bad")
    good = await placed(edge.app, person, _order(edge, LineRequest(dish.id, 1)), "good")
    card = await card_with(edge, person, 2_000)
    lost, fine = [await give(edge.app, person, Present(card.id, None, 100, ""), key) for key in ("g1", "g2")]
    orders, gifts = edge.app.connection.collection("orders"), edge.app.connection.collection("gifts")
    await orders.update_one({"_id": bad.id}, {"$set": {"customer_id": "cus_nobody"}})  # no events for nobody
    await gifts.update_one({"_id": lost.id}, {"$set": {"card_id": "crd_none"}})
    ahead, edge.clock.ahead = edge.clock.ahead, edge.clock.ahead + timedelta(hours=25)
    try:
        await cancel_lapsed(edge.app)
        await return_lapsed(edge.app)
    finally:
        edge.clock.ahead = ahead
    tidied, returned = await edge.app.orders.order(good.id), await edge.app.gifts.gift(fine.id)
    assert tidied is not None
    assert returned is not None
    assert (tidied.status, returned.status.value) == (OrderStatus.CANCELLED, "EXPIRED")
    await orders.delete_one({"_id": bad.id})
    await gifts.update_one({"_id": lost.id}, {"$set": {"card_id": card.id}})
    await return_lapsed(edge.app)


async def test_an_event_of_a_kind_not_known_here_does_not_end_the_hub(edge: World) -> None:
    person = await new_person(edge)
    events = edge.app.connection.collection("events")
    async with edge.app.hub.wallet(person.customer_id) as listener:
        strange = {"kind": "FROM_THE_FUTURE", "at": edge.clock.now(), "subject_id": "x", "snapshot": {}, "details": {}}
        key = {"_id": f"evt_{uuid.uuid4().hex}", "customer_id": person.customer_id, "number": 1}
        await events.insert_one(key | strange)
        await listener.get(5)
        assert listener.gap
        listener.gap = False
        await events.delete_many({"customer_id": person.customer_id})
        await claim_coupon(edge.app, person, edge.seeded["template_ids"]["welcome"], "k")
        assert (await listener.get(5)).number == 1
    assert edge.app.hub.alive


# ------------------------------------------------------------------ roles and limits


async def test_an_order_found_paid_while_a_cashier_cancels_it_needs_a_manager(
    edge: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await new_person(edge)
    dish = (await dishes(edge))[0]
    card = await card_with(edge, person, dish.price_fen)
    order = await placed(edge.app, person, _order(edge, LineRequest(dish.id, 1)), "o")

    async def paid_a_moment_ago(*_: object) -> None:
        await pay_order(edge.app, person, order.id, [Tender(PaymentMethod.STORED_VALUE, card.id, None)], "p")

    monkeypatch.setattr("resolvers.ordering.shop.close_waiting", paid_a_moment_ago)
    cashier = await member_of_staff(edge, "cashier-riverside")
    with pytest.raises(NotAllowed):
        await advance_order(edge.app, cashier, order.id, OrderStep.CANCEL, "x")
    now = await edge.app.orders.order(order.id)
    assert now is not None
    assert (now.status, now.refunded_fen) == (OrderStatus.PAID, 0)


async def test_two_top_ups_that_together_break_the_limit_are_not_both_kept(edge: World) -> None:
    api = await edge.person()
    opened = [
        await api.do(
            "topUpCard", f"{PAYMENT} card {{ id }}", brandId=edge.brand_id, amountFen=300_000, idempotencyKey=key
        )
        for key in ("a", "b")
    ]
    for each in opened:
        await edge.phone.pay(each["payment"])
    ids = [each["payment"]["id"] for each in opened]
    async with asyncio.timeout(30):
        while True:
            payments = await edge.app.payments.payments(ids)
            if Counter(payment.status for payment in payments) == {
                PaymentStatus.SUCCEEDED: 1,
                PaymentStatus.REFUNDED: 1,
            }:
                break
            await asyncio.sleep(0.1)
    assert (await card_now(edge, opened[0]["card"]["id"])).ledger_fen == 300_000
    await books_are_in_order(edge)


async def test_the_bonus_is_the_one_that_was_promised(edge: World) -> None:
    api = await edge.person()
    tier = (await edge.app.cards.tiers_of([edge.brand_id]))[0]
    opened = await api.do(
        "topUpCard", f"{PAYMENT} card {{ id }}", brandId=edge.brand_id, tierId=tier.id, idempotencyKey="k"
    )
    await edge.app.cards.put_tier(replace(tier, bonus_fen=1))
    try:
        await edge.phone.pay(opened["payment"])
        async with asyncio.timeout(30):
            while not (card := await card_now(edge, opened["card"]["id"])).lots:
                await asyncio.sleep(0.05)
        assert sorted(lot.left_fen for lot in card.lots) == sorted([tier.amount_fen, tier.bonus_fen])
    finally:
        await edge.app.cards.put_tier(tier)


async def test_no_gift_card_above_the_limit_comes_of_a_gift(edge: World) -> None:
    person = await new_person(edge)
    card = await card_with(edge, person, 100_001)
    for present in (Present(card.id, None, None, ""), Present(card.id, None, 100_001, "")):
        with pytest.raises(BalanceLimit):
            await give(edge.app, person, present, f"k{uuid.uuid4().hex}")
    assert (await give(edge.app, person, Present(card.id, None, 100_000, ""), "all-right")).amount_fen == 100_000


async def test_a_gift_shows_what_can_be_used_of_it(edge: World) -> None:
    person = await new_person(edge)
    card = await card_with(edge, person, 1_000, 500)
    soon = edge.clock.now() + timedelta(hours=1)
    lots = [Lot(lot.id, lot.bonus, lot.left_fen, soon if lot.bonus else None) for lot in card.lots]
    stored = [
        {"id": each.id, "bonus": each.bonus, "left_fen": each.left_fen, "expires_at": each.expires_at} for each in lots
    ]
    await edge.app.connection.collection("cards").update_one({"_id": card.id}, {"$set": {"lots": stored}})
    gift = await give(edge.app, person, Present(card.id, None, None, ""), "g")
    assert (gift.amount_fen, gift.value_at(edge.clock.now()), gift.value_at(soon)) == (1_500, 1_500, 1_000)


# ------------------------------------------------------------------ retries


async def test_a_copy_of_a_place_order_that_comes_to_quoting_second_answers_the_same(
    edge: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await new_person(edge)
    coupon = await claim_coupon(edge.app, person, edge.seeded["template_ids"]["off-12"], "c")
    dish = next(dish for dish in await dishes(edge) if dish.price_fen >= 3_000)
    placement = _order(edge, LineRequest(dish.id, -(-10_000 // dish.price_fen)), coupons=(coupon.id,))
    both_looked, first_placed, looked = asyncio.Event(), asyncio.Event(), 0

    async def in_turn(*arguments: Any) -> Quoted:
        """Both copies have found no answer under the key; one then places, and takes the coupon from the other."""
        nonlocal looked
        looked += 1
        if looked == 2:
            both_looked.set()
            await first_placed.wait()
        else:
            await both_looked.wait()
        return await quote_order(*arguments)

    monkeypatch.setattr("resolvers.ordering.place.quote_order", in_turn)
    copies = [asyncio.create_task(placed(edge.app, person, placement, "same")) for _ in range(2)]
    await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
    first_placed.set()
    orders = await asyncio.gather(*copies)
    assert (orders[0].id, looked) == (orders[1].id, 2)
    await books_are_in_order(edge)


async def test_a_redemption_is_answered_again_even_to_a_till_that_is_slowed_down(edge: World) -> None:
    person = await new_person(edge)
    card = await card_with(edge, person, 1_000)
    cashier = await member_of_staff(edge, "cashier-riverside")
    shown = await show_code(edge.app, person, card.id, None, None)
    first = await redeem_code(edge.app, cashier, edge.store_id, shown.digits, 400, f"once-{card.id}")

    async def guess(number: int) -> str:
        try:
            await redeem_code(edge.app, cashier, edge.store_id, f"{number:018d}", 1, f"guess{number}-{card.id}")
        except Refused as refusal:
            return refusal.code
        return "won"

    guesses = Counter(await asyncio.gather(*(guess(number) for number in range(60))))
    assert guesses == {CodeInvalid.code: 10, TooManyTries.code: 50}  # though all were sent at once
    again = await redeem_code(edge.app, cashier, edge.store_id, shown.digits, 400, f"once-{card.id}")
    assert (again, (await card_now(edge, card.id)).ledger_fen) == (first, 600)


async def test_a_claim_is_answered_again_after_the_template_was_withdrawn(edge: World) -> None:
    person = await new_person(edge)
    template = await edge.app.coupons.template(edge.seeded["template_ids"]["cash-50"])
    assert template is not None
    mine = replace(template, id=new_id("tpl", edge.clock.now()), total=None)
    await edge.app.coupons.put_template(mine)
    coupon = await claim_coupon(edge.app, person, mine.id, "k")
    await edge.app.coupons.put_template(replace(mine, claimable=False))
    assert (await claim_coupon(edge.app, person, mine.id, "k")).id == coupon.id
    with pytest.raises(NotFound):
        await claim_coupon(edge.app, person, mine.id, "other")


async def test_issuing_again_under_the_same_key_answers_the_same(edge: World) -> None:
    person, owner = await new_person(edge), await member_of_staff(edge, "owner")
    wanted = (edge.app, owner, edge.seeded["template_ids"]["welcome"], [person.customer_id], f"i-{person.customer_id}")
    first = await issue_coupons(*wanted)
    await ensure_member(edge.app, person.customer_id, edge.brand_id)
    assert (first.issued, await issue_coupons(*wanted)) == (0, first)


async def test_a_payment_that_is_refused_leaves_the_waiting_one_alone(edge: World) -> None:
    api = await edge.person()
    me = (await api.ask("{ me { id } }"))["me"]["id"]
    customer = await edge.app.people.customer(me)
    assert customer is not None
    identity = customer.identities[0]
    person = SignedIn(me, "ses_test", identity.platform, identity.app_id)
    dish = (await dishes(edge))[0]
    card = await card_with(edge, person, 1)
    order = await placed(edge.app, person, _order(edge, LineRequest(dish.id, 1)), "o")
    waiting = await pay_order(edge.app, person, order.id, [Tender(PaymentMethod.WECHAT_PAY, None, None)], "w")
    with pytest.raises(InsufficientBalance):
        await pay_order(edge.app, person, order.id, [Tender(PaymentMethod.STORED_VALUE, card.id, None)], "s")
    payment = await edge.app.payments.payment(waiting.payment_id or "")
    assert payment is not None
    assert payment.status is PaymentStatus.PENDING


# ------------------------------------------------------------------ stock


async def test_what_is_cooked_does_not_come_back_into_stock_and_what_is_not_does(edge: World) -> None:
    line, _, counter = await _stocked(edge)
    owner = await member_of_staff(edge, "owner")

    async def left_after_refund(steps: tuple[OrderStep, ...]) -> int:
        person = await new_person(edge)
        order = await placed(edge.app, person, _order(edge, line), "o")
        card = await card_with(edge, person, order.payable_fen)
        await pay_order(edge.app, person, order.id, [Tender(PaymentMethod.STORED_VALUE, card.id, None)], "p")
        for step in steps:
            await advance_order(edge.app, owner, order.id, step, None)
        before = (await edge.app.work_store.left([counter]))[counter]
        await refund_order(edge.app, owner, order.id, None, "x", f"r-{order.id}")
        async with asyncio.timeout(30):
            while await edge.app.outbox.waiting():
                await asyncio.sleep(0.05)
        return (await edge.app.work_store.left([counter]))[counter] - before

    assert await left_after_refund(()) == 1
    assert await left_after_refund((OrderStep.ACCEPT, OrderStep.READY)) == 0


async def test_whoever_comes_next_gets_what_a_lapsed_order_held(edge: World) -> None:
    line, _, counter = await _stocked(edge)
    left = (await edge.app.work_store.left([counter])).get(counter) or (await _stocked(edge))[1]
    holder, next_one = await new_person(edge), await new_person(edge)
    await placed(edge.app, holder, _order(edge, replace(line, quantity=left)), "all")
    ahead, edge.clock.ahead = edge.clock.ahead, edge.clock.ahead + timedelta(minutes=16)
    try:
        order = await placed(edge.app, next_one, _order(edge, replace(line, quantity=left)), "mine")
    finally:
        edge.clock.ahead = ahead
    assert order.status is OrderStatus.AWAITING_PAYMENT


async def test_a_coupon_that_a_lapsed_order_held_is_free_for_the_next_at_once(edge: World) -> None:
    person = await new_person(edge)
    coupon = await claim_coupon(edge.app, person, edge.seeded["template_ids"]["off-12"], "c")
    dish = next(dish for dish in await dishes(edge) if dish.price_fen >= 3_000)
    line = LineRequest(dish.id, -(-10_000 // dish.price_fen))
    await placed(edge.app, person, _order(edge, line, coupons=(coupon.id,)), "first")
    ahead, edge.clock.ahead = edge.clock.ahead, edge.clock.ahead + timedelta(minutes=16)
    try:
        second = await placed(edge.app, person, _order(edge, line, coupons=(coupon.id,)), "second")
    finally:
        edge.clock.ahead = ahead
    assert [used.coupon_id for used in second.used_coupons] == [coupon.id]
    await books_are_in_order(edge)


async def test_pieces_of_a_call_with_bad_input_come_back_at_once(edge: World) -> None:
    await edge.app.work_store.make_counter("test:bad-input", 3)

    async def bad(work: Work) -> dict[str, str]:
        raise BadInput("no")

    with pytest.raises(BadInput):
        await edge.app.work.run(Call("test", SYSTEM, "bad", {}, pieces=(Piece("test:bad-input", 2, NotFound()),)), bad)
    assert await edge.app.work_store.left(["test:bad-input"]) == {"test:bad-input": 3}
