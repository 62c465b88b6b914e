"""Applying tenders to an order in the caller's transaction: cards taken, or held for what the rest waits for."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from resolvers.app import App
from resolvers.cards.model import Card, CardStatus
from resolvers.errors import AmountInvalid, InsufficientBalance, NotFound
from resolvers.live.model import EventKind
from resolvers.ordering.capture import hold_part, paid_for, take_part
from resolvers.ordering.change import write_order
from resolvers.ordering.model import Order
from resolvers.ordering.passes import check_active
from resolvers.ordering.shares import left_of, with_waiting
from resolvers.ordering.take_cash import cash_payment
from resolvers.ordering.tenders import CARD_METHODS, CardPart, Parts
from resolvers.passes.uses import check_uses
from resolvers.payments.model import PaymentMethod, PaymentStatus, Purpose
from resolvers.payments.open import outside_payment
from resolvers.people.model import SignedIn
from resolvers.people.pay_password.check import uphold
from resolvers.people.pay_password.model import Proof
from resolvers.work.run import Ids
from resolvers.work.unit import Work

LEAST_LIFE = timedelta(minutes=1)  # of a payment: the providers want at least that


@dataclass(frozen=True, slots=True)
class Paid:
    """Who pays, with what: `openid` when a part is paid at the provider, `proof` when cards pay and need it.

    `share_ids` are the shares that are paid, of an order that has any.
    """

    person: SignedIn
    parts: Parts
    openid: str | None = None
    proof: Proof | None = None
    share_ids: tuple[str, ...] = ()


async def apply_tenders(app: App, work: Work, order: Order, paid: Paid) -> Ids:
    """Pay an order, or shares of it, from the payer's cards, or hold them until the outside part or the cash is there.

    Answers the order's id, and that of the payment that is to be opened at the provider, if any. Raises NotFound,
    AmountInvalid, InsufficientBalance, and the refusals of the pay password.
    """
    parts = paid.parts
    left_fen = left_of(order, paid.share_ids)
    if parts.cards_fen + parts.outside_fen + parts.cash_fen != left_fen:  # cash was taken meanwhile
        raise AmountInvalid("应付金额已变化，请重新支付", field=("input", "tenders"))
    await uphold(app, work, paid.proof, order.brand_id, parts.cards_fen)
    cards = [(part, await usable_card(app, work, paid.person, order, part)) for part in parts.cards]
    if not parts.outside_fen and not parts.cash_fen:
        payment_ids = [await take_part(app, work, order, card, part) for part, card in cards]
        await paid_for(app, work, order, dict.fromkeys(paid.share_ids, payment_ids))
        return {"order": order.id}
    waiting = [await hold_part(app, work, order, card, part) for part, card in cards]
    if parts.cash_fen:
        left = cash_payment(work, order, parts.cash_fen, PaymentStatus.PENDING)
    else:
        life = max(order.pay_before - work.now, LEAST_LIFE)
        drafted = outside_payment(
            work,
            paid.person,
            paid.openid or "",
            order.brand_id,
            Purpose.ORDER,
            parts.outside_fen,
            f"订单 {order.number}",
            life,
        )
        left = replace(drafted, order_id=order.id)
    await app.payments.insert(work.session, left)
    if left.shown:
        work.announce(left.customer_id, EventKind.PAYMENT_CHANGED, left)
    await write_order(app, work, with_waiting(order, paid.share_ids, (*waiting, left.id), outside=left.outside))
    return {"order": order.id, **({"payment": left.id} if left.outside else {})}


async def check_cards(app: App, person: SignedIn, order: Order, parts: Parts, freed: Collection[str]) -> None:
    """Refuse what cannot be paid before a pending payment is given up for it.

    What payments in `freed` hold on a card counts as free: it is let go first. Raises NotFound, InsufficientBalance.
    """
    for part in parts.cards:
        card = _usable(await app.cards.card(part.card_id), person, order, part, app.clock.now())
        for payment_id in freed:
            card = card.without_hold(payment_id)
        if part.covers:
            check_uses(card, part.uses)
        else:
            card.pick(part.amount_fen, app.clock.now())


async def usable_card(app: App, work: Work, person: SignedIn, order: Order, part: CardPart) -> Card:
    """The card of a part. Somebody else's, another brand's or another kind's is as good as absent.

    Raises NotFound, InsufficientBalance.
    """
    return _usable(await app.cards.card(part.card_id, work.session), person, order, part, work.now)


def _usable(card: Card | None, person: SignedIn, order: Order, part: CardPart, now: datetime) -> Card:
    where = ("input", "tenders")
    if card is None or not person.owns(card.customer_id) or card.brand_id != order.brand_id:
        raise NotFound("没有这张卡", field=where)
    if card.kind is not CARD_METHODS[part.method]:
        raise NotFound("没有这张卡", field=where)
    if part.method is PaymentMethod.PASS:
        check_active(card, now)
    if card.status is not CardStatus.ACTIVE:
        raise InsufficientBalance("此卡正在转赠或已停用", field=where)
    return card
