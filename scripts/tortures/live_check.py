"""The verdict on live updates: what each client was told against the log. Pure; each breach is a sentence."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WALLET, COUPONS, ORDER = "walletUpdates", "couponUpdates", "orderUpdates"
ADVANCED, RESYNC = "CursorAdvanced", "ResyncRequired"
SHOWN = 5  # breaches of one kind per client


@dataclass(frozen=True, slots=True)
class Told:
    """An event, as a client was told it or as the log has it. `at` is in milliseconds."""

    number: int
    kind: str
    subject_id: str | None = None
    revision: int | None = None
    at: int | None = None


@dataclass(slots=True)
class Segment:
    """What one subscription told: everything after a number, as far as it came."""

    customer_id: str
    stream: str
    order_id: str | None
    after: int
    told: list[Told] = field(default_factory=list)
    whole: bool = False  # whether it was left open until it had reached the end of the log

    def concerns(self, event: Told) -> bool:
        """Whether this stream has to tell an event."""
        if self.stream == COUPONS:
            return event.kind in ("CouponReceived", "CouponChanged")
        if self.stream == ORDER:
            return event.kind == "OrderChanged" and event.subject_id == self.order_id
        return True

    def __str__(self) -> str:
        return f"{self.stream} {self.order_id or ''} of {self.customer_id} after {self.after}"


@dataclass(slots=True)
class Story:
    """All subscriptions of one client, one after the other: what it pieces together from them."""

    name: str
    customer_id: str
    start: int
    segments: list[Segment] = field(default_factory=list)


Logs = Mapping[str, Sequence[Told]]


def live_breaches(stories: Sequence[Story], logs: Logs, newest: Mapping[str, int]) -> list[str]:
    """Everything that a client was told wrongly, twice, out of order, or not at all."""
    found = [breach for customer_id, log in logs.items() for breach in _holes(customer_id, log)]
    for story in stories:
        log = logs.get(story.customer_id, ())
        for segment in story.segments:
            found += _segment(segment, log, newest.get(story.customer_id, 0))
        found += _pieced_together(story, log, newest.get(story.customer_id, 0))
    return found


def _holes(customer_id: str, log: Sequence[Told]) -> Iterator[str]:
    for number, event in enumerate(log, 1):
        if event.number != number:
            yield f"the log of {customer_id} has {event.number} where {number} must be"
            return


def _segment(segment: Segment, log: Sequence[Told], newest: int) -> list[str]:
    """One subscription: exactly the events that follow its cursor, in their order, as far as it came."""
    found, due = [], [event for event in log if event.number > segment.after and segment.concerns(event)]
    place, last = 0, segment.after
    for event in segment.told:
        if event.kind == RESYNC:
            found.append(f"{segment}: told to resync at {event.number}, the log reaches back to 1")
        elif event.kind == ADVANCED:
            if segment.stream == WALLET or event.number <= last:
                found.append(f"{segment}: cursor moved on to {event.number} after {last}")
            if place < len(due) and due[place].number <= event.number:
                found.append(f"{segment}: cursor moved past {due[place].number}, which was not told")
        else:
            expected = due[place] if place < len(due) else None
            if event != expected:
                found.append(f"{segment}: told {event}, must be {expected}")
            place += 1
        last = event.number
        if len(found) >= SHOWN:
            return found
    if segment.whole and place < len(due) and due[place].number <= newest:
        found.append(f"{segment}: ended before {due[place]}")
    if segment.whole and last < newest:
        found.append(f"{segment}: its cursor stayed at {last}, the log ends at {newest}")
    return found


def _pieced_together(story: Story, log: Sequence[Told], newest: int) -> list[str]:
    """The whole of a client: each event once, from its first cursor to the end of the log."""
    if not story.segments or story.segments[-1].stream == ORDER:  # whose order is another one now and then
        return []
    known, pieces = story.start, list[Any]()
    for segment in story.segments:
        for event in segment.told:
            if event.number > known and event.kind not in (ADVANCED, RESYNC):
                pieces.append(event)
            known = max(known, event.number)
    concerns = story.segments[-1].concerns
    must = [event for event in log if story.start < event.number <= max(known, newest) and concerns(event)]
    return [] if pieces == must else [f"{story.name} pieced together {len(pieces)} events, the log has {len(must)}"]
