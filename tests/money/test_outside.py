"""What goes wrong outside: refunds that cannot be carried out, shipping info, dead letters, sums that do not fit."""

from typing import Any

import pytest

from resolvers.jobs import poll_once, run_outbox_once
from resolvers.ports import OutsideFault
from scripts.client import PAYMENT, Api, Json, Refused, new_key
from scripts.demo_brands import made_id
from tests.money.people import pay_for, refund_payment, top_up, topped_up, until_back
from tests.payments.money import METHODS, faulty, order_now, pay_order, place, until, until_order
from tests.support.core import books_are_in_order
from tests.support.world import World

DISH = "razor-clams"
LAST_TRY = 57  # of the outbox: 9 waits up to half an hour, then 48 of an hour


async def incidents(world: World, subject_id: str, *, open_ones: bool = True) -> list[Json]:
    """What the owner sees about a thing."""
    owner = await world.staff("owner")
    query = "query($open: Boolean!) { incidents(open: $open, first: 100) { nodes { id kind summary resolvedAt } } }"
    nodes = (await owner.ask(query, open=open_ones))["incidents"]["nodes"]
    rows = await world.app.connection.collection("incidents").find({"subject_id": subject_id}).to_list(None)
    return [each for each in nodes if each["id"] in {row["_id"] for row in rows}]


async def retry(world: World, incident: Json) -> Json:
    """Try an incident again."""
    owner = await world.staff("owner")
    answer = await owner.do("retryIncident", "incident { id resolvedAt }", incidentId=incident["id"])
    found: Json = answer["incident"]
    return found


async def at_provider(world: World, payment_id: str) -> Json:
    """The provider's own view of a payment."""
    return next(each for each in await world.phone.payments() if each["out_trade_no"] == payment_id)


async def refund_row(world: World, payment_id: str) -> Json:
    """Our refund of a payment."""
    [row] = await world.app.connection.collection("refunds").find({"payment_id": payment_id}).to_list(None)
    return row


async def going_back(world: World, payment_id: str) -> tuple[int, int]:
    """(refunding, refunded) of a payment, in fen."""
    payment = await world.app.payments.payment(payment_id)
    assert payment is not None
    return payment.refunding_fen, payment.refunded_fen


async def until_refund(world: World, payment_id: str, status: str) -> Json:
    """The refund once it has a status; the poller is asked to hurry."""

    async def look() -> Json | None:
        await world.app.connection.collection("refunds").update_many(
            {"payment_id": payment_id, "status": "PROCESSING"}, {"$set": {"poll_at": world.clock.now()}}
        )
        try:
            await poll_once(world.app)
        except OutsideFault:
            return None
        row = await refund_row(world, payment_id)
        return row if row["status"] == status else None

    return await until(look, 20)


@pytest.mark.parametrize("platform", ["WECHAT", "QQ"])
@pytest.mark.parametrize("end", ["ABNORMAL", "CLOSED"])
async def test_a_refund_that_fails_waits_for_a_person_and_keeps_its_number(
    world: World, platform: str, end: str
) -> None:
    person = await world.person(platform)
    opened = await topped_up(world, person, amountFen=7_700)
    payment_id = opened["payment"]["id"]
    await world.phone.control("refunds", next=end, times=1)
    await refund_payment(person, payment_id)
    row = await until_refund(world, payment_id, "ABNORMAL")
    [incident] = await incidents(world, row["_id"])
    assert (incident["kind"], "¥77.00" in incident["summary"]) == ("ABNORMAL_REFUND", True)
    payment = await world.app.payments.payment(payment_id)
    assert payment is not None
    assert (payment.refunding_fen, payment.refunded_fen) == (7_700, 0)  # still owed

    if end == "ABNORMAL":
        assert (await retry(world, incident))["resolvedAt"] is None  # as abnormal as it was
        await until_refund(world, payment_id, "ABNORMAL")
        await world.phone.control("refund", out_refund_no=row["_id"], state="SUCCESS")
    await retry(world, incident)
    await until_refund(world, payment_id, "SETTLED")
    [settled] = await incidents(world, row["_id"], open_ones=False)
    assert settled["resolvedAt"] is not None
    refunds = (await at_provider(world, payment_id))["refunds"]
    assert [(each["out_refund_no"], each["state"]) for each in refunds] == [(row["_id"], "SUCCESS")]
    await books_are_in_order(world)


