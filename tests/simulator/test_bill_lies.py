"""Bills that are wrong on demand, the same way each time they are asked for, until they are right again."""

import gzip
import hashlib
from typing import Any

import pytest

from tests.simulator.bills import apply_for_bill, bill, cells, day_of, download, refunded, rows, wallet_bill
from tests.simulator.clock import MovableClock
from tests.simulator.merchant import Merchant

Told = list[tuple[str, str, str, str]]


async def told(merchant: Merchant, clock: MovableClock) -> Told:
    """(number, yuan, state, state of the refund) of each row; totals must fit them."""
    text = await bill(merchant, day_of(clock))
    found = rows(text)
    *_, totals = cells(text)
    fen = [int(row["订单金额"].replace(".", "")) for row in found]
    assert (totals[0], int(totals[1].replace(".", ""))) == (str(len(found)), sum(fen))
    refund = [row["交易状态"] == "REFUND" for row in found]
    return [
        (row["商户退款单号"], row["退款金额"], row["交易状态"], row["退款状态"])
        if is_refund
        else (row["商户订单号"], row["订单金额"], row["交易状态"], row["退款状态"])
        for row, is_refund in zip(found, refund, strict=True)
    ]


FIRST = ("KABAO0001", "100.00", "SUCCESS", "")
SECOND = ("KABAO0002", "100.00", "SUCCESS", "")
REFUND = ("R1", "40.00", "REFUND", "SUCCESS")


@pytest.mark.parametrize(
    ("lie", "expected"),
    [
        ({"kind": "omit"}, [SECOND, REFUND]),
        ({"kind": "omit", "number": "R1"}, [FIRST, SECOND]),
        ({"kind": "omit", "number": "KABAO0009"}, [FIRST, SECOND, REFUND]),
        ({"kind": "invent", "number": "STRANGER"}, [FIRST, SECOND, REFUND, ("STRANGER", "12.34", "SUCCESS", "")]),
        ({"kind": "amount", "number": "KABAO0002"}, [FIRST, ("KABAO0002", "100.01", "SUCCESS", ""), REFUND]),
        ({"kind": "amount", "number": "R1"}, [FIRST, SECOND, ("R1", "40.01", "REFUND", "SUCCESS")]),
        ({"kind": "status"}, [("KABAO0001", "100.00", "CLOSED", ""), SECOND, REFUND]),
        ({"kind": "status", "number": "R1"}, [FIRST, SECOND, ("R1", "40.00", "REFUND", "FAIL")]),
    ],
)
async def test_a_lie_is_told_until_it_is_taken_back(
    merchant: Merchant, clock: MovableClock, lie: dict[str, str], expected: Told
) -> None:
    await merchant.paid()
    await merchant.paid(out_trade_no="KABAO0002")
    await refunded(merchant, "R1", 4000)
    assert await told(merchant, clock) == [FIRST, SECOND, REFUND]
    await merchant.control("bill_lies", {"provider": "wechat", **lie})
    assert await told(merchant, clock) == expected
    assert await told(merchant, clock) == expected
    await merchant.control("bill_lies", method="DELETE")
    assert await told(merchant, clock) == [FIRST, SECOND, REFUND]


async def test_an_invented_order_keeps_its_name(merchant: Merchant, clock: MovableClock) -> None:
    await merchant.control("bill_lies", {"provider": "wechat", "kind": "invent"})
    [stranger] = await told(merchant, clock)
    assert stranger[0].startswith("NOBODY")
    assert await told(merchant, clock) == [stranger]
    [lie] = await merchant.control("bill_lies", method="GET")
    assert lie == {"provider": "wechat", "kind": "invent", "number": stranger[0]}


async def test_the_hash_can_lie_and_the_file_be_cut(merchant: Merchant, clock: MovableClock) -> None:
    await merchant.paid()
    await merchant.control("bill_lies", {"provider": "wechat", "kind": "hash"})
    applied = (await apply_for_bill(merchant, day_of(clock), "&tar_type=GZIP")).json
    raw = gzip.decompress((await download(merchant, applied["download_url"])).body)
    assert hashlib.sha1(raw).hexdigest() != applied["hash_value"]
    await merchant.control("bill_lies", method="DELETE")
    await merchant.control("bill_lies", {"provider": "wechat", "kind": "cut"})
    applied = (await apply_for_bill(merchant, day_of(clock), "&tar_type=GZIP")).json
    with pytest.raises(EOFError):
        gzip.decompress((await download(merchant, applied["download_url"])).body)


async def test_qq_wallet_lies_too_and_each_for_itself(merchant: Merchant, clock: MovableClock) -> None:
    await merchant.paid()
    await merchant.wallet_paid()
    day = day_of(clock).replace("-", "")
    honest = await wallet_bill(merchant, day)
    await merchant.control("bill_lies", {"provider": "qq", "kind": "amount"})
    [row] = rows((await wallet_bill(merchant, day)).decode())
    assert row["订单金额(元)"] == "100.01"
    assert await told(merchant, clock) == [FIRST]
    await merchant.control("bill_lies", method="DELETE")
    await merchant.control("bill_lies", {"provider": "qq", "kind": "cut"})
    assert honest.startswith(await wallet_bill(merchant, day))
    assert await wallet_bill(merchant, day) != honest


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"provider": "visa", "kind": "omit"}, "provider must be wechat or qq"),
        ({"provider": "qq", "kind": "hash"}, "QQ Wallet's bill carries no hash"),
        ({"provider": "qq", "kind": "fib"}, "kind must be one of omit, invent, amount, status, hash, cut"),
        ({"provider": "qq"}, "missing: kind"),
        ({"provider": "qq", "kind": "omit", "number": 7}, "number must be a non-empty text"),
    ],
)
async def test_bad_input_is_answered_with_a_reason(merchant: Merchant, body: Any, reason: str) -> None:
    assert await merchant.refused_control("bill_lies", body) == reason
