"""Quoting: what a cart costs a customer at a store and moment, with the coupon that takes off most."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from resolvers.app import App
from resolvers.brands.model import Store, StoreClosed
from resolvers.coupons.model import CartLine, Coupon, Offer, Template, Unused, UnusedReason, offer
from resolvers.errors import AmountInvalid, BadInput, NotFound
from resolvers.ordering.menu import Dish, Menu, Option
from resolvers.ordering.model import (
    MAXIMUM_LINES,
    MAXIMUM_NOTE,
    MAXIMUM_ORDER_FEN,
    MAXIMUM_QUANTITY,
    CouponNotApplicable,
    DishUnavailable,
    Empty,
    LineRequest,
    OptionInvalid,
    Quote,
    QuoteLine,
    UnusedCoupon,
    UsedCoupon,
)
from resolvers.people.model import SignedIn

MAXIMUM_COUPONS = 1  # that one order uses


@dataclass(frozen=True, slots=True)
class Cart:
    """What a diner wants: where, when, which lines, and which coupons (None: the best one is found)."""

    store_id: str
    lines: tuple[LineRequest, ...]
    coupon_ids: tuple[str, ...] | None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote with what it was made from."""

    quote: Quote
    store: Store
    menu: Menu


async def quote_order(app: App, person: SignedIn, cart: Cart) -> Quoted:
    """Price a cart for a customer, judged at the order's own moment.

    Raises NotFound, StoreClosed, Empty, DishUnavailable, OptionInvalid, AmountInvalid, CouponNotApplicable, BadInput.
    """
    _check_shape(cart)
    store = await app.brands.store(cart.store_id)
    menu = await app.menus.menu(cart.store_id)
    if store is None or menu is None:
        raise NotFound("没有这家门店", field=("input", "storeId"))
    moment = cart.at or app.clock.now()
    if not store.is_open(moment):
        raise StoreClosed(f"营业时间 {store.hours_label}")
    membership = await app.people.membership(person.customer_id, store.brand_id)
    lines = price_lines(menu, store, cart.lines, membership.level if membership else None, moment)
    if sum(line.total_fen for line in lines) > MAXIMUM_ORDER_FEN:
        raise AmountInvalid("金额过大，请联系门店", field=("input", "lines"))
    coupons = await _coupons(app, person.customer_id, store.brand_id, cart.coupon_ids)
    templates = {each.id: each for each in await app.coupons.templates([c.template_id for c in coupons])}
    quote = apply_coupons(lines, coupons, templates, cart.coupon_ids, moment)
    return Quoted(quote, store, menu)


async def _coupons(app: App, customer_id: str, brand_id: str, named: tuple[str, ...] | None) -> list[Coupon]:
    """The coupons to try. What is not the diner's own, or of another brand, is as good as absent: NotFound."""
    if named is None:
        return await app.coupons.usable(customer_id, brand_id, app.clock.now())
    found = await app.coupons.coupons(named)
    mine = [coupon for coupon in found if (coupon.customer_id, coupon.brand_id) == (customer_id, brand_id)]
    if {coupon.id for coupon in mine} != set(named):
        raise NotFound("没有找到优惠券", field=("input", "couponIds"))
    return mine


def price_lines(
    menu: Menu, store: Store, requests: Sequence[LineRequest], level: str | None, moment: datetime
) -> tuple[QuoteLine, ...]:
    """Price every line before coupons. Raises DishUnavailable, OptionInvalid."""
    local = store.local(moment)
    lines = []
    for index, request in enumerate(requests):
        dish = menu.dish(request.dish_id)
        where = ("input", "lines", str(index))
        if dish is None or not dish.available_at(local):
            name = f"「{dish.name}」" if dish else ""
            raise DishUnavailable(f"{name}当前不供应", field=(*where, "dishId"), details=[request.dish_id])
        chosen = _options(dish, request.option_ids, where)
        delta = sum(option.price_delta_fen for option in chosen)
        lines.append(
            QuoteLine(
                dish_id=dish.id,
                name=dish.name,
                quantity=request.quantity,
                option_ids=tuple(option.id for option in chosen),
                options=tuple(option.name for option in chosen),
                note=request.note,
                list_fen=max(0, dish.price_fen + delta),
                unit_price_fen=max(0, dish.price_for(level, local) + delta),
                discount_fen=0,
            )
        )
    return tuple(lines)


