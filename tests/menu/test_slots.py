"""Pick-up slots: which there are, what falls into them, and that each takes no more orders than it has places."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from resolvers.brands.model import Hours, Store, parse_hours
from resolvers.ordering.cancel import cancel_order
from resolvers.ordering.model import OrderType
from resolvers.ordering.place import place_order
from resolvers.ordering.quote import quote_order
from resolvers.ordering.refusals import SlotUnavailable
from resolvers.ordering.slots import slot_counter, slot_of, slots_on
from scripts.client import new_key
from tests.menu.shops import dish, in_days, open_shop, outcome, wanted
from tests.support.core import new_person, placed
from tests.support.world import World

SLOTS = "query($id: ID!, $day: DateTime) { store(id: $id) { pickUpSlots(day: $day) } }"
NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai, a Monday
MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)


def _store(*hours: Hours, minutes: int = 15, lead: int = 15) -> Store:
    place = ("店", "广州", "路", 113.0, 23.0, None)
    return Store("sto_1", "brd_1", *place, hours, slot_minutes=minutes, slot_lead_minutes=lead)


def _times(store: Store, day: date, now: datetime = NOON) -> list[str]:
    return [store.local(each).strftime("%d %H:%M") for each in slots_on(store, day, now)]


def test_slots_begin_at_the_opening_time_and_end_before_closing() -> None:
    store = _store(parse_hours("10:10", "11:00"), parse_hours("17:00", "17:45"), minutes=20)
    assert _times(store, TUESDAY) == ["24 10:10", "24 10:30", "24 10:50", "24 17:00", "24 17:20", "24 17:40"]


def test_todays_slots_begin_after_the_lead() -> None:
    store = _store(parse_hours("11:00", "13:00"), lead=30)
    assert _times(store, MONDAY) == ["23 12:30", "23 12:45"]
    assert _times(store, MONDAY, NOON + timedelta(seconds=1)) == ["23 12:45"]
    assert _times(store, MONDAY - timedelta(days=1)) == []


def test_hours_over_midnight_give_slots_on_both_days() -> None:
    store = _store(parse_hours("23:00", "01:00"), minutes=45)
    assert _times(store, TUESDAY) == ["24 00:30", "24 23:00", "24 23:45"]
    assert _times(store, MONDAY) == ["23 23:00", "23 23:45"]
    assert slot_of(store, datetime(2026, 11, 23, 16, 29, 59, tzinfo=UTC)) == datetime(2026, 11, 23, 15, 45, tzinfo=UTC)
    assert slot_of(store, datetime(2026, 11, 23, 17, 0, tzinfo=UTC)) is None


def test_a_shop_open_all_day_has_96_slots_and_none_beyond_thirty_days() -> None:
    store = _store(Hours(0, 24 * 60))
    assert len(_times(store, TUESDAY)) == 96
    assert len(_times(store, MONDAY + timedelta(days=30))) == 49  # up to 12:00, that day's noon included
    assert _times(store, MONDAY + timedelta(days=31)) == []


def test_a_moment_falls_into_the_slot_that_began_last() -> None:
    store = _store(parse_hours("10:10", "12:00"))
    begins = datetime(2026, 11, 23, 2, 25, tzinfo=UTC)
    for second in (0, 1, 15 * 60 - 1):
        assert slot_of(store, begins + timedelta(seconds=second, milliseconds=500)) == begins
    assert slot_of(store, begins + timedelta(minutes=15)) == begins + timedelta(minutes=15)


@pytest.mark.parametrize("wrong", [{"minutes": 0}, {"minutes": -15}, {"lead": -1}])
def test_slots_that_are_none_are_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="slots"):
        _store(Hours(0, 60), **wrong)


async def _shown(world: World, store: Store, day: datetime | None = None) -> list[datetime]:
    asked = {} if day is None else {"day": day.isoformat()}
    data = await world.visitor().ask(SLOTS, id=store.id, **asked)
    return [datetime.fromisoformat(each) for each in data["store"]["pickUpSlots"]]


async def test_a_day_is_the_shops_own_and_today_where_none_is_named(world: World) -> None:
    store = await open_shop(world, [dish()], slot_minutes=60, slot_lead_minutes=0)
    late = in_days(world, store, 2, 23, 30)
    assert await _shown(world, store, late) == [in_days(world, store, 2, hour) for hour in range(24)]
    today = {store.business_day(each) for each in await _shown(world, store)}
    assert today <= {store.business_day(world.clock.now())}


async def test_thirty_people_after_five_places_get_five_and_a_cancelled_one_is_free_again(world: World) -> None:
    fish = dish()
    store = await open_shop(world, [fish], slot_capacity=5)
    noon = in_days(world, store, 2, 12)
    order = wanted(store, (fish, 1), pick_up_at=noon + timedelta(minutes=7))
    people = [await new_person(world) for _ in range(30)]
    assert noon in await _shown(world, store, noon)
    results = await asyncio.gather(*(outcome(place_order(world.app, each, order, "k")) for each in people))
    assert Counter(results) == {"won": 5, "SLOT_UNAVAILABLE": 25}
    shown = await _shown(world, store, noon)
    assert len(shown) == 95
    assert noon not in shown
    other = wanted(store, (fish, 1), pick_up_at=noon + timedelta(minutes=15))
    assert await outcome(place_order(world.app, people[0], other, "next")) == "won"
    winner = people[results.index("won")]
    mine = await placed(world.app, winner, order, "k")  # the same answer again
    assert [each.counter_id for each in mine.taken] == [slot_counter(store.id, noon)]
    await cancel_order(world.app, winner, mine.id)
    async with asyncio.timeout(30):
        while noon not in await _shown(world, store, noon):
            await asyncio.sleep(0.05)
    late = await asyncio.gather(*(outcome(place_order(world.app, each, order, "again")) for each in people[:4]))
    assert Counter(late) == {"won": 1, "SLOT_UNAVAILABLE": 3}


async def test_an_order_that_lapses_unpaid_gives_its_place_to_who_asks_next(world: World) -> None:
    fish = dish()
    store = await open_shop(world, [fish], slot_capacity=1)
    order = wanted(store, (fish, 1), pick_up_at=in_days(world, store, 3, 12))
    first, second = await new_person(world), await new_person(world)
    await placed(world.app, first, order, "k")
    assert await outcome(place_order(world.app, second, order, "early")) == "SLOT_UNAVAILABLE"
    ahead, world.clock.ahead = world.clock.ahead, world.clock.ahead + timedelta(minutes=16)
    try:
        assert await outcome(place_order(world.app, second, order, "late")) == "won"
    finally:
        world.clock.ahead = ahead


async def test_a_shop_that_takes_more_or_fewer_changes_what_is_left_of_a_slot(world: World) -> None:
    """Two of two are taken; with three one more fits, with one nobody else, though one of three then goes away."""
    fish = dish()
    store = await open_shop(world, [fish], slot_capacity=2)
    order = wanted(store, (fish, 1), pick_up_at=in_days(world, store, 2, 12))
    people = [await new_person(world) for _ in range(6)]

    async def go(number: int) -> str:
        return await outcome(place_order(world.app, people[number], order, "k"))

    assert [await go(number) for number in range(3)] == ["won", "won", "SLOT_UNAVAILABLE"]
    await world.app.brands.put_store(replace(store, slot_capacity=3))
    assert [await go(number) for number in (3, 4)] == ["won", "SLOT_UNAVAILABLE"]
    await world.app.brands.put_store(replace(store, slot_capacity=1))
    assert await go(5) == "SLOT_UNAVAILABLE"  # and the counter is at one less two
    gone = await placed(world.app, people[0], order, "k")
    await cancel_order(world.app, people[0], gone.id)
    assert await outcome(place_order(world.app, people[5], order, "again")) == "SLOT_UNAVAILABLE"


async def test_pieces_of_stock_come_back_when_the_slot_is_full(world: World) -> None:
    fish = dish(daily_stock=2)
    store = await open_shop(world, [fish], slot_capacity=1)
    noon = in_days(world, store, 2, 12)
    people = [await new_person(world) for _ in range(2)]
    order = wanted(store, (fish, 1), pick_up_at=noon)
    assert [await outcome(place_order(world.app, each, order, "k")) for each in people] == ["won", "SLOT_UNAVAILABLE"]
    later = wanted(store, (fish, 1), pick_up_at=noon + timedelta(hours=1))
    assert await outcome(place_order(world.app, people[1], later, "k2")) == "won"


async def test_times_that_cannot_be_are_refused_and_none_is_as_soon_as_possible(world: World) -> None:
    fish = dish()
    store = await open_shop(world, [fish], hours=(parse_hours("10:00", "22:00"),))
    person = await new_person(world)

    async def at(moment: datetime | None, kind: OrderType = OrderType.PICK_UP) -> str:
        order = wanted(store, (fish, 1), pick_up_at=moment, type=kind)
        return await outcome(place_order(world.app, person, order, new_key()))

    assert await at(world.clock.now() - timedelta(minutes=2)) == "SLOT_UNAVAILABLE"
    assert await at(in_days(world, store, 32, 12)) == "SLOT_UNAVAILABLE"
    assert await at(in_days(world, store, 1, 9, 59)) == "STORE_CLOSED"
    assert await at(in_days(world, store, 1, 22)) == "STORE_CLOSED"
    assert await at(in_days(world, store, 1, 21, 59)) == "won"
    assert await at(in_days(world, store, 1, 12), OrderType.DINE_IN) == "SLOT_UNAVAILABLE"
    always = await open_shop(world, [fish], slot_capacity=0)
    now = wanted(always, (fish, 1))
    assert await outcome(place_order(world.app, person, now, "now")) == "won"


@pytest.mark.parametrize(
    ("ahead", "sentence"),
    [
        (timedelta(minutes=13), "最早可预约"),
        (timedelta(minutes=-5), "最早可预约"),
        (timedelta(days=31), "最多可预约 30 天内取餐"),
    ],
)
async def test_a_time_that_no_slot_has_is_refused_when_quoted_and_when_placed(
    world: World, ahead: timedelta, sentence: str
) -> None:
    food = dish()
    store, person = await open_shop(world, [food]), await new_person(world)
    order = wanted(store, (food, 1), pick_up_at=world.clock.now() + ahead)
    for call in (quote_order(world.app, person, order.cart()), place_order(world.app, person, order, new_key())):
        with pytest.raises(SlotUnavailable, match=sentence):
            await call
    soon = replace(order, pick_up_at=world.clock.now() + timedelta(minutes=15))
    assert await outcome(place_order(world.app, person, soon, new_key())) == "won"
