"""A half-used tea card and a half-used pass on their way to a friend: with what is left, and back again."""

from datetime import timedelta

import pytest

from resolvers.gifts.give_back import return_lapsed
from scripts.client import Api, Json, new_key
from tests.coupons.offered import offer
from tests.payments.money import rows
from tests.sold import shop
from tests.sold.shop import PLUM, SESAME, a_bought_pass, a_tea_card, bought, place, refund, tender, uses
from tests.support.core import books_are_in_order
from tests.support.world import World
from tests.till.counter import outcome

PREVIEW = "query($t: String!) { gift(token: $t) { status title usesLeft amount { amountFen } } }"


async def give(person: Api, **fields: object) -> Json:
    """Give something: the gift. Raises Refused."""
    gift: Json = (await person.do("give", "gift { id shareToken usesLeft title }", **fields, idempotencyKey=new_key()))[
        "gift"
    ]
    return gift


async def claimed(friend: Api, gift: Json) -> Json:
    """What a gift became."""
    wanted = {"token": gift["shareToken"], "idempotencyKey": new_key()}
    return await friend.do("claimGift", "card { id kind usesLeft status expiresAt } coupon { id usesLeft }", **wanted)


async def a_used_pass(world: World, person: Api, count: int = 1) -> tuple[str, Json]:
    """A pass of three uses for 1 000 fen of which an order has some."""
    card_id = await a_bought_pass(world, person, uses=3, price_fen=1_000)
    order = (await place(world, person, (SESAME, count), tenders=[tender(card_id)]))["order"]
    return card_id, order


async def test_a_tea_card_that_is_used_once_is_given_with_two_uses(world: World) -> None:
    """Two plums of 1 600 fen, one of them free, for each use."""
    person, friend = await world.person(), await world.person("QQ")
    row = await bought(world, person, await a_tea_card(world))
    [coupon_id] = row["coupon_ids"]
    placed = await place(world, person, (PLUM, 2), couponIds=[coupon_id], tenders=[{"method": "CASH"}])
    assert placed["order"]["payable"]["amountFen"] == 1_600
    owner = await world.staff()
    wanted = {"storeId": world.store_id, "orderId": placed["order"]["id"], "idempotencyKey": new_key()}
    await owner.do("takeCash", "order { id }", **wanted)
    assert [(each["status"], each["usesLeft"]) for each in await shop.coupons(person)] == [("AVAILABLE", 2)]
    assert await outcome(_refund_payment(person, row["_id"])) == "NOT_REFUNDABLE"
    gift = await give(person, couponId=coupon_id)
    got = (await claimed(friend, gift))["coupon"]
    assert (got["usesLeft"], await shop.coupons(person)) == (2, [])
    free = await place(world, friend, (PLUM, 4), couponIds=[got["id"]])
    assert free["order"]["payable"]["amountFen"] == 3_200  # both uses at once
    assert await outcome(_refund_payment(person, row["_id"])) == "NOT_REFUNDABLE"


async def test_an_unused_coupon_that_comes_back_can_still_be_refunded(world: World) -> None:
    person = await world.person()
    row = await bought(world, person, await a_tea_card(world))
    gift = await give(person, couponId=row["coupon_ids"][0])
    assert await outcome(_refund_payment(person, row["_id"])) == "NOT_REFUNDABLE"
    await person.do("withdrawGift", "gift { id }", giftId=gift["id"])
    assert await outcome(_refund_payment(person, row["_id"])) == "SUCCESS"


async def test_a_pass_is_given_with_the_uses_that_are_left(world: World) -> None:
    person, friend = await world.person(), await world.person("QQ")
    card_id, order = await a_used_pass(world, person)
    gift = await give(person, cardId=card_id)
    assert gift["usesLeft"] == 2
    assert (await world.visitor().ask(PREVIEW, t=gift["shareToken"]))["gift"] == {
        "status": "PENDING",
        "title": gift["title"],
        "usesLeft": 2,
        "amount": None,
    }
    assert await uses(person, card_id) == ("GIFTING", 0)
    again = (await place(world, person, (SESAME, 1)))["order"]
    wanted = {"orderId": again["id"], "tenders": [tender(card_id)], "idempotencyKey": new_key()}
    assert await outcome(person.do("payOrder", "order { id }", **wanted)) == "INSUFFICIENT_BALANCE"
    got = (await claimed(friend, gift))["card"]
    assert (got["kind"], got["usesLeft"], got["status"]) == ("PASS", 2, "ACTIVE")
    assert got["expiresAt"] == (await shop.card(person, card_id))["expiresAt"]
    assert await uses(person, card_id) == ("GIFTED", 0)
    lines = await shop.lines_of(world, f"claim:{gift['id']}:1")
    assert lines == {f"gift:{gift['id']}:uses": -2, f"card:{got['id']}:uses": 2}
    # What the giver has had goes back to where the pass is now; the price of it, too.
    before = await shop.sold_fen(world)
    await refund(await world.staff(), order)
    assert (await uses(friend, got["id"]), await shop.sold_fen(world)) == (("ACTIVE", 3), before + 333)
    eaten = await place(world, friend, (SESAME, 3), tenders=[tender(got["id"])])
    assert (eaten["order"]["status"], await shop.sold_fen(world)) == ("PAID", before + 333 - 1_000)


