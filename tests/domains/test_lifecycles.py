"""Gifts, orders and coupons through their lives, with a clock that is moved: what lapses, comes back, is told."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from resolvers.cards.model import CardKind, CardStatus, NotActive
from resolvers.coupons.claim import claim_coupon
from resolvers.coupons.model import CouponStatus
from resolvers.errors import AmountInvalid, NotFound
from resolvers.gifts.claim import claim_gift
from resolvers.gifts.give import give
from resolvers.gifts.give_back import decline_gift, return_lapsed, withdraw_gift
from resolvers.gifts.model import (
    AlreadyClaimed,
    Declined,
    GiftExpired,
    GiftStatus,
    NotGivable,
    OwnGift,
    RegiftLimit,
    Withdrawn,
)
from resolvers.gifts.present import Present
from resolvers.gifts.tokens import share_token
from resolvers.ledger.model import gift_account
from resolvers.live.model import EventKind
from resolvers.ordering.cancel import cancel_lapsed, cancel_order
from resolvers.ordering.menu import stock_counter
from resolvers.ordering.model import LineRequest, OrderStatus, OrderStep, OrderType
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import Placement
from resolvers.ordering.refund import refund_order
from resolvers.ordering.refusals import NotCancellable, NotPayable, StatusInvalid
from resolvers.ordering.shop import advance_order
from resolvers.ordering.take_cash import take_cash
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod
from resolvers.till.model import CodeExpired, CodeInvalid
from resolvers.till.redeem_code import redeem_code
from resolvers.till.show_code import show_code
from resolvers.work.model import SYSTEM, Call, Piece
from resolvers.work.unit import Work
from tests.support.core import books_are_in_order, card_now, card_with, dishes, member_of_staff, new_person, placed
from tests.support.world import World, open_product


@pytest.fixture(scope="module")
async def time(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A product of its own, because its clock is moved."""
    async with open_product(mongodb_uri, Path(tmp_path_factory.mktemp("time"))) as world:
        yield world


def _order(world: World, line: LineRequest, coupon_ids: tuple[str, ...] = ()) -> Placement:
    return Placement(world.store_id, OrderType.PICK_UP, (line,), coupon_ids, None, None, None, None, None)


async def _status(world: World, gift_id: str) -> GiftStatus:
    gift = await world.app.gifts.gift(gift_id)
    assert gift is not None
    return gift.status_at(world.clock.now())


# ------------------------------------------------------------------ gifts


async def test_a_card_given_whole_becomes_the_friends_with_its_principal_and_bonus(time: World) -> None:
    giver, friend = await new_person(time), await new_person(time)
    card = await card_with(time, giver, 8_000, 700)
    gift = await give(time.app, giver, Present(card.id, None, None, ""), "g")
    given = await card_now(time, card.id)
    assert (given.status, given.ledger_fen) == (CardStatus.GIFTING, 0)
    assert await time.app.ledger.balance(gift_account(gift.id, bonus=False)) == 8_000
    assert await time.app.ledger.balance(gift_account(gift.id, bonus=True)) == 700
    with pytest.raises(NotGivable):
        await give(time.app, giver, Present(card.id, None, 1, ""), "again")
    with pytest.raises(NotActive):
        await show_code(time.app, giver, card.id, None, None)
    claimed = await claim_gift(time.app, friend, share_token(time.app.vault, gift.id), "c")
    received = await card_now(time, claimed.card_id or "")
    now = time.clock.now()
    assert (received.kind, received.part_fen(bonus=False, now=now), received.part_fen(bonus=True, now=now)) == (
        CardKind.GIFT_CARD,
        8_000,
        700,
    )
    assert (received.id != card.id, received.regifts_left) == (True, card.regifts_left - 1)
    assert (await card_now(time, card.id)).status is CardStatus.GIFTED
    assert await time.app.ledger.balance(gift_account(gift.id, bonus=False)) == 0
    await books_are_in_order(time)


