"""A reset by the phone number, through the API and the platform: whose number, which code, and the wait after it."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from resolvers.coupons.claim import claim_coupon
from resolvers.gifts.give import give
from resolvers.gifts.present import Present
from resolvers.ordering.pay import pay_order
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod
from resolvers.people.model import SignedIn
from resolvers.people.pay_password.check import guess
from resolvers.people.pay_password.set import set_pay_password
from resolvers.ports import Platform
from resolvers.till.show_code import show_code
from scripts import client
from scripts.client import Api
from tests.people.paying import OTHER, PASSWORD, THIRD, an_order, move_to, outcome, pay, refused, stored, wrong
from tests.support.core import card_with
from tests.support.faults import fault
from tests.support.world import World

PLATFORMS = ["WECHAT", "QQ"]
PATHS = {"WECHAT": "getuserphonenumber", "QQ": "getuserphonenumber"}


async def signed_in(world: World, platform: str = "WECHAT", phone: str | None = None) -> tuple[Api, SignedIn]:
    """A person of the platform with the pay password, and a number on file if one is given."""
    api = await world.person(platform)
    me = (await api.ask("{ me { id } }"))["me"]["id"]
    if phone is not None:
        customers = world.app.connection.collection("customers")
        await customers.update_one({"_id": me}, {"$set": {"phone": phone}})
    await api.do("setPayPassword", "me { id }", newPassword=PASSWORD)
    app_id = world.settings[f"KABAO_{platform}_APP_ID"]
    return api, SignedIn(me, "ses_test", Platform(platform), app_id)


async def phone_code(world: World, platform: str, user: str, phone: str | None = None) -> str:
    """What the phone-number button gives this user of the platform."""
    more = {"phone": phone} if phone else {}
    code: str = (await world.phone.control("phone", platform=platform, user=user, **more))["code"]
    return code


async def reset(api: Api, new: str, code: str) -> str:
    """`won`, or the refusal's code."""
    try:
        await api.do("setPayPassword", "me { hasPayPassword }", newPassword=new, phoneCode=code)
    except client.Refused as refusal:
        return str(refusal.code)
    return "won"


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_fresh_confirmation_of_the_number_on_file_resets_it(world: World, platform: str) -> None:
    api, person = await signed_in(world, platform, "13911112222")
    user = api.user  # type: ignore[attr-defined]
    for given in wrong(5):
        await refused(guess(world.app, person.customer_id, given))
    assert await reset(api, OTHER, await phone_code(world, platform, user, "13911112222")) == "won"
    kept = await stored(world, person)
    assert (kept.generation, kept.wrong_tries, kept.locked_until) == (2, 0, None)
    assert await outcome(guess(world.app, person.customer_id, PASSWORD)) == "PAY_PASSWORD_WRONG"
    assert await outcome(guess(world.app, person.customer_id, OTHER)) == "won"


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_another_number_than_the_one_on_file_resets_nothing(world: World, platform: str) -> None:
    api, person = await signed_in(world, platform, "13911112222")
    user = api.user  # type: ignore[attr-defined]
    assert await reset(api, OTHER, await phone_code(world, platform, user, "13933334444")) == "PHONE_MISMATCH"
    assert (await stored(world, person)).generation == 1


async def test_without_a_number_on_file_the_platforms_word_for_this_very_person_is_enough(world: World) -> None:
    api, person = await signed_in(world)
    other = await world.person()
    theirs = await phone_code(world, "WECHAT", other.user)  # type: ignore[attr-defined]
    assert await reset(api, OTHER, theirs) == "CODE_INVALID"
    assert (await stored(world, person)).generation == 1
    own = await phone_code(world, "WECHAT", api.user)  # type: ignore[attr-defined]
    assert await reset(api, OTHER, own) == "won"


async def test_a_code_resets_once(world: World) -> None:
    api, person = await signed_in(world)
    code = await phone_code(world, "WECHAT", api.user)  # type: ignore[attr-defined]
    assert await reset(api, OTHER, code) == "won"
    assert await reset(api, THIRD, code) == "CODE_USED"
    assert await reset(api, OTHER, code) == "won"  # sent again after a lost answer
    kept = await stored(world, person)
    assert (kept.generation, kept.wrong_tries) == (2, 0)
    await set_pay_password(world.app, person, THIRD, OTHER)
    assert await reset(api, PASSWORD, code) == "CODE_USED"
    newer = await phone_code(world, "WECHAT", api.user)  # type: ignore[attr-defined]
    assert await reset(api, PASSWORD, newer) == "won"
    assert await reset(api, OTHER, code) == "CODE_INVALID"  # long used, says the platform


async def test_a_code_that_is_none_costs_no_try_and_tells_nothing_about_the_password(world: World) -> None:
    api, person = await signed_in(world)
    for _ in range(8):
        assert await reset(api, PASSWORD, "made-up") == "CODE_INVALID"
    assert (await stored(world, person)).wrong_tries == 0


async def test_the_code_of_the_last_reset_is_no_way_to_guess_without_being_counted(
    world: World, compared: list[str]
) -> None:
    api, _ = await signed_in(world)
    code = await phone_code(world, "WECHAT", api.user)  # type: ignore[attr-defined]
    assert await reset(api, OTHER, code) == "won"
    assert [await reset(api, given, code) for given in wrong(9)] == ["CODE_USED"] * 9
    assert len(compared) == 5
    assert await reset(api, OTHER, code) == "CODE_USED"  # locked, and so not even compared


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_platform_that_does_not_answer_resets_nothing(world: World, platform: str) -> None:
    api, person = await signed_in(world, platform)
    code = await phone_code(world, platform, api.user)  # type: ignore[attr-defined]
    async with fault(world.http, world.simulator, PATHS[platform], "error"):
        assert await reset(api, OTHER, code) == "PLATFORM_UNAVAILABLE"
    assert (await stored(world, person)).generation == 1
    assert await reset(api, OTHER, code) == "won"


