"""Refunds by line: the net share after discounts, split over what remains of each tender, back where it came from."""

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from resolvers.cards.model import Card, StatementKind, Take
from resolvers.cards.movement import Movement, card_lines, write_card
from resolvers.coupons.claim import claim_coupon
from resolvers.coupons.model import CouponStatus
from resolvers.errors import AmountInvalid, IdempotencyKeyReused, NotFound, Refused
from resolvers.gifts.claim import claim_gift
from resolvers.gifts.give import give
from resolvers.gifts.present import Present
from resolvers.gifts.tokens import share_token
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.ordering.model import LineRequest, Order, OrderStatus, OrderStep, OrderType
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import Placement
from resolvers.ordering.refund import Refunded, refund_order
from resolvers.ordering.refund_rules import LineRefund
from resolvers.ordering.refusals import StatusInvalid
from resolvers.ordering.shop import advance_order
from resolvers.ordering.take_cash import take_cash
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import MAXIMUM_REFUNDS, PaymentMethod, TooManyRefunds
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import SignedIn
from resolvers.work.model import SYSTEM, Call
from resolvers.work.unit import Work
from scripts.client import Api, new_key
from tests.payments.money import METHODS, order_now, until
from tests.payments.money import pay_order as api_pay
from tests.support.core import books_are_in_order, card_now, card_with, dishes, member_of_staff, new_person, placed
from tests.support.world import World


async def ordered(world: World, person: SignedIn, quantities: list[int], coupons: tuple[str, ...] = ()) -> Order:
    """An order of so many of each of the first plain dishes."""
    plain = await dishes(world, len(quantities))
    lines = tuple(LineRequest(dish.id, count) for dish, count in zip(plain, quantities, strict=False))
    wanted = Placement(world.store_id, OrderType.PICK_UP, lines, coupons, None, None, None, None, None)
    return await placed(world.app, person, wanted, new_key())


async def refund(world: World, order: Order, lines: list[tuple[int, int]] | None, key: str | None = None) -> Refunded:
    """Refund (line index, units), or all that is left."""
    owner = await member_of_staff(world, "owner")
    wanted = None if lines is None else [LineRefund(order.lines[index].id, count) for index, count in lines]
    return await refund_order(world.app, owner, order.id, wanted, "test", key or new_key())


async def outcome(call: Any) -> str:
    """`won`, or the code of the refusal."""
    try:
        await call
    except Refused as refused:
        return refused.code
    return "won"


def card_tender(card: Card, amount: int | None = None) -> Tender:
    """A stored-value card as a tender."""
    return Tender(PaymentMethod.STORED_VALUE, card.id, amount)


async def test_a_line_goes_back_at_its_net_share_to_card_and_cash(world: World) -> None:
    person = await new_person(world)
    card = await card_with(world, person, 100_000)
    order = await ordered(world, person, [2, 3])
    first, second = order.lines
    cash_fen = order.payable_fen - 5_000
    tenders = [card_tender(card, 5_000), Tender(PaymentMethod.CASH, None, None)]
    await pay_order(world.app, person, order.id, tenders, new_key())
    cashier = await member_of_staff(world, "cashier-riverside")
    await take_cash(world.app, cashier, world.store_id, order.id, None, new_key())

    refunded = await refund(world, order, [(0, 1)])
    half = first.total_fen // 2
    by_card = round(half * 5_000 / order.payable_fen)
    assert {(part.method, part.amount_fen) for part in refunded.refund.tenders} == {
        (PaymentMethod.STORED_VALUE, by_card),
        (PaymentMethod.CASH, half - by_card),
    }
    assert (refunded.order.status, refunded.order.refunded_fen) == (OrderStatus.PAID, half)
    assert [line.refunded_quantity for line in refunded.order.lines] == [1, 0]

    last = await refund(world, order, [(0, 1), (1, 3)])
    assert (last.order.status, last.order.refunded_fen) == (OrderStatus.REFUNDED, order.payable_fen)
    assert (await card_now(world, card.id)).ledger_fen == 100_000
    payments = await world.app.payments.payments_of_orders([order.id])
    assert {(each.method, each.refunded_fen) for each in payments} == {
        (PaymentMethod.STORED_VALUE, 5_000),
        (PaymentMethod.CASH, cash_fen),
    }
    assert second.total_fen + first.total_fen == order.payable_fen


