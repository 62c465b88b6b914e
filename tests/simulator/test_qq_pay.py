"""QQ Wallet: signed XML both ways, integer fen, one order and one refund per number."""

import asyncio
import hashlib
from typing import Any

import pytest

from tests.simulator.clock import MovableClock
from tests.simulator.merchant import Merchant

ORDER = "qpay_unified_order"


def refusal(answer: dict[str, str]) -> str:
    assert (answer["return_code"], answer["result_code"]) == ("SUCCESS", "FAIL")
    return answer["err_code"]


@pytest.fixture
def password(merchant: Merchant) -> str:
    return hashlib.md5(merchant.settings["KABAO_QQ_PAY_OP_USER_PASSWORD"].encode()).hexdigest()


async def test_an_order_is_placed_paid_and_queried(merchant: Merchant) -> None:
    openid = (await merchant.sign_in("qq"))["openid"]
    placed = await merchant.wallet(ORDER, merchant.wallet_order(attach="brand 7"))
    assert {name: placed[name] for name in ("return_code", "result_code", "trade_type", "mch_id", "appid")} == {
        "return_code": "SUCCESS",
        "result_code": "SUCCESS",
        "trade_type": "JSAPI",
        "mch_id": merchant.settings["KABAO_QQ_PAY_MCH_ID"],
        "appid": merchant.settings["KABAO_QQ_APP_ID"],
    }
    unpaid = await merchant.wallet("qpay_order_query", {"out_trade_no": "KABAO0001"})
    assert (unpaid["trade_state"], unpaid["total_fee"], unpaid["attach"]) == ("NOTPAY", "10000", "brand 7")
    assert "transaction_id" not in unpaid

    arguments = {"package": f"prepay_id={placed['prepay_id']}", "bargainor_id": placed["mch_id"]}
    pay = {"prepay_id": placed["prepay_id"], "outcome": "SUCCESS", "user": "ann", "arguments": arguments}
    await merchant.control("pay", pay)
    paid = await merchant.wallet("qpay_order_query", {"out_trade_no": "KABAO0001"})
    assert (paid["trade_state"], paid["cash_fee"], paid["openid"]) == ("SUCCESS", "10000", openid)
    assert len(paid["time_end"]) == 14
    by_id = await merchant.wallet("qpay_order_query", {"transaction_id": paid["transaction_id"]})
    assert by_id["out_trade_no"] == "KABAO0001"


async def test_the_payer_is_shown_only_if_it_is_known(merchant: Merchant) -> None:
    await merchant.wallet_paid()
    assert "openid" not in await merchant.wallet("qpay_order_query", {"out_trade_no": "KABAO0001"})
    [payment] = await merchant.control("payments", method="GET")
    assert payment["payer_openid"] is None


@pytest.mark.parametrize(
    "changes",
    [
        {"total_fee": "38.00"},
        {"total_fee": "0"},
        {"total_fee": "-1"},
        {"total_fee": "1e2"},
        {"total_fee": "010"},
        {"total_fee": None},
        {"body": "储" * 43},
        {"body": None},
        {"attach": "a" * 129},
        {"out_trade_no": "K" * 33},
        {"out_trade_no": "KABAO 1"},
        {"fee_type": "USD"},
        {"spbill_create_ip": "localhost"},
        {"notify_url": "/pay/qq"},
        {"notify_url": "https://shop.example/pay?x=1"},
        {"trade_type": "NATIVE"},
        {"time_expire": "2099-01-01 00:00:00"},
        {"time_expire": "20200101000000"},
        {"nonce_str": "n" * 33},
        {"nonce_str": None},
        {"mch_id": "1400000000"},
        {"appid": "1100000000"},
        {"mood": "good"},
    ],
)
async def test_each_field_of_an_order_is_checked(merchant: Merchant, changes: dict[str, Any]) -> None:
    answer = await merchant.wallet(ORDER, merchant.wallet_order(**changes))
    assert answer["return_code"] == "FAIL"
    assert "prepay_id" not in answer
    assert await merchant.control("payments", method="GET") == []


async def test_a_wrong_sign_is_refused(merchant: Merchant) -> None:
    for sign in ("0" * 32, "", "x" * 33):
        answer = await merchant.wallet(ORDER, merchant.wallet_order(), sign=sign)
        assert answer["return_code"] == "FAIL"
    assert await merchant.control("payments", method="GET") == []


ENTITIES = b'<!DOCTYPE xml [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><xml><mch_id>&b;</mch_id></xml>'
FILE = b'<!DOCTYPE xml [<!ENTITY f SYSTEM "file:///etc/passwd">]><xml><body>&f;</body></xml>'


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", "XML格式错误"),
        (b"<xml>", "XML格式错误"),
        (b"<html></html>", "XML格式错误"),
        (b"<xml><a><b>1</b></a></xml>", "XML格式错误"),
        (b"<xml><body>1</body><body>2</body></xml>", "XML格式错误"),
        (ENTITIES, "XML格式错误"),
        (FILE, "XML格式错误"),
        (b"<xml><body>" + b"x" * 20_000 + b"</body></xml>", "请求报文过长"),
    ],
)
async def test_xml_is_read_safely(merchant: Merchant, raw: bytes, expected: str) -> None:
    answer = await merchant.wallet_raw(ORDER, raw)
    assert (answer["return_code"], answer["return_msg"]) == ("FAIL", expected)
    assert answer["sign"] == merchant.wallet_sign(answer)


async def test_text_with_markup_arrives_as_it_was(merchant: Merchant) -> None:
    await merchant.wallet(ORDER, merchant.wallet_order(attach="<b>&amp;茶"))
    assert (await merchant.wallet("qpay_order_query", {"out_trade_no": "KABAO0001"}))["attach"] == "<b>&amp;茶"


