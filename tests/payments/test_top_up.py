"""Topping up: what it costs, what it gives, and that it happens once."""

import asyncio

import pytest

from scripts.client import Api, GraphQLFailed, Refused, new_key
from tests.payments.money import (
    CARDS,
    EVENTS,
    METHODS,
    PLATFORMS,
    T200,
    T500,
    T2000,
    T3000,
    TEAHOUSE_TIER,
    audited,
    balances,
    cards,
    customer_id,
    lines_of,
    rows,
    top_up,
    topped_up,
    until_status,
)
from tests.support.world import World

STATEMENT = """query($id: ID!) { node(id: $id) { ... on Card { status statement { nodes {
  kind amount { amountFen } balanceAfter { amountFen } } } } } }"""


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_tier_gives_its_bonus_and_every_fen_is_in_the_books(world: World, platform: str) -> None:
    """充 500 送 60: 50 000 fen of principal, 6 000 of bonus."""
    person = await world.person(platform)
    async with person.socket() as socket:
        cursor = (await person.ask(CARDS))["me"]["wallet"]["cursor"]
        updates = await socket.subscribe(EVENTS, after=cursor)
        opened = await top_up(world, person, tierId=T500)
        payment, card_id = opened["payment"], opened["card"]["id"]
        assert (payment["status"], payment["method"]) == ("PENDING", METHODS[platform])
        assert payment["amount"] == {"amountFen": 50_000, "display": "¥500.00"}
        assert opened["card"] == {"id": card_id, "status": "ACTIVE", "balance": {"amountFen": 0}}
        await world.phone.pay(payment)
        told = [await updates.next() for _ in range(4)]

    assert [each["__typename"] for each in told] == ["CardChanged", "PaymentChanged", "CardChanged", "PaymentChanged"]
    assert [told[at]["card"]["balance"]["amountFen"] for at in (0, 2)] == [0, 56_000]
    for at, status in ((1, "PENDING"), (3, "SUCCEEDED")):
        assert told[at]["payment"] == {"id": payment["id"], "status": status, "cards": [{"id": card_id}]}
    assert await balances(person, card_id) == (50_000, 6_000, 0)
    statement = (await person.ask(STATEMENT, id=card_id))["node"]["statement"]["nodes"]
    assert [(row["kind"], row["amount"]["amountFen"], row["balanceAfter"]["amountFen"]) for row in statement] == [
        ("BONUS", 6_000, 56_000),
        ("TOP_UP", 50_000, 50_000),
    ]
    assert await lines_of(world, f"capture:{payment['id']}") == {
        f"brand:{world.brand_id}:psp_receivable": -50_000,
        f"brand:{world.brand_id}:bonus_granted": -6_000,
        f"card:{card_id}:principal": 50_000,
        f"card:{card_id}:bonus": 6_000,
    }
    row = await until_status(world, payment["id"], "SUCCEEDED")
    assert (row["amount_fen"], row["refunded_fen"], row["poll_at"], row["revision"]) == (50_000, 0, None, 3)


async def test_any_amount_gives_no_bonus_and_a_second_top_up_goes_to_the_same_card(world: World) -> None:
    person = await world.person()
    first = await topped_up(world, person, amountFen=12_345)
    second = await topped_up(world, person, tierId=T200)
    assert first["card"]["id"] == second["card"]["id"]
    assert await balances(person, first["card"]["id"]) == (32_345, 1_500, 0)
    assert len(await cards(person)) == 1


async def test_the_same_key_is_the_same_payment_also_after_it_was_paid(world: World) -> None:
    person, key = await world.person(), new_key()
    first = await top_up(world, person, key, tierId=T500)
    again = await top_up(world, person, key, tierId=T500)
    assert again["payment"]["id"] == first["payment"]["id"]
    assert again["payment"]["clientParameters"]["package"] == first["payment"]["clientParameters"]["package"]
    await world.phone.pay(first["payment"])
    await until_status(world, first["payment"]["id"], "SUCCEEDED")
    later = await top_up(world, person, key, tierId=T500)
    assert (later["payment"]["id"], later["payment"]["status"]) == (first["payment"]["id"], "SUCCEEDED")
    assert later["payment"]["clientParameters"] is None
    assert later["card"]["balance"]["amountFen"] == 56_000
    assert len(await rows(world, "payments", customer_id=await customer_id(person))) == 1


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_fifty_copies_of_one_request_at_once_are_one_payment(world: World, platform: str) -> None:
    person, key = await world.person(platform), new_key()
    answers = await asyncio.gather(*(top_up(world, person, key, tierId=T500) for _ in range(50)))
    for answer in answers:  # a signature is made for each answer, and its second may differ
        answer["payment"]["clientParameters"] = answer["payment"]["clientParameters"]["package"]
    assert all(answer == answers[0] for answer in answers)
    mine = await rows(world, "payments", customer_id=await customer_id(person))
    assert [row["_id"] for row in mine] == [answers[0]["payment"]["id"]]
    there = [each for each in await world.phone.payments() if each["out_trade_no"] == mine[0]["_id"]]
    assert [(each["amount_fen"], each["state"]) for each in there] == [(50_000, "NOTPAY")]
    assert len(await rows(world, "cards", customer_id=await customer_id(person))) == 1


