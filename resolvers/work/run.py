"""`run`: the steps between a verb being called and its change being there, read from top to bottom."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from functools import partial

from resolvers.chat.messages.model import Draft
from resolvers.documents import Document, to_document
from resolvers.errors import BadInput, IdempotencyKeyReused, Refused, TryAgain
from resolvers.live.store import LiveStore, Told
from resolvers.mongo import Connection, DuplicateKey, PyMongoError, Session, TransactionExhausted, is_outage
from resolvers.outbox.store import OutboxStore
from resolvers.ports import Clock
from resolvers.work.model import KEY_LIFE, Call, Piece, Row, RowState
from resolvers.work.queueing import KeyedQueue
from resolvers.work.store import WorkStore
from resolvers.work.unit import Work

Ids = dict[str, str]
Verb = Callable[[Work], Awaitable[Ids]]

# A reservation is settled by asking whether its transaction committed, so it must outlive any transaction:
# mongod ends one after 60 s.
RESERVATION_LIFE = timedelta(seconds=120)
RESTARTS = 3  # after a unique key was taken by somebody else: once is enough but for three-cornered races


class NothingCommitted(TryAgain):
    """Every try of the transaction lost against others; certain that nothing of it was committed."""


class Runner:
    """Runs verbs. One per process."""

    def __init__(
        self,
        connection: Connection,
        store: WorkStore,
        live: LiveStore,
        outbox: OutboxStore,
        clock: Clock,
        secret: bytes,
    ) -> None:
        self._connection = connection
        self._store = store
        self._live = live
        self._outbox = outbox
        self._clock = clock
        self._secret = secret
        self._queue = KeyedQueue()
        self._copies = KeyedQueue()

    async def run(self, call: Call, verb: Verb) -> Ids:
        """Run a verb in one transaction; asked again under the same key, answers the first result.

        Raises Refused (nothing changed), TryAgain (send the same again), BadInput.
        """
        if call.key is None:
            return (await self._reserving(call, verb, RowState.DONE)).result
        async with self._queue.turn([call.row_id]):
            row = await self._known_row(call)
            if row is None:
                row = await self._reserving(call, verb, RowState.DONE)
            return row.result

    def alone(self, call: Call) -> AbstractAsyncContextManager[None]:
        """A turn in which no copy of this call is under way in this process, for what a verb does before it runs."""
        return self._copies.turn([call.row_id])

    async def answered(self, call: Call) -> Ids | None:
        """The result of a call that was done before under the same key: looked up before anything else is checked.

        Raises IdempotencyKeyReused, BadInput.
        """
        row = await self._known_row(call)
        return row.result if row is not None and row.state is RowState.DONE else None

    async def begun(self, call: Call) -> Ids | None:
        """The result so far of a call whose first transaction is done; None for a call that is new."""
        row = await self._known_row(call)
        return row.result if row is not None else None

    async def begin(self, call: Call, verb: Verb) -> tuple[Ids, bool]:
        """The first of two transactions: (result ids, whether the second one is done already).

        A call that was cut off between the two answers the same ids again, so that it goes on where it stopped.
        """
        async with self._queue.turn([call.row_id]):
            row = await self._known_row(call)
            if row is None:
                row = await self._reserving(call, verb, RowState.RUNNING)
            return row.result, row.state is RowState.DONE

    async def finish(self, call: Call, verb: Verb, begun: Ids | None = None) -> Ids:
        """The second of two transactions; a copy that comes later finds it done and gets its result.

        `begun` are ids that the first one answered: what a copy has begun anew meanwhile is not touched (TryAgain).
        """
        async with self._queue.turn([call.row_id]), self._queue.turn(call.contends):
            once = partial(self._finish_once, call, verb, begun or {}, keep_row=True)
            return (await self._restarting(once)).result

    async def abandon(self, call: Call, verb: Verb, begun: Ids | None = None) -> Ids | None:
        """Undo the first of two transactions and forget the key, because what lay between came to nothing.

        Answers the result of a copy of this call that came through meanwhile: then nothing is undone. `begun` as above.
        """
        async with self._queue.turn([call.row_id]), self._queue.turn(call.contends):
            row = await self._restarting(partial(self._finish_once, call, verb, begun or {}, keep_row=False))
            return row.result if row.state is RowState.DONE else None

    async def settle_reservations(self, counter_id: str | None = None) -> None:
        """Strike out or give back every overdue reservation, by asking whether its transaction committed."""
        for counter, note in await self._store.overdue(self._clock.now(), counter_id):
            if await self._used(note["key"]):
                await self._store.strike_out(counter, note["key"])
            else:
                await self._store.give_back(counter, note["count"], note["key"])

    async def _used(self, reservation: str) -> bool:
        """Whether the transaction behind a reservation committed, even if the call was undone later."""
        row = await self._store.row(reservation.rpartition("#")[0])
        return (row is not None and row.reservation == reservation) or await self._store.row(reservation) is not None

    async def _known_row(self, call: Call, session: Session | None = None) -> Row | None:
        row = await self._store.first_row(call.row_ids, session)
        if row is not None and row.fingerprint != call.fingerprint(self._secret):
            raise IdempotencyKeyReused(field=("input", "idempotencyKey"))
        return row

    async def _reserving(self, call: Call, verb: Verb, state: RowState) -> Row:
        """Hold the scarce pieces of a call while it runs: used ones are struck out, the others given back."""
        reservation = f"{call.row_id}#{secrets.token_hex(8)}" if call.pieces else ""
        taken: list[Piece] = []
        try:
            for piece in call.pieces:
                if not await self._take(piece, reservation):
                    row = await self._known_row(call)
                    if row is None:
                        raise piece.refusal
                    break  # a copy of this call on another process was first, and it has the last piece
                taken.append(piece)
            else:
                async with self._queue.turn(call.contends):
                    row = await self._restarting(lambda: self._once(call, verb, state, reservation))
        except (Refused, NothingCommitted, BadInput):
            # Certain that nothing was committed. After any other fault that is not known: the overdue note decides.
            for piece in taken:
                await self._store.give_back(piece.counter_id, piece.count, reservation)
            raise
        for piece in taken:
            if row.reservation == reservation:
                await self._store.strike_out(piece.counter_id, reservation)
            else:  # a copy of this call on another process was first: its pieces count, ours do not
                await self._store.give_back(piece.counter_id, piece.count, reservation)
        return row

    async def _take(self, piece: Piece, reservation: str) -> bool:
        """Take pieces, settling overdue notes before answering no. Raises TryAgain while a copy holds what we want."""
        until = self._clock.now() + RESERVATION_LIFE
        if await self._store.take(piece.counter_id, piece.count, reservation, until):
            return True
        await self.settle_reservations(piece.counter_id)
        if piece.settle is not None:
            await piece.settle()
        if await self._store.take(piece.counter_id, piece.count, reservation, until):
            return True
        if await self._store.holds_note(piece.counter_id, reservation.rpartition("#")[0]):
            raise NothingCommitted
        return False

    async def _restarting(self, once: Callable[[], Awaitable[Row]]) -> Row:
        """Run one attempt; start over when a unique key was taken meanwhile, because now the look-up will find it."""
        for attempt in range(RESTARTS + 1):
            try:
                return await once()
            except DuplicateKey:
                if attempt == RESTARTS:
                    raise
                await asyncio.sleep(0)
            except TransactionExhausted as error:
                raise NothingCommitted from error
            except PyMongoError as error:
                if is_outage(error):
                    raise TryAgain("The database is changing over, please send the same request again.") from error
                raise
        raise AssertionError("unreachable")

    async def _once(self, call: Call, verb: Verb, state: RowState, reservation: str = "") -> Row:
        async def body(session: Session) -> Row:
            work = Work(session, call.actor, self._clock.now())
            expires_at = work.now + KEY_LIFE
            if call.key is None:
                result = await verb(work)
                await self._leave(work)
                return Row("", "", RowState.DONE, result, expires_at)
            known = await self._known_row(call, session)
            if known is not None:
                return known
            fingerprint = call.fingerprint(self._secret)
            row = Row(call.row_id, fingerprint, RowState.RUNNING, {}, expires_at, reservation)
            await self._store.insert_row(session, row)
            row = replace(row, state=state, result=await verb(work))
            await self._store.set_row(session, row)
            await self._require_first(call, await self._leave(work), session)
            return row

        return await self._connection.transaction(body)

    async def _require_first(self, call: Call, survivors: Mapping[str, str], session: Session) -> None:
        """The caller's account may have been joined into another one since the call came, and a copy have run there.

        A copy that has not run yet meets this transaction at the customer's document, and then finds its row. Raises
        TryAgain.
        """
        survivor = survivors.get(call.actor.id)
        if survivor is not None and await self._store.row(f"{survivor}:{call.key}", session) is not None:
            raise NothingCommitted

    async def _finish_once(self, call: Call, verb: Verb, begun: Ids, *, keep_row: bool) -> Row:
        async def body(session: Session) -> Row:
            row = await self._known_row(call, session)
            if row is None:  # a copy of this call came to nothing and took the key with it
                raise TryAgain
            if row.state is RowState.DONE:
                return row
            if not begun.items() <= row.result.items():  # ours came to nothing, and a copy has begun anew
                raise TryAgain
            work = Work(session, call.actor, self._clock.now())
            row = replace(row, state=RowState.DONE, result=row.result | await verb(work))
            if keep_row:
                await self._store.set_row(session, row)
            else:
                await self._store.delete_row(session, row.id)
                if row.reservation:  # whose pieces the verb gives back: its note, should it be left, must not do so too
                    await self._store.insert_row(session, replace(row, id=row.reservation))
                row = replace(row, state=RowState.RUNNING)
            await self._leave(work)
            return row

        return await self._connection.transaction(body)

    async def _leave(self, work: Work) -> Mapping[str, str]:
        """Write what follows the verb: audit rows, the numbered wallet events, and outbox tasks, messages too.

        Answers which of the customers told were joined into another one: by their id that one's.
        """
        if work.staff_actions:
            await self._store.insert_actions(work.session, work.staff_actions)
        told = Told({}, {})
        if work.events:
            event_ids = [work.new_id("evt") for _ in work.events]
            told = await self._live.append(work.session, work.events, work.now, event_ids)
        tasks = [*work.tasks, *(_task(each) for each in work.messages if each.event in told.wishes[each.customer_id])]
        if tasks:
            await self._outbox.put(work.session, tasks, work.now)
        return told.survivors


def _task(draft: Draft) -> Document:
    """The task that sends a message."""
    return {"_id": draft.id, "kind": "message", "payload": to_document(draft)}
