"""A fresh simulated world for each test, a clock that can be moved, a merchant, and an inbox for notifications."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from starlette.types import ASGIApp, Receive, Scope, Send

from scripts.simulator.app import Serving, listening, running_app
from scripts.simulator.credentials import Credentials, gateway_settings, load_credentials
from scripts.simulator.storage import Store
from scripts.simulator.world import World
from tests.simulator.clock import MovableClock
from tests.simulator.letters import Inbox, Reader
from tests.simulator.merchant import Merchant

SPEED = 300.0


@dataclass
class Door:
    """One port for the whole run, behind which each test puts its own world."""

    url: str = ""
    app: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app is not None
        await self.app(scope, receive, send)


@pytest.fixture(scope="session")
def credentials(tmp_path_factory: pytest.TempPathFactory) -> Credentials:
    """Keys take a while to make, so all worlds of a run share one set."""
    return load_credentials(tmp_path_factory.mktemp("credentials"))


@pytest.fixture(scope="session")
async def door() -> AsyncIterator[Door]:
    door = Door()
    async with listening(door) as door.url:
        yield door


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
async def simulator(
    door: Door, credentials: Credentials, clock: MovableClock, tmp_path: Path
) -> AsyncIterator[Serving]:
    world = World(credentials, Store(tmp_path / "simulator.sqlite3"), clock, "public_key", SPEED)
    async with running_app(world) as door.app:
        yield Serving(door.url, world)


@pytest.fixture(scope="session")
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture(scope="session")
def settings(door: Door, credentials: Credentials) -> dict[str, str]:
    return gateway_settings(door.url, credentials)


@pytest.fixture
def merchant(
    simulator: Serving, session: aiohttp.ClientSession, settings: dict[str, str], credentials: Credentials
) -> Merchant:
    return Merchant(session, simulator.url, settings, credentials.merchant_key)


@pytest.fixture
async def inbox() -> AsyncIterator[Inbox]:
    inbox = Inbox()
    app = web.Application()
    app.router.add_post("/notify", inbox.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    inbox.url = f"http://127.0.0.1:{runner.addresses[0][1]}/notify"
    yield inbox
    await runner.cleanup()


@pytest.fixture
def reader(merchant: Merchant, simulator: Serving) -> Reader:
    return Reader(merchant, simulator)
