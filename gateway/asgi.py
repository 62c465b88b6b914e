"""The ASGI application: routes, start and end."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.routing import Route, WebSocketRoute

from gateway.avatars import Avatars
from gateway.callbacks.endpoint import PATH as CALLBACK_PATH
from gateway.callbacks.endpoint import Callbacks
from gateway.graphql import Engine
from gateway.health import Health
from gateway.http import GraphQLEndpoint
from gateway.qq_wallet import NOTICE_PATH as QQ_WALLET_PATH
from gateway.sign_in_check import SignInCheck
from gateway.socket import SocketEndpoint
from gateway.webhooks import Webhooks
from gateway.wechat_pay import NOTICE_PATH as WECHAT_PAY_PATH
from gateway.wiring import Wired
from resolvers.jobs import Jobs
from resolvers.live.hub import SESSION_MEMORY
from resolvers.mongo import PyMongoError, is_outage
from resolvers.people.model import Audience
from resolvers.people.profile.update import PATH
from schema.console.schema import console_schema
from schema.customer.schema import customer_schema

COMPRESS_FROM = 800  # bytes; below, gzip saves nothing
START_SECONDS = 30.0  # for a primary to be there; a fail-over takes about 3
START_AGAIN_SECONDS = 0.2
STOP_SECONDS = 1.0
COMPRESS_LEVEL = 4  # a menu is 3 % larger than at 9, and takes a third of the time


async def _through_an_outage(step: Callable[[], Awaitable[None]]) -> None:
    """Do what is safe to repeat until no outage is in its way: a gateway may start while the database changes over.

    Raises what the last try raised once START_SECONDS are over, and at once what is no outage.
    """
    until = asyncio.get_running_loop().time() + START_SECONDS
    while True:
        try:
            await step()
            return
        except PyMongoError as error:
            if not is_outage(error) or asyncio.get_running_loop().time() > until:
                raise
        await asyncio.sleep(START_AGAIN_SECONDS)


def create_app(wired: Wired, *, with_jobs: bool = True) -> Starlette:
    """The application of one process."""
    app = wired.app
    webhooks, health = Webhooks(wired), Health(app)
    routes: list[Route | WebSocketRoute] = [
        Route(WECHAT_PAY_PATH, webhooks.wechat_pay, methods=["POST"]),
        Route(QQ_WALLET_PATH, webhooks.qq_wallet, methods=["POST"]),
        Route(CALLBACK_PATH, Callbacks(app, wired.doors).__call__, methods=["GET", "POST"]),
        Route("/healthz", health.live),
        Route("/readyz", health.ready),
        Route(f"{PATH}/{{picture_id}}", Avatars(app).__call__, methods=["GET"]),
    ]
    for path, schema, audience in (
        ("/graphql", customer_schema, Audience.CUSTOMER),
        ("/console/graphql", console_schema, Audience.STAFF),
    ):
        engine, check = Engine(app, schema), SignInCheck(app, wired.tokens, audience)
        # Given as applications, so that every method reaches the endpoint, which refuses all but POST itself.
        routes.append(Route(path, GraphQLEndpoint(engine, check)))
        routes.append(WebSocketRoute(path, SocketEndpoint(engine, check, app).__call__))

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async def sessions_ended_lately() -> dict[str, datetime]:
            now = app.clock.now()
            return dict.fromkeys(await app.people.sessions_ended_since(now - SESSION_MEMORY), now)

        await _through_an_outage(app.ensure_indexes)
        await _through_an_outage(lambda: app.hub.start(sessions_ended_lately))
        jobs = Jobs(app)
        if with_jobs:
            jobs.start()
        try:
            yield
        finally:
            # Without a database each of these would wait for one; whatever they leave undone, the next process does.
            for stop in (jobs.stop, app.hub.stop, wired.close):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(STOP_SECONDS):
                        await stop()

    middleware = [Middleware(GZipMiddleware, minimum_size=COMPRESS_FROM, compresslevel=COMPRESS_LEVEL)]
    return Starlette(routes=routes, lifespan=lifespan, middleware=middleware)
