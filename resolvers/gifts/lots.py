"""A gift's value: in the ledger, on the card it came from, and on the card it becomes."""

from collections.abc import Sequence

from resolvers.cards.model import Card, CardKind, Take
from resolvers.cards.movement import new_card
from resolvers.gifts.model import Gift
from resolvers.ledger.model import Line, gift_account
from resolvers.work.unit import Work


def gift_lines(gift_id: str, takes: Sequence[Take], sign: int) -> list[Line]:
    """Ledger lines that credit (+1) or debit (-1) a gift's accounts."""
    return [Line(gift_account(gift_id, bonus=take.bonus), sign * take.amount_fen) for take in takes]


def all_lots(card: Card) -> tuple[Take, ...]:
    """Every lot of a card, lapsed ones too."""
    return tuple(Take(lot.id, lot.bonus, lot.left_fen, lot.expires_at) for lot in card.lots)


def new_gift_card(work: Work, customer_id: str, gift: Gift, regifts_left: int) -> Card:
    """The empty card that receives value of a gift."""
    return new_card(work, customer_id, gift.brand_id, CardKind.GIFT_CARD, gift.title, regifts_left)
