"""Requests and frames exactly as a test writes them, with no client in between that would mend them."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from yarl import URL

from scripts.client import PROTOCOL
from tests.support.world import World

Json = dict[str, Any]
GRAPHQL = "application/graphql-response+json"


@dataclass(frozen=True)
class Answer:
    """What came back over HTTP."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Json:
        """The body, which must be a JSON object."""
        value = orjson.loads(self.body)
        assert isinstance(value, dict)
        return value

    @property
    def code(self) -> str | None:
        """`extensions.code` of the first error, which there must be."""
        code: str | None = self.json["errors"][0]["extensions"]["code"]
        return code


async def send(
    world: World, body: bytes | Json, method: str = "POST", url: str | None = None, **headers: str | None
) -> Answer:
    """One request; header names with `_` for `-`; None leaves a header out that the client would set."""
    named = {"content-type": "application/json", **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with world.http.request(
        method,
        url or world.url,
        data=body if isinstance(body, bytes) else orjson.dumps(body),
        headers={name: value for name, value in named.items() if value is not None},
        skip_auto_headers=[name for name, value in named.items() if value is None],
    ) as response:
        return Answer(response.status, response.headers, await response.read())


class Frames:
    """An open socket, frame by frame."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self.connection = connection

    async def send(self, frame: Any) -> None:
        """Send a text as it is, bytes as a binary frame, anything else as JSON."""
        if isinstance(frame, bytes):
            await self.connection.send_bytes(frame)
        else:
            await self.connection.send_str(frame if isinstance(frame, str) else orjson.dumps(frame).decode())

    async def receive(self, seconds: float = 30.0) -> Json:
        """The next frame."""
        message = await self.connection.receive(seconds)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        frame: Json = orjson.loads(message.data)
        return frame

    async def close_code(self, seconds: float = 30.0) -> int | None:
        """The code the server closes with, frames before it passed over; 1006 when the connection just broke."""
        async with asyncio.timeout(seconds):
            while not self.connection.closed:
                await self.connection.receive()
        return self.connection.close_code

    async def subscribe(self, operation_id: str, query: str, **variables: Any) -> None:
        """Start an operation."""
        payload = {"query": query, "variables": variables}
        await self.send({"type": "subscribe", "id": operation_id, "payload": payload})

    async def is_alive(self) -> bool:
        """Whether the server still answers; frames of other operations are passed over."""
        await self.send({"type": "ping"})
        while (await self.receive())["type"] != "pong":
            pass
        return True

    def break_off(self) -> None:
        """Vanish without a word, as a phone in a tunnel does."""
        transport = self.connection._response.connection.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.abort()


@asynccontextmanager
async def open_socket(
    world: World, url: str | None = None, protocols: tuple[str, ...] = (PROTOCOL,), **options: Any
) -> AsyncIterator[Frames]:
    """A socket before connection_init."""
    async with world.http.ws_connect(url or world.url, protocols=protocols, **options) as connection:
        yield Frames(connection)


@asynccontextmanager
async def signed_in_socket(
    world: World, token: str | None, url: str | None = None, **options: Any
) -> AsyncIterator[Frames]:
    """A socket after connection_ack."""
    async with open_socket(world, url, **options) as frames:
        await frames.send({"type": "connection_init", "payload": {"authorization": f"Bearer {token}"}})
        assert await frames.receive() == {"type": "connection_ack"}
        yield frames


async def init_close_code(world: World, authorization: Any, url: str | None = None) -> int | None:
    """What a socket is closed with when connection_init carries this; None when it is acknowledged."""
    async with open_socket(world, url) as frames:
        await frames.send({"type": "connection_init", "payload": {"authorization": authorization}})
        message = await frames.connection.receive(15)
        return None if message.type is aiohttp.WSMsgType.TEXT else frames.connection.close_code


async def open_connection(world: World, holds: int | None = None) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A bare TCP connection to the gateway; `holds`: how many bytes that nobody reads our side takes at the most."""
    url = URL(world.gateway)
    assert url.host is not None
    ours = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    ours.setblocking(False)
    if holds is not None:
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, holds)
    await asyncio.get_running_loop().sock_connect(ours, (url.host, url.port))
    return await asyncio.open_connection(sock=ours)


async def read_to_end(reader: asyncio.StreamReader, seconds: float = 30.0) -> bytes:
    """Everything until the server ends the connection, by a reset, too. Raises TimeoutError when it does not."""
    found = b""
    async with asyncio.timeout(seconds):
        try:
            while part := await reader.read(65_536):
                found += part
        except ConnectionResetError:
            pass
    return found


async def eventually(happens: Callable[[], bool | Awaitable[bool]], seconds: float = 30.0) -> None:
    """Wait until something is so. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while True:
            found = happens()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)
