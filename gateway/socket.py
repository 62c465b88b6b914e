"""GraphQL over WebSocket as the graphql-transport-ws protocol says, with bounds on everything.

A malformed frame closes the socket with 4400, never with a crash; an operation that is refused gets its own `error`
and leaves the socket's other streams alone.
"""

import asyncio
import contextlib
import logging
import time
from typing import Any

import orjson
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from gateway.access_tokens import TokenExpired, TokenInvalid
from gateway.frames import Close, authorization_of, check_payload, check_subscribe, id_of, read_frame
from gateway.graphql import Engine
from gateway.logs import new_request_id
from gateway.requests import OperationRefused, bad_request, read_request
from gateway.sign_in_check import Bearer, PowersChanged, SessionEnded, SignInCheck, Standing
from gateway.socket_ends import TRY_LATER, Ends
from resolvers.app import App
from resolvers.live.sockets import admitted
from resolvers.people.model import SignedIn

log = logging.getLogger("kabao.socket")

PROTOCOL = "graphql-transport-ws"
INIT_SECONDS = 5.0
SEND_SECONDS = 10.0  # a phone that takes nothing for so long is gone; it reads its backlog when it is back
CANCEL_AGAIN_SECONDS = 0.5  # after which an operation that was cancelled should long be over
MAXIMUM_FRAME = 64 * 1024  # characters
MAXIMUM_OPERATIONS = 20  # at once on one socket; a screen has two or three
_GONE = (WebSocketDisconnect, RuntimeError, TimeoutError)
_NOT_READING = "No longer reading: subscribe again after your last cursor"
_OUTAGE = "Interrupted: subscribe again after your last cursor"


class SocketEndpoint:
    """One endpoint's sockets."""

    def __init__(self, engine: Engine, check: SignInCheck, app: App) -> None:
        self._engine = engine
        self._check = check
        self._app = app

    async def __call__(self, websocket: WebSocket) -> None:
        """Serve one socket to its end."""
        await Conversation(websocket, self._engine, self._check, self._app).run()


