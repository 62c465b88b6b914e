"""Whether the process lives, and whether it can work."""

import asyncio
import logging

from starlette.requests import Request
from starlette.responses import JSONResponse

from resolvers.app import App
from resolvers.mongo import PyMongoError

log = logging.getLogger("kabao.health")

PING_SECONDS = 3.0


class Health:
    """`/healthz` and `/readyz`."""

    def __init__(self, app: App) -> None:
        self._app = app

    async def live(self, request: Request) -> JSONResponse:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    async def ready(self, request: Request) -> JSONResponse:
        """A primary of MongoDB is reachable, and what changes in it reaches those who watch."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._app.connection.ping()
        except (PyMongoError, TimeoutError) as error:
            log.warning("not ready", extra={"reason": type(error).__name__})
            return JSONResponse({"status": "no primary of MongoDB"}, 503)
        if not self._app.hub.alive:  # streams would stay silent: let another process serve them
            log.error("not ready", extra={"reason": "the live hub has ended"})
            return JSONResponse({"status": "no live updates"}, 503)
        return JSONResponse({"status": "ok"})
