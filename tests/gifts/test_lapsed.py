"""A gift ends at its moment, even with every worker stopped: queries show it, and what is used next sees it."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from resolvers.coupons.model import CouponKind
from resolvers.gifts.deliver import deliver_due
from resolvers.gifts.give_back import return_lapsed
from scripts.client import Api, new_key
from tests.coupons.offered import offer
from tests.gifts import wrapped
from tests.gifts.wrapped import (
    again,
    balance,
    cards,
    claim,
    code_of,
    gift_now,
    give,
    granted,
    holding,
    preview,
    signed_in,
)
from tests.sold import shop
from tests.sold.shop import SESAME
from tests.support.world import World

A_DAY = timedelta(hours=24)


@pytest.fixture
async def world(resting: World) -> AsyncIterator[World]:
    """The product whose jobs rest, and nothing left over from the test before."""
    yield resting
    while await return_lapsed(resting.app):
        pass


async def statement(person: Api, card_id: str) -> list[tuple[str, int]]:
    """A card's statement, newest first."""
    query = (
        """query($id: ID!) { node(id: $id) { ... on Card { statement { nodes { kind amount { amountFen } } } } } }"""
    )
    found = (await person.ask(query, id=card_id))["node"]["statement"]["nodes"]
    return [(each["kind"], each["amount"]["amountFen"]) for each in found]


async def test_a_whole_card_is_back_at_its_moment(world: World) -> None:
    giver, card = await holding(world, 800, 200)
    gift = await give(giver, cardId=card.id)
    assert (await cards(giver))[card.id]["status"] == "GIFTING"
    world.clock.ahead += A_DAY - timedelta(seconds=5)
    giver = await again(world, giver)
    assert (await gift_now(giver, gift))["status"] == "PENDING"
    assert await balance(giver) == 0
    world.clock.ahead += timedelta(seconds=5)
    shown = (await cards(giver))[card.id]
    assert (shown["status"], shown["balance"]["amountFen"], shown["bonus"]["amountFen"]) == ("ACTIVE", 1_000, 200)
    assert await balance(giver) == 1_000
    assert (await gift_now(giver, gift))["status"] == "EXPIRED"
    assert await statement(giver, card.id) == [("GIFT_OUT", -1_000), ("TOP_UP", 1_000)]  # and nothing was written yet
    assert await code_of(claim(await world.person(), gift)) == "EXPIRED"
    assert await code_of(wrapped.withdraw(giver, gift)) == "EXPIRED"


async def test_the_list_by_status_counts_it_as_active(world: World) -> None:
    giver, card = await holding(world, 800)
    await give(giver, cardId=card.id)
    world.clock.ahead += A_DAY
    giver = await again(world, giver)
    query = "query($s: [CardStatus!]) { me { wallet { cards(status: $s) { totalCount nodes { id } } } } }"
    for status, count in (("ACTIVE", 1), ("GIFTING", 0)):
        found = (await giver.ask(query, s=[status]))["me"]["wallet"]["cards"]
        assert (found["totalCount"], len(found["nodes"])) == (count, count)
    gifts = "query($s: [GiftStatus!]) { me { gifts(direction: SENT, status: $s) { nodes { status } } } }"
    assert (await giver.ask(gifts, s=["EXPIRED"]))["me"]["gifts"]["nodes"] == [{"status": "EXPIRED"}]
    assert (await giver.ask(gifts, s=["PENDING", "SCHEDULED"]))["me"]["gifts"]["nodes"] == []


@pytest.mark.parametrize("part", [None, 1_500], ids=["whole", "part"])
async def test_what_came_back_pays_at_once(world: World, part: int | None) -> None:
    """Sesame paste costs 2 000 of 3 000; with 1 500 or all of it on its way that is too much."""
    giver, card = await holding(world, 3_000)
    gift = await give(giver, cardId=card.id, amountFen=part)
    order = (await shop.place(world, giver, (SESAME, 1)))["order"]
    wanted = {"tenders": [{"method": "STORED_VALUE", "cardId": card.id}], "idempotencyKey": new_key()}
    refused = await code_of(giver.do("payOrder", "order { status }", orderId=order["id"], **wanted))
    assert refused == "INSUFFICIENT_BALANCE"
    world.clock.ahead += A_DAY
    giver = await again(world, giver)
    order = (await shop.place(world, giver, (SESAME, 1)))["order"]
    wanted |= {"idempotencyKey": new_key()}
    paid = await giver.do("payOrder", "order { status }", orderId=order["id"], **wanted)
    assert paid["order"]["status"] == "PAID"
    assert await balance(giver) == 1_000
    assert (await gift_now(giver, gift))["status"] == "EXPIRED"


