"""Pricing: what each line costs, and what coupons take off it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from resolvers.brands.model import Store
from resolvers.coupons.model import CartLine, Coupon, Offer, Template, Unused, UnusedReason, offer
from resolvers.ordering.menu import Dish, Menu, Option
from resolvers.ordering.model import LineRequest, UsedCoupon
from resolvers.ordering.refusals import CouponNotApplicable, DishUnavailable, OptionInvalid


@dataclass(frozen=True, slots=True)
class QuoteLine:
    """A priced line: list price and price of one with options, its share of the coupons, what it comes to. In fen."""

    dish_id: str
    name: str
    quantity: int
    option_ids: tuple[str, ...]
    options: tuple[str, ...]
    note: str | None
    list_fen: int
    unit_price_fen: int
    discount_fen: int

    @property
    def total_fen(self) -> int:
        """What the line comes to."""
        return self.unit_price_fen * self.quantity - self.discount_fen


@dataclass(frozen=True, slots=True)
class UnusedCoupon:
    """A coupon that is not used, and why."""

    coupon: Coupon
    reason: UnusedReason
    explanation: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order would cost: list price → special or member price → coupons → payable. In fen."""

    lines: tuple[QuoteLine, ...]
    used: tuple[tuple[Coupon, UsedCoupon], ...]
    unused: tuple[UnusedCoupon, ...]

    @property
    def subtotal_fen(self) -> int:
        """At list prices, options included."""
        return sum(line.list_fen * line.quantity for line in self.lines)

    @property
    def member_discount_fen(self) -> int:
        """What member and special prices take off."""
        return sum((line.list_fen - line.unit_price_fen) * line.quantity for line in self.lines)

    @property
    def coupon_discount_fen(self) -> int:
        """What coupons take off."""
        return sum(line.discount_fen for line in self.lines)

    @property
    def payable_fen(self) -> int:
        """What is left to pay."""
        return sum(line.total_fen for line in self.lines)


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
