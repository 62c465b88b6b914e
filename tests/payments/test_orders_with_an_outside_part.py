"""An order paid from a card and outside: held while it waits, captured or released as one, and never paid twice."""

import asyncio
from datetime import timedelta

import pytest

from resolvers.jobs import tidy_orders
from resolvers.ordering.cancel import cancel_lapsed
from scripts.client import Json, Refused, new_key
from tests.payments.diner import Diner, new_diner
from tests.payments.money import (
    METHODS,
    NOTIFY,
    PLATFORMS,
    PREPAY,
    ask_provider,
    at_provider,
    faulty,
    lines_of,
    order_now,
    pay_order,
    payment_row,
    place,
    rows,
    topped_up,
    until,
    until_order,
    until_status,
)
from tests.support.world import World

CLOSE = {"WECHAT": "/close", "QQ": "qpay_close_order"}


async def test_the_card_is_held_while_it_waits_and_taken_when_the_rest_is_paid(world: World, diner: Diner) -> None:
    payment = await diner.pay()
    assert payment["amount"]["amountFen"] == 5_800
    assert await diner.balances() == (4_000, 0, 4_000)
    assert await diner.statuses() == ["PENDING", "PENDING"]
    assert (await order_now(diner.api, diner.order))["status"] == "AWAITING_PAYMENT"
    # what is held is spoken for
    other = await place(world, diner.api, "plain-rice")
    with pytest.raises(Refused) as refused:
        await pay_order(diner.api, other, {"method": "STORED_VALUE", "cardId": diner.card_id})
    assert refused.value.code == "INSUFFICIENT_BALANCE"
    await world.phone.pay(payment)
    paid = await until_order(diner.api, diner.order, "PAID")
    assert paid["paid"]["amountFen"] == 9_800
    assert await diner.balances() == (0, 0, 0)
    assert await diner.statuses() == ["SUCCEEDED", "SUCCEEDED"]
    psp, sales = f"brand:{world.brand_id}:psp_receivable", f"brand:{world.brand_id}:sales"
    assert await lines_of(world, f"capture:{payment['id']}") == {psp: -5_800, sales: 5_800}
    [held] = await rows(world, "payments", order_id=diner.order["id"], method="STORED_VALUE")
    principal = f"card:{diner.card_id}:principal"
    assert await lines_of(world, f"capture:{held['_id']}") == {principal: -4_000, sales: 4_000}
    assert await diner.refused() == "NOT_PAYABLE"


async def test_what_was_held_is_free_again_when_the_outside_part_ends_unpaid(world: World, diner: Diner) -> None:
    payment = await diner.pay()
    over = {"$set": {"expires_at": world.clock.now() - timedelta(seconds=1)}}
    await world.app.connection.collection("payments").update_one({"_id": payment["id"]}, over)
    await ask_provider(world, payment["id"])
    await until_status(world, payment["id"], "CLOSED")
    assert await diner.balances() == (4_000, 0, 0)
    assert await diner.statuses() == ["CLOSED", "CLOSED"]
    assert (await at_provider(world.phone, payment["id"]))["state"] == "CLOSED"
    again = await diner.pay()  # the order still waits to be paid
    await world.phone.pay(again)
    await until_order(diner.api, diner.order, "PAID")


async def test_an_order_that_nobody_pays_in_time_lets_everything_go(world: World, diner: Diner) -> None:
    payment = await diner.pay()
    await _time_is_over(world, diner)
    # Somebody may have paid a moment ago: until the provider has said no, it is not shown as cancelled.
    assert (await order_now(diner.api, diner.order))["status"] == "AWAITING_PAYMENT"
    await until_status(world, payment["id"], "CLOSED")  # by the poller, at the provider first
    assert (await order_now(diner.api, diner.order))["status"] == "CANCELLED"  # before any sweeper
    assert await diner.balances() == (4_000, 0, 0)
    assert await diner.refused() == "NOT_PAYABLE"
    with pytest.raises(RuntimeError, match="closed"):
        await world.phone.pay(payment)
    await tidy_orders(world.app)
    assert (await order_now(diner.api, diner.order))["status"] == "CANCELLED"


