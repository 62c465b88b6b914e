"""Passes and tea cards at the till: so many uses for one code, undone as many; other things have no uses."""

import asyncio
from datetime import timedelta

import pytest

from scripts.client import Api, Json, new_key
from tests.coupons.offered import claim, offer
from tests.sold import shop
from tests.sold.shop import SESAME, a_bought_pass, a_tea_card, bought, entry, place, tender, uses
from tests.support.world import World
from tests.till.counter import TIANHE, hire, new_guest, outcome, preview, undo
from tests.till.counter import show as show_card

REDEMPTION = "redemption { id kind uses what amount { amountFen } }"


async def show(person: Api, **fields: object) -> str:
    """The digits of a code. Raises Refused."""
    digits: str = (await person.do("showCode", "digits", **fields))["digits"]
    return digits


async def redeem(world: World, staff: Api, code: str, **fields: object) -> Json:
    """Redeem a code: the redemption. Raises Refused."""
    wanted = {"storeId": world.store_id, "code": code, "idempotencyKey": new_key(), **fields}
    redemption: Json = (await staff.do("redeemCode", REDEMPTION, **wanted))["redemption"]
    return redemption


async def test_uses_of_a_pass_are_taken_by_code_and_come_back(world: World) -> None:
    """The till knows no dish: the sales get what was paid for the uses, 333 + 333 + 334 of 1 000 fen."""
    person, cashier = await world.person(), await hire(world)
    card_id = await a_bought_pass(world, person, uses=3, price_fen=1_000)
    code = await show(person, cardId=card_id)
    seen = await preview(world, cashier, code)
    assert (seen["kind"], seen["amountNeeded"], seen["card"]["kind"]) == ("CARD", False, "PASS")
    one = await redeem(world, cashier, code)
    assert (one["kind"], one["uses"], one["amount"]) == ("CARD", 1, None)
    two = await redeem(world, cashier, await show(person, cardId=card_id), uses=2)
    assert (two["uses"], await uses(person, card_id)) == (2, ("USED_UP", 0))
    booked = await entry(world, f"redeem:{two['id']}")
    assert booked == {"uses": -2, "uses_taken": 2, "vouchers_sold": -667, "sales": 667}
    assert await outcome(show(person, cardId=card_id)) == "NOT_ACTIVE"
    await undo(cashier, two)
    assert await uses(person, card_id) == ("ACTIVE", 2)
    assert await entry(world, f"undo:{two['id']}") == {"uses": 2, "uses_taken": -2, "vouchers_sold": 667, "sales": -667}
    assert await outcome(undo(cashier, two)) == "STATUS_INVALID"
    await undo(cashier, one)
    assert await uses(person, card_id) == ("ACTIVE", 3)


async def test_an_undone_redemption_follows_a_pass_that_was_given(world: World) -> None:
    person, friend, cashier = await world.person(), await world.person(), await hire(world)
    card_id = await a_bought_pass(world, person, uses=3)
    redemption = await redeem(world, cashier, await show(person, cardId=card_id), uses=2)
    gift = (await person.do("give", "gift { shareToken }", cardId=card_id, idempotencyKey=new_key()))["gift"]
    wanted = {"token": gift["shareToken"], "idempotencyKey": new_key()}
    got = (await friend.do("claimGift", "card { id usesLeft }", **wanted))["card"]
    assert got["usesLeft"] == 1
    await undo(cashier, redemption)
    assert await uses(friend, got["id"]) == ("ACTIVE", 3)


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"uses": 4}, "INSUFFICIENT_BALANCE"),
        ({"uses": 0}, "AMOUNT_INVALID"),
        ({"uses": -1}, "AMOUNT_INVALID"),
        ({"amountFen": 100}, "AMOUNT_INVALID"),
    ],
)
async def test_what_cannot_be_taken_leaves_the_code_good(world: World, fields: Json, code: str) -> None:
    person, cashier = await world.person(), await hire(world)
    tea = (await bought(world, person, await a_tea_card(world)))["coupon_ids"][0]
    card_id = await a_bought_pass(world, person, uses=3)
    for subject in ({"cardId": card_id}, {"couponId": tea}):
        digits = await show(person, **subject)
        assert await outcome(redeem(world, cashier, digits, **fields)) == code
        assert (await redeem(world, cashier, digits, uses=3))["uses"] == 3
    assert await uses(person, card_id) == ("USED_UP", 0)
    assert await shop.coupons(person) == []


