"""Who asks for what: the actor, and the call with its idempotency key."""

import hashlib
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from resolvers.errors import BadInput, Refused

KEY_LIFE = timedelta(days=7)  # an idempotency key is promised for 24 h; a week costs little
MAXIMUM_KEY = 128  # characters


class ActorKind(StrEnum):
    """Who acts."""

    CUSTOMER = "CUSTOMER"
    STAFF = "STAFF"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever a verb acts for; `also` are the ids of accounts that were joined into a customer's."""

    kind: ActorKind
    id: str
    also: tuple[str, ...] = ()


SYSTEM = Actor(ActorKind.SYSTEM, "system")


@dataclass(frozen=True, slots=True)
class Piece:
    """Scarce pieces that must be reserved before the transaction; `refusal` is raised when there are too few.

    `settle` frees what lapsed holders still have of them, and is called before anybody is refused.
    """

    counter_id: str
    count: int
    refusal: Refused
    settle: Callable[[], Awaitable[object]] | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One use of a verb.

    `key` is the client's idempotency key (None for verbs that are idempotent by state); `input` is what the
    fingerprint covers, without any secret; `contends` names what the call will contend for (customer, gift ids).
    """

    verb: str
    actor: Actor
    key: str | None = None
    input: Mapping[str, Any] = field(default_factory=dict)
    contends: tuple[str, ...] = ()
    pieces: tuple[Piece, ...] = ()

    @property
    def row_id(self) -> str:
        """The `_id` of the idempotency row. Raises BadInput for an empty or overlong key."""
        key = self.key or ""
        if not 1 <= len(key) <= MAXIMUM_KEY or any(ord(character) < 33 for character in key):
            raise BadInput(f"idempotencyKey must have 1 to {MAXIMUM_KEY} visible characters.")
        return f"{self.actor.id}:{key}"

    @property
    def row_ids(self) -> tuple[str, ...]:
        """Where the row may be: joined accounts share keys, and of two that used the same one the first counts."""
        return (self.row_id, *(f"{each}:{self.key}" for each in self.actor.also))

    def fingerprint(self, secret: bytes) -> str:
        """An HMAC over the verb and its canonical input: tells the same request from another under the same key."""
        canonical = json.dumps([self.verb, self.input], sort_keys=True, ensure_ascii=False, default=str)
        return hmac.new(secret, canonical.encode(), hashlib.sha256).hexdigest()


class RowState(StrEnum):
    """RUNNING: the first of two transactions is done; DONE: the answer can be read from the result ids."""

    RUNNING = "RUNNING"
    DONE = "DONE"


@dataclass(frozen=True, slots=True)
class Row:
    """What is remembered of a call under its key: never an answer, only the ids it can be read from again."""

    id: str
    fingerprint: str
    state: RowState
    result: dict[str, str]
    expires_at: datetime
    reservation: str = ""  # the key of the notes on scarce pieces that this row's transaction used
