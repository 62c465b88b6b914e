"""What happens in between: cash taken while a phone pays, top-ups refunded while their value is out, tasks gone."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from resolvers.cards.model import Card
from resolvers.coupons.model import CouponStatus
from resolvers.errors import InsufficientBalance, Refused
from resolvers.gifts.claim import claim_gift
from resolvers.gifts.give import give
from resolvers.gifts.give_back import withdraw_gift
from resolvers.gifts.present import Present
from resolvers.gifts.tokens import share_token
from resolvers.incidents.retry import retry_incident
from resolvers.ordering.cancel import cancel_order
from resolvers.ordering.model import LineRequest, Order, OrderStatus, OrderType
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import Placement
from resolvers.ordering.refund import refund_order
from resolvers.ordering.refund_rules import LineRefund
from resolvers.ordering.refusals import NotCancellable
from resolvers.ordering.take_cash import take_cash
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import SignedIn
from resolvers.people.pay_password.set import set_pay_password
from resolvers.till.cash_top_up import Credited, cash_top_up, refund_cash_top_up
from scripts.client import new_key
from tests.money.people import new_tier
from tests.money.test_outside import at_provider, refund_row, until_refund
from tests.money.test_top_up_tiers import GIFT_COUPON
from tests.payments.money import pay_order as pay_by_phone
from tests.payments.money import place, until_order
from tests.support.core import books_are_in_order, card_now, card_with, dishes, member_of_staff, new_person, placed
from tests.support.world import World


async def member(world: World) -> SignedIn:
    """A new member of the seafood house."""
    person = await new_person(world)
    await ensure_member(world.app, person.customer_id, world.brand_id)
    return person


async def topped_up(world: World, person: SignedIn, amount: int, bonus: int, **tier: Any) -> Credited:
    """A tier of so much paid (in cash) and so much bonus."""
    owner, made = await member_of_staff(world, "owner"), await new_tier(world, amount, bonus, **tier)
    return await cash_top_up(world.app, owner, world.store_id, person.customer_id, None, made.id, new_key())


async def undone(world: World, credited: Credited) -> int:
    """The top-up is taken back; answers what went back, in fen."""
    owner = await member_of_staff(world, "owner")
    return (await refund_cash_top_up(world.app, owner, credited.payment_id, "test", new_key())).refunded_fen


async def bought(
    world: World, person: SignedIn, fen: int, card: str, method: str = "STORED_VALUE", times: int = 1
) -> Order:
    """An order of a dish of exactly this price, so many times, paid from a card."""
    order = await ordered(world, person, fen, times)
    await pay_order(world.app, person, order.id, [Tender(PaymentMethod(method), card, None)], new_key())
    return order


async def ordered(world: World, person: SignedIn, fen: int, times: int = 1) -> Order:
    """An order of a dish of exactly this price, so many times."""
    menu, dish_id = await world.app.menus.menu(world.store_id), f"dsh_costs{fen}"
    assert menu is not None
    if menu.dish(dish_id) is None:
        dish = replace((await dishes(world))[0], id=dish_id, price_fen=fen)
        section = replace(menu.sections[0], dishes=(*menu.sections[0].dishes, dish))
        version = f"{menu.version}-{fen}"
        await world.app.menus.put(replace(menu, version=version, sections=(section, *menu.sections[1:])))
    wanted = Placement(
        world.store_id, OrderType.PICK_UP, (LineRequest(dish_id, times),), (), None, None, None, None, None
    )
    return await placed(world.app, person, wanted, new_key())


async def parts(world: World, card_id: str) -> tuple[int, int]:
    """(principal, bonus) of a card, in fen."""
    card, now = await card_now(world, card_id), world.clock.now()
    return card.part_fen(bonus=False, now=now), card.part_fen(bonus=True, now=now)


# ------------------------------------------------------------------ cash and phones


async def test_cash_taken_while_a_phone_pays_is_not_paid_again(world: World) -> None:
    cashier = await member_of_staff(world, "cashier-riverside")
    for number in range(12):
        person = await member(world)
        card = await card_with(world, person, 20_000)
        await set_pay_password(world.app, person, "258036")  # to be checked while the cashier is at it
        order = await ordered(world, person, 10_000)

        async def cash(order: Order = order, number: int = number) -> None:
            await asyncio.sleep(0.004 * number)
            await take_cash(world.app, cashier, world.store_id, order.id, 3_000, new_key())

        tenders = [Tender(PaymentMethod.STORED_VALUE, card.id, None)]
        paying = pay_order(world.app, person, order.id, tenders, new_key(), "258036")
        await asyncio.gather(paying, cash(), return_exceptions=True)
        payments = await world.app.payments.payments_of_orders([order.id])
        assert sum(each.amount_fen for each in payments if each.status.value == "SUCCEEDED") <= 10_000
    await books_are_in_order(world)


async def test_cash_is_handed_back_by_the_shop_and_by_nobody_else(world: World) -> None:
    person, cashier = await member(world), await member_of_staff(world, "cashier-riverside")
    order = await ordered(world, person, 10_000)
    await take_cash(world.app, cashier, world.store_id, order.id, None, new_key())
    with pytest.raises(NotCancellable):
        await cancel_order(world.app, person, order.id)
    now = await world.app.orders.order(order.id)
    assert now is not None
    assert (now.status, now.refunded_fen) == (OrderStatus.PAID, 0)


async def test_a_lapsed_order_gives_its_hold_to_the_next_at_once(time: World) -> None:
    person = await member(time)
    card = await card_with(time, person, 5_000)
    held, other = await ordered(time, person, 10_000), None
    tenders = [Tender(PaymentMethod.STORED_VALUE, card.id, 5_000), Tender(PaymentMethod.CASH, None, None)]
    await pay_order(time.app, person, held.id, tenders, new_key())
    time.clock.ahead += timedelta(minutes=14)
    other = await ordered(time, person, 5_000)
    with pytest.raises(InsufficientBalance):
        await pay_order(time.app, person, other.id, [Tender(PaymentMethod.STORED_VALUE, card.id, None)], new_key())
    time.clock.ahead += timedelta(minutes=1)
    await pay_order(time.app, person, other.id, [Tender(PaymentMethod.STORED_VALUE, card.id, None)], new_key())


# ------------------------------------------------------------------ refunded top-ups: 100.00 paid and 50.00 bonus


async def test_what_came_back_is_revalued_once(world: World) -> None:
    person = await member(world)
    credited = await topped_up(world, person, 10_000, 5_000)
    order = await bought(world, person, 6_000, credited.card.id)
    assert await undone(world, credited) == 6_000  # 60.00 spent counts 40.00
    await cancel_order(world.app, person, order.id)
    assert await parts(world, credited.card.id) == (4_000, 0)
    again = await bought(world, person, 4_000, credited.card.id)
    await cancel_order(world.app, person, again.id)
    assert await parts(world, credited.card.id) == (4_000, 0)


async def test_a_friends_part_is_the_friends(world: World) -> None:
    person, friend = await member(world), await member(world)
    credited = await topped_up(world, person, 10_000, 5_000)
    gift = await give(world.app, person, Present(credited.card.id, None, 6_000, ""), new_key())
    card_id = (await claim_gift(world.app, friend, share_token(world.app.vault, gift.id), new_key())).card_id or ""
    before = await parts(world, card_id)
    await undone(world, credited)
    order = await bought(world, friend, 6_000, card_id, "GIFT_CARD")
    await cancel_order(world.app, friend, order.id)
    assert await parts(world, card_id) == before


async def test_a_gift_that_comes_back_is_worth_what_was_kept_for_it(world: World) -> None:
    person = await member(world)
    credited = await topped_up(world, person, 10_000, 5_000)
    gift = await give(world.app, person, Present(credited.card.id, None, 6_000, ""), new_key())
    assert await undone(world, credited) == 6_000
    await withdraw_gift(world.app, person, gift.id)
    assert await parts(world, credited.card.id) == (4_000, 0)


async def test_principal_spent_after_the_bonus_had_lapsed_comes_back_whole(time: World) -> None:
    person = await member(time)
    credited = await topped_up(time, person, 10_000, 5_000, bonus_days=1)
    time.clock.ahead += timedelta(days=1, seconds=1)
    order = await bought(time, person, 6_000, credited.card.id)
    assert await undone(time, credited) == 4_000
    await cancel_order(time.app, person, order.id)
    assert await parts(time, credited.card.id) == (6_000, 0)


async def test_fen_by_fen_comes_back_all_that_was_kept(world: World) -> None:
    person, owner = await member(world), await member_of_staff(world, "owner")
    credited = await topped_up(world, person, 10_000, 5_000)
    order = await bought(world, person, 1, credited.card.id, times=10)
    kept = 10_000 - await undone(world, credited)
    assert kept == 7  # 10 x 2/3, to the merchant's favour
    for _ in range(10):
        await refund_order(world.app, owner, order.id, [LineRefund(order.lines[0].id, 1)], "test", new_key())
    assert await parts(world, credited.card.id) == (7, 0)


async def test_a_used_coupon_of_a_refunded_top_up_comes_back_void(world: World) -> None:
    person = await member(world)
    await card_with(world, person, 50_000)
    credited = await topped_up(world, person, 10_000, 0, template_ids=(GIFT_COUPON,))
    payment = await world.app.payments.payment(credited.payment_id)
    assert payment is not None
    [coupon_id] = payment.coupon_ids
    dish = (await ordered(world, person, 30_000)).lines[0].dish_id
    lines = (LineRequest(dish, 1),)
    wanted = Placement(world.store_id, OrderType.PICK_UP, lines, (coupon_id,), None, None, None, None, None)
    order = await placed(world.app, person, wanted, new_key())
    await pay_order(
        world.app, person, order.id, [Tender(PaymentMethod.STORED_VALUE, credited.card.id, None)], new_key()
    )
    await undone(world, credited)
    await cancel_order(world.app, person, order.id)
    coupon = await world.app.coupons.coupon(coupon_id)
    assert coupon is not None
    assert coupon.status is CouponStatus.VOIDED


async def test_the_limit_leaves_out_bonus_that_has_lapsed(time: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> list[Card]:
        return []

    monkeypatch.setattr(time.app.cards, "lapsing", never)  # no sweeper
    person = await member(time)
    await topped_up(time, person, 400_000, 60_000, bonus_days=1)
    time.clock.ahead += timedelta(days=1)
    credited = await topped_up(time, person, 90_000, 0)
    assert await parts(time, credited.card.id) == (490_000, 0)


# ------------------------------------------------------------------ refunds that are asked for again


async def _abnormal(world: World) -> tuple[str, str]:
    """(payment, incident) of an order whose refund the provider could not carry out."""
    person, owner = await world.person(), await member_of_staff(world, "owner")
    order = await place(world, person, "pomfret")
    paying = await pay_by_phone(person, order, {"method": "WECHAT_PAY"})
    await world.phone.pay(paying["payment"])
    await until_order(person, order, "PAID")
    await world.phone.control("refunds", next="CLOSED", times=1)
    await refund_order(world.app, owner, order["id"], None, "test", new_key())
    payment_id = paying["payment"]["id"]
    row = await until_refund(world, payment_id, "ABNORMAL")
    incident = await world.app.connection.collection("incidents").find_one({"subject_id": row["_id"]})
    assert incident is not None
    return payment_id, incident["_id"]


async def test_a_refund_is_asked_for_again_even_when_its_first_task_is_gone(world: World) -> None:
    payment_id, incident_id = await _abnormal(world)
    row = await refund_row(world, payment_id)
    await world.app.connection.collection("outbox").delete_one({"_id": f"refund:{row['_id']}"})
    before = (await at_provider(world, payment_id))["refunds"]
    assert [(each["out_refund_no"], each["state"]) for each in before] == [(row["_id"], "CLOSED")]
    await retry_incident(world.app, await member_of_staff(world, "owner"), incident_id)
    await until_refund(world, payment_id, "SETTLED")
    refunds = (await at_provider(world, payment_id))["refunds"]
    assert [(each["out_refund_no"], each["state"]) for each in refunds] == [(row["_id"], "SUCCESS")]
    incident = await world.app.incidents.incident(incident_id)
    assert incident is not None
    assert incident.resolved_at is not None


async def test_ten_retries_at_once_ask_once(world: World) -> None:
    payment_id, incident_id = await _abnormal(world)
    owner = await member_of_staff(world, "owner")
    results = await asyncio.gather(
        *(retry_incident(world.app, owner, incident_id) for _ in range(10)), return_exceptions=True
    )
    assert Counter(type(each).__name__ for each in results) == {"Incident": 10}
    await until_refund(world, payment_id, "SETTLED")
    row = await refund_row(world, payment_id)
    tasks = world.app.connection.collection("outbox").find({"payload.refund_id": row["_id"]})
    assert len(await tasks.to_list(None)) == 2  # the first, and the one that the retries have made


async def test_nobody_pays_more_than_is_left(world: World) -> None:
    """Two phones and the till at one order of 100.00: whoever comes late is told, and nothing is paid twice."""
    cashier, person = await member_of_staff(world, "cashier-riverside"), await member(world)
    card = await card_with(world, person, 50_000)
    order = await ordered(world, person, 10_000)
    tender = [Tender(PaymentMethod.STORED_VALUE, card.id, None)]
    calls: list[Any] = [pay_order(world.app, person, order.id, tender, new_key()) for _ in range(4)]
    calls += [take_cash(world.app, cashier, world.store_id, order.id, 2_500, new_key()) for _ in range(6)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(not isinstance(each, Exception) or isinstance(each, Refused) for each in results)
    payments = await world.app.payments.payments_of_orders([order.id])
    paid = sum(each.amount_fen for each in payments if each.status.value == "SUCCEEDED")
    now = await world.app.orders.order(order.id)
    assert now is not None
    assert (now.status, now.paid_fen, paid) == (OrderStatus.PAID, 10_000, 10_000)
