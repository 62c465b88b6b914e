"""At most five sockets per customer and app, over all processes; the oldest is told why it ends."""

from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from tests.gateway.conftest import Opener
from tests.gateway.forging import forge, genuine
from tests.gateway.raw import Frames, eventually, signed_in_socket
from tests.support.world import World

WHY = "Replaced by a newer connection: at most 5 per customer and app"


async def open_counted(world: World, place: str) -> int:
    """How many sockets are noted at a place."""
    found = await world.app.connection.collection("sockets").find_one({"_id": place})
    return len(found["open"]) if found else 0


async def place_of(world: World, token: str | None) -> str:
    """The place of a token's customer in its app."""
    claims = genuine(token)
    return f"{claims['sub']}:{claims['platform']}:{claims['app']}"


async def told_to_go(frames: Frames) -> tuple[int | None, str | None]:
    """How a socket was closed."""
    message = await frames.connection.receive(15)
    return frames.connection.close_code, message.extra


async def test_the_sixth_pushes_out_the_oldest_wherever_that_one_is(world: World, another_gateway: Opener) -> None:
    person = await world.person()
    async with another_gateway() as other, AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(signed_in_socket(each, person.token))
            for each in (world, other, world, other, world, other, other)
        ]
        assert await told_to_go(sockets[0]) == (1008, WHY)  # by the other process
        assert await told_to_go(sockets[1]) == (1008, WHY)  # by its own
        for frames in sockets[2:]:
            assert await frames.is_alive()
        assert await open_counted(world, await place_of(world, person.token)) == 5


async def test_what_has_ended_does_not_count(world: World) -> None:
    person = await world.person()
    place = await place_of(world, person.token)
    async with AsyncExitStack() as stack:
        kept = [await stack.enter_async_context(signed_in_socket(world, person.token)) for _ in range(4)]
        for number in range(4):
            async with signed_in_socket(world, person.token) as frames:
                if number % 2:
                    frames.break_off()

            async def four() -> bool:
                return await open_counted(world, place) == 4

            await eventually(four)
        for frames in kept:
            assert await frames.is_alive()


async def test_another_app_and_another_person_have_places_of_their_own(world: World) -> None:
    person, friend = await world.person(), await world.person()
    qq = {**genuine(person.token), "platform": "QQ", "app": world.settings["KABAO_QQ_APP_ID"]}
    tokens = [person.token, friend.token, forge(world, qq)]
    async with AsyncExitStack() as stack:
        sockets = [await stack.enter_async_context(signed_in_socket(world, token)) for token in tokens * 5]
        for frames in sockets:
            assert await frames.is_alive()


async def test_staff_have_as_many_as_they_need(world: World) -> None:
    owner = await world.staff()
    async with AsyncExitStack() as stack:
        sockets = [
            await stack.enter_async_context(signed_in_socket(world, owner.token, world.console)) for _ in range(7)
        ]
        for frames in sockets:
            assert await frames.is_alive()


@pytest.mark.parametrize(("seconds", "survives"), [(-1, True), (60, False)])
async def test_places_that_a_process_took_with_it_when_it_died_lapse_with_their_token(
    world: World, seconds: int, survives: bool
) -> None:
    person = await world.person()
    until = world.clock.now() + timedelta(seconds=seconds)
    async with signed_in_socket(world, person.token) as frames:
        dead = [{"id": f"sck_dead_{number}", "until": until} for number in range(4)]
        place = await place_of(world, person.token)
        await world.app.connection.collection("sockets").update_one(
            {"_id": place}, {"$push": {"open": {"$each": dead}}}
        )
        async with signed_in_socket(world, person.token):
            if survives:
                assert await frames.is_alive()
            else:
                assert await told_to_go(frames) == (1008, WHY)
