"""After the kills: waiting until what is on its way has arrived."""

import asyncio
import time
from datetime import UTC, datetime

from resolvers.audit.model import ProviderRow
from resolvers.mongo import Connection
from scripts.audit_books import read_provider

_LOOK_SECONDS = 0.5


async def until_quiet(connection: Connection, simulator: str, seconds: float, *, hasten: bool) -> str | None:
    """Wait for the outbox, for refunds, and for payments that the provider calls paid; tells what is left, if anything.

    `hasten` moves what is due later (a dead worker's lease, the next question to the provider) to now, as if the time
    had passed.
    """
    until = time.monotonic() + seconds
    while True:
        left = await _left(connection, await provider_view(simulator))
        if not any(left.values()):
            return None
        if time.monotonic() > until:
            return ", ".join(f"{name}: {', '.join(ids[:5])}" for name, ids in left.items() if ids)
        if hasten:
            await _hasten(connection)
        await asyncio.sleep(_LOOK_SECONDS)


async def provider_view(simulator: str) -> list[ProviderRow]:
    """The provider's own books."""
    return await asyncio.to_thread(read_provider, simulator)


async def _left(connection: Connection, provider: list[ProviderRow]) -> dict[str, list[str]]:
    paid = [row.number for row in provider if row.done and not row.is_refund]
    unsettled = {"_id": {"$in": paid}, "status": {"$in": ["PENDING", "CLOSED", "FAILED"]}}
    wanted = {
        "outbox": {"state": "WAITING"},
        "refunds": {"status": {"$in": ["REQUESTED", "PROCESSING"]}},
        "payments": unsettled,
    }
    return {
        name: [document["_id"] async for document in connection.collection(name).find(query, projection={"_id": 1})]
        for name, query in wanted.items()
    }


async def _hasten(connection: Connection) -> None:
    now = datetime.now(UTC)
    later = {"$gt": now}
    await connection.collection("outbox").update_many({"state": "WAITING", "due_at": later}, {"$set": {"due_at": now}})
    for name, status in (("payments", "PENDING"), ("refunds", "PROCESSING")):
        await connection.collection(name).update_many({"status": status, "poll_at": later}, {"$set": {"poll_at": now}})
