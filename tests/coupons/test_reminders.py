"""A coupon that lapses soon is announced 3 days and 1 day before, once each, however many workers look."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from resolvers.coupons.model import CouponKind
from resolvers.coupons.remind import remind_of_lapsing
from scripts.client import Api, new_key
from tests.coupons.offered import claim, offer
from tests.payments.money import customer_id
from tests.support.core import books_are_in_order
from tests.support.following import follow
from tests.support.watching import scan_of
from tests.support.world import World, open_product

DAY = timedelta(days=1)


@pytest.fixture(scope="module")
async def resting(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A product whose jobs rest: only the tests remind."""
    async with open_product(mongodb_uri, Path(tmp_path_factory.mktemp("reminders")), with_jobs=False) as world:
        yield world
        await books_are_in_order(world)


async def coupon_until(world: World, person: Api, until: datetime, **values: Any) -> str:
    """A coupon of the person's that lapses at a moment."""
    template = await offer(
        world, CouponKind.CASH, amount_off_fen=100, valid_days=None, valid_until=until, giveable=True, **values
    )
    return await claim(person, template)


async def told(world: World, person: str) -> list[tuple[str, int]]:
    """(coupon id, days left) of every reminder, in order."""
    events = await world.app.live.backlog(person, 0)
    return [(each.subject_id, each.details["days_left"]) for each in events if each.kind == "COUPON_EXPIRING"]


async def test_three_days_before_and_one_day_before(resting: World) -> None:
    world, now = resting, resting.clock.now()
    api = await world.person()
    person = await customer_id(api)
    coupon_id = await coupon_until(world, api, now + 10 * DAY)
    await remind_of_lapsing(world.app)
    assert await told(world, person) == []
    world.clock.ahead += 7 * DAY  # three days less what this test has taken so far
    await asyncio.gather(*(remind_of_lapsing(world.app) for _ in range(8)))
    assert await told(world, person) == [(coupon_id, 3)]
    world.clock.ahead += 1 * DAY
    await remind_of_lapsing(world.app)
    assert await told(world, person) == [(coupon_id, 3)]
    world.clock.ahead += 1 * DAY
    await asyncio.gather(*(remind_of_lapsing(world.app) for _ in range(8)))
    await remind_of_lapsing(world.app)
    assert await told(world, person) == [(coupon_id, 3), (coupon_id, 1)]
    world.clock.ahead += 2 * DAY
    await remind_of_lapsing(world.app)
    assert len(await told(world, person)) == 2
    assert await remind_of_lapsing(world.app) == 0  # nothing is looked at again and again


async def test_whoever_gets_it_late_is_told_only_what_is_news(resting: World) -> None:
    """Good for two days: no reminder at once, one a day before. Good for half a day: none."""
    world, now = resting, resting.clock.now()
    api = await world.person()
    person = await customer_id(api)
    two_days = await coupon_until(world, api, now + 2 * DAY)
    await coupon_until(world, api, now + DAY / 2)
    await remind_of_lapsing(world.app)
    assert await told(world, person) == []
    world.clock.ahead += 1 * DAY
    await remind_of_lapsing(world.app)
    assert await told(world, person) == [(two_days, 1)]


async def test_workers_that_slept_do_not_tell_what_is_past(resting: World) -> None:
    world, now = resting, resting.clock.now()
    api = await world.person()
    person = await customer_id(api)
    coupon_id = await coupon_until(world, api, now + 10 * DAY)
    world.clock.ahead += timedelta(days=9, hours=12)
    await remind_of_lapsing(world.app)
    assert await told(world, person) == [(coupon_id, 1)]


async def test_what_is_on_its_way_is_announced_when_it_is_back(resting: World) -> None:
    world, now = resting, resting.clock.now()
    api = await world.person(name="a-giver-who-is-reminded")
    person = await customer_id(api)
    coupon_id = await coupon_until(world, api, now + 4 * DAY)
    gift = (await api.do("give", "gift { id }", couponId=coupon_id, idempotencyKey=new_key()))["gift"]
    world.clock.ahead += timedelta(days=1, minutes=-1)
    await remind_of_lapsing(world.app)
    assert await told(world, person) == []
    api = await world.person(name="a-giver-who-is-reminded")
    await api.do("withdrawGift", "gift { id }", giftId=gift["id"])
    world.clock.ahead += timedelta(minutes=2)
    await remind_of_lapsing(world.app)
    assert await told(world, person) == [(coupon_id, 3)]


async def test_it_arrives_on_coupon_updates_with_the_coupon_as_it_is(resting: World) -> None:
    world = resting
    api = await world.person(name="a-listener")
    coupon_id = await coupon_until(world, api, world.clock.now() + 5 * DAY)
    world.clock.ahead += 2 * DAY
    api = await world.person(name="a-listener")
    async with api.socket() as socket:
        query = """subscription { couponUpdates { __typename cursor ... on CouponExpiring { daysLeft coupon { id status
          revision } } } }"""
        stream = await follow(world.app, socket, query)
        await remind_of_lapsing(world.app)
        event = await stream.until("CouponExpiring")
    assert (event["daysLeft"], event["coupon"]) == (3, {"id": coupon_id, "status": "AVAILABLE", "revision": 1})


async def test_looking_for_them_reads_no_whole_collection(resting: World) -> None:
    now = resting.clock.now()
    query = {"status": "AVAILABLE", "told_days": None, "valid_until": {"$gt": now, "$lte": now + 3 * DAY}}
    assert await scan_of(resting, "find", {"find": "coupons", "filter": query}) is None
