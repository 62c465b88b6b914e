"""Gifts that nobody claimed in time, before a sweeper has given them back: what their giver's wallet is by now.

Queries write nothing, so they show cards and coupons as they will be; verbs give back first (`settle_lapsed_gifts`).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from resolvers.app import App
from resolvers.cards.model import Card, CardStatus
from resolvers.cards.spend import what_comes_back
from resolvers.coupons.model import Coupon, CouponStatus
from resolvers.gifts.model import Gift
from resolvers.mongo import Session


async def lapsed_gifts(
    app: App, giver_ids: tuple[str, ...], now: datetime, session: Session | None = None
) -> list[Gift]:
    """What of one's own gifts nobody claimed in time, each with the lots that it brings back: nearly always none."""
    found = await app.gifts.lapsed_of(giver_ids, now, session)
    return [await _with_returns(app, gift, now, session) for gift in found]


async def _with_returns(app: App, gift: Gift, now: datetime, session: Session | None) -> Gift:
    if not gift.takes:
        return gift
    back = await what_comes_back(app, session, gift.takes, gift.card_id or "", gift.created_at, now)
    return replace(gift, takes=back.live)


def card_with_returns(card: Card, lapsed: Sequence[Gift]) -> Card:
    """The card with what these lapsed gifts bring back; one that was given whole can be used again."""
    if _is_away(card, lapsed):
        return card
    for gift in lapsed:
        if gift.card_id != card.id:
            continue
        if card.uses is not None:
            card = replace(card, uses=replace(card.uses, left=card.uses.left + gift.uses))
        card = card.plus(gift.takes)
        if gift.whole:
            card = replace(card, status=CardStatus.ACTIVE)
    return card


def returned_apart(cards: Iterable[Card], lapsed: Sequence[Gift], now: datetime) -> int:
    """What comes back, in fen, to a card of its own: the card that it was part of was given away, or is on its way."""
    away = {card.id for card in cards if _is_away(card, lapsed)}
    return sum(gift.usable_fen(now) for gift in lapsed if gift.card_id in away)


def _is_away(card: Card, lapsed: Sequence[Gift]) -> bool:
    if card.status is not CardStatus.GIFTING:
        return card.status is CardStatus.GIFTED
    return not any(gift.whole and gift.card_id == card.id for gift in lapsed)


def coupon_with_return(coupon: Coupon, lapsed: Iterable[Gift], now: datetime) -> Coupon:
    """The coupon as it is once its lapsed gift has come back."""
    if coupon.status is CouponStatus.GIFTING and any(gift.coupon_id == coupon.id for gift in lapsed):
        return replace(coupon, status=coupon.back_at(now))
    return coupon


def whole_cards(lapsed: Sequence[Gift]) -> list[str]:
    """The cards that are called GIFTING and can be used again."""
    return [gift.card_id for gift in lapsed if gift.whole and gift.card_id is not None]


def coupons_back(lapsed: Sequence[Gift]) -> list[str]:
    """The coupons that are called GIFTING and are not any more."""
    return [gift.coupon_id for gift in lapsed if gift.coupon_id is not None]