def _options(dish: Dish, option_ids: Sequence[str], where: tuple[str, ...]) -> list[Option]:
    wanted = list(option_ids)
    chosen = []
    for group in dish.option_groups:
        mine = [option for option in group.options if option.id in wanted]
        if not group.minimum <= len(mine) <= group.maximum:
            raise OptionInvalid(f"「{dish.name}」请选择{group.name}", field=(*where, "optionIds"))
        gone = next((option.name for option in mine if option.sold_out), None)
        if gone is not None:
            raise OptionInvalid(f"「{dish.name}」的{gone}已售罄，请另选", field=(*where, "optionIds"))
        chosen.extend(mine)
    if len(chosen) != len(wanted):  # one that is not the dish's, or the same one twice
        raise OptionInvalid(f"「{dish.name}」没有这个选项", field=(*where, "optionIds"))
    return chosen


def apply_coupons(
    lines: tuple[QuoteLine, ...],
    coupons: Sequence[Coupon],
    templates: dict[str, Template],
    named: tuple[str, ...] | None,
    moment: datetime,
) -> Quote:
    """Use the named coupons, or the one that takes off most (then the one that lapses soonest); say why not the rest.

    Raises CouponNotApplicable when a named one takes nothing off.
    """
    cart = [CartLine(line.dish_id, line.quantity, line.unit_price_fen) for line in lines]
    results = [(coupon, offer(templates[coupon.template_id], coupon, cart, moment)) for coupon in coupons]
    working = [(coupon, found) for coupon, found in results if isinstance(found, Offer) and found.total_fen > 0]
    best = max(working, key=lambda pair: (pair[1].total_fen, -pair[0].valid_until.timestamp()), default=None)
    unused = []
    for coupon, found in results:
        if isinstance(found, Unused):
            unused.append(UnusedCoupon(coupon, found.reason, found.explanation))
        elif best is not None and coupon.id != best[0].id:
            unused.append(UnusedCoupon(coupon, UnusedReason.WORSE_OFFER, f"已为您选用更优惠的「{best[0].title}」"))
    used: tuple[tuple[Coupon, UsedCoupon], ...] = ()
    if best is not None:
        coupon, found = best
        lines = tuple(replace(line, discount_fen=off) for line, off in zip(lines, found.by_line, strict=True))
        used = ((coupon, UsedCoupon(coupon.id, found.total_fen, found.uses)),)
    quote = Quote(lines, used, tuple(unused))
    if named and {coupon.id for coupon, _ in used} != set(named):
        why = unused[0].explanation if unused else CouponNotApplicable.message
        raise CouponNotApplicable(why, field=("input", "couponIds"), details=quote)
    return quote


def _check_shape(cart: Cart) -> None:
    if not cart.lines:
        raise Empty(field=("input", "lines"))
    if len(cart.lines) > MAXIMUM_LINES:
        raise BadInput(f"lines must have at most {MAXIMUM_LINES} members.")
    for index, line in enumerate(cart.lines):
        if line.quantity < 1:
            raise Empty("数量至少为 1", field=("input", "lines", str(index), "quantity"))
        if line.quantity > MAXIMUM_QUANTITY:
            raise AmountInvalid(f"数量不能超过 {MAXIMUM_QUANTITY}", field=("input", "lines", str(index), "quantity"))
        if len(line.option_ids) > MAXIMUM_LINES or len(line.note or "") > MAXIMUM_NOTE:
            raise BadInput("A line has too many options or too long a note.")
    if cart.coupon_ids is not None and len(set(cart.coupon_ids)) > MAXIMUM_COUPONS:
        raise CouponNotApplicable("一单只能使用一张优惠券", field=("input", "couponIds"))
