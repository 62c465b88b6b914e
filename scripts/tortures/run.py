"""One torture from beginning to end: start, let clients act while things are killed, settle, check."""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from resolvers.mongo import Connection
from scripts.client import Api, Json
from scripts.tortures.books import Books, read_books
from scripts.tortures.check import breaches
from scripts.tortures.client import Shop
from scripts.tortures.faults import err
from scripts.tortures.kills import Killer, Kills
from scripts.tortures.log import Log, longest_outage
from scripts.tortures.rig import Rig
from scripts.tortures.settle import provider_view, until_quiet
from scripts.tortures.traffic import Traffic

WITHOUT_ANSWER_SECONDS = 180.0  # all clients together, once nothing is killed any more
CHEAP_FEN = 10_000  # dishes up to this price are ordered
TIERS = (20_000, 50_000)  # the tiers without a limit per person that fit on a card many times

MENU = """query Menu($id: ID!) { store(id: $id) { brand { topUpTiers { id amount { amountFen } bonus { amountFen } } }
  menu { sections { items { available soldOut price { amountFen } dish { id optionGroups { minimum } } } } } } }"""


@dataclass(frozen=True, slots=True)
class Plan:
    """What was asked for. `quiet_seconds` is how long things may take to settle; `hasten` spares the waiting."""

    seconds: float
    clients: int
    kill_every: float
    seed: int
    quiet_seconds: float = 180.0
    hasten: bool = False
    gateways: int = 1
    faults: bool = False  # the providers err, too


@dataclass(slots=True)
class Outcome:
    """What came of it; `breaches` is empty when all is well."""

    plan: Plan
    log: Log
    books: Books
    kills: Kills
    lost: Counter[str]
    breaches: list[str]
    outage_seconds: float
    settled_seconds: float
    tiers: dict[str, tuple[int, int]]


async def torture(plan: Plan, folder: Path) -> Outcome:
    """Run it in an empty folder. Raises CannotStart when it cannot begin, or the database does not come back."""
    async with Rig(folder, plan.gateways) as rig, http_session() as http:
        shop = await look_around(rig, http)
        traffic = Traffic(shop, http, rig.simulator_url, plan.clients, plan.seed)
        await traffic.arrive()
        killer = Killer(rig, plan.kill_every, plan.seed)
        start = time.monotonic()
        living = asyncio.create_task(traffic.run())
        erring = asyncio.create_task(err(http, rig.simulator_url, plan.seed)) if plan.faults else None
        try:
            await killer.run(plan.seconds)
            await _ended(erring)
            end = time.monotonic()
            traffic.stop()
            await asyncio.wait_for(living, WITHOUT_ANSWER_SECONDS + 30)
        finally:
            await _ended(erring)
            await _ended(living)
        connection = Connection(rig.mongo.uri, rig.settings["KABAO_DATABASE"])
        try:
            left = await until_quiet(connection, rig.simulator_url, plan.quiet_seconds, hasten=plan.hasten)
            settled = time.monotonic() - end
            books = await read_books(connection, await provider_view(rig.simulator_url))
        finally:
            await connection.close()
        killer.kills.ended_by_itself += rig.ended_by_themselves()
    found = breaches(traffic.log, books, shop.tiers)
    found += [f"not quiet after {plan.quiet_seconds:.0f} s: {left}"] if left else []
    found += [f"a gateway ended by itself: {each}" for each in killer.kills.ended_by_itself]
    found += [f"answered INTERNAL: {each}" for each in traffic.caller.internal]
    outage = longest_outage(traffic.log.moments(), start, end)
    return Outcome(plan, traffic.log, books, killer.kills, traffic.caller.lost, found, outage, settled, shop.tiers)


async def look_around(rig: Rig, http: aiohttp.ClientSession) -> Shop:
    """What the store sells, as any visitor sees it."""
    api = Api(http, f"{rig.gateway_urls[0]}/graphql")
    store = (await api.ask(MENU, id=rig.seeded["store_id"]))["store"]
    items = [item for section in store["menu"]["sections"] for item in section["items"] if _simple(item)]
    tiers = [tier for tier in store["brand"]["topUpTiers"] if tier["amount"]["amountFen"] in TIERS]
    return Shop(
        brand_id=rig.seeded["brand_id"],
        store_id=rig.seeded["store_id"],
        dishes={item["dish"]["id"]: item["price"]["amountFen"] for item in items},
        tiers={tier["id"]: (tier["amount"]["amountFen"], tier["bonus"]["amountFen"]) for tier in tiers},
        gateways=tuple(rig.gateway_urls),
        app_ids={"WECHAT": rig.settings["KABAO_WECHAT_APP_ID"], "QQ": rig.settings["KABAO_QQ_APP_ID"]},
        staff=rig.seeded["staff"],
    )


async def _ended(task: asyncio.Task[None] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.wait([task])


def _simple(item: Json) -> bool:
    needs = any(group["minimum"] for group in item["dish"]["optionGroups"])
    return item["available"] and not item["soldOut"] and not needs and item["price"]["amountFen"] <= CHEAP_FEN


def http_session() -> aiohttp.ClientSession:
    """What all clients together send over: any number of connections."""
    return aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=60))


def dump(outcome: Outcome, path: Path) -> None:
    """Write the log and the breaches, one JSON object a line, for whoever has to find out why."""

    def plain(value: Any) -> str:
        return str(value)

    with path.open("w", encoding="utf-8") as file:
        for breach in outcome.breaches:
            file.write(json.dumps({"breach": breach}, ensure_ascii=False) + "\n")
        for each in outcome.log:
            about = {name: getattr(each, name) for name in each.__slots__}
            file.write(json.dumps(about, ensure_ascii=False, default=plain) + "\n")
