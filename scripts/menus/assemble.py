"""From the lines of a file to a menu: which dish is which, and what became of those that are on the menu now."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from resolvers.brands.model import Store
from resolvers.ordering.menu import Dish, Former, Menu, Option, OptionGroup, Section, version_of
from scripts.menus.lines import Complaint, Line
from scripts.menus.values import short

MAXIMUM_DISHES = 1_000
MAXIMUM_SECTIONS = 100
MAXIMUM_FORMER = 1_000
MAXIMUM_OPTIONS = 10_000  # of the whole menu, which is one document


@dataclass(frozen=True, slots=True)
class Outcome:
    """The menu that a file makes, and what is not as it was: names, and lines that could not be taken."""

    menu: Menu
    complaints: list[Complaint]
    taken: int
    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)


def made_id(prefix: str, *keys: str) -> str:
    """An id that is the same whenever it is made of the same."""
    return f"{prefix}_{hashlib.sha256(chr(0).join(keys).encode()).hexdigest()[:26]}"


def menu_from(store: Store, current: Menu | None, lines: Iterable[Line]) -> Outcome:
    """The menu of a store as its lines say."""
    wanted, complaints = _takeable(list(lines))
    known = _Known(current)
    before = known.match(wanted)
    dishes: dict[str, list[Dish]] = {}
    new, changed = [], []
    for index, line in enumerate(wanted):
        old = before.get(index)
        if line.dish is None:
            complaints.append(Complaint(line.number, _refusal(line, stays=old is not None)))
            if old is not None:
                dishes.setdefault(line.section, []).append(old)
            continue
        dish = _with_ids(store.id, line, old, known)
        dishes.setdefault(line.section, []).append(dish)
        if old is None:
            new.append(dish.name)
        elif dish != old:
            changed.append(dish.name)
    sections = tuple(
        Section(known.sections.get(name) or made_id("sec", store.id, name), name, tuple(each))
        for name, each in dishes.items()
    )
    left = {dish.id for section in sections for dish in section.dishes}
    gone = [dish.name for dish in current.dishes() if dish.id not in left] if current is not None else []
    former = tuple(known.former(left))
    menu = Menu(store.id, store.brand_id, version_of(sections), sections, former=former, imported=True)
    taken = sum(line.dish is not None for line in wanted)
    return Outcome(menu, sorted(complaints, key=lambda each: each.number), taken, new, changed, gone)


def _takeable(lines: list[Line]) -> tuple[list[Line], list[Complaint]]:
    """The lines, without those about a dish that stands further up, and refused ones beyond what a menu holds."""
    names: dict[tuple[str, str], int] = {}
    keys: dict[str, int] = {}
    sections: set[str] = set()
    kept: list[Line] = []
    complaints: list[Complaint] = []
    options = 0
    for line in lines:
        twice = names.get((line.section, line.name)) if line.name else None
        twice = twice or (keys.get(line.key) if line.key else None)
        if twice is not None:
            complaints.append(Complaint(line.number, f"「{short(line.name)}」 stands on line {twice} already"))
            continue
        names[line.section, line.name] = line.number
        if line.key:
            keys[line.key] = line.number
        if line.dish is not None:
            more = sum(len(group.options) for group in line.dish.option_groups)
            full = len(kept) >= MAXIMUM_DISHES or options + more > MAXIMUM_OPTIONS
            if full or len(sections | {line.section}) > MAXIMUM_SECTIONS:
                line = replace(line, dish=None, reason="the menu holds no more")
            else:
                options += more
                sections.add(line.section)
        kept.append(line)
    return kept, complaints


def _refusal(line: Line, *, stays: bool) -> str:
    about = f"「{short(line.name)}」: " if line.name else ""
    return f"{about}{line.reason}{'; it stays on the menu as it was' if stays else ''}"


class _Known:
    """What is on the menu now, by key and by section and name."""

    def __init__(self, current: Menu | None) -> None:
        sections = current.sections if current is not None else ()
        self.sections = {section.name: section.id for section in sections}
        self.ids = {dish.id for section in sections for dish in section.dishes}
        self._by_name = {(section.name, dish.name): dish for section in sections for dish in section.dishes}
        self._by_key = {dish.key: dish for dish in self._by_name.values() if dish.key}
        self._former = {each.id: each for each in (current.former if current is not None else ())}

    def match(self, lines: list[Line]) -> dict[int, Dish]:
        """The dish each line is about, by the line's place in the list: no two are about one.

        Keys come first, then section and name, then the name of a dish that stood in another section and there only.
        """
        found: dict[int, Dish] = {}
        claimed: set[str] = set()
        names = Counter(name for _, name in self._by_name)
        moved = {dish.name: dish for dish in self._by_name.values() if names[dish.name] == 1}
        looks: tuple[Callable[[Line], Dish | None], ...] = (
            lambda line: self._by_key.get(line.key) if line.key else None,
            lambda line: self._by_name.get((line.section, line.name)),
            lambda line: moved.get(line.name),
        )
        for look in looks:
            for index, line in enumerate(lines):
                if index in found:
                    continue
                old = look(line)
                if old is None or old.id in claimed or (line.key and old.key not in (None, line.key)):
                    continue
                found[index] = old
                claimed.add(old.id)
        return found

    def new_id(self, store_id: str, line: Line) -> str:
        """An id for a dish that is new: that of a dish like it which left the menu, if there was one."""
        for each in self._former.values():
            same = (
                each.key == line.key
                if line.key and each.key
                else (each.section, each.name) == (line.section, line.name)
            )
            if same and each.id not in self.ids:
                self.ids.add(each.id)
                return each.id
        salt = 0
        about = (line.key,) if line.key else (line.section, line.name)
        while (dish_id := made_id("dsh", store_id, str(salt), *about)) in self.ids:
            salt += 1
        self.ids.add(dish_id)
        return dish_id

    def former(self, on_the_menu: set[str]) -> list[Former]:
        """The dishes that have left the menu by now, those last that left it last; the oldest are forgotten."""
        for (section, _), dish in self._by_name.items():
            self._former[dish.id] = Former(dish.id, section, dish.name, dish.key)
        return [each for each in self._former.values() if each.id not in on_the_menu][-MAXIMUM_FORMER:]


def _with_ids(store_id: str, line: Line, old: Dish | None, known: _Known) -> Dish:
    """A line's dish, with the ids that it and its options have already."""
    if line.dish is None:
        raise ValueError("the line was not taken")
    dish_id = old.id if old is not None else known.new_id(store_id, line)
    groups = {group.name: group for group in old.option_groups} if old is not None else {}
    return replace(
        line.dish,
        id=dish_id,
        key=line.dish.key or (old.key if old is not None else None),
        option_groups=tuple(_group(dish_id, group, groups.get(group.name)) for group in line.dish.option_groups),
    )


def _group(dish_id: str, group: OptionGroup, old: OptionGroup | None) -> OptionGroup:
    ids = {option.name: option.id for option in old.options} if old is not None else {}

    def option_of(option: Option) -> Option:
        made = made_id("opt", dish_id, group.name, option.name)
        return replace(option, id=ids.get(option.name) or made)

    group_id = old.id if old is not None else made_id("grp", dish_id, group.name)
    return replace(group, id=group_id, options=tuple(option_of(option) for option in group.options))
