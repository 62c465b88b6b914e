"""Races: many real tasks on one gift. The number of winners is exact, all are told the same, the books are in order."""

import asyncio
from collections import Counter
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest

from resolvers.app import App
from resolvers.errors import Refused
from resolvers.gifts.claim import Claimed, claim_gift
from resolvers.gifts.give import give
from resolvers.gifts.give_back import decline_gift, return_lapsed, withdraw_gift
from resolvers.gifts.model import Gift, GiftSplit, GiftStatus
from resolvers.gifts.present import Present
from resolvers.gifts.tokens import share_token
from resolvers.people.join_brand import ensure_member
from resolvers.people.model import SignedIn
from scripts.client import new_key
from tests.support.core import books_are_in_order, card_now, card_with, new_person
from tests.support.world import World


async def told(answer: Awaitable[Any]) -> str:
    """SUCCESS, or the refusal's code."""
    try:
        await answer
    except Refused as refused:
        return refused.code
    return "SUCCESS"


async def a_gift(
    world: World, fen: int, shares: int = 1, how: GiftSplit = GiftSplit.WHOLE
) -> tuple[SignedIn, Gift, str]:
    """(giver, gift, token) of a part of a card that holds 100 fen more."""
    giver = await new_person(world)
    card = await card_with(world, giver, fen + 100)
    gift = await give(world.app, giver, Present(card.id, None, fen, "", how, shares), new_key())
    return giver, gift, share_token(world.app.vault, gift.id)


async def gift_now(app: App, gift: Gift) -> Gift:
    """The gift as it is now."""
    now = await app.gifts.gift(gift.id)
    assert now is not None
    return now


async def ten_people(world: World, count: int) -> list[SignedIn]:
    """So many people, members already, so that the race is about the gift alone."""
    people = [await new_person(world) for _ in range(count)]
    for person in people:
        await ensure_member(world.app, person.customer_id, world.brand_id)
    return people


@pytest.mark.parametrize("how", [GiftSplit.LUCKY, GiftSplit.EQUAL])
async def test_two_hundred_friends_after_ten_shares(world: World, how: GiftSplit) -> None:
    _, gift, token = await a_gift(world, 1_003, 10, how)
    friends = await ten_people(world, 200)
    answers = await asyncio.gather(
        *(claim_gift(world.app, friend, token, new_key()) for friend in friends), return_exceptions=True
    )
    won = [each for each in answers if isinstance(each, Claimed)]
    lost = Counter(getattr(each, "code", type(each).__name__) for each in answers if not isinstance(each, Claimed))
    assert (len(won), lost) == (10, {"ALL_CLAIMED": 190})
    done = await gift_now(world.app, gift)
    assert (done.status, len(done.claims), done.waiting_fen) == (GiftStatus.CLAIMED, 10, 0)
    shares = [claim.moved_fen for claim in done.claims]
    assert (sum(shares), min(shares) >= 1) == (1_003, True)
    if how is GiftSplit.EQUAL:
        assert sorted(shares) == [100] * 7 + [101] * 3
    held = [(await card_now(world, claim.card_id or "")).ledger_fen for claim in done.claims]
    assert held == shares
    assert len({claim.customer_id for claim in done.claims}) == 10
    await books_are_in_order(world)


async def test_fifty_repeats_by_one_friend(world: World) -> None:
    """Half under one key, half under keys of their own: one share, one card, one answer."""
    _, gift, token = await a_gift(world, 1_000, 3, GiftSplit.LUCKY)
    [friend] = await ten_people(world, 1)
    keys = [f"one-{index % 2 or index}" for index in range(50)]
    answers = await asyncio.gather(*(claim_gift(world.app, friend, token, key) for key in keys))
    assert len({answer.card_id for answer in answers}) == 1
    assert len((await gift_now(world.app, gift)).claims) == 1
    cards = await world.app.connection.collection("cards").count_documents({"customer_id": friend.customer_id})
    assert cards == 1
    await books_are_in_order(world)


async def test_one_whole_card_and_fifty_friends(world: World) -> None:
    giver = await new_person(world)
    card = await card_with(world, giver, 5_000, 500)
    gift = await give(world.app, giver, Present(card.id, None, None, ""), new_key())
    token = share_token(world.app.vault, gift.id)
    friends = await ten_people(world, 50)
    codes = Counter(await asyncio.gather(*(told(claim_gift(world.app, each, token, new_key())) for each in friends)))
    assert codes == {"SUCCESS": 1, "ALREADY_CLAIMED": 49}
    await books_are_in_order(world)


