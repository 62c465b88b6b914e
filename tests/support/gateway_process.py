"""A gateway that is a process of its own, so that it can be killed as a machine that fails would kill it."""

import asyncio
import os
import socket
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp

from gateway.wiring import wire
from scripts.client import Phone
from scripts.seed import seed
from scripts.simulator.app import open_world, serving
from scripts.simulator.credentials import gateway_settings
from tests.support.world import DRIVER, SECRET, MovableClock, World, settings_of

ROOT = Path(__file__).parents[2]


class GatewayProcess:
    """`python -m gateway` on a port of its own."""

    def __init__(self, settings: dict[str, str], port: int, log: Path) -> None:
        self._environment = {**os.environ, **settings, "KABAO_LOG_LEVEL": "WARNING"}
        self._port = port
        self._log = log
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start, and return when it answers. Raises RuntimeError with what it said when it ends instead."""
        with self._log.open("ab") as log:
            command = (sys.executable, "-m", "gateway", "--port", str(self._port))
            self._process = await asyncio.create_subprocess_exec(
                *command, cwd=ROOT, env=self._environment, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )
        async with asyncio.timeout(30), aiohttp.ClientSession() as http:
            while True:
                if self._process.returncode is not None:
                    raise RuntimeError(self._log.read_text("utf-8"))
                try:
                    async with http.get(f"http://127.0.0.1:{self._port}/readyz") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.05)

    @property
    def pid(self) -> int:
        """Its process id. Raises RuntimeError when it does not run."""
        if self._process is None:
            raise RuntimeError("the gateway does not run")
        return self._process.pid

    def signal(self, number: int) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    async def kill(self) -> None:
        """SIGKILL: no goodbye, nothing finished."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    async def stop(self) -> None:
        """Ask it to end, and see that it does."""
        if self._process is None or self._process.returncode is not None:
            return
        self._process.terminate()
        try:
            async with asyncio.timeout(30):
                await self._process.wait()
        except TimeoutError:
            await self.kill()


@asynccontextmanager
async def open_process(mongodb_uri: str, folder: Path) -> AsyncIterator[tuple[World, GatewayProcess]]:
    """A simulator, seeded data and a running gateway process; the world looks behind its API, and runs no jobs."""
    folder.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(serving(open_world(folder, speed=100), folder))
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        values = {
            **gateway_settings(simulator.url, simulator.world.credentials),
            "MONGODB_URI": mongodb_uri,
            "KABAO_DATABASE": f"test_{uuid.uuid4().hex[:12]}",
            "KABAO_DRIVER": DRIVER.value,
            "KABAO_PUBLIC_URL": url,
            "KABAO_SECRET_KEY": SECRET,
        }
        clock = MovableClock()
        wired = wire(settings_of(values), clock)
        stack.push_async_callback(wired.close)
        seeded = await seed(wired.app)
        stack.push_async_callback(wired.app.connection.database.client.drop_database, values["KABAO_DATABASE"])
        process = GatewayProcess(values, port, folder / "gateway.log")
        stack.push_async_callback(process.stop)
        await process.start()
        http = await stack.enter_async_context(aiohttp.ClientSession())
        phone = Phone(http, simulator.url)
        await phone.open_chats(url, values)
        yield World(url, simulator.url, values, wired, clock, seeded, http, phone), process


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
