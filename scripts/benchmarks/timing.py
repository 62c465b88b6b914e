"""Measuring rates: many callers for a while, after a warm-up."""

import asyncio
import time
from collections.abc import Awaitable, Callable

Call = Callable[[int], Awaitable[None]]


async def rate(call: Call, callers: int, seconds: float) -> float:
    """Calls per second of `callers` that each call again and again; `call` gets the caller's number."""
    await asyncio.gather(*(call(number) for number in range(callers)))
    end, count = time.perf_counter() + seconds, 0

    async def one(number: int) -> None:
        nonlocal count
        while time.perf_counter() < end:
            await call(number)
            count += 1

    started = time.perf_counter()
    await asyncio.gather(*(one(number) for number in range(callers)))
    return count / (time.perf_counter() - started)


def row(name: str, ours: float, bare: float, note: str) -> str:
    """A line of the table."""
    return f"{name:<44} {ours:>9.0f}/s {bare:>9.0f}/s {ours / bare:>7.2f}  {note}"


HEADER = f"{'':<44} {'Kabao':>11} {'bare':>11} {'ratio':>7}"