async def test_a_discounted_line_goes_back_without_its_discount_and_the_coupon_with_the_last_one(world: World) -> None:
    person = await new_person(world)
    coupon = await claim_coupon(world.app, person, world.seeded["template_ids"]["off-12"], new_key())
    card = await card_with(world, person, 400_000)
    order = await ordered(world, person, [9, 4], (coupon.id,))
    assert order.coupon_discount_fen > 0
    await pay_order(world.app, person, order.id, [card_tender(card)], new_key())
    first = await refund(world, order, [(0, 9)])
    assert (
        first.refund.amount_fen
        == order.lines[0].total_fen
        == order.lines[0].unit_price_fen * 9 - order.lines[0].discount_fen
    )
    still = await world.app.coupons.coupon(coupon.id)
    assert still is not None
    assert still.status is CouponStatus.REDEEMED
    await refund(world, order, [(1, 4)])
    back = await world.app.coupons.coupon(coupon.id)
    assert back is not None
    assert back.status is CouponStatus.AVAILABLE
    assert (await card_now(world, card.id)).ledger_fen == 400_000


async def test_a_card_part_goes_back_to_the_lots_it_came_from(world: World) -> None:
    """2p paid with 30.00 of bonus and the rest of principal; one unit, p, takes half of each back."""
    person = await new_person(world)
    order = await ordered(world, person, [2])
    price = order.payable_fen // 2
    card = await card_with(world, person, 100_000, 3_000)
    await pay_order(world.app, person, order.id, [card_tender(card)], new_key())
    paid = {lot.bonus: lot.left_fen for lot in (await card_now(world, card.id)).lots}
    assert paid == {False: 100_000 - (2 * price - 3_000)}
    await refund(world, order, [(0, 1)])
    back = {lot.bonus: lot.left_fen for lot in (await card_now(world, card.id)).lots}
    assert back == {True: 1_500, False: paid[False] + price - 1_500}
    await refund(world, order, None)
    restored = {lot.id: lot.left_fen for lot in (await card_now(world, card.id)).lots}
    assert restored == {lot.id: lot.left_fen for lot in card.lots}


async def test_bonus_that_lapsed_meanwhile_goes_to_breakage_and_counts_as_refunded(time: World) -> None:
    person = await new_person(time)
    order = await ordered(time, person, [1])
    bonus = order.payable_fen - 100
    card = await _card_with_short_bonus(time, person, 1_000, bonus)
    await pay_order(time.app, person, order.id, [card_tender(card)], new_key())
    time.clock.ahead += timedelta(hours=2)
    refunded = await refund(time, order, None)
    assert refunded.order.refunded_fen == order.payable_fen
    now = await card_now(time, card.id)
    assert [(lot.bonus, lot.left_fen) for lot in now.lots] == [(False, 1_000)]
    [payment] = await time.app.payments.payments_of_orders([order.id])
    entry = await time.app.ledger.entry(f"refund:{payment.id}:{payment.revision - 1}")
    assert entry is not None
    assert {line.account.rpartition(":")[2]: line.amount_fen for line in entry.lines} == {
        "sales": -order.payable_fen,
        "principal": 100,
        "breakage": bonus,
    }


async def _card_with_short_bonus(world: World, person: SignedIn, principal: int, bonus: int) -> Card:
    """A card whose bonus lapses in an hour."""
    card = await card_with(world, person, principal)
    await ensure_member(world.app, person.customer_id, world.brand_id)

    async def steps(work: Work) -> dict[str, str]:
        now = await card_now(world, card.id)
        lots = [Take(work.new_id("lot"), True, bonus, work.now + timedelta(hours=1))]
        granted = Line(brand_account(card.brand_id, BrandAccount.BONUS_GRANTED), -bonus)
        lines = [granted, *card_lines(card.id, lots, +1)]
        await post(world.app.ledger, work, EntryKind.TOP_UP, f"test:{new_key()}", card.brand_id, lines)
        movement = Movement(StatementKind.BONUS, bonus, "test")
        await write_card(world.app.cards, work, now, now.plus(lots), [movement])
        return {}

    await world.app.work.run(Call("test", SYSTEM), steps)
    return await card_now(world, card.id)


