"""The torture of live updates: clients that keep losing their sockets, gateways and primaries, against the log."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from resolvers.live.model import number_of
from resolvers.mongo import Connection
from scripts.tortures.kills import DEAD_SECONDS, Killer
from scripts.tortures.live_check import COUPONS, ORDER, WALLET, Story, Told, live_breaches
from scripts.tortures.live_traffic import LiveTraffic, endless_template
from scripts.tortures.rig import Rig
from scripts.tortures.run import http_session, look_around
from scripts.tortures.settle import until_quiet
from scripts.tortures.stories_of_orders import place
from scripts.tortures.watchers import Watcher

LOOK_SECONDS = 0.25
FINISH_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class LivePlan:
    """What was asked for. `kill_every`: seconds between two things of ours that fail; at least one of each does."""

    disconnects: int
    clients: int
    seed: int
    gateways: int = 2
    kill_every: float = 8.0
    primaries_die: bool = True  # as well as stepping down, which is over sooner


@dataclass(slots=True)
class LiveOutcome:
    """What came of it; `breaches` is empty when all is well."""

    plan: LivePlan
    stories: list[Story]
    logs: dict[str, list[Told]]
    newest: dict[str, int]
    lost: Counter[str]
    killed: Counter[str]
    seconds: float
    breaches: list[str] = field(default_factory=list)

    @property
    def disconnects(self) -> int:
        """How often a client was without its stream, whoever ended it."""
        return self.lost.total()


async def torture_live(plan: LivePlan, folder: Path) -> LiveOutcome:
    """Run it in an empty folder. Raises CannotStart when it cannot begin, or the database does not come back."""
    async with Rig(folder, plan.gateways) as rig, http_session() as http:
        traffic = LiveTraffic(await look_around(rig, http), http, rig.simulator_url, plan.clients, plan.seed)
        connection = Connection(rig.mongo.uri, rig.settings["KABAO_DATABASE"])
        try:
            traffic.template_id = await endless_template(connection, rig.seeded["template_ids"]["cash-50"])
            await traffic.arrive()
            return await _run(plan, rig, traffic, connection)
        finally:
            await connection.close()


async def _run(plan: LivePlan, rig: Rig, traffic: LiveTraffic, connection: Connection) -> LiveOutcome:
    lost, stop = Counter[str](), asyncio.Event()
    watchers = await _watchers(plan, traffic, lost)
    killer = Saboteur(rig, plan.kill_every, plan.seed, primaries_die=plan.primaries_die)
    began = time.monotonic()
    living = asyncio.create_task(traffic.run())
    watching = [asyncio.create_task(watcher.run(stop)) for watcher in watchers]
    killing = asyncio.create_task(killer.run_until(stop))
    try:
        while lost.total() < plan.disconnects or len(killer.done) < len(killer.ways):
            await asyncio.sleep(LOOK_SECONDS)
            for task in (living, killing, *watching):
                if task.done():
                    task.result()
        stop.set()
        traffic.stop()
        seconds = time.monotonic() - began
        await asyncio.gather(living, killing, *watching)
        left = await until_quiet(connection, rig.simulator_url, FINISH_SECONDS, hasten=True)
        newest = {client.id: await _newest(connection, client.id) for client in traffic.clients}
        ended = await asyncio.gather(
            *(watcher.finish(newest[watcher.story.customer_id]) for watcher in watchers), return_exceptions=True
        )
    finally:
        tasks = (living, killing, *watching)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    logs = {client.id: await read_log(connection, client.id) for client in traffic.clients}
    stories = [watcher.story for watcher in watchers]
    outcome = LiveOutcome(plan, stories, logs, newest, lost, killer.done, seconds)
    outcome.breaches = live_breaches(stories, logs, newest)
    outcome.breaches += [wrong for watcher in watchers for wrong in watcher.wrong]
    outcome.breaches += [f"never reached the end of the log: {error!r}" for error in ended if error is not None]
    outcome.breaches += [f"not quiet: {left}"] if left else []
    outcome.breaches += [f"a gateway ended by itself: {each}" for each in killer.kills.ended_by_itself]
    return outcome


async def _watchers(plan: LivePlan, traffic: LiveTraffic, lost: Counter[str]) -> list[Watcher]:
    """For each client a screen of each kind, from the cursor that a query has given."""
    found = []
    for client in traffic.clients:
        await place(client)
        cursor = (await client.api.ask("{ me { wallet { cursor } } }"))["me"]["wallet"]["cursor"]
        start = number_of(cursor, client.id)
        found += [Watcher(client, stream, start, lost, str(plan.seed)) for stream in (WALLET, COUPONS, ORDER)]
    return found


class Saboteur(Killer):
    """Lets things of ours fail in turn: a gateway is killed, the primary steps down, the primary is killed."""

    def __init__(self, rig: Rig, every_seconds: float, seed: int, *, primaries_die: bool) -> None:
        super().__init__(rig, every_seconds, seed)
        self.done = Counter[str]()
        self.ways: dict[str, Callable[[], Awaitable[None]]] = {
            "gateways killed": self._gateway,
            "primaries that stepped down": self._step_down,
            **({"primaries killed": self._primary} if primaries_die else {}),
        }

    async def run_until(self, stop: asyncio.Event) -> None:
        """One after the other, until told to stop."""
        while True:
            for name, way in self.ways.items():
                try:
                    async with asyncio.timeout(self._every):
                        await stop.wait()
                    return
                except TimeoutError:
                    await way()
                    self.done[name] += 1

    async def _gateway(self) -> None:
        number = self._dice.randrange(len(self._rig.gateway_urls))
        self.kills.ended_by_itself += self._rig.ended_by_themselves()
        await self._rig.kill_gateway(number)
        await asyncio.sleep(self._dice.uniform(0, 1))
        await self._start_gateway(number)

    async def _step_down(self) -> None:
        await self._when_all_follow(self._rig.mongo.step_down)

    async def _primary(self) -> None:
        await self._when_all_follow(self._rig.mongo.kill_primary)
        await asyncio.sleep(DEAD_SECONDS)
        await self._when_all_follow(self._rig.mongo.restart_dead)


async def read_log(connection: Connection, customer_id: str) -> list[Told]:
    """The events of a customer as they must have been told."""
    found = connection.collection("events").find({"customer_id": customer_id}).sort("number", 1)
    return [
        Told(
            document["number"],
            document["kind"].title().replace("_", ""),
            document["subject_id"],
            document["snapshot"].get("revision") if document["kind"] != "POINTS_CHANGED" else None,
            round(document["at"].timestamp() * 1000),
        )
        async for document in found
    ]


async def _newest(connection: Connection, customer_id: str) -> int:
    document = await connection.collection("customers").find_one({"_id": customer_id}, projection={"sequence": 1})
    return int(document["sequence"]) if document else 0


def live_report(outcome: LiveOutcome) -> str:
    """The figures and the verdict, as lines."""
    segments = [segment for story in outcome.stories for segment in story.segments]
    told = sum(len(segment.told) for segment in segments)
    plan = outcome.plan
    lines = [
        f"{plan.clients} clients with 3 streams each, gateways: {plan.gateways}",
        f"{outcome.seconds:.0f} s, seed {plan.seed}",
        f"{outcome.disconnects} times a stream was lost:",
        *(f"  {count:6} {reason}" for reason, count in outcome.lost.most_common()),
        "failed meanwhile: " + ", ".join(f"{name} {count}" for name, count in outcome.killed.items()),
        f"{sum(outcome.newest.values())} events in the logs, {told} told in {len(segments)} subscriptions",
        "",
        *(f"  BREACH {breach}" for breach in outcome.breaches[:40]),
    ]
    good = "every client was told exactly what follows its cursor, in order, nothing twice, nothing lost"
    lines.append(f"{len(outcome.breaches)} breaches" if outcome.breaches else good)
    return "\n".join(lines)
