"""Clients that send slowly, send nothing, or take nothing are dropped, and everybody else is served meanwhile."""

import asyncio

import pytest

from tests.gateway.raw import eventually, open_connection, read_to_end, send
from tests.support.world import World

HEAD = b"POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
ME = b'{"query": "{ me { id } }"}'
REQUEST = HEAD + b"content-length: %d\r\n\r\n%s" % (len(ME), ME)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds where production waits ten: enough for what is in time, on a busy machine, too."""
    monkeypatch.setattr("gateway.server.HEADER_SECONDS", 3.0)
    monkeypatch.setattr("gateway.server.STALL_SECONDS", 1.0)
    monkeypatch.setattr("gateway.http.BODY_SECONDS", 1.0)


async def dribble(writer: asyncio.StreamWriter, text: bytes) -> None:
    """A byte at a time."""
    for byte in text:
        writer.write(bytes([byte]))
        await asyncio.sleep(0.05)


async def answer_to(world: World, *, first: bytes = b"", slowly: bytes = b"") -> bytes:
    """What the server says until it ends the connection."""
    reader, writer = await open_connection(world)
    writer.write(first)
    dribbling = asyncio.create_task(dribble(writer, slowly))
    try:
        return await read_to_end(reader, 15)
    finally:
        dribbling.cancel()
        await asyncio.gather(dribbling, return_exceptions=True)
        writer.close()


async def test_who_sends_nothing_is_dropped(world: World) -> None:
    assert await answer_to(world) == b""


async def test_who_sends_headers_a_byte_at_a_time_is_dropped(world: World) -> None:
    assert await answer_to(world, slowly=REQUEST) == b""


async def test_who_never_ends_the_headers_is_dropped(world: World) -> None:
    assert await answer_to(world, first=HEAD, slowly=b"x-filler: " + b"x" * 1_000) == b""


async def test_who_sends_a_body_a_byte_at_a_time_is_told_and_dropped(world: World) -> None:
    answer = await answer_to(world, first=HEAD + b"content-length: 1000\r\n\r\n", slowly=b" " * 1_000)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"BAD_USER_INPUT"' in answer


async def test_who_announces_a_body_and_sends_none_is_told_and_dropped(world: World) -> None:
    assert (await answer_to(world, first=HEAD + b"content-length: 10\r\n\r\n")).startswith(b"HTTP/1.1 408 ")


async def test_who_dribbles_the_body_of_a_request_that_was_refused_is_dropped(world: World) -> None:
    request = HEAD.replace(b"POST", b"PUT") + b"content-length: 1000\r\n\r\n"
    answer = await answer_to(world, first=request, slowly=b" " * 1_000)
    assert answer.startswith(b"HTTP/1.1 405 ")


async def test_who_dribbles_the_second_request_is_dropped_like_with_the_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.server.HEADER_SECONDS", 4)  # in which the first is answered
    answer = await answer_to(world, first=REQUEST, slowly=HEAD + b"x-filler: " + b"x" * 1_000)
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_who_dribbles_a_second_request_while_the_first_is_answered_is_dropped(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.http.BODY_SECONDS", 10)
    monkeypatch.setattr("gateway.server.HEADER_SECONDS", 4)  # in which the first is answered
    answer = await answer_to(world, first=REQUEST + b"POST /gra", slowly=b"x" * 1_000)
    assert answer.count(b"HTTP/1.1 ") == 1


async def test_headers_without_end_are_not_collected(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.server.HEADER_SECONDS", 30)
    reader, writer = await open_connection(world)
    writer.write(HEAD)
    for _ in range(100):
        writer.write(b"x-filler: " + b"x" * 10_000 + b"\r\n")
        await asyncio.sleep(0)
    assert await read_to_end(reader, 15) == b""
    writer.close()


async def test_a_handshake_that_never_ends_is_dropped(world: World) -> None:
    upgrade = b"GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n"
    assert await answer_to(world, first=upgrade, slowly=b"x-filler: " + b"x" * 1_000) == b""


async def test_who_asks_and_asks_and_takes_no_answer_is_cut_off(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.server.HEADER_SECONDS", 60)
    monkeypatch.setattr("gateway.http.BODY_SECONDS", 60)
    menu = b'{"query": "{ store(id: \\"%s\\") { menu { sections { name items { dish { id name description } } } } } }"}'
    body = menu % world.store_id.encode()
    request = HEAD + b"content-length: %d\r\n\r\n%s" % (len(body), body)
    reader, writer = await open_connection(world, holds=4_096)
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(request * 2_000)

    def is_cut_off() -> bool:  # which shows when something is sent
        writer.write(request)
        return writer.transport.is_closing()

    await eventually(is_cut_off)
    assert writer.transport.is_closing()
    writer.transport.abort()


async def test_a_client_that_takes_its_time_between_requests_is_kept(world: World) -> None:
    reader, writer = await open_connection(world)
    for _ in range(2):
        writer.write(REQUEST)
        answer = await asyncio.wait_for(reader.readuntil(b"}}"), 15)
        assert answer.startswith(b"HTTP/1.1 200 ")
        await asyncio.sleep(1.5)
    writer.close()


async def test_hundred_slow_clients_keep_nobody_else_waiting(world: World) -> None:
    slow = [asyncio.create_task(answer_to(world, slowly=REQUEST)) for _ in range(100)]
    for _ in range(10):
        answer = await asyncio.wait_for(send(world, ME), 5)
        assert answer.json == {"data": {"me": None}}
        await asyncio.sleep(0.02)
    assert await asyncio.gather(*slow) == [b""] * 100
