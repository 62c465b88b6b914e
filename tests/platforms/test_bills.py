"""Bills of both providers: taken whole or not at all, exact to the fen, from nobody but the provider."""

import gzip
import hashlib
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.bill_text import BillInvalid, fen_of, unpacked
from gateway.clock import SystemClock
from gateway.outgoing import Answer, Outgoing
from gateway.qq_wallet import QQWallet, sign_form, write_form
from gateway.qq_wallet_bills import read_statement
from gateway.wechat_pay_bills import fetch_bill, read_trade_bill
from resolvers.ports import OutsideFault, Platform
from resolvers.ports_payment import BillRow, RefundRequest
from scripts.simulator.app import Serving
from tests.platforms.stub import Stub
from tests.platforms.test_key_modes import Shop, shop_at
from tests.support.faults import fault

MCHID = "1900000109"
WECHAT_HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,"
    "手续费,费率,订单金额,申请退款金额,费率备注"
)
WECHAT_TOTALS = "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额"
PAID = (
    f"`2026-11-20 13:44:33,`wx12,`{MCHID},`0,`,`4200001,`pay_1,`oAnn,`JSAPI,`SUCCESS,`CFT,`CNY,`38.80,`0.00,`0,`0,"
    "`0.00,`0.00,`,`,`储值,含,赠送,`brand,`0.23000,`0.60%,`38.80,`0.00,`"
)
BACK = (
    f"`2026-11-20 15:00:00,`wx12,`{MCHID},`0,`,`4200001,`pay_1,`oAnn,`JSAPI,`REFUND,`CFT,`CNY,`0.00,`0.00,`503,`ref_1,"
    "`8.01,`0.00,`ORIGINAL,`SUCCESS,`储值,`brand,`-0.05000,`0.60%,`0.00,`8.01,`"
)
TOTALS = "`2,`38.80,`8.01,`0.00,`0.18000,`38.80,`8.01"
PAID_ROW = BillRow("pay_1", "pay_1", False, 3880, True, "SUCCESS", "4200001")
BACK_ROW = BillRow("ref_1", "pay_1", True, 801, True, "SUCCESS", "4200001")


def wechat_bill(*lines: str, totals: str = TOTALS, end: str = "\r\n") -> bytes:
    return ("\ufeff" + "".join(line + end for line in (WECHAT_HEADER, *lines, WECHAT_TOTALS, totals))).encode()


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_a_trade_bill_is_read_to_the_fen(end: str) -> None:
    assert read_trade_bill(wechat_bill(PAID, BACK, end=end), MCHID) == [PAID_ROW, BACK_ROW]


def test_an_empty_bill_has_no_rows() -> None:
    assert read_trade_bill(wechat_bill(totals="`0,`0.00,`0.00,`0.00,`0.00000,`0.00,`0.00"), MCHID) == []


def test_states_that_are_no_success_are_not_settled() -> None:
    lines = (PAID.replace("`SUCCESS", "`CLOSED"), BACK.replace("`SUCCESS", "`PROCESSING"))
    rows = read_trade_bill(wechat_bill(*lines), MCHID)
    assert [(row.settled, row.status) for row in rows] == [(False, "CLOSED"), (False, "PROCESSING")]


@pytest.mark.parametrize("name", ["茶,`茶", "`", ",`,`,`", "茶\u2028水", "a\x0bb"])
def test_a_products_name_moves_no_other_cell(name: str) -> None:
    assert read_trade_bill(wechat_bill(PAID.replace("储值,含,赠送", name), BACK), MCHID) == [PAID_ROW, BACK_ROW]


