"""Tenders: what an order is paid with, and which part each pays. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from resolvers.cards.model import CardKind
from resolvers.errors import AmountInvalid, PaymentUnavailable
from resolvers.payments.model import OUTSIDE, PaymentMethod

MAXIMUM_TENDERS = 10
CARD_METHODS = {
    PaymentMethod.STORED_VALUE: CardKind.STORED_VALUE,
    PaymentMethod.GIFT_CARD: CardKind.GIFT_CARD,
}
_WHERE = ("input", "tenders")


@dataclass(frozen=True, slots=True)
class Tender:
    """One thing to pay with; `amount_fen` None: all that is left to pay."""

    method: PaymentMethod
    card_id: str | None
    amount_fen: int | None


@dataclass(frozen=True, slots=True)
class CardPart:
    """What one card pays, in fen."""

    card_id: str
    method: PaymentMethod
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Parts:
    """An order's payment taken apart: cards, the part at the provider, the part in cash, in fen (0: nothing)."""

    cards: tuple[CardPart, ...]
    outside_fen: int
    cash_fen: int = 0

    @property
    def cards_fen(self) -> int:
        """What the cards pay together."""
        return sum(part.amount_fen for part in self.cards)


def take_apart(payable_fen: int, tenders: Sequence[Tender], here: PaymentMethod) -> Parts:
    """Check tenders and give each its amount. `here` is the outside method of the app the customer is in.

    Raises AmountInvalid unless they add up to what is payable, PaymentUnavailable for the other app's method.
    """
    if not 1 <= len(tenders) <= MAXIMUM_TENDERS:
        raise AmountInvalid("请选择支付方式", field=_WHERE)
    amounts = amounts_of(payable_fen, tenders)
    cards: list[CardPart] = []
    outside: list[int] = []
    cash: list[int] = []
    for tender, amount in zip(tenders, amounts, strict=True):
        if tender.method in CARD_METHODS:
            if tender.card_id is None or any(part.card_id == tender.card_id for part in cards):
                raise AmountInvalid("请选择要使用的卡，每张卡只能选一次", field=_WHERE)
            cards.append(CardPart(tender.card_id, tender.method, amount))
        elif tender.card_id is not None:
            raise AmountInvalid("只有用卡支付才需要选卡", field=_WHERE)
        elif tender.method in OUTSIDE:
            if tender.method is not here:
                raise PaymentUnavailable("请在对应的应用内支付", field=_WHERE)
            outside.append(amount)
        elif tender.method is PaymentMethod.CASH:
            cash.append(amount)
        else:
            raise AmountInvalid("不支持这种支付方式", field=_WHERE)
    if len(outside) + len(cash) > 1:
        raise AmountInvalid("在线支付和现金只能选择一种", field=_WHERE)
    return Parts(tuple(cards), sum(outside), sum(cash))


def amounts_of(payable_fen: int, tenders: Sequence[Tender]) -> list[int]:
    """What each tender pays, in fen; the one without an amount pays the rest. Raises AmountInvalid."""
    named = [tender.amount_fen for tender in tenders if tender.amount_fen is not None]
    if len(tenders) - len(named) > 1:
        raise AmountInvalid("只能有一种支付方式不填金额", field=_WHERE)
    rest = payable_fen - sum(named)
    amounts = [rest if tender.amount_fen is None else tender.amount_fen for tender in tenders]
    if any(amount <= 0 for amount in amounts) or sum(amounts) != payable_fen:
        raise AmountInvalid("支付金额与应付金额不符", field=_WHERE)
    return amounts
