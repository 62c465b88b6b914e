"""Menus and dishes. These types hold plain values, because a menu has thousands of fields and each call costs."""

from collections import OrderedDict
from datetime import datetime
from typing import Any

import strawberry

from resolvers.brands.model import Store
from resolvers.errors import BadInput
from resolvers.ordering import menu as model
from resolvers.ordering.model import MAXIMUM_PARTY
from resolvers.ordering.suggest import Suggestion, suggest
from schema.common import Node
from schema.context import Info
from schema.plain import Remembered
from schema.scalars import Money, money, optional_money

MAXIMUM_SHOWN = 64  # menus as shown, kept by one process; each takes up to a megabyte


@strawberry.type(description="One choice of an option group.")
class DishOption:
    """One choice of an option group."""

    id: strawberry.ID = strawberry.field(description="What an order line names.")
    name: str = strawberry.field(description="What it is called.")
    price_delta: Money = strawberry.field(description="What it adds to the price; may be negative.")
    sold_out: bool = strawberry.field(description="Whether it is not to be had today.")


@strawberry.type(description="Choices that come with a dish.")
class OptionGroup:
    """Choices that come with a dish."""

    id: strawberry.ID = strawberry.field(description="The group's id.")
    name: str = strawberry.field(description="What is chosen.")
    minimum: int = strawberry.field(description="How many must be chosen.")
    maximum: int = strawberry.field(description="How many may be chosen.")
    options: list[DishOption] = strawberry.field(description="The choices.")


@strawberry.type(description="A dish of one store.")
class Dish(Node):
    """A dish of one store."""

    name: str = strawberry.field(description="What it is called.")
    description: str = strawberry.field(description="What is in it; may be empty.")
    image_url: str | None = strawberry.field(description="Where its picture is.")
    tags: list[str] = strawberry.field(description="招牌, 辣, …")
    option_groups: list[OptionGroup] = strawberry.field(description="What can be chosen with it.")


@strawberry.type(
    description="A dish as it stands on this menu, at this moment, for this person. It has no id, so that caches do not"
    " mix moments."
)
class MenuItem:
    """A dish as it stands on a menu."""

    dish: Dish = strawberry.field(description="The dish.")
    price: Money = strawberry.field(description="The list price.")
    member_price: Money | None = strawberry.field(description="The price for your level, when lower.")
    special_price: Money | None = strawberry.field(description="A price in force for a window of time.")
    available: bool = strawberry.field(description="Whether it is on the menu at this time of day.")
    sold_out: bool = strawberry.field(description="Whether today's stock is gone.")


@strawberry.type(description="A heading of a menu.")
class MenuSection:
    """A heading of a menu."""

    id: strawberry.ID = strawberry.field(description="The section's id.")
    name: str = strawberry.field(description="What stands above it.")
    items: list[MenuItem] = strawberry.field(description="Its dishes.")


@strawberry.type(description="So many of a dish, suggested to a party. It has no id: it is a part of one answer.")
class SuggestedDish:
    """So many of a dish."""

    dish: Dish = strawberry.field(description="The dish; what its option groups ask for is still to be chosen.")
    quantity: int = strawberry.field(description="How many of it; never more than are left.")


@strawberry.type(description="A store's menu.")
class Menu:
    """A store's menu."""

    remembered: strawberry.Private[Remembered]
    version: str = strawberry.field(
        description="Changes with anything that is shown to you but stock: dishes, prices, your level's prices, what is"
        " available or at a special price at that time, and partySize. Give it as `knownVersion` next time."
    )
    sections: list[MenuSection] = strawberry.field(description="The headings, in order.")
    suggested: list[SuggestedDish] = strawberry.field(
        description="For `partySize` people, from all sections in turn; empty without `partySize`."
    )


def show_dish(dish: model.Dish) -> Dish:
    """A dish as clients see it."""
    return Dish(
        id=strawberry.ID(dish.id),
        name=dish.name,
        description=dish.description or "",
        image_url=dish.image_url,
        tags=list(dish.tags),
        option_groups=[_show_group(group) for group in dish.option_groups],
    )