async def test_an_order_paid_at_the_last_moment_is_paid(world: World, diner: Diner) -> None:
    """Nobody tells us: only our own asking finds out, and until then it is never shown as cancelled."""
    payment = await diner.pay()
    async with faulty(world, f"notify:{diner.platform.lower()}", "drop", times=1_000):
        await world.phone.pay(payment)
        await _time_is_over(world, diner)
        assert (await order_now(diner.api, diner.order))["status"] in ("AWAITING_PAYMENT", "PAID")
        await tidy_orders(world.app)
        paid = await until_order(diner.api, diner.order, "PAID")
    assert [each["status"] for each in paid["payments"]] == ["SUCCEEDED", "SUCCEEDED"]
    assert await diner.balances() == (0, 0, 0)
    row = await world.app.connection.collection("orders").find_one({"_id": diner.order["id"]})
    assert row is not None
    assert "CANCELLED" not in [moment["status"] for moment in row["timeline"]]


async def test_a_provider_that_is_away_keeps_only_its_own_orders_waiting(world: World) -> None:
    diners = [await new_diner(world, platform) for platform in PLATFORMS]
    payments = [await diner.pay() for diner in diners]
    async with faulty(world, CLOSE["WECHAT"], "error", times=1_000):
        for diner in diners:
            await _time_is_over(world, diner)
        await until_status(world, payments[1]["id"], "CLOSED")
        assert await diners[1].balances() == (4_000, 0, 0)
        assert (await payment_row(world, payments[0]["id"]))["status"] == "PENDING"
        assert await diners[0].balances() == (4_000, 0, 4_000)
        await tidy_orders(world.app)
        assert (await order_now(diners[1].api, diners[1].order))["status"] == "CANCELLED"
        assert await cancel_lapsed(world.app) == 0  # what must wait does not keep the sweeper busy
    await _time_is_over(world, diners[0])
    await until_status(world, payments[0]["id"], "CLOSED")
    assert await diners[0].balances() == (4_000, 0, 0)


async def _time_is_over(world: World, diner: Diner) -> None:
    """As if payBefore had passed: for the order, and for the payment that waits, which is then asked about."""
    past = world.clock.now() - timedelta(seconds=1)
    order, database = {"_id": diner.order["id"]}, world.app.connection
    await database.collection("orders").update_one(order, {"$set": {"pay_before": past}})
    waiting = {"order_id": diner.order["id"], "status": "PENDING", "prepay_id": {"$ne": None}}
    await database.collection("payments").update_many(waiting, {"$set": {"expires_at": past, "poll_at": past}})


async def test_a_second_call_supersedes_the_payment_that_waits(world: World, diner: Diner) -> None:
    first = await diner.pay()
    second = await diner.pay(diner.outside)
    assert (await at_provider(world.phone, first["id"]))["state"] == "CLOSED"
    assert (second["amount"]["amountFen"], await diner.balances()) == (9_800, (4_000, 0, 0))
    assert sorted(await diner.statuses()) == ["CLOSED", "CLOSED", "PENDING"]
    with pytest.raises(RuntimeError, match="closed"):
        await world.phone.pay(first)
    await world.phone.pay(second)
    assert (await until_order(diner.api, diner.order, "PAID"))["paid"]["amountFen"] == 9_800
    assert await diner.balances() == (4_000, 0, 0)


async def test_a_payment_made_a_moment_before_is_captured_and_not_superseded(world: World, diner: Diner) -> None:
    first = await diner.pay()
    async with faulty(world, NOTIFY[diner.platform], "drop", times=1_000):
        await world.phone.pay(first)
        assert await diner.refused(diner.outside) == "NOT_PAYABLE"
    paid = await order_now(diner.api, diner.order)
    assert (paid["status"], paid["paid"]["amountFen"]) == ("PAID", 9_800)
    assert await diner.balances() == (0, 0, 0)
    assert await diner.statuses() == ["SUCCEEDED", "SUCCEEDED"]


async def test_nothing_is_superseded_while_the_provider_cannot_be_asked(world: World, diner: Diner) -> None:
    first = await diner.pay()
    async with faulty(world, CLOSE[diner.platform], "error", times=2):
        assert await diner.refused(diner.outside) == "PAYMENT_UNAVAILABLE"
        with pytest.raises(Refused) as refused:
            await diner.api.do("cancelOrder", "order { status }", orderId=diner.order["id"])
        assert refused.value.code == "PAYMENT_UNAVAILABLE"
    assert await diner.statuses() == ["PENDING", "PENDING"]
    assert await diner.balances() == (4_000, 0, 4_000)
    await world.phone.pay(first)
    await until_order(diner.api, diner.order, "PAID")


