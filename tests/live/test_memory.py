"""Sockets come and go by the hundred, every way there is, and nothing of them stays."""

import asyncio
import gc

from gateway.socket import Conversation
from resolvers.live.listener import Listener
from scripts.client import Api
from tests.gateway.forging import genuine
from tests.gateway.raw import eventually, signed_in_socket
from tests.support.world import World

PEOPLE, TIMES = 25, 20
WATCH = "subscription { %s { __typename cursor } }"


def alive() -> tuple[int, int]:
    """How many conversations and queues of subscribers there are in this process."""
    gc.collect()
    found = [type(each) for each in gc.get_objects()]
    return found.count(Conversation), found.count(Listener)


def no_more_than(before: tuple[int, int]) -> bool:
    """Whether no conversation and no queue is left over; what earlier tests left may go meanwhile."""
    return all(now <= then for now, then in zip(alive(), before, strict=True))


def registered(world: World) -> int:
    """What the hub still knows of anybody."""
    hub = world.app.hub
    return sum(map(len, (hub._wallets, hub._stores, hub._tables, hub._sessions, hub._sockets)))


async def come_and_go(world: World, person: Api) -> None:
    """Open, watch, leave: politely, without a word, or by breaking the protocol."""
    for number in range(TIMES):
        async with signed_in_socket(world, person.token) as frames:
            await frames.subscribe("1", WATCH % "walletUpdates")
            await frames.subscribe("2", WATCH % "couponUpdates")
            if number % 4 == 1:
                frames.break_off()
            elif number % 4 == 2:
                await frames.send("[]")
                assert await frames.close_code() == 4400
            elif number % 4 == 3:
                await frames.send({"type": "complete", "id": "1"})


async def test_five_hundred_sockets_leave_nothing_behind(world: World) -> None:
    people = [await world.person() for _ in range(PEOPLE)]
    await eventually(lambda: registered(world) == 0)
    before, tasks = alive(), len(asyncio.all_tasks())
    async with asyncio.TaskGroup() as group:
        for person in people:
            group.create_task(come_and_go(world, person))
    await eventually(lambda: registered(world) == 0)
    await eventually(lambda: len(asyncio.all_tasks()) <= tasks)
    await eventually(lambda: no_more_than(before), 30)
    claims = [genuine(person.token) for person in people]
    places = [f"{each['sub']}:{each['platform']}:{each['app']}" for each in claims]

    async def nobody_counts() -> bool:
        found = world.app.connection.collection("sockets").find({"_id": {"$in": places}})
        return all(not place["open"] for place in await found.to_list(None))

    await eventually(nobody_counts)
    assert registered(world) == 0
    assert no_more_than(before)
