"""A child of the local stack that is meant to run for as long as we do, or to the end of its one task."""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

from scripts.processes import CannotStart, how_it_ended, last_line, start_process, stop_process

START_SECONDS = 60.0

_POLL_SECONDS = 0.03

Found = TypeVar("Found")


@dataclass(frozen=True)
class Part:
    """A process with a name for messages and a log that holds all it says."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    @classmethod
    async def start(
        cls, name: str, command: list[str], *, log: Path, folder: Path, environment: Mapping[str, str]
    ) -> Self:
        # SIGTERM, so that a gateway that loses us stops its own workers
        process = await start_process(
            command, output=log, folder=folder, environment=environment, death_signal=signal.SIGTERM
        )
        return cls(name, process, log)

    async def until_ready(self, ready: Callable[[], Awaitable[Found | None]]) -> Found:
        """Ask `ready` until it answers; raises CannotStart when the process ends first or takes too long."""
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while (found := await ready()) is None:
            if self.process.returncode is not None:
                raise CannotStart(f"{self.name} did not start, {self.why_it_ended()}")
            if asyncio.get_running_loop().time() > deadline:
                raise CannotStart(f"{self.name} was not ready within {START_SECONDS:.0f} s; read {self.log}")
            await asyncio.sleep(_POLL_SECONDS)
        return found

    async def until_lost(self) -> str:
        """Wait for the process to end by itself; returns the line that says so."""
        await self.process.wait()
        return f"{self.name} ended unexpectedly, {self.why_it_ended()}"

    async def until_done(self) -> None:
        """Wait for a part that has one task; raises CannotStart when it failed at it."""
        if await self.process.wait() != 0:
            raise CannotStart(f"{self.name} failed, {self.why_it_ended()}")

    async def stop(self) -> None:
        await stop_process(self.process)

    def why_it_ended(self) -> str:
        return f"{how_it_ended(self.process.returncode or 0)}: {last_line(self.log)} (all of it: {self.log})"
