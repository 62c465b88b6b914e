"""How sockets end: with their token, their session, their reader or their network; and that nothing is left behind."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from scripts.client import Api
from tests.gateway.conftest import Opener
from tests.gateway.forging import forge, genuine, present
from tests.gateway.raw import Frames, eventually, init_close_code, signed_in_socket
from tests.support.world import World

WATCH = """subscription($after: String) { walletUpdates(after: $after) { __typename cursor
  ... on CouponReceived { coupon { id } } } }"""


async def cursor_and_id(person: Api) -> tuple[str, str]:
    """Where the person's stream stands, and who they are."""
    me = (await person.ask("{ me { id wallet { cursor } } }"))["me"]
    return me["wallet"]["cursor"], me["id"]


async def claim(world: World, person: Api) -> str:
    """A coupon for the person; its id."""
    template_id = world.seeded["template_ids"]["welcome"]
    claimed = await person.do("claimCoupon", "coupon { id }", templateId=template_id, idempotencyKey="k")
    coupon_id: str = claimed["coupon"]["id"]
    return coupon_id


def operations() -> int:
    """How many operations and conversations of sockets run in this process."""
    names = [getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks()]
    return sum(name.startswith("Conversation.") for name in names)


def left(world: World, customer_id: str, session_id: str) -> bool:
    """Whether the hub has forgotten this customer and this session."""
    return customer_id not in world.app.hub._wallets and session_id not in world.app.hub._sessions


async def test_a_socket_ends_with_its_token_and_a_fresh_one_goes_on_where_it_was(world: World) -> None:
    person = await world.person()
    cursor, _ = await cursor_and_id(person)
    short = forge(world, {**genuine(person.token), "exp": present() + 2})
    async with signed_in_socket(world, short) as frames:
        await frames.subscribe("1", WATCH, after=cursor)
        assert await frames.is_alive()
        assert await frames.close_code(15) == 4403
    assert await init_close_code(world, f"Bearer {short}") == 4403
    coupon_id = await claim(world, person)
    async with signed_in_socket(world, person.token) as frames:
        await frames.subscribe("1", WATCH, after=cursor)
        event = (await frames.receive())["payload"]["data"]["walletUpdates"]
        assert (event["__typename"], event["coupon"]["id"]) == ("CouponReceived", coupon_id)


async def test_a_socket_that_opens_in_the_last_second_of_its_token_is_closed_on_time(
    world: World, another_gateway: Opener
) -> None:
    person = await world.person()
    async with another_gateway() as other:
        expires = genuine(person.token)["exp"]
        other.clock.ahead = timedelta(seconds=expires - present() - 1)
        async with signed_in_socket(other, person.token) as frames:
            assert await frames.close_code(15) == 4403


async def test_streams_and_socket_leave_nothing_behind_when_the_phone_vanishes(world: World) -> None:
    person, before = await world.person(), operations()
    _, me = await cursor_and_id(person)
    session = genuine(person.token)["sid"]
    async with signed_in_socket(world, person.token) as frames:
        for n in range(3):
            await frames.subscribe(str(n), WATCH)
        await eventually(lambda: len(world.app.hub._wallets.get(me, ())) == 3)
        assert len(world.app.hub._sessions[session]) == 1
        assert operations() > before
        frames.break_off()
        await eventually(lambda: left(world, me, session))
        await eventually(lambda: operations() == before)


async def test_nor_when_it_says_goodbye_or_is_told_to_go(world: World) -> None:
    person, before = await world.person(), operations()
    _, me = await cursor_and_id(person)
    session = genuine(person.token)["sid"]
    for last_word in (None, "[]"):
        async with signed_in_socket(world, person.token) as frames:
            await frames.subscribe("1", WATCH)
            await eventually(lambda: me in world.app.hub._wallets)
            if last_word is None:
                await frames.connection.close()
            else:
                await frames.send(last_word)
                assert await frames.close_code() == 4400
            await eventually(lambda: left(world, me, session))
            await eventually(lambda: operations() == before)


async def test_two_hundred_phones_that_vanish_at_once_leave_nothing_behind(world: World) -> None:
    people, before = [await world.person() for _ in range(40)], operations()

    async def come_and_go(person: Api) -> None:
        async with signed_in_socket(world, person.token) as frames:
            await frames.subscribe("1", WATCH)
            frames.break_off()

    await asyncio.gather(*(come_and_go(person) for person in people for _ in range(5)))
    for person in people:
        _, me = await cursor_and_id(person)
        await eventually(lambda me=me, person=person: left(world, me, genuine(person.token)["sid"]))  # type: ignore[misc]
    await eventually(lambda: operations() == before)
    assert not world.app.hub._wallets.keys() & {(await cursor_and_id(person))[1] for person in people}


async def fill(frames: Frames) -> None:
    """Ask for answers and take none of them, until the other side has had enough."""
    text = '{"type":"ping","payload":{"a":"' + "x" * 60_000 + '"}}'
    for _ in range(2_000):
        await frames.connection.send_str(text)


async def test_a_client_that_takes_nothing_is_cut_off_and_the_others_notice_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.socket.SEND_SECONDS", 0.5)
    monkeypatch.setattr("gateway.server.STALL_SECONDS", 0.5)
    greedy, polite = await world.person(), await world.person()
    _, me = await cursor_and_id(greedy)
    async with signed_in_socket(world, polite.token) as other:
        async with signed_in_socket(world, greedy.token, compress=0) as frames:
            await frames.subscribe("1", WATCH)
            await eventually(lambda: me in world.app.hub._wallets)
            filling = asyncio.create_task(fill(frames))
            for _ in range(10):
                assert await asyncio.wait_for(other.is_alive(), 5)
                await asyncio.sleep(0.02)
            await eventually(lambda: left(world, me, genuine(greedy.token)["sid"]))
            with pytest.raises(ConnectionError):  # not only forgotten: the connection itself is cut
                await asyncio.wait_for(filling, 15)
        assert await other.is_alive()


async def test_a_phone_that_answers_no_ping_is_dropped_with_a_code_after_which_clients_come_back(
    world: World, another_gateway: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.server.PING_SECONDS", 1.0)
    person = await world.person()
    _, me = await cursor_and_id(person)
    async with (
        another_gateway() as other,
        signed_in_socket(other, person.token) as awake,
        signed_in_socket(other, person.token, autoping=False) as asleep,
    ):
        await asleep.subscribe("1", WATCH)
        await eventually(lambda: me in other.app.hub._wallets)
        reading = asyncio.create_task(awake.connection.receive())
        assert await asleep.close_code(15) == 1013
        await eventually(lambda: me not in other.app.hub._wallets)
        await asyncio.sleep(1.5)  # long enough for one more ping: who answers stays
        assert not reading.done()
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def test_a_trouble_of_ours_at_the_door_asks_the_client_to_come_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await world.person()

    async def broken(*_: Any) -> Any:
        raise ValueError("the secret of the house")

    monkeypatch.setattr(world.app.people, "customer", broken)
    assert await init_close_code(world, f"Bearer {person.token}") == 1013
