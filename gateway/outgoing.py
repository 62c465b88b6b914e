"""Calls to the outside: one client per process, a time limit on each call, and one kind of fault for all that fails."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from yarl import URL

from resolvers.mongo import in_transaction
from resolvers.ports import NotDelivered, OutsideFault

CALL_SECONDS = 6.0  # a person waits for prepay and sign-in; longer than this nobody does
MAXIMUM_ANSWER = 2 * 1024 * 1024  # bytes
# Shorter than any server keeps an idle connection: one that it is just closing would lose the call that is sent on it.
KEEP_ALIVE_SECONDS = 2.0


class WaitingInTransaction(Exception):
    """A call to the outside while a transaction is open, which would hold its locks for seconds: a bug."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long a whole call may take, in seconds, and how large its answer may be, in bytes."""

    seconds: float
    answer_bytes: int


BILL = Bounds(120.0, 64 * 1024 * 1024)  # nobody waits for a bill, and a busy day's is large


@asynccontextmanager
async def in_time() -> AsyncIterator[None]:
    """Several calls for which a person waits as for one. Raises OutsideFault when they take longer together."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            yield
    except TimeoutError as error:
        raise OutsideFault("too slow") from error


class Answer:
    """What came back: status, headers, and the body as it was sent."""

    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body

    def json(self) -> dict[str, Any]:
        """The body as a JSON object, whatever its content type says (WeChat sends text/plain). Raises OutsideFault."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            raise OutsideFault(f"status {self.status}, not JSON") from error
        if not isinstance(value, dict):
            raise OutsideFault(f"status {self.status}, not a JSON object")
        return value


class Outgoing:
    """The process's HTTP client."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes = b"",
        bounds: Bounds | None = None,
    ) -> Answer:
        """Send exactly these bytes to exactly this URL.

        Raises OutsideFault for anything but a complete answer; NotDelivered when nobody was there to be asked.
        """
        if in_transaction():
            raise WaitingInTransaction(url.partition("?")[0])
        if self._session is None:
            connector = aiohttp.TCPConnector(keepalive_timeout=KEEP_ALIVE_SECONDS)
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar())
        bounds = bounds or Bounds(CALL_SECONDS, MAXIMUM_ANSWER)
        # Without the threshold aiohttp rounds six seconds up to as much as seven.
        timeout = aiohttp.ClientTimeout(total=bounds.seconds, ceil_threshold=bounds.seconds + 1)
        try:
            async with self._session.request(
                method,
                URL(url, encoded=True),
                headers=headers,
                data=body or None,
                allow_redirects=False,
                timeout=timeout,
            ) as response:
                content = bytearray()
                async for chunk in response.content.iter_any():
                    content += chunk
                    if len(content) > bounds.answer_bytes:
                        raise OutsideFault("answer too large")
                return Answer(response.status, response.headers, bytes(content))
        except aiohttp.ClientConnectorError as error:
            raise NotDelivered(type(error).__name__) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise OutsideFault(type(error).__name__) from error

    async def close(self) -> None:
        """Let go of every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None
