"""Phone numbers, join codes and the writes of a join in MongoDB."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from pymongo import ASCENDING, ReturnDocument

from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes
from resolvers.people.joining.model import MAXIMUM_PROOFS, WRONG_TRIES, JoinCode
from resolvers.people.model import Customer, Identity
from resolvers.people.store import identity_key

# What is past its time is forgotten by itself.
PASSING = [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)]
PHONE_INDEXES = [IndexModel([("customer_id", ASCENDING)])]


class JoiningStore:
    """Who has which number, and what is shown to prove it. A number is the `_id`: nobody has one that another has."""

    def __init__(self, connection: Connection) -> None:
        self._phones = connection.collection("phones")
        self._codes = connection.collection("join_codes")
        self._proofs = connection.collection("join_proofs")
        self._confirmed = connection.collection("confirmed_phones")
        self._customers = connection.collection("customers")
        self._identities = connection.collection("identities")
        self._sessions = connection.collection("sessions")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._phones, PHONE_INDEXES)
        for collection in (self._codes, self._proofs, self._confirmed):
            await ensure_indexes(collection, PASSING)

    # numbers

    async def owner_of(self, number: str, session: Session | None = None) -> str | None:
        """The customer who has a number."""
        document = await self._phones.find_one({"_id": number}, session=session)
        if document is None:
            document = await self._customers.find_one({"phone": number}, projection={"_id": 1}, session=session)
            return document["_id"] if document else None
        owner: str = document["customer_id"]
        return owner

    async def give_number(self, session: Session, number: str, customer: Customer, now: datetime) -> None:
        """Make a number a customer's, and free the one they had; two who take a free one at once kill a transaction."""
        await self._phones.delete_many({"customer_id": customer.id, "_id": {"$ne": number}}, session=session)
        whose = {"customer_id": customer.id, "bound_at": now}
        await self._phones.update_one({"_id": number}, {"$set": whose}, upsert=True, session=session)
        await self._customers.update_one({"_id": customer.id}, {"$set": {"phone": number}}, session=session)

    async def confirmed_since(
        self, customer_ids: tuple[str, ...], since: datetime, session: Session | None = None
    ) -> bool:
        """Whether the platform has confirmed a number for these accounts after a moment."""
        bound = {"customer_id": {"$in": list(customer_ids)}, "bound_at": {"$gt": since}}
        return await self._phones.find_one(bound, projection={"_id": 1}, session=session) is not None

    async def confirm_again(self, number: str, customer_ids: tuple[str, ...], now: datetime) -> None:
        """Note that the platform has confirmed a customer's number once more; nothing happens to another number."""
        whose = {"_id": number, "customer_id": {"$in": list(customer_ids)}}
        await self._phones.update_one(whose, {"$max": {"bound_at": now}})

    async def take_number(self, session: Session, customer_id: str) -> None:
        """Take a customer's number from them."""
        await self._phones.delete_many({"customer_id": customer_id}, session=session)
        await self._customers.update_one({"_id": customer_id}, {"$unset": {"phone": ""}}, session=session)

    async def confirmed(self, code_mac: str, customer_ids: tuple[str, ...], now: datetime) -> str | None:
        """The number that the platform has confirmed a moment ago for a code of this very customer."""
        query = {"_id": code_mac, "customer_id": {"$in": list(customer_ids)}, "expires_at": {"$gt": now}}
        document = await self._confirmed.find_one(query)
        return document["number"] if document else None

    async def keep_confirmed(self, code_mac: str, customer_id: str, number: str, until: datetime) -> None:
        """Keep what the platform has confirmed: it tells it once, and the person may have to be asked for a proof."""
        kept = {"customer_id": customer_id, "number": number, "expires_at": until}
        await self._confirmed.replace_one({"_id": code_mac}, kept, upsert=True)

    async def use_confirmed(self, session: Session, code_mac: str) -> None:
        """Forget it: it has bound a number."""
        await self._confirmed.delete_one({"_id": code_mac}, session=session)

    # proofs

    async def put_code(self, code: JoinCode) -> None:
        """Keep a join code in the place of the customer's last one."""
        await self._codes.replace_one({"_id": code.id}, to_document(code), upsert=True)

    async def try_code(self, customer_id: str, now: datetime) -> JoinCode | None:
        """Count a try at a customer's join code before it is compared; None when there is none, or it is dead."""
        document = await self._codes.find_one_and_update(
            {"_id": customer_id, "expires_at": {"$gt": now}, "wrong": {"$lt": WRONG_TRIES}},
            {"$inc": {"wrong": 1}},
            return_document=ReturnDocument.AFTER,
        )
        return from_document(JoinCode, document) if document else None

    async def use_code(self, session: Session, customer_id: str, mac: str, now: datetime) -> bool:
        """Use a join code up; False when it was used, replaced or has lapsed meanwhile."""
        used = await self._codes.delete_one(
            {"_id": customer_id, "mac": mac, "expires_at": {"$gt": now}}, session=session
        )
        return used.deleted_count == 1

    async def count_proof(self, caller_id: str, now: datetime, window: timedelta) -> datetime | None:
        """Count a proof that somebody brings; when they have brought too many wrong ones, from when they may again."""
        over = {"$lte": ["$expires_at", now]}
        fresh = {"$or": [over, {"$eq": [{"$type": "$tries"}, "missing"]}]}
        update = [
            {
                "$set": {
                    "tries": {"$cond": [fresh, 1, {"$add": ["$tries", 1]}]},
                    "expires_at": {"$cond": [fresh, now + window, "$expires_at"]},
                }
            }
        ]
        document = await self._proofs.find_one_and_update(
            {"_id": caller_id}, update, upsert=True, return_document=ReturnDocument.AFTER
        )
        if document is None or document["tries"] <= MAXIMUM_PROOFS:
            return None
        until: datetime = document["expires_at"]
        return until

    async def forget_proofs(self, caller_id: str) -> None:
        """The proof was right: start counting from nothing."""
        await self._proofs.delete_one({"_id": caller_id})

    # joining

    async def touch(self, session: Session, customer_ids: tuple[str, ...]) -> None:
        """Write customers before anything else is done to them: whoever else is about to has to start over, not we."""
        await self._customers.update_many(
            {"_id": {"$in": list(customer_ids)}}, {"$inc": {"touched": 1}}, session=session
        )

    async def absorb(self, session: Session, survivor: Customer, absorbed: Customer, now: datetime) -> None:
        """Make one account of two: ids, identities and sessions; what was joined into the absorbed one, too."""
        await self._customers.update_many(
            {"_id": {"$in": list(absorbed.ids)}},
            {"$set": {"joined_into": survivor.id, "also": []}, "$unset": {"phone": ""}},
            session=session,
        )
        united = [*survivor.identities, *(each for each in absorbed.identities if each not in survivor.identities)]
        await self._customers.update_one(
            {"_id": survivor.id},
            {
                "$set": {
                    "also": [*survivor.also, *absorbed.ids],
                    "identities": [to_document(each) for each in united],
                    "nickname": survivor.nickname or absorbed.nickname,
                    "avatar_url": survivor.avatar_url or absorbed.avatar_url,
                    "wants": sorted({*survivor.wants, *absorbed.wants}),
                }
            },
            session=session,
        )
        await self._move_identities(session, absorbed.identities, survivor.id)
        await self._sessions.update_many(
            {"owner_id": {"$in": list(absorbed.ids)}, "joined_at": None}, {"$set": {"joined_at": now}}, session=session
        )
        await self._phones.delete_many({"customer_id": {"$in": list(absorbed.ids)}}, session=session)
        await self._codes.delete_many({"_id": {"$in": [survivor.id, absorbed.id]}}, session=session)

    async def _move_identities(self, session: Session, identities: Sequence[Identity], customer_id: str) -> None:
        await self._identities.update_many(
            {"_id": {"$in": [identity_key(each) for each in identities]}},
            {"$set": {"customer_id": customer_id}},
            session=session,
        )