@pytest.mark.parametrize("platform", ["WECHAT", "QQ"])
async def test_a_refund_in_progress_is_asked_about_until_it_is_there(world: World, platform: str) -> None:
    person = await world.person(platform)
    opened = await topped_up(world, person, amountFen=500)
    await world.phone.control("refunds", next="PROCESSING", times=1)
    await refund_payment(person, opened["payment"]["id"])
    row = await until_refund(world, opened["payment"]["id"], "PROCESSING")
    assert await going_back(world, opened["payment"]["id"]) == (500, 0)
    async with faulty(world, "notify", "drop", times=20):
        await world.phone.control("refund", out_refund_no=row["_id"], state="SUCCESS")
        await until_refund(world, opened["payment"]["id"], "SETTLED")
    assert await going_back(world, opened["payment"]["id"]) == (0, 500)


@pytest.mark.parametrize(
    ("platform", "mode"), [("WECHAT", "error"), ("WECHAT", "drop"), ("QQ", "error"), ("QQ", "drop")]
)
async def test_a_refund_is_asked_for_again_under_the_same_number(world: World, platform: str, mode: str) -> None:
    match = {"WECHAT": "refund/domestic/refunds", "QQ": "qpay_refund.cgi"}[platform]
    person = await world.person(platform)
    opened = await topped_up(world, person, amountFen=900)
    async with faulty(world, match, mode, times=2):
        await refund_payment(person, opened["payment"]["id"])
        await until_back(world, opened["payment"]["id"])
    row = await refund_row(world, opened["payment"]["id"])
    refunds = (await at_provider(world, opened["payment"]["id"]))["refunds"]
    assert [(each["out_refund_no"], each["amount_fen"]) for each in refunds] == [(row["_id"], 900)]


async def test_a_refund_that_the_provider_has_lost_is_asked_for_again(world: World) -> None:
    """We think that it is in progress, the provider knows nothing of it: as after a fail-over on their side."""
    person = await world.person()
    opened = await topped_up(world, person, amountFen=600)
    async with faulty(world, "refund/domestic/refunds", "error", times=1):
        await refund_payment(person, opened["payment"]["id"])
        row = await refund_row(world, opened["payment"]["id"])
        await until(lambda: _tried(world, row["_id"]))
        assert (await at_provider(world, opened["payment"]["id"]))["refunds"] == []
        await world.app.connection.collection("refunds").update_one(
            {"_id": row["_id"]}, {"$set": {"status": "PROCESSING", "poll_at": world.clock.now()}}
        )
        await world.app.connection.collection("outbox").update_one(
            {"_id": f"refund:{row['_id']}"}, {"$set": {"state": "DONE", "done_at": world.clock.now()}}
        )
    await until_refund(world, opened["payment"]["id"], "SETTLED")
    refunds = (await at_provider(world, opened["payment"]["id"]))["refunds"]
    assert [(each["out_refund_no"], each["state"]) for each in refunds] == [(row["_id"], "SUCCESS")]


async def _tried(world: World, refund_id: str) -> bool:
    task = await world.app.connection.collection("outbox").find_one({"_id": f"refund:{refund_id}"})
    return task is not None and task["last_error"] is not None


async def shipped(world: World, payment_id: str) -> list[int]:
    """How the delivery of a payment was declared: 3 virtual goods, 4 picked up."""
    return [each["logistics_type"] for each in (await at_provider(world, payment_id))["shipping"]]


async def test_shipping_info_is_uploaded_once_for_each_wechat_payment(world: World) -> None:
    person = await world.person()
    opened = await top_up(world, person, amountFen=1_000)
    async with faulty(world, "notify:wechat", "duplicate", times=1), faulty(world, "upload_shipping_info", "error", 2):
        await pay_for(world, opened)
        await until(lambda: shipped(world, opened["payment"]["id"]), 20)
    design = made_id("dsg", "seafood", "full-tide")
    query = "query($id: ID!) { node(id: $id) { ... on GiftCardDesign { faceValues { amountFen } } } }"
    face = (await person.ask(query, id=design))["node"]["faceValues"][0]["amountFen"]
    wanted = {"designId": design, "faceValueFen": face, "quantity": 1, "idempotencyKey": new_key()}
    bought = await person.do("buyGiftCard", PAYMENT, **wanted)
    await pay_for(world, bought)
    order = await place(world, person, DISH)
    paying = await pay_order(person, order, {"method": "WECHAT_PAY"})
    await world.phone.pay(paying["payment"])
    await until_order(person, order, "PAID")
    for each, logistics in ((opened, 3), (bought, 3), (paying, 4)):
        payment_id = each["payment"]["id"]
        await until(lambda payment_id=payment_id: shipped(world, payment_id), 20)  # type: ignore[misc]
        assert await shipped(world, payment_id) == [logistics]
    lost = await world.app.connection.collection("outbox").count_documents({"kind": "shipping", "state": "DEAD"})
    assert lost == 0


