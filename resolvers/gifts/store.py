"""Gifts in MongoDB."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from pymongo import ASCENDING, DESCENDING

from resolvers.documents import from_document, to_document
from resolvers.gifts.model import Gift, GiftDirection, GiftStatus
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes, newest_first
from resolvers.paging import Page, PageRequest

GIFT_INDEXES = [
    IndexModel([("token_mac", ASCENDING)], unique=True),
    IndexModel([("giver_id", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("claims.customer_id", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("status", ASCENDING), ("expires_at", ASCENDING)]),
]


class GiftStore:
    """Reads gifts; writes them only out of PENDING."""

    def __init__(self, connection: Connection) -> None:
        self._gifts = connection.collection("gifts")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._gifts, GIFT_INDEXES)

    async def gift(self, gift_id: str, session: Session | None = None) -> Gift | None:
        """A gift by id."""
        document = await self._gifts.find_one({"_id": gift_id}, session=session)
        return from_document(Gift, document) if document else None

    async def by_token(self, token_mac: str, session: Session | None = None) -> Gift | None:
        """A gift by the MAC of its token."""
        document = await self._gifts.find_one({"token_mac": token_mac}, session=session)
        return from_document(Gift, document) if document else None

    async def insert(self, session: Session, gift: Gift) -> None:
        """Write a new gift."""
        await self._gifts.insert_one(to_document(gift), session=session)

    async def end(self, session: Session, gift: Gift, revision: int) -> bool:
        """Write a gift out of PENDING, against the revision that was read: of two who try, one succeeds."""
        replaced = await self._gifts.replace_one(
            {"_id": gift.id, "status": GiftStatus.PENDING.value, "revision": revision},
            to_document(gift),
            session=session,
        )
        return replaced.modified_count == 1

    async def page(
        self,
        customer_id: str,
        direction: GiftDirection,
        request: PageRequest,
        brand_id: str | None,
        statuses: Sequence[GiftStatus] | None,
        now: datetime,
        session: Session | None = None,
    ) -> Page[Gift]:
        """A customer's gifts of one direction, newest first."""
        owner = "giver_id" if direction is GiftDirection.SENT else "claims.customer_id"
        conditions: list[dict[str, Any]] = [{owner: customer_id}]
        if brand_id is not None:
            conditions.append({"brand_id": brand_id})
        if statuses is not None:
            conditions.append(_status_query(statuses, now))
        read, query = partial(from_document, Gift), {"$and": conditions}
        return await newest_first(self._gifts, query, request, "created_at", read, session)

    async def lapsed(self, now: datetime, limit: int) -> list[Gift]:
        """Gifts that nobody claimed in time and whose value waits to go back."""
        found = self._gifts.find({"status": GiftStatus.PENDING.value, "expires_at": {"$lte": now}})
        return [from_document(Gift, document) for document in await found.limit(limit).to_list(limit)]


def _status_query(statuses: Sequence[GiftStatus], now: datetime) -> dict[str, Any]:
    """A filter on the state as it is now: a pending gift past its time counts as expired."""
    stored = [status.value for status in statuses if status is not GiftStatus.PENDING]
    pending = GiftStatus.PENDING.value
    options: list[dict[str, Any]] = [{"status": {"$in": stored}}]
    if GiftStatus.PENDING in statuses:
        options.append({"status": pending, "expires_at": {"$gt": now}})
    if GiftStatus.EXPIRED in statuses:
        options.append({"status": pending, "expires_at": {"$lte": now}})
    return {"$or": options}
