"""Locks that grow, guesses that are counted before they are compared, and right ones that lock nobody out."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from resolvers.app import App
from resolvers.people.pay_password.check import guess
from resolvers.people.pay_password.model import PayPasswordLocked, PayPasswordWrong
from resolvers.people.pay_password.set import set_pay_password
from tests.people.paying import (
    OTHER,
    PASSWORD,
    an_order,
    careful_person,
    move_to,
    outcome,
    pay,
    refused,
    stored,
    wrong,
)
from tests.support.core import books_are_in_order, card_now, card_with
from tests.support.world import World


async def test_the_locks_grow(time: World, compared: list[str]) -> None:
    person = await careful_person(time)
    many = iter(wrong(100))
    for minutes, tries in ((1, 5), (10, 5), (60, 5), (24 * 60, 5), (24 * 60, 1), (24 * 60, 1)):
        for left in range(tries - 1, 0, -1):
            error = await refused(guess(time.app, person.customer_id, next(many)))
            assert (type(error), error.retry_at, f"{left} 次" in error.text) == (PayPasswordWrong, None, True)
        before = time.clock.now()
        last = await refused(guess(time.app, person.customer_id, next(many)))
        after, length = time.clock.now(), timedelta(minutes=minutes)
        assert isinstance(last, PayPasswordWrong)
        assert last.retry_at is not None
        assert before + length <= last.retry_at <= after + length
        seen = len(compared)
        move_to(time, last.retry_at - timedelta(seconds=10))
        for given in (PASSWORD, next(many)):
            locked = await refused(guess(time.app, person.customer_id, given))
            assert (type(locked), locked.retry_at) == (PayPasswordLocked, last.retry_at)
        assert len(compared) == seen
        move_to(time, last.retry_at)
    assert len(compared) == 5 + 5 + 5 + 5 + 1 + 1
    assert (await guess(time.app, person.customer_id, PASSWORD)).generation == 1
    assert (await stored(time, person)).wrong_tries == 0


async def test_a_right_one_starts_the_count_from_nothing_and_lifts_the_lock_of_its_own_count(time: World) -> None:
    person = await careful_person(time)
    for _ in range(3):
        for given in wrong(4):
            assert await outcome(guess(time.app, person.customer_id, given)) == "PAY_PASSWORD_WRONG"
        assert await outcome(guess(time.app, person.customer_id, PASSWORD)) == "won"  # the fifth: counted, then right
    kept = await stored(time, person)
    assert (kept.wrong_tries, kept.locked_until) == (0, None)


async def test_two_hundred_wrong_ones_at_once_cost_five_comparisons(time: World, compared: list[str]) -> None:
    person = await careful_person(time)
    guesses = (outcome(guess(time.app, person.customer_id, given)) for given in wrong(200))
    results = Counter(await asyncio.gather(*guesses))
    assert results == {"PAY_PASSWORD_WRONG": 5, "PAY_PASSWORD_LOCKED": 195}
    assert len(compared) == 5


async def test_two_hundred_at_once_in_two_processes_cost_five_comparisons(
    time: World, other_app: App, compared: list[str]
) -> None:
    person = await careful_person(time)
    guesses = (
        outcome(guess((time.app, other_app)[number % 2], person.customer_id, given))
        for number, given in enumerate(wrong(200))
    )
    results = Counter(await asyncio.gather(*guesses))
    assert results == {"PAY_PASSWORD_WRONG": 5, "PAY_PASSWORD_LOCKED": 195}
    assert len(compared) == 5


async def test_two_hundred_at_once_by_every_way_in_cost_five_comparisons(time: World, compared: list[str]) -> None:
    """Paying, setting with a wrong present password, and setting without any, as if to see whether it is that one."""
    person = await careful_person(time)
    card = await card_with(time, person, 100_000)
    order = await an_order(time, person)
    many = wrong(200)
    calls = [
        *(pay(time, person, order, card.id, given) for given in many[:70]),
        *(set_pay_password(time.app, person, OTHER, given) for given in many[70:140]),
        *(set_pay_password(time.app, person, given) for given in many[140:]),
    ]
    results = Counter(await asyncio.gather(*(outcome(call) for call in calls)))
    assert "won" not in results
    assert results["PAY_PASSWORD_LOCKED"] >= 195
    assert len(compared) == 5
    assert (await card_now(time, card.id)).ledger_fen == 100_000
    assert (await stored(time, person)).generation == 1


async def test_a_guess_that_has_not_the_shape_counts_and_is_not_compared(time: World, compared: list[str]) -> None:
    person = await careful_person(time)
    for given in ("1", "４８２９１５", "x" * 10_000, PASSWORD + " ", PASSWORD[:5]):
        assert await outcome(guess(time.app, person.customer_id, given)) == "PAY_PASSWORD_WRONG"
    assert await outcome(guess(time.app, person.customer_id, PASSWORD)) == "PAY_PASSWORD_LOCKED"
    assert compared == []


async def test_twenty_payments_at_once_with_the_right_password_all_succeed(time: World) -> None:
    person = await careful_person(time)
    card = await card_with(time, person, 400_000)
    orders = [await an_order(time, person) for _ in range(20)]
    calls = (outcome(pay(time, person, order, card.id, PASSWORD)) for order in orders)
    assert Counter(await asyncio.gather(*calls)) == {"won": 20}
    assert (await stored(time, person)).wrong_tries == 0
    await books_are_in_order(time)


async def test_right_ones_in_two_processes_do_not_pile_up_either(time: World, other_app: App) -> None:
    person = await careful_person(time)
    guesses = (outcome(guess((time.app, other_app)[number % 2], person.customer_id, PASSWORD)) for number in range(40))
    assert Counter(await asyncio.gather(*guesses)) == {"won": 40}


async def test_another_persons_wrong_ones_are_not_ones_own(time: World) -> None:
    mine, theirs = await careful_person(time), await careful_person(time)
    for given in wrong(6):
        await refused(guess(time.app, theirs.customer_id, given))
    assert await outcome(guess(time.app, mine.customer_id, PASSWORD)) == "won"


async def test_the_same_password_of_two_people_is_kept_differently(time: World) -> None:
    mine, theirs = await stored(time, await careful_person(time)), await stored(time, await careful_person(time))
    assert mine.hash != theirs.hash
    assert mine.hash.startswith("$argon2id$")
    assert not await time.app.vault.password_matches(mine.hash, OTHER)


@pytest.mark.parametrize("given", [PASSWORD, OTHER])
async def test_where_none_is_set_there_is_nothing_to_guess(time: World, compared: list[str], given: str) -> None:
    assert await outcome(guess(time.app, "cus_nobody", given)) == "PAY_PASSWORD_LOCKED"
    assert compared == []
