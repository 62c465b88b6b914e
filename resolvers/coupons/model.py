"""Coupon templates and coupons: kinds, validity, and what each takes off a cart."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from resolvers.errors import Refused
from resolvers.money import display, split


class SoldOut(Refused):
    """All pieces of the template are taken."""

    code = "SOLD_OUT"
    message = "已抢光"


class NotStarted(Refused):
    """The template may not be claimed yet."""

    code = "NOT_STARTED"
    message = "活动还没有开始"


class Ended(Refused):
    """The template may not be claimed any more."""

    code = "ENDED"
    message = "活动已结束"


class NotEligible(Refused):
    """The template is not for this customer's level, or not for claiming at all."""

    code = "NOT_ELIGIBLE"
    message = "不符合领取条件"


class CouponKind(StrEnum):
    """What a coupon gives: an amount off, a percentage off, a free dish, or a free dish with each one bought."""

    CASH = "CASH"
    DISCOUNT = "DISCOUNT"
    EXCHANGE = "EXCHANGE"
    BUY_GET = "BUY_GET"


class CouponStatus(StrEnum):
    """AVAILABLE → HELD by an order → REDEEMED; AVAILABLE → GIFTING → GIFTED; EXPIRED; VOIDED."""

    AVAILABLE = "AVAILABLE"
    HELD = "HELD"
    REDEEMED = "REDEEMED"
    GIFTING = "GIFTING"
    GIFTED = "GIFTED"
    EXPIRED = "EXPIRED"
    VOIDED = "VOIDED"


@dataclass(frozen=True, slots=True)
class Template:
    """What a brand offers. Amounts in fen; `total` None: no limit; `uses`: how often set B of a BUY_GET is had."""

    id: str
    brand_id: str
    kind: CouponKind
    title: str
    terms: str
    valid_days: int
    per_customer: int
    claimable: bool
    giveable: bool
    total: int | None = None
    levels: tuple[str, ...] = ()
    amount_off_fen: int = 0
    minimum_fen: int = 0
    percent_off: int = 0
    cap_fen: int | None = None
    free_dish_ids: tuple[str, ...] = ()
    buy_dish_ids: tuple[str, ...] = ()
    buy_quantity: int = 1
    get_dish_ids: tuple[str, ...] = ()
    get_quantity: int = 1
    uses: int = 1
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    @property
    def headline(self) -> str:
        """The big figure: `¥20`, `8.8折`, `免费菜`, `买1送1`."""
        match self.kind:
            case CouponKind.CASH:
                return display(self.amount_off_fen).removesuffix(".00")
            case CouponKind.DISCOUNT:
                tenths, units = divmod(100 - self.percent_off, 10)
                return f"{tenths}.{units}折" if units else f"{tenths}折"
            case CouponKind.EXCHANGE:
                return "免费菜"
            case CouponKind.BUY_GET:
                return f"买{self.buy_quantity}送{self.get_quantity}"

    @property
    def counter_id(self) -> str | None:
        """The counter of its pieces, None when there is no limit."""
        return f"template:{self.id}" if self.total is not None else None

    def check_claimable(self, level: str, now: datetime) -> None:
        """Raise the refusal that keeps a customer of this level from claiming one now."""
        if not self.claimable or (self.levels and level not in self.levels):
            raise NotEligible
        if self.starts_at is not None and now < self.starts_at:
            raise NotStarted
        if self.ends_at is not None and now >= self.ends_at:
            raise Ended


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon in somebody's wallet. `uses_left` is None for all but BUY_GET."""

    id: str
    customer_id: str
    brand_id: str
    template_id: str
    kind: CouponKind
    status: CouponStatus
    title: str
    headline: str
    terms: str
    valid_from: datetime
    valid_until: datetime
    giveable: bool
    regifts_left: int
    created_at: datetime
    uses_left: int | None = None
    order_id: str | None = None
    revoked: bool = False  # its top-up was refunded: should it come back, it is void
    revision: int = 1

    def back_at(self, now: datetime) -> CouponStatus:
        """What it is once an order or a till gives it back."""
        if self.revoked:
            return CouponStatus.VOIDED
        return CouponStatus.AVAILABLE if self.valid_until > now else CouponStatus.EXPIRED

    def status_at(self, now: datetime) -> CouponStatus:
        """The status as it is now: what is available past its time has lapsed, whether or not a sweeper has run."""
        if self.status is CouponStatus.AVAILABLE and self.valid_until <= now:
            return CouponStatus.EXPIRED
        return self.status


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
class CartLine:
    """A line as coupons see it: the dish, how many, the price of one and of all, in fen."""

    dish_id: str
    quantity: int
    unit_fen: int

    @property
    def total_fen(self) -> int:
        """The price of the line."""
        return self.quantity * self.unit_fen


