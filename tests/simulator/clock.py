"""A clock for the simulated world that a test can move."""

import time
from dataclasses import dataclass


@dataclass
class MovableClock:
    """The real time, and what a test adds to it."""

    ahead_seconds: float = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead_seconds
