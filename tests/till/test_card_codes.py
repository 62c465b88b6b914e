"""A card's code takes what the cashier types, at most what the customer allowed and has free; once, at one till."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from resolvers.brands.model import SpendOrder
from scripts.client import new_key
from tests.money.people import settings
from tests.payments.money import balances, pay_order, place, rows
from tests.support.world import World
from tests.till.counter import (
    SHEKOU,
    TEA_BRAND,
    TEA_STORE,
    actions,
    balance,
    given,
    hire,
    new_guest,
    outcome,
    previewed,
    redeem,
    show,
    staff_id,
    statement,
)


async def test_the_amount_that_was_typed_is_taken_bonus_first_and_told_to_the_customer(world: World) -> None:
    guest, cashier = await new_guest(world, 8_000, 500), await hire(world)
    redemption = await redeem(world, cashier, await show(guest), 3_880)
    assert [redemption[each] for each in ("kind", "what", "amount", "undoneAt")] == [
        "CARD",
        "汐满楼海鲜酒家储值卡",
        {"amountFen": 3_880},
        None,
    ]
    assert await balances(guest.api, guest.card_id) == (8_000 - 3_380, 0, 0)
    assert (await statement(world, guest.card_id))[-1] == ("PURCHASE", -3_880)
    assert await actions(world, guest.card_id) == [(await staff_id(cashier), "redeemCode", 3_880, "CARD")]


async def test_principal_and_bonus_in_proportion_where_the_brand_wants_it_so(world: World) -> None:
    guest, cashier = await new_guest(world, 9_000, 1_000), await hire(world)
    before = await settings(world, spend_order=SpendOrder.PROPORTIONAL)
    try:
        await redeem(world, cashier, await show(guest), 500)
    finally:
        await settings(world, spend_order=before.spend_order)
    assert await balances(guest.api, guest.card_id) == (8_550, 950, 0)


@pytest.mark.parametrize(
    ("max_fen", "amount", "code"),
    [
        (3_000, 3_001, "INSUFFICIENT_BALANCE"),
        (None, 10_001, "INSUFFICIENT_BALANCE"),
        (None, 2**53 - 1, "INSUFFICIENT_BALANCE"),
        (None, 0, "AMOUNT_INVALID"),
        (None, -1, "AMOUNT_INVALID"),
        (None, -(2**53) + 1, "AMOUNT_INVALID"),
        (None, None, "AMOUNT_INVALID"),
        (None, 2**53, "BAD_USER_INPUT"),
    ],
)
async def test_an_amount_that_may_not_be_is_refused_and_the_code_still_good(
    world: World, max_fen: int | None, amount: int | None, code: str
) -> None:
    guest, cashier, key = await new_guest(world), await hire(world), new_key()
    digits = await show(guest, maxFen=max_fen)
    assert await outcome(redeem(world, cashier, digits, amount, key=key)) == code
    assert (await balance(world, guest.card_id), await actions(world, guest.card_id)) == (10_000, [])
    assert await previewed(world, cashier, digits) == "SUCCESS"
    most = max_fen or 10_000
    assert (await redeem(world, cashier, digits, most, key=key))["amount"] == {"amountFen": most}  # the key too
    assert await balance(world, guest.card_id) == 10_000 - most


async def test_a_coupons_code_takes_no_amount(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    wanted = {"templateId": world.seeded["template_ids"]["cash-50"], "idempotencyKey": new_key()}
    coupon = (await guest.api.do("claimCoupon", "coupon { id }", **wanted))["coupon"]
    digits = await show(guest, couponId=coupon["id"])
    assert await outcome(redeem(world, cashier, digits, 1)) == "AMOUNT_INVALID"
    assert (await redeem(world, cashier, digits))["amount"] is None


async def test_what_an_order_holds_cannot_be_taken(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    digits = await show(guest)  # for all of it, before a part was held
    order = await place(world, guest.api, "pomfret")  # 9 800 fen
    held = {"method": "STORED_VALUE", "cardId": guest.card_id, "amountFen": 4_000}
    await pay_order(guest.api, order, held, {"method": "CASH"})
    assert await outcome(redeem(world, cashier, digits, 6_001)) == "INSUFFICIENT_BALANCE"
    await redeem(world, cashier, digits, 6_000)
    assert await balances(guest.api, guest.card_id) == (4_000, 0, 4_000)
    assert await outcome(show(guest)) == "INSUFFICIENT_BALANCE"
    cash = {"storeId": world.store_id, "orderId": order["id"], "idempotencyKey": new_key()}
    assert (await cashier.do("takeCash", "order { status }", **cash))["order"] == {"status": "PAID"}
    assert await balance(world, guest.card_id) == 0


async def test_a_card_that_is_being_given_cannot_be_redeemed_and_can_when_it_came_back(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    digits = await show(guest)
    wanted = {"cardId": guest.card_id, "idempotencyKey": new_key()}
    gift = (await guest.api.do("give", "gift { id }", **wanted))["gift"]
    assert await previewed(world, cashier, digits) == "NOT_REDEEMABLE"
    assert await outcome(redeem(world, cashier, digits, 100)) == "NOT_REDEEMABLE"
    assert await outcome(show(guest)) == "NOT_ACTIVE"
    await guest.api.do("withdrawGift", "gift { id }", giftId=gift["id"])
    assert (await redeem(world, cashier, digits, 100))["amount"] == {"amountFen": 100}


async def test_what_is_left_of_a_card_after_a_part_was_given_is_what_can_be_taken(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    digits = await show(guest)
    await given(world, guest, 7_000)
    assert await outcome(redeem(world, cashier, digits, 3_001)) == "INSUFFICIENT_BALANCE"
    assert (await redeem(world, cashier, digits, 3_000))["amount"] == {"amountFen": 3_000}


@pytest.mark.parametrize("role", ["CASHIER", "OWNER"])
async def test_another_brand_sees_no_code_here_and_the_code_stays_good(world: World, role: str) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    tea = await hire(world, role, (TEA_STORE,), TEA_BRAND)
    coupon_wanted = {"templateId": world.seeded["template_ids"]["cash-50"], "idempotencyKey": new_key()}
    coupon = (await guest.api.do("claimCoupon", "coupon { id }", **coupon_wanted))["coupon"]
    codes: list[tuple[str, Any]] = [(await show(guest), 100), (await show(guest, couponId=coupon["id"]), None)]
    for digits, amount in codes:
        assert await previewed(world, tea, digits, TEA_STORE) == "CODE_INVALID"
        assert await outcome(redeem(world, tea, digits, amount, TEA_STORE)) == "CODE_INVALID"
        assert await outcome(redeem(world, tea, digits, amount)) == "NOT_FOUND"  # no store of theirs
        assert await outcome(redeem(world, cashier, digits, amount)) == "SUCCESS"


async def test_any_store_of_the_brand_takes_it_and_each_member_of_staff_at_their_own(world: World) -> None:
    guest, shekou = await new_guest(world), await hire(world, store_ids=(SHEKOU,))
    digits = await show(guest)
    assert await previewed(world, shekou, digits) == "NOT_ALLOWED"
    assert await outcome(redeem(world, shekou, digits, 100)) == "NOT_ALLOWED"
    assert await previewed(world, shekou, digits, SHEKOU) == "SUCCESS"
    assert await outcome(redeem(world, shekou, digits, 100, SHEKOU)) == "SUCCESS"


async def test_two_tills_scan_one_code_at_once_and_one_takes_the_money(world: World) -> None:
    guest, tills = await new_guest(world), [await hire(world) for _ in range(2)]
    for round_ in range(1, 6):
        digits = await show(guest, maxFen=1_000)
        results = await asyncio.gather(*(outcome(redeem(world, till, digits, 1_000)) for till in tills))
        assert Counter(results) == {"SUCCESS": 1, "ALREADY_REDEEMED": 1}
        assert await balance(world, guest.card_id) == 10_000 - 1_000 * round_
        assert (await statement(world, guest.card_id))[1:] == [("PURCHASE", -1_000)] * round_
        assert len(await rows(world, "redemptions", customer_id=guest.id)) == round_
        assert len(await actions(world, guest.card_id)) == round_
        assert await outcome(redeem(world, tills[0], digits, 1)) == "ALREADY_REDEEMED"