@pytest.mark.parametrize("end", ["withdrawn", "declined", "expired"])
async def test_a_pass_that_nobody_takes_comes_back(world: World, end: str) -> None:
    """A use that is refunded while it is away is on the same pass again."""
    person, friend = await world.person(), await world.person()
    card_id, order = await a_used_pass(world, person, 2)
    gift = await give(person, cardId=card_id)
    await refund(await world.staff(), order, {0: 1})
    assert await uses(person, card_id) == ("GIFTING", 1)
    if end == "withdrawn":
        await person.do("withdrawGift", "gift { id }", giftId=gift["id"])
    elif end == "declined":
        await friend.do("declineGift", "preview { status }", token=gift["shareToken"])
    else:
        over = {"$set": {"expires_at": world.clock.now() - timedelta(seconds=1)}}
        await world.app.connection.collection("gifts").update_one({"_id": gift["id"]}, over)
        await return_lapsed(world.app)
    assert await uses(person, card_id) == ("ACTIVE", 2)
    assert (await shop.card(person, card_id))["canGive"] is True


async def test_what_comes_back_while_it_is_away_goes_along(world: World) -> None:
    person, friend = await world.person(), await world.person()
    card_id, order = await a_used_pass(world, person, 2)
    gift = await give(person, cardId=card_id)
    await refund(await world.staff(), order, {0: 1})
    assert (await claimed(friend, gift))["card"]["usesLeft"] == 2
    assert await uses(person, card_id) == ("GIFTED", 0)


async def test_a_pass_goes_whole_or_not_at_all(world: World) -> None:
    person, friend = await world.person(), await world.person()
    card_id, _ = await a_used_pass(world, person)
    assert await outcome(give(person, cardId=card_id, amountFen=500)) == "AMOUNT_INVALID"
    outside = {"method": "WECHAT_PAY"}
    waiting = await place(world, person, (SESAME, 1), (PLUM, 1), tenders=[tender(card_id), outside])
    assert await outcome(give(person, cardId=card_id)) == "NOT_GIVABLE"  # a use of it is held
    assert (await shop.card(person, card_id))["canGive"] is False
    await shop.let_close(world, waiting["payment"]["id"])
    gift = await give(person, cardId=card_id)
    got = (await claimed(friend, gift))["card"]
    await place(world, friend, (SESAME, 2), tenders=[tender(got["id"])])
    assert await outcome(give(friend, cardId=got["id"])) == "NOT_GIVABLE"  # nothing is left


async def test_a_pass_that_must_not_be_given(world: World) -> None:
    person = await world.person()
    card_id = await a_bought_pass(world, person, giveable=False)
    assert (await shop.card(person, card_id))["canGive"] is False
    assert await outcome(give(person, cardId=card_id)) == "REGIFT_LIMIT"
    once = await a_bought_pass(world, person, regifts=1)
    friend = await world.person()
    got = (await claimed(friend, await give(person, cardId=once)))["card"]
    assert await outcome(give(friend, cardId=got["id"])) == "REGIFT_LIMIT"


async def test_a_given_pass_is_not_refunded_to_its_buyer(world: World) -> None:
    person, friend = await world.person(), await world.person()
    card_id = await a_bought_pass(world, person)
    [row] = await rows(world, "payments", card_ids=card_id)
    gift = await give(person, cardId=card_id)
    assert await outcome(_refund_payment(person, row["_id"])) == "NOT_REFUNDABLE"
    await claimed(friend, gift)
    assert await outcome(_refund_payment(person, row["_id"])) == "NOT_REFUNDABLE"


async def test_a_pass_that_was_given_counts_as_one_piece(world: World) -> None:
    person, friend = await world.person(), await world.person()
    template = await shop.a_pass(world, total=2)
    row = await bought(world, person, template)
    await claimed(friend, await give(person, cardId=row["card_ids"][0]))
    voucher = await offer(world, shop.CouponKind.CASH, amount_off_fen=100, price_fen=50, total=2, per_customer=2)
    coupon_id = (await bought(world, person, voucher))["coupon_ids"][0]
    await claimed(friend, await give(person, couponId=coupon_id))
    counters = [template.counter_id or "", voucher.counter_id or ""]
    assert await world.app.work_store.left(counters) == dict.fromkeys(counters, 1)  # one of two is out
    await books_are_in_order(world)  # which adds up issued, given and left


async def _refund_payment(person: Api, payment_id: str) -> Json:
    return await person.do("refundPayment", "payment { id }", paymentId=payment_id, idempotencyKey=new_key())
