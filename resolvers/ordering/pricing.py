"""Pricing: what each line costs, and what coupons take off it. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from resolvers.brands.model import Store
from resolvers.coupons.best import best, may_stack
from resolvers.coupons.combine import Applied, combine
from resolvers.coupons.model import Coupon, Template
from resolvers.coupons.rules import Candidate, CartLine, Occasion, Unused, UnusedReason, candidate
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
class Wallet:
    """The coupons that an order may use, with their templates, on its occasion; at most `most` of them together."""

    all: tuple[Coupon, ...]
    templates: Mapping[str, Template]
    occasion: Occasion
    most: int


@dataclass(frozen=True, slots=True)
class UnusedCoupon:
    """A coupon that is not used, and why."""

    coupon: Coupon
    reason: UnusedReason
    explanation: str


@dataclass(frozen=True, slots=True)
class Quote:
    """What an order would cost: list price → special or member price → coupons → payable. In fen.

    `points_earned` is what it would earn if all that is payable is paid in money.
    """

    lines: tuple[QuoteLine, ...]
    used: tuple[tuple[Coupon, UsedCoupon], ...]
    unused: tuple[UnusedCoupon, ...]
    points_earned: int = 0

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
    return tuple(
        price_line(menu, store, request, level, moment, ("input", "lines", str(index)))
        for index, request in enumerate(requests)
    )


def price_line(
    menu: Menu, store: Store, request: LineRequest, level: str | None, moment: datetime, where: tuple[str, ...]
) -> QuoteLine:
    """Price a line before coupons. `where` is its place in the input. Raises DishUnavailable, OptionInvalid."""
    local, dish = store.local(moment), menu.dish(request.dish_id)
    if dish is None or not dish.available_at(local):
        text = f"「{dish.name}」供应时间 {dish.served_label}" if dish else None
        raise DishUnavailable(text, field=(*where, "dishId"), details=[request.dish_id])
    chosen = _options(dish, request.option_ids, where)
    delta = sum(option.price_delta_fen for option in chosen)
    return QuoteLine(
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


def cart_of(menu: Menu, lines: Sequence[QuoteLine]) -> tuple[CartLine, ...]:
    """The lines as coupons see them."""
    sections = {dish.id: section.id for section in menu.sections for dish in section.dishes}
    return tuple(CartLine(line.dish_id, line.quantity, line.unit_price_fen, sections[line.dish_id]) for line in lines)


def apply_coupons(
    lines: tuple[QuoteLine, ...], cart: tuple[CartLine, ...], wallet: Wallet, named: tuple[str, ...] | None
) -> Quote:
    """Use the named coupons, or the best legal combination of all in the wallet; say why not the rest.

    Raises CouponNotApplicable, with the best quote that the named ones allow, unless all of them are of use.
    """
    judged = [(each, candidate(wallet.templates[each.template_id], each, cart, wallet.occasion)) for each in wallet.all]
    usable = [found for _, found in judged if isinstance(found, Candidate)]
    used = best(usable, cart, wallet.most)
    unused = []
    for coupon, found in judged:
        if all(coupon.id != each.candidate.coupon.id for each in used):
            why = found if isinstance(found, Unused) else _not_chosen(found, used, cart, wallet.most, named is not None)
            unused.append(UnusedCoupon(coupon, why.reason, why.explanation))
    quote = _with_coupons(lines, used, tuple(unused))
    if named and unused:
        first = unused[0]
        raise CouponNotApplicable(
            f"「{first.coupon.title}」：{first.explanation}", field=("input", "couponIds"), details=quote
        )
    return quote


def _with_coupons(lines: tuple[QuoteLine, ...], used: Sequence[Applied], unused: tuple[UnusedCoupon, ...]) -> Quote:
    off = [sum(each.by_line[index] for each in used) for index in range(len(lines))]
    priced = tuple(replace(line, discount_fen=fen) for line, fen in zip(lines, off, strict=True))
    shown = tuple(
        (each.candidate.coupon, UsedCoupon(each.candidate.coupon.id, each.total_fen, each.uses)) for each in used
    )
    return Quote(priced, shown, unused)


def _not_chosen(
    found: Candidate, used: Sequence[Applied], cart: tuple[CartLine, ...], most: int, named: bool
) -> Unused:
    """Why a coupon that holds for the cart is not among those used."""
    alone_fen = combine([found], cart)[0].total_fen
    if not alone_fen:
        return Unused(UnusedReason.WORSE_OFFER, "本单用此券没有优惠")
    chosen = [each.candidate for each in used]
    if len(chosen) == most:
        reason, text = UnusedReason.NOT_STACKABLE, f"一单最多使用 {most} 张优惠券"
    elif may_stack([*chosen, found]):
        return Unused(UnusedReason.WORSE_OFFER, "用了其他优惠后，此券不会再便宜")
    else:
        clash = next((each for each in chosen if not may_stack([each, found])), chosen[0])
        reason, text = UnusedReason.NOT_STACKABLE, f"不能与「{clash.template.title}」同时使用"
    if named:
        return Unused(reason, text)
    return Unused(UnusedReason.WORSE_OFFER, f"{text}，已为您选用更优惠的组合")