async def test_the_end_of_the_number_that_was_just_confirmed_is_refused(world: World) -> None:
    api, person = await signed_in(world)
    code = await phone_code(world, "WECHAT", api.user, f"13911{OTHER}")  # type: ignore[attr-defined]
    assert await reset(api, OTHER, code) == "PAY_PASSWORD_INVALID"
    assert (await stored(world, person)).generation == 1


async def test_with_the_present_one_given_the_code_is_not_touched(world: World) -> None:
    api, person = await signed_in(world)
    code = await phone_code(world, "WECHAT", api.user)  # type: ignore[attr-defined]
    both = {"newPassword": OTHER, "phoneCode": code}
    with pytest.raises(client.Refused) as error:
        await api.do("setPayPassword", "me { id }", currentPassword=THIRD, **both)
    assert error.value.code == "PAY_PASSWORD_WRONG"
    await api.do("setPayPassword", "me { id }", currentPassword=PASSWORD, **both)
    assert (await stored(world, person)).reset_at is None
    assert await reset(api, THIRD, code) == "won"


# ------------------------------------------------------------------ the wait


async def waiting_person(time: World) -> tuple[SignedIn, datetime]:
    """Somebody who reset the password a moment ago, and when."""
    api, person = await signed_in(time)
    code = await phone_code(time, "WECHAT", api.user)  # type: ignore[attr-defined]
    assert await reset(api, OTHER, code) == "won"
    reset_at = (await stored(time, person)).reset_at
    assert reset_at is not None
    return person, reset_at


async def test_after_a_reset_cards_wait_for_a_day_and_coupons_do_not(time: World, brand_settings: Any) -> None:
    person, reset_at = await waiting_person(time)
    card = await card_with(time, person, 50_000)
    ends = reset_at + timedelta(hours=24)

    async def all_wait() -> None:
        order = await an_order(time, person)
        for call in (
            pay(time, person, order, card.id, OTHER),
            give(time.app, person, Present(card.id, None, 100, ""), f"give-{time.clock.now()}".replace(" ", ""), OTHER),
            show_code(time.app, person, card.id, None, 100, OTHER),
        ):
            error = await refused(call)
            assert (error.code, error.retry_at) == ("PAY_PASSWORD_LOCKED", ends)
        assert await outcome(pay(time, person, order, card.id, PASSWORD)) == "PAY_PASSWORD_LOCKED"
        assert (await stored(time, person)).wrong_tries == 0  # nothing is compared for what must wait anyhow

    await all_wait()
    await brand_settings(time, small_sum_fen=100_000)
    await all_wait()
    await brand_settings(time, small_sum_fen=0)
    coupon = await claim_coupon(time.app, person, time.seeded["template_ids"]["cash-50"], "claim")
    assert await outcome(show_code(time.app, person, None, coupon.id, None)) == "won"
    move_to(time, ends - timedelta(seconds=30))
    await all_wait()
    move_to(time, ends)
    assert await outcome(show_code(time.app, person, card.id, None, 100, OTHER)) == "won"
    assert await outcome(pay(time, person, await an_order(time, person), card.id, OTHER)) == "won"
    assert await outcome(give(time.app, person, Present(card.id, None, 100, ""), "give", OTHER)) == "won"


async def test_what_is_paid_outside_waits_for_nothing(world: World) -> None:
    person, _ = await waiting_person(world)
    order = await an_order(world, person)
    outside = [Tender(PaymentMethod.WECHAT_PAY, None, None)]
    assert await outcome(pay_order(world.app, person, order.id, outside, "outside")) == "won"


async def test_the_brand_says_how_long(time: World, brand_settings: Any) -> None:
    person, reset_at = await waiting_person(time)
    card = await card_with(time, person, 50_000)
    await brand_settings(time, reset_wait_hours=1)
    error = await refused(show_code(time.app, person, card.id, None, 100, OTHER))
    assert error.retry_at == reset_at + timedelta(hours=1)
    await brand_settings(time, reset_wait_hours=0)
    assert await outcome(show_code(time.app, person, card.id, None, 100, OTHER)) == "won"


async def test_a_change_does_not_end_the_wait_and_starts_none(time: World) -> None:
    person, reset_at = await waiting_person(time)
    card = await card_with(time, person, 50_000)
    await set_pay_password(time.app, person, THIRD, OTHER)
    error = await refused(show_code(time.app, person, card.id, None, 100, THIRD))
    assert (error.code, error.retry_at) == ("PAY_PASSWORD_LOCKED", reset_at + timedelta(hours=24))
    move_to(time, reset_at + timedelta(hours=24))
    await set_pay_password(time.app, person, OTHER, THIRD)
    assert await outcome(show_code(time.app, person, card.id, None, 100, OTHER)) == "won"


async def test_a_grant_of_before_the_reset_is_over(time: World, brand_settings: Any) -> None:
    api, person = await signed_in(time)
    card = await card_with(time, person, 50_000)
    await brand_settings(time, reset_wait_hours=0)
    await show_code(time.app, person, card.id, None, None, PASSWORD)
    assert await reset(api, OTHER, await phone_code(time, "WECHAT", api.user)) == "won"  # type: ignore[attr-defined]
    assert await outcome(show_code(time.app, person, card.id, None, None)) == "PAY_PASSWORD_REQUIRED"