async def test_a_retried_give_answers_the_same_gift(time: World) -> None:
    giver = await new_person(time)
    card = await card_with(time, giver, 5_000)
    first = await give(time.app, giver, Present(card.id, None, 2_000, ""), "g")
    second = await give(time.app, giver, Present(card.id, None, 2_000, ""), "g")
    assert first == second
    assert (await card_now(time, card.id)).ledger_fen == 3_000


async def test_withdrawn_and_declined_gifts_come_back_whole(time: World) -> None:
    giver, friend = await new_person(time), await new_person(time)
    card = await card_with(time, giver, 5_000, 500)
    whole = await give(time.app, giver, Present(card.id, None, None, ""), "w")
    assert (await withdraw_gift(time.app, giver, whole.id)).status is GiftStatus.WITHDRAWN
    assert (await withdraw_gift(time.app, giver, whole.id)).status is GiftStatus.WITHDRAWN  # asked again, the same
    back = await card_now(time, card.id)
    assert (back.status, back.lots) == (CardStatus.ACTIVE, card.lots)
    part = await give(time.app, giver, Present(card.id, None, 1_500, ""), "p")
    token = share_token(time.app.vault, part.id)
    with pytest.raises(OwnGift):
        await decline_gift(time.app, giver, token)
    assert (await decline_gift(time.app, friend, token)).status is GiftStatus.DECLINED
    assert (await decline_gift(time.app, friend, token)).status is GiftStatus.DECLINED
    with pytest.raises(Declined):
        await claim_gift(time.app, friend, token, "late")
    with pytest.raises(Declined):
        await withdraw_gift(time.app, giver, part.id)
    with pytest.raises(Withdrawn):
        await claim_gift(time.app, friend, share_token(time.app.vault, whole.id), "late-too")
    assert sorted((lot.id, lot.left_fen) for lot in (await card_now(time, card.id)).lots) == sorted(
        (lot.id, lot.left_fen) for lot in card.lots
    )
    await books_are_in_order(time)


async def test_an_unclaimed_gift_expires_at_its_moment_even_before_any_sweeper(time: World) -> None:
    giver, friend = await new_person(time), await new_person(time)
    card = await card_with(time, giver, 4_000)
    gift = await give(time.app, giver, Present(card.id, None, None, ""), "g")
    token = share_token(time.app.vault, gift.id)
    ahead, time.clock.ahead = time.clock.ahead, time.clock.ahead + timedelta(hours=24)
    try:
        assert await _status(time, gift.id) is GiftStatus.EXPIRED
        with pytest.raises(GiftExpired):
            await claim_gift(time.app, friend, token, "late")
        with pytest.raises(GiftExpired):
            await withdraw_gift(time.app, giver, gift.id)
        await return_lapsed(time.app)
        await return_lapsed(time.app)
        back = await card_now(time, card.id)
        assert (back.status, back.ledger_fen) == (CardStatus.ACTIVE, 4_000)
        events = await time.app.live.backlog(giver.customer_id, 0)
        told = [event.snapshot["status"] for event in events if event.kind is EventKind.GIFT_CHANGED]
        assert told == ["PENDING", "EXPIRED"]
    finally:
        time.clock.ahead = ahead
    await books_are_in_order(time)


async def test_value_that_travels_three_hops_keeps_its_origin_and_then_may_go_no_further(time: World) -> None:
    people = [await new_person(time) for _ in range(5)]
    card = await card_with(time, people[0], 2_000, 300)
    card_id = card.id
    for hop in range(3):
        gift = await give(time.app, people[hop], Present(card_id, None, None, ""), f"g{hop}")
        token = share_token(time.app.vault, gift.id)
        card_id = (await claim_gift(time.app, people[hop + 1], token, "c")).card_id or ""
    last = await card_now(time, card_id)
    assert sorted((lot.bonus, lot.left_fen) for lot in last.lots) == [(False, 2_000), (True, 300)]
    with pytest.raises(RegiftLimit):
        await give(time.app, people[3], Present(card_id, None, None, ""), "too-far")
    await books_are_in_order(time)


