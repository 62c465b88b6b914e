"""Cancelling: by the customer before the shop accepts, by the shop at any time, by the clock when nobody pays."""

from resolvers.app import App
from resolvers.errors import Forbidden, NotFound, PaymentUnavailable
from resolvers.ordering.capture import release_waiting
from resolvers.ordering.change import give_back_what_it_took, write_order
from resolvers.ordering.model import Order, OrderStatus
from resolvers.ordering.refund import may_refund_again, refund_tenders, sums
from resolvers.ordering.refusals import NotCancellable
from resolvers.payments.model import PaymentStatus
from resolvers.payments.poll import close_at_provider
from resolvers.people.model import SignedIn
from resolvers.ports import OutsideFault
from resolvers.work.model import SYSTEM, Call
from resolvers.work.run import Ids
from resolvers.work.tidying import tidy
from resolvers.work.unit import Work

_BY_CUSTOMER = (OrderStatus.AWAITING_PAYMENT, OrderStatus.PAID)


def can_cancel(order: Order) -> bool:
    """Whether the customer may still cancel: not once the shop has accepted it, or taken cash for it."""
    return order.status in _BY_CUSTOMER and not order.cash_fen


async def own_order(app: App, person: SignedIn, order_id: str) -> Order:
    """An order of the customer's own, or of their table. Raises Forbidden for any other, existing or not."""
    order = await app.orders.order(order_id)
    if order is None or not person.among(order.people):
        raise Forbidden("Not one of your orders.")
    return order


async def cancel_order(app: App, person: SignedIn, order_id: str) -> Order:
    """Cancel an order of the customer's own before the shop accepts it; asked again, the same answer.

    What was paid goes back to where it came from, whoever at the table paid it. Raises NotFound, NotCancellable (also
    for the others at the table), PaymentUnavailable.
    """
    order = await app.orders.order(order_id)
    if order is None or not person.among(order.people):
        raise NotFound("没有这个订单", field=("input", "orderId"))
    if not person.owns(order.customer_id):
        raise NotCancellable("请由下单人取消", field=("input", "orderId"))
    actor = person.actor
    await close_waiting(app, order)
    await app.work.run(
        Call("cancelOrder", actor, contends=order.people),
        lambda work: _cancel(app, work, order_id, "顾客取消"),
    )
    cancelled = await app.orders.order(order_id)
    if cancelled is None:
        raise NotFound
    return cancelled


async def close_waiting(app: App, order: Order) -> None:
    """Close the outside payment an order waits for, at the provider first. Raises PaymentUnavailable.

    One that turns out to be paid is captured; the cancellation then refunds it like any other.
    """
    for payment in await app.payments.payments(order.waiting_payment_ids):
        if payment.outside and payment.status is PaymentStatus.PENDING:
            try:
                await close_at_provider(app, payment)
            except OutsideFault as error:
                raise PaymentUnavailable from error


async def _cancel(app: App, work: Work, order_id: str, reason: str) -> Ids:
    order = await app.orders.order(order_id, work.session)
    if order is None:
        raise NotFound
    if order.status in (OrderStatus.CANCELLED, OrderStatus.REFUNDED):
        return {}
    if order.status not in _BY_CUSTOMER:
        raise NotCancellable
    if order.cash_fen:  # which somebody has to hand back
        raise NotCancellable("门店已收取现金，请到门店办理退款")
    if not await may_refund_again(app, work, order):
        raise NotCancellable("退款次数已达上限，请联系门店取消")
    await end_order(app, work, order, OrderStatus.CANCELLED, reason)
    return {}


async def end_order(app: App, work: Work, order: Order, to: OrderStatus, reason: str) -> Order:
    """End an order: holds released, coupons and stock back, what was paid refunded to its sources."""
    if order.waiting_payment_ids:
        order = await release_waiting(app, work, order, PaymentStatus.CLOSED, order.waiting_payment_ids)
    refunded, refunding = sums(await refund_tenders(app, work, order, reason))
    await give_back_what_it_took(app, work, order)
    return await write_order(
        app,
        work,
        order,
        to,
        lines=order.lines_refunded() if order.paid_fen else order.lines,
        refunded_fen=order.refunded_fen + refunded,
        refunding_fen=order.refunding_fen + refunding,
    )


async def cancel_lapsed(app: App, limit: int = 50, customer_ids: tuple[str, ...] | None = None) -> int:
    """Tidy orders that nobody paid in time, of all, or those a customer has placed or paid a share of.

    What queries show becomes so in the books, and what was paid goes back.

    An order with a payment open at the provider is not among them: the poller closes that first. Answers how many it
    tidied.
    """
    return await tidy(await app.orders.lapsed(app.clock.now(), limit, customer_ids), lambda order: lapse(app, order))


async def lapse(app: App, found: Order) -> Ids:
    """End an order whose time to pay is over: what was paid of its shares is refunded, all are told."""

    async def steps(work: Work) -> Ids:
        order = await app.orders.order(found.id, work.session)
        if order is None or not order.lapsed(work.now):
            return {}
        await end_order(app, work, order, OrderStatus.CANCELLED, "超时未支付")
        return {"order": order.id}

    done = await app.work.run(Call("cancelLapsed", SYSTEM, contends=found.people), steps)
    for taken in found.taken if done else ():  # at once, for whoever waits for it; the outbox finds it done
        key = f"return_pieces:{found.id}:{taken.counter_id}"
        await app.work_store.return_once(taken.counter_id, taken.count, key)
    return done
