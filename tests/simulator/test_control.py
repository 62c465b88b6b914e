"""Control calls do what they say, and say what is wrong with bad input."""

from typing import Any

import pytest

from tests.simulator.merchant import Merchant


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("login", {"platform": "wechat"}, "missing: user"),
        ("login", {"platform": "alipay", "user": "ann"}, "platform must be wechat or qq"),
        ("login", {"platform": "wechat", "user": ""}, "user must be a non-empty text"),
        ("login", {"platform": "wechat", "user": 7}, "user must be a non-empty text"),
        ("login", {"platform": "wechat", "user": "a" * 65}, "user must be at most 64 characters"),
        ("login", {"platform": "wechat", "user": "ann", "age": 3}, "unknown: age"),
        ("login", {"platform": "wechat", "user": "ann", "unionid": ""}, "unionid must be a non-empty text or null"),
        ("login", [], "the body must be a JSON object"),
        ("phone", {"platform": "qq", "user": "ann", "phone": "12-34"}, "phone must be 5 to 15 digits"),
        ("pay", {"prepay_id": "wx0", "outcome": "SUCCESS"}, "unknown prepay_id"),
        ("pay", {"prepay_id": "wx0", "outcome": "MAYBE"}, "outcome must be one of SUCCESS, FAIL, ABANDON"),
        ("pay", {"prepay_id": "wx0"}, "missing: outcome"),
        ("key_mode", {"mode": "none"}, "mode must be one of public_key, certificate"),
        ("faults", {"match": "", "mode": "drop"}, "match must be a non-empty text"),
        ("faults", {"match": "pay", "mode": "drop", "times": 0}, "times must be 1 to 1000"),
        ("faults", {"match": "pay", "mode": "drop", "times": "1"}, "times must be a whole number"),
        (
            "faults",
            {"match": "notify:alipay", "mode": "drop"},
            "notifications are matched by notify, notify:wechat or notify:qq",
        ),
        (
            "faults",
            {"match": "notify:qq", "mode": "probe"},
            "mode probe cannot happen to notify:qq; it takes "
            "bad_signature, drop, duplicate, late, unknown, wrong_amount",
        ),
        (
            "faults",
            {"match": "notify", "mode": "html"},
            "mode html cannot happen to notify; it takes "
            "bad_signature, drop, duplicate, late, probe, stale, unknown, wrong_amount",
        ),
    ],
)
async def test_bad_input_is_answered_with_a_reason(merchant: Merchant, path: str, body: Any, reason: str) -> None:
    assert await merchant.refused_control(path, body) == reason


async def test_an_unknown_mode_is_refused_with_the_list(merchant: Merchant) -> None:
    reason = await merchant.refused_control("faults", {"match": "pay", "mode": "explode"})
    assert reason.startswith("mode must be one of bad_signature, drop")


async def test_an_order_is_paid_once_and_by_its_payer(merchant: Merchant) -> None:
    prepay_id = await merchant.prepay()
    pay = {"prepay_id": prepay_id, "outcome": "SUCCESS"}
    assert await merchant.refused_control("pay", pay | {"user": "bob"}) == "this order names another payer"
    assert await merchant.control("pay", pay | {"user": "ann"}) == {}
    assert await merchant.refused_control("pay", pay) == "this order is already paid"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"paySign": "AAAA"}, "paySign does not verify"),
        ({"nonceStr": "other"}, "paySign does not verify"),
        ({"timeStamp": "1795290935"}, "paySign does not verify"),
        ({"timeStamp": 1795290934}, "timeStamp must be a text"),
        ({"timeStamp": "now"}, "timeStamp must be seconds, as a text"),
        ({"signType": "MD5"}, "signType must be RSA"),
        ({"package": "prepay_id=wx0"}, "package must be prepay_id=… of this order"),
        ({"nonceStr": "n" * 33}, "nonceStr must have 1 to 32 characters"),
        ({"appId": "wx0"}, "requestPayment takes exactly nonceStr, package, paySign, signType, timeStamp"),
    ],
)
async def test_the_phone_checks_what_the_front_end_hands_it(
    merchant: Merchant, changes: dict[str, Any], reason: str
) -> None:
    prepay_id = await merchant.prepay()
    arguments = {
        "timeStamp": "1795290934",
        "nonceStr": "nonce",
        "package": f"prepay_id={prepay_id}",
        "signType": "RSA",
        "paySign": "AAAA",
        **changes,
    }
    pay = {"prepay_id": prepay_id, "outcome": "SUCCESS", "arguments": arguments}
    assert await merchant.refused_control("pay", pay) == reason
    assert (await merchant.query()).json["trade_state"] == "NOTPAY"


async def test_the_qq_phone_checks_them_too(merchant: Merchant) -> None:
    prepay_id = (await merchant.wallet("qpay_unified_order", merchant.wallet_order()))["prepay_id"]
    arguments = {"package": f"prepay_id={prepay_id}", "bargainor_id": "1"}
    pay = {"prepay_id": prepay_id, "outcome": "SUCCESS", "arguments": arguments}
    assert await merchant.refused_control("pay", pay) == "bargainor_id must be the merchant's number"


async def test_payments_show_the_providers_own_view(merchant: Merchant) -> None:
    openid = (await merchant.sign_in())["openid"]
    await merchant.prepay(out_trade_no="KABAO0009")
    await merchant.paid()
    await merchant.wallet("qpay_unified_order", merchant.wallet_order(total_fee="38"))
    unpaid, paid, wallet = await merchant.control("payments", method="GET")
    assert (unpaid["out_trade_no"], unpaid["state"], unpaid["transaction_id"]) == ("KABAO0009", "NOTPAY", None)
    assert (paid["provider"], paid["state"], paid["amount_fen"]) == ("wechat", "SUCCESS", 10000)
    assert paid["payer_openid"] == openid
    assert (wallet["provider"], wallet["out_trade_no"], wallet["amount_fen"]) == ("qq", "KABAO0001", 38)
