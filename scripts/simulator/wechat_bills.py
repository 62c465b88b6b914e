"""WeChat Pay API v3, trade bills: where a day's bill lies, with its hash, and the file itself.

The columns of ALL are official. Those of SUCCESS and REFUND are from memory of the public tables: unconfirmed, and so
is the line end. A day on which no money moved has no bill, as the public table of errors says.
"""

import gzip
import hashlib
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from scripts.simulator.bill_rows import BILL_TYPES, BillRow, bill_rows, has_bill
from scripts.simulator.bill_text import BOM, RATE, bill_text, bill_time, fee_fen, fee_yuan, yuan
from scripts.simulator.wechat_pay import Answer, SignedApi
from scripts.simulator.wechat_pay_errors import WeChatPayError, parameter_error
from scripts.simulator.world import World

TOKEN_SECONDS = 30
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
PAYMENT_COLUMNS = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,"
    "应结订单金额,代金券金额"
)
REFUND_COLUMNS = "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态"
END_COLUMNS = "商品名称,商户数据包,手续费,费率,订单金额"
COLUMNS = {
    "ALL": f"{PAYMENT_COLUMNS},{REFUND_COLUMNS},{END_COLUMNS},申请退款金额,费率备注".split(","),
    "SUCCESS": f"{PAYMENT_COLUMNS},{END_COLUMNS},费率备注".split(","),
    "REFUND": f"{PAYMENT_COLUMNS},退款申请时间,退款成功时间,{REFUND_COLUMNS},{END_COLUMNS},申请退款金额,费率备注".split(
        ","
    ),
}


@dataclass(frozen=True)
class BillFile:
    """A file that waits for its download."""

    content: bytes
    until: float


class WeChatBills:
    """The bills of the one merchant; a download address lives 30 s."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._files: OrderedDict[str, BillFile] = OrderedDict()

    def routes(self, api: SignedApi) -> list[Route]:
        return [
            api.route("/v3/bill/tradebill", "GET", self._apply),
            api.route("/v3/billdownload/file", "GET", self._download),
        ]

    def _apply(self, request: Request, raw: bytes) -> Answer:
        query = _query(request, {"bill_date", "bill_type", "tar_type"})
        day = _day(query.get("bill_date"))
        bill_type = _one_of(query, "bill_type", BILL_TYPES) or "ALL"
        zipped = _one_of(query, "tar_type", ("GZIP",)) == "GZIP"
        if not has_bill(day, self._world.clock()):
            raise _no_statement()
        rows = bill_rows(self._world.store, "wechat", day, bill_type)
        told = self._world.bill_lies.told("wechat", day, self._world.credentials.wechat_app_id, rows)
        if not rows and not told:
            raise _no_statement()
        text = (BOM + wechat_bill(told, bill_type, self._world.credentials.wechat_mch_id)).encode()
        content = gzip.compress(text, mtime=0) if zipped else text
        if self._world.bill_lies.has("wechat", "cut"):
            content = content[: len(content) // 2]
        hashed = text + b"x" if self._world.bill_lies.has("wechat", "hash") else text
        here = f"{request.url.scheme}://{request.url.netloc}{request.scope['root_path']}"
        return 200, {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(hashed, usedforsecurity=False).hexdigest(),
            "download_url": f"{here}/v3/billdownload/file?token={self._keep(content)}",
        }

    def _keep(self, content: bytes) -> str:
        now = self._world.clock()
        while self._files and next(iter(self._files.values())).until < now:
            self._files.popitem(last=False)
        token = secrets.token_urlsafe(48)
        self._files[token] = BillFile(content, now + TOKEN_SECONDS)
        return token

    def _download(self, request: Request, raw: bytes) -> Answer:
        """The file, which is not signed: its hash is what proves it."""
        file = self._files.get(_query(request, {"token"}).get("token", ""))
        if file is None or file.until < self._world.clock():
            raise WeChatPayError(400, "INVALID_REQUEST", "下载地址无效或已过期，请重新申请账单")
        return 200, file.content


def wechat_bill(rows: list[BillRow], bill_type: str, mchid: str) -> str:
    """A bill's text without its byte order mark; all but the columns of `bill_type` is left out."""
    cells = [_cells(row, mchid) for row in rows]
    paid = sum(row.amount_fen for row in rows if not row.is_refund)
    back = sum(row.amount_fen for row in rows if row.is_refund)
    totals = {
        "总交易单数": str(len(rows)),
        "应结订单总金额": yuan(paid),
        "退款总金额": yuan(back),
        "充值券退款总金额": yuan(0),
        "手续费总金额": fee_yuan(sum(_fee(row) for row in rows)),
        "订单总金额": yuan(paid),
        "申请退款总金额": yuan(back),
    }
    columns = COLUMNS[bill_type]
    return bill_text(columns, [[cell[column] for column in columns] for cell in cells], totals)


def _cells(row: BillRow, mchid: str) -> dict[str, str]:
    paid = yuan(0 if row.is_refund else row.amount_fen)
    back = yuan(row.amount_fen if row.is_refund else 0)
    return {
        "交易时间": bill_time(row.at),
        "公众账号ID": row.app_id,
        "商户号": mchid,
        "特约商户号": "0",
        "设备号": "",
        "微信订单号": row.transaction_id,
        "商户订单号": row.out_trade_no,
        "用户标识": row.openid,
        "交易类型": "JSAPI",
        "交易状态": row.status,
        "付款银行": "OTHERS",
        "货币种类": "CNY",
        "应结订单金额": paid,
        "代金券金额": yuan(0),
        "退款申请时间": bill_time(row.at),
        "退款成功时间": bill_time(row.at),
        "微信退款单号": row.refund_id or "0",
        "商户退款单号": row.out_refund_no or "0",
        "退款金额": back,
        "充值券退款金额": yuan(0),
        "退款类型": "ORIGINAL" if row.is_refund else "",
        "退款状态": row.refund_status,
        "商品名称": row.description,
        "商户数据包": row.attach,
        "手续费": fee_yuan(_fee(row)),
        "费率": RATE,
        "订单金额": paid,
        "申请退款金额": back,
        "费率备注": "",
    }


def _fee(row: BillRow) -> int:
    return -fee_fen(row.amount_fen) if row.is_refund else fee_fen(row.amount_fen)


def _query(request: Request, known: set[str]) -> dict[str, str]:
    query = dict(request.query_params)
    for name, value in query.items():
        if name not in known:
            raise parameter_error(f"/query/{name}", value, "请求中含有未在API文档中定义的参数")
    return query


def _one_of(query: dict[str, Any], name: str, values: tuple[str, ...]) -> str | None:
    value: str | None = query.get(name)
    if value is not None and value not in values:
        raise parameter_error(f"/query/{name}", value, f"枚举规则校验失败，须为 {', '.join(values)}")
    return value


def _day(value: str | None) -> date:
    try:
        if value is None or not DAY.fullmatch(value):
            raise ValueError
        return date.fromisoformat(value)
    except ValueError:
        raise parameter_error("/query/bill_date", value, "须为yyyy-MM-dd格式的日期") from None


def _no_statement() -> WeChatPayError:
    return WeChatPayError(400, "NO_STATEMENT_EXIST", "账单文件不存在，请检查当前商户号在指定日期内是否有交易或退款")
