"""Bills: each payment and each refund of a China day, once, in yuan, with totals and a hash that hold."""

import asyncio
import gzip
import hashlib
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from tests.simulator.bills import apply_for_bill, bill, cells, day_of, download, refunded, rows, wallet_bill
from tests.simulator.clock import MovableClock
from tests.simulator.merchant import Merchant

HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
TOTALS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
NO_STATEMENT = (400, "NO_STATEMENT_EXIST")


async def test_a_bill_is_written_as_documented(merchant: Merchant, clock: MovableClock) -> None:
    await merchant.paid(attach="brand 7", description="储值 100 元，含,赠送")
    await merchant.prepay(out_trade_no="KABAO0002")
    await refunded(merchant, "R1", 4005)
    applied = (await apply_for_bill(merchant, day_of(clock), "&bill_type=ALL&tar_type=GZIP")).json
    assert applied["hash_type"] == "SHA1"
    file = await download(merchant, applied["download_url"])
    assert "Wechatpay-Signature" not in file.headers
    raw = gzip.decompress(file.body)
    assert hashlib.sha1(raw).hexdigest() == applied["hash_value"]
    text = raw.decode()
    assert text.startswith("\ufeff" + HEADER + "\r\n`")
    assert text.count("\r\n") == text.count("\n") == 5
    header, paid, refund, totals_header, totals = cells(text.removeprefix("\ufeff"))
    assert (len(header), len(paid), len(refund)) == (27, 27, 27)
    assert ",".join(totals_header) == TOTALS
    assert totals == ["2", "100.00", "40.05", "0.00", "0.36000", "100.00", "40.05"]

    [first, second] = rows(text.removeprefix("\ufeff"))
    shown = (await merchant.query()).json
    assert first["交易时间"] == shown["success_time"][:19].replace("T", " ")
    assert first | second == first | {
        **{name: second[name] for name in ("交易时间", "交易状态", "应结订单金额", "订单金额", "手续费")},
        **{name: second[name] for name in ("微信退款单号", "商户退款单号", "退款金额", "申请退款金额")},
        **{name: second[name] for name in ("退款类型", "退款状态")},
    }, "all else is the same in both rows"
    assert {name: first[name] for name in ("公众账号ID", "商户号", "微信订单号", "商户订单号", "用户标识")} == {
        "公众账号ID": shown["appid"],
        "商户号": shown["mchid"],
        "微信订单号": shown["transaction_id"],
        "商户订单号": "KABAO0001",
        "用户标识": shown["payer"]["openid"],
    }
    assert (first["商品名称"], first["商户数据包"]) == ("储值 100 元，含,赠送", "brand 7")
    assert (first["交易状态"], first["订单金额"], first["商户退款单号"], first["手续费"]) == (
        "SUCCESS",
        "100.00",
        "0",
        "0.60000",
    )
    assert (second["交易状态"], second["退款状态"], second["商户退款单号"]) == ("REFUND", "SUCCESS", "R1")
    assert (second["退款金额"], second["订单金额"], second["手续费"]) == ("40.05", "0.00", "-0.24000")


async def test_the_type_chooses_rows_and_columns(merchant: Merchant, clock: MovableClock) -> None:
    await merchant.paid()
    await refunded(merchant, "R1", 1)
    [paid] = rows(await bill(merchant, day_of(clock), "&bill_type=SUCCESS"))
    assert (paid["订单金额"], len(paid)) == ("100.00", 20)
    [refund] = rows(await bill(merchant, day_of(clock), "&bill_type=REFUND"))
    assert (refund["退款金额"], len(refund), "退款成功时间" in refund) == ("0.01", 29, True)


async def test_a_refund_that_has_not_arrived_stands_in_no_bill(merchant: Merchant, clock: MovableClock) -> None:
    await merchant.paid()
    for number, end in (("R1", "PROCESSING"), ("R2", "ABNORMAL"), ("R3", "CLOSED")):
        await merchant.control("refunds", {"next": end})
        await merchant.refund(number, 1)
    await asyncio.sleep(0.1)
    assert [row["交易状态"] for row in rows(await bill(merchant, day_of(clock)))] == ["SUCCESS"]


async def test_each_day_has_its_own_bill_by_chinas_clock(merchant: Merchant, clock: MovableClock) -> None:
    now = datetime.fromtimestamp(time.time(), UTC) + timedelta(hours=8)
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    before = (midnight - now).total_seconds() - 2
    clock.ahead_seconds = before
    first_day, second_day = day_of(clock), day_of(clock, 1)
    at = str(int(clock()))
    openid = (await merchant.sign_in())["openid"]
    for number, ahead in (("KABAO0001", before), ("KABAO0002", before + 10)):
        clock.ahead_seconds = ahead
        order = merchant.order(openid, out_trade_no=number)
        prepaid = (await merchant.pay_v3("POST", "/v3/pay/transactions/jsapi", order, timestamp=at)).json
        await merchant.control("pay", {"prepay_id": prepaid["prepay_id"], "outcome": "SUCCESS"})
    for day, number in ((first_day, "KABAO0001"), (second_day, "KABAO0002")):
        applied = (await apply_for_bill(merchant, day, timestamp=at)).json
        file = await download(merchant, applied["download_url"], timestamp=at)
        assert [row["商户订单号"] for row in rows(file.body.decode("utf-8-sig"))] == [number]


