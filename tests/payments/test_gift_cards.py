"""Buying gift cards: so many cards for one payment, each of its face value."""

import pytest

from scripts.client import PAYMENT, Api, Json, Refused, new_key
from tests.payments.money import (
    CARDS,
    DESIGN,
    EVENTS,
    PLATFORMS,
    at_provider,
    cards,
    customer_id,
    lines_of,
    rows,
    until_status,
)
from tests.support.world import World


async def buy(person: Api, key: str | None = None, **fields: object) -> Json:
    """Ask for gift cards; answers the payment."""
    wanted = {"designId": DESIGN, "faceValueFen": 20_000, "idempotencyKey": key or new_key(), **fields}
    payment: Json = (await person.do("buyGiftCard", PAYMENT, **wanted))["payment"]
    return payment


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_three_cards_of_two_hundred_are_one_payment_of_six_hundred(world: World, platform: str) -> None:
    person, key = await world.person(platform), new_key()
    payment = await buy(person, key, quantity=3)
    assert payment["amount"]["amountFen"] == 60_000
    assert (await at_provider(world.phone, payment["id"]))["amount_fen"] == 60_000
    assert await cards(person) == []
    async with person.socket() as socket:
        cursor = (await person.ask(CARDS))["me"]["wallet"]["cursor"]
        updates = await socket.subscribe(EVENTS, after=cursor)
        await world.phone.pay(payment)
        told = [await updates.next() for _ in range(4)]
    assert [each["__typename"] for each in told] == ["CardChanged"] * 3 + ["PaymentChanged"]
    assert [each["card"]["balance"]["amountFen"] for each in told[:3]] == [20_000] * 3
    bought = {each["card"]["id"] for each in told[:3]}
    assert len(bought) == 3
    assert {each["id"] for each in told[3]["payment"]["cards"]} == bought

    mine = await cards(person)
    assert [(each["kind"], each["status"], each["balance"]["amountFen"]) for each in mine] == [
        ("GIFT_CARD", "ACTIVE", 20_000)
    ] * 3
    assert await lines_of(world, f"capture:{payment['id']}") == {
        f"brand:{world.brand_id}:psp_receivable": -60_000,
        **{f"card:{card_id}:principal": 20_000 for card_id in bought},
    }
    assert (await buy(person, key, quantity=3))["status"] == "SUCCEEDED"
    with pytest.raises(Refused) as refused:
        await buy(person, key, quantity=2)
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"
    assert len(await cards(person)) == 3


@pytest.mark.parametrize("quantity", [0, 21, -1])
async def test_one_buys_one_to_twenty_at_a_time(world: World, quantity: int) -> None:
    person = await world.person()
    with pytest.raises(Refused) as refused:
        await buy(person, quantity=quantity)
    assert refused.value.code == "AMOUNT_INVALID"
    assert await rows(world, "payments", customer_id=await customer_id(person)) == []


async def test_twenty_cards_arrive_together(world: World) -> None:
    person = await world.person()
    payment = await buy(person, quantity=20, faceValueFen=10_000)
    await world.phone.pay(payment)
    row = await until_status(world, payment["id"], "SUCCEEDED")
    assert (row["amount_fen"], len(set(row["card_ids"]))) == (200_000, 20)
    assert sorted(row["card_ids"]) == sorted(each["id"] for each in await cards(person))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"faceValueFen": 20_001}, "AMOUNT_INVALID"),
        ({"faceValueFen": 0}, "AMOUNT_INVALID"),
        ({"faceValueFen": -20_000}, "AMOUNT_INVALID"),
        ({"faceValueFen": 5_000}, "AMOUNT_INVALID"),  # another design has it
        ({"designId": "dsg_nothing"}, "NOT_FOUND"),
    ],
)
async def test_a_card_that_is_not_on_sale_is_refused(world: World, fields: dict[str, object], code: str) -> None:
    person = await world.person()
    with pytest.raises(Refused) as refused:
        await buy(person, **fields)
    assert refused.value.code == code
    assert await rows(world, "payments", customer_id=await customer_id(person)) == []


async def test_a_customer_who_lets_it_be_has_bought_nothing(world: World) -> None:
    """The bank says no, the sheet is shut: the payment waits and can still be paid."""
    person = await world.person()
    payment = await buy(person)
    for outcome in ("FAIL", "ABANDON"):
        await world.phone.pay(payment, outcome=outcome)
    assert await cards(person) == []
    await world.phone.pay(payment)
    await until_status(world, payment["id"], "SUCCEEDED")
    assert len(await cards(person)) == 1
