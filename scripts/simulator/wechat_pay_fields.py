"""The shape of WeChat Pay's request bodies, field by field: type, length, alphabet, and nothing undocumented."""

import re
from collections.abc import Callable
from typing import Any

from scripts.simulator.wechat_pay_errors import parameter_error

Check = Callable[[Any, str], None]

# As WeChat Pay itself quotes it in its refusals; a query or a fragment does not match.
NOTIFY_URL = re.compile(r"^https?://([^\s/?#\[\]@]+@)?([^\s/?#@:]+)(?::\d{2,5})?([^\s?#\[\]]*)$")
OUT_TRADE_NO = re.compile(r"^[0-9a-zA-Z_\-*]+$")
OUT_REFUND_NO = re.compile(r"^[0-9a-zA-Z_\-|*@]+$")
MAX_AMOUNT_FEN = 2**31 - 1


def text(minimum: int, maximum: int, pattern: re.Pattern[str] | None = None) -> Check:
    """A string of so many bytes of UTF-8, as WeChat Pay counts."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, str):
            raise parameter_error(where, value, "类型不符：需要字符串")
        length = len(value.encode())
        if length < minimum:
            raise parameter_error(where, value, f"字符串规则校验失败，字节数 {length}，小于最小值 {minimum}")
        if length > maximum:
            raise parameter_error(where, value, f"字符串规则校验失败，字节数 {length}，大于最大值 {maximum}")
        if pattern is not None and not pattern.fullmatch(value):
            raise parameter_error(where, value, f"字符串规则校验失败，字符串必须匹配正则表达式“{pattern.pattern}”")

    return check


def integer(minimum: int, maximum: int = MAX_AMOUNT_FEN) -> Check:
    """A JSON integer: neither "38" nor 38.00 nor true."""

    def check(value: Any, where: str) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            raise parameter_error(where, value, "类型不符：需要整数")
        if not minimum <= value <= maximum:
            raise parameter_error(where, value, f"整数规则校验失败，须在 {minimum} 与 {maximum} 之间")

    return check


def one_of(*values: str) -> Check:
    def check(value: Any, where: str) -> None:
        if not isinstance(value, str) or value not in values:
            raise parameter_error(where, value, f"枚举规则校验失败，须为 {', '.join(values)}")

    return check


def flag(value: Any, where: str) -> None:
    if not isinstance(value, bool):
        raise parameter_error(where, value, "类型不符：需要布尔值")


def list_of(item: Check, maximum: int) -> Check:
    def check(value: Any, where: str) -> None:
        if not isinstance(value, list) or not 1 <= len(value) <= maximum:
            raise parameter_error(where, value, f"数组规则校验失败，须有 1 至 {maximum} 项")
        for index, one in enumerate(value):
            item(one, f"{where}/{index}")

    return check


def structure(required: dict[str, Check], optional: dict[str, Check] | None = None) -> Check:
    """An object with these fields and no others."""
    known = {**required, **(optional or {})}

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise parameter_error(where, value, "类型不符：需要对象")
        for name in required:
            if name not in value:
                raise parameter_error(f"{where}/{name}", None, "必填性规则校验失败，此字段为必填项")
        for name, one in value.items():
            if name not in known:
                raise parameter_error(f"{where}/{name}", one, "请求中含有未在API文档中定义的参数")
            known[name](one, f"{where}/{name}")

    return check


ADDRESS = text(1, 255, NOTIFY_URL)
CURRENCY = one_of("CNY")
PREPAY_GOODS = structure(
    {"merchant_goods_id": text(1, 32), "quantity": integer(1), "unit_price": integer(0)},
    {"wechatpay_goods_id": text(1, 32), "goods_name": text(1, 256)},
)
STORE_INFO = structure({"id": text(1, 32)}, {"name": text(1, 256), "area_code": text(1, 32), "address": text(1, 512)})
PREPAY = structure(
    {
        "appid": text(1, 32),
        "mchid": text(1, 32),
        "description": text(1, 127),
        "out_trade_no": text(6, 32, OUT_TRADE_NO),
        "notify_url": ADDRESS,
        # The currency has the one value CNY; requests in the field leave it out, and pass.
        "amount": structure({"total": integer(1)}, {"currency": CURRENCY}),
        "payer": structure({"openid": text(1, 128)}),
    },
    {
        "time_expire": text(1, 64),
        "attach": text(1, 128),
        "goods_tag": text(1, 32),
        "support_fapiao": flag,
        "limit_pay": list_of(one_of("no_credit", "no_balance", "no_debit"), 3),
        "detail": structure(
            {}, {"cost_price": integer(0), "invoice_id": text(1, 32), "goods_detail": list_of(PREPAY_GOODS, 6000)}
        ),
        "scene_info": structure({"payer_client_ip": text(1, 45)}, {"device_id": text(1, 32), "store_info": STORE_INFO}),
        "settle_info": structure({}, {"profit_sharing": flag}),
    },
)
CLOSE = structure({"mchid": text(1, 32)})
REFUND_GOODS = structure(
    {
        "merchant_goods_id": text(1, 32),
        "unit_price": integer(0),
        "refund_amount": integer(1),
        "refund_quantity": integer(1),
    },
    {"wechatpay_goods_id": text(1, 32), "goods_name": text(1, 256)},
)
REFUND_SOURCE = structure({"account": one_of("AVAILABLE", "UNAVAILABLE"), "amount": integer(1)})
REFUND = structure(
    {
        "out_refund_no": text(1, 64, OUT_REFUND_NO),
        "amount": structure(
            {"refund": integer(1), "total": integer(1), "currency": CURRENCY}, {"from": list_of(REFUND_SOURCE, 2)}
        ),
    },
    {
        "transaction_id": text(1, 32),
        "out_trade_no": text(6, 32, OUT_TRADE_NO),
        "reason": text(1, 80),
        "notify_url": ADDRESS,
        "funds_account": one_of("AVAILABLE", "UNSETTLED"),
        "goods_detail": list_of(REFUND_GOODS, 6000),
    },
)