async def test_days_without_a_bill(merchant: Merchant, clock: MovableClock) -> None:
    assert (await apply_for_bill(merchant, day_of(clock))).code == NO_STATEMENT, "nothing happened"
    await merchant.paid()
    assert (await apply_for_bill(merchant, day_of(clock))).status == 200
    assert (await apply_for_bill(merchant, day_of(clock, 1))).code == NO_STATEMENT, "not yet"
    assert (await apply_for_bill(merchant, day_of(clock), "&bill_type=REFUND")).code == NO_STATEMENT
    day, clock.ahead_seconds = day_of(clock), 93 * 86_400
    answer = await apply_for_bill(merchant, day, timestamp=str(int(clock())))
    assert answer.code == NO_STATEMENT, "no longer"


@pytest.mark.parametrize(
    "query",
    [
        "bill_type=ALL",
        "bill_date=20261121",
        "bill_date=2026-11-31",
        "bill_date=2026-11-21&bill_type=SOME",
        "bill_date=2026-11-21&tar_type=ZIP",
        "bill_date=2026-11-21&mood=good",
    ],
)
async def test_each_parameter_is_checked(merchant: Merchant, query: str) -> None:
    assert (await merchant.pay_v3("GET", f"/v3/bill/tradebill?{query}")).code == (400, "PARAM_ERROR")


async def test_a_download_is_signed_over_its_token_and_lives_thirty_seconds(
    merchant: Merchant, clock: MovableClock
) -> None:
    await merchant.paid()
    url = (await apply_for_bill(merchant, day_of(clock))).json["download_url"]
    unsigned = await merchant.http("GET", url)
    assert unsigned.status in (400, 401)
    assert (await download(merchant, url, signed_target="/v3/billdownload/file")).code == (401, "SIGN_ERROR")
    assert (await download(merchant, url + "x")).code == (400, "INVALID_REQUEST")
    assert (await download(merchant, url)).status == 200
    clock.ahead_seconds = 31
    assert (await download(merchant, url)).code == (400, "INVALID_REQUEST")


# QQ Wallet. Its form is not confirmed; see qq_bills.


def wallet_rows(raw: bytes) -> list[dict[str, str]]:
    return rows(raw.decode())


async def test_qq_wallets_bill_has_the_same_rows(merchant: Merchant, clock: MovableClock) -> None:
    password = hashlib.md5(merchant.settings["KABAO_QQ_PAY_OP_USER_PASSWORD"].encode()).hexdigest()
    day = day_of(clock).replace("-", "")
    await merchant.wallet_paid(user="ann")
    await merchant.wallet_refund("R1", 4005, password)
    found: list[dict[str, str]] = []
    for _ in range(3000):
        found = wallet_rows(await wallet_bill(merchant, day))
        if len(found) == 2:
            break
        await asyncio.sleep(0.01)
    paid, refund = found
    query = await merchant.wallet("qpay_order_query", {"out_trade_no": "KABAO0001"})
    assert (paid["商户订单号"], paid["QQ钱包订单号"]) == ("KABAO0001", query["transaction_id"])
    assert (paid["订单金额(元)"], paid["交易状态"], paid["商户退款订单号"]) == ("100.00", "SUCCESS", "")
    assert (refund["商户订单号"], refund["商户退款订单号"], refund["退款金额(元)"]) == ("KABAO0001", "R1", "40.05")
    assert (refund["订单金额(元)"], refund["退款状态"], len(refund)) == ("0.00", "SUCCESS", 30)
    *_, totals = cells((await wallet_bill(merchant, day)).decode())
    assert totals == ["2", "100.00", "0.00", "100.00", "0.00", "100.00", "40.05", "0.00", "0.36000"]
    zipped = await wallet_bill(merchant, day, tar_type="GZIP")
    assert wallet_rows(gzip.decompress(zipped)) == found
    [only] = wallet_rows(await wallet_bill(merchant, day, bill_type="REFUND"))
    assert only == refund


@pytest.mark.parametrize(
    "changes",
    [
        {"bill_date": None},
        {"bill_date": "2026-11-21"},
        {"bill_date": "20261131"},
        {"bill_date": "20991231"},
        {"bill_type": "SOME"},
        {"tar_type": "ZIP"},
        {"mch_id": "1400000000"},
        {"appid": "1100000000"},
        {"mood": "good"},
    ],
)
async def test_qq_wallet_refuses_in_signed_xml(
    merchant: Merchant, clock: MovableClock, changes: dict[str, Any]
) -> None:
    await merchant.wallet_paid()
    raw = await wallet_bill(merchant, day_of(clock).replace("-", ""), **changes)
    answer = {element.tag: element.text or "" for element in fromstring(raw)}
    assert answer["return_code"] == "FAIL"
    assert answer["sign"] == merchant.wallet_sign(answer)


async def test_a_wrongly_signed_request_gets_no_bill(merchant: Merchant, clock: MovableClock) -> None:
    await merchant.wallet_paid()
    day = day_of(clock).replace("-", "")
    assert (await wallet_bill(merchant, day)).startswith("交易时间".encode())
    merchant.settings = {**merchant.settings, "KABAO_QQ_PAY_KEY": "0" * 32}
    assert (await wallet_bill(merchant, day)).startswith(b"<?xml")
