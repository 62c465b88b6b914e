"""What a coupon of each kind takes off, with figures worked out by hand."""

import pytest

from resolvers.coupons.combine import Applied, combine
from resolvers.coupons.model import CouponKind
from resolvers.coupons.rules import CartLine, Unused, UnusedReason
from tests.coupons.making import alone, candidates, coupon, template

LINES = [CartLine("crab", 1, 20_000, "sea"), CartLine("tea", 3, 1_001, "drinks")]  # 23 003 fen


def _off(found: Applied | Unused) -> tuple[int, ...]:
    assert isinstance(found, Applied)
    return found.by_line


def test_an_amount_off_is_shared_over_the_lines_by_value() -> None:
    found = alone(template(CouponKind.CASH, amount_off_fen=5_000, minimum_fen=23_003), coupon(), LINES)
    # 5 000 × 20 000 / 23 003 = 4 347.26…, 5 000 × 3 003 / 23 003 = 652.74… → the odd fen to the larger remainder
    assert _off(found) == (4_347, 653)


def test_an_amount_off_never_makes_an_order_cost_less_than_nothing() -> None:
    assert sum(_off(alone(template(CouponKind.CASH, amount_off_fen=50_000), coupon(), LINES))) == 23_003


def test_an_order_that_is_too_small_says_how_much_is_missing() -> None:
    found = alone(template(CouponKind.CASH, amount_off_fen=1, minimum_fen=24_203), coupon(), LINES)
    assert found == Unused(UnusedReason.MINIMUM_SPEND, "再点 ¥12.00 可用")


def test_a_scope_takes_off_and_counts_only_its_own_lines() -> None:
    drinks = template(CouponKind.CASH, amount_off_fen=500, minimum_fen=3_000, section_ids=("drinks",))
    assert _off(alone(drinks, coupon(), LINES)) == (0, 500)
    dear = template(CouponKind.CASH, amount_off_fen=500, minimum_fen=4_203, dish_ids=("tea",))
    assert alone(dear, coupon(), LINES) == Unused(UnusedReason.MINIMUM_SPEND, "再点 ¥12.00 指定菜品可用")
    not_sea = template(CouponKind.DISCOUNT, percent_off=10, without_section_ids=("sea",))
    assert _off(alone(not_sea, coupon(), LINES)) == (0, 300)  # 10 % of 3 003
    not_tea = template(CouponKind.CASH, amount_off_fen=30_000, without_dish_ids=("tea",))
    assert _off(alone(not_tea, coupon(), LINES)) == (20_000, 0)
    nothing = alone(template(CouponKind.CASH, amount_off_fen=1, dish_ids=("duck",)), coupon(), LINES)
    assert nothing == Unused(UnusedReason.NO_MATCHING_DISH, "点了券上的指定菜品才可用")


def test_a_percentage_off_is_rounded_down_and_capped() -> None:
    assert sum(_off(alone(template(CouponKind.DISCOUNT, percent_off=12), coupon(), LINES))) == 2_760  # 2 760.36
    capped = alone(template(CouponKind.DISCOUNT, percent_off=12, cap_fen=2_000), coupon(), LINES)
    assert sum(_off(capped)) == 2_000


def test_a_free_dish_takes_off_one_of_the_dearest() -> None:
    assert _off(alone(template(CouponKind.EXCHANGE, free_dish_ids=("tea",)), coupon(), LINES)) == (0, 1_001)
    assert _off(alone(template(CouponKind.EXCHANGE, free_dish_ids=("tea", "crab")), coupon(), LINES)) == (20_000, 0)
    other = alone(template(CouponKind.EXCHANGE, free_dish_ids=("duck",)), coupon(), LINES)
    assert other == Unused(UnusedReason.NO_MATCHING_DISH, "点了券上的菜品才可用")


@pytest.mark.parametrize(
    ("crabs", "teas", "uses_left", "off", "uses"),
    [
        (2, 3, 5, 2_000, 2),  # two bought, two of three teas free
        (2, 3, 1, 1_000, 1),  # one use left
        (3, 1, 5, 1_000, 1),  # only one tea is on the table
    ],
)
def test_set_b_is_free_as_often_as_set_a_is_bought(crabs: int, teas: int, uses_left: int, off: int, uses: int) -> None:
    lines = [CartLine("crab", crabs, 20_000), CartLine("tea", teas, 1_000)]
    tea_card = template(CouponKind.BUY_GET, buy_dish_ids=("crab",), get_dish_ids=("tea",))
    found = alone(tea_card, coupon(uses_left=uses_left), lines)
    assert isinstance(found, Applied)
    assert (found.by_line, found.uses) == ((0, off), uses)


