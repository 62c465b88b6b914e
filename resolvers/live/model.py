"""Wallet events and their cursors.

An event carries a snapshot of the thing as it was at that moment, so that delivery needs no further read and a replay
tells the same story.
"""

import base64
import binascii
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from resolvers.errors import BadInput

KEPT = timedelta(days=30)  # how long events are kept; a cursor from before is told to resync
MAXIMUM_CURSOR = 120  # characters; ours have about 50
NOT_OURS = "after is not a cursor of this wallet."


class EventKind(StrEnum):
    """What happened; `COUPON_*` events are what `couponUpdates` carries.

    JOINED: another account's things came into the wallet, or the account went into another one; clients are told to
    resync, on filtered streams, too.
    """

    COUPON_RECEIVED = "COUPON_RECEIVED"
    COUPON_CHANGED = "COUPON_CHANGED"
    COUPON_EXPIRING = "COUPON_EXPIRING"
    CARD_CHANGED = "CARD_CHANGED"
    GIFT_CHANGED = "GIFT_CHANGED"
    ORDER_CHANGED = "ORDER_CHANGED"
    PAYMENT_CHANGED = "PAYMENT_CHANGED"
    POINTS_CHANGED = "POINTS_CHANGED"
    JOINED = "JOINED"


COUPON_KINDS = frozenset({EventKind.COUPON_RECEIVED, EventKind.COUPON_CHANGED, EventKind.COUPON_EXPIRING})


@dataclass(frozen=True, slots=True)
class PendingEvent:
    """An event on its way into the log: it gets its number when the transaction is about to commit."""

    customer_id: str
    kind: EventKind
    subject_id: str
    snapshot: dict[str, Any]
    details: dict[str, Any]


@dataclass(frozen=True, slots=True)
class WalletEvent:
    """An event of the log. `number` counts 1, 2, 3 … per customer without holes; `kind` None: a bare cursor."""

    customer_id: str
    number: int
    kind: EventKind | None
    at: datetime
    subject_id: str
    snapshot: dict[str, Any]
    details: dict[str, Any]
    resync: str | None = None

    @property
    def cursor(self) -> str:
        """Where a client goes on from after this event."""
        return cursor_of(self.customer_id, self.number)


def prefix_end(lowest: int, old: AbstractSet[int]) -> int | None:
    """Up to which number events may go, when the lowest kept is known and these are old: no hole may be left.

    None when the lowest is not old itself: nothing that follows it goes before it does.
    """
    last = lowest - 1
    while last + 1 in old:
        last += 1
    return last if last >= lowest else None


def cursor_of(customer_id: str, number: int) -> str:
    """The opaque text for "everything up to this number is known"."""
    return base64.urlsafe_b64encode(f"{customer_id}:{number}".encode()).decode().rstrip("=")


def number_of(cursor: str, customer_id: str) -> int:
    """The number a cursor stands for. Raises BadInput when it is not a cursor of this customer."""
    owner, number = _read(cursor)
    if owner != customer_id:
        raise BadInput(NOT_OURS)
    return number


def is_of(cursor: str, customer_ids: Collection[str]) -> bool:
    """Whether a cursor is one of any of these customers. Raises BadInput when it is none at all."""
    return _read(cursor)[0] in customer_ids


def _read(cursor: str) -> tuple[str, int]:
    """(customer id, number) of a cursor. Raises BadInput."""
    try:
        if len(cursor) > MAXIMUM_CURSOR:
            raise ValueError
        text = base64.urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4)).decode("ascii")
        owner, _, number = text.rpartition(":")
        if not number.isascii() or not number.isdigit():
            raise ValueError
        return owner, int(number)
    except (ValueError, binascii.Error) as error:
        raise BadInput(NOT_OURS) from error
