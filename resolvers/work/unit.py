"""The unit of work that a verb is given."""

from datetime import datetime
from typing import Any

from resolvers import ids
from resolvers.chat.messages.model import WORTH_TELLING, Draft, MessageEvent, Value
from resolvers.documents import Document, to_document
from resolvers.live.model import EventKind, PendingEvent
from resolvers.mongo import Session
from resolvers.work.model import Actor


class Work:
    """The unit of work a verb is given: its session, its time, its ids, and what is to follow the commit.

    A verb may run twice; everything it leaves here is dropped when the attempt is.
    """

    def __init__(self, session: Session, actor: Actor, now: datetime) -> None:
        self.session = session
        self.actor = actor
        self.now = now
        self._made = 0
        self.events: list[PendingEvent] = []
        self.tasks: list[Document] = []
        self.messages: list[Draft] = []
        self.staff_actions: list[Document] = []

    def new_id(self, prefix: str) -> str:
        """A new id of this moment; those of one unit of work sort in the order they were made."""
        self._made += 1
        return ids.new_id(prefix, self.now, self._made)

    def announce(self, customer_id: str, kind: EventKind, subject: Any, **details: Any) -> None:
        """Tell a customer that a thing is now as given; written to the log in this transaction."""
        snapshot = to_document(subject)
        self.events.append(PendingEvent(customer_id, kind, snapshot["_id"], snapshot, details))

    def later(self, kind: str, key: str, **payload: Any) -> None:
        """Have a worker do something outside after the commit, exactly once per `key`."""
        self.tasks.append({"_id": f"{kind}:{key}", "kind": kind, "payload": payload})

    def tell(
        self,
        event: MessageEvent,
        customer_id: str,
        key: str,
        brand_id: str,
        subject_id: str,
        person_id: str | None = None,
        **values: Value,
    ) -> None:
        """Have a one-time message sent after the commit, if they have agreed to one: once per event, person and `key`.

        `values` is what its template may show of it. The same transaction must announce something to that customer.
        """
        until = self.now + WORTH_TELLING[event]
        moments = {name: value for name, value in values.items() if isinstance(value, datetime)}
        others = {name: value for name, value in values.items() if not isinstance(value, datetime)}
        self.messages.append(
            Draft(event, customer_id, key, brand_id, subject_id, self.now, until, others, moments, person_id)
        )

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
