"""Whether a coupon holds for an order, and on which of its lines; if not, the sentence that says why. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum

from resolvers.brands.model import Hours
from resolvers.coupons.model import Coupon, CouponKind, CouponStatus, Template, Window, channel_names
from resolvers.money import display
from resolvers.ports import Platform

_WEEKDAYS = "一二三四五六日"


class UnusedReason(StrEnum):
    """Why a coupon takes nothing off an order."""

    MINIMUM_SPEND = "MINIMUM_SPEND"
    NO_MATCHING_DISH = "NO_MATCHING_DISH"
    WRONG_STORE = "WRONG_STORE"
    OUTSIDE_WINDOW = "OUTSIDE_WINDOW"
    NOT_STACKABLE = "NOT_STACKABLE"
    WORSE_OFFER = "WORSE_OFFER"
    NOT_YET_VALID = "NOT_YET_VALID"
    EXPIRED = "EXPIRED"
    NOT_AVAILABLE = "NOT_AVAILABLE"
    LEVEL_TOO_LOW = "LEVEL_TOO_LOW"


@dataclass(frozen=True, slots=True)
class Unused:
    """Why a coupon does not apply, with a sentence a diner understands."""

    reason: UnusedReason
    explanation: str


@dataclass(frozen=True, slots=True)
class Occasion:
    """Where, when and by whom an order is eaten: its own moment, which may lie ahead, also on the shop's clock.

    `level` and `platform` are those of the diner; None where they do not matter or are not known. `level_names`: what
    the brand calls its levels, by id.
    """

    store_id: str
    at: datetime
    local: datetime
    level: str | None = None
    platform: Platform | None = None
    level_names: Mapping[str, str] = field(default_factory=dict)
    brand_id: str | None = None


@dataclass(frozen=True, slots=True)
class CartLine:
    """A line as coupons see it: the dish and its section, how many, the price of one before coupons, in fen."""

    dish_id: str
    quantity: int
    unit_fen: int
    section_id: str = ""

    @property
    def total_fen(self) -> int:
        """The price of the line."""
        return self.quantity * self.unit_fen


@dataclass(frozen=True, slots=True)
class Candidate:
    """A coupon that holds for a cart.

    `lines`: the indices of those it takes an amount or a percentage off. `units`: how many of each line, by index, may
    be had for free, `most` how many of them at once; `bought`: the lines of the set that must be paid for them.
    """

    coupon: Coupon
    template: Template
    lines: tuple[int, ...] = ()
    units: tuple[tuple[int, int], ...] = ()
    most: int = 0
    bought: tuple[int, ...] = ()

    @property
    def free(self) -> bool:
        """Whether it makes dishes free, and does not take a sum off."""
        return self.template.kind in (CouponKind.EXCHANGE, CouponKind.BUY_GET)

    @property
    def group(self) -> str:
        """Its stacking group; empty for one that is used alone."""
        return self.template.stack_group or ""


def candidate(template: Template, coupon: Coupon, lines: Sequence[CartLine], occasion: Occasion) -> Candidate | Unused:
    """A coupon as it may be used for a cart on an occasion, or why not."""
    unused = why_not_then(template, coupon, occasion)
    if unused is not None:
        return unused
    scope = tuple(index for index, line in enumerate(lines) if _in_scope(template, line))
    if template.kind is CouponKind.EXCHANGE:
        found = _free_dish(template, coupon, lines)
    elif template.kind is CouponKind.BUY_GET:
        found = _set_b(template, coupon, lines)
    elif scope:
        found = Candidate(coupon, template, scope)
    else:
        found = Unused(UnusedReason.NO_MATCHING_DISH, "点了券上的指定菜品才可用")
    missing_fen = template.minimum_fen - sum(lines[index].total_fen for index in scope)
    if missing_fen > 0 and isinstance(found, Candidate):
        what = "指定菜品" if len(scope) < len(lines) else ""
        return Unused(UnusedReason.MINIMUM_SPEND, f"再点 {display(missing_fen)} {what}可用")
    return found


def why_not_then(template: Template, coupon: Coupon, occasion: Occasion) -> Unused | None:
    """Why a coupon cannot be used on an occasion, whatever is in the cart; None when it can."""
    if coupon.status is not CouponStatus.AVAILABLE:
        return Unused(UnusedReason.NOT_AVAILABLE, _BUSY.get(coupon.status, "此券当前不可用"))
    if occasion.at < coupon.valid_from:
        begins = coupon.valid_from.astimezone(occasion.local.tzinfo)
        return Unused(UnusedReason.NOT_YET_VALID, f"{begins:%m月%d日 %H:%M} 起可用")
    if occasion.at >= coupon.valid_until:
        ended = coupon.valid_until.astimezone(occasion.local.tzinfo)
        return Unused(UnusedReason.EXPIRED, f"此券有效期至 {ended:%m月%d日 %H:%M}")
    if occasion.brand_id not in (None, template.brand_id):
        return Unused(UnusedReason.WRONG_STORE, "此券是其他商户的，不适用于本店")
    if template.store_ids and occasion.store_id not in template.store_ids:
        return Unused(UnusedReason.WRONG_STORE, "此券不适用于本店")
    if template.channels and occasion.platform is not None and occasion.platform not in template.channels:
        return Unused(UnusedReason.NOT_AVAILABLE, f"仅限在{channel_names(template.channels)}小程序使用")
    if template.levels and occasion.level not in template.levels:
        names = "、".join(occasion.level_names.get(level, level) for level in template.levels)
        return Unused(UnusedReason.LEVEL_TOO_LOW, f"仅限{names}使用")
    days = _days(template, occasion.local)
    if not days:
        return Unused(UnusedReason.OUTSIDE_WINDOW, f"仅限{windows_label(template.windows)} 使用")
    if all(day.isoformat() in template.blackout for day in days):
        return Unused(UnusedReason.OUTSIDE_WINDOW, f"{days[0]:%m月%d日}不可用")
    return None


_BUSY = {
    CouponStatus.HELD: "此券已用于一个待支付的订单",
    CouponStatus.GIFTING: "此券正在转赠中",
    CouponStatus.REDEEMED: "此券已使用",
    CouponStatus.GIFTED: "此券已转赠",
    CouponStatus.EXPIRED: "此券已过期",
    CouponStatus.VOIDED: "此券已作废",
}


def _days(template: Template, local: datetime) -> list[date]:
    """The days to which a local time belongs in the template's windows: none, when it lies in none of them.

    What is after midnight of an overnight window belongs to the day on which it began: for weekdays and blackout alike.
    """
    windows = template.windows or (Window(),)
    return [day for window in windows if (day := _day_of(window, local)) is not None]


def windows_label(windows: Sequence[Window]) -> str:
    """`周一至周五 11:00-14:00、周六 10:00-22:00`."""
    return "、".join(_label(window) for window in windows)


def _label(window: Window) -> str:
    days = sorted(window.weekdays)
    if len(days) in (0, 7):
        named = "每天"
    elif len(days) > 2 and days == list(range(days[0], days[-1] + 1)):
        named = f"周{_WEEKDAYS[days[0] - 1]}至周{_WEEKDAYS[days[-1] - 1]}"
    else:
        named = "、".join(f"周{_WEEKDAYS[day - 1]}" for day in days)
    return f"{named} {', '.join(hours.label for hours in window.ranges)}".strip()


def _day_of(window: Window, local: datetime) -> date | None:
    """The day on which the stretch of a window that a local time lies in began; None when it lies in none."""
    minute = local.hour * 60 + local.minute
    for hours in window.ranges or (Hours(0, 24 * 60),):
        if not hours.covers(minute):
            continue
        over_midnight = hours.start >= hours.until and minute < hours.start
        began = local - timedelta(days=1) if over_midnight else local
        if not window.weekdays or began.isoweekday() in window.weekdays:
            return began.date()
    return None


def _in_scope(template: Template, line: CartLine) -> bool:
    if line.dish_id in template.without_dish_ids or line.section_id in template.without_section_ids:
        return False
    if not template.dish_ids and not template.section_ids:
        return True
    return line.dish_id in template.dish_ids or line.section_id in template.section_ids


def _free_dish(template: Template, coupon: Coupon, lines: Sequence[CartLine]) -> Candidate | Unused:
    """One of the dishes is free."""
    units = [(index, line.quantity) for index, line in enumerate(lines) if line.dish_id in template.free_dish_ids]
    if not units:
        return Unused(UnusedReason.NO_MATCHING_DISH, "点了券上的菜品才可用")
    return Candidate(coupon, template, units=tuple(units), most=1)


def _set_b(template: Template, coupon: Coupon, lines: Sequence[CartLine]) -> Candidate | Unused:
    """Set B is free as often as set A is bought, up to the uses that are left, and as often as that takes off most.

    A unit is bought or free, never both. Bought are first those that are in set A only, then the dearest of those in
    both; whatever the rest is may be free.
    """
    set_a = tuple(index for index, line in enumerate(lines) if line.dish_id in template.buy_dish_ids)
    set_b = [index for index, line in enumerate(lines) if line.dish_id in template.get_dish_ids]
    only_a = sum(lines[index].quantity for index in set_a if index not in set_b)
    both = sorted((index for index in set_b if index in set_a), key=lambda index: (lines[index].unit_fen, index))
    in_both = sum(lines[index].quantity for index in both)
    found, most_fen = None, 0
    for times in range(1, (coupon.uses_left or 0) + 1):
        spare = in_both - max(0, times * template.buy_quantity - only_a)
        if spare < 0:
            break
        units = [(index, lines[index].quantity) for index in set_b if index not in set_a]
        for index in both:
            units.append((index, min(spare, lines[index].quantity)))
            spare -= units[-1][1]
        count = times * template.get_quantity
        prices = [lines[index].unit_fen for index, most in units for _ in range(min(most, count))]
        if len(prices) < count:
            break
        if sum(sorted(prices)[-count:]) > most_fen:
            most_fen = sum(sorted(prices)[-count:])
            found = Candidate(
                coupon, template, units=tuple(each for each in units if each[1]), most=count, bought=set_a
            )
    if found is None:
        missing = max(0, template.buy_quantity - only_a - in_both)
        hint = f"再点 {missing} 份指定菜品即可享用" if missing else "把赠送的菜品一起点上即可享用"
        return Unused(UnusedReason.NO_MATCHING_DISH, f"{template.headline}：{hint}")
    return found
