"""Incidents in MongoDB: opened once per key, resolved, opened again."""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from pymongo import ASCENDING, DESCENDING

from resolvers import ids
from resolvers.documents import from_document
from resolvers.incidents.model import Incident
from resolvers.mongo import Connection, IndexModel, Session, ensure_indexes, insert_new, newest_first
from resolvers.paging import Page, PageRequest

INCIDENT_INDEXES = [
    IndexModel([("key", ASCENDING)], unique=True),
    IndexModel([("brand_id", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)]),
]


class IncidentStore:
    """What waits for a person."""

    def __init__(self, connection: Connection) -> None:
        self._incidents = connection.collection("incidents")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._incidents, INCIDENT_INDEXES)

    async def open(
        self,
        kind: str,
        key: str,
        summary: str,
        brand_id: str | None,
        subject_id: str | None,
        now: datetime,
        session: Session | None = None,
    ) -> None:
        """Open an incident; one that is open already stays as it is, one that was resolved opens again."""
        what = {"kind": kind, "summary": summary[:300], "brand_id": brand_id, "subject_id": subject_id}
        fresh = {"_id": ids.new_id("inc", now), "key": key, "at": now, "resolved_at": None} | what
        if session is not None:
            await self._incidents.update_one({"key": key}, {"$setOnInsert": fresh}, upsert=True, session=session)
        else:
            await insert_new(self._incidents, fresh)
        await self._incidents.update_one(
            {"key": key, "resolved_at": {"$ne": None}}, {"$set": {"resolved_at": None, **what}}, session=session
        )

    async def resolve(self, key: str, now: datetime, session: Session | None = None) -> None:
        """What it was about is settled; resolving what is resolved, or was never opened, does nothing."""
        await self._incidents.update_one(
            {"key": key, "resolved_at": None}, {"$set": {"resolved_at": now}}, session=session
        )

    async def incident(self, incident_id: str) -> Incident | None:
        """An incident by id."""
        document = await self._incidents.find_one({"_id": incident_id})
        return from_document(Incident, document) if document else None

    async def page(self, brand_ids: Sequence[str | None], request: PageRequest, *, open: bool) -> Page[Incident]:
        """Incidents of these brands, newest first: those that wait, or those that are settled."""
        resolved: Any = None if open else {"$ne": None}
        query: dict[str, Any] = {"brand_id": {"$in": list(brand_ids)}, "resolved_at": resolved}
        return await newest_first(self._incidents, query, request, "at", partial(from_document, Incident))
