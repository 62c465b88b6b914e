"""Whether a gateway's memory comes back: sockets by the thousand come, watch and go, and its resident size is told."""

import asyncio
import contextlib
import random
from pathlib import Path

import aiohttp

from scripts.client import PROTOCOL
from scripts.tortures.client import Client
from scripts.tortures.rig import Rig
from scripts.tortures.run import http_session, look_around
from scripts.tortures.traffic import Traffic

AT_ONCE = 20  # people who come and go at the same time
ROUND = 1_000  # sockets between two looks
WATCH = "subscription { walletUpdates { __typename cursor } }"
GROWTH = 0.10  # after the first rounds have filled every pool and cache, more than this is a leak
WARM_ROUNDS = 2


async def come_and_go(count: int, folder: Path) -> tuple[str, list[str]]:
    """So many sockets on one gateway; the figures, and what is wrong with them. Raises CannotStart."""
    async with Rig(folder) as rig, http_session() as http:
        traffic = Traffic(await look_around(rig, http), http, rig.simulator_url, AT_ONCE, 1)
        await traffic.arrive()
        lines, sizes = ["sockets   resident MB", f"{0:7} {rig.resident(0) / 1e6:13.1f}"], list[int]()
        for done in range(ROUND, count + 1, ROUND):
            each = ROUND // AT_ONCE
            await asyncio.gather(*(_one_after_the_other(client, each, done) for client in traffic.clients))
            await asyncio.sleep(1)
            sizes.append(rig.resident(0))
            lines.append(f"{done:7} {sizes[-1] / 1e6:13.1f}")
    warm = sizes[min(WARM_ROUNDS, len(sizes)) - 1]
    growth = sizes[-1] / warm - 1
    lines.append(f"growth since {min(WARM_ROUNDS, len(sizes)) * ROUND}: {growth:+.1%}")
    return "\n".join(lines), [f"grew by {growth:.1%}"] if growth > GROWTH else []


async def _one_after_the_other(client: Client, count: int, seed: int) -> None:
    dice = random.Random(f"{client.name}/{seed}")
    await client.stay_signed_in()
    init = {"type": "connection_init", "payload": {"authorization": f"Bearer {client.api.token}"}}
    for _ in range(count):
        socket = await client.http.ws_connect(f"{client.shop.gateways[0]}/graphql", protocols=[PROTOCOL])
        await socket.send_json(init)
        acknowledged = await socket.receive_json(timeout=30)
        if acknowledged["type"] != "connection_ack":
            raise ConnectionError(acknowledged)
        for operation_id in ("1", "2"):
            await socket.send_json({"type": "subscribe", "id": operation_id, "payload": {"query": WATCH}})
        connection = socket._response.connection
        if dice.random() < 0.5 and connection is not None and connection.transport is not None:
            connection.transport.abort()
        with contextlib.suppress(aiohttp.ClientError, OSError):
            await socket.close()
