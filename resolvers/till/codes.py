"""What a till reads: 18 digits of a card or coupon, 6 of an order; wrong ones are counted."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from resolvers.app import App
from resolvers.cards.model import Card
from resolvers.coupons.model import Coupon, CouponStatus
from resolvers.coupons.rules import Occasion, UnusedReason, why_not_then
from resolvers.errors import NotFound
from resolvers.mongo import Session
from resolvers.ordering.model import OPEN, Order
from resolvers.passes.uses import uses_of, why_not_now
from resolvers.people.model import Role, Staff
from resolvers.till.model import (
    CODE_LENGTH,
    AlreadyRedeemed,
    Code,
    CodeExpired,
    CodeInvalid,
    NotRedeemable,
    TooManyTries,
    WrongStore,
)

VERIFICATION_LENGTH = 6
REMEMBERED = timedelta(hours=48)  # for so long a number that was handed over is told from one that never was

Answer = TypeVar("Answer")


async def staffed(app: App, staff: Staff, store_id: str, role: Role = Role.CASHIER) -> None:
    """Raise NotFound, NotAllowed unless the store is one at which this member of staff may do what this role may."""
    store = await app.brands.store(store_id)
    if store is None or store.brand_id != staff.brand_id:
        raise NotFound("没有这家门店", field=("input", "storeId"))
    staff.require(role, store_id)


def read_digits(text: str) -> str:
    """The digits of a code, as they were typed or scanned. Raises CodeInvalid."""
    digits = "".join(text.split())
    if len(digits) not in (CODE_LENGTH, VERIFICATION_LENGTH) or not digits.isascii() or not digits.isdigit():
        raise CodeInvalid("请输入 18 位卡券码或 6 位取餐码", field=("input", "code"))
    return digits


async def counting_tries(app: App, staff: Staff, store_id: str, look: Callable[[], Awaitable[Answer]]) -> Answer:
    """Look at a code as one more try, counted before it is judged; only wrong codes stay counted.

    Raises TooManyTries, and what the look raises.
    """
    blocked_until = await app.till.take_try(staff.id, store_id, app.clock.now())
    if blocked_until is not None:
        raise TooManyTries(retry_at=blocked_until)
    try:
        answer = await look()
    except CodeInvalid:
        raise
    except BaseException:
        await app.till.return_try(staff.id, store_id)
        raise
    await app.till.return_try(staff.id, store_id)
    return answer


async def good_code(app: App, code_id: str, store_id: str, now: datetime, session: Session | None = None) -> Code:
    """A card's or coupon's code that can be used now. Raises CodeInvalid, AlreadyRedeemed, CodeExpired."""
    code = await app.till.code(code_id, session)
    if code is None:
        raise CodeInvalid
    if code.used_at is not None:
        store = await app.brands.store(store_id, session)
        at = f"{store.local(code.used_at):%H:%M}" if store else ""
        raise AlreadyRedeemed(f"此码已于 {at} 核销过，请让顾客刷新出新的码")
    if code.expires_at <= now or not await app.till.is_newest(code, session):
        raise CodeExpired
    return code


async def coupon_behind(app: App, code: Code, store_id: str, now: datetime, session: Session | None = None) -> Coupon:
    """The coupon of a code, if it can be used now at this store; what is refused says what to tell the customer.

    Raises AlreadyRedeemed, WrongStore, NotRedeemable.
    """
    coupon = await app.coupons.coupon(code.subject_id, session)
    template = await app.coupons.template(coupon.template_id, session) if coupon else None
    if coupon is None or template is None:
        raise NotRedeemable
    occasion = await _occasion(app, coupon.customer_id, coupon.brand_id, store_id, now, session)
    unused = why_not_then(template, coupon, occasion)
    if unused is None:
        return coupon
    if coupon.status is CouponStatus.REDEEMED:
        raise AlreadyRedeemed(unused.explanation)
    raise (WrongStore if unused.reason is UnusedReason.WRONG_STORE else NotRedeemable)(unused.explanation)


async def check_pass(app: App, card: Card, store_id: str, now: datetime, session: Session | None = None) -> None:
    """Raise WrongStore, NotRedeemable when a pass cannot be used now at this store."""
    template = await app.coupons.template(uses_of(card).template_id, session)
    if template is None:
        raise NotRedeemable
    unused = why_not_now(template, card, await _occasion(app, card.customer_id, card.brand_id, store_id, now, session))
    if unused is not None:
        raise (WrongStore if unused.reason is UnusedReason.WRONG_STORE else NotRedeemable)(unused.explanation)


async def _occasion(
    app: App, customer_id: str, brand_id: str, store_id: str, now: datetime, session: Session | None
) -> Occasion:
    """A customer at a store's till, now. Raises NotRedeemable."""
    store = await app.brands.store(store_id, session)
    if store is None:
        raise NotRedeemable
    member = await app.people.membership(customer_id, brand_id, session)
    brand = await app.brands.brand(brand_id, session)
    level, names = member.level if member else None, brand.settings.level_names if brand else {}
    return Occasion(store.id, now, store.local(now), level, level_names=names)


async def order_behind(app: App, store_id: str, digits: str, session: Session | None = None) -> Order:
    """The paid order that a verification code stands for at a store. Raises CodeInvalid, NotRedeemable."""
    order = None
    if len(digits) == VERIFICATION_LENGTH:
        order = await app.orders.by_verification_code(store_id, digits, session)
    if order is None and len(digits) == VERIFICATION_LENGTH:
        await _refuse_handed_over(app, store_id, digits, session)
    if order is None:
        again = None if len(digits) == CODE_LENGTH else "没有这个取餐码，请核对号码"
        raise CodeInvalid(again, field=("input", "code"))
    if order.status not in OPEN:
        raise NotRedeemable("订单还没有付款")
    return order


async def _refuse_handed_over(app: App, store_id: str, digits: str, session: Session | None) -> None:
    """Raise AlreadyRedeemed when the number was that of an order which the store has handed over lately."""
    since = app.clock.now() - REMEMBERED
    order, store = await app.orders.handed_over(store_id, digits, since, session), await app.brands.store(store_id)
    if order is not None and store is not None:
        raise AlreadyRedeemed(f"订单 {order.number} 已于 {store.local(order.changed_at):%H:%M} 取餐")
