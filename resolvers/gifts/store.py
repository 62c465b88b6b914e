"""Gifts in MongoDB."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from pymongo import ASCENDING, DESCENDING

from resolvers.documents import from_document, to_document
from resolvers.gifts.model import OPEN, Gift, GiftDirection, GiftStatus
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes, newest_first
from resolvers.paging import Page, PageRequest

MAXIMUM_LAPSED = 1_000  # of one giver, looked at in one go: sweepers leave hardly any

_OPEN = [status.value for status in OPEN]

GIFT_INDEXES = [
    IndexModel([("token_mac", ASCENDING)], unique=True),
    IndexModel([("giver_id", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("claims.customer_id", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)]),
    IndexModel([("status", ASCENDING), ("expires_at", ASCENDING)]),
    IndexModel([("status", ASCENDING), ("deliver_at", ASCENDING)]),
    IndexModel([("giver_id", ASCENDING), ("status", ASCENDING), ("expires_at", ASCENDING)]),
    IndexModel([("card_id", ASCENDING)]),
    IndexModel([("coupon_id", ASCENDING)]),
]


class GiftStore:
    """Reads gifts; writes them only while they are open."""

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

    async def replace_open(self, session: Session, gift: Gift, revision: int) -> bool:
        """Write a gift that is open, against the revision that was read: of two who try, one succeeds."""
        replaced = await self._gifts.replace_one(
            {"_id": gift.id, "status": {"$in": _OPEN}, "revision": revision}, to_document(gift), session=session
        )
        return replaced.modified_count == 1

    async def page(
        self,
        customer_ids: tuple[str, ...],
        direction: GiftDirection,
        request: PageRequest,
        brand_id: str | None,
        statuses: Sequence[GiftStatus] | None,
        now: datetime,
        session: Session | None = None,
    ) -> Page[Gift]:
        """A customer's gifts of one direction, newest first."""
        owner = "giver_id" if direction is GiftDirection.SENT else "claims.customer_id"
        conditions: list[dict[str, Any]] = [{owner: {"$in": list(customer_ids)}}]
        if brand_id is not None:
            conditions.append({"brand_id": brand_id})
        if statuses is not None:
            conditions.append(_status_query(statuses, now))
        read, query = partial(from_document, Gift), {"$and": conditions}
        return await newest_first(self._gifts, query, request, "created_at", read, session)

    async def given_whole(self, card_id: str, session: Session) -> Gift | None:
        """The gift that a whole card is on its way in."""
        query = {"card_id": card_id, "whole": True, "status": {"$in": _OPEN}}
        document = await self._gifts.find_one(query, session=session)
        return from_document(Gift, document) if document else None

    async def any_open(self, customer_ids: tuple[str, ...], session: Session) -> bool:
        """Whether something that a customer gave is still on its way."""
        query = {"giver_id": {"$in": list(customer_ids)}, "status": {"$in": _OPEN}}
        return await self._gifts.find_one(query, projection={"_id": 1}, session=session) is not None

    async def lapsed(self, now: datetime, limit: int) -> list[Gift]:
        """Gifts that nobody claimed in time and whose value waits to go back."""
        found = self._gifts.find({"status": {"$in": _OPEN}, "expires_at": {"$lte": now}})
        return [from_document(Gift, document) for document in await found.limit(limit).to_list(limit)]

    async def lapsed_of(self, giver_ids: tuple[str, ...], now: datetime, session: Session | None = None) -> list[Gift]:
        """What of one giver's gifts nobody claimed in time and no sweeper has given back yet."""
        query = {"giver_id": {"$in": list(giver_ids)}, "status": {"$in": _OPEN}, "expires_at": {"$lte": now}}
        found = self._gifts.find(query, session=session).limit(MAXIMUM_LAPSED)
        return [from_document(Gift, document) for document in await found.to_list(MAXIMUM_LAPSED)]

    async def due(self, now: datetime, limit: int) -> list[Gift]:
        """Scheduled gifts whose moment has come."""
        query = {"status": GiftStatus.SCHEDULED.value, "deliver_at": {"$lte": now}, "expires_at": {"$gt": now}}
        found = self._gifts.find(query).sort("deliver_at", ASCENDING).limit(limit)
        return [from_document(Gift, document) for document in await found.to_list(limit)]


def _status_query(statuses: Sequence[GiftStatus], now: datetime) -> dict[str, Any]:
    """A filter on the state as it is now: a gift is delivered at its moment, and expired past its time."""
    stored = [status.value for status in statuses if status not in OPEN]
    options: list[dict[str, Any]] = [{"status": {"$in": stored}}]
    if GiftStatus.SCHEDULED in statuses:
        options.append({"status": GiftStatus.SCHEDULED.value, "deliver_at": {"$gt": now}})
    if GiftStatus.PENDING in statuses:
        delivered = {"status": {"$in": _OPEN}, "deliver_at": {"$not": {"$gt": now}}}
        options.append(delivered | {"expires_at": {"$gt": now}})
    if GiftStatus.EXPIRED in statuses:
        options.append({"status": {"$in": _OPEN}, "expires_at": {"$lte": now}})
    return {"$or": options}
