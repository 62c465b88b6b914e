"""Looking at a code before it is redeemed: consumes nothing, but wrong codes count as tries."""

from dataclasses import dataclass

from resolvers.app import App
from resolvers.cards.model import Card, CardStatus
from resolvers.coupons.model import Coupon
from resolvers.ordering.model import Order
from resolvers.people.model import Staff
from resolvers.till.codes import (
    check_pass,
    counting_tries,
    coupon_behind,
    good_code,
    order_behind,
    read_digits,
    staffed,
)
from resolvers.till.model import CODE_LENGTH, CodeInvalid, CodeKind, NotRedeemable


@dataclass(frozen=True, slots=True)
class Preview:
    """What a code stands for, and whose it is."""

    kind: CodeKind
    title: str
    customer_id: str
    amount_needed: bool = False
    card: Card | None = None
    order: Order | None = None
    coupon: Coupon | None = None


async def preview_code(app: App, staff: Staff, store_id: str, digits: str) -> Preview:
    """What a code stands for, at one of the staff's stores.

    Raises NotAllowed, NotFound, CodeInvalid, CodeExpired, AlreadyRedeemed, WrongStore, NotRedeemable, TooManyTries.
    """
    await staffed(app, staff, store_id)
    digits = read_digits(digits)
    return await counting_tries(app, staff, store_id, lambda: _look(app, staff, store_id, digits))


async def _look(app: App, staff: Staff, store_id: str, digits: str) -> Preview:
    if len(digits) != CODE_LENGTH:
        order = await order_behind(app, store_id, digits)
        return Preview(CodeKind.ORDER, f"订单 {order.number}", order.customer_id, order=order)
    code_id, now = app.vault.mac("till_code", digits), app.clock.now()
    known = await app.till.code(code_id)
    if known is None or known.brand_id != staff.brand_id:
        raise CodeInvalid
    code = await good_code(app, code_id, store_id, now)
    if code.kind is CodeKind.CARD:
        card = await app.cards.card(code.subject_id)
        if card is None or card.status_at(now) is not CardStatus.ACTIVE:
            raise NotRedeemable
        if card.uses is not None:
            await check_pass(app, card, store_id, now)
        return Preview(code.kind, card.title, code.customer_id, amount_needed=card.uses is None, card=card)
    coupon = await coupon_behind(app, code, store_id, now)
    return Preview(code.kind, coupon.title, code.customer_id, coupon=coupon)
