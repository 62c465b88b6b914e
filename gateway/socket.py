"""GraphQL over WebSocket as the graphql-transport-ws protocol says, with bounds on everything.

A malformed frame closes the socket with 4400, never with a crash; an operation that is refused gets its own `error`
and leaves the socket's other streams alone.
"""

import asyncio
import contextlib
import logging
import time
from datetime import datetime
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from gateway.access_tokens import TokenExpired, TokenInvalid
from gateway.graphql import Engine
from gateway.logs import new_request_id
from gateway.requests import OperationRefused, bad_request, read_request
from gateway.sign_in_check import Bearer, SessionEnded, SignInCheck
from resolvers.live.hub import Hub
from resolvers.ports import Clock

log = logging.getLogger("kabao.socket")

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 5.0
SEND_SECONDS = 10.0  # a phone that takes nothing for so long is gone; it reads its backlog when it is back
MAXIMUM_FRAME = 64 * 1024  # characters
MAXIMUM_OPERATIONS = 20  # at once on one socket; a screen has two or three
MAXIMUM_ID = 128  # characters of an operation's id
TRY_LATER = 1013  # clients take 1011 for final and would not come back
_GONE = (WebSocketDisconnect, RuntimeError, TimeoutError)


class Close(Exception):
    """End the socket with a code of the protocol."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class SocketEndpoint:
    """One endpoint's sockets."""

    def __init__(self, engine: Engine, check: SignInCheck, hub: Hub, clock: Clock) -> None:
        self._engine = engine
        self._check = check
        self._hub = hub
        self._clock = clock

    async def __call__(self, websocket: WebSocket) -> None:
        """Serve one socket to its end."""
        await Conversation(websocket, self._engine, self._check, self._hub, self._clock).run()


