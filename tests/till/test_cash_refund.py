"""refundTopUp: cash back out of the drawer for what is left of a cash top-up, by the same sum as anywhere."""

import asyncio
from collections import Counter

import pytest

from scripts.client import Api, Json, new_key
from scripts.demo_brands import made_id
from tests.money.people import new_tier, points
from tests.payments.money import balances, place, rows, topped_up
from tests.support.world import World
from tests.till.counter import (
    SHEKOU,
    TEA_BRAND,
    TEA_STORE,
    Guest,
    actions,
    at,
    balance,
    hire,
    new_guest,
    outcome,
    staff_id,
    statement,
    taken,
)
from tests.till.test_cash_top_up import cash

REFUND = "refunded { amountFen } card { id balance { amountFen } }"


async def refund(staff: Api, payment_id: str, reason: str = "顾客要求", key: str | None = None) -> Json:
    """Refund a cash top-up. Raises Refused."""
    wanted = {"paymentId": payment_id, "reason": reason, "idempotencyKey": key or new_key()}
    return await staff.do("refundTopUp", REFUND, **wanted)


async def cash_top_up(world: World, principal: int, bonus: int = 0, spent: int = 0) -> tuple[Guest, str]:
    """A guest whose empty card was topped up in cash and then spent from, and the payment."""
    guest, cashier = await new_guest(world, 100), await hire(world)
    await taken(world, cashier, guest, 100)
    tier = await new_tier(world, principal, bonus)
    await cash(world, await hire(world, "MANAGER"), guest, tierId=tier.id)
    if spent:
        await taken(world, cashier, guest, spent)
    [payment] = await rows(world, "payments", customer_id=guest.id, purpose="TOP_UP")
    return guest, payment["_id"]


@pytest.mark.parametrize(
    ("principal", "bonus", "spent", "back"),
    [
        (10_000, 0, 0, 10_000),
        (10_000, 0, 1, 9_999),
        (10_000, 3_000, 0, 10_000),
        (10_000, 3_000, 1, 9_999),  # ⌈1 · 10 000 / 13 000⌉ = 1
        (10_000, 3_000, 13, 9_990),  # 13 · 10 000 / 13 000 = 10
        (10_000, 3_000, 5_200, 6_000),  # 5 200 · 10 000 / 13 000 = 4 000
        (10_000, 3_000, 12_999, 0),  # ⌈9 999.2⌉: nothing is left of it
        (10_000, 10_000, 19_998, 1),  # 19 998 / 2 = 9 999; two fen of principal are left
    ],
)
async def test_what_is_left_of_it_goes_back(world: World, principal: int, bonus: int, spent: int, back: int) -> None:
    guest, payment_id = await cash_top_up(world, principal, bonus, spent)
    manager = await hire(world, "MANAGER")
    if not back:
        assert await outcome(refund(manager, payment_id)) == "NOT_REFUNDABLE"
        assert await balance(world, guest.card_id) == 1
        return
    answer = await refund(manager, payment_id)
    assert answer["refunded"] == {"amountFen": back}
    assert answer["card"] == {"id": guest.card_id, "balance": {"amountFen": 0}}
    assert await balances(guest.api, guest.card_id) == (0, 0, 0)
    [entry] = await rows(world, "journal", _id=f"undo:{payment_id}")
    cash_lines = [line["amount_fen"] for line in entry["lines"] if line["account"].endswith(":cash")]
    assert cash_lines == [back]
    assert ("REFUND", -back) in await statement(world, guest.card_id)
    assert await actions(world, payment_id) == [
        *[row for row in await actions(world, payment_id) if row[1] == "cashTopUp"],
        (await staff_id(manager), "refundTopUp", back, "顾客要求"),
    ]


@pytest.mark.parametrize("part", [None, 2_000])
async def test_what_was_given_and_nobody_took_is_there_before_a_worker_has_run(time: World, part: int | None) -> None:
    start = time.clock.now()
    guest, payment_id = await cash_top_up(time, 5_000)
    await time.rest()
    try:
        given = {"cardId": guest.card_id, "idempotencyKey": new_key(), **({"amountFen": part} if part else {})}
        await guest.api.do("give", "gift { id }", **given)
        with at(time, start, hours=25):
            done = await refund(await hire(time, "MANAGER"), payment_id)
    finally:
        await time.go_on()
    assert (done["refunded"], done["card"]["balance"]) == ({"amountFen": 5_000}, {"amountFen": 0})


