"""Shipping information: taken once for a paid order, corrected once, and checked field by field.

The codes below are the simulator's; what a client may rest on is that one that is not zero is a no.
"""

from typing import Any

import pytest

from tests.simulator.clock import MovableClock
from tests.simulator.merchant import Merchant

ITEM = {"item_desc": "储值 100 元"}
PARCEL = {"tracking_no": "323244567777", "express_company": "SF", **ITEM}


async def shipped(merchant: Merchant) -> list[int]:
    """The kinds of delivery that were taken."""
    payments = await merchant.control("payments", method="GET")
    return [each["logistics_type"] for payment in payments for each in payment["shipping"]]


async def test_an_upload_is_taken_and_shown(merchant: Merchant, clock: MovableClock) -> None:
    await merchant.paid()
    assert await merchant.upload_shipping() == 0
    [payment] = await merchant.control("payments", method="GET")
    [shipment] = payment["shipping"]
    assert shipment["logistics_type"] == 3
    assert clock() - 5 < shipment["at"] <= clock()


async def test_an_order_is_named_by_either_number(merchant: Merchant) -> None:
    await merchant.paid()
    transaction_id = (await merchant.query()).json["transaction_id"]
    key = {"order_number_type": 2, "transaction_id": transaction_id}
    assert await merchant.upload_shipping(order_key=key, logistics_type=4) == 0
    assert await shipped(merchant) == [4]


async def test_one_correction_is_taken_and_no_more(merchant: Merchant) -> None:
    await merchant.paid()
    assert await merchant.upload_shipping(logistics_type=4) == 0
    assert await merchant.upload_shipping(logistics_type=4) != 0, "what says nothing new is no correction"
    assert await merchant.upload_shipping(logistics_type=3) == 0
    assert await merchant.upload_shipping(logistics_type=2) != 0
    assert await shipped(merchant) == [4, 3]


async def test_only_a_paid_order_of_the_payer_is_shipped(merchant: Merchant) -> None:
    assert await merchant.upload_shipping() != 0
    await merchant.prepay()
    assert await merchant.upload_shipping() != 0
    await merchant.paid()
    other = (await merchant.sign_in(user="bob"))["openid"]
    assert await merchant.upload_shipping(payer={"openid": other}) != 0
    assert await merchant.upload_shipping(payer=None) != 0
    assert await shipped(merchant) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"order_key": None},
        {"order_key": {"order_number_type": 3, "out_trade_no": "KABAO0001"}},
        {"order_key": {"order_number_type": True, "out_trade_no": "KABAO0001"}},
        {"order_key": {"order_number_type": 1, "out_trade_no": "KABAO0001"}},
        {"order_key": {"order_number_type": 1, "mchid": "1900000001", "out_trade_no": "KABAO0001"}},
        {"order_key": {"order_number_type": 2, "out_trade_no": "KABAO0001"}},
        {"order_key": {"order_number_type": 2, "transaction_id": "42"}},
        {"logistics_type": 5},
        {"logistics_type": "3"},
        {"logistics_type": [3]},
        {"logistics_type": None},
        {"logistics_type": 1},
        {"delivery_mode": 3},
        {"delivery_mode": True},
        {"delivery_mode": 2},
        {"logistics_type": 1, "delivery_mode": 2, "shipping_list": [PARCEL]},
        {"logistics_type": 1, "delivery_mode": 2, "shipping_list": [PARCEL] * 16, "is_all_delivered": True},
        {"is_all_delivered": "yes"},
        {"shipping_list": []},
        {"shipping_list": [ITEM, ITEM]},
        {"shipping_list": [{}]},
        {"shipping_list": ["储值"]},
        {"shipping_list": [{"item_desc": "储" * 121}]},
        {"shipping_list": [{**ITEM, "price": 1}]},
        {"upload_time": "2026-11-21T12:00:00+08:00"},
        {"upload_time": "2026-11-21 12:00:00.123"},
        {"upload_time": "2026-11-31T12:00:00.123+08:00"},
        {"upload_time": 1795290934},
        {"note": "x"},
    ],
)
async def test_each_field_is_checked(merchant: Merchant, changes: dict[str, Any]) -> None:
    await merchant.paid()
    assert await merchant.upload_shipping(**changes) != 0
    assert await shipped(merchant) == []


@pytest.mark.parametrize(
    "changes",
    [
        {"shipping_list": [{"item_desc": "储" * 120}]},
        {"logistics_type": 1, "shipping_list": [PARCEL]},
        {"logistics_type": 1, "delivery_mode": 2, "shipping_list": [PARCEL] * 15, "is_all_delivered": False},
        {"upload_time": "2026-11-21T04:00:00.000Z"},
    ],
)
async def test_what_is_just_within_the_bounds_is_taken(merchant: Merchant, changes: dict[str, Any]) -> None:
    await merchant.paid()
    assert await merchant.upload_shipping(**changes) == 0


async def test_a_token_is_needed_as_everywhere(merchant: Merchant) -> None:
    assert await merchant.upload_raw("", {}) == 41001
    assert await merchant.upload_raw("nonsense", {}) == 40014
    assert await merchant.upload_raw(await merchant.token("qq"), {}) == 40014


async def test_faults_hit_it_by_its_path(merchant: Merchant) -> None:
    await merchant.paid()
    await merchant.fault("upload_shipping_info", "error")
    assert await merchant.upload_shipping() == -1
    assert await shipped(merchant) == []
    await merchant.fault("upload_shipping_info", "duplicate")
    assert await merchant.upload_shipping() != 0
    assert await shipped(merchant) == [3], "the second of the two said nothing new"
