"""What the clients have asked for and what they were told: kept by them, in memory, beside the product."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scripts.client import Json

CONFIRM = "confirm"  # at the payment sheet of the chat app, not a mutation of ours


@dataclass(slots=True)
class Operation:
    """One thing somebody wanted. `key` is the idempotency key, the same at every try; None where the state decides.

    It is answered with a success (`answer`) or a typed refusal (`refusal`), or not at all. Times in seconds, monotonic.
    """

    customer_id: str
    verb: str
    key: str | None
    input: Json
    tries: int = 0
    asked_at: float = field(default_factory=time.monotonic)
    answered_at: float | None = None
    answer: Json | None = None
    refusal: str | None = None

    @property
    def done(self) -> bool:
        """Whether it was acknowledged as a success."""
        return self.answer is not None

    @property
    def answered(self) -> bool:
        """Whether it was acknowledged at all."""
        return self.answered_at is not None

    def told(self, *path: str) -> Any:
        """Something in the answer: `told("order", "id")`; None where it is missing."""
        found: Any = self.answer
        for name in path:
            found = None if found is None else found.get(name)
        return found

    def __str__(self) -> str:
        how = "acknowledged" if self.done else f"refused {self.refusal}" if self.answered else "never answered"
        return f"{self.verb} {self.key or ''} of {self.customer_id} ({how})"


@dataclass(slots=True)
class Log:
    """All operations, in the order in which they were asked for; each client asks for one after the other."""

    operations: list[Operation] = field(default_factory=list)

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def begin(self, customer_id: str, verb: str, key: str | None, given: Json) -> Operation:
        """Note that something is about to be asked for."""
        operation = Operation(customer_id, verb, key, given)
        self.operations.append(operation)
        return operation

    def acknowledged(self, *verbs: str) -> list[Operation]:
        """The successes, of these verbs or of all."""
        return [each for each in self if each.done and (not verbs or each.verb in verbs)]

    def moments(self) -> list[float]:
        """When an operation of ours was answered by the product, sorted."""
        return sorted(each.answered_at for each in self if each.answered_at is not None and each.verb != CONFIRM)


def longest_outage(moments: list[float], start: float, end: float) -> float:
    """The longest time between `start` and `end` in which nobody was answered, in seconds."""
    marks = [start, *(moment for moment in moments if start <= moment <= end), end]
    return max(later - earlier for earlier, later in itertools.pairwise(marks))
