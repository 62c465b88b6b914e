"""Callbacks and the people behind them in MongoDB."""

from datetime import datetime, timedelta
from typing import Any

from pymongo import ASCENDING

from resolvers.chat.incoming.model import (
    KEPT_HOURS,
    LEASE_SECONDS,
    Callback,
    CallbackState,
    ChatPerson,
)
from resolvers.documents import Document, from_document, to_document
from resolvers.mongo import Connection, DuplicateKeyError, IndexModel, Session, ensure_indexes
from resolvers.ports_chat import Message, Transfer

CALLBACK_INDEXES = [IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0)]


class IncomingStore:
    """Notes that a callback is being handled, by one process at a time, and what it was answered."""

    def __init__(self, connection: Connection) -> None:
        self._callbacks = connection.collection("callbacks")
        self._people = connection.collection("chat_people")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._callbacks, CALLBACK_INDEXES)

    async def begin(self, callback_id: str, owner: str, now: datetime) -> Callback | None:
        """Take a callback for oneself, one that is new or whose handler died; else answer it as it is.

        None: it was forgotten in that very moment, ask again.
        """
        mine = {
            "state": CallbackState.RUNNING.value,
            "owner": owner,
            "lease_until": now + timedelta(seconds=LEASE_SECONDS),
            "expires_at": now + timedelta(hours=KEPT_HOURS),
            "reply": None,
            "transfer": None,
        }
        left = {"_id": callback_id, "state": CallbackState.RUNNING.value, "lease_until": {"$lte": now}}
        try:
            await self._callbacks.update_one(left, {"$set": mine}, upsert=True)
        except DuplicateKeyError:
            pass
        else:
            return from_document(Callback, {"_id": callback_id, **mine})
        document = await self._callbacks.find_one({"_id": callback_id})
        return from_document(Callback, document) if document else None

    async def finish(self, callback: Callback, answer: Message | Transfer | None) -> None:
        """Note what a callback was answered; nothing happens when somebody else has taken it over."""
        shown = to_document(answer) if answer is not None else None
        field = "transfer" if isinstance(answer, Transfer) else "reply"
        await self._callbacks.update_one(_held(callback), {"$set": {"state": CallbackState.DONE.value, field: shown}})

    async def postpone(self, callback: Callback, session: Session) -> bool:
        """Leave a callback to a worker, in the caller's transaction; False when somebody else has taken it over."""
        left = await self._callbacks.update_one(
            _held(callback), {"$set": {"state": CallbackState.LATE.value}}, session=session
        )
        return left.modified_count == 1

    async def person(self, person_id: str) -> ChatPerson:
        """A person as an app knows them; one that was never seen, with nothing known."""
        document = await self._people.find_one({"_id": person_id})
        return from_document(ChatPerson, document) if document else ChatPerson(person_id)

    async def keep_unionid(self, person_id: str, unionid: str | None, now: datetime) -> None:
        """Note what the platform said when it was asked for a unionid."""
        told = {"unionid": unionid, "asked_at": now}
        await self._people.update_one({"_id": person_id}, {"$set": told}, upsert=True)

    async def note(
        self,
        session: Session,
        person_id: str,
        at: datetime,
        now: datetime,
        *,
        following: bool | None,
        brand_id: str | None,
    ) -> None:
        """Note what a person did, in the caller's transaction; what happened before something known changes nothing."""
        known = await self._people.find_one({"_id": person_id}, projection={"seen_at": 1}, session=session)
        seen = known.get("seen_at") if known else None
        if seen is not None and seen > at:
            return
        changes: dict[str, Any] = {"seen_at": at}
        if following is not None:
            changes["following"] = following
        if brand_id is not None:
            changes |= {"brand_id": brand_id, "brand_at": now}
        await self._people.update_one({"_id": person_id}, {"$set": changes}, upsert=True, session=session)


def _held(callback: Callback) -> Document:
    return {"_id": callback.id, "state": CallbackState.RUNNING.value, "owner": callback.owner}