async def test_the_same_key_with_another_input_is_refused(world: World) -> None:
    person, key = await world.person(), new_key()
    await top_up(world, person, key, tierId=T500)
    for other in ({"tierId": T200}, {"amountFen": 50_000}):
        with pytest.raises(Refused) as refused:
            await top_up(world, person, key, **other)
        assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"
    somebody_else = await world.person()
    await top_up(world, somebody_else, key, tierId=T200)  # keys are each person's own
    assert len(await rows(world, "payments", customer_id=await customer_id(person))) == 1


AMOUNTS = [(99, "AMOUNT_INVALID"), (100, None), (500_000, None), (500_001, "AMOUNT_INVALID"), (0, "AMOUNT_INVALID")]


@pytest.mark.parametrize(("amount", "code"), [*AMOUNTS, (-1, "AMOUNT_INVALID"), (2**53 - 1, "AMOUNT_INVALID")])
async def test_an_amount_has_bounds(world: World, amount: int, code: str | None) -> None:
    person = await world.person()
    if code is None:
        assert (await top_up(world, person, amountFen=amount))["payment"]["amount"]["amountFen"] == amount
    else:
        assert await refusal(world, person, amountFen=amount) == (code, ["input", "amountFen"])
        assert await rows(world, "payments", customer_id=await customer_id(person)) == []


@pytest.mark.parametrize("amount", [2**53, -(2**53), 100.0, "100", True, 1e300])
async def test_what_is_no_whole_number_of_fen_is_not_even_input(world: World, amount: object) -> None:
    person = await world.person()
    with pytest.raises(GraphQLFailed) as failed:
        await top_up(world, person, amountFen=amount)
    assert failed.value.code == "BAD_USER_INPUT"


async def test_a_tier_is_of_this_brand_and_is_named_alone(world: World) -> None:
    person = await world.person()
    assert await refusal(world, person, tierId=TEAHOUSE_TIER) == ("TIER_UNKNOWN", ["input", "tierId"])
    assert await refusal(world, person, tierId="tir_nothing") == ("TIER_UNKNOWN", ["input", "tierId"])
    assert await refusal(world, person, tierId=T500, amountFen=50_000) == ("AMOUNT_INVALID", ["input", "amountFen"])
    assert await refusal(world, person) == ("AMOUNT_INVALID", ["input", "amountFen"])
    assert await refusal(world, person, tierId=T500, brandId="brd_nothing") == ("NOT_FOUND", ["input", "brandId"])
    assert await rows(world, "payments", customer_id=await customer_id(person)) == []


async def test_a_card_holds_no_more_than_the_law_allows(world: World) -> None:
    """After 充 3000 送 600 there is room for 140 000 fen below 500 000."""
    person = await world.person()
    opened = await topped_up(world, person, tierId=T3000)
    assert await balances(person, opened["card"]["id"]) == (300_000, 60_000, 0)
    assert (await refusal(world, person, tierId=T2000))[0] == "BALANCE_LIMIT"
    assert (await refusal(world, person, amountFen=140_001))[0] == "BALANCE_LIMIT"
    await topped_up(world, person, amountFen=140_000)
    assert await balances(person, opened["card"]["id"]) == (440_000, 60_000, 0)
    assert (await refusal(world, person, amountFen=100))[0] == "BALANCE_LIMIT"
    await audited(world)


@pytest.mark.parametrize("key", ["", "a b", "\n", "x" * 129])
async def test_a_key_that_is_none_is_refused_before_anything_is_done(world: World, key: str) -> None:
    person = await world.person()
    wanted = {"brandId": world.brand_id, "tierId": T500, "idempotencyKey": key}
    with pytest.raises(GraphQLFailed) as failed:
        await person.do("topUpCard", "card { id }", **wanted)
    assert failed.value.code == "BAD_USER_INPUT"
    assert await rows(world, "payments", customer_id=await customer_id(person)) == []


async def refusal(world: World, person: Api, **fields: object) -> tuple[str | None, list[str]]:
    """(code, field) of a refused top-up."""
    with pytest.raises(Refused) as refused:
        await top_up(world, person, **fields)
    return refused.value.code, refused.value.error["field"]
