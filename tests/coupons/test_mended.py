"""Corners that once were wrong: uses that come back to a given card, limits that change, coupons nobody could use."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from resolvers.coupons.issue import issue_coupons
from resolvers.coupons.lapse import expire_lapsed
from resolvers.coupons.model import CouponKind
from resolvers.coupons.publish import publish
from resolvers.ordering.refusals import StatusInvalid
from scripts.client import Api, Refused, new_key
from tests.coupons.offered import cart, claim, offer, quote, two_dishes, used
from tests.support.core import member_of_staff
from tests.support.world import World

TAKEN = "order { id status verificationCode }"


async def _uses(world: World, coupon_id: str) -> int | None:
    coupon = await world.app.coupons.coupon(coupon_id)
    assert coupon is not None
    return coupon.uses_left


async def _given(person: Api, coupon_id: str) -> str:
    answer = await person.do("give", "gift { shareToken }", couponId=coupon_id, idempotencyKey=new_key())
    return str(answer["gift"]["shareToken"])


@pytest.mark.parametrize("claimed_first", [True, False])
async def test_a_use_that_comes_back_follows_a_card_that_was_given(world: World, claimed_first: bool) -> None:
    """Three uses, one in an order; the card is given with two; the order is refunded: three again, wherever it is."""
    person, friend, owner = await world.person(), await world.person(), await world.staff()
    dear, cheap = await two_dishes(world)
    offered = await offer(
        world, CouponKind.BUY_GET, buy_dish_ids=(dear.id,), get_dish_ids=(cheap.id,), uses=3, regifts=3
    )
    coupon_id = await claim(person, offered)
    wanted = cart(world, (dear, 1), (cheap, 1), couponIds=[coupon_id], tenders=[{"method": "CASH"}])
    order = (await person.do("placeOrder", TAKEN, **wanted, idempotencyKey=new_key()))["order"]
    cash = {"storeId": world.store_id, "orderId": order["id"], "idempotencyKey": new_key()}
    await owner.do("takeCash", "order { id }", **cash)
    assert await _uses(world, coupon_id) == 2
    token = await _given(person, coupon_id)
    refund = {"orderId": order["id"], "reason": "售罄", "idempotencyKey": new_key()}
    if not claimed_first:
        await owner.do("refundOrder", "order { id }", **refund)
    got = (await friend.do("claimGift", "coupon { id usesLeft }", token=token, idempotencyKey=new_key()))["coupon"]
    if claimed_first:
        assert got["usesLeft"] == 2
        await owner.do("refundOrder", "order { id }", **refund)
    assert await _uses(world, got["id"]) == 3


async def test_limits_that_come_go_and_come_again_count_what_is_out(world: World) -> None:
    free = await offer(world, CouponKind.CASH, amount_off_fen=1, per_customer=9)
    person = await world.person()
    for _ in range(3):
        await claim(person, free)
    await publish(world.app, replace(free, total=3))
    with pytest.raises(Refused, match="SOLD_OUT"):
        await claim(person, free)
    await publish(world.app, free)
    await claim(person, free)
    with pytest.raises(ValueError, match="4 are out"):
        await publish(world.app, replace(free, total=3))
    await publish(world.app, replace(free, total=5, per_customer=1))  # fewer a head from now on: no breach
    await claim(await world.person(), free)
    with pytest.raises(Refused, match="SOLD_OUT"):
        await claim(await world.person(), free)


async def test_a_day_that_is_cut_short_at_midday(world: World) -> None:
    daily = await offer(world, CouponKind.CASH, amount_off_fen=1, per_day=5)
    await claim(await world.person(), daily)
    await publish(world.app, replace(daily, per_day=2))
    await claim(await world.person(), daily)
    with pytest.raises(Refused, match="今日已抢光"):
        await claim(await world.person(), daily)


async def test_a_coupon_that_nobody_could_use_is_not_had(world: World) -> None:
    now, person = world.clock.now(), await world.person()
    late = await offer(world, CouponKind.CASH, amount_off_fen=1, delay_days=3, valid_until=now + timedelta(days=1))
    over = await offer(world, CouponKind.CASH, amount_off_fen=1, valid_until=now - timedelta(days=1))
    for template in (late, over):
        with pytest.raises(Refused, match="ENDED"):
            await claim(person, template)
        owner = await member_of_staff(world, "owner")
        with pytest.raises(StatusInvalid, match="有效期"):
            await issue_coupons(world.app, owner, template.id, ["cus_x"], new_key())


async def test_what_a_lapsed_order_holds_is_free_before_anybody_tidies(time: World) -> None:
    person, (dear, _) = await time.person(), await two_dishes(time)
    held = await claim(person, await offer(time, CouponKind.CASH, amount_off_fen=300))
    await person.do("placeOrder", TAKEN, **cart(time, (dear, 1)), idempotencyKey=new_key())
    assert used(await quote(time, person, (dear, 1))) == {}
    brand = await time.app.brands.brand(time.brand_id)
    assert brand is not None
    ahead = time.clock.ahead
    time.clock.ahead += timedelta(minutes=brand.settings.pay_minutes, seconds=1)
    session = await person.do(
        "refreshSession", "session { accessToken refreshToken }", refreshToken=person.refresh_token
    )
    person.token = session["session"]["accessToken"]
    assert used(await quote(time, person, (dear, 1))) == {held: 300}
    assert (await person.do("showCode", "digits", couponId=held))["digits"]
    assert time.clock.ahead > ahead


async def test_two_orders_at_once_after_one_coupon_are_both_placed_at_a_true_price(world: World) -> None:
    person, (dear, _) = await world.person(), await two_dishes(world)
    await claim(person, await offer(world, CouponKind.CASH, amount_off_fen=300))
    placing = [
        person.do("placeOrder", "order { payable { amountFen } }", **cart(world, (dear, 1)), idempotencyKey=new_key())
        for _ in range(2)
    ]
    payable = sorted(each["order"]["payable"]["amountFen"] for each in await asyncio.gather(*placing))
    assert payable == [dear.price_fen - 300, dear.price_fen]


async def test_a_use_at_the_till_is_undone_though_the_card_has_lapsed(time: World) -> None:
    person, owner, (dear, cheap) = await time.person(), await time.staff(), await two_dishes(time)
    offered = await offer(
        time, CouponKind.BUY_GET, buy_dish_ids=(dear.id,), get_dish_ids=(cheap.id,), uses=3, valid_days=1
    )
    coupon_id = await claim(person, offered)
    digits = (await person.do("showCode", "digits", couponId=coupon_id))["digits"]
    wanted = {"storeId": time.store_id, "code": digits, "idempotencyKey": new_key()}
    redemption = (await owner.do("redeemCode", "redemption { id }", **wanted))["redemption"]
    time.clock.ahead += timedelta(days=1, minutes=1)
    while await expire_lapsed(time.app):
        pass
    owner = await time.staff()
    undo = {"redemptionId": redemption["id"], "reason": "拿错了", "idempotencyKey": new_key()}
    assert (await owner.do("undoRedemption", "redemption { undoneAt }", **undo))["redemption"]["undoneAt"]
    coupon = await time.app.coupons.coupon(coupon_id)
    assert coupon is not None
    assert (coupon.status, coupon.uses_left) == ("EXPIRED", 3)
