"""The database is away for a moment: a stream is not told half of an event, its socket closes for a resume."""

from typing import Any

import pytest
from pymongo.errors import AutoReconnect

from tests.gateway.raw import Frames, signed_in_socket
from tests.support.world import World

WHY = "Interrupted: subscribe again after your last cursor"
WATCH = """subscription($after: String) { walletUpdates(after: $after) { __typename cursor
  ... on CouponReceived { coupon { id template { id } } } } }"""


async def closed_with(frames: Frames) -> tuple[int | None, str | None]:
    """How the socket was closed, nothing told before."""
    message = await frames.connection.receive(15)
    return frames.connection.close_code, message.extra


async def away(*_: Any) -> Any:
    """What any read does without a primary."""
    raise AutoReconnect("no primary")


async def test_a_stream_that_cannot_begin_closes_the_socket_for_another_try(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person()
    with monkeypatch.context() as patched:
        patched.setattr(world.app.live, "sequence", away)
        async with signed_in_socket(world, person.token) as frames:
            await frames.subscribe("1", WATCH)
            assert await closed_with(frames) == (1013, WHY)


async def test_an_event_whose_relations_cannot_be_read_is_told_later_and_whole(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person()
    cursor = (await person.ask("{ me { wallet { cursor } } }"))["me"]["wallet"]["cursor"]
    template_id = world.seeded["template_ids"]["welcome"]
    claimed = await person.do("claimCoupon", "coupon { id }", templateId=template_id, idempotencyKey="k")
    with monkeypatch.context() as patched:
        patched.setattr(world.app.coupons, "templates", away)
        async with signed_in_socket(world, person.token) as frames:
            await frames.subscribe("1", WATCH, after=cursor)
            assert await closed_with(frames) == (1013, WHY)
    async with signed_in_socket(world, person.token) as frames:
        await frames.subscribe("1", WATCH, after=cursor)
        event = (await frames.receive())["payload"]["data"]["walletUpdates"]
        assert event["coupon"] == {"id": claimed["coupon"]["id"], "template": {"id": template_id}}


async def test_a_query_is_answered_with_try_again_and_the_socket_stays(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        with monkeypatch.context() as patched:
            patched.setattr(world.app.people, "customer", away)
            patched.setattr(world.app.people, "customers", away, raising=False)
            await frames.subscribe("1", "{ me { id } }")
            answer = await frames.receive()
        assert answer["payload"]["errors"][0]["extensions"]["code"] == "TRY_AGAIN"
        assert await frames.receive() == {"type": "complete", "id": "1"}
        assert await frames.is_alive()
