"""The version of a menu: another one with anything that is shown but stock, and none is sent that is known."""

from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from resolvers.brands.model import Hours, Store
from resolvers.ordering.menu import Dish, Option, OptionGroup, Section, SpecialPrice, version_of
from resolvers.ordering.place import place_order
from scripts.client import GraphQLFailed
from tests.menu.shops import dish, menu_now, menu_of, open_shop, sold_out, wanted
from tests.support.core import new_person
from tests.support.world import World

LUNCH = SpecialPrice(2_000, (), (Hours(11 * 60, 14 * 60),))
GROUP = OptionGroup("grp_1", "辣度", 1, 1, (Option("opt_1", "不辣", 0), Option("opt_2", "特辣", 200)))
FISH = Dish("dsh_1", "鱼", 3_000, member_prices_fen={"GOLD": 2_500}, special=LUNCH, option_groups=(GROUP,))


def _version(each: Dish, section: str = "海鲜") -> str:
    return version_of((Section("sec_1", section, (each,)),))


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "大鱼"},
        {"price_fen": 3_001},
        {"description": "鲜"},
        {"image_url": "https://example.com/1.jpg"},
        {"tags": ("招牌",)},
        {"mealtimes": (Hours(0, 60),)},
        {"member_prices_fen": {"GOLD": 2_499}},
        {"special": None},
        {"special": replace(LUNCH, weekdays=(1,))},
        {"option_groups": ()},
        {"option_groups": (replace(GROUP, maximum=2),)},
        {"option_groups": (replace(GROUP, options=GROUP.options[:1]),)},
        {"option_groups": (replace(GROUP, options=(replace(GROUP.options[0], sold_out=True), GROUP.options[1])),)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_anything_that_is_shown_changes_the_version(changed: dict[str, Any]) -> None:
    assert _version(replace(FISH, **changed)) != _version(FISH)


def test_a_section_renamed_changes_the_version_and_stock_or_the_shops_own_key_do_not() -> None:
    assert _version(FISH, "河鲜") != _version(FISH)
    assert _version(replace(FISH, daily_stock=3, key="fish")) == _version(FISH)
    two = {"GOLD": 2_500, "SILVER": 2_800}
    other_way_round = dict(reversed(two.items()))
    assert _version(replace(FISH, member_prices_fen=two)) == _version(replace(FISH, member_prices_fen=other_way_round))


def test_what_is_shown_at_a_moment_to_a_level_and_a_party_has_a_version_of_its_own() -> None:
    store = Store("sto_1", "brd_1", "店", "广州", "路", 113.0, 23.0, None, ())
    menu = menu_of(store, [FISH], [replace(FISH, id="dsh_2", special=None, mealtimes=(Hours(6 * 60, 10 * 60),))])

    def version(hour: int, level: str | None = None, party: int | None = None) -> str:
        local = datetime(2026, 11, 23, hour, 30, tzinfo=ZoneInfo("Asia/Shanghai"))
        return menu.shown_version(level, local, party)

    night, breakfast, lunch = version(5), version(7), version(12)
    assert len({night, breakfast, lunch, version(5, "GOLD"), version(5, None, 2), version(5, None, 3)}) == 6
    assert night == version(16) == version(5, "SILVER")  # nothing else is shown
    assert replace(menu, id="sto_2").shown_version(None, datetime(2026, 11, 23), None) != version(5)


async def test_a_version_taken_before_eleven_does_not_hide_the_special_price_of_eleven(world: World) -> None:
    store = await open_shop(world, [dish(special=LUNCH)])
    before, from_eleven = "2026-11-23T10:59:59+08:00", "2026-11-23T11:00:00+08:00"
    menu = await menu_now(world, store, at=before)
    assert menu["sections"][0]["items"][0]["specialPrice"] is None
    known = menu["version"]
    assert await menu_now(world, store, at=before, known=known) is None
    at_eleven = await menu_now(world, store, at=from_eleven, known=known)
    assert at_eleven["sections"][0]["items"][0]["specialPrice"] == {"amountFen": 2_000}
    assert await menu_now(world, store, at=from_eleven, known=at_eleven["version"]) is None
    assert (await menu_now(world, store, at="2026-11-23T14:00:00+08:00"))["version"] == known


async def test_a_version_taken_by_a_visitor_does_not_hide_a_members_prices(world: World) -> None:
    store = await open_shop(world, [dish(member_prices_fen={"GOLD": 2_500})])
    person = await world.person()
    visitors = (await menu_now(world, store, person))["version"]
    joined = await person.do("joinBrand", "membership { id }", brandId=world.brand_id)
    assert await menu_now(world, store, person, known=visitors) is None  # their level has no price of its own
    members = world.app.connection.collection("memberships")
    await members.update_one({"_id": joined["membership"]["id"]}, {"$set": {"level": "GOLD"}})
    menu = await menu_now(world, store, person, known=visitors)
    assert menu["sections"][0]["items"][0]["memberPrice"] == {"amountFen": 2_500}
    assert await menu_now(world, store, person, known=menu["version"]) is None
    assert await menu_now(world, store, known=visitors) is None


async def test_stock_changes_no_version_and_is_seen_all_the_same(world: World) -> None:
    last = dish(daily_stock=1)
    store = await open_shop(world, [last, dish("虾")])
    known = (await menu_now(world, store))["version"]
    await place_order(world.app, await new_person(world), wanted(store, (last, 1)), "k")
    assert await menu_now(world, store, known=known) is None
    menu = await menu_now(world, store)
    assert (menu["version"], await sold_out(world, store)) == (known, [True, False])
    await world.app.menus.put(menu_of(store, [replace(last, id="dsh_other", daily_stock=0), dish("虾")]))
    other = (await menu_now(world, store))["version"]
    same = await world.app.menus.menu(store.id)
    assert same is not None
    first = same.sections[0]
    stocked = replace(first, dishes=(replace(first.dishes[0], daily_stock=2), *first.dishes[1:]))
    await world.app.menus.put(replace(same, sections=(stocked,)))  # only its stock is another
    assert await menu_now(world, store, known=other) is None
    assert await sold_out(world, store) == [False, False]


async def test_a_party_of_another_size_is_another_version(world: World) -> None:
    store = await open_shop(world, [dish()])
    known = (await menu_now(world, store, party=2))["version"]
    assert await menu_now(world, store, party=2, known=known) is None
    assert (await menu_now(world, store, party=3, known=known))["suggested"][0]["quantity"] == 4
    assert (await menu_now(world, store, known=known))["suggested"] == []


@pytest.mark.parametrize("size", [0, -1, 201])
async def test_a_party_that_cannot_be_is_refused(world: World, size: int) -> None:
    with pytest.raises(GraphQLFailed) as failed:
        await menu_now(world, await open_shop(world, [dish()]), party=size)
    assert failed.value.code == "BAD_USER_INPUT"