@dataclass(frozen=True, slots=True)
class Unused:
    """Why a coupon does not apply, with a sentence a diner understands."""

    reason: UnusedReason
    explanation: str


@dataclass(frozen=True, slots=True)
class Offer:
    """What a coupon takes off each line, in fen, and how many of its uses that costs."""

    by_line: tuple[int, ...]
    uses: int = 1

    @property
    def total_fen(self) -> int:
        """What it takes off in all."""
        return sum(self.by_line)


def valid_until(template: Template, now: datetime) -> datetime:
    """When a coupon issued now lapses."""
    return now + timedelta(days=template.valid_days)


def offer(template: Template, coupon: Coupon, lines: Sequence[CartLine], now: datetime) -> Offer | Unused:
    """What a coupon takes off a cart at a moment, or why nothing."""
    if coupon.status is not CouponStatus.AVAILABLE:
        return Unused(UnusedReason.NOT_AVAILABLE, "此券正在使用或转赠中")
    if now < coupon.valid_from:
        return Unused(UnusedReason.NOT_YET_VALID, f"{coupon.valid_from:%m月%d日}起可用")
    if now >= coupon.valid_until:
        return Unused(UnusedReason.EXPIRED, "此券已过期")
    subtotal = sum(line.total_fen for line in lines)
    if subtotal < template.minimum_fen:
        missing = display(template.minimum_fen - subtotal)
        return Unused(UnusedReason.MINIMUM_SPEND, f"再点 {missing} 可用")
    match template.kind:
        case CouponKind.CASH:
            return Offer(tuple(_share(min(template.amount_off_fen, subtotal), lines)))
        case CouponKind.DISCOUNT:
            off = subtotal * template.percent_off // 100
            return Offer(tuple(_share(off if template.cap_fen is None else min(off, template.cap_fen), lines)))
        case CouponKind.EXCHANGE:
            return _free_dish(template, lines)
        case CouponKind.BUY_GET:
            return _set_b(template, coupon, lines)


def _share(amount_fen: int, lines: Sequence[CartLine]) -> list[int]:
    return split(amount_fen, [line.total_fen for line in lines])


def _free_dish(template: Template, lines: Sequence[CartLine]) -> Offer | Unused:
    """One of the dishes is free: the dearest of those in the cart."""
    matching = [index for index, line in enumerate(lines) if line.dish_id in template.free_dish_ids]
    if not matching:
        return Unused(UnusedReason.NO_MATCHING_DISH, "点了券上的菜品才可用")
    best = max(matching, key=lambda index: lines[index].unit_fen)
    return Offer(tuple(line.unit_fen if index == best else 0 for index, line in enumerate(lines)))


def _set_b(template: Template, coupon: Coupon, lines: Sequence[CartLine]) -> Offer | Unused:
    """Set B is free as often as set A is bought, up to the uses that are left; dishes of A are never free."""
    bought = sum(line.quantity for line in lines if line.dish_id in template.buy_dish_ids)
    got = sum(line.quantity for line in lines if line.dish_id in template.get_dish_ids)
    if template.buy_dish_ids == template.get_dish_ids:
        times = bought // (template.buy_quantity + template.get_quantity)
    else:
        times = min(bought // template.buy_quantity, got // template.get_quantity)
    times = min(times, coupon.uses_left or 0)
    if times == 0:
        return Unused(UnusedReason.NO_MATCHING_DISH, f"点够{template.headline}的菜品即可用")
    free = times * template.get_quantity
    by_line = []
    for line in lines:
        units = min(free, line.quantity) if line.dish_id in template.get_dish_ids else 0
        free -= units
        by_line.append(units * line.unit_fen)
    return Offer(tuple(by_line), uses=times)
