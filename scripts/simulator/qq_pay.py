"""QQ Wallet: unified order, order query, close, refund and refund query, as signed XML forms.

The error codes are those of WeChat Pay v2, whose form QQ Wallet shares; QQ's own list was not found in official text.
The real refund interface also asks for a client certificate, which a local HTTP port cannot.
"""

import hmac
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scripts.simulator import qq_fields as fields
from scripts.simulator.book import ORDER_LIFE_SECONDS, Book, BookRefusal, canonical, new_qq_prepay_id
from scripts.simulator.crypto import md5_hex
from scripts.simulator.faulty_transport import FAULT
from scripts.simulator.messages import qq_transaction
from scripts.simulator.qq_forms import FormError, check_sign, read_form, signed_form
from scripts.simulator.records import Payment, Refund
from scripts.simulator.wire_time import compact, parse_compact
from scripts.simulator.world import World

Form = dict[str, str]
Handler = Callable[[Form], Form]
TRANSACTION_ID_NEEDED_SECONDS = 30 * 86_400

REFUSALS = {
    "NOT_FOUND": ("ORDERNOTEXIST", "订单不存在"),
    "PAID": ("ORDERPAID", "订单已支付"),
    "NOT_PAID": ("TRADE_STATE_ERROR", "订单未支付，不能退款"),
    "CLOSED": ("ORDERCLOSED", "订单已关闭"),
    "CHANGED": ("OUT_TRADE_NO_USED", "商户订单号重复，参数与首次请求不一致"),
    "TOTAL_DIFFERS": ("PARAM_ERROR", "订单金额不一致"),
    "TOO_MUCH": ("REFUND_FEE_INVALID", "退款金额大于可退金额"),
    "TOO_MANY": ("REFUND_FEE_INVALID", "部分退款次数已超过50次"),
    "TOO_OLD": ("TRADE_OVERDUE", "订单已经超过可退款的最大期限"),
    "REFUND_CHANGED": ("OUT_REFUND_NO_USED", "商户退款单号重复，参数与首次请求不一致"),
    "SYSTEM": ("SYSTEMERROR", "系统异常，请稍后重试"),
    "OPERATOR": ("USER_ACCOUNT_ABNORMAL", "操作员或操作员密码错误"),
    "REFUND_NOT_FOUND": ("REFUNDNOTEXIST", "退款单不存在"),
}


# ABNORMAL is a card that takes no money any more, so that the merchant has to hand it over otherwise.
REFUND_STATES = {"PROCESSING": "PROCESSING", "SUCCESS": "SUCCESS", "ABNORMAL": "CHANGE", "CLOSED": "FAIL"}


class WalletRefusal(Exception):
    """A no of the wallet that is not about the order itself; the reason is a key of REFUSALS."""


