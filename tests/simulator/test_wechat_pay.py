"""WeChat Pay orders: what is accepted, what is refused, and with which code."""

import json
import time
from typing import Any

import pytest

from tests.simulator.clock import MovableClock
from tests.simulator.merchant import Merchant

JSAPI = "/v3/pay/transactions/jsapi"
SIGN_ERROR = (401, "SIGN_ERROR")
PARAM_ERROR = (400, "PARAM_ERROR")


async def order_of_ann(merchant: Merchant, **changes: Any) -> dict[str, Any]:
    return merchant.order((await merchant.sign_in())["openid"], **changes)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"amount": {"total": "10000", "currency": "CNY"}}, "/amount/total"),
        ({"amount": {"total": True, "currency": "CNY"}}, "/amount/total"),
        ({"amount": {"total": 0, "currency": "CNY"}}, "/amount/total"),
        ({"amount": {"total": -1, "currency": "CNY"}}, "/amount/total"),
        ({"amount": {"currency": "CNY"}}, "/amount/total"),
        ({"amount": {"total": 1, "currency": "USD"}}, "/amount/currency"),
        ({"amount": 10000}, "/amount"),
        ({"amount": None}, "/amount"),
        ({"out_trade_no": "KB001"}, "/out_trade_no"),
        ({"out_trade_no": "K" * 33}, "/out_trade_no"),
        ({"out_trade_no": "KABAO 0001"}, "/out_trade_no"),
        ({"out_trade_no": "KABAO|0001"}, "/out_trade_no"),
        ({"out_trade_no": "KABAO/0001"}, "/out_trade_no"),
        ({"out_trade_no": 12345678}, "/out_trade_no"),
        ({"description": ""}, "/description"),
        ({"description": "储" * 43}, "/description"),
        ({"description": None}, "/description"),
        ({"attach": "a" * 129}, "/attach"),
        ({"notify_url": "shop.example/pay"}, "/notify_url"),
        ({"notify_url": "/pay/wechat"}, "/notify_url"),
        ({"notify_url": "ftp://shop.example/pay"}, "/notify_url"),
        ({"notify_url": "https://shop.example/pay?order=1"}, "/notify_url"),
        ({"notify_url": "https://shop.example/" + "a" * 240}, "/notify_url"),
        ({"payer": {}}, "/payer/openid"),
        ({"payer": {"openid": "o" + "x" * 27}}, "/payer/openid"),
        ({"time_expire": "2099-01-01 00:00:00"}, "/time_expire"),
        ({"time_expire": "2099-01-01T00:00:00"}, "/time_expire"),
        ({"time_expire": "2020-01-01T00:00:00+08:00"}, "/time_expire"),
        ({"support_fapiao": "true"}, "/support_fapiao"),
        ({"openid": "x"}, "/openid"),
        ({"scene_info": {"payer_client_ip": "127.0.0.1", "mood": "good"}}, "/scene_info/mood"),
    ],
)
async def test_each_field_is_checked(merchant: Merchant, changes: dict[str, Any], field: str) -> None:
    answer = await merchant.pay_v3("POST", JSAPI, await order_of_ann(merchant, **changes))
    assert answer.code == PARAM_ERROR
    assert (answer.json["detail"]["location"], answer.json["detail"]["field"]) == ("body", field)
    assert answer.headers["Request-ID"].endswith("-268435461")


@pytest.mark.parametrize("amount", ["38.00", "1e2", '"38"', "null", "99999999999999999999"])
async def test_yuan_and_other_numbers_are_no_fen(merchant: Merchant, amount: str) -> None:
    raw = json.dumps(await order_of_ann(merchant)).replace("10000", amount).encode()
    assert (await merchant.pay_v3("POST", JSAPI, raw)).code == PARAM_ERROR


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'{"appid":', b'"x"'])
async def test_a_malformed_body_is_a_parameter_error(merchant: Merchant, raw: bytes) -> None:

    assert (await merchant.pay_v3("POST", JSAPI, raw)).code == PARAM_ERROR


async def test_the_limits_themselves_are_allowed(merchant: Merchant) -> None:
    order = await order_of_ann(
        merchant,
        out_trade_no="KB_-*1",
        description="储" * 42 + "x",
        attach="a" * 128,
        amount={"total": 1},
        time_expire="2099-01-01T00:00:00+08:00",
        scene_info={"payer_client_ip": "127.0.0.1", "store_info": {"id": "1"}},
    )
    assert (await merchant.pay_v3("POST", JSAPI, order)).status == 200


async def test_app_and_merchant_must_belong_together(merchant: Merchant) -> None:
    for changes in ({"appid": "wx0123456789abcdef"}, {"mchid": "1900000001"}):
        answer = await merchant.pay_v3("POST", JSAPI, await order_of_ann(merchant, **changes))
        assert answer.code == (400, "APPID_MCHID_NOT_MATCH")


async def test_a_qq_openid_cannot_pay_at_wechat(merchant: Merchant) -> None:
    openid = (await merchant.sign_in("qq"))["openid"]
    assert (await merchant.pay_v3("POST", JSAPI, merchant.order(openid))).code == PARAM_ERROR


