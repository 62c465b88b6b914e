"""Where and when a coupon holds: its dates, windows over midnight and over a change of date, stores, levels, apps."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from resolvers.brands.model import Hours, parse_hours
from resolvers.coupons.combine import Applied
from resolvers.coupons.model import Coupon, CouponKind, CouponStatus, Ended, NotEligible, NotStarted, Window
from resolvers.coupons.publish import check
from resolvers.coupons.rules import CartLine, Occasion, Unused, UnusedReason, windows_label
from resolvers.ports import Platform
from tests.coupons.making import NOW, alone, coupon, occasion, template

LINES = [CartLine("crab", 1, 20_000)]
TEN_YUAN = template(CouponKind.CASH, amount_off_fen=1_000)
LUNCH = Window((1, 2, 3, 4, 5), (parse_hours("11:00", "14:00"),))
NIGHT = Window((5, 6), (parse_hours("22:00", "02:00"),))  # Friday and Saturday nights
FOREVER = coupon(valid_from=NOW - timedelta(days=400), valid_until=NOW + timedelta(days=400))


def _shanghai(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)


def _reason(found: Applied | Unused) -> tuple[UnusedReason, str] | None:
    return (found.reason, found.explanation) if isinstance(found, Unused) else None


@pytest.mark.parametrize(
    ("held", "why"),
    [
        (coupon(status=CouponStatus.HELD), (UnusedReason.NOT_AVAILABLE, "此券已用于一个待支付的订单")),
        (coupon(status=CouponStatus.GIFTING), (UnusedReason.NOT_AVAILABLE, "此券正在转赠中")),
        (
            coupon(valid_from=NOW + timedelta(minutes=1)),
            (UnusedReason.NOT_YET_VALID, "11月21日 12:01 起可用"),  # on the shop's clock, not in UTC
        ),
        (coupon(valid_until=NOW), (UnusedReason.EXPIRED, "此券有效期至 11月21日 12:00")),
        (coupon(valid_from=NOW), None),
        (coupon(valid_until=NOW + timedelta(milliseconds=1)), None),
    ],
)
def test_its_state_and_dates(held: Coupon, why: tuple[UnusedReason, str] | None) -> None:
    assert _reason(alone(TEN_YUAN, held, LINES)) == why


def test_an_order_to_come_is_judged_at_its_own_moment() -> None:
    tomorrow_evening = occasion(NOW + timedelta(hours=30))
    lapses_before, begins_before = coupon(valid_until=NOW + timedelta(hours=29)), coupon(valid_from=NOW)
    assert _reason(alone(TEN_YUAN, lapses_before, LINES)) is None
    assert _reason(alone(TEN_YUAN, lapses_before, LINES, tomorrow_evening)) == (
        UnusedReason.EXPIRED,
        "此券有效期至 11月22日 17:00",
    )
    later = replace(begins_before, valid_from=NOW + timedelta(hours=1), valid_until=NOW + timedelta(hours=31))
    assert _reason(alone(TEN_YUAN, later, LINES)) is not None
    assert _reason(alone(TEN_YUAN, later, LINES, tomorrow_evening)) is None


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2026-11-20T10:59:59", False),  # a Friday, a second before lunch
        ("2026-11-20T11:00", True),
        ("2026-11-20T13:59:59", True),
        ("2026-11-20T14:00", False),
        ("2026-11-21T12:00", False),  # a Saturday
        ("2026-11-20T21:59", False),
        ("2026-11-20T22:00", True),  # Friday night
        ("2026-11-21T01:59", True),  # still Friday's night
        ("2026-11-21T02:00", False),
        ("2026-11-22T00:30", True),  # Saturday's night runs into Sunday
        ("2026-11-22T22:30", False),  # Sunday night is none
        ("2026-11-20T01:00", False),  # Thursday's night is none, though Friday has begun
    ],
)
def test_windows_by_weekday_and_hour_over_midnight(at: str, holds: bool) -> None:
    found = alone(
        template(CouponKind.CASH, amount_off_fen=1_000, windows=(LUNCH, NIGHT)),
        FOREVER,
        LINES,
        occasion(_shanghai(at)),
    )
    outside = (UnusedReason.OUTSIDE_WINDOW, "仅限周一至周五 11:00-14:00、周五、周六 22:00-02:00 使用")
    assert _reason(found) == (None if holds else outside)


@pytest.mark.parametrize(
    ("at", "holds"),
    [
        ("2026-11-20T23:00", True),  # Friday night begins on the 20th …
        ("2026-11-21T01:00", True),  # … and the blackout of the 21st does not cut it
        ("2026-11-21T23:00", False),  # Saturday night begins on the 21st …
        ("2026-11-22T01:00", False),  # … and stays blacked out after midnight
    ],
)
def test_a_blackout_covers_the_nights_that_begin_on_it(at: str, holds: bool) -> None:
    closed = template(CouponKind.CASH, amount_off_fen=1_000, windows=(NIGHT,), blackout=("2026-11-21",))
    found = _reason(alone(closed, FOREVER, LINES, occasion(_shanghai(at))))
    assert found == (None if holds else (UnusedReason.OUTSIDE_WINDOW, "11月21日不可用"))


def test_a_blackout_without_windows_is_the_shops_calendar_day() -> None:
    closed = template(CouponKind.CASH, amount_off_fen=1_000, blackout=("2026-11-21",))
    days = {at: _reason(alone(closed, FOREVER, LINES, occasion(_shanghai(at)))) for at in
            ("2026-11-20T23:59", "2026-11-21T00:00", "2026-11-21T23:59", "2026-11-22T00:00")}  # fmt: skip
    assert list(days.values()) == [None, *[(UnusedReason.OUTSIDE_WINDOW, "11月21日不可用")] * 2, None]


def test_the_same_moment_is_another_day_in_another_zone() -> None:
    saturdays = template(CouponKind.CASH, amount_off_fen=1_000, windows=(Window((6,)),))
    at = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)  # Saturday 01:00 in Shanghai, Friday noon in New York
    in_new_york = Occasion("sto_1", at, at.astimezone(ZoneInfo("America/New_York")))
    assert _reason(alone(saturdays, FOREVER, LINES, occasion(at))) is None
    assert _reason(alone(saturdays, FOREVER, LINES, in_new_york)) == (UnusedReason.OUTSIDE_WINDOW, "仅限周六 使用")


def test_stores_levels_and_chat_apps() -> None:
    here = template(CouponKind.CASH, amount_off_fen=1_000, store_ids=("sto_2",))
    assert _reason(alone(here, FOREVER, LINES)) == (UnusedReason.WRONG_STORE, "此券不适用于本店")
    gold = template(CouponKind.CASH, amount_off_fen=1_000, levels=("GOLD",))
    names = {"GOLD": "金卡会员"}
    assert _reason(alone(gold, FOREVER, LINES, occasion(level="STANDARD", level_names=names))) == (
        UnusedReason.LEVEL_TOO_LOW,
        "仅限金卡会员使用",
    )
    assert _reason(alone(gold, FOREVER, LINES, occasion(level="GOLD"))) is None
    qq = template(CouponKind.CASH, amount_off_fen=1_000, channels=(Platform.QQ,))
    assert _reason(alone(qq, FOREVER, LINES, occasion(platform=Platform.WECHAT))) == (
        UnusedReason.NOT_AVAILABLE,
        "仅限在QQ小程序使用",
    )
    assert _reason(alone(qq, FOREVER, LINES, occasion(platform=Platform.QQ))) is None


def test_how_windows_read() -> None:
    assert windows_label((Window((1, 2)), Window((), (Hours(600, 1_320),)))) == "周一、周二、每天 10:00-22:00"


def test_validity_by_dates_by_days_and_by_both() -> None:
    day = timedelta(days=1)
    days = template(CouponKind.CASH, amount_off_fen=1, valid_days=30)
    assert days.validity(NOW) == (NOW, NOW + 30 * day)
    delayed = replace(days, delay_days=2)
    assert delayed.validity(NOW) == (NOW + 2 * day, NOW + 32 * day)
    fixed = replace(days, valid_days=None, valid_from=NOW + day, valid_until=NOW + 5 * day)
    assert fixed.validity(NOW) == (NOW + day, NOW + 5 * day)
    assert fixed.validity(NOW + 3 * day) == (NOW + 3 * day, NOW + 5 * day)
    both = replace(days, valid_until=NOW + 5 * day)
    assert both.validity(NOW) == (NOW, NOW + 5 * day)  # whichever ends first
    assert replace(both, valid_days=3).validity(NOW) == (NOW, NOW + 3 * day)


def test_when_one_may_be_claimed() -> None:
    day = timedelta(days=1)
    open_ = template(CouponKind.CASH, starts_at=NOW, ends_at=NOW + day)
    open_.check_claimable("STANDARD", Platform.WECHAT, NOW)
    with pytest.raises(NotStarted):
        open_.check_claimable("STANDARD", None, NOW - timedelta(seconds=1))
    for over in (open_, template(CouponKind.CASH, valid_until=NOW + day)):
        with pytest.raises(Ended):
            over.check_claimable("STANDARD", None, NOW + day)
    for refused in (
        template(CouponKind.CASH, claimable=False),
        template(CouponKind.CASH, levels=("GOLD",)),
        template(CouponKind.CASH, channels=(Platform.QQ,)),
    ):
        with pytest.raises(NotEligible):
            refused.check_claimable("STANDARD", Platform.WECHAT, NOW)


@pytest.mark.parametrize(
    ("kind", "values", "what"),
    [
        (CouponKind.CASH, {}, "nothing taken off"),
        (CouponKind.DISCOUNT, {"percent_off": 101}, "not a percentage"),
        (CouponKind.EXCHANGE, {}, "no free dish"),
        (CouponKind.BUY_GET, {"buy_dish_ids": ("tea",)}, "no set A or B"),
        (CouponKind.CASH, {"amount_off_fen": 1, "valid_days": None}, "no end"),
        (CouponKind.CASH, {"amount_off_fen": 1, "valid_from": NOW, "valid_until": NOW}, "ends before it begins"),
        (CouponKind.CASH, {"amount_off_fen": 1, "points_price": 5, "price_fen": 5}, "two prices"),
        (CouponKind.CASH, {"amount_off_fen": 1, "price_fen": 0}, "a price of nothing"),
        (CouponKind.CASH, {"amount_off_fen": 1, "per_day": -1}, "a limit below none"),
    ],
)
def test_a_template_whose_numbers_make_no_sense_is_not_published(kind: CouponKind, values: dict, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        check(template(kind, **values))
