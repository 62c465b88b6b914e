"""WeChat Pay API v3, refunds: ask for one, and look at one."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from scripts.simulator.book import Book, canonical
from scripts.simulator.messages import RECEIVED_ACCOUNT
from scripts.simulator.records import Payment, Refund
from scripts.simulator.wechat_pay import Answer, SignedApi, json_object
from scripts.simulator.wechat_pay_errors import WeChatPayError, parameter_error
from scripts.simulator.wechat_pay_fields import REFUND
from scripts.simulator.wire_time import rfc3339
from scripts.simulator.world import World


class WeChatRefunds:
    """Refunds are PROCESSING first and SUCCESS a moment later, unless a control call has planned another end."""

    def __init__(self, world: World, book: Book) -> None:
        self._world = world
        self._book = book

    def routes(self, api: SignedApi) -> list[Route]:
        refunds = "/v3/refund/domestic/refunds"
        return [
            api.route(refunds, "POST", self._refund),
            api.route(f"{refunds}/{{out_refund_no}}", "GET", self._query),
        ]

    def _refund(self, request: Request, raw: bytes) -> Answer:
        body = json_object(raw, REFUND)
        if "transaction_id" not in body and "out_trade_no" not in body:
            raise parameter_error("/body/transaction_id", None, "transaction_id与out_trade_no须至少填写一个")
        payment = self._book.find("wechat", body.get("out_trade_no", ""), body.get("transaction_id", ""))
        refund = Refund(
            provider="wechat",
            out_refund_no=body["out_refund_no"],
            out_trade_no=payment.out_trade_no,
            refund_id=self._book.new_number("5030"),
            amount_fen=body["amount"]["refund"],
            notify_url=body.get("notify_url", ""),
            request=canonical(body),
            state="PROCESSING",
            created_at=self._world.clock(),
            settled_at=0.0,
        )
        return 200, _shown(payment, self._book.refund(payment, refund, body["amount"]["total"]))

    def _query(self, request: Request, raw: bytes) -> Answer:
        number = request.path_params["out_refund_no"]
        refund = self._world.store.one(Refund, provider="wechat", out_refund_no=number)
        if refund is None:
            raise WeChatPayError(404, "RESOURCE_NOT_EXISTS", "退款单不存在")
        return 200, _shown(self._book.find("wechat", refund.out_trade_no), refund)


def _shown(payment: Payment, refund: Refund) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "refund_id": refund.refund_id,
        "out_refund_no": refund.out_refund_no,
        "transaction_id": payment.transaction_id,
        "out_trade_no": payment.out_trade_no,
        "channel": "ORIGINAL",
        "user_received_account": RECEIVED_ACCOUNT,
        "create_time": rfc3339(refund.created_at),
        "status": refund.state,
        "funds_account": "AVAILABLE",
        "amount": {
            "total": payment.amount_fen,
            "refund": refund.amount_fen,
            "payer_total": payment.amount_fen,
            "payer_refund": refund.amount_fen,
            "settlement_total": payment.amount_fen,
            "settlement_refund": refund.amount_fen,
            "discount_refund": 0,
            "currency": "CNY",
        },
        "promotion_detail": [],
    }
    if refund.state == "SUCCESS":
        shown["success_time"] = rfc3339(refund.settled_at)
    return shown
