"""Refunding what was bought: a top-up by what is left of it; gift cards, coupons and passes while they are whole."""

from collections.abc import Sequence
from dataclasses import replace

from resolvers.app import App
from resolvers.cards.model import Card, CardStatus, NotRefundable, StatementKind, Take, total
from resolvers.cards.movement import Movement, card_lines, write_card
from resolvers.cards.refund_rules import PURCHASES, reason_against, remains_of
from resolvers.coupons.model import Coupon, CouponStatus
from resolvers.coupons.sold import take_back
from resolvers.errors import NotFound
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.ordering.lapsed import free_lapsed
from resolvers.payments.events import tell_of_refund
from resolvers.payments.model import Payment, Purpose
from resolvers.payments.settle import request_refund
from resolvers.people.model import SignedIn
from resolvers.people.points import take_back_points
from resolvers.work.model import Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work

REASON = "退款"


async def refund_payment(app: App, person: SignedIn, payment_id: str, key: str) -> str:
    """Refund what was bought through the provider to whoever paid; answers the payment's id.

    Raises NotFound, NotRefundable (saying why), IdempotencyKeyReused.
    """
    payment = await app.payments.payment(payment_id)
    if payment is None or not person.owns(payment.customer_id) or not payment.shown:
        raise NotFound("没有这笔支付", field=("input", "paymentId"))
    actor = person.actor
    call = Call("refundPayment", actor, key, {"payment": payment_id}, (person.customer_id,))
    await free_lapsed(app, person.ids)

    async def steps(work: Work) -> Ids:
        current = await app.payments.payment(payment_id, work.session)
        if current is None or current.purpose not in PURCHASES:
            raise NotRefundable("订单请联系门店退款")
        if not current.outside:
            raise NotRefundable("现金充值请到门店办理退款")
        back_fen = await _UNDO[current.purpose](app, work, current, BrandAccount.REFUNDS_DUE)
        changed = await request_refund(app, work, current, back_fen, REASON, due=True)
        work.announce(current.customer_id, EventKind.PAYMENT_CHANGED, changed)
        tell_of_refund(work, changed, back_fen, payment_id, REASON)
        return {"payment": payment_id}

    return (await app.work.run(call, steps))["payment"]


async def undo_top_up(app: App, work: Work, payment: Payment, goes_to: BrandAccount) -> int:
    """Take back what is left of a top-up: principal, bonus, unused coupons, points; answers what goes back, in fen.

    `goes_to` is the account that the money waits in, or leaves from. Raises NotRefundable.
    """
    (card,), _ = await _checked(app, work, payment, [payment.card_id or ""])
    remains = remains_of(payment, card)
    await app.payments.set_undone(work.session, payment.id, remains.refund_fen, remains.spent_fen)
    await _void_coupons(app, work, payment)
    gone = (*remains.principal, *remains.bonus)
    revalued_fen = total(remains.principal) - remains.refund_fen
    lines = [
        *card_lines(card.id, gone, -1),
        Line(brand_account(payment.brand_id, goes_to), remains.refund_fen),
        Line(brand_account(payment.brand_id, BrandAccount.BONUS_GRANTED), total(remains.bonus) + revalued_fen),
    ]
    key = f"undo:{payment.id}"
    await post(app.ledger, work, EntryKind.TOP_UP_REFUND, key, payment.brand_id, lines, "充值退款")
    movements = [
        Movement(StatementKind.REFUND, -remains.refund_fen, "充值退款", payment_id=payment.id),
        Movement(StatementKind.REVERSAL, -total(remains.bonus), "收回赠送金", payment_id=payment.id),
        Movement(StatementKind.ADJUSTMENT, -revalued_fen, "已用赠送金按实付比例折算", payment_id=payment.id),
    ]
    await write_card(app.cards, work, card, card.less(gone), [each for each in movements if each.amount_fen])
    if payment.bonus_points:
        owner, brand_id = payment.customer_id, payment.brand_id
        await take_back_points(app, work, owner, brand_id, payment.bonus_points, key, "充值退款收回积分")
    return remains.refund_fen


async def _undo_gift_cards(app: App, work: Work, payment: Payment, goes_to: BrandAccount) -> int:
    """Close every card that a payment has bought. Raises NotRefundable unless all are whole and still the buyer's."""
    cards, _ = await _checked(app, work, payment, payment.card_ids)
    emptied = {card.id: [Take(lot.id, lot.bonus, lot.left_fen, lot.expires_at) for lot in card.lots] for card in cards}
    lines = [Line(brand_account(payment.brand_id, goes_to), payment.amount_fen)]
    for card_id, takes in emptied.items():
        lines.extend(card_lines(card_id, takes, -1))
    key = f"undo:{payment.id}"
    await post(app.ledger, work, EntryKind.TOP_UP_REFUND, key, payment.brand_id, lines, "礼品卡退款")
    for card in cards:
        closed = replace(card.less(emptied[card.id]), status=CardStatus.CLOSED)
        back = Movement(StatementKind.REFUND, -card.ledger_fen, "礼品卡退款", payment_id=payment.id)
        await write_card(app.cards, work, card, closed, [back])
    return payment.amount_fen


async def _undo_coupons(app: App, work: Work, payment: Payment, goes_to: BrandAccount) -> int:
    """Void every coupon, or close every pass, that a payment has bought. Raises NotRefundable unless all are whole."""
    cards, coupons = await _checked(app, work, payment, payment.card_ids)
    return await take_back(app, work, payment, cards, coupons, goes_to)


_UNDO = {Purpose.TOP_UP: undo_top_up, Purpose.GIFT_CARDS: _undo_gift_cards, Purpose.COUPONS: _undo_coupons}


async def _checked(app: App, work: Work, payment: Payment, card_ids: Sequence[str]) -> tuple[list[Card], list[Coupon]]:
    """Cards and coupons of a purchase that may be refunded, which is marked as taken back. Raises NotRefundable."""
    brand = await app.brands.brand(payment.brand_id, work.session)
    cards = await app.cards.cards(card_ids, work.session)
    coupons = await app.coupons.coupons(payment.coupon_ids, work.session)
    owner_ids = await app.people.ids_of(payment.customer_id, work.session)
    reason = reason_against(payment, brand, cards, work.now, coupons, owner_ids) if brand else NotRefundable.message
    if reason is not None:
        raise NotRefundable(reason, field=("input", "paymentId"))
    if not await app.payments.undo(work.session, payment.id, work.now):
        raise NotRefundable
    return cards, coupons


async def _void_coupons(app: App, work: Work, payment: Payment) -> None:
    """Void the coupons that came with a top-up and were not used; one that was is void should it come back.

    One that a friend has is the friend's. Raises NotRefundable while one waits in an order or a gift.
    """
    coupons: list[Coupon] = await app.coupons.coupons(payment.coupon_ids, work.session)
    for coupon in coupons:
        if coupon.status in (CouponStatus.HELD, CouponStatus.GIFTING):
            raise NotRefundable("充值赠送的优惠券正在使用或转赠中，请稍后再试")
        if coupon.status is CouponStatus.REDEEMED:
            used = CouponStatus.REDEEMED
            await app.coupons.move(work.session, coupon.id, used, used, revoked=True)
        if coupon.status is not CouponStatus.AVAILABLE:
            continue
        voided = await app.coupons.move(work.session, coupon.id, CouponStatus.AVAILABLE, CouponStatus.VOIDED)
        if voided is not None:
            before = CouponStatus.AVAILABLE.value
            work.announce(coupon.customer_id, EventKind.COUPON_CHANGED, voided, previous=before)
