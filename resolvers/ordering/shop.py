"""The shop's side of an order: accepting, readying, handing over, cancelling, and taking cash."""

from collections.abc import Sequence

from resolvers.app import App
from resolvers.brands.model import Store
from resolvers.errors import Forbidden, NotFound, PaymentUnavailable
from resolvers.ordering.cancel import close_waiting, end_order
from resolvers.ordering.change import write_order
from resolvers.ordering.model import STEPS, Order, OrderStatus, OrderStep
from resolvers.ordering.points import earn_points
from resolvers.ordering.refund import MAXIMUM_REASON, may_refund_again
from resolvers.ordering.refusals import StatusInvalid
from resolvers.paging import Page, PageRequest
from resolvers.payments.model import TooManyRefunds
from resolvers.people.model import Role, Staff
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


async def order_for(app: App, staff: Staff, order_id: str, role: Role = Role.CASHIER) -> Order:
    """An order that this member of staff may handle. Raises NotFound (another brand's too), NotAllowed."""
    order = await app.orders.order(order_id)
    if order is None or order.brand_id != staff.brand_id:
        raise NotFound("没有这个订单", field=("input", "orderId"))
    staff.require(role, order.store_id)
    return order


async def advance_order(app: App, staff: Staff, order_id: str, step: OrderStep, reason: str | None) -> Order:
    """Take an order one step on; asked again, the same answer.

    Cancelling needs a reason, and a manager once it is paid.

    Raises NotFound, NotAllowed, StatusInvalid, TooManyRefunds.
    """
    order = await order_for(app, staff, order_id)
    memo = (reason or "").strip()[:MAXIMUM_REASON]
    if step is OrderStep.CANCEL:
        if not memo:
            raise StatusInvalid("请填写取消原因", field=("input", "reason"))
        if order.status is not OrderStatus.AWAITING_PAYMENT:
            staff.require(Role.MANAGER, order.store_id)
        try:
            await close_waiting(app, order)
        except PaymentUnavailable as error:
            raise StatusInvalid("顾客正在支付，请稍后再试") from error

    async def steps(work: Work) -> Ids:
        current = await app.orders.order(order_id, work.session)
        if current is None:
            raise NotFound
        leaving, to = STEPS[step]
        if current.status is to:
            return {}
        if current.status not in leaving or current.lapsed(work.now):
            raise StatusInvalid
        amount_fen = None
        if step is OrderStep.CANCEL:
            if current.status is not OrderStatus.AWAITING_PAYMENT or current.paid_fen:  # maybe paid a moment ago
                staff.require(Role.MANAGER, current.store_id)
            if not await may_refund_again(app, work, current):
                raise TooManyRefunds
            ended = await end_order(app, work, current, to, memo)
            amount_fen = ended.refunded_fen + ended.refunding_fen
        else:
            earned = await earn_points(app, work, current) if to is OrderStatus.COMPLETED else {}
            await write_order(app, work, current, to, **earned)
        work.record_staff_action(f"advanceOrder:{step.value}", order_id, amount_fen, memo)
        return {}

    actor = Actor(ActorKind.STAFF, staff.id)
    await app.work.run(Call("advanceOrder", actor, contends=order.people), steps)
    return await order_for(app, staff, order_id)


async def staffed_store(app: App, staff: Staff, store_id: str) -> Store:
    """A store of the staff's own. Raises Forbidden for any other, existing or not."""
    store = await app.brands.store(store_id)
    if store is None or store.brand_id != staff.brand_id or not staff.works_at(store_id):
        raise Forbidden("Not one of your stores.")
    return store


async def orders_of_store(
    app: App, staff: Staff, store_id: str, request: PageRequest, statuses: Sequence[OrderStatus] | None
) -> Page[Order]:
    """A page of a store's orders, newest first. Raises Forbidden."""
    await staffed_store(app, staff, store_id)
    return await app.orders.page_of_store(store_id, request, statuses, app.clock.now())
