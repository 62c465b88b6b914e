"""What people are told by messages, on both chat apps, and what they are not told."""

import asyncio
from datetime import timedelta

import pytest

from resolvers.coupons.model import CouponKind
from resolvers.coupons.remind import remind_of_lapsing
from resolvers.gifts.give_back import return_lapsed
from scripts.client import Api, new_key
from tests.coupons.offered import claim as claim_coupon
from tests.coupons.offered import offer
from tests.gifts.wrapped import claim, decline, give, holding
from tests.messages.phones import agree, all_sent, arrived, remaining, template_of
from tests.payments.money import customer_id, pay_order, place
from tests.support.world import World

BOTH = pytest.mark.parametrize("platform", ["WECHAT", "QQ"])


def keyed(platform: str, **values: str) -> dict[str, str]:
    """The fields as the platform names them: QQ numbers them."""
    if platform == "WECHAT":
        return values
    return {f"keyword{number}": value for number, value in enumerate(values.values(), 1)}


async def issue(world: World, person: Api, template_id: str) -> None:
    """The shop gives the person a coupon."""
    await person.do("joinBrand", "membership { id }", brandId=world.brand_id)
    owner = await world.staff()
    wanted = {"templateId": template_id, "customerIds": [await customer_id(person)], "idempotencyKey": new_key()}
    done = await owner.do("issueCoupons", "issued", **wanted)
    assert done["issued"] == 1


@BOTH
async def test_a_coupon_that_the_shop_has_sent(resting: World, platform: str) -> None:
    world, person = resting, await resting.person(platform)
    await agree(world, person, "COUPON_ARRIVED", platform=platform)
    template = await offer(world, CouponKind.CASH, amount_off_fen=2_000, valid_days=30)
    await issue(world, person, template.id)
    await all_sent(world)
    [message] = await arrived(world, person)
    assert message["template_id"] == template_of("COUPON_ARRIVED", platform)
    [coupon] = (await person.ask("{ me { wallet { coupons { nodes { id validUntil } } } } }"))["me"]["wallet"][
        "coupons"
    ]["nodes"]
    assert message["page"] == f"pages/coupon/detail?id={coupon['id']}"
    data = message["data"]
    assert set(data) == set(keyed(platform, thing1="", thing2="", time3="", thing4=""))
    assert [*data.values()][1] == "¥20"
    assert await remaining(world, person, "COUPON_ARRIVED") == 0


async def test_a_coupon_one_has_just_claimed_oneself_is_no_news(resting: World) -> None:
    world, person = resting, await resting.person()
    await agree(world, person, "COUPON_ARRIVED")
    await claim_coupon(person, await offer(world, CouponKind.CASH, amount_off_fen=100))
    await all_sent(world)
    assert await arrived(world, person) == []
    assert await remaining(world, person, "COUPON_ARRIVED") == 1


@BOTH
async def test_a_coupon_that_lapses_in_three_days_and_in_one(resting: World, platform: str) -> None:
    world, person, now = resting, await resting.person(platform), resting.clock.now()
    await agree(world, person, "COUPON_EXPIRING", platform=platform)
    await agree(world, person, "COUPON_EXPIRING", platform=platform)
    template = await offer(
        world, CouponKind.CASH, amount_off_fen=2_000, valid_days=None, valid_until=now + timedelta(days=10)
    )
    coupon_id = await claim_coupon(person, template)
    coupons = world.app.connection.collection("coupons")
    for days, left in ((3, 1), (1, 0), (1, 0)):
        until = world.clock.now() + timedelta(days=days, minutes=-1)
        made = {"valid_until": until, "created_at": now - timedelta(days=20)}
        await coupons.update_one({"_id": coupon_id}, {"$set": made})
        await remind_of_lapsing(world.app)
        await all_sent(world)
        assert await remaining(world, person, "COUPON_EXPIRING") == left
    assert len(await arrived(world, person, "COUPON_EXPIRING", platform)) == 2


