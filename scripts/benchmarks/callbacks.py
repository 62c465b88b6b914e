"""Mixed callbacks at two gateway processes, each pushed to both at once or thrice: handled once, how fast answered."""

import asyncio
import time
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from gateway.wiring import wire
from resolvers.app import App
from scripts.seed import seed
from scripts.simulator.app import open_world, serving
from scripts.simulator.chat import push_keys
from scripts.simulator.credentials import gateway_settings
from scripts.simulator.people import People
from scripts.simulator.push_envelope import PushKeys, passive_reply, pushed
from scripts.simulator.records import Follower
from scripts.simulator.world import World
from tests.support import gateway_process
from tests.support.gateway_process import GatewayProcess, free_port
from tests.support.world import SECRET, settings_of

CALLBACKS = 5_000
PEOPLE = 250
AT_ONCE = 6  # callbacks under way, each of which is two or three requests
TEXTS = ("优惠", "营业时间", "客服", "你好", "有停车位吗")


@dataclass
class Replay:
    """What came of it."""

    callbacks: int = 0
    answers: int = 0
    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    wrong: Counter[str] = field(default_factory=Counter)

    def at(self, share: float) -> float:
        """The time, in ms, in which this share of all answers came."""
        return sorted(self.times)[min(len(self.times) - 1, int(len(self.times) * share))] * 1_000


async def callbacks(uri: str, folder: Path, count: int = CALLBACKS) -> AsyncIterator[str]:
    """The row of the table."""
    found = await replay(uri, folder, count)
    rate = found.callbacks / found.seconds
    yield (
        f"{'callbacks at two processes':<44} {rate:>9.0f}/s {'':>13} {'':>7}  {found.callbacks} callbacks, "
        f"{found.answers} answers: p50 {found.at(0.5):.0f} ms, p99 {found.at(0.99):.0f} ms, most {found.at(1):.0f} ms; "
        f"not handled exactly once: {sum(found.wrong.values())}"
    )


async def replay(uri: str, folder: Path, count: int) -> Replay:
    """Push so many callbacks and look at what is in the database afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as stack:
        simulator = await stack.enter_async_context(serving(open_world(folder), folder))
        ports = [free_port(), free_port()]
        values = {
            **gateway_settings(simulator.url, simulator.world.credentials),
            "MONGODB_URI": uri,
            "KABAO_DATABASE": f"bench_{uuid.uuid4().hex[:12]}",
            "KABAO_DRIVER": gateway_process.DRIVER.value,
            "KABAO_PUBLIC_URL": f"http://127.0.0.1:{ports[0]}",
            "KABAO_SECRET_KEY": SECRET,
        }
        wired = wire(settings_of(values))
        stack.push_async_callback(wired.close)
        await seed(wired.app)
        stack.push_async_callback(wired.app.connection.database.client.drop_database, values["KABAO_DATABASE"])
        for port in ports:
            process = GatewayProcess(values, port, folder / f"gateway-{port}.log")
            stack.push_async_callback(process.stop)
            await process.start()
        http = await stack.enter_async_context(aiohttp.ClientSession())
        keys = push_keys(simulator.world, "official")
        urls = [f"http://127.0.0.1:{port}/callbacks/wechat/{keys.app_id}" for port in ports]
        told = _told(simulator.world, count)
        found = await _pushed(http, keys, urls, told)
        await _check(wired.app, keys, told, found)
        return found


def _told(world: World, count: int) -> list[dict[str, Any]]:
    """Messages and events of many people, as they come on a busy day."""
    openids, people, now = [], People(world), int(world.clock())
    for number in range(min(PEOPLE, count)):
        openids.append(people.identity("official", f"bench-{number}").openid)
        world.store.save(Follower(f"bench-{number}", 1))
    told: list[dict[str, Any]] = []
    for number in range(count):
        common = {"ToUserName": "gh_bench", "FromUserName": openids[number % len(openids)]}
        common |= {"CreateTime": now + number // len(openids) // 50}
        match number % 10:
            case 0:
                kind = {"MsgType": "event", "Event": "CLICK", "EventKey": f"key-{number}"}
            case 1:
                kind = {"MsgType": "event", "Event": "SCAN", "EventKey": f"{number}"}
            case 2:
                image = {"MediaId": f"m-{number}", "PicUrl": "https://mmbiz.example.com/p"}
                kind = {"MsgType": "image", **image, "MsgId": number + 1}
            case _:
                kind = {"MsgType": "text", "Content": TEXTS[number % len(TEXTS)], "MsgId": number + 1}
        told.append(common | kind)
    return told


async def _pushed(http: aiohttp.ClientSession, keys: PushKeys, urls: list[str], told: list[dict[str, Any]]) -> Replay:
    found, waiting = Replay(), iter(enumerate(told))

    async def once(number: int, fields: dict[str, Any], url: str) -> Any:
        mode = ("safe", "compatible")[number % 2]
        ready = pushed(keys, fields, mode, "xml", time.time())
        started = time.perf_counter()
        async with http.post(f"{url}?{ready.query}", data=ready.body) as answer:
            body = await answer.read()
        found.times.append(time.perf_counter() - started)
        found.answers += 1
        if answer.status != 200:
            found.wrong[f"status {answer.status}"] += 1
            return None
        return passive_reply(keys, body, mode, "xml")

    async def caller() -> None:
        for number, fields in waiting:
            copies = 2 + number % 2
            replies = await asyncio.gather(*(once(number, fields, urls[copy % 2]) for copy in range(copies)))
            found.callbacks += 1
            if any(reply != replies[0] for reply in replies):
                found.wrong["answered differently"] += 1

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(AT_ONCE)))
    found.seconds = time.perf_counter() - started
    return found


async def _check(app: App, keys: PushKeys, told: list[dict[str, Any]], found: Replay) -> None:
    """Each message is in its conversation once, numbered without a hole; each event was noted once."""
    collection = app.connection.collection
    noted = await collection("callbacks").count_documents({"state": {"$in": ["DONE", "LATE"]}})
    found.wrong["callbacks not done"] += abs(len(told) - noted)
    written = Counter(each["FromUserName"] for each in told if "MsgId" in each)
    for openid, count in written.items():
        [talk] = await collection("conversations").find({"app_id": keys.app_id, "openid": openid}).to_list(None)
        messages = await collection("conversation_messages").find({"conversation_id": talk["_id"]}).to_list(None)
        theirs = sum(each["author"] == "CUSTOMER" for each in messages)
        found.wrong["messages lost or twice"] += abs(theirs - count)
        numbers = sorted(each["number"] for each in messages)
        found.wrong["holes"] += numbers != list(range(1, len(messages) + 1))
