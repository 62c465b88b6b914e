"""A gateway killed between what happened outside and what is written here, and a database that changes over."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from scripts.client import Api, GraphQLFailed, Json, Refused, new_key
from scripts.embedded_mongo import EmbeddedMongo
from tests.payments.diner import new_diner
from tests.payments.money import (
    PREPAY,
    T500,
    at_provider,
    audited,
    balances,
    cards,
    customer_id,
    faulty,
    let_be_due,
    lines_of,
    order_now,
    payment_row,
    rows,
    top_up,
    until,
    until_order,
    until_status,
)
from tests.support.gateway_process import GatewayProcess, open_process
from tests.support.world import World, open_product

Standing = tuple[World, GatewayProcess]


@pytest.fixture(scope="module")
async def standing(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Standing]:
    """A gateway in a process of its own; its books are audited when all is over."""
    async with open_process(mongodb_uri, Path(tmp_path_factory.mktemp("process"))) as (world, process):
        admin = world.app.connection.database.client.admin
        # mongod keeps what a dead process had begun, and its locks, for a minute
        await admin.command({"setParameter": 1, "transactionLifetimeLimitSeconds": 2})
        yield world, process
        await audited(world)
        await process.stop()
        await admin.command({"setParameter": 1, "transactionLifetimeLimitSeconds": 60})


async def credited_once(world: World, person: Api, top: Json) -> None:
    """充 500 送 60 is on the card and in the journal, once."""
    await until_status(world, top["payment"]["id"], "SUCCEEDED")
    assert await balances(person, top["card"]["id"]) == (50_000, 6_000, 0)
    lines = await lines_of(world, f"capture:{top['payment']['id']}")
    assert lines[f"card:{top['card']['id']}:principal"] == 50_000
    assert len(await rows(world, "journal", **{"lines.account": f"card:{top['card']['id']}:principal"})) == 1


async def test_what_was_paid_while_the_gateway_was_dead_is_there_when_it_is_back(standing: Standing) -> None:
    """One by the provider's next try to tell us; one, of which nothing is ever told, by our asking."""
    world, process = standing
    people = [await world.person(platform) for platform in ("WECHAT", "QQ")]
    tops = [await top_up(world, person, tierId=T500) for person in people]
    async with faulty(world, "notify:qq", "drop", times=1_000):
        await process.kill()
        for top in tops:
            await world.phone.pay(top["payment"])
            assert (await payment_row(world, top["payment"]["id"]))["status"] == "PENDING"
        await process.start()
        await let_be_due(world, tops[1]["payment"]["id"])
        for person, top in zip(people, tops, strict=True):
            await credited_once(world, person, top)


async def test_a_gateway_killed_again_and_again_while_it_is_told_loses_and_doubles_nothing(standing: Standing) -> None:
    world, process = standing
    people = [await world.person("WECHAT" if number % 2 else "QQ") for number in range(10)]
    tops = await asyncio.gather(*(top_up(world, person, tierId=T500) for person in people))
    async with faulty(world, "notify", "duplicate", times=1_000):
        for wait in (0.0, 0.03):
            waiting = {each["out_trade_no"] for each in await world.phone.payments() if each["state"] == "NOTPAY"}
            for top in [top for top in tops if top["payment"]["id"] in waiting][:5]:
                await world.phone.pay(top["payment"])
            await asyncio.sleep(wait)
            await process.kill()
            await process.start()
        for person, top in zip(people, tops, strict=True):
            await let_be_due(world, top["payment"]["id"])
            await credited_once(world, person, top)


async def test_a_call_cut_off_while_the_payment_is_opened_goes_on_under_its_key(standing: Standing) -> None:
    world, process = standing
    person, key = await world.person(), new_key()
    mine = await customer_id(person)
    async with faulty(world, PREPAY["WECHAT"], "timeout"):
        cut_off = asyncio.create_task(top_up(world, person, key, tierId=T500))

        async def open_there() -> bool:
            return ours[0] in [each["out_trade_no"] for each in await world.phone.payments()]

        async def written() -> list[str]:
            return [row["_id"] for row in await rows(world, "payments", customer_id=mine)]

        ours = await until(written)
        await until(open_there)
        await process.kill()
        with pytest.raises(Exception, match=r"disconnect|Connect|reset|closed"):
            await cut_off
    await process.start()
    assert await cards(person) == []
    top = await top_up(world, person, key, tierId=T500)
    assert [top["payment"]["id"]] == ours == await written()
    await world.phone.pay(top["payment"])
    await credited_once(world, person, top)