@BOTH
async def test_money_that_comes_and_goes(resting: World, platform: str) -> None:
    """A card of 100 yuan pays 98: the message says what went and what is left; the refund, both messages."""
    world = resting
    person, card = await holding(world, 10_000, platform=platform)
    await agree(world, person, "BALANCE_CHANGED", "REFUND", platform=platform)
    await agree(world, person, "BALANCE_CHANGED", platform=platform)
    order = await place(world, person, "pomfret")
    await pay_order(person, order, {"method": "STORED_VALUE", "cardId": card.id})
    await all_sent(world)
    [paid] = await arrived(world, person)
    shown = [*paid["data"].values()]
    assert shown[1:4] == ["消费", "¥98.00", "¥2.00"]
    assert paid["page"] == f"pages/card/detail?id={card.id}"
    owner = await world.staff()
    await owner.do(
        "refundOrder", "refunded { amountFen }", orderId=order["id"], reason="鱼不新鲜", idempotencyKey=new_key()
    )
    await all_sent(world)
    [refund] = await arrived(world, person, "REFUND", platform)
    assert [*refund["data"].values()][:4] == ["¥98.00", order["number"], "鱼不新鲜", "退款已受理"]
    back = (await arrived(world, person, "BALANCE_CHANGED", platform))[-1]
    assert [*back["data"].values()][1:4] == ["退款", "¥98.00", "¥100.00"]


@BOTH
async def test_an_order_that_can_be_fetched(resting: World, platform: str) -> None:
    world = resting
    person, card = await holding(world, 10_000, platform=platform)
    await agree(world, person, "ORDER_READY", platform=platform)
    order = await place(world, person, "pomfret")
    await pay_order(person, order, {"method": "STORED_VALUE", "cardId": card.id})
    owner = await world.staff()
    for step in ("ACCEPT", "READY", "READY"):
        await owner.do("advanceOrder", "order { status }", orderId=order["id"], step=step)
    await all_sent(world)
    [message] = await arrived(world, person)
    code = (await world.app.connection.collection("orders").find_one({"_id": order["id"]}))["verification_code"]  # type: ignore[index]
    shown = [*message["data"].values()]
    assert [shown[0], shown[1], shown[3]] == [order["number"], code, "待取餐"]
    assert await remaining(world, person, "ORDER_READY") == 0


@BOTH
async def test_a_gift_claimed_received_declined_and_lapsed(resting: World, platform: str) -> None:
    world = resting
    giver, card = await holding(world, 10_000, platform=platform)
    friend = await world.person(platform)
    await agree(world, giver, "GIFT_CLAIMED", "GIFT_RETURNED", platform=platform)
    await agree(world, giver, "GIFT_RETURNED", platform=platform)
    await agree(world, friend, "GIFT_RECEIVED", platform=platform)
    gift = await give(giver, cardId=card.id, amountFen=3_000, greeting="生日快乐")
    await claim(friend, gift)
    await all_sent(world)
    [claimed], [received] = await arrived(world, giver), await arrived(world, friend)
    assert [*claimed["data"].values()][1::2] == ["好友", "已领取"]
    assert [*received["data"].values()][:3:2] == ["好友", "生日快乐"]
    declined = await give(giver, cardId=card.id, amountFen=1_000)
    await decline(friend, declined)
    lapsed = await give(giver, cardId=card.id, amountFen=1_000)
    over = {"$set": {"expires_at": world.clock.now() - timedelta(seconds=1)}}
    await world.app.connection.collection("gifts").update_one({"_id": lapsed["id"]}, over)
    await asyncio.gather(*(return_lapsed(world.app) for _ in range(5)))
    await all_sent(world)
    returned = await arrived(world, giver, "GIFT_RETURNED", platform)
    assert [[*each["data"].values()][1] for each in returned] == ["好友婉拒了礼物，已退回", "超时未领取，已退回"]
    withdrawn = await give(giver, cardId=card.id, amountFen=1_000)
    await agree(world, giver, "GIFT_RETURNED", platform=platform)
    await giver.do("withdrawGift", "gift { status }", giftId=withdrawn["id"])
    await all_sent(world)
    assert len(await arrived(world, giver, "GIFT_RETURNED", platform)) == 2


async def test_whoever_has_agreed_to_nothing_costs_nothing(resting: World) -> None:
    world = resting
    person, card = await holding(world, 10_000)
    await pay_order(person, await place(world, person, "pomfret"), {"method": "STORED_VALUE", "cardId": card.id})
    tasks = world.app.connection.collection("outbox")
    mine = {"kind": "message", "payload.customer_id": await customer_id(person)}
    assert await tasks.count_documents(mine) == 0
