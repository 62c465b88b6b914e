"""Undoing a redemption within its window: value back where it came from, the coupon or order as it was before."""

from resolvers.app import App
from resolvers.cards.model import Card, StatementKind
from resolvers.cards.movement import Movement, present_card, write_card
from resolvers.cards.spend import put_back
from resolvers.coupons.model import CouponStatus
from resolvers.errors import NotFound
from resolvers.gifts.give_back import settle_lapsed_gifts
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.ordering.change import write_order
from resolvers.ordering.model import OrderStatus
from resolvers.ordering.points import unearn_points
from resolvers.ordering.refund import checked_reason
from resolvers.ordering.refusals import StatusInvalid
from resolvers.passes.uses import give_uses_back, write_pass
from resolvers.people.model import Role, Staff
from resolvers.till.model import CodeKind, Redemption, UndoWindowOver
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


async def undo_redemption(app: App, staff: Staff, redemption_id: str, reason: str, key: str) -> Redemption:
    """Undo a redemption: one's own, or as a manager anybody's at one's stores.

    Raises NotFound, NotAllowed, StatusInvalid (undone already, or no reason), UndoWindowOver, IdempotencyKeyReused.
    """
    found = await app.till.redemption(redemption_id)
    if found is None or found.brand_id != staff.brand_id:
        raise NotFound("没有这条核销记录", field=("input", "redemptionId"))
    staff.require(Role.CASHIER if found.staff_id == staff.id else Role.MANAGER, found.store_id)
    reason = checked_reason(reason)
    actor = Actor(ActorKind.STAFF, staff.id)
    wanted = {"redemption": redemption_id, "reason": reason}
    await settle_lapsed_gifts(
        app, await app.people.ids_of(found.customer_id)
    )  # what was given since and lapsed can be put back

    async def steps(work: Work) -> Ids:
        if work.now >= found.undo_before:
            raise UndoWindowOver
        redemption = await app.till.undo(work.session, redemption_id, staff.id, work.now)
        if redemption is None:
            raise StatusInvalid("此核销已撤销")
        await _UNDO[redemption.kind](app, work, redemption)
        work.record_staff_action("undoRedemption", redemption_id, redemption.amount_fen, reason)
        return {"redemption": redemption_id}

    await app.work.run(Call("undoRedemption", actor, key, wanted, (found.customer_id,)), steps)
    undone = await app.till.redemption(redemption_id)
    if undone is None:
        raise NotFound
    return undone


async def _undo_card(app: App, work: Work, redemption: Redemption) -> None:
    """The entry is reversed: what was taken goes back to its lots, on whatever the card has become."""
    card = await present_card(app.cards, work, redemption.subject_id)
    if card.uses is not None:
        await _undo_pass(app, work, redemption, card)
        return
    back = await put_back(app, work, card, redemption.takes, redemption.subject_id, redemption.at)
    sales = Line(brand_account(card.brand_id, BrandAccount.SALES), -(redemption.amount_fen or 0))
    key = f"undo:{redemption.id}"
    await post(app.ledger, work, EntryKind.REVERSAL, key, card.brand_id, [sales, *back.lines], "撤销门店核销")
    line = Movement(StatementKind.REVERSAL, back.usable_fen, "撤销门店消费")
    await write_card(app.cards, work, card, back.card, [line] if back.usable_fen else [])


async def _undo_pass(app: App, work: Work, redemption: Redemption, card: Card) -> None:
    moved, key = give_uses_back(card, redemption.uses), f"undo:{redemption.id}"
    await post(app.ledger, work, EntryKind.REVERSAL, key, card.brand_id, moved.lines, "撤销门店核销")
    await write_pass(app, work, card, moved.card, StatementKind.REVERSAL, "撤销门店核销")


async def _undo_coupon(app: App, work: Work, redemption: Redemption) -> None:
    coupon = await app.coupons.coupon(redemption.subject_id, work.session)
    before = coupon.status if coupon else None
    if coupon is None or before not in (CouponStatus.REDEEMED, CouponStatus.AVAILABLE, CouponStatus.EXPIRED):
        raise StatusInvalid("此券已转赠或正在使用，不能撤销")
    uses_left = None if coupon.uses_left is None else coupon.uses_left + redemption.uses
    to = coupon.back_at(work.now)
    moved = await app.coupons.move(work.session, coupon.id, coupon.status, to, order_id=None, uses_left=uses_left)
    if moved is not None:
        work.announce(coupon.customer_id, EventKind.COUPON_CHANGED, moved, previous=coupon.status.value)


async def _undo_hand_over(app: App, work: Work, redemption: Redemption) -> None:
    order = await app.orders.order(redemption.subject_id, work.session)
    if order is None or order.status is not OrderStatus.COMPLETED or redemption.order_was is None:
        raise StatusInvalid("订单状态已变化，不能撤销")
    if await app.orders.by_verification_code(order.store_id, order.verification_code, work.session) is not None:
        raise StatusInvalid("取餐码已被新订单使用，不能撤销")
    earned = await unearn_points(app, work, order)
    await write_order(app, work, order, redemption.order_was, **earned)


_UNDO = {CodeKind.CARD: _undo_card, CodeKind.COUPON: _undo_coupon, CodeKind.ORDER: _undo_hand_over}
