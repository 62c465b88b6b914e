"""Redeeming at the till: a card's code takes an amount, a coupon's uses it, an order's hands the order over."""

from datetime import timedelta

from resolvers.app import App
from resolvers.cards.model import CardStatus, StatementKind
from resolvers.cards.movement import Movement, card_lines, write_card
from resolvers.coupons.model import CouponStatus
from resolvers.errors import AmountInvalid, InsufficientBalance, NotFound
from resolvers.ledger.model import BrandAccount, EntryKind, Line, brand_account
from resolvers.ledger.posting import post
from resolvers.live.model import EventKind
from resolvers.ordering.change import write_order
from resolvers.ordering.model import OPEN, OrderStatus
from resolvers.people.model import Role, Staff
from resolvers.till.model import (
    CODE_LENGTH,
    AlreadyRedeemed,
    Code,
    CodeExpired,
    CodeInvalid,
    CodeKind,
    NotRedeemable,
    Redemption,
    TooManyTries,
)
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids, Verb
from resolvers.work.unit import Work

VERIFICATION_LENGTH = 6


async def redeem_code(
    app: App, staff: Staff, store_id: str, digits: str, amount_fen: int | None, key: str
) -> Redemption:
    """Redeem what a customer shows, at one of the staff's stores.

    Raises NotAllowed, NotFound, CodeInvalid, CodeExpired, AlreadyRedeemed, NotRedeemable, AmountInvalid,
    InsufficientBalance, TooManyTries, IdempotencyKeyReused.
    """
    store = await app.brands.store(store_id)
    if store is None or store.brand_id != staff.brand_id:
        raise NotFound("没有这家门店", field=("input", "storeId"))
    staff.require(Role.CASHIER, store_id)
    digits = "".join(digits.split())
    if len(digits) not in (CODE_LENGTH, VERIFICATION_LENGTH) or not digits.isascii() or not digits.isdigit():
        raise CodeInvalid("请输入 18 位卡券码或 6 位取餐码", field=("input", "code"))
    code_id = app.vault.mac("till_code", digits)
    wanted = {"store": store_id, "code": code_id, "amount": amount_fen}
    code = await app.till.code(code_id) if len(digits) == CODE_LENGTH else None
    call = Call("redeemCode", Actor(ActorKind.STAFF, staff.id), key, wanted, (code.customer_id if code else digits,))

    async def steps(work: Work) -> Ids:
        if code is not None and code.brand_id == staff.brand_id:
            redemption = await _redeem(app, work, staff, store_id, code, amount_fen)
        else:
            redemption = await _hand_over(app, work, staff, store_id, digits)
        await app.till.insert_redemption(work.session, redemption)
        work.record_staff_action("redeemCode", redemption.subject_id, redemption.amount_fen, redemption.kind.value)
        return {"redemption": redemption.id}

    ids = await app.work.answered(call) or await _counting_tries(app, staff, store_id, call, steps)
    redemption = await app.till.redemption(ids["redemption"])
    if redemption is None:
        raise NotFound
    return redemption


async def _counting_tries(app: App, staff: Staff, store_id: str, call: Call, steps: Verb) -> Ids:
    """Run a redemption as one more try, counted before the code is judged; only wrong codes stay counted."""
    blocked_until = await app.till.take_try(staff.id, store_id, app.clock.now())
    if blocked_until is not None:
        raise TooManyTries(retry_at=blocked_until)
    try:
        ids = await app.work.run(call, steps)
    except CodeInvalid:
        raise
    except BaseException:
        await app.till.return_try(staff.id, store_id)
        raise
    await app.till.return_try(staff.id, store_id)
    return ids


async def _redeem(app: App, work: Work, staff: Staff, store_id: str, code: Code, amount_fen: int | None) -> Redemption:
    current = await app.till.code(code.id, work.session)
    if current is None:
        raise CodeInvalid
    if current.used_at is not None:
        raise AlreadyRedeemed
    if current.expires_at <= work.now or not await app.till.is_newest(current, work.session):
        raise CodeExpired
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
    takes = card.pick(amount_fen, work.now)
    redemption = await _redemption(app, work, staff, store_id, code, card.title, amount_fen)
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
    coupon = await app.coupons.coupon(code.subject_id, work.session)
    if coupon is None or coupon.status_at(work.now) is not CouponStatus.AVAILABLE:
        raise NotRedeemable
    if amount_fen is not None:
        raise AmountInvalid("优惠券核销不需要金额", field=("input", "amountFen"))
    uses_left = None if coupon.uses_left is None else coupon.uses_left - 1
    to = CouponStatus.AVAILABLE if uses_left else CouponStatus.REDEEMED
    moved = await app.coupons.move(work.session, coupon.id, CouponStatus.AVAILABLE, to, uses_left=uses_left)
    if moved is None:
        raise NotRedeemable
    work.announce(coupon.customer_id, EventKind.COUPON_CHANGED, moved, previous=CouponStatus.AVAILABLE.value)
    return await _redemption(app, work, staff, store_id, code, coupon.title, None)


async def _hand_over(app: App, work: Work, staff: Staff, store_id: str, digits: str) -> Redemption:
    """An order's verification code: the order is handed over and so COMPLETED."""
    order = None
    if len(digits) == VERIFICATION_LENGTH:
        order = await app.orders.by_verification_code(store_id, digits, work.session)
    if order is None:
        again = None if len(digits) == CODE_LENGTH else "没有这个取餐码，请核对号码"
        raise CodeInvalid(again, field=("input", "code"))
    if order.status not in OPEN:
        raise NotRedeemable("订单还没有付款")
    await write_order(app, work, order, OrderStatus.COMPLETED)
    code = Code("", CodeKind.ORDER, order.id, order.customer_id, order.brand_id, None, work.now)
    return await _redemption(app, work, staff, store_id, code, f"订单 {order.number}", None)


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
