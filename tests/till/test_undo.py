"""Undoing a redemption: value back where it came from, the coupon or the order as it was before."""

from datetime import timedelta

import pytest

from scripts.client import Json, new_key
from tests.money.people import new_tier, points
from tests.payments.money import order_now, pay_order, place, rows
from tests.support.core import card_now
from tests.support.world import World
from tests.till.counter import (
    Guest,
    actions,
    at,
    balance,
    claimed,
    given,
    hire,
    new_guest,
    outcome,
    previewed,
    received,
    redeem,
    show,
    staff_id,
    statement,
    taken,
    undo,
)


async def with_lapsing_bonus(world: World) -> Guest:
    """A guest with 8 100 fen of principal, 500 of bonus that never lapses and 300 that lapses tomorrow."""
    guest, owner = await new_guest(world, 8_000, 500), await hire(world, "OWNER")
    tier = await new_tier(world, 100, 300, bonus_days=1)
    wanted = {"storeId": world.store_id, "customerId": guest.id, "tierId": tier.id, "idempotencyKey": new_key()}
    await owner.do("cashTopUp", "card { id }", **wanted)
    return guest


async def lots(world: World, guest: Guest) -> dict[str, int]:
    """What is left of every lot of a guest's card."""
    return {lot.id: lot.left_fen for lot in (await card_now(world, guest.card_id)).lots}


async def entry_of(world: World, redemption: Json) -> dict[str, int]:
    """The lines of the entry that undid a redemption: what kind of account, and by how much."""
    [entry] = await rows(world, "journal", _id=f"undo:{redemption['id']}")
    return {line["account"].rpartition(":")[2]: line["amount_fen"] for line in entry["lines"] if line["amount_fen"]}


async def test_value_goes_back_lot_by_lot(world: World) -> None:
    guest, cashier = await with_lapsing_bonus(world), await hire(world)
    before = await lots(world, guest)
    redemption = await taken(world, cashier, guest, 1_000)  # 300 + 500 of bonus, 200 of principal
    assert sum(before.values()) - 1_000 == sum((await lots(world, guest)).values())
    undone = await undo(cashier, redemption, "多扣了")
    assert await lots(world, guest) == before
    assert undone["amount"] == {"amountFen": 1_000}
    assert undone["undoneAt"] is not None
    assert (await statement(world, guest.card_id))[-2:] == [("PURCHASE", -1_000), ("REVERSAL", 1_000)]
    assert await actions(world, redemption["id"]) == [(await staff_id(cashier), "undoRedemption", 1_000, "多扣了")]
    assert await entry_of(world, redemption) == {"sales": -1_000, "bonus": 800, "principal": 200}


async def test_bonus_that_lapsed_meanwhile_goes_to_breakage(time: World) -> None:
    guest, start = await with_lapsing_bonus(time), time.clock.now()
    redemption = await taken(time, await hire(time), guest, 1_000)
    with at(time, start, days=1, minutes=1):
        await undo(await hire(time, "MANAGER"), redemption)
    assert await balance(time, guest.card_id) == 8_600
    assert (await statement(time, guest.card_id))[-1] == ("REVERSAL", 700)
    assert await entry_of(time, redemption) == {"sales": -1_000, "bonus": 500, "principal": 200, "breakage": 300}


async def test_a_redemption_of_nothing_but_lapsed_bonus_leaves_the_card_as_it_is(time: World) -> None:
    guest, start = await with_lapsing_bonus(time), time.clock.now()
    redemption = await taken(time, await hire(time), guest, 300)
    lines = await statement(time, guest.card_id)
    with at(time, start, days=1, minutes=1):
        assert (await undo(await hire(time, "MANAGER"), redemption))["undoneAt"] is not None
    assert (await balance(time, guest.card_id), await statement(time, guest.card_id)) == (8_600, lines)
    assert await entry_of(time, redemption) == {"sales": -300, "breakage": 300}


