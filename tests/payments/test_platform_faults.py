"""A platform that is slow, wrong or away: one clear refusal in time, nothing half done, and success when it is back."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from scripts.client import Api, Refused, new_key
from tests.payments.money import (
    DESIGN,
    METHODS,
    PLATFORMS,
    PREPAY,
    T500,
    at_provider,
    balances,
    cards,
    customer_id,
    faulty,
    order_now,
    pay_order,
    place,
    rows,
    somebody,
    top_up,
    topped_up,
    until,
    until_status,
)
from tests.support.world import World

SECONDS = 8.0  # the most that anybody waits for a refusal
SIGN_IN = {"WECHAT": "/wechat/sns/jscode2session", "QQ": "/qq/sns/jscode2session"}
CHECK = {"WECHAT": "msg_sec_check", "QQ": "MsgSecCheck"}
QUICK = ["error", "html", "drop"]

# What a person does; at the first yield the fault begins, at the second it is over.
Story = AsyncIterator[None]


async def told(world: World, mode: str, matches: list[str], *stories: Story) -> None:
    """Stories told side by side: prepared, spoilt by faults, and brought to a good end."""
    for story in stories:
        await anext(story)
    async with AsyncExitStack() as stack:
        for match in matches:  # twice, because a GET whose connection is dropped is repeated once, silently
            await stack.enter_async_context(faulty(world, match, mode, times=2))
        await asyncio.gather(*(anext(story) for story in stories))
    await asyncio.gather(*(anext(story, None) for story in stories))


async def refusal(person: Api, verb: str, wanted: str, **fields: object) -> str | None:
    """The code with which a mutation was refused, in time."""
    started = time.monotonic()
    with pytest.raises(Refused) as refused:
        await person.do(verb, wanted, **fields)
    assert time.monotonic() - started < SECONDS
    return refused.value.code


async def signing_in(world: World, platform: str) -> Story:
    app_id = world.settings["KABAO_WECHAT_APP_ID" if platform == "WECHAT" else "KABAO_QQ_APP_ID"]
    name, visitor = somebody(), world.visitor()
    code = await world.phone.sign_in_code(platform, name)
    yield
    customers = len(await rows(world, "customers"))
    fields = {"platform": platform, "appId": app_id, "code": code}
    assert await refusal(visitor, "signIn", "session { accessToken }", **fields) == "PLATFORM_UNAVAILABLE"
    assert len(await rows(world, "customers")) == customers
    yield
    await world.person(platform, name)


async def topping_up(world: World, platform: str) -> Story:
    """The key is free again: sent once more, the same request is carried out as if it were the first."""
    person, key = await world.person(platform), new_key()
    mine = await customer_id(person)
    yield
    wanted = {"brandId": world.brand_id, "tierId": T500, "idempotencyKey": key}
    assert await refusal(person, "topUpCard", "payment { id }", **wanted) == "PAYMENT_UNAVAILABLE"
    [failed] = await rows(world, "payments", customer_id=mine)
    assert (failed["status"], failed["prepay_id"], failed["poll_at"]) == ("FAILED", None, None)
    assert await cards(person) == []
    shown = await person.ask("query($id: ID!) { node(id: $id) { id } }", id=failed["_id"])
    assert shown["node"] is None
    assert await rows(world, "idempotency", _id=f"{mine}:{key}") == []
    yield
    opened = await top_up(world, person, key, tierId=T500)
    assert opened["payment"]["id"] != failed["_id"]
    await world.phone.pay(opened["payment"])
    await until_status(world, opened["payment"]["id"], "SUCCEEDED")
    assert await balances(person, opened["card"]["id"]) == (50_000, 6_000, 0)

    async def gone_at_the_provider() -> bool:
        """What came to nothing here cannot be paid there either, whether or not the call had arrived."""
        there = [each["state"] for each in await world.phone.payments() if each["out_trade_no"] == failed["_id"]]
        return there in ([], ["CLOSED"])

    await until(gone_at_the_provider)


async def giving(world: World, platform: str) -> Story:
    person, key = await world.person(platform), new_key()
    card_id = (await topped_up(world, person, amountFen=10_000))["card"]["id"]
    wanted = {"cardId": card_id, "amountFen": 1_000, "greeting": "生日快乐", "idempotencyKey": key}
    yield
    assert await refusal(person, "give", "gift { id }", **wanted) == "PLATFORM_UNAVAILABLE"
    assert await balances(person, card_id) == (10_000, 0, 0)
    assert await rows(world, "gifts", giver_id=await customer_id(person)) == []
    yield
    await person.do("give", "gift { id status }", **wanted)
    assert await balances(person, card_id) == (9_000, 0, 0)


async def paying_an_order(world: World, platform: str) -> Story:
    """A pomfret of 9 800 fen: 4 000 from the card, 5 800 outside."""
    person, key = await world.person(platform), new_key()
    card_id = (await topped_up(world, person, amountFen=4_000))["card"]["id"]
    order = await place(world, person, "pomfret")
    tenders = [{"method": "STORED_VALUE", "cardId": card_id, "amountFen": 4_000}, {"method": METHODS[platform]}]
    yield
    wanted = {"orderId": order["id"], "tenders": tenders, "idempotencyKey": key}
    assert await refusal(person, "payOrder", "order { id }", **wanted) == "PAYMENT_UNAVAILABLE"
    now = await order_now(person, order)
    assert now["status"] == "AWAITING_PAYMENT"
    assert not [each for each in now["payments"] if each["status"] != "FAILED"]
    assert await balances(person, card_id) == (4_000, 0, 0)
    yield
    paying = await pay_order(person, order, *tenders, key=key)
    assert paying["payment"]["amount"]["amountFen"] == 5_800
    assert await balances(person, card_id) == (4_000, 0, 4_000)
    await world.phone.pay(paying["payment"])
    await until_status(world, paying["payment"]["id"], "SUCCEEDED")
    assert await balances(person, card_id) == (0, 0, 0)
    assert (await order_now(person, order))["status"] == "PAID"


@pytest.mark.parametrize("mode", QUICK)
@pytest.mark.parametrize("platform", PLATFORMS)
async def test_signing_in(world: World, platform: str, mode: str) -> None:
    await told(world, mode, [SIGN_IN[platform]], signing_in(world, platform))


@pytest.mark.parametrize("mode", [*QUICK, "bad_signature"])
@pytest.mark.parametrize("platform", PLATFORMS)
async def test_opening_a_payment(world: World, platform: str, mode: str) -> None:
    await told(world, mode, [PREPAY[platform]], topping_up(world, platform), paying_an_order(world, platform))


@pytest.mark.parametrize("mode", QUICK)
@pytest.mark.parametrize("platform", PLATFORMS)
async def test_checking_a_greeting(world: World, platform: str, mode: str) -> None:
    await told(world, mode, [CHECK[platform]], giving(world, platform))


async def test_platforms_that_carry_out_everything_and_answer_nothing(world: World) -> None:
    """All at once, because each takes its whole time-out."""
    matches = [each[platform] for platform in PLATFORMS for each in (SIGN_IN, CHECK, PREPAY)]
    stories = (signing_in, giving, topping_up, paying_an_order)
    await told(world, "timeout", matches, *(story(world, platform) for platform in PLATFORMS for story in stories))


async def test_fifty_copies_while_the_provider_is_away(world: World) -> None:
    """No card, no payment that waits; once it is back, one payment for all of them."""
    person, key = await world.person(), new_key()
    wanted = {"designId": DESIGN, "faceValueFen": 10_000, "idempotencyKey": key}
    async with faulty(world, PREPAY["WECHAT"], "error", times=1_000):
        copies = (person.do("buyGiftCard", "payment { id }", **wanted) for _ in range(50))
        answers = await asyncio.gather(*copies, return_exceptions=True)
    assert {getattr(each, "code", None) for each in answers} <= {"PAYMENT_UNAVAILABLE", "TRY_AGAIN"}
    mine = await customer_id(person)
    assert {row["status"] for row in await rows(world, "payments", customer_id=mine)} == {"FAILED"}
    again = await asyncio.gather(*(person.do("buyGiftCard", "payment { id status }", **wanted) for _ in range(50)))
    assert {each["payment"]["status"] for each in again} == {"PENDING"}
    assert len({each["payment"]["id"] for each in again}) == 1
    there = await at_provider(world.phone, again[0]["payment"]["id"])
    assert (there["state"], there["amount_fen"]) == ("NOTPAY", 10_000)
