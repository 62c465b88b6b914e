"""The best combination of coupons against brute force over every legal one, in random wallets and carts."""

import itertools
import random
from collections.abc import Sequence
from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from resolvers.coupons.best import _Search, best, may_stack
from resolvers.coupons.combine import combine
from resolvers.coupons.model import Coupon, CouponKind, Template
from resolvers.coupons.rules import Candidate, CartLine
from tests.coupons.making import NOW, candidates, coupon, template

Offered = list[tuple[Template, Coupon]]
DISHES = ("crab", "duck", "tea", "juice", "rice")
SECTIONS = {"crab": "sea", "duck": "meat", "tea": "drinks", "juice": "drinks", "rice": "rest"}

some_dishes = st.lists(st.sampled_from(DISHES), max_size=3, unique=True).map(tuple)
lines_ = st.lists(
    st.builds(
        lambda dish, quantity, fen: CartLine(dish, quantity, fen, SECTIONS[dish]),
        st.sampled_from(DISHES),
        st.integers(1, 4),
        st.integers(0, 400) | st.sampled_from([1_000, 1_000, 2_000]),
    ),
    min_size=1,
    max_size=5,
)


@st.composite
def wallets(draw: st.DrawFn, most: int = 7) -> Offered:
    """Coupons of random kinds, numbers, scopes and groups; small sums, so that they get in each other's way."""
    offered: Offered = []
    for number in range(draw(st.integers(0, most))):
        kind = draw(st.sampled_from(list(CouponKind)))
        values = {
            "amount_off_fen": draw(st.integers(1, 900)),
            "percent_off": draw(st.integers(1, 60)),
            "cap_fen": draw(st.none() | st.integers(1, 500)),
            "minimum_fen": draw(st.sampled_from([0, 0, 100, 1_000])),
            "free_dish_ids": draw(some_dishes),
            "buy_dish_ids": draw(some_dishes),
            "get_dish_ids": draw(some_dishes),
            "get_quantity": draw(st.integers(1, 2)),
            "dish_ids": draw(st.just(()) | some_dishes),
            "without_section_ids": draw(st.just(()) | st.just(("drinks",))),
            "stack_group": draw(st.sampled_from([None, "a", "b", "c", "d"])),
        }
        until = NOW + timedelta(days=draw(st.integers(1, 3)))
        key = str(draw(st.integers(0, 3))) if draw(st.integers(0, 3)) == 0 else f"t{number}"  # some of one template
        known = next((each for each, _ in offered if each.id == f"tpl_{key}"), None)
        made = known or template(kind, key, **values)
        held = coupon(key, id=f"cpn_{number}", valid_until=until, uses_left=draw(st.integers(0, 3)))
        offered.append((made, held))
    return offered


def _wish(chosen: Sequence[Candidate], lines: Sequence[CartLine]) -> tuple[int, int, list[tuple[float, str]]]:
    """What makes one combination better than another: most off, then fewest, then soonest to lapse. Less is better."""
    off = sum(each.total_fen for each in combine(chosen, lines))
    return (-off, len(chosen), sorted((each.coupon.valid_until.timestamp(), each.coupon.id) for each in chosen))


def _brute_force(found: Sequence[Candidate], lines: Sequence[CartLine], most: int) -> list[Candidate]:
    every = [
        list(chosen) for size in range(most + 1) for chosen in itertools.combinations(found, size) if may_stack(chosen)
    ]
    return min(every, key=lambda chosen: _wish(chosen, lines))


@settings(max_examples=1_000, deadline=None)
@given(wallets(), lines_, st.integers(1, 4))
def test_it_is_the_best_of_all_legal_combinations(offered: Offered, lines: list[CartLine], most: int) -> None:
    found = candidates(offered, lines)
    used = best(found, lines, most)
    expected = _brute_force(found, lines, most)
    assert {each.candidate.coupon.id for each in used} == {each.coupon.id for each in expected}
    assert len(used) <= most
    assert may_stack([each.candidate for each in used])


class _WithoutALuckyBeginning(_Search):
    """The search without the good combination it begins with: nothing but its branches finds the best."""

    def _greedy(self) -> None:
        """Nothing."""


def _small_wallet(chance: random.Random) -> tuple[Offered, list[CartLine]]:
    """Small sums with scopes and groups that overlap, where taking the best coupon first often is not the best."""
    lines = [CartLine(dish, chance.randint(1, 2), chance.randint(1, 60), SECTIONS[dish]) for dish in DISHES]
    offered: Offered = []
    for number in range(6):
        kind = chance.choice([*CouponKind, CouponKind.CASH])
        made = template(
            kind,
            str(number),
            amount_off_fen=chance.randint(5, 60),
            percent_off=chance.randint(20, 80),
            free_dish_ids=tuple(chance.sample(DISHES, 2)),
            buy_dish_ids=tuple(chance.sample(DISHES, 2)),
            get_dish_ids=tuple(chance.sample(DISHES, 2)),
            dish_ids=tuple(chance.sample(DISHES, chance.randint(1, 3))),
            stack_group=chance.choice("abcdef"),
        )
        offered.append((made, coupon(str(number), uses_left=2, valid_until=NOW + timedelta(days=chance.randint(1, 2)))))
    return offered, lines


def test_no_branch_is_cut_that_holds_the_best() -> None:
    chance = random.Random(2_026)
    for _ in range(2_000):
        offered, lines = _small_wallet(chance)
        found = [each for each in candidates(offered, lines) if combine([each], lines)[0].total_fen]
        expected = _brute_force(found, lines, 3)
        chosen = _WithoutALuckyBeginning(found, lines, 3).run()
        assert {each.coupon.id for each in chosen} == {each.coupon.id for each in expected}


