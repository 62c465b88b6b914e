"""A reader that stops reading: its queue is bounded, others notice nothing, and it pieces everything together later."""

import asyncio
from typing import Any

import pytest

from resolvers.live.listener import QUEUE_LENGTH
from resolvers.live.model import cursor_of, number_of
from tests.gateway.raw import Frames, eventually, signed_in_socket
from tests.live.flow import many_events
from tests.support.world import World

EVENTS = 2_000
LONG_TITLE = "券" * 2_700  # 8 KB: all events are 16 MB, which no buffer of any system holds
WATCH = """subscription($after: String) { walletUpdates(after: $after) { __typename cursor
  ... on CouponReceived { coupon { revision title } } } }"""


async def read(frames: Frames, me: str, until: int, into: list[tuple[int, int]]) -> None:
    """Numbers and revisions, up to a number."""
    while not into or into[-1][0] < until:
        frame = await frames.receive(20)
        if frame["type"] != "next":
            continue
        event: Any = frame["payload"]["data"]["walletUpdates"]
        assert event["__typename"] == "CouponReceived"
        into.append((number_of(event["cursor"], me), event["coupon"]["revision"]))


async def test_a_reader_that_stops_is_cut_off_and_loses_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.socket.SEND_SECONDS", 2.0)
    monkeypatch.setattr("gateway.server.STALL_SECONDS", 2.0)
    person = await world.person()
    me = (await person.ask("{ me { id } }"))["me"]["id"]
    wanted = {"templateId": world.seeded["template_ids"]["welcome"], "idempotencyKey": "k"}
    coupon_id = (await person.do("claimCoupon", "coupon { id }", **wanted))["coupon"]["id"]
    snapshot = await world.app.connection.collection("coupons").find_one({"_id": coupon_id})
    assert snapshot is not None
    start, last = 1, 1 + EVENTS
    slow: list[tuple[int, int]] = []
    polite: list[tuple[int, int]] = []
    longest = 0
    async with signed_in_socket(world, person.token) as other, signed_in_socket(world, person.token) as stuck:
        for frames in (other, stuck):
            await frames.subscribe("1", WATCH, after=cursor_of(me, start))
        await eventually(lambda: len(world.app.hub._wallets.get(me, ())) == 2)
        reading = asyncio.create_task(read(other, me, last, polite))
        stopped = stuck.connection._response.connection.transport  # type: ignore[union-attr]
        stopped.pause_reading()  # type: ignore[union-attr]
        writing = asyncio.create_task(many_events(world.app, me, snapshot, EVENTS, LONG_TITLE))
        while not writing.done() or not reading.done():
            listeners = world.app.hub._wallets.get(me, ())
            longest = max([longest, *(listener.waiting for listener in listeners)])
            await asyncio.sleep(0.01)
        await writing
        await reading
        await eventually(lambda: me not in world.app.hub._wallets or len(world.app.hub._wallets[me]) == 1)
        assert await other.is_alive()
        stuck.break_off()
    assert longest <= QUEUE_LENGTH
    assert polite == [(number + start, number) for number in range(1, EVENTS + 1)]
    async with signed_in_socket(world, person.token) as back:
        await back.subscribe("1", WATCH, after=cursor_of(me, slow[-1][0] if slow else start))
        await read(back, me, last, slow)
    assert slow == polite


async def test_a_subscriber_that_falls_behind_holds_no_more_than_its_queue_and_reads_on_from_the_log(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("resolvers.live.listener.QUEUE_LENGTH", 16)
    person = await world.person()
    me = (await person.ask("{ me { id } }"))["me"]["id"]
    async with world.app.hub.wallet(me) as listener:
        wanted = {"templateId": world.seeded["template_ids"]["welcome"], "idempotencyKey": "k"}
        coupon_id = (await person.do("claimCoupon", "coupon { id }", **wanted))["coupon"]["id"]
        snapshot = await world.app.connection.collection("coupons").find_one({"_id": coupon_id})
        assert snapshot is not None
        await many_events(world.app, me, snapshot, 500)
        numbers = []
        async with asyncio.timeout(30):
            while not numbers or numbers[-1] < 501:
                event = await listener.get(1)
                numbers += [event.number] if event else []
                assert listener.waiting <= 16
    assert listener.gap
    assert numbers == sorted(numbers)
