"""WeChat Pay's refusals: an HTTP status, a code, a message, and the number that ends the Request-ID.

The pairs of code and status beyond 400, 401 and 403 are from memory of the public table: clients should go by the code.
"""

from typing import Any

NUMBERS = {
    "SIGN_ERROR": 268443699,
    "PARAM_ERROR": 268435461,
    "ORDER_NOT_EXIST": 268512771,
    "ORDER_PAID": 268498689,
    "ORDER_CLOSED": 268447914,
    "APPID_MCHID_NOT_MATCH": 268445527,
    "INVALID_REQUEST": 268498688,
}


class WeChatPayError(Exception):
    """A refusal as the merchant reads it."""

    def __init__(self, status: int, code: str, message: str, detail: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"code": code, "message": message, **({} if detail is None else {"detail": detail})}
        self.number = NUMBERS.get(code, 0)


def parameter_error(where: str, value: Any, issue: str) -> WeChatPayError:
    """A field is not as documented; `where` is its JSON pointer from the request, such as /body/amount/total."""
    location = where.split("/")[1]
    field = where.removeprefix(f"/{location}")
    detail = {"location": location, "field": field, "value": value, "issue": issue}
    return WeChatPayError(400, "PARAM_ERROR", f"输入源“{where}”{issue}", detail)


def sign_error(issue: str) -> WeChatPayError:
    return WeChatPayError(401, "SIGN_ERROR", issue)


REFUSALS = {
    "NOT_FOUND": (404, "ORDER_NOT_EXIST", "订单不存在"),
    "PAID": (400, "ORDER_PAID", "该订单已支付"),
    "NOT_PAID": (400, "INVALID_REQUEST", "订单未支付，不能退款"),
    "CLOSED": (403, "ORDER_CLOSED", "该订单已关闭，请重新下单"),
    "CHANGED": (400, "INVALID_REQUEST", "请求重入时，参数与首次请求时不一致"),
    "TOTAL_DIFFERS": (400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试"),
    "TOO_MUCH": (400, "INVALID_REQUEST", "申请退款金额超过可退金额"),
    "TOO_MANY": (400, "INVALID_REQUEST", "部分退款次数已超过 50 次"),
    "TOO_OLD": (400, "INVALID_REQUEST", "订单已超过一年，不能退款"),
    "REFUND_CHANGED": (400, "INVALID_REQUEST", "订单金额或退款金额与之前请求不一致，请核实后再试"),
}


def refusal_error(reason: str) -> WeChatPayError:
    return WeChatPayError(*REFUSALS[reason])