@pytest.mark.parametrize(("teas", "off", "uses"), [(1, None, 0), (2, 1_000, 1), (3, 1_000, 1), (4, 2_000, 2)])
def test_buy_one_get_one_of_the_same_dish_needs_two_of_it(teas: int, off: int | None, uses: int) -> None:
    same = template(CouponKind.BUY_GET, buy_dish_ids=("tea",), get_dish_ids=("tea",))
    found = alone(same, coupon(uses_left=5), [CartLine("tea", teas, 1_000)])
    if off is None:
        assert found == Unused(UnusedReason.NO_MATCHING_DISH, "买1送1：把赠送的菜品一起点上即可享用")
    else:
        assert isinstance(found, Applied)
        assert (found.by_line, found.uses) == ((off,), uses)


def test_of_dishes_in_both_sets_the_dearer_count_as_bought() -> None:
    drinks = ("tea", "juice")
    any_two = template(CouponKind.BUY_GET, buy_dish_ids=drinks, get_dish_ids=drinks)
    lines = [CartLine("juice", 1, 1_800), CartLine("tea", 1, 1_000)]
    assert _off(alone(any_two, coupon(uses_left=1), lines)) == (0, 1_000)
    # a juice is bought or free, not both: with set A of tea and juice, set B of juice, one juice alone is nothing
    half = template(CouponKind.BUY_GET, buy_dish_ids=drinks, get_dish_ids=("juice",))
    assert isinstance(alone(half, coupon(uses_left=1), lines[:1]), Unused)
    assert _off(alone(half, coupon(uses_left=1), lines)) == (1_800, 0)  # tea bought, juice free


def test_buy_two_get_two_counts_one_use_for_both() -> None:
    tea_card = template(
        CouponKind.BUY_GET, buy_dish_ids=("crab",), get_dish_ids=("tea",), buy_quantity=2, get_quantity=2
    )
    found = alone(tea_card, coupon(uses_left=3), [CartLine("crab", 5, 20_000), CartLine("tea", 9, 1_000)])
    assert isinstance(found, Applied)
    assert (found.by_line, found.uses) == ((0, 4_000), 2)  # 5 crabs are two pairs: 4 teas
    short = alone(tea_card, coupon(uses_left=3), [CartLine("crab", 1, 20_000), CartLine("tea", 9, 1_000)])
    assert short == Unused(UnusedReason.NO_MATCHING_DISH, "买2送2：再点 1 份指定菜品即可享用")


def test_together_dishes_are_free_first_then_percentages_then_amounts() -> None:
    free_tea = template(CouponKind.EXCHANGE, "a", free_dish_ids=("tea",), stack_group="free")
    tenth = template(CouponKind.DISCOUNT, "b", percent_off=10, stack_group="off")
    twenty = template(CouponKind.CASH, "c", amount_off_fen=2_000, stack_group="cash")
    offered = [(twenty, coupon("c")), (tenth, coupon("b")), (free_tea, coupon("a"))]
    together = combine(candidates(offered, LINES), LINES)
    # tea −1 001; of 22 002 a tenth is 2 200 (20 000 → 2 000 with .0, 2 002 → 200); of 19 802 the 2 000 come off in full
    assert [each.total_fen for each in together] == [1_001, 2_200, 2_000]
    assert [each.candidate.template.title for each in together] == ["a", "b", "c"]
    assert together[1].by_line == (2_000, 200)
    assert together[2].by_line == (1_818, 182)  # 18 000 and 1 802 of 19 802: 1 817.99… and 182.00…


def test_two_free_dishes_are_given_to_the_coupons_that_can_have_them() -> None:
    either = template(CouponKind.EXCHANGE, "a", free_dish_ids=("crab", "tea"), stack_group="x")
    crab = template(CouponKind.EXCHANGE, "b", free_dish_ids=("crab",), stack_group="y")
    lines = [CartLine("crab", 1, 20_000), CartLine("tea", 1, 1_000)]
    together = combine(candidates([(either, coupon("a")), (crab, coupon("b"))], lines), lines)
    assert {each.candidate.template.title: each.by_line for each in together} == {"a": (0, 1_000), "b": (20_000, 0)}


