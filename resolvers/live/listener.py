"""Who listens to a process: a bounded queue for every subscriber, and whoever has to be told that they must go."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

QUEUE_LENGTH = 256  # events that wait for one slow socket; one that lets more pile up reads its backlog instead


class Listener:
    """One subscriber's queue. `gap` is set when something may be missing from it: the log knows better.

    Not an asyncio.Queue, which costs three times as much: a process has thousands, nearly all of them empty.
    """

    __slots__ = ("_arrived", "_items", "gap")

    def __init__(self) -> None:
        self._items: list[Any] = []
        self._arrived: asyncio.Future[None] | None = None  # of the one subscriber, while it waits
        self.gap = False

    def push(self, item: Any) -> None:
        """Add an item; when the queue is full, drop what waits, keep only this newest one, and mark the gap."""
        if len(self._items) >= QUEUE_LENGTH:
            self.lose(item)
        else:
            self._items.append(item)
            self._wake()

    def lose(self, newest: Any = None) -> None:
        """Forget what waits and wake the subscriber, who reads the log from where it stands, up to the newest item."""
        self._items = [newest]
        self.gap = True
        self._wake()

    @property
    def waiting(self) -> int:
        """How many items wait."""
        return len(self._items)

    async def get(self, seconds: float) -> Any:
        """The next item, None after so many seconds of silence or when there is a gap."""
        if not self._items:
            loop = asyncio.get_running_loop()
            self._arrived = loop.create_future()
            timer = loop.call_later(seconds, self._wake)
            try:
                await self._arrived
            finally:
                timer.cancel()
                self._arrived = None
        return self._items.pop(0) if self._items else None

    def _wake(self) -> None:
        if self._arrived is not None and not self._arrived.done():
            self._arrived.set_result(None)


class Watcher:
    """Somebody who watches as a customer with these ids, and has to be told when there are more."""

    __slots__ = ("ended", "ids")

    def __init__(self, ids: Collection[str], ended: Callable[[], None]) -> None:
        self.ids = frozenset(ids)
        self.ended = ended


@contextmanager
def registered(registry: dict[str, set[Any]], key: str, item: Any) -> Iterator[Any]:
    """Have an item in a registry for a while; keys with nothing are forgotten."""
    registry[key].add(item)
    try:
        yield item
    finally:
        registry[key].discard(item)
        if not registry[key]:
            del registry[key]
