"""A code is good for sixty seconds, while it is the newest of its card; wrong ones are counted, ten a minute."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from scripts.client import Api
from tests.payments.money import rows
from tests.support.world import World
from tests.till.counter import (
    TIANHE,
    UNKNOWN_CODE,
    at,
    balance,
    claimed,
    given,
    hire,
    moment,
    new_guest,
    outcome,
    preview,
    previewed,
    received,
    redeem,
    show,
)


async def test_it_is_good_for_the_last_millisecond_of_the_minute_and_not_a_moment_more(time: World) -> None:
    guest, cashier = await new_guest(time), await hire(time)
    start = time.clock.now()
    with at(time, start):
        shown = await guest.api.do("showCode", "digits expiresAt", cardId=guest.card_id)
        late = shown["digits"]
    assert moment(shown["expiresAt"]) == start + timedelta(seconds=60)
    with at(time, start, seconds=60):
        assert await previewed(time, cashier, late) == "CODE_EXPIRED"
        assert await outcome(redeem(time, cashier, late, 100)) == "CODE_EXPIRED"
    with at(time, start, seconds=59.999):
        assert await previewed(time, cashier, late) == "SUCCESS"
        assert await outcome(redeem(time, cashier, late, 100)) == "SUCCESS"
    assert await balance(time, guest.card_id) == 9_900


async def test_a_coupons_code_lives_no_longer(time: World) -> None:
    guest, cashier = await new_guest(time), await hire(time)
    coupon_id, start = await claimed(time, guest, "cash-50"), time.clock.now()
    with at(time, start):
        digits = await show(guest, couponId=coupon_id)
    with at(time, start, seconds=60):
        assert await outcome(redeem(time, cashier, digits)) == "CODE_EXPIRED"
    with at(time, start, seconds=59.9):
        assert await outcome(redeem(time, cashier, digits)) == "SUCCESS"


async def test_a_newer_code_kills_the_last_of_the_same_card_and_no_other(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    friend = await world.person()
    token = await given(world, guest, 2_000)
    second = await received(friend, token)
    theirs = (await friend.do("showCode", "digits", cardId=second))["digits"]
    old, new = await show(guest), await show(guest)
    assert old != new
    assert await previewed(world, cashier, old) == "CODE_EXPIRED"
    assert await outcome(redeem(world, cashier, old, 100)) == "CODE_EXPIRED"
    assert await outcome(redeem(world, cashier, new, 100)) == "SUCCESS"
    assert await outcome(redeem(world, cashier, old, 100)) == "CODE_EXPIRED"
    assert await outcome(redeem(world, cashier, theirs, 100)) == "SUCCESS"


async def test_codes_are_kept_as_macs_only(world: World) -> None:
    guest = await new_guest(world)
    digits = await show(guest)
    assert (digits[:2], len(digits), digits.isdigit()) == ("88", 18, True)
    [code] = await rows(world, "codes", customer_id=guest.id)
    assert digits not in repr(code)
    assert code["_id"] == world.app.vault.mac("till_code", digits)


@pytest.mark.parametrize("looking", [True, False])
async def test_ten_wrong_codes_in_a_minute_and_the_eleventh_is_not_looked_at(time: World, looking: bool) -> None:
    guest = await new_guest(time)
    cashier, other = await hire(time, store_ids=(time.store_id, TIANHE)), await hire(time)
    start = time.clock.now()
    with at(time, start):
        good = await show(guest)
        for number in range(9):  # both ways of asking count together
            wrong = previewed(time, cashier, UNKNOWN_CODE) if number % 2 else _tried(time, cashier)
            assert await wrong == "CODE_INVALID", number
        for nonsense in ("", "12", "x" * 18):  # typed wrongly, and no try
            assert await previewed(time, cashier, nonsense) == "CODE_INVALID"
        assert await previewed(time, cashier, good) == "SUCCESS"  # what was not wrong does not count
    with at(time, start, seconds=30):
        assert await previewed(time, cashier, UNKNOWN_CODE) == "CODE_INVALID"  # the tenth
        for code in (UNKNOWN_CODE, good):
            answer = await preview(time, cashier, code)
            assert (answer["codeName"], moment(answer["retryAt"])) == (
                "TOO_MANY_TRIES",
                start + timedelta(minutes=1),
            )
            assert await _tried(time, cashier, code) == "TOO_MANY_TRIES"
        assert await previewed(time, cashier, UNKNOWN_CODE, TIANHE) == "CODE_INVALID"  # at another store
        assert await previewed(time, other, good) == "SUCCESS"  # somebody else
    with at(time, start, seconds=59.999):
        assert await (previewed(time, cashier, good) if looking else _tried(time, cashier, good)) == "TOO_MANY_TRIES"
    fresh = await show(guest)
    with at(time, start, seconds=60):
        assert await (previewed(time, cashier, fresh) if looking else _tried(time, cashier, fresh)) == "SUCCESS"


async def _tried(world: World, cashier: Api, code: str = UNKNOWN_CODE) -> str | None:
    return await outcome(redeem(world, cashier, code, 100))


async def test_wrong_numbers_of_orders_count_too_and_refusals_of_good_codes_do_not(time: World) -> None:
    guest, cashier = await new_guest(time, 1_000), await hire(time)
    with at(time, time.clock.now()):
        digits = await show(guest)
        for _ in range(12):
            assert await outcome(redeem(time, cashier, digits, 1_001)) == "INSUFFICIENT_BALANCE"
        for _ in range(10):
            assert await previewed(time, cashier, "999999") == "CODE_INVALID"
        assert await previewed(time, cashier, digits) == "TOO_MANY_TRIES"


async def test_fifty_guesses_at_once_are_ten(world: World) -> None:
    cashier = await hire(world)
    found = await asyncio.gather(*(previewed(world, cashier, f"88{number:016d}") for number in range(50)))
    assert Counter(found) == {"CODE_INVALID": 10, "TOO_MANY_TRIES": 40}
