"""Every frame the protocol does not allow closes the socket with the protocol's own code, never with a crash (1006)."""

import asyncio
import contextlib
from typing import Any

import pytest
import websockets

from scripts.client import PROTOCOL
from tests.gateway.raw import open_socket, signed_in_socket
from tests.support.world import World

ME = "{ me { id } }"


def subscribe(**changes: Any) -> dict[str, Any]:
    """A good subscribe message with some of its parts changed."""
    return {"type": "subscribe", "id": "1", "payload": {"query": ME}, **changes}


def payload(**changes: Any) -> dict[str, Any]:
    """A good subscribe message with some parts of its payload changed."""
    return subscribe(payload={"query": ME, **changes})


def deep(levels: int) -> str:
    """JSON nested so many levels."""
    return "[" * levels + "]" * levels


MALFORMED: dict[str, Any] = {
    "an array": "[]",
    "null": "null",
    "a text": '"x"',
    "a number": "1",
    "an empty object": {},
    "nothing": "",
    "no JSON": "{",
    "half a surrogate pair": '{"type": "\\ud800"}',
    "JSON nested 5 000 deep": deep(5_000),
    "a frame nested 5 000 deep": f'{{"type": "ping", "payload": {{"a": {deep(5_000)}}}}}',
    "a ping whose payload can be read but not written": f'{{"type": "ping", "payload": {{"a": {deep(500)}}}}}',
    "a type that is a number": {"type": 1},
    "a type that is an object": {"type": {}},
    "an unknown type": {"type": "start", "id": "1", "payload": {"query": ME}},
    "a message of the server": {"type": "next", "id": "1", "payload": {}},
    "an acknowledgement": {"type": "connection_ack"},
    "a ping with a text": {"type": "ping", "payload": "x"},
    "a ping with an array": {"type": "ping", "payload": []},
    "a pong with a number": {"type": "pong", "payload": 1},
    "complete without id": {"type": "complete"},
    "complete with a number": {"type": "complete", "id": 1},
    "subscribe without id": {"type": "subscribe", "payload": {"query": ME}},
    "id null": subscribe(id=None),
    "id a number": subscribe(id=1),
    "id an object": subscribe(id={}),
    "id an array": subscribe(id=["1"]),
    "id empty": subscribe(id=""),
    "id of 129 characters": subscribe(id="x" * 129),
    "payload null": subscribe(payload=None),
    "payload a text": subscribe(payload=ME),
    "payload an array": subscribe(payload=[]),
    "payload empty": subscribe(payload={}),
    "query null": payload(query=None),
    "query an object": payload(query={}),
    "variables a text": payload(variables="x"),
    "variables an array": payload(variables=[]),
    "variables a boolean": payload(variables=False),
    "operationName a number": payload(operationName=1),
    "extensions a text": payload(extensions="x"),
    "a binary frame": b'{"type": "ping"}',
    "65 537 characters": {"type": "ping", "payload": {"a": "x" * 65_537}},
    "65 537 characters of three bytes": {"type": "ping", "payload": {"a": "卡" * 65_537}},
}


@pytest.mark.parametrize("case", MALFORMED)
async def test_a_malformed_frame_closes_with_4400(world: World, case: str) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        await frames.send(MALFORMED[case])
        assert await frames.close_code() == 4400


@pytest.mark.parametrize("case", ["an array", "null", "JSON nested 5 000 deep", "a binary frame", "an unknown type"])
async def test_before_connection_init_too(world: World, case: str) -> None:
    async with open_socket(world) as frames:
        await frames.send(MALFORMED[case])
        assert await frames.close_code() == 4400


@pytest.mark.parametrize("authorization", [1, {}, ["Bearer x"], True])
async def test_an_authorization_that_is_no_text_is_malformed(world: World, authorization: Any) -> None:
    async with open_socket(world) as frames:
        await frames.send({"type": "connection_init", "payload": {"authorization": authorization}})
        assert await frames.close_code() == 4400


@pytest.mark.parametrize("init", ["x", [], 1, True])
async def test_an_init_payload_that_is_no_object_is_malformed(world: World, init: Any) -> None:
    async with open_socket(world) as frames:
        await frames.send({"type": "connection_init", "payload": init})
        assert await frames.close_code() == 4400


