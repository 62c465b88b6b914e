"""Notifications arrive and are repeated until they are accepted."""

import orjson
import pytest

from scripts.simulator import courier
from tests.simulator.clock import MovableClock
from tests.simulator.letters import Inbox, Reader, notified
from tests.simulator.merchant import Merchant

REFUSE = (500, b'{"code":"FAIL","message":"no"}')


async def test_a_paid_order_is_announced_once(merchant: Merchant, inbox: Inbox, reader: Reader) -> None:
    await merchant.paid(notify_url=inbox.url)
    [letter] = await inbox.wait_for(1)
    assert reader.verifies(letter)
    assert reader.content(letter) == (await merchant.query()).json
    assert letter.headers["Wechatpay-Signature-Type"] == "WECHATPAY2-SHA256-RSA2048"
    envelope = orjson.loads(letter.body)
    assert (envelope["event_type"], envelope["resource_type"]) == ("TRANSACTION.SUCCESS", "encrypt-resource")
    resource = envelope["resource"]
    assert (resource["original_type"], resource["algorithm"]) == ("transaction", "AEAD_AES_256_GCM")
    assert len(resource["nonce"]) == 12
    assert await notified(merchant) == [("", 200)]


@pytest.mark.parametrize("outcome", ["FAIL", "ABANDON"])
async def test_nobody_is_told_of_a_payment_that_was_not_made(merchant: Merchant, inbox: Inbox, outcome: str) -> None:
    prepay_id = await merchant.prepay(notify_url=inbox.url)
    await merchant.control("pay", {"prepay_id": prepay_id, "outcome": outcome})
    await inbox.wait_for(0)
    assert (await merchant.query()).json["trade_state"] == "NOTPAY"
    await merchant.control("pay", {"prepay_id": prepay_id, "outcome": "SUCCESS"})
    await inbox.wait_for(1)


@pytest.mark.parametrize("refusal", [(500, b""), (401, b""), (302, b""), (201, b"")])
async def test_wechat_repeats_until_200_or_204(
    merchant: Merchant, inbox: Inbox, reader: Reader, refusal: tuple[int, bytes]
) -> None:
    inbox.answers = [refusal, refusal, (204, b"")]
    await merchant.paid(notify_url=inbox.url)
    letters = await inbox.wait_for(3)
    assert all(reader.verifies(letter) for letter in letters)
    assert len({orjson.loads(letter.body)["id"] for letter in letters}) == 1
    assert len({letter.headers["Wechatpay-Nonce"] for letter in letters}) == 3


async def test_wechat_gives_up_after_fifteen_repeats(
    merchant: Merchant, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, *[10800] * 3, *[21600] * 2) == courier.RETRY_SECONDS
    monkeypatch.setattr(courier, "RETRY_SECONDS", (1,) * 15)
    inbox.answers = [REFUSE] * 30
    await merchant.paid(notify_url=inbox.url)
    await inbox.wait_for(16)


async def test_repeats_keep_their_distances(merchant: Merchant, inbox: Inbox, clock: MovableClock) -> None:
    inbox.answers = [REFUSE] * 10
    await merchant.paid(notify_url=inbox.url)
    await inbox.wait_for(4)
    clock.ahead_seconds = 1
    await inbox.wait_for(5)


async def test_an_answer_after_five_seconds_is_none(
    merchant: Merchant, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert courier.ANSWER_SECONDS == 5
    monkeypatch.setattr(courier, "ANSWER_SECONDS", 1.0)
    inbox.delay_seconds = 2.0
    await merchant.paid(notify_url=inbox.url)
    await inbox.wait_for(1)
    inbox.delay_seconds = 0
    await inbox.wait_for(2)
    assert await notified(merchant) == [("", 0), ("", 200)]


async def test_qq_repeats_until_it_reads_success(merchant: Merchant, inbox: Inbox, reader: Reader) -> None:
    accept = b"<xml><return_code><![CDATA[SUCCESS]]></return_code></xml>"
    inbox.answers = [
        (200, b"success"),
        (200, b"<xml><return_code>FAIL</return_code></xml>"),
        (500, accept),
        (200, accept),
    ]
    openid = (await merchant.sign_in("qq"))["openid"]
    await merchant.wallet_paid("ann", notify_url=inbox.url)
    letters = await inbox.wait_for(4)
    form = reader.form(letters[0])
    paid = await merchant.wallet("qpay_order_query", {"out_trade_no": "KABAO0001"})
    assert {name: form[name] for name in ("trade_state", "total_fee", "openid", "out_trade_no", "mch_id")} == {
        "trade_state": "SUCCESS",
        "total_fee": "10000",
        "openid": openid,
        "out_trade_no": "KABAO0001",
        "mch_id": merchant.settings["KABAO_QQ_PAY_MCH_ID"],
    }
    assert form["transaction_id"] == paid["transaction_id"]
    assert all(reader.form_holds(letter) for letter in letters)


async def test_a_notification_can_be_sent_again(merchant: Merchant, inbox: Inbox, reader: Reader) -> None:
    await merchant.paid(notify_url=inbox.url)
    await inbox.wait_for(1)
    assert await merchant.control("notify", {"out_trade_no": "KABAO0001"}) == {"accepted": True}
    first, second = await inbox.wait_for(2)
    assert reader.content(first) == reader.content(second)
    inbox.answers = [REFUSE]
    assert await merchant.control("notify", {"out_trade_no": "KABAO0001"}) == {"accepted": False}
    assert await merchant.refused_control("notify", {"out_trade_no": "KABAO0002"}) == "no paid order KABAO0002"


async def test_a_refund_without_an_address_is_told_to_nobody(merchant: Merchant, inbox: Inbox) -> None:
    await merchant.paid(notify_url=inbox.url)
    await merchant.refund("R1", 1)
    await inbox.wait_for(1)
    await merchant.refund("R2", 1, notify_url=inbox.url)
    letters = await inbox.wait_for(2)
    assert orjson.loads(letters[1].body)["event_type"] == "REFUND.SUCCESS"
