"""What may be refunded of a purchase (a top-up, gift cards, coupons, passes), and how much. Pure."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from resolvers.brands.model import Brand
from resolvers.cards.model import Card, CardStatus, Take, total
from resolvers.coupons.model import Coupon, CouponStatus
from resolvers.payments.model import Payment, PaymentStatus, Purpose

PURCHASES = (Purpose.TOP_UP, Purpose.GIFT_CARDS, Purpose.COUPONS)


@dataclass(frozen=True, slots=True)
class Remains:
    """What is left of a top-up's own lots on its card, and what of it goes back, in fen.

    Everything that is left leaves the card: what was spent counts at paid ÷ (paid + bonus), so principal that is left
    beyond the refund is the price of bonus that was spent.
    """

    principal: tuple[Take, ...]
    bonus: tuple[Take, ...]
    refund_fen: int
    spent_fen: int = 0


def refund_fen(paid_fen: int, bonus_fen: int, spent_fen: int, principal_left_fen: int) -> int:
    """What goes back of P paid with B bonus of which S was spent: min(principal left, P - ⌈S·P/(P+B)⌉), in fen."""
    used_fen = -(-spent_fen * paid_fen // (paid_fen + bonus_fen))
    return max(0, min(principal_left_fen, paid_fen - used_fen))


def remains_of(payment: Payment, card: Card) -> Remains:
    """What is left of a top-up. Bonus that lapsed, whether posted yet or not, was not spent."""
    own = {lot.lot_id for lot in payment.lots}
    left = [Take(lot.id, lot.bonus, lot.left_fen, lot.expires_at) for lot in card.lots if lot.id in own]
    principal = tuple(take for take in left if not take.bonus)
    bonus = tuple(take for take in left if take.bonus)
    spent_fen = max(0, payment.amount_fen + payment.bonus_fen - total(left) - payment.lapsed_fen)
    back_fen = refund_fen(payment.amount_fen, payment.bonus_fen, spent_fen, total(principal))
    return Remains(principal, bonus, back_fen, spent_fen)


def refundable_fen(
    payment: Payment,
    brand: Brand,
    cards: Sequence[Card],
    now: datetime,
    coupons: Sequence[Coupon] = (),
    owner_ids: Collection[str] = (),
) -> int | None:
    """What refunding a purchase would give back now, in fen; None when it cannot be refunded. Further as below."""
    if reason_against(payment, brand, cards, now, coupons, owner_ids) is not None:
        return None
    return remains_of(payment, cards[0]).refund_fen if payment.purpose is Purpose.TOP_UP else payment.amount_fen


def reason_against(
    payment: Payment,
    brand: Brand,
    cards: Sequence[Card],
    now: datetime,
    coupons: Sequence[Coupon] = (),
    owner_ids: Collection[str] = (),
) -> str | None:
    """Why a purchase cannot be refunded, in zh-CN; None when it can.

    `cards` and `coupons` are those it topped up, bought or got on top; `owner_ids` the further ids of whoever paid.
    """
    if payment.purpose not in PURCHASES:
        return "订单请联系门店退款"
    if payment.undone_at is not None or payment.refunded_fen + payment.refunding_fen:
        return "此笔支付已退款或正在退款"
    if payment.status is not PaymentStatus.SUCCEEDED:
        return "此笔支付尚未成功"
    days = brand.settings.top_up_refund_days
    if now >= (payment.paid_at or payment.created_at) + timedelta(days=days):
        return f"已超过 {days} 天退款期"
    if payment.purpose is Purpose.COUPONS:
        return _against_coupons(payment, cards, coupons, now)
    for card in cards:
        if card.customer_id not in (payment.customer_id, *owner_ids) or card.status is not CardStatus.ACTIVE:
            return "卡已转赠或停用，不能退款"
        if card.holds:
            return "卡内有未完成的支付，请稍后再试"
    if not cards:
        return "卡已转赠或停用，不能退款"
    if payment.purpose is Purpose.TOP_UP:
        return None if remains_of(payment, cards[0]).refund_fen else "此次充值已用完"
    bought = len(payment.card_ids)
    untouched = [card for card in cards if card.ledger_fen == payment.face_value_fen]
    return None if len(untouched) == bought else "礼品卡已使用，不能退款"


def _against_coupons(payment: Payment, cards: Sequence[Card], coupons: Sequence[Coupon], now: datetime) -> str | None:
    whole = [each for each in coupons if each.status_at(now) is CouponStatus.AVAILABLE]
    whole = [each for each in whole if each.uses_left is None or each.uses_left == payment.uses_each]
    unused = [each for each in cards if each.status_at(now) is CardStatus.ACTIVE and each.uses is not None]
    unused = [each for each in unused if each.uses is not None and each.free_uses == each.uses.bought]
    if len(whole) + len(unused) == payment.quantity:
        return None
    return "券已使用、转赠或过期，或正在使用中，不能退款"
