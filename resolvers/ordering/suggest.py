"""What to suggest to a party: a balanced choice across the sections of a menu. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from resolvers.ordering.menu import Dish, Menu, Section
from resolvers.ordering.model import MAXIMUM_QUANTITY

SIGNATURE_TAGS = frozenset({"招牌", "必点", "人气", "推荐", "热销"})
TABLE_OF = 10  # people; each such table gets one dish more than it has people
MOST_DISHES = 20  # different ones: a larger party eats more of each


@dataclass(frozen=True, slots=True)
class Suggestion:
    """So many of a dish."""

    dish: Dish
    quantity: int


def portions(people: int) -> int:
    """How many portions are suggested in all: one a head, and one more for every table of ten begun."""
    return people + -(-people // TABLE_OF)


def suggest(menu: Menu, people: int, local: datetime, left: Mapping[str, int]) -> tuple[Suggestion, ...]:
    """What a party might order at a local time; `left` says how many of a dish are left where that is limited.

    Portions, as many as `portions` says, are handed out one at a time. The sections take turns in the menu's order;
    each gives its dish with most signature tags first (of equals the one higher up), then the next, and starts over
    when it is through. After 20 different dishes only those are given again. Passed over is what is not served at
    that time, what is sold out (never more than is left), and what cannot be ordered because the options that must
    be chosen are sold out. A larger party is handed all that a smaller one is, and more; nothing is left to chance.
    """
    turns = [_Turn(section, local, left) for section in menu.sections]
    picked: dict[str, int] = {}
    wanted, given = portions(people), True
    while given:
        given = False
        for turn in turns:
            if sum(picked.values()) < wanted and (dish_id := turn.next(picked)) is not None:
                picked[dish_id] = picked.get(dish_id, 0) + 1
                given = True
    return tuple(Suggestion(dish, picked[dish.id]) for dish in menu.dishes() if dish.id in picked)


class _Turn:
    """What one section gives when it is its turn."""

    def __init__(self, section: Section, local: datetime, left: Mapping[str, int]) -> None:
        served = [dish for dish in section.dishes if dish.available_at(local) and _has_options(dish)]
        self._dishes = sorted(served, key=lambda dish: -len(SIGNATURE_TAGS.intersection(dish.tags)))
        self._most = {dish.id: min(left.get(dish.id, MAXIMUM_QUANTITY), MAXIMUM_QUANTITY) for dish in served}
        self._next = 0

    def next(self, picked: Mapping[str, int]) -> str | None:
        """The dish that is given now; None when there is nothing (more) to give."""
        for _ in self._dishes:
            dish = self._dishes[self._next]
            self._next = (self._next + 1) % len(self._dishes)
            is_new = dish.id not in picked
            if picked.get(dish.id, 0) < self._most[dish.id] and not (is_new and len(picked) >= MOST_DISHES):
                return dish.id
        return None


def _has_options(dish: Dish) -> bool:
    """Whether what must be chosen with a dish is to be had."""
    return all(sum(not option.sold_out for option in group.options) >= group.minimum for group in dish.option_groups)
