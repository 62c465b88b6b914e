"""Callbacks and the people behind them in MongoDB."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pymongo import ASCENDING, ReturnDocument

from resolvers.chat.incoming.model import (
    ATTEMPTS_SECONDS,
    KEPT_HOURS,
    LEASE_SECONDS,
    Callback,
    CallbackState,
    ChatPerson,
)
from resolvers.documents import Document, from_document, to_document
from resolvers.mongo import Connection, DuplicateKeyError, IndexModel, Session, ensure_indexes
from resolvers.ports_chat import Message, Transfer

CALLBACK_INDEXES = [
    IndexModel([("expires_at", ASCENDING)], expireAfterSeconds=0),
    IndexModel([("lease_until", ASCENDING)], partialFilterExpression={"state": CallbackState.RUNNING.value}),
]
_NOTED = ("following", "followed_at", "brands", "quota")


class IncomingStore:
    """Notes that a callback is being handled, by one process at a time, and what it was answered."""

    def __init__(self, connection: Connection) -> None:
        self._callbacks = connection.collection("callbacks")
        self._people = connection.collection("chat_people")

    async def ensure_indexes(self) -> None:
        """Declare the indexes of this store."""
        await ensure_indexes(self._callbacks, CALLBACK_INDEXES)

    async def begin(self, callback_id: str, owner: str, now: datetime, fields: Mapping[str, str]) -> Callback | None:
        """Take a callback for oneself, one that is new or whose handler died; else answer it as it is.

        What it said is kept until it is handled, for the case that every process that it is pushed to dies over it.

        None: it was forgotten in that very moment, ask again.
        """
        mine = {
            "state": CallbackState.RUNNING.value,
            "owner": owner,
            "lease_until": now + timedelta(seconds=LEASE_SECONDS),
            "expires_at": now + timedelta(hours=KEPT_HOURS),
            "reply": None,
            "transfer": None,
            "fields": [list(each) for each in fields.items()],
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
        done: Document = {"state": CallbackState.DONE.value, field: shown, "fields": []}
        await self._callbacks.update_one(_held(callback), {"$set": done})

    async def postpone(self, callback: Callback, session: Session) -> bool:
        """Leave a callback to a worker, in the caller's transaction; False when somebody else has taken it over."""
        late = {"state": CallbackState.LATE.value, "fields": []}
        left = await self._callbacks.update_one(_held(callback), {"$set": late}, session=session)
        return left.modified_count == 1

    async def take_left(self, owner: str, now: datetime) -> Callback | None:
        """Take a callback that nobody has handled and the platform does not push any more; None: there is none."""
        left = {
            "state": CallbackState.RUNNING.value,
            "lease_until": {"$lte": now - timedelta(seconds=ATTEMPTS_SECONDS)},
        }
        mine = {"owner": owner, "lease_until": now + timedelta(seconds=LEASE_SECONDS)}
        document = await self._callbacks.find_one_and_update(left, {"$set": mine}, return_document=ReturnDocument.AFTER)
        return from_document(Callback, document) if document else None

    async def person(self, person_id: str, session: Session | None = None) -> ChatPerson:
        """A person as an app knows them; one that was never seen, with nothing known."""
        document = await self._people.find_one({"_id": person_id}, session=session)
        return from_document(ChatPerson, document) if document else ChatPerson(person_id)

    async def keep_unionid(self, person_id: str, unionid: str | None, now: datetime) -> None:
        """Note what the platform said when it was asked for a unionid."""
        told = {"unionid": unionid, "asked_at": now}
        await self._people.update_one({"_id": person_id}, {"$set": told}, upsert=True)

    async def note(self, session: Session, person: ChatPerson) -> None:
        """Write what a person did, read in the caller's transaction; whoever does so at the same time starts over."""
        document = to_document(person)
        changes = {name: document[name] for name in _NOTED}
        await self._people.update_one({"_id": person.id}, {"$set": changes}, upsert=True, session=session)


def _held(callback: Callback) -> Document:
    return {"_id": callback.id, "state": CallbackState.RUNNING.value, "owner": callback.owner}
