"""One dish of a menu file, checked: both formats bring it in the shape that the JSON file has."""

from typing import Any

from resolvers.ordering.menu import Dish, Option, OptionGroup, SpecialPrice
from scripts.menus.values import Untaken, fen, fields, ranges, several, shown, text, weekdays, whole

MAXIMUM_NAME = 60  # characters
MAXIMUM_KEY = 60
MAXIMUM_DESCRIPTION = 300
MAXIMUM_URL = 500
MAXIMUM_TAG = 12
MAXIMUM_LEVEL = 20
MAXIMUM_TAGS = 10  # of one dish
MAXIMUM_LEVELS = 10
MAXIMUM_GROUPS = 10
MAXIMUM_OPTIONS = 30  # of one group
MAXIMUM_STOCK = 1_000_000

_DISH = frozenset(
    {"key", "name", "price", "description", "image_url", "tags"}
    | {"mealtimes", "member_prices", "special", "daily_stock", "option_groups"}
)
_SPECIAL = frozenset({"price", "weekdays", "times"})
_GROUP = frozenset({"name", "minimum", "maximum", "options"})
_OPTION = frozenset({"name", "price_delta", "sold_out"})


def dish_of(given: Any) -> Dish:
    """A dish without ids. Raises Untaken with what is wrong with it."""
    raw = fields(given, "a dish", _DISH)
    dish = Dish(
        id="",
        name=text(raw.get("name"), "the name", MAXIMUM_NAME, needed=True) or "",
        price_fen=_needed_fen(raw, "price"),
        description=text(raw.get("description"), "the description", MAXIMUM_DESCRIPTION),
        image_url=_url(raw.get("image_url")),
        tags=_tags(raw.get("tags")),
        mealtimes=ranges(raw.get("mealtimes"), "mealtimes"),
        member_prices_fen=_member_prices(raw.get("member_prices")),
        special=_special(raw.get("special")),
        daily_stock=_stock(raw.get("daily_stock")),
        option_groups=tuple(_group(each) for each in several(raw.get("option_groups"), "options", MAXIMUM_GROUPS)),
        key=text(raw.get("key"), "the key", MAXIMUM_KEY),
    )
    _once([group.name for group in dish.option_groups], "an option group")
    _check_offers(dish)
    return dish


def _needed_fen(raw: dict[str, Any], name: str) -> int:
    if raw.get(name) in (None, ""):
        raise Untaken(f"the {name} is missing")
    return fen(raw[name], f"the {name}")


def _url(value: Any) -> str | None:
    found = text(value, "the image's address", MAXIMUM_URL)
    if found is not None and (not found.startswith(("https://", "http://")) or " " in found):
        raise Untaken(f"the image's address {shown(found)} does not begin with https://")
    return found


def _tags(value: Any) -> tuple[str, ...]:
    tags = [text(each, "a tag", MAXIMUM_TAG, needed=True) or "" for each in several(value, "tags", MAXIMUM_TAGS)]
    return tuple(dict.fromkeys(tags))


def _member_prices(value: Any) -> dict[str, int]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > MAXIMUM_LEVELS:
        raise Untaken(f"member prices {shown(value)} are not prices by level, {MAXIMUM_LEVELS} at most")
    return {
        text(level, "a level", MAXIMUM_LEVEL, needed=True) or "": fen(price, f"the member price of {level}")
        for level, price in value.items()
    }


def _special(value: Any) -> SpecialPrice | None:
    if value is None:
        return None
    raw = fields(value, "the special price", _SPECIAL)
    if raw.get("price") in (None, ""):
        raise Untaken("the special price is missing, though it has weekdays or times")
    price = fen(raw["price"], "the special price")
    return SpecialPrice(
        price, weekdays(raw.get("weekdays"), "its weekdays"), ranges(raw.get("times"), "the special price's time")
    )


def _stock(value: Any) -> int | None:
    return None if value in (None, "") else whole(value, "the daily stock", MAXIMUM_STOCK)


def _group(value: Any) -> OptionGroup:
    raw = fields(value, "an option group", _GROUP)
    name = text(raw.get("name"), "an option group's name", MAXIMUM_NAME, needed=True) or ""
    options = tuple(_option(each, name) for each in several(raw.get("options"), name, MAXIMUM_OPTIONS))
    minimum = whole(raw.get("minimum"), f"{name}: how few are chosen", MAXIMUM_OPTIONS)
    maximum = whole(raw.get("maximum"), f"{name}: how many are chosen", MAXIMUM_OPTIONS)
    if not options:
        raise Untaken(f"{name}: there is nothing to choose from")
    if minimum > maximum:
        raise Untaken(f"{name}: at least {minimum} and at most {maximum} cannot be chosen")
    if not 1 <= maximum <= len(options):
        raise Untaken(f"{name}: {maximum} of {len(options)} cannot be chosen")
    _once([option.name for option in options], f"{name}: the option")
    return OptionGroup("", name, minimum, maximum, options)


def _option(value: Any, group: str) -> Option:
    raw = fields(value, f"an option of {group}", _OPTION)
    name = text(raw.get("name"), f"{group}: an option's name", MAXIMUM_NAME, needed=True) or ""
    gone = raw.get("sold_out", False)
    if type(gone) is not bool:
        raise Untaken(f"{group}: sold_out {shown(gone)} is neither true nor false")
    delta = raw.get("price_delta")
    added = 0 if delta in (None, "") else fen(delta, f"{group}: what {name} adds", may_be_negative=True)
    return Option("", name, added, gone)


def _once(names: list[str], what: str) -> None:
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Untaken(f"{what} {shown(twice)} stands twice")


def _check_offers(dish: Dish) -> None:
    """Offers lower the price, and no choice of options brings it below nothing."""
    for level, price_fen in dish.member_prices_fen.items():
        if price_fen > dish.price_fen:
            raise Untaken(f"the member price of {level} is above the price")
    if dish.special is not None and dish.special.price_fen > dish.price_fen:
        raise Untaken("the special price is above the price")
    special = [dish.special.price_fen] if dish.special else []
    cheapest = min([dish.price_fen, *dish.member_prices_fen.values(), *special])
    off = sum(
        sum(sorted(min(option.price_delta_fen, 0) for option in group.options)[: group.maximum])
        for group in dish.option_groups
    )
    if cheapest + off < 0:
        raise Untaken("options can take more off than the dish costs")
