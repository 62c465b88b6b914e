"""What orders earn: at the level's rate, on money alone, kept with the order and taken back at the same rate."""

from dataclasses import replace

import pytest

from resolvers.brands.model import BrandSettings, Level
from resolvers.ordering.model import OrderStatus
from resolvers.people.join_brand import ensure_member
from scripts.client import Json, new_key
from scripts.demo_brands import Demo, read_demos
from tests.money.people import settings, until_back
from tests.payments.money import pay_order, rows, until_order
from tests.points.club import (
    LEVELS,
    complete,
    completed,
    dish_at,
    granted,
    member,
    new_member,
    order_now,
    paid,
    refunded,
    spent,
    stands,
    statement,
    told,
)
from tests.support.core import books_are_in_order, new_person
from tests.support.world import World
from tests.till.counter import claimed, hire, new_guest, redeem, undo


async def test_each_level_earns_at_its_own_rate_and_growth_is_the_same_at_all(world: World) -> None:
    person = await new_member(world)
    assert await stands(world, person) == (0, 0, "STANDARD")
    steps = [
        (9_999, 99, 99, "STANDARD"),  # 99.99 at a point a yuan
        (100, 1, 100, "SILVER"),  # at the level before it: the order that reaches a level does not earn at it yet
        (20_000, 250, 300, "GOLD"),  # 200 at 1.25
        (1_001, 15, 310, "GOLD"),  # 10.01 at 1.5 is 15.015
        (1_001, 15, 320, "GOLD"),  # cut off order by order
    ]
    points = 0
    for fen, earned, growth, level in steps:
        order = await completed(world, person, fen)
        points += earned
        assert (order.points_earned, await stands(world, person)) == (earned, (points, growth, level))
    lines = await statement(world, person.customer_id)
    assert [line.change for line in lines] == [99, 1, 250, 15, 15]
    assert [line.balance_after for line in lines] == [99, 100, 350, 365, 380]


async def test_a_brand_gives_so_many_points_a_yuan(world: World) -> None:
    await settings(world, points_per_yuan=3)
    person = await new_member(world)
    assert (await completed(world, person, 10_033)).points_earned == 300  # 100.33 x 3 = 300.99
    assert (await completed(world, person, 1_050)).points_earned == 39  # 10.50 x 3 x 1.25 = 39.375
    assert await stands(world, person) == (339, 110, "SILVER")


async def test_each_part_goes_back_at_the_rate_at_which_it_was_earned(world: World) -> None:
    person = await new_member(world)
    await completed(world, person, 10_000)
    order = await completed(world, person, 3_333, times=3)  # 99.99 at 1.25 is 124.98
    await completed(world, person, 20_000)  # 250 at 1.25; growth 100 + 99 + 200
    assert await stands(world, person) == (100 + 124 + 250, 399, "GOLD")
    for left, points, growth in ((6_666, 83, 66), (3_333, 41, 33), (0, 0, 0)):
        order = await refunded(world, order, 1)
        assert (order.points_earned, order.growth_earned, order.points_rate) == (points, growth, 125), left
        assert await stands(world, person) == (350 + points, 300 + growth, "GOLD")
    assert order.status is OrderStatus.REFUNDED
    changes = [line.change for line in await statement(world, person.customer_id)]
    assert changes == [100, 124, 250, 83 - 124, 41 - 83, -41]


async def test_money_earns_and_bonus_and_coupons_do_not(world: World) -> None:
    """Two at 200.00 less a coupon of 50.00: 40.00 of principal, 10.00 of bonus, 300.00 by WeChat Pay."""
    guest, owner = await new_guest(world, 4_000, 1_000), await hire(world, "OWNER")
    coupon = await claimed(world, guest, "cash-50")
    wanted = {
        "storeId": world.store_id,
        "type": "PICK_UP",
        "lines": [{"dishId": await dish_at(world, 20_000), "quantity": 2}],
        "couponIds": [coupon],
        "idempotencyKey": new_key(),
    }
    select = "order { id lines { id } payable { amountFen } }"
    order = (await guest.api.do("placeOrder", select, **wanted))["order"]
    tenders: list[Json] = [
        {"method": "STORED_VALUE", "cardId": guest.card_id, "amountFen": 5_000},
        {"method": "WECHAT_PAY"},
    ]
    opened = await pay_order(guest.api, order, *tenders)
    await world.phone.pay(opened["payment"])
    await until_order(guest.api, order, "PAID")
    await complete(world, order["id"])
    assert await stands(world, guest.signed) == (340, 340, "GOLD")

    back = {"orderId": order["id"], "reason": "test"}
    half = {**back, "lines": [{"lineId": order["lines"][0]["id"], "quantity": 1}]}
    await owner.do("refundOrder", "order { id }", **half, idempotencyKey=new_key())
    await until_back(world, opened["payment"]["id"])
    # 175.00 goes back: 150.00 by WeChat Pay, 20.00 of principal and 5.00 of bonus; 150.00 and 20.00 of money are left
    assert await stands(world, guest.signed) == (170, 170, "SILVER")
    await owner.do("refundOrder", "order { id }", **back, idempotencyKey=new_key())
    await until_back(world, opened["payment"]["id"])
    assert await stands(world, guest.signed) == (0, 0, "STANDARD")
    await books_are_in_order(world)


