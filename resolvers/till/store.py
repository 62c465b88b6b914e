"""Codes, wrong tries and redemptions in MongoDB."""

from datetime import datetime
from functools import partial

from pymongo import ASCENDING, DESCENDING, ReturnDocument

from resolvers.documents import from_document, to_document
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes, newest_first
from resolvers.paging import Page, PageRequest
from resolvers.till.model import FAILED_TRIES, FAILED_WINDOW, Code, Grant, Redemption

CODE_INDEXES = [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=86_400)]
GRANT_INDEXES = [IndexModel([("until", ASCENDING)], expireAfterSeconds=0)]
REDEMPTION_INDEXES = [IndexModel([("store_id", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)])]
TRY_INDEXES = [IndexModel([("since", ASCENDING)], expireAfterSeconds=3_600)]


class TillStore:
    """What the till remembers."""

    def __init__(self, connection: Connection) -> None:
        self._codes = connection.collection("codes")
        self._newest = connection.collection("newest_codes")
        self._grants = connection.collection("code_grants")
        self._redemptions = connection.collection("redemptions")
        self._tries = connection.collection("till_tries")
        self._shifts = connection.collection("cash_shifts")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._codes, CODE_INDEXES)
        await ensure_indexes(self._grants, GRANT_INDEXES)
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

    async def put_grant(self, grant: Grant) -> None:
        """Write a grant in the place of the last one of the same session and card."""
        await self._grants.replace_one({"_id": grant.id}, to_document(grant), upsert=True)

    async def grant(self, grant_id: str) -> Grant | None:
        """A grant by id."""
        document = await self._grants.find_one({"_id": grant_id})
        return from_document(Grant, document) if document else None

    async def insert_redemption(self, session: Session, redemption: Redemption) -> None:
        """Write a redemption."""
        await self._redemptions.insert_one(to_document(redemption), session=session)

    async def redemption(self, redemption_id: str, session: Session | None = None) -> Redemption | None:
        """A redemption by id."""
        document = await self._redemptions.find_one({"_id": redemption_id}, session=session)
        return from_document(Redemption, document) if document else None

    async def undo(self, session: Session, redemption_id: str, staff_id: str, now: datetime) -> Redemption | None:
        """Mark a redemption as undone; None when it is already."""
        document = await self._redemptions.find_one_and_update(
            {"_id": redemption_id, "undone_at": None},
            {"$set": {"undone_at": now, "undone_by": staff_id}},
            return_document=ReturnDocument.AFTER,
            session=session,
        )
        return from_document(Redemption, document) if document else None

    async def page(self, store_id: str, request: PageRequest) -> Page[Redemption]:
        """What was redeemed at a store, newest first."""
        query = {"store_id": store_id}
        return await newest_first(self._redemptions, query, request, "at", partial(from_document, Redemption))

    async def count_cash(self, session: Session, shift: str, amount_fen: int, limit_fen: int) -> bool:
        """Count cash that was taken for a top-up in a shift; False when that would be above the limit."""
        await self._shifts.update_one({"_id": shift}, {"$setOnInsert": {"taken_fen": 0}}, upsert=True, session=session)
        counted = await self._shifts.update_one(
            {"_id": shift, "taken_fen": {"$lte": limit_fen - amount_fen}},
            {"$inc": {"taken_fen": amount_fen}},
            session=session,
        )
        return counted.modified_count == 1

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
