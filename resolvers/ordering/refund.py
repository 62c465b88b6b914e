"""Refunding an order, whole or by line, to the sources it was paid from."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from resolvers.app import App
from resolvers.cards.model import StatementKind
from resolvers.cards.movement import Movement, present_card, write_card
from resolvers.cards.spend import put_back
from resolvers.errors import NotFound
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.ordering.change import give_back_what_it_took, write_order
from resolvers.ordering.model import REFUNDABLE, Order, OrderLine, OrderRefund, OrderStatus, RefundedTender
from resolvers.ordering.passes import give_back_for
from resolvers.ordering.points import settle_points
from resolvers.ordering.refund_rules import Back, LineRefund, by_share, spread, takes_back, uses_back, what_goes_back
from resolvers.ordering.refusals import StatusInvalid
from resolvers.payments.events import tell_of_refund
from resolvers.payments.model import MAXIMUM_REFUNDS, Payment, PaymentMethod, TooManyRefunds
from resolvers.payments.settle import request_refund
from resolvers.people.model import Role, Staff
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

MAXIMUM_REASON = 80  # characters; what WeChat Pay shows to the payer


@dataclass(frozen=True, slots=True)
class Refunded:
    """The order as it is now, and what this refund sent back to which source."""

    order: Order
    refund: OrderRefund


async def refund_order(
    app: App, staff: Staff, order_id: str, lines: Sequence[LineRefund] | None, reason: str, key: str
) -> Refunded:
    """Refund an order, or units of its lines, to its sources: cards and cash at once, the outside part by its provider.

    Raises NotAllowed, NotFound, StatusInvalid, AmountInvalid, TooManyRefunds, IdempotencyKeyReused.
    """
    order = await app.orders.order(order_id)
    if order is None or order.brand_id != staff.brand_id:
        raise NotFound("没有这个订单", field=("input", "orderId"))
    staff.require(Role.MANAGER, order.store_id)
    reason = checked_reason(reason)

    async def steps(work: Work) -> Ids:
        current = await app.orders.order(order_id, work.session)
        if current is None or current.status not in REFUNDABLE:
            raise StatusInvalid("此订单不能退款")
        back = what_goes_back(current, lines)
        if not await may_refund_again(app, work, current):
            raise TooManyRefunds
        tenders = await refund_tenders(app, work, current, reason, back)
        if back.whole:
            await give_back_what_it_took(app, work, current)
        settled, requested = sums(tenders)
        earned = await settle_points(app, work, current)
        await write_order(
            app,
            work,
            current,
            OrderStatus.REFUNDED if back.whole else None,
            lines=back.lines,
            refunded_fen=current.refunded_fen + settled,
            refunding_fen=current.refunding_fen + requested,
            **earned,
        )
        refund = OrderRefund(work.new_id("rfo"), order_id, back.amount_fen, tenders, reason, work.now)
        await app.orders.insert_refund(work.session, refund)
        work.record_staff_action("refundOrder", order_id, back.amount_fen, reason)
        return {"refund": refund.id}

    actor = Actor(ActorKind.STAFF, staff.id)
    wanted = {
        "order": order_id,
        "reason": reason,
        "lines": None if lines is None else [asdict(line) for line in lines],
    }
    ids = await app.work.run(Call("refundOrder", actor, key, wanted, order.people), steps)
    now, refund = await app.orders.order(order_id), await app.orders.refund(ids["refund"])
    if now is None or refund is None:
        raise NotFound
    return Refunded(now, refund)


def checked_reason(reason: str | None) -> str:
    """The reason, trimmed. Raises StatusInvalid when there is none or it is too long."""
    reason = (reason or "").strip()
    if not 1 <= len(reason) <= MAXIMUM_REASON:
        raise StatusInvalid(f"请填写原因（{MAXIMUM_REASON} 字以内）", field=("input", "reason"))
    return reason


async def may_refund_again(app: App, work: Work, order: Order) -> bool:
    """Whether the provider still takes refunds of every outside payment of which something is left."""
    payments = await app.payments.payments_of_orders([order.id], work.session)
    return all(not each.outside or not each.left_fen or each.refunds < MAXIMUM_REFUNDS for each in payments)


async def refund_tenders(
    app: App, work: Work, order: Order, reason: str, back: Back | None = None
) -> tuple[RefundedTender, ...]:
    """Send back a part of an order, or all that is left, to its tenders.

    A pass gets back the uses that paid for the refunded dishes; the rest is split over the other tenders by what is
    left of each. Where each at a table has paid for own dishes, these go back to who has paid for them.
    """
    payments = await app.payments.payments_of_orders([order.id], work.session)
    tenders = await _refund_passes(app, work, order, payments, reason, back.lines if back else order.lines_refunded())
    others = [payment for payment in payments if not payment.covers]
    left = sum(payment.left_fen for payment in others)
    if back is not None and any(share.lines for share in order.shares):  # which no pass pays for
        going = by_share(order, back, others)
    else:
        going = spread(left if back is None else back.amount_fen - sum(sums(tenders)), others)
    for payment, share in going:
        if payment.outside:
            changed = await request_refund(app, work, payment, share, reason)
            tenders.append(RefundedTender(payment.id, payment.method, None, share, settled=False))
        else:
            changed, card_id = await _refund_here(app, work, order, payment, share, reason)
            tenders.append(RefundedTender(payment.id, payment.method, card_id, share, settled=True))
        work.announce(changed.customer_id, EventKind.PAYMENT_CHANGED, changed)
    _tell(work, order, reason, payments, tenders)
    return tuple(tenders)


def _tell(
    work: Work, order: Order, reason: str, payments: Sequence[Payment], tenders: Sequence[RefundedTender]
) -> None:
    """One message to each who has paid, of all that goes back to them."""
    paid = {payment.id: payment for payment in payments}
    sums_back: dict[str, int] = {}
    for tender in tenders:
        owner = paid[tender.payment_id].customer_id
        sums_back[owner] = sums_back.get(owner, 0) + tender.amount_fen
    for payment in {each.customer_id: each for each in payments}.values():
        if back_fen := sums_back.get(payment.customer_id):
            tell_of_refund(work, payment, back_fen, f"{order.id}:{order.revision}", reason, order.number)


async def _refund_passes(
    app: App, work: Work, order: Order, payments: Sequence[Payment], reason: str, lines: Sequence[OrderLine]
) -> list[RefundedTender]:
    tenders = []
    for payment in payments:
        uses, fen = uses_back(order, lines, payment)
        if uses:
            card_id = await give_back_for(app, work, order, payment, uses, fen, reason)
            changed = await app.payments.count_refund(work.session, payment.id, requested_fen=0, settled_fen=fen)
            if changed is None:
                raise ValueError(f"{payment.id} has less than {fen} left to refund")
            tenders.append(RefundedTender(payment.id, payment.method, card_id, fen, settled=True, uses=uses))
            work.announce(changed.customer_id, EventKind.PAYMENT_CHANGED, changed)
    return tenders


def sums(tenders: Sequence[RefundedTender]) -> tuple[int, int]:
    """(settled at once, asked of the provider), in fen."""
    settled = sum(tender.amount_fen for tender in tenders if tender.settled)
    return settled, sum(tender.amount_fen for tender in tenders) - settled


async def _refund_here(
    app: App, work: Work, order: Order, payment: Payment, amount_fen: int, reason: str
) -> tuple[Payment, str | None]:
    """Put a card's part back into the lots it came from, or pay cash back out of the drawer."""
    sales = Line(brand_account(order.brand_id, BrandAccount.SALES), -amount_fen)
    key = f"refund:{payment.id}:{payment.revision}"
    card_id, given_back = None, None
    if payment.method is PaymentMethod.CASH:
        drawer = Line(brand_account(order.brand_id, BrandAccount.CASH), amount_fen)
        await post(app.ledger, work, EntryKind.REFUND, key, order.brand_id, [sales, drawer], reason)
    else:
        card = await present_card(app.cards, work, payment.card_id or "")
        takes, given_back = takes_back(payment, amount_fen)
        back = await put_back(app, work, card, takes, payment.card_id or "", payment.paid_at or payment.created_at)
        await post(app.ledger, work, EntryKind.REFUND, key, order.brand_id, [sales, *back.lines], reason)
        own = card.customer_id in await app.people.ids_of(
            payment.customer_id, work.session
        )  # a friend's statement does not tell of the giver's order
        memo = f"退款 订单 {order.number}：{reason}" if own else "退款"
        line = Movement(StatementKind.REFUND, back.usable_fen, memo, order.id, payment.id)
        await write_card(app.cards, work, card, back.card, [line] if back.usable_fen else [])
        card_id = card.id
    changed = await app.payments.count_refund(
        work.session, payment.id, requested_fen=0, settled_fen=amount_fen, given_back=given_back
    )
    if changed is None:
        raise ValueError(f"{payment.id} has less than {amount_fen} left to refund")
    return changed, card_id


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