async def test_a_refund_follows_a_card_through_two_friends_and_never_twice(world: World) -> None:
    person, friend, third = await new_person(world), await new_person(world), await new_person(world)
    order = await ordered(world, person, [2])
    card = await card_with(world, person, order.payable_fen + 100)
    await pay_order(world.app, person, order.id, [card_tender(card)], new_key())
    holder, card_id = person, card.id
    for receiver in (friend, third):
        gift = await give(world.app, holder, Present(card_id, None, None, ""), new_key())
        claimed = await claim_gift(world.app, receiver, share_token(world.app.vault, gift.id), new_key())
        holder, card_id = receiver, claimed.card_id or ""
        if receiver is friend:
            await refund(world, order, [(0, 1)])
            assert (await card_now(world, card_id)).ledger_fen == 100 + order.payable_fen // 2
    refunded = await refund(world, order, None)
    assert [part.card_id for part in refunded.refund.tenders] == [card_id]
    assert (await card_now(world, card_id)).ledger_fen == 100 + order.payable_fen
    assert (await card_now(world, card.id)).ledger_fen == 0
    with pytest.raises(StatusInvalid):
        await refund(world, order, None)


async def test_a_card_cut_from_a_balance_pulls_no_refund_of_its_origin(world: World) -> None:
    person, friend = await new_person(world), await new_person(world)
    order = await ordered(world, person, [1])
    card = await card_with(world, person, order.payable_fen + 5_000)
    await pay_order(world.app, person, order.id, [card_tender(card)], new_key())
    gift = await give(world.app, person, Present(card.id, None, 5_000, ""), new_key())
    cut = (await claim_gift(world.app, friend, share_token(world.app.vault, gift.id), new_key())).card_id or ""
    await refund(world, order, None)
    assert ((await card_now(world, card.id)).ledger_fen, (await card_now(world, cut)).ledger_fen) == (
        order.payable_fen,
        5_000,
    )


async def test_five_refunds_of_the_same_line_at_once_give_back_what_there_is(world: World) -> None:
    person = await new_person(world)
    order = await ordered(world, person, [3, 1])
    card = await card_with(world, person, order.payable_fen)
    await pay_order(world.app, person, order.id, [card_tender(card)], new_key())
    results = await asyncio.gather(*(outcome(refund(world, order, [(0, 1)])) for _ in range(5)))
    assert Counter(results) == {"won": 3, "AMOUNT_INVALID": 2}
    assert (await card_now(world, card.id)).ledger_fen == order.lines[0].total_fen
    results = await asyncio.gather(*(outcome(refund(world, order, None)) for _ in range(5)))
    assert Counter(results) == {"won": 1, "STATUS_INVALID": 4}
    assert (await card_now(world, card.id)).ledger_fen == order.payable_fen
    await books_are_in_order(world)


async def test_bad_refunds_are_refused_and_change_nothing(world: World) -> None:
    person = await new_person(world)
    order, other = await ordered(world, person, [2, 1]), await ordered(world, person, [1])
    card = await card_with(world, person, order.payable_fen)
    await pay_order(world.app, person, order.id, [card_tender(card)], new_key())
    owner = await member_of_staff(world, "owner")
    before = await world.app.orders.order(order.id)
    for lines, refusal in (
        ([], AmountInvalid),
        ([LineRefund(order.lines[0].id, 3)], AmountInvalid),
        ([LineRefund(order.lines[0].id, 0)], AmountInvalid),
        ([LineRefund(order.lines[0].id, -1)], AmountInvalid),
        ([LineRefund(order.lines[0].id, 2**31 - 1)], AmountInvalid),
        ([LineRefund(order.lines[0].id, 1)] * 2, AmountInvalid),
        ([LineRefund(other.lines[0].id, 1)], NotFound),
        ([LineRefund(order.lines[0].id, 1), LineRefund("lin_none", 1)], NotFound),
    ):
        with pytest.raises(refusal):
            await refund_order(world.app, owner, order.id, lines, "test", new_key())
    for reason in ("", "   ", "长" * 81):
        with pytest.raises(StatusInvalid):
            await refund_order(world.app, owner, order.id, None, reason, new_key())
    with pytest.raises(StatusInvalid):
        await refund_order(world.app, owner, other.id, None, "not paid", new_key())
    assert await world.app.orders.order(order.id) == before
    key = new_key()
    first = await refund(world, order, [(0, 1)], key)
    assert (await refund(world, order, [(0, 1)], key)).refund == first.refund
    with pytest.raises(IdempotencyKeyReused):
        await refund(world, order, [(0, 2)], key)


