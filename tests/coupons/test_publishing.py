"""Publishing a template again: its pieces move with its total, and it cannot promise fewer than are out."""

from dataclasses import replace

import pytest

from resolvers.coupons.model import CouponKind
from resolvers.coupons.publish import publish
from scripts.client import Refused
from tests.coupons.offered import claim, offer
from tests.support.world import World


async def test_a_changed_total_moves_what_is_left(world: World) -> None:
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1, total=3, per_customer=9)
    person = await world.person()
    for _ in range(2):
        await claim(person, offered)
    counter = offered.counter_id or ""
    for total, left in ((5, 3), (5, 3), (2, 0), (3, 1)):
        await publish(world.app, replace(offered, total=total))
        assert (await world.app.work_store.left([counter]))[counter] == left
    with pytest.raises(ValueError, match="2 are out, the total cannot be 1"):
        await publish(world.app, replace(offered, total=1))
    await claim(person, offered)
    with pytest.raises(Refused, match="SOLD_OUT"):
        await claim(person, offered)


async def test_coupons_that_are_out_follow_the_rules_and_keep_their_dates(world: World) -> None:
    offered = await offer(world, CouponKind.CASH, amount_off_fen=1)
    coupon_id = await claim(await world.person(), offered)
    before = await world.app.coupons.coupon(coupon_id)
    await publish(world.app, replace(offered, valid_days=1, amount_off_fen=2))
    after = await world.app.coupons.coupon(coupon_id)
    assert before == after
