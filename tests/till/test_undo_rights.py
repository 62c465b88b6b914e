"""Who may undo a redemption, until when, with which reason; once, however often it is asked; and what is listed."""

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from scripts.client import Api, Json, new_key
from tests.money.people import settings
from tests.support.world import World
from tests.till.counter import (
    SHEKOU,
    TEA_BRAND,
    TEA_STORE,
    TIANHE,
    actions,
    at,
    balance,
    hire,
    moment,
    new_guest,
    new_staff,
    outcome,
    redeem,
    show,
    staff_id,
    statement,
    taken,
    undo,
)

PAGE = """query($store: ID!, $first: Int!, $after: String) {
  redemptions(storeId: $store, first: $first, after: $after) {
    nodes { id kind amount { amountFen } at undoneAt } pageInfo { hasNextPage endCursor } } }"""


async def test_ones_own_by_a_cashier_others_by_a_manager_of_the_store_only(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    redemption = await taken(world, cashier, guest, 100)
    nobody = [
        (await hire(world), "NOT_ALLOWED"),
        (await hire(world, store_ids=(SHEKOU,)), "NOT_ALLOWED"),
        (await hire(world, "MANAGER", (SHEKOU, TIANHE)), "NOT_ALLOWED"),
        (await hire(world, "OWNER", (TEA_STORE,), TEA_BRAND), "NOT_FOUND"),
        (Api(world.http, world.console), "UNAUTHENTICATED"),
    ]
    for staff, code in nobody:
        assert await outcome(undo(staff, redemption)) == code
    assert (await balance(world, guest.card_id), await actions(world, redemption["id"])) == (9_900, [])
    for role in ("MANAGER", "OWNER"):
        undoer = await hire(world, role, () if role == "OWNER" else None)
        another = await taken(world, cashier, guest, 100)
        assert await outcome(undo(undoer, another)) == "SUCCESS"
        assert [who for who, *_ in await actions(world, another["id"])] == [await staff_id(undoer)]
    assert await outcome(undo(cashier, redemption)) == "SUCCESS"
    assert await outcome(undo(cashier, {"id": "red_none"})) == "NOT_FOUND"


async def test_who_was_moved_to_another_store_undoes_nothing_at_the_old_one(world: World) -> None:
    guest, staff = await new_guest(world), await new_staff(world)
    cashier = await world.staff(staff.username)
    redemption = await taken(world, cashier, guest, 100)
    moved = {"$set": {"store_ids": [SHEKOU]}}
    await world.app.connection.collection("staff").update_one({"_id": staff.id}, moved)
    assert await outcome(undo(cashier, redemption)) == "NOT_ALLOWED"


@pytest.mark.parametrize("hours", [48, 1])
async def test_until_a_millisecond_before_the_window_is_over(time: World, hours: int) -> None:
    guest, cashier, start = await new_guest(time), await hire(time), time.clock.now()
    before = await settings(time, undo_hours=hours)
    try:
        with at(time, start):
            late, just = await taken(time, cashier, guest, 100), await taken(time, cashier, guest, 200)
    finally:
        await settings(time, undo_hours=before.undo_hours)
    assert moment(late["undoBefore"]) == start + timedelta(hours=hours)
    with at(time, start, hours=hours):
        again = await hire(time, "MANAGER")
        assert await outcome(undo(again, late)) == "UNDO_WINDOW_OVER"
    key = new_key()
    with at(time, start, hours=hours, milliseconds=-1):
        undone = await undo(again, just, key=key)
        assert moment(undone["undoneAt"]) == time.clock.now()
    with at(time, start, hours=hours):
        assert await undo(again, just, key=key) == undone  # the answer of a call that was done has no window
        assert await outcome(undo(again, just)) == "UNDO_WINDOW_OVER"
    assert await balance(time, guest.card_id) == 9_900


async def test_undone_twice_is_undone_once(world: World) -> None:
    guest, cashier, key = await new_guest(world), await hire(world), new_key()
    redemption, other = await taken(world, cashier, guest, 4_000), await taken(world, cashier, guest, 1_000)
    first = await undo(cashier, redemption, key=key)
    assert await undo(cashier, redemption, key=key) == first
    assert await outcome(undo(cashier, redemption)) == "STATUS_INVALID"
    assert await outcome(undo(cashier, redemption, "另一个原因", key)) == "IDEMPOTENCY_KEY_REUSED"
    assert await outcome(undo(cashier, other, key=key)) == "IDEMPOTENCY_KEY_REUSED"
    assert await balance(world, guest.card_id) == 9_000


async def test_ten_at_once_undo_once(world: World) -> None:
    guest, staff = await new_guest(world), [await hire(world, "MANAGER") for _ in range(2)]
    redemption = await taken(world, staff[0], guest, 4_000)
    results = await asyncio.gather(*(outcome(undo(each, redemption)) for each in staff * 5))
    assert Counter(results) == {"SUCCESS": 1, "STATUS_INVALID": 9}
    assert await balance(world, guest.card_id) == 10_000
    assert (await statement(world, guest.card_id))[1:] == [("PURCHASE", -4_000), ("REVERSAL", 4_000)]
    assert len(await actions(world, redemption["id"])) == 1


async def test_a_reason_is_needed_of_eighty_characters_at_most(world: World) -> None:
    guest, cashier = await new_guest(world), await hire(world)
    redemption = await taken(world, cashier, guest, 100)
    for reason in ("", "  \n", "错" * 81):
        assert await outcome(undo(cashier, redemption, reason)) == "STATUS_INVALID"
    assert await balance(world, guest.card_id) == 9_900
    await undo(cashier, redemption, f"  {'错' * 80} ")
    assert [why for *_, why in await actions(world, redemption["id"])] == ["错" * 80]


async def test_redemptions_are_listed_newest_first_page_by_page_and_say_when_they_were_undone(time: World) -> None:
    guest, cashier = await new_guest(time), await hire(time, store_ids=(TIANHE,))
    await taken(time, await hire(time), guest, 1)  # at another store
    start, made = time.clock.now(), []
    for number in range(7):  # three of them in the same millisecond
        with at(time, start, milliseconds=max(0, number - 2)):
            made.append(await redeem(time, cashier, await show(guest), 100 + number, TIANHE))
    undone = await undo(cashier, made[3])
    order = sorted(made, key=lambda each: (each["at"], each["id"]), reverse=True)
    for first in (1, 3, 7, 100):
        found = await pages(cashier, TIANHE, first)
        assert [each["id"] for each in found] == [each["id"] for each in order]
        assert [each["undoneAt"] for each in found if each["undoneAt"]] == [undone["undoneAt"]]
    assert await outcome(pages(cashier, SHEKOU, 5)) == "FORBIDDEN"
    assert await outcome(pages(await hire(time, "OWNER", (), TEA_BRAND), TIANHE, 5)) == "FORBIDDEN"
    for first in (0, 101):
        assert await outcome(pages(cashier, TIANHE, first)) == "BAD_USER_INPUT"


async def pages(staff: Api, store_id: str, first: int) -> list[Json]:
    """What was redeemed at a store, read page by page."""
    found: list[Json] = []
    page: Json = {"pageInfo": {"hasNextPage": True, "endCursor": None}}
    while page["pageInfo"]["hasNextPage"]:
        after = page["pageInfo"]["endCursor"]
        page = (await staff.ask(PAGE, store=store_id, first=first, after=after))["redemptions"]
        found.extend(page["nodes"])
        assert len(found) == len({each["id"] for each in found})  # nothing twice
    return found