async def test_held_uses_are_not_to_be_had_at_the_till(world: World) -> None:
    person, cashier = await world.person(), await hire(world)
    card_id = await a_bought_pass(world, person, uses=2)
    tenders = [tender(card_id, 1), {"method": "WECHAT_PAY"}]
    await place(world, person, (SESAME, 2), tenders=tenders)
    digits = await show(person, cardId=card_id)
    assert await outcome(redeem(world, cashier, digits, uses=2)) == "INSUFFICIENT_BALANCE"
    assert (await redeem(world, cashier, digits))["uses"] == 1
    assert await outcome(show(person, cardId=card_id)) == "INSUFFICIENT_BALANCE"


async def test_a_code_of_a_pass_has_no_sum(world: World) -> None:
    person = await world.person()
    card_id = await a_bought_pass(world, person)
    assert await outcome(show(person, cardId=card_id, maxFen=100)) == "AMOUNT_INVALID"


async def test_a_pass_is_refused_where_and_when_it_does_not_hold(world: World) -> None:
    person, cashier, now = await world.person(), await hire(world), world.clock.now()
    elsewhere = await a_bought_pass(world, person, store_ids=(TIANHE,))
    digits = await show(person, cardId=elsewhere)
    assert (await preview(world, cashier, digits))["codeName"] == "WRONG_STORE"
    assert await outcome(redeem(world, cashier, digits)) == "WRONG_STORE"
    later = await a_bought_pass(world, person, valid_from=now + timedelta(hours=1))
    assert await outcome(redeem(world, cashier, await show(person, cardId=later))) == "NOT_REDEEMABLE"


async def test_uses_of_a_tea_card_at_the_till(world: World) -> None:
    person, cashier = await world.person(), await hire(world)
    tea = (await bought(world, person, await a_tea_card(world)))["coupon_ids"][0]
    two = await redeem(world, cashier, await show(person, couponId=tea), uses=2)
    assert (two["kind"], two["uses"]) == ("COUPON", 2)
    assert [each["usesLeft"] for each in await shop.coupons(person)] == [1]
    one = await redeem(world, cashier, await show(person, couponId=tea))
    assert await shop.coupons(person) == []
    await undo(cashier, two)
    assert [(each["status"], each["usesLeft"]) for each in await shop.coupons(person)] == [("AVAILABLE", 2)]
    await undo(cashier, one)
    assert [each["usesLeft"] for each in await shop.coupons(person)] == [3]


async def test_other_things_have_no_uses(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    cash = await claim(guest.api, await offer(world, shop.CouponKind.CASH, amount_off_fen=100))
    digits = await show(guest.api, couponId=cash)
    assert await outcome(redeem(world, cashier, digits, uses=2)) == "AMOUNT_INVALID"
    assert (await redeem(world, cashier, digits, uses=1))["uses"] == 1
    digits = await show_card(guest)
    assert await outcome(redeem(world, cashier, digits, uses=2, amountFen=100)) == "AMOUNT_INVALID"
    assert (await redeem(world, cashier, digits, amountFen=100))["amount"]["amountFen"] == 100


async def test_the_till_and_the_phone_race_for_the_last_use(world: World) -> None:
    person, cashier = await world.person(), await hire(world)
    card_id = await a_bought_pass(world, person, uses=1)
    digits = await show(person, cardId=card_id)
    orders = [(await place(world, person, (SESAME, 1)))["order"] for _ in range(3)]
    wanted = [{"orderId": each["id"], "tenders": [tender(card_id)], "idempotencyKey": new_key()} for each in orders]
    calls = [person.do("payOrder", "order { id }", **each) for each in wanted]
    outcomes = await asyncio.gather(*map(outcome, [*calls, redeem(world, cashier, digits)]))
    assert [str(each) for each in outcomes].count("SUCCESS") == 1
    assert await uses(person, card_id) == ("USED_UP", 0)
