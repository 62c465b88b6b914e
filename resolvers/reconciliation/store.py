"""Reconciliation in MongoDB: what our books say of a day, and the differences that were found, open or resolved."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime

from pymongo import ASCENDING

from resolvers.documents import Document, from_document, to_document
from resolvers.mongo import Connection, IndexModel, ensure_indexes
from resolvers.payments.model import PAID, Payment, PaymentMethod, Refund, RefundStatus
from resolvers.reconciliation.model import Difference, Own, bounds, own_payment, own_refund

DIFFERENCE_INDEXES = [IndexModel([("provider", ASCENDING), ("day", ASCENDING), ("resolved_at", ASCENDING)])]
AT_ONCE = 1_000  # numbers in one query


class ReconciliationStore:
    """Reads payments and refunds of all brands; writes differences."""

    def __init__(self, connection: Connection) -> None:
        self._payments = connection.collection("payments")
        self._refunds = connection.collection("refunds")
        self._differences = connection.collection("bill_differences")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._differences, DIFFERENCE_INDEXES)

    async def known(self, method: PaymentMethod, numbers: Sequence[str]) -> dict[str, Own]:
        """Payments and refunds at this provider under any of these numbers, of whatever day and state."""
        found: dict[str, Own] = {}
        for some in _portions(numbers):
            payments = self._payments.find({"_id": {"$in": some}, "method": method.value})
            found |= {payment["_id"]: _payment(payment) for payment in await payments.to_list(None)}
            refunds = await self._refunds.find({"_id": {"$in": some}}).to_list(None)
            found |= {own.number: own for own in await self._at(method, refunds)}
        return found

    async def moved(self, method: PaymentMethod, day: date) -> list[Own]:
        """What our books say was paid or refunded at this provider on that day."""
        start, end = bounds(day)
        within = {"$gte": start, "$lt": end}
        paid = {"paid_at": within, "method": method.value, "status": {"$in": [status.value for status in PAID]}}
        payments = [_payment(each) for each in await self._payments.find(paid).to_list(None)]
        settled = {"settled_at": within, "status": RefundStatus.SETTLED.value}
        return payments + await self._at(method, await self._refunds.find(settled).to_list(None))

    async def _at(self, method: PaymentMethod, refunds: Sequence[Document]) -> list[Own]:
        """Those of the refunds whose payment was made at this provider."""
        here: set[str] = set()
        for some in _portions([refund["payment_id"] for refund in refunds]):
            payments = self._payments.find({"_id": {"$in": some}, "method": method.value}, {"_id": 1})
            here |= {payment["_id"] for payment in await payments.to_list(None)}
        return [own_refund(from_document(Refund, refund)) for refund in refunds if refund["payment_id"] in here]

    async def keep(self, difference: Difference, now: datetime) -> None:
        """Note a difference as open; found again, it keeps the moment at which it was found first."""
        document = to_document(difference)
        await self._differences.update_one(
            {"_id": document.pop("_id")},
            {"$set": {**document, "resolved_at": None}, "$setOnInsert": {"found_at": now}},
            upsert=True,
        )

    async def open(self, method: PaymentMethod, day: date) -> list[Difference]:
        """The differences of a day that were not resolved yet."""
        query = {"provider": method.value, "day": day.isoformat(), "resolved_at": None}
        found = await self._differences.find(query).sort("_id", ASCENDING).to_list(None)
        return [from_document(Difference, document) for document in found]

    async def resolve(self, difference: Difference, now: datetime) -> None:
        """Note that a difference is gone."""
        query = {"_id": difference.id, "resolved_at": None}
        await self._differences.update_one(query, {"$set": {"resolved_at": now}})


def _payment(document: Document) -> Own:
    return own_payment(from_document(Payment, document))


def _portions(numbers: Sequence[str]) -> Iterator[list[str]]:
    distinct = list(dict.fromkeys(numbers))
    return (distinct[start : start + AT_ONCE] for start in range(0, len(distinct), AT_ONCE))