@pytest.mark.parametrize("round_", range(6))
async def test_claim_against_withdraw_against_decline_at_one_moment(world: World, round_: int) -> None:
    """One outcome; whoever is refused is told just that one."""
    giver, gift, token = await a_gift(world, 1_000)
    claimants, decliners = await ten_people(world, 5), await ten_people(world, 5)
    tasks = [
        *(told(claim_gift(world.app, each, token, new_key())) for each in claimants),
        *(told(withdraw_gift(world.app, giver, gift.id)) for _ in range(5)),
        *(told(decline_gift(world.app, each, token)) for each in decliners),
    ]
    tasks = tasks[round_:] + tasks[:round_]
    codes = await asyncio.gather(*tasks)
    codes = codes[-round_:] + codes[:-round_] if round_ else codes
    done = await gift_now(world.app, gift)
    wanted = {
        GiftStatus.CLAIMED: ({"SUCCESS": 1, "ALREADY_CLAIMED": 4}, {"ALREADY_CLAIMED": 5}, {"ALREADY_CLAIMED": 5}),
        GiftStatus.WITHDRAWN: ({"WITHDRAWN": 5}, {"SUCCESS": 5}, {"WITHDRAWN": 5}),
        GiftStatus.DECLINED: ({"DECLINED": 5}, {"DECLINED": 5}, {"SUCCESS": 5}),
    }[done.status]
    assert (Counter(codes[:5]), Counter(codes[5:10]), Counter(codes[10:])) == wanted
    origin = await card_now(world, gift.card_id or "")
    assert origin.ledger_fen == (100 if done.status is GiftStatus.CLAIMED else 1_100)
    await books_are_in_order(world)


async def test_claims_withdrawal_and_expiry_at_the_last_moment(world: World) -> None:
    """Friends claim shares while the giver takes back and the clock runs out: claimed + back = given, one end."""
    for ahead in (-40, -10, 0):
        giver, gift, token = await a_gift(world, 1_000, 8, GiftSplit.LUCKY)
        friends = await ten_people(world, 12)
        before = world.clock.ahead
        world.clock.ahead += timedelta(hours=24, milliseconds=ahead) - (world.clock.now() - gift.created_at)
        answers = await asyncio.gather(
            *(told(claim_gift(world.app, each, token, new_key())) for each in friends[:6]),
            told(withdraw_gift(world.app, giver, gift.id)),
            return_lapsed(world.app),
            *(told(claim_gift(world.app, each, token, new_key())) for each in friends[6:]),
        )
        world.clock.ahead += timedelta(seconds=1)
        await return_lapsed(world.app)
        done = await gift_now(world.app, gift)
        assert done.status in (GiftStatus.WITHDRAWN, GiftStatus.EXPIRED, GiftStatus.CLAIMED)
        codes = Counter(answers[:6] + answers[8:])
        assert codes["SUCCESS"] == len(done.claims)
        assert set(codes) <= {"SUCCESS", "EXPIRED", "WITHDRAWN", "ALL_CLAIMED"}
        assert sum(claim.moved_fen for claim in done.claims) + done.returned_fen == 1_000
        assert (await card_now(world, gift.card_id or "")).ledger_fen == 100 + done.returned_fen
        world.clock.ahead = before
        await books_are_in_order(world)


async def test_one_card_given_twenty_times_at_once(world: World) -> None:
    """Whole: one gift. And of 1 000 fen in parts of 300: three."""
    giver = await new_person(world)
    card = await card_with(world, giver, 1_000)
    parts = [told(give(world.app, giver, Present(card.id, None, 300, ""), new_key())) for _ in range(20)]
    assert Counter(await asyncio.gather(*parts)) == {"SUCCESS": 3, "AMOUNT_INVALID": 17}
    whole = [told(give(world.app, giver, Present(card.id, None, None, ""), new_key())) for _ in range(20)]
    assert Counter(await asyncio.gather(*whole)) == {"SUCCESS": 1, "NOT_GIVABLE": 19}
    await books_are_in_order(world)
