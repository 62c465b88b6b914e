"""A task of the outbox, and how long it waits between tries."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

# From a second to an hour, for about two days in all: longer than any outage a provider has announced.
_WAITS_SECONDS = (1, 2, 5, 15, 30, 60, 180, 600, 1_800) + (3_600,) * 48


class TaskState(StrEnum):
    """WAITING for its time, DONE, or DEAD: tried to the end and left for a person."""

    WAITING = "WAITING"
    DONE = "DONE"
    DEAD = "DEAD"


@dataclass(frozen=True, slots=True)
class Task:
    """Something to be done outside. `id` is `kind:key`, so that it is there at most once."""

    id: str
    kind: str
    payload: dict[str, Any]
    state: TaskState
    due_at: datetime
    tries: int
    revived: bool = False  # a person has set it going again


def wait_before_try(tries: int) -> timedelta | None:
    """How long to wait after so many tries; None when no more are made."""
    return timedelta(seconds=_WAITS_SECONDS[tries - 1]) if tries <= len(_WAITS_SECONDS) else None
