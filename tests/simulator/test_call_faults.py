"""Calls can be made to fail in every stated way, and only the calls that were meant."""

import asyncio
import time
from typing import Any

import aiohttp
import pytest

from scripts.simulator import faults
from tests.simulator.merchant import Merchant

JSAPI = "/v3/pay/transactions/jsapi"


async def states(merchant: Merchant) -> list[str]:
    return [payment["state"] for payment in await merchant.control("payments", method="GET")]


async def order_of_ann(merchant: Merchant) -> dict[str, Any]:
    return merchant.order((await merchant.sign_in())["openid"])


async def test_error_speaks_each_platforms_language(merchant: Merchant) -> None:
    order = await order_of_ann(merchant)
    await merchant.fault("/v3/pay", "error")
    assert (await merchant.pay_v3("POST", JSAPI, order)).code == (500, "SYSTEM_ERROR")

    await merchant.fault("qpay_unified_order", "error")
    answer = await merchant.wallet("qpay_unified_order", merchant.wallet_order())
    assert (answer["return_code"], answer["err_code"]) == ("SUCCESS", "SYSTEMERROR")
    assert await states(merchant) == []

    await merchant.fault("jscode2session", "error")
    code = (await merchant.control("login", {"platform": "wechat", "user": "ann"}))["code"]
    assert (await merchant.exchange("wechat", code)).json["errcode"] == -1
    assert "openid" in (await merchant.exchange("wechat", code)).json

    await merchant.fault("MsgSecCheck", "error")
    answer = await merchant.http("POST", f"{merchant.url}/qq/api/json/security/MsgSecCheck", data=b"{}")
    assert answer.json["errCode"] == -1


async def test_html_is_a_page_of_a_proxy(merchant: Merchant) -> None:
    order = await order_of_ann(merchant)
    await merchant.fault("/wechatpay/", "html")
    answer = await merchant.pay_v3("POST", JSAPI, order)
    assert (answer.status, answer.headers["Content-Type"]) == (502, "text/html")
    assert answer.body.startswith(b"<html>")
    assert await states(merchant) == []


async def test_drop_closes_the_connection_and_does_nothing(merchant: Merchant) -> None:
    order = await order_of_ann(merchant)
    await merchant.fault("/v3/pay", "drop")
    with pytest.raises(aiohttp.ClientConnectionError):
        await merchant.pay_v3("POST", JSAPI, order)
    assert await states(merchant) == []
    assert (await merchant.pay_v3("POST", JSAPI, order)).status == 200


async def test_timeout_does_the_work_and_says_nothing(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults.TIMEOUT_SECONDS == 60
    monkeypatch.setattr(faults, "TIMEOUT_SECONDS", 0.3)
    order = await order_of_ann(merchant)
    await merchant.fault("/v3/pay", "timeout")
    asked_at = time.monotonic()
    with pytest.raises(aiohttp.ClientConnectionError):
        await merchant.pay_v3("POST", JSAPI, order)
    assert time.monotonic() - asked_at >= 0.3
    assert await states(merchant) == ["NOTPAY"]


async def test_late_does_the_work_at_once_and_answers_later(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert faults.LATE_SECONDS == 3
    monkeypatch.setattr(faults, "LATE_SECONDS", 0.3)
    order = await order_of_ann(merchant)
    await merchant.fault("/v3/pay", "late")
    asked_at = time.monotonic()
    waiting = asyncio.create_task(merchant.pay_v3("POST", JSAPI, order))
    await asyncio.sleep(0.1)
    assert await states(merchant) == ["NOTPAY"]
    assert (await waiting).status == 200
    assert time.monotonic() - asked_at >= 0.3


async def test_duplicate_does_the_work_twice(merchant: Merchant) -> None:
    await merchant.fault("/v3/pay", "duplicate")
    await merchant.prepay()
    assert await states(merchant) == ["NOTPAY"]
    code = (await merchant.control("login", {"platform": "wechat", "user": "ann"}))["code"]
    await merchant.fault("jscode2session", "duplicate")
    assert (await merchant.exchange("wechat", code)).json["errcode"] == 40163


async def test_bad_signature_of_a_form(merchant: Merchant) -> None:
    await merchant.fault("qpay_unified_order", "bad_signature")
    with pytest.raises(AssertionError):
        await merchant.wallet("qpay_unified_order", merchant.wallet_order())
    assert await states(merchant) == ["NOTPAY"]
    await merchant.wallet("qpay_unified_order", merchant.wallet_order())


async def test_a_fault_can_be_tied_to_an_order_number(merchant: Merchant) -> None:
    await merchant.fault("KABAO0002", "error", times=3)
    await merchant.prepay()
    assert (await merchant.query()).status == 200
    order = await order_of_ann(merchant)
    assert (await merchant.pay_v3("POST", JSAPI, order | {"out_trade_no": "KABAO0002"})).status == 500
    assert (await merchant.query("KABAO0002")).status == 500
    form = merchant.wallet_order(out_trade_no="KABAO0002")
    assert (await merchant.wallet("qpay_unified_order", form))["err_code"] == "SYSTEMERROR"
    assert await merchant.control("faults", method="GET") == []


async def test_faults_are_used_up_listed_and_cleared(merchant: Merchant) -> None:
    await merchant.fault("getToken", "error", times=2)
    await merchant.fault("getToken", "html")
    assert await merchant.control("faults", method="GET") == [
        {"match": "getToken", "mode": "error", "times": 2},
        {"match": "getToken", "mode": "html", "times": 1},
    ]
    url = f"{merchant.url}/qq/api/getToken"
    assert [(await merchant.http("GET", url)).status for _ in range(4)] == [200, 200, 502, 200]
    await merchant.fault("getToken", "error")
    await merchant.control("faults", method="DELETE")
    assert await merchant.control("faults", method="GET") == []


async def test_control_calls_are_never_hit(merchant: Merchant) -> None:
    await merchant.fault("/", "drop", times=100)
    answer = await merchant.control("login", {"platform": "wechat", "user": "ann"})
    assert answer["code"]


async def test_a_body_beyond_all_reason_is_refused(merchant: Merchant) -> None:
    answer = await merchant.http("POST", f"{merchant.url}/wechatpay{JSAPI}", data=b"x" * 300_000)
    assert answer.status == 413
