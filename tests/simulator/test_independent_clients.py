"""wechatpayv3, a library by others, can do business with the simulator in both key modes and trusts its signatures."""

import asyncio
import gzip
import hashlib
import json
from types import SimpleNamespace
from typing import Any

import pytest
import requests
from wechatpayv3 import WeChatPay, WeChatPayType

from scripts.simulator.app import Serving
from tests.simulator.bills import day_of
from tests.simulator.clock import MovableClock
from tests.simulator.letters import Inbox
from tests.simulator.merchant import Merchant

HOST = "https://api.mch.weixin.qq.com"


@pytest.fixture(params=["public_key", "certificate"])
async def key_mode(request: pytest.FixtureRequest, merchant: Merchant) -> str:
    mode: str = request.param
    await merchant.control("key_mode", {"mode": mode})
    return mode


@pytest.fixture
async def client(merchant: Merchant, inbox: Inbox, key_mode: str, monkeypatch: pytest.MonkeyPatch) -> WeChatPay:
    """The library as it is, except that its requests for the real host come to the simulator."""

    def send(method: str) -> Any:
        def call(url: str, **arguments: Any) -> requests.Response:
            return requests.request(
                method, url.replace(HOST, f"{merchant.url}/wechatpay"), **{**arguments, "timeout": 10}
            )

        return call

    monkeypatch.setattr("wechatpayv3.core.requests", SimpleNamespace(get=send("GET"), post=send("POST")))
    settings = merchant.settings
    key = {
        "public_key": settings["KABAO_WECHAT_PAY_PUBLIC_KEY"],
        "public_key_id": settings["KABAO_WECHAT_PAY_PUBLIC_KEY_ID"],
    }
    return await asyncio.to_thread(
        WeChatPay,
        wechatpay_type=WeChatPayType.MINIPROG,
        mchid=settings["KABAO_WECHAT_PAY_MCHID"],
        private_key=settings["KABAO_WECHAT_PAY_MERCHANT_KEY"],
        cert_serial_no=settings["KABAO_WECHAT_PAY_MERCHANT_SERIAL"],
        appid=settings["KABAO_WECHAT_APP_ID"],
        apiv3_key=settings["KABAO_WECHAT_PAY_API_V3_KEY"],
        notify_url=inbox.url,
        **(key if key_mode == "public_key" else {}),
    )


async def ask(function: Any, *arguments: Any, **named: Any) -> tuple[int, Any]:
    """The library blocks, so it works on a thread."""
    status, text = await asyncio.to_thread(function, *arguments, **named)
    return status, json.loads(text) if text else None


async def test_the_library_prepays_queries_refunds_and_reads_notifications(
    client: WeChatPay, merchant: Merchant, inbox: Inbox
) -> None:
    openid = (await merchant.sign_in())["openid"]
    amount = {"total": 10000, "currency": "CNY"}
    status, answer = await ask(client.pay, "储值 100 元", "KABAO0001", amount, {"openid": openid})
    assert status == 200
    status, shown = await ask(client.query, out_trade_no="KABAO0001")
    assert (status, shown["trade_state"]) == (200, "NOTPAY")

    package = f"prepay_id={answer['prepay_id']}"
    pay_sign = client.sign([merchant.settings["KABAO_WECHAT_APP_ID"], "1795290934", "nonce", package])
    arguments = {
        "timeStamp": "1795290934",
        "nonceStr": "nonce",
        "package": package,
        "signType": "RSA",
        "paySign": pay_sign,
    }
    await merchant.control("pay", {"prepay_id": answer["prepay_id"], "outcome": "SUCCESS", "arguments": arguments})
    status, shown = await ask(client.query, out_trade_no="KABAO0001")
    assert (status, shown["trade_state"]) == (200, "SUCCESS")
    assert (await ask(client.query, transaction_id=shown["transaction_id"])) == (200, shown)

    [letter] = await inbox.wait_for(1)
    notification = client.callback(letter.headers, letter.body)
    assert notification["event_type"] == "TRANSACTION.SUCCESS"
    assert notification["resource"] == shown
    assert client.callback(letter.headers, letter.body + b" ") is None

    status, refund = await ask(
        client.refund, "R1", {"refund": 4000, "total": 10000, "currency": "CNY"}, out_trade_no="KABAO0001"
    )
    assert (status, refund["status"]) == (200, "PROCESSING")
    letters = await inbox.wait_for(2)
    notification = client.callback(letters[1].headers, letters[1].body)
    assert notification["event_type"] == "REFUND.SUCCESS"
    status, refund = await ask(client.query_refund, "R1")
    assert (status, refund["status"]) == (200, "SUCCESS")
    assert notification["resource"] == {
        "mchid": merchant.settings["KABAO_WECHAT_PAY_MCHID"],
        "out_trade_no": "KABAO0001",
        "transaction_id": shown["transaction_id"],
        "out_refund_no": "R1",
        "refund_id": refund["refund_id"],
        "refund_status": "SUCCESS",
        "success_time": refund["success_time"],
        "user_received_account": "支付用户零钱",
        "amount": {"total": 10000, "refund": 4000, "payer_total": 10000, "payer_refund": 4000},
    }


