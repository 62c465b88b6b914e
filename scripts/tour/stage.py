"""What every scene of the tour needs: the people, how a step is shown, and how it is checked."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from scripts.client import Api, Phone, Socket, Stream

Json = dict[str, Any]


class Wrong(Exception):
    """A step did not show what it must."""


@dataclass
class Person:
    """Somebody in the story; `user` is their name at the simulated chat apps."""

    name: str
    api: Api
    user: str
    socket: Socket | None = None
    events: Stream | None = None
    cursor: str | None = None


@dataclass
class Stage:
    """The running product and what the scenes leave for one another."""

    ready: Json
    http: aiohttp.ClientSession
    phone: Phone
    people: dict[str, Person] = field(default_factory=dict)
    things: dict[str, Any] = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    steps: int = 0

    def scene(self, title: str) -> None:
        """Begin a scene."""
        print(f"\n{title}", flush=True)

    def step(self, text: str) -> None:
        """Show what happened."""
        self.steps += 1
        print(f"  {self.steps:2}. {text}", flush=True)

    def expect(self, what: str, found: object, wanted: object) -> None:
        """Check what a step shows. Raises Wrong."""
        if found != wanted:
            raise Wrong(f"{what}: wanted {wanted!r}, found {found!r}")

    async def until(self, what: str, ask: Callable[[], Awaitable[Any]], seconds: float = 20.0) -> Any:
        """Ask again and again until the answer is there. Raises Wrong after so many seconds."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = await ask()
            if found:
                return found
            await asyncio.sleep(0.1)
        raise Wrong(f"{what}: still not after {seconds:.0f} s")
