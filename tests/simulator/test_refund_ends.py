"""Refunds that end badly, or not at all, or only when they are told to."""

import asyncio
import hashlib
from typing import Any

import orjson
import pytest

from tests.simulator.letters import Inbox, Reader
from tests.simulator.merchant import Merchant


async def state(merchant: Merchant, number: str = "R1") -> str:
    """What WeChat Pay says of a refund."""
    answer = await merchant.pay_v3("GET", f"/v3/refund/domestic/refunds/{number}")
    status: str = answer.json["status"]
    return status


async def until(merchant: Merchant, wanted: str, number: str = "R1") -> None:
    for _ in range(6000):
        if await state(merchant, number) == wanted:
            return
        await asyncio.sleep(0.005)
    raise AssertionError(f"the refund was never {wanted}")


@pytest.mark.parametrize("end", ["ABNORMAL", "CLOSED"])
async def test_a_refund_ends_as_planned_and_the_merchant_is_told(
    merchant: Merchant, inbox: Inbox, reader: Reader, end: str
) -> None:
    await merchant.paid()
    await merchant.control("refunds", {"next": end, "times": 1})
    assert (await merchant.refund("R1", 4000, notify_url=inbox.url)).json["status"] == "PROCESSING"
    [letter] = await inbox.wait_for(1)
    assert reader.verifies(letter)
    assert orjson.loads(letter.body)["event_type"] == f"REFUND.{end}"
    content = reader.content(letter)
    assert (content["out_refund_no"], content["refund_status"], content["amount"]["refund"]) == ("R1", end, 4000)
    assert "success_time" not in content
    assert await state(merchant) == end
    [payment] = await merchant.control("payments", method="GET")
    assert [refund["state"] for refund in payment["refunds"]] == [end]


async def test_a_plan_is_for_so_many_refunds_and_a_new_one_replaces_it(merchant: Merchant) -> None:
    await merchant.paid()
    await merchant.control("refunds", {"next": "CLOSED", "times": 9})
    await merchant.control("refunds", {"next": "ABNORMAL", "times": 2})
    for number in ("R1", "R2", "R3"):
        await merchant.refund(number, 1)
    await until(merchant, "ABNORMAL", "R1")
    await until(merchant, "ABNORMAL", "R2")
    await until(merchant, "SUCCESS", "R3")
    [payment] = await merchant.control("payments", method="GET")
    ends = [(refund["out_refund_no"], refund["state"]) for refund in payment["refunds"]]
    assert ends == [("R1", "ABNORMAL"), ("R2", "ABNORMAL"), ("R3", "SUCCESS")]


async def test_a_refund_can_be_left_on_its_way_and_moved(merchant: Merchant, inbox: Inbox, reader: Reader) -> None:
    await merchant.paid()
    await merchant.control("refunds", {"next": "PROCESSING"})
    await merchant.refund("R1", 4000, notify_url=inbox.url)
    await asyncio.sleep(0.1)
    assert await state(merchant) == "PROCESSING"
    await merchant.control("refund", {"out_refund_no": "R1", "state": "ABNORMAL"})
    await merchant.control("refund", {"out_refund_no": "R1", "state": "PROCESSING"})
    assert await state(merchant) == "PROCESSING"
    await merchant.control("refund", {"out_refund_no": "R1", "state": "SUCCESS", "provider": "wechat"})
    letters = await inbox.wait_for(2)
    assert {orjson.loads(letter.body)["event_type"] for letter in letters} == {"REFUND.ABNORMAL", "REFUND.SUCCESS"}
    answer = (await merchant.pay_v3("GET", "/v3/refund/domestic/refunds/R1")).json
    assert (answer["status"], answer["success_time"][-6:]) == ("SUCCESS", "+08:00")


@pytest.mark.parametrize("end", ["SUCCESS", "CLOSED"])
async def test_what_has_ended_is_not_moved(merchant: Merchant, end: str) -> None:
    await merchant.paid()
    await merchant.control("refunds", {"next": end})
    await merchant.refund("R1", 4000)
    await until(merchant, end)
    reason = await merchant.refused_control("refund", {"out_refund_no": "R1", "state": "ABNORMAL"})
    assert reason == f"this refund has ended: {end}"


async def test_an_abnormal_refund_asked_for_again_is_answered_as_it_stands(merchant: Merchant) -> None:
    await merchant.paid()
    await merchant.control("refunds", {"next": "ABNORMAL"})
    first = (await merchant.refund("R1", 4000)).json
    await until(merchant, "ABNORMAL")
    again = (await merchant.refund("R1", 4000)).json
    assert (again["status"], again["refund_id"]) == ("ABNORMAL", first["refund_id"])
    await asyncio.sleep(0.05)
    assert await state(merchant) == "ABNORMAL"
    assert (await merchant.refund("R2", 6001)).code == (400, "INVALID_REQUEST"), "its money is spoken for"


