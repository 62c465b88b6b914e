"""QQ Wallet's bill of a day: a signed form in, text out.

No official text of it was found. What is relied upon is what public clients of others agree on: the address, the fields
of the form, the names of the columns, and that a refusal is XML. Whether refunds have rows of their own, the words of
the states and the refusal of a day without a bill are WeChat Pay v2's, and unconfirmed; both spellings of a state that
were seen are known here. A state that is none of them is not settled, so that it is seen rather than believed.
"""

from collections.abc import Mapping
from datetime import date

from gateway.bill_text import BillInvalid, fen_of, read_bill, unpacked
from resolvers.ports import OutsideFault
from resolvers.ports_payment import BillRow

PATH = "/cgi-bin/sp_download/qpay_mch_statement_down.cgi"
NO_BILL = "No Bill Exist"
_COLUMNS = ("QQ钱包订单号", "商户订单号", "交易状态", "商户退款订单号", "退款状态", "订单金额", "退款金额")
_NO_NUMBER = ("", "0", "暂无数据")
_PAID = ("SUCCESS", "支付成功")
_BACK = ("SUCCESS", "退款成功")


def wanted_bill(app_id: str, day: date) -> dict[str, str]:
    """The fields that ask for the bill of a day."""
    return {"appid": app_id, "bill_date": day.strftime("%Y%m%d"), "bill_type": "ALL", "tar_type": "GZIP"}


def is_statement(content: bytes) -> bool:
    """Whether this is a bill (or what is left of one) and no refusal, which would be XML."""
    return not content.lstrip().startswith(b"<")


def check_no_bill(refusal: Mapping[str, str]) -> None:
    """Raises OutsideFault unless the refusal says that the day has no bill because no money moved."""
    if refusal.get("return_msg") != NO_BILL:
        raise OutsideFault(f"bill: {refusal.get('return_msg')}")


def read_statement(content: bytes) -> list[BillRow]:
    """The rows of a bill of type ALL. Raises BillInvalid."""
    bill = read_bill(unpacked(content), _COLUMNS, "交易总笔数")
    bill.check_total("订单总金额", "订单金额")
    bill.check_total("退款总金额", "退款金额")
    return [_bill_row(row) for row in bill.rows]


def _bill_row(row: dict[str, str]) -> BillRow:
    is_refund = row["商户退款订单号"] not in _NO_NUMBER
    status = row["退款状态" if is_refund else "交易状态"]
    if row["商户订单号"] in _NO_NUMBER:
        raise BillInvalid("a row without a number")
    return BillRow(
        number=row["商户退款订单号" if is_refund else "商户订单号"],
        payment_number=row["商户订单号"],
        is_refund=is_refund,
        amount_fen=fen_of(row["退款金额" if is_refund else "订单金额"]),
        settled=status in (_BACK if is_refund else _PAID),
        status=status,
        transaction_id=row["QQ钱包订单号"],
    )
