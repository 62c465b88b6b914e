"""The ASGI layer in front of the platforms: bounds and reads each call, and spoils it when a fault rule says so."""

import asyncio
import contextlib
import re
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from scripts.simulator import faults
from scripts.simulator.world import World

MAX_BODY_BYTES = 256 * 1024
OUT_TRADE_NO = re.compile(rb'"out_trade_no"\s*:\s*"([^"]*)"|<out_trade_no>(?:<!\[CDATA\[)?([^<\]]*)')
BAD_GATEWAY = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
TRANSPORT = "simulator.transport"
FAULT = "simulator.fault"
REPEATED = "simulator.repeated"


class ClosableProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which lets the application close the connection without an answer."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["extensions"] = {TRANSPORT: {"transport": self.transport}}


class FaultyTransport:
    """Wraps the whole application; control calls pass untouched."""

    def __init__(self, app: ASGIApp, world: World) -> None:
        self._app = app
        self._world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            await _answer(send, 413, b"request entity too large", b"text/plain")
            return
        if scope["path"].startswith("/_control/"):
            await self._app(scope, _replay(body, receive), send)
            return
        scope[FAULT] = self._world.faults.for_call(scope["path"], _out_trade_no(body))
        await self._serve(scope, body, receive, send)

    async def _serve(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        mode = scope[FAULT]
        if mode == "html":
            await _answer(send, 502, BAD_GATEWAY, b"text/html")
        elif mode == "drop":
            await _drop(scope)
        elif mode in ("timeout", "late"):
            answer = await self._hold_back(scope, body, receive)
            await self._wait(faults.TIMEOUT_SECONDS if mode == "timeout" else faults.LATE_SECONDS)
            if mode == "timeout":
                await _drop(scope)
                return
            for message in answer:
                await send(message)
        else:
            if mode == "duplicate":
                await self._hold_back(dict(scope), body, receive)
                scope[REPEATED] = True
            await self._app(scope, _replay(body, receive), send)

    async def _hold_back(self, scope: Scope, body: bytes, receive: Receive) -> list[Message]:
        """Carry the call out and keep its answer."""
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, _replay(body, receive), keep)
        return messages

    async def _wait(self, seconds: float) -> None:
        """Wait, but never keep the process from stopping."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._world.stopping.wait()


async def _read(receive: Receive) -> bytes | None:
    """The whole body, or None when it is larger than any platform call."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b"".join(parts)
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_BODY_BYTES:
            return None
        if not message.get("more_body", False):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    given = False

    async def again() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _out_trade_no(body: bytes) -> str:
    found = OUT_TRADE_NO.search(body)
    return (found.group(1) or found.group(2) or b"").decode(errors="replace") if found else ""


async def _answer(send: Send, status: int, body: bytes, content_type: bytes) -> None:
    headers = [(b"content-type", content_type), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _drop(scope: Scope) -> None:
    """Cut the connection, and give uvicorn a moment to notice, so that it does not try to answer."""
    extension: Any = scope.get("extensions", {}).get(TRANSPORT)
    if extension is None:
        raise ConnectionAbortedError("dropped on demand")
    extension["transport"].abort()
    await asyncio.sleep(0.01)
