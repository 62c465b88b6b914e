"""An incident: what went wrong outside, and whether it is settled."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class IncidentKind(StrEnum):
    """What went wrong. The values are what clients see."""

    ABNORMAL_REFUND = "ABNORMAL_REFUND"  # the provider could not give the money back
    DEAD_LETTER = "DEAD_LETTER"  # a task of the outbox was tried to the end
    PAYMENT_MISMATCH = "PAYMENT_MISMATCH"  # paid, but not as we asked: another sum, payer or app
    COUPON_OWED = "COUPON_OWED"  # a coupon promised with a top-up could not be issued
    MESSAGE_REFUSED = "MESSAGE_REFUSED"  # the chat platform does not take a template as we fill it
    RECONCILIATION = "RECONCILIATION"  # the provider's bill and our books differ


@dataclass(frozen=True, slots=True)
class Incident:
    """Something that waits for a person.

    `key` is what it is about, so that the same thing is there once; it opens again when it happens again.
    `brand_id` None: nobody can tell whose it is (money at the provider that no payment of ours explains).
    """

    id: str
    key: str
    kind: IncidentKind
    summary: str
    subject_id: str | None
    brand_id: str | None
    at: datetime
    resolved_at: datetime | None = None
