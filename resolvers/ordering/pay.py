"""Paying an order: from cards at once, or cards held until the part at the provider, or at the till, is paid."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from resolvers.app import App
from resolvers.errors import AmountInvalid, InsufficientBalance, NotFound, PaymentUnavailable, Refused, TryAgain
from resolvers.ordering.apply_tenders import Paid, apply_tenders, check_cards
from resolvers.ordering.capture import release_waiting, release_with
from resolvers.ordering.lapsed import free_lapsed
from resolvers.ordering.model import REFUNDABLE, Order, OrderStatus
from resolvers.ordering.passes import with_passes
from resolvers.ordering.refusals import NotPayable
from resolvers.ordering.shares import awaits_provider, left_of, shares_to_pay, waiting_for
from resolvers.ordering.tenders import Parts, Tender, take_apart
from resolvers.payments.model import PaymentMethod, PaymentStatus
from resolvers.payments.open import method_here, open_at_provider, payer_openid
from resolvers.payments.poll import close_at_provider
from resolvers.people.model import SignedIn
from resolvers.people.pay_password.check import prove
from resolvers.ports import OutsideFault
from resolvers.work.model import Call
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
    share_id: str | None = None,
) -> Paying:
    """Pay an order by cards and at most one of an outside payment and cash; a new call supersedes what still waits.

    Where the people at a table share an order, each of them may pay any one share, their own or a friend's, or with
    `share_id` None all that are left; a share is paid whole, by cards and an outside payment. What is under way for
    other shares goes on, and a payment for all that are left is refused while somebody else is paying.

    What the cards pay needs the pay password; a call that is done or begun needs it no more. Raises NotFound,
    NotPayable, AmountInvalid, InsufficientBalance, PayPasswordRequired, PayPasswordWrong, PayPasswordLocked,
    PaymentUnavailable, IdempotencyKeyReused.
    """
    wanted: dict[str, Any] = {"order": order_id, "tenders": [asdict(tender) for tender in tenders]}
    if share_id is not None:
        wanted["share"] = share_id
    actor = person.actor
    call = Call("payOrder", actor, key, wanted, (person.customer_id, order_id))
    done = await app.work.answered(call)
    if done is not None:
        return Paying(order_id, done.get("payment"))
    order = await app.orders.order(order_id)
    if order is None or not person.among(order.people):
        raise NotFound("没有这个订单", field=("input", "orderId"))
    begun = await app.work.begun(call)
    if begun is None:
        try:
            return await _new(app, person, order, share_id, tenders, pay_password, call)
        except Refused:
            # A copy of this very call may have been first, and what it paid be the reason why this one is refused.
            begun = await app.work.begun(call)
            if begun is None:
                raise
    return await _go_on(app, call, order_id, begun)


async def _new(
    app: App,
    person: SignedIn,
    order: Order,
    share_id: str | None,
    tenders: Sequence[Tender],
    pay_password: str | None,
    call: Call,
) -> Paying:
    _check_payable(order, app.clock.now())
    if not order.shares and not person.owns(order.customer_id):
        raise NotPayable("此单由下单人付款")
    share_ids = shares_to_pay(order, share_id)
    if share_id is None:
        await _check_nobody_else_pays(app, person, order)
    try:
        parts = await _parts(app, person, order, share_ids, tenders)
    except InsufficientBalance:
        await free_lapsed(app, person.ids)
        parts = await _parts(app, person, order, share_ids, tenders)
    proof = await prove(app, person.customer_id, order.brand_id, parts.cards_fen, pay_password)
    await _supersede(app, waiting_for(order, share_ids))
    openid = await payer_openid(app, person) if parts.outside_fen else None
    paid = Paid(person, parts, openid, proof, share_ids)

    async def steps(work: Work) -> Ids:
        return await apply_tenders(app, work, await _payable(app, work, order.id, share_ids), paid)

    if not parts.outside_fen:
        await app.work.run(call, steps)
        return Paying(order.id, None)
    ids, opened = await app.work.begin(call, steps)
    return Paying(order.id, ids["payment"]) if opened else await _open(app, call, order.id, ids)


async def _check_nobody_else_pays(app: App, person: SignedIn, order: Order) -> None:
    """All that is left of a shared order cannot be paid while somebody else has a payment for a part of it open."""
    waiting = await app.payments.payments(order.waiting_payment_ids) if order.shares else []
    if any(each.outside and not person.owns(each.customer_id) for each in waiting):
        raise NotPayable("同桌有人正在支付，请稍后再试")


async def _parts(
    app: App, person: SignedIn, order: Order, share_ids: tuple[str, ...], tenders: Sequence[Tender]
) -> Parts:
    """What each tender pays; what this payment takes the place of counts as free, for it is let go of first."""
    freed = waiting_for(order, share_ids)
    if order.shares and any(tender.method in _WHOLE_ONLY for tender in tenders):
        raise AmountInvalid("分摊付款不能使用次卡或现金", field=("input", "tenders"))
    found = await with_passes(app, person, order.store_id, order.pick_up_at, order.lines, tenders, freed)
    parts = take_apart(left_of(order, share_ids), found, method_here(person))
    await check_cards(app, person, order, parts, freed)
    return parts


# A pass pays for dishes and not for a sum; what is taken at the till is taken for the whole order.
_WHOLE_ONLY = (PaymentMethod.PASS, PaymentMethod.CASH)


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
        await release_with(app, work, order_id, ids["payment"], PaymentStatus.FAILED)
        return {}

    if "payment" not in ids:  # never so while the call's row is there
        raise TryAgain
    await open_at_provider(app, call, ids["payment"], None, failed)
    return Paying(order_id, ids["payment"])


async def _supersede(app: App, payment_ids: Sequence[str]) -> None:
    """Close the outside payment among these that still waits, at the provider first.

    Raises NotPayable when it turns out to be paid, PaymentUnavailable when the provider cannot say.
    """
    for payment in await app.payments.payments(payment_ids):
        if not payment.outside or payment.status is not PaymentStatus.PENDING:
            continue
        try:
            closed = await close_at_provider(app, payment)
        except OutsideFault as error:
            raise PaymentUnavailable from error
        if not closed:
            raise NotPayable("订单已支付")


async def _payable(app: App, work: Work, order_id: str, share_ids: tuple[str, ...]) -> Order:
    """The order as it waits to be paid; what was held until cash would come is let go. Raises NotFound, NotPayable."""
    order = await app.orders.order(order_id, work.session)
    if order is None:
        raise NotFound
    _check_payable(order, work.now)
    if awaits_provider(order, share_ids):
        raise NotPayable
    if any(not share.left_fen for share in order.shares if share.id in share_ids):
        raise NotPayable("这一份已付清")
    waiting = waiting_for(order, share_ids)
    if waiting:
        order = await release_waiting(app, work, order, PaymentStatus.CLOSED, waiting)
    return order


def _check_payable(order: Order, now: datetime) -> None:
    if order.status is not OrderStatus.AWAITING_PAYMENT:
        raise NotPayable("订单已支付" if order.status in REFUNDABLE else None)
    # What is open at a provider may still come through and keeps the order alive; nothing new is begun after its time.
    if order.pay_before <= now:
        raise NotPayable("已过支付时间")
