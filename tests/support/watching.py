"""A product whose database commands are listened to, and whether any of them had to read a whole collection."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from pymongo import monitoring

from tests.support.world import World, open_product


class Commands(monitoring.CommandListener):
    """Counts and keeps the commands a client sends, those of sessions and change streams aside."""

    QUIET = frozenset(
        {"getMore", "hello", "ping", "endSessions", "killCursors", "abortTransaction", "commitTransaction"}
    )

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def started(self, event: monitoring.CommandStartedEvent) -> None:
        if event.command_name not in self.QUIET:
            self.seen.append((event.command_name, dict(event.command)))

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        """Not needed."""

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        """Not needed."""


@asynccontextmanager
async def watching(mongodb_uri: str, folder: Path) -> AsyncIterator[tuple[World, Commands]]:
    """The product, all new, and what it sends to the database; its jobs rest."""
    commands = Commands()
    monitoring.register(commands)
    try:
        async with open_product(mongodb_uri, folder, with_jobs=False) as world:
            yield world, commands
    finally:
        monitoring._LISTENERS.command_listeners.remove(commands)


async def scan_of(world: World, name: str, command: dict[str, Any]) -> str | None:
    """The command, if mongod would read a whole collection for it."""
    if name not in ("find", "update", "findAndModify", "aggregate", "count"):
        return None
    collection = command[name]
    queries = (
        [each["q"] for each in command["updates"]]
        if name == "update"
        else [command.get("filter", command.get("query"))]
    )
    if name == "aggregate":
        queries = [stage["$match"] for stage in command["pipeline"][:1] if "$match" in stage]
    for query in queries:
        explained = await world.app.connection.database.command(
            "explain", {"find": collection, "filter": query or {}}, verbosity="queryPlanner"
        )
        plan = str(explained["queryPlanner"]["winningPlan"])
        if "COLLSCAN" in plan:
            return f"{name} on {collection}: {query}"
    return None
