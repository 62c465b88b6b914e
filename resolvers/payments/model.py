"""Payments and refunds: state machines and what they are for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from resolvers.cards.model import Take
from resolvers.errors import LimitReached
from resolvers.ports import Platform
from resolvers.ports_payment import ProviderPayment

MAXIMUM_REFUNDS = 50  # of one payment, at both providers
POLL_AFTER = timedelta(seconds=20)  # the notification normally comes within a second or two


class TooManyRefunds(LimitReached):
    """The provider takes no more partial refunds of this payment."""

    message = "该笔支付的线上退款次数已达上限，请线下退款"


class PaymentStatus(StrEnum):
    """PENDING → SUCCEEDED → PARTIALLY_REFUNDED → REFUNDED, or CLOSED, FAILED."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    CLOSED = "CLOSED"
    FAILED = "FAILED"
    PARTIALLY_REFUNDED = "PARTIALLY_REFUNDED"
    REFUNDED = "REFUNDED"


PAID = (PaymentStatus.SUCCEEDED, PaymentStatus.PARTIALLY_REFUNDED, PaymentStatus.REFUNDED)


class PaymentMethod(StrEnum):
    """What is paid with."""

    STORED_VALUE = "STORED_VALUE"
    GIFT_CARD = "GIFT_CARD"
    PASS = "PASS"
    WECHAT_PAY = "WECHAT_PAY"
    QQ_WALLET = "QQ_WALLET"
    CASH = "CASH"


OUTSIDE = {PaymentMethod.WECHAT_PAY: Platform.WECHAT, PaymentMethod.QQ_WALLET: Platform.QQ}
METHOD_OF = {platform: method for method, platform in OUTSIDE.items()}


class Purpose(StrEnum):
    """What a payment is for; its capture differs by this."""

    TOP_UP = "TOP_UP"
    GIFT_CARDS = "GIFT_CARDS"
    ORDER = "ORDER"
    COUPONS = "COUPONS"


@dataclass(frozen=True, slots=True)
class Covered:
    """Units of an order's line, by its index, that uses of a pass pay for: so many from the first one on."""

    line: int
    first: int
    count: int


@dataclass(frozen=True, slots=True)
class Reserved:
    """Pieces of a counter that a purchase has taken, and gives back when it comes to nothing."""

    counter_id: str
    count: int


@dataclass(frozen=True, slots=True)
class Payment:
    """One tender. `id` is also the provider's out_trade_no. Amounts in fen."""

    id: str
    customer_id: str
    brand_id: str
    method: PaymentMethod
    purpose: Purpose
    status: PaymentStatus
    amount_fen: int
    description: str
    created_at: datetime
    expires_at: datetime | None = None
    app_id: str | None = None
    payer_openid: str | None = None
    prepay_id: str | None = None
    transaction_id: str | None = None
    order_id: str | None = None
    card_id: str | None = None
    takes: tuple[Take, ...] = ()
    given_back: tuple[int, ...] = ()  # of each take, what refunds have put back; empty: nothing yet
    tier_id: str | None = None
    bonus_fen: int = 0  # what was promised on top when the payment was opened
    bonus_days: int | None = None
    bonus_points: int = 0
    template_ids: tuple[str, ...] = ()
    lots: tuple[Take, ...] = ()  # what a captured top-up has put onto its card
    lapsed_fen: int = 0  # of those lots, what lapsed unspent
    coupon_ids: tuple[str, ...] = ()  # issued with it
    store_id: str | None = None  # where cash was taken
    design_id: str | None = None
    face_value_fen: int | None = None
    quantity: int | None = None
    template_id: str | None = None  # of the coupons or passes it buys
    uses_each: int | None = None  # that were promised of each, when it was opened
    pieces: tuple[Reserved, ...] = ()
    counted_on: str | None = None  # the day on which they count for the customer, too
    covers: tuple[Covered, ...] = ()  # of a pass: what its uses pay for
    worth_fen: int = 0  # and what was paid for those uses
    paid_at: datetime | None = None
    card_ids: tuple[str, ...] = ()
    refunded_fen: int = 0
    refunding_fen: int = 0
    refunds: int = 0  # asked of the provider, which allows MAXIMUM_REFUNDS
    undone_fen: int = 0  # what went back when it was undone, and what of it had been spent by then
    undone_spent_fen: int = 0
    undone_returned_fen: int = 0  # of what had been spent, what came back since
    undone_at: datetime | None = None  # a top-up or purchase that was refunded; whatever is not refunded stays so
    poll_at: datetime | None = None
    polls: int = 0
    revision: int = 1

    @property
    def uses(self) -> int:
        """The uses of a pass that it takes."""
        return sum(each.count for each in self.covers)

    @property
    def outside(self) -> bool:
        """Whether a provider stands behind it."""
        return self.method in OUTSIDE

    @property
    def left_fen(self) -> int:
        """What of it can still be refunded."""
        return self.amount_fen - self.refunded_fen - self.refunding_fen if self.status in PAID else 0

    @property
    def shown(self) -> bool:
        """Whether clients may know of it yet: an outside payment only once the provider has opened it."""
        return not self.outside or self.prepay_id is not None

    def matches(self, notice: ProviderPayment) -> bool:
        """Whether the provider speaks of this payment: same app, same amount, same payer (QQ Wallet may name none)."""
        return (
            notice.app_id == self.app_id
            and notice.amount_fen == self.amount_fen
            and (notice.payer_openid == self.payer_openid or (notice.payer_openid is None and self._payer_unnamed))
        )

    @property
    def _payer_unnamed(self) -> bool:
        return self.method is PaymentMethod.QQ_WALLET


class RefundStatus(StrEnum):
    """REQUESTED → PROCESSING → SETTLED, or ABNORMAL."""

    REQUESTED = "REQUESTED"
    PROCESSING = "PROCESSING"
    SETTLED = "SETTLED"
    ABNORMAL = "ABNORMAL"


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund of part of an outside payment. `id` is also the provider's out_refund_no, the same at every retry.

    `due`: the books have called the money due back since the refund was asked for (nothing was sold for it); else it
    is taken out of the sales when it is settled.
    """

    id: str
    payment_id: str
    brand_id: str
    amount_fen: int
    reason: str
    status: RefundStatus
    created_at: datetime
    due: bool = False
    settled_at: datetime | None = None
    poll_at: datetime | None = None


def poll_wait(polls: int) -> timedelta:
    """How long to wait before the provider is asked again: 20 s, growing to 5 min."""
    doublings: int = 2 ** min(polls, 4)
    return min(POLL_AFTER * doublings, timedelta(minutes=5))