@settings(max_examples=500, deadline=None)
@given(wallets(), lines_, st.randoms(use_true_random=False))
def test_what_is_taken_off_fits_the_lines_whatever_the_order(
    offered: Offered, lines: list[CartLine], chance: random.Random
) -> None:
    found = candidates(offered, lines)
    together = combine(found, lines)
    shuffled = list(found)
    chance.shuffle(shuffled)
    assert combine(shuffled, lines) == together
    for index, line in enumerate(lines):
        assert 0 <= sum(each.by_line[index] for each in together) <= line.total_fen
    assert all(fen >= 0 for each in together for fen in each.by_line)
    for each in together:
        held = each.candidate.coupon.uses_left
        assert each.candidate.template.kind is not CouponKind.BUY_GET or each.uses <= (held or 0)


@settings(max_examples=250, deadline=None)
@given(wallets(), lines_)
def test_a_coupon_less_never_lowers_the_best_price(offered: Offered, lines: list[CartLine]) -> None:
    def off(wallet: Offered) -> int:
        return sum(each.total_fen for each in best(candidates(wallet, lines), lines, 3))

    for left_out in range(len(offered)):
        assert off(offered[:left_out] + offered[left_out + 1 :]) <= off(offered)


CART = [CartLine(f"dish-{number}", 1 + number % 3, 700 + 137 * number) for number in range(30)]


def _thirty(kind: str) -> Offered:
    """Wallets of 30 coupons, each in a group of its own, made to be hard for a search."""
    offered: Offered = []
    for number in range(30):
        scope = tuple(f"dish-{each}" for each in range(number % 7, 30, 3))
        group = f"group-{number}"
        match kind:
            case "alike":
                made = template(CouponKind.CASH, str(number), amount_off_fen=500, stack_group=group)
            case "percentages":
                made = template(
                    CouponKind.DISCOUNT, str(number), percent_off=20 + number % 5, dish_ids=scope, stack_group=group
                )
            case "capped":
                made = template(
                    CouponKind.DISCOUNT, str(number), percent_off=30, cap_fen=900 + number, stack_group=group
                )
            case "more than the cart":
                made = template(CouponKind.CASH, str(number), amount_off_fen=30_000 + number, stack_group=group)
            case "free dishes":
                free = tuple(f"dish-{each}" for each in range(number, 30))
                made = template(CouponKind.EXCHANGE, str(number), free_dish_ids=free, stack_group=group)
            case _:
                values = {"amount_off_fen": 300 + 40 * number, "percent_off": 5 + number, "dish_ids": scope}
                kinds = (CouponKind.CASH, CouponKind.DISCOUNT)
                made = template(kinds[number % 2], str(number), stack_group=f"group-{number % 9}", **values)
        offered.append((made, coupon(str(number), uses_left=None)))
    return offered


@example("alike")
@example("percentages")
@example("capped")
@example("more than the cart")
@example("free dishes")
@given(st.just("mixed"))
@settings(deadline=None)
def test_thirty_coupons_and_thirty_lines_are_a_bounded_search(kind: str) -> None:
    found = candidates(_thirty(kind), CART)
    assert len(found) == 30
    for most, without_any_cut in ((3, 4_526), (4, 31_931)):  # 1 + 30 + 435 + 4 060 (+ 27 405) sets
        search = _Search(found, CART, most)
        search.run()
        assert search.looked_at <= without_any_cut // 20


def test_equals_are_settled_by_number_then_by_lapse() -> None:
    lines = [CartLine("crab", 1, 1_000)]
    soon, late = NOW + timedelta(hours=1), NOW + timedelta(days=1)
    half = [template(CouponKind.CASH, key, amount_off_fen=500, stack_group=key) for key in ("a", "b")]
    whole = template(CouponKind.CASH, "c", amount_off_fen=1_000, stack_group="c")
    offered = [(half[0], coupon("a", valid_until=soon)), (half[1], coupon("b", valid_until=soon))]
    both = best(candidates(offered, lines), lines, 3)
    assert sorted(each.candidate.coupon.id for each in both) == ["cpn_a", "cpn_b"]
    offered.append((whole, coupon("c", valid_until=late)))
    assert [each.candidate.coupon.id for each in best(candidates(offered, lines), lines, 3)] == ["cpn_c"]  # fewer
    sooner = (template(CouponKind.CASH, "d", amount_off_fen=1_000), coupon("d", valid_until=soon))
    assert [each.candidate.coupon.id for each in best(candidates([*offered, sooner], lines), lines, 3)] == ["cpn_d"]


def test_one_of_a_group_and_one_that_stands_alone() -> None:
    lines = [CartLine("crab", 1, 10_000)]
    small = [template(CouponKind.CASH, key, amount_off_fen=fen, stack_group=group) for key, fen, group in
             (("a", 1_000, "x"), ("b", 1_500, "x"), ("c", 800, "y"))]  # fmt: skip
    offered = [(each, coupon(each.title)) for each in small]
    used = best(candidates(offered, lines), lines, 4)
    assert sorted(each.candidate.coupon.id for each in used) == ["cpn_b", "cpn_c"]  # 15 + 8 yuan; a and b share x
    lone = template(CouponKind.CASH, "d", amount_off_fen=2_400)
    used = best(candidates([*offered, (lone, coupon("d"))], lines), lines, 4)
    assert [each.candidate.coupon.id for each in used] == ["cpn_d"]  # 24 yuan alone beat 23 together
    used = best(candidates([*offered, (lone, coupon("d"))], lines), lines, 1)
    assert [each.candidate.coupon.id for each in used] == ["cpn_d"]