class Conversation:
    """One socket."""

    def __init__(self, websocket: WebSocket, engine: Engine, check: SignInCheck, hub: Hub, clock: Clock) -> None:
        self._websocket = websocket
        self._engine = engine
        self._check = check
        self._hub = hub
        self._clock = clock
        self._bearer: Bearer | None = None
        self._acknowledged = False
        self._greeted = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._sending = asyncio.Lock()

    async def run(self) -> None:
        """Serve the socket until either side ends it; its operations end with it."""
        try:
            if PROTOCOL not in self._websocket.scope.get("subprotocols", []):
                await self._websocket.accept()
                raise Close(4406, "Subprotocol not acceptable")
            await self._websocket.accept(subprotocol=PROTOCOL)
            await self._greet()
            await self._converse()
        except Close as end:
            await self._close(end.code, end.reason)
        except _GONE:
            # Gone without a word, or taking nothing any more: phones do both whenever they go to sleep.
            await self._close(TRY_LATER, "No longer reading")
        except Exception as error:
            log.error("socket failed", exc_info=error)
            await self._close(TRY_LATER, "Try again later")
        finally:
            for task in self._operations.values():
                task.cancel()
            await asyncio.gather(*self._operations.values(), return_exceptions=True)

    async def _greet(self) -> None:
        """Wait for connection_init, for a while."""
        try:
            async with asyncio.timeout(INIT_SECONDS):
                while not self._acknowledged:
                    await self._handle(await self._receive())
        except TimeoutError as error:
            raise Close(4408, "Connection initialisation timeout") from error

    async def _converse(self) -> None:
        """Handle frames until the token's time is over or its session ends."""
        if self._bearer is None:
            while True:
                await self._handle(await self._receive())
        async with self._hub.session_end(self._bearer.session_id) as ended:
            over = asyncio.create_task(self._until_over(self._bearer.expires_at, ended))
            reading = asyncio.create_task(self._read())
            try:
                await asyncio.wait({over, reading}, return_when=asyncio.FIRST_COMPLETED)
                if over.done():
                    raise Close(4403, "Forbidden")
                reading.result()
            finally:
                for task in (over, reading):
                    task.cancel()
                await asyncio.gather(over, reading, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            await self._handle(await self._receive())

    async def _until_over(self, expires_at: datetime, ended: asyncio.Event) -> None:
        seconds = (expires_at - self._clock.now()).total_seconds()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max(seconds, 0)):
                await ended.wait()

    async def _receive(self) -> dict[str, Any]:
        message = await self._websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        text = message.get("text")
        if text is None or len(text) > MAXIMUM_FRAME:
            raise Close(4400, "A message is text of at most 64 KiB")
        try:
            frame = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise Close(4400, "A message is JSON") from error
        if not isinstance(frame, dict) or not isinstance(frame.get("type"), str):
            raise Close(4400, "A message is an object with a type")
        return frame

    async def _handle(self, frame: dict[str, Any]) -> None:
        payload = frame.get("payload")
        match frame["type"]:
            case "connection_init":
                await self._init(payload)
            case "ping":
                _check_payload(payload)
                await self._pong(payload)
            case "pong":
                _check_payload(payload)
            case "subscribe":
                await self._subscribe(_id_of(frame), payload)
            case "complete":
                task = self._operations.pop(_id_of(frame), None)
                if task is not None:
                    task.cancel()
            case _:
                raise Close(4400, "Unknown message type")

    async def _pong(self, payload: Any) -> None:
        try:
            await self._send({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
        except TypeError as error:  # what can be read nests up to 1024 deep, what can be written 254
            raise Close(4400, "payload is nested too deeply") from error

    async def _init(self, payload: Any) -> None:
        _check_payload(payload)
        if self._greeted:
            raise Close(4429, "Too many initialisation requests")
        self._greeted = True
        authorization = (payload or {}).get("authorization")
        if authorization is not None and not isinstance(authorization, str):
            raise Close(4400, "authorization is a text")
        try:
            self._bearer = await self._check.read_for_long(authorization)
        except (TokenExpired, SessionEnded) as error:
            raise Close(4403, "Forbidden") from error
        except TokenInvalid as error:
            raise Close(4401, "Unauthorized") from error
        if self._bearer is None:
            raise Close(4401, "Unauthorized")
        self._acknowledged = True
        await self._send({"type": "connection_ack"})

    async def _subscribe(self, operation_id: str, payload: Any) -> None:
        if not self._acknowledged:
            raise Close(4401, "Unauthorized")
        if not isinstance(payload, dict) or not isinstance(payload.get("query"), str):
            raise Close(4400, "subscribe has a payload with a query")
        for name in ("variables", "extensions"):
            if not isinstance(payload.get(name), dict | None):
                raise Close(4400, f"{name} is an object")
        if not isinstance(payload.get("operationName"), str | None):
            raise Close(4400, "operationName is a text")
        if operation_id in self._operations:
            raise Close(4409, f"Subscriber for {operation_id} already exists")
        if len(self._operations) >= MAXIMUM_OPERATIONS:
            error = bad_request(f"A socket carries at most {MAXIMUM_OPERATIONS} operations at once.")
            error["extensions"]["code"] = "RATE_LIMITED"
            await self._send({"type": "error", "id": operation_id, "payload": [error]})
            return
        self._operations[operation_id] = asyncio.create_task(self._operate(operation_id, payload))

    async def _operate(self, operation_id: str, payload: dict[str, Any]) -> None:
        """Run one operation, send what it answers, and log it when it is over."""
        request_id, started = new_request_id(), time.perf_counter()
        seen: dict[str, Any] = {"operation": None}
        try:
            try:
                await self._answer(operation_id, payload, request_id, seen)
                await self._finish(operation_id, {"type": "complete", "id": operation_id})
            except OperationRefused as refused:
                await self._finish(operation_id, {"type": "error", "id": operation_id, "payload": refused.errors})
        except _GONE:
            await self._close(TRY_LATER, "No longer reading")
        except Exception as error:
            frame = {"type": "error", "id": operation_id, "payload": [self._engine.masked(error, request_id)]}
            with contextlib.suppress(*_GONE):
                await self._finish(operation_id, frame)
        finally:
            duration = round((time.perf_counter() - started) * 1000, 1)
            log.info("operation", extra={"request_id": request_id, "milliseconds": duration, **seen})

    async def _answer(self, operation_id: str, payload: dict[str, Any], request_id: str, seen: dict[str, Any]) -> None:
        actor = self._bearer.actor if self._bearer else None
        operation = self._engine.prepare(read_request(payload))
        seen["operation"] = operation.name
        if not operation.is_subscription:
            answer = await self._engine.run(operation, actor, request_id)
            await self._send({"type": "next", "id": operation_id, "payload": answer})
            return
        async with contextlib.aclosing(self._engine.stream(operation, actor, request_id)) as stream:  # type: ignore[type-var]
            async for answer in stream:
                await self._send({"type": "next", "id": operation_id, "payload": answer})

    async def _finish(self, operation_id: str, frame: dict[str, Any]) -> None:
        if self._operations.pop(operation_id, None) is not None:  # unless the client has ended it meanwhile
            await self._send(frame)

    async def _send(self, frame: dict[str, Any]) -> None:
        """Send a frame, one at a time. Raises TimeoutError when the other side takes nothing."""
        async with asyncio.timeout(SEND_SECONDS), self._sending:
            await self._websocket.send_text(orjson.dumps(frame).decode())

    async def _close(self, code: int, reason: str) -> None:
        if self._websocket.application_state is WebSocketState.CONNECTED:
            with contextlib.suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
                async with asyncio.timeout(SEND_SECONDS):
                    await self._websocket.close(code, reason)


def _check_payload(payload: Any) -> None:
    if not isinstance(payload, dict | None):
        raise Close(4400, "payload is an object")


def _id_of(frame: dict[str, Any]) -> str:
    operation_id = frame.get("id")
    if not isinstance(operation_id, str) or not 1 <= len(operation_id) <= MAXIMUM_ID:
        raise Close(4400, "id is a text")
    return operation_id
