"""Writing a changed order: the order, its timeline and the event, always together; and letting go of what it took."""

from dataclasses import replace
from typing import Any

from resolvers.app import App
from resolvers.chat.messages.model import MessageEvent
from resolvers.coupons.model import Coupon, CouponStatus
from resolvers.live.model import EventKind
from resolvers.mongo import TransactionExhausted
from resolvers.ordering.model import COOKED, Moment, Order, OrderStatus
from resolvers.tables.order_changed import order_changed
from resolvers.work.unit import Work


async def write_order(app: App, work: Work, before: Order, status: OrderStatus | None = None, **values: Any) -> Order:
    """Write an order against the revision that was read; announce it, and have the cart it came from follow it."""
    to = status or before.status
    timeline = before.timeline if to is before.status else (*before.timeline, Moment(to, work.now))
    after = replace(before, **values, status=to, timeline=timeline, revision=before.revision + 1, changed_at=work.now)
    if not await app.orders.replace(work.session, after, before.revision):
        raise TransactionExhausted
    announce_order(work, after)
    if after.status is OrderStatus.READY and before.status is not OrderStatus.READY:
        _tell_ready(work, after)
    await order_changed(app, work, after)
    return after


def announce_order(work: Work, order: Order) -> None:
    """Tell everybody of an order that it is now as given."""
    for customer_id in order.people:
        work.announce(customer_id, EventKind.ORDER_CHANGED, order)


def _tell_ready(work: Work, order: Order) -> None:
    """Call everybody of an order to fetch it."""
    dishes = "、".join(line.name for line in order.lines)
    for customer_id in order.people:
        work.tell(
            MessageEvent.ORDER_READY,
            customer_id,
            order.id,
            order.brand_id,
            order.id,
            number=order.number,
            code=order.verification_code,
            dishes=dishes,
            status="待取餐",
        )


async def give_back_what_it_took(app: App, work: Work, order: Order) -> None:
    """Return the coupons of an order that ends, and its stock unless it is cooked already.

    Stock is given back after the commit, like everything about scarce pieces: a counter inside the transaction would
    make all orders of a dish wait for each other.
    """
    for taken in order.taken if order.status not in COOKED else ():
        key = f"{order.id}:{taken.counter_id}"
        work.later("return_pieces", key, counter_id=taken.counter_id, count=taken.count)
    await return_coupons(app, work, order)


async def return_coupons(app: App, work: Work, order: Order) -> None:
    """Give the coupons of an order back to the customer: EXPIRED if their time is over."""
    for used in order.used_coupons:
        coupon = await _present_coupon(app, work, used.coupon_id)
        if coupon is None or coupon.status not in _COMING_BACK:
            continue
        uses_left = None if coupon.uses_left is None else coupon.uses_left + used.uses
        to, order_id = coupon.back_at(work.now), None
        if coupon.status is CouponStatus.HELD and coupon.order_id != order.id:  # another order has another use of it
            to, order_id = CouponStatus.HELD, coupon.order_id
        if coupon.status is CouponStatus.GIFTING:  # whoever gets it gets the uses that are back, too
            to = CouponStatus.GIFTING
        moved = await app.coupons.move(
            work.session, coupon.id, coupon.status, to, order_id=order_id, uses_left=uses_left
        )
        if moved is not None:
            work.announce(coupon.customer_id, EventKind.COUPON_CHANGED, moved, previous=coupon.status.value)


_COMING_BACK = (
    CouponStatus.HELD,
    CouponStatus.REDEEMED,
    CouponStatus.AVAILABLE,
    CouponStatus.GIFTING,
    CouponStatus.EXPIRED,
)


async def _present_coupon(app: App, work: Work, coupon_id: str) -> Coupon | None:
    """The coupon, or what it became when it was given away with the uses it had left, as often as that happened."""
    coupon = await app.coupons.coupon(coupon_id, work.session)
    while coupon is not None and coupon.successor_id is not None:
        coupon = await app.coupons.coupon(coupon.successor_id, work.session)
    return coupon


async def redeem_coupons(app: App, work: Work, order: Order) -> None:
    """The order is paid: its held coupons are used; one with uses left is available again."""
    for used in order.used_coupons:
        held = await app.coupons.coupon(used.coupon_id, work.session)
        if held is None or held.order_id != order.id:
            continue
        to = CouponStatus.AVAILABLE if held.uses_left else CouponStatus.REDEEMED
        order_id = None if held.uses_left else order.id
        moved = await app.coupons.move(work.session, held.id, CouponStatus.HELD, to, order_id=order_id)
        if moved is not None:
            work.announce(order.customer_id, EventKind.COUPON_CHANGED, moved, previous=CouponStatus.HELD.value)
