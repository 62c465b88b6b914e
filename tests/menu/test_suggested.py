"""What is suggested to a party: balanced, orderable as it is, and never less for more people."""

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from resolvers.brands.model import Hours, Store
from resolvers.ordering.menu import Dish, Menu, Option, OptionGroup
from resolvers.ordering.model import MAXIMUM_LINES, MAXIMUM_PARTY, LineRequest
from resolvers.ordering.pricing import price_lines
from resolvers.ordering.suggest import MOST_DISHES, portions, suggest
from tests.menu.shops import dish, menu_now, menu_of, open_shop
from tests.support.world import World

STORE = Store("sto_1", "brd_1", "店", "广州", "路", 113.0, 23.0, None, (Hours(0, 24 * 60),))
NOON = datetime(2026, 11, 23, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
BREAKFAST = (Hours(6 * 60, 10 * 60),)


@st.composite
def _options(draw: st.DrawFn) -> tuple[OptionGroup, ...]:
    gone = draw(st.lists(st.booleans(), min_size=1, max_size=3))
    minimum = draw(st.integers(0, len(gone)))
    options = tuple(Option(f"opt_{number}", str(number), 0, each) for number, each in enumerate(gone))
    return (OptionGroup("grp_1", "选", minimum, len(gone), options),)


@st.composite
def _dishes(draw: st.DrawFn) -> Dish:
    return dish(
        mealtimes=draw(st.sampled_from([(), (), BREAKFAST])),
        daily_stock=draw(st.one_of(st.none(), st.integers(0, 5))),
        tags=tuple(draw(st.lists(st.sampled_from(["招牌", "人气", "辣"]), max_size=2, unique=True))),
        option_groups=draw(st.one_of(st.just(()), _options())),
    )


MENUS = st.lists(st.lists(_dishes(), max_size=6), max_size=6).map(lambda sections: menu_of(STORE, *sections))
PEOPLE = st.integers(1, MAXIMUM_PARTY)


def _left(menu: Menu) -> dict[str, int]:
    return {each.id: each.daily_stock for each in menu.dishes() if each.daily_stock is not None}


def _suggested(menu: Menu, people: int) -> Counter[str]:
    found = suggest(menu, people, NOON, _left(menu))
    return Counter({each.dish.id: each.quantity for each in found})


@given(MENUS, PEOPLE)
def test_every_suggested_dish_can_be_ordered_as_many_times(menu: Menu, people: int) -> None:
    found, left = suggest(menu, people, NOON, _left(menu)), _left(menu)
    assert len(found) <= min(MOST_DISHES, MAXIMUM_LINES)
    for each in found:
        assert 1 <= each.quantity <= left.get(each.dish.id, 999)
        groups = each.dish.option_groups
        chosen = [[option.id for option in group.options if not option.sold_out][: group.minimum] for group in groups]
        line = LineRequest(each.dish.id, each.quantity, tuple(option for group in chosen for option in group))
        assert price_lines(menu, STORE, [line], None, NOON)


@given(MENUS, st.integers(1, MAXIMUM_PARTY - 1))
def test_more_people_are_suggested_no_less_of_anything(menu: Menu, people: int) -> None:
    few, more = _suggested(menu, people), _suggested(menu, people + 1)
    assert few <= more
    assert few == _suggested(menu, people)


@given(MENUS, PEOPLE)
def test_a_choice_from_at_least_two_sections_where_two_have_something(menu: Menu, people: int) -> None:
    found = _suggested(menu, people)
    able = [
        {each.id for each in section.dishes if suggest(menu_of(STORE, [each]), 1, NOON, _left(menu))}
        for section in menu.sections
    ]
    served = [section for section in able if section]
    assert sum(bool(section & set(found)) for section in served) >= min(2, len(served))
    if not served:
        assert not found


@given(st.lists(st.lists(st.builds(dish), min_size=1, max_size=5), min_size=1, max_size=8), PEOPLE)
def test_where_stock_is_no_limit_there_is_as_much_as_the_rule_says_and_evenly(
    menu: list[list[Dish]], people: int
) -> None:
    made = menu_of(STORE, *menu)
    found = _suggested(made, people)
    assert found.total() == portions(people)
    by_section = [sum(found[each.id] for each in section) for section in menu]
    assert max(by_section) - min(by_section) <= 1


def test_how_many_portions_there_are() -> None:
    assert [portions(people) for people in (1, 2, 9, 10, 11, 20, 200)] == [2, 3, 10, 11, 13, 22, 220]


def test_a_banquet_has_twenty_dishes_and_more_of_each() -> None:
    menu = menu_of(STORE, [dish() for _ in range(30)], [dish(), dish()])
    found = suggest(menu, 200, NOON, {})
    assert len(found) == MOST_DISHES == 20
    assert [each.quantity for each in found[-2:]] == [55, 55]  # half of the 220 portions, from two dishes
    assert {each.quantity for each in found[:-2]} == {6, 7}  # the other half, from 18


def test_a_party_of_three_by_hand() -> None:
    soup, tea = dish("汤"), dish("茶")
    plain, famous, best = dish("虾"), dish("蟹", tags=("招牌",)), dish("鱼", tags=("招牌", "人气"), daily_stock=1)
    gone, early = dish("鲍", tags=("必点",) * 3, daily_stock=0), dish("包", mealtimes=BREAKFAST)
    group = OptionGroup("grp_1", "辣度", 1, 1, (Option("opt_1", "辣", 0, True),))
    without = dish("面", option_groups=(group,))
    menu = menu_of(STORE, [plain, famous, best, gone], [early], [without, soup], [tea])
    found = [(each.dish.name, each.quantity) for each in suggest(menu, 3, NOON, _left(menu))]
    assert found == [("蟹", 1), ("鱼", 1), ("汤", 1), ("茶", 1)]  # 4 portions: 鱼 汤 茶, then 蟹
    twelve = [(each.dish.name, each.quantity) for each in suggest(menu, 12, NOON, _left(menu))]
    assert twelve == [("虾", 2), ("蟹", 2), ("鱼", 1), ("汤", 5), ("茶", 4)]  # 14; 鱼 is there once


async def test_the_menu_suggests_what_is_left_now(world: World) -> None:
    fish, shrimp = dish("鱼", tags=("招牌",), daily_stock=2), dish("虾")
    store = await open_shop(world, [fish], [shrimp])
    menu = await menu_now(world, store, party=5)
    assert [(each["dish"]["id"], each["quantity"]) for each in menu["suggested"]] == [(fish.id, 2), (shrimp.id, 4)]
    person = await world.person()
    lines = [{"dishId": fish.id, "quantity": 1}]
    await person.do("placeOrder", "order { id }", storeId=store.id, type="PICK_UP", lines=lines, idempotencyKey="k")
    again = await menu_now(world, store, party=5)
    assert [(each["dish"]["id"], each["quantity"]) for each in again["suggested"]] == [(fish.id, 1), (shrimp.id, 5)]
    assert again["version"] == menu["version"]
    await person.do("placeOrder", "order { id }", storeId=store.id, type="PICK_UP", lines=lines, idempotencyKey="l")
    last = await menu_now(world, store, party=5)
    assert [each["dish"]["id"] for each in last["suggested"]] == [shrimp.id]
    assert (await menu_now(world, store))["suggested"] == []
