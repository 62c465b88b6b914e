"""Coupon templates and coupons: kinds, where and when they hold, and what keeps a customer from having one."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from resolvers.brands.model import Hours
from resolvers.errors import Refused
from resolvers.money import display
from resolvers.ports import Platform


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
class Window:
    """Times of day on some weekdays (1 Monday - 7 Sunday; none: every day); no ranges: all day."""

    weekdays: tuple[int, ...] = ()
    ranges: tuple[Hours, ...] = ()


@dataclass(frozen=True, slots=True)
class Template:
    """What a brand offers. Amounts in fen; a limit of None is none.

    Kind: CASH takes `amount_off_fen` off, DISCOUNT `percent_off` with a cap, EXCHANGE one of the free dishes, BUY_GET
    `get_quantity` of set B with every `buy_quantity` of set A, `uses` times. The minimum counts the dishes in scope, at
    the diner's prices before any coupon.
    Validity: fixed dates, or `valid_days` from `delay_days` after it was claimed, or both (whichever ends first).
    Scope: stores, levels and chat apps in which it can be had and used (none: all); dishes and sections in (none: all),
    less those out. Claiming: `starts_at` to `ends_at`; limits in all, per customer, and per day of either.
    Stacking: at most one coupon of a `stack_group` in an order; None: it is used alone.
    Sold: `price_fen` for each; with `pass_uses` what is bought is a PASS card, each use of which is a free dish.
    """

    id: str
    brand_id: str
    kind: CouponKind
    title: str
    terms: str
    valid_days: int | None
    per_customer: int
    claimable: bool
    giveable: bool
    total: int | None = None
    per_day: int | None = None
    per_customer_day: int | None = None
    levels: tuple[str, ...] = ()
    channels: tuple[Platform, ...] = ()
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
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    delay_days: int = 0
    windows: tuple[Window, ...] = ()
    blackout: tuple[str, ...] = ()  # dates of the shop, `2027-02-06`, on which it is not taken
    store_ids: tuple[str, ...] = ()
    dish_ids: tuple[str, ...] = ()
    section_ids: tuple[str, ...] = ()
    without_dish_ids: tuple[str, ...] = ()
    without_section_ids: tuple[str, ...] = ()
    stack_group: str | None = None
    regifts: int | None = None  # how often it may be given on; None: as the brand has it
    points_price: int | None = None
    price_fen: int | None = None  # sold for money, not claimed
    per_customer_most: int = 0  # the highest per_customer it ever had: what audits measure old coupons by
    pass_uses: int | None = None

    @property
    def headline(self) -> str:
        """The big figure: `¥20`, `8.8折`, `免费菜`, `买1送1`, `10次卡`."""
        if self.pass_uses is not None:
            return f"{self.pass_uses}次卡"
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

    def day_counter_id(self, day: str) -> str | None:
        """The counter of a day's pieces, None when there is no limit per day."""
        return f"template:{self.id}:{day}" if self.per_day is not None else None

    def check_claimable(self, level: str, platform: Platform | None, now: datetime) -> None:
        """Raise the refusal that keeps a customer of this level, in this chat app, from having one now."""
        if not self.claimable:
            raise NotEligible
        if self.levels and level not in self.levels:
            raise NotEligible("您的会员等级暂不可领取")
        if self.channels and platform is not None and platform not in self.channels:
            raise NotEligible(f"仅限在{channel_names(self.channels)}小程序领取")
        if self.starts_at is not None and now < self.starts_at:
            raise NotStarted
        if self.ends_at is not None and now >= self.ends_at:
            raise Ended
        if self.over(now):
            raise Ended

    def over(self, now: datetime) -> bool:
        """Whether one that is issued now could never be used."""
        valid_from, valid_until = self.validity(now)
        return valid_from >= valid_until

    def validity(self, now: datetime) -> tuple[datetime, datetime]:
        """(from, until): when one that is issued now may be used."""
        begins = max(now + timedelta(days=self.delay_days), self.valid_from or now)
        ends = [] if self.valid_until is None else [self.valid_until]
        if self.valid_days is not None:
            ends.append(begins + timedelta(days=self.valid_days))
        return begins, min(ends)


def channel_names(channels: tuple[Platform, ...]) -> str:
    """`微信`, `QQ`, `微信或 QQ`."""
    return "或 ".join({Platform.WECHAT: "微信", Platform.QQ: "QQ"}[each] for each in channels)


@dataclass(frozen=True, slots=True)
class Coupon:
    """A coupon in somebody's wallet. `uses_left` is None for all but BUY_GET. `payment_id`: what it was bought with."""

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
    payment_id: str | None = None
    successor_id: str | None = None  # the coupon it became when it was given away
    revoked: bool = False  # its top-up was refunded: should it come back, it is void
    told_days: int | None = None  # the last reminder that it lapses, in days before
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
