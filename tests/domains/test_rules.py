"""Rules of money, lots, menus and hours, with figures worked out by hand."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.brands.model import Store, covered, in_window, parse_hours
from resolvers.cards.model import Card, CardKind, CardStatus, Hold, Lot, Take
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
