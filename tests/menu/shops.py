"""Shops made for one test: open all day, with a menu of their own."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from resolvers.brands.model import Hours, Store
from resolvers.errors import Refused
from resolvers.ordering.menu import Dish, Menu, Section, version_of
from resolvers.ordering.model import LineRequest, OrderType
from resolvers.ordering.place import Placement
from tests.support.world import World

MENU = """query($id: ID!, $at: DateTime, $party: Int, $known: String) { store(id: $id) {
  menu(at: $at, partySize: $party, knownVersion: $known) { version suggested { quantity dish { id name } }
    sections { name items { available soldOut specialPrice { amountFen } memberPrice { amountFen }
      dish { id name } } } } } }"""


def dish(name: str = "鱼", price_fen: int = 3_000, **values: Any) -> Dish:
    """A dish with an id of its own."""
    return Dish(f"dsh_{uuid.uuid4().hex[:26]}", name, price_fen, **values)


def menu_of(store: Store, *sections: Sequence[Dish]) -> Menu:
    """A menu of these dishes, section by section."""
    made = tuple(Section(f"sec_{number}", f"第 {number} 组", tuple(each)) for number, each in enumerate(sections))
    return Menu(store.id, store.brand_id, version_of(made), made)


async def open_shop(world: World, *sections: Sequence[Dish], **fields: Any) -> Store:
    """A shop of the seafood house with this menu."""
    known = await world.app.brands.store(world.store_id)
    assert known is not None
    values = {"hours": (Hours(0, 24 * 60),), "tables": ()} | fields
    store = replace(known, id=f"sto_{uuid.uuid4().hex[:26]}", name="新店", **values)
    await world.app.brands.put_store(store)
    await world.app.menus.put(menu_of(store, *sections))
    return store


async def menu_now(world: World, store: Store, api: Any = None, **asked: Any) -> Any:
    """The menu as a visitor, or somebody else, sees it."""
    data = await (api or world.visitor()).ask(MENU, id=store.id, **asked)
    return data["store"]["menu"]


async def sold_out(world: World, store: Store, **asked: Any) -> list[bool]:
    """What everybody is shown of each dish."""
    menu = await menu_now(world, store, **asked)
    return [item["soldOut"] for section in menu["sections"] for item in section["items"]]


def wanted(store: Store, *lines: tuple[Dish, int], **values: Any) -> Placement:
    """An order of so many of each dish."""
    requests = tuple(LineRequest(each.id, count) for each, count in lines)
    empty = Placement(store.id, OrderType.PICK_UP, requests, (), None, None, None, None, None)
    return replace(empty, **values)


async def outcome(call: Any) -> str:
    """`won`, or the code of the refusal."""
    try:
        await call
    except Refused as refusal:
        return refusal.code
    return "won"


def in_days(world: World, store: Store, days: int, hour: int, minute: int = 0) -> datetime:
    """A time of day on the shop's own clock, so many days from today."""
    day = store.local(world.clock.now()) + timedelta(days=days)
    return day.replace(hour=hour, minute=minute, second=0, microsecond=0)
