"""Orders: their state machine, lines and tenders."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from resolvers.payments.model import PaymentMethod

MAXIMUM_LINES = 100
MAXIMUM_QUANTITY = 999  # of one line; a banquet of 99 tables fits
MAXIMUM_NOTE = 200  # characters
MAXIMUM_ORDER_FEN = 100_000_000  # a million yuan: beyond that somebody mistyped
MAXIMUM_PARTY = 200


class OrderType(StrEnum):
    """Where the food is eaten."""

    DINE_IN = "DINE_IN"
    PICK_UP = "PICK_UP"


class OrderStatus(StrEnum):
    """AWAITING_PAYMENT → PAID → ACCEPTED → READY → COMPLETED, or CANCELLED, or REFUNDED."""

    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    PAID = "PAID"
    ACCEPTED = "ACCEPTED"
    READY = "READY"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"
    REFUNDED = "REFUNDED"


OPEN = (OrderStatus.PAID, OrderStatus.ACCEPTED, OrderStatus.READY)
COOKED = (OrderStatus.READY, OrderStatus.COMPLETED)
REFUNDABLE = (*OPEN, OrderStatus.COMPLETED)


class OrderStep(StrEnum):
    """What the shop does with an order."""

    ACCEPT = "ACCEPT"
    READY = "READY"
    COMPLETE = "COMPLETE"
    CANCEL = "CANCEL"


# step -> (states it may leave, state it leads to)
STEPS: dict[OrderStep, tuple[tuple[OrderStatus, ...], OrderStatus]] = {
    OrderStep.ACCEPT: ((OrderStatus.PAID,), OrderStatus.ACCEPTED),
    OrderStep.READY: ((OrderStatus.ACCEPTED,), OrderStatus.READY),
    OrderStep.COMPLETE: ((OrderStatus.READY, OrderStatus.ACCEPTED), OrderStatus.COMPLETED),
    OrderStep.CANCEL: ((OrderStatus.AWAITING_PAYMENT, *OPEN), OrderStatus.CANCELLED),
}


@dataclass(frozen=True, slots=True)
class LineRequest:
    """A line as the diner asks for it."""

    dish_id: str
    quantity: int
    option_ids: tuple[str, ...] = ()
    note: str | None = None


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line as it was sold: names and prices of that moment. `discount_fen` is its share of the coupons."""

    id: str
    dish_id: str
    name: str
    quantity: int
    option_ids: tuple[str, ...]
    options: tuple[str, ...]
    note: str | None
    list_fen: int
    unit_price_fen: int
    discount_fen: int
    total_fen: int
    refunded_quantity: int = 0


@dataclass(frozen=True, slots=True)
class UsedCoupon:
    """A coupon that an order uses, and what it takes off, in fen. `uses` counts for BUY_GET."""

    coupon_id: str
    discount_fen: int
    uses: int = 1


@dataclass(frozen=True, slots=True)
class Taken:
    """Pieces of a stock counter that the order has taken."""

    counter_id: str
    count: int


@dataclass(frozen=True, slots=True)
class Moment:
    """When an order came into a state."""

    status: OrderStatus
    at: datetime


@dataclass(frozen=True, slots=True)
class RefundedTender:
    """What a refund sent back to one source, in fen: settled at once, or asked of the provider; uses of a pass.

    `card_id` is the card it went to, which is another one than was paid with when that was given away whole.
    """

    payment_id: str
    method: PaymentMethod
    card_id: str | None
    amount_fen: int
    settled: bool
    uses: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """The part of an order that one person at the table owes, in fen: paid whole or not at all, by whom ever.

    `waiting_payment_ids` are the tenders of the payment that is under way for it, perhaps together with other shares;
    `payment_ids` those it was paid with. `lines` are the places of the order's lines that it is for: refunds of these
    go to who has paid it. None where all owe the same.
    """

    id: str
    payer_id: str
    amount_fen: int
    paid_fen: int = 0
    waiting_payment_ids: tuple[str, ...] = ()
    awaits_provider: bool = False
    lines: tuple[int, ...] = ()
    payment_ids: tuple[str, ...] = ()

    @property
    def left_fen(self) -> int:
        """What is left to pay of it."""
        return self.amount_fen - self.paid_fen


@dataclass(frozen=True, slots=True)
class Earner:
    """What one payer of a shared order has earned with it by now; `rate` in hundredths of a point a yuan."""

    customer_id: str
    points: int
    growth: int
    rate: int


@dataclass(frozen=True, slots=True)
class OrderRefund:
    """One refund of an order, or of some of its lines. Amount in fen."""

    id: str
    order_id: str
    amount_fen: int
    tenders: tuple[RefundedTender, ...]
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Order:
    """An order. paid = the sum of its succeeded payments; refunded and refunding are parts of it. In fen.

    `waiting_payment_ids` are the tenders of the payment that is under way; `awaits_provider` says whether one of them
    is open at a provider. An order with `shares` has both for each share, and here for all of them together.
    `participants` are the people at its table beside the customer who placed it.
    """

    id: str
    customer_id: str
    brand_id: str
    store_id: str
    number: str
    status: OrderStatus
    type: OrderType
    lines: tuple[OrderLine, ...]
    subtotal_fen: int
    member_discount_fen: int
    coupon_discount_fen: int
    payable_fen: int
    used_coupons: tuple[UsedCoupon, ...]
    taken: tuple[Taken, ...]
    verification_code: str
    placed_at: datetime
    pay_before: datetime
    changed_at: datetime
    timeline: tuple[Moment, ...]
    paid_fen: int = 0
    cash_fen: int = 0  # what of it was taken in cash
    refunded_fen: int = 0
    refunding_fen: int = 0
    points_earned: int = 0  # what it has earned by now, less what was taken back
    growth_earned: int = 0  # likewise
    points_rate: int | None = None  # hundredths of a point a yuan, as it was completed; None: it has earned none
    waiting_payment_ids: tuple[str, ...] = ()
    awaits_provider: bool = False
    party_size: int | None = None
    table_code: str | None = None
    pick_up_at: datetime | None = None
    note: str | None = None
    cart_id: str | None = None  # of the table's cart that it was placed from
    participants: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()
    earners: tuple[Earner, ...] = ()  # of an order with shares, in place of points_earned, growth_earned, points_rate
    revision: int = 1

    def status_at(self, now: datetime) -> OrderStatus:
        """The status as it is now: an order unpaid at payBefore is cancelled, whether or not a sweeper has run."""
        if self.lapsed(now):
            return OrderStatus.CANCELLED
        return self.status

    @property
    def left_fen(self) -> int:
        """What is left to pay."""
        return self.payable_fen - self.paid_fen

    @property
    def people(self) -> tuple[str, ...]:
        """Who may see it and is told of every change: who placed it, and the others at the table."""
        return (self.customer_id, *self.participants)

    def lines_refunded(self) -> tuple[OrderLine, ...]:
        """The lines, all of each refunded."""
        return tuple(replace(line, refunded_quantity=line.quantity) for line in self.lines)

    def lapsed(self, now: datetime) -> bool:
        """Whether the time to pay has run out.

        Not while a payment is open at the provider: that ends at the same moment there, and once it is closed here it
        is certain that nobody has paid a moment before. Nor once cash was taken for a part of it: that has to be
        handed back by somebody. What else was paid, of shares, goes back by itself.
        """
        waiting = self.status is OrderStatus.AWAITING_PAYMENT and not self.awaits_provider and not self.cash_fen
        return waiting and self.pay_before <= now
