"""When the pay password is needed to spend from cards, and that what was checked still holds when it is spent."""

from datetime import timedelta
from typing import Any

import pytest

from resolvers.coupons.claim import claim_coupon
from resolvers.coupons.model import CouponStatus
from resolvers.errors import TryAgain
from resolvers.gifts.give import give
from resolvers.gifts.present import Present
from resolvers.ordering import pay as paying_verb
from resolvers.ordering.model import LineRequest, OrderStatus, OrderType
from resolvers.ordering.pay import pay_order
from resolvers.ordering.place import Placement, place_order
from resolvers.ordering.tenders import Tender
from resolvers.payments.model import PaymentMethod
from resolvers.people.model import SignedIn
from resolvers.people.pay_password.set import set_pay_password
from resolvers.ports import Platform
from scripts.client import new_key
from tests.people.paying import (
    OTHER,
    PASSWORD,
    THIRD,
    an_order,
    careful_person,
    outcome,
    pay,
    refused,
    stored,
    wrong,
)
from tests.support.core import books_are_in_order, card_now, card_with, dishes, new_person
from tests.support.world import World


def part(card_id: str, amount_fen: int | None) -> Present:
    """Part of a card, or all of it, as a present."""
    return Present(card_id, None, amount_fen, "")


async def status(world: World, order_id: str) -> OrderStatus:
    """An order's status."""
    order = await world.app.orders.order(order_id)
    assert order is not None
    return order.status


# ------------------------------------------------------------------ who needs it, and for what


async def test_an_order_is_paid_from_a_card_with_the_password_only(world: World) -> None:
    person = await careful_person(world)
    card = await card_with(world, person, 50_000)
    order = await an_order(world, person)
    for missing in (None, ""):
        error = await refused(pay(world, person, order, card.id, missing))
        assert (error.code, error.field) == ("PAY_PASSWORD_REQUIRED", ("input", "payPassword"))
    assert (await stored(world, person)).wrong_tries == 0
    error = await refused(pay(world, person, order, card.id, OTHER))
    assert (error.code, error.field) == ("PAY_PASSWORD_WRONG", ("input", "payPassword"))
    assert await status(world, order.id) is OrderStatus.AWAITING_PAYMENT
    assert (await card_now(world, card.id)).ledger_fen == 50_000
    assert await outcome(pay(world, person, order, card.id, PASSWORD)) == "won"
    assert (await card_now(world, card.id)).ledger_fen == 50_000 - order.payable_fen
    await books_are_in_order(world)


async def test_an_order_placed_and_paid_in_one_call_needs_it_too_and_is_not_placed_without(world: World) -> None:
    person = await careful_person(world)
    card = await card_with(world, person, 50_000)
    line = LineRequest((await dishes(world))[0].id, 1)
    tenders = (Tender(PaymentMethod.STORED_VALUE, card.id, None),)
    wanted = Placement(world.store_id, OrderType.PICK_UP, (line,), (), None, None, None, None, None, tenders)
    assert await outcome(place_order(world.app, person, wanted, "p")) == "PAY_PASSWORD_REQUIRED"
    assert await outcome(place_order(world.app, person, wanted, "p", OTHER)) == "PAY_PASSWORD_WRONG"
    orders = world.app.connection.collection("orders")
    assert await orders.count_documents({"customer_id": person.customer_id}) == 0
    first = await place_order(world.app, person, wanted, "p", PASSWORD)
    for password in (None, *wrong(6)):
        assert await place_order(world.app, person, wanted, "p", password) == first
    assert await status(world, first.order_id) is OrderStatus.PAID
    assert (await stored(world, person)).wrong_tries == 0
    await books_are_in_order(world)


@pytest.mark.parametrize("amount_fen", [None, 1, 3_000])
async def test_a_card_or_part_of_it_is_given_with_the_password_only(world: World, amount_fen: int | None) -> None:
    person = await careful_person(world)
    card = await card_with(world, person, 5_000)
    assert await outcome(give(world.app, person, part(card.id, amount_fen), "a")) == "PAY_PASSWORD_REQUIRED"
    assert await outcome(give(world.app, person, part(card.id, amount_fen), "b", OTHER)) == "PAY_PASSWORD_WRONG"
    assert (await card_now(world, card.id)).ledger_fen == 5_000
    gift = await give(world.app, person, part(card.id, amount_fen), "c", PASSWORD)
    assert gift.amount_fen == (amount_fen or 5_000)
    await books_are_in_order(world)


