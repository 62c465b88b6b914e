"""Paying an order: from cards at once, or cards held until the part at the provider, or at the till, is paid."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from resolvers.app import App
from resolvers.errors import InsufficientBalance, NotFound, PaymentUnavailable, Refused, TryAgain
from resolvers.ordering.apply_tenders import Paid, apply_tenders, check_cards
from resolvers.ordering.capture import release_waiting
from resolvers.ordering.lapsed import free_lapsed
from resolvers.ordering.model import REFUNDABLE, Order, OrderStatus
from resolvers.ordering.passes import with_passes
from resolvers.ordering.refusals import NotPayable
from resolvers.ordering.tenders import Parts, Tender, take_apart
from resolvers.payments.model import PaymentStatus
from resolvers.payments.open import method_here, open_at_provider, payer_openid
from resolvers.payments.poll import close_at_provider
from resolvers.people.model import SignedIn
from resolvers.people.pay_password.check import prove
from resolvers.ports import OutsideFault
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


@dataclass(frozen=True, slots=True)
class Paying:
    """The order, and the payment that waits for the chat platform, if any."""

    order_id: str
    payment_id: str | None


async def pay_order(
    app: App,
    person: SignedIn,
    order_id: str,
    tenders: Sequence[Tender],
    key: str,
    pay_password: str | None = None,
) -> Paying:
    """Pay an order by cards and at most one of an outside payment and cash; a new call supersedes what still waits.

    What the cards pay needs the pay password; a call that is done or begun needs it no more. Raises NotFound,
    NotPayable, AmountInvalid, InsufficientBalance, PayPasswordRequired, PayPasswordWrong, PayPasswordLocked,
    PaymentUnavailable, IdempotencyKeyReused.
    """
    wanted = {"order": order_id, "tenders": [asdict(tender) for tender in tenders]}
    call = Call("payOrder", Actor(ActorKind.CUSTOMER, person.customer_id), key, wanted, (person.customer_id,))
    done = await app.work.answered(call)
    if done is not None:
        return Paying(order_id, done.get("payment"))
    order = await app.orders.order(order_id)
    if order is None or order.customer_id != person.customer_id:
        raise NotFound("没有这个订单", field=("input", "orderId"))
    begun = await app.work.begun(call)
    if begun is None:
        try:
            return await _new(app, person, order, tenders, pay_password, call)
        except Refused:
            # A copy of this very call may have been first, and what it paid be the reason why this one is refused.
            begun = await app.work.begun(call)
            if begun is None:
                raise
    return await _go_on(app, call, order_id, begun)


async def _new(
    app: App, person: SignedIn, order: Order, tenders: Sequence[Tender], pay_password: str | None, call: Call
) -> Paying:
    if order.status is not OrderStatus.AWAITING_PAYMENT or order.lapsed(app.clock.now()):
        raise NotPayable("订单已支付" if order.status in REFUNDABLE else None)
    try:
        parts = await _parts(app, person, order, tenders)
    except InsufficientBalance:
        await free_lapsed(app, person.customer_id)
        parts = await _parts(app, person, order, tenders)
    proof = await prove(app, person.customer_id, order.brand_id, parts.cards_fen, pay_password)
    await _supersede(app, order)
    openid = await payer_openid(app, person) if parts.outside_fen else None
    paid = Paid(person, parts, openid, proof)

    async def steps(work: Work) -> Ids:
        return await apply_tenders(app, work, await _payable(app, work, order.id), paid)

    if not parts.outside_fen:
        await app.work.run(call, steps)
        return Paying(order.id, None)
    ids, opened = await app.work.begin(call, steps)
    return Paying(order.id, ids["payment"]) if opened else await _open(app, call, order.id, ids)


async def _parts(app: App, person: SignedIn, order: Order, tenders: Sequence[Tender]) -> Parts:
    """What each tender pays; what this order itself holds counts as free, for it is let go of first."""
    freed = order.waiting_payment_ids
    found = await with_passes(app, person, order.store_id, order.pick_up_at, order.lines, tenders, freed)
    parts = take_apart(order.left_fen, found, method_here(person))
    await check_cards(app, order, parts)
    return parts


async def _go_on(app: App, call: Call, order_id: str, begun: Ids) -> Paying:
    """What was cut off between its two transactions goes on where it stopped; what a copy has done is the answer."""
    if "payment" in begun:
        return await _open(app, call, order_id, begun)
    if await app.work.answered(call) is None:  # the copy came to nothing and took its row away
        raise TryAgain
    return Paying(order_id, None)


async def _open(app: App, call: Call, order_id: str, ids: Ids) -> Paying:
    """Open the outside part; `capture_order` goes on when the provider says that it is paid."""

    async def failed(work: Work) -> Ids:
        current = await app.orders.order(order_id, work.session)
        if current is not None:
            await release_waiting(app, work, current, PaymentStatus.FAILED)
        return {}

    if "payment" not in ids:  # never so while the call's row is there
        raise TryAgain
    await open_at_provider(app, call, ids["payment"], None, failed)
    return Paying(order_id, ids["payment"])


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
    """The order as it waits to be paid; what was held until cash would come is let go. Raises NotFound, NotPayable."""
    order = await app.orders.order(order_id, work.session)
    if order is None:
        raise NotFound
    if order.status is not OrderStatus.AWAITING_PAYMENT or order.lapsed(work.now) or order.awaits_provider:
        raise NotPayable
    if order.waiting_payment_ids:
        order = await release_waiting(app, work, order, PaymentStatus.CLOSED)
    return order
