"""What a menu file was read into: its lines, each with the dish or the reason why there is none."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from resolvers.ordering.menu import Dish
from scripts.menus.dishes import MAXIMUM_NAME, dish_of
from scripts.menus.values import Untaken, text


class Unreadable(Exception):
    """Nothing of the file can be read, and why."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line about one dish; `dish` has no ids yet and is None when the line cannot be taken, which `reason` says.

    Section, name and key are as they were written, as far as there are any.
    """

    number: int
    section: str
    name: str
    key: str
    dish: Dish | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Complaint:
    """What could not be taken from a line of the file, and why."""

    number: int
    reason: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A file: its lines about dishes, and what is wrong with lines that are about none."""

    lines: list[Line]
    complaints: list[Complaint]


def line_of(number: int, section: Any, given: Any, problem: str | None = None) -> Line:
    """A line, its dish checked; `problem` says what is wrong with it already."""
    raw: Mapping[str, Any] = given if isinstance(given, Mapping) else {}
    written = [each.strip() if isinstance(each, str) else "" for each in (section, raw.get("name"), raw.get("key"))]
    try:
        if problem is not None:
            raise Untaken(problem)
        text(section, "the section", MAXIMUM_NAME, needed=True)
        return Line(number, written[0], written[1], written[2], dish_of(given))
    except Untaken as reason:
        return Line(number, written[0], written[1], written[2], reason=str(reason))


def with_levels_of(levels: Collection[str], line: Line) -> Line:
    """The line; not to be taken when it has a member price for a level that the brand has not."""
    unknown = [level for level in (line.dish.member_prices_fen if line.dish else ()) if level not in levels]
    if not unknown:
        return line
    return replace(line, dish=None, reason=f"the brand has no level {', '.join(unknown)}, only {', '.join(levels)}")
