"""Live sockets on one gateway process: what they cost, how fast events reach them, and how many stay up."""

import asyncio
import resource
import signal
import statistics
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from resolvers.coupons.issue_job.model import read_list
from resolvers.coupons.issue_job.run import begin_job, run_job
from resolvers.coupons.model import CouponKind
from resolvers.documents import to_document
from resolvers.ids import new_id
from resolvers.live.model import EventKind, PendingEvent
from resolvers.mongo import Session
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import Audience, SignedIn
from resolvers.people.sign_in import open_session
from scripts.benchmarks.timing import row
from scripts.client import PROTOCOL
from tests.coupons.making import coupon
from tests.coupons.offered import offer
from tests.support.core import member_of_staff, new_person
from tests.support.gateway_process import GatewayProcess, open_process
from tests.support.world import World

SOCKETS, MANY = 1_000, 5_000
WARM = 50  # sockets that come and go before anything is measured
LONELY_EVENTS = 200
BUSY_PEOPLE, EVENTS_EACH = 100, 200  # below the 256 events that a socket's queue holds
STAY_SECONDS = 30.0  # two rounds of pings
GONE_SECONDS = 10.0  # for the places of so many sockets to be noted as free
AT_ONCE = 50
WATCH = "subscription { walletUpdates { __typename cursor } }"