async def test_the_same_request_gives_the_same_prepay_id_and_a_changed_one_none(
    merchant: Merchant, clock: MovableClock
) -> None:
    first = await merchant.prepay()
    assert first.startswith("wx")
    assert len(first) == 36
    assert await merchant.prepay() == first
    changed = await order_of_ann(merchant, amount={"total": 9999, "currency": "CNY"})
    answer = await merchant.pay_v3("POST", JSAPI, changed)
    assert answer.code == (400, "INVALID_REQUEST")
    assert answer.json["message"] == "请求重入时，参数与首次请求时不一致"
    assert answer.headers["Request-ID"].endswith("-268498688")
    changed = await order_of_ann(merchant, notify_url="https://shop.example/other")
    assert (await merchant.pay_v3("POST", JSAPI, changed)).code == (400, "INVALID_REQUEST")


async def test_an_unpaid_order_shows_neither_payer_nor_transaction(merchant: Merchant) -> None:
    await merchant.prepay(attach="brand 7")
    assert (await merchant.query()).json == {
        "appid": merchant.settings["KABAO_WECHAT_APP_ID"],
        "mchid": merchant.settings["KABAO_WECHAT_PAY_MCHID"],
        "out_trade_no": "KABAO0001",
        "trade_state": "NOTPAY",
        "trade_state_desc": "订单未支付",
        "promotion_detail": [],
        "amount": {"total": 10000, "currency": "CNY"},
        "attach": "brand 7",
    }


async def test_a_paid_order_is_found_by_both_numbers(merchant: Merchant) -> None:
    await merchant.paid()
    shown = (await merchant.query()).json
    assert (shown["trade_state"], shown["trade_type"]) == ("SUCCESS", "JSAPI")
    assert shown["amount"] == {"total": 10000, "currency": "CNY", "payer_total": 10000, "payer_currency": "CNY"}
    assert shown["payer"] == {"openid": (await merchant.sign_in())["openid"]}
    assert len(shown["transaction_id"]) == 28
    assert shown["success_time"].endswith("+08:00")
    mchid = merchant.settings["KABAO_WECHAT_PAY_MCHID"]
    by_id = await merchant.pay_v3("GET", f"/v3/pay/transactions/id/{shown['transaction_id']}?mchid={mchid}")
    assert by_id.json == shown


async def test_queries_that_find_nothing(merchant: Merchant) -> None:
    path = "/v3/pay/transactions/out-trade-no/KABAO0001"
    assert (await merchant.query()).code == (404, "ORDER_NOT_EXIST")
    assert (await merchant.query("KB1")).code == PARAM_ERROR
    assert (await merchant.pay_v3("GET", path)).code == PARAM_ERROR
    assert (await merchant.pay_v3("GET", path + "?mchid=1900000001")).code == PARAM_ERROR


async def test_closing_can_be_repeated_but_not_after_payment(merchant: Merchant) -> None:
    assert (await merchant.close()).code == (404, "ORDER_NOT_EXIST")
    prepay_id = await merchant.prepay()
    for _ in range(2):
        answer = await merchant.close()
        assert (answer.status, answer.body) == (204, b"")
    assert (await merchant.query()).json["trade_state"] == "CLOSED"
    reason = await merchant.refused_control("pay", {"prepay_id": prepay_id, "outcome": "SUCCESS"})
    assert reason == "this order is closed"
    assert (await merchant.pay_v3("POST", JSAPI, await order_of_ann(merchant))).code == (403, "ORDER_CLOSED")

    await merchant.paid(out_trade_no="KABAO0002")
    assert (await merchant.close("KABAO0002")).code == (400, "ORDER_PAID")
    again = await order_of_ann(merchant, out_trade_no="KABAO0002")
    assert (await merchant.pay_v3("POST", JSAPI, again)).code == (400, "ORDER_PAID")


async def test_closing_names_the_merchant_and_nothing_else(merchant: Merchant) -> None:
    await merchant.prepay()
    path = "/v3/pay/transactions/out-trade-no/KABAO0001/close"
    mchid = merchant.settings["KABAO_WECHAT_PAY_MCHID"]
    for body in ({}, {"mchid": "1900000001"}, {"mchid": mchid, "reason": "x"}):
        assert (await merchant.pay_v3("POST", path, body)).code == PARAM_ERROR
    assert (await merchant.query()).json["trade_state"] == "NOTPAY"


async def test_an_order_lapses_at_its_time_and_a_prepay_id_after_two_hours(
    merchant: Merchant, clock: MovableClock
) -> None:
    prepay_id = await merchant.prepay()
    soon = time.strftime("%Y-%m-%dT%H:%M:%S+08:00", time.gmtime(time.time() + 8 * 3600 + 600))
    lapsing = await merchant.prepay(out_trade_no="KABAO0002", time_expire=soon)
    clock.ahead_seconds = 601
    reason = await merchant.refused_control("pay", {"prepay_id": lapsing, "outcome": "SUCCESS"})
    assert reason == "this order is closed"
    clock.ahead_seconds = 7201
    reason = await merchant.refused_control("pay", {"prepay_id": prepay_id, "outcome": "SUCCESS"})
    assert reason == "this prepay_id has expired"
    timestamp = str(int(clock()))
    order = await order_of_ann(merchant)
    renewed = (await merchant.pay_v3("POST", JSAPI, order, timestamp=timestamp)).json["prepay_id"]
    assert renewed != prepay_id
    await merchant.control("pay", {"prepay_id": renewed, "outcome": "SUCCESS"})
