"""Cash at the till for a card: any amount or a tier, for members of the brand, told to them live."""

import asyncio
from typing import Any

import pytest

from scripts.client import Api, Json, new_key
from scripts.demo_brands import made_id
from tests.money.people import new_tier, points, settings
from tests.payments.money import EVENTS, TEAHOUSE_TIER, balances, count, rows, topped_up
from tests.support.core import card_with, new_person
from tests.support.following import follow
from tests.support.world import World
from tests.till.counter import TEA_BRAND, TEA_STORE, Guest, balance, hire, new_guest, outcome, staff_id, statement

CARD = "card { id kind balance { amountFen } principal { amountFen } bonus { amountFen } }"


async def cash(world: World, staff: Api, guest: Guest | str, **fields: Any) -> Json:
    """Credit somebody's card for cash: the card. Raises Refused."""
    customer_id = guest if isinstance(guest, str) else guest.id
    wanted = {"storeId": world.store_id, "customerId": customer_id, "idempotencyKey": new_key(), **fields}
    card: Json = (await staff.do("cashTopUp", CARD, **wanted))["card"]
    return card


async def test_an_amount_makes_a_members_card_and_is_in_the_drawer(world: World) -> None:
    person, cashier = await world.person(), await hire(world)
    await person.do("joinBrand", "membership { id }", brandId=world.brand_id)
    me = (await person.ask("{ me { id } }"))["me"]["id"]
    card = await cash(world, cashier, me, amountFen=12_345)
    assert card == {
        "id": card["id"],
        "kind": "STORED_VALUE",
        "balance": {"amountFen": 12_345},
        "principal": {"amountFen": 12_345},
        "bonus": {"amountFen": 0},
    }
    assert await balances(person, card["id"]) == (12_345, 0, 0)
    assert await statement(world, card["id"]) == [("TOP_UP", 12_345)]
    [payment] = await rows(world, "payments", customer_id=me)
    assert (payment["method"], payment["status"], payment["store_id"]) == ("CASH", "SUCCEEDED", world.store_id)
    [entry] = await rows(world, "journal", _id=f"capture:{payment['_id']}")
    assert {
        line["account"].rpartition(":")[2]: line["amount_fen"] for line in entry["lines"] if line["amount_fen"]
    } == {
        "cash": -12_345,
        "principal": 12_345,
    }
    [action] = await rows(world, "staff_actions", target_id=payment["_id"])
    assert [action[each] for each in ("staff_id", "verb", "amount_fen")] == [
        await staff_id(cashier),
        "cashTopUp",
        12_345,
    ]


async def test_a_tier_gives_its_bonus_its_points_and_its_coupons(world: World) -> None:
    guest, cashier = await new_guest(world, 100), await hire(world)
    coupon = made_id("tpl", "seafood", "top-up-50")
    tier = await new_tier(world, 10_000, 3_000, bonus_days=90, bonus_points=100, template_ids=(coupon, coupon))
    await cash(world, cashier, guest, tierId=tier.id)
    assert await balances(guest.api, guest.card_id) == (10_100, 3_000, 0)
    assert (await statement(world, guest.card_id))[1:] == [("TOP_UP", 10_000), ("BONUS", 3_000)]
    assert await points(guest.api) == 100
    issued = await rows(world, "coupons", customer_id=guest.id)
    assert [(each["template_id"], each["status"]) for each in issued] == [(coupon, "AVAILABLE")] * 2


async def test_a_tier_for_the_first_time_is_for_the_first_time_however_that_was_paid(world: World) -> None:
    cashier = await hire(world)
    tier = await new_tier(world, 10_000, 3_000, first_only=True)
    newcomer, by_cash, by_phone = [await new_guest(world, 100) for _ in range(3)]
    await cash(world, cashier, newcomer, tierId=tier.id)
    await cash(world, cashier, by_cash, amountFen=100)
    await topped_up(world, by_phone.api, amountFen=100)
    for guest in (newcomer, by_cash, by_phone):
        before = await balance(world, guest.card_id)
        assert await outcome(cash(world, cashier, guest, tierId=tier.id)) == "LIMIT_REACHED"
        assert await balance(world, guest.card_id) == before


async def test_so_often_per_customer_as_the_tier_says(world: World) -> None:
    cashier, guest = await hire(world), await new_guest(world, 100)
    tier = await new_tier(world, 1_000, 10, per_customer=2)
    results = [await outcome(cash(world, cashier, guest, tierId=tier.id)) for _ in range(3)]
    assert results == ["SUCCESS", "SUCCESS", "LIMIT_REACHED"]
    assert await balances(guest.api, guest.card_id) == (2_100, 20, 0)


