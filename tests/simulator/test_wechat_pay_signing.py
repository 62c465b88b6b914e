"""WeChat Pay believes only requests that are signed over exactly what was sent, now, and once."""

import json
import time
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from tests.simulator.merchant import Merchant

JSAPI = "/v3/pay/transactions/jsapi"
SIGN_ERROR = (401, "SIGN_ERROR")
PARAM_ERROR = (400, "PARAM_ERROR")


async def order_of_ann(merchant: Merchant, **changes: Any) -> dict[str, Any]:
    return merchant.order((await merchant.sign_in())["openid"], **changes)


async def test_a_signature_must_cover_exactly_what_was_sent(merchant: Merchant) -> None:
    order = await order_of_ann(merchant)
    raw = json.dumps(order).encode()
    spaced = json.dumps(order, separators=(" , ", " : ")).encode()
    assert (await merchant.pay_v3("POST", JSAPI, raw, signed_body=spaced)).code == SIGN_ERROR
    assert (await merchant.pay_v3("POST", JSAPI, raw, signed_target="/wechatpay" + JSAPI)).code == SIGN_ERROR
    assert (await merchant.pay_v3("POST", JSAPI, raw, signed_target=JSAPI + "?")).code == SIGN_ERROR
    assert (await merchant.pay_v3("POST", JSAPI, raw, key=generate_private_key(65537, 2048))).code == SIGN_ERROR
    assert (await merchant.pay_v3("POST", JSAPI, raw, signature="AAAA")).code == SIGN_ERROR
    assert (await merchant.control("payments", method="GET")) == []
    assert (await merchant.pay_v3("POST", JSAPI, raw)).status == 200


async def test_it_is_the_signature_check_that_refuses(merchant: Merchant, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the check broken on purpose a forged request passes: nothing else would have stopped it."""
    order = await order_of_ann(merchant)
    assert (await merchant.pay_v3("POST", JSAPI, order, signature="AAAA")).code == SIGN_ERROR
    monkeypatch.setattr("scripts.simulator.wechat_pay_signing.verify_rsa", lambda *anything: True)
    assert (await merchant.pay_v3("POST", JSAPI, order, signature="AAAA")).status == 200


async def test_the_query_is_signed_as_it_is_sent(merchant: Merchant) -> None:
    await merchant.prepay()
    path = "/v3/pay/transactions/out-trade-no/KABAO0001"
    query = f"?mchid={merchant.settings['KABAO_WECHAT_PAY_MCHID']}"
    assert (await merchant.pay_v3("GET", path + query, signed_target=path)).code == SIGN_ERROR
    escaped = path.replace("KABAO", "%4BABAO") + query
    assert (await merchant.pay_v3("GET", escaped, signed_target=path + query)).code == SIGN_ERROR
    assert (await merchant.pay_v3("GET", escaped)).status == 200


async def test_the_clock_may_be_five_minutes_off(merchant: Merchant) -> None:
    order, now = await order_of_ann(merchant), int(time.time())
    for seconds in (-310, 310):
        assert (await merchant.pay_v3("POST", JSAPI, order, timestamp=str(now + seconds))).code == SIGN_ERROR
    for seconds in (-290, 290):
        assert (await merchant.pay_v3("POST", JSAPI, order, timestamp=str(now + seconds))).status == 200
    assert (await merchant.pay_v3("POST", JSAPI, order, timestamp=f"{now}000")).code == SIGN_ERROR
    assert (await merchant.pay_v3("POST", JSAPI, order, timestamp=f"{now}.5")).code == SIGN_ERROR


async def test_a_nonce_serves_once(merchant: Merchant) -> None:
    order = await order_of_ann(merchant)
    assert (await merchant.pay_v3("POST", JSAPI, order, nonce="n" * 32)).status == 200
    assert (await merchant.pay_v3("POST", JSAPI, order, nonce="n" * 32)).code == SIGN_ERROR
    assert (await merchant.pay_v3("POST", JSAPI, order, nonce="n" * 33)).code == SIGN_ERROR


async def test_the_merchant_must_be_named_rightly(merchant: Merchant) -> None:
    order = await order_of_ann(merchant)
    assert (await merchant.pay_v3("POST", JSAPI, order, mchid="1900000001")).code == SIGN_ERROR
    assert (await merchant.pay_v3("POST", JSAPI, order, serial="0" * 40)).code == SIGN_ERROR


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"Accept": ""}, PARAM_ERROR),
        ({"Accept": "text/html"}, PARAM_ERROR),
        ({"User-Agent": ""}, PARAM_ERROR),
        ({"Content-Type": "text/plain"}, PARAM_ERROR),
        ({"Wechatpay-Serial": ""}, PARAM_ERROR),
        ({"Wechatpay-Serial": "PUB_KEY_ID_0"}, PARAM_ERROR),
        ({"Authorization": ""}, SIGN_ERROR),
        ({"Authorization": "Bearer x"}, SIGN_ERROR),
        ({"Authorization": 'WECHATPAY2-SHA256-RSA2048 mchid="1"'}, SIGN_ERROR),
        ({"Authorization": "WECHATPAY2-SHA256-RSA2048 mchid=1,nonce_str=2"}, SIGN_ERROR),
    ],
)
async def test_headers_must_be_complete(merchant: Merchant, headers: dict[str, str], expected: tuple[int, str]) -> None:
    order = await order_of_ann(merchant)
    assert (await merchant.pay_v3("POST", JSAPI, order, headers=headers)).code == expected
