"""Notifications can be made to go wrong in every stated way, and the right one still follows."""

import asyncio

import orjson
import pytest

from scripts.simulator import faults
from tests.simulator.letters import Inbox, Reader, notified
from tests.simulator.merchant import Merchant


async def test_dropped_once_it_comes_with_the_next_attempt(merchant: Merchant, inbox: Inbox) -> None:
    await merchant.fault("notify:wechat", "drop")
    await merchant.paid(notify_url=inbox.url)
    await inbox.wait_for(1)
    assert await notified(merchant) == [("drop", 0), ("", 200)]


async def test_late(merchant: Merchant, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    assert faults.LATE_SECONDS == 3
    monkeypatch.setattr(faults, "LATE_SECONDS", 0.4)
    await merchant.fault("notify", "late")
    await merchant.paid(notify_url=inbox.url)
    await asyncio.sleep(0.3)
    assert inbox.letters == []
    await inbox.wait_for(1)


async def test_twenty_at_once(merchant: Merchant, inbox: Inbox, reader: Reader) -> None:
    inbox.delay_seconds = 0.05
    prepay_id = await merchant.prepay(notify_url=inbox.url)
    await merchant.fault("KABAO0001", "duplicate")
    await merchant.control("pay", {"prepay_id": prepay_id, "outcome": "SUCCESS"})
    letters = await inbox.wait_for(20)
    assert all(reader.verifies(letter) for letter in letters)
    assert len({orjson.loads(letter.body)["id"] for letter in letters}) == 1


async def test_a_wrong_signature(merchant: Merchant, inbox: Inbox, reader: Reader) -> None:
    await merchant.fault("notify:wechat", "bad_signature")
    await merchant.paid(notify_url=inbox.url)
    letters = await inbox.wait_for(2)
    assert [reader.verifies(letter) for letter in letters] == [False, True]
    assert await notified(merchant) == [("bad_signature", 200), ("", 200)]


async def test_a_probe_comes_before_the_right_one(merchant: Merchant, inbox: Inbox, reader: Reader) -> None:
    inbox.answers = [(401, b"")]
    await merchant.fault("notify:wechat", "probe")
    await merchant.paid(notify_url=inbox.url)
    probe, letter = await inbox.wait_for(2)
    assert probe.headers["Wechatpay-Signature"].startswith("WECHATPAY/SIGNTEST/")
    assert reader.verifies(letter)
    assert await notified(merchant) == [("probe", 401), ("", 200)]


async def test_a_stale_one_is_rightly_signed_ten_minutes_ago(merchant: Merchant, inbox: Inbox, reader: Reader) -> None:
    await merchant.fault("notify:wechat", "stale")
    await merchant.paid(notify_url=inbox.url)
    stale, letter = await inbox.wait_for(2)
    assert reader.verifies(stale)
    assert 595 < reader.age_seconds(stale) < 605
    assert reader.age_seconds(letter) < 5


async def test_another_amount_is_rightly_signed(merchant: Merchant, inbox: Inbox, reader: Reader) -> None:
    await merchant.fault("notify:wechat", "wrong_amount")
    await merchant.paid(notify_url=inbox.url)
    letters = await inbox.wait_for(2)
    assert all(reader.verifies(letter) for letter in letters)
    assert [reader.content(letter)["amount"]["total"] for letter in letters] == [10001, 10000]


async def test_a_payment_that_nobody_made_is_rightly_signed(merchant: Merchant, inbox: Inbox, reader: Reader) -> None:
    await merchant.fault("notify:wechat", "unknown")
    await merchant.paid(notify_url=inbox.url)
    unknown, letter = await inbox.wait_for(2)
    assert reader.verifies(unknown)
    number = reader.content(unknown)["out_trade_no"]
    assert (await merchant.query(number)).code == (404, "ORDER_NOT_EXIST")
    assert reader.content(letter)["out_trade_no"] == "KABAO0001"


@pytest.mark.parametrize(
    ("mode", "count", "signs", "fees"),
    [
        ("drop", 1, [True], ["10000"]),
        ("bad_signature", 2, [False, True], ["10000", "10000"]),
        ("wrong_amount", 2, [True, True], ["10001", "10000"]),
        ("unknown", 2, [True, True], ["10000", "10000"]),
        ("duplicate", 20, [True] * 20, ["10000"] * 20),
    ],
)
async def test_faults_of_qq_notifications(
    merchant: Merchant, inbox: Inbox, reader: Reader, mode: str, count: int, signs: list[bool], fees: list[str]
) -> None:
    await merchant.fault("notify:qq", mode)
    await merchant.wallet_paid(notify_url=inbox.url)
    letters = await inbox.wait_for(count)
    assert [reader.form_holds(letter) for letter in letters] == signs
    assert [reader.form(letter)["total_fee"] for letter in letters] == fees
    if mode == "unknown":
        assert reader.form(letters[0])["out_trade_no"] != "KABAO0001"


async def test_a_fault_of_one_provider_leaves_the_other_alone(merchant: Merchant, inbox: Inbox) -> None:
    await merchant.fault("notify:qq", "drop")
    await merchant.paid(notify_url=inbox.url)
    await inbox.wait_for(1)
    assert await notified(merchant) == [("", 200)]
    assert await merchant.control("faults", method="GET") == [{"match": "notify:qq", "mode": "drop", "times": 1}]
