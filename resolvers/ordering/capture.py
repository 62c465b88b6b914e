"""What a payment does to its order: parts taken from cards or held on them, captured, or let go."""

from collections.abc import Collection, Mapping, Sequence

from resolvers.app import App
from resolvers.cards.model import Card, Hold, StatementKind, Take
from resolvers.cards.movement import Movement, card_lines, write_card
from resolvers.cards.spend import pick
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.ordering.change import redeem_coupons, write_order
from resolvers.ordering.model import Order, OrderStatus
from resolvers.ordering.passes import take_for
from resolvers.ordering.shares import shares_of, waiting_for, with_paid, without_waiting
from resolvers.ordering.tenders import CardPart
from resolvers.passes.uses import check_uses
from resolvers.payments.model import Payment, PaymentStatus, Purpose
from resolvers.payments.settle import psp_line
from resolvers.work.unit import Work


async def take_part(app: App, work: Work, order: Order, card: Card, part: CardPart) -> str:
    """Take a part from a card now; answers the id of its payment. Raises InsufficientBalance."""
    takes = await _reserve(app, work, card, part)
    payment = _card_payment(work, order, card, part, takes, PaymentStatus.SUCCEEDED)
    await app.payments.insert(work.session, payment)
    await _take(app, work, order, card, payment)
    return payment.id


async def hold_part(app: App, work: Work, order: Order, card: Card, part: CardPart) -> str:
    """Reserve a part on a card; answers the id of its pending payment. Raises InsufficientBalance."""
    takes = await _reserve(app, work, card, part)
    payment = _card_payment(work, order, card, part, takes, PaymentStatus.PENDING)
    await app.payments.insert(work.session, payment)
    await write_card(app.cards, work, card, card.holding(Hold(payment.id, takes, part.uses)))
    work.announce(payment.customer_id, EventKind.PAYMENT_CHANGED, payment)
    return payment.id


async def paid_for(app: App, work: Work, order: Order, paid_with: Mapping[str, Sequence[str]]) -> None:
    """Shares of an order are paid, each with these payments: with the last its coupons are used, and the shop sees it.

    An order without shares is paid with nothing named.
    """
    after = with_paid(order, paid_with)
    if after.left_fen:
        await write_order(app, work, after)
        return
    await redeem_coupons(app, work, order)
    await write_order(app, work, after, OrderStatus.PAID)


async def capture_order(app: App, work: Work, paid: Payment) -> bool:
    """The outside part succeeded: take what the cards have held. False when the order no longer waits for it."""
    order = await app.orders.order(paid.order_id or "", work.session)
    if order is None or order.status is not OrderStatus.AWAITING_PAYMENT or paid.id not in order.waiting_payment_ids:
        return False
    await capture_with(app, work, order, paid, psp_line(paid), shares_of(order, paid.id))
    return True


async def capture_with(
    app: App, work: Work, order: Order, paid: Payment, source: Line, share_ids: Collection[str]
) -> None:
    """Book the part that was paid, whose money is now at `source`, and take what the cards have held for the rest."""
    lines = [source, Line(brand_account(order.brand_id, BrandAccount.SALES), paid.amount_fen)]
    await post(app.ledger, work, EntryKind.PURCHASE, f"capture:{paid.id}", order.brand_id, lines, paid.description)
    held = [payment_id for payment_id in waiting_for(order, share_ids) if payment_id != paid.id]
    for payment_id in held:
        payment = await app.payments.move(
            work.session, payment_id, [PaymentStatus.PENDING], PaymentStatus.SUCCEEDED, paid_at=work.now
        )
        card = await app.cards.card(payment.card_id or "", work.session) if payment else None
        if payment is None or card is None:
            raise LookupError(f"{order.id} waits for {payment_id}, which holds nothing")
        await _take(app, work, order, card, payment)
    await paid_for(app, work, order, dict.fromkeys(share_ids, (paid.id, *held)))


async def release_order(app: App, work: Work, closed: Payment) -> None:
    """The outside part will not be paid: let go of what the cards have held; the order waits for another payment."""
    await release_with(app, work, closed.order_id or "", closed.id, PaymentStatus.CLOSED)


async def release_with(app: App, work: Work, order_id: str, payment_id: str, to: PaymentStatus) -> None:
    """End a payment that the order still waits for, with the tenders that wait for it."""
    order = await app.orders.order(order_id, work.session)
    if order is not None and payment_id in order.waiting_payment_ids:
        await release_waiting(app, work, order, to, waiting_for(order, shares_of(order, payment_id)))


async def release_waiting(app: App, work: Work, order: Order, to: PaymentStatus, ending: Sequence[str]) -> Order:
    """End payments the order waits for, and release the holds of their cards."""
    for payment_id in ending:
        payment = await app.payments.move(work.session, payment_id, [PaymentStatus.PENDING], to, poll_at=None)
        if payment is None:
            continue
        if payment.outside:  # still open at the provider: let nobody pay it, and hear of whoever already has
            work.later("close_payment", payment.id, payment_id=payment.id)
        card = await app.cards.card(payment.card_id, work.session) if payment.card_id else None
        if card is not None and card.hold_of(payment.id) is not None:
            await write_card(app.cards, work, card, card.without_hold(payment.id))
        if payment.shown:
            work.announce(payment.customer_id, EventKind.PAYMENT_CHANGED, payment)
    return await write_order(app, work, without_waiting(order, ending))


async def _reserve(app: App, work: Work, card: Card, part: CardPart) -> tuple[Take, ...]:
    if not part.covers:
        return await pick(app, work, card, part.amount_fen)
    check_uses(card, part.uses)
    return ()


async def _take(app: App, work: Work, order: Order, card: Card, payment: Payment) -> None:
    if payment.covers:
        await take_for(app, work, order, card, payment)
        work.announce(payment.customer_id, EventKind.PAYMENT_CHANGED, payment)
        return
    lines = [
        *card_lines(card.id, payment.takes, -1),
        Line(brand_account(order.brand_id, BrandAccount.SALES), payment.amount_fen),
    ]
    memo = f"订单 {order.number}"
    await post(app.ledger, work, EntryKind.PURCHASE, f"capture:{payment.id}", order.brand_id, lines, memo)
    after = card.without_hold(payment.id).less(payment.takes)
    bought = Movement(StatementKind.PURCHASE, -payment.amount_fen, memo, order.id, payment.id)
    await write_card(app.cards, work, card, after, [bought])
    work.announce(payment.customer_id, EventKind.PAYMENT_CHANGED, payment)


def _card_payment(
    work: Work, order: Order, card: Card, part: CardPart, takes: tuple[Take, ...], status: PaymentStatus
) -> Payment:
    return Payment(
        id=work.new_id("pay"),
        customer_id=card.customer_id,
        brand_id=order.brand_id,
        method=part.method,
        purpose=Purpose.ORDER,
        status=status,
        amount_fen=part.amount_fen,
        description=f"订单 {order.number}",
        created_at=work.now,
        order_id=order.id,
        card_id=part.card_id,
        takes=takes,
        covers=part.covers,
        paid_at=work.now if status is PaymentStatus.SUCCEEDED else None,
    )