async def test_the_same_order_gives_the_same_prepay_id_and_a_changed_one_none(merchant: Merchant) -> None:
    first = (await merchant.wallet(ORDER, merchant.wallet_order()))["prepay_id"]
    assert (await merchant.wallet(ORDER, merchant.wallet_order()))["prepay_id"] == first
    assert refusal(await merchant.wallet(ORDER, merchant.wallet_order(total_fee="9999"))) == "OUT_TRADE_NO_USED"
    await merchant.control("pay", {"prepay_id": first, "outcome": "SUCCESS"})
    assert refusal(await merchant.wallet(ORDER, merchant.wallet_order())) == "ORDERPAID"


async def test_closing(merchant: Merchant) -> None:
    close = {"out_trade_no": "KABAO0001"}
    assert refusal(await merchant.wallet("qpay_close_order", close)) == "ORDERNOTEXIST"
    await merchant.wallet(ORDER, merchant.wallet_order())
    assert (await merchant.wallet("qpay_close_order", close))["result_code"] == "SUCCESS"
    assert (await merchant.wallet("qpay_order_query", close))["trade_state"] == "CLOSED"
    assert refusal(await merchant.wallet("qpay_close_order", close)) == "ORDERCLOSED"
    assert refusal(await merchant.wallet(ORDER, merchant.wallet_order())) == "ORDERCLOSED"
    await merchant.wallet_paid(out_trade_no="KABAO0002")
    assert refusal(await merchant.wallet("qpay_close_order", {"out_trade_no": "KABAO0002"})) == "ORDERPAID"


async def test_old_orders_are_found_by_transaction_id_only(merchant: Merchant, clock: MovableClock) -> None:
    assert (await merchant.wallet("qpay_order_query", {}))["return_code"] == "FAIL"
    assert refusal(await merchant.wallet("qpay_order_query", {"out_trade_no": "KABAO0001"})) == "ORDERNOTEXIST"
    await merchant.wallet_paid()
    paid = await merchant.wallet("qpay_order_query", {"out_trade_no": "KABAO0001"})
    clock.ahead_seconds = 30 * 86_400
    assert (await merchant.wallet("qpay_order_query", {"out_trade_no": "KABAO0001"}))["return_code"] == "FAIL"
    by_id = await merchant.wallet("qpay_order_query", {"transaction_id": paid["transaction_id"]})
    assert by_id["trade_state"] == "SUCCESS"


async def test_a_refund_needs_the_operator(merchant: Merchant, password: str) -> None:
    await merchant.wallet_paid()
    plain = merchant.settings["KABAO_QQ_PAY_OP_USER_PASSWORD"]
    assert refusal(await merchant.wallet_refund("R1", 1, plain)) == "USER_ACCOUNT_ABNORMAL"
    assert refusal(await merchant.wallet_refund("R1", 1, password, op_user_id="1")) == "USER_ACCOUNT_ABNORMAL"
    assert (await merchant.wallet_refund("R1", 1, password, op_user_passwd=None))["return_code"] == "FAIL"
    assert (await merchant.wallet_refund("R1", 1, password))["result_code"] == "SUCCESS"


async def test_refunds_arrive_and_are_seen_by_asking(merchant: Merchant, password: str) -> None:
    await merchant.wallet_paid()
    first = await merchant.wallet_refund("R1", 4000, password)
    assert (first["refund_fee"], first["total_fee"], first["refund_channel"]) == ("4000", "10000", "ORIGINAL")
    await merchant.wallet_refund("R2", 500, password)
    query: dict[str, Any] = {"out_trade_no": "KABAO0001"}
    for _ in range(6000):
        seen = await merchant.wallet("qpay_refund_query", query)
        if seen["refund_status_0"] == seen["refund_status_1"] == "SUCCESS":
            break
        await asyncio.sleep(0.005)
    assert seen["refund_count"] == "2"
    assert [seen[f"refund_fee_{index}"] for index in range(2)] == ["4000", "500"]
    assert [seen[f"out_refund_no_{index}"] for index in range(2)] == ["R1", "R2"]
    assert len(seen["refund_success_time_0"]) == 14
    one = await merchant.wallet("qpay_refund_query", {"out_refund_no": "R2"})
    assert (one["refund_count"], one["out_refund_no_0"], one["refund_fee_0"]) == ("1", "R2", "500")
    by_id = await merchant.wallet("qpay_refund_query", {"refund_id": first["refund_id"]})
    assert by_id["out_refund_no_0"] == "R1"
    assert refusal(await merchant.wallet("qpay_refund_query", {"out_refund_no": "R9"})) == "REFUNDNOTEXIST"
    assert (await merchant.wallet("qpay_order_query", query))["trade_state"] == "REFUND"


async def test_one_refund_number_refunds_once_and_never_too_much(merchant: Merchant, password: str) -> None:
    await merchant.wallet_paid()
    first = await merchant.wallet_refund("R1", 6000, password)
    assert (await merchant.wallet_refund("R1", 6000, password))["refund_id"] == first["refund_id"]
    assert refusal(await merchant.wallet_refund("R1", 5999, password)) == "OUT_REFUND_NO_USED"
    assert refusal(await merchant.wallet_refund("R2", 4001, password)) == "REFUND_FEE_INVALID"
    assert refusal(await merchant.wallet_refund("R2", 1, password, total_fee="9999")) == "PARAM_ERROR"
    assert (await merchant.wallet_refund("R2", 4000, password))["result_code"] == "SUCCESS"
    await merchant.wallet(ORDER, merchant.wallet_order(out_trade_no="KABAO0002"))
    unpaid = await merchant.wallet_refund("R3", 1, password, out_trade_no="KABAO0002")
    assert refusal(unpaid) == "TRADE_STATE_ERROR"
