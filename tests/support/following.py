"""Subscribing "from now on": when that is, is known only once the subscription waits for what comes."""

from typing import Any

from resolvers.app import App
from resolvers.live.listener import Listener
from scripts.client import Socket, Stream
from tests.gateway.raw import eventually


def followers(app: App) -> set[Listener]:
    """The subscriptions of a process."""
    hub = app.hub
    registries = (hub._wallets, hub._stores, hub._tables, hub._desks)
    return {each for registry in registries for listeners in registry.values() for each in listeners}


async def follow(app: App, socket: Socket, query: str, **variables: Any) -> Stream:
    """Subscribe through a socket of this process, and be sure that whatever happens from now on is told.

    A subscription waits for what comes once it has read what it begins with.
    """
    before = followers(app)
    stream = await socket.subscribe(query, **variables)
    await eventually(lambda: any(each._arrived is not None for each in followers(app) - before))
    return stream
