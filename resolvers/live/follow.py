"""Following a wallet or a store: the backlog after a cursor first, then live, without a hole or a repeat."""

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic

from resolvers.app import App
from resolvers.documents import from_document
from resolvers.errors import BadInput
from resolvers.live.model import EventKind, WalletEvent, is_of, number_of
from resolvers.ordering.model import Order
from resolvers.paging import decode_cursor, encode_cursor, from_milliseconds, milliseconds

CURSOR_SECONDS = 5.0  # how stale the cursor of a filtered stream may become
CURSOR_EVENTS = 50  # and after how many events of no interest it moves on at once
LAG_SECONDS = 0.1  # before a log is read again that does not show yet what was told already

# A change is dated by the process that made it, before it commits. So a store's backlog reaches back by more than a
# transaction can last and clocks can differ; what is sent twice has the same revision.
STORE_OVERLAP = timedelta(seconds=70)
STORE_BATCH = 500
_FIRST = datetime(2013, 1, 1, tzinfo=UTC)  # no cursor of ours is older

Wanted = Callable[[WalletEvent], bool]


async def follow_wallet(
    app: App, customer_id: str, after: str | None, wanted: Wanted | None = None, also: Collection[str] = ()
) -> AsyncIterator[WalletEvent]:
    """Every event of a customer after a cursor (None: from now on), in order.

    With `wanted`, events of no interest are left out and bare cursors tell how far the stream has come. A cursor that
    the log no longer reaches back to gets one event with `resync`, whose cursor to go on from; so does a reader who was
    so slow that the log was cut meanwhile.

    `also`: the ids of accounts that were joined into the customer's. A cursor of one of them gets such an event too,
    and so does every reader at the place in the log where that was. Whoever watches while it happens is cut off after
    it, to come back as the customer they are now. Raises BadInput.
    """
    async with app.hub.wallet(customer_id) as listener:
        begun_at = newest = await app.live.sequence(customer_id)
        ids = await app.people.ids_of(customer_id)
        if ids != (customer_id, *also):  # joined since the request began
            yield _joined(app, customer_id, newest)
            app.hub.end_customer(customer_id, ids if ids[0] == customer_id else ())
            return
        if after is not None and is_of(after, also):
            after = None
            yield _joined(app, customer_id, newest)
        known = newest if after is None else number_of(after, customer_id)
        if known > newest:  # a cursor of a log that was restored to an earlier state, or a primary that is a moment old
            newest = await app.live.sequence_for_certain(customer_id)
        if known > newest:
            known = newest
            yield _resync(app, customer_id, known)
        skipped, skipping_since = 0, 0.0
        while True:
            if known < newest:
                try:
                    events = await _next(app, customer_id, known, newest)
                except OutOfReach as gone:
                    known, newest = gone.newest, gone.newest
                    skipped = 0
                    yield _resync(app, customer_id, known)
                    continue
            else:
                event = await listener.get(CURSOR_SECONDS)
                if listener.gap:
                    listener.gap = False
                    newest = max(await app.live.sequence(customer_id), event.number if event else 0)
                    continue
                if event is not None and event.number > known + 1:
                    newest = event.number
                    continue
                events = [] if event is None else [event]
            for event in events:
                if event.number <= known:
                    continue
                known = event.number
                if event.kind is EventKind.JOINED:
                    skipped = 0
                    yield _joined(app, customer_id, known)
                    if known > begun_at:
                        app.hub.end_customer(customer_id, {event.subject_id} - {customer_id})
                elif wanted is None or wanted(event):
                    skipped = 0
                    yield event
                else:
                    skipped += 1
                    skipping_since = monotonic() if skipped == 1 else skipping_since
            stale = skipped >= CURSOR_EVENTS or monotonic() >= skipping_since + CURSOR_SECONDS
            if skipped and (stale or not events):
                skipped = 0
                yield _bare(app, customer_id, known)


class OutOfReach(Exception):
    """The log has been cut above a cursor. `newest` is the number to go on from."""

    def __init__(self, newest: int) -> None:
        super().__init__(newest)
        self.newest = newest


async def _next(app: App, customer_id: str, known: int, newest: int) -> list[WalletEvent]:
    """The next events of the log, of which there are some up to `newest`. Raises OutOfReach.

    A primary that was elected a moment ago may not show yet what its forerunner has told already: then none, and again.
    """
    events = await app.live.backlog(customer_id, known)
    if not events:
        shown = await app.live.sequence(customer_id)
        if shown < newest:
            await asyncio.sleep(LAG_SECONDS)
            return []
        events = await app.live.backlog(customer_id, known)
    if [event.number for event in events] != list(range(known + 1, known + 1 + len(events))) or not events:
        raise OutOfReach(await app.live.sequence(customer_id))
    return events


def _resync(app: App, customer_id: str, number: int) -> WalletEvent:
    return _bare(app, customer_id, number, resync="这段时间的变化已无法补发，请刷新卡包")


def _joined(app: App, customer_id: str, number: int) -> WalletEvent:
    return _bare(app, customer_id, number, resync="您的账号已合并，请刷新卡包")


def _bare(app: App, customer_id: str, number: int, resync: str | None = None) -> WalletEvent:
    return WalletEvent(customer_id, number, None, app.clock.now(), "", {}, {}, resync)


@dataclass(frozen=True, slots=True)
class StoreEvent:
    """An order of a store that is new or has changed; or, with `resync`, the word that some may have been missed."""

    cursor: str
    at: datetime
    order: Order | None
    resync: bool = False


def timed_cursor(moment: datetime, kind: str) -> str:
    """A cursor for "every change before this moment is known", of one kind of stream."""
    return encode_cursor((milliseconds(moment), kind))


def moment_of(after: str | None, kind: str, now: datetime) -> datetime:
    """Where a stream of that kind goes on. Raises BadInput."""
    if after is None:
        return now
    at, found = decode_cursor(after)
    moment = from_milliseconds(at)
    if found != kind or moment < _FIRST:
        raise BadInput(f"after is not a cursor of this {kind}.")
    return moment


def store_cursor(moment: datetime) -> str:
    """A cursor for "every change of this store before this moment is known"."""
    return timed_cursor(moment, "store")


async def follow_store(app: App, store_id: str, after: str | None) -> AsyncIterator[StoreEvent]:
    """Every change of a store's orders after a cursor (None: from now on).

    At least once: after a reconnect the last minute may be told again; orders carry their revision. Raises BadInput.
    """
    async with app.hub.store(store_id) as listener:
        moment = moment_of(after, "store", app.clock.now())
        seen: dict[str, int] = {}
        catching_up = after is not None
        while True:
            if catching_up:
                catching_up = False
                orders = await app.orders.changed_since(store_id, moment - STORE_OVERLAP, STORE_BATCH)
                if len(orders) == STORE_BATCH:
                    moment = app.clock.now()
                    yield StoreEvent(store_cursor(moment), moment, None, resync=True)
                    continue
            else:
                document = await listener.get(CURSOR_SECONDS)
                if listener.gap:
                    listener.gap = False
                    catching_up = True
                    continue
                orders = [] if document is None else [from_document(Order, document)]
            for order in orders:
                if seen.get(order.id, 0) < order.revision:
                    seen[order.id] = order.revision
                    moment = max(moment, order.changed_at)
                    yield StoreEvent(store_cursor(moment), order.changed_at, order)
            if len(seen) > 10_000:
                seen.clear()
