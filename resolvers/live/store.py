"""The event log in MongoDB: appended inside the transaction that caused the events, read as a backlog."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, ReturnDocument

from resolvers.documents import Document
from resolvers.live.model import EventKind, PendingEvent, WalletEvent
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes

BACKLOG_BATCH = 200  # events per read while a client catches up
FEW_CUSTOMERS = 4  # of one transaction, up to which one write each is no dearer than two commands for all

EVENT_INDEXES = [
    IndexModel([("customer_id", ASCENDING), ("number", ASCENDING)], unique=True),
    IndexModel([("at", ASCENDING)]),
]


class LiveStore:
    """Appends events and reads them back."""

    def __init__(self, connection: Connection) -> None:
        self._events = connection.collection("events")
        self._customers = connection.collection("customers")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of the log."""
        await ensure_indexes(self._events, EVENT_INDEXES)

    async def append(self, session: Session, events: Sequence[PendingEvent], now: datetime, ids: Sequence[str]) -> None:
        """Number the events per customer and write them, in the caller's transaction.

        The number comes from the customer document, so that two transactions about one customer cannot both commit
        without one seeing the other: this is what makes the order total.
        """
        per_customer: dict[str, list[tuple[str, PendingEvent]]] = defaultdict(list)
        for event_id, event in zip(ids, events, strict=True):
            per_customer[event.customer_id].append((event_id, event))
        draw = self._draw_each if len(per_customer) <= FEW_CUSTOMERS else self._draw_together
        last = await draw(session, {customer_id: len(mine) for customer_id, mine in per_customer.items()})
        documents = [
            _document(event_id, event, last[customer_id] - len(mine) + place, now)
            for customer_id, mine in per_customer.items()
            for place, (event_id, event) in enumerate(mine, 1)
        ]
        if documents:
            await self._events.insert_many(documents, session=session)

    async def _draw_each(self, session: Session, counts: Mapping[str, int]) -> dict[str, int]:
        """Draw so many numbers for each customer, one after the other; answers each one's last."""
        last = {}
        for customer_id in sorted(counts):  # one order for all, so that two transactions never wait in a circle
            customer = await self._customers.find_one_and_update(
                {"_id": customer_id},
                {"$inc": {"sequence": counts[customer_id]}},
                projection={"sequence": 1},
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            if customer is None:
                raise LookupError(f"no customer {customer_id}")
            last[customer_id] = customer["sequence"]
        return last

    async def _draw_together(self, session: Session, counts: Mapping[str, int]) -> dict[str, int]:
        """The same with a write for all who need equally many numbers, and one read of what the transaction wrote."""
        for count in sorted(set(counts.values())):
            these = sorted(customer_id for customer_id, wanted in counts.items() if wanted == count)
            await self._customers.update_many({"_id": {"$in": these}}, {"$inc": {"sequence": count}}, session=session)
        found = self._customers.find({"_id": {"$in": list(counts)}}, projection={"sequence": 1}, session=session)
        last = {document["_id"]: document["sequence"] for document in await found.to_list(None)}
        if missing := counts.keys() - last.keys():
            raise LookupError(f"no customer {sorted(missing)[0]}")
        return last

    async def backlog(self, customer_id: str, after: int, session: Session | None = None) -> list[WalletEvent]:
        """The next events after a number, in order, at most BACKLOG_BATCH of them."""
        found = self._events.find(
            {"customer_id": customer_id, "number": {"$gt": after}}, sort=[("number", ASCENDING)], session=session
        )
        return [event_of(document) for document in await found.limit(BACKLOG_BATCH).to_list(BACKLOG_BATCH)]

    async def lowest(self, customer_id: str) -> int | None:
        """The lowest number still kept, None when the log of this customer is empty."""
        document = await self._events.find_one(
            {"customer_id": customer_id}, projection={"number": 1}, sort=[("number", ASCENDING)]
        )
        return document["number"] if document else None

    async def sequence(self, customer_id: str, session: Session | None = None) -> int:
        """The number of the newest event of a customer."""
        document = await self._customers.find_one({"_id": customer_id}, projection={"sequence": 1}, session=session)
        return document["sequence"] if document else 0


def _document(event_id: str, event: PendingEvent, number: int, now: datetime) -> Document:
    return {
        "_id": event_id,
        "customer_id": event.customer_id,
        "number": number,
        "kind": event.kind.value,
        "at": now,
        "subject_id": event.subject_id,
        "snapshot": event.snapshot,
        "details": event.details,
    }


def event_of(document: Document) -> WalletEvent:
    """The event of a log document, read or taken from the change stream."""
    details: dict[str, Any] = document["details"]
    return WalletEvent(
        customer_id=document["customer_id"],
        number=document["number"],
        kind=EventKind(document["kind"]),
        at=document["at"],
        subject_id=document["subject_id"],
        snapshot=document["snapshot"],
        details=details,
    )
