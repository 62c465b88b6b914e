"""Setting the pay password: the first, a change, the same once more, and what a lost answer leads to."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from resolvers.app import App
from resolvers.errors import Refused, TryAgain
from resolvers.people.pay_password.check import guess
from resolvers.people.pay_password.set import set_pay_password
from scripts import client
from tests.people.paying import OTHER, PASSWORD, THIRD, careful_person, move_to, outcome, refused, stored, wrong
from tests.support.core import new_person
from tests.support.world import World

ME = "me { id hasPayPassword }"


async def test_the_first_one_needs_nothing_else_and_me_tells_that_there_is_one(world: World) -> None:
    person = await world.person()
    assert (await person.ask(f"{{ {ME} }}"))["me"]["hasPayPassword"] is False
    answer = await person.do("setPayPassword", ME, newPassword=PASSWORD)
    assert answer["me"]["hasPayPassword"] is True
    assert (await person.ask(f"{{ {ME} }}"))["me"] == answer["me"]


@pytest.mark.parametrize("new", ["123456", "111111", "121212", "123123", "48291", "４８２９１５", "", "48291x"])
async def test_a_bad_one_is_refused_and_nothing_is_set(world: World, new: str) -> None:
    person = await world.person()
    with pytest.raises(client.Refused) as error:
        await person.do("setPayPassword", ME, newPassword=new)
    assert (error.value.code, error.value.error["field"]) == ("PAY_PASSWORD_INVALID", ["input", "newPassword"])
    assert (await person.ask(f"{{ {ME} }}"))["me"]["hasPayPassword"] is False


async def test_the_end_of_the_number_on_file_is_refused(time: World) -> None:
    person = await new_person(time)
    customers = time.app.connection.collection("customers")
    await customers.update_one({"_id": person.customer_id}, {"$set": {"phone": f"13800{PASSWORD}"}})
    assert await outcome(set_pay_password(time.app, person, PASSWORD)) == "PAY_PASSWORD_INVALID"
    assert await outcome(set_pay_password(time.app, person, OTHER)) == "won"


async def test_a_change_needs_the_present_one(time: World) -> None:
    person = await careful_person(time)
    missing = await refused(set_pay_password(time.app, person, OTHER))
    assert (missing.code, missing.field) == ("PAY_PASSWORD_REQUIRED", ("input", "currentPassword"))
    assert await outcome(set_pay_password(time.app, person, OTHER, "", "")) == "PAY_PASSWORD_REQUIRED"
    not_it = await refused(set_pay_password(time.app, person, OTHER, THIRD))
    assert (not_it.code, not_it.field) == ("PAY_PASSWORD_WRONG", ("input", "currentPassword"))
    assert (await stored(time, person)).generation == 1
    assert await outcome(set_pay_password(time.app, person, OTHER, PASSWORD)) == "won"
    kept = await stored(time, person)
    assert (kept.generation, kept.wrong_tries, kept.reset_at) == (2, 0, None)
    assert await outcome(guess(time.app, person.customer_id, PASSWORD)) == "PAY_PASSWORD_WRONG"
    assert await outcome(guess(time.app, person.customer_id, OTHER)) == "won"


async def test_a_locked_one_is_not_changed_by_the_right_password_either(time: World, compared: list[str]) -> None:
    person = await careful_person(time)
    for given in wrong(5):
        await refused(guess(time.app, person.customer_id, given))
    seen = len(compared)
    for current in (PASSWORD, None):
        locked = await refused(set_pay_password(time.app, person, PASSWORD, current))
        assert (locked.code, locked.retry_at) == ("PAY_PASSWORD_LOCKED", (await stored(time, person)).locked_until)
    assert len(compared) == seen


async def test_setting_the_one_it_already_is_succeeds_and_counts_nothing(time: World) -> None:
    person = await careful_person(time)
    for _ in range(12):
        await set_pay_password(time.app, person, PASSWORD)
        await set_pay_password(time.app, person, PASSWORD, PASSWORD)
    kept = await stored(time, person)
    assert (kept.generation, kept.wrong_tries) == (1, 0)


async def test_to_ask_whether_it_is_that_one_is_to_guess(time: World, compared: list[str]) -> None:
    person = await careful_person(time)
    results = [await outcome(set_pay_password(time.app, person, given)) for given in wrong(7)]
    assert results == ["PAY_PASSWORD_REQUIRED"] * 5 + ["PAY_PASSWORD_LOCKED"] * 2
    assert len(compared) == 5
    assert await outcome(set_pay_password(time.app, person, PASSWORD)) == "PAY_PASSWORD_LOCKED"


async def test_a_change_whose_answer_got_lost_can_be_sent_again(time: World) -> None:
    person = await careful_person(time)
    for _ in range(3):
        await set_pay_password(time.app, person, OTHER, PASSWORD)
    kept = await stored(time, person)
    assert (kept.generation, kept.wrong_tries) == (2, 0)


async def test_what_is_sent_again_much_later_is_a_wrong_guess_and_one_comparison(
    time: World, compared: list[str]
) -> None:
    person = await careful_person(time)
    await set_pay_password(time.app, person, OTHER, PASSWORD)
    compared.clear()
    changed_at = (await stored(time, person)).changed_at
    move_to(time, changed_at + timedelta(minutes=10, seconds=1))
    assert await outcome(set_pay_password(time.app, person, OTHER, PASSWORD)) == "PAY_PASSWORD_WRONG"
    assert compared == [PASSWORD]


async def test_what_is_compared_shortly_after_a_change_is_counted_too(time: World, compared: list[str]) -> None:
    person = await careful_person(time)  # which is as good as a change
    many = wrong(200)
    calls = (outcome(set_pay_password(time.app, person, new, now)) for new, now in zip(many, many[::-1], strict=True))
    results = Counter(await asyncio.gather(*calls))
    assert set(results) == {"PAY_PASSWORD_WRONG", "PAY_PASSWORD_LOCKED"}
    assert len(compared) == 5


async def test_twenty_first_ones_at_once_set_one(time: World) -> None:
    person = await new_person(time)
    same = await asyncio.gather(*(outcome(set_pay_password(time.app, person, PASSWORD)) for _ in range(20)))
    assert Counter(same) == {"won": 20}
    assert (await stored(time, person)).generation == 1


async def test_two_different_first_ones_at_once_set_one(time: World, other_app: App) -> None:
    person = await new_person(time)
    calls = (set_pay_password(time.app, person, PASSWORD), set_pay_password(other_app, person, OTHER))
    results = await asyncio.gather(*(outcome(call) for call in calls))
    assert sorted(results) == ["PAY_PASSWORD_REQUIRED", "won"]
    right = (PASSWORD, OTHER)[results.index("won")]
    assert await outcome(guess(time.app, person.customer_id, right)) == "won"


async def test_of_two_changes_in_two_processes_one_wins_and_the_other_is_told_so(
    time: World, other_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await careful_person(time)
    both_know = asyncio.Barrier(2)
    hash_password = type(time.app.vault).hash_password

    async def together(self: object, password: str) -> str:
        await both_know.wait()
        return await hash_password(self, password)  # type: ignore[arg-type]

    monkeypatch.setattr(type(time.app.vault), "hash_password", together)
    calls = (set_pay_password(time.app, person, OTHER, PASSWORD), set_pay_password(other_app, person, THIRD, PASSWORD))
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sorted(type(each) for each in results if each is not None) == [TryAgain]
    assert not any(isinstance(each, Refused) for each in results)
    right = (OTHER, THIRD)[results.index(None)]
    assert await outcome(guess(time.app, person.customer_id, right)) == "won"
    assert (await stored(time, person)).generation == 2
