"""Codes and redemptions."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from resolvers.cards.model import Take
from resolvers.errors import Refused
from resolvers.ordering.model import OrderStatus

CODE_LIFE = timedelta(seconds=60)
FREE_AFTER_PASSWORD = timedelta(minutes=5)  # a session may show codes of the card for so long without it
CODE_PREFIX = "88"  # our own: WeChat's payment codes begin with 10-15, Alipay's with 25-30
CODE_LENGTH = 18
FAILED_TRIES = 10  # wrong codes per member of staff and store within FAILED_WINDOW
FAILED_WINDOW = timedelta(minutes=1)


class CodeInvalid(Refused):
    """No code of this brand reads like that."""

    code = "CODE_INVALID"
    message = "没有这个码，请让顾客刷新后再扫一次"


class CodeExpired(Refused):
    """The code is older than 60 seconds, or a newer one has replaced it."""

    code = "CODE_EXPIRED"
    message = "这个码已过期，请让顾客刷新后再扫一次"


class AlreadyRedeemed(Refused):
    """The code was used before."""

    code = "ALREADY_REDEEMED"
    message = "此码已核销"


class WrongStore(Refused):
    """The coupon is for other stores."""

    code = "WRONG_STORE"
    message = "此券不适用于本店"


class NotRedeemable(Refused):
    """The card or coupon behind the code cannot be used now."""

    code = "NOT_REDEEMABLE"
    message = "此卡券现在不能使用"


class TooManyTries(Refused):
    """Too many wrong codes in a short time; `retry_at` says when the next one is looked at."""

    code = "TOO_MANY_TRIES"
    message = "错误次数过多，请稍后再试"


class UndoWindowOver(Refused):
    """It is too late to undo the redemption."""

    code = "UNDO_WINDOW_OVER"
    message = "已超过可撤销时间"


class CodeKind(StrEnum):
    """What a code stands for."""

    CARD = "CARD"
    COUPON = "COUPON"
    ORDER = "ORDER"


@dataclass(frozen=True, slots=True)
class Code:
    """A code as it is stored. `id` is the HMAC of its digits; `subject_id` the card or coupon it is bound to."""

    id: str
    kind: CodeKind
    subject_id: str
    customer_id: str
    brand_id: str
    max_fen: int | None
    expires_at: datetime
    used_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Grant:
    """That a session may show codes of a card without the pay password. `id` is made of both.

    Good for the password of this generation: once it was changed, the new one is asked for.
    """

    id: str
    generation: int
    until: datetime

    def good(self, generation: int, now: datetime) -> bool:
        """Whether it still holds while the password is of this generation."""
        return self.generation == generation and now < self.until


@dataclass(frozen=True, slots=True)
class Redemption:
    """What was redeemed at a till. Amount in fen, None for a pass, a coupon or an order.

    `uses` were taken of a pass or a coupon.
    """

    id: str
    kind: CodeKind
    what: str
    subject_id: str
    customer_id: str
    brand_id: str
    store_id: str
    staff_id: str
    amount_fen: int | None
    at: datetime
    undo_before: datetime
    takes: tuple[Take, ...] = ()  # of a card
    uses: int = 1
    order_was: OrderStatus | None = None  # of an order, before it was handed over
    undone_at: datetime | None = None
    undone_by: str | None = None


def grant_id(session_id: str, card_id: str) -> str:
    """The id of the grant of a session and a card."""
    return f"{session_id}:{card_id}"


def new_digits() -> str:
    """18 digits with our prefix; 10^16 of them, of which one is good for a minute."""
    return CODE_PREFIX + f"{secrets.randbelow(10 ** (CODE_LENGTH - len(CODE_PREFIX))):016d}"