async def test_points_and_coupons_of_the_tier_go_back_too(world: World) -> None:
    guest, manager = await new_guest(world, 100), await hire(world, "MANAGER")
    tier = await new_tier(world, 10_000, 0, bonus_points=100, template_ids=(made_id("tpl", "seafood", "top-up-50"),))
    await cash(world, manager, guest, tierId=tier.id)
    assert await points(guest.api) == 100
    [payment] = await rows(world, "payments", customer_id=guest.id)
    await refund(manager, payment["_id"])
    assert await points(guest.api) == 0
    assert [each["status"] for each in await rows(world, "coupons", customer_id=guest.id)] == ["VOIDED"]
    assert await balance(world, guest.card_id) == 100  # what was there before


async def test_managers_of_the_store_only(world: World) -> None:
    guest, payment_id = await cash_top_up(world, 10_000)
    refused = [
        (await hire(world), "NOT_ALLOWED"),
        (await hire(world, "MANAGER", (SHEKOU,)), "NOT_ALLOWED"),
        (await hire(world, "OWNER", (TEA_STORE,), TEA_BRAND), "NOT_FOUND"),
    ]
    for staff, code in refused:
        assert await outcome(refund(staff, payment_id)) == code
    assert await balance(world, guest.card_id) == 10_000
    assert await outcome(refund(await hire(world, "OWNER", ()), payment_id)) == "SUCCESS"


async def test_a_top_up_paid_in_the_chat_app_is_not_refunded_at_the_till(world: World) -> None:
    guest, manager = await new_guest(world, 100), await hire(world, "MANAGER")
    opened = await topped_up(world, guest.api, amountFen=5_000)
    assert await outcome(refund(manager, opened["payment"]["id"])) == "NOT_FOUND"
    assert await outcome(refund(manager, "pay_none")) == "NOT_FOUND"
    assert await balance(world, guest.card_id) == 5_100


async def test_cash_is_not_refunded_in_the_chat_app(world: World) -> None:
    guest, payment_id = await cash_top_up(world, 10_000)
    wanted = {"paymentId": payment_id, "idempotencyKey": new_key()}
    assert await outcome(guest.api.do("refundPayment", "payment { id }", **wanted)) == "NOT_REFUNDABLE"
    assert await balance(world, guest.card_id) == 10_000


async def test_cash_for_an_order_is_no_top_up(world: World) -> None:
    guest, manager = await new_guest(world, 100), await hire(world, "MANAGER")
    order = await place(world, guest.api, "pomfret")
    await manager.do("takeCash", "order { id }", storeId=world.store_id, orderId=order["id"], idempotencyKey=new_key())
    [payment] = await rows(world, "payments", order_id=order["id"])
    assert await outcome(refund(manager, payment["_id"])) == "NOT_FOUND"


async def test_once_however_often_and_by_however_many(world: World) -> None:
    guest, payment_id = await cash_top_up(world, 10_000)
    managers = [await hire(world, "MANAGER") for _ in range(2)]
    results = await asyncio.gather(*(outcome(refund(each, payment_id)) for each in managers * 5))
    assert Counter(results) == {"SUCCESS": 1, "NOT_REFUNDABLE": 9}
    assert await balance(world, guest.card_id) == 0
    assert [row[1] for row in await actions(world, payment_id)] == ["cashTopUp", "refundTopUp"]


async def test_a_reason_is_needed_and_a_card_without_holds_that_is_still_the_members(world: World) -> None:
    guest, payment_id = await cash_top_up(world, 10_000)
    manager = await hire(world, "MANAGER")
    for reason in ("", " ", "错" * 81):
        assert await outcome(refund(manager, payment_id, reason)) == "STATUS_INVALID"
    wanted = {"cardId": guest.card_id, "idempotencyKey": new_key()}
    gift = (await guest.api.do("give", "gift { id }", **wanted))["gift"]
    assert await outcome(refund(manager, payment_id)) == "NOT_REFUNDABLE"
    await guest.api.do("withdrawGift", "gift { id }", giftId=gift["id"])
    assert await outcome(refund(manager, payment_id)) == "SUCCESS"


async def test_for_seven_days(time: World) -> None:
    start = time.clock.now()
    with at(time, start):
        guest, payment_id = await cash_top_up(time, 10_000)
    with at(time, start, days=7):
        assert await outcome(refund(await hire(time, "MANAGER"), payment_id)) == "NOT_REFUNDABLE"
    with at(time, start, days=7, milliseconds=-1):
        assert await outcome(refund(await hire(time, "MANAGER"), payment_id)) == "SUCCESS"
    assert await balance(time, guest.card_id) == 0
