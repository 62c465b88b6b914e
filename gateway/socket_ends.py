"""What ends a socket besides its client: its token, its session, silence, and a newer socket in its place."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime
from typing import Any

from gateway.frames import Close
from gateway.sign_in_check import SessionEnded
from resolvers.live.store import MAXIMUM_SOCKETS
from resolvers.ports import Clock

TRY_LATER = 1013  # clients take 1011 for final and would not come back
REPLACED = 1008  # clients take it for final: one that came back at once would push out the next, in a circle
PING_SECONDS = 12.0  # of silence, after which the client is asked whether it is there
PONG_SECONDS = 12.0  # to say anything at all; a phone that died is dropped within 30 s, however it died


async def first_to_end(*ends: Coroutine[Any, Any, None]) -> None:
    """Wait for the first of several ends, and stop waiting for the others. Raises what it raises."""
    tasks = [asyncio.create_task(end) for end in ends]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until_over(clock: Clock, expires_at: datetime, ended: asyncio.Event) -> None:
    """Wait for the end of the token or of the session. Raises SessionEnded."""
    seconds = (expires_at - clock.now()).total_seconds()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(seconds, 0)):
            await ended.wait()
    raise SessionEnded


async def until_silent(heard_at: Callable[[], float], ping: Callable[[], Awaitable[None]]) -> None:
    """Ping a client that says nothing. Raises Close when it goes on saying nothing.

    Any frame counts as an answer. `heard_at` tells when the last one came (monotonic, in seconds).
    """
    while True:
        heard = heard_at()
        wait = heard + PING_SECONDS - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
            continue
        await ping()
        await asyncio.sleep(PONG_SECONDS)
        if heard_at() == heard:
            raise Close(TRY_LATER, "No answer to a ping: subscribe again after your last cursor")


async def until_replaced(replaced: asyncio.Event) -> None:
    """Wait until a newer socket takes this one's place. Raises Close."""
    await replaced.wait()
    raise Close(REPLACED, f"Replaced by a newer connection: at most {MAXIMUM_SOCKETS} per customer and app")