class Conversation:
    """One socket."""

    def __init__(self, websocket: WebSocket, engine: Engine, check: SignInCheck, app: App) -> None:
        self._websocket = websocket
        self._engine = engine
        self._check = check
        self._app = app
        self._bearer: Bearer | None = None
        self._standing: Standing | None = None
        self._greeted = False
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._sending = asyncio.Lock()
        self._heard_at = time.monotonic()

    async def run(self) -> None:
        """Serve the socket until either side ends it; its operations end with it."""
        try:
            await self._serve()
        except Close as end:
            await self._close(end.code, end.reason)
        except TokenInvalid:
            await self._close(4403, "Forbidden")
        except PowersChanged:
            await self._close(TRY_LATER, "Your powers have changed")
        except _GONE:
            # Gone without a word, or taking nothing any more: phones do both whenever they go to sleep.
            await self._close(TRY_LATER, _NOT_READING)
        except Exception as error:
            log.error("socket failed", exc_info=error)
            await self._close(TRY_LATER, "Try again later")
        finally:
            for task in self._operations.values():
                _end(task)
            await asyncio.gather(*self._operations.values(), return_exceptions=True)

    async def _serve(self) -> None:
        if PROTOCOL not in self._websocket.scope.get("subprotocols", []):
            await self._websocket.accept()
            raise Close(4406, "Subprotocol not acceptable")
        await self._websocket.accept(subprotocol=PROTOCOL)
        bearer = await self._greet()
        serving = asyncio.current_task()
        if serving is None:
            raise RuntimeError("a socket is served by a task")
        ends = Ends(serving)
        try:
            async with self._place(bearer, ends):
                await self._converse(bearer, ends)
        except asyncio.CancelledError:
            if ends.reason is None:
                raise
            serving.uncancel()
            raise ends.reason from None
        finally:
            ends.forget()

    async def _greet(self) -> Bearer:
        """Wait for connection_init, for a while; it is acknowledged once the socket has its place."""
        try:
            async with asyncio.timeout(INIT_SECONDS):
                while self._bearer is None:
                    await self._handle(await self._receive())
                return self._bearer
        except TimeoutError as error:
            raise Close(4408, "Connection initialisation timeout") from error

    def _place(self, bearer: Bearer, ends: Ends) -> contextlib.AbstractAsyncContextManager[None]:
        """A customer's place among their sockets in this app, lost to a newer one when there are too many."""
        if isinstance(bearer.actor, SignedIn):
            return admitted(self._app, bearer.actor, bearer.expires_at, ends.replaced)
        return contextlib.nullcontext()

    async def _converse(self, bearer: Bearer, ends: Ends) -> None:
        """Handle frames until the token's time is over, its session ends, or its owner is gone or may not go on."""
        ids = bearer.actor.ids if isinstance(bearer.actor, SignedIn) else ()
        with (
            self._app.hub.on_session_end(bearer.session_id, ends.session_ended),
            self._app.hub.on_customer_end(ids, ends.session_ended),
        ):
            standing = self._standing = Standing(self._check, bearer)
            await self._send({"type": "connection_ack"})
            ends.end_with_token((bearer.expires_at - self._app.clock.now()).total_seconds())
            ends.end_when_silent(self._heard, self._ping)
            if not standing.is_staff:
                await self._read()
                return
            changing = asyncio.create_task(standing.until_changed())
            ends.watch(changing)
            try:
                await self._read()
            finally:
                changing.cancel()

    def _heard(self) -> float:
        return self._heard_at

    async def _ping(self) -> None:
        await self._send({"type": "ping"})

    async def _read(self) -> None:
        while True:
            await self._handle(await self._receive())

    async def _receive(self) -> dict[str, Any]:
        message = await self._websocket.receive()
        self._heard_at = time.monotonic()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        text = message.get("text")
        if text is None or len(text) > MAXIMUM_FRAME:
            raise Close(4400, "A message is text of at most 64 KiB")
        return read_frame(text)

    async def _handle(self, frame: dict[str, Any]) -> None:
        payload = frame.get("payload")
        match frame["type"]:
            case "connection_init":
                await self._init(payload)
            case "ping":
                check_payload(payload)
                await self._pong(payload)
            case "pong":
                check_payload(payload)
            case "subscribe":
                await self._subscribe(id_of(frame), payload)
            case "complete":
                task = self._operations.pop(id_of(frame), None)
                if task is not None:
                    _end(task)
            case _:
                raise Close(4400, "Unknown message type")

    async def _pong(self, payload: Any) -> None:
        try:
            await self._send({"type": "pong"} if payload is None else {"type": "pong", "payload": payload})
        except TypeError as error:  # what can be read nests up to 1024 deep, what can be written 254
            raise Close(4400, "payload is nested too deeply") from error

    async def _init(self, payload: Any) -> None:
        authorization = authorization_of(payload)
        if self._greeted:
            raise Close(4429, "Too many initialisation requests")
        self._greeted = True
        try:
            bearer = await self._check.read_for_long(authorization)
        except (TokenExpired, SessionEnded):
            raise  # closed as if it had ended a moment later
        except TokenInvalid as error:
            raise Close(4401, "Unauthorized") from error
        if bearer is None:
            raise Close(4401, "Unauthorized")
        self._bearer = bearer

    async def _subscribe(self, operation_id: str, payload: Any) -> None:
        if self._standing is None:
            raise Close(4401, "Unauthorized")
        check_subscribe(payload)
        if operation_id in self._operations:
            raise Close(4409, f"Subscriber for {operation_id} already exists")
        if len(self._operations) >= MAXIMUM_OPERATIONS:
            error = bad_request(f"A socket carries at most {MAXIMUM_OPERATIONS} operations at once.")
            error["extensions"]["code"] = "RATE_LIMITED"
            await self._send({"type": "error", "id": operation_id, "payload": [error]})
            return
        self._operations[operation_id] = asyncio.create_task(self._operate(operation_id, payload, self._standing))

    async def _operate(self, operation_id: str, payload: dict[str, Any], standing: Standing) -> None:
        """Run one operation, send what it answers, and log it when it is over."""
        request_id, started = new_request_id(), time.perf_counter()
        seen: dict[str, Any] = {"operation": None, "live": False}
        try:
            try:
                await self._answer(operation_id, payload, standing, request_id, seen)
                await self._finish(operation_id, {"type": "complete", "id": operation_id})
            except OperationRefused as refused:
                if seen["live"] and _is_outage(refused.errors):
                    await self._close(TRY_LATER, _OUTAGE)
                    return
                await self._finish(operation_id, {"type": "error", "id": operation_id, "payload": refused.errors})
        except TokenInvalid:
            await self._close(4403, "Forbidden")
        except _GONE:
            await self._close(TRY_LATER, _NOT_READING)
        except Exception as error:
            frame = {"type": "error", "id": operation_id, "payload": [self._engine.masked(error, request_id)]}
            with contextlib.suppress(*_GONE):
                await self._finish(operation_id, frame)
        finally:
            duration = round((time.perf_counter() - started) * 1000, 1)
            log.info("operation", extra={"request_id": request_id, "milliseconds": duration, **seen})

    async def _answer(
        self, operation_id: str, payload: dict[str, Any], standing: Standing, request_id: str, seen: dict[str, Any]
    ) -> None:
        operation = self._engine.prepare(read_request(payload))
        seen.update(operation=operation.name, live=operation.is_subscription)
        actor = await standing.actor()
        if not operation.is_subscription:
            answer = await self._engine.run(operation, actor, request_id)
            await self._send({"type": "next", "id": operation_id, "payload": answer})
            return
        with standing.watched(actor):
            async with contextlib.aclosing(self._engine.stream(operation, actor, request_id)) as stream:  # type: ignore[type-var]
                async for answer in stream:
                    if _is_outage(answer.get("errors")):  # an event half told: told again from the log, and whole
                        raise OperationRefused(answer["errors"])
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


def _end(task: asyncio.Task[None]) -> None:
    """Cancel an operation until it has ended: one that PyMongo loses, while it reads, would go on for ever."""
    if not task.done():
        task.cancel()
        asyncio.get_running_loop().call_later(CANCEL_AGAIN_SECONDS, _end, task)


def _is_outage(errors: list[dict[str, Any]] | None) -> bool:
    """Whether the database was away for a moment: then the client comes back and reads what it missed from the log."""
    return any(error.get("extensions", {}).get("code") == "TRY_AGAIN" for error in errors or ())
