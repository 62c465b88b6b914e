"""Refunding an order to the sources it was paid from."""

from dataclasses import dataclass

from resolvers.app import App
from resolvers.cards.model import StatementKind
from resolvers.cards.movement import Movement, card_lines, present_card, write_card
from resolvers.errors import NotFound
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.ordering.change import give_back_what_it_took, write_order
from resolvers.ordering.model import REFUNDABLE, Order, OrderStatus, StatusInvalid
from resolvers.payments.model import Payment, PaymentMethod, PaymentStatus
from resolvers.payments.settle import request_refund
from resolvers.people.model import Role, Staff
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

MAXIMUM_REASON = 80  # characters; what WeChat Pay shows to the payer


@dataclass(frozen=True, slots=True)
class RefundedTender:
    """What went back to one source, in fen."""

    method: PaymentMethod
    card_id: str | None
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Refunded:
    """An order's refund, by source."""

    order: Order
    by_source: tuple[RefundedTender, ...]


async def refund_order(app: App, staff: Staff, order_id: str, reason: str, key: str) -> Refunded:
    """Refund a whole order to its sources: cards at once, the outside part through the provider.

    Raises NotAllowed, NotFound, StatusInvalid, IdempotencyKeyReused.
    """
    order = await app.orders.order(order_id)
    if order is None or order.brand_id != staff.brand_id:
        raise NotFound("没有这个订单", field=("input", "orderId"))
    staff.require(Role.MANAGER, order.store_id)
    reason = reason.strip()
    if not 1 <= len(reason) <= MAXIMUM_REASON:
        raise StatusInvalid(f"请填写退款原因（{MAXIMUM_REASON} 字以内）", field=("input", "reason"))

    async def steps(work: Work) -> Ids:
        current = await app.orders.order(order_id, work.session)
        if current is None or current.status not in REFUNDABLE:
            raise StatusInvalid("此订单不能退款")
        refunded, refunding = await refund_tenders(app, work, current, reason)
        await give_back_what_it_took(app, work, current)
        await write_order(
            app,
            work,
            current,
            OrderStatus.REFUNDED,
            lines=current.lines_refunded(),
            refunded_fen=current.refunded_fen + refunded,
            refunding_fen=current.refunding_fen + refunding,
        )
        work.record_staff_action("refundOrder", order_id, refunded + refunding, reason)
        return {"order": order_id}

    actor = Actor(ActorKind.STAFF, staff.id)
    await app.work.run(
        Call("refundOrder", actor, key, {"order": order_id, "reason": reason}, (order.customer_id,)), steps
    )
    refunded = await app.orders.order(order_id)
    if refunded is None:
        raise NotFound
    return Refunded(refunded, await refunded_by_source(app, order_id))


async def refund_tenders(app: App, work: Work, order: Order, reason: str) -> tuple[int, int]:
    """Send back all that is left of every payment of an order: (settled at once, asked of the provider), in fen."""
    settled = requested = 0
    payments = await app.payments.payments_of_orders([order.id], work.session)
    for payment in payments:
        left = payment.amount_fen - payment.refunded_fen - payment.refunding_fen
        if payment.status not in (PaymentStatus.SUCCEEDED, PaymentStatus.PARTIALLY_REFUNDED) or left <= 0:
            continue
        if payment.outside:
            changed = await request_refund(app, work, payment, left, reason)
            requested += left
        else:
            changed = await _refund_here(app, work, order, payment, left, reason)
            settled += left
        work.announce(order.customer_id, EventKind.PAYMENT_CHANGED, changed)
    return settled, requested


async def _refund_here(app: App, work: Work, order: Order, payment: Payment, amount_fen: int, reason: str) -> Payment:
    """Put a card's part back into the lots it came from, or pay cash back out of the drawer."""
    changed = await app.payments.count_refund(work.session, payment.id, requested_fen=0, settled_fen=amount_fen)
    if changed is None:
        raise ValueError(f"{payment.id} has less than {amount_fen} left to refund")
    sales = Line(brand_account(order.brand_id, BrandAccount.SALES), -amount_fen)
    key = f"refund:{payment.id}"
    if payment.method is PaymentMethod.CASH:
        drawer = Line(brand_account(order.brand_id, BrandAccount.CASH), amount_fen)
        await post(app.ledger, work, EntryKind.REFUND, key, order.brand_id, [sales, drawer], reason)
        return changed
    card = await present_card(app.cards, work, payment.card_id or "")
    await post(
        app.ledger,
        work,
        EntryKind.REFUND,
        key,
        order.brand_id,
        [sales, *card_lines(card.id, payment.takes, +1)],
        reason,
    )
    own = card.customer_id == order.customer_id  # a friend's statement does not tell of the giver's order
    memo = f"退款 订单 {order.number}：{reason}" if own else "退款"
    back = Movement(StatementKind.REFUND, amount_fen, memo, order.id, payment.id)
    await write_card(app.cards, work, card, card.plus(payment.takes), [back])
    return changed


async def refunded_by_source(app: App, order_id: str) -> tuple[RefundedTender, ...]:
    """What of an order went or is going back to each source."""
    return tuple(
        RefundedTender(payment.method, payment.card_id, payment.refunded_fen + payment.refunding_fen)
        for payment in await app.payments.payments_of_orders([order_id])
        if payment.refunded_fen + payment.refunding_fen
    )


async def refund_settled(app: App, work: Work, payment: Payment, amount_fen: int) -> None:
    """The provider has carried out a refund: what the order called refunding is refunded."""
    order = await app.orders.order(payment.order_id or "", work.session)
    if order is not None:
        await write_order(
            app,
            work,
            order,
            refunded_fen=order.refunded_fen + amount_fen,
            refunding_fen=order.refunding_fen - amount_fen,
        )