def _show_group(group: model.OptionGroup) -> OptionGroup:
    options = [
        DishOption(
            id=strawberry.ID(option.id),
            name=option.name,
            price_delta=money(option.price_delta_fen),
            sold_out=option.sold_out,
        )
        for option in group.options
    ]
    return OptionGroup(
        id=strawberry.ID(group.id), name=group.name, minimum=group.minimum, maximum=group.maximum, options=options
    )


async def show_menu(
    info: Info, store: Store, at: datetime, party_size: int | None, known_version: str | None
) -> Menu | None:
    """A store's menu as one person sees it at a moment; None when that is the version they know. Raises BadInput."""
    if party_size is not None and not 1 <= party_size <= MAXIMUM_PARTY:
        raise BadInput(f"partySize must be between 1 and {MAXIMUM_PARTY}.")
    menu = await info.context.app.menus.menu(store.id, info.context.loaders.session)
    if menu is None:
        return None
    level, local = await _level(info, store), store.local(at)
    version = menu.shown_version(level, local, party_size)
    if version == known_version:
        return None
    left = await _left(info, menu, store.business_day(at))
    suggested = suggest(menu, party_size, local, left) if party_size is not None else ()
    gone = frozenset(dish_id for dish_id, count in left.items() if count <= 0)
    return _same_menu(menu, version, level, local, gone, suggested)


async def sold_out_now(info: Info, store: Store) -> list[str]:
    """The dishes of a store whose stock of today is gone."""
    menu = await info.context.app.menus.menu(store.id, info.context.loaders.session)
    left = await _left(info, menu, store.business_day(info.context.now)) if menu is not None else {}
    return [dish_id for dish_id, count in left.items() if count <= 0]


async def _level(info: Info, store: Store) -> str | None:
    viewer_id = info.context.viewer_id
    mine = await info.context.loaders.memberships.load(viewer_id) if viewer_id else []
    return next((each.level for each in mine if each.brand_id == store.brand_id), None)


async def _left(info: Info, menu: model.Menu, day: str) -> dict[str, int]:
    """How many are left on a shop day of every dish with a daily stock: all of it where nobody has ordered yet."""
    limited = {dish.id: dish.daily_stock for dish in menu.dishes() if dish.daily_stock is not None}
    counted = await info.context.loaders.stock.load_many([model.stock_counter(each, day) for each in limited])
    return {
        dish_id: whole if count is None else count
        for (dish_id, whole), count in zip(limited.items(), counted, strict=True)
    }


_SHOWN: OrderedDict[tuple[Any, ...], Menu] = OrderedDict()


def _same_menu(
    menu: model.Menu,
    version: str,
    level: str | None,
    local: datetime,
    gone: frozenset[str],
    suggested: tuple[Suggestion, ...],
) -> Menu:
    """The menu of a version. Most people see the same, so what was made for one is shown to the next."""
    key = (version, gone, tuple((each.dish.id, each.quantity) for each in suggested))
    shown = _SHOWN.get(key)
    if shown is None:
        sections = [
            MenuSection(
                id=strawberry.ID(section.id),
                name=section.name,
                items=[_show_item(dish, level, local, dish.id in gone) for dish in section.dishes],
            )
            for section in menu.sections
        ]
        shown = _SHOWN[key] = Menu(
            remembered=Remembered(),
            version=version,
            sections=sections,
            suggested=[SuggestedDish(dish=show_dish(each.dish), quantity=each.quantity) for each in suggested],
        )
        if len(_SHOWN) > MAXIMUM_SHOWN:
            _SHOWN.popitem(last=False)
    return shown


def _show_item(dish: model.Dish, level: str | None, local: datetime, sold_out: bool) -> MenuItem:
    return MenuItem(
        dish=show_dish(dish),
        price=money(dish.price_fen),
        member_price=optional_money(dish.member_price(level)),
        special_price=optional_money(dish.special_at(local)),
        available=dish.available_at(local),
        sold_out=sold_out,
    )
