"""What a cashier may take in cash for cards in a shift: one store, one business day of that store."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from scripts.client import new_key
from tests.money.people import new_tier, settings
from tests.payments.money import rows
from tests.support.world import World
from tests.till.counter import TIANHE, Guest, at, balance, hire, new_guest, new_staff, outcome
from tests.till.test_cash_top_up import cash


@pytest.fixture(autouse=True)
async def _limits(world: World, time: World) -> AsyncIterator[None]:
    """10 000 fen a shift."""
    before = [await settings(each, cash_shift_limit_fen=10_000) for each in (world, time)]
    yield
    for each, was in zip((world, time), before, strict=True):
        await settings(each, cash_shift_limit_fen=was.cash_shift_limit_fen)


async def test_what_fits_exactly_is_taken_and_a_fen_more_is_not(world: World) -> None:
    guest, cashier = await new_guest(world, 100), await hire(world)
    await cash(world, cashier, guest, amountFen=4_000)
    key = new_key()
    assert await outcome(cash(world, cashier, guest, amountFen=6_001, idempotencyKey=key)) == "LIMIT_REACHED"
    assert await outcome(cash(world, cashier, guest, amountFen=6_000, idempotencyKey=key)) == "SUCCESS"
    assert await outcome(cash(world, cashier, guest, amountFen=100)) == "LIMIT_REACHED"
    assert await outcome(cash(world, cashier, guest, amountFen=6_000, idempotencyKey=key)) == "SUCCESS"  # as before
    assert await balance(world, guest.card_id) == 10_100


async def test_more_than_a_whole_shift_at_once_is_not_taken(world: World) -> None:
    guest, cashier = await new_guest(world, 100), await hire(world)
    assert await outcome(cash(world, cashier, guest, amountFen=10_001)) == "LIMIT_REACHED"
    assert await outcome(cash(world, cashier, guest, amountFen=10_000)) == "SUCCESS"


async def test_cash_counts_and_not_what_the_brand_adds(world: World) -> None:
    guest, cashier = await new_guest(world, 100), await hire(world)
    tier = await new_tier(world, 10_000, 5_000)
    assert await outcome(cash(world, cashier, guest, tierId=tier.id)) == "SUCCESS"
    assert await outcome(cash(world, cashier, guest, tierId=tier.id)) == "LIMIT_REACHED"
    assert await balance(world, guest.card_id) == 15_100


async def test_what_was_refused_for_another_reason_does_not_count(world: World) -> None:
    full, guest, cashier = await new_guest(world, 495_001), await new_guest(world, 100), await hire(world)
    assert await outcome(cash(world, cashier, full, amountFen=5_000)) == "BALANCE_LIMIT"
    assert await outcome(cash(world, cashier, guest, amountFen=10_000)) == "SUCCESS"


async def test_each_cashier_and_each_store_has_its_own(world: World) -> None:
    guest = await new_guest(world, 100)
    cashier, other = await hire(world, store_ids=(world.store_id, TIANHE)), await hire(world)
    for staff, store_id in ((cashier, world.store_id), (cashier, TIANHE), (other, world.store_id)):
        assert await outcome(cash(world, staff, guest, amountFen=10_000, storeId=store_id)) == "SUCCESS"
        assert await outcome(cash(world, staff, guest, amountFen=100, storeId=store_id)) == "LIMIT_REACHED"


@pytest.mark.parametrize("role", ["MANAGER", "OWNER"])
async def test_managers_and_owners_have_none(world: World, role: str) -> None:
    guest, staff = await new_guest(world, 100), await hire(world, role)
    for _ in range(3):
        assert await outcome(cash(world, staff, guest, amountFen=10_000)) == "SUCCESS"


async def test_the_next_business_day_of_the_store_it_begins_anew(time: World) -> None:
    """In Guangzhou midnight is 16:00 in UTC: it is not the server's day that counts."""
    guest, staff = await new_guest(time, 100), await new_staff(time)
    today = datetime.now(ZoneInfo("Asia/Shanghai")).replace(hour=12, minute=0, second=0, microsecond=0)
    noon = today + timedelta(days=1)  # a day on which nobody else has taken cash
    for hours, code in (
        (0, "SUCCESS"),
        (0, "LIMIT_REACHED"),
        (11.9999, "LIMIT_REACHED"),
        (12, "SUCCESS"),
        (12, "LIMIT_REACHED"),
        (35.9999, "LIMIT_REACHED"),
        (36, "SUCCESS"),
    ):
        with at(time, noon, hours=hours):
            cashier = await time.staff(staff.username)
            assert await outcome(cash(time, cashier, guest, amountFen=10_000)) == code, hours
    assert await balance(time, guest.card_id) == 30_100


async def test_ten_at_once_never_take_more(world: World) -> None:
    cashier, guests = await hire(world), [await new_guest(world, 100) for _ in range(10)]

    async def insisting(guest: Guest) -> str | None:
        """As clients do: whoever lost against the others too often sends the same again."""
        key, code = new_key(), "TRY_AGAIN"
        while code == "TRY_AGAIN":
            code = str(await outcome(cash(world, cashier, guest, amountFen=3_000, idempotencyKey=key)))
        return code

    results = await asyncio.gather(*(insisting(each) for each in guests))
    assert sorted(map(str, results)) == ["LIMIT_REACHED"] * 7 + ["SUCCESS"] * 3
    assert sum([await balance(world, each.card_id) for each in guests]) == 10 * 100 + 9_000
    me = (await cashier.ask("{ me { id } }"))["me"]["id"]
    [shift] = await rows(world, "cash_shifts", _id={"$regex": f"^{me}:"})
    assert shift["taken_fen"] == 9_000
