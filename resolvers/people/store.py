"""Customers, identities, sessions and memberships in MongoDB."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from pymongo import ASCENDING, DESCENDING, ReturnDocument

from resolvers.documents import Document, from_document, to_document
from resolvers.mongo import Connection, IndexModel, TransactionExhausted, ensure_indexes
from resolvers.mongo import Session as MongoSession
from resolvers.paging import Page, PageRequest, page_of
from resolvers.people.model import (
    Customer,
    Identity,
    Membership,
    PointsEntry,
    Session,
)

CUSTOMER_INDEXES = [IndexModel([("phone", ASCENDING)], sparse=True)]
POINTS_INDEXES = [IndexModel([("membership_id", ASCENDING), ("number", DESCENDING)], unique=True)]
MEMBERSHIP_INDEXES = [
    IndexModel([("customer_id", ASCENDING), ("brand_id", ASCENDING)], unique=True),
    IndexModel([("brand_id", ASCENDING), ("number", ASCENDING)], unique=True),
    IndexModel([("merged_into", ASCENDING)], sparse=True),
]
SESSION_INDEXES = [
    IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    IndexModel([("ended_at", ASCENDING)], sparse=True),
    IndexModel([("owner_id", ASCENDING)]),
]


class PeopleStore:
    """Who is who."""

    def __init__(self, connection: Connection) -> None:
        self._customers = connection.collection("customers")
        self._identities = connection.collection("identities")
        self._unionids = connection.collection("unionids")
        self._memberships = connection.collection("memberships")
        self._points = connection.collection("points_statement")
        self._sessions = connection.collection("sessions")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._customers, CUSTOMER_INDEXES)
        await ensure_indexes(self._memberships, MEMBERSHIP_INDEXES)
        await ensure_indexes(self._points, POINTS_INDEXES)
        await ensure_indexes(self._sessions, SESSION_INDEXES)

    # customers

    async def customer(self, customer_id: str, session: MongoSession | None = None) -> Customer | None:
        """A customer by id."""
        document = await self._customers.find_one({"_id": customer_id}, session=session)
        return from_document(Customer, document) if document else None

    async def customers(self, customer_ids: Sequence[str], session: MongoSession | None = None) -> list[Customer]:
        """Customers by id, those that exist."""
        found = self._customers.find({"_id": {"$in": list(customer_ids)}}, session=session)
        return [from_document(Customer, document) for document in await found.to_list(None)]

    async def customer_now(self, customer_id: str, session: MongoSession | None = None) -> Customer | None:
        """A customer by id; for an account that was joined into another one, that one."""
        found = await self.customer(customer_id, session)
        if found is not None and found.joined_into is not None:
            return await self.customer(found.joined_into, session)
        return found

    async def ids_of(self, customer_id: str, session: MongoSession | None = None) -> tuple[str, ...]:
        """All ids of the person behind a customer id, the one that goes on first; of nobody we know, the id itself."""
        customer = await self.customer_now(customer_id, session)
        return customer.ids if customer else (customer_id,)

    async def survivors(self, customer_ids: Collection[str], session: MongoSession | None = None) -> dict[str, str]:
        """Of these customers those who were joined into another one: by their id that one's."""
        query = {"_id": {"$in": list(customer_ids)}, "joined_into": {"$ne": None}}
        found = self._customers.find(query, projection={"joined_into": 1}, session=session)
        return {each["_id"]: each["joined_into"] for each in await found.to_list(None)}

    async def joined(
        self, customer_ids: Collection[str], session: MongoSession | None = None
    ) -> dict[str, tuple[str, ...]]:
        """Of these customers those into whom others were joined: by their id all their ids, their own first."""
        query = {"_id": {"$in": list(customer_ids)}, "also.0": {"$exists": True}}
        found = self._customers.find(query, projection={"also": 1}, session=session)
        return {each["_id"]: (each["_id"], *each["also"]) for each in await found.to_list(None)}

    async def insert_customer(self, session: MongoSession, customer: Customer) -> None:
        """Write a new customer."""
        await self._customers.insert_one(to_document(customer), session=session)

    async def add_identity(self, session: MongoSession, customer_id: str, identity: Identity) -> None:
        """Give a customer one more identity."""
        await self._customers.update_one(
            {"_id": customer_id}, {"$push": {"identities": to_document(identity)}}, session=session
        )

    async def customer_of_identity(self, identity: Identity, session: MongoSession | None = None) -> str | None:
        """Whose openid this is."""
        document = await self._identities.find_one({"_id": identity_key(identity)}, session=session)
        return document["customer_id"] if document else None

    async def customer_of_unionid(self, unionid: str, session: MongoSession) -> str | None:
        """Whose unionid this is."""
        document = await self._unionids.find_one({"_id": unionid}, session=session)
        return document["customer_id"] if document else None

    async def claim_identity(self, session: MongoSession, identity: Identity, customer_id: str) -> None:
        """Bind an openid to a customer; a second binding of the same openid kills its transaction."""
        await self._identities.insert_one(
            {"_id": identity_key(identity), "customer_id": customer_id, "session_key": None}, session=session
        )

    async def claim_unionid(self, session: MongoSession, unionid: str, customer_id: str) -> None:
        """Bind a unionid to a customer, once."""
        await self._unionids.update_one(
            {"_id": unionid}, {"$setOnInsert": {"customer_id": customer_id}}, upsert=True, session=session
        )

    async def keep_session_key(self, identity: Identity, sealed: bytes) -> None:
        """Keep the platform's session key, encrypted; the newest one replaces the last."""
        await self._identities.update_one({"_id": identity_key(identity)}, {"$set": {"session_key": sealed}})

    async def session_key(self, identity: Identity) -> bytes | None:
        """The platform's session key, as it was sealed; None before the first sign-in."""
        document = await self._identities.find_one({"_id": identity_key(identity)}, projection={"session_key": 1})
        return document["session_key"] if document else None

    # memberships

    async def membership(
        self, customer_id: str, brand_id: str, session: MongoSession | None = None
    ) -> Membership | None:
        """A customer's membership of a brand; of an account that was joined into another one, that one's."""
        query = {"customer_id": customer_id, "brand_id": brand_id}
        document = await self._memberships.find_one(query, session=session)
        if document is None:
            survivor = (await self.survivors([customer_id], session)).get(customer_id)
            if survivor is not None:
                document = await self._memberships.find_one(query | {"customer_id": survivor}, session=session)
        return await self._merged(document, session)

    async def membership_by_id(self, membership_id: str, session: MongoSession | None = None) -> Membership | None:
        """A membership by id; of one that was merged into another, that one."""
        return await self._merged(await self._memberships.find_one({"_id": membership_id}, session=session), session)

    async def _merged(self, document: Document | None, session: MongoSession | None = None) -> Membership | None:
        if document is not None and document.get("merged_into"):
            document = await self._memberships.find_one({"_id": document["merged_into"]}, session=session)
        return from_document(Membership, document) if document else None

    async def memberships(self, customer_id: str, session: MongoSession | None = None) -> list[Membership]:
        """All memberships of a customer, oldest first."""
        query = {"customer_id": customer_id, "merged_into": None}
        found = self._memberships.find(query, session=session).sort("_id", ASCENDING)
        return [from_document(Membership, document) for document in await found.to_list(1_000)]

    async def insert_membership(self, session: MongoSession, membership: Membership) -> None:
        """Write a new membership; a second one of the same customer and brand kills its transaction.

        Its customer is written, too, so that it meets a join of their account: of the two one comes after the other.
        Raises TransactionExhausted when the account has been joined into another one.
        """
        met = await self._customers.update_one(
            {"_id": membership.customer_id, "joined_into": None}, {"$inc": {"memberships": 1}}, session=session
        )
        if not met.matched_count:
            raise TransactionExhausted
        await self._memberships.insert_one(to_document(membership), session=session)

    async def replace_membership(self, session: MongoSession, membership: Membership, seen_revision: int) -> bool:
        """Write a membership that was read at a revision; False when it has changed since."""
        replaced = await self._memberships.replace_one(
            {"_id": membership.id, "revision": seen_revision}, to_document(membership), session=session
        )
        return replaced.modified_count == 1

    async def follow_merged(self, session: MongoSession, gone_id: str, kept_id: str) -> None:
        """Let what was merged into one membership follow it into another."""
        await self._memberships.update_many(
            {"merged_into": gone_id}, {"$set": {"merged_into": kept_id}}, session=session
        )

    async def member_numbered(self, brand_id: str, number: str) -> Membership | None:
        """A brand's member by the number that is said at the till, or was before accounts were joined."""
        return await self._merged(await self._memberships.find_one({"brand_id": brand_id, "number": number}))

    async def customer_with_phone(self, phone: str) -> Customer | None:
        """The customer who has confirmed this number."""
        document = await self._customers.find_one({"phone": phone})
        return from_document(Customer, document) if document else None

    async def insert_points(self, session: MongoSession, entries: Sequence[PointsEntry]) -> None:
        """Write lines of a points statement."""
        await self._points.insert_many([to_document(entry) for entry in entries], session=session)

    async def points_entry(self, entry_id: str, session: MongoSession | None = None) -> PointsEntry | None:
        """A line of a points statement by id."""
        document = await self._points.find_one({"_id": entry_id}, session=session)
        return from_document(PointsEntry, document) if document else None

    async def points_page(
        self, membership_id: str, request: PageRequest, session: MongoSession | None = None
    ) -> Page[PointsEntry]:
        """A member's points statement, newest first."""
        query: dict[str, Any] = {"membership_id": membership_id}
        if request.after is not None:
            query["number"] = {"$lt": request.after[0]}
        found = self._points.find(query, session=session).sort("number", DESCENDING).limit(request.first + 1)
        entries = [from_document(PointsEntry, each) for each in await found.to_list(request.first + 1)]
        return page_of(entries, request, lambda entry: (entry.number, entry.id))

    # sessions

    async def insert_session(self, started: Session) -> None:
        """Write a new session."""
        await self._sessions.insert_one(to_document(started))

    async def session(self, session_id: str) -> Session | None:
        """A session by id."""
        document = await self._sessions.find_one({"_id": session_id})
        return from_document(Session, document) if document else None

    async def rotate(self, session_id: str, generation: int, now: datetime, expires_at: datetime) -> Session | None:
        """Move a live session from this generation to the next; None when somebody else did, or it is over."""
        document = await self._sessions.find_one_and_update(
            {"_id": session_id, "generation": generation, "ended_at": None, "expires_at": {"$gt": now}},
            {"$inc": {"generation": 1}, "$set": {"rotated_at": now, "expires_at": expires_at}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(Session, document) if document else None

    async def end_session(self, session_id: str, now: datetime) -> None:
        """End a session; every process learns of it from the change stream."""
        await self._sessions.update_one({"_id": session_id, "ended_at": None}, {"$set": {"ended_at": now}})

    async def sessions_ended_since(self, moment: datetime) -> list[str]:
        """Ids of sessions that ended after a moment."""
        found = self._sessions.find({"ended_at": {"$gte": moment}}, projection={"_id": 1})
        return [document["_id"] for document in await found.to_list(None)]


def identity_key(identity: Identity) -> str:
    """The `_id` of an openid."""
    return f"{identity.platform.value}:{identity.app_id}:{identity.openid}"
