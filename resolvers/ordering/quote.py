"""Quoting: what a cart costs a customer at a store and moment, with the coupons that take off most."""

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from resolvers.app import App
from resolvers.brands.model import Brand, Store, StoreClosed
from resolvers.coupons.model import Coupon, CouponStatus
from resolvers.coupons.rules import Occasion
from resolvers.errors import AmountInvalid, BadInput, NotFound
from resolvers.gifts.lapsed import coupon_with_return
from resolvers.ordering.menu import Menu
from resolvers.ordering.model import (
    MAXIMUM_LINES,
    MAXIMUM_NOTE,
    MAXIMUM_ORDER_FEN,
    MAXIMUM_PARTY,
    MAXIMUM_QUANTITY,
    LineRequest,
    OrderType,
)
from resolvers.ordering.points import points_for, rate_of
from resolvers.ordering.pricing import Quote, QuoteLine, Wallet, apply_coupons, cart_of, price_lines
from resolvers.ordering.refusals import CouponNotApplicable, Empty, SlotUnavailable
from resolvers.ordering.slots import AHEAD
from resolvers.people.model import SignedIn

SMALL_WALLET = 12  # coupons, for which the best combination is found in well under a millisecond
MAXIMUM_TOGETHER = 5  # coupons in one order, whatever a brand would allow: it bounds the search for the best
A_MOMENT = timedelta(minutes=1)  # since the slots were shown
MAXIMUM_NAMED = 20  # couponIds of one cart; how many of them an order may use is the brand's choice


@dataclass(frozen=True, slots=True)
class Cart:
    """What a diner wants: where, when, which lines, and which coupons (None: the best one is found)."""

    store_id: str
    lines: tuple[LineRequest, ...]
    coupon_ids: tuple[str, ...] | None
    at: datetime | None = None
    type: OrderType = OrderType.PICK_UP
    party_size: int | None = None


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote with what it was made from."""

    quote: Quote
    store: Store
    menu: Menu


async def quote_order(app: App, person: SignedIn, cart: Cart) -> Quoted:
    """Price a cart for a customer, judged at the order's own moment.

    Raises NotFound, StoreClosed, SlotUnavailable, Empty, DishUnavailable, OptionInvalid, AmountInvalid,
    CouponNotApplicable, BadInput.
    """
    _check_shape(cart)
    store = await app.brands.store(cart.store_id)
    menu = await app.menus.menu(cart.store_id)
    brand = await app.brands.brand(store.brand_id) if store else None
    if store is None or menu is None or brand is None:
        raise NotFound("没有这家门店", field=("input", "storeId"))
    moment = cart.at or app.clock.now()
    _check_time(cart, store, app.clock.now())
    if not store.is_open(moment):
        raise StoreClosed(f"营业时间 {store.hours_label}")
    membership = await app.people.membership(person.customer_id, store.brand_id)
    level = membership.level if membership else None
    lines = price_lines(menu, store, cart.lines, level, moment)
    if sum(line.total_fen for line in lines) > MAXIMUM_ORDER_FEN:
        raise AmountInvalid("金额过大，请联系门店", field=("input", "lines"))
    occasion = Occasion(
        store.id, moment, store.local(moment), level, person.platform, brand.settings.level_names, brand.id
    )
    wallet = await _wallet(app, person, brand, cart.coupon_ids, occasion)
    rate = await rate_of(app, membership)
    try:
        quote = await _with_coupons(menu, lines, wallet, cart.coupon_ids)
    except CouponNotApplicable as refusal:
        refusal.details = _with_points(refusal.details, rate)
        raise
    return Quoted(_with_points(quote, rate), store, menu)


async def _with_coupons(
    menu: Menu, lines: tuple[QuoteLine, ...], wallet: Wallet, named: tuple[str, ...] | None
) -> Quote:
    cart = cart_of(menu, lines)
    if len(wallet.all) > SMALL_WALLET:  # off the event loop: others need not wait while combinations are tried
        return await asyncio.to_thread(apply_coupons, lines, cart, wallet, named)
    return apply_coupons(lines, cart, wallet, named)


def _with_points(quote: Quote, rate: int) -> Quote:
    return replace(quote, points_earned=points_for(quote.payable_fen, rate))


async def _wallet(
    app: App, person: SignedIn, brand: Brand, named: tuple[str, ...] | None, occasion: Occasion
) -> Wallet:
    """What the order may use. Raises NotFound."""
    coupons = await _coupons(app, person, brand.id, named)
    templates = await app.coupons.templates([*{coupon.template_id for coupon in coupons}]) if coupons else []
    most = min(brand.settings.coupons_per_order, MAXIMUM_TOGETHER)
    return Wallet(tuple(coupons), {each.id: each for each in templates}, occasion, most)


async def _coupons(app: App, person: SignedIn, brand_id: str, named: tuple[str, ...] | None) -> list[Coupon]:
    """The coupons to try. What is not the diner's own is as good as absent: NotFound."""
    if named is None:
        return await _let_go(app, person, await app.coupons.at_hand(person.ids, brand_id, app.clock.now()))
    found = await _let_go(app, person, await app.coupons.coupons(named))
    mine = [coupon for coupon in found if person.owns(coupon.customer_id)]
    if {coupon.id for coupon in mine} != set(named):
        raise NotFound("没有找到优惠券", field=("input", "couponIds"))
    return mine


