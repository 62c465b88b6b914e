"""What happens to a card, and to those who share in it, while a gift of it is on its way."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from resolvers.coupons.model import CouponKind
from resolvers.gifts import claim as claiming
from resolvers.gifts import shares
from resolvers.gifts.give_back import return_lapsed
from resolvers.gifts.model import OwnGift
from resolvers.people.pay_password.set import set_pay_password
from tests.coupons.offered import claim as claim_coupon
from tests.coupons.offered import offer
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
    set_forward,
    signed_in,
)
from tests.money.people import topped_up
from tests.people.test_spending import OTHER, PASSWORD, changed_meanwhile
from tests.sold.shop import a_bought_pass, uses
from tests.support.watching import watching
from tests.support.world import World

A_DAY = timedelta(hours=24)


async def test_a_part_that_comes_back_after_the_card_was_given_away_counts_at_once(resting: World) -> None:
    """On a gift card of its own, which may be given on as often as the card that it was cut from."""
    giver, card = await holding(resting, 1_000)
    allowed = (await cards(giver))[card.id]["regiftsLeft"]
    await give(giver, cardId=card.id, amountFen=300)
    await claim(await resting.person(), await give(giver, cardId=card.id))
    assert await balance(giver) == 0
    resting.clock.ahead += A_DAY
    giver = await again(resting, giver)
    assert await balance(giver) == 300
    while await return_lapsed(resting.app):
        pass
    [back] = [each for each in (await cards(giver)).values() if each["status"] == "ACTIVE"]
    assert (back["kind"], back["balance"]["amountFen"], back["regiftsLeft"]) == ("GIFT_CARD", 300, allowed)
    assert await balance(giver) == 300


@pytest.mark.parametrize("tidied", [False, True])
async def test_a_part_that_comes_back_while_the_card_is_on_its_way_stays_with_the_giver(
    resting: World, tidied: bool
) -> None:
    """Whether or not a worker has given it back: 30 000 go with the card, 90 000 are the giver's again.

    All of it, 120 000, would be more than a gift card may hold.
    """
    giver, card = await holding(resting, 120_000)
    await give(giver, cardId=card.id, amountFen=90_000)
    resting.clock.ahead += A_DAY / 2
    giver = await again(resting, giver)
    whole = await give(giver, cardId=card.id)
    resting.clock.ahead += A_DAY / 2
    while tidied and await return_lapsed(resting.app):
        pass
    giver, friend = await again(resting, giver), await resting.person()
    assert (await balance(giver), (await cards(giver))[card.id]["balance"]["amountFen"]) == (90_000, 0)
    assert (await claim(friend, whole))["card"]["balance"]["amountFen"] == 30_000
    assert await balance(giver) == 90_000
    while await return_lapsed(resting.app):
        pass
    assert await balance(giver) == 90_000


async def test_a_part_that_comes_back_with_the_whole_card_is_on_it_again(resting: World) -> None:
    giver, card = await holding(resting, 1_000)
    await give(giver, cardId=card.id, amountFen=300)
    await give(giver, cardId=card.id)
    resting.clock.ahead += A_DAY
    giver = await again(resting, giver)
    for _ in range(2):
        assert (await balance(giver), (await cards(giver))[card.id]["balance"]["amountFen"]) == (1_000, 1_000)
        while await return_lapsed(resting.app):
            pass


async def test_the_end_of_a_gift_stays_what_it_was_once_it_is_claimed(world: World) -> None:
    giver = await world.person()
    until = world.clock.now() + timedelta(hours=1)
    offered = await offer(world, CouponKind.CASH, giveable=True, amount_off_fen=300, valid_days=None, valid_until=until)
    gift = await give(giver, couponId=await claim_coupon(giver, offered))
    await claim(await world.person(), gift)
    assert (await gift_now(giver, gift))["expiresAt"] == gift["expiresAt"]


async def test_a_card_on_its_way_takes_no_more_than_a_gift_card_may_hold(world: World) -> None:
    """100 000 fen, with what is given; once it is back, 500 000, with what came back."""
    giver = await world.person()
    await topped_up(world, giver, brandId=world.brand_id, amountFen=60_000)
    [card_id] = await cards(giver)
    gift = await give(giver, cardId=card_id)
    wanted = {"brandId": world.brand_id}
    assert await code_of(topped_up(world, giver, **wanted, amountFen=40_001)) == "BALANCE_LIMIT"
    await topped_up(world, giver, **wanted, amountFen=40_000)
    assert await code_of(topped_up(world, giver, **wanted, amountFen=100)) == "BALANCE_LIMIT"
    assert (await claim(await world.person(), gift))["card"]["balance"]["amountFen"] == 100_000

    await topped_up(world, giver, **wanted, amountFen=60_000)  # a new card: the old one has gone
    [new] = [each["id"] for each in (await cards(giver)).values() if each["status"] == "ACTIVE"]
    back = await give(giver, cardId=new)
    await giver.do("withdrawGift", "gift { id }", giftId=back["id"])
    assert await code_of(topped_up(world, giver, **wanted, amountFen=440_001)) == "BALANCE_LIMIT"
    await topped_up(world, giver, **wanted, amountFen=440_000)
    assert await balance(giver) == 500_000


async def test_who_became_one_person_with_the_giver_meanwhile_cannot_claim(world: World) -> None:
    """Joined after the request had begun and before its transaction."""
    giver, card = await holding(world, 1_000)
    me = await signed_in(world, giver)
    gift = await give(giver, cardId=card.id, amountFen=300)
    other = await signed_in(world, await world.person("QQ"))
    customers = world.app.connection.collection("customers")
    await customers.update_one({"_id": other.customer_id}, {"$set": {"joined_into": me.customer_id}})
    await customers.update_one({"_id": me.customer_id}, {"$set": {"also": [other.customer_id]}})
    with pytest.raises(OwnGift):
        await claiming.claim_gift(world.app, other, gift["shareToken"], "k1234567")
    assert (await gift_now(giver, gift))["status"] == "PENDING"


@pytest.mark.parametrize(("fen", "hours"), [(300, 1), (301, 2), (500, 2), (501, 24)])
async def test_a_gift_ends_with_the_last_of_what_is_in_it(resting: World, fen: int, hours: int) -> None:
    """300 granted for an hour, 200 for two, 5 paid, given in this order; what is paid does not lapse."""
    giver, card = await holding(resting, 5)
    began = resting.clock.now()
    await granted(resting, giver, card.id, 300, began + timedelta(hours=1))
    await granted(resting, giver, card.id, 200, began + timedelta(hours=2))
    gift = await give(giver, cardId=card.id, amountFen=fen)
    left = datetime.fromisoformat(gift["expiresAt"]) - began
    assert timedelta(hours=hours) <= left < timedelta(hours=hours, minutes=1)
    late = (began + timedelta(minutes=90)).isoformat()
    await giver.do("withdrawGift", "gift { id }", giftId=gift["id"])
    sent = give(giver, cardId=card.id, amountFen=fen, deliverAt=late)
    assert await code_of(sent) == ("NOT_GIVABLE" if hours == 1 else "SUCCESS")


async def test_a_group_gift_ends_when_no_fen_is_left_for_each_share(resting: World) -> None:
    """5 paid and 995 granted for an hour, for six: over with the hour. For five it goes on with a fen for each."""
    for people, status, left in ((6, "EXPIRED", 5), (5, "PENDING", 0)):
        giver, card = await holding(resting, 5)
        began = resting.clock.now()
        await granted(resting, giver, card.id, 995, began + timedelta(hours=1))
        gift = await give(giver, cardId=card.id, shares=people, split="EQUAL")
        resting.clock.ahead += timedelta(hours=1)
        giver, friend = await again(resting, giver), await resting.person()
        assert ((await preview(friend, gift))["status"], (await gift_now(giver, gift))["status"]) == (status, status)
        assert await balance(giver) == left
        code = await code_of(claim(friend, gift))
        assert code == ("EXPIRED" if status == "EXPIRED" else "SUCCESS")


async def test_a_pass_that_nobody_took_has_its_uses_before_a_worker_has_run(world: World) -> None:
    giver = await world.person()
    card_id = await a_bought_pass(world, giver, uses=3)
    await give(giver, cardId=card_id)
    assert await uses(giver, card_id) == ("GIFTING", 0)
    await world.rest()
    try:
        with set_forward(world, A_DAY):
            assert await uses(await again(world, giver), card_id) == ("ACTIVE", 3)
    finally:
        await world.go_on()


async def test_a_gift_of_a_pass_ends_with_the_pass(world: World) -> None:
    giver = await world.person()
    card_id = await a_bought_pass(world, giver)
    ends = world.clock.now().replace(microsecond=0) + timedelta(hours=2)
    await world.app.connection.collection("cards").update_one({"_id": card_id}, {"$set": {"uses.expires_at": ends}})
    gift = await give(giver, cardId=card_id)
    assert datetime.fromisoformat(gift["expiresAt"]) == ends


async def test_a_password_changed_after_its_check_gives_no_pass(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    giver = await world.person()
    card_id, me = await a_bought_pass(world, giver), await signed_in(world, giver)
    await set_pay_password(world.app, me, PASSWORD)
    await changed_meanwhile(world, monkeypatch, me, OTHER, PASSWORD)
    assert await code_of(give(giver, cardId=card_id, payPassword=PASSWORD)) == "PAY_PASSWORD_WRONG"
    assert await uses(giver, card_id) == ("ACTIVE", 3)


async def test_unknown_and_malformed_tokens_cost_the_same_one_read(
    mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with watching(mongodb_uri, Path(tmp_path_factory.mktemp("gift-tokens"))) as (world, commands):
        visitor, friend = world.visitor(), await world.person()
        await friend.do("joinBrand", "membership { id }", brandId=world.brand_id)
        cost = {"preview": set[int](), "claim": set[int]()}
        for token in ("A" * 43, "", "x", "券" * 43, "A" * 5_000, "../../", "A" * 42 + "="):
            commands.seen.clear()
            assert await preview(visitor, {"shareToken": token}) is None
            cost["preview"].add(len(commands.seen))
            commands.seen.clear()
            assert await code_of(claim(friend, {"shareToken": token})) == "NOT_FOUND"
            cost["claim"].add(len(commands.seen))
    assert [len(each) for each in cost.values()] == [1, 1]
    assert cost["preview"] == {1}


async def test_the_end_of_a_group_gift_moves_with_what_is_left(resting: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """5 paid and 995 granted for an hour, for five: a fen each. The first draws 600, 3 of it paid: 2 left for four."""
    giver, card = await holding(resting, 5)
    began = resting.clock.now()
    await granted(resting, giver, card.id, 995, began + timedelta(hours=1))
    gift = await give(giver, cardId=card.id, shares=5, split="LUCKY")
    assert datetime.fromisoformat(gift["expiresAt"]) - began > timedelta(hours=23)
    monkeypatch.setattr(shares, "next_share", lambda *_: 600)
    assert (await claim(await resting.person(), gift))["card"]["balance"]["amountFen"] == 600
    left = datetime.fromisoformat((await gift_now(giver, gift))["expiresAt"]) - began
    assert timedelta(minutes=59) < left <= timedelta(hours=1)