@pytest.mark.parametrize("megabytes", [1, 4, 16])
async def test_a_huge_frame_is_not_even_read_and_the_sender_learns_why(world: World, megabytes: int) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token, compress=0) as frames:
        await frames.send('{"type": "ping", "payload": {"a": "' + "x" * (megabytes << 20) + '"}}')
        assert await frames.close_code() == 1009


async def test_a_huge_message_does_not_pass_compressed(world: World) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token, compress=15) as frames:
        await frames.send('{"type": "ping", "payload": {"a": "' + "x" * (8 << 20) + '"}}')
        assert await frames.close_code() == 1009


@pytest.mark.parametrize(("pieces", "expected"), [(3, 4400), (40, 1009)])
async def test_a_huge_message_does_not_pass_in_pieces(world: World, pieces: int, expected: int) -> None:
    url = world.url.replace("http", "ws")
    async with websockets.connect(url, subprotocols=[websockets.Subprotocol(PROTOCOL)], compression=None) as connection:
        with contextlib.suppress(websockets.ConnectionClosed):
            await connection.send("x" * 30_000 for _ in range(pieces))
        await asyncio.wait_for(connection.wait_closed(), 15)
        assert connection.close_code == expected


async def test_a_text_that_is_not_utf8_is_closed_with_1007(world: World) -> None:
    url = world.url.replace("http", "ws")
    async with websockets.connect(url, subprotocols=[websockets.Subprotocol(PROTOCOL)], compression=None) as connection:
        await connection.send(b"\xff\xfe", text=True)
        await asyncio.wait_for(connection.wait_closed(), 15)
        assert connection.close_code == 1007


async def test_a_frame_of_the_most_characters_is_answered(world: World) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        empty = len('{"type":"ping","payload":{"a":""}}')
        sent = {"type": "ping", "payload": {"a": "x" * (65_536 - empty)}}
        await frames.send(sent)
        assert await frames.receive() == {**sent, "type": "pong"}


@pytest.mark.parametrize("offered", [(), ("graphql-ws",), ("graphql-transport-ws2",), ("graphql-ws", "soap")])
async def test_only_the_modern_protocol_is_spoken(world: World, offered: tuple[str, ...]) -> None:
    async with open_socket(world, protocols=offered) as frames:
        assert frames.connection.protocol is None
        assert await frames.close_code() == 4406


async def test_the_modern_protocol_is_chosen_among_others(world: World) -> None:
    async with open_socket(world, protocols=("graphql-ws", PROTOCOL)) as frames:
        assert frames.connection.protocol == PROTOCOL


async def test_a_client_that_never_introduces_itself_is_closed_with_4408(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.socket.INIT_SECONDS", 0.2)
    async with open_socket(world) as frames:
        for _ in range(3):  # pings do not put it off
            await frames.send({"type": "ping"})
            assert (await frames.receive())["type"] == "pong"
        assert await frames.close_code(15) == 4408


async def test_a_second_introduction_is_one_too_many(world: World) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        await frames.send({"type": "connection_init", "payload": {"authorization": f"Bearer {person.token}"}})
        assert await frames.close_code() == 4429


async def test_two_introductions_at_once_are_one_too_many(world: World) -> None:
    person = await world.person()
    async with open_socket(world) as frames:
        for _ in range(2):
            await frames.send({"type": "connection_init", "payload": {"authorization": f"Bearer {person.token}"}})
        assert await frames.close_code() == 4429


async def test_nothing_is_served_before_the_acknowledgement(world: World) -> None:
    async with open_socket(world) as frames:
        await frames.subscribe("1", ME)
        assert await frames.close_code() == 4401


async def test_an_id_in_use_closes_with_4409(world: World) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        await frames.subscribe("1", "subscription { walletUpdates { cursor } }")
        await frames.subscribe("1", ME)
        assert await frames.close_code() == 4409


async def test_pings_are_answered_with_what_they_carried_and_pongs_with_nothing(world: World) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        await frames.send({"type": "ping"})
        assert await frames.receive() == {"type": "pong"}
        await frames.send({"type": "pong", "payload": {"seen": 1}})
        await frames.send({"type": "ping", "payload": {"at": 12, "名": ["卡包", None, 2**53]}})
        assert await frames.receive() == {"type": "pong", "payload": {"at": 12, "名": ["卡包", None, 2**53]}}


async def test_completing_what_was_never_begun_is_nothing(world: World) -> None:
    person = await world.person()
    async with signed_in_socket(world, person.token) as frames:
        await frames.send({"type": "complete", "id": "never"})
        assert await frames.is_alive()