async def test_who_has_set_none_needs_none_and_one_that_is_given_is_ignored(world: World) -> None:
    person = await new_person(world)
    card = await card_with(world, person, 50_000)
    for password in (None, OTHER):
        assert await outcome(pay(world, person, await an_order(world, person), card.id, password)) == "won"
        assert await outcome(give(world.app, person, part(card.id, 100), new_key(), password)) == "won"


async def test_a_coupon_is_given_without(world: World) -> None:
    person = await careful_person(world)
    coupon = await claim_coupon(world.app, person, world.seeded["template_ids"]["cash-50"], "claim")
    await give(world.app, person, Present(None, coupon.id, None, ""), "give", OTHER)
    given = await world.app.coupons.coupon(coupon.id)
    assert given is not None
    assert given.status is CouponStatus.GIFTING
    assert (await stored(world, person)).wrong_tries == 0


async def test_what_cannot_be_paid_or_given_anyhow_costs_no_try(world: World) -> None:
    person, friend = await careful_person(world), await new_person(world)
    order, paid = await an_order(world, person), await an_order(world, person)
    card, theirs = await card_with(world, person, paid.payable_fen), await card_with(world, friend, 9_000)
    await pay(world, person, paid, card.id, PASSWORD)
    assert await outcome(pay(world, person, order, card.id, OTHER)) == "INSUFFICIENT_BALANCE"
    assert await outcome(pay(world, person, order, theirs.id, OTHER)) == "NOT_FOUND"
    assert await outcome(pay(world, person, paid, card.id, OTHER)) == "NOT_PAYABLE"
    assert await outcome(give(world.app, person, part(theirs.id, 100), "a", OTHER)) == "NOT_FOUND"
    assert await outcome(give(world.app, person, part("crd_none", 100), "b", OTHER)) == "NOT_FOUND"
    assert await outcome(give(world.app, person, part(card.id, 0), "c", OTHER)) == "AMOUNT_INVALID"
    assert (await stored(world, person)).wrong_tries == 0


# ------------------------------------------------------------------ small sums


async def test_a_small_sum_needs_none_and_one_fen_more_does(world: World, brand_settings: Any) -> None:
    person = await careful_person(world)
    card = await card_with(world, person, 90_000)
    order = await an_order(world, person)
    await brand_settings(world, small_sum_fen=order.payable_fen - 1)
    assert await outcome(pay(world, person, order, card.id, None)) == "PAY_PASSWORD_REQUIRED"
    await brand_settings(world, small_sum_fen=order.payable_fen)
    assert await outcome(pay(world, person, order, card.id, OTHER)) == "won"  # a wrong one, too: it is not looked at
    await brand_settings(world, small_sum_fen=2_000)
    assert await outcome(give(world.app, person, part(card.id, 2_001), "a")) == "PAY_PASSWORD_REQUIRED"
    assert await outcome(give(world.app, person, part(card.id, 2_000), "b")) == "won"
    assert (await stored(world, person)).wrong_tries == 0


async def test_several_cards_count_together_and_what_is_paid_outside_does_not(
    world: World, brand_settings: Any
) -> None:
    api = await world.person()
    me = (await api.ask("{ me { id } }"))["me"]["id"]
    person = SignedIn(me, "ses_test", Platform.WECHAT, world.settings["KABAO_WECHAT_APP_ID"])
    await set_pay_password(world.app, person, PASSWORD)
    card = await card_with(world, person, 90_000)
    order = await an_order(world, person)
    outside = Tender(PaymentMethod.WECHAT_PAY, None, None)
    tenders = [Tender(PaymentMethod.STORED_VALUE, card.id, 1_001), outside]
    await brand_settings(world, small_sum_fen=1_000)
    assert await outcome(pay_order(world.app, person, order.id, tenders, new_key())) == "PAY_PASSWORD_REQUIRED"
    await brand_settings(world, small_sum_fen=1_001)
    assert await outcome(pay_order(world.app, person, order.id, tenders, new_key())) == "won"
    await brand_settings(world, small_sum_fen=0)
    assert await outcome(pay_order(world.app, person, order.id, [outside], new_key())) == "won"


