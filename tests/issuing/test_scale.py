"""A long list costs a constant number of commands per batch, each covered by an index."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from resolvers.coupons.model import CouponKind
from tests.coupons.offered import offer
from tests.issuing.lists import coupons_of, ids, issued, listed, members
from tests.support.core import books_are_in_order
from tests.support.watching import Commands, scan_of, watching
from tests.support.world import World


@pytest.fixture(scope="module")
async def watched(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[World, Commands]]:
    """A product whose database commands are listened to."""
    async with watching(mongodb_uri, Path(tmp_path_factory.mktemp("issuing-scale"))) as found:
        yield found


async def test_a_batch_of_a_hundred_costs_what_one_of_ten_does(watched: tuple[World, Commands]) -> None:
    world, commands = watched
    counts = {}
    limits = {"total": 1_000, "per_day": 500, "per_customer": 3, "per_customer_day": 2}
    for size in (10, 100):
        offered = await offer(world, CouponKind.CASH, amount_off_fen=1, **limits)
        people = ids(await members(world, size))
        commands.seen.clear()
        await issued(world, offered, listed(*people))
        counts[size] = [(name, command[name]) for name, command in commands.seen]
    assert counts[10] == counts[100]
    scans = [await scan_of(world, name, command) for name, command in list(commands.seen)]
    assert [scan for scan in scans if scan] == []
    await books_are_in_order(world)


async def test_a_thousand_customers(watched: tuple[World, Commands]) -> None:
    """900 good ones, every tenth line doubled; ten batches."""
    world, commands = watched
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, total=5_000)
    people = ids(await members(world, 900))
    names = [name for place, name in enumerate(people) for name in [name] * (2 if place % 9 == 8 else 1)]
    commands.seen.clear()
    job = await issued(world, offered, listed(*names))
    assert (job.total, job.issued, job.skipped) == (1_000, 900, {"DUPLICATE": 100})
    assert await coupons_of(world, offered) == dict.fromkeys(people, 1)
    assert len(commands.seen) < 10 * 25
    await world.app.coupons.jobs.newest(10)
    assert await scan_of(world, "find", {"find": "issue_jobs", "filter": {"_id": job.id}}) is None
    await books_are_in_order(world)
