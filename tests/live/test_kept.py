"""Events are kept for 30 days and go as a prefix; whoever comes later is told, and goes on from there."""

import asyncio
from contextlib import aclosing
from datetime import timedelta
from typing import Any

import pytest

from resolvers.coupons.claim import claim_coupon
from resolvers.jobs import tidy_events
from resolvers.live.follow import follow_wallet
from resolvers.live.model import WalletEvent, cursor_of, prefix_end
from resolvers.people.model import SignedIn
from tests.support.core import card_with, new_person
from tests.support.world import World

TEMPLATES = ("welcome", "cash-50", "free-dessert", "off-12")


@pytest.mark.parametrize(
    ("lowest", "old", "last"),
    [
        (1, {1, 2, 3}, 3),
        (1, {1, 2, 4}, 2),  # 3 was dated later by another process's clock: 4 waits for it
        (1, {2, 3}, None),
        (4, {4, 5}, 5),
        (4, set(), None),
    ],
)
def test_a_prefix_goes_and_never_more(lowest: int, old: set[int], last: int | None) -> None:
    assert prefix_end(lowest, old) == last


async def with_events(world: World) -> SignedIn:
    """A person with the events 1 to 4: coupons received."""
    person = await new_person(world)
    for key in TEMPLATES:
        await claim_coupon(world.app, person, world.seeded["template_ids"][key], key)
    return person


async def make_old(world: World, person: SignedIn, *numbers: int, seconds: int = 1) -> None:
    """Let these events be older than 30 days by so much."""
    at = world.clock.now() - timedelta(days=30, seconds=seconds)
    events = world.app.connection.collection("events")
    query = {"customer_id": person.customer_id, "number": {"$in": list(numbers)}}
    await events.update_many(query, {"$set": {"at": at}})


async def kept(world: World, person: SignedIn) -> list[int]:
    """The numbers that are left."""
    return [event.number for event in await world.app.live.backlog(person.customer_id, 0)]


async def told(world: World, person: SignedIn, after: int, count: int) -> list[WalletEvent]:
    """The first events after a number."""
    found: list[Any] = []
    async with (
        asyncio.timeout(30),
        aclosing(follow_wallet(world.app, person.customer_id, cursor_of(person.customer_id, after))) as stream,
    ):
        while len(found) < count:
            found.append(await anext(stream))
    return found


async def test_the_sweep_deletes_what_is_old_and_leaves_no_hole(world: World) -> None:
    person, other, young = await with_events(world), await with_events(world), await with_events(world)
    await make_old(world, person, 1, 2)
    await make_old(world, other, 1, 3, 4)
    await make_old(world, young, 1, 2, seconds=-60)
    while await tidy_events(world.app):
        pass
    assert [await kept(world, each) for each in (person, other, young)] == [[3, 4], [2, 3, 4], [1, 2, 3, 4]]
    await make_old(world, other, 2)
    while await tidy_events(world.app):
        pass
    assert await kept(world, other) == []


async def test_a_run_is_bounded_and_a_run_cut_short_leaves_no_hole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.live.store.PRUNE_BATCH", 3)
    person = await with_events(world)
    await make_old(world, person, 1, 2, 3, 4)
    moment = world.clock.now() - timedelta(days=30)
    assert await world.app.live.delete_older(moment) <= 3
    left = await kept(world, person)  # the product's own sweep may have been here, too
    assert left in ([4], [])


async def test_who_comes_too_late_is_told_and_goes_on_from_there(world: World) -> None:
    person = await with_events(world)
    await make_old(world, person, 1, 2)
    while await tidy_events(world.app):
        pass
    for after in (0, 1):
        (first,) = await told(world, person, after, 1)
        assert (first.kind, first.number) == (None, 4)
        assert first.resync is not None
    assert [event.number for event in await told(world, person, 2, 2)] == [3, 4]
    await card_with(world, person, 1_000)  # on from the cursor that was given
    assert [event.number for event in await told(world, person, 4, 2)] == [5, 6]


async def test_a_log_of_which_nothing_is_left_resyncs_only_who_missed_something(world: World) -> None:
    person = await with_events(world)
    await make_old(world, person, 1, 2, 3, 4)
    while await tidy_events(world.app):
        pass
    (first,) = await told(world, person, 3, 1)
    assert (first.resync is not None, first.number) == (True, 4)
    await card_with(world, person, 1_000)
    events = await told(world, person, 4, 2)
    assert [(event.resync, event.number) for event in events] == [(None, 5), (None, 6)]


async def test_a_cursor_ahead_of_the_log_is_told_and_goes_on_from_where_the_log_is(world: World) -> None:
    person = await with_events(world)
    (first,) = await told(world, person, 99, 1)
    assert (first.resync is not None, first.number) == (True, 4)


async def test_who_reads_while_the_log_is_cut_is_told_and_sees_no_hole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.live.store.BACKLOG_BATCH", 1)
    person = await with_events(world)
    stream = follow_wallet(world.app, person.customer_id, cursor_of(person.customer_id, 0))
    async with aclosing(stream):
        assert (await anext(stream)).number == 1
        await make_old(world, person, 1, 2, 3)
        while await tidy_events(world.app):
            pass
        event = await anext(stream)
        assert (event.resync is not None, event.number) == (True, 4)
        await card_with(world, person, 1_000)
        assert [(await anext(stream)).number for _ in range(2)] == [5, 6]


async def test_a_primary_that_is_a_moment_old_asks_nobody_to_resync(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await with_events(world)
    live, truly, asked = world.app.live, world.app.live.sequence, []

    async def behind(customer_id: str, session: Any = None) -> int:
        asked.append(customer_id)
        return min(2, await truly(customer_id, session)) if len(asked) < 2 else await truly(customer_id, session)

    monkeypatch.setattr(live, "sequence", behind)
    (event,) = await told(world, person, 3, 1)
    assert (event.resync, event.number) == (None, 4)