async def test_the_card_holds_what_it_may_and_not_a_fen_more_the_bonus_counted(world: World) -> None:
    cashier, guest, other = await hire(world), await new_guest(world, 499_000), await new_guest(world, 489_999)
    tier = await new_tier(world, 10_000, 2)
    assert await outcome(cash(world, cashier, guest, amountFen=1_001)) == "BALANCE_LIMIT"
    assert await outcome(cash(world, cashier, other, tierId=tier.id)) == "BALANCE_LIMIT"
    assert [await balance(world, each.card_id) for each in (guest, other)] == [499_000, 489_999]
    assert await outcome(cash(world, cashier, guest, amountFen=1_000)) == "SUCCESS"
    fits = await new_tier(world, 10_000, 1)
    assert await outcome(cash(world, cashier, other, tierId=fits.id)) == "SUCCESS"
    assert [await balance(world, each.card_id) for each in (guest, other)] == [500_000, 500_000]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "AMOUNT_INVALID"),
        ({"amountFen": None, "tierId": None}, "AMOUNT_INVALID"),
        ({"amountFen": 10_000, "tierId": "OURS"}, "AMOUNT_INVALID"),
        ({"amountFen": 0}, "AMOUNT_INVALID"),
        ({"amountFen": -100}, "AMOUNT_INVALID"),
        ({"amountFen": 99}, "AMOUNT_INVALID"),
        ({"amountFen": 500_001}, "AMOUNT_INVALID"),
        ({"amountFen": 2**53 - 1}, "AMOUNT_INVALID"),
        ({"amountFen": 2**53}, "BAD_USER_INPUT"),
        ({"tierId": "tir_none"}, "NOT_FOUND"),
        ({"tierId": TEAHOUSE_TIER}, "NOT_FOUND"),
        ({"tierId": ""}, "NOT_FOUND"),
        ({"amountFen": 100, "customerId": "cus_none"}, "NOT_FOUND"),
        ({"amountFen": 100, "storeId": "sto_none"}, "NOT_FOUND"),
        ({"amountFen": 100, "storeId": TEA_STORE}, "NOT_FOUND"),
    ],
)
async def test_what_may_not_be_is_refused_and_leaves_nothing(world: World, fields: Json, code: str) -> None:
    guest, cashier = await new_guest(world, 100), await hire(world)
    tier = await new_tier(world, 10_000, 1)
    fields = {name: tier.id if value == "OURS" else value for name, value in fields.items()}
    kept = ("payments", "journal", "staff_actions", "statement", "top_up_counts")
    before = [await count(world, name) for name in kept]
    assert await outcome(cash(world, cashier, guest, **fields)) == code
    assert [await count(world, name) for name in kept] == before
    assert await balance(world, guest.card_id) == 100


async def test_who_is_no_member_here_looks_absent(world: World) -> None:
    cashier, nobody, tea = await hire(world), await world.person(), await world.person()
    await tea.do("joinBrand", "membership { id }", brandId=TEA_BRAND)
    for person in (nobody, tea):
        me = (await person.ask("{ me { id } }"))["me"]["id"]
        assert await outcome(cash(world, cashier, me, amountFen=100)) == "NOT_FOUND"
        assert await rows(world, "cards", customer_id=me) == []


async def test_a_card_that_is_being_given_takes_the_cash_along(world: World) -> None:
    guest, cashier, friend = await new_guest(world, 1_000), await hire(world), await world.person()
    wanted = {"cardId": guest.card_id, "idempotencyKey": new_key()}
    gift = (await guest.api.do("give", "gift { shareToken }", **wanted))["gift"]
    await cash(world, cashier, guest, amountFen=500)
    claimed = await friend.do("claimGift", "card { id }", token=gift["shareToken"], idempotencyKey=new_key())
    assert [await balance(world, each) for each in (guest.card_id, claimed["card"]["id"])] == [0, 1_500]
    fresh = await cash(world, cashier, guest, amountFen=700)  # the old one is gone: a new card
    assert (fresh["id"] != guest.card_id, fresh["balance"]) == (True, {"amountFen": 700})


async def test_the_customers_phone_sees_the_card_and_the_payment(world: World) -> None:
    guest, cashier = await new_guest(world, 1_000), await hire(world)
    async with guest.api.socket() as socket:
        stream = await follow(world.app, socket, EVENTS)
        await cash(world, cashier, guest, amountFen=500)
        card, payment = await stream.until("CardChanged"), await stream.until("PaymentChanged")
    [row] = await rows(world, "payments", customer_id=guest.id)
    assert card["card"] == {"id": guest.card_id, "balance": {"amountFen": 1_500}, "held": {"amountFen": 0}}
    assert payment["payment"] == {"id": row["_id"], "status": "SUCCEEDED", "cards": [{"id": guest.card_id}]}


async def test_ten_at_once_for_one_nearly_full_card_fit_or_are_refused(world: World) -> None:
    person, manager = await new_person(world), await hire(world, "MANAGER")
    card = await card_with(world, person, 495_000)
    calls = [outcome(cash(world, manager, person.customer_id, amountFen=2_000)) for _ in range(10)]
    assert sorted(map(str, await asyncio.gather(*calls))) == ["BALANCE_LIMIT"] * 8 + ["SUCCESS"] * 2
    assert await balance(world, card.id) == 499_000


async def test_the_least_amount_is_the_brands(world: World) -> None:
    guest, cashier = await new_guest(world, 100), await hire(world)
    before = await settings(world, top_up_minimum_fen=5_000)
    try:
        assert await outcome(cash(world, cashier, guest, amountFen=4_999)) == "AMOUNT_INVALID"
        assert await outcome(cash(world, cashier, guest, amountFen=5_000)) == "SUCCESS"
    finally:
        await settings(world, top_up_minimum_fen=before.top_up_minimum_fen)
