"""How a group gift is shared: sums are exact, everybody has the same chance, whoever comes first."""

from collections import Counter
from fractions import Fraction
from itertools import combinations
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resolvers.cards.model import Take
from resolvers.gifts.model import GiftSplit
from resolvers.gifts.shares import cut, next_share

EQUAL, LUCKY = GiftSplit.EQUAL, GiftSplit.LUCKY


def all_shares(total_fen: int, shares: int, how: GiftSplit, seed: int = 1) -> list[int]:
    """Every share, claim by claim."""
    random, drawn = Random(seed), list[int]()
    for left in range(shares, 0, -1):
        drawn.append(next_share(total_fen - sum(drawn), left, how, random))
    return drawn


@pytest.mark.parametrize(
    ("total", "shares", "wanted"),
    [
        (100, 3, [34, 33, 33]),
        (101, 3, [34, 34, 33]),
        (10, 10, [1] * 10),
        (7, 1, [7]),
        (1_000, 7, [143] * 6 + [142]),
    ],
)
def test_equal_shares_differ_by_one_fen_at_most(total: int, shares: int, wanted: list[int]) -> None:
    assert all_shares(total, shares, EQUAL) == wanted


@given(st.data(), st.sampled_from([EQUAL, LUCKY]), st.integers(1, 100))
def test_the_sum_is_exact_and_nobody_gets_nothing(data: st.DataObject, how: GiftSplit, shares: int) -> None:
    total = data.draw(st.integers(shares, 10_000_000))
    drawn = all_shares(total, shares, how, data.draw(st.integers(0, 1_000)))
    assert (sum(drawn), min(drawn) >= 1, len(drawn)) == (total, True, shares)


def test_every_way_to_cut_seven_fen_in_three_is_equally_likely() -> None:
    """15 = C(6, 2) ways; the chance of each, worked out over every choice the random source could make."""

    def ways(total: int, left: int) -> dict[tuple[int, ...], Fraction]:
        if left == 1:
            return {(next_share(total, 1, LUCKY),): Fraction(1)}
        found: Counter[tuple[int, ...]] = Counter()
        choices = list(combinations(range(1, total), left - 1))
        for choice in choices:
            first = next_share(total, left, LUCKY, Chosen(choice))
            for rest, chance in ways(total - first, left - 1).items():
                found[first, *rest] += chance / len(choices)  # type: ignore[assignment]
        return dict(found)  # type: ignore[arg-type]

    chances = ways(7, 3)
    assert len(chances) == 15
    assert set(chances.values()) == {Fraction(1, 15)}


class Chosen:
    """A random source that makes one choice."""

    def __init__(self, places: tuple[int, ...]) -> None:
        self._places = places

    def sample(self, population: range, k: int) -> list[int]:
        """The choice, which must be one that may be made."""
        assert len(self._places) == k
        assert set(self._places) <= set(population)
        return list(self._places)


def test_the_first_and_the_last_fare_alike() -> None:
    """10 000 fen for 10, 4 000 times: the mean of each place is 1 000, give or take five standard errors (71 fen)."""
    sums = [0] * 10
    for seed in range(4_000):
        for place, fen in enumerate(all_shares(10_000, 10, LUCKY, seed)):
            sums[place] += fen
    assert [place for place, fen in enumerate(sums) if abs(fen / 4_000 - 1_000) > 71] == []


def test_less_than_a_fen_each_cannot_be_shared() -> None:
    with pytest.raises(ValueError, match="cannot be shared"):
        next_share(2, 3, EQUAL)


def test_a_share_takes_of_every_lot_in_proportion() -> None:
    """700 paid and 300 granted: 333 of 1 000 are 233.1 and 99.9, by largest remainder 233 and 100."""
    takes = (Take("lot_1", False, 700, None), Take("lot_2", True, 300, None))
    share, left = cut(takes, 333)
    assert [(each.lot_id, each.bonus, each.amount_fen) for each in share] == [
        ("lot_1", False, 233),
        ("lot_2", True, 100),
    ]
    assert [each.amount_fen for each in left] == [467, 200]
    assert cut(takes, 1_000) == (takes, ())


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=8), st.data())
def test_what_a_share_takes_and_what_is_left_is_all_there_was(lots: list[int], data: st.DataObject) -> None:
    takes = tuple(Take(f"lot_{index}", index % 2 == 0, fen, None) for index, fen in enumerate(lots))
    share, left = cut(takes, data.draw(st.integers(1, sum(lots))))
    together: Counter[str] = Counter()
    for take in (*share, *left):
        assert take.amount_fen > 0
        together[take.lot_id] += take.amount_fen
    assert together == {take.lot_id: take.amount_fen for take in takes}
