"""A card and its lots: what can be spent, which lots a sum is taken from, and how it goes back."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from resolvers.brands.model import SpendOrder
from resolvers.errors import InsufficientBalance, Refused
from resolvers.money import split
from resolvers.passes.model import Uses


class NotActive(Refused):
    """The card is being given, was given, or is closed."""

    code = "NOT_ACTIVE"
    message = "此卡当前不可用"


class TierUnknown(Refused):
    """No such top-up tier at this brand."""

    code = "TIER_UNKNOWN"
    message = "没有这个充值档位"


class NotRefundable(Refused):
    """The payment cannot be refunded (any more)."""

    code = "NOT_REFUNDABLE"
    message = "此笔支付不能退款"


class CardKind(StrEnum):
    """What a card holds."""

    STORED_VALUE = "STORED_VALUE"
    GIFT_CARD = "GIFT_CARD"
    PASS = "PASS"


class CardStatus(StrEnum):
    """ACTIVE → GIFTING → GIFTED, or back to ACTIVE; a pass ACTIVE → USED_UP, and back when a use is returned."""

    ACTIVE = "ACTIVE"
    GIFTING = "GIFTING"
    GIFTED = "GIFTED"
    FROZEN = "FROZEN"
    EXPIRED = "EXPIRED"
    USED_UP = "USED_UP"
    CLOSED = "CLOSED"


class StatementKind(StrEnum):
    """Why a card's balance changed."""

    TOP_UP = "TOP_UP"
    BONUS = "BONUS"
    PURCHASE = "PURCHASE"
    REFUND = "REFUND"
    GIFT_OUT = "GIFT_OUT"
    GIFT_IN = "GIFT_IN"
    GIFT_RETURNED = "GIFT_RETURNED"
    EXPIRY = "EXPIRY"
    ADJUSTMENT = "ADJUSTMENT"
    REVERSAL = "REVERSAL"


@dataclass(frozen=True, slots=True)
class Lot:
    """A portion of a balance with its own expiry (None: never), in fen."""

    id: str
    bonus: bool
    left_fen: int
    expires_at: datetime | None

    def lapsed(self, now: datetime) -> bool:
        """Whether the lot can no longer be used."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class Take:
    """A part of a lot that was taken or reserved: enough to put it back, even when the lot has left the card."""

    lot_id: str
    bonus: bool
    amount_fen: int
    expires_at: datetime | None

    def lapsed(self, now: datetime) -> bool:
        """Whether what was taken can no longer be used."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, slots=True)
class Hold:
    """Lots, or uses of a pass, reserved for a payment that is not finished. Moves no value."""

    payment_id: str
    takes: tuple[Take, ...]
    uses: int = 0