async def test_what_came_back_can_be_given_again_and_shown_at_the_till(world: World) -> None:
    giver, card = await holding(world, 1_000)
    await give(giver, cardId=card.id)
    world.clock.ahead += A_DAY
    giver = await again(world, giver)
    shown = await giver.do("showCode", "digits", cardId=card.id)
    assert len(shown["digits"]) == 18
    world.clock.ahead += A_DAY
    giver = await again(world, giver)
    assert (await give(giver, cardId=card.id, amountFen=400))["status"] == "PENDING"


async def test_a_coupon_is_quoted_and_used_at_once(world: World) -> None:
    giver = await world.person()
    template = await offer(world, CouponKind.CASH, giveable=True, amount_off_fen=300)
    await giver.do("joinBrand", "membership { id }", brandId=world.brand_id)
    coupon = (await giver.do("claimCoupon", "coupon { id canGive }", templateId=template.id, idempotencyKey=new_key()))[
        "coupon"
    ]
    await give(giver, couponId=coupon["id"])
    cart = shop.cart(world, (SESAME, 1), couponIds=None)
    query = """query($i: QuoteOrderInput!) { quoteOrder(input: $i) { ... on OrderQuote { usedCoupons { coupon { id
      status } } unusedCoupons { reason explanation } } } }"""
    quoted = (await giver.ask(query, i=cart))["quoteOrder"]
    assert [each["reason"] for each in quoted["unusedCoupons"]] == ["NOT_AVAILABLE"]
    world.clock.ahead += A_DAY
    giver = await again(world, giver)
    quoted = (await giver.ask(query, i=cart))["quoteOrder"]
    assert quoted["usedCoupons"] == [{"coupon": {"id": coupon["id"], "status": "AVAILABLE"}}]
    listed = "{ me { wallet { coupons(status: [AVAILABLE]) { totalCount nodes { id status canGive } } } } }"
    assert (await giver.ask(listed))["me"]["wallet"]["coupons"]["nodes"] == [
        {"id": coupon["id"], "status": "AVAILABLE", "canGive": True}
    ]
    placed = await shop.place(world, giver, (SESAME, 1), couponIds=[coupon["id"]])
    assert placed["order"]["payable"]["amountFen"] == 1_700


async def test_a_gift_ends_with_the_coupon_inside(world: World) -> None:
    """Its last moment is an hour away: so is the gift's, and it comes back as what it is by then."""
    giver, friend = await world.person(), await world.person()
    until = world.clock.now() + timedelta(hours=1)
    template = await offer(
        world, CouponKind.CASH, giveable=True, amount_off_fen=300, valid_days=None, valid_until=until
    )
    coupon = (await giver.do("claimCoupon", "coupon { id }", templateId=template.id, idempotencyKey=new_key()))[
        "coupon"
    ]
    gift = await give(giver, couponId=coupon["id"])
    assert gift["expiresAt"].startswith(until.isoformat()[:19])
    assert await code_of(give(giver, couponId=coupon["id"])) == "NOT_GIVABLE"
    world.clock.ahead += timedelta(hours=1)
    giver, friend = await again(world, giver), await again(world, friend)
    assert await code_of(claim(friend, gift)) == "EXPIRED"
    await return_lapsed(world.app)
    query = "query($id: ID!) { node(id: $id) { ... on Coupon { status } } }"
    assert (await giver.ask(query, id=coupon["id"]))["node"]["status"] == "EXPIRED"


async def test_bonus_that_lapsed_on_the_way_does_not_come_back(world: World) -> None:
    """600 paid, 100 granted for an hour; two friends, one of whom claims in time: 300 and 50; the other 50 lapse."""
    giver, card = await holding(world, 600)
    until = world.clock.now() + timedelta(hours=1)
    await granted(world, giver, card.id, 100, until)
    gift = await give(giver, cardId=card.id, shares=2, split="EQUAL")
    got = (await claim(await world.person(), gift))["card"]
    assert (got["balance"]["amountFen"], got["bonus"]["amountFen"]) == (350, 50)
    world.clock.ahead += timedelta(hours=2)
    giver = await again(world, giver)
    late = (await claim(await world.person(), gift))["card"]
    assert (late["balance"]["amountFen"], late["bonus"]["amountFen"]) == (300, 0)
    other, card = await holding(world, 600)
    await granted(world, other, card.id, 100, world.clock.now() + timedelta(hours=1))
    await give(other, cardId=card.id, shares=2, split="EQUAL")
    world.clock.ahead += A_DAY
    other = await again(world, other)
    assert await balance(other) == 600  # as queries see it
    await return_lapsed(world.app)
    assert await balance(other) == 600  # as it is


