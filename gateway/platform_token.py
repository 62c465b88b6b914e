"""The access token of a platform's API: fetched once however many want it, fetched again when it is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from resolvers.ports import Clock

RENEW_BEFORE = timedelta(minutes=5)  # both platforms keep the old one alive that long


class PlatformToken:
    """One process's copy of a token. `fetch` answers (token, seconds it lives)."""

    def __init__(self, clock: Clock, fetch: Callable[[], Awaitable[tuple[str, int]]]) -> None:
        self._clock = clock
        self._fetch = fetch
        self._fetching: asyncio.Task[None] | None = None
        self._token = ""
        self._renew_at: datetime | None = None

    async def get(self, refused: str = "") -> str:
        """A good token; `refused` is one that the platform did not accept. Raises OutsideFault.

        All who want one at once wait for the same fetch and share its fault: one after the other they would each wait
        for a platform that does not answer, the last for minutes.
        """
        now = self._clock.now()
        if self._renew_at is None or self._renew_at <= now or (refused and refused == self._token):
            if self._fetching is None:
                self._fetching = asyncio.create_task(self._renew())
                self._fetching.add_done_callback(self._fetched)
            await asyncio.shield(self._fetching)  # whoever started it may leave, the others still wait
        return self._token

    async def _renew(self) -> None:
        now = self._clock.now()
        self._token, seconds = await self._fetch()
        self._renew_at = now + max(timedelta(seconds=seconds) - RENEW_BEFORE, timedelta(seconds=30))

    def _fetched(self, task: asyncio.Task[None]) -> None:
        self._fetching = None
        if not task.cancelled():
            task.exception()  # taken note of, in case nobody waits for it any more
