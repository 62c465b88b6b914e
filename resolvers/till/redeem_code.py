"""Redeeming at the till: a card's code takes an amount or uses, a coupon's uses it, an order's hands it over."""

from dataclasses import dataclass, replace
from datetime import timedelta

from resolvers.app import App
from resolvers.cards.model import Card, CardStatus, StatementKind
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
from resolvers.passes.uses import take_uses, write_pass
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
from resolvers.till.model import CODE_LENGTH, AlreadyRedeemed, Code, CodeKind, NotRedeemable, Redemption
from resolvers.work.model import Actor, ActorKind, Call
from resolvers.work.run import Ids
from resolvers.work.unit import Work


@dataclass(frozen=True, slots=True)
class Asked:
    """What the till takes: a sum in fen of a card with a balance, so many uses of a pass or a BUY_GET coupon."""

    amount_fen: int | None
    uses: int | None

    def check_one(self) -> None:
        """Raise AmountInvalid when more than one use is asked of a thing that has just one."""
        if self.uses not in (None, 1):
            raise AmountInvalid("此卡券不能按次数核销", field=("input", "uses"))

    def count(self, left: int) -> int:
        """How many uses: one unless it says more. Raises AmountInvalid, InsufficientBalance."""
        if self.amount_fen is not None:
            raise AmountInvalid("此卡券按次核销，不需要金额", field=("input", "amountFen"))
        uses = 1 if self.uses is None else self.uses
        if uses < 1:
            raise AmountInvalid("次数至少为 1", field=("input", "uses"))
        if uses > left:
            raise InsufficientBalance(f"剩余 {left} 次，不足 {uses} 次", field=("input", "uses"))
        return uses


async def redeem_code(
    app: App, staff: Staff, store_id: str, digits: str, amount_fen: int | None, key: str, uses: int | None = None
) -> Redemption:
    """Redeem what a customer shows, at one of the staff's stores. `uses`: of a pass or a BUY_GET coupon; None: one.

    Raises NotAllowed, NotFound, CodeInvalid, CodeExpired, AlreadyRedeemed, WrongStore, NotRedeemable, AmountInvalid,
    InsufficientBalance, TooManyTries, IdempotencyKeyReused.
    """
    await staffed(app, staff, store_id)
    digits = read_digits(digits)
    code_id = app.vault.mac("till_code", digits)
    wanted, asked = {"store": store_id, "code": code_id, "amount": amount_fen, "uses": uses}, Asked(amount_fen, uses)
    code = await app.till.code(code_id) if len(digits) == CODE_LENGTH else None
    call = Call("redeemCode", Actor(ActorKind.STAFF, staff.id), key, wanted, (code.customer_id if code else digits,))

    async def steps(work: Work) -> Ids:
        if code is not None and code.brand_id == staff.brand_id:
            redemption = await _redeem(app, work, staff, store_id, code, asked)
        else:
            redemption = await _hand_over(app, work, staff, store_id, digits, asked)
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


async def _redeem(app: App, work: Work, staff: Staff, store_id: str, code: Code, asked: Asked) -> Redemption:
    current = await good_code(app, code.id, store_id, work.now, work.session)
    if not await app.till.use(work.session, current, work.now):
        raise AlreadyRedeemed
    if current.kind is CodeKind.CARD:
        return await _take_from_card(app, work, staff, store_id, current, asked)
    return await _use_coupon(app, work, staff, store_id, current, asked)


async def _take_from_card(app: App, work: Work, staff: Staff, store_id: str, code: Code, asked: Asked) -> Redemption:
    card = await app.cards.card(code.subject_id, work.session)
    if card is None or card.status_at(work.now) is not CardStatus.ACTIVE:
        raise NotRedeemable
    if card.uses is not None:
        return await _take_from_pass(app, work, staff, store_id, code, card, asked)
    asked.check_one()
    amount_fen = asked.amount_fen
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


async def _take_from_pass(
    app: App, work: Work, staff: Staff, store_id: str, code: Code, card: Card, asked: Asked
) -> Redemption:
    """Uses of a pass; the sales get what was paid for them, for the till knows no dish."""
    uses = asked.count(card.free_uses)
    await check_pass(app, card, store_id, work.now, work.session)
    redemption = replace(await _redemption(app, work, staff, store_id, code, card.title, None), uses=uses)
    moved, key = take_uses(card, uses), f"redeem:{redemption.id}"
    await post(app.ledger, work, EntryKind.PURCHASE, key, card.brand_id, moved.lines, "门店核销")
    await write_pass(app, work, card, moved.card, StatementKind.PURCHASE, "门店核销")
    return redemption


async def _use_coupon(app: App, work: Work, staff: Staff, store_id: str, code: Code, asked: Asked) -> Redemption:
    coupon = await coupon_behind(app, code, store_id, work.now, work.session)
    if asked.amount_fen is not None:
        raise AmountInvalid("优惠券核销不需要金额", field=("input", "amountFen"))
    if coupon.uses_left is None:
        asked.check_one()
    uses = 1 if coupon.uses_left is None else asked.count(coupon.uses_left)
    uses_left = None if coupon.uses_left is None else coupon.uses_left - uses
    to = CouponStatus.AVAILABLE if uses_left else CouponStatus.REDEEMED
    moved = await app.coupons.move(work.session, coupon.id, CouponStatus.AVAILABLE, to, uses_left=uses_left)
    if moved is None:
        raise NotRedeemable
    work.announce(coupon.customer_id, EventKind.COUPON_CHANGED, moved, previous=CouponStatus.AVAILABLE.value)
    return replace(await _redemption(app, work, staff, store_id, code, coupon.title, None), uses=uses)


async def _hand_over(app: App, work: Work, staff: Staff, store_id: str, digits: str, asked: Asked) -> Redemption:
    """An order's verification code: the order is handed over and so COMPLETED."""
    order = await order_behind(app, store_id, digits, work.session)
    asked.check_one()
    if asked.amount_fen is not None:
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
