"""Journal entries and account names. A positive line credits an account, a negative one debits it; they sum to zero.

Customer-side accounts (`card:…`, `gift:…`) are what the brand owes, so they carry a balance and never go below zero.
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


class BrandAccount(StrEnum):
    """A brand's side of the books."""

    PSP_RECEIVABLE = "psp_receivable"  # money at the payment provider, debit side
    CASH = "cash"
    SALES = "sales"
    BONUS_GRANTED = "bonus_granted"
    REFUNDS_DUE = "refunds_due"  # money that came too late and goes back


@dataclass(frozen=True, slots=True)
class Line:
    """One side of a movement, in fen."""

    account: str
    amount_fen: int


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


def brand_account(brand_id: str, name: BrandAccount) -> str:
    """An account of a brand."""
    return f"brand:{brand_id}:{name.value}"


def is_customer_side(account: str) -> bool:
    """Whether an account carries a balance that must stay at or above zero."""
    return not account.startswith("brand:")


def merged(lines: Iterable[Line]) -> tuple[Line, ...]:
    """The lines with one per account and none of zero, in the order the accounts first appear."""
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.account] = sums.get(line.account, 0) + line.amount_fen
    return tuple(Line(account, amount) for account, amount in sums.items() if amount)
