"""Buying vouchers, tea cards and passes: one payment for so many, issued when it is paid, refunded while untouched."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from resolvers.payments.model import Payment, PaymentStatus
from resolvers.payments.settle import close_unpaid
from scripts.client import Api, GraphQLFailed, Refused, new_key
from tests.coupons.offered import claim, offer
from tests.money.people import refund_payment, settings, until_back
from tests.payments.money import (
    METHODS,
    NOTIFY,
    PLATFORMS,
    PREPAY,
    at_provider,
    customer_id,
    faulty,
    rows,
    until,
    until_status,
)
from tests.sold import shop
from tests.sold.shop import BOUGHT, a_pass, a_tea_card, a_voucher, bought, buy, coupons, entry, let_close
from tests.support.following import follow
from tests.support.world import World
from tests.till.counter import outcome

EVENTS = """subscription { walletUpdates { __typename ... on CouponReceived { coupon { id status } }
  ... on CardChanged { card { id usesLeft } } ... on PaymentChanged { payment { status coupons { id } } } } }"""
PAYMENT_NOW = f"query($id: ID!) {{ node(id: $id) {{ ... on Payment {{ {BOUGHT[9:-1]} }} }} }}"


async def the_payment(world: World, payment_id: str) -> Payment:
    """Our own row of a payment."""
    payment = await world.app.payments.payment(payment_id)
    assert payment is not None
    return payment


async def payment_now(person: Api, payment_id: str) -> dict[str, object]:
    """A payment as its customer sees it."""
    found: dict[str, object] = (await person.ask(PAYMENT_NOW, id=payment_id))["node"]
    return found


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_three_vouchers_are_one_payment_and_three_coupons(world: World, platform: str) -> None:
    person, offered = await world.person(platform), await a_voucher(world, 800)
    before = await shop.sold_fen(world)
    payment = await buy(person, offered, 3)
    assert (payment["amount"]["amountFen"], payment["method"]) == (2_400, METHODS[platform])
    there = await at_provider(world.phone, payment["id"])
    assert there["amount_fen"] == 2_400
    assert await coupons(person) == []
    async with person.socket() as socket:
        updates = await follow(world.app, socket, EVENTS)
        await world.phone.pay(payment)
        told = [await updates.next() for _ in range(4)]
    assert [each["__typename"] for each in told] == ["CouponReceived"] * 3 + ["PaymentChanged"]
    mine = await coupons(person)
    assert [(each["status"], each["template"]["id"]) for each in mine] == [("AVAILABLE", offered.id)] * 3
    assert {each["id"] for each in told[3]["payment"]["coupons"]} == {each["id"] for each in mine}
    assert await entry(world, f"capture:{payment['id']}") == {"psp_receivable": -2_400, "vouchers_sold": 2_400}
    assert await shop.sold_fen(world) - before == 2_400
    assert {row["payment_id"] for row in await rows(world, "coupons", template_id=offered.id)} == {payment["id"]}


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_pass_is_a_card_with_its_uses(world: World, platform: str) -> None:
    person, offered = await world.person(platform), await a_pass(world, 3, 1_000)
    row = await bought(world, person, offered, 2)
    assert (row["amount_fen"], row["coupon_ids"], len(row["card_ids"])) == (2_000, [], 2)
    for card_id in row["card_ids"]:
        found = await shop.card(person, card_id)
        assert (found["kind"], found["status"], found["usesLeft"], found["canGive"]) == ("PASS", "ACTIVE", 3, True)
        assert (found["balance"]["amountFen"], found["statement"]["nodes"]) == (0, [])
    lines = await shop.lines_of(world, f"capture:{row['_id']}")
    brand = f"brand:{world.brand_id}"
    assert lines == {
        f"{brand}:psp_receivable": -2_000,
        f"{brand}:vouchers_sold": 2_000,
        f"{brand}:uses_sold": -6,
        **{f"card:{card_id}:uses": 3 for card_id in row["card_ids"]},
    }


async def test_what_is_sold_is_offered_with_its_price_and_cannot_be_claimed(world: World) -> None:
    person = await world.person()
    for offered in (await a_voucher(world, 800), await a_pass(world, 10, 12_800)):
        query = "query($id: ID!) { node(id: $id) { ... on CouponTemplate { price { amountFen } passUses headline } } }"
        found = (await person.ask(query, id=offered.id))["node"]
        assert (found["price"]["amountFen"], found["passUses"]) == (offered.price_fen, offered.pass_uses)
        assert await outcome(claim(person, offered)) == "NOT_ELIGIBLE"
    free = await offer(world, shop.CouponKind.CASH, amount_off_fen=100)
    assert await outcome(buy(person, free)) == "NOT_ELIGIBLE"
    assert await rows(world, "payments", customer_id=await customer_id(person)) == []


async def test_the_demo_sells_a_tea_card_a_voucher_and_a_pass(world: World) -> None:
    person = await world.person()
    query = """query($id: ID!) { brand(id: $id) { claimableCoupons(first: 100) { nodes { id passUses
      price { amountFen } } } } }"""
    offered = (await person.ask(query, id=world.brand_id))["brand"]["claimableCoupons"]["nodes"]
    prices = {each["id"]: (each["price"] and each["price"]["amountFen"], each["passUses"]) for each in offered}
    ids = world.seeded["template_ids"]
    assert prices[ids["tea-card-sold"]] == (1_500, None)
    assert prices[ids["mooncake-100"]] == (8_000, None)
    assert prices[ids["milk-pass"]] == (12_800, 10)


async def test_buying_is_refused_with_its_own_reason(world: World) -> None:
    person, now = await world.person(), world.clock.now()
    later, gone = now + timedelta(hours=1), now - timedelta(hours=1)
    cases = {
        "NOT_STARTED": await a_voucher(world, starts_at=later),
        "ENDED": await a_voucher(world, ends_at=gone),
        "NOT_ELIGIBLE": await a_voucher(world, levels=("GOLD",)),
        "SOLD_OUT": await a_voucher(world, total=0),
        "LIMIT_REACHED": await a_voucher(world, per_customer=0),
        "NOT_FOUND": await a_voucher(world, claimable=False),
    }
    for code, offered in cases.items():
        assert await outcome(buy(person, offered)) == code
    assert await rows(world, "payments", customer_id=await customer_id(person)) == []
    fine = await a_voucher(world)
    for quantity in (0, 21, -1):
        with pytest.raises(GraphQLFailed) as failed:
            await buy(person, fine, quantity)
        assert failed.value.code == "BAD_USER_INPUT"
    key = new_key()
    first = await buy(person, fine, 20, key)
    assert first["amount"]["amountFen"] == 16_000
    assert (await buy(person, fine, 20, key))["id"] == first["id"]
    assert await outcome(buy(person, fine, 19, key)) == "IDEMPOTENCY_KEY_REUSED"


async def test_a_payment_that_cannot_be_opened_leaves_nothing_taken(world: World) -> None:
    person, offered = await world.person(), await a_voucher(world, total=1, per_customer=1, per_customer_day=1)
    async with faulty(world, PREPAY["WECHAT"], "error", times=3):
        assert await outcome(buy(person, offered)) == "PAYMENT_UNAVAILABLE"
    await until(lambda: _left(world, offered.id, 1))
    await buy(person, offered)  # neither the piece nor the count is lost


async def test_a_payment_that_is_paid_after_it_was_closed_goes_back_by_itself(world: World) -> None:
    person, offered = await world.person(), await a_voucher(world, 800, total=5)
    payment = await buy(person, offered, 2)
    await close_unpaid(world.app, await the_payment(world, payment["id"]), PaymentStatus.CLOSED)
    await until(lambda: _left(world, offered.id, 5))
    async with faulty(world, NOTIFY["WECHAT"], "duplicate"):
        await world.phone.pay(payment)
        await until_back(world, payment["id"])
    assert await coupons(person) == []
    assert await entry(world, f"capture:{payment['id']}") == {"psp_receivable": -800 * 2, "refunds_due": 800 * 2}
    assert (await _left(world, offered.id, 5), await _count(world, offered.id, person)) == (True, 0)


async def test_what_has_ended_by_the_time_it_is_paid_goes_back_with_its_pieces(world: World) -> None:
    person = await world.person()
    offered = await a_voucher(world, 800, total=3)
    payment = await buy(person, offered, 2)
    await world.app.coupons.put_template(replace(offered, valid_until=world.clock.now()))
    await world.phone.pay(payment)
    await until_back(world, payment["id"])
    await until(lambda: _left(world, offered.id, 3))
    assert (await coupons(person), await _count(world, offered.id, person)) == ([], 0)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_untouched_coupons_go_back_whole(world: World, platform: str) -> None:
    person, offered = await world.person(platform), await a_tea_card(world, total=10, per_customer=2)
    row = await bought(world, person, offered, 2)
    found = await payment_now(person, row["_id"])
    assert (found["canRefund"], found["refundable"]) == (True, {"amountFen": 3_000})
    assert await outcome(buy(person, offered)) == "LIMIT_REACHED"
    await refund_payment(person, row["_id"])
    await until_back(world, row["_id"])
    assert (await payment_now(person, row["_id"]))["status"] == "REFUNDED"
    assert {each["status"] for each in await rows(world, "coupons", template_id=offered.id)} == {"VOIDED"}
    assert await entry(world, f"undo:{row['_id']}") == {"vouchers_sold": -3_000, "refunds_due": 3_000}
    assert await coupons(person) == []
    await until(lambda: _left(world, offered.id, 10))
    await buy(person, offered, 2)  # what went back counts for nobody
    with pytest.raises(Refused) as refused:
        await refund_payment(person, row["_id"])
    assert refused.value.code == "NOT_REFUNDABLE"


async def test_an_untouched_pass_goes_back_and_is_closed(world: World) -> None:
    person = await world.person()
    offered = await a_pass(world, 3, 1_000, total=4)
    row = await bought(world, person, offered, 2)
    await refund_payment(person, row["_id"])
    await until_back(world, row["_id"])
    assert [await shop.uses(person, card_id) for card_id in row["card_ids"]] == [("CLOSED", 0)] * 2
    lines = await shop.lines_of(world, f"undo:{row['_id']}")
    assert {lines[f"card:{card_id}:uses"] for card_id in row["card_ids"]} == {-3}
    assert lines[f"brand:{world.brand_id}:uses_sold"] == 6
    await until(lambda: _left(world, offered.id, 4))


async def test_a_refund_is_refused_after_its_days(world: World) -> None:
    person, kept = await world.person(), await settings(world, top_up_refund_days=7)
    row = await bought(world, person, await a_voucher(world))
    try:
        await settings(world, top_up_refund_days=0)
        assert (await payment_now(person, row["_id"]))["canRefund"] is False
        assert await outcome(refund_payment(person, row["_id"])) == "NOT_REFUNDABLE"
    finally:
        await settings(world, top_up_refund_days=kept.top_up_refund_days)
    assert (await payment_now(person, row["_id"]))["canRefund"] is True


async def test_two_refunds_at_once_give_the_money_back_once(world: World) -> None:
    person, offered = await world.person(), await a_voucher(world, 800, total=2)
    row = await bought(world, person, offered, 2)
    outcomes = await asyncio.gather(*(outcome(refund_payment(person, row["_id"])) for _ in range(5)))
    assert sorted(str(each) for each in outcomes) == ["NOT_REFUNDABLE"] * 4 + ["SUCCESS"]
    await until_back(world, row["_id"])
    assert (await at_provider(world.phone, row["_id"]))["refunds"][0]["amount_fen"] == 1_600
    await until(lambda: _left(world, offered.id, 2))


async def test_a_closed_payment_frees_what_it_had_for_a_customer(world: World) -> None:
    person, offered = await world.person(), await a_voucher(world, per_customer=1, per_customer_day=1, per_day=1)
    payment = await buy(person, offered)
    assert await outcome(buy(person, offered)) == "SOLD_OUT"
    await let_close(world, payment["id"])
    brand = await world.app.brands.brand(world.brand_id)
    assert brand is not None
    day = offered.day_counter_id(brand.business_day(world.clock.now())) or ""

    async def back() -> bool:
        return (await world.app.work_store.left([day])).get(day) == 1

    await until(back)
    again = await buy(person, offered)
    await world.phone.pay(again)
    await until_status(world, again["id"], "SUCCEEDED")
    assert len(await coupons(person)) == 1


async def _left(world: World, template_id: str, wanted: int) -> bool:
    counter_id = f"template:{template_id}"
    return (await world.app.work_store.left([counter_id])).get(counter_id) == wanted


async def _count(world: World, template_id: str, person: Api) -> int:
    owner = await customer_id(person)
    return (await world.app.coupons.counts.counts_for_customer([template_id], [owner])).get(template_id, 0)
