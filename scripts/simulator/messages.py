"""What a notification says: the decrypted content for WeChat Pay, the form without nonce and sign for QQ Wallet."""

from typing import Any

from scripts.simulator.credentials import Credentials
from scripts.simulator.records import Payment, Refund
from scripts.simulator.wire_time import compact, rfc3339

TRADE_STATE_TEXTS = {"SUCCESS": "支付成功", "REFUND": "转入退款", "NOTPAY": "订单未支付", "CLOSED": "订单已关闭"}
RECEIVED_ACCOUNT = "支付用户零钱"


def payment_event(credentials: Credentials, payment: Payment) -> tuple[str, dict[str, Any]]:
    """Event type and content of "this order was paid"."""
    if payment.provider == "wechat":
        return "TRANSACTION.SUCCESS", wechat_transaction(credentials, payment, "SUCCESS")
    return "QPAY", {"appid": payment.app_id, "mch_id": credentials.qq_mch_id, **qq_transaction(payment, "SUCCESS")}


def refund_event(credentials: Credentials, payment: Payment, refund: Refund) -> tuple[str, dict[str, Any]]:
    """Event type and content of "this refund has ended" (WeChat Pay; QQ Wallet tells nobody, one has to ask)."""
    content: dict[str, Any] = {
        "mchid": credentials.wechat_mch_id,
        "out_trade_no": payment.out_trade_no,
        "transaction_id": payment.transaction_id,
        "out_refund_no": refund.out_refund_no,
        "refund_id": refund.refund_id,
        "refund_status": refund.state,
        "user_received_account": RECEIVED_ACCOUNT,
        "amount": {
            "total": payment.amount_fen,
            "refund": refund.amount_fen,
            "payer_total": payment.amount_fen,
            "payer_refund": refund.amount_fen,
        },
    }
    if refund.state == "SUCCESS":
        content["success_time"] = rfc3339(refund.settled_at)
    return f"REFUND.{refund.state}", content


def wechat_transaction(credentials: Credentials, payment: Payment, trade_state: str) -> dict[str, Any]:
    """An order as WeChat Pay shows it; what only a payment brings is left out before it."""
    shown: dict[str, Any] = {
        "appid": payment.app_id,
        "mchid": credentials.wechat_mch_id,
        "out_trade_no": payment.out_trade_no,
        "trade_state": trade_state,
        "trade_state_desc": TRADE_STATE_TEXTS[trade_state],
        "promotion_detail": [],
        "amount": {"total": payment.amount_fen, "currency": "CNY"},
    }
    if payment.attach:
        shown["attach"] = payment.attach
    if payment.state == "SUCCESS":
        shown |= {
            "transaction_id": payment.transaction_id,
            "trade_type": "JSAPI",
            "bank_type": "OTHERS",
            "success_time": rfc3339(payment.paid_at),
            "payer": {"openid": payment.openid},
        }
        shown["amount"] |= {"payer_total": payment.amount_fen, "payer_currency": "CNY"}
    return shown


def qq_transaction(payment: Payment, trade_state: str) -> dict[str, str]:
    """An order as QQ Wallet shows it; the payer's openid only if the person is known."""
    shown = {
        "out_trade_no": payment.out_trade_no,
        "total_fee": str(payment.amount_fen),
        "fee_type": "CNY",
        "trade_type": "JSAPI",
        "trade_state": trade_state,
        "trade_state_desc": TRADE_STATE_TEXTS[trade_state],
        "attach": payment.attach,
    }
    if payment.state == "SUCCESS":
        shown |= {
            "transaction_id": payment.transaction_id,
            "bank_type": "BALANCE",
            "cash_fee": str(payment.amount_fen),
            "coupon_fee": "0",
            "time_end": compact(payment.paid_at),
            "openid": payment.openid,
        }
    return {name: value for name, value in shown.items() if value != ""}
