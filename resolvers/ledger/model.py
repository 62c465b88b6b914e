"""Journal entries and account names. A positive line credits an account, a negative one debits it; they sum to zero.

Customer-side accounts (`card:…`, `gift:…`, `points:…`) are what the brand owes, so they carry a balance and never go
below zero. Points, and the uses of passes, are currencies of their own: an entry sums to zero in each currency.
Brand accounts (`brand:…`) carry none: they are summed from the journal, so that no document is hot.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class EntryKind(StrEnum):
    """Why value moved."""

    TOP_UP = "TOP_UP"
    GIFT_CARD_SALE = "GIFT_CARD_SALE"
    PURCHASE = "PURCHASE"
    REFUND = "REFUND"
    GIVE = "GIVE"
    CLAIM = "CLAIM"
    GIFT_RETURN = "GIFT_RETURN"
    LATE_PAYMENT = "LATE_PAYMENT"
    LAPSE = "LAPSE"
    TOP_UP_REFUND = "TOP_UP_REFUND"
    REVERSAL = "REVERSAL"
    POINTS = "POINTS"
    COUPON_SALE = "COUPON_SALE"
    COUPON_REFUND = "COUPON_REFUND"
    JOIN = "JOIN"


class Currency(StrEnum):
    """What a line counts: fen, points, or uses of passes."""

    CNY = "CNY"
    POINTS = "POINTS"
    USES = "USES"


class BrandAccount(StrEnum):
    """A brand's side of the books."""

    PSP_RECEIVABLE = "psp_receivable"  # money at the payment provider, debit side
    CASH = "cash"
    SALES = "sales"
    BONUS_GRANTED = "bonus_granted"
    REFUNDS_DUE = "refunds_due"  # money that is on its way back: it came too late, or its top-up was refunded
    BREAKAGE = "breakage"  # bonus that lapsed unused
    POINTS_GRANTED = "points_granted"
    POINTS_SPENT = "points_spent"
    VOUCHERS_SOLD = "vouchers_sold"  # paid for coupons and passes; of passes, less what their uses have delivered
    PASS_DISCOUNT = "pass_discount"  # by how much dishes had with a pass are dearer than its uses were
    USES_SOLD = "uses_sold"
    USES_TAKEN = "uses_taken"


@dataclass(frozen=True, slots=True)
class Line:
    """One side of a movement, in fen (or in points or uses, where the currency says so)."""

    account: str
    amount_fen: int
    currency: Currency = Currency.CNY


@dataclass(frozen=True, slots=True)
class Entry:
    """A journal entry. `id` is the business key: the same movement can be posted once and never again."""

    id: str
    kind: EntryKind
    brand_id: str
    at: datetime
    actor_id: str
    lines: tuple[Line, ...]
    memo: str = ""


def card_account(card_id: str, *, bonus: bool) -> str:
    """The account of a card's paid principal or granted bonus."""
    return f"card:{card_id}:{'bonus' if bonus else 'principal'}"


def gift_account(gift_id: str, *, bonus: bool) -> str:
    """The account in which a gift's value waits."""
    return f"gift:{gift_id}:{'bonus' if bonus else 'principal'}"


def uses_account(card_id: str) -> str:
    """The account of a pass's uses."""
    return f"card:{card_id}:uses"


def gift_uses_account(gift_id: str) -> str:
    """The account in which the uses of a pass that is being given wait."""
    return f"gift:{gift_id}:uses"


def points_account(membership_id: str) -> str:
    """The account of a member's points."""
    return f"points:{membership_id}"


def brand_account(brand_id: str, name: BrandAccount) -> str:
    """An account of a brand."""
    return f"brand:{brand_id}:{name.value}"


def is_customer_side(account: str) -> bool:
    """Whether an account carries a balance that must stay at or above zero."""
    return not account.startswith("brand:")


def merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """The lines with one per account and none of zero, in the order the accounts first appear."""
    sums: dict[tuple[str, Currency], int] = {}
    for line in lines:
        key = (line.account, line.currency)
        sums[key] = sums.get(key, 0) + line.amount_fen
    return tuple(Line(account, amount, currency) for (account, currency), amount in sums.items() if amount)


def off_balance(lines: Iterable[Line]) -> dict[Currency, int]:
    """The currencies in which lines do not sum to zero, and by how much."""
    sums: dict[Currency, int] = {}
    for line in lines:
        sums[line.currency] = sums.get(line.currency, 0) + line.amount_fen
    return {currency: amount for currency, amount in sums.items() if amount}
