"""Coupons at the till: what is refused says a sentence that the cashier can say aloud, and uses nothing up."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from resolvers.brands.model import parse_hours
from resolvers.coupons.model import CouponKind, Template, Window
from resolvers.ports import Platform
from scripts.client import Json, Refused, new_key
from tests.coupons.offered import claim, offer, two_dishes
from tests.support.world import World
from tests.till.counter import TIANHE, Guest, at, claimed, hire, moment, new_guest, preview, redeem, show, undo

NOON = moment("2026-12-05T12:00:00+08:00")  # a Saturday


async def _held(world: World, guest: Guest, **values: Any) -> tuple[str, Template]:
    """A coupon of a guest's, and its template."""
    offered = await offer(world, CouponKind.CASH, amount_off_fen=500, valid_days=60, **values)
    return await claim(guest.api, offered), offered


async def _signed_in_again(guest: Guest) -> None:
    """The clock was moved past the life of the guest's access token."""
    wanted = "session { accessToken refreshToken }"
    session = (await guest.api.do("refreshSession", wanted, refreshToken=guest.api.refresh_token))["session"]
    guest.api.token, guest.api.refresh_token = session["accessToken"], session["refreshToken"]


async def _refused(world: World, guest: Guest, coupon_id: str, **fields: Any) -> tuple[str, str]:
    """(code, sentence) of a refusal, the same for looking and for redeeming, after which the code is still good."""
    cashier, code = await hire(world), await show(guest, couponId=coupon_id)
    looked = await preview(world, cashier, code)
    with pytest.raises(Refused) as refused:
        await redeem(world, cashier, code, **fields)
    assert (refused.value.code, refused.value.error["message"]) == (looked["codeName"], refused.value.error["message"])
    coupon = await world.app.coupons.coupon(coupon_id)
    assert coupon is not None
    assert coupon.status == "AVAILABLE"
    return str(refused.value.code), str(refused.value.error["message"])


async def test_a_coupon_of_another_store(world: World) -> None:
    guest = await new_guest(world)
    coupon_id, _ = await _held(world, guest, store_ids=(TIANHE,))
    assert await _refused(world, guest, coupon_id) == ("WRONG_STORE", "此券不适用于本店")
    there = await hire(world, store_ids=(TIANHE,))
    redemption = await redeem(world, there, await show(guest, couponId=coupon_id), store_id=TIANHE)
    assert redemption["kind"] == "COUPON"


async def test_a_coupon_outside_its_window_and_on_a_blackout_day(time: World) -> None:
    guest = await new_guest(time)
    lunch = Window((1, 2, 3, 4, 5), (parse_hours("11:00", "14:00"),))
    weekdays, _ = await _held(time, guest, windows=(lunch,))
    closed, _ = await _held(time, guest, blackout=("2026-12-05",))
    later, _ = await _held(time, guest, delay_days=30)
    time.clock.ahead = NOON - time.clock.now() + time.clock.ahead
    await _signed_in_again(guest)
    assert await _refused(time, guest, weekdays) == ("NOT_REDEEMABLE", "仅限周一至周五 11:00-14:00 使用")
    assert await _refused(time, guest, closed) == ("NOT_REDEEMABLE", "12月05日不可用")
    code, sentence = await _refused(time, guest, later)
    assert code == "NOT_REDEEMABLE"
    assert sentence.endswith("起可用")
    time.clock.ahead += timedelta(days=2)  # a Monday noon
    await _signed_in_again(guest)
    for coupon_id in (weekdays, closed):
        assert await redeem(time, await hire(time), await show(guest, couponId=coupon_id))


async def test_a_coupon_for_a_level_that_its_holder_has_no_more(world: World) -> None:
    guest = await new_guest(world)
    coupon_id, offered = await _held(world, guest)
    await world.app.coupons.put_template(replace(offered, levels=("GOLD",)))
    assert await _refused(world, guest, coupon_id) == ("NOT_REDEEMABLE", "仅限金卡会员使用")


async def test_a_coupon_of_the_other_chat_app_is_not_shown(world: World) -> None:
    guest = await new_guest(world)
    coupon_id, offered = await _held(world, guest)
    await world.app.coupons.put_template(replace(offered, channels=(Platform.QQ,)))
    with pytest.raises(Refused) as refused:
        await show(guest, couponId=coupon_id)
    assert (refused.value.code, refused.value.error["message"]) == ("NOT_ACTIVE", "仅限在QQ小程序使用")


