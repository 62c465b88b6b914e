"""Payments and refunds in MongoDB; every change of state is a write filtered on the state it leaves."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, ReturnDocument

from resolvers.cards.model import Take
from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes
from resolvers.payments.model import (
    MAXIMUM_REFUNDS,
    Payment,
    PaymentStatus,
    Refund,
    RefundStatus,
    poll_wait,
)

PAYMENT_INDEXES = [
    IndexModel([("order_id", ASCENDING)], sparse=True),
    IndexModel([("customer_id", ASCENDING), ("created_at", ASCENDING)]),
    IndexModel([("status", ASCENDING), ("poll_at", ASCENDING)]),
    IndexModel([("lots.lot_id", ASCENDING)], sparse=True),
    IndexModel([("paid_at", ASCENDING)], sparse=True),
]
REFUND_INDEXES = [
    IndexModel([("payment_id", ASCENDING)]),
    IndexModel([("status", ASCENDING), ("poll_at", ASCENDING)]),
    IndexModel([("settled_at", ASCENDING)], sparse=True),
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
        if not payment_ids:
            return []
        found = self._payments.find({"_id": {"$in": list(payment_ids)}}, session=session)
        return [from_document(Payment, document) for document in await found.to_list(None)]

    async def payments_of_orders(self, order_ids: Sequence[str], session: Session | None = None) -> list[Payment]:
        """All payments of these orders, in the order they were made."""
        found = self._payments.find({"order_id": {"$in": list(order_ids)}}, session=session).sort("_id", ASCENDING)
        return [from_document(Payment, document) for document in await found.to_list(None)]

    async def any_pending(self, customer_ids: tuple[str, ...], session: Session) -> bool:
        """Whether a payment of a customer is under way."""
        query = {"customer_id": {"$in": list(customer_ids)}, "status": PaymentStatus.PENDING.value}
        return await self._payments.find_one(query, projection={"_id": 1}, session=session) is not None

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

    async def set_worth(self, session: Session, payment_id: str, worth_fen: int) -> None:
        """Note what was paid for the uses that a payment by pass has taken, in fen."""
        await self._payments.update_one({"_id": payment_id}, {"$set": {"worth_fen": worth_fen}}, session=session)

    async def set_cards(self, session: Session, payment_id: str, card_ids: Sequence[str]) -> None:
        """Note which cards a payment has bought."""
        await self._payments.update_one({"_id": payment_id}, {"$set": {"card_ids": list(card_ids)}}, session=session)

    async def set_bought(
        self, session: Session, payment_id: str, coupon_ids: Sequence[str], card_ids: Sequence[str]
    ) -> None:
        """Note which coupons, or which passes, a payment has bought."""
        bought = {"coupon_ids": list(coupon_ids), "card_ids": list(card_ids)}
        await self._payments.update_one({"_id": payment_id}, {"$set": bought}, session=session)

    async def set_credited(
        self, session: Session, payment_id: str, card_id: str, lots: Sequence[Take], coupon_ids: Sequence[str]
    ) -> None:
        """Note what a captured top-up has given: the lots on which card, and the coupons."""
        given = {"card_id": card_id, "lots": [to_document(lot) for lot in lots], "coupon_ids": list(coupon_ids)}
        await self._payments.update_one({"_id": payment_id}, {"$set": given}, session=session)

    async def count_lapsed(self, session: Session, lot_id: str, amount_fen: int) -> None:
        """Note on the top-up that granted a lot how much of it lapsed."""
        await self._payments.update_one({"lots.lot_id": lot_id}, {"$inc": {"lapsed_fen": amount_fen}}, session=session)

    async def undone_top_ups(self, session: Session | None, lot_ids: Sequence[str]) -> list[Payment]:
        """The top-ups that granted any of these lots and were refunded since."""
        query = {"lots.lot_id": {"$in": list(lot_ids)}, "undone_at": {"$ne": None}}
        found = self._payments.find(query, session=session).sort("_id", ASCENDING)
        return [from_document(Payment, document) for document in await found.to_list(None)]

    async def add_coupon(self, session: Session, payment_id: str, coupon_id: str) -> bool:
        """Note a coupon that was issued late for a top-up; False when the top-up was refunded meanwhile."""
        noted = await self._payments.update_one(
            {"_id": payment_id, "undone_at": None}, {"$addToSet": {"coupon_ids": coupon_id}}, session=session
        )
        return noted.matched_count == 1

    async def set_undone(self, session: Session, payment_id: str, back_fen: int, spent_fen: int) -> None:
        """Note what went back of an undone top-up, and what of it had been spent."""
        sums = {"undone_fen": back_fen, "undone_spent_fen": spent_fen}
        await self._payments.update_one({"_id": payment_id}, {"$set": sums}, session=session)

    async def count_returned(self, session: Session, payment_id: str, spent_fen: int) -> None:
        """Note that so much of what had been spent of an undone top-up came back."""
        counted = {"$inc": {"undone_returned_fen": spent_fen}}
        await self._payments.update_one({"_id": payment_id}, counted, session=session)

    async def undo(self, session: Session, payment_id: str, now: datetime) -> bool:
        """Mark what a payment bought as taken back, once."""
        undone = await self._payments.update_one(
            {"_id": payment_id, "undone_at": None}, {"$set": {"undone_at": now}}, session=session
        )
        return undone.modified_count == 1

    async def count_refund(
        self,
        session: Session,
        payment_id: str,
        *,
        requested_fen: int,
        settled_fen: int,
        given_back: Sequence[int] | None = None,
    ) -> Payment | None:
        """Move the sums of a paid payment; None when more would be refunded, or oftener, than is allowed."""
        moving = settled_fen + requested_fen
        asked = 1 if requested_fen > 0 else 0
        paid = [PaymentStatus.SUCCEEDED.value, PaymentStatus.PARTIALLY_REFUNDED.value]
        sums = {"$add": ["$refunded_fen", "$refunding_fen", moving]}
        document = await self._payments.find_one_and_update(
            {
                "_id": payment_id,
                "status": {"$in": paid},
                "refunds": {"$lte": MAXIMUM_REFUNDS - asked},
                "$expr": {"$lte": [sums, "$amount_fen"]},
            },
            [
                {
                    "$set": {
                        "refunded_fen": {"$add": ["$refunded_fen", settled_fen]},
                        "refunding_fen": {"$add": ["$refunding_fen", requested_fen]},
                        "refunds": {"$add": ["$refunds", asked]},
                        "revision": {"$add": ["$revision", 1]},
                        **({} if given_back is None else {"given_back": list(given_back)}),
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
