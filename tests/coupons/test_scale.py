"""A wallet with 5 000 old coupons and a brand with 1 000 templates cost what small ones do."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from resolvers.coupons.model import CouponKind, CouponStatus
from resolvers.documents import to_document
from scripts.client import Api
from tests.coupons.making import coupon, template
from tests.coupons.offered import claim, offer, quote, two_dishes, used
from tests.support.watching import Commands, scan_of, watching
from tests.support.world import World

COUPONS = """{ me { wallet { coupons(first: 20) { totalCount nodes { id template { id title remaining claimedByMe
  notClaimable } } } } } }"""
CLAIMABLE = """query($id: ID!) { brand(id: $id) { claimableCoupons(first: 50) { nodes { id title remaining claimedByMe
  notClaimable pointsPrice price { amountFen } } pageInfo { endCursor hasNextPage } } } }"""


@pytest.fixture(scope="module")
async def watched(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[World, Commands]]:
    """A product whose database commands are listened to."""
    async with watching(mongodb_uri, Path(tmp_path_factory.mktemp("coupons-scale"))) as found:
        yield found


async def _old(world: World, person: Api, count: int) -> None:
    """Give a person coupons that were used, or that lapsed and were not tidied yet."""
    me, now = (await person.ask("{ me { id } }"))["me"]["id"], world.clock.now()
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, per_customer=count)
    states = (CouponStatus.REDEEMED, CouponStatus.AVAILABLE, CouponStatus.EXPIRED, CouponStatus.GIFTED)
    rows = [
        to_document(
            coupon(
                offered.title,
                id=f"cpn_{me[4:]}{number}",
                customer_id=me,
                brand_id=world.brand_id,
                template_id=offered.id,
                status=states[number % 4],
                valid_from=now - timedelta(days=400),
                valid_until=now - timedelta(days=1 + number % 300),
            )
        )
        for number in range(count)
    ]
    await world.app.connection.collection("coupons").insert_many(rows)


async def _examined(world: World, command: dict[str, Any]) -> int:
    """How many documents mongod looks at for a find."""
    wanted = {key: command[key] for key in ("find", "filter", "sort", "limit", "projection") if key in command}
    explained = await world.app.connection.database.command("explain", wanted, verbosity="executionStats")
    examined: int = explained["executionStats"]["totalDocsExamined"]
    return examined


async def test_old_coupons_cost_nothing(watched: tuple[World, Commands]) -> None:
    world, commands = watched
    (dear, _), seen = await two_dishes(world), {}
    offered = await offer(world, CouponKind.CASH, amount_off_fen=100, per_customer=9)
    for old in (8, 5_000):
        person = await world.person()
        held = [await claim(person, offered) for _ in range(3)]
        await _old(world, person, old)
        commands.seen.clear()
        wallet = (await person.ask(COUPONS))["me"]["wallet"]["coupons"]
        assert (wallet["totalCount"], [each["id"] for each in wallet["nodes"]]) == (3, held)
        quoted = await quote(world, person, (dear, 1))
        assert list(used(quoted)) == [held[0]]
        seen[old] = list(commands.seen)
    assert [name for name, _ in seen[8]] == [name for name, _ in seen[5_000]]
    finds = [command for name, command in seen[5_000] if name == "find" and command["find"] == "coupons"]
    assert len(finds) >= 3  # the wallet's page, and the two looks of a quote
    assert max([await _examined(world, command) for command in finds]) <= 10
    assert [scan for name, command in seen[5_000] if (scan := await scan_of(world, name, command))] == []


async def test_a_thousand_templates_cost_as_many_commands_as_ten(watched: tuple[World, Commands]) -> None:
    world, commands = watched
    person, counts = await world.person(), []
    for more in (10, 1_000):
        many = [
            replace(
                template(CouponKind.CASH, f"{more}x{number:04d}", brand_id=world.brand_id, amount_off_fen=1),
                total=10,
                per_day=5,
                points_price=3 if number % 2 else None,
            )
            for number in range(more)
        ]
        await world.app.connection.collection("templates").insert_many([to_document(each) for each in many])
        commands.seen.clear()
        shown = (await person.ask(CLAIMABLE, id=world.brand_id))["brand"]["claimableCoupons"]
        counts.append(len(commands.seen))
    assert counts[0] == counts[1] <= 8
    assert len(shown["nodes"]) == 50
    last = commands.seen[:]
    finds = [command for name, command in last if name == "find" and command["find"] == "templates"]
    assert [await _examined(world, command) <= 51 for command in finds] == [True]
    assert [scan for name, command in last if (scan := await scan_of(world, name, command))] == []
