"""Who asks for what: the actor, the call with its idempotency key, and the unit of work a verb is given."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from resolvers import ids
from resolvers.documents import Document, to_document
from resolvers.errors import BadInput, Refused
from resolvers.live.model import EventKind, PendingEvent
from resolvers.mongo import Session

KEY_LIFE = timedelta(days=7)  # an idempotency key is promised for 24 h; a week costs little
MAXIMUM_KEY = 128  # characters


class ActorKind(StrEnum):
    """Who acts."""

    CUSTOMER = "CUSTOMER"
    STAFF = "STAFF"
    SYSTEM = "SYSTEM"


@dataclass(frozen=True, slots=True)
class Actor:
    """Whoever a verb acts for."""

    kind: ActorKind
    id: str


SYSTEM = Actor(ActorKind.SYSTEM, "system")


@dataclass(frozen=True, slots=True)
class Piece:
    """Scarce pieces that must be reserved before the transaction; `refusal` is raised when there are too few."""

    counter_id: str
    count: int
    refusal: Refused


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


class Work:
    """The unit of work a verb is given: its session, its time, its ids, and what is to follow the commit.

    A verb may run twice; everything it leaves here is dropped when the attempt is.
    """

    def __init__(self, session: Session, actor: Actor, now: datetime) -> None:
        self.session = session
        self.actor = actor
        self.now = now
        self.events: list[PendingEvent] = []
        self.tasks: list[Document] = []
        self.staff_actions: list[Document] = []

    def new_id(self, prefix: str) -> str:
        """A new id of this moment."""
        return ids.new_id(prefix, self.now)

    def announce(self, customer_id: str, kind: EventKind, subject: Any, **details: Any) -> None:
        """Tell a customer that a thing is now as given; written to the log in this transaction."""
        snapshot = to_document(subject)
        self.events.append(PendingEvent(customer_id, kind, snapshot["_id"], snapshot, details))

    def later(self, kind: str, key: str, **payload: Any) -> None:
        """Have a worker do something outside after the commit, exactly once per `key`."""
        self.tasks.append({"_id": f"{kind}:{key}", "kind": kind, "payload": payload})

    def record_staff_action(self, verb: str, target_id: str, amount_fen: int | None = None, memo: str = "") -> None:
        """Leave the audit row that every staff action must leave."""
        self.staff_actions.append(
            {
                "_id": self.new_id("act"),
                "staff_id": self.actor.id,
                "verb": verb,
                "target_id": target_id,
                "amount_fen": amount_fen,
                "memo": memo,
                "at": self.now,
            }
        )
