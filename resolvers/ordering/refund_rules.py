"""Which part of an order goes back, and from which of its tenders. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from resolvers.cards.model import Take
from resolvers.errors import AmountInvalid, NotFound
from resolvers.money import share_of_units, split
from resolvers.ordering.model import MAXIMUM_LINES, Order, OrderLine
from resolvers.ordering.tenders import covered_fen
from resolvers.payments.model import PAID, Covered, Payment

_WHERE = ("input", "lines")


@dataclass(frozen=True, slots=True)
class LineRefund:
    """So many units of a line."""

    line_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Back:
    """What goes back of an order, in fen, and its lines afterwards."""

    amount_fen: int
    lines: tuple[OrderLine, ...]

    @property
    def whole(self) -> bool:
        """Whether nothing of the order is left."""
        return all(line.refunded_quantity == line.quantity for line in self.lines)


def what_goes_back(order: Order, wanted: Sequence[LineRefund] | None) -> Back:
    """The net share of the wanted units, after discounts; None: of all that is left.

    A line's share is cut by cumulative floor, so that unit by unit adds up to the line to the fen. Raises NotFound for
    a line that is not the order's, AmountInvalid for none, the same one twice, or more units than are left.
    """
    if wanted is None:
        units = Counter({line.id: line.quantity - line.refunded_quantity for line in order.lines})
    else:
        units = Counter({each.line_id: each.quantity for each in wanted})
        if not 1 <= len(wanted) <= MAXIMUM_LINES or len(units) != len(wanted):
            raise AmountInvalid("请选择要退的菜品，每行只能选一次", field=_WHERE)
    if units.keys() - {line.id for line in order.lines}:
        raise NotFound("订单中没有这一行", field=_WHERE)
    amount_fen, lines = 0, []
    for line in order.lines:
        count, left = units[line.id], line.quantity - line.refunded_quantity
        if not 0 <= count <= left or (wanted is not None and line.id in units and count == 0):
            raise AmountInvalid(f"「{line.name}」最多可退 {left} 份", field=_WHERE)
        amount_fen += share_of_units(line.total_fen, line.quantity, line.refunded_quantity, count)
        lines.append(replace(line, refunded_quantity=line.refunded_quantity + count))
    return Back(amount_fen, tuple(lines))


def spread(amount_fen: int, payments: Sequence[Payment]) -> list[tuple[Payment, int]]:
    """Each tender's share of a refund, in proportion to what is left of it; tenders without a share are left out."""
    shares = split(amount_fen, [payment.left_fen for payment in payments])
    return [(payment, share) for payment, share in zip(payments, shares, strict=True) if share]


def by_share(order: Order, back: Back, payments: Sequence[Payment]) -> list[tuple[Payment, int]]:
    """The same where each at a table has paid for own lines: a line goes back to who has paid the share it is in.

    What those have no more (it went back before, under another head) comes from all.
    """
    left = {payment.id: payment.left_fen for payment in payments}
    shares = dict.fromkeys(left, 0)

    def take(amount_fen: int, ids: Sequence[str]) -> int:
        amount = min(amount_fen, sum(left[each] for each in ids))
        for each, fen in zip(ids, split(amount, [left[each] for each in ids]), strict=True):
            left[each] -= fen
            shares[each] += fen
        return amount

    rest = back.amount_fen
    for share in order.shares:
        own_fen = sum(_back_of(order.lines[place], back.lines[place]) for place in share.lines)
        rest -= take(own_fen, [each for each in share.payment_ids if each in left])
    take(rest, [*left])
    return [(payment, shares[payment.id]) for payment in payments if shares[payment.id]]


def _back_of(before: OrderLine, after: OrderLine) -> int:
    count = after.refunded_quantity - before.refunded_quantity
    return share_of_units(before.total_fen, before.quantity, before.refunded_quantity, count)


def takes_back(payment: Payment, amount_fen: int) -> tuple[tuple[Take, ...], tuple[int, ...]]:
    """Which of a card payment's lots get what of a refund, and what each has got back in all afterwards, in fen."""
    before = payment.given_back or (0,) * len(payment.takes)
    left = [take.amount_fen - back for take, back in zip(payment.takes, before, strict=True)]
    shares = split(amount_fen, left)
    takes = [replace(take, amount_fen=share) for take, share in zip(payment.takes, shares, strict=True) if share]
    return tuple(takes), tuple(back + share for back, share in zip(before, shares, strict=True))


def uses_back(order: Order, lines: Sequence[OrderLine], payment: Payment) -> tuple[int, int]:
    """(uses, fen) of a payment by pass that go back when the order's lines become these: of the very units it covers.

    Units of a line are refunded from the first one on, and a pass covers the first ones.
    """
    if payment.status not in PAID:
        return 0, 0
    back = []
    for each in payment.covers:
        first = max(each.first, order.lines[each.line].refunded_quantity)
        count = min(each.first + each.count, lines[each.line].refunded_quantity) - first
        if count > 0:
            back.append(Covered(each.line, first, count))
    return sum(each.count for each in back), covered_fen(order.lines, back)
