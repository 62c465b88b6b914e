"""A platform that says what a test tells it to say, and remembers what it was asked."""

import asyncio
import json
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web


@asynccontextmanager
async def serving_stub() -> AsyncIterator["Stub"]:
    """A platform that says what it is told, on a port of its own."""
    stub = Stub()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", stub.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    stub.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield stub
    finally:
        await runner.cleanup()
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Asked:
    """One call as it came in."""

    path: str
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]


@dataclass
class Stub:
    """An HTTP server with scripted answers; of several answers for a path the last one is given for ever."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    seconds: float = 0.0  # how long every answer takes
    _answers: dict[str, list[web.Response]] = field(default_factory=lambda: defaultdict(list))

    def answers(self, path: str, *said: dict[str, Any] | bytes, status: int = 200, **headers: str) -> None:
        """What is said there, one after the other."""
        for each in said:
            body = each if isinstance(each, bytes) else json.dumps(each).encode()
            given = {"Content-Type": "text/plain", **{name.replace("_", "-"): value for name, value in headers.items()}}
            self._answers[path].append(web.Response(body=body, status=status, headers=given))

    def times(self, path: str) -> int:
        """How often a path was called."""
        return sum(each.path == path for each in self.asked)

    async def take(self, request: web.Request) -> web.Response:
        """Any call."""
        body = await request.read()
        self.asked.append(Asked(request.path, dict(request.query), body, dict(request.headers)))
        await asyncio.sleep(self.seconds)
        answers = self._answers[request.path]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return web.Response(body=answer.body, status=answer.status, headers=answer.headers)
