"""The parts of a running Kabao on this machine: the order they start in, what each is told, how losing one shows."""

import asyncio
import http.client
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from scripts.client import Phone
from scripts.data_folder import DataFolder
from scripts.embedded_mongo import EmbeddedMongo
from scripts.part import Part
from scripts.processes import CannotStart, port_is_free, reserve_port, start_process, stop_process

_RESTART_AFTER_SECONDS = 3.0  # long enough to watch the other members elect a primary


@dataclass(frozen=True, kw_only=True)
class Options:
    """What `scripts/run` was asked for; `root` is the folder the parts are imported from."""

    port: int
    data: Path
    fresh: bool
    workers: int
    members: int | None
    tour: bool
    root: Path
    mongodb_uri: str | None


class Stack:
    """Everything `scripts/run` starts. Call `stop` whatever became of `start`; nothing is left afterwards."""

    def __init__(self, options: Options, folder: DataFolder) -> None:
        self._options = options
        self._folder = folder
        self._parts: list[Part] = []
        self._mongo: EmbeddedMongo | None = None
        self._settings: dict[str, str] = {}

    async def start(self) -> dict[str, Any]:
        """Start all parts; returns what the `ready` line tells. Raises CannotStart."""
        if self._options.mongodb_uri and self._options.members:
            raise CannotStart("MONGODB_URI names a MongoDB that runs already: leave --members out, or unset it")
        try:
            holder = reserve_port(self._options.port)
        except OSError as error:
            raise CannotStart(
                f"port {self._options.port}: {error.strerror}; stop what uses it or choose another --port"
            ) from None
        with holder:  # until the gateway takes the port, so that no part of ours gets it by chance meanwhile
            if self._options.fresh:
                self._folder.wipe()
            port = int(holder.getsockname()[1])
            simulator_url, mongodb_uri = await self._start_simulator_and_mongo()
            settings = self._settings = self._make_settings(f"http://127.0.0.1:{port}", mongodb_uri)
            seeded = await self._seed(settings)
        await self._start_gateway(port, settings)
        async with aiohttp.ClientSession() as http:
            await Phone(http, simulator_url).open_chats(settings["KABAO_PUBLIC_URL"], settings)
        names = ("MONGODB_URI", "KABAO_DATABASE", "KABAO_PUBLIC_URL")
        self._folder.tell_running({name: settings[name] for name in names} | {"simulator": simulator_url})
        return {
            "gateway": settings["KABAO_PUBLIC_URL"],
            "simulator": simulator_url,
            "console": f"{settings['KABAO_PUBLIC_URL']}/console/graphql",
            "wechat_app_id": settings["KABAO_WECHAT_APP_ID"],
            "qq_app_id": settings["KABAO_QQ_APP_ID"],
            **{name: seeded[name] for name in ("brand_id", "store_id", "template_ids", "staff")},
        }

    async def stop(self) -> None:
        """Stop all parts, the last started first, since each may need those before it to end well."""
        for part in reversed(self._parts):
            await part.stop()
        if self._mongo is not None:
            await self._mongo.stop()

    async def until_lost(self) -> str:
        """Wait until a part ends by itself; returns the line that says so."""
        waits = [asyncio.create_task(part.until_lost()) for part in self._parts]
        if self._mongo is not None:
            waits.append(asyncio.create_task(self._until_mongo_is_lost(self._mongo)))
        try:
            done, _ = await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            return done.pop().result()
        finally:
            for wait in waits:
                wait.cancel()

    async def play_tour(self, ready: Mapping[str, Any]) -> int:
        """Run the tour against the running stack, its steps on our own output; returns its exit code."""
        environment = self._environment(self._settings | {"KABAO_READY": json.dumps(ready)})  # its audit reads MongoDB
        command = [sys.executable, "-P", "-m", "scripts.tour"]
        tour = await start_process(command, output=None, folder=self._options.root, environment=environment)
        try:
            return await tour.wait()
        finally:
            await stop_process(tour)

    async def _until_mongo_is_lost(self, mongo: EmbeddedMongo) -> str:
        """One of three members may go: the others carry on, which is what three are for, and it is started again."""
        while True:
            member = await mongo.until_a_member_ends()
            reason = f"MongoDB member {member.address} ended unexpectedly, {member.why_it_ended()}"
            if len(mongo.members) == 1:
                return reason
            print(
                f"scripts/run: {reason}; the other members carry on, it is started again", file=sys.stderr, flush=True
            )
            await asyncio.sleep(_RESTART_AFTER_SECONDS)
            try:
                await mongo.restart_dead()
            except CannotStart as error:
                return str(error)

    async def _start_simulator_and_mongo(self) -> tuple[str, str]:
        """Both at once, as neither needs the other; returns their addresses."""
        mongo = asyncio.create_task(self._start_mongo())
        try:
            return await self._start_simulator(), await mongo
        except BaseException:
            mongo.cancel()
            await asyncio.gather(mongo, return_exceptions=True)  # it stops what it has started so far
            raise

    async def _start_mongo(self) -> str:
        if self._options.mongodb_uri:
            return self._options.mongodb_uri
        self._mongo = EmbeddedMongo(self._folder.path / "mongo", self._options.members)
        await self._mongo.start()
        return self._mongo.uri

    async def _start_simulator(self) -> str:
        port = self._folder.remembered_port("simulator")
        port = port if port_is_free(port) else 0
        data = self._folder.path / "simulator"
        part = await self._start_part("simulator", ["scripts.simulator", "--port", str(port), "--data", str(data)], {})

        async def announced() -> str | None:
            for line in part.log.read_text("utf-8", "replace").splitlines(keepends=True):
                if line.startswith("ready ") and line.endswith("\n"):
                    return str(json.loads(line.removeprefix("ready "))["url"])
            return None

        url = await part.until_ready(announced)
        self._folder.remember_port("simulator", int(url.rsplit(":", 1)[1]))
        return url

    def _make_settings(self, public_url: str, mongodb_uri: str) -> dict[str, str]:
        """What gateway, seed and tour are told: our own choices and what the simulated platforms handed out."""
        handed_out = (self._folder.path / "simulator" / "gateway-settings.json").read_text("utf-8")
        return {
            **json.loads(handed_out),
            "MONGODB_URI": mongodb_uri,
            "KABAO_DATABASE": "kabao",
            "KABAO_ENVIRONMENT": "development",
            "KABAO_PUBLIC_URL": public_url,
            "KABAO_SECRET_KEY": self._folder.secret_key(),
        }

    async def _seed(self, settings: Mapping[str, str]) -> dict[str, Any]:
        part = await self._start_part("seed", ["scripts.seed"], settings)
        await part.until_done()
        self._parts.remove(part)
        answers = [line for line in part.log.read_text("utf-8").splitlines() if line.startswith("{")]
        if not answers:
            raise CannotStart(f"seed printed no JSON; read {part.log}")
        seeded: dict[str, Any] = json.loads(answers[-1])
        return seeded

    async def _start_gateway(self, port: int, settings: Mapping[str, str]) -> None:
        command = ["gateway", "--port", str(port), "--workers", str(self._options.workers)]
        part = await self._start_part("gateway", command, settings)

        async def ready() -> bool | None:
            return await asyncio.to_thread(_answers_ready, port) or None

        await part.until_ready(ready)

    async def _start_part(self, name: str, module: list[str], settings: Mapping[str, str]) -> Part:
        part = await Part.start(
            name,
            [sys.executable, "-P", "-m", *module],
            log=self._folder.log(name),
            folder=self._options.root,
            environment=self._environment(settings),
        )
        self._parts.append(part)
        return part

    def _environment(self, settings: Mapping[str, str]) -> dict[str, str]:
        return {
            **os.environ,
            "PYTHONPATH": str(self._options.root),
            "PYTHONUTF8": "1",
            "PYTHONUNBUFFERED": "1",
            **settings,
        }


def _answers_ready(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