async def test_a_card_that_has_grown_since_the_check_is_not_given_as_a_small_one(
    world: World, brand_settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await careful_person(world)
    card = await card_with(world, person, 500)
    await brand_settings(world, small_sum_fen=500)
    run = world.app.work.run

    async def grown_meanwhile(call: Any, verb: Any) -> Any:
        monkeypatch.setattr(world.app.work, "run", run)
        await card_with(world, person, 1)
        return await run(call, verb)

    monkeypatch.setattr(world.app.work, "run", grown_meanwhile)
    assert await outcome(give(world.app, person, part(card.id, None), "a")) == "PAY_PASSWORD_REQUIRED"
    assert (await card_now(world, card.id)).ledger_fen == 501
    monkeypatch.setattr(world.app.work, "run", run)
    await brand_settings(world, small_sum_fen=501)
    assert await outcome(give(world.app, person, part(card.id, None), "b")) == "won"


# ------------------------------------------------------------------ between the check and the transaction


async def changed_meanwhile(world: World, monkeypatch: pytest.MonkeyPatch, person: SignedIn, *given: str) -> None:
    """Have the password set once more just before the next verb's transaction, after its check."""
    for name in ("run", "begin"):
        original = getattr(world.app.work, name)

        async def late(call: Any, verb: Any, name: str = name, original: Any = original) -> Any:
            monkeypatch.setattr(world.app.work, name, original)
            await set_pay_password(world.app, person, *given)
            return await original(call, verb)

        monkeypatch.setattr(world.app.work, name, late)


async def test_a_password_changed_after_its_check_pays_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await careful_person(world)
    card = await card_with(world, person, 50_000)
    order = await an_order(world, person)
    await changed_meanwhile(world, monkeypatch, person, OTHER, PASSWORD)
    assert await outcome(pay(world, person, order, card.id, PASSWORD)) == "PAY_PASSWORD_WRONG"
    await changed_meanwhile(world, monkeypatch, person, THIRD, OTHER)
    assert await outcome(give(world.app, person, part(card.id, 100), "g", OTHER)) == "PAY_PASSWORD_WRONG"
    await changed_meanwhile(world, monkeypatch, person, PASSWORD, THIRD)
    tenders = [Tender(PaymentMethod.STORED_VALUE, card.id, 100), Tender(PaymentMethod.WECHAT_PAY, None, None)]
    assert await outcome(pay_order(world.app, person, order.id, tenders, "p", THIRD)) == "PAY_PASSWORD_WRONG"
    now = await card_now(world, card.id)
    assert (now.ledger_fen, now.held_fen) == (50_000, 0)
    assert (await stored(world, person)).generation == 4


async def test_a_first_password_set_after_the_check_is_asked_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await new_person(world)
    card = await card_with(world, person, 50_000)
    order = await an_order(world, person)
    await changed_meanwhile(world, monkeypatch, person, PASSWORD)
    assert await outcome(pay(world, person, order, card.id, None)) == "PAY_PASSWORD_REQUIRED"
    assert await outcome(pay(world, person, order, card.id, PASSWORD)) == "won"


async def test_a_reset_after_the_check_makes_it_wait(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    person = await careful_person(world)
    card = await card_with(world, person, 50_000)
    order = await an_order(world, person)
    run = world.app.work.run

    async def late(call: Any, verb: Any) -> Any:
        new_hash = (await stored(world, person)).hash
        await world.app.pay_passwords.reset(person.customer_id, new_hash, "code", world.clock.now())
        return await run(call, verb)

    monkeypatch.setattr(world.app.work, "run", late)
    error = await refused(pay(world, person, order, card.id, PASSWORD))
    reset_at = (await stored(world, person)).reset_at
    assert reset_at is not None
    assert (error.code, error.retry_at) == ("PAY_PASSWORD_LOCKED", reset_at + timedelta(hours=24))


# ------------------------------------------------------------------ the same call again


async def test_a_call_that_is_done_needs_no_password_and_counts_no_try(world: World, compared: list[str]) -> None:
    person = await careful_person(world)
    card = await card_with(world, person, 50_000)
    order = await an_order(world, person)
    await pay(world, person, order, card.id, PASSWORD, "pay")
    gift = await give(world.app, person, part(card.id, 500), "give", PASSWORD)
    seen = len(compared)
    for password in (None, *wrong(6)):
        again = await pay(world, person, order, card.id, password, "pay")
        assert (again.order_id, again.payment_id) == (order.id, None)
        assert (await give(world.app, person, part(card.id, 500), "give", password)).id == gift.id
    assert len(compared) == seen
    assert (await stored(world, person)).wrong_tries == 0
    assert (await card_now(world, card.id)).ledger_fen == 50_000 - order.payable_fen - 500
    await books_are_in_order(world)


async def real_person(world: World) -> SignedIn:
    """A customer whom the platform knows, so that they can pay there, with a pay password."""
    me = (await (await world.person()).ask("{ me { id } }"))["me"]["id"]
    person = SignedIn(me, "ses_test", Platform.WECHAT, world.settings["KABAO_WECHAT_APP_ID"])
    await set_pay_password(world.app, person, PASSWORD)
    return person


async def test_a_call_that_was_cut_off_goes_on_without_the_password(
    world: World, monkeypatch: pytest.MonkeyPatch, compared: list[str]
) -> None:
    person = await real_person(world)
    card = await card_with(world, person, 50_000)
    order = await an_order(world, person)
    tenders = [Tender(PaymentMethod.STORED_VALUE, card.id, 300), Tender(PaymentMethod.WECHAT_PAY, None, None)]
    assert await outcome(pay_order(world.app, person, order.id, tenders, "p")) == "PAY_PASSWORD_REQUIRED"

    async def cut_off(*_: object) -> None:
        raise RuntimeError("cut off")

    with monkeypatch.context() as broken:
        broken.setattr(paying_verb, "open_at_provider", cut_off)
        with pytest.raises(RuntimeError):
            await pay_order(world.app, person, order.id, tenders, "p", PASSWORD)
    assert (await card_now(world, card.id)).held_fen == 300
    seen = len(compared)
    paying = await pay_order(world.app, person, order.id, tenders, "p")
    again = await pay_order(world.app, person, order.id, tenders, "p", OTHER)
    assert paying.payment_id is not None
    assert paying == again
    assert len(compared) == seen
    assert (await card_now(world, card.id)).held_fen == 300
    assert await outcome(pay_order(world.app, person, order.id, tenders, "q")) == "PAY_PASSWORD_REQUIRED"


@pytest.mark.parametrize("outside", [False, True])
async def test_what_had_begun_and_is_gone_does_not_begin_again_without_a_password(
    world: World, monkeypatch: pytest.MonkeyPatch, outside: bool
) -> None:
    """As when a copy of the call takes its row away between the look-up and the transaction."""
    person = await real_person(world)
    card = await card_with(world, person, 50_000)
    order = await an_order(world, person)
    rest = [Tender(PaymentMethod.WECHAT_PAY, None, None)] if outside else []
    tenders = [Tender(PaymentMethod.STORED_VALUE, card.id, 300 if outside else None), *rest]

    async def begun(_: object) -> dict[str, str]:
        return {"order": order.id}

    with monkeypatch.context() as gone:
        gone.setattr(world.app.work, "begun", begun)
        with pytest.raises(TryAgain):
            await pay_order(world.app, person, order.id, tenders, "p")
    now = await card_now(world, card.id)
    assert (now.ledger_fen, now.held_fen) == (50_000, 0)


async def test_a_wrong_password_does_not_close_the_payment_that_waits(world: World) -> None:
    person = await real_person(world)
    card = await card_with(world, person, 50_000)
    order = await an_order(world, person)
    outside = [Tender(PaymentMethod.WECHAT_PAY, None, None)]
    waiting = await pay_order(world.app, person, order.id, outside, "p")
    for password in (None, OTHER):
        await refused(pay(world, person, order, card.id, password))
    current = await world.app.orders.order(order.id)
    assert current is not None
    assert current.waiting_payment_ids == (waiting.payment_id,)
    assert await outcome(pay(world, person, order, card.id, PASSWORD)) == "won"
    assert await status(world, order.id) is OrderStatus.PAID
    await books_are_in_order(world)
