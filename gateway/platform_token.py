"""The access token of a platform's API: fetched once for all processes, ahead of its end, and anew when refused."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from resolvers.chat.tokens.model import KeptToken
from resolvers.chat.tokens.store import LEASE, TokenStore
from resolvers.ports import Clock, OutsideFault

RENEW_BEFORE = timedelta(minutes=5)  # both platforms keep the old one alive that long
SHORTEST = timedelta(seconds=30)  # between two fetches: a stable token that is about to end is answered again
TRY_AGAIN_AFTER = timedelta(seconds=5)  # while the old one still lives
LOOK_SECONDS = 0.05  # while another process fetches

Fetch = Callable[[bool], Awaitable[tuple[str, int]]]


class PlatformToken:
    """The token of one app, as one process sees it.

    `fetch(forced)` answers (token, seconds it lives); forced ends the one before, which a platform may limit.
    """

    def __init__(self, clock: Clock, store: TokenStore, name: str, fetch: Fetch) -> None:
        self._clock = clock
        self._store = store
        self._name = name
        self._fetch = fetch
        self._holder = secrets.token_hex(8)
        self._renewing: asyncio.Task[None] | None = None
        self._known: KeptToken | None = None
        self._refused = ""
        self._next_try: datetime | None = None

    async def get(self, refused: str = "") -> str:
        """A good token; `refused` is one that the platform did not accept. Raises OutsideFault.

        All who want one at once wait for the same fetch and share its fault: one after the other they would each wait
        for a platform that does not answer, the last for minutes.
        """
        known = self._known
        if known is not None and refused != known.token and not self._due(known):
            return known.token
        self._refused = refused or self._refused
        if self._renewing is None:
            self._renewing = asyncio.create_task(self._renew())
            self._renewing.add_done_callback(self._renewed)
        try:
            await asyncio.shield(self._renewing)  # whoever started it may leave, the others still wait
        except OutsideFault:
            if known is None or refused or known.expires_at <= self._clock.now():
                raise
            self._next_try = self._clock.now() + TRY_AGAIN_AFTER
            return known.token
        if self._known is None:
            raise OutsideFault("no token")
        return self._known.token

    def _due(self, known: KeptToken) -> bool:
        now = self._clock.now()
        return known.renew_at <= now and (self._next_try is None or self._next_try <= now)

    async def _renew(self) -> None:
        """Take the token that another process has fetched, or fetch one for all. Raises OutsideFault."""
        tries = round(LEASE.total_seconds() / LOOK_SECONDS) + 1  # whoever holds the lease may have died with it
        for _ in range(tries):
            if await self._take_kept():
                return
            if await self._store.lease(self._name, self._holder, self._clock.now()):
                if not await self._take_kept():
                    await self._fetch_for_all()
                else:
                    await self._store.release(self._name, self._holder)
                return
            await asyncio.sleep(LOOK_SECONDS)
        raise OutsideFault("another process fetches the token, and takes too long")

    async def _take_kept(self) -> bool:
        kept = await self._store.kept(self._name)
        if kept is None or kept.token == self._refused or kept.renew_at <= self._clock.now():
            return False
        self._known = kept
        return True

    async def _fetch_for_all(self) -> None:
        try:
            now = self._clock.now()
            if self._refused and not await self._store.may_fetch_again(self._name, now):
                raise OutsideFault("the token is refused, and another was fetched a moment ago")
            token, seconds = await self._fetch(False)
            if token == self._refused:  # WeChat still thinks it good
                if not await self._store.take_forced(self._name, now):
                    raise OutsideFault("the token is refused, and may not be forced again today")
                token, seconds = await self._fetch(True)
        except BaseException:
            await self._store.release(self._name, self._holder)
            raise
        life = timedelta(seconds=seconds)
        fetched = KeptToken(token, now + max(life - RENEW_BEFORE, SHORTEST), now + life)
        await self._store.keep(self._name, self._holder, fetched)
        self._known = fetched

    def _renewed(self, task: asyncio.Task[None]) -> None:
        self._renewing = None
        self._refused = ""
        if not task.cancelled():
            task.exception()  # taken note of, in case nobody waits for it any more
