"""Rules of money, lots, coupons, menus and hours, with figures worked out by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.brands.model import Store, covered, in_window, parse_hours
from resolvers.cards.model import Card, CardKind, CardStatus, Hold, Lot, Take
from resolvers.coupons.model import (
    CartLine,
    Coupon,
    CouponKind,
    CouponStatus,
    Offer,
    Template,
    Unused,
    UnusedReason,
    offer,
)
from resolvers.errors import AmountInvalid, BadInput, InsufficientBalance, PaymentUnavailable
from resolvers.ids import new_id, prefix_of
from resolvers.money import Money, display, share_of_units, split
from resolvers.ordering.tenders import Parts, Tender, amounts_of, take_apart
from resolvers.paging import PageRequest, decode_cursor, encode_cursor
from resolvers.payments.model import PaymentMethod
from resolvers.people.model import RefreshInvalid, lock_schedule, read_refresh_token, refresh_token

NOW = datetime(2026, 11, 21, 4, 0, tzinfo=UTC)  # a Saturday, noon in Shanghai


def test_money_refuses_everything_but_whole_fen() -> None:
    for wrong in (1.0, "1", True, None):
        with pytest.raises(TypeError):
            Money(wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="beyond"):
        Money(2**53)
    assert (display(3_800), display(-5), display(0)) == ("¥38.00", "-¥0.05", "¥0.00")


def test_a_split_goes_by_largest_remainder_and_ties_to_the_first() -> None:
    assert split(10, [30, 30, 30]) == [4, 3, 3]
    assert split(1, [1, 1]) == [1, 0]
    assert split(5, [2, 0, 8]) == [1, 0, 4]
    assert split(7, [3, 4]) == [3, 4]
    with pytest.raises(ValueError, match="cannot take"):
        split(8, [3, 4])


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=12), st.data())
def test_a_split_sums_exactly_and_never_overdraws(parts: list[int], data: st.DataObject) -> None:
    total = data.draw(st.integers(0, sum(parts)))
    shares = split(total, parts)
    assert sum(shares) == total
    assert all(0 <= share <= part for share, part in zip(shares, parts, strict=True))


@given(st.integers(0, 100_000), st.integers(1, 50), st.data())
def test_units_settled_in_any_grouping_sum_to_the_line(total: int, quantity: int, data: st.DataObject) -> None:
    settled = before = 0
    while before < quantity:
        count = data.draw(st.integers(1, quantity - before))
        settled += share_of_units(total, quantity, before, count)
        before += count
    assert settled == total


def test_ids_carry_their_kind_and_sort_by_time() -> None:
    earlier, later = new_id("crd", NOW), new_id("crd", NOW + timedelta(milliseconds=1))
    assert prefix_of(earlier) == "crd"
    assert (len(earlier), earlier < later) == (30, True)


def test_a_cursor_reads_back_and_anything_else_is_refused() -> None:
    assert decode_cursor(encode_cursor((5, "crd_x"))) == (5, "crd_x")
    for wrong in ("", "x", "e30", "WzEsMl0", "é", "a" * 500):
        with pytest.raises(BadInput):
            decode_cursor(wrong)
    for first in (0, -1, 101):
        with pytest.raises(BadInput):
            PageRequest.parse(first, None)


# ------------------------------------------------------------------ cards


def _card(*lots: Lot) -> Card:
    return Card("crd_1", "cus_1", "brd_1", CardKind.STORED_VALUE, CardStatus.ACTIVE, "", lots, (), 3, NOW)


SOON, LATER = NOW + timedelta(days=1), NOW + timedelta(days=9)


def test_bonus_that_lapses_soonest_is_spent_first_and_principal_last() -> None:
    card = _card(Lot("p", False, 1_000, None), Lot("b2", True, 300, LATER), Lot("b1", True, 200, SOON))
    assert [(take.lot_id, take.amount_fen) for take in card.pick(600, NOW)] == [("b1", 200), ("b2", 300), ("p", 100)]
    left = card.less(card.pick(600, NOW))
    assert [(lot.id, lot.left_fen) for lot in left.lots] == [("p", 900)]
    assert left.plus(card.pick(600, NOW)).ledger_fen == 1_500


def test_a_lapsed_lot_is_not_spent_and_a_held_one_is_not_spent_twice() -> None:
    card = _card(Lot("p", False, 500, None), Lot("b", True, 300, SOON))
    assert card.available_fen(SOON) == 500
    held = card.holding(Hold("pay_1", card.pick(600, NOW)))
    assert (held.held_fen, held.available_fen(NOW), held.ledger_fen) == (600, 200, 800)
    with pytest.raises(InsufficientBalance):
        held.pick(201, NOW)
    assert held.without_hold("pay_1").available_fen(NOW) == 800


@given(
    st.lists(st.tuples(st.booleans(), st.integers(1, 1_000)), min_size=1, max_size=6),
    st.lists(st.integers(1, 400), max_size=8),
)
def test_what_is_taken_and_put_back_restores_every_lot(lots: list[tuple[bool, int]], sums: list[int]) -> None:
    card = _card(*(Lot(f"l{number}", bonus, fen, None) for number, (bonus, fen) in enumerate(lots)))
    taken: list[tuple[Take, ...]] = []
    after = card
    for amount in sums:
        if amount <= after.available_fen(NOW):
            taken.append(after.pick(amount, NOW))
            after = after.less(taken[-1])
            assert all(lot.left_fen > 0 for lot in after.lots)
    for takes in taken:
        after = after.plus(takes)
    assert sorted((lot.id, lot.left_fen) for lot in after.lots) == sorted((lot.id, lot.left_fen) for lot in card.lots)


# ------------------------------------------------------------------ tenders

WECHAT = PaymentMethod.WECHAT_PAY


def test_tenders_are_taken_apart_into_cards_and_one_outside_part() -> None:
    tenders = [Tender(PaymentMethod.GIFT_CARD, "crd_1", 3_000), Tender(WECHAT, None, None)]
    parts = take_apart(10_000, tenders, WECHAT)
    assert isinstance(parts, Parts)
    assert ([part.amount_fen for part in parts.cards], parts.outside_fen) == ([3_000], 7_000)


@pytest.mark.parametrize(
    "tenders",
    [
        [],
        [Tender(WECHAT, None, 9_999)],
        [Tender(WECHAT, None, 10_001)],
        [Tender(WECHAT, None, 0)],
        [Tender(WECHAT, None, -1)],
        [Tender(WECHAT, None, 2**53)],
        [Tender(WECHAT, None, None), Tender(PaymentMethod.GIFT_CARD, "crd_1", None)],
        [Tender(WECHAT, None, 5_000), Tender(WECHAT, None, 5_000)],
        [Tender(PaymentMethod.GIFT_CARD, None, None)],
        [Tender(PaymentMethod.GIFT_CARD, "crd_1", 5_000), Tender(PaymentMethod.GIFT_CARD, "crd_1", 5_000)],
        [Tender(PaymentMethod.PASS, None, None)],
        [Tender(PaymentMethod.CASH, None, 100), Tender(PaymentMethod.CASH, None, None)],
        [Tender(PaymentMethod.GIFT_CARD, "crd_1", 10_000), Tender(WECHAT, None, None)],
    ],
)
def test_tenders_that_do_not_add_up_are_refused(tenders: list[Tender]) -> None:
    with pytest.raises(AmountInvalid):
        take_apart(10_000, tenders, WECHAT)


def test_the_other_apps_wallet_is_refused() -> None:
    with pytest.raises(PaymentUnavailable):
        take_apart(100, [Tender(PaymentMethod.QQ_WALLET, None, None)], WECHAT)
    assert amounts_of(100, [Tender(WECHAT, None, 40), Tender(WECHAT, None, None)]) == [40, 60]


# ------------------------------------------------------------------ coupons

LINES = [CartLine("crab", 1, 20_000), CartLine("tea", 3, 1_001)]  # 23 003 fen


def _template(kind: CouponKind, **values: object) -> Template:
    base = Template("tpl_1", "brd_1", kind, "", "", valid_days=30, per_customer=1, claimable=True, giveable=True)
    return replace(base, **values)  # type: ignore[arg-type]


def _coupon(**values: object) -> Coupon:
    base = Coupon(
        "cpn_1", "cus_1", "brd_1", "tpl_1", CouponKind.CASH, CouponStatus.AVAILABLE, "", "", "",
        NOW - timedelta(days=1), NOW + timedelta(days=1), True, 3, NOW,
    )  # fmt: skip
    return replace(base, **values)  # type: ignore[arg-type]


def test_an_amount_off_is_shared_over_the_lines_by_value() -> None:
    found = offer(_template(CouponKind.CASH, amount_off_fen=5_000, minimum_fen=23_003), _coupon(), LINES, NOW)
    # 5 000 × 20 000 / 23 003 = 4 347.26…, 5 000 × 3 003 / 23 003 = 652.74… → the odd fen to the larger remainder
    assert isinstance(found, Offer)
    assert found.by_line == (4_347, 653)


def test_an_amount_off_never_makes_an_order_cost_less_than_nothing() -> None:
    found = offer(_template(CouponKind.CASH, amount_off_fen=50_000), _coupon(), LINES, NOW)
    assert isinstance(found, Offer)
    assert found.total_fen == 23_003


def test_an_order_that_is_too_small_says_how_much_is_missing() -> None:
    found = offer(_template(CouponKind.CASH, amount_off_fen=1, minimum_fen=24_203), _coupon(), LINES, NOW)
    assert found == Unused(UnusedReason.MINIMUM_SPEND, "再点 ¥12.00 可用")


def test_a_percentage_off_is_rounded_down_and_capped() -> None:
    found = offer(_template(CouponKind.DISCOUNT, percent_off=12), _coupon(), LINES, NOW)
    assert isinstance(found, Offer)
    assert found.total_fen == 2_760  # 12 % of 23 003 = 2 760.36
    capped = offer(_template(CouponKind.DISCOUNT, percent_off=12, cap_fen=2_000), _coupon(), LINES, NOW)
    assert isinstance(capped, Offer)
    assert capped.total_fen == 2_000


def test_a_free_dish_takes_off_one_of_it() -> None:
    found = offer(_template(CouponKind.EXCHANGE, free_dish_ids=("tea",)), _coupon(), LINES, NOW)
    assert isinstance(found, Offer)
    assert found.by_line == (0, 1_001)
    other = offer(_template(CouponKind.EXCHANGE, free_dish_ids=("duck",)), _coupon(), LINES, NOW)
    assert isinstance(other, Unused)
    assert other.reason is UnusedReason.NO_MATCHING_DISH


def test_set_b_is_free_as_often_as_set_a_is_bought_and_uses_are_left() -> None:
    lines = [CartLine("crab", 2, 20_000), CartLine("tea", 3, 1_000)]
    template = _template(CouponKind.BUY_GET, buy_dish_ids=("crab",), get_dish_ids=("tea",))
    found = offer(template, _coupon(uses_left=5), lines, NOW)
    assert found == Offer((0, 2_000), uses=2)
    assert offer(template, _coupon(uses_left=1), lines, NOW) == Offer((0, 1_000), uses=1)
    same = _template(CouponKind.BUY_GET, buy_dish_ids=("tea",), get_dish_ids=("tea",))
    assert offer(same, _coupon(uses_left=5), lines, NOW) == Offer(
        (0, 1_000), uses=1
    )  # three: buy one, get one, one over


@pytest.mark.parametrize(
    ("coupon", "reason"),
    [
        (_coupon(status=CouponStatus.HELD), UnusedReason.NOT_AVAILABLE),
        (_coupon(valid_from=NOW + timedelta(minutes=1)), UnusedReason.NOT_YET_VALID),
        (_coupon(valid_until=NOW), UnusedReason.EXPIRED),
    ],
)
def test_a_coupon_that_cannot_be_used_now_says_why(coupon: Coupon, reason: UnusedReason) -> None:
    found = offer(_template(CouponKind.CASH, amount_off_fen=1), coupon, LINES, NOW)
    assert isinstance(found, Unused)
    assert found.reason is reason


def test_headlines_read_as_diners_say_them() -> None:
    assert _template(CouponKind.CASH, amount_off_fen=2_000).headline == "¥20"
    assert _template(CouponKind.CASH, amount_off_fen=2_050).headline == "¥20.50"
    assert _template(CouponKind.DISCOUNT, percent_off=12).headline == "8.8折"
    assert _template(CouponKind.DISCOUNT, percent_off=20).headline == "8折"
    assert _template(CouponKind.BUY_GET, buy_quantity=2, get_quantity=1).headline == "买2送1"


# ------------------------------------------------------------------ hours, locks, tokens


def test_hours_over_midnight_belong_to_the_evening_they_began() -> None:
    night = parse_hours("22:00", "02:00")
    local = datetime(2026, 11, 22, 1, 0)  # Sunday, one in the morning
    assert covered([night], local)
    assert in_window([night], [6], local)  # Saturday's night
    assert not in_window([night], [7], local)
    assert not covered([night], local.replace(hour=2))


def test_a_day_ends_by_the_shops_own_clock() -> None:
    store = Store("sto_1", "brd_1", "", "", "", 113.0, 23.0, None, (parse_hours("00:00", "24:00"),))
    assert store.business_day(datetime(2026, 11, 21, 15, 59, tzinfo=UTC)) == "2026-11-21"
    assert store.business_day(datetime(2026, 11, 21, 16, 0, tzinfo=UTC)) == "2026-11-22"
    assert store.metres_from(113.0, 23.0) == 0
    assert 111_000 < store.metres_from(113.0, 24.0) < 111_400  # one degree of latitude


def test_locks_grow() -> None:
    waits = [(count, (until - NOW).total_seconds() / 60) for count, until in lock_schedule(NOW)]
    assert waits == [(5, 1), (10, 10), (15, 60)]


def test_a_refresh_token_of_another_key_or_shape_is_no_token() -> None:
    token = refresh_token(b"k" * 32, "ses_1", 3)
    assert read_refresh_token(b"k" * 32, token) == ("ses_1", 3)
    for wrong in ("", "x", token[:-1], token + "0", token.replace(".3.", ".4."), refresh_token(b"o" * 32, "ses_1", 3)):
        with pytest.raises(RefreshInvalid):
            read_refresh_token(b"k" * 32, wrong)
