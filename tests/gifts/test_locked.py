"""While something is on its way nothing else can be done with it, on any path; and nobody sees too much of it."""

from typing import Any

import pytest

from resolvers.coupons.model import CouponKind
from scripts.client import Api, Json, new_key
from tests.coupons.offered import offer
from tests.gifts import wrapped
from tests.gifts.wrapped import balance, cards, claim, code_of, give, holding
from tests.money.people import topped_up
from tests.sold import shop
from tests.sold.shop import SESAME, a_bought_pass
from tests.support.world import World
from tests.till.counter import outcome


async def a_coupon(world: World, person: Api, **values: Any) -> str:
    """A coupon of three yuan off that the person has claimed."""
    template = await offer(world, CouponKind.CASH, giveable=True, amount_off_fen=300, **values)
    done = await person.do("claimCoupon", "coupon { id }", templateId=template.id, idempotencyKey=new_key())
    return str(done["coupon"]["id"])


async def test_a_card_being_given(world: World) -> None:
    giver, card = await holding(world, 5_000)
    shown = await giver.do("showCode", "digits", cardId=card.id)
    order = (await shop.place(world, giver, (SESAME, 1)))["order"]
    gift = await give(giver, cardId=card.id)
    tenders = [{"method": "STORED_VALUE", "cardId": card.id}]
    paths = {
        "pay": giver.do("payOrder", "order { id }", orderId=order["id"], tenders=tenders, idempotencyKey=new_key()),
        "place and pay": shop.place(world, giver, (SESAME, 1), tenders=tenders),
        "show a code": giver.do("showCode", "digits", cardId=card.id),
        "use the code that was shown before": redeem(world, shown["digits"], 100),
        "give it again": give(giver, cardId=card.id),
        "give a part": give(giver, cardId=card.id, amountFen=100),
        "give shares": give(giver, cardId=card.id, shares=2, split="EQUAL"),
    }
    codes = {path: await outcome(answer) for path, answer in paths.items()}
    assert codes == {
        "pay": "INSUFFICIENT_BALANCE",
        "place and pay": "INSUFFICIENT_BALANCE",
        "show a code": "NOT_ACTIVE",
        "use the code that was shown before": "NOT_REDEEMABLE",
        "give it again": "NOT_GIVABLE",
        "give a part": "NOT_GIVABLE",
        "give shares": "NOT_GIVABLE",
    }
    assert ((await cards(giver))[card.id]["status"], await balance(giver)) == ("GIFTING", 0)
    friend = await world.person()
    assert (await claim(friend, gift))["card"]["balance"]["amountFen"] == 5_000
    assert (await cards(giver))[card.id]["status"] == "GIFTED"
    assert await outcome(redeem(world, shown["digits"], 100)) == "NOT_REDEEMABLE"  # the giver's code is dead for good
    assert await outcome(giver.do("showCode", "digits", cardId=card.id)) == "NOT_ACTIVE"


async def redeem(world: World, digits: str, fen: int) -> Json:
    """What the till says to a code."""
    owner = await world.staff()
    wanted = {"storeId": world.store_id, "code": digits, "amountFen": fen, "idempotencyKey": new_key()}
    return await owner.do("redeemCode", "redemption { id }", **wanted)


async def test_a_topped_up_card_being_given_is_not_refunded(world: World) -> None:
    giver = await world.person()
    payment = await topped_up(world, giver, brandId=world.brand_id, amountFen=5_000)
    [card_id] = await cards(giver)
    gift = await give(giver, cardId=card_id)
    wanted = {"paymentId": payment["payment"]["id"], "idempotencyKey": new_key()}
    assert await code_of(giver.do("refundPayment", "payment { id }", **wanted)) == "NOT_REFUNDABLE"
    await wrapped.withdraw(giver, gift)
    wanted["idempotencyKey"] = new_key()
    assert await code_of(giver.do("refundPayment", "payment { id }", **wanted)) == "SUCCESS"


