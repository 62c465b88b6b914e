"""What a pay password may be, how long its locks and waits last, and the proof that a call may spend from cards."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from resolvers.errors import Refused

LENGTH = 6  # digits
TRIES = 5  # wrong ones, after each of which a longer lock follows
# A change whose answer got lost is sent again soon: until then the new password is looked at, too.
SENT_AGAIN_WITHIN = timedelta(minutes=10)


class PayPasswordInvalid(Refused):
    """The new pay password is not six digits, or it is one of the first that a thief would try."""

    code = "PAY_PASSWORD_INVALID"
    message = "支付密码须为 6 位数字，且不能是重复、连续的数字或手机号后六位"


class PayPasswordRequired(Refused):
    """The pay password is needed and was not given."""

    code = "PAY_PASSWORD_REQUIRED"
    message = "请输入支付密码"


class PayPasswordWrong(Refused):
    """The pay password is not that one, or it was changed after it had been checked."""

    code = "PAY_PASSWORD_WRONG"
    message = "支付密码错误"


class PayPasswordLocked(Refused):
    """Too many wrong ones, or it was reset a short while ago; `retry_at` says until when."""

    code = "PAY_PASSWORD_LOCKED"
    message = "支付密码输错次数过多，请稍后再试"


class PhoneMismatch(Refused):
    """The confirmed phone number is not the one of this account."""

    code = "PHONE_MISMATCH"
    message = "手机号与账号绑定的不一致"


@dataclass(frozen=True, slots=True)
class PayPassword:
    """A customer's pay password; `id` is the customer's. The generation rises with every change.

    `reset_code` is the HMAC of the phone code that made the last reset.
    """

    id: str
    hash: str = field(repr=False)
    generation: int
    changed_at: datetime
    wrong_tries: int = 0
    locked_until: datetime | None = None
    reset_at: datetime | None = None
    reset_code: str | None = field(default=None, repr=False)

    def waits_until(self, hours: int) -> datetime | None:
        """When cards may be spent from again after a reset that must be waited out for so many hours."""
        return self.reset_at + timedelta(hours=hours) if self.reset_at is not None else None

    def changed_lately(self, now: datetime) -> bool:
        """Whether a copy of the call that made it may still be on its way."""
        return now - self.changed_at <= SENT_AGAIN_WITHIN


@dataclass(frozen=True, slots=True)
class Proof:
    """That a call may spend from a customer's cards.

    By the password of this generation (0: the customer had none); or without one, but then at most `limit_fen`.
    """

    customer_id: str
    generation: int
    limit_fen: int | None = None


def is_six_digits(text: str) -> bool:
    """Whether a text has the shape of a pay password: six ASCII digits."""
    return len(text) == LENGTH and text.isascii() and text.isdigit()


def is_trivial(digits: str, phone: str | None) -> bool:
    """Whether six digits are among the first that a thief would try.

    A block of one, two or three digits repeated, a run up or down, or the last six digits of the phone number.
    """
    repeated = any(digits == digits[:size] * (LENGTH // size) for size in (1, 2, 3))
    steps = {int(after) - int(before) for before, after in pairwise(digits)}
    return repeated or steps in ({1}, {-1}) or (phone is not None and phone[-LENGTH:] == digits)


def tries_left(wrong_tries: int, schedule_ends: int) -> int:
    """How many tries are left before the next lock; none once every further one locks."""
    return -wrong_tries % TRIES if wrong_tries < schedule_ends else 0
