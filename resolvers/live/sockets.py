"""How many sockets one person may hold open: a few per app, over all processes; the newest stay."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from resolvers.app import App
from resolvers.ids import new_id
from resolvers.mongo import PyMongoError
from resolvers.people.model import SignedIn

FORGET_SECONDS = 20.0  # to note that a socket has ended, through a fail-over; not noted, it counts as long as its token
AGAIN_SECONDS = 0.5


@asynccontextmanager
async def admitted(app: App, person: SignedIn, until: datetime, replaced: Callable[[], None]) -> AsyncIterator[None]:
    """A place for one more socket, which ends at `until` at the latest. `replaced` is called when a newer one takes it.

    Costs one write when a socket opens and one when it ends, nothing in between. A place that a process took with it
    when it died lapses with the token: at most 15 minutes. Raises PyMongoError.
    """
    place = f"{person.customer_id}:{person.platform.value}:{person.app_id}"
    now = app.clock.now()
    socket_id = new_id("sck", now)
    with app.hub.on_socket_replaced(socket_id, replaced):
        oldest = await app.live.admit_socket(place, socket_id, now, until)
        if oldest is not None:
            app.hub.replace_socket(oldest)
        try:
            yield
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(FORGET_SECONDS):
                    await _forget(app, place, socket_id)


async def _forget(app: App, place: str, socket_id: str) -> None:
    while True:
        with contextlib.suppress(PyMongoError):
            await app.live.forget_socket(place, socket_id)
            return
        await asyncio.sleep(AGAIN_SECONDS)