async def test_qq_wallet_and_money_that_goes_back_need_no_shipping_info(world: World) -> None:
    qq, full = await world.person("QQ"), await world.person()
    opened = await topped_up(world, qq, amountFen=1_000)
    first, second = await top_up(world, full, amountFen=300_000), await top_up(world, full, amountFen=300_000)
    await pay_for(world, first)
    await pay_for(world, second)  # above what the card may hold: it goes back by itself
    await until_back(world, second["payment"]["id"])
    tasks = world.app.connection.collection("outbox")
    for each, wanted in ((opened, 0), (first, 1), (second, 0)):
        assert await tasks.count_documents({"_id": f"shipping:{each['payment']['id']}"}) == wanted


async def test_a_dead_letter_is_seen_and_tried_again(world: World) -> None:
    person = await world.person()
    async with faulty(world, "upload_shipping_info", "error", times=50):
        opened = await topped_up(world, person, amountFen=1_000)
        task_id = f"shipping:{opened['payment']['id']}"
        tasks = world.app.connection.collection("outbox")
        await tasks.update_one({"_id": task_id}, {"$set": {"tries": LAST_TRY, "due_at": world.clock.now()}})

        async def dead() -> bool:
            await run_outbox_once(world.app)
            task = await tasks.find_one({"_id": task_id})
            return task is not None and task["state"] == "DEAD"

        await until(dead)
        [incident] = await incidents(world, task_id)
        assert (incident["kind"], "发货信息录入" in incident["summary"]) == ("DEAD_LETTER", True)
    await retry(world, incident)
    await until(lambda: _resolved(world, task_id), 20)
    assert await shipped(world, opened["payment"]["id"]) == [3]


async def _resolved(world: World, subject_id: str) -> bool:
    return bool(await incidents(world, subject_id, open_ones=False))


async def test_a_payment_of_another_sum_is_told_and_settled_when_the_right_word_comes(world: World) -> None:
    person = await world.person()
    opened = await top_up(world, person, amountFen=1_000)
    async with faulty(world, "notify:wechat", "wrong_amount", times=1):
        await pay_for(world, opened)
    [told] = await incidents(world, opened["payment"]["id"], open_ones=False)
    assert (told["kind"], "¥10.00" in told["summary"], "¥10.01" in told["summary"]) == ("PAYMENT_MISMATCH", True, True)


@pytest.mark.parametrize("platform", ["WECHAT", "QQ"])
async def test_a_line_paid_outside_goes_back_through_the_provider(world: World, platform: str) -> None:
    person, owner = await world.person(platform), await world.staff("owner")
    order = await _paid_outside(world, person, platform)
    line = {"lineId": order["lines"][0]["id"], "quantity": 1}
    wanted: dict[str, Any] = {"orderId": order["id"], "lines": [line], "reason": "上错菜"}
    select = "order { status refunding { amountFen } } refunded { amountFen } bySource { method amount { amountFen } }"
    back = await owner.do("refundOrder", select, **wanted, idempotencyKey=new_key())
    fen = order["lines"][0]["total"]["amountFen"] // 2
    assert (back["refunded"]["amountFen"], back["bySource"]) == (
        fen,
        [{"method": METHODS[platform], "amount": {"amountFen": fen}}],
    )
    assert (back["order"]["status"], back["order"]["refunding"]["amountFen"]) == ("PAID", fen)

    async def settled() -> bool:
        return bool((await order_now(person, order))["refunded"]["amountFen"] == fen)

    await until(settled, 20)
    with pytest.raises(Refused, match="AMOUNT_INVALID"):
        await owner.do(
            "refundOrder", "refunded { amountFen }", **{**wanted, "lines": [{**line, "quantity": 2}]},
            idempotencyKey=new_key(),
        )  # fmt: skip


async def _paid_outside(world: World, person: Api, platform: str) -> Json:
    lines = [{"dishId": made_id("dsh", world.store_id, DISH), "quantity": 2}]
    wanted = {"storeId": world.store_id, "type": "PICK_UP", "lines": lines, "couponIds": []}
    select = "order { id lines { id total { amountFen } } }"
    order: Json = (await person.do("placeOrder", select, **wanted, idempotencyKey=new_key()))["order"]
    paying = await pay_order(person, order, {"method": METHODS[platform]})
    await world.phone.pay(paying["payment"])
    await until_order(person, order, "PAID")
    return order
