"""Codes, wrong tries and redemptions in MongoDB."""

from datetime import datetime

from pymongo import ASCENDING, DESCENDING, ReturnDocument

from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes
from resolvers.till.model import FAILED_TRIES, FAILED_WINDOW, Code, Redemption

CODE_INDEXES = [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=86_400)]
REDEMPTION_INDEXES = [IndexModel([("store_id", ASCENDING), ("at", DESCENDING)])]
TRY_INDEXES = [IndexModel([("since", ASCENDING)], expireAfterSeconds=3_600)]


class TillStore:
    """What the till remembers."""

    def __init__(self, connection: Connection) -> None:
        self._codes = connection.collection("codes")
        self._newest = connection.collection("newest_codes")
        self._redemptions = connection.collection("redemptions")
        self._tries = connection.collection("till_tries")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._codes, CODE_INDEXES)
        await ensure_indexes(self._redemptions, REDEMPTION_INDEXES)
        await ensure_indexes(self._tries, TRY_INDEXES)

    async def put_code(self, code: Code) -> None:
        """Write a code and make it the only good one of its subject."""
        await self._codes.insert_one(to_document(code))
        await self._newest.update_one({"_id": code.subject_id}, {"$set": {"code_id": code.id}}, upsert=True)

    async def code(self, code_id: str, session: Session | None = None) -> Code | None:
        """A code by the HMAC of its digits."""
        document = await self._codes.find_one({"_id": code_id}, session=session)
        return from_document(Code, document) if document else None

    async def is_newest(self, code: Code, session: Session | None = None) -> bool:
        """Whether no newer code of the same subject was shown."""
        document = await self._newest.find_one({"_id": code.subject_id}, session=session)
        return document is not None and document["code_id"] == code.id

    async def use(self, session: Session, code: Code, now: datetime) -> bool:
        """Use a code up; False when somebody else was first."""
        used = await self._codes.update_one(
            {"_id": code.id, "used_at": None, "expires_at": {"$gt": now}}, {"$set": {"used_at": now}}, session=session
        )
        return used.modified_count == 1

    async def insert_redemption(self, session: Session, redemption: Redemption) -> None:
        """Write a redemption."""
        await self._redemptions.insert_one(to_document(redemption), session=session)

    async def redemption(self, redemption_id: str, session: Session | None = None) -> Redemption | None:
        """A redemption by id."""
        document = await self._redemptions.find_one({"_id": redemption_id}, session=session)
        return from_document(Redemption, document) if document else None

    async def take_try(self, staff_id: str, store_id: str, now: datetime) -> datetime | None:
        """Count a try, in one write; when it is one too many, until when no more codes are looked at.

        A new window begins when the last one is over.
        """
        over = {"$lte": [{"$ifNull": ["$since", now - FAILED_WINDOW]}, now - FAILED_WINDOW]}
        window = {"since": {"$cond": [over, now, "$since"]}, "count": {"$cond": [over, 0, "$count"]}}
        document = await self._tries.find_one_and_update(
            {"_id": f"{staff_id}:{store_id}"},
            [{"$set": window}, {"$set": {"count": {"$add": ["$count", 1]}}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        if document is None or document["count"] <= FAILED_TRIES:
            return None
        until: datetime = document["since"] + FAILED_WINDOW
        return until

    async def return_try(self, staff_id: str, store_id: str) -> None:
        """The code was not wrong: the try does not count."""
        await self._tries.update_one({"_id": f"{staff_id}:{store_id}"}, {"$inc": {"count": -1}})