async def test_a_coupon_given_is_a_new_coupon_for_the_friend(time: World) -> None:
    giver, friend = await new_person(time), await new_person(time)
    coupon = await claim_coupon(time.app, giver, time.seeded["template_ids"]["cash-50"], "k")
    gift = await give(time.app, giver, Present(None, coupon.id, None, ""), "g")
    with pytest.raises(NotActive):
        await show_code(time.app, giver, None, coupon.id, None)
    claimed = await claim_gift(time.app, friend, share_token(time.app.vault, gift.id), "c")
    mine = await time.app.coupons.coupon(coupon.id)
    theirs = await time.app.coupons.coupon(claimed.coupon_id or "")
    assert mine is not None
    assert theirs is not None
    assert (mine.status, theirs.status) == (CouponStatus.GIFTED, CouponStatus.AVAILABLE)
    assert (theirs.customer_id, theirs.valid_until, theirs.id != mine.id) == (
        friend.customer_id,
        mine.valid_until,
        True,
    )
    with pytest.raises(AlreadyClaimed):
        await withdraw_gift(time.app, giver, gift.id)
    welcome = await claim_coupon(time.app, giver, time.seeded["template_ids"]["welcome"], "w")
    with pytest.raises(NotGivable):
        await give(time.app, giver, Present(None, welcome.id, None, ""), "not-giveable")
    with pytest.raises(AmountInvalid):
        await give(time.app, giver, Present(None, welcome.id, 5, ""), "no-amounts")
    await books_are_in_order(time)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 5_000, "é" * 43])
async def test_tokens_that_are_none_look_alike(time: World, token: str) -> None:
    friend = await new_person(time)
    with pytest.raises(NotFound):
        await claim_gift(time.app, friend, token, "k")


# ------------------------------------------------------------------ orders