async def test_a_call_cut_off_and_never_repeated_is_closed_when_its_time_is_over(standing: Standing) -> None:
    world, process = standing
    person, key = await world.person("QQ"), new_key()
    mine = await customer_id(person)
    async with faulty(world, PREPAY["QQ"], "timeout"):
        cut_off = asyncio.create_task(top_up(world, person, key, tierId=T500))

        async def written() -> list[str]:
            return [row["_id"] for row in await rows(world, "payments", customer_id=mine)]

        [payment_id] = await until(written)
        await process.kill()
        with pytest.raises(Exception, match=r"disconnect|Connect|reset|closed"):
            await cut_off
    row = await payment_row(world, payment_id)
    assert (row["status"], row["prepay_id"], row["poll_at"]) == ("PENDING", None, row["expires_at"])
    past = world.clock.now() - timedelta(seconds=1)
    due = {"$set": {"poll_at": past, "expires_at": past}}
    await world.app.connection.collection("payments").update_one({"_id": payment_id}, due)
    await process.start()
    await until_status(world, payment_id, "CLOSED")
    with pytest.raises(Refused) as refused:  # what the key stands for is over
        await top_up(world, person, key, tierId=T500)
    assert refused.value.code == "PAYMENT_UNAVAILABLE"
    top = await top_up(world, person, key, tierId=T500)  # and the key is free again
    assert top["payment"]["id"] != payment_id
    await world.phone.pay(top["payment"])
    await credited_once(world, person, top)


async def test_a_refund_cut_off_at_the_provider_is_taken_up_again_and_made_once(standing: Standing) -> None:
    world, process = standing
    diner, staff = await new_diner(world, "QQ"), await world.staff()
    payment = await diner.pay()
    await world.phone.pay(payment)
    await until_order(diner.api, diner.order, "PAID")
    async with faulty(world, "qpay_refund.cgi", "timeout"):
        wanted = {"orderId": diner.order["id"], "reason": "退", "idempotencyKey": new_key()}
        await staff.do("refundOrder", "order { status }", **wanted)

        async def there() -> list[Json]:
            refunds: list[Json] = (await at_provider(world.phone, payment["id"]))["refunds"]
            return refunds

        await until(there)
        await process.kill()
    [refund] = await rows(world, "refunds", payment_id=payment["id"])
    assert refund["status"] == "REQUESTED"
    # the dead worker's lease would end after 30 s
    due = {"$set": {"due_at": world.clock.now() - timedelta(seconds=1)}}
    await world.app.connection.collection("outbox").update_one({"_id": f"refund:{refund['_id']}"}, due)
    await process.start()
    await until_status(world, payment["id"], "REFUNDED")
    assert [each["amount_fen"] for each in await there()] == [5_800]
    assert (await order_now(diner.api, diner.order))["refunded"]["amountFen"] == 9_800


async def test_when_the_primary_steps_down_everybody_is_in_the_books_once(tmp_path: Path) -> None:
    """20 people claim a coupon and top up while the database changes over; told TRY_AGAIN, they send the same again."""
    async with (
        EmbeddedMongo(tmp_path / "mongo", members=3) as mongo,
        open_product(mongo.uri, tmp_path / "product") as world,
    ):
        people = [await world.person("WECHAT" if number % 2 else "QQ") for number in range(20)]
        template = world.seeded["template_ids"]["welcome"]
        changing_over = asyncio.create_task(mongo.step_down())

        async def stubborn(person: Api, verb: str, wanted: str, **fields: object) -> Json:
            """As a front end does it: the same request under the same key, until it is answered."""
            key = new_key()
            async with asyncio.timeout(40):
                while True:
                    try:
                        return await person.do(verb, wanted, **fields, idempotencyKey=key)
                    except GraphQLFailed as failed:
                        if failed.code != "TRY_AGAIN":
                            raise
                    await asyncio.sleep(0.1)

        async def story(number: int, person: Api) -> tuple[Api, Json]:
            await asyncio.sleep(number * 0.05)
            await stubborn(person, "claimCoupon", "coupon { id }", templateId=template)
            opened = await stubborn(
                person,
                "topUpCard",
                "payment { id clientParameters { ... on WeChatPayParameters { package }"
                " ... on QQWalletParameters { package } } } card { id }",
                brandId=world.brand_id,
                tierId=T500,
            )
            await world.phone.pay(opened["payment"])
            return person, opened

        told = await asyncio.gather(*(story(number, person) for number, person in enumerate(people)))
        await changing_over
        for person, top in told:
            await credited_once(world, person, top)
            assert len(await rows(world, "payments", customer_id=await customer_id(person))) == 1
            assert len(await rows(world, "coupons", customer_id=await customer_id(person))) == 1
        assert len(await world.phone.payments()) == 20
        await audited(world, 20)
