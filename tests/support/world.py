"""The whole product in one process: simulator, gateway on a free port, seeded database, a clock that can be moved."""

import asyncio
import os
import socket
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn

from gateway.asgi import create_app
from gateway.clock import SystemClock
from gateway.server import server_config
from gateway.settings import Settings
from gateway.wiring import Wired, wire
from resolvers.app import App
from resolvers.jobs import Jobs
from resolvers.mongo import Driver
from scripts.client import Api, Phone, sign_in
from scripts.seed import seed
from scripts.simulator.app import open_world, serving
from scripts.simulator.credentials import gateway_settings

SECRET = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"  # the tests' own master key
DRIVER = Driver(os.environ.get("KABAO_DRIVER", Driver.MOTOR.value))


class MovableClock(SystemClock):
    """The machine's clock, set forward by as much as a test says."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        """The present moment, as the test has it."""
        return super().now() + self.ahead


@dataclass
class World:
    """Everything a test of the public API needs."""

    gateway: str
    simulator: str
    settings: dict[str, str]
    wired: Wired
    clock: MovableClock
    seeded: dict[str, Any]
    http: aiohttp.ClientSession
    phone: Phone
    jobs: Jobs | None = None

    @property
    def app(self) -> App:
        """The application inside, for looking behind the API."""
        return self.wired.app

    @property
    def url(self) -> str:
        """The customer endpoint."""
        return f"{self.gateway}/graphql"

    @property
    def console(self) -> str:
        """The staff endpoint."""
        return f"{self.gateway}/console/graphql"

    @property
    def brand_id(self) -> str:
        """The seafood house."""
        return str(self.seeded["brand_id"])

    @property
    def store_id(self) -> str:
        """Its store that never closes."""
        return str(self.seeded["store_id"])

    async def rest(self) -> None:
        """Stop what runs by itself: a product that no test uses should cost nothing."""
        if self.jobs is not None:
            await self.jobs.stop()

    async def go_on(self) -> None:
        """Let it run again."""
        if self.jobs is not None:
            await self.jobs.stop()
            self.jobs = Jobs(self.app)
            self.jobs.start()

    def visitor(self) -> Api:
        """Somebody without an account."""
        return Api(self.http, self.url)

    async def person(self, platform: str = "WECHAT", name: str | None = None) -> Api:
        """A new person, signed in."""
        app_id = self.settings["KABAO_WECHAT_APP_ID" if platform == "WECHAT" else "KABAO_QQ_APP_ID"]
        user = name or f"user-{uuid.uuid4().hex[:12]}"
        api = await sign_in(self.http, self.url, self.phone, platform, app_id, user)
        api.user = user  # type: ignore[attr-defined]
        return api

    async def staff(self, username: str = "owner") -> Api:
        """A member of staff, signed in."""
        api = Api(self.http, self.console)
        password = self.seeded["staff"]["password"]
        signed = await api.do("signIn", "accessToken refreshToken", username=username, password=password)
        api.token, api.refresh_token = signed["accessToken"], signed["refreshToken"]
        return api


def free_socket() -> socket.socket:
    """A listening socket on a free port of the loopback."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(2_048)
    listener.setblocking(False)
    return listener


@asynccontextmanager
async def running(wired: Wired, listener: socket.socket, *, with_jobs: bool = True) -> AsyncIterator[str]:
    """A gateway in this process; answers its base URL."""
    server = uvicorn.Server(server_config(create_app(wired, with_jobs=with_jobs)))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        if task.done():
            task.result()
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@asynccontextmanager
async def open_product(
    mongodb_uri: str, folder: Path, key_mode: str = "public_key", *, with_jobs: bool = True
) -> AsyncIterator[World]:
    """Simulator, gateway and seeded data, all new; without jobs nothing is tidied, polled or sent by itself."""
    folder.mkdir(parents=True, exist_ok=True)
    async with serving(open_world(folder, key_mode, speed=100), folder) as simulator:
        listener = free_socket()
        values = {
            **gateway_settings(simulator.url, simulator.world.credentials),
            "MONGODB_URI": mongodb_uri,
            "KABAO_DATABASE": f"test_{uuid.uuid4().hex[:12]}",
            "KABAO_DRIVER": DRIVER.value,
            "KABAO_PUBLIC_URL": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "KABAO_SECRET_KEY": SECRET,
        }
        clock = MovableClock()
        wired = wire(settings_of(values), clock)
        seeded = await seed(wired.app)
        async with running(wired, listener, with_jobs=False) as gateway, aiohttp.ClientSession() as http:
            phone = Phone(http, simulator.url)
            await phone.open_chats(gateway, values)
            jobs = Jobs(wired.app) if with_jobs else None
            world = World(gateway, simulator.url, values, wired, clock, seeded, http, phone, jobs)
            await world.go_on()
            try:
                yield world
            finally:
                await world.rest()
            await wired.app.connection.database.client.drop_database(values["KABAO_DATABASE"])


def settings_of(values: dict[str, str]) -> Settings:
    """Settings of these values and nothing of the real environment."""
    fields = {name.removeprefix("KABAO_").lower(): value for name, value in values.items() if name != "MONGODB_URI"}
    given: dict[str, Any] = {**fields, "MONGODB_URI": values["MONGODB_URI"], "_env_prefix": "NOTHING_OF_THIS_NAME_"}
    return Settings(**given)
