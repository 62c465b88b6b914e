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
        self._lock = asyncio.Lock()
        self._token = ""
        self._renew_at: datetime | None = None

    async def get(self, refused: str = "") -> str:
        """A good token; `refused` is one that the platform did not accept. Raises OutsideFault."""
        async with self._lock:
            now = self._clock.now()
            if self._renew_at is None or self._renew_at <= now or (refused and refused == self._token):
                self._token, seconds = await self._fetch()
                self._renew_at = now + max(timedelta(seconds=seconds) - RENEW_BEFORE, timedelta(seconds=30))
            return self._token
