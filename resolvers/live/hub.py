"""The hub: one change stream per process, and from it a bounded queue for every subscriber.

Nothing lives only here: a subscriber that missed something reads its backlog, so any number of processes may serve
one customer, and losing the stream loses nothing.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime, timedelta
from typing import Any

from resolvers.documents import Document
from resolvers.live.listener import Listener, Watcher, registered
from resolvers.live.model import EventKind, WalletEvent
from resolvers.live.store import event_of, settled_time
from resolvers.mongo import Connection, PyMongoError, Timestamp

log = logging.getLogger("kabao.live")

SESSION_MEMORY = timedelta(minutes=20)  # an access token lives 15 minutes; then an ended session is forgotten
REOPEN_SECONDS = 0.5
JOIN_SECONDS = 1.0  # after which every socket is closed that does not know that its accounts were joined

_PIPELINE: list[Mapping[str, Any]] = [
    {
        "$match": {
            "$or": [
                {"ns.coll": "events", "operationType": "insert"},
                {
                    "ns.coll": {"$in": ["orders", "table_carts", "conversations"]},
                    "operationType": {"$in": ["insert", "replace"]},
                },
                {
                    "ns.coll": "sessions",
                    "operationType": "update",
                    "updateDescription.updatedFields.ended_at": {"$exists": True},
                },
                # MongoDB logs a small change of a small document as either.
                {
                    "ns.coll": "sockets",
                    "operationType": "update",
                    "updateDescription.updatedFields.replaced": {"$type": "string"},
                },
                {"ns.coll": "sockets", "operationType": "replace", "fullDocument.replaced": {"$type": "string"}},
            ]
        }
    }
]


class Hub:
    """Reads the change stream and feeds listeners."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._wallets: dict[str, set[Listener]] = defaultdict(set)
        self._stores: dict[str, set[Listener]] = defaultdict(set)
        self._tables: dict[str, set[Listener]] = defaultdict(set)
        self._desks: dict[str, set[Listener]] = defaultdict(set)
        self._sessions: dict[str, set[Callable[[], None]]] = defaultdict(set)
        self._customers: dict[str, set[Watcher]] = defaultdict(set)
        self._sockets: dict[str, set[Callable[[], None]]] = defaultdict(set)
        self._ended: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None
        self._sessions_ended_lately: Callable[[], Awaitable[Mapping[str, datetime]]] = _none_ended
        self.streams_opened = 0

    async def start(self, sessions_ended_lately: Callable[[], Awaitable[Mapping[str, datetime]]]) -> None:
        """Begin to listen from this moment on; `sessions_ended_lately` tells what no stream will tell any more."""
        self._sessions_ended_lately = sessions_ended_lately
        start_at = await self._connection.operation_time()
        self._ended.update(await sessions_ended_lately())
        self._task = asyncio.create_task(self._run(start_at), name="live-hub")

    async def stop(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def alive(self) -> bool:
        """Whether the hub listens; without it the process serves no live updates and must not get traffic."""
        return self._task is not None and not self._task.done()

    def is_ended(self, session_id: str) -> bool:
        """Whether a session was ended lately, by any process."""
        return session_id in self._ended

    @asynccontextmanager
    async def wallet(self, customer_id: str) -> AsyncIterator[Listener]:
        """A queue of a customer's events."""
        with registered(self._wallets, customer_id, Listener()) as listener:
            yield listener

    @asynccontextmanager
    async def store(self, store_id: str) -> AsyncIterator[Listener]:
        """A queue of the orders of a store, as documents."""
        with registered(self._stores, store_id, Listener()) as listener:
            yield listener

    @asynccontextmanager
    async def table(self, table_code: str) -> AsyncIterator[Listener]:
        """A queue of the carts of a table, as documents."""
        with registered(self._tables, table_code, Listener()) as listener:
            yield listener

    @asynccontextmanager
    async def desk(self, brand_id: str) -> AsyncIterator[Listener]:
        """A queue of the conversations of a brand, as documents."""
        with registered(self._desks, brand_id, Listener()) as listener:
            yield listener

    @asynccontextmanager
    async def conversation(self, brand_id: str, customer_id: str) -> AsyncIterator[Listener]:
        """A queue of the one conversation of a customer with a brand, as documents."""
        with registered(self._desks, f"{brand_id}:{customer_id}", Listener()) as listener:
            yield listener

    @contextmanager
    def on_session_end(self, session_id: str, ended: Callable[[], None]) -> Iterator[None]:
        """Have `ended` called when the session ends, or has ended lately."""
        with registered(self._sessions, session_id, ended):
            if self.is_ended(session_id):
                ended()
            yield

    @contextmanager
    def on_customer_end(self, ids: tuple[str, ...], ended: Callable[[], None]) -> Iterator[None]:
        """Have `ended` called when it shows that the customer, by all ids one knows of them, is not any more.

        The first of the ids is the customer's own.
        """
        with registered(self._customers, ids[0] if ids else "", Watcher(ids, ended)):
            yield

    def end_customer(self, customer_id: str, now_also: Collection[str] = ()) -> None:
        """A customer has become more than they were: who watches without knowing these ids has to come back.

        Without ids: a customer has become part of another one.
        """
        for watcher in tuple(self._customers.get(customer_id, ())):
            if not now_also or not watcher.ids.issuperset(now_also):
                watcher.ended()

    @contextmanager
    def on_socket_replaced(self, socket_id: str, replaced: Callable[[], None]) -> Iterator[None]:
        """Have `replaced` called when a newer socket takes this one's place."""
        with registered(self._sockets, socket_id, replaced):
            yield

    async def _run(self, start_at: Timestamp) -> None:
        token: Document | None = None
        while True:
            try:
                async with self._connection.watch(_PIPELINE, token, start_at) as stream:
                    self.streams_opened += 1
                    async for change in stream:
                        token = change["_id"]
                        await self._dispatch_safely(change)
            except PyMongoError as error:
                if getattr(error, "code", None) in (280, 286):  # the token is older than the oplog: start anew
                    token = None
                    start_at = await self._present()
                    await self._lose_everything()
                log.warning("change stream lost, opening it again", extra={"reason": type(error).__name__})
            await asyncio.sleep(REOPEN_SECONDS)

    async def _dispatch_safely(self, change: Document) -> None:
        """A change this process cannot read (written by a newer one) must not end the stream for all."""
        try:
            self._dispatch(change)
        except Exception as error:
            log.error("change not understood", extra={"collection": change["ns"]["coll"]}, exc_info=error)
            await self._lose_everything()

    async def _present(self) -> Timestamp:
        while True:
            with contextlib.suppress(PyMongoError):
                return await settled_time(self._connection)
            await asyncio.sleep(REOPEN_SECONDS)

    async def _lose_everything(self) -> None:
        """Changes went by unseen: subscribers read their backlog, and sessions that ended meanwhile are read again."""
        with contextlib.suppress(PyMongoError):
            for session_id, at in (await self._sessions_ended_lately()).items():
                self.end_session(session_id, at)
        for registry in (self._wallets, self._stores, self._tables, self._desks):
            for listeners in registry.values():
                for listener in listeners:
                    listener.lose()

    def _dispatch(self, change: Document) -> None:
        collection = change["ns"]["coll"]
        if collection == "events":
            document = change["fullDocument"]
            if document["kind"] == EventKind.JOINED:  # who watches the wallet is told first
                loop, joined = asyncio.get_running_loop(), {document["subject_id"]} - {document["customer_id"]}
                loop.call_later(JOIN_SECONDS, self.end_customer, document["customer_id"], joined)
            listeners = self._wallets.get(document["customer_id"])
            if listeners:
                event: WalletEvent = event_of(document)
                for listener in listeners:
                    listener.push(event)
        elif collection == "orders":
            document = change["fullDocument"]
            for listener in self._stores.get(document["store_id"], ()):
                listener.push(document)
        elif collection == "table_carts":
            document = change["fullDocument"]
            for listener in self._tables.get(document["table_code"], ()):
                listener.push(document)
        elif collection == "conversations":
            document = change["fullDocument"]
            brand_id = document["brand_id"]
            for key in (brand_id, f"{brand_id}:{document['person_key']}"):
                for listener in self._desks.get(key, ()):
                    listener.push(document)
        elif collection == "sockets":
            document = change.get("fullDocument") or change["updateDescription"]["updatedFields"]
            self.replace_socket(document["replaced"])
        else:
            self.end_session(change["documentKey"]["_id"], change["updateDescription"]["updatedFields"]["ended_at"])

    def replace_socket(self, socket_id: str) -> None:
        """A newer socket has taken this one's place; nothing happens when another process serves it."""
        for replaced in tuple(self._sockets.get(socket_id, ())):
            replaced()

    def end_session(self, session_id: str, at: datetime) -> None:
        """A session has ended: known here at once, and to the other processes through their change streams."""
        self._ended = {each: when for each, when in self._ended.items() if when > at - SESSION_MEMORY}
        self._ended[session_id] = at
        for ended in tuple(self._sessions.get(session_id, ())):
            ended()


async def _none_ended() -> Mapping[str, datetime]:
    return {}
