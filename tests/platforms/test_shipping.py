"""Telling WeChat of a delivery: what is sent, what each answer means, and that saying it twice does no harm."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from gateway.clock import SystemClock
from gateway.qq import QQ
from gateway.wechat import WeChat
from gateway.wechat_shipping import ALREADY_SHIPPED, PATH, REFUSED
from resolvers.ports import OutsideFault, Platform, ShippingNotice
from resolvers.ports_payment import ProviderRefused
from scripts.client import Json
from scripts.simulator.app import Serving
from tests.platforms.stub import Stub
from tests.platforms.test_key_modes import Shop, shop_at
from tests.support.faults import fault

TOKEN = "/cgi-bin/stable_token"
AT = datetime(2026, 11, 21, 4, 0, 0, 120_000, tzinfo=UTC)
NOTICE = ShippingNotice("4200001", "pay_1", "oAnn", "储值 100 元", True, AT)
OK = {"errcode": 0, "errmsg": "ok"}


@pytest.fixture(autouse=True)
def _token(stub: Stub) -> None:
    stub.answers(
        TOKEN, {"access_token": "token-1", "expires_in": 7200}, {"access_token": "token-2", "expires_in": 7200}
    )


async def test_what_is_said(wechat: WeChat, stub: Stub) -> None:
    stub.answers(PATH, OK)
    await wechat.upload_shipping(NOTICE)
    asked = stub.asked[-1]
    assert asked.query == {"access_token": "token-1"}
    assert "储值".encode() in asked.body
    assert json.loads(asked.body) == {
        "order_key": {"order_number_type": 2, "transaction_id": "4200001"},
        "logistics_type": 3,
        "delivery_mode": 1,
        "shipping_list": [{"item_desc": "储值 100 元"}],
        "upload_time": "2026-11-21T12:00:00.120+08:00",
        "payer": {"openid": "oAnn"},
    }


async def test_what_is_no_virtual_thing_is_picked_up_and_a_long_text_is_cut(wechat: WeChat, stub: Stub) -> None:
    stub.answers(PATH, OK)
    await wechat.upload_shipping(ShippingNotice("4200001", "pay_1", "oAnn", "菜" * 121, False, AT))
    said = json.loads(stub.asked[-1].body)
    assert said["logistics_type"] == 4
    assert said["shipping_list"] == [{"item_desc": "菜" * 120}]


async def test_a_refused_token_is_renewed_once(wechat: WeChat, stub: Stub) -> None:
    stub.answers(PATH, {"errcode": 40001, "errmsg": "no"}, OK)
    await wechat.upload_shipping(NOTICE)
    assert [each.query["access_token"] for each in stub.asked if each.path == PATH] == ["token-1", "token-2"]


@pytest.mark.parametrize("code", sorted(ALREADY_SHIPPED))
async def test_shipped_already_is_done(wechat: WeChat, stub: Stub, code: int) -> None:
    stub.answers(PATH, {"errcode": code, "errmsg": "no"})
    await wechat.upload_shipping(NOTICE)
    assert stub.times(PATH) == 1


@pytest.mark.parametrize("code", sorted(REFUSED))
async def test_a_no_for_good_is_a_refusal(wechat: WeChat, stub: Stub, code: int) -> None:
    stub.answers(PATH, {"errcode": code, "errmsg": "no"})
    with pytest.raises(ProviderRefused):
        await wechat.upload_shipping(NOTICE)


@pytest.mark.parametrize(
    "said",
    [*({"errcode": code} for code in (-1, 45009, 45011, 40164, 99999, None, "0", True, 0.5)), {}, b"<html>", b""],
)
async def test_anything_else_is_tried_again(wechat: WeChat, stub: Stub, said: Json | bytes) -> None:
    stub.answers(PATH, said)
    with pytest.raises(OutsideFault):
        await wechat.upload_shipping(NOTICE)


async def test_qq_is_told_nothing(qq: QQ, stub: Stub) -> None:
    await qq.upload_shipping(NOTICE)
    assert stub.asked == []


async def paid_notice(shop: Shop, *, virtual: bool = True) -> ShippingNotice:
    """What there is to say about a payment that somebody new has made."""
    wallet, request = shop.wallet(Platform.WECHAT), await shop.request(Platform.WECHAT)
    await shop.phone.control("pay", prepay_id=await wallet.prepay(request), outcome="SUCCESS")
    transaction_id = (await wallet.query(request.out_trade_no)).transaction_id
    assert transaction_id is not None
    now = SystemClock().now() - timedelta(seconds=1)
    return ShippingNotice(transaction_id, request.out_trade_no, request.openid, "储值 88.88 元", virtual, now)


async def kinds(shop: Shop, notice: ShippingNotice) -> list[int]:
    """The deliveries that WeChat knows of."""
    [payment] = [each for each in await shop.phone.payments() if each["out_trade_no"] == notice.out_trade_no]
    return [each["logistics_type"] for each in payment["shipping"]]


def wechat_of(shop: Shop) -> WeChat:
    [chat] = [chat for chat in shop.wired.app.platforms.values() if isinstance(chat, WeChat)]
    return chat


@pytest.mark.parametrize(("virtual", "kind"), [(True, 3), (False, 4)])
async def test_the_simulator_takes_it_and_takes_it_once(
    simulators: dict[str, Serving], database: dict[str, str], virtual: bool, kind: int
) -> None:
    async with shop_at(simulators["public_key"], **database) as shop:
        notice = await paid_notice(shop, virtual=virtual)
        for _ in range(4):
            await wechat_of(shop).upload_shipping(notice)
        assert await kinds(shop, notice) == [kind]


@pytest.mark.parametrize("mode", ["error", "html", "drop"])
async def test_a_platform_that_fails_is_asked_again(
    simulators: dict[str, Serving], database: dict[str, str], mode: str
) -> None:
    async with shop_at(simulators["public_key"], **database) as shop:
        notice = await paid_notice(shop)
        async with fault(shop.http, shop.simulator, "upload_shipping_info", mode):
            with pytest.raises(OutsideFault):
                await wechat_of(shop).upload_shipping(notice)
        assert await kinds(shop, notice) == []
        async with fault(shop.http, shop.simulator, "upload_shipping_info", "duplicate"):
            await wechat_of(shop).upload_shipping(notice)
        assert await kinds(shop, notice) == [3]


async def test_somebody_elses_payment_is_refused(simulators: dict[str, Serving], database: dict[str, str]) -> None:
    async with shop_at(simulators["public_key"], **database) as shop:
        notice = await paid_notice(shop)
        openid = await shop.openid(Platform.WECHAT)
        other = ShippingNotice(notice.transaction_id, notice.out_trade_no, openid, "储值", True, notice.at)
        with pytest.raises(ProviderRefused):
            await wechat_of(shop).upload_shipping(other)