async def test_a_refund_lowers_the_level_even_when_the_points_are_spent(world: World) -> None:
    person = await new_member(world)
    order = await completed(world, person, 30_000)
    await spent(world, person.customer_id, 250)
    assert await stands(world, person) == (50, 300, "GOLD")  # spending leaves growth alone
    await refunded(world, order)
    now = await member(world, person.customer_id)
    assert (now.points, now.points_debt, now.growth, now.level) == (0, 250, 0, "STANDARD")
    await completed(world, person, 30_000)
    now = await member(world, person.customer_id)
    assert (now.points, now.points_debt, now.growth, now.level) == (50, 0, 300, "GOLD")
    changes = [line.change for line in await statement(world, person.customer_id)]
    assert changes == [300, -250, -50, 300, -250]


async def test_an_order_that_was_not_handed_over_has_earned_nothing_to_take_back(world: World) -> None:
    person = await new_member(world)
    await refunded(world, await paid(world, person, 10_000, times=2), 1)
    assert await stands(world, person) == (0, 0, "STANDARD")


async def test_who_joins_after_the_order_was_completed_earns_nothing_for_it(world: World) -> None:
    person = await new_person(world)
    order = await completed(world, person, 10_000, times=2)
    assert (order.points_earned, order.growth_earned, order.points_rate) == (0, 0, None)
    await ensure_member(world.app, person.customer_id, world.brand_id)
    await refunded(world, order, 1)
    assert await stands(world, person) == (0, 0, "STANDARD")


async def test_handing_over_that_is_undone_has_earned_nothing_and_earns_anew(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    order = await paid(world, guest.signed, 10_000)
    [row] = await rows(world, "orders", _id=order.id)
    redemption = await redeem(world, cashier, row["verification_code"])
    assert await stands(world, guest.signed) == (100, 100, "SILVER")
    await undo(cashier, redemption)
    assert await stands(world, guest.signed) == (0, 0, "STANDARD")
    assert (await order_now(world, order)).points_rate is None
    await settings(world, levels=(replace(LEVELS[0], points_percent=200), *LEVELS[1:]))
    await redeem(world, cashier, row["verification_code"])
    assert await stands(world, guest.signed) == (200, 100, "SILVER")


async def test_a_rate_that_changes_leaves_completed_orders_alone(world: World) -> None:
    person = await new_member(world)
    order = await completed(world, person, 10_000, times=2)
    await settings(world, points_per_yuan=7, levels=(replace(LEVELS[0], points_percent=500),))
    assert (await refunded(world, order, 1)).points_earned == 100
    assert (await refunded(world, order, 1)).points_earned == 0
    assert (await member(world, person.customer_id)).points == 0


async def test_growth_without_points_reaches_the_customer_too(world: World) -> None:
    await settings(world, levels=(replace(LEVELS[0], points_percent=0), *LEVELS[1:]))
    person = await new_member(world)
    before = (await member(world, person.customer_id)).revision
    order = await completed(world, person, 10_000)
    await refunded(world, order)
    events = await told(world, person.customer_id)
    seen = [(change, each["growth"], each["level"], each["revision"]) for change, each in events]
    assert seen == [(0, 100, "SILVER", before + 1), (0, 0, "STANDARD", before + 2)]
    assert await statement(world, person.customer_id) == []


async def test_points_for_nothing_are_no_growth(world: World) -> None:
    person = await new_member(world)
    await granted(world, person.customer_id, 1_000)
    assert await stands(world, person) == (1_000, 0, "STANDARD")


@pytest.mark.parametrize(
    "levels",
    [
        (),
        (Level("A", "a", 1),),
        (Level("A", "a", 0), Level("B", "b", 0)),
        (Level("A", "a", 0), Level("B", "b", 200), Level("C", "c", 100)),
        (Level("A", "a", 0), Level("A", "b", 100)),
        (Level("A", "a", 0, -1),),
    ],
)
def test_levels_begin_at_nothing_and_rise(levels: tuple[Level, ...]) -> None:
    with pytest.raises(ValueError, match=r"levels must|nobody earns"):
        BrandSettings(levels=levels)


@pytest.mark.parametrize("demo", read_demos(), ids=lambda demo: demo.key)
def test_every_level_that_the_demo_speaks_of_can_be_reached(demo: Demo) -> None:
    levels = {level.id for level in demo.brand().settings.levels}
    menu = demo.menu(demo.stores()[0].id)
    named = {level for dish in menu.dishes() for level in dish.member_prices_fen}
    named |= {level for each in demo.content["coupon_templates"] for level in demo.template(each).levels}
    assert named <= levels
    assert named != set()
