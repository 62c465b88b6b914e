"""What is tortured: a replica set of three, the simulator, a gateway that can be killed, and seeded demo data."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from scripts.data_folder import DataFolder
from scripts.embedded_mongo import EmbeddedMongo
from scripts.part import Part
from scripts.processes import CannotStart, free_port

ROOT = Path(__file__).resolve().parents[2]
SIMULATOR_SPEED = 5  # divides the waits between notifications: 3 s, 3 s, 6 s, 36 s …
READY_SECONDS = 60.0


class Rig:
    """`async with Rig(folder) as rig:`; nothing is left running afterwards. Everything listens on 127.0.0.1."""

    def __init__(self, folder: Path, gateways: int = 1) -> None:
        self._folder = DataFolder(folder)
        self._parts: list[Part] = []
        self._starts = 0
        self.mongo = EmbeddedMongo(self._folder.path / "mongo", members=3)
        self._gateways: list[Part | None] = [None] * gateways
        self.gateway_urls = [f"http://127.0.0.1:{free_port()}" for _ in range(gateways)]
        self.simulator_url = ""
        self.settings: dict[str, str] = {}
        self.seeded: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        self._folder.take()
        try:
            await self.mongo.start()
            await self._start_simulator()
            handed_out = (self._folder.path / "simulator" / "gateway-settings.json").read_text("utf-8")
            self.settings = {
                **json.loads(handed_out),
                "MONGODB_URI": self.mongo.uri,
                "KABAO_DATABASE": "kabao",
                "KABAO_ENVIRONMENT": "development",
                "KABAO_PUBLIC_URL": self.gateway_urls[0],
                "KABAO_SECRET_KEY": self._folder.secret_key(),
                "KABAO_LOG_LEVEL": "WARNING",
            }
            await self._seed()
            for number in range(len(self._gateways)):
                await self.start_gateway(number)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self._stop()

    async def start_gateway(self, number: int) -> None:
        """Start one on its port; returns when it is ready. Raises CannotStart when it ends instead, which it may do
        while the database changes over: whoever keeps it running starts it again."""
        self._starts += 1
        url = self.gateway_urls[number]
        port = url.rpartition(":")[2]
        name = f"gateway-{self._starts}"
        gateway = self._gateways[number] = await self._start(name, ["gateway", "--port", port], self.settings)
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=15)) as http,
            asyncio.timeout(READY_SECONDS),
        ):

            async def ready() -> bool | None:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError, OSError):
                    async with http.get(f"{url}/readyz") as answer:
                        return answer.status == 200 or None
                return None

            await gateway.until_ready(ready)

    async def kill_gateway(self, number: int) -> None:
        """SIGKILL: no goodbye, nothing finished."""
        gateway, self._gateways[number] = self._gateways[number], None
        if gateway is None:
            return
        with contextlib.suppress(ProcessLookupError):
            gateway.process.kill()
        await gateway.process.wait()
        self._parts.remove(gateway)  # its process id may soon be somebody else's

    def resident(self, number: int) -> int:
        """How many bytes of memory a gateway holds, by Linux's account."""
        gateway = self._gateways[number]
        if gateway is None:
            raise LookupError(number)
        pages = Path(f"/proc/{gateway.process.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def ended_by_themselves(self) -> list[str]:
        """What gateways that ended without being killed said last."""
        running = [gateway for gateway in self._gateways if gateway is not None]
        return [gateway.why_it_ended() for gateway in running if gateway.process.returncode is not None]

    async def _start_simulator(self) -> None:
        data = self._folder.path / "simulator"
        command = ["scripts.simulator", "--data", str(data), "--speed", str(SIMULATOR_SPEED)]
        part = await self._start("simulator", command, {})

        async def announced() -> str | None:
            for line in part.log.read_text("utf-8", "replace").splitlines(keepends=True):
                if line.startswith("ready ") and line.endswith("\n"):
                    return str(json.loads(line.removeprefix("ready "))["url"])
            return None

        self.simulator_url = await part.until_ready(announced)

    async def _seed(self) -> None:
        part = await self._start("seed", ["scripts.seed"], self.settings)
        await part.until_done()
        lines = [line for line in part.log.read_text("utf-8").splitlines() if line.startswith("{")]
        if not lines:
            raise CannotStart(f"seed printed no JSON; read {part.log}")
        self.seeded = json.loads(lines[-1])

    async def _start(self, name: str, module: list[str], settings: Mapping[str, str]) -> Part:
        about = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "PYTHONUNBUFFERED": "1"}
        part = await Part.start(
            name,
            [sys.executable, "-P", "-m", *module],
            log=self._folder.log(name),
            folder=ROOT,
            environment={**os.environ, **about, **settings},
        )
        self._parts.append(part)
        return part

    async def _stop(self) -> None:
        for part in reversed(self._parts):
            await part.stop()
        await self.mongo.stop()
        self._folder.release()
