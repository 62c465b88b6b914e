"""Redeeming at the till: a card's code takes an amount, a coupon's uses it, an order's hands the order over."""

from dataclasses import replace
from datetime import timedelta

from resolvers.app import App
from resolvers.cards.model import CardStatus, StatementKind
from resolvers.cards.movement import Movement, card_lines, write_card
from resolvers.cards.spend import pick
from resolvers.coupons.model import CouponStatus
from resolvers.errors import AmountInvalid, InsufficientBalance, NotFound
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.ordering.change import write_order
from resolvers.ordering.model import OrderStatus
from resolvers.ordering.points import earn_points
from resolvers.people.model import Staff
from resolvers.till.codes import counting_tries, coupon_behind, good_code, order_behind, read_digits, staffed
from resolvers.till.model import CODE_LENGTH, AlreadyRedeemed, Code, CodeKind, NotRedeemable, Redemption
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


async def redeem_code(
    app: App, staff: Staff, store_id: str, digits: str, amount_fen: int | None, key: str
) -> Redemption:
    """Redeem what a customer shows, at one of the staff's stores.

    Raises NotAllowed, NotFound, CodeInvalid, CodeExpired, AlreadyRedeemed, WrongStore, NotRedeemable, AmountInvalid,
    InsufficientBalance, TooManyTries, IdempotencyKeyReused.
    """
    await staffed(app, staff, store_id)
    digits = read_digits(digits)
    code_id = app.vault.mac("till_code", digits)
    wanted = {"store": store_id, "code": code_id, "amount": amount_fen}
    code = await app.till.code(code_id) if len(digits) == CODE_LENGTH else None
    call = Call("redeemCode", Actor(ActorKind.STAFF, staff.id), key, wanted, (code.customer_id if code else digits,))

    async def steps(work: Work) -> Ids:
        if code is not None and code.brand_id == staff.brand_id:
            redemption = await _redeem(app, work, staff, store_id, code, amount_fen)
        else:
            redemption = await _hand_over(app, work, staff, store_id, digits, amount_fen)
        await app.till.insert_redemption(work.session, redemption)
        work.record_staff_action("redeemCode", redemption.subject_id, redemption.amount_fen, redemption.kind.value)
        return {"redemption": redemption.id}

    async with app.work.alone(call):  # copies of one call are one try
        ids = await app.work.answered(call)
        if ids is None:
            ids = await counting_tries(app, staff, store_id, lambda: app.work.run(call, steps))
    redemption = await app.till.redemption(ids["redemption"])
    if redemption is None:
        raise NotFound
    return redemption


async def _redeem(app: App, work: Work, staff: Staff, store_id: str, code: Code, amount_fen: int | None) -> Redemption:
    current = await good_code(app, code.id, store_id, work.now, work.session)
    if not await app.till.use(work.session, current, work.now):
        raise AlreadyRedeemed
    if current.kind is CodeKind.CARD:
        return await _take_from_card(app, work, staff, store_id, current, amount_fen)
    return await _use_coupon(app, work, staff, store_id, current, amount_fen)


async def _take_from_card(
    app: App, work: Work, staff: Staff, store_id: str, code: Code, amount_fen: int | None
) -> Redemption:
    card = await app.cards.card(code.subject_id, work.session)
    if card is None or card.status is not CardStatus.ACTIVE:
        raise NotRedeemable
    if amount_fen is None or amount_fen < 1:
        raise AmountInvalid("请输入扣款金额", field=("input", "amountFen"))
    if amount_fen > (code.max_fen or 0):
        raise InsufficientBalance("超过顾客设定的上限或卡内余额", field=("input", "amountFen"))
    takes = await pick(app, work, card, amount_fen)
    redemption = await _redemption(app, work, staff, store_id, code, card.title, amount_fen)
    redemption = replace(redemption, takes=takes)
    lines = [
        *card_lines(card.id, takes, -1),
        Line(brand_account(card.brand_id, BrandAccount.SALES), amount_fen),
    ]
    await post(app.ledger, work, EntryKind.PURCHASE, f"redeem:{redemption.id}", card.brand_id, lines, "门店核销")
    bought = Movement(StatementKind.PURCHASE, -amount_fen, "门店消费")
    await write_card(app.cards, work, card, card.less(takes), [bought])
    return redemption


async def _use_coupon(
    app: App, work: Work, staff: Staff, store_id: str, code: Code, amount_fen: int | None
) -> Redemption:
    coupon = await coupon_behind(app, code, store_id, work.now, work.session)
    if amount_fen is not None:
        raise AmountInvalid("优惠券核销不需要金额", field=("input", "amountFen"))
    uses_left = None if coupon.uses_left is None else coupon.uses_left - 1
    to = CouponStatus.AVAILABLE if uses_left else CouponStatus.REDEEMED
    moved = await app.coupons.move(work.session, coupon.id, CouponStatus.AVAILABLE, to, uses_left=uses_left)
    if moved is None:
        raise NotRedeemable
    work.announce(coupon.customer_id, EventKind.COUPON_CHANGED, moved, previous=CouponStatus.AVAILABLE.value)
    return await _redemption(app, work, staff, store_id, code, coupon.title, None)


async def _hand_over(
    app: App, work: Work, staff: Staff, store_id: str, digits: str, amount_fen: int | None
) -> Redemption:
    """An order's verification code: the order is handed over and so COMPLETED."""
    order = await order_behind(app, store_id, digits, work.session)
    if amount_fen is not None:
        raise AmountInvalid("取餐码核销不需要金额", field=("input", "amountFen"))
    earned = await earn_points(app, work, order)
    await write_order(app, work, order, OrderStatus.COMPLETED, **earned)
    code = Code("", CodeKind.ORDER, order.id, order.customer_id, order.brand_id, None, work.now)
    redemption = await _redemption(app, work, staff, store_id, code, f"订单 {order.number}", None)
    return replace(redemption, order_was=order.status)


async def _redemption(
    app: App, work: Work, staff: Staff, store_id: str, code: Code, what: str, amount_fen: int | None
) -> Redemption:
    brand = await app.brands.brand(code.brand_id)
    return Redemption(
        id=work.new_id("red"),
        kind=code.kind,
        what=what,
        subject_id=code.subject_id,
        customer_id=code.customer_id,
        brand_id=code.brand_id,
        store_id=store_id,
        staff_id=staff.id,
        amount_fen=amount_fen,
        at=work.now,
        undo_before=work.now + timedelta(hours=brand.settings.undo_hours if brand else 48),
    )