async def test_a_code_that_was_used_says_when(time: World) -> None:
    with at(time, NOON + timedelta(days=3)):
        guest, cashier = await new_guest(time), await hire(time)
        coupon_id, _ = await _held(time, guest)
        code = await show(guest, couponId=coupon_id)
        await redeem(time, cashier, code)
        with pytest.raises(Refused) as refused:
            await redeem(time, cashier, code)
    assert refused.value.code == "ALREADY_REDEEMED"
    assert refused.value.error["message"] == "此码已于 12:00 核销过，请让顾客刷新出新的码"


async def test_a_free_dish_at_the_till_is_used_once_and_undone_once(world: World) -> None:
    guest, cashier, (dear, _) = await new_guest(world), await hire(world), await two_dishes(world)
    offered = await offer(world, CouponKind.EXCHANGE, free_dish_ids=(dear.id,))
    coupon_id = await claim(guest.api, offered)
    redemption = await redeem(world, cashier, await show(guest, couponId=coupon_id))
    assert (redemption["kind"], redemption["what"], redemption["amount"]) == ("COUPON", offered.title, None)
    with pytest.raises(Refused) as refused:
        await show(guest, couponId=coupon_id)
    assert refused.value.code == "NOT_ACTIVE"
    undone = await undo(cashier, redemption, "拿错了")
    assert undone["undoneAt"] is not None
    assert await redeem(world, cashier, await show(guest, couponId=coupon_id))


async def test_a_coupon_that_waits_in_an_order_says_so(world: World) -> None:
    guest, cashier, (dear, _) = await new_guest(world), await hire(world), await two_dishes(world)
    coupon_id, _ = await _held(world, guest)
    code = await show(guest, couponId=coupon_id)
    wanted: Json = {"storeId": world.store_id, "type": "PICK_UP", "lines": [{"dishId": dear.id, "quantity": 1}]}
    await guest.api.do("placeOrder", "order { id }", **wanted, couponIds=[coupon_id], idempotencyKey=new_key())
    with pytest.raises(Refused) as refused:
        await redeem(world, cashier, code)
    assert (refused.value.code, refused.value.error["message"]) == ("NOT_REDEEMABLE", "此券已用于一个待支付的订单")


async def test_a_coupons_code_shows_its_rules_before_it_is_redeemed(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    coupon_id = await claimed(world, guest, "tea-card")
    looked = """query($store: ID!, $code: String!) { previewCode(storeId: $store, code: $code) {
      ... on CodePreview { kind coupon { id kind status headline terms usesLeft } } } }"""
    answer = await cashier.ask(looked, store=world.store_id, code=await show(guest, couponId=coupon_id))
    shown = answer["previewCode"]["coupon"]
    assert [shown[each] for each in ("id", "kind", "status", "headline", "usesLeft")] == [
        coupon_id,
        "BUY_GET",
        "AVAILABLE",
        "买1送1",
        3,
    ]
    assert "手打柠檬茶" in shown["terms"]


async def test_an_order_that_was_fetched_already_says_when(time: World) -> None:
    with at(time, NOON + timedelta(days=4)):
        guest, cashier, (dear, _) = await new_guest(time, 100_000), await hire(time), await two_dishes(time)
        wanted: Json = {"storeId": time.store_id, "type": "PICK_UP", "lines": [{"dishId": dear.id, "quantity": 1}]}
        tenders = [{"method": "STORED_VALUE", "cardId": guest.card_id}]
        placed = await guest.api.do(
            "placeOrder", "order { number verificationCode }", **wanted, tenders=tenders, idempotencyKey=new_key()
        )
        code = placed["order"]["verificationCode"]
        await redeem(time, cashier, code)
        with pytest.raises(Refused) as refused:
            await redeem(time, cashier, code)
        assert refused.value.code == "ALREADY_REDEEMED"
        assert refused.value.error["message"] == f"订单 {placed['order']['number']} 已于 12:00 取餐"
        assert (await preview(time, cashier, code))["codeName"] == "ALREADY_REDEEMED"
