"""The event log in MongoDB: appended inside the transaction that caused the events, read as a backlog."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, ReturnDocument
from pymongo.read_concern import ReadConcern

from resolvers.documents import Document
from resolvers.live.model import EventKind, PendingEvent, WalletEvent, prefix_end
from resolvers.mongo import Connection, IndexModel, Session, Timestamp, ensure_indexes

BACKLOG_BATCH = 200  # events per read while a client catches up
PRUNE_BATCH = 500  # events looked at per run of the sweep
CERTAIN_MS = 5_000  # for most members to confirm who is primary
MAXIMUM_SOCKETS = 5  # of one customer in one app: a phone, a tablet, a desk, and what is just being replaced
DRAWN = {"sequence": 1, "wants": 1}  # of a customer, when numbers are drawn
FEW_CUSTOMERS = 4  # of one transaction, up to which one write each is no dearer than two commands for all


@dataclass(frozen=True, slots=True)
class Told:
    """Whom events went to: `survivors` of customers who were joined, by their id; and of which events each customer
    that was told has agreed to be told by a message.
    """

    survivors: dict[str, str]
    wishes: Mapping[str, Sequence[str]]


EVENT_INDEXES = [
    IndexModel([("customer_id", ASCENDING), ("number", ASCENDING)], unique=True),
    IndexModel([("at", ASCENDING)]),
]
# No socket outlives its token, and `until` is when the last one of a place ends: then the place is forgotten.
SOCKET_INDEXES = [IndexModel([("until", ASCENDING)], expireAfterSeconds=0)]


class LiveStore:
    """Appends events and reads them back."""

    def __init__(self, connection: Connection) -> None:
        self._events = connection.collection("events")
        self._customers = connection.collection("customers")
        self._sockets = connection.collection("sockets")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of the log, and of what sockets are open."""
        await ensure_indexes(self._events, EVENT_INDEXES)
        await ensure_indexes(self._sockets, SOCKET_INDEXES)

    async def append(self, session: Session, events: Sequence[PendingEvent], now: datetime, ids: Sequence[str]) -> Told:
        """Number the events per customer and write them, in the caller's transaction.

        The number comes from the customer document, so that two transactions about one customer cannot both commit
        without one seeing the other: this is what makes the order total. What is told to an account that was joined
        into another one is told to that one. Answers which were, and who wishes a message.
        """
        per_customer: dict[str, list[tuple[str, PendingEvent]]] = defaultdict(list)
        for event_id, event in zip(ids, events, strict=True):
            per_customer[event.customer_id].append((event_id, event))
        documents, absent, wishes = await self._write_numbered(session, per_customer, now)
        survivors = await self._survivors(session, absent) if absent else {}
        if survivors:
            moved: dict[str, list[tuple[str, PendingEvent]]] = defaultdict(list)
            for customer_id, survivor in sorted(survivors.items()):
                moved[survivor] += per_customer[customer_id]
            further, absent, theirs = await self._write_numbered(session, moved, now)
            documents += further
            wishes |= {customer_id: theirs.get(survivor, ()) for customer_id, survivor in survivors.items()}
        if absent:
            raise LookupError(f"no customer {sorted(absent)[0]}")
        if documents:
            await self._events.insert_many(documents, session=session)
        return Told(survivors, wishes)

    async def _write_numbered(
        self, session: Session, per_customer: Mapping[str, list[tuple[str, PendingEvent]]], now: datetime
    ) -> tuple[list[Document], set[str], dict[str, Sequence[str]]]:
        """(the numbered documents, the customers who are not there or were joined into another one, wishes)."""
        draw = self._draw_each if len(per_customer) <= FEW_CUSTOMERS else self._draw_together
        drawn = await draw(session, {customer_id: len(mine) for customer_id, mine in per_customer.items()})
        documents = [
            _document(event_id, event, customer_id, drawn[customer_id]["sequence"] - len(mine) + place, now)
            for customer_id, mine in per_customer.items()
            if customer_id in drawn
            for place, (event_id, event) in enumerate(mine, 1)
        ]
        wishes = {customer_id: drawn[customer_id].get("wants", ()) for customer_id in drawn}
        return documents, per_customer.keys() - drawn.keys(), wishes

    async def _survivors(self, session: Session, customer_ids: set[str]) -> dict[str, str]:
        """Whom these customers were joined into. Raises LookupError for one who is not there at all."""
        found = self._customers.find({"_id": {"$in": list(customer_ids)}}, {"joined_into": 1}, session=session)
        survivors = {each["_id"]: each["joined_into"] for each in await found.to_list(None)}
        if missing := customer_ids - survivors.keys():
            raise LookupError(f"no customer {sorted(missing)[0]}")
        return survivors

    async def _draw_each(self, session: Session, counts: Mapping[str, int]) -> dict[str, Document]:
        """Draw so many numbers for each customer who is there, one after the other; answers what DRAWN names."""
        drawn = {}
        for customer_id in sorted(counts):  # one order for all, so that two transactions never wait in a circle
            customer = await self._customers.find_one_and_update(
                {"_id": customer_id, "joined_into": None},
                {"$inc": {"sequence": counts[customer_id]}},
                projection=DRAWN,
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            if customer is not None:
                drawn[customer_id] = customer
        return drawn

    async def _draw_together(self, session: Session, counts: Mapping[str, int]) -> dict[str, Document]:
        """The same with a write for all who need equally many numbers, and one read of what the transaction wrote."""
        for count in sorted(set(counts.values())):
            these = sorted(customer_id for customer_id, wanted in counts.items() if wanted == count)
            query = {"_id": {"$in": these}, "joined_into": None}
            await self._customers.update_many(query, {"$inc": {"sequence": count}}, session=session)
        query = {"_id": {"$in": list(counts)}, "joined_into": None}
        found = self._customers.find(query, projection=DRAWN, session=session)
        return {document["_id"]: document for document in await found.to_list(None)}

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

    async def sequence_for_certain(self, customer_id: str) -> int:
        """The same, and nobody was told of a newer one: the primary makes sure first that it still is one."""
        certain = self._customers.with_options(read_concern=ReadConcern("linearizable"))
        document = await certain.find_one({"_id": customer_id}, projection={"sequence": 1}, max_time_ms=CERTAIN_MS)
        return document["sequence"] if document else 0

    async def delete_older(self, moment: datetime) -> int:
        """Delete events from before a moment, of each customer only those that nothing older is left below.

        Looks at the oldest PRUNE_BATCH of them; answers how many went. In the order of their numbers, so that a log
        has no hole even when this ends halfway.
        """
        found = self._events.find({"at": {"$lt": moment}}, projection={"customer_id": 1, "number": 1, "_id": 0})
        per_customer: dict[str, set[int]] = defaultdict(set)
        for document in await found.sort("at", ASCENDING).limit(PRUNE_BATCH).to_list(PRUNE_BATCH):
            per_customer[document["customer_id"]].add(document["number"])
        deleted = 0
        for customer_id, old in per_customer.items():
            last = prefix_end(await self.lowest(customer_id) or 1, old)
            if last is not None:
                query = {"customer_id": customer_id, "number": {"$lte": last}}
                in_order = [("customer_id", ASCENDING), ("number", ASCENDING)]
                deleted += (await self._events.delete_many(query, hint=in_order)).deleted_count
        return deleted

    async def admit_socket(self, place: str, socket_id: str, now: datetime, until: datetime) -> str | None:
        """Note that a socket has opened at a place (of one customer and app), and answer the one it replaces.

        At most MAXIMUM_SOCKETS are kept, the newest; what is past its `until` has ended and does not count.
        """
        kept = {"$filter": {"input": {"$ifNull": ["$open", []]}, "cond": {"$gt": ["$$this.until", now]}}}
        newest = {"$slice": ["$open", -MAXIMUM_SOCKETS]}
        full = {"$gt": [{"$size": "$open"}, MAXIMUM_SOCKETS]}
        update: list[Mapping[str, Any]] = [
            {"$set": {"open": {"$concatArrays": [kept, [{"id": {"$literal": socket_id}, "until": until}]]}}},
            {"$set": {"replaced": {"$cond": [full, {"$first": "$open.id"}, None]}}},
            {"$set": {"open": newest, "until": {"$max": "$open.until"}}},
        ]
        document = await self._sockets.find_one_and_update(
            {"_id": place}, update, upsert=True, return_document=ReturnDocument.AFTER
        )
        return document["replaced"] if document else None

    async def forget_socket(self, place: str, socket_id: str) -> None:
        """A socket has ended."""
        await self._sockets.update_one({"_id": place}, {"$pull": {"open": {"id": socket_id}}})


def _document(event_id: str, event: PendingEvent, customer_id: str, number: int, now: datetime) -> Document:
    return {
        "_id": event_id,
        "customer_id": customer_id,
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


async def settled_time(connection: Connection) -> Timestamp:
    """The cluster's present time, answered once all that was committed before it can be read. Raises PyMongoError."""
    async with connection.session() as session:
        reply = await connection.database.command("ping", session=session)
        await connection.collection("events").find_one({"_id": ""}, session=session)
    time: Timestamp = reply["operationTime"]
    return time
