"""The HTTP server: uvicorn, made to drop clients that send nothing, send a byte at a time, or take nothing."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from gateway.socket import MAXIMUM_FRAME
from gateway.socket_ends import TRY_LATER

HEADER_SECONDS = 10.0
MAXIMUM_HEADERS = 64 * 1024  # bytes; httptools itself sets no bound
MAXIMUM_LEFTOVER = 16 * 1024 * 1024  # bytes of a refused body that are read past, so that the refusal arrives
STALL_SECONDS = 10.0  # for a client to take what waits for it
KEEP_ALIVE_SECONDS = 30
STOP_SECONDS = 5
PING_SECONDS = 10.0  # a phone that answers no ping within the next ten is gone: dropped within 30 s in all
LINGER_SECONDS = 1.0  # in which a refused sender may still be sending: cut off sooner, it would not see why
BACKLOG = 2_048


class Impatience:
    """Cuts a connection off whose client takes nothing: closing it would wait for the client, for ever."""

    _stalled: asyncio.TimerHandle | None = None

    def watch(self, loop: asyncio.AbstractEventLoop, transport: Any) -> None:
        """Something waits to be taken."""
        self.forget()
        self._stalled = loop.call_later(STALL_SECONDS, transport.abort)

    def forget(self) -> None:
        """It was taken, or the client is gone."""
        if self._stalled is not None:
            self._stalled.cancel()
            self._stalled = None


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits on the time and size of a request line and headers, and on slow readers."""

    _deadline: asyncio.TimerHandle | None = None
    _waited_for = 0  # bytes that came since the deadline was set
    _in_body = False

    def connection_made(self, transport: Any) -> None:
        """A client is there: its first request is due."""
        self._impatience = Impatience()
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        """Something came; while headers are due, or the rest of a body that was refused, it counts."""
        if self._deadline is None and self.cycle is not None and self.cycle.response_complete:
            self._expect_headers()
        waiting, in_body = self._deadline is not None, self._in_body
        super().data_received(data)
        if waiting and self._deadline is not None and in_body is self._in_body:
            self._waited_for += len(data)
            if self._waited_for > (MAXIMUM_LEFTOVER if self._in_body else MAXIMUM_HEADERS):
                self._drop()

    def on_message_begin(self) -> None:
        """A request begins: the rest of its headers is due, even when it was sent before the last was answered."""
        self._in_body = False
        if self._deadline is None:
            self._expect_headers()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """The headers are there in time."""
        self._in_body = True
        self._forget_deadline()
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body is there."""
        self._in_body = False
        self._waited_for = 0
        super().on_message_complete()

    def pause_writing(self) -> None:
        """The client takes less than it asked for."""
        self._impatience.watch(self.loop, self.transport)
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client has taken what waited."""
        self._impatience.forget()
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """The client asks for nothing more."""
        self._drop()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._forget_deadline()
        self._impatience.forget()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        self._forget_deadline()
        self._waited_for = 0
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._drop)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _drop(self) -> None:
        self.transport.abort()


class ImpatientWebSocket(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, which always says why it closes and never waits for a client that takes nothing."""

    _abandoning: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """The handshake is about to be read."""
        self._impatience = Impatience()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Something came; after a frame that could not be read, the rest of it is read past."""
        if self.close_sent and self.conn.parser_exc is not None:
            return
        super().data_received(data)

    def handle_parser_exception(self) -> None:
        """A frame too large, or none at all: say so, and close when the client has had time to read it.

        Closing with unread bytes resets the connection, and the client would see 1006 instead of the reason.
        """
        closed: Any = self.conn.close_sent
        self.queue.put_nowait({"type": "websocket.disconnect", "code": closed.code, "reason": closed.reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        if self.read_paused:
            self.read_paused = False
            self.transport.resume_reading()
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    def keepalive_timeout(self) -> None:
        """The client has not answered a ping: it is gone, or asleep, and may come back."""
        self.pong_timer = None
        self.pending_ping_payload = None
        if not self.close_sent and not self.transport.is_closing():
            self.conn.fail(TRY_LATER, "keepalive ping timeout")
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self.transport.close()
        self._abandon(LINGER_SECONDS)

    async def send(self, message: Any) -> None:
        """Send, and after a close wait for the client's answer only so long."""
        await super().send(message)
        if message["type"] == "websocket.close":
            self._abandon(self.close_timeout)

    def pause_writing(self) -> None:
        """The client takes less than is sent."""
        self._impatience.watch(self.loop, self.transport)
        super().pause_writing()

    def resume_writing(self) -> None:
        """The client has taken what waited."""
        self._impatience.forget()
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._impatience.forget()
        if self._abandoning is not None:
            self._abandoning.cancel()
        super().connection_lost(exc)

    def _abandon(self, seconds: float) -> None:
        if self._abandoning is None:
            self._abandoning = self.loop.call_later(seconds, self.transport.abort)


def server_config(app: Any, **options: Any) -> uvicorn.Config:
    """uvicorn's configuration, the same in production and in tests."""
    return uvicorn.Config(
        app,
        http=ImpatientProtocol,
        loop="uvloop",
        ws=ImpatientWebSocket,
        ws_max_size=MAXIMUM_FRAME * 4,  # bytes; beyond it the library closes with 1009 before we see the frame
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=STOP_SECONDS,
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        server_header=False,
        **options,
    )
