"""What a set of coupons takes off a cart together. Pure, and the same whatever order the coupons are given in.

Dishes are made free first (the dearest that the coupons can be matched to; what is bought for one is not free for
another), then percentages come off what is left of the lines in scope, the larger percentage first, then amounts, the
narrower scope first. Each takes what is really left, so that a coupon of 20 yuan takes 20 yuan off whatever the others
do, and nothing costs less than zero.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from resolvers.coupons.model import CouponKind
from resolvers.coupons.rules import Candidate, CartLine
from resolvers.money import split


@dataclass(frozen=True, slots=True)
class Applied:
    """A coupon in a combination: what it takes off each line, in fen, and how many of its uses that costs."""

    candidate: Candidate
    by_line: tuple[int, ...]
    uses: int = 1

    @property
    def total_fen(self) -> int:
        """What it takes off in all."""
        return sum(self.by_line)


def step_of(candidate: Candidate) -> tuple[int, int, str]:
    """Where a coupon stands in the order of application."""
    template, coupon_id = candidate.template, candidate.coupon.id
    if candidate.free:
        return (0, 0, coupon_id)
    if template.kind is CouponKind.DISCOUNT:
        return (1, -template.percent_off, coupon_id)
    return (2, len(candidate.lines), coupon_id)


def combine(candidates: Sequence[Candidate], lines: Sequence[CartLine]) -> list[Applied]:
    """What each of these coupons takes off when all are used, in the order in which they are applied."""
    ordered = sorted(candidates, key=step_of)
    free = [each for each in ordered if each.free]
    left = [line.total_fen for line in lines]
    applied = []
    for candidate, units in zip(free, match(free, lines), strict=True):
        by_line = tuple(count * line.unit_fen for count, line in zip(units, lines, strict=True))
        uses = -(-sum(units) // candidate.template.get_quantity) if candidate.bought else 1
        applied.append(Applied(candidate, by_line, max(1, uses)))
        left = [fen - off for fen, off in zip(left, by_line, strict=True)]
    for candidate in ordered[len(free) :]:
        by_line = tuple(share(candidate, left))
        applied.append(Applied(candidate, by_line))
        left = [fen - off for fen, off in zip(left, by_line, strict=True)]
    return applied


def off(candidate: Candidate, left: Sequence[int]) -> int:
    """What a percentage or an amount takes off what is left of each line, in fen."""
    template, scope_fen = candidate.template, sum(left[index] for index in candidate.lines)
    if template.kind is CouponKind.CASH:
        return min(template.amount_off_fen, scope_fen)
    percentage = scope_fen * template.percent_off // 100
    return percentage if template.cap_fen is None else min(percentage, template.cap_fen)


def share(candidate: Candidate, left: Sequence[int]) -> list[int]:
    """The same by line: shared over the lines in scope by what is left of each, to the fen."""
    by_line = [0] * len(left)
    parts = split(off(candidate, left), [left[index] for index in candidate.lines])
    for index, part in zip(candidate.lines, parts, strict=True):
        by_line[index] = part
    return by_line


def match(free: Sequence[Candidate], lines: Sequence[CartLine]) -> list[list[int]]:
    """How many units of each line every coupon makes free.

    The dearest unit first, each given to a coupon that has room, others moved over where that makes room (augmenting
    paths). A unit that is free for one coupon is not bought for another: what set A of each needs stays paid for.
    """
    given: list[list[tuple[int, int]]] = [[] for _ in free]
    allowed = [dict(candidate.units) for candidate in free]
    room = sum(candidate.most for candidate in free)
    wanted = {index for units in allowed for index in units if lines[index].unit_fen}

    def place(unit: tuple[int, int], tried: set[int]) -> bool:
        index, number = unit
        for which, units in enumerate(allowed):
            if which in tried or number >= units.get(index, 0):
                continue
            tried.add(which)
            if len(given[which]) < free[which].most:
                given[which].append(unit)
                return True
            for at, other in enumerate(given[which]):
                if place(other, tried):
                    given[which][at] = unit
                    return True
        return False

    for index in sorted(wanted, key=lambda each: (-lines[each].unit_fen, each)):
        most = max(units.get(index, 0) for units in allowed)
        for number in range(min(most, room)):
            before = [list(units) for units in given]
            if not place((index, number), set()):
                break
            if not _paid_for(free, given, lines):
                given[:] = before
    counted = [[0] * len(lines) for _ in free]
    for which, units_given in enumerate(given):
        for index, _ in units_given:
            counted[which][index] += 1
    return counted


def _paid_for(free: Sequence[Candidate], given: Sequence[Sequence[tuple[int, int]]], lines: Sequence[CartLine]) -> bool:
    """Whether for all that is free enough of each set A is paid for."""
    freed = Counter(index for units in given for index, _ in units)
    for candidate, units in zip(free, given, strict=True):
        paid = sum(lines[index].quantity - freed[index] for index in candidate.bought)
        uses = -(-len(units) // candidate.template.get_quantity)
        if candidate.bought and paid < uses * candidate.template.buy_quantity:
            return False
    return True
