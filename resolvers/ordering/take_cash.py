"""Taking cash at the till for an order: all that is left, the part that a customer has left for it, or a part now."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from resolvers.app import App
from resolvers.errors import AmountInvalid, NotFound, PaymentUnavailable
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.money import display
from resolvers.ordering.cancel import close_waiting
from resolvers.ordering.capture import capture_with, paid_for, release_waiting
from resolvers.ordering.change import write_order
from resolvers.ordering.model import Order, OrderStatus
from resolvers.ordering.refusals import StatusInvalid
from resolvers.ordering.shop import order_for
from resolvers.payments.model import Payment, PaymentMethod, PaymentStatus, Purpose
from resolvers.people.model import Staff
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


@dataclass(frozen=True, slots=True)
class Taken:
    """The order, and what was taken for it this time, in fen."""

    order: Order
    amount_fen: int


async def take_cash(app: App, staff: Staff, store_id: str, order_id: str, amount_fen: int | None, key: str) -> Taken:
    """Take cash for an order that waits to be paid; `amount_fen` None: all that is left to pay.

    Where the customer holds cards for one part and left the other for cash, that other part is what is left (as
    `Order.due` says), and the cards are taken with it; only cash for the whole order takes their place. Otherwise a
    smaller sum is taken too, and the rest waits for another tender; not of an order with shares, of which cash pays all
    that are left.
    Raises NotFound, NotAllowed, AmountInvalid, StatusInvalid, IdempotencyKeyReused.
    """
    order = await order_for(app, staff, order_id)
    if order.store_id != store_id:
        raise NotFound("没有这个订单", field=("input", "orderId"))
    actor = Actor(ActorKind.STAFF, staff.id)
    wanted = {"order": order_id, "amount": amount_fen}
    call = Call("takeCash", actor, key, wanted, (order.customer_id,))
    done = await app.work.answered(call)
    if done is None:
        if order.status is not OrderStatus.AWAITING_PAYMENT:
            raise StatusInvalid("此订单不在待付款状态")
        if amount_fen is not None and not 1 <= amount_fen <= order.left_fen:
            raise AmountInvalid("收款金额与应付金额不符", field=("input", "amountFen"))
        try:
            await close_waiting(app, order)
        except PaymentUnavailable as error:
            raise StatusInvalid("顾客正在支付，请稍后再试") from error
        done = await app.work.run(call, lambda work: _take(app, work, order_id, amount_fen))
    return Taken(await order_for(app, staff, order_id), int(done["amount"]))


def due_in_cash(order: Order, payments: Sequence[Payment], now: datetime) -> int:
    """What `take_cash` would take of an order, in fen: the part left for cash, or all that is left to pay."""
    if order.status_at(now) is not OrderStatus.AWAITING_PAYMENT:
        return 0
    waiting = [each for each in payments if each.id in order.waiting_payment_ids]
    return next((each.amount_fen for each in waiting if each.method is PaymentMethod.CASH), order.left_fen)


async def _take(app: App, work: Work, order_id: str, amount_fen: int | None) -> Ids:
    order = await app.orders.order(order_id, work.session)
    if order is None or order.status is not OrderStatus.AWAITING_PAYMENT or order.lapsed(work.now):
        raise StatusInvalid("此订单不在待付款状态")
    if order.awaits_provider:
        raise StatusInvalid("顾客正在支付，请稍后再试")
    waiting = await app.payments.payments(order.waiting_payment_ids, work.session)
    if order.shares:
        return await _take_for_shares(app, work, order, amount_fen)
    left_for_cash = next((payment for payment in waiting if payment.method is PaymentMethod.CASH), None)
    if left_for_cash is not None and amount_fen in (None, left_for_cash.amount_fen):
        taken = await app.payments.move(
            work.session, left_for_cash.id, [PaymentStatus.PENDING], PaymentStatus.SUCCEEDED, paid_at=work.now
        )
        if taken is None:
            raise LookupError(left_for_cash.id)
    else:
        if left_for_cash is not None and amount_fen != order.left_fen:
            due = display(left_for_cash.amount_fen)
            raise AmountInvalid(f"顾客其余部分用卡支付，应收现金 {due}", field=("input", "amountFen"))
        if waiting:
            order = await release_waiting(app, work, order, PaymentStatus.CLOSED, order.waiting_payment_ids)
        amount = order.left_fen if amount_fen is None else amount_fen
        taken = cash_payment(work, order, amount, PaymentStatus.SUCCEEDED)
        if not 1 <= taken.amount_fen <= order.left_fen:
            raise AmountInvalid("收款金额与应付金额不符", field=("input", "amountFen"))
        await app.payments.insert(work.session, taken)
    work.announce(taken.customer_id, EventKind.PAYMENT_CHANGED, taken)
    work.record_staff_action("takeCash", order_id, taken.amount_fen)
    await _book(app, work, replace(order, cash_fen=order.cash_fen + taken.amount_fen), taken)
    return {"order": order_id, "amount": str(taken.amount_fen)}


async def _take_for_shares(app: App, work: Work, order: Order, amount_fen: int | None) -> Ids:
    """Cash for all shares that are left: each is its own payer's payment, so that points and refunds are theirs."""
    left_fen = order.left_fen
    if amount_fen not in (None, left_fen):
        due = display(left_fen)
        raise AmountInvalid(f"同桌分摊的订单，现金须一次收齐余款 {due}", field=("input", "amountFen"))
    if order.waiting_payment_ids:
        order = await release_waiting(app, work, order, PaymentStatus.CLOSED, order.waiting_payment_ids)
    paid_with = {}
    for share in order.shares:
        if share.left_fen:
            payment = cash_payment(work, order, share.left_fen, PaymentStatus.SUCCEEDED)
            payment = replace(payment, customer_id=share.payer_id)
            await app.payments.insert(work.session, payment)
            await _into_the_drawer(app, work, order, payment)
            work.announce(payment.customer_id, EventKind.PAYMENT_CHANGED, payment)
            paid_with[share.id] = (payment.id,)
    work.record_staff_action("takeCash", order.id, left_fen)
    await paid_for(app, work, replace(order, cash_fen=order.cash_fen + left_fen), paid_with)
    return {"order": order.id, "amount": str(left_fen)}


