"""A real MongoDB replica set of one or three members in a data folder, for development and for tests.

A replica set even for one member, because transactions and change streams exist only there. Everything is on 127.0.0.1,
on ports that are remembered in the folder; when one has been taken meanwhile, the set moves to a new one with its data.
"""

import asyncio
import json
from pathlib import Path
from types import TracebackType
from typing import Self

from scripts.mongod import REPLICA_SET, Mongod
from scripts.processes import CannotStart
from scripts.replica_set import ReplicaSet


class EmbeddedMongo:
    """`async with EmbeddedMongo(folder) as mongo: client = AsyncIOMotorClient(mongo.uri)`.

    Without `members` it has as many as the folder holds, one in a new folder. One may grow to three, never the reverse:
    the member that stayed might lack what the other two have acknowledged.
    """

    def __init__(self, data: Path, members: int | None = None) -> None:
        self._data = data.absolute()
        self._memory = self._data / "embedded-mongo.json"
        count = members or len(self._remembered_ports()) or 1
        if count not in (1, 3):
            raise ValueError("a replica set here has 1 or 3 members")
        self._names = [f"member-{number}" for number in range(count)]
        self.members: list[Mongod] = []
        self._set = ReplicaSet(self.members)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def uri(self) -> str:
        return f"mongodb://{','.join(member.address for member in self.members)}/?replicaSet={REPLICA_SET}"

    async def start(self) -> None:
        """Start all members and return when a majority of them has acknowledged a write; raises CannotStart."""
        self._data.mkdir(parents=True, exist_ok=True)
        ports = self._remembered_ports()
        if len(ports) > len(self._names):
            raise CannotStart(
                f"{self._data} holds a replica set of {len(ports)} members; start it with --members {len(ports)}, "
                "or discard its data with --fresh"
            )
        self.members[:] = [Mongod(self._data, name, ports.get(name)) for name in self._names]
        try:
            await self._start(self.members)
            await self._set.form()
            await self._set.until_writable(hasten=True)
        except BaseException:
            await self.stop()
            raise
        self._memory.write_text(json.dumps({member.name: member.port for member in self.members}), "utf-8")

    async def stop(self) -> None:
        """Stop all members cleanly; nothing of them is left when this returns."""
        self._set.close()
        await asyncio.gather(*(member.stop() for member in self.members))

    async def step_down(self, seconds: int = 2) -> None:
        """Let the primary resign and not stand again for `seconds`; returns when the set can be written again."""
        await self._set.step_down(await self._primary(), seconds)
        await self._set.until_writable(hasten=False)

    async def kill_primary(self) -> Mongod:
        """SIGKILL the primary and return it at once; three members elect another, one is gone until `restart_dead`."""
        primary = await self._primary()
        await primary.kill()
        return primary

    async def restart_dead(self) -> None:
        """Start again, on their ports, the members that have ended; returns when most follow a primary.

        A former primary that rolls back may take a minute or more for it, while the others serve.
        """
        await self._start([member for member in self.members if not member.running])
        await self._set.until_writable(hasten=True, everyone=False)

    async def until_a_member_ends(self) -> Mongod:
        """Wait until a member ends by itself or is killed, and return it."""
        waits = {asyncio.create_task(member.wait()): member for member in self.members}
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return waits[done.pop()]
        finally:
            for wait in waits:
                wait.cancel()

    async def _primary(self) -> Mongod:
        await self._set.until_writable(hasten=False)
        primary = await self._set.primary()
        if primary is None:
            raise CannotStart("the MongoDB replica set lost its primary just now; try again")
        return primary

    async def _start(self, members: list[Mongod]) -> None:
        results = await asyncio.gather(*(member.start() for member in members), return_exceptions=True)
        for result in results:  # only when all have settled, so that none is still starting while we clean up
            if isinstance(result, BaseException):
                raise result

    def _remembered_ports(self) -> dict[str, int]:
        if not self._memory.exists():
            return {}
        ports: dict[str, int] = json.loads(self._memory.read_text("utf-8"))
        return ports
