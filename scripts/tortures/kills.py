"""Killing: the primary every few seconds, the gateway at moments of chance, each started again with its data."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import PyMongoError

from scripts.mongod import Mongod
from scripts.processes import CannotStart
from scripts.tortures.rig import Rig

DEAD_SECONDS = 2.5  # before a member is started again: the others have noticed and elected a primary by themselves
FOLLOW_SECONDS = 20.0  # for a member to follow again, normally two; one that does not is killed and started once more
GATEWAY_AGAIN_SECONDS = 1.0  # before a gateway is started again, at the most


@dataclass(slots=True)
class Kills:
    """What was killed, at which moments (monotonic, in seconds), and what did not come up as it should."""

    primaries: list[float] = field(default_factory=list)
    gateways: list[float] = field(default_factory=list)
    failed_starts: list[str] = field(default_factory=list)
    ended_by_itself: list[str] = field(default_factory=list)  # a gateway that nobody had killed
    stuck: list[str] = field(default_factory=list)  # members that did not follow again, e.g. held up in their rollback


class Killer:
    """Kills for a while, and leaves everything running."""

    def __init__(self, rig: Rig, every_seconds: float, seed: int) -> None:
        self.kills = Kills()
        self._rig = rig
        self._every = every_seconds
        self._dice = random.Random(f"{seed}/kills")

    async def run(self, seconds: float) -> None:
        """Kill for so long, then mend. A gateway lives longer than a primary, more or less. Raises CannotStart."""
        until = time.monotonic() + seconds
        killing = [asyncio.create_task(kill(until)) for kill in (self._kill_primaries, self._kill_gateways)]
        try:
            await asyncio.gather(*killing)
        finally:
            for task in killing:
                task.cancel()

    async def _kill_primaries(self, until: float) -> None:
        wait = self._every
        while await self._sleep(wait, until):
            await self._when_all_follow(self._rig.mongo.kill_primary)
            self.kills.primaries.append(time.monotonic())
            await asyncio.sleep(DEAD_SECONDS)
            await self._when_all_follow(self._rig.mongo.restart_dead)
            lasted = time.monotonic() - self.kills.primaries[-1]
            wait = max(0.0, self._every * self._dice.uniform(0.7, 1.3) - lasted)

    async def _when_all_follow(self, step: Callable[[], Awaitable[object]]) -> None:
        """Do what needs all members to follow. The others serve while one is slow to, so that is no outage."""
        while True:
            try:
                async with asyncio.timeout(FOLLOW_SECONDS):
                    await step()
                    return
            except TimeoutError:
                for member in self._rig.mongo.members:
                    if member.running and (state := await _state(member)) not in ("PRIMARY", "SECONDARY"):
                        self.kills.stuck.append(f"{member.name} {state}")
                        await member.kill()
                await self._rig.mongo.restart_dead()

    async def _kill_gateways(self, until: float) -> None:
        while await self._sleep(self._every * self._dice.uniform(0.5, 2.5), until):
            number = self._dice.randrange(len(self._rig.gateway_urls))
            self.kills.ended_by_itself += self._rig.ended_by_themselves()
            await self._rig.kill_gateway(number)
            self.kills.gateways.append(time.monotonic())
            await asyncio.sleep(self._dice.uniform(0, GATEWAY_AGAIN_SECONDS))
            await self._start_gateway(number)

    async def _start_gateway(self, number: int) -> None:
        while True:
            try:
                await self._rig.start_gateway(number)
                return
            except (CannotStart, TimeoutError) as error:
                self.kills.failed_starts.append(str(error) or "not ready in time")
                await self._rig.kill_gateway(number)
                await asyncio.sleep(0.5)

    @staticmethod
    async def _sleep(seconds: float, until: float) -> bool:
        """Sleep; False when the time is over meanwhile."""
        left = until - time.monotonic()
        await asyncio.sleep(max(0.0, min(seconds, left)))
        return seconds < left


async def _state(member: Mongod) -> str:
    """What a member calls itself: PRIMARY, SECONDARY, ROLLBACK …; UNKNOWN when it does not say."""
    client: AsyncIOMotorClient[dict[str, Any]] = AsyncIOMotorClient(
        "127.0.0.1", member.port, directConnection=True, serverSelectionTimeoutMS=2000, socketTimeoutMS=2000
    )
    try:
        status = await client.admin.command("replSetGetStatus")
        return next((str(each["stateStr"]) for each in status["members"] if each.get("self")), "UNKNOWN")
    except PyMongoError:
        return "UNKNOWN"
    finally:
        client.close()
