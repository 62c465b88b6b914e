"""The best legal combination of coupons for a cart: exact, by branch and bound. Pure.

Legal is a coupon alone, or up to `most` coupons of different stacking groups. The best takes off the most; of equals
the one with fewer coupons, then the one whose coupons lapse soonest.

All three wishes are one whole number, so that one comparison decides: discount, then coupons saved, then a power of two
per coupon by how soon it lapses (n coupons fit below 2^n). Coupons are tried in the order in which `combine` applies
them, so that a branch knows what its coupons take off; what the later ones could still add is bounded by what each
would take off what is left now, which never grows when others go first. A branch that cannot beat the best is cut.
Without any cut at most sum(C(n, k), k <= most) sets are looked at; ties, which defeat plain bounds, are cut because no
two coupons weigh the same.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from resolvers.coupons.combine import Applied, combine, match, off, share, step_of
from resolvers.coupons.rules import Candidate, CartLine


def best(candidates: Sequence[Candidate], lines: Sequence[CartLine], most: int) -> list[Applied]:
    """The best combination, as it is applied; empty when nothing takes anything off."""
    useful = [each for each in _soonest_of_each(candidates) if combine([each], lines)[0].total_fen]
    if not useful or most < 1:
        return []
    return combine(_Search(useful, lines, most).run(), lines)


def may_stack(chosen: Sequence[Candidate]) -> bool:
    """Whether coupons may be used together: one alone, or each of a stacking group of its own."""
    groups = [each.template.stack_group for each in chosen]
    return len(groups) < 2 or (None not in groups and len(set(groups)) == len(groups))


def _soonest_of_each(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Of coupons that do the same and share a group only the one that lapses soonest is of use."""
    kept: dict[tuple[str, int | None], Candidate] = {}
    for each in candidates:
        key = (each.template.id, each.coupon.uses_left)
        if key not in kept or _lapsing(each) < _lapsing(kept[key]):
            kept[key] = each
    return list(kept.values())


def _lapsing(candidate: Candidate) -> tuple[float, str]:
    return (candidate.coupon.valid_until.timestamp(), candidate.coupon.id)


@dataclass(slots=True)
class _Branch:
    """Coupons chosen so far, all of them before the next in order: what they take off, and what is left by line."""

    chosen: list[Candidate]
    groups: set[str]
    left: list[int]
    worth: int
    units: int = 0  # that its coupons may make free at most
    freed_fen: int = 0  # and what those they do make free are worth
    solo_fen: int = 0  # and what each of them would take off alone, together


