"""A store's menu: sections, dishes with options, mealtimes, member and special prices. Pure."""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from resolvers.brands.model import Hours, covered, in_window


@dataclass(frozen=True, slots=True)
class Option:
    """One choice of an option group; its delta may be negative. In fen."""

    id: str
    name: str
    price_delta_fen: int
    sold_out: bool = False  # set by the shop, with the menu


@dataclass(frozen=True, slots=True)
class OptionGroup:
    """Choices of which at least `minimum` and at most `maximum` are taken."""

    id: str
    name: str
    minimum: int
    maximum: int
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class SpecialPrice:
    """A price that holds on some weekdays (1-7; none: every day) at some times of day."""

    price_fen: int
    weekdays: tuple[int, ...]
    ranges: tuple[Hours, ...]


@dataclass(frozen=True, slots=True)
class Dish:
    """A dish of one store. `daily_stock` None: no limit. `key` is the shop's own name for it, never shown."""

    id: str
    name: str
    price_fen: int
    description: str | None = None
    image_url: str | None = None
    tags: tuple[str, ...] = ()
    mealtimes: tuple[Hours, ...] = ()
    member_prices_fen: Mapping[str, int] = field(default_factory=dict)
    special: SpecialPrice | None = None
    daily_stock: int | None = None
    option_groups: tuple[OptionGroup, ...] = ()
    key: str | None = None

    def available_at(self, local: datetime) -> bool:
        """Whether the dish is on the menu at a local time."""
        return not self.mealtimes or covered(self.mealtimes, local)

    @property
    def served_label(self) -> str:
        """When it is on the menu, `06:30-11:00`; empty: all day."""
        return ", ".join(hours.label for hours in self.mealtimes)

    def special_at(self, local: datetime) -> int | None:
        """The special price in force at a local time, in fen."""
        if self.special is not None and in_window(self.special.ranges, self.special.weekdays, local):
            return self.special.price_fen
        return None

    def member_price(self, level: str | None) -> int | None:
        """The price for a level where it is lower than the list price, in fen."""
        price = self.member_prices_fen.get(level) if level else None
        return price if price is not None and price < self.price_fen else None

    def price_for(self, level: str | None, local: datetime) -> int:
        """What one costs a customer of this level at a local time, options aside: the lowest price that applies."""
        special, member = self.special_at(local), self.member_price(level)
        return min(price for price in (self.price_fen, special, member) if price is not None)


@dataclass(frozen=True, slots=True)
class Section:
    """A heading of the menu with its dishes."""

    id: str
    name: str
    dishes: tuple[Dish, ...]


@dataclass(frozen=True, slots=True)
class Former:
    """A dish that left the menu: should it come back, it is the same dish to orders, coupons and passes."""

    id: str
    section: str
    name: str
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Menu:
    """A store's menu. `id` is the store's; `version` changes with anything of it that is shown but stock."""

    id: str
    brand_id: str
    version: str
    sections: tuple[Section, ...]
    former: tuple[Former, ...] = ()
    imported: bool = False  # from a file of the shop's own, which demo data must not write over

    def dishes(self) -> Iterator[Dish]:
        """All dishes in menu order."""
        for section in self.sections:
            yield from section.dishes

    def dish(self, dish_id: str) -> Dish | None:
        """A dish by id."""
        return next((dish for dish in self.dishes() if dish.id == dish_id), None)

    def shown_version(self, level: str | None, local: datetime, party_size: int | None) -> str:
        """The version of the menu as one person sees it at a local time: with anything that is shown but stock.

        Members of another level see other prices, special prices and mealtimes begin and end, and the party's size
        decides what is suggested.
        """
        shown = [(dish.available_at(local), dish.special_at(local), dish.member_price(level)) for dish in self.dishes()]
        return _digest(repr((self.id, self.version, party_size, shown)))


def version_of(sections: Sequence[Section]) -> str:
    """The version of a menu's content: another one with anything that is shown but stock."""
    content = [asdict(section) for section in sections]
    for section in content:
        for dish in section["dishes"]:
            del dish["daily_stock"], dish["key"]
    return _digest(json.dumps(content, sort_keys=True, ensure_ascii=False))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def stock_counter(dish_id: str, day: str) -> str:
    """The counter of a dish's stock on a shop day."""
    return f"stock:{dish_id}:{day}"
