"""What stands in the bill of a day, before a provider's own form of it.

Days are China's. A payment stands in the bill of the day on which it was made, a refund, as a row of its own, in that
of the day on which it arrived; one that failed or is on its way stands in none. (How the real bills treat those two is
not confirmed.) The real bill of a day is ready at 10 the next morning and kept for three months; here the present
day's is to be had too, as far as the day has come, so that nobody need wait for tomorrow: the simulator's liberty.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

import orjson

from scripts.simulator.records import Payment
from scripts.simulator.storage import Store
from scripts.simulator.wire_time import CHINA

BILL_TYPES = ("ALL", "SUCCESS", "REFUND")
KEPT_DAYS = 92


@dataclass(frozen=True)
class BillRow:
    """One payment or one refund, amount in fen. `status` is SUCCESS, REFUND or CLOSED."""

    at: float
    out_trade_no: str
    transaction_id: str
    app_id: str
    openid: str
    description: str
    attach: str
    amount_fen: int
    status: str
    out_refund_no: str = ""
    refund_id: str = ""
    refund_status: str = ""

    @property
    def is_refund(self) -> bool:
        return self.out_refund_no != ""

    @property
    def number(self) -> str:
        """The merchant's number of what the row is about."""
        return self.out_refund_no or self.out_trade_no


def bill_rows(store: Store, provider: str, day: date, bill_type: str) -> list[BillRow]:
    """The rows of a day, in the order in which the money moved."""
    start = datetime.combine(day, time(), CHINA)
    bounds = (start.timestamp(), (start + timedelta(days=1)).timestamp())
    rows: list[BillRow] = []
    if bill_type != "REFUND":
        rows += [_row(paid, paid.paid_at, paid.amount_fen, "SUCCESS") for paid in store.paid_between(provider, *bounds)]
    if bill_type != "SUCCESS":
        for refund in store.refunded_between(provider, *bounds):
            [payment] = store.find(Payment, provider=provider, out_trade_no=refund.out_trade_no)
            numbers = (refund.out_refund_no, refund.refund_id, refund.state)
            rows.append(_row(payment, refund.settled_at, refund.amount_fen, "REFUND", *numbers))
    return sorted(rows, key=lambda row: row.at)


def has_bill(day: date, now: float) -> bool:
    """Whether there is a bill of that day at all: not of days to come, and not for ever."""
    today = datetime.fromtimestamp(now, CHINA).date()
    return today - timedelta(days=KEPT_DAYS) <= day <= today


def _row(payment: Payment, at: float, amount_fen: int, status: str, *refund: str) -> BillRow:
    asked = orjson.loads(payment.request)
    description = asked["description" if payment.provider == "wechat" else "body"].replace("\n", " ")
    return BillRow(
        at,
        payment.out_trade_no,
        payment.transaction_id,
        payment.app_id,
        payment.openid,
        description,
        payment.attach.replace("\n", " "),
        amount_fen,
        status,
        *refund,
    )