async def test_a_card_given_away_whole_meanwhile_is_followed_from_friend_to_friend(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    redemption = await taken(world, cashier, guest, 4_000)
    friend, last = await world.person(), await world.person()
    first = await received(friend, await given(world, guest))
    gift = await friend.do("give", "gift { shareToken }", cardId=first, idempotencyKey=new_key())
    second = await received(last, gift["gift"]["shareToken"])
    await undo(cashier, redemption)
    assert [await balance(world, each) for each in (guest.card_id, first, second)] == [0, 0, 10_000]
    assert (await statement(world, second))[-1] == ("REVERSAL", 4_000)


async def test_value_that_comes_back_to_a_card_while_it_is_given_travels_with_it(world: World) -> None:
    guest, cashier, friend = await new_guest(world), await hire(world), await world.person()
    redemption = await taken(world, cashier, guest, 4_000)
    token = await given(world, guest)
    await undo(cashier, redemption)
    assert await balance(world, guest.card_id) == 4_000
    card_id = await received(friend, token)
    assert [await balance(world, each) for each in (guest.card_id, card_id)] == [0, 10_000]


async def test_a_part_that_was_given_away_pulls_nothing(world: World) -> None:
    guest, cashier, friend = await new_guest(world), await hire(world), await world.person()
    redemption = await taken(world, cashier, guest, 4_000)
    cut_off = await received(friend, await given(world, guest, 6_000))
    await undo(cashier, redemption)
    assert [await balance(world, each) for each in (guest.card_id, cut_off)] == [4_000, 6_000]


async def coupon_now(world: World, coupon_id: str) -> tuple[str, int | None]:
    """(status, uses left) of a coupon."""
    [row] = await rows(world, "coupons", _id=coupon_id)
    return row["status"], row["uses_left"]


async def test_a_coupon_is_available_again_and_can_be_used_again(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    coupon_id = await claimed(world, guest, "cash-50")
    redemption = await redeem(world, cashier, await show(guest, couponId=coupon_id))
    assert await coupon_now(world, coupon_id) == ("REDEEMED", None)
    assert await outcome(show(guest, couponId=coupon_id)) == "NOT_ACTIVE"
    assert (await undo(cashier, redemption))["amount"] is None
    assert await coupon_now(world, coupon_id) == ("AVAILABLE", None)
    assert await outcome(redeem(world, cashier, await show(guest, couponId=coupon_id))) == "SUCCESS"


async def test_a_coupon_whose_time_is_over_comes_back_expired(time: World) -> None:
    guest, cashier, start = await new_guest(time), await hire(time), time.clock.now()
    coupon_id = await claimed(time, guest, "cash-50")
    ends = {"$set": {"valid_until": start + timedelta(hours=1)}}
    await time.app.connection.collection("coupons").update_one({"_id": coupon_id}, ends)
    redemption = await redeem(time, cashier, await show(guest, couponId=coupon_id))
    with at(time, start, hours=1):
        await undo(await hire(time, "MANAGER"), redemption)
    assert await coupon_now(time, coupon_id) == ("EXPIRED", None)


async def test_a_use_of_a_tea_card_comes_back(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    coupon_id = await claimed(world, guest, "tea-card")
    uses = [await redeem(world, cashier, await show(guest, couponId=coupon_id)) for _ in range(3)]
    assert await coupon_now(world, coupon_id) == ("REDEEMED", 0)
    for redemption, left in zip(uses, (1, 2, 3), strict=True):
        await undo(cashier, redemption)
        assert await coupon_now(world, coupon_id) == ("AVAILABLE", left)


async def test_a_tea_card_that_was_given_away_or_waits_in_an_order_keeps_its_use(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    coupon_id = await claimed(world, guest, "tea-card")
    redemption = await redeem(world, cashier, await show(guest, couponId=coupon_id))
    for status in ("HELD", "GIFTING", "GIFTED"):
        before = await world.app.connection.collection("coupons").find_one_and_update(
            {"_id": coupon_id}, {"$set": {"status": status}}
        )
        assert await outcome(undo(cashier, redemption)) == "STATUS_INVALID"
        assert await coupon_now(world, coupon_id) == (status, 2)
        assert (await rows(world, "redemptions", _id=redemption["id"]))[0]["undone_at"] is None
        assert await actions(world, redemption["id"]) == []
        await world.app.connection.collection("coupons").replace_one({"_id": coupon_id}, before)
    assert await outcome(undo(cashier, redemption)) == "SUCCESS"


async def paid_order(world: World, guest: Guest) -> tuple[Json, str]:
    """A guest's order of 9 800 fen, paid from the card, and its verification code."""
    order = await place(world, guest.api, "pomfret")
    await pay_order(guest.api, order, {"method": "STORED_VALUE", "cardId": guest.card_id})
    [row] = await rows(world, "orders", _id=order["id"])
    return order, row["verification_code"]


@pytest.mark.parametrize("status", ["PAID", "ACCEPTED", "READY"])
async def test_an_order_is_as_it_was_and_its_points_are_taken_back(world: World, status: str) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    order, code = await paid_order(world, guest)
    for step in {"PAID": [], "ACCEPTED": ["ACCEPT"], "READY": ["ACCEPT", "READY"]}[status]:
        await cashier.do("advanceOrder", "order { status }", orderId=order["id"], step=step)
    redemption = await redeem(world, cashier, code)
    assert (redemption["kind"], redemption["what"], redemption["amount"]) == ("ORDER", f"订单 {order['number']}", None)
    assert ((await order_now(guest.api, order))["status"], await points(guest.api)) == ("COMPLETED", 98)
    await undo(cashier, redemption, "还没取餐")
    assert ((await order_now(guest.api, order))["status"], await points(guest.api)) == (status, 0)
    assert await balance(world, guest.card_id) == 200
    await redeem(world, cashier, code)
    assert ((await order_now(guest.api, order))["status"], await points(guest.api)) == ("COMPLETED", 98)


async def test_an_order_that_was_refunded_meanwhile_stays_so(world: World) -> None:
    guest, manager = await new_guest(world), await hire(world, "MANAGER")
    order, code = await paid_order(world, guest)
    redemption = await redeem(world, manager, code)
    wanted = {"orderId": order["id"], "reason": "不新鲜", "idempotencyKey": new_key()}
    await manager.do("refundOrder", "order { id }", **wanted)
    assert await outcome(undo(manager, redemption)) == "STATUS_INVALID"
    assert ((await order_now(guest.api, order))["status"], await points(guest.api)) == ("REFUNDED", 0)


async def test_a_number_that_another_order_has_by_now_is_not_given_twice(world: World) -> None:
    guest, other, cashier = await new_guest(world), await new_guest(world), await hire(world)
    order, code = await paid_order(world, guest)
    redemption = await redeem(world, cashier, code)
    waiting, _ = await paid_order(world, other)
    same = {"$set": {"verification_code": code}}
    await world.app.connection.collection("orders").update_one({"_id": waiting["id"]}, same)
    assert await outcome(undo(cashier, redemption)) == "STATUS_INVALID"
    assert (await order_now(guest.api, order))["status"] == "COMPLETED"
    assert await previewed(world, cashier, code) == "SUCCESS"  # the other one's
    await redeem(world, cashier, code)
    assert await outcome(undo(cashier, redemption)) == "SUCCESS"
