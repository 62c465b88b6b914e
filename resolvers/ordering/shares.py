"""What is paid, and under way to be paid, of an order that the people at a table share. Pure.

Of an order without shares all is meant, whichever shares are named.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace

from resolvers.errors import NotFound
from resolvers.ordering.model import Order, Share
from resolvers.ordering.refusals import NotPayable


def shares_to_pay(order: Order, share_id: str | None) -> tuple[str, ...]:
    """The shares that a call pays: the one it names, else all that are left; none of an order that has none.

    Raises NotFound for a share that is not the order's, NotPayable for one that is paid.
    """
    wanted = order.shares if share_id is None else _parts(order, [share_id])
    if share_id is not None and not wanted:
        raise NotFound("没有这一份账单", field=("input", "shareId"))
    left = tuple(share.id for share in wanted if share.left_fen)
    if wanted and not left:
        raise NotPayable("这一份已付清")
    return left


def left_of(order: Order, share_ids: Collection[str]) -> int:
    """What is left to pay of these shares, in fen."""
    return sum(share.left_fen for share in _parts(order, share_ids)) if order.shares else order.left_fen


def waiting_for(order: Order, share_ids: Collection[str]) -> tuple[str, ...]:
    """The payments that are under way for any of these shares."""
    if not order.shares:
        return order.waiting_payment_ids
    waiting = dict.fromkeys(each for share in _parts(order, share_ids) for each in share.waiting_payment_ids)
    return tuple(waiting)


def awaits_provider(order: Order, share_ids: Collection[str]) -> bool:
    """Whether a payment for any of these shares is open at a provider."""
    if not order.shares:
        return order.awaits_provider
    return any(share.awaits_provider for share in _parts(order, share_ids))


def shares_of(order: Order, payment_id: str) -> tuple[str, ...]:
    """The shares that a payment under way would pay."""
    return tuple(share.id for share in order.shares if payment_id in share.waiting_payment_ids)


def with_waiting(order: Order, share_ids: Collection[str], payment_ids: tuple[str, ...], *, outside: bool) -> Order:
    """The order with these payments under way for some shares; `outside`: one of them is open at a provider."""
    if not order.shares:
        return replace(order, waiting_payment_ids=payment_ids, awaits_provider=outside)
    return _with_shares(
        order,
        (
            replace(share, waiting_payment_ids=payment_ids, awaits_provider=outside) if share.id in share_ids else share
            for share in order.shares
        ),
    )


def without_waiting(order: Order, payment_ids: Collection[str]) -> Order:
    """The order with nothing under way where any of these payments was: tenders of one payment end together."""
    ended = [share.id for share in order.shares if not set(share.waiting_payment_ids).isdisjoint(payment_ids)]
    return with_waiting(order, ended, (), outside=False)


def with_paid(order: Order, paid_with: Mapping[str, Sequence[str]]) -> Order:
    """The order with shares paid: by share id the payments that have paid it."""
    paid_fen = order.paid_fen + left_of(order, paid_with.keys())
    after = with_waiting(order, paid_with.keys(), (), outside=False)
    shares = (
        replace(each, paid_fen=each.amount_fen, payment_ids=tuple(paid_with[each.id])) if each.id in paid_with else each
        for each in after.shares
    )
    return replace(after, paid_fen=paid_fen, shares=tuple(shares))


def _parts(order: Order, share_ids: Collection[str]) -> tuple[Share, ...]:
    return tuple(share for share in order.shares if share.id in share_ids)


def _with_shares(order: Order, shares: Iterable[Share]) -> Order:
    now = tuple(shares)
    waiting = dict.fromkeys(each for share in now for each in share.waiting_payment_ids)
    awaits = any(share.awaits_provider for share in now)
    return replace(order, shares=now, waiting_payment_ids=tuple(waiting), awaits_provider=awaits)
