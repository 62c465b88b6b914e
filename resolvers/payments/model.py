"""Payments and refunds: state machines and what they are for."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from resolvers.cards.model import Take
from resolvers.ports import Platform, ProviderPayment

POLL_AFTER = timedelta(seconds=20)  # the notification normally comes within a second or two


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
    tier_id: str | None = None
    bonus_fen: int = 0  # what was promised on top when the payment was opened
    bonus_days: int | None = None
    design_id: str | None = None
    face_value_fen: int | None = None
    quantity: int | None = None
    card_ids: tuple[str, ...] = ()
    refunded_fen: int = 0
    refunding_fen: int = 0
    poll_at: datetime | None = None
    polls: int = 0
    revision: int = 1

    @property
    def outside(self) -> bool:
        """Whether a provider stands behind it."""
        return self.method in OUTSIDE

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
    """A refund of part of an outside payment. `id` is also the provider's out_refund_no, the same at every retry."""

    id: str
    payment_id: str
    brand_id: str
    amount_fen: int
    reason: str
    status: RefundStatus
    created_at: datetime
    late: bool = False  # the money came when nothing was left to pay for
    settled_at: datetime | None = None
    poll_at: datetime | None = None


def poll_wait(polls: int) -> timedelta:
    """How long to wait before the provider is asked again: 20 s, growing to 5 min."""
    doublings: int = 2 ** min(polls, 4)
    return min(POLL_AFTER * doublings, timedelta(minutes=5))
