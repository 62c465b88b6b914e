"""What ends a socket besides its client: its token, its session, silence, and a newer socket in its place."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from gateway.frames import Close
from gateway.sign_in_check import SessionEnded
from resolvers.live.store import MAXIMUM_SOCKETS

TRY_LATER = 1013  # clients take 1011 for final and would not come back
REPLACED = 1008  # clients take it for final: one that came back at once would push out the next, in a circle
PING_SECONDS = 12.0  # of silence, after which the client is asked whether it is there
PONG_SECONDS = 12.0  # to say anything at all; a phone that died is dropped within 30 s, however it died


class Ends:
    """The first end cuts off the task that serves the socket, which then asks for the reason.

    Timers and callbacks instead of waiting tasks: a process holds thousands of sockets, and each task costs kilobytes.
    """

    def __init__(self, serving: asyncio.Task[object]) -> None:
        self._serving = serving
        self._loop = serving.get_loop()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._pinging: asyncio.Task[None] | None = None
        self._over = False
        self.reason: Exception | None = None

    def end(self, reason: Exception) -> None:
        """End the socket for this reason, unless it has ended already."""
        if not self._over:
            self._over = True
            self.reason = reason
            self._serving.cancel()

    def end_with_token(self, seconds: float) -> None:
        """End the socket after so many seconds, as its token does."""
        self._timers["token"] = self._loop.call_later(max(seconds, 0), self.session_ended)

    def session_ended(self) -> None:
        """The session is over."""
        self.end(SessionEnded())

    def replaced(self) -> None:
        """A newer socket has taken this one's place."""
        self.end(Close(REPLACED, f"Replaced by a newer connection: at most {MAXIMUM_SOCKETS} per customer and app"))

    def end_when_silent(self, heard_at: Callable[[], float], ping: Callable[[], Awaitable[None]]) -> None:
        """Ping a client that says nothing; end the socket when it goes on saying nothing.

        Any frame counts as an answer. `heard_at` tells when the last one came (monotonic, in seconds).
        """
        wait = heard_at() + PING_SECONDS - time.monotonic()
        if wait > 0:
            self._timers["silence"] = self._loop.call_later(wait, self.end_when_silent, heard_at, ping)
        else:
            self._pinging = self._loop.create_task(self._ping(ping))
            self._timers["silence"] = self._loop.call_later(PONG_SECONDS, self._listen, heard_at(), heard_at, ping)

    def _listen(self, heard: float, heard_at: Callable[[], float], ping: Callable[[], Awaitable[None]]) -> None:
        if heard_at() == heard:
            self.end(Close(TRY_LATER, "No answer to a ping: subscribe again after your last cursor"))
        else:
            self.end_when_silent(heard_at, ping)

    async def _ping(self, ping: Callable[[], Awaitable[None]]) -> None:
        try:
            await ping()
        except Exception as error:
            self.end(error)

    def watch(self, changing: asyncio.Task[None]) -> None:
        """End the socket with what a task raises."""

        def ended(task: asyncio.Task[None]) -> None:
            error = None if task.cancelled() else task.exception()
            if isinstance(error, Exception):
                self.end(error)

        changing.add_done_callback(ended)

    def forget(self) -> None:
        """The socket has ended by itself: nothing ends it any more."""
        self._over = True
        for timer in self._timers.values():
            timer.cancel()
        if self._pinging is not None:
            self._pinging.cancel()