@dataclass(frozen=True, slots=True)
class Card:
    """A card of a customer at a brand. Ledger balance = the sum of its lots. `uses`: of a PASS, which has no lots."""

    id: str
    customer_id: str
    brand_id: str
    kind: CardKind
    status: CardStatus
    title: str
    lots: tuple[Lot, ...]
    holds: tuple[Hold, ...]
    regifts_left: int
    created_at: datetime
    statement_rows: int = 0
    successor_id: str | None = None  # the card it became when it was given away whole
    uses: Uses | None = None
    revision: int = 1

    def status_at(self, now: datetime) -> CardStatus:
        """The status as it is now: a pass past its time has lapsed."""
        if self.status is CardStatus.ACTIVE and self.uses is not None and self.uses.expires_at <= now:
            return CardStatus.EXPIRED
        return self.status

    @property
    def free_uses(self) -> int:
        """Uses of a pass that no unfinished payment has reserved."""
        return self.uses.left - sum(hold.uses for hold in self.holds) if self.uses else 0

    @property
    def ledger_fen(self) -> int:
        """Everything on the card, held and lapsed lots included: what its ledger accounts hold."""
        return sum(lot.left_fen for lot in self.lots)

    def part_fen(self, *, bonus: bool, now: datetime) -> int:
        """Principal or bonus that has not lapsed."""
        return sum(lot.left_fen for lot in self.lots if lot.bonus is bonus and not lot.lapsed(now))

    @property
    def held_fen(self) -> int:
        """What unfinished payments have reserved."""
        return sum(take.amount_fen for hold in self.holds for take in hold.takes)

    def available_fen(self, now: datetime) -> int:
        """What can be spent now."""
        held = self._held_by_lot()
        return sum(lot.left_fen - held.get(lot.id, 0) for lot in self.lots if not lot.lapsed(now))

    def next_to_lapse(self, now: datetime) -> Lot | None:
        """The lot that lapses first, if any lapses."""
        lapsing = [lot for lot in self.lots if lot.expires_at is not None and not lot.lapsed(now)]
        return min(lapsing, key=lambda lot: (lot.expires_at, lot.id), default=None)

    def pick(self, amount_fen: int, now: datetime, order: SpendOrder = SpendOrder.BONUS_FIRST) -> tuple[Take, ...]:
        """Which lots a sum would be taken from, by the brand's spend order; within bonus the soonest to lapse first.

        Raises InsufficientBalance.
        """
        if amount_fen > self.available_fen(now):
            raise InsufficientBalance
        lots = sorted((lot for lot in self.lots if not lot.lapsed(now)), key=_spend_order)
        held = self._held_by_lot()
        free = [lot.left_fen - held.get(lot.id, 0) for lot in lots]
        wanted = {True: amount_fen, False: amount_fen}
        if order is SpendOrder.PROPORTIONAL:
            parts = [
                sum(fen for lot, fen in zip(lots, free, strict=True) if lot.bonus is bonus) for bonus in (False, True)
            ]
            wanted[False], wanted[True] = split(amount_fen, parts)
        takes: list[Take] = []
        missing = amount_fen
        for lot, fen in zip(lots, free, strict=True):
            part = min(wanted[lot.bonus], fen, missing)
            if part > 0:
                takes.append(Take(lot.id, lot.bonus, part, lot.expires_at))
                wanted[lot.bonus] -= part
                missing -= part
        return tuple(takes)

    def lapsed_takes(self, now: datetime) -> tuple[Take, ...]:
        """Bonus past its time that no hold has named: what is to be posted to breakage.

        Paid principal never is: past its time it cannot be spent, but it stays the customer's.
        """
        held = self._held_by_lot()
        lapsed = [lot for lot in self.lots if lot.bonus and lot.lapsed(now) and lot.left_fen > held.get(lot.id, 0)]
        return tuple(Take(lot.id, True, lot.left_fen - held.get(lot.id, 0), lot.expires_at) for lot in lapsed)

    @property
    def lapses_at(self) -> datetime | None:
        """When the next bonus that no hold has named lapses: what the sweeper finds the card by."""
        held = self._held_by_lot()
        times = [lot.expires_at for lot in self.lots if lot.bonus and lot.left_fen > held.get(lot.id, 0)]
        return min((at for at in times if at is not None), default=None)

    @property
    def mixed(self) -> bool:
        """Whether it holds both principal and bonus, so that the spend order matters."""
        return len({lot.bonus for lot in self.lots}) == 2

    def less(self, takes: Iterable[Take]) -> "Card":
        """The card after the takes; emptied lots leave it. Raises ValueError when they take more than there is."""
        taken = {take.lot_id: take.amount_fen for take in takes}
        lots = [replace(lot, left_fen=lot.left_fen - taken.pop(lot.id, 0)) for lot in self.lots]
        if taken or any(lot.left_fen < 0 for lot in lots):
            raise ValueError(f"more is taken from {self.id} than its lots hold")
        return replace(self, lots=tuple(lot for lot in lots if lot.left_fen))

    def plus(self, takes: Iterable[Take]) -> "Card":
        """The card with value put back into the lots it came from, or with new lots."""
        lots = {lot.id: lot for lot in self.lots}
        for take in takes:
            there = lots.get(take.lot_id, Lot(take.lot_id, take.bonus, 0, take.expires_at))
            lots[take.lot_id] = replace(there, left_fen=there.left_fen + take.amount_fen)
        return replace(self, lots=tuple(lots.values()))

    def holding(self, hold: Hold) -> "Card":
        """The card with one more hold."""
        return replace(self, holds=(*self.holds, hold))

    def without_hold(self, payment_id: str) -> "Card":
        """The card with the hold of a payment released."""
        return replace(self, holds=tuple(hold for hold in self.holds if hold.payment_id != payment_id))

    def hold_of(self, payment_id: str) -> Hold | None:
        """The hold of a payment."""
        return next((hold for hold in self.holds if hold.payment_id == payment_id), None)

    def _held_by_lot(self) -> dict[str, int]:
        held: dict[str, int] = {}
        for hold in self.holds:
            for take in hold.takes:
                held[take.lot_id] = held.get(take.lot_id, 0) + take.amount_fen
        return held


@dataclass(frozen=True, slots=True)
class StatementEntry:
    """One line of a card's statement: signed change and the ledger balance after it, in fen."""

    id: str
    card_id: str
    number: int
    kind: StatementKind
    amount_fen: int
    balance_after_fen: int
    memo: str
    at: datetime
    order_id: str | None = None
    payment_id: str | None = None


def total(takes: Iterable[Take]) -> int:
    """The sum of takes, in fen."""
    return sum(take.amount_fen for take in takes)


def _spend_order(lot: Lot) -> tuple[bool, bool, float, str]:
    expiry = lot.expires_at.timestamp() if lot.expires_at else 0.0
    return (not lot.bonus, lot.expires_at is None, expiry, lot.id)
