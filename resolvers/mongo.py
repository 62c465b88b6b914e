"""The connection: the one module that knows which driver is in use, and hides the few calls in which the two differ.

Motor and PyMongo's AsyncMongoClient have the same shape but for `aggregate` and `watch` (awaited in PyMongo),
`start_session` (not awaited there) and `start_transaction` and `list_indexes`. Store code is written once, typed with
PyMongo's classes.
"""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from datetime import UTC
from enum import StrEnum
from typing import Any, TypeVar

from bson.codec_options import CodecOptions
from bson.timestamp import Timestamp
from pymongo import DESCENDING, AsyncMongoClient
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
    WriteConcernError,
)
from pymongo.operations import IndexModel
from pymongo.read_concern import ReadConcern
from pymongo.read_preferences import ReadPreference
from pymongo.write_concern import WriteConcern

from resolvers.documents import Document
from resolvers.paging import Page, PageRequest, from_milliseconds, milliseconds, page_of

# Motor runs each command on a thread and by itself has five a core, of which every change stream keeps one waiting:
# too few, and commands queue behind the streams for seconds. It reads this once, when it is imported.
os.environ.setdefault("MOTOR_MAX_WORKERS", "64")
from motor.motor_asyncio import AsyncIOMotorClient

Collection = AsyncCollection[Document]
Session = AsyncClientSession
Result = TypeVar("Result")
Item = TypeVar("Item")

# How long to look for a primary before giving up on one operation; an election takes about 3 s (worst seen: 10 s).
SERVER_SELECTION_MILLISECONDS = 12_000
# Enough for every request that one process serves at once; more only queues inside mongod.
MAXIMUM_CONNECTIONS = 100
# Contended transactions need one try nearly always and nine on one hot customer; the longest seen needed 52.
MAXIMUM_TRIES = 40
MAXIMUM_BACKOFF_SECONDS = 0.25
COMMIT_TRIES = 10
_CODEC: CodecOptions[Document] = CodecOptions(tz_aware=True, tzinfo=UTC)


_IN_TRANSACTION: ContextVar[bool] = ContextVar("in_transaction", default=False)


def in_transaction() -> bool:
    """Whether whoever asks is inside the body of a transaction, where nobody may wait for the outside."""
    return _IN_TRANSACTION.get()


class Driver(StrEnum):
    """Which driver speaks to MongoDB. Motor is the default; PyMongo is its successor, faster and still maintained."""

    MOTOR = "motor"
    PYMONGO = "pymongo"


class TransactionExhausted(Exception):
    """The transaction met others at every try; nothing was changed."""


class DuplicateKey(Exception):
    """A unique key was taken by somebody else, outside or inside a transaction (which is then aborted)."""


