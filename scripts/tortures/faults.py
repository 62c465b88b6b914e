"""A provider that errs: now and then a call fails, is carried out without an answer, or a notification goes astray."""

import asyncio
import random

import aiohttp

CALLS = ("transactions/jsapi", "qpay_unified_order", "refund", "close", "query")  # as far as a path is matched
CALL_MODES = ("error", "timeout", "drop")
NOTIFICATION_MODES = ("drop", "late", "duplicate")
EVERY_SECONDS = 1.0
TIMES = 3  # in a row, at the most


async def err(http: aiohttp.ClientSession, simulator: str, seed: int) -> None:
    """Put one rule after the other in force until cancelled; then none is."""
    dice, url = random.Random(f"{seed}/faults"), f"{simulator}/_control/faults"
    try:
        while True:
            match = dice.choice([*CALLS, "notify"])
            mode = dice.choice(NOTIFICATION_MODES if match == "notify" else CALL_MODES)
            async with http.post(url, json={"match": match, "mode": mode, "times": dice.randint(1, TIMES)}) as answer:
                answer.raise_for_status()
            await asyncio.sleep(EVERY_SECONDS)
    finally:
        async with http.delete(url):
            pass
