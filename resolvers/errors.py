"""What a verb may answer instead of doing its work: refusals (data for the client) and request errors (top-level)."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar


class Refused(Exception):
    """An expected refusal: nothing was changed, and the client is told why.

    `code` is the member of the domain's error enum; `message` is zh-CN and fit to show in a toast.
    """

    code: ClassVar[str]
    message: ClassVar[str]

    def __init__(
        self,
        message: str | None = None,
        *,
        field: Sequence[str] = (),
        retry_at: datetime | None = None,
        details: Any = None,
    ) -> None:
        self.text = message or self.message
        self.field = tuple(field)
        self.retry_at = retry_at
        self.details = details
        super().__init__(self.text)


class NotFound(Refused):
    """The thing is absent, or not yours: the two look the same."""

    code = "NOT_FOUND"
    message = "没有找到"


class IdempotencyKeyReused(Refused):
    """The key was used before with other input."""

    code = "IDEMPOTENCY_KEY_REUSED"
    message = "请求编号重复，请刷新后重试"


class PaymentUnavailable(Refused):
    """The payment provider could not be reached or would not open a payment."""

    code = "PAYMENT_UNAVAILABLE"
    message = "支付暂时不可用，请稍后再试"


class PlatformUnavailable(Refused):
    """The chat platform did not answer in time or answered with a fault."""

    code = "PLATFORM_UNAVAILABLE"
    message = "平台暂时没有响应，请稍后再试"


class InsufficientBalance(Refused):
    """The card has less than is asked for."""

    code = "INSUFFICIENT_BALANCE"
    message = "余额不足"


class BalanceLimit(Refused):
    """The card would hold more than the brand, or the law on prepaid cards, allows."""

    code = "BALANCE_LIMIT"
    message = "超过卡内余额上限"


class AmountInvalid(Refused):
    """The amount is not one that may be asked for here."""

    code = "AMOUNT_INVALID"
    message = "金额不正确"


class LimitReached(Refused):
    """A limit per person, day or shift is used up."""

    code = "LIMIT_REACHED"
    message = "已达到上限"


class RequestError(Exception):
    """The request as such cannot be served; becomes a top-level GraphQL error with `extensions.code`."""

    code: ClassVar[str]

    def __init__(self, message: str, *, retry_at: datetime | None = None) -> None:
        self.text = message
        self.retry_at = retry_at
        super().__init__(message)


class NotSignedIn(RequestError):
    """No valid access token came with a request that needs one."""

    code = "UNAUTHENTICATED"

    def __init__(self, message: str = "Sign in first.") -> None:
        super().__init__(message)


class Forbidden(RequestError):
    """Signed in, but not for this."""

    code = "FORBIDDEN"


class BadInput(RequestError):
    """The input breaks a bound that the schema states (length, count, range, cursor)."""

    code = "BAD_USER_INPUT"


class RateLimited(RequestError):
    """Too many requests of one kind; `retry_at` says when the next one is served."""

    code = "RATE_LIMITED"


class TryAgain(RequestError):
    """The transaction lost against others too often; nothing was changed, the same request may be sent again."""

    code = "TRY_AGAIN"

    def __init__(self, message: str = "Busy, please send the same request again.") -> None:
        super().__init__(message)