async def _into_the_drawer(app: App, work: Work, order: Order, taken: Payment) -> None:
    drawer = Line(brand_account(order.brand_id, BrandAccount.CASH), -taken.amount_fen)
    sales = Line(brand_account(order.brand_id, BrandAccount.SALES), taken.amount_fen)
    key = f"capture:{taken.id}"
    await post(app.ledger, work, EntryKind.PURCHASE, key, order.brand_id, [drawer, sales], taken.description)


async def _book(app: App, work: Work, order: Order, taken: Payment) -> None:
    drawer = Line(brand_account(order.brand_id, BrandAccount.CASH), -taken.amount_fen)
    if taken.amount_fen == order.left_fen or taken.id in order.waiting_payment_ids:
        await capture_with(app, work, order, taken, drawer, ())
        return
    await _into_the_drawer(app, work, order, taken)
    await write_order(app, work, order, paid_fen=order.paid_fen + taken.amount_fen)


def cash_payment(work: Work, order: Order, amount_fen: int, status: PaymentStatus) -> Payment:
    """A payment in cash: taken, or left by the customer to be taken at the till."""
    return Payment(
        id=work.new_id("pay"),
        customer_id=order.customer_id,
        brand_id=order.brand_id,
        method=PaymentMethod.CASH,
        purpose=Purpose.ORDER,
        status=status,
        amount_fen=amount_fen,
        description=f"订单 {order.number} 现金",
        created_at=work.now,
        order_id=order.id,
        paid_at=work.now if status is PaymentStatus.SUCCEEDED else None,
    )
