"""healthz says that the process lives, readyz that it can work; the two differ while MongoDB is away."""

import asyncio
import time
from collections.abc import AsyncIterator

import aiohttp
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Route

from gateway.health import Health
from gateway.server import server_config
from gateway.wiring import wire
from resolvers.live.hub import Hub
from tests.support.world import World, free_socket, settings_of


@pytest.fixture
async def lost(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    """The health routes of a gateway whose MongoDB does not answer."""
    monkeypatch.setattr("resolvers.mongo.SERVER_SELECTION_MILLISECONDS", 400)
    monkeypatch.setattr("gateway.health.PING_SECONDS", 0.2)
    dead = free_socket()  # bound so that nobody else has the port, and closed so that nobody answers on it
    uri = f"mongodb://127.0.0.1:{dead.getsockname()[1]}/?directConnection=true"
    dead.close()
    wired = wire(settings_of({**world.settings, "MONGODB_URI": uri}))
    health = Health(wired.app)
    listener = free_socket()
    app = Starlette(routes=[Route("/healthz", health.live), Route("/readyz", health.ready)])
    server = uvicorn.Server(server_config(app, lifespan="off"))
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await serving
    await asyncio.sleep(0.5)  # what still looks for the primary ends before its client does
    await wired.close()


async def asked(http: aiohttp.ClientSession, url: str) -> tuple[int, dict[str, str]]:
    """Status and body."""
    async with http.get(url) as response:
        return response.status, await response.json()


async def test_with_mongodb_both_say_ok(world: World) -> None:
    for path in ("healthz", "readyz"):
        assert await asked(world.http, f"{world.gateway}/{path}") == (200, {"status": "ok"})


async def test_without_mongodb_the_process_lives_and_is_not_ready(world: World, lost: str) -> None:
    started = time.perf_counter()
    assert await asked(world.http, f"{lost}/readyz") == (503, {"status": "no primary of MongoDB"})
    assert time.perf_counter() - started < 10  # the driver itself would go on looking for longer
    assert await asked(world.http, f"{lost}/healthz") == (200, {"status": "ok"})


async def test_a_primary_that_steps_down_is_not_ready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def secondary(*_: object, **__: object) -> dict[str, object]:
        return {"isWritablePrimary": False}

    database = world.app.connection.database

    class Stub:
        command = staticmethod(secondary)

    monkeypatch.setattr(world.app.connection, "database", Stub())
    assert await asked(world.http, f"{world.gateway}/readyz") == (503, {"status": "no primary of MongoDB"})
    monkeypatch.setattr(world.app.connection, "database", database)
    assert await asked(world.http, f"{world.gateway}/readyz") == (200, {"status": "ok"})


async def test_a_live_hub_that_has_ended_is_not_ready(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(Hub, "alive", property(lambda _: False))
        assert await asked(world.http, f"{world.gateway}/readyz") == (503, {"status": "no live updates"})
        assert await asked(world.http, f"{world.gateway}/healthz") == (200, {"status": "ok"})
    assert await asked(world.http, f"{world.gateway}/readyz") == (200, {"status": "ok"})


async def test_paths_we_do_not_have_are_not_found(world: World) -> None:
    for path in ("", "graphqlx", "console", "docs", ".env"):
        async with world.http.get(f"{world.gateway}/{path}") as response:
            assert response.status == 404
