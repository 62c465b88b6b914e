"""Points that are spent, and what many orders or purchases at once make of one member's points."""

import asyncio
from collections import Counter

import pytest

from resolvers.errors import Refused
from resolvers.people.model import NotEnoughPoints
from scripts.client import new_key
from tests.payments.money import lines_of, rows
from tests.points.club import (
    complete,
    completed,
    granted,
    member,
    new_member,
    paid,
    refunded,
    spent,
    stands,
    statement,
    told,
)
from tests.support.core import books_are_in_order, new_person
from tests.support.world import World
from tests.till.counter import hire, redeem


async def test_points_are_spent_with_a_line_and_a_booking(world: World) -> None:
    person, key = await new_member(world), new_key()
    await granted(world, person.customer_id, 500)
    await spent(world, person.customer_id, 180, key)
    now = await member(world, person.customer_id)
    assert (now.points, now.points_debt) == (320, 0)
    last = (await statement(world, person.customer_id))[-1]
    assert (last.change, last.balance_after, last.memo) == (-180, 320, "兑换")
    booked = {f"points:{now.id}": -180, f"brand:{world.brand_id}:points_spent": 180}
    assert await lines_of(world, f"points:{key}") == booked
    assert [change for change, _ in await told(world, person.customer_id)] == [500, -180]


async def test_who_has_too_few_is_told_how_many_are_missing(world: World) -> None:
    person, stranger = await new_member(world), await new_person(world)
    await granted(world, person.customer_id, 80)
    for customer_id, missing in ((person.customer_id, 120), (stranger.customer_id, 200)):
        with pytest.raises(NotEnoughPoints, match=f"^还差 {missing} 积分$") as refusal:
            await spent(world, customer_id, 200)
        assert refusal.value.code == "NOT_ENOUGH_POINTS"
    assert await stands(world, person) == (80, 0, "STANDARD")
    await spent(world, person.customer_id, 80)
    assert await stands(world, person) == (0, 0, "STANDARD")


@pytest.mark.parametrize("points", [0, -1])
async def test_nothing_is_sold_for_no_points(world: World, points: int) -> None:
    person = await new_member(world)
    await granted(world, person.customer_id, 10)
    with pytest.raises(ValueError, match="nothing is sold"):
        await spent(world, person.customer_id, points)
    assert await stands(world, person) == (10, 0, "STANDARD")


@pytest.mark.parametrize("queued", [True, False])
async def test_of_twenty_purchases_at_once_seven_find_their_points(world: World, *, queued: bool) -> None:
    """239 points are seven times 30, and 29; unqueued, nothing but the database keeps the twenty apart."""
    person = await new_member(world)
    await granted(world, person.customer_id, 239)

    async def one() -> str:
        try:
            await spent(world, person.customer_id, 30, queued=queued)
        except Refused as refusal:
            return refusal.text
        return "ok"

    assert Counter(await asyncio.gather(*(one() for _ in range(20)))) == {"ok": 7, "还差 1 积分": 13}
    assert await stands(world, person) == (29, 0, "STANDARD")
    lines = await statement(world, person.customer_id)
    assert [line.balance_after for line in lines] == [239, 209, 179, 149, 119, 89, 59, 29]
    await books_are_in_order(world)


async def test_ten_orders_completed_at_once_earn_as_if_one_by_one(world: World) -> None:
    """30.05 each. Before the fifth the growth is 120, so that four earn 30 and six earn 37 (30.05 x 1.25 = 37.56)."""
    person = await new_member(world)
    orders = [await paid(world, person, 3_005) for _ in range(10)]
    cashiers = [await hire(world) for _ in range(2)]

    async def hand_over(number: int) -> None:
        if number % 2:
            await complete(world, orders[number].id)
        else:
            [row] = await rows(world, "orders", _id=orders[number].id)
            await redeem(world, cashiers[number % 4 // 2], row["verification_code"])

    await asyncio.gather(*(hand_over(number) for number in range(10)))
    assert await stands(world, person) == (4 * 30 + 6 * 37, 300, "GOLD")
    mine = await rows(world, "orders", customer_id=person.customer_id)
    done = [(row["points_earned"], row["growth_earned"]) for row in mine]
    assert Counter(done) == {(30, 30): 4, (37, 30): 6}
    lines = await statement(world, person.customer_id)
    assert (len(lines), sum(line.change for line in lines), lines[-1].balance_after) == (10, 342, 342)
    revisions = [each["revision"] for _, each in await told(world, person.customer_id)]
    assert revisions == list(range(revisions[0], revisions[0] + 10))
    await books_are_in_order(world)


async def test_orders_are_refunded_and_completed_at_once(world: World) -> None:
    """Five of 100.00 go back while five of 50.00 are handed over: what is left is what the five have earned."""
    person = await new_member(world)
    old = [await completed(world, person, 10_000) for _ in range(5)]
    new = [await paid(world, person, 5_000) for _ in range(5)]
    await asyncio.gather(*(refunded(world, order) for order in old), *(complete(world, order.id) for order in new))
    now = await member(world, person.customer_id)
    earned = [row["points_earned"] for row in await rows(world, "orders", customer_id=person.customer_id)]
    assert (now.growth, now.level, now.points - now.points_debt) == (250, "SILVER", sum(earned))
    assert sum(line.change for line in await statement(world, person.customer_id)) == now.points
    assert [each for each in earned if each] != []
    await books_are_in_order(world)
