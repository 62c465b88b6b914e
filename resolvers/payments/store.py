"""Payments and refunds in MongoDB; every change of state is a write filtered on the state it leaves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, ReturnDocument

from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes
from resolvers.payments.model import Payment, PaymentStatus, Refund, RefundStatus, poll_wait

PAYMENT_INDEXES = [
    IndexModel([("order_id", ASCENDING)], sparse=True),
    IndexModel([("customer_id", ASCENDING), ("created_at", ASCENDING)]),
    IndexModel([("status", ASCENDING), ("poll_at", ASCENDING)]),
]
REFUND_INDEXES = [
    IndexModel([("payment_id", ASCENDING)]),
    IndexModel([("status", ASCENDING), ("poll_at", ASCENDING)]),
]


class PaymentStore:
    """Reads and moves payments and refunds."""

    def __init__(self, connection: Connection) -> None:
        self._payments = connection.collection("payments")
        self._refunds = connection.collection("refunds")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._payments, PAYMENT_INDEXES)
        await ensure_indexes(self._refunds, REFUND_INDEXES)

    async def payment(self, payment_id: str, session: Session | None = None) -> Payment | None:
        """A payment by id."""
        document = await self._payments.find_one({"_id": payment_id}, session=session)
        return from_document(Payment, document) if document else None

    async def payments(self, payment_ids: Sequence[str], session: Session | None = None) -> list[Payment]:
        """Payments by id, those that exist."""
        found = self._payments.find({"_id": {"$in": list(payment_ids)}}, session=session)
        return [from_document(Payment, document) for document in await found.to_list(None)]

    async def payments_of_orders(self, order_ids: Sequence[str], session: Session | None = None) -> list[Payment]:
        """All payments of these orders, in the order they were made."""
        found = self._payments.find({"order_id": {"$in": list(order_ids)}}, session=session).sort("_id", ASCENDING)
        return [from_document(Payment, document) for document in await found.to_list(None)]

    async def insert(self, session: Session, payment: Payment) -> None:
        """Write a new payment."""
        await self._payments.insert_one(to_document(payment), session=session)

    async def move(
        self, session: Session, payment_id: str, leaving: Sequence[PaymentStatus], to: PaymentStatus, **values: Any
    ) -> Payment | None:
        """Move a payment out of one of the given states; None when it is in none of them."""
        document = await self._payments.find_one_and_update(
            {"_id": payment_id, "status": {"$in": [status.value for status in leaving]}},
            {"$set": {"status": to.value, **values}, "$inc": {"revision": 1}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(Payment, document) if document else None

    async def open(self, session: Session, payment_id: str, prepay_id: str, poll_at: datetime) -> Payment | None:
        """Note that the provider has opened a pending payment."""
        return await self.move(
            session,
            payment_id,
            [PaymentStatus.PENDING],
            PaymentStatus.PENDING,
            prepay_id=prepay_id,
            poll_at=poll_at,
        )

    async def set_card(self, session: Session, payment_id: str, card_id: str) -> None:
        """Note which card a top-up is for."""
        await self._payments.update_one({"_id": payment_id}, {"$set": {"card_id": card_id}}, session=session)

    async def set_cards(self, session: Session, payment_id: str, card_ids: Sequence[str]) -> None:
        """Note which cards a payment has bought."""
        await self._payments.update_one({"_id": payment_id}, {"$set": {"card_ids": list(card_ids)}}, session=session)

    async def count_refund(
        self, session: Session, payment_id: str, *, requested_fen: int, settled_fen: int
    ) -> Payment | None:
        """Move the sums of a paid payment; None when more would be refunded than was paid."""
        moving = settled_fen + requested_fen
        paid = [PaymentStatus.SUCCEEDED.value, PaymentStatus.PARTIALLY_REFUNDED.value]
        sums = {"$add": ["$refunded_fen", "$refunding_fen", moving]}
        document = await self._payments.find_one_and_update(
            {"_id": payment_id, "status": {"$in": paid}, "$expr": {"$lte": [sums, "$amount_fen"]}},
            [
                {
                    "$set": {
                        "refunded_fen": {"$add": ["$refunded_fen", settled_fen]},
                        "refunding_fen": {"$add": ["$refunding_fen", requested_fen]},
                        "revision": {"$add": ["$revision", 1]},
                    }
                },
                {"$set": {"status": _status_by_refunds()}},
            ],
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(Payment, document) if document else None

    async def claim_due(self, now: datetime) -> Payment | None:
        """Take one pending payment whose time to be asked about has come, and set its next time."""
        document = await self._payments.find_one({"status": PaymentStatus.PENDING.value, "poll_at": {"$lte": now}})
        if document is None:
            return None
        again = now + poll_wait(document["polls"])
        if document["expires_at"] is not None and now < document["expires_at"] < again:
            again = document["expires_at"]  # then it is closed, and what waited for it is let go
        document = await self._payments.find_one_and_update(
            {"_id": document["_id"], "poll_at": document["poll_at"]},
            {"$set": {"poll_at": again}, "$inc": {"polls": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(Payment, document) if document else None

    # refunds

    async def insert_refund(self, session: Session, refund: Refund) -> None:
        """Write a new refund."""
        await self._refunds.insert_one(to_document(refund), session=session)

    async def refund(self, refund_id: str, session: Session | None = None) -> Refund | None:
        """A refund by id."""
        document = await self._refunds.find_one({"_id": refund_id}, session=session)
        return from_document(Refund, document) if document else None

    async def move_refund(
        self, refund_id: str, leaving: Sequence[RefundStatus], to: RefundStatus, session: Session | None, **values: Any
    ) -> Refund | None:
        """Move a refund out of one of the given states; None when it is in none of them."""
        document = await self._refunds.find_one_and_update(
            {"_id": refund_id, "status": {"$in": [status.value for status in leaving]}},
            {"$set": {"status": to.value, **values}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(Refund, document) if document else None

    async def claim_due_refund(self, now: datetime, again_at: datetime) -> Refund | None:
        """Take one refund in progress whose time to be asked about has come."""
        document = await self._refunds.find_one_and_update(
            {"status": RefundStatus.PROCESSING.value, "poll_at": {"$lte": now}},
            {"$set": {"poll_at": again_at}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(Refund, document) if document else None


def _status_by_refunds() -> dict[str, Any]:
    """An expression: REFUNDED when all of it is back, PARTIALLY_REFUNDED when some is, else SUCCEEDED."""
    return {
        "$switch": {
            "branches": [
                {
                    "case": {"$gte": ["$refunded_fen", "$amount_fen"]},
                    "then": PaymentStatus.REFUNDED.value,
                },
                {"case": {"$gt": ["$refunded_fen", 0]}, "then": PaymentStatus.PARTIALLY_REFUNDED.value},
            ],
            "default": PaymentStatus.SUCCEEDED.value,
        }
    }
