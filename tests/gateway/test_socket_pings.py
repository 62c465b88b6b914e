"""Phones that died without a word are dropped; those that only have nothing to say stay."""

import asyncio

import pytest

from gateway.socket_ends import PING_SECONDS, PONG_SECONDS
from tests.gateway.raw import Frames, eventually, signed_in_socket
from tests.gateway.test_socket_life import WATCH, cursor_and_id
from tests.support.world import World

PING, PONG = {"type": "ping"}, {"type": "pong"}


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A quarter of a second of silence is much, two seconds without an answer too much."""
    monkeypatch.setattr("gateway.socket_ends.PING_SECONDS", 0.25)
    monkeypatch.setattr("gateway.socket_ends.PONG_SECONDS", 2.0)


def test_a_dead_phone_is_gone_within_thirty_seconds() -> None:
    assert (PING_SECONDS, PONG_SECONDS) == (12.0, 12.0)  # and some for the socket to close


@pytest.mark.usefixtures("impatient")
async def test_a_phone_that_answers_no_ping_is_dropped_and_told_how_to_come_back(world: World) -> None:
    person = await world.person()
    _, me = await cursor_and_id(person)
    async with signed_in_socket(world, person.token) as frames:
        await frames.subscribe("1", WATCH)
        await eventually(lambda: me in world.app.hub._wallets)
        assert await frames.receive() == PING
        last = await frames.connection.receive(15)
        assert frames.connection.close_code == 1013
        assert last.extra == "No answer to a ping: subscribe again after your last cursor"
        await eventually(lambda: me not in world.app.hub._wallets)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("answer", [PONG, {"type": "pong", "payload": {}}, PING, {"type": "complete", "id": "none"}])
async def test_whatever_a_phone_answers_it_is_alive(world: World, answer: dict[str, object]) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        for _ in range(4):
            frame = await frames.receive(15)
            while frame == PONG:
                frame = await frames.receive(15)
            assert frame == PING
            await frames.send(answer)
        assert await frames.is_alive()


async def test_who_talks_is_never_asked(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second of silence would be much; for three the phone talks five times as often."""
    monkeypatch.setattr("gateway.socket_ends.PING_SECONDS", 1.0)
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        assert await _talks(frames, 15)


async def _talks(frames: Frames, times: int) -> bool:
    for _ in range(times):
        await frames.send(PING)
        assert await frames.receive() == PONG
        await asyncio.sleep(0.2)
    return True
