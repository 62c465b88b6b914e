"""Calls that race: what each came to."""

import asyncio
from collections.abc import Awaitable, Callable

from resolvers.errors import Refused, TryAgain


async def settled(call: Callable[[], Awaitable[object]]) -> str:
    """`won` or the refusal's code; a call that is told to try again does so, as clients do."""
    while True:
        try:
            await call()
        except Refused as refusal:
            return refusal.code
        except TryAgain:
            await asyncio.sleep(0.05)
            continue
        return "won"
