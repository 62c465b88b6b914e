"""What the members of the embedded replica set are told and asked: who belongs to it, who is primary, who shall be."""

import asyncio
from collections.abc import Sequence
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo.errors import OperationFailure, PyMongoError

from scripts.mongod import REPLICA_SET, Mongod
from scripts.processes import CannotStart

READY_SECONDS = 60.0

_POLL_SECONDS = 0.02
_SETTINGS = {
    "electionTimeoutMillis": 2000,  # the default of 10 s makes every fail-over slow
    "heartbeatIntervalMillis": 500,  # several within an election timeout, so that one late heartbeat elects nobody
}
_NOT_YET_INITIALIZED = 94


class ReplicaSet:
    """Direct connections to each member, each kept for as long as the member is the same process."""

    def __init__(self, members: Sequence[Mongod]) -> None:
        self._members = members
        self._clients: dict[int, AsyncIOMotorClient[dict[str, Any]]] = {}

    def close(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    async def form(self) -> None:
        """Found the set; where it exists and the members' ports have changed since, tell it the new ones."""
        deadline = asyncio.get_running_loop().time() + READY_SECONDS
        while True:
            try:
                return await self._form()
            except PyMongoError as error:  # it was just reading or receiving a configuration, so look again
                if asyncio.get_running_loop().time() > deadline:
                    raise CannotStart(f"the MongoDB replica set could not be formed: {error}") from None
                await asyncio.sleep(_POLL_SECONDS)

    async def _form(self) -> None:
        first, addresses = self._members[0], [member.address for member in self._members]
        members = [{"_id": number, "host": address} for number, address in enumerate(addresses)]
        config = await self._config(first)
        if config is None:
            founded = {"_id": REPLICA_SET, "members": members, "settings": _SETTINGS}
            await self._ask(first, replSetInitiate=founded)
        elif [member["host"] for member in config["members"]] != addresses:
            # By force: members that no longer find themselves in the set elect no primary to do it.
            moved = {**config, "members": members, "version": config["version"] + 1}
            await self._ask(first, replSetReconfig=moved, force=True)

    async def primary(self) -> Mongod | None:
        for member in self._members:
            if (await self._hello(member)).get("isWritablePrimary"):
                return member
        return None

    async def step_down(self, primary: Mongod, seconds: int) -> None:
        catch_up = 0 if len(self._members) == 1 else min(1, seconds - 1)  # alone there is nobody to wait for
        await self._ask(primary, replSetStepDown=seconds, secondaryCatchUpPeriodSecs=catch_up, force=True)

    async def until_writable(self, *, hasten: bool, everyone: bool = True) -> None:
        """Return when a majority has acknowledged a write and every running member follows, or without `everyone` most.

        `hasten` asks a secondary to stand for election now instead of when its election timeout has passed.
        """
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not await self._writable(hasten, everyone):
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError:
            raise CannotStart(
                f"the MongoDB replica set had no primary within {READY_SECONDS:.0f} s; read {self._members[0].log}"
            ) from None

    async def _writable(self, hasten: bool, everyone: bool) -> bool:
        running = [member for member in self._members if member.running]
        answers = [await self._hello(member) for member in running]
        following = sum(bool(hello.get("isWritablePrimary") or hello.get("secondary")) for hello in answers)
        if following < (len(running) if everyone else len(self._members) // 2 + 1):
            return False
        primary = await self.primary()
        if primary is None:
            if hasten:
                await self._elect_now()
            return False
        try:
            concern = {"w": "majority", "wtimeout": 2000}
            await self._ask(primary, appendOplogNote=1, data={"start": 1}, writeConcern=concern)
        except PyMongoError:
            return False
        return True

    async def _elect_now(self) -> None:
        """Let the first member stand that may; one that lacks acknowledged writes gets no majority."""
        for member in filter(lambda member: member.running, self._members):
            try:
                await self._ask(member, replSetStepUp=1)
                return
            except PyMongoError:
                continue

    async def _config(self, member: Mongod) -> dict[str, Any] | None:
        try:
            config: dict[str, Any] = (await self._ask(member, replSetGetConfig=1))["config"]
            return config
        except OperationFailure as error:
            if error.code == _NOT_YET_INITIALIZED:
                return None
            raise

    async def _hello(self, member: Mongod) -> dict[str, Any]:
        try:
            return await self._ask(member, hello=1) if member.running else {}
        except PyMongoError:
            return {}

    async def _ask(self, member: Mongod, **command: Any) -> dict[str, Any]:
        if not member.running or member.pid is None:
            raise CannotStart(f"MongoDB ended: {member.why_it_ended()}")
        if member.pid not in self._clients:
            self._clients[member.pid] = AsyncIOMotorClient(
                "127.0.0.1", member.port, directConnection=True, serverSelectionTimeoutMS=2000
            )
        answer: dict[str, Any] = await self._clients[member.pid].admin.command(command)
        return answer
