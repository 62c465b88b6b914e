"""Paying an order: from cards at once, or cards held until the part at the payment provider succeeds."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import timedelta

from resolvers.app import App
from resolvers.cards.model import Card, CardStatus
from resolvers.errors import InsufficientBalance, NotFound, PaymentUnavailable
from resolvers.ordering.capture import hold_part, paid_in_full, release_waiting, take_part
from resolvers.ordering.change import write_order
from resolvers.ordering.model import NotPayable, Order, OrderStatus
from resolvers.ordering.tenders import CARD_METHODS, CardPart, Parts, Tender, take_apart
from resolvers.payments.model import PaymentStatus, Purpose
from resolvers.payments.open import method_here, open_at_provider, outside_payment, payer_openid
from resolvers.payments.poll import close_at_provider
from resolvers.people.model import SignedIn
from resolvers.ports import OutsideFault
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


@dataclass(frozen=True, slots=True)
class Paying:
    """The order, and the payment that waits for the chat platform, if any."""

    order_id: str
    payment_id: str | None


async def pay_order(app: App, person: SignedIn, order_id: str, tenders: Sequence[Tender], key: str) -> Paying:
    """Pay an order by cards and at most one outside payment; a new call supersedes a pending outside payment.

    Raises NotFound, NotPayable, AmountInvalid, InsufficientBalance, PaymentUnavailable, IdempotencyKeyReused.
    """
    wanted = {"order": order_id, "tenders": [asdict(tender) for tender in tenders]}
    call = Call("payOrder", Actor(ActorKind.CUSTOMER, person.customer_id), key, wanted, (person.customer_id,))
    done = await app.work.answered(call)
    if done is not None:
        return Paying(order_id, done.get("payment"))
    order = await app.orders.order(order_id)
    if order is None or order.customer_id != person.customer_id:
        raise NotFound("没有这个订单", field=("input", "orderId"))
    parts = take_apart(order.payable_fen, tenders, method_here(person))
    if await app.work.begun(call) is None:
        if order.status is not OrderStatus.AWAITING_PAYMENT or order.lapsed(app.clock.now()):
            raise NotPayable
        await _check_cards(app, order, parts)
        await _supersede(app, order)
    if parts.outside_fen:
        return await _pay_with_outside_part(app, person, order, parts, call)

    async def steps(work: Work) -> Ids:
        current = await _payable(app, work, order_id)
        for part in parts.cards:
            card = await _usable_card(app, work, current, part)
            await take_part(app, work, current, card, part)
        await paid_in_full(app, work, current)
        return {"order": order_id}

    await app.work.run(call, steps)
    return Paying(order_id, None)


async def _pay_with_outside_part(app: App, person: SignedIn, order: Order, parts: Parts, call: Call) -> Paying:
    """Hold the cards, open the outside part; `capture_order` goes on when the provider says that it is paid."""
    openid = await payer_openid(app, person)

    async def reserve(work: Work) -> Ids:
        current = await _payable(app, work, order.id)
        waiting = []
        for part in parts.cards:
            card = await _usable_card(app, work, current, part)
            waiting.append(await hold_part(app, work, current, card, part))
        life = current.pay_before - work.now
        draft = outside_payment(
            work,
            person,
            openid,
            current.brand_id,
            Purpose.ORDER,
            parts.outside_fen,
            f"订单 {current.number}",
            max(life, timedelta(minutes=1)),  # the provider wants at least a minute
        )
        await app.payments.insert(work.session, replace(draft, order_id=order.id))
        await write_order(app, work, current, waiting_payment_ids=(*waiting, draft.id))
        return {"order": order.id, "payment": draft.id}

    async def failed(work: Work) -> Ids:
        current = await app.orders.order(order.id, work.session)
        if current is not None:
            await release_waiting(app, work, current, PaymentStatus.FAILED)
        return {}

    ids, opened = await app.work.begin(call, reserve)
    if not opened:
        await open_at_provider(app, call, ids["payment"], None, failed)
    return Paying(order.id, ids["payment"])


async def _check_cards(app: App, order: Order, parts: Parts) -> None:
    """Refuse what cannot be paid before a pending payment is given up for it.

    What this order itself has held on a card counts as free: it is let go first. Raises NotFound, InsufficientBalance.
    """
    for part in parts.cards:
        card = _usable(await app.cards.card(part.card_id), order, part)
        for payment_id in order.waiting_payment_ids:
            card = card.without_hold(payment_id)
        card.pick(part.amount_fen, app.clock.now())


async def _supersede(app: App, order: Order) -> None:
    """Close the outside payment of this order that still waits, at the provider first.

    Raises NotPayable when it turns out to be paid, PaymentUnavailable when the provider cannot say.
    """
    for payment in await app.payments.payments(order.waiting_payment_ids):
        if not payment.outside or payment.status is not PaymentStatus.PENDING:
            continue
        try:
            closed = await close_at_provider(app, payment)
        except OutsideFault as error:
            raise PaymentUnavailable from error
        if not closed:
            raise NotPayable("订单已支付")


async def _payable(app: App, work: Work, order_id: str) -> Order:
    order = await app.orders.order(order_id, work.session)
    if order is None:
        raise NotFound
    if order.status is not OrderStatus.AWAITING_PAYMENT or order.lapsed(work.now) or order.waiting_payment_ids:
        raise NotPayable
    return order


async def _usable_card(app: App, work: Work, order: Order, part: CardPart) -> Card:
    """The card of a part. Somebody else's, another brand's or another kind's is as good as absent."""
    return _usable(await app.cards.card(part.card_id, work.session), order, part)


def _usable(card: Card | None, order: Order, part: CardPart) -> Card:
    where = ("input", "tenders")
    if card is None or (card.customer_id, card.brand_id) != (order.customer_id, order.brand_id):
        raise NotFound("没有这张卡", field=where)
    if card.kind is not CARD_METHODS[part.method]:
        raise NotFound("没有这张卡", field=where)
    if card.status is not CardStatus.ACTIVE:
        raise InsufficientBalance("此卡正在转赠或已停用", field=where)
    return card