async def test_the_library_downloads_a_bill(client: WeChatPay, merchant: Merchant, clock: MovableClock) -> None:
    await merchant.paid()
    status, applied = await ask(client.trade_bill, day_of(clock))
    assert (status, applied["hash_type"]) == (200, "SHA1")
    url = applied["download_url"].replace(f"{merchant.url}/wechatpay", HOST)
    status, file = await asyncio.to_thread(client.download_bill, url)
    assert status == 200
    text = gzip.decompress(file)
    assert hashlib.sha1(text).hexdigest() == applied["hash_value"]
    assert "`KABAO0001,`" in text.decode("utf-8-sig")
    assert (await ask(client.trade_bill, "2026-13-01"))[0] == 400


async def test_the_library_closes(client: WeChatPay, merchant: Merchant) -> None:
    openid = (await merchant.sign_in())["openid"]
    await ask(client.pay, "储值 100 元", "KABAO0001", {"total": 10000, "currency": "CNY"}, {"openid": openid})
    assert await ask(client.close, "KABAO0001") == (204, None)
    assert (await ask(client.query, out_trade_no="KABAO0001"))[1]["trade_state"] == "CLOSED"


async def test_the_library_finds_out_a_broken_signature(client: WeChatPay, merchant: Merchant) -> None:
    """The check of the check: were signatures not really made and really verified, this would pass unnoticed."""
    await merchant.prepay()
    await merchant.fault("/v3/pay", "bad_signature")
    with pytest.raises(Exception, match="failed to verify the signature"):
        await ask(client.query, out_trade_no="KABAO0001")
    assert (await ask(client.query, out_trade_no="KABAO0001"))[0] == 200


async def test_the_signature_names_the_key_of_its_mode(
    client: WeChatPay, merchant: Merchant, simulator: Serving, key_mode: str
) -> None:
    await merchant.prepay()
    serial = (await merchant.query()).headers["Wechatpay-Serial"]
    credentials = simulator.world.credentials
    if key_mode == "public_key":
        assert serial == credentials.public_key_id
        assert serial.startswith("PUB_KEY_ID_")
    else:
        assert serial == credentials.certificate_serial == f"{credentials.certificate.serial_number:X}"


async def test_public_key_mode_has_no_certificates_to_download(merchant: Merchant) -> None:
    answer = await merchant.pay_v3("GET", "/v3/certificates")
    assert answer.code == (404, "RESOURCE_NOT_EXISTS")
    await merchant.control("key_mode", {"mode": "certificate"})
    assert (await merchant.pay_v3("GET", "/v3/certificates", headers={"Wechatpay-Serial": ""})).status == 200