async def test_a_card_with_a_payment_under_way_is_not_given(world: World) -> None:
    """2 000 of 5 000 are held beside an outside part: the card cannot go, what is free of it can."""
    giver, card = await holding(world, 5_000)
    order = (await shop.place(world, giver, (SESAME, 2)))["order"]
    tenders = [{"method": "STORED_VALUE", "cardId": card.id, "amountFen": 2_000}, {"method": "WECHAT_PAY"}]
    await giver.do("payOrder", "payment { id }", orderId=order["id"], tenders=tenders, idempotencyKey=new_key())
    assert await code_of(give(giver, cardId=card.id)) == "NOT_GIVABLE"
    assert await code_of(give(giver, cardId=card.id, amountFen=3_001)) == "AMOUNT_INVALID"
    assert await code_of(give(giver, cardId=card.id, amountFen=3_000)) == "SUCCESS"


async def test_a_coupon_being_given(world: World) -> None:
    giver = await world.person()
    coupon_id = await a_coupon(world, giver)
    shown = await giver.do("showCode", "digits", couponId=coupon_id)
    gift = await give(giver, couponId=coupon_id)
    terms = "query($t: String!) { gift(token: $t) { split headline terms validUntil } }"
    seen = (await world.visitor().ask(terms, t=gift["shareToken"]))["gift"]
    assert (seen["split"], seen["headline"], bool(seen["terms"]), bool(seen["validUntil"])) == (
        "WHOLE",
        "¥3",
        False,
        True,
    )
    quoted = await giver.ask(
        "query($i: QuoteOrderInput!) { quoteOrder(input: $i) { ... on OrderError { codeName } } }",
        i=shop.cart(world, (SESAME, 1), couponIds=[coupon_id]),
    )
    codes = [
        await outcome(giver.do("showCode", "digits", couponId=coupon_id)),
        await outcome(redeem_coupon(world, shown["digits"])),
        await outcome(give(giver, couponId=coupon_id)),
        await outcome(shop.place(world, giver, (SESAME, 1), couponIds=[coupon_id])),
        quoted["quoteOrder"]["codeName"],
    ]
    assert codes == ["NOT_ACTIVE", "NOT_REDEEMABLE", "NOT_GIVABLE", "COUPON_NOT_APPLICABLE", "COUPON_NOT_APPLICABLE"]
    friend = await world.person("QQ")
    got = (await claim(friend, gift))["coupon"]
    assert (got["id"] != coupon_id, got["status"]) == (True, "AVAILABLE")
    assert await outcome(redeem_coupon(world, shown["digits"])) == "NOT_REDEEMABLE"
    fresh = await friend.do("showCode", "digits", couponId=got["id"])
    assert fresh["digits"] != shown["digits"]
    assert await outcome(redeem_coupon(world, fresh["digits"])) == "SUCCESS"


async def redeem_coupon(world: World, digits: str) -> Json:
    """What the till says to a coupon's code."""
    owner = await world.staff()
    wanted = {"storeId": world.store_id, "code": digits, "idempotencyKey": new_key()}
    return await owner.do("redeemCode", "redemption { id }", **wanted)


async def test_a_pass_being_given(world: World) -> None:
    giver = await world.person()
    card_id = await a_bought_pass(world, giver, uses=3, price_fen=1_000)
    await give(giver, cardId=card_id)
    codes = [
        await outcome(shop.place(world, giver, (SESAME, 1), tenders=[shop.tender(card_id)])),
        await outcome(giver.do("showCode", "digits", cardId=card_id)),
        await outcome(give(giver, cardId=card_id)),
    ]
    assert codes == ["INSUFFICIENT_BALANCE", "NOT_ACTIVE", "NOT_GIVABLE"]


async def test_a_brand_that_closes_giving_lets_what_is_on_its_way_arrive(world: World) -> None:
    giver, card = await holding(world, 1_000)
    coupon_id = await a_coupon(world, giver)
    gift = await give(giver, cardId=card.id, amountFen=300)
    brands = world.app.connection.collection("brands")
    await brands.update_one({"_id": world.brand_id}, {"$set": {"settings.gifts_open": False}})
    try:
        assert await code_of(give(giver, cardId=card.id, amountFen=300)) == "NOT_GIVABLE"
        assert await code_of(give(giver, couponId=coupon_id)) == "NOT_GIVABLE"
        assert (await claim(await world.person(), gift))["card"]["balance"]["amountFen"] == 300
    finally:
        await brands.update_one({"_id": world.brand_id}, {"$set": {"settings.gifts_open": True}})
    assert await balance(giver) == 700


