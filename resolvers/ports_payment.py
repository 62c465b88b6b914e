"""The chat apps' payment systems, as the core sees them: Protocols, and what they are asked and answer.

`gateway/` implements them; nothing in `resolvers/` knows how.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Protocol


class ProviderState(StrEnum):
    """How far a payment is, in the provider's own view."""

    PENDING = "PENDING"
    SUCCEEDED = "SUCCEEDED"
    CLOSED = "CLOSED"
    ABSENT = "ABSENT"


@dataclass(frozen=True, slots=True)
class ProviderPayment:
    """What the provider says about one payment, whether by notification or when asked. Amount in fen."""

    out_trade_no: str
    state: ProviderState
    amount_fen: int
    payer_openid: str | None
    transaction_id: str | None
    app_id: str


class RefundState(StrEnum):
    """How far a refund is, in the provider's own view."""

    PROCESSING = "PROCESSING"
    SETTLED = "SETTLED"
    CLOSED = "CLOSED"
    ABNORMAL = "ABNORMAL"
    ABSENT = "ABSENT"


@dataclass(frozen=True, slots=True)
class ProviderRefund:
    """What the provider says about one refund. Amount in fen."""

    out_refund_no: str
    state: RefundState
    amount_fen: int


@dataclass(frozen=True, slots=True)
class PrepayRequest:
    """What the provider needs to open a payment for a person. The same request sent twice opens it once."""

    out_trade_no: str
    description: str
    amount_fen: int
    openid: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """A refund of part of a payment, all amounts in fen. The same number sent twice refunds once."""

    out_trade_no: str
    transaction_id: str | None
    out_refund_no: str
    amount_fen: int
    total_fen: int
    reason: str


class ProviderRefused(Exception):
    """The provider understood the request and will not do it; asking again changes nothing."""


class AlreadyPaid(ProviderRefused):
    """A payment that was to be closed turns out to be paid."""


@dataclass(frozen=True, slots=True)
class BillRow:
    """One line of a provider's bill: a payment, or a refund of one. Amount in fen.

    `number` is ours: the payment's, or the refund's; `payment_number` the payment's in either case. `status` is the
    provider's own word, `settled` whether it means that the money has moved.
    """

    number: str
    payment_number: str
    is_refund: bool
    amount_fen: int
    settled: bool
    status: str
    transaction_id: str


class PaymentProvider(Protocol):
    """A chat app's payment system."""

    async def prepay(self, request: PrepayRequest) -> str:
        """Open a payment; answers its prepay id. Raises ProviderRefused, OutsideFault."""
        ...

    async def query(self, out_trade_no: str) -> ProviderPayment:
        """The provider's view of a payment (state ABSENT when it knows none). Raises OutsideFault."""
        ...

    async def close(self, out_trade_no: str) -> None:
        """Close an unpaid payment; closing a closed or unknown one does nothing. Raises AlreadyPaid, OutsideFault."""
        ...

    async def refund(self, request: RefundRequest) -> ProviderRefund:
        """Ask for a refund. Raises ProviderRefused, OutsideFault."""
        ...

    async def query_refund(self, out_refund_no: str) -> ProviderRefund:
        """The provider's view of a refund. Raises OutsideFault."""
        ...

    async def bill(self, day: date) -> list[BillRow]:
        """What moved on a day of Asia/Shanghai, refunds as lines of their own; nothing if nothing did.

        Raises OutsideFault: a bill that is not to be had, or is damaged in any way, is not taken at all.
        """
        ...

    def client_parameters(self, prepay_id: str, now: datetime) -> Mapping[str, str]:
        """What the front end hands to the chat app to show the payment sheet."""
        ...
