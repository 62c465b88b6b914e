"""Operations on one socket do not disturb each other: what is wrong with one is told to that one."""

from typing import Any

import pytest

from scripts.client import Api
from tests.gateway.raw import Frames, eventually, signed_in_socket
from tests.support.world import World

WATCH = "subscription($after: String) { walletUpdates(after: $after) { __typename cursor } }"
CLAIM = """mutation($id: ID!) { claimCoupon(input: {templateId: $id, idempotencyKey: "k"}) { __typename
  ... on ClaimCouponSuccess { coupon { id } } } }"""
ME = "query Me { me { id } }"


async def claim(world: World, person: Api) -> None:
    """Something for the person's stream."""
    template_id = world.seeded["template_ids"]["welcome"]
    await person.do("claimCoupon", "coupon { id }", templateId=template_id, idempotencyKey="k")


async def watch(person: Api, frames: Frames, operation_id: str) -> None:
    """Watch from now on: from the cursor of this moment, so that nothing is missed however late the stream starts."""
    cursor = (await person.ask("{ me { wallet { cursor } } }"))["me"]["wallet"]["cursor"]
    await frames.subscribe(operation_id, WATCH, after=cursor)


async def next_of(frames: Frames, operation_id: str) -> dict[str, Any]:
    """The next frame of an operation, those of others passed over."""
    while True:
        frame = await frames.receive()
        if frame.get("id") == operation_id:
            return frame


BROKEN: dict[str, dict[str, Any]] = {
    "an empty document": {"query": ""},
    "a syntax error": {"query": "subscription {"},
    "an unknown field": {"query": "subscription { nope }"},
    "a document too deep": {"query": "{ a " * 400 + "}" * 400},
    "a document too long": {"query": " " * 32_769},
    "an unknown operationName": {"query": ME, "operationName": "Nobody"},
    "a required variable that is missing": {"query": "query($i: ID!) { store(id: $i) { id } }"},
    "a variable of the wrong type": {"query": WATCH, "variables": {"after": 5}},
    "a list that is too long": {"query": WATCH, "variables": {"after": ["x"] * 101}},
    "a wrong scalar": {
        "query": "query($t: DateTime!) { store(id: 1) { menu(at: $t) { version } } }",
        "variables": {"t": "tomorrow"},
    },
    "an unknown cursor": {"query": WATCH, "variables": {"after": "nonsense"}},
    "the cursor of somebody else": {"query": WATCH, "variables": {"after": "Y3VzX3g6MQ"}},
    "two fields at once": {"query": "subscription { walletUpdates { cursor } couponUpdates { cursor } }"},
}


@pytest.mark.parametrize("case", BROKEN)
async def test_an_operation_that_cannot_run_gets_its_error_and_the_other_stream_goes_on(
    world: World, case: str
) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        await watch(person, frames, "good")
        await frames.send({"type": "subscribe", "id": "broken", "payload": BROKEN[case]})
        frame = await frames.receive()
        assert (frame["type"], frame["id"]) == ("error", "broken")
        assert {error["extensions"]["code"] for error in frame["payload"]} == {"BAD_USER_INPUT"}
        await claim(world, person)
        event = await frames.receive()
        assert (event["type"], event["id"]) == ("next", "good")
        assert event["payload"]["data"]["walletUpdates"]["__typename"] == "CouponReceived"


async def test_the_id_of_an_operation_that_failed_is_free_again(world: World) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        for _ in range(3):
            await frames.subscribe("1", "{")
            assert (await frames.receive())["type"] == "error"
        await frames.subscribe("1", ME)
        assert (await frames.receive())["type"] == "next"


async def test_a_query_and_a_mutation_are_answered_once_and_completed(world: World) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        await frames.subscribe("q", ME)
        answer = await frames.receive()
        assert (answer["type"], answer["id"]) == ("next", "q")
        assert answer["payload"]["data"]["me"]["id"].startswith("cus_")
        assert await frames.receive() == {"type": "complete", "id": "q"}
        await frames.subscribe("m", CLAIM, id=world.seeded["template_ids"]["welcome"])
        answer = await frames.receive()
        assert answer["payload"]["data"]["claimCoupon"]["__typename"] == "ClaimCouponSuccess"
        assert await frames.receive() == {"type": "complete", "id": "m"}


async def test_complete_stops_one_stream_and_frees_its_id(world: World) -> None:
    person = await world.person()
    me = (await person.ask("{ me { id } }"))["me"]["id"]
    async with signed_in_socket(world, person.token) as frames:
        await frames.subscribe("a", WATCH)
        await watch(person, frames, "b")
        await eventually(lambda: len(world.app.hub._wallets.get(me, ())) == 2)
        await frames.send({"type": "complete", "id": "a"})
        await eventually(lambda: len(world.app.hub._wallets.get(me, ())) == 1)
        await claim(world, person)
        assert (await frames.receive())["id"] == "b"
        await frames.subscribe("a", ME)
        assert (await next_of(frames, "a"))["type"] == "next"


async def test_of_twenty_one_operations_the_last_is_refused_alone(world: World) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        for n in range(20):
            await watch(person, frames, f"s{n}")
        await frames.subscribe("one too many", ME)
        frame = await frames.receive()
        assert (frame["type"], frame["id"]) == ("error", "one too many")
        assert frame["payload"][0]["extensions"]["code"] == "RATE_LIMITED"
        await claim(world, person)
        events = [await frames.receive() for _ in range(20)]
        assert {event["id"] for event in events} == {f"s{n}" for n in range(20)}
        await frames.send({"type": "complete", "id": "s0"})
        await frames.subscribe("now there is room", ME)
        assert (await next_of(frames, "now there is room"))["type"] == "next"


async def test_staff_watch_their_store_over_the_same_protocol(world: World) -> None:
    staff = await world.staff()
    async with signed_in_socket(world, staff.token, world.console) as frames:
        await frames.subscribe("1", "subscription($id: ID!) { storeUpdates(storeId: $id) { cursor } }", id="sto_x")
        frame = await frames.receive()
        assert (frame["type"], frame["id"]) == ("error", "1")
        await frames.subscribe("1", "query { me { id } }")
        assert (await frames.receive())["payload"]["data"]["me"]["id"].startswith("stf_")


async def test_an_unexpected_error_ends_one_operation_masked_and_leaves_the_other_alone(
    world: World, monkeypatch: pytest.MonkeyPatch, log_lines: list[str]
) -> None:
    person = await world.person()

    async def broken(*_: object) -> object:
        raise ValueError("the secret of the house")

    async with signed_in_socket(world, person.token) as frames:
        await watch(person, frames, "good")
        await claim(world, person)
        assert (await frames.receive())["id"] == "good"
        with monkeypatch.context() as patched:
            patched.setattr(world.app.live, "sequence", broken)
            await frames.subscribe("bad", WATCH)
            frame = await frames.receive()
        assert (frame["type"], frame["id"]) == ("error", "bad")
        assert frame["payload"][0]["message"] == "Something went wrong on our side."
        extensions = frame["payload"][0]["extensions"]
        assert extensions["code"] == "INTERNAL"
        assert any(extensions["requestId"] in line and "the secret of the house" in line for line in log_lines)
        await frames.send({"type": "complete", "id": "good"})
        assert await frames.is_alive()