class _Search:
    """One search. `worth` is the whole number that is to be as large as can be."""

    def __init__(self, candidates: Sequence[Candidate], lines: Sequence[CartLine], most: int) -> None:
        self._lines = lines
        self._most = most
        self._totals = [line.total_fen for line in lines]
        count = len(candidates)
        self._coupon = 1 << count  # what one coupon fewer is worth
        self._fen = (count + 1) << count  # what one fen is worth: more than all coupons
        by_lapse = sorted(candidates, key=_lapsing)
        self._soon = {each.coupon.id: 1 << (count - 1 - rank) for rank, each in enumerate(by_lapse)}
        self._alone = [each for each in candidates if each.template.stack_group is None]
        self._stacking = sorted((each for each in candidates if each.template.stack_group is not None), key=step_of)
        self._solo = {each.coupon.id: combine([each], lines)[0].total_fen for each in candidates}
        frees = [each for each in self._stacking if each.free]
        self._frees = len(frees)
        self._widest = max((each.most for each in frees), default=0)
        self._units_fen = _dearest_units(frees, lines, self._widest * most)
        self._best: list[Candidate] = []
        self._best_worth = 0
        self.looked_at = 0  # sets of coupons, for tests that watch the bound

    def run(self) -> list[Candidate]:
        """The coupons of the best combination."""
        for each in self._alone:
            self._consider([each], self._step_worth(each, self._solo[each.coupon.id]))
        self._greedy()
        self._extend(0, _Branch([], set(), list(self._totals), 0))
        return self._best

    def _step_worth(self, candidate: Candidate, fen: int) -> int:
        return fen * self._fen - self._coupon + self._soon[candidate.coupon.id]

    def _consider(self, chosen: Sequence[Candidate], worth: int) -> None:
        self.looked_at += 1
        if worth > self._best_worth:
            self._best, self._best_worth = list(chosen), worth

    def _greedy(self) -> None:
        """A good combination to begin with: always the coupon that adds most."""
        chosen: list[Candidate] = []
        for _ in range(min(self._most, len(self._stacking))):
            taken = {each.template.stack_group for each in chosen}
            options = [[*chosen, each] for each in self._stacking if each.template.stack_group not in taken]
            worths = [self._worth_of(option) for option in options]
            if not worths or max(worths) <= self._worth_of(chosen):
                break
            chosen = options[worths.index(max(worths))]
        self._consider(chosen, self._worth_of(chosen))

    def _worth_of(self, chosen: Sequence[Candidate]) -> int:
        return sum(self._step_worth(each.candidate, each.total_fen) for each in combine(chosen, self._lines))

    def _extend(self, start: int, branch: _Branch) -> None:
        """Look at every combination that adds coupons from `start` on to a branch, unless it cannot beat the best."""
        self._consider(branch.chosen, branch.worth)
        room = self._most - len(branch.chosen)
        if not room:
            return
        more_free = start < self._frees  # with another free dish what is left of a line may be more, not only less
        left = self._totals if more_free else branch.left
        gains = [self._gain(each, branch, left) for each in self._stacking[start:]]
        bounds = self._bounds(start, gains, branch, room)
        for index, gain in enumerate(gains, start):
            if branch.worth + bounds[index - start] <= self._best_worth:
                return
            if gain > 0:
                extended = self._with(self._stacking[index], branch)
                if extended is not None:
                    self._extend(index + 1, extended)

    def _gain(self, candidate: Candidate, branch: _Branch, left: Sequence[int]) -> int:
        """At most so many fen a coupon still takes off in a branch, now or later."""
        if candidate.group in branch.groups:
            return 0
        if candidate.free:
            return self._solo[candidate.coupon.id]
        return off(candidate, left)

    def _bounds(self, start: int, gains: Sequence[int], branch: _Branch, room: int) -> list[int]:
        """For each index: the most worth that coupons from there on can add, one per group, `room` of them at most.

        k more coupons take off no more than the k largest gains; free dishes among them no more than the dearest units
        that are not free yet; nothing more than what is left. And k coupons lapse no sooner than the k soonest do.
        """
        free: dict[str, int] = {}
        others: dict[str, int] = {}
        soon: dict[str, int] = {}
        bounds: list[int] = []
        for offset in range(len(gains) - 1, -1, -1):
            each, gain, group = self._stacking[start + offset], gains[offset], self._stacking[start + offset].group
            if gain:
                sort = free if each.free else others
                sort[group] = max(gain, sort.get(group, 0))
                soon[group] = max(self._soon[each.coupon.id], soon.get(group, 0))
            bounds.append(self._most_added(free, others, soon, branch, room))
        bounds.reverse()
        return bounds

    def _most_added(
        self, free: dict[str, int], others: dict[str, int], soon: dict[str, int], branch: _Branch, room: int
    ) -> int:
        """The same for coupons of which the largest gains, and how soon they lapse, are given by group."""
        frees, gained, lapsing = _sums(free, room), _sums(others, room), _sums(soon, room)
        whole = sum(branch.left)
        most = 0
        for count in range(room + 1):
            dearest = self._dearest(branch.units + count * self._widest)
            frees[count] = min(branch.solo_fen + frees[count], dearest) - branch.freed_fen
            fen = max(frees[part] + gained[count - part] for part in range(count + 1))
            most = max(most, min(fen, whole) * self._fen - count * self._coupon + lapsing[count])
        return most

    def _dearest(self, count: int) -> int:
        """What the dearest so many units that can be free at all are worth."""
        return self._units_fen[min(count, len(self._units_fen) - 1)]

    def _with(self, candidate: Candidate, branch: _Branch) -> _Branch | None:
        """A branch with one more coupon; None when it takes nothing off there."""
        chosen = [*branch.chosen, candidate]
        groups = branch.groups | {candidate.group}
        if not candidate.free:
            taken = share(candidate, branch.left)
            gain, left = sum(taken), [fen - part for fen, part in zip(branch.left, taken, strict=True)]
            worth = branch.worth + self._step_worth(candidate, gain)
            return replace(branch, chosen=chosen, groups=groups, left=left, worth=worth) if gain else None
        counts = match(chosen, self._lines)  # only others of its sort came before: matched anew, all together
        freed = [sum(units) * line.unit_fen for units, line in zip(zip(*counts, strict=True), self._lines, strict=True)]
        left = [line.total_fen - fen for line, fen in zip(self._lines, freed, strict=True)]
        gain = sum(freed) - branch.freed_fen
        worth = branch.worth + self._step_worth(candidate, gain)
        solo_fen = branch.solo_fen + self._solo[candidate.coupon.id]
        return _Branch(chosen, groups, left, worth, branch.units + candidate.most, sum(freed), solo_fen)


def _sums(largest: dict[str, int], room: int) -> list[int]:
    """What the 0, 1, 2 … `room` largest add up to."""
    ordered = sorted(largest.values(), reverse=True)[:room]
    sums = [0, *itertools.accumulate(ordered)]
    return sums + [sums[-1]] * (room + 1 - len(sums))


def _dearest_units(frees: Sequence[Candidate], lines: Sequence[CartLine], most: int) -> list[int]:
    """What the 0, 1, 2 … `most` dearest units that any of these coupons may make free are worth together, in fen."""
    counts: dict[int, int] = {}
    for each in frees:
        for index, count in each.units:
            counts[index] = max(count, counts.get(index, 0))
    prices = [lines[index].unit_fen for index, count in counts.items() for _ in range(min(count, most))]
    return [0, *itertools.accumulate(sorted(prices, reverse=True)[:most])]
