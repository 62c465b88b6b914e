"""Codes of a card: with the password, for five minutes without, and bound to the small sum where it is not given."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from resolvers.coupons.claim import claim_coupon
from resolvers.errors import InsufficientBalance
from resolvers.gifts.claim import claim_gift
from resolvers.gifts.give import give
from resolvers.gifts.present import Present
from resolvers.gifts.tokens import share_token
from resolvers.people.model import SignedIn
from resolvers.people.pay_password.set import set_pay_password
from resolvers.till.redeem_code import redeem_code
from resolvers.till.show_code import Shown, show_code
from scripts import client
from tests.people.paying import OTHER, PASSWORD, careful_person, move_to, outcome, stored
from tests.support.core import card_now, card_with, member_of_staff, new_person
from tests.support.world import World


async def most(world: World, shown: Shown) -> int | None:
    """The most a till may take by a code."""
    code = await world.app.till.code(world.app.vault.mac("till_code", shown.digits))
    assert code is not None
    return code.max_fen


async def test_a_cards_code_needs_the_password(time: World) -> None:
    person = await careful_person(time)
    card = await card_with(time, person, 10_000)
    for max_fen in (None, 1, 10_000):
        assert await outcome(show_code(time.app, person, card.id, None, max_fen)) == "PAY_PASSWORD_REQUIRED"
        assert await outcome(show_code(time.app, person, card.id, None, max_fen, OTHER)) == "PAY_PASSWORD_WRONG"
    shown = await show_code(time.app, person, card.id, None, None, PASSWORD)
    assert await most(time, shown) == 10_000
    cashier = await member_of_staff(time, "cashier-riverside")
    await redeem_code(time.app, cashier, time.store_id, shown.digits, 10_000, f"till-{card.id}")
    assert (await card_now(time, card.id)).ledger_fen == 0


async def test_for_five_minutes_exactly_it_is_not_asked_for_again(time: World) -> None:
    person = await careful_person(time)
    card = await card_with(time, person, 10_000)
    before = time.clock.now()
    shown = await show_code(time.app, person, card.id, None, 700, PASSWORD)
    until = shown.password_free_until
    assert until is not None
    assert before + timedelta(minutes=5) <= until <= time.clock.now() + timedelta(minutes=5)
    for given in (None, OTHER):
        again = await show_code(time.app, person, card.id, None, None, given)
        assert (again.password_free_until, await most(time, again)) == (until, 10_000)
    assert (await stored(time, person)).wrong_tries == 0
    move_to(time, until - timedelta(seconds=10))
    assert (await show_code(time.app, person, card.id, None, 10_000)).password_free_until == until
    move_to(time, until)
    assert await outcome(show_code(time.app, person, card.id, None, 1)) == "PAY_PASSWORD_REQUIRED"


async def test_only_for_that_session_that_card_and_that_password(time: World) -> None:
    person = await careful_person(time)
    card = await card_with(time, person, 10_000)
    second = await card_of_a_friend(time, person)
    elsewhere = replace(person, session_id="ses_another_phone")
    await show_code(time.app, person, card.id, None, None, PASSWORD)
    assert await outcome(show_code(time.app, elsewhere, card.id, None, None)) == "PAY_PASSWORD_REQUIRED"
    assert await outcome(show_code(time.app, person, second, None, None)) == "PAY_PASSWORD_REQUIRED"
    assert await outcome(show_code(time.app, person, card.id, None, None)) == "won"
    await set_pay_password(time.app, person, OTHER, PASSWORD)
    assert await outcome(show_code(time.app, person, card.id, None, None)) == "PAY_PASSWORD_REQUIRED"
    assert await outcome(show_code(time.app, person, card.id, None, None, OTHER)) == "won"


async def card_of_a_friend(world: World, person: SignedIn) -> str:
    """One more card of the same person: a gift."""
    friend = await new_person(world)
    card = await card_with(world, friend, 3_000)
    gift = await give(world.app, friend, Present(card.id, None, None, ""), "give")
    claimed = await claim_gift(world.app, person, share_token(world.app.vault, gift.id), "claim")
    return claimed.card_id or ""


async def test_it_is_the_session_that_counts_at_the_api_too(world: World) -> None:
    person = await world.person()
    me = (await person.ask("{ me { id } }"))["me"]["id"]
    await person.do("setPayPassword", "me { id }", newPassword=PASSWORD)
    app_id = world.settings["KABAO_WECHAT_APP_ID"]
    card = await card_with(world, SignedIn(me, "", (await new_person(world)).platform, app_id), 5_000)
    wanted = "digits expiresAt passwordFreeUntil"
    shown = await person.do("showCode", wanted, cardId=card.id, payPassword=PASSWORD)
    assert shown["passwordFreeUntil"] is not None
    assert (await person.do("showCode", wanted, cardId=card.id))["passwordFreeUntil"] == shown["passwordFreeUntil"]
    same_person = await client.sign_in(person.http, person.url, world.phone, "WECHAT", app_id, person.user)  # type: ignore[attr-defined]
    with pytest.raises(client.Refused) as error:
        await same_person.do("showCode", wanted, cardId=card.id)
    assert error.value.code == "PAY_PASSWORD_REQUIRED"


async def test_without_it_a_code_is_bound_to_the_small_sum(time: World, brand_settings: Any) -> None:
    person = await careful_person(time)
    card = await card_with(time, person, 10_000)
    await brand_settings(time, small_sum_fen=2_000)
    assert await outcome(show_code(time.app, person, card.id, None, 2_001)) == "PAY_PASSWORD_REQUIRED"
    for max_fen, bound in ((2_000, 2_000), (1, 1), (None, 2_000)):
        shown = await show_code(time.app, person, card.id, None, max_fen)
        assert (await most(time, shown), shown.password_free_until) == (bound, None)
    cashier = await member_of_staff(time, "cashier-riverside")
    with pytest.raises(InsufficientBalance):
        await redeem_code(time.app, cashier, time.store_id, shown.digits, 2_001, f"more-{card.id}")
    await redeem_code(time.app, cashier, time.store_id, shown.digits, 2_000, f"till-{card.id}")
    await brand_settings(time, small_sum_fen=9_000)
    assert await most(time, await show_code(time.app, person, card.id, None, None)) == 8_000  # all that is left
    await brand_settings(time, small_sum_fen=0)
    assert await outcome(show_code(time.app, person, card.id, None, None)) == "PAY_PASSWORD_REQUIRED"


async def test_given_for_a_small_sum_it_is_ignored_and_opens_nothing(time: World, brand_settings: Any) -> None:
    person = await careful_person(time)
    card = await card_with(time, person, 10_000)
    await brand_settings(time, small_sum_fen=2_000)
    shown = await show_code(time.app, person, card.id, None, 2_000, OTHER)
    assert shown.password_free_until is None
    assert (await stored(time, person)).wrong_tries == 0
    full = await show_code(time.app, person, card.id, None, None, PASSWORD)
    assert (await most(time, full), full.password_free_until is None) == (10_000, False)


async def test_who_has_set_none_and_who_shows_a_coupon_need_none(time: World) -> None:
    person, careful = await new_person(time), await careful_person(time)
    card = await card_with(time, person, 10_000)
    shown = await show_code(time.app, person, card.id, None, None, OTHER)
    assert (await most(time, shown), shown.password_free_until) == (10_000, None)
    coupon = await claim_coupon(time.app, careful, time.seeded["template_ids"]["cash-50"], "claim")
    assert (await show_code(time.app, careful, None, coupon.id, None, OTHER)).password_free_until is None
    assert (await stored(time, careful)).wrong_tries == 0
