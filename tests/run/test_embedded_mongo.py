"""The embedded replica set: data outlive restarts, moves to other ports and the loss of a primary."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from motor.motor_asyncio import AsyncIOMotorClient

from scripts.embedded_mongo import EmbeddedMongo
from scripts.processes import CannotStart
from tests.run.stand_ins import PATIENCE_SECONDS, ROOT


async def write(uri: str, name: str) -> None:
    with contextlib.closing(AsyncIOMotorClient(uri, w="majority")) as client:
        await client.test.things.insert_one({"_id": name})


async def names(uri: str) -> list[str]:
    with contextlib.closing(AsyncIOMotorClient(uri)) as client:
        return [thing["_id"] async for thing in client.test.things.find().sort("_id")]


@contextlib.asynccontextmanager
async def another_program_on(port: int) -> AsyncIterator[None]:
    async def refuse(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(refuse, "127.0.0.1", port)
    async with server:
        yield


async def test_data_and_ports_survive_a_stop_a_kill_and_a_restart(data: Path) -> None:
    async with EmbeddedMongo(data) as mongo:
        await write(mongo.uri, "before the stop")
        first_uri = mongo.uri
    async with EmbeddedMongo(data) as mongo:
        assert mongo.uri == first_uri
        await write(mongo.uri, "before the kill")
        await mongo.kill_primary()
        await mongo.restart_dead()
        assert mongo.uri == first_uri
        assert await names(mongo.uri) == ["before the kill", "before the stop"]


async def test_data_survive_when_another_program_took_the_port(data: Path) -> None:
    async with EmbeddedMongo(data) as mongo:
        await write(mongo.uri, "kept")
        old_port = mongo.members[0].port
    async with another_program_on(old_port), EmbeddedMongo(data) as mongo:
        assert mongo.members[0].port != old_port
        assert await names(mongo.uri) == ["kept"]


async def test_one_grown_to_three_survives_a_step_down_and_the_loss_of_its_primary(data: Path) -> None:
    async with EmbeddedMongo(data) as mongo:
        await write(mongo.uri, "alone")
    async with EmbeddedMongo(data, members=3) as mongo:
        await mongo.step_down()
        await write(mongo.uri, "after the step-down")
        killed = await mongo.kill_primary()
        await write(mongo.uri, "with two of three")
        await mongo.restart_dead()
        assert killed.running
        assert await names(mongo.uri) == ["after the step-down", "alone", "with two of three"]
    with pytest.raises(CannotStart, match="holds a replica set of 3 members; start it with --members 3"):
        await EmbeddedMongo(data, members=1).start()


async def test_a_folder_in_use_is_told_with_who_uses_it(data: Path) -> None:
    async with EmbeddedMongo(data) as mongo:
        (data / "embedded-mongo.json").unlink()
        with pytest.raises(CannotStart, match=rf"in use by another mongod \(pid {mongo.members[0].pid}\); stop that"):
            await EmbeddedMongo(data).start()
        await write(mongo.uri, "undisturbed")


def test_killing_the_parent_ends_its_mongod(data: Path) -> None:
    program = (
        "import asyncio, sys; from pathlib import Path; from scripts.embedded_mongo import EmbeddedMongo\n"
        "async def main():\n"
        "    async with EmbeddedMongo(Path(sys.argv[1])) as mongo:\n"
        "        print(mongo.members[0].pid, flush=True)\n"
        "        await asyncio.Event().wait()\n"
        "asyncio.run(main())"
    )
    command = [sys.executable, "-c", program, str(data)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        mongod_pid = int(parent.stdout.readline())
        os.kill(mongod_pid, 0)
        parent.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while Path(f"/proc/{mongod_pid}/exe").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