async def _let_go(app: App, person: SignedIn, coupons: list[Coupon]) -> list[Coupon]:
    """The coupons as they are now: what an order that nobody paid in time still holds is free, tidied or not.

    So is what a gift that nobody claimed in time has taken along.
    """
    coupons = await _unclaimed(app, person, coupons)
    held = [each.order_id for each in coupons if each.status is CouponStatus.HELD and each.order_id is not None]
    if not held:
        return coupons
    now = app.clock.now()
    lapsed = [order for order in await app.orders.orders(held) if order.lapsed(now)]
    back = {used.coupon_id: used.uses for order in lapsed for used in order.used_coupons}
    return [
        replace(
            each,
            status=each.back_at(now),
            uses_left=None if each.uses_left is None else each.uses_left + back[each.id],
        )
        if each.id in back
        else each
        for each in coupons
    ]


async def _unclaimed(app: App, person: SignedIn, coupons: list[Coupon]) -> list[Coupon]:
    if not any(each.status is CouponStatus.GIFTING for each in coupons):
        return coupons
    now = app.clock.now()
    lapsed = await app.gifts.lapsed_of(person.ids, now)
    return [coupon_with_return(each, lapsed, now) for each in coupons]


def _check_shape(cart: Cart) -> None:
    if not cart.lines:
        raise Empty(field=("input", "lines"))
    if len(cart.lines) > MAXIMUM_LINES:
        raise BadInput(f"lines must have at most {MAXIMUM_LINES} members.")
    for index, line in enumerate(cart.lines):
        check_line(line, ("input", "lines", str(index)))
    if cart.party_size is not None and not 1 <= cart.party_size <= MAXIMUM_PARTY:
        raise BadInput(f"partySize must be between 1 and {MAXIMUM_PARTY}.")
    if cart.coupon_ids is not None and len(cart.coupon_ids) > MAXIMUM_NAMED:
        raise BadInput(f"couponIds must have at most {MAXIMUM_NAMED} members.")


def check_line(line: LineRequest, where: tuple[str, ...]) -> None:
    """Refuse a line that no order could have. Raises Empty, AmountInvalid, BadInput."""
    if line.quantity < 1:
        raise Empty("数量至少为 1", field=(*where, "quantity"))
    if line.quantity > MAXIMUM_QUANTITY:
        raise AmountInvalid(f"数量不能超过 {MAXIMUM_QUANTITY}", field=(*where, "quantity"))
    if len(line.option_ids) > MAXIMUM_LINES or len(line.note or "") > MAXIMUM_NOTE:
        raise BadInput("A line has too many options or too long a note.")


def _check_time(cart: Cart, store: Store, now: datetime) -> None:
    if cart.at is None:
        return
    where = ("input", "pickUpAt")
    if cart.type is OrderType.DINE_IN:
        raise SlotUnavailable("堂食不能选择取餐时间", field=where)
    earliest = now + timedelta(minutes=store.slot_lead_minutes) - A_MOMENT
    if cart.at < earliest:
        raise SlotUnavailable(f"最早可预约 {store.local(earliest + A_MOMENT):%H:%M} 之后取餐", field=where)
    if cart.at > now + AHEAD:
        raise SlotUnavailable(f"最多可预约 {AHEAD.days} 天内取餐", field=where)