async def test_the_link_tells_nothing_that_could_be_used(world: World) -> None:
    """Neither ids nor codes nor phone; and the token neither in the database nor in what the friend is told."""
    giver, card = await holding(world, 1_000)
    gift = await give(giver, cardId=card.id, amountFen=300, greeting="生日快乐")
    everything = """query($t: String!) { gift(token: $t) { __typename status greeting title amount { amountFen display }
      usesLeft shares sharesLeft expiresAt deliverAt privateMessage claimedByMe mine giver { nickname avatarUrl }
      brand { name } claims { id } } }"""
    for viewer in (world.visitor(), await world.person()):
        seen = str((await viewer.ask(everything, t=gift["shareToken"]))["gift"])
        assert "生日快乐" in seen
        assert not any(secret in seen for secret in (card.id, card.customer_id, gift["id"], gift["shareToken"]))
    stored = await world.app.connection.collection("gifts").find_one({"_id": gift["id"]})
    assert gift["shareToken"] not in str(stored)


async def test_a_claimant_sees_neither_the_givers_card_nor_the_others(world: World) -> None:
    giver, card = await holding(world, 1_000)
    gift = await give(giver, cardId=card.id, amountFen=300, shares=2, split="EQUAL")
    first, second = await world.person(), await world.person()
    await claim(first, gift)
    await claim(second, gift)
    seen = await wrapped.gift_now(first, gift)
    assert (seen["direction"], seen["card"], seen["claims"], seen["shareToken"]) == ("RECEIVED", None, [], None)
    assert await wrapped.gift_now(await world.person(), gift) is None


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 5_000, "gft_1", "é漢", "a b", "\x00", "../..", "{}"])
async def test_tokens_that_are_none_look_alike(world: World, token: str) -> None:
    person = await world.person()
    assert await code_or_none(person, token) is None
    claimed = person.do("claimGift", "preview { status }", token=token, idempotencyKey=new_key())
    assert await code_of(claimed) == "NOT_FOUND"
    assert await code_of(person.do("declineGift", "preview { status }", token=token)) == "NOT_FOUND"


async def code_or_none(person: Api, token: str) -> str | None:
    """What looking at a token answers."""
    _, answer = await person.post("query($t: String!) { gift(token: $t) { status } }", {"t": token})
    if "errors" in answer:
        return str(answer["errors"][0]["extensions"]["code"])
    return None if answer["data"]["gift"] is None else "FOUND"


async def test_somebody_who_signs_in_for_the_first_time_gets_it_too(world: World) -> None:
    """The link is looked at without an account; the account is made by signing in to claim."""
    giver, card = await holding(world, 1_000)
    gift = await give(giver, cardId=card.id, amountFen=300)
    assert (await wrapped.preview(world.visitor(), gift))["claimedByMe"] is False
    newcomer = await world.person("QQ", "a-newcomer-by-gift")
    assert (await claim(newcomer, gift))["card"]["balance"]["amountFen"] == 300
    joined = await newcomer.ask("{ me { memberships { brand { id } } } }")
    assert [each["brand"]["id"] for each in joined["me"]["memberships"]] == [world.brand_id]
    too_late = await world.person()
    assert await code_of(claim(too_late, gift)) == "ALREADY_CLAIMED"
    assert (await too_late.ask("{ me { memberships { id } } }"))["me"]["memberships"] == []


async def test_a_retried_give_is_one_gift_with_the_same_token(world: World) -> None:
    giver, card = await holding(world, 1_000)
    key = new_key()
    first = await give(giver, key, cardId=card.id, amountFen=300)
    second = await give(giver, key, cardId=card.id, amountFen=300)
    assert (first["id"], first["shareToken"]) == (second["id"], second["shareToken"])
    assert (await wrapped.gift_now(giver, first))["shareToken"] == first["shareToken"]  # at any later time, too
    assert await code_of(give(giver, key, cardId=card.id, amountFen=301)) == "IDEMPOTENCY_KEY_REUSED"
    assert await code_of(give(giver, key, cardId=card.id, amountFen=300, shares=2, split="EQUAL")) == (
        "IDEMPOTENCY_KEY_REUSED"
    )
    assert await balance(giver) == 700
