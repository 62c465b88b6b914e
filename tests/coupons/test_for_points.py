"""Coupons that cost points: paid for once, by whoever has enough, and never twice with the same points."""

import asyncio

import pytest

from resolvers.coupons.model import CouponKind
from resolvers.people.join_brand import ensure_member
from resolvers.people.points import grant_points
from resolvers.work.model import SYSTEM, Call
from resolvers.work.unit import Work
from scripts.client import Api, Json, Refused, new_key
from tests.coupons.offered import claim, offer
from tests.support.world import World

POINTS = """{ me { id memberships { points pointsStatement { nodes { change balanceAfter memo } } } } }"""
SHOWN = "query($id: ID!) { node(id: $id) { ... on CouponTemplate { pointsPrice price { amountFen } notClaimable } } }"


async def _member(world: World, points: int) -> Api:
    """A new member with so many points."""
    person = await world.person()
    me = (await person.ask("{ me { id } }"))["me"]["id"]
    await ensure_member(world.app, me, world.brand_id)

    async def steps(work: Work) -> dict[str, str]:
        await grant_points(world.app, work, me, world.brand_id, points, f"test:{new_key()}", "测试")
        return {}

    await world.app.work.run(Call("test", SYSTEM, contends=(me,)), steps)
    return person


async def _points(person: Api) -> Json:
    membership: Json = (await person.ask(POINTS))["me"]["memberships"][0]
    return membership


async def test_the_price_is_taken_and_stands_on_the_statement(world: World) -> None:
    person = await _member(world, 120)
    offered = await offer(world, CouponKind.CASH, amount_off_fen=500, points_price=50, per_customer=9, title="五元券")
    shown = (await person.ask(SHOWN, id=offered.id))["node"]
    assert shown == {"pointsPrice": 50, "price": None, "notClaimable": None}
    key = new_key()
    first = await claim(person, offered, key)
    assert await claim(person, offered, key) == first  # asked again: paid once
    assert await claim(person, offered) != first
    member = await _points(person)
    assert member["points"] == 20
    assert member["pointsStatement"]["nodes"][:2] == [
        {"change": -50, "balanceAfter": 20, "memo": "兑换「五元券」"},
        {"change": -50, "balanceAfter": 70, "memo": "兑换「五元券」"},
    ]
    with pytest.raises(Refused) as refused:
        await claim(person, offered)
    assert (refused.value.code, refused.value.error["message"]) == ("NOT_ENOUGH_POINTS", "还差 30 积分")
    assert (await person.ask(SHOWN, id=offered.id))["node"]["notClaimable"] == "NOT_ENOUGH_POINTS"
    assert (await _points(person))["points"] == 20


async def test_a_refusal_gives_the_piece_back_and_costs_nothing(world: World) -> None:
    offered = await offer(world, CouponKind.CASH, amount_off_fen=500, points_price=50, total=1)
    poor, rich = await _member(world, 49), await _member(world, 50)
    with pytest.raises(Refused, match="还差 1 积分"):
        await claim(poor, offered)
    await claim(rich, offered)
    with pytest.raises(Refused) as refused:
        await claim(await _member(world, 50), offered)
    assert refused.value.code == "SOLD_OUT"
    assert [(await _points(person))["points"] for person in (poor, rich)] == [49, 0]


async def test_twenty_claims_at_once_with_points_for_seven(world: World) -> None:
    person = await _member(world, 7 * 30 + 29)
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, points_price=30, per_customer=99)

    async def one() -> str:
        try:
            await claim(person, offered)
        except Refused as refused:
            return str(refused.code)
        return "SUCCESS"

    outcomes = await asyncio.gather(*(one() for _ in range(20)))
    assert sorted(outcomes) == ["NOT_ENOUGH_POINTS"] * 13 + ["SUCCESS"] * 7
    assert (await _points(person))["points"] == 29
