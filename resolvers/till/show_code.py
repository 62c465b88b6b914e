"""Showing a code: random digits for one card or coupon, good for a minute, once."""

from dataclasses import dataclass
from datetime import datetime

from resolvers.app import App
from resolvers.cards.model import CardStatus, NotActive
from resolvers.coupons.model import CouponStatus
from resolvers.errors import AmountInvalid, InsufficientBalance, NotFound
from resolvers.people.model import SignedIn
from resolvers.till.model import CODE_LIFE, Code, CodeKind, new_digits


@dataclass(frozen=True, slots=True)
class Shown:
    """The digits to show, and until when they are good."""

    digits: str
    expires_at: datetime


async def show_code(
    app: App, person: SignedIn, card_id: str | None, coupon_id: str | None, max_fen: int | None
) -> Shown:
    """Make a code for one of the customer's cards or coupons; it kills the last one shown for the same thing.

    `max_fen` bounds what a till may take from a card (None: what is on it). Raises NotFound, NotActive,
    AmountInvalid, InsufficientBalance.
    """
    if (card_id is None) == (coupon_id is None):
        raise NotFound("请选择一张卡或一张券", field=("input", "cardId"))
    now = app.clock.now()
    if card_id is not None:
        card = await app.cards.card(card_id)
        if card is None or card.customer_id != person.customer_id:
            raise NotFound("没有这张卡", field=("input", "cardId"))
        if card.status is not CardStatus.ACTIVE:
            raise NotActive
        available = card.available_fen(now)
        if max_fen is not None and max_fen < 1:
            raise AmountInvalid(field=("input", "maxFen"))
        if available < (max_fen or 1):
            raise InsufficientBalance
        kind, subject_id, brand_id, bound = CodeKind.CARD, card.id, card.brand_id, max_fen or available
    else:
        coupon = await app.coupons.coupon(coupon_id or "")
        if coupon is None or coupon.customer_id != person.customer_id:
            raise NotFound("没有这张券", field=("input", "couponId"))
        if coupon.status_at(now) is not CouponStatus.AVAILABLE:
            raise NotActive("此券当前不可用")
        kind, subject_id, brand_id, bound = CodeKind.COUPON, coupon.id, coupon.brand_id, 0
    digits = new_digits()
    code = Code(
        id=app.vault.mac("till_code", digits),
        kind=kind,
        subject_id=subject_id,
        customer_id=person.customer_id,
        brand_id=brand_id,
        max_fen=bound or None,
        expires_at=now + CODE_LIFE,
    )
    await app.till.put_code(code)
    return Shown(digits, code.expires_at)
