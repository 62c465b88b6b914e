"""Posting: the only code that changes a balance."""

from collections.abc import Iterable

from resolvers.ledger.model import Entry, EntryKind, Line, is_customer_side, merged, off_balance
from resolvers.ledger.store import LedgerStore
from resolvers.money import check_fen
from resolvers.work.unit import Work


class Overdrawn(Exception):
    """A customer-side account would fall below zero. Never a refusal: whoever posts has checked the lots before."""


async def post(
    store: LedgerStore, work: Work, kind: EntryKind, key: str, brand_id: str, lines: Iterable[Line], memo: str = ""
) -> None:
    """Write one entry and move the balances it names, in the caller's transaction.

    `key` is the business key that makes the movement happen once. Raises ValueError when the lines do not sum to
    zero, Overdrawn when a customer-side account would fall below zero.
    """
    entry = Entry(key, kind, brand_id, work.now, work.actor.id, merged(lines), memo)
    for line in entry.lines:
        check_fen(line.amount_fen)
    if off_balance(entry.lines):
        raise ValueError(f"entry {key} does not sum to zero")
    await store.insert_entry(work.session, entry)
    for line in sorted(entry.lines, key=lambda line: line.account):
        if not is_customer_side(line.account):
            continue
        if line.amount_fen > 0:
            await store.credit(work.session, line.account, line.amount_fen)
        elif not await store.debit(work.session, line.account, -line.amount_fen):
            raise Overdrawn(line.account)
