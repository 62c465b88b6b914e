"""`/_control/` of money: what the providers have, how refunds end, and the lies of bills."""

from dataclasses import asdict
from typing import Any

from starlette.routing import Route

from scripts.simulator.bill_lies import BillLie
from scripts.simulator.book import Book, BookRefusal
from scripts.simulator.control_input import BadInput, answering_json, only, text_of, times_of
from scripts.simulator.records import Delivery, Payment, Refund, Shipment
from scripts.simulator.refund_plan import ENDS
from scripts.simulator.world import World

PROVIDERS = ("wechat", "qq")


class MoneyControl:
    """The calls about payments that are made and refunds that are on their way."""

    def __init__(self, world: World, book: Book) -> None:
        self._world = world
        self._book = book

    def routes(self) -> list[Route]:
        return [
            Route("/payments", answering_json(self._payments), methods=["GET"]),
            Route("/refunds", answering_json(self._plan_refunds), methods=["POST"]),
            Route("/refund", answering_json(self._move_refund), methods=["POST"]),
            Route("/bill_lies", answering_json(self._add_lie), methods=["POST"]),
            Route("/bill_lies", answering_json(self._list_lies), methods=["GET"]),
            Route("/bill_lies", answering_json(self._clear_lies), methods=["DELETE"]),
        ]

    async def _payments(self, body: dict[str, Any]) -> Any:
        """Every order as the provider sees it, with its refunds and what became of its notifications, oldest first."""
        return [self._shown(self._book.now(payment)) for payment in self._world.store.find(Payment)]

    def _shown(self, payment: Payment) -> dict[str, Any]:
        refunds = self._book.refunds(payment)
        deliveries = self._world.store.find(Delivery, provider=payment.provider, out_trade_no=payment.out_trade_no)
        shipments = self._world.store.find(Shipment, out_trade_no=payment.out_trade_no)
        return {
            "provider": payment.provider,
            "out_trade_no": payment.out_trade_no,
            "transaction_id": payment.transaction_id or None,
            "prepay_id": payment.prepay_id,
            "amount_fen": payment.amount_fen,
            "state": payment.state,
            "payer_openid": payment.openid or None,
            "refunds": [
                {
                    "out_refund_no": refund.out_refund_no,
                    "refund_id": refund.refund_id,
                    "amount_fen": refund.amount_fen,
                    "state": refund.state,
                }
                for refund in refunds
            ],
            "notifications": [
                {name: value for name, value in asdict(one).items() if name in ("event_type", "at", "fault", "status")}
                for one in deliveries
            ],
            "shipping": [
                {"logistics_type": one.logistics_type, "at": one.at}
                for one in shipments
                if payment.provider == "wechat"
            ],
        }

    async def _plan_refunds(self, body: dict[str, Any]) -> Any:
        """{next, times?} -> {}: the end of the next so many refunds that are asked for, at either provider.

        SUCCESS, ABNORMAL, CLOSED, or PROCESSING: so it stays until /refund moves it. Replaces what was planned before.
        """
        only(body, {"next"}, {"times"})
        try:
            self._world.refund_plan.set(text_of(body, "next"), times_of(body))
        except ValueError as error:
            raise BadInput(str(error)) from error
        return {}

    async def _move_refund(self, body: dict[str, Any]) -> Any:
        """{out_refund_no, state, provider?} -> {}: bring a refund that has not ended there, with its notification.

        An ABNORMAL one has not ended: the merchant can have it paid out otherwise.
        """
        only(body, {"out_refund_no", "state"}, {"provider"})
        number, state = text_of(body, "out_refund_no"), text_of(body, "state")
        if state not in ENDS:
            raise BadInput(f"state must be one of {', '.join(ENDS)}")
        where = {"provider": _provider(body)} if "provider" in body else {}
        found = self._world.store.find(Refund, out_refund_no=number, **where)
        if not found:
            raise BadInput(f"no refund {number}")
        if len(found) > 1:
            raise BadInput("both providers have a refund of that number: name the provider")
        try:
            self._book.move_refund(found[0], state)
        except BookRefusal as refusal:
            raise BadInput(f"this refund has ended: {found[0].state}") from refusal
        return {}

    async def _add_lie(self, body: dict[str, Any]) -> Any:
        """{provider, kind, number?} -> {}: see bill_lies; in force until DELETE."""
        only(body, {"provider", "kind"}, {"number"})
        number = text_of(body, "number") if body.get("number") is not None else ""
        try:
            self._world.bill_lies.add(BillLie(_provider(body), text_of(body, "kind"), number))
        except ValueError as error:
            raise BadInput(str(error)) from error
        return {}

    async def _list_lies(self, body: dict[str, Any]) -> Any:
        return self._world.bill_lies.shown()

    async def _clear_lies(self, body: dict[str, Any]) -> Any:
        self._world.bill_lies.clear()
        return {}


def _provider(body: dict[str, Any]) -> str:
    provider = text_of(body, "provider").lower()
    if provider not in PROVIDERS:
        raise BadInput("provider must be wechat or qq")
    return provider
