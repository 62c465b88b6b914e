"""Writing a changed card: the card itself, its statement lines and the event, always together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from resolvers.cards.model import Card, CardKind, CardStatus, StatementEntry, StatementKind, Take
from resolvers.cards.store import CardStore
from resolvers.chat.messages.model import MessageEvent
from resolvers.documents import to_document
from resolvers.ledger.model import Line, card_account
from resolvers.live.model import EventKind
from resolvers.mongo import TransactionExhausted
from resolvers.passes.model import Uses
from resolvers.work.unit import Work


@dataclass(frozen=True, slots=True)
class Movement:
    """A line for the statement: signed change in fen."""

    kind: StatementKind
    amount_fen: int
    memo: str
    order_id: str | None = None
    payment_id: str | None = None


async def write_card(
    store: CardStore, work: Work, before: Card, after: Card, movements: Sequence[Movement] = ()
) -> Card:
    """Write a card against the revision that was read, with its statement lines, and announce it.

    Movements must add up to the change of the ledger balance, else ValueError: a statement that does not explain the
    balance is a bug.
    """
    if after.ledger_fen - before.ledger_fen != sum(movement.amount_fen for movement in movements):
        raise ValueError(f"the statement does not explain the change of {before.id}")
    entries: list[StatementEntry] = []
    balance = before.ledger_fen
    for offset, movement in enumerate(movements):
        balance += movement.amount_fen
        entries.append(
            StatementEntry(
                id=work.new_id("ste"),
                card_id=after.id,
                number=before.statement_rows + offset + 1,
                kind=movement.kind,
                amount_fen=movement.amount_fen,
                balance_after_fen=balance,
                memo=movement.memo,
                at=work.now,
                order_id=movement.order_id,
                payment_id=movement.payment_id,
            )
        )
    written = replace(after, revision=before.revision + 1, statement_rows=before.statement_rows + len(entries))
    if not await store.replace(work.session, written, before.revision):
        # Cannot happen inside a snapshot: mongod reports a write conflict first, and the verb runs again.
        raise TransactionExhausted
    if entries:
        await store.insert_statement(work.session, entries)
    work.announce(after.customer_id, EventKind.CARD_CHANGED, written, entries=[to_document(each) for each in entries])
    _tell(work, written, entries)
    return written


_BALANCE_TOLD = {
    StatementKind.TOP_UP: "充值到账",
    StatementKind.BONUS: "赠送到账",
    StatementKind.PURCHASE: "消费",
    StatementKind.REFUND: "退款",
    StatementKind.EXPIRY: "赠送过期",
    StatementKind.ADJUSTMENT: "调整",
    StatementKind.REVERSAL: "冲正",
}  # what is given away, and comes back, is told by messages of its own


def _tell(work: Work, card: Card, entries: Sequence[StatementEntry]) -> None:
    """One message for all that a write changes of the balance, by the first of its lines."""
    told = [each for each in entries if each.kind in _BALANCE_TOLD]
    if told:
        work.tell(
            MessageEvent.BALANCE_CHANGED,
            card.customer_id,
            told[0].id,
            card.brand_id,
            card.id,
            title=card.title,
            status=_BALANCE_TOLD[told[0].kind],
            amount=sum(each.amount_fen for each in told),
            balance=entries[-1].balance_after_fen,
            memo=told[0].memo,
        )


def new_card(
    work: Work, customer_id: str, brand_id: str, kind: CardKind, title: str, regifts_left: int, uses: Uses | None = None
) -> Card:
    """A card with no value on it yet; not written."""
    return Card(
        id=work.new_id("crd"),
        customer_id=customer_id,
        brand_id=brand_id,
        kind=kind,
        status=CardStatus.ACTIVE,
        title=title,
        lots=(),
        holds=(),
        regifts_left=regifts_left,
        created_at=work.now,
        uses=uses,
    )


async def present_card(store: CardStore, work: Work, card_id: str) -> Card:
    """The card, or what it became when it was given away whole, as often as that happened."""
    card = await store.card(card_id, work.session)
    while card is not None and card.successor_id is not None:
        card = await store.card(card.successor_id, work.session)
    if card is None:
        raise LookupError(card_id)
    return card


def card_lines(card_id: str, takes: Sequence[Take], sign: int) -> list[Line]:
    """Ledger lines that credit (+1) or debit (-1) a card by what was taken or put back."""
    return [Line(card_account(card_id, bonus=take.bonus), sign * take.amount_fen) for take in takes]
