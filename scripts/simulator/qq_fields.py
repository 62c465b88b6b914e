"""The fields of QQ Wallet's forms: which must be there, how long they may be and of what they are made.

The list is the one of the 2020 copies of the official pages; an element that is not on it is refused.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping

from scripts.simulator.qq_forms import FormError
from scripts.simulator.wire_time import parse_compact

FieldCheck = Callable[[str], bool]

AMOUNT = re.compile(r"[1-9][0-9]{0,9}")
NUMBER = re.compile(r"[0-9a-zA-Z_\-|*@]+")
ADDRESS = re.compile(r"https?://[^\s/?#]+[^\s?#]*")


def length(maximum: int) -> FieldCheck:
    """At most so many bytes of UTF-8."""
    return lambda value: len(value.encode()) <= maximum


def matching(pattern: re.Pattern[str], maximum: int) -> FieldCheck:
    return lambda value: len(value) <= maximum and pattern.fullmatch(value) is not None


def one_of(*values: str) -> FieldCheck:
    return lambda value: value in values


def is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def is_moment(value: str) -> bool:
    return parse_compact(value) is not None


AMOUNT_FEN = matching(AMOUNT, 10)
OUT_NUMBER = matching(NUMBER, 32)
COMMON_REQUIRED: dict[str, FieldCheck] = {"mch_id": length(32), "nonce_str": length(32), "sign": length(32)}
COMMON_OPTIONAL: dict[str, FieldCheck] = {"appid": length(32)}

UNIFIED_ORDER_REQUIRED: dict[str, FieldCheck] = {
    **COMMON_REQUIRED,
    "body": length(128),
    "out_trade_no": OUT_NUMBER,
    "fee_type": one_of("CNY"),
    "total_fee": AMOUNT_FEN,
    "spbill_create_ip": is_address,
    "notify_url": matching(ADDRESS, 255),
    "trade_type": one_of("JSAPI"),
}
UNIFIED_ORDER_OPTIONAL: dict[str, FieldCheck] = {
    **COMMON_OPTIONAL,
    "attach": length(128),
    "time_start": is_moment,
    "time_expire": is_moment,
}
ORDER_NUMBERS: dict[str, FieldCheck] = {"transaction_id": length(32), "out_trade_no": OUT_NUMBER}
QUERY_OPTIONAL = {**COMMON_OPTIONAL, **ORDER_NUMBERS}
CLOSE_REQUIRED = {**COMMON_REQUIRED, "out_trade_no": OUT_NUMBER}
REFUND_REQUIRED: dict[str, FieldCheck] = {
    **COMMON_REQUIRED,
    "out_refund_no": OUT_NUMBER,
    "refund_fee": AMOUNT_FEN,
    "op_user_id": length(32),
    "op_user_passwd": length(32),
}
REFUND_OPTIONAL: dict[str, FieldCheck] = {
    **QUERY_OPTIONAL,
    "total_fee": AMOUNT_FEN,
    "refund_account": one_of("REFUND_SOURCE_UNSETTLED_FUNDS", "REFUND_SOURCE_RECHARGE_FUNDS"),
}
BILL_REQUIRED: dict[str, FieldCheck] = {**COMMON_REQUIRED, "bill_date": matching(re.compile(r"\d{8}"), 8)}
BILL_OPTIONAL: dict[str, FieldCheck] = {
    **COMMON_OPTIONAL,
    "bill_type": one_of("ALL", "SUCCESS", "REFUND"),
    "tar_type": one_of("GZIP"),
}
REFUND_QUERY_OPTIONAL: dict[str, FieldCheck] = {**QUERY_OPTIONAL, "refund_id": length(32), "out_refund_no": OUT_NUMBER}


def check_fields(
    form: Mapping[str, str], required: Mapping[str, FieldCheck], optional: Mapping[str, FieldCheck]
) -> None:
    """Raises FormError for what is missing, unknown or malformed."""
    for name in required:
        if not form.get(name):
            raise FormError(f"缺少参数{name}")
    for name, value in form.items():
        check = required.get(name) or optional.get(name)
        if check is None:
            raise FormError(f"未定义的参数{name}")
        if value and not check(value):
            raise FormError(f"参数{name}格式错误")
