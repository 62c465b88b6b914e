"""Live updates: the backlog after a cursor, then live, in order, on every process, and the store's own stream."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from gateway.wiring import wire
from resolvers.coupons.claim import claim_coupon
from resolvers.errors import BadInput
from resolvers.live.follow import follow_store, follow_wallet, store_cursor
from resolvers.live.model import COUPON_KINDS, EventKind, WalletEvent, cursor_of
from resolvers.ordering.model import LineRequest, OrderType
from resolvers.ordering.place import Placement
from scripts.client import GraphQLFailed
from tests.gateway.raw import eventually
from tests.support.core import card_with, dishes, new_person, placed
from tests.support.following import followers
from tests.support.world import World, free_socket, running, settings_of


async def _take(stream: AsyncIterator[Any], count: int, seconds: float = 30) -> list[Any]:
    async with asyncio.timeout(seconds):
        return [await anext(stream) for _ in range(count)]


async def test_the_backlog_comes_first_and_then_what_happens(world: World) -> None:
    person = await new_person(world)
    ids = world.seeded["template_ids"]
    await claim_coupon(world.app, person, ids["welcome"], "a")
    await claim_coupon(world.app, person, ids["cash-50"], "b")
    async with aclosing(follow_wallet(world.app, person.customer_id, cursor_of(person.customer_id, 0))) as stream:
        assert [event.number for event in await _take(stream, 2)] == [1, 2]
        waiting = asyncio.create_task(_take(stream, 2))
        await claim_coupon(world.app, person, ids["cash-50"], "c")
        await claim_coupon(world.app, person, ids["free-dessert"], "d")
        assert [event.number for event in await waiting] == [3, 4]


async def test_a_stream_resumed_at_every_cursor_tells_the_same_story(world: World) -> None:
    person = await new_person(world)
    card = await card_with(world, person, 10_000)
    for key in ("welcome", "cash-50", "free-dessert"):
        await claim_coupon(world.app, person, world.seeded["template_ids"][key], key)
    newest = await world.app.live.sequence(person.customer_id)
    whole: list[WalletEvent] = []
    for after in range(newest):
        async with aclosing(
            follow_wallet(world.app, person.customer_id, cursor_of(person.customer_id, after))
        ) as stream:
            told = await _take(stream, newest - after)
        whole = whole or told
        assert told == whole[after:]
    snapshots = [event.snapshot for event in whole if event.kind is EventKind.CARD_CHANGED]
    assert [len(snapshot["lots"]) for snapshot in snapshots] == [0, 1]  # as it was at each moment
    assert snapshots[-1]["_id"] == card.id


async def test_a_filtered_stream_moves_its_cursor_on(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resolvers.live.follow.CURSOR_SECONDS", 0.05)
    person = await new_person(world)
    start = cursor_of(person.customer_id, 0)
    await card_with(world, person, 10_000)  # two events about the card
    stream = follow_wallet(world.app, person.customer_id, start, lambda event: event.kind in COUPON_KINDS)
    async with aclosing(stream):
        (bare,) = await _take(stream, 1)
        assert (bare.kind, bare.number, bare.resync) == (None, 2, None)
        await claim_coupon(world.app, person, world.seeded["template_ids"]["welcome"], "k")
        (received,) = await _take(stream, 1)
        assert (received.kind, received.number) == (EventKind.COUPON_RECEIVED, 3)


async def test_a_cursor_the_log_no_longer_reaches_asks_for_a_resync(world: World) -> None:
    person = await new_person(world)
    for number in range(3):
        await claim_coupon(
            world.app,
            person,
            world.seeded["template_ids"][["welcome", "cash-50", "free-dessert"][number]],
            "k" * (number + 1),
        )
    await world.app.connection.collection("events").delete_many(
        {"customer_id": person.customer_id, "number": {"$lt": 3}}
    )
    for number in (0, 1, 99):
        async with aclosing(
            follow_wallet(world.app, person.customer_id, cursor_of(person.customer_id, number))
        ) as stream:
            (first,) = await _take(stream, 1)
        assert first.resync is not None
        assert first.cursor == cursor_of(person.customer_id, 3)
    async with aclosing(follow_wallet(world.app, person.customer_id, cursor_of(person.customer_id, 2))) as stream:
        assert [event.number for event in await _take(stream, 1)] == [3]


async def test_somebody_elses_cursor_is_refused(world: World) -> None:
    person, other = await new_person(world), await new_person(world)
    for wrong in (cursor_of(other.customer_id, 0), "", "x", cursor_of(person.customer_id, 0)[:-2] + "!!"):
        with pytest.raises(BadInput):
            async with aclosing(follow_wallet(world.app, person.customer_id, wrong)) as stream:
                await _take(stream, 1)


async def test_a_slow_reader_loses_nothing_when_its_queue_overflows(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.live.listener.QUEUE_LENGTH", 2)
    person = await new_person(world)
    dish = (await dishes(world))[0]
    async with aclosing(follow_wallet(world.app, person.customer_id, None)) as stream:
        first = asyncio.create_task(_take(stream, 1))
        await eventually(lambda: any(each._arrived is not None for each in followers(world.app)))
        for number in range(8):  # nobody reads meanwhile
            placement = Placement(
                world.store_id, OrderType.PICK_UP, (LineRequest(dish.id, 1),), (), None, None, None, None, None
            )
            await placed(world.app, person, placement, f"k{number}")
        await asyncio.sleep(0.3)
        told = [*await first, *await _take(stream, 7)]
    assert [event.number for event in told] == list(range(1, 9))


async def test_an_event_on_one_process_reaches_sockets_on_another(world: World) -> None:
    listener = free_socket()
    second = wire(settings_of(world.settings), world.clock)
    async with running(second, listener, with_jobs=False) as gateway:
        person = await world.person()
        cursor = (await person.ask("{ me { wallet { cursor } } }"))["me"]["wallet"]["cursor"]
        person.url = f"{gateway}/graphql"
        async with person.socket() as socket:
            query = """subscription($after: String) { walletUpdates(after: $after) { __typename
              ... on CouponReceived { coupon { id } } } }"""
            stream = await socket.subscribe(query, after=cursor)
            person.url = world.url
            claimed = await person.do(
                "claimCoupon", "coupon { id }", templateId=world.seeded["template_ids"]["welcome"], idempotencyKey="k"
            )
            event = await stream.until("CouponReceived")
            assert event["coupon"]["id"] == claimed["coupon"]["id"]
        assert second.app.hub.streams_opened == 1


async def test_the_wallets_cursor_and_what_is_read_with_it_fit_together(world: World) -> None:
    person = await world.person()
    template_ids = [world.seeded["template_ids"][key] for key in ("welcome", "cash-50", "off-12", "free-dessert")]

    async def claim_all() -> None:
        for number, template_id in enumerate(template_ids):
            await person.do("claimCoupon", "coupon { id }", templateId=template_id, idempotencyKey=f"k{number}")

    claiming = asyncio.create_task(claim_all())
    seen = []
    while not claiming.done():
        seen.append((await person.ask("{ me { wallet { cursor coupons { nodes { id } } } } }"))["me"]["wallet"])
    await claiming
    async with person.socket() as socket:
        for wallet in seen[:: max(1, len(seen) // 5)]:
            query = """subscription($after: String) { couponUpdates(after: $after) { __typename
              ... on CouponReceived { coupon { id } } } }"""
            stream = await socket.subscribe(query, after=wallet["cursor"])
            ids = {node["id"] for node in wallet["coupons"]["nodes"]}
            while len(ids) < 4:  # what the query did not show, the stream tells
                ids.add((await stream.until("CouponReceived"))["coupon"]["id"])
            assert len(ids) == 4


async def test_a_shop_sees_its_orders_and_only_its_own(world: World) -> None:
    person = await new_person(world)
    dish = (await dishes(world))[0]
    cursor = store_cursor(world.clock.now())
    placement = Placement(
        world.store_id, OrderType.PICK_UP, (LineRequest(dish.id, 1),), (), None, None, None, None, None
    )
    before = await placed(world.app, person, placement, "before")
    async with aclosing(follow_store(world.app, world.store_id, cursor)) as stream:
        seen: list[str] = []
        while before.id not in seen:
            (event,) = await _take(stream, 1)
            seen.append(event.order.id)
        after = await placed(world.app, person, placement, "after")
        while after.id not in seen:
            (event,) = await _take(stream, 1)
            assert event.order.store_id == world.store_id
            seen.append(event.order.id)
    assert seen.count(before.id) == 1


async def test_nothing_is_left_registered_when_streams_end(world: World) -> None:
    person = await new_person(world)
    async with aclosing(follow_wallet(world.app, person.customer_id, None)) as stream:
        task = asyncio.create_task(_take(stream, 1))
        await eventually(lambda: person.customer_id in world.app.hub._wallets)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert person.customer_id not in world.app.hub._wallets


async def test_an_order_of_somebody_else_cannot_be_watched(world: World) -> None:
    stranger, owner = await world.person(), await new_person(world)
    dish = (await dishes(world))[0]
    order = await placed(
        world.app,
        owner,
        Placement(world.store_id, OrderType.PICK_UP, (LineRequest(dish.id, 1),), (), None, None, None, None, None),
        "o",
    )
    async with stranger.socket() as socket:
        for order_id in (order.id, "ord_none", ""):
            stream = await socket.subscribe(
                "subscription($id: ID!) { orderUpdates(orderId: $id) { cursor } }", id=order_id
            )
            with pytest.raises(GraphQLFailed) as refused:
                await stream.next()
            assert refused.value.code == "FORBIDDEN"
