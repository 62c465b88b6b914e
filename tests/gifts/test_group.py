"""Group gifts: who gets what, who sees what, and what becomes of the rest. All numbers in fen, worked out by hand."""

from datetime import timedelta

import pytest

from resolvers.gifts.give_back import return_lapsed
from resolvers.ledger.model import gift_account
from tests.gifts import wrapped
from tests.gifts.wrapped import (
    again,
    balance,
    cards,
    claim,
    claimed_fen,
    code_of,
    decline,
    gift_now,
    give,
    holding,
    preview,
)
from tests.payments.money import customer_id
from tests.support.world import World


async def waiting(world: World, gift: dict[str, str]) -> tuple[int, int]:
    """(principal, bonus) that wait in a gift's accounts."""
    ledger = world.app.ledger
    return await ledger.balance(gift_account(gift["id"], bonus=False)), await ledger.balance(
        gift_account(gift["id"], bonus=True)
    )


async def test_three_equal_shares_of_a_hundred(world: World) -> None:
    giver, card = await holding(world, 500)
    gift = await give(giver, cardId=card.id, amountFen=100, shares=3, split="EQUAL", greeting="一起喝茶")
    assert (gift["status"], gift["amount"], gift["shares"], gift["split"]) == (
        "PENDING",
        {"amountFen": 100},
        3,
        "EQUAL",
    )
    friends = [await world.person(platform) for platform in ("WECHAT", "QQ", "WECHAT")]
    assert [await claimed_fen(friend, gift) for friend in friends] == [34, 33, 33]
    assert await waiting(world, gift) == (0, 0)
    done = await gift_now(giver, gift)
    assert (done["status"], done["sharesClaimed"], done["shareToken"]) == ("CLAIMED", 3, None)
    assert [each["luckiest"] for each in done["claims"]] == [False] * 3
    assert await balance(giver) == 400
    late = await world.person()
    assert await code_of(claim(late, gift)) == "ALL_CLAIMED"
    with pytest.raises(wrapped.Refused, match="无法撤回"):
        await wrapped.withdraw(giver, gift)


async def test_each_claimant_gets_a_gift_card_of_their_own(world: World) -> None:
    giver, card = await holding(world, 500)
    gift = await give(giver, cardId=card.id, amountFen=90, shares=2, split="EQUAL")
    friend = await world.person()
    first = await claim(friend, gift)
    again = await claim(friend, gift)
    assert first["card"] == again["card"]
    assert again["preview"]["sharesLeft"] == 1  # one share each, however often one asks
    [mine] = (await cards(friend)).values()
    assert (mine["kind"], mine["status"], mine["regiftsLeft"]) == ("GIFT_CARD", "ACTIVE", card.regifts_left - 1)
    assert (await cards(giver))[card.id]["status"] == "ACTIVE"  # it was cut from, not given


async def test_lucky_shares_add_up_and_the_luckiest_is_told_at_the_end(world: World) -> None:
    giver, card = await holding(world, 10_000)
    gift = await give(giver, cardId=card.id, amountFen=1_000, shares=5, split="LUCKY")
    friends = [await world.person() for _ in range(5)]
    shares = []
    for friend in friends:
        seen = await preview(friend, gift)
        assert (seen["claims"], seen["claimedByMe"]) == ([], False)  # who has not claimed sees nobody's luck
        shares.append(await claimed_fen(friend, gift))
        if len(shares) < 5:
            assert not any(each["luckiest"] for each in (await preview(friend, gift))["claims"])
    assert (sum(shares), min(shares) >= 1) == (1_000, True)
    told = (await preview(friends[0], gift))["claims"]
    assert [each["amount"]["amountFen"] for each in told] == shares
    assert [each["mine"] for each in told] == [True, False, False, False, False]
    assert [each["luckiest"] for each in told].count(True) == 1
    assert told[shares.index(max(shares))]["luckiest"]
    for place, friend in enumerate(friends):  # each hears of the end, and knows the own share
        events = await world.app.live.backlog((await wrapped.signed_in(world, friend)).customer_id, 0)
        assert [each.snapshot["status"] for each in events if each.kind == "GIFT_CHANGED"][-1] == "CLAIMED"
        assert (await gift_now(friend, gift))["myClaim"]["amount"]["amountFen"] == shares[place]


async def test_a_hundred_shares_of_one_fen_each(world: World) -> None:
    giver, card = await holding(world, 100)
    gift = await give(giver, cardId=card.id, shares=100, split="LUCKY")  # without an amount: all there is
    assert (gift["amount"]["amountFen"], (await cards(giver))[card.id]["balance"]["amountFen"]) == (100, 0)
    assert await claimed_fen(await world.person(), gift) == 1


async def test_what_is_left_of_a_group_gift_comes_back(world: World) -> None:
    giver, card = await holding(world, 1_000)
    gift = await give(giver, cardId=card.id, amountFen=900, shares=3, split="EQUAL")
    friend = await world.person()
    assert await claimed_fen(friend, gift) == 300
    taken_back = await wrapped.withdraw(giver, gift)
    assert (taken_back["status"], taken_back["sharesClaimed"], taken_back["canWithdraw"]) == ("WITHDRAWN", 1, False)
    assert (await wrapped.withdraw(giver, gift))["revision"] == taken_back["revision"]  # asked again, the same
    assert (await balance(giver), await balance(friend)) == (700, 300)
    assert await code_of(claim(await world.person(), gift)) == "WITHDRAWN"
    assert (await claim(friend, gift))["card"]["balance"]["amountFen"] == 300  # who has it has it


