"""The providers' own rules about orders and refunds, one for both; each protocol words the refusals itself."""

import secrets
import uuid
from collections.abc import Mapping
from typing import Any, Literal

import orjson

from scripts.simulator.crypto import random_digits
from scripts.simulator.messages import payment_event, refund_event
from scripts.simulator.records import Job, Payment, Refund
from scripts.simulator.refund_plan import FINAL
from scripts.simulator.wire_time import compact
from scripts.simulator.world import World

PREPAY_LIFE_SECONDS = 2 * 3600
ORDER_LIFE_SECONDS = 7 * 86_400
REFUND_WINDOW_SECONDS = 365 * 86_400
MAX_REFUNDS = 50
# Long enough that PROCESSING is seen by whoever asks at once; divided by the world's speed.
REFUND_SECONDS = 1.0

Reason = Literal[
    "NOT_FOUND",
    "PAID",
    "NOT_PAID",
    "CLOSED",
    "CHANGED",
    "TOTAL_DIFFERS",
    "TOO_MUCH",
    "TOO_MANY",
    "TOO_OLD",
    "REFUND_CHANGED",
    "REFUND_ENDED",
]


class BookRefusal(Exception):
    """A provider's no, before a protocol has worded it."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason)
        self.reason = reason


class Book:
    """Orders and refunds of all providers."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._store = world.store

    def find(self, provider: str, out_trade_no: str = "", transaction_id: str = "") -> Payment:
        """The order with that number of ours or theirs, as it stands now; both must fit when both are given."""
        wanted = {"out_trade_no": out_trade_no, "transaction_id": transaction_id}
        given = {name: value for name, value in wanted.items() if value}
        payment = self._store.one(Payment, provider=provider, **given) if given else None
        if payment is None:
            raise BookRefusal("NOT_FOUND")
        return self.now(payment)

    def now(self, payment: Payment) -> Payment:
        """The order with its lapse, if its time has run out."""
        if payment.state == "NOTPAY" and self._world.clock() >= payment.expires_at:
            payment.state = "CLOSED"
            self._store.save(payment)
        return payment

    def refunds(self, payment: Payment) -> list[Refund]:
        return self._store.find(Refund, provider=payment.provider, out_trade_no=payment.out_trade_no)

    def place(self, order: Payment, prepay_id: str) -> Payment:
        """Place an order, or answer the same one to the same request; its prepay id is renewed after two hours."""
        found = self._store.one(Payment, provider=order.provider, out_trade_no=order.out_trade_no)
        if found is None:
            order.prepay_id = prepay_id
            self._store.save(order)
            return order
        self.now(found)
        if found.state == "SUCCESS":
            raise BookRefusal("PAID")
        if found.state == "CLOSED":
            raise BookRefusal("CLOSED")
        if found.request != order.request:
            raise BookRefusal("CHANGED")
        if self._world.clock() - found.prepaid_at >= PREPAY_LIFE_SECONDS:
            found.prepay_id, found.prepaid_at = prepay_id, self._world.clock()
            self._store.save(found)
        return found

    def close(self, payment: Payment) -> None:
        """Close an unpaid order; closing a closed one changes nothing."""
        if payment.state == "SUCCESS":
            raise BookRefusal("PAID")
        payment.state = "CLOSED"
        self._store.save(payment)

    def pay(self, payment: Payment, openid: str) -> None:
        """Record that the person paid, and queue the notification in the same write."""
        payment.state = "SUCCESS"
        payment.openid = openid
        payment.paid_at = self._world.clock()
        payment.transaction_id = self.new_number("4200" if payment.provider == "wechat" else "1000")
        self._store.save_all([payment, self.payment_job(payment)])
        self._world.jobs_changed.set()

    def payment_job(self, payment: Payment) -> Job:
        """The notification of a paid order, due now."""
        event_type, content = payment_event(self._world.credentials, payment)
        return self._job(
            "notify", payment.provider, payment.out_trade_no, "", event_type, payment.notify_url, content, 0.0
        )

    def refund(self, payment: Payment, refund: Refund, total_fen: int | None) -> Refund:
        """Start a refund, or answer the same one to the same request; `total_fen` is what the merchant believes.

        A closed refund is opened again under its number. How the real providers take that is not known; it is our
        choice, because a merchant that may never change a number has no other way to try again.
        """
        found = self._store.one(Refund, provider=refund.provider, out_refund_no=refund.out_refund_no)
        if found is not None:
            if found.request != refund.request:
                raise BookRefusal("REFUND_CHANGED")
            if found.state != "CLOSED":
                return found
            refund.refund_id = found.refund_id
        if payment.state != "SUCCESS":
            raise BookRefusal("NOT_PAID")
        if total_fen is not None and total_fen != payment.amount_fen:
            raise BookRefusal("TOTAL_DIFFERS")
        if self._world.clock() - payment.paid_at > REFUND_WINDOW_SECONDS:
            raise BookRefusal("TOO_OLD")
        earlier = [one for one in self.refunds(payment) if one.out_refund_no != refund.out_refund_no]
        if sum(one.amount_fen for one in earlier if one.state != "CLOSED") + refund.amount_fen > payment.amount_fen:
            raise BookRefusal("TOO_MUCH")
        if len(earlier) >= MAX_REFUNDS:
            raise BookRefusal("TOO_MANY")
        end = self._world.refund_plan.take()
        delay = REFUND_SECONDS / self._world.speed
        changes: list[Refund | Job] = [refund]
        if end != "PROCESSING":
            changes.append(
                self._job("settle", refund.provider, payment.out_trade_no, refund.out_refund_no, "", "", end, delay)
            )
        self._store.save_all(changes)
        self._world.jobs_changed.set()
        return refund

    def end_refund(self, provider: str, out_refund_no: str, end: str) -> None:
        """What was planned for a refund comes to pass, unless it has been moved by hand meanwhile."""
        refund = self._store.one(Refund, provider=provider, out_refund_no=out_refund_no)
        if refund is not None and refund.state == "PROCESSING":
            self.move_refund(refund, end)

    def move_refund(self, refund: Refund, state: str) -> None:
        """Bring a refund to a state; WeChat Pay tells the merchant of an end if the refund named an address.

        Raises BookRefusal REFUND_ENDED for one that arrived or was closed.
        """
        if refund.state in FINAL:
            raise BookRefusal("REFUND_ENDED")
        provider, out_refund_no = refund.provider, refund.out_refund_no
        refund.state = state
        refund.settled_at = 0.0 if state == "PROCESSING" else self._world.clock()
        payment = self.find(provider, refund.out_trade_no)
        changes: list[Refund | Job] = [refund]
        if refund.notify_url and state != "PROCESSING":
            event_type, content = refund_event(self._world.credentials, payment, refund)
            changes.append(
                self._job(
                    "notify", provider, payment.out_trade_no, out_refund_no, event_type, refund.notify_url, content, 0.0
                )
            )
        self._store.save_all(changes)
        self._world.jobs_changed.set()

    def new_number(self, prefix: str) -> str:
        """28 digits, as the providers' own order and refund numbers have."""
        return prefix + compact(self._world.clock())[:8] + random_digits(28 - len(prefix) - 8)

    def _job(
        self,
        kind: str,
        provider: str,
        out_trade_no: str,
        subject: str,
        event_type: str,
        url: str,
        content: Mapping[str, Any] | str,
        delay_seconds: float,
    ) -> Job:
        return Job(
            job_id=str(uuid.uuid4()),
            kind=kind,
            provider=provider,
            out_trade_no=out_trade_no,
            subject=subject,
            event_type=event_type,
            url=url,
            content=orjson.dumps(content).decode(),
            attempt=0,
            due_at=self._world.clock() + delay_seconds,
        )


def canonical(request: Mapping[str, Any]) -> str:
    """A request as text that is equal exactly when its parameters are."""
    return orjson.dumps(request, option=orjson.OPT_SORT_KEYS).decode()


def new_wechat_prepay_id(now: float) -> str:
    return "wx" + compact(now) + secrets.token_hex(10)


def new_qq_prepay_id() -> str:
    return "6V" + secrets.token_hex(15)