def test_what_one_coupon_makes_free_is_not_bought_for_another() -> None:
    teas = [CartLine("tea", 4, 1_000)]
    same = {"buy_dish_ids": ("tea",), "get_dish_ids": ("tea",)}
    offered = [(template(CouponKind.BUY_GET, key, stack_group=key, **same), coupon(key, uses_left=5)) for key in "ab"]
    assert sum(each.total_fen for each in combine(candidates(offered, teas), teas)) == 2_000  # two pay for two
    offered.append((template(CouponKind.EXCHANGE, "c", free_dish_ids=("tea",), stack_group="c"), coupon("c")))
    assert sum(each.total_fen for each in combine(candidates(offered, teas), teas)) == 2_000  # still two pay
    crossed = [
        template(CouponKind.BUY_GET, "a", buy_dish_ids=("tea",), get_dish_ids=("crab",), stack_group="a"),
        template(CouponKind.BUY_GET, "b", buy_dish_ids=("crab",), get_dish_ids=("tea",), stack_group="b"),
    ]
    one_each = [CartLine("crab", 1, 5_000), CartLine("tea", 1, 1_000)]
    both = combine(candidates([(each, coupon(each.title, uses_left=1)) for each in crossed], one_each), one_each)
    assert [each.by_line for each in both] == [(5_000, 0), (0, 0)]  # the dearer; the tea is paid for
    free_tea = template(CouponKind.EXCHANGE, "c", free_dish_ids=("tea",), stack_group="c")
    pair = [(crossed[0], coupon("a", uses_left=1)), (free_tea, coupon("c"))]
    assert sum(each.total_fen for each in combine(candidates(pair, one_each), one_each)) == 5_000


def test_a_dish_more_never_makes_set_b_dearer() -> None:
    """Buy A or X, get X or C: with A bought the X of 50 is free, whether or not a C of 5 stands by."""
    offered = template(CouponKind.BUY_GET, buy_dish_ids=("a", "x"), get_dish_ids=("x", "c"))
    lines = [CartLine("a", 1, 3_000), CartLine("x", 1, 5_000)]
    assert _off(alone(offered, coupon(uses_left=1), lines)) == (0, 5_000)
    assert _off(alone(offered, coupon(uses_left=1), [*lines, CartLine("c", 1, 500)])) == (0, 5_000, 0)


def test_no_use_is_spent_on_a_dish_that_costs_nothing() -> None:
    offered = template(CouponKind.BUY_GET, buy_dish_ids=("a",), get_dish_ids=("b", "w"))
    lines = [CartLine("a", 3, 3_000), CartLine("b", 1, 1_600), CartLine("w", 2, 0)]
    found = alone(offered, coupon(uses_left=3), lines)
    assert isinstance(found, Applied)
    assert (found.by_line, found.uses) == ((0, 1_600, 0), 1)


def test_half_a_set_b_costs_a_whole_use() -> None:
    pairs = template(
        CouponKind.BUY_GET, "b", buy_dish_ids=("crab",), get_dish_ids=("tea",), buy_quantity=2, get_quantity=2
    )
    one = template(CouponKind.EXCHANGE, "a", free_dish_ids=("tea",))
    lines = [CartLine("crab", 4, 20_000), CartLine("tea", 4, 1_000)]
    together = combine(candidates([(pairs, coupon("b", uses_left=9)), (one, coupon("a"))], lines), lines)
    assert {each.candidate.template.title: (each.by_line[1], each.uses) for each in together} == {
        "a": (1_000, 1),
        "b": (3_000, 2),  # four teas, one of them free by the other coupon
    }


def test_headlines_read_as_diners_say_them() -> None:
    assert template(CouponKind.CASH, amount_off_fen=2_000).headline == "¥20"
    assert template(CouponKind.CASH, amount_off_fen=2_050).headline == "¥20.50"
    assert template(CouponKind.DISCOUNT, percent_off=12).headline == "8.8折"
    assert template(CouponKind.DISCOUNT, percent_off=20).headline == "8折"
    assert template(CouponKind.BUY_GET, buy_quantity=2, get_quantity=1).headline == "买2送1"