async def test_an_order_nobody_pays_ends_at_its_moment_and_everything_comes_back(time: World) -> None:
    person = await new_person(time)
    coupon = await claim_coupon(time.app, person, time.seeded["template_ids"]["cash-50"], "k")
    menu = await time.app.menus.menu(time.store_id)
    store = await time.app.brands.store(time.store_id)
    assert menu is not None
    assert store is not None
    dish = next(each for each in menu.dishes() if each.daily_stock and each.price_fen >= 5_000 and not each.mealtimes)
    options = tuple(option.id for group in dish.option_groups for option in group.options[: group.minimum])
    count = -(-30_000 // dish.price_fen)
    counter = stock_counter(dish.id, store.business_day(time.clock.now()))
    order = await placed(time.app, person, _order(time, LineRequest(dish.id, count, options), (coupon.id,)), "o")
    assert order.coupon_discount_fen == 5_000
    left = (await time.app.work_store.left([counter]))[counter]
    assert left == (dish.daily_stock or 0) - count
    card = await card_with(time, person, 1)
    ahead, time.clock.ahead = time.clock.ahead, time.clock.ahead + timedelta(minutes=15)
    try:
        shown = await time.app.orders.order(order.id)
        assert shown is not None
        assert shown.status_at(time.clock.now()) is OrderStatus.CANCELLED
        with pytest.raises(NotPayable):
            await pay_order(time.app, person, order.id, [Tender(PaymentMethod.STORED_VALUE, card.id, None)], "late")
        await cancel_lapsed(time.app)
        await cancel_lapsed(time.app)
    finally:
        time.clock.ahead = ahead
    assert (await time.app.work_store.left([counter]))[counter] == dish.daily_stock
    back = await time.app.coupons.coupon(coupon.id)
    assert back is not None
    assert back.status is CouponStatus.AVAILABLE
    await books_are_in_order(time)


async def test_the_shop_takes_an_order_step_by_step_and_no_other_way(time: World) -> None:
    person = await new_person(time)
    dish = (await dishes(time))[0]
    card = await card_with(time, person, dish.price_fen)
    order = await placed(time.app, person, _order(time, LineRequest(dish.id, 1)), "o")
    staff = await member_of_staff(time, "cashier-riverside")
    with pytest.raises(StatusInvalid):
        await advance_order(time.app, staff, order.id, OrderStep.ACCEPT, None)
    await pay_order(time.app, person, order.id, [Tender(PaymentMethod.STORED_VALUE, card.id, None)], "p")
    with pytest.raises(StatusInvalid):
        await advance_order(time.app, staff, order.id, OrderStep.READY, None)
    for step, status in ((OrderStep.ACCEPT, "ACCEPTED"), (OrderStep.READY, "READY"), (OrderStep.COMPLETE, "COMPLETED")):
        assert (await advance_order(time.app, staff, order.id, step, None)).status.value == status
        assert (await advance_order(time.app, staff, order.id, step, None)).status.value == status  # asked again
    with pytest.raises(NotCancellable):
        await cancel_order(time.app, person, order.id)
    manager = await member_of_staff(time, "manager-gz")
    with pytest.raises(StatusInvalid):
        await advance_order(time.app, manager, order.id, OrderStep.CANCEL, " ")
    refunded = await refund_order(time.app, manager, order.id, None, "海鲜不新鲜", "r")
    again = await refund_order(time.app, manager, order.id, None, "海鲜不新鲜", "r")
    assert refunded.refund == again.refund
    assert [line.refunded_quantity for line in refunded.order.lines] == [1]
    assert [(part.method, part.amount_fen) for part in refunded.refund.tenders] == [
        (PaymentMethod.STORED_VALUE, dish.price_fen)
    ]
    with pytest.raises(StatusInvalid):
        await refund_order(time.app, manager, order.id, None, "again", "r2")
    assert (await card_now(time, card.id)).lots == card.lots
    await books_are_in_order(time)


async def test_a_cancelled_paid_order_gives_back_card_and_coupon(time: World) -> None:
    person = await new_person(time)
    coupon = await claim_coupon(time.app, person, time.seeded["template_ids"]["off-12"], "k")
    dish = next(dish for dish in await dishes(time) if dish.price_fen >= 3_000)
    count = -(-10_000 // dish.price_fen)
    card = await card_with(time, person, dish.price_fen * count)
    order = await placed(time.app, person, _order(time, LineRequest(dish.id, count), (coupon.id,)), "o")
    await pay_order(time.app, person, order.id, [Tender(PaymentMethod.STORED_VALUE, card.id, None)], "p")
    used = await time.app.coupons.coupon(coupon.id)
    assert used is not None
    assert used.status is CouponStatus.REDEEMED
    cancelled = await cancel_order(time.app, person, order.id)
    assert (cancelled.status, cancelled.refunded_fen) == (OrderStatus.CANCELLED, order.payable_fen)
    assert (await cancel_order(time.app, person, order.id)).revision == cancelled.revision
    back = await time.app.coupons.coupon(coupon.id)
    assert back is not None
    assert (back.status, (await card_now(time, card.id)).lots) == (CouponStatus.AVAILABLE, card.lots)
    await books_are_in_order(time)


async def test_a_refund_follows_a_card_that_was_given_away(time: World) -> None:
    person, friend = await new_person(time), await new_person(time)
    dish = (await dishes(time))[0]
    card = await card_with(time, person, dish.price_fen + 1_000)
    order = await placed(time.app, person, _order(time, LineRequest(dish.id, 1)), "o")
    await pay_order(time.app, person, order.id, [Tender(PaymentMethod.STORED_VALUE, card.id, None)], "p")
    gift = await give(time.app, person, Present(card.id, None, None, ""), "g")
    successor = (await claim_gift(time.app, friend, share_token(time.app.vault, gift.id), "c")).card_id or ""
    await refund_order(time.app, await member_of_staff(time, "owner"), order.id, None, "follows", "r")
    assert ((await card_now(time, card.id)).ledger_fen, (await card_now(time, successor)).ledger_fen) == (
        0,
        dish.price_fen + 1_000,
    )
    await books_are_in_order(time)


async def test_cash_pays_all_that_is_left_and_never_more(time: World) -> None:
    person = await new_person(time)
    dish = (await dishes(time))[0]
    order = await placed(time.app, person, _order(time, LineRequest(dish.id, 2)), "o")
    cashier = await member_of_staff(time, "cashier-riverside")
    for wrong in (0, -1, order.payable_fen + 1, 2**53):
        with pytest.raises(AmountInvalid):
            await take_cash(time.app, cashier, time.store_id, order.id, wrong, f"k{wrong}")
    taken = await take_cash(time.app, cashier, time.store_id, order.id, None, f"cash-{order.id}")
    paid = taken.order
    assert taken.amount_fen == order.payable_fen
    assert (paid.status, paid.paid_fen) == (OrderStatus.PAID, order.payable_fen)
    with pytest.raises(StatusInvalid):
        await take_cash(time.app, cashier, time.store_id, order.id, None, f"again-{order.id}")
    await books_are_in_order(time)


# ------------------------------------------------------------------ the till, and reservations


async def test_a_code_lives_sixty_seconds_and_the_newest_alone(time: World) -> None:
    person = await new_person(time)
    card = await card_with(time, person, 10_000)
    cashier = await member_of_staff(time, "cashier-riverside")
    old = await show_code(time.app, person, card.id, None, 5_000)
    new = await show_code(time.app, person, card.id, None, 5_000)
    for nonsense in ("", "abc", "12345", "８" * 18):  # not counted as tries either
        with pytest.raises(CodeInvalid):
            await redeem_code(time.app, cashier, time.store_id, nonsense, 100, f"nonsense-{card.id}")
    with pytest.raises(CodeExpired):
        await redeem_code(time.app, cashier, time.store_id, old.digits, 100, f"old-{card.id}")
    ahead, time.clock.ahead = time.clock.ahead, time.clock.ahead + timedelta(seconds=60)
    try:
        with pytest.raises(CodeExpired):
            await redeem_code(time.app, cashier, time.store_id, new.digits, 100, f"late-{card.id}")
    finally:
        time.clock.ahead = ahead
    typed = f" {new.digits[:6]} {new.digits[6:]}"  # as one types what one reads
    redeemed = await redeem_code(time.app, cashier, time.store_id, typed, 5_000, f"new-{card.id}")
    assert (redeemed.amount_fen, (await card_now(time, card.id)).ledger_fen) == (5_000, 5_000)
    assert (new.digits[:2], len(new.digits)) == ("88", 18)
    await books_are_in_order(time)


async def test_pieces_reserved_by_a_call_that_died_come_back_and_those_it_used_do_not(time: World) -> None:
    store, counter = time.app.work_store, "test:pieces"
    await store.make_counter(counter, 5)

    async def nothing(work: Work) -> dict[str, str]:
        return {}

    used = Call("test", SYSTEM, "used-key", {}, pieces=(Piece(counter, 2, NotFound()),))
    await time.app.work.run(used, nothing)
    assert await store.left([counter]) == {counter: 3}
    row = await store.row("system:used-key")
    assert row is not None
    soon = time.clock.now() + timedelta(seconds=1)
    # As if the first had died between its commit and striking out its note, and another before its commit.
    notes = [{"key": row.reservation, "count": 2, "until": soon}, {"key": "system:dead#1", "count": 1, "until": soon}]
    await time.app.connection.collection("counters").update_one({"_id": counter}, {"$set": {"left": 2, "notes": notes}})
    await time.app.work.settle_reservations()
    assert await store.left([counter]) == {counter: 2}  # not overdue yet
    ahead, time.clock.ahead = time.clock.ahead, time.clock.ahead + timedelta(seconds=2)
    try:
        await time.app.work.settle_reservations()
    finally:
        time.clock.ahead = ahead
    assert await store.left([counter]) == {counter: 3}