async def test_what_nobody_claimed_in_time_comes_back(world: World) -> None:
    giver, card = await holding(world, 1_000)
    gift = await give(giver, cardId=card.id, amountFen=100, shares=4, split="EQUAL")
    friend = await world.person()
    assert await claimed_fen(friend, gift) == 25
    with wrapped.set_forward(world, timedelta(hours=24)):
        await return_lapsed(world.app)
        giver, friend = await again(world, giver), await again(world, friend)
        assert (await gift_now(giver, gift))["status"] == "EXPIRED"
        assert (await balance(giver), await balance(friend)) == (975, 25)


async def test_a_group_gift_cannot_be_declined_by_one(world: World) -> None:
    giver, card = await holding(world, 1_000)
    gift = await give(giver, cardId=card.id, amountFen=100, shares=2, split="LUCKY")
    assert await code_of(decline(await world.person(), gift)) == "NOT_PENDING"
    assert (await gift_now(giver, gift))["status"] == "PENDING"


async def test_the_giver_gets_no_share(world: World) -> None:
    giver, card = await holding(world, 1_000)
    gift = await give(giver, cardId=card.id, amountFen=100, shares=2, split="LUCKY")
    assert await code_of(claim(giver, gift)) == "OWN_GIFT"


async def test_shares_carry_principal_and_bonus_in_proportion(world: World) -> None:
    """700 paid and 300 granted in two: 350 and 150 each."""
    giver, card = await holding(world, 700, 300)
    gift = await give(giver, cardId=card.id, shares=2, split="EQUAL")
    assert await waiting(world, gift) == (700, 300)
    for _ in range(2):
        friend = await world.person()
        got = (await claim(friend, gift))["card"]
        assert (got["balance"]["amountFen"], got["bonus"]["amountFen"]) == (500, 150)


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"amountFen": 100, "shares": 0, "split": "EQUAL"}, "AMOUNT_INVALID", ["input", "shares"]),
        ({"amountFen": 200, "shares": 101, "split": "LUCKY"}, "AMOUNT_INVALID", ["input", "shares"]),
        ({"amountFen": 100, "shares": 2}, "AMOUNT_INVALID", ["input", "split"]),
        ({"amountFen": 2, "shares": 3, "split": "LUCKY"}, "AMOUNT_INVALID", ["input", "amountFen"]),
        ({"amountFen": 0, "shares": 1}, "AMOUNT_INVALID", ["input", "amountFen"]),
        ({"amountFen": 1_001, "shares": 2, "split": "EQUAL"}, "AMOUNT_INVALID", ["input", "amountFen"]),
        (
            {"amountFen": 100, "shares": 2, "split": "EQUAL", "privateMessage": True},
            "AMOUNT_INVALID",
            ["input", "shares"],
        ),
        ({"couponId": "cpn_1", "amountFen": None}, "NOT_GIVABLE", ["input", "cardId"]),
        ({"amountFen": 100, "greeting": "福\x00"}, "GREETING_REJECTED", ["input", "greeting"]),
        ({"amountFen": 100, "greeting": "\u202e福"}, "GREETING_REJECTED", ["input", "greeting"]),
        ({"amountFen": 100, "greeting": "福" * 81}, "GREETING_REJECTED", ["input", "greeting"]),
    ],
)
async def test_what_cannot_be_given_is_said_and_changes_nothing(
    world: World, fields: dict[str, object], code: str, field: list[str]
) -> None:
    giver, card = await holding(world, 1_000)
    with pytest.raises(wrapped.Refused) as refused:
        await give(giver, cardId=card.id, **fields)
    assert (refused.value.code, refused.value.error["field"]) == (code, field)
    assert await balance(giver) == 1_000


async def test_one_friend_never_gets_more_than_a_gift_card_may_hold(world: World) -> None:
    """The limit is 100 000: 2 equal shares of 200 000 are let through, one fen more is not, nor is what luck could."""
    giver, card = await holding(world, 300_000)
    assert await code_of(give(giver, cardId=card.id, amountFen=200_001, shares=2, split="EQUAL")) == "BALANCE_LIMIT"
    assert await code_of(give(giver, cardId=card.id, amountFen=100_002, shares=2, split="LUCKY")) == "BALANCE_LIMIT"
    assert (await give(giver, cardId=card.id, amountFen=200_000, shares=2, split="EQUAL"))["status"] == "PENDING"
    assert (await give(giver, cardId=card.id, amountFen=100_000, shares=1))["status"] == "PENDING"


async def test_coupons_and_passes_cannot_be_shared(world: World) -> None:
    giver = await world.person()
    refused = await code_of(give(giver, couponId="cpn_nothing", shares=2, split="EQUAL"))
    assert refused == "AMOUNT_INVALID"


async def test_whoever_has_claimed_hears_how_it_ended(world: World) -> None:
    """Withdrawn and lapsed: one of three shares is claimed, and its claimant is told of the end, as the giver is."""
    giver, card = await holding(world, 10_000)
    friend = await world.person()
    friend_id = await customer_id(friend)
    for ending in ("WITHDRAWN", "EXPIRED"):
        gift = await give(giver, cardId=card.id, amountFen=3_000, shares=3, split="EQUAL")
        await claim(friend, gift)
        if ending == "WITHDRAWN":
            await wrapped.withdraw(giver, gift)
        else:
            over = {"$set": {"expires_at": world.clock.now() - timedelta(seconds=1)}}
            await world.app.connection.collection("gifts").update_one({"_id": gift["id"]}, over)
            await return_lapsed(world.app)
        told = [each for each in await world.app.live.backlog(friend_id, 0) if each.subject_id == gift["id"]]
        assert [each.snapshot["status"] for each in told] == ["PENDING", ending]