async def test_a_closed_refund_asked_for_again_is_opened_again(merchant: Merchant) -> None:
    await merchant.paid()
    await merchant.control("refunds", {"next": "CLOSED"})
    first = (await merchant.refund("R1", 10000)).json
    await until(merchant, "CLOSED")
    assert (await merchant.refund("R1", 9999)).code == (400, "INVALID_REQUEST")
    again = (await merchant.refund("R1", 10000)).json
    assert (again["status"], again["refund_id"]) == ("PROCESSING", first["refund_id"])
    await until(merchant, "SUCCESS")
    [payment] = await merchant.control("payments", method="GET")
    assert [refund["state"] for refund in payment["refunds"]] == ["SUCCESS"]


async def test_a_closed_refund_frees_its_money_for_another(merchant: Merchant) -> None:
    await merchant.paid()
    await merchant.control("refunds", {"next": "CLOSED"})
    await merchant.refund("R1", 10000)
    await until(merchant, "CLOSED")
    assert (await merchant.refund("R2", 6000)).status == 200
    assert (await merchant.refund("R1", 10000)).code == (400, "INVALID_REQUEST"), "opened again it would be too much"


@pytest.mark.parametrize(("end", "shown"), [("ABNORMAL", "CHANGE"), ("CLOSED", "FAIL"), ("PROCESSING", "PROCESSING")])
async def test_qq_wallet_shows_the_end_to_who_asks(merchant: Merchant, end: str, shown: str) -> None:
    password = hashlib.md5(merchant.settings["KABAO_QQ_PAY_OP_USER_PASSWORD"].encode()).hexdigest()
    await merchant.wallet_paid()
    await merchant.control("refunds", {"next": end})
    await merchant.wallet_refund("R1", 4000, password)
    seen: dict[str, Any] = {}
    for _ in range(6000):
        seen = await merchant.wallet("qpay_refund_query", {"out_refund_no": "R1"})
        if seen["refund_status_0"] == shown:
            break
        await asyncio.sleep(0.005)
    assert seen["refund_status_0"] == shown
    assert "refund_success_time_0" not in seen
    if end != "CLOSED":
        await merchant.control("refund", {"out_refund_no": "R1", "state": "SUCCESS"})
        seen = await merchant.wallet("qpay_refund_query", {"out_refund_no": "R1"})
        assert (seen["refund_status_0"], len(seen["refund_success_time_0"])) == ("SUCCESS", 14)


@pytest.mark.parametrize(
    ("path", "body", "reason"),
    [
        ("refunds", {"next": "MAYBE"}, "next must be one of SUCCESS, ABNORMAL, CLOSED, PROCESSING"),
        ("refunds", {"next": "CLOSED", "times": 0}, "times must be 1 to 1000"),
        ("refunds", {"next": "CLOSED", "times": True}, "times must be a whole number"),
        ("refunds", {}, "missing: next"),
        ("refund", {"out_refund_no": "R9", "state": "SUCCESS"}, "no refund R9"),
        (
            "refund",
            {"out_refund_no": "R1", "state": "GONE"},
            "state must be one of SUCCESS, ABNORMAL, CLOSED, PROCESSING",
        ),
        ("refund", {"out_refund_no": "R1", "state": "SUCCESS", "provider": "visa"}, "provider must be wechat or qq"),
    ],
)
async def test_bad_input_is_answered_with_a_reason(
    merchant: Merchant, path: str, body: dict[str, Any], reason: str
) -> None:
    assert await merchant.refused_control(path, body) == reason


async def test_a_number_that_both_providers_have_needs_the_provider(merchant: Merchant) -> None:
    password = hashlib.md5(merchant.settings["KABAO_QQ_PAY_OP_USER_PASSWORD"].encode()).hexdigest()
    await merchant.control("refunds", {"next": "PROCESSING", "times": 2})
    await merchant.paid()
    await merchant.refund("R1", 1)
    await merchant.wallet_paid()
    await merchant.wallet_refund("R1", 1, password)
    reason = await merchant.refused_control("refund", {"out_refund_no": "R1", "state": "SUCCESS"})
    assert reason == "both providers have a refund of that number: name the provider"
    await merchant.control("refund", {"out_refund_no": "R1", "state": "SUCCESS", "provider": "qq"})
    assert await state(merchant) == "PROCESSING"