async def test_nobody_gets_a_share_of_what_has_lapsed(world: World) -> None:
    """10 paid and 990 granted for an hour, for 3: one claims in time (334); then 7 fen are left of 10: 4 and 3.

    Of 1 000 the first third is 334, in proportion 3 paid and 331 granted. With 5 friends left and 7 fen all would get
    one; with 8 left nobody can.
    """
    giver, card = await holding(world, 10)
    await granted(world, giver, card.id, 990, world.clock.now() + timedelta(hours=1))
    gift = await give(giver, cardId=card.id, shares=3, split="EQUAL")
    assert (await claim(await world.person(), gift))["card"]["balance"]["amountFen"] == 334
    other, card = await holding(world, 5)
    await granted(world, other, card.id, 995, world.clock.now() + timedelta(hours=1))
    many = await give(other, cardId=card.id, shares=6, split="LUCKY")
    world.clock.ahead += timedelta(hours=2)
    got = [(await claim(await world.person(), gift))["card"]["balance"]["amountFen"] for _ in range(2)]
    assert got == [4, 3]
    assert await code_of(claim(await world.person(), many)) == "EXPIRED"
    other = await again(world, other)
    assert await code_of(wrapped.withdraw(other, many)) == "EXPIRED"
    assert await balance(other) == 5


async def test_a_scheduled_gift_waits_for_its_moment(world: World) -> None:
    giver, card = await holding(world, 1_000)
    friend = await world.person("QQ")
    at = world.clock.now() + timedelta(hours=3)
    gift = await give(giver, cardId=card.id, amountFen=300, deliverAt=at.isoformat())
    assert (gift["status"], gift["canWithdraw"], bool(gift["shareToken"])) == ("SCHEDULED", True, True)
    assert gift["expiresAt"].startswith((at + A_DAY).isoformat()[:19])  # 24 h, counted from delivery
    assert (await preview(friend, gift))["status"] == "SCHEDULED"
    assert await code_of(claim(friend, gift)) == "NOT_PENDING"
    assert await code_of(wrapped.decline(friend, gift)) == "NOT_PENDING"
    assert await balance(giver) == 700
    world.clock.ahead += timedelta(hours=3)
    giver, friend = await again(world, giver), await again(world, friend, "QQ")
    assert (await preview(friend, gift))["status"] == "PENDING"  # though nobody has moved it
    assert (await claim(friend, gift))["card"]["balance"]["amountFen"] == 300
    assert (await gift_now(giver, gift))["status"] == "CLAIMED"


async def test_the_giver_is_told_of_the_delivery_once(world: World) -> None:
    giver, card = await holding(world, 1_000)
    gift = await give(giver, cardId=card.id, amountFen=300, deliverAt=later(world, hours=1))
    assert await deliver_due(world.app) == 0
    world.clock.ahead += timedelta(hours=1)
    assert await deliver_due(world.app) == 1
    assert await deliver_due(world.app) == 0
    giver = await again(world, giver)
    events = await world.app.live.backlog((await signed_in(world, giver)).customer_id, 0)
    told = [event.snapshot["status"] for event in events if event.subject_id == gift["id"]]
    assert told == ["SCHEDULED", "PENDING"]


async def test_a_scheduled_gift_is_taken_back_before_its_moment(world: World) -> None:
    giver, card = await holding(world, 1_000)
    gift = await give(giver, cardId=card.id, deliverAt=later(world, hours=1))
    assert (await wrapped.withdraw(giver, gift))["status"] == "WITHDRAWN"
    assert (await cards(giver))[card.id]["status"] == "ACTIVE"
    assert await code_of(claim(await world.person(), gift)) == "WITHDRAWN"


def later(world: World, **ahead: float) -> str:
    """A moment to come, as a front end sends it."""
    return (world.clock.now() + timedelta(**ahead)).isoformat()


@pytest.mark.parametrize(("ahead", "more"), [(-1, {}), (366 * 24, {}), (8 * 24, {"privateMessage": True})])
async def test_moments_that_cannot_be_kept_are_refused(world: World, ahead: float, more: dict[str, bool]) -> None:
    giver, card = await holding(world, 1_000)
    with pytest.raises(wrapped.Refused) as refused:
        await give(giver, cardId=card.id, deliverAt=later(world, hours=ahead), **more)
    assert (refused.value.code, refused.value.error["field"]) == ("NOT_GIVABLE", ["input", "deliverAt"])
    assert await balance(giver) == 1_000


async def test_a_coupon_that_is_over_before_its_delivery_is_not_given(world: World) -> None:
    giver = await world.person()
    until = world.clock.now() + timedelta(hours=1)
    template = await offer(
        world, CouponKind.CASH, giveable=True, amount_off_fen=300, valid_days=None, valid_until=until
    )
    coupon = (await giver.do("claimCoupon", "coupon { id }", templateId=template.id, idempotencyKey=new_key()))[
        "coupon"
    ]
    refused = await code_of(give(giver, couponId=coupon["id"], deliverAt=later(world, hours=2)))
    assert refused == "NOT_GIVABLE"
