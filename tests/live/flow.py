"""Events for tests of live updates: many at once, written as verbs write them, and streams that are cut on demand."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

from pymongo.errors import PyMongoError

from resolvers.app import App
from resolvers.ids import new_id
from resolvers.live.follow import follow_wallet
from resolvers.live.model import EventKind, PendingEvent, WalletEvent, cursor_of
from resolvers.mongo import Session

BATCH = 200  # events per transaction


async def many_events(app: App, customer_id: str, snapshot: dict[str, Any], count: int, title: str = "") -> None:
    """So many COUPON_RECEIVED events of one customer, whose snapshots count their revision on from 1."""
    for start in range(0, count, BATCH):
        events = [
            PendingEvent(
                customer_id,
                EventKind.COUPON_RECEIVED,
                snapshot["_id"],
                {**snapshot, "revision": number + 1, "title": title or snapshot["title"]},
                {},
            )
            for number in range(start, min(count, start + BATCH))
        ]
        now = app.clock.now()
        ids = [new_id("evt", now, place) for place in range(len(events))]

        async def write(session: Session, events: Any = events, ids: Any = ids, now: Any = now) -> None:
            await app.live.append(session, events, now, ids)

        await app.connection.transaction(write)


async def collect(app: App, customer_id: str, into: list[WalletEvent]) -> None:
    """Follow a wallet from its first event on, for ever, keeping what it tells.

    Not "from now on": which moment that is, is known only once the follower has read it.
    """
    async with aclosing(follow_wallet(app, customer_id, cursor_of(customer_id, 0))) as stream:
        async for event in stream:
            into.append(event)


class Valve:
    """Sits in a process's change stream: swallows changes while shut, and breaks the stream with a fault on demand."""

    def __init__(self, app: App) -> None:
        self._watch = app.connection.watch
        self._cut = asyncio.Event()
        self._fault: PyMongoError | None = None
        self.shut = False
        self.swallowed = 0
        self.tokens: list[Any] = []  # that the stream was opened with, one after the other
        app.connection.watch = self.watch  # type: ignore[method-assign]

    @asynccontextmanager
    async def watch(self, pipeline: Any, token: Any, start_at: Any) -> AsyncIterator[Any]:
        """In place of the connection's own."""
        self.tokens.append(token)
        async with self._watch(pipeline, token, start_at) as stream:
            yield self._through(stream)

    def break_with(self, fault: PyMongoError) -> None:
        """Let the stream end with this, and the next one flow."""
        self._fault = fault
        self._cut.set()

    async def _through(self, stream: Any) -> AsyncIterator[Any]:
        changes = aiter(stream)
        while True:
            coming, cut = asyncio.ensure_future(anext(changes)), asyncio.ensure_future(self._cut.wait())
            try:
                await asyncio.wait({coming, cut}, return_when=asyncio.FIRST_COMPLETED)
                if self._fault is not None:
                    fault, self._fault, self.shut = self._fault, None, False
                    self._cut.clear()
                    raise fault
                change = coming.result()
            finally:
                coming.cancel()
                cut.cancel()
            if self.shut:
                self.swallowed += 1
            else:
                yield change
