"""Where the provider's word and ours part: paid by somebody else, and a copy of a call that came second."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.wechat_pay import WeChatPay
from resolvers.ports import OutsideFault
from resolvers.ports_payment import PrepayRequest
from scripts.client import Refused, new_key
from tests.payments.diner import new_diner
from tests.payments.money import order_now, pay_order, until_order
from tests.support.world import World, open_product


async def test_a_payment_of_somebody_else_lets_go_of_the_card_and_holds_up_no_other_order(
    mongodb_uri: str, tmp_path: Path
) -> None:
    async with open_product(mongodb_uri, tmp_path) as world:
        wronged, other = await new_diner(world, "WECHAT"), await new_diner(world, "WECHAT")
        payment = await wronged.pay()
        database = world.app.connection
        row = {"_id": payment["id"]}
        await database.collection("payments").update_one(row, {"$set": {"payer_openid": "somebody-else"}})
        await world.phone.pay(payment)  # the notification is refused: another payer than ours
        assert await wronged.balances() == (4_000, 0, 4_000)
        past = world.clock.now() - timedelta(seconds=1)
        orders = {"_id": {"$in": [wronged.order["id"], other.order["id"]]}}
        await database.collection("orders").update_many(orders, {"$set": {"pay_before": past}})
        await database.collection("payments").update_one(row, {"$set": {"expires_at": past, "poll_at": past}})
        for diner in (wronged, other):
            await until_order(diner.api, diner.order, "CANCELLED")
            assert await diner.balances() == (4_000, 0, 0)
        assert await database.collection("journal").find_one({"_id": f"capture:{payment['id']}"}) is None


async def test_a_copy_whose_prepay_failed_answers_what_the_other_copy_opened(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    diner, key = await new_diner(world, "WECHAT"), new_key()
    prepay, opened = WeChatPay.prepay, asyncio.Event()
    calls = 0

    async def second_fails(self: WeChatPay, request: PrepayRequest) -> str:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.sleep(0.2)  # until the copy has come this far, too
            prepay_id = await prepay(self, request)
            opened.set()
            return prepay_id
        await opened.wait()
        await asyncio.sleep(0.3)  # until the first has noted it
        raise OutsideFault("lost")

    monkeypatch.setattr(WeChatPay, "prepay", second_fails)
    tenders = [{"method": "WECHAT_PAY"}]
    copies = await asyncio.gather(
        *(pay_order(diner.api, diner.order, *tenders, key=key) for _ in range(2)), return_exceptions=True
    )
    assert calls == 2
    assert not [each for each in copies if isinstance(each, Refused)]
    assert len({each["payment"]["id"] for each in copies if isinstance(each, dict)}) == 1
    await world.phone.pay(copies[0]["payment"])  # type: ignore[index]
    await until_order(diner.api, diner.order, "PAID")
    assert (await order_now(diner.api, diner.order))["status"] == "PAID"
