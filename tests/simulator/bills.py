"""Asking for bills as a merchant does, and reading them."""

import asyncio
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from wechatpy.pay.utils import calculate_signature, dict_to_xml

from tests.simulator.clock import MovableClock
from tests.simulator.merchant import Answer, Merchant


def day_of(clock: MovableClock, days: int = 0) -> str:
    """China's date at this moment, or so many days later."""
    return (datetime.fromtimestamp(clock(), UTC) + timedelta(hours=8, days=days)).strftime("%Y-%m-%d")


def cells(bill: str) -> list[list[str]]:
    """Header, rows, header of totals and totals of a bill."""
    lines = bill.removesuffix("\r\n").split("\r\n")
    return [line[1:].split(",`") if line.startswith("`") else line.split(",") for line in lines]


def rows(bill: str) -> list[dict[str, str]]:
    """The rows of a bill by column."""
    header, *found, _, _ = cells(bill)
    return [dict(zip(header, row, strict=True)) for row in found]


async def refunded(merchant: Merchant, number: str, fen: int) -> None:
    """A refund that has arrived."""
    assert (await merchant.refund(number, fen)).status == 200
    for _ in range(6000):
        answer = await merchant.pay_v3("GET", f"/v3/refund/domestic/refunds/{number}")
        if answer.json["status"] == "SUCCESS":
            return
        await asyncio.sleep(0.005)
    raise AssertionError("the refund never arrived")


async def apply_for_bill(merchant: Merchant, day: str, more: str = "", **wrong: Any) -> Answer:
    """Where WeChat Pay's bill of a day lies; `more` is the rest of the query."""
    return await merchant.pay_v3("GET", f"/v3/bill/tradebill?bill_date={day}{more}", **wrong)


async def download(merchant: Merchant, url: str, **wrong: Any) -> Answer:
    """The file at a download address, with a signature over path and token."""
    return await merchant.pay_v3("GET", url.removeprefix(f"{merchant.url}/wechatpay"), **wrong)


async def bill(merchant: Merchant, day: str, more: str = "") -> str:
    """The text of a day's bill."""
    applied = await apply_for_bill(merchant, day, more)
    assert applied.status == 200, applied.body
    return (await download(merchant, applied.json["download_url"])).body.decode("utf-8-sig")


async def wallet_bill(merchant: Merchant, day: str, **changes: Any) -> bytes:
    """What QQ Wallet answers when it is asked for a day's bill (yyyymmdd)."""
    form = {
        "mch_id": merchant.settings["KABAO_QQ_PAY_MCH_ID"],
        "nonce_str": secrets.token_hex(16),
        "bill_date": day,
        "bill_type": "ALL",
        **changes,
    }
    form = {field: value for field, value in form.items() if value is not None}
    body = dict_to_xml(form, calculate_signature(form, merchant.settings["KABAO_QQ_PAY_KEY"])).encode()
    url = f"{merchant.url}/qpay/cgi-bin/sp_download/qpay_mch_statement_down.cgi"
    return (await merchant.http("POST", url, data=body)).body
