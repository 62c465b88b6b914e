"""Cursors at the edge: those no stream of ours has given, and those of streams that leave most events out."""

import asyncio
from contextlib import aclosing
from itertools import pairwise

import pytest

from resolvers.errors import BadInput
from resolvers.live.follow import follow_store, follow_wallet
from resolvers.live.model import WalletEvent, cursor_of
from resolvers.paging import encode_cursor
from scripts.client import GraphQLFailed
from tests.live.flow import many_events
from tests.support.core import new_person
from tests.support.world import World


@pytest.mark.parametrize("at", [-62_135_596_800_000, -(2**62), 2**62, 0, -1])
async def test_a_moment_that_no_stream_was_ever_at_is_refused(world: World, at: int) -> None:
    with pytest.raises(BadInput):
        async with aclosing(follow_store(world.app, world.store_id, encode_cursor((at, "store")))) as stream:
            await anext(stream)
    staff = await world.staff()
    query = "subscription($a: String) { conversationUpdates(after: $a) { cursor } }"
    async with staff.socket() as socket:
        stream_of_desk = await socket.subscribe(query, a=encode_cursor((at, "desk")))
        with pytest.raises(GraphQLFailed, match="BAD_USER_INPUT"):
            await stream_of_desk.next()


async def test_the_cursor_of_a_filtered_stream_goes_on_while_nothing_of_interest_happens(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though there is no silence: an event every tenth of a second, a cursor at most half a second old."""
    monkeypatch.setattr("resolvers.live.follow.CURSOR_SECONDS", 0.5)
    person = await new_person(world)
    told: list[WalletEvent] = []

    async def follow() -> None:
        start = cursor_of(person.customer_id, 0)
        async with aclosing(follow_wallet(world.app, person.customer_id, start, lambda _: False)) as stream:
            async for event in stream:
                told.append(event)

    following = asyncio.create_task(follow())
    for _ in range(30):
        await many_events(world.app, person.customer_id, {"_id": "x", "title": ""}, 1)
        await asyncio.sleep(0.1)
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert len(told) >= 3
    assert all(event.kind is None for event in told)
    assert all(before.number < after.number for before, after in pairwise(told))


async def test_who_was_joined_between_the_request_and_its_stream_is_told_to_come_back(world: World) -> None:
    person, other = await new_person(world), await new_person(world)
    customers = world.app.connection.collection("customers")
    await customers.update_one({"_id": person.customer_id}, {"$set": {"also": [other.customer_id]}})
    await customers.update_one({"_id": other.customer_id}, {"$set": {"joined_into": person.customer_id}})
    ended: list[str] = []
    both = (person.customer_id, other.customer_id)
    with (
        world.app.hub.on_customer_end(both[:1], lambda: ended.append("knew one")),
        world.app.hub.on_customer_end(both, lambda: ended.append("knows both")),
    ):
        async with aclosing(follow_wallet(world.app, person.customer_id, None)) as stream:
            told = [event async for event in stream]
    assert ([event.resync is not None for event in told], ended) == ([True], ["knew one"])