class Connection:
    """One client and one database. `database` is used by store code alone."""

    def __init__(self, uri: str, database: str, driver: Driver = Driver.MOTOR) -> None:
        options: dict[str, Any] = {
            "serverSelectionTimeoutMS": SERVER_SELECTION_MILLISECONDS,
            "maxPoolSize": MAXIMUM_CONNECTIONS,
            "connectTimeoutMS": 5_000,
            "retryWrites": True,
        }
        self.driver = driver
        self.retries = 0  # transactions that lost against others and were run again, since the start
        self._client: Any = (AsyncIOMotorClient if driver is Driver.MOTOR else AsyncMongoClient)(uri, **options)
        database_of_client: Any = self._client.get_database(
            database,
            codec_options=_CODEC,
            read_preference=ReadPreference.PRIMARY,
            read_concern=ReadConcern("majority"),
            write_concern=WriteConcern("majority", wtimeout=20_000),
        )
        self.database: AsyncDatabase[Document] = database_of_client

    def collection(self, name: str) -> Collection:
        """A collection with majority reads and writes; inside a transaction the transaction's own concerns hold."""
        return self.database.get_collection(name)

    async def ping(self) -> None:
        """Answer when a primary is reachable. Raises PyMongoError."""
        reply = await self.database.command("hello", read_preference=ReadPreference.PRIMARY)
        if not reply.get("isWritablePrimary"):
            raise ConnectionFailure("no writable primary")

    async def close(self) -> None:
        """Let go of every connection."""
        closing = self._client.close()
        if closing is not None:
            await closing

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A causally consistent session: what was read once is never unread by a later read."""
        started = self._client.start_session(causal_consistency=True)
        session: Session = await started if self.driver is Driver.MOTOR else started
        try:
            yield session
        finally:
            await session.end_session()

    async def transaction(self, body: Callable[[Session], Awaitable[Result]]) -> Result:
        """Run `body` in a transaction with snapshot reads and majority writes, again and again while others interfere.

        Raises DuplicateKey (aborted; nothing changed), TransactionExhausted (nothing changed), and whatever `body`
        raises (nothing changed).
        """
        async with self.session() as session:
            for attempt in range(MAXIMUM_TRIES):
                try:
                    return await self._attempt(session, body)
                except DuplicateKeyError as error:
                    raise DuplicateKey(str(error)) from error
                except PyMongoError as error:
                    if not error.has_error_label("TransientTransactionError"):
                        raise
                self.retries += 1
                ceiling = min(MAXIMUM_BACKOFF_SECONDS, 0.004 * 2**attempt)
                await asyncio.sleep(random.uniform(0.001, ceiling))
        raise TransactionExhausted

    async def _attempt(self, session: Session, body: Callable[[Session], Awaitable[Result]]) -> Result:
        starting: Any = session.start_transaction(
            read_concern=ReadConcern("snapshot"),
            write_concern=WriteConcern("majority", wtimeout=20_000),
            read_preference=ReadPreference.PRIMARY,
        )
        if self.driver is Driver.PYMONGO:
            await starting
        marked = _IN_TRANSACTION.set(True)
        try:
            result = await body(session)
        except BaseException:
            if session.in_transaction:
                await asyncio.shield(session.abort_transaction())
            raise
        finally:
            _IN_TRANSACTION.reset(marked)
        await self._commit(session)
        return result

    async def _commit(self, session: Session) -> None:
        """Commit, and where the answer got lost commit again: a commit is safe to repeat."""
        for attempt in range(COMMIT_TRIES):
            try:
                await session.commit_transaction()
                return
            except PyMongoError as error:
                unknown = error.has_error_label("UnknownTransactionCommitResult")
                if not unknown or attempt == COMMIT_TRIES - 1:
                    raise
            await asyncio.sleep(random.uniform(0.01, 0.1) * (attempt + 1))

    async def aggregate(
        self, collection: Collection, pipeline: Sequence[Mapping[str, Any]], session: Session | None = None
    ) -> list[Document]:
        """All documents of an aggregation."""
        cursor: Any = collection.aggregate(list(pipeline), session=session)
        if self.driver is Driver.PYMONGO:
            cursor = await cursor
        documents: list[Document] = await cursor.to_list(None)
        return documents

    @asynccontextmanager
    async def watch(
        self, pipeline: Sequence[Mapping[str, Any]], resume_after: Document | None, start_at: Timestamp | None
    ) -> AsyncIterator[Any]:
        """A change stream over the whole database, from a resume token or a cluster time on."""
        stream: Any = self.database.watch(
            list(pipeline),
            resume_after=resume_after,
            start_at_operation_time=start_at if resume_after is None else None,
            max_await_time_ms=1_000,
        )
        if self.driver is Driver.PYMONGO:
            stream = await stream
        try:
            yield stream
        finally:
            await stream.close()

    async def operation_time(self) -> Timestamp:
        """The cluster's present time, to start a change stream from."""
        reply = await self.database.command("ping")
        time: Timestamp = reply["operationTime"]
        return time


async def insert_new(collection: Collection, document: Document, session: Session | None = None) -> bool:
    """Insert outside a transaction; False when its key is taken. (Inside one the transaction would be dead by then.)"""
    try:
        await collection.insert_one(document, session=session)
    except DuplicateKeyError:
        return False
    return True


async def newest_first(
    collection: Collection,
    query: Mapping[str, Any],
    request: PageRequest,
    time: str,
    read: Callable[[Document], Item],
    session: Session | None = None,
) -> Page[Item]:
    """A page of what a query finds, newest first by a field that holds a time; of the same moment, by id.

    An index on the query's fields, that field and `_id`, both descending, covers it. Raises BadInput when the cursor
    is not one of such a list.
    """
    conditions = [query]
    if request.after is not None:
        at, last = from_milliseconds(request.after[0]), request.after[1]
        conditions.append({"$or": [{time: {"$lt": at}}, {time: at, "_id": {"$lt": last}}]})
    found = collection.find({"$and": conditions}, session=session).sort([(time, DESCENDING), ("_id", DESCENDING)])
    documents = await found.limit(request.first + 1).to_list(request.first + 1)
    page = page_of(documents, request, lambda document: (milliseconds(document[time]), document["_id"]))
    items = [read(document) for document in page.items]
    return Page(items, page.cursors, page.has_next, page.has_previous)


async def ensure_indexes(collection: Collection, indexes: Sequence[IndexModel]) -> None:
    """Make the indexes that a store declares; existing ones are left alone."""
    if indexes:
        await collection.create_indexes(list(indexes))


def is_outage(error: BaseException) -> bool:
    """Whether MongoDB was unreachable or between two primaries, so that the same request may simply be sent again."""
    if isinstance(error, ServerSelectionTimeoutError | ConnectionFailure | ExecutionTimeout | WriteConcernError):
        return True
    return isinstance(error, OperationFailure) and error.has_error_label("RetryableWriteError")


__all__ = [
    "Collection",
    "Connection",
    "Driver",
    "DuplicateKey",
    "DuplicateKeyError",
    "IndexModel",
    "PyMongoError",
    "Session",
    "Timestamp",
    "TransactionExhausted",
    "ensure_indexes",
    "in_transaction",
    "insert_new",
    "is_outage",
    "newest_first",
]
