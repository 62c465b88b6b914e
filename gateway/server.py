"""The HTTP server: uvicorn, made to drop clients that send nothing or a byte at a time."""

import asyncio
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from gateway.socket import MAXIMUM_FRAME

HEADER_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 30
STOP_SECONDS = 5
PING_SECONDS = 10.0  # a phone that answers no ping within the next ten is gone: dropped within 30 s in all
BACKLOG = 2_048


class ImpatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with a limit on the time a client may take for its request line and headers."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client is there: its first request is due."""
        super().connection_made(transport)
        self._expect_headers()

    def data_received(self, data: bytes) -> None:
        """Something came; if it begins another request, its headers are due."""
        if self._deadline is None and (self.cycle is None or self.cycle.response_complete):
            self._expect_headers()
        super().data_received(data)

    def on_headers_complete(self) -> None:
        """The headers are there in time."""
        self._forget_deadline()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._forget_deadline()
        super().connection_lost(exc)

    def _expect_headers(self) -> None:
        self._forget_deadline()
        self._deadline = self.loop.call_later(HEADER_SECONDS, self._drop)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _drop(self) -> None:
        if not self.transport.is_closing():
            self.transport.close()


def server_config(app: Any, **options: Any) -> uvicorn.Config:
    """uvicorn's configuration, the same in production and in tests."""
    return uvicorn.Config(
        app,
        http=ImpatientProtocol,
        loop="uvloop",
        ws="websockets-sansio",
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
