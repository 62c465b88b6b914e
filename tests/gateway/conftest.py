"""A second gateway for tests that move the clock or shorten a limit that is read once, and the log lines as written."""

import dataclasses
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import pytest

from gateway.logs import JsonFormatter
from gateway.wiring import wire
from tests.support.world import MovableClock, World, free_socket, running, settings_of


class Opener(Protocol):
    """Opens one more gateway over the same database, with a clock of its own."""

    def __call__(self, **settings: str) -> AbstractAsyncContextManager[World]: ...


@pytest.fixture
def another_gateway(world: World) -> Opener:
    """One more process of the product, as it were."""

    @asynccontextmanager
    async def opened(**settings: str) -> AsyncIterator[World]:
        clock = MovableClock()
        wired = wire(settings_of({**world.settings, **settings}), clock)
        async with running(wired, free_socket(), with_jobs=False) as gateway:
            yield dataclasses.replace(world, gateway=gateway, wired=wired, clock=clock)

    return opened


class _Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def log_lines() -> Iterator[list[str]]:
    """Every line that the process logs, as production would write it."""
    root, handler = logging.getLogger(), _Lines()
    before = root.level
    root.addHandler(handler)
    root.setLevel("INFO")
    yield handler.lines
    root.setLevel(before)
    root.removeHandler(handler)
