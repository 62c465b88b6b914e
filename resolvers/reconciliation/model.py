"""What a bill and our books can disagree about, and when they do. Days are Asia/Shanghai's."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from resolvers.money import display
from resolvers.payments.model import PAID, Payment, PaymentMethod, Refund, RefundStatus
from resolvers.ports_payment import BillRow

CHINA = ZoneInfo("Asia/Shanghai")
# A refund may wait long for its end; what is older than this was looked at by people long ago.
LOOK_BACK_DAYS = 31


class DifferenceKind(StrEnum):
    """How the bill and our books differ."""

    MISSING_HERE = "MISSING_HERE"  # in the bill, not in our books
    MISSING_THERE = "MISSING_THERE"  # settled in our books on that day, in no bill
    AMOUNT = "AMOUNT"
    STATUS = "STATUS"  # the money has moved for one of the two only


@dataclass(frozen=True, slots=True)
class Own:
    """A payment or refund of ours, as far as a bill can speak of it. Amount in fen.

    `moved` is whether our books say that the money has moved, `moved_at` when they learnt of it: never before it did.
    """

    number: str
    is_refund: bool
    amount_fen: int
    moved: bool
    asked_at: datetime
    moved_at: datetime | None
    status: str
    brand_id: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One disagreement about one number, on the bill of one day. Amounts in fen; None: there is no such row."""

    id: str
    provider: PaymentMethod
    day: str
    number: str
    kind: DifferenceKind
    is_refund: bool
    here_fen: int | None
    there_fen: int | None
    here_status: str | None
    there_status: str | None
    brand_id: str | None

    @property
    def summary(self) -> str:
        """One line for staff."""
        where = f"{_PROVIDERS[self.provider]} {self.day} 账单：{'退款' if self.is_refund else '支付'} {self.number} "
        match self.kind:
            case DifferenceKind.MISSING_HERE:
                return f"{where}金额 {_shown(self.there_fen)}，平台有而我方没有"
            case DifferenceKind.MISSING_THERE:
                return f"{where}金额 {_shown(self.here_fen)}，我方有而平台没有"
            case DifferenceKind.AMOUNT:
                return f"{where}金额不符：我方 {_shown(self.here_fen)}，平台 {_shown(self.there_fen)}"
            case DifferenceKind.STATUS:
                return f"{where}状态不符：我方 {self.here_status}，平台 {self.there_status}"


_PROVIDERS = {PaymentMethod.WECHAT_PAY: "微信支付", PaymentMethod.QQ_WALLET: "QQ 钱包"}


def _shown(fen: int | None) -> str:
    return "无" if fen is None else display(fen)


def own_payment(payment: Payment) -> Own:
    """A payment as a bill would have it."""
    moved = payment.status in PAID
    when = (payment.created_at, payment.paid_at)
    return Own(payment.id, False, payment.amount_fen, moved, *when, payment.status.value, payment.brand_id)


def own_refund(refund: Refund) -> Own:
    """A refund as a bill would have it."""
    moved = refund.status is RefundStatus.SETTLED
    when = (refund.created_at, refund.settled_at)
    return Own(refund.id, True, refund.amount_fen, moved, *when, refund.status.value, refund.brand_id)


def bounds(day: date) -> tuple[datetime, datetime]:
    """The first moment of a day and the first after it, UTC."""
    start = datetime.combine(day, time(), CHINA)
    return start.astimezone(UTC), (start + timedelta(days=1)).astimezone(UTC)


def china_day(at: datetime) -> date:
    """The day on which a moment falls."""
    return at.astimezone(CHINA).date()


def compare(
    provider: PaymentMethod, day: date, bill: Sequence[BillRow], known: Mapping[str, Own], nowhere: Iterable[Own]
) -> list[Difference]:
    """Where a day's bill and our books differ.

    `known` is whatever our books have, of any day, under the numbers in the bill; `nowhere` is what they say moved
    that day and stands neither in this bill nor in a neighbouring day's.
    """
    _, end = bounds(day)
    found: list[Difference] = []
    for row in bill:
        own = known.get(row.number)
        if own is None:
            found.append(_difference(provider, day, DifferenceKind.MISSING_HERE, None, row))
            continue
        if own.amount_fen != row.amount_fen:
            found.append(_difference(provider, day, DifferenceKind.AMOUNT, own, row))
        if _disagree(own, row, end):
            found.append(_difference(provider, day, DifferenceKind.STATUS, own, row))
    found += [_difference(provider, day, DifferenceKind.MISSING_THERE, own, None) for own in nowhere]
    return found


def _disagree(own: Own, row: BillRow, end: datetime) -> bool:
    """Whether only one says that the money moved. What moved after the day's end had not when the bill was made."""
    if row.settled:
        return not own.moved
    return own.moved and (own.moved_at is None or own.moved_at < end)


def neighbours(day: date, today: date, missing: Collection[Own]) -> list[date]:
    """The other days in whose bills these may stand, nearest first.

    Our books learn of a payment after the provider, so one just before midnight is a day later here; and were the
    clocks a little apart, it could be the other way round. A refund may stand in the bill of the day it was asked for.
    """
    if not missing:
        return []
    first = min([day - timedelta(days=1), *(china_day(own.asked_at) for own in missing)])
    first = max(first, day - timedelta(days=LOOK_BACK_DAYS))
    before = [day - timedelta(days=back) for back in range(1, (day - first).days + 1)]
    after = day + timedelta(days=1)
    return [*before, after] if after < today else before


def _difference(
    provider: PaymentMethod, day: date, kind: DifferenceKind, own: Own | None, row: BillRow | None
) -> Difference:
    number = own.number if own else row.number if row else ""
    return Difference(
        id=f"{provider.value}:{day.isoformat()}:{number}:{kind.value}",
        provider=provider,
        day=day.isoformat(),
        number=number,
        kind=kind,
        is_refund=own.is_refund if own else bool(row and row.is_refund),
        here_fen=own.amount_fen if own else None,
        there_fen=row.amount_fen if row else None,
        here_status=own.status if own else None,
        there_status=row.status if row else None,
        brand_id=own.brand_id if own else None,
    )
