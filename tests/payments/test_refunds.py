"""Refunds go back to where the money came from: once, under one number, whatever becomes of the answers."""

import asyncio
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from resolvers.payments.poll import poll_one_refund
from resolvers.payments.refunds import apply_refund
from resolvers.payments.settle import NoticeRefused
from resolvers.ports_payment import ProviderRefund, RefundState
from scripts.client import Api, Json, Refused, new_key
from tests.payments.diner import Diner, new_diner
from tests.payments.money import (
    NOTIFY,
    PLATFORMS,
    at_provider,
    faulty,
    lines_of,
    order_now,
    payment_row,
    rows,
    topped_up,
    until,
    until_order,
    until_status,
)
from tests.support.world import World

REFUND = {"WECHAT": "refund/domestic/refunds", "QQ": "qpay_refund.cgi"}
WANTED = "order { status refunded { amountFen } } refunded { amountFen } bySource { method amount { amountFen } }"


async def paid_order(world: World, diner: Diner) -> Json:
    """The diner's order is paid: 4 000 from the card, 5 800 outside; answers the outside payment."""
    payment = await diner.pay()
    await world.phone.pay(payment)
    await until_order(diner.api, diner.order, "PAID")
    return payment


@pytest.fixture(scope="module")
async def staff(world: World) -> Api:
    """The owner."""
    return await world.staff()


async def refund(staff: Api, diner: Diner, key: str | None = None, reason: str = "今日海鲜未到货") -> Json:
    wanted = {"orderId": diner.order["id"], "reason": reason, "idempotencyKey": key or new_key()}
    return await staff.do("refundOrder", WANTED, **wanted)


async def until_back(diner: Diner, *, asking: bool = True, seconds: float = 30.0) -> Json:
    """The order, once all 9 800 fen are back; the provider is asked at once instead of after two seconds."""

    async def look() -> Json | None:
        if asking:
            await ask_about_refunds(diner.world)
        order = await order_now(diner.api, diner.order)
        return order if order["refunded"]["amountFen"] == 9_800 else None

    return await until(look, seconds)


async def ask_about_refunds(world: World) -> None:
    """Let the time come at which the provider is asked about refunds, and have one asked about."""
    due = {"$set": {"poll_at": world.clock.now() - timedelta(seconds=1)}}
    await world.app.connection.collection("refunds").update_many({"status": "PROCESSING"}, due)
    await poll_one_refund(world.app)


async def back_at_provider(world: World, payment: Json) -> list[tuple[int, str]]:
    """The provider's refunds of a payment."""
    there = (await at_provider(world.phone, payment["id"]))["refunds"]
    return [(each["amount_fen"], each["state"]) for each in there]


async def test_each_source_gets_its_part_back_when_it_is_there(world: World, diner: Diner, staff: Api) -> None:
    """WeChat Pay tells by notification, QQ Wallet only when it is asked."""
    payment = await paid_order(world, diner)
    key = new_key()
    answer = await refund(staff, diner, key)
    assert answer["order"]["status"] == "REFUNDED"
    assert answer["order"]["refunded"]["amountFen"] == 4_000  # the card's part is back at once
    by_source = {each["method"]: each["amount"]["amountFen"] for each in answer["bySource"]}
    assert by_source == {"STORED_VALUE": 4_000, diner.outside["method"]: 5_800}
    assert await diner.balances() == (4_000, 0, 0)
    await until_back(diner, asking=False)
    assert await back_at_provider(world, payment) == [(5_800, "SUCCESS")]
    assert await diner.statuses() == ["REFUNDED", "REFUNDED"]
    assert (await refund(staff, diner, key))["refunded"]["amountFen"] == 9_800

    psp, sales = f"brand:{world.brand_id}:psp_receivable", f"brand:{world.brand_id}:sales"
    [asked] = await rows(world, "refunds", payment_id=payment["id"])
    assert (asked["amount_fen"], asked["status"], asked["due"]) == (5_800, "SETTLED", False)
    assert await lines_of(world, f"refund:{asked['_id']}") == {psp: 5_800, sales: -5_800}
    [held] = await rows(world, "payments", order_id=diner.order["id"], method="STORED_VALUE")
    principal = f"card:{diner.card_id}:principal"
    assert await lines_of(world, f"refund:{held['_id']}:{held['revision'] - 1}") == {principal: 4_000, sales: -4_000}


async def test_nothing_is_refunded_twice(world: World, diner: Diner, staff: Api) -> None:
    payment = await paid_order(world, diner)
    answers = await asyncio.gather(*(refund(staff, diner) for _ in range(10)), return_exceptions=True)
    refused = [each.code for each in answers if isinstance(each, Refused)]
    assert refused == ["STATUS_INVALID"] * 9
    await until_back(diner)
    with pytest.raises(Refused):
        await refund(staff, diner)
    assert await back_at_provider(world, payment) == [(5_800, "SUCCESS")]
    assert await diner.balances() == (4_000, 0, 0)
    assert len(await rows(world, "refunds", payment_id=payment["id"])) == 1


async def test_a_key_is_for_one_refund(world: World, diner: Diner, staff: Api) -> None:
    await paid_order(world, diner)
    key = new_key()
    await refund(staff, diner, key)
    with pytest.raises(Refused) as refused:
        await refund(staff, diner, key, "另一个原因")
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"


