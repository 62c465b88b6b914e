"""Tenders: what an order is paid with, and which part each pays. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from resolvers.cards.model import CardKind
from resolvers.errors import AmountInvalid, PaymentUnavailable
from resolvers.money import share_of_units
from resolvers.payments.model import OUTSIDE, Covered, PaymentMethod

MAXIMUM_TENDERS = 10
CARD_METHODS = {
    PaymentMethod.STORED_VALUE: CardKind.STORED_VALUE,
    PaymentMethod.GIFT_CARD: CardKind.GIFT_CARD,
    PaymentMethod.PASS: CardKind.PASS,
}
_WHERE = ("input", "tenders")


@dataclass(frozen=True, slots=True)
class Tender:
    """One thing to pay with; `amount_fen` None: all that is left to pay.

    A pass pays for dishes: `uses` of it (None: as many as it can), which `covers` names once they are found.
    """

    method: PaymentMethod
    card_id: str | None
    amount_fen: int | None
    uses: int | None = None
    covers: tuple[Covered, ...] = ()


class Line(Protocol):
    """A line of an order or a quote, as a pass sees it: `total_fen` after discounts."""

    @property
    def dish_id(self) -> str:
        """The dish."""

    @property
    def quantity(self) -> int:
        """How many."""

    @property
    def total_fen(self) -> int:
        """What the line comes to."""


@dataclass(frozen=True, slots=True)
class CardPart:
    """What one card pays, in fen."""

    card_id: str
    method: PaymentMethod
    amount_fen: int
    covers: tuple[Covered, ...] = ()

    @property
    def uses(self) -> int:
        """The uses of a pass that it takes."""
        return sum(each.count for each in self.covers)


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
            cards.append(CardPart(tender.card_id, tender.method, amount, tender.covers))
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


def cover(
    lines: Sequence[Line], dish_ids: Collection[str], most: int, covered: Sequence[Covered] = ()
) -> tuple[Covered, ...]:
    """The units that up to `most` uses of a pass pay for: those of its dishes that nothing covers yet, dearest first.

    A pass covers a line from its first unit on, so that units refunded one after the other give back whole uses. A line
    of less than a fen a unit is left out: a use must be worth something.
    """
    mine = [index for index, line in enumerate(lines) if line.dish_id in dish_ids and line.total_fen >= line.quantity]
    found = []
    for index in sorted(mine, key=lambda each: (-Fraction(lines[each].total_fen, lines[each].quantity), each)):
        first = sum(each.count for each in covered if each.line == index)
        count = min(most, lines[index].quantity - first)
        if count > 0:
            found.append(Covered(index, first, count))
            most -= count
    return tuple(found)


def covered_fen(lines: Sequence[Line], covers: Sequence[Covered]) -> int:
    """What units that a pass pays for cost, in fen."""
    return sum(
        share_of_units(lines[each.line].total_fen, lines[each.line].quantity, each.first, each.count) for each in covers
    )
