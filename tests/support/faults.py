"""Making the platforms misbehave for the length of a block."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp


@asynccontextmanager
async def fault(
    http: aiohttp.ClientSession, simulator: str, match: str, mode: str, times: int = 1
) -> AsyncIterator[None]:
    """What matches goes wrong so often within the block; afterwards nothing does."""
    rule = {"match": match, "mode": mode, "times": times}
    async with http.post(f"{simulator}/_control/faults", json=rule) as answer:
        assert answer.status == 200, await answer.text()
    try:
        yield
    finally:
        async with http.delete(f"{simulator}/_control/faults"):
            pass
