"""WeChat Pay refunds: never more than was paid, never twice under one number."""

import asyncio
from typing import Any

import pytest

from tests.simulator.clock import MovableClock
from tests.simulator.merchant import Answer, Merchant


async def shown(merchant: Merchant, number: str) -> Answer:
    return await merchant.pay_v3("GET", f"/v3/refund/domestic/refunds/{number}")


async def settled(merchant: Merchant, number: str) -> dict[str, Any]:
    for _ in range(6000):
        refund: dict[str, Any] = (await shown(merchant, number)).json
        if refund["status"] == "SUCCESS":
            return refund
        await asyncio.sleep(0.005)
    raise AssertionError("the refund was never settled")


async def test_a_refund_is_processing_first_and_then_arrives(merchant: Merchant) -> None:
    await merchant.paid()
    first = (await merchant.refund("R1", 4000, reason="退一份")).json
    assert (first["status"], first["channel"]) == ("PROCESSING", "ORIGINAL")
    assert "success_time" not in first
    assert first["amount"] == {
        "total": 10000,
        "refund": 4000,
        "payer_total": 10000,
        "payer_refund": 4000,
        "settlement_total": 10000,
        "settlement_refund": 4000,
        "discount_refund": 0,
        "currency": "CNY",
    }
    refund = await settled(merchant, "R1")
    assert refund["success_time"].endswith("+08:00")
    assert (await merchant.query()).json["trade_state"] == "REFUND"
    [payment] = await merchant.control("payments", method="GET")
    assert payment["refunds"] == [
        {"out_refund_no": "R1", "refund_id": refund["refund_id"], "amount_fen": 4000, "state": "SUCCESS"}
    ]


async def test_the_same_number_refunds_once(merchant: Merchant) -> None:
    await merchant.paid()
    first = (await merchant.refund("R1", 4000)).json
    assert (await merchant.refund("R1", 4000)).json["refund_id"] == first["refund_id"]
    assert (await merchant.refund("R1", 4001)).code == (400, "INVALID_REQUEST")
    answers = await asyncio.gather(*(merchant.refund("R2", 4000) for _ in range(10)))
    assert len({answer.json["refund_id"] for answer in answers}) == 1
    [payment] = await merchant.control("payments", method="GET")
    assert [refund["amount_fen"] for refund in payment["refunds"]] == [4000, 4000]


async def test_refunds_never_sum_to_more_than_was_paid(merchant: Merchant) -> None:
    await merchant.paid()
    assert (await merchant.refund("R1", 10001)).code == (400, "INVALID_REQUEST")
    assert (await merchant.refund("R1", 9999)).status == 200
    assert (await merchant.refund("R2", 2)).code == (400, "INVALID_REQUEST")
    assert (await merchant.refund("R2", 1)).status == 200
    assert (await merchant.refund("R3", 1)).code == (400, "INVALID_REQUEST")


async def test_an_order_takes_fifty_refunds(merchant: Merchant) -> None:
    await merchant.paid()
    for number in range(50):
        assert (await merchant.refund(f"R{number}", 1)).status == 200
    assert (await merchant.refund("R50", 1)).code == (400, "INVALID_REQUEST")


async def test_the_total_must_be_the_orders(merchant: Merchant) -> None:
    await merchant.paid()
    amount = {"refund": 1, "total": 9999, "currency": "CNY"}
    assert (await merchant.refund("R1", 1, amount=amount)).code == (400, "INVALID_REQUEST")


async def test_only_paid_orders_are_refunded_and_within_a_year(merchant: Merchant, clock: MovableClock) -> None:
    assert (await merchant.refund("R1", 1)).code == (404, "ORDER_NOT_EXIST")
    await merchant.prepay()
    assert (await merchant.refund("R1", 1)).code == (400, "INVALID_REQUEST")
    await merchant.paid()
    clock.ahead_seconds = 366 * 86_400
    body = {
        "out_trade_no": "KABAO0001",
        "out_refund_no": "R1",
        "amount": {"refund": 1, "total": 10000, "currency": "CNY"},
    }
    answer = await merchant.pay_v3("POST", "/v3/refund/domestic/refunds", body, timestamp=str(int(clock())))
    assert answer.code == (400, "INVALID_REQUEST")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": {"refund": "1", "total": 10000, "currency": "CNY"}},
        {"amount": {"refund": 1.0, "total": 10000, "currency": "CNY"}},
        {"amount": {"refund": 0, "total": 10000, "currency": "CNY"}},
        {"amount": {"refund": 1, "total": 10000}},
        {"amount": {"refund": 1, "total": 10000, "currency": "CNY", "note": "x"}},
        {"out_refund_no": "R 1"},
        {"out_refund_no": "R" * 65},
        {"reason": "退" * 27},
        {"notify_url": "https://shop.example/refund?x=1"},
        {"funds_account": "MINE"},
        {"comment": "x"},
    ],
)
async def test_each_field_of_a_refund_is_checked(merchant: Merchant, changes: dict[str, Any]) -> None:
    await merchant.paid()
    assert (await merchant.refund("R1", 1, **changes)).code == (400, "PARAM_ERROR")


async def test_a_refund_names_its_order_by_either_number(merchant: Merchant) -> None:
    await merchant.paid()
    transaction_id = (await merchant.query()).json["transaction_id"]
    body: dict[str, Any] = {"out_refund_no": "R1", "amount": {"refund": 1, "total": 10000, "currency": "CNY"}}
    path = "/v3/refund/domestic/refunds"
    assert (await merchant.pay_v3("POST", path, body)).code == (400, "PARAM_ERROR")
    both = body | {"transaction_id": transaction_id, "out_trade_no": "KABAO0002"}
    assert (await merchant.pay_v3("POST", path, both)).code == (404, "ORDER_NOT_EXIST")
    assert (await merchant.pay_v3("POST", path, body | {"transaction_id": transaction_id})).status == 200
    assert (await shown(merchant, "R2")).code == (404, "RESOURCE_NOT_EXISTS")
