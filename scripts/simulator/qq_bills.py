"""QQ Wallet's bill of a day, `sp_download/qpay_mch_statement_down.cgi`: a signed form in, text or an XML refusal out.

No official text was found. Address, fields and the 30 columns are those that public clients of others agree on;
unconfirmed are the words of the states (here WeChat Pay v2's), the number of decimals, and that a day without a bill is
refused as v2 refuses it. A client keeps all of this behind its adapter.
"""

import gzip
from datetime import date, datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scripts.simulator.bill_rows import BillRow, bill_rows, has_bill
from scripts.simulator.bill_text import RATE, bill_text, bill_time, fee_fen, fee_yuan, yuan
from scripts.simulator.faulty_transport import FAULT
from scripts.simulator.qq_fields import BILL_OPTIONAL, BILL_REQUIRED, check_fields
from scripts.simulator.qq_forms import FormError, check_sign, read_form, signed_form
from scripts.simulator.world import World

HEADER = (
    "交易时间,商户号,商户APPID,子商户号,子商户APPID,用户标识,设备号,支付场景,商户订单号,QQ钱包订单号,付款银行,货币种类,"
    "订单金额(元),商户优惠金额(元),商户应收金额(元),QQ钱包优惠金额(元),用户支付金额(元),交易状态,退款提交时间,"
    "商户退款订单号,QQ钱包退款订单号,退款金额(元),退还QQ钱包优惠金额(元),退款状态,退款成功时间,退款方式,商品名称,"
    "商户数据包,手续费金额(元),费率"
)


class QQBills:
    """The bills of the one merchant."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self) -> list[Route]:
        return [Route("/cgi-bin/sp_download/qpay_mch_statement_down.cgi", self._endpoint, methods=["POST"])]

    async def _endpoint(self, request: Request) -> Response:
        try:
            if request.scope.get(FAULT) == "error":
                raise FormError("SYSTEMERROR")
            content = self._file(await request.body())
            return Response(content, headers={"content-type": "text/plain; charset=utf-8"})
        except FormError as error:
            wrong = request.scope.get(FAULT) == "bad_signature"
            refusal = {"return_code": "FAIL", "return_msg": str(error)}
            content = signed_form(refusal, self._world.credentials.qq_key, wrong)
            return Response(content, headers={"content-type": "text/xml; charset=utf-8"})

    def _file(self, raw: bytes) -> bytes:
        credentials = self._world.credentials
        form = read_form(raw)
        check_fields(form, BILL_REQUIRED, BILL_OPTIONAL)
        if form["mch_id"] != credentials.qq_mch_id:
            raise FormError("商户号mch_id错误")
        if form.get("appid", credentials.qq_app_id) != credentials.qq_app_id:
            raise FormError("appid与mch_id不匹配")
        check_sign(form, credentials.qq_key)
        day = _day(form["bill_date"])
        if not has_bill(day, self._world.clock()):
            raise FormError("No Bill Exist")
        rows = bill_rows(self._world.store, "qq", day, form.get("bill_type") or "ALL")
        told = self._world.bill_lies.told("qq", day, credentials.qq_app_id, rows)
        if not rows and not told:
            raise FormError("No Bill Exist")
        text = qq_bill(told, credentials.qq_mch_id).encode()
        content = gzip.compress(text, mtime=0) if form.get("tar_type") else text
        return content[: len(content) // 2] if self._world.bill_lies.has("qq", "cut") else content


def qq_bill(rows: list[BillRow], mch_id: str) -> str:
    """A bill's text."""
    paid = sum(row.amount_fen for row in rows if not row.is_refund)
    back = sum(row.amount_fen for row in rows if row.is_refund)
    totals = {
        "交易总笔数": str(len(rows)),
        "订单总金额(元)": yuan(paid),
        "商户优惠总金额(元)": yuan(0),
        "商户应收总金额(元)": yuan(paid),
        "QQ钱包优惠总金额(元)": yuan(0),
        "用户支付总金额(元)": yuan(paid),
        "退款总金额(元)": yuan(back),
        "退还QQ钱包优惠总金额(元)": yuan(0),
        "手续费总金额(元)": fee_yuan(sum(_fee(row) for row in rows)),
    }
    return bill_text(HEADER.split(","), [_cells(row, mch_id) for row in rows], totals)


def _cells(row: BillRow, mch_id: str) -> list[str]:
    paid = yuan(0 if row.is_refund else row.amount_fen)
    back_at = bill_time(row.at) if row.is_refund else ""
    order = [bill_time(row.at), mch_id, row.app_id, "", "", row.openid, "", "JSAPI", row.out_trade_no]
    money = [row.transaction_id, "BALANCE", "CNY", paid, yuan(0), paid, yuan(0), paid, row.status]
    back = [back_at, row.out_refund_no, row.refund_id, yuan(row.amount_fen if row.is_refund else 0), yuan(0)]
    how = [row.refund_status, back_at, "ORIGINAL" if row.is_refund else ""]
    return [*order, *money, *back, *how, row.description, row.attach, fee_yuan(_fee(row)), RATE]


def _fee(row: BillRow) -> int:
    return -fee_fen(row.amount_fen) if row.is_refund else fee_fen(row.amount_fen)


def _day(value: str) -> date:
    try:
        return datetime.strptime(value, "%Y%m%d").date()
    except ValueError:
        raise FormError("参数bill_date格式错误") from None