@pytest.mark.parametrize("diner", ["WECHAT"], indirect=True)
async def test_a_call_whose_provider_never_answers_leaves_the_next_one_alone(world: World, diner: Diner) -> None:
    """The first call still waits for its prepay when a second device supersedes it; its end must not end the second."""
    async with faulty(world, PREPAY[diner.platform], "timeout"):
        first = asyncio.create_task(diner.refused())

        async def written() -> bool:
            return "PENDING" in await diner.statuses()

        await until(written)
        await asyncio.sleep(0.1)
        second = await diner.pay()
        assert await first == "PAYMENT_UNAVAILABLE"
    assert (await payment_row(world, second["id"]))["status"] == "PENDING"
    assert await diner.balances() == (4_000, 0, 4_000)
    await world.phone.pay(second)
    assert (await until_order(diner.api, diner.order, "PAID"))["paid"]["amountFen"] == 9_800
    assert await diner.balances() == (0, 0, 0)


@pytest.mark.parametrize("diner", ["QQ"], indirect=True)
async def test_a_call_overtaken_before_its_payment_was_open_gives_its_key_back(world: World, diner: Diner) -> None:
    key = new_key()
    async with faulty(world, PREPAY[diner.platform], "late"):
        first = asyncio.create_task(diner.pay(diner.card, diner.outside, key=key))

        async def written() -> bool:
            return "PENDING" in await diner.statuses()

        await until(written)
        await asyncio.sleep(0.1)
        second = await diner.pay()
        with pytest.raises(Refused) as refused:
            await first
        assert refused.value.code == "PAYMENT_UNAVAILABLE"
    third = await diner.pay(diner.card, diner.outside, key=key)
    assert third["id"] != second["id"]
    assert (await payment_row(world, second["id"]))["status"] == "CLOSED"
    await world.phone.pay(third)
    await until_order(diner.api, diner.order, "PAID")


async def test_of_two_devices_paying_at_once_one_pays(world: World, diner: Diner) -> None:
    answers = await asyncio.gather(*(diner.pay() for _ in range(8)), return_exceptions=True)
    opened = [each for each in answers if not isinstance(each, BaseException)]
    assert {getattr(each, "code", None) for each in answers if isinstance(each, BaseException)} <= {
        "NOT_PAYABLE",
        "PAYMENT_UNAVAILABLE",
    }
    waiting = [each for each in opened if (await payment_row(world, each["id"]))["status"] == "PENDING"]
    assert len(waiting) == 1
    assert await diner.balances() == (4_000, 0, 4_000)
    await world.phone.pay(waiting[0])
    assert (await until_order(diner.api, diner.order, "PAID"))["paid"]["amountFen"] == 9_800
    assert (await diner.statuses()).count("SUCCEEDED") == 2
    assert await diner.balances() == (0, 0, 0)


async def test_of_two_cards_paying_at_once_one_pays(world: World, diner: Diner) -> None:
    await topped_up(world, diner.api, amountFen=20_000)
    whole = {"method": "STORED_VALUE", "cardId": diner.card_id}
    answers = await asyncio.gather(
        *(pay_order(diner.api, diner.order, whole) for _ in range(8)), return_exceptions=True
    )
    refused = [each for each in answers if isinstance(each, BaseException)]
    assert [getattr(each, "code", None) for each in refused] == ["NOT_PAYABLE"] * 7
    assert await diner.balances() == (14_200, 0, 0)


@pytest.mark.parametrize(
    ("tenders", "code"),
    [
        ([{"amountFen": 9_801}], "AMOUNT_INVALID"),
        ([{"amountFen": 9_799}], "AMOUNT_INVALID"),
        ([{"amountFen": 0}], "AMOUNT_INVALID"),
        ([{"amountFen": -1}], "AMOUNT_INVALID"),
        ([{}, {}], "AMOUNT_INVALID"),
        ([{"amountFen": 4_900}, {"amountFen": 4_900}], "AMOUNT_INVALID"),
        ([{"method": "PASS"}], "AMOUNT_INVALID"),
        ([{}], "PAYMENT_UNAVAILABLE"),
    ],
)
async def test_tenders_must_add_up_and_be_of_this_app(diner: Diner, tenders: list[Json], code: str) -> None:
    other = METHODS["QQ" if diner.platform == "WECHAT" else "WECHAT"]
    elsewhere = {"method": other} if code == "PAYMENT_UNAVAILABLE" else {}
    assert await diner.refused(*({**diner.outside, **elsewhere, **each} for each in tenders)) == code
    assert await diner.statuses() == []
