"""Several processes: one change stream each, whatever the sockets; a stream that is lost loses nobody an event."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

from gateway.wiring import Wired, wire
from resolvers.coupons.claim import claim_coupon
from resolvers.live.model import WalletEvent
from resolvers.people.model import SignedIn
from tests.gateway.raw import eventually, signed_in_socket
from tests.live.flow import Valve, collect
from tests.support.core import new_person
from tests.support.world import World, free_socket, running, settings_of

TEMPLATES = ("welcome", "cash-50", "free-dessert", "off-12")
WATCH = "subscription($after: String!) { walletUpdates(after: $after) { __typename cursor } }"
STREAMS = [
    {"$currentOp": {"idleCursors": True, "localOps": True}},
    {"$match": {"cursor.originatingCommand.pipeline.0.$changeStream": {"$exists": True}}},
]


@asynccontextmanager
async def second_process(world: World) -> AsyncIterator[tuple[Wired, Valve, str]]:
    """One more gateway over the same database, with a valve in its change stream."""
    wired = wire(settings_of(world.settings), world.clock)
    valve = Valve(wired.app)
    async with running(wired, free_socket(), with_jobs=False) as gateway:
        await eventually(lambda: wired.app.hub.streams_opened == 1)
        yield wired, valve, gateway


async def streams(world: World) -> list[dict[str, Any]]:
    """The change streams over this product's database, as mongod has them."""
    database = world.app.connection.database
    found = await database.client.admin.command({"aggregate": 1, "pipeline": STREAMS, "cursor": {}})
    return [each for each in found["cursor"]["firstBatch"] if each["ns"].partition(".")[0] == database.name]


async def claim(world: World, person: SignedIn, *keys: str) -> None:
    """A coupon each, through the first process."""
    for key in keys:
        await claim_coupon(world.app, person, world.seeded["template_ids"][key], key)


async def test_what_happens_on_one_process_reaches_every_socket_of_the_other_over_one_stream(world: World) -> None:
    people = [await world.person() for _ in range(10)]
    async with second_process(world) as (second, _, gateway), AsyncExitStack() as stack:

        async def one_each() -> bool:
            return len(await streams(world)) == 2

        await eventually(one_each)
        sockets = []
        for person in people * 5:
            start = (await person.ask("{ me { wallet { cursor } } }"))["me"]["wallet"]["cursor"]
            frames = await stack.enter_async_context(
                signed_in_socket(world, person.token, f"{gateway}/graphql", autoping=False)
            )
            await frames.subscribe("1", WATCH, after=start)
            sockets.append(frames)
        await eventually(lambda: sum(len(each) for each in second.app.hub._wallets.values()) == 50)
        for person in people:  # on the first process
            wanted = {"templateId": world.seeded["template_ids"]["welcome"], "idempotencyKey": "k"}
            await person.do("claimCoupon", "coupon { id }", **wanted)
        for frames in sockets:
            event = (await frames.receive())["payload"]["data"]["walletUpdates"]
            assert event["__typename"] == "CouponReceived"
        await eventually(one_each)  # still, with fifty sockets
        assert (world.app.hub.streams_opened, second.app.hub.streams_opened) == (1, 1)


async def test_killed_cursors_are_opened_again_after_the_last_change_and_nothing_is_lost(world: World) -> None:
    person, told = await new_person(world), list[WalletEvent]()
    async with second_process(world) as (second, _, _):
        following = asyncio.create_task(collect(second.app, person.customer_id, told))
        await eventually(lambda: person.customer_id in second.app.hub._wallets)
        for number, key in enumerate(TEMPLATES, 1):
            cursors = [each["cursor"]["cursorId"] for each in await streams(world)]
            await world.app.connection.database.command({"killCursors": "$cmd.aggregate", "cursors": cursors})
            await claim(world, person, key)
            await eventually(lambda number=number: len(told) == number, 10)  # type: ignore[misc]
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
    assert [event.number for event in told] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("fault", "resumed"),
    [
        (AutoReconnect("gone"), True),
        (OperationFailure("the token is older than the oplog", 286), False),
        (OperationFailure("the token cannot be read", 280), False),
    ],
    ids=["lost", "too-old", "unreadable"],
)
async def test_what_a_lost_stream_did_not_bring_comes_from_its_token_or_from_the_log(
    world: World, fault: PyMongoError, resumed: bool
) -> None:
    people = [await new_person(world) for _ in range(5)]
    told: dict[int, list[WalletEvent]] = {number: [] for number in range(20)}
    async with second_process(world) as (second, valve, _):
        following = [
            asyncio.create_task(collect(second.app, people[number % 5].customer_id, into))
            for number, into in told.items()
        ]
        await eventually(lambda: sum(len(each) for each in second.app.hub._wallets.values()) == 20)
        for person in people:
            await claim(world, person, "welcome")
        await eventually(lambda: all(len(into) == 1 for into in told.values()))
        valve.shut = True
        for person in people:
            await claim(world, person, "cash-50", "free-dessert")
        await eventually(lambda: valve.swallowed >= 10)
        valve.break_with(fault)
        await eventually(lambda: all(len(into) == 3 for into in told.values()))
        for person in people:
            await claim(world, person, "off-12")
        await eventually(lambda: all(len(into) == 4 for into in told.values()))
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        assert second.app.hub.streams_opened == 2
    assert [event.number for into in told.values() for event in into] == [1, 2, 3, 4] * 20
    assert (valve.tokens[0] is None, valve.tokens[1] is not None) == (True, resumed)


async def test_a_change_that_cannot_be_read_ends_no_stream(world: World) -> None:
    person, told = await new_person(world), list[WalletEvent]()
    async with second_process(world) as (second, _, _):
        following = asyncio.create_task(collect(second.app, person.customer_id, told))
        await eventually(lambda: person.customer_id in second.app.hub._wallets)
        await world.app.connection.collection("orders").insert_one({"_id": "ord_of_another_version"})
        await world.app.connection.collection("orders").delete_one({"_id": "ord_of_another_version"})
        await claim(world, person, "welcome")
        await eventually(lambda: len(told) == 1)
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        assert second.app.hub.streams_opened == 1