BROKEN = {
    "nothing": b"",
    "only a header": WECHAT_HEADER.encode(),
    "no totals": f"{WECHAT_HEADER}\r\n{PAID}\r\n".encode(),
    "a row less than counted": wechat_bill(PAID),
    "a row more than counted": wechat_bill(PAID, BACK, BACK),
    "another count": wechat_bill(PAID, BACK, totals=TOTALS.replace("`2", "`3", 1)),
    "a paid sum that is another": wechat_bill(PAID.replace("`38.80", "`38.81"), BACK),
    "a refunded sum that is another": wechat_bill(PAID, BACK.replace("`8.01", "`8.00")),
    "a cell too few": wechat_bill(PAID.removesuffix(",`"), BACK),
    "a column gone": wechat_bill(PAID, BACK).replace("商户订单号,".encode(), b""),
    "another merchant": wechat_bill(PAID, BACK).replace(MCHID.encode(), b"1900000110"),
    "no number": wechat_bill(PAID.replace("`pay_1", "`"), BACK),
    "letters for an amount": wechat_bill(PAID.replace("`38.80,`0.00,`", "`3x.80,`0.00,`"), BACK),
    "other bytes": wechat_bill(PAID, BACK) + b"\xff",
    "HTML": b"<html>\n<body>\n502\n</html>",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_bill_that_is_not_whole_is_not_taken(name: str) -> None:
    with pytest.raises(BillInvalid):
        read_trade_bill(BROKEN[name], MCHID)


@given(st.integers(0, 10**12), st.integers(0, 3))
def test_yuan_are_exact(fen: int, zeros: int) -> None:
    text = f"{fen // 100}.{fen % 100:02d}"
    assert fen_of(text + "0" * zeros) == fen
    if fen % 10 == 0:
        assert fen_of(text.removesuffix("0")) == fen
    if fen % 100 == 0:
        assert fen_of(str(fen // 100)) == fen


@pytest.mark.parametrize("text", ["", "-1.00", "1.005", "1e2", "1,000.00", " 1", "1.", ".5", "１", "0x1", "9" * 13])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BillInvalid):
        fen_of(text)


def test_gzip_is_unpacked_whole_and_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = gzip.compress(b"x" * 10_000)
    assert unpacked(packed) == b"x" * 10_000
    assert unpacked(b"plain") == b"plain"
    for broken in (packed[:-1], packed[: len(packed) // 2], packed + b"x", packed[:12] + b"\0" + packed[13:]):
        with pytest.raises(BillInvalid):
            unpacked(broken)
    monkeypatch.setattr("gateway.bill_text.MAXIMUM_BILL", 9_999)
    with pytest.raises(BillInvalid):
        unpacked(packed)


# QQ Wallet: both ways of writing that were seen in public.

QQ_HEADER = (
    "交易时间,商户号,商户APPID,子商户号,子商户APPID,用户标识,设备号,支付场景,商户订单号,QQ钱包订单号,付款银行,货币种类,"
    "订单金额(元),商户优惠金额(元),商户应收金额(元),QQ钱包优惠金额(元),用户支付金额(元),交易状态,退款提交时间,"
    "商户退款订单号,QQ钱包退款订单号,退款金额(元),退还QQ钱包优惠金额(元),退款状态,退款成功时间,退款方式,商品名称,"
    "商户数据包,手续费金额(元),费率"
)
QQ_TOTALS = (
    "交易总笔数,订单总金额(元),商户优惠总金额(元),商户应收总金额(元),QQ钱包优惠总金额(元),用户支付总金额(元),"
    "退款总金额(元)"
)
QQ_BACK = (
    "2016/7/23 14:14,1263732001,暂无数据,1263711801,暂无数据,暂无数据,暂无数据,暂无数据,`pay_1,`1263711,财付通余额,RMB,"
    "0,暂无数据,暂无数据,0,,转入退款,2016/7/23 14:14,`ref_1,`1121263,8.01,0,退款成功,暂无数据,暂无数据,暂无数据,"
    "暂无数据,暂无数据,暂无数据"
)


def test_a_statement_without_backticks_is_read_too() -> None:
    text = f"{QQ_HEADER}\n{QQ_BACK}\n{QQ_TOTALS}\n1,0,0,0,0,0,8.01"
    assert read_statement(text.encode()) == [BillRow("ref_1", "pay_1", True, 801, True, "退款成功", "1263711")]
    with pytest.raises(BillInvalid):
        read_statement(text.replace("8.01", "8.02", 1).encode())


def test_a_state_that_nobody_has_seen_is_not_settled() -> None:
    text = f"{QQ_HEADER}\n{QQ_BACK.replace('退款成功', '退款完毕')}\n{QQ_TOTALS}\n1,0,0,0,0,0,8.01"
    assert [row.settled for row in read_statement(text.encode())] == [False]


KEY = "192006250b4c09247ec02edce69f6a2d"
STATEMENT = "/cgi-bin/sp_download/qpay_mch_statement_down.cgi"


@pytest.fixture
def wallet(outgoing: Outgoing, stub: Stub) -> QQWallet:
    return QQWallet(outgoing, stub.url, stub.url, "111", MCHID, KEY, "operator", "password", "https://k.example")


def refusal(text: str, key: str = KEY) -> bytes:
    fields = {"return_code": "FAIL", "return_msg": text, "nonce_str": "n"}
    return write_form({**fields, "sign": sign_form(fields, key)})


async def test_a_day_without_a_bill_is_believed_only_when_it_is_signed(wallet: QQWallet, stub: Stub) -> None:
    stub.answers(STATEMENT, refusal("No Bill Exist"))
    assert await wallet.bill(date(2026, 11, 20)) == []
    assert b"<bill_date>20261120</bill_date>" in stub.asked[0].body


@pytest.mark.parametrize("said", [refusal("SYSTEMERROR"), refusal("No Bill Exist", "x"), b"", b"<html>", b"\xff"])
async def test_what_is_no_statement_is_a_fault(wallet: QQWallet, stub: Stub, said: bytes) -> None:
    stub.answers(STATEMENT, said)
    with pytest.raises(OutsideFault):
        await wallet.bill(date(2026, 11, 20))


# Both against the simulator.


@asynccontextmanager
async def lying(shop: Shop, provider: str, kind: str, number: str) -> AsyncIterator[None]:
    """A bill that lies within the block."""
    await shop.phone.control("bill_lies", provider=provider, kind=kind, number=number)
    try:
        yield
    finally:
        async with shop.http.delete(f"{shop.simulator}/_control/bill_lies"):
            pass


async def traded(shop: Shop, platform: Platform) -> tuple[str, str, date]:
    """A payment of 88.88 of which 0.38 went back: both numbers, and the day."""
    wallet, request = shop.wallet(platform), await shop.request(platform)
    prepay_id = await wallet.prepay(request)
    await shop.phone.control("pay", prepay_id=prepay_id, outcome="SUCCESS")
    number = f"ref_{uuid.uuid4().hex[:24]}"
    await shop.phone.control("refunds", next="PROCESSING")
    await wallet.refund(RefundRequest(request.out_trade_no, None, number, 38, 8888, "退"))
    await shop.phone.control("refund", out_refund_no=number, state="SUCCESS")
    return request.out_trade_no, number, (SystemClock().now() + timedelta(hours=8)).date()


CASES = [("public_key", Platform.WECHAT), ("certificate", Platform.WECHAT), ("public_key", Platform.QQ)]
NAMES = {Platform.WECHAT: "wechat", Platform.QQ: "qq"}


@pytest.mark.parametrize(("mode", "platform"), CASES)
async def test_a_payment_and_its_refund_stand_in_the_bill_of_the_day(
    simulators: dict[str, Serving], mode: str, platform: Platform
) -> None:
    async with shop_at(simulators[mode]) as shop:
        wallet = shop.wallet(platform)
        paid, back, day = await traded(shop, platform)
        ours = {row.number: row for row in await wallet.bill(day) if row.payment_number == paid}
        assert set(ours) == {paid, back}
        assert (ours[paid].is_refund, ours[paid].amount_fen, ours[paid].settled) == (False, 8888, True)
        assert (ours[back].is_refund, ours[back].amount_fen, ours[back].settled) == (True, 38, True)
        assert ours[paid].transaction_id == ours[back].transaction_id == (await wallet.query(paid)).transaction_id
        assert await wallet.bill(day - timedelta(days=30)) == []


LIES = [(Platform.WECHAT, "hash"), (Platform.WECHAT, "cut"), (Platform.QQ, "cut")]


@pytest.mark.parametrize(("platform", "kind"), LIES)
async def test_a_damaged_bill_is_not_taken(simulators: dict[str, Serving], platform: Platform, kind: str) -> None:
    async with shop_at(simulators["public_key"]) as shop:
        paid, _, day = await traded(shop, platform)
        async with lying(shop, NAMES[platform], kind, paid):
            with pytest.raises(OutsideFault):
                await shop.wallet(platform).bill(day)
        assert await shop.wallet(platform).bill(day)


@pytest.mark.parametrize("platform", [Platform.WECHAT, Platform.QQ])
@pytest.mark.parametrize("mode", ["error", "html", "drop"])
async def test_a_provider_that_fails_has_no_bill(simulators: dict[str, Serving], platform: Platform, mode: str) -> None:
    async with shop_at(simulators["public_key"]) as shop:
        *_, day = await traded(shop, platform)
        matches = {Platform.WECHAT: ["bill/tradebill", "billdownload"], Platform.QQ: ["qpay_mch_statement_down"]}
        for match in matches[platform]:
            async with fault(shop.http, shop.simulator, match, mode, times=2):
                with pytest.raises(OutsideFault):
                    await shop.wallet(platform).bill(day)


async def test_where_the_file_lies_must_be_signed(simulators: dict[str, Serving]) -> None:
    async with shop_at(simulators["public_key"]) as shop:
        *_, day = await traded(shop, Platform.WECHAT)
        async with fault(shop.http, shop.simulator, "bill/tradebill", "bad_signature"):
            with pytest.raises(OutsideFault, match="not signed"):
                await shop.wallet(Platform.WECHAT).bill(day)


@pytest.mark.parametrize(
    "address",
    [None, "", "/etc/passwd", "https://elsewhere.example/v3/refund/domestic/refunds", "file:///v3/x", "https://[::1"],
)
async def test_a_file_is_asked_of_nobody_else(address: str | None) -> None:
    asked: list[str] = []

    async def call(method: str, path: str, content: object, *, signed: bool = True) -> Answer:
        asked.append(path)
        body = b'{"hash_type": "SHA1", "hash_value": "0", "download_url": %s}'
        said = b"null" if address is None else f'"{address}"'.encode()
        return Answer(200, {}, body % said)

    with pytest.raises(OutsideFault):
        await fetch_bill(call, "https://api.mch.weixin.qq.com", MCHID, date(2026, 11, 20))
    assert len(asked) == 1


async def test_another_hosts_address_is_asked_of_the_host_we_know() -> None:
    asked: list[tuple[str, bool]] = []
    plain = wechat_bill(PAID, BACK)
    said = {
        "hash_type": "SHA1",
        "hash_value": hashlib.sha1(plain).hexdigest(),
        "download_url": "https://api.mch.weixin.qq.com/v3/billdownload/file?token=a%2Bb",
    }

    async def call(method: str, path: str, content: object, *, signed: bool = True) -> Answer:
        asked.append((path, signed))
        return Answer(200, {}, json.dumps(said).encode() if len(asked) == 1 else gzip.compress(plain))

    assert await fetch_bill(call, "https://api2.mch.weixin.qq.com/", MCHID, date(2026, 11, 20)) == [PAID_ROW, BACK_ROW]
    assert asked == [
        ("/v3/bill/tradebill?bill_date=2026-11-20&bill_type=ALL&tar_type=GZIP", True),
        ("/v3/billdownload/file?token=a%2Bb", False),
    ]