class Ear:
    """One open socket that notes when its events arrive."""

    def __init__(self, person: SignedIn) -> None:
        self.person = person
        self.heard: list[float] = []
        self.open = False
        self._connection: aiohttp.ClientWebSocketResponse | None = None
        self._reading: asyncio.Task[None] | None = None

    async def listen(self, world: World, http: aiohttp.ClientSession) -> None:
        """Connect, sign in and subscribe from now on."""
        app, person = world.app, self.person
        signed = await open_session(app, Audience.CUSTOMER, person.customer_id, person.platform, person.app_id)
        claims = {"platform": person.platform.value, "app": person.app_id}
        token, _ = app.tokens.issue(Audience.CUSTOMER.value, person.customer_id, signed.session.id, claims)
        self._connection = await http.ws_connect(world.url, protocols=[PROTOCOL], compress=0)
        await self._send({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        acknowledged = (await self._connection.receive()).data
        if "connection_ack" not in str(acknowledged):
            raise ConnectionError(str(acknowledged))
        await self._send({"type": "subscribe", "id": "1", "payload": {"query": WATCH}})
        self._reading = asyncio.create_task(self._read(self._connection))
        self.open = True

    async def _read(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        async for message in connection:
            now, frame = time.perf_counter(), orjson.loads(message.data)
            if frame["type"] == "ping":
                await self._send({"type": "pong"})
            elif frame["type"] == "next":
                self.heard.append(now)
        self.open = False

    async def _send(self, frame: dict[str, Any]) -> None:
        if self._connection is not None:
            await self._connection.send_str(orjson.dumps(frame).decode())

    async def hang_up(self) -> None:
        """Leave."""
        if self._connection is not None:
            await self._connection.close()
        if self._reading is not None:
            await self._reading


async def live(uri: str, folder: Path) -> AsyncIterator[str]:
    """Every number about live updates, a line each."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # the gateway process inherits it
    connector = aiohttp.TCPConnector(limit=0)
    async with open_process(uri, folder) as (world, gateway), aiohttp.ClientSession(connector=connector) as http:
        ears = [Ear(await new_person(world)) for _ in range(WARM)]
        await _listen(world, http, ears)
        await asyncio.gather(*(ear.hang_up() for ear in ears))
        await asyncio.sleep(1)
        before = _resident_kib(gateway)
        ears = [Ear(await new_person(world)) for _ in range(SOCKETS)]
        await _listen(world, http, ears)
        await asyncio.sleep(2)
        each = (_resident_kib(gateway) - before) / SOCKETS
        yield f"{SOCKETS:,} sockets on one process: {each:.0f} KiB each"
        yield await _lonely(world, ears)
        yield await _brand_wide(world, ears)
        yield await _busy(world, gateway, ears[:BUSY_PEOPLE])
        ears += [Ear(await new_person(world)) for _ in range(MANY - SOCKETS)]
        await _listen(world, http, ears[SOCKETS:])
        await asyncio.sleep(STAY_SECONDS)
        each = (_resident_kib(gateway) - before) / MANY
        up = sum(ear.open for ear in ears)
        yield f"{up:,} of {MANY:,} sockets are up after {STAY_SECONDS:.0f} s more: {each:.0f} KiB each"
        peak = _resident_kib(gateway)
        await asyncio.gather(*(ear.hang_up() for ear in ears))
        await asyncio.sleep(GONE_SECONDS)
        await _listen(world, http, [Ear(ear.person) for ear in ears])
        again = _resident_kib(gateway) / peak
        yield f"all of them gone and as many there again: {again:.2f} x the memory of the first time"


async def _listen(world: World, http: aiohttp.ClientSession, ears: list[Ear]) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(ear: Ear) -> None:
        async with gate:
            await ear.listen(world, http)

    await asyncio.gather(*(one(ear) for ear in ears))


def _resident_kib(gateway: GatewayProcess) -> int:
    lines = Path(f"/proc/{gateway.pid}/status").read_text("ascii").splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1])


async def _tell(world: World, person: SignedIn, count: int = 1) -> None:
    """So many events of one person, written as verbs write them, in one transaction."""
    snapshot = to_document(coupon(customer_id=person.customer_id))
    event = PendingEvent(person.customer_id, EventKind.COUPON_RECEIVED, snapshot["_id"], snapshot, {})
    now = world.app.clock.now()
    ids = [new_id("evt", now, place) for place in range(count)]

    async def write(session: Session) -> None:
        await world.app.live.append(session, [event] * count, now, ids)

    await world.app.connection.transaction(write)


async def _until(done: Callable[[], bool], seconds: float = 120.0) -> None:
    async with asyncio.timeout(seconds):
        while not done():
            await asyncio.sleep(0.005)


async def _lonely(world: World, ears: list[Ear]) -> str:
    """One event to one of them at a time, from before its transaction to its arrival."""
    waits = []
    for number in range(LONELY_EVENTS):
        ear = ears[number * 7 % len(ears)]
        before, started = len(ear.heard), time.perf_counter()
        await _tell(world, ear.person)
        await _until(lambda ear=ear, before=before: len(ear.heard) > before)  # type: ignore[misc]
        waits.append((ear.heard[-1] - started) * 1_000)
    worst = statistics.quantiles(waits, n=20)[-1]
    return f"an event to one of them, idle: median {statistics.median(waits):.0f} ms, 95 % within {worst:.0f} ms"


async def _brand_wide(world: World, ears: list[Ear]) -> str:
    """A coupon of the brand to every one of them, by the list job."""
    for ear in ears:
        await ensure_member(world.app, ear.person.customer_id, world.brand_id)
    await asyncio.sleep(2)
    for ear in ears:
        ear.heard.clear()
    template = await offer(world, CouponKind.CASH, amount_off_fen=100)
    listed = read_list("\n".join(ear.person.customer_id for ear in ears))
    staff = await member_of_staff(world, "owner")
    job = await begin_job(world.app, staff, template.id, listed)
    started = time.perf_counter()
    async for _ in run_job(world.app, staff, job, listed):
        pass
    written = time.perf_counter() - started
    await _until(lambda: all(ear.heard for ear in ears))
    arrived = sorted(ear.heard[0] - started for ear in ears)
    spread = f"first {arrived[0]:.2f} s, median {statistics.median(arrived):.2f} s, last {arrived[-1]:.2f} s"
    exact = sum(len(ear.heard) == 1 for ear in ears)
    return f"a brand-wide coupon: {exact:,} of {len(ears):,} told once; {spread}; all written after {written:.2f} s"


async def _busy(world: World, gateway: GatewayProcess, ears: list[Ear]) -> str:
    """Events that wait for a process that was stopped, against a bare reader of the same change stream."""
    for ear in ears:
        ear.heard.clear()
    count = len(ears) * EVENTS_EACH
    start_at = await world.app.connection.operation_time()
    gateway.signal(signal.SIGSTOP)
    for ear in ears:
        await _tell(world, ear.person, EVENTS_EACH)
    started = time.perf_counter()
    gateway.signal(signal.SIGCONT)
    await _until(lambda: all(len(ear.heard) >= EVENTS_EACH for ear in ears))
    delivered = count / (max(ear.heard[-1] for ear in ears) - started)
    events: list[Mapping[str, Any]] = [{"$match": {"ns.coll": "events", "operationType": "insert"}}]
    read, started = 0, time.perf_counter()
    async with world.app.connection.watch(events, None, start_at) as stream:
        async for _ in stream:
            read += 1
            if read == count:
                break
    bare = count / (time.perf_counter() - started)
    return row("events through one process", delivered, bare, f"{count:,} events to {len(ears)} sockets")
