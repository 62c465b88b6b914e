"""The shop's side of an order: accepting, readying, handing over, cancelling, and taking cash."""

from collections.abc import Sequence

from resolvers.app import App
from resolvers.brands.model import Store
from resolvers.errors import AmountInvalid, Forbidden, NotFound, PaymentUnavailable
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.ordering.cancel import close_waiting, end_order
from resolvers.ordering.capture import paid_in_full
from resolvers.ordering.change import write_order
from resolvers.ordering.model import STEPS, Order, OrderStatus, OrderStep, StatusInvalid
from resolvers.ordering.refund import MAXIMUM_REASON
from resolvers.paging import Page, PageRequest
from resolvers.payments.model import Payment, PaymentMethod, PaymentStatus, Purpose
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

    Raises NotFound, NotAllowed, StatusInvalid.
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
            if current.status is not OrderStatus.AWAITING_PAYMENT:  # it may have been paid a moment ago
                staff.require(Role.MANAGER, current.store_id)
            ended = await end_order(app, work, current, to, memo)
            amount_fen = ended.refunded_fen + ended.refunding_fen
        else:
            await write_order(app, work, current, to)
        work.record_staff_action(f"advanceOrder:{step.value}", order_id, amount_fen, memo)
        return {}

    actor = Actor(ActorKind.STAFF, staff.id)
    await app.work.run(Call("advanceOrder", actor, contends=(order.customer_id,)), steps)
    return await order_for(app, staff, order_id)


async def take_cash(app: App, staff: Staff, store_id: str, order_id: str, amount_fen: int | None, key: str) -> Order:
    """Take cash at the till for an order that waits to be paid; all that is left to pay, so nothing stays half paid.

    Raises NotFound, NotAllowed, AmountInvalid, StatusInvalid, IdempotencyKeyReused.
    """
    order = await order_for(app, staff, order_id)
    if order.store_id != store_id:
        raise NotFound("没有这个订单", field=("input", "orderId"))
    actor = Actor(ActorKind.STAFF, staff.id)
    wanted = {"order": order_id, "amount": amount_fen}
    call = Call("takeCash", actor, key, wanted, (order.customer_id,))
    if await app.work.answered(call) is None:
        try:
            await close_waiting(app, order)
        except PaymentUnavailable as error:
            raise StatusInvalid("顾客正在支付，请稍后再试") from error
        await app.work.run(call, lambda work: _take_cash(app, work, order_id, amount_fen))
    return await order_for(app, staff, order_id)


async def _take_cash(app: App, work: Work, order_id: str, amount_fen: int | None) -> Ids:
    order = await app.orders.order(order_id, work.session)
    if order is None or order.status is not OrderStatus.AWAITING_PAYMENT or order.lapsed(work.now):
        raise StatusInvalid("此订单不在待付款状态")
    if order.waiting_payment_ids:
        raise StatusInvalid("顾客正在支付，请稍后再试")
    if amount_fen is not None and amount_fen != order.payable_fen:
        raise AmountInvalid("收款金额与应付金额不符", field=("input", "amountFen"))
    payment = Payment(
        id=work.new_id("pay"),
        customer_id=order.customer_id,
        brand_id=order.brand_id,
        method=PaymentMethod.CASH,
        purpose=Purpose.ORDER,
        status=PaymentStatus.SUCCEEDED,
        amount_fen=order.payable_fen,
        description=f"订单 {order.number} 现金",
        created_at=work.now,
        order_id=order.id,
    )
    await app.payments.insert(work.session, payment)
    lines = [
        Line(brand_account(order.brand_id, BrandAccount.CASH), -payment.amount_fen),
        Line(brand_account(order.brand_id, BrandAccount.SALES), payment.amount_fen),
    ]
    await post(app.ledger, work, EntryKind.PURCHASE, f"capture:{payment.id}", order.brand_id, lines, "现金收款")
    work.announce(order.customer_id, EventKind.PAYMENT_CHANGED, payment)
    await paid_in_full(app, work, order)
    work.record_staff_action("takeCash", order_id, payment.amount_fen)
    return {"order": order_id}


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