async def test_points_for_an_order_go_back_with_what_is_refunded(world: World) -> None:
    """Money earns a point a yuan, bonus none: 60.00 of bonus and the rest of principal."""
    person = await new_person(world)
    order = await ordered(world, person, [2])
    card = await card_with(world, person, 500_000 - 6_000, 6_000)
    await pay_order(world.app, person, order.id, [card_tender(card)], new_key())
    cashier = await member_of_staff(world, "cashier-riverside")
    for step in (OrderStep.ACCEPT, OrderStep.READY, OrderStep.COMPLETE):
        done = await advance_order(world.app, cashier, order.id, step, None)
    money = order.payable_fen - min(6_000, order.payable_fen)
    assert (done.points_earned, await _points(world, person)) == (money // 100, money // 100)
    refunded = await refund(world, order, [(0, 1)])
    [payment] = await world.app.payments.payments_of_orders([order.id])
    kept = sum(
        take.amount_fen - back for take, back in zip(payment.takes, payment.given_back, strict=True) if not take.bonus
    )
    assert (refunded.order.points_earned, await _points(world, person)) == (kept // 100, kept // 100)
    await refund(world, order, None)
    assert await _points(world, person) == 0


async def _points(world: World, person: SignedIn) -> int:
    member = await world.app.people.membership(person.customer_id, world.brand_id)
    assert member is not None
    return member.points


@pytest.mark.parametrize("platform", ["WECHAT", "QQ"])
async def test_the_provider_takes_fifty_partial_refunds_and_the_next_is_refused(world: World, platform: str) -> None:
    person = await world.person(platform)
    plain = (await dishes(world))[0]
    wanted = {
        "storeId": world.store_id,
        "type": "PICK_UP",
        "lines": [{"dishId": plain.id, "quantity": 60}],
        "couponIds": [],
        "idempotencyKey": new_key(),
    }
    placed_order = (await person.do("placeOrder", "order { id lines { id } }", **wanted))["order"]
    paying = await api_pay(person, placed_order, {"method": METHODS[platform]})
    await world.phone.pay(paying["payment"])
    await until(lambda: _paid(world, placed_order["id"]))
    owner = await world.staff("owner")
    line = [{"lineId": placed_order["lines"][0]["id"], "quantity": 1}]
    for number in range(MAXIMUM_REFUNDS):
        answer = await _refund_line(owner, placed_order["id"], line)
        assert answer["refunded"]["amountFen"] == plain.price_fen, number
    order = await world.app.orders.order(placed_order["id"])
    assert order is not None
    with pytest.raises(TooManyRefunds):
        await refund(world, order, [(0, 1)])
    with pytest.raises(TooManyRefunds):
        await refund(world, order, None)

    async def settled() -> bool:
        now = await world.app.orders.order(placed_order["id"])
        return now is not None and now.refunded_fen == 50 * plain.price_fen

    await until(settled, 60)
    assert (await order_now(person, placed_order))["refunded"]["amountFen"] == 50 * plain.price_fen


async def _paid(world: World, order_id: str) -> bool:
    order = await world.app.orders.order(order_id)
    return order is not None and order.status is OrderStatus.PAID


async def _refund_line(owner: Api, order_id: str, lines: list[dict[str, Any]]) -> Any:
    return await owner.do(
        "refundOrder", "refunded { amountFen }", orderId=order_id, lines=lines, reason="test", idempotencyKey=new_key()
    )