class QQPay:
    """The wallet of the one merchant."""

    def __init__(self, world: World, book: Book) -> None:
        self._world = world
        self._book = book

    def wallet_routes(self) -> list[Route]:
        """What qpay.qq.com serves."""
        query = (fields.COMMON_REQUIRED, fields.QUERY_OPTIONAL)
        return [
            self._route(
                "qpay_unified_order", self._order, fields.UNIFIED_ORDER_REQUIRED, fields.UNIFIED_ORDER_OPTIONAL
            ),
            self._route("qpay_order_query", self._query, *query),
            self._route("qpay_close_order", self._close, fields.CLOSE_REQUIRED, fields.COMMON_OPTIONAL),
            self._route("qpay_refund_query", self._refund_query, fields.COMMON_REQUIRED, fields.REFUND_QUERY_OPTIONAL),
        ]

    def refund_routes(self) -> list[Route]:
        """What api.qpay.qq.com serves."""
        return [self._route("qpay_refund", self._refund, fields.REFUND_REQUIRED, fields.REFUND_OPTIONAL)]

    def _route(
        self,
        name: str,
        handler: Handler,
        required: Mapping[str, fields.FieldCheck],
        optional: Mapping[str, fields.FieldCheck],
    ) -> Route:
        endpoint = self._endpoint(handler, required, optional)
        return Route(f"/cgi-bin/pay/{name}.cgi", endpoint, methods=["POST"])

    def _endpoint(
        self,
        handler: Handler,
        required: Mapping[str, fields.FieldCheck],
        optional: Mapping[str, fields.FieldCheck],
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            credentials = self._world.credentials
            said: Form = {"return_code": "SUCCESS", "return_msg": "OK", "mch_id": credentials.qq_mch_id}
            try:
                if request.scope.get(FAULT) == "error":
                    raise WalletRefusal("SYSTEM")
                form = read_form(await request.body())
                fields.check_fields(form, required, optional)
                if form["mch_id"] != credentials.qq_mch_id:
                    raise FormError("商户号mch_id错误")
                if form.get("appid", credentials.qq_app_id) != credentials.qq_app_id:
                    raise FormError("appid与mch_id不匹配")
                check_sign(form, credentials.qq_key)
                said |= {"result_code": "SUCCESS", "appid": credentials.qq_app_id, **handler(form)}
            except FormError as error:
                said |= {"return_code": "FAIL", "return_msg": str(error)}
            except (BookRefusal, WalletRefusal) as refusal:
                code, text = REFUSALS[str(refusal)]
                said |= {"result_code": "FAIL", "err_code": code, "err_code_des": text}
            wrong = request.scope.get(FAULT) == "bad_signature"
            content = signed_form(said, credentials.qq_key, wrong)
            return Response(content, headers={"content-type": "text/xml; charset=utf-8"})

        return endpoint

    def _order(self, form: Form) -> Form:
        now = self._world.clock()
        expires_at = now + ORDER_LIFE_SECONDS
        if form.get("time_expire"):
            named = parse_compact(form["time_expire"])
            if named is None or named <= now:
                raise FormError("参数time_expire格式错误")
            expires_at = min(named, expires_at)
        order = Payment(
            provider="qq",
            out_trade_no=form["out_trade_no"],
            app_id=self._world.credentials.qq_app_id,
            prepay_id="",
            prepaid_at=now,
            amount_fen=int(form["total_fee"]),
            openid="",
            attach=form.get("attach", ""),
            notify_url=form["notify_url"],
            request=_parameters(form),
            state="NOTPAY",
            transaction_id="",
            created_at=now,
            expires_at=expires_at,
            paid_at=0.0,
        )
        return {"trade_type": "JSAPI", "prepay_id": self._book.place(order, new_qq_prepay_id()).prepay_id}

    def _find(self, form: Form) -> Payment:
        if not form.get("transaction_id") and not form.get("out_trade_no"):
            raise FormError("缺少参数transaction_id")
        payment = self._book.find("qq", form.get("out_trade_no", ""), form.get("transaction_id", ""))
        if not form.get("transaction_id") and self._world.clock() - payment.created_at >= TRANSACTION_ID_NEEDED_SECONDS:
            raise FormError("缺少参数transaction_id")
        return payment

    def _query(self, form: Form) -> Form:
        payment = self._find(form)
        return qq_transaction(payment, "REFUND" if self._book.refunds(payment) else payment.state)

    def _close(self, form: Form) -> Form:
        """Unlike WeChat Pay's API v3, its older form refuses to close what is closed."""
        payment = self._book.find("qq", form["out_trade_no"])
        if payment.state == "CLOSED":
            raise BookRefusal("CLOSED")
        self._book.close(payment)
        return {}

    def _refund(self, form: Form) -> Form:
        credentials = self._world.credentials
        password = md5_hex(credentials.qq_op_user_password)
        right = hmac.compare_digest(form["op_user_passwd"].lower().encode(), password.encode())
        if form["op_user_id"] != credentials.qq_op_user_id or not right:
            raise WalletRefusal("OPERATOR")
        payment = self._find(form)
        asked = Refund(
            provider="qq",
            out_refund_no=form["out_refund_no"],
            out_trade_no=payment.out_trade_no,
            refund_id=self._book.new_number("1000"),
            amount_fen=int(form["refund_fee"]),
            notify_url="",
            request=_parameters(form),
            state="PROCESSING",
            created_at=self._world.clock(),
            settled_at=0.0,
        )
        refund = self._book.refund(payment, asked, int(form["total_fee"]) if form.get("total_fee") else None)
        return {
            "out_trade_no": payment.out_trade_no,
            "transaction_id": payment.transaction_id,
            "out_refund_no": refund.out_refund_no,
            "refund_id": refund.refund_id,
            "refund_channel": "ORIGINAL",
            "refund_fee": str(refund.amount_fen),
            "total_fee": str(payment.amount_fen),
        }

    def _refund_query(self, form: Form) -> Form:
        """One refund by its numbers, or all of an order; the refund's numbers win over the order's."""
        numbers = {name: form[name] for name in ("refund_id", "out_refund_no") if form.get(name)}
        if numbers:
            name, value = next(iter(numbers.items()))
            found = self._world.store.find(Refund, provider="qq", **{name: value})
            if not found:
                raise WalletRefusal("REFUND_NOT_FOUND")
            payment = self._book.find("qq", found[0].out_trade_no)
        else:
            payment = self._find(form)
            found = self._book.refunds(payment)
            if not found:
                raise WalletRefusal("REFUND_NOT_FOUND")
        shown = {
            "out_trade_no": payment.out_trade_no,
            "transaction_id": payment.transaction_id,
            "total_fee": str(payment.amount_fen),
            "fee_type": "CNY",
            "refund_count": str(len(found)),
        }
        for index, refund in enumerate(found):
            shown |= _numbered(refund, index)
        return shown


def _numbered(refund: Refund, index: int) -> Form:
    shown = {
        "out_refund_no": refund.out_refund_no,
        "refund_id": refund.refund_id,
        "refund_channel": "ORIGINAL",
        "refund_fee": str(refund.amount_fen),
        "refund_status": REFUND_STATES[refund.state],
    }
    if refund.state == "SUCCESS":
        shown["refund_success_time"] = compact(refund.settled_at)
    return {f"{name}_{index}": value for name, value in shown.items()}


def _parameters(form: Form) -> str:
    """The form without what differs in each call and without the operator's password."""
    ignored = ("nonce_str", "sign", "op_user_passwd")
    return canonical({name: value for name, value in form.items() if name not in ignored and value})
