"""Who owes what of a table's order: sums that add up to the fen, whoever has added what."""

import random

from resolvers.tables.model import TableSplit, shared


def test_one_pays_has_no_shares() -> None:
    assert shared(TableSplit.ONE_PAYS, ["a", "b"], ["a"], [100]) == []


def test_equal_shares_differ_by_a_fen_at_most_and_the_first_have_the_odd_ones() -> None:
    assert shared(TableSplit.EQUAL, ["a", "b", "c"], ["a"], [100]) == [("a", 34), ("b", 33), ("c", 33)]
    assert shared(TableSplit.EQUAL, ["a", "b", "c"], ["a"], [1]) == [("a", 1), ("b", 0), ("c", 0)]
    assert shared(TableSplit.EQUAL, ["a", "b"], ["a"], [0]) == [("a", 0), ("b", 0)]


def test_each_owes_their_own_lines_and_who_has_none_has_no_share() -> None:
    lines = ["b", "a", "b"], [5, 7, 11]
    assert shared(TableSplit.EACH_PAYS_OWN, ["a", "b", "c"], *lines) == [("a", 7), ("b", 16)]


def test_shares_add_up_whatever_is_shared() -> None:
    chance = random.Random(11)
    for _ in range(2_000):
        people = [f"p{number}" for number in range(chance.randint(1, 50))]
        owners = [chance.choice(people) for _ in range(chance.randint(1, 100))]
        totals = [chance.randint(0, 100_000) for _ in owners]
        for how in (TableSplit.EQUAL, TableSplit.EACH_PAYS_OWN):
            owed = [fen for _, fen in shared(how, people, owners, totals)]
            assert sum(owed) == sum(totals)
            assert min(owed) >= 0
            assert how is TableSplit.EACH_PAYS_OWN or max(owed) - min(owed) <= 1