async def test_a_customer_who_cancels_a_paid_order_gets_everything_back(world: World, diner: Diner, staff: Api) -> None:
    payment = await paid_order(world, diner)
    for _ in range(2):
        answer = await diner.api.do("cancelOrder", "order { status }", orderId=diner.order["id"])
        assert answer["order"]["status"] == "CANCELLED"
    await until_back(diner)
    assert await back_at_provider(world, payment) == [(5_800, "SUCCESS")]
    assert await diner.balances() == (4_000, 0, 0)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_refunds_that_go_wrong_in_five_ways_go_right_under_the_same_number(
    world: World, platform: str, staff: Api
) -> None:
    modes = ["error", "html", "drop", "bad_signature", "duplicate"]
    diners = [await new_diner(world, platform) for _ in modes]
    payments = [await paid_order(world, diner) for diner in diners]
    async with AsyncExitStack() as stack:
        for mode in modes:  # each spoils one call
            await stack.enter_async_context(faulty(world, REFUND[platform], mode))
        for diner in diners:
            await refund(staff, diner)
        for diner in diners:
            await until_back(diner)
        async with world.http.get(f"{world.simulator}/_control/faults") as answer:
            assert await answer.json() == []
    for payment in payments:
        assert await back_at_provider(world, payment) == [(5_800, "SUCCESS")]
        assert len(await rows(world, "refunds", payment_id=payment["id"])) == 1


async def test_a_refund_whose_answer_and_notification_are_lost_is_found_out_and_made_once(
    world: World, staff: Api
) -> None:
    """The provider has refunded, nobody has told us: the retry names the same number, and asking settles it."""
    diners = [await new_diner(world, platform) for platform in PLATFORMS]
    payments = [await paid_order(world, diner) for diner in diners]
    async with (
        faulty(world, REFUND["WECHAT"], "timeout"),
        faulty(world, REFUND["QQ"], "timeout"),
        faulty(world, NOTIFY["WECHAT"], "drop", times=1_000),
    ):
        for diner in diners:
            await refund(staff, diner)
        for diner, payment in zip(diners, payments, strict=True):
            await until_back(diner, seconds=30)
            assert await back_at_provider(world, payment) == [(5_800, "SUCCESS")]
            assert len(await rows(world, "refunds", payment_id=payment["id"])) == 1
    for diner in diners:
        assert await diner.statuses() == ["REFUNDED", "REFUNDED"]


CLOSE = {"WECHAT": "/close", "QQ": "qpay_close_order"}


async def test_what_is_paid_for_a_cancelled_order_goes_back_by_itself(world: World) -> None:
    """One device cancels while another opens a payment: the order is cancelled, its payment is open and gets paid.

    WeChat tells us so. QQ does not, but the attempt to close the payment finds that it was paid.
    """
    diners = [await new_diner(world, platform) for platform in PLATFORMS]
    for diner in diners:
        await diner.pay()
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(faulty(world, NOTIFY["QQ"], "drop", times=1_000))
        for match in CLOSE.values():
            await stack.enter_async_context(faulty(world, match, "late"))
        wanted = "order { status }"
        cancelling = [
            asyncio.create_task(diner.api.do("cancelOrder", wanted, orderId=diner.order["id"])) for diner in diners
        ]
        await asyncio.sleep(0.5)
        payments = [await diner.pay() for diner in diners]
        for match in CLOSE.values():  # so that there is time to pay before we close it
            await stack.enter_async_context(faulty(world, match, "error"))
        assert [each["order"]["status"] for each in await asyncio.gather(*cancelling)] == ["CANCELLED"] * 2
        for payment in payments:
            assert (await payment_row(world, payment["id"]))["status"] == "CLOSED"
            await world.phone.pay(payment)
        for diner, payment in zip(diners, payments, strict=True):
            await goes_back(world, diner, payment)


async def goes_back(world: World, diner: Diner, payment: Json) -> None:
    """A payment of 5 800 fen for which nothing stands is booked as due back, and goes back."""

    async def refunded() -> bool:
        await ask_about_refunds(world)
        return bool((await payment_row(world, payment["id"]))["status"] == "REFUNDED")

    await until(refunded, 15)
    row = await payment_row(world, payment["id"])
    assert (row["amount_fen"], row["refunded_fen"], row["refunding_fen"]) == (5_800, 5_800, 0)
    assert await back_at_provider(world, payment) == [(5_800, "SUCCESS")]
    assert await diner.balances() == (4_000, 0, 0)
    order = await order_now(diner.api, diner.order)
    assert (order["status"], order["paid"]["amountFen"], order["refunded"]["amountFen"]) == ("CANCELLED", 0, 0)
    psp, due = f"brand:{world.brand_id}:psp_receivable", f"brand:{world.brand_id}:refunds_due"
    assert await lines_of(world, f"capture:{payment['id']}") == {psp: -5_800, due: 5_800}
    [back] = await rows(world, "refunds", payment_id=payment["id"])
    assert await lines_of(world, f"refund:{back['_id']}") == {psp: 5_800, due: -5_800}
    assert back["due"] is True


async def test_a_refund_that_was_never_asked_for_is_refused_by_us(world: World) -> None:
    """A notification about a refund of somebody else's system must not move our books."""
    person = await world.person()
    opened = await topped_up(world, person, amountFen=10_000)
    entries = len(await rows(world, "journal"))
    wallet = world.wired.wechat_pay
    assert (await wallet.query_refund("ref_nobody_asked_for")).state is RefundState.ABSENT
    with pytest.raises(NoticeRefused):
        await apply_refund(world.app, ProviderRefund("ref_nobody_asked_for", RefundState.SETTLED, 1))
    assert len(await rows(world, "journal")) == entries
    assert (await until_status(world, opened["payment"]["id"], "SUCCEEDED"))["refunded_fen"] == 0
