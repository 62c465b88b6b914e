"""The ledger of consents: counted, used one by one, given back when a message did not count, ended when it says so."""

import asyncio
from typing import Any

import pytest

from resolvers.chat.messages.model import MAXIMUM_REMAINING, MessageState
from scripts.client import Api, GraphQLFailed, Refused, new_key
from tests.gifts.wrapped import holding
from tests.messages.phones import (
    EVENTS,
    agree,
    all_sent,
    arrived,
    let_all_be_due,
    remaining,
    report,
    states,
    template_of,
)
from tests.payments.money import customer_id, faulty, pay_order, place
from tests.support.world import World

SEND = {"WECHAT": "subscribe/send", "QQ": "SendSubscriptionMessage"}
EVENT = "BALANCE_CHANGED"


@pytest.fixture(autouse=True)
async def nothing_waits(resting: World) -> None:
    """What another test has left is done first."""
    await let_all_be_due(resting)
    await all_sent(resting)


async def spender(world: World, platform: str = "WECHAT", agreed: int = 1) -> tuple[Api, str]:
    """Somebody with 1 000 yuan on a card, who has agreed to so many messages about it."""
    person, card = await holding(world, 100_000, platform=platform)
    for _ in range(agreed):
        await agree(world, person, EVENT, platform=platform)
    return person, card.id


async def spend(world: World, person: Api, card_id: str) -> None:
    """Pay 98 yuan: one event."""
    order = await place(world, person, "pomfret")
    await pay_order(person, order, {"method": "STORED_VALUE", "cardId": card_id})


async def test_all_templates_of_the_app_one_is_in(world: World) -> None:
    for platform in ("WECHAT", "QQ"):
        person = await world.person(platform)
        answer = await report(world, person, template_of("REFUND", platform))
        rows = {row["templateId"]: (row["scene"], row["events"], row["remaining"]) for row in answer["consents"]}
        assert rows.keys() == {each["template_id"] for each in EVENTS[platform]}
        assert rows[template_of("REFUND", platform)] == ("ORDER_CHANGED", ["REFUND"], 1)
        assert sum(remaining for _, _, remaining in rows.values()) == 1


async def test_each_accept_is_one_a_refusal_is_none_and_a_retry_counts_once(world: World) -> None:
    person, key = await world.person(), new_key()
    for _ in range(3):
        await report(world, person, template_of(EVENT), key=key)
    assert await remaining(world, person, EVENT) == 1
    await report(world, person, template_of(EVENT), accepted=False)
    assert await remaining(world, person, EVENT) == 1
    await asyncio.gather(*(report(world, person, template_of(EVENT)) for _ in range(10)))
    assert await remaining(world, person, EVENT) == 11
    with pytest.raises(Refused) as refused:
        await report(world, person, template_of("REFUND"), key=key)
    assert refused.value.code == "IDEMPOTENCY_KEY_REUSED"


async def test_a_forged_flood_of_accepts_is_bounded(world: World) -> None:
    person = await world.person()
    row = {"granted": 5_000, "remaining": MAXIMUM_REMAINING}
    await report(world, person, template_of(EVENT))
    await world.app.connection.collection("message_consents").update_one(
        {"_id": {"$regex": f":{template_of(EVENT)}$"}, "remaining": 1}, {"$set": row}
    )
    await report(world, person, template_of(EVENT))
    assert await remaining(world, person, EVENT) == MAXIMUM_REMAINING == 100


async def test_what_is_no_template_of_this_app_is_refused_and_changes_nothing(world: World) -> None:
    person = await world.person()
    with pytest.raises(Refused) as refused:
        await report(world, person, template_of(EVENT), template_of(EVENT, "QQ"))
    assert (refused.value.code, refused.value.error["field"]) == (
        "NOT_FOUND",
        ["input", "consents", "1", "templateId"],
    )
    for wrong in ([], [template_of(EVENT)] * 2, [f"t{number}" for number in range(101)]):
        with pytest.raises(GraphQLFailed) as failed:
            await report(world, person, *wrong)
        assert failed.value.code == "BAD_USER_INPUT"
    assert await remaining(world, person, EVENT) == 0


async def test_five_events_and_two_consents_are_two_messages(resting: World) -> None:
    world = resting
    person, card_id = await spender(world, agreed=2)
    for _ in range(5):
        await spend(world, person, card_id)
    await asyncio.gather(*(all_sent(world) for _ in range(5)))
    assert len(await arrived(world, person)) == 2
    assert await remaining(world, person, EVENT) == 0


# What each code of the platform means for the consent that was taken, and for the message.
CODES = [
    *(("WECHAT", code, 1, MessageState.WAITING) for code in (-1, 45009, 45011, 43108)),
    *(("QQ", code, 1, MessageState.WAITING) for code in (-1, 40036, 41030, 46002)),
    ("WECHAT", 43101, 0, MessageState.NO_CONSENT),
    *(("QQ", code, 0, MessageState.NO_CONSENT) for code in (46001, 46003, 46006)),
    *(("WECHAT", code, 1, MessageState.REFUSED) for code in (43107, 40003, 40037, 45168, 47003)),
    *(("QQ", code, 1, MessageState.REFUSED) for code in (46004, 46005, 47001, 40015, 40035, 40037)),
]


@pytest.mark.parametrize(("platform", "code", "left", "state"), CODES)
async def test_what_the_platform_says_is_what_becomes_of_it(
    resting: World, platform: str, code: int, left: int, state: MessageState
) -> None:
    """Busy: later, and the consent is there again. No consent: none is left. Never: never, and the consent is back."""
    world = resting
    person, card_id = await spender(world, platform)
    await spend(world, person, card_id)
    async with faulty(world, SEND[platform], f"errcode:{code}"):
        await all_sent(world)
    assert (await states(world, await customer_id(person)))[EVENT] is state
    assert await remaining(world, person, EVENT) == left
    await let_all_be_due(world)
    await all_sent(world)
    assert len(await arrived(world, person)) == (1 if state is MessageState.WAITING else 0)


@pytest.mark.parametrize("code", [40001, 40014, 42001])
async def test_a_token_that_is_refused_is_fetched_anew_and_the_message_goes_out_once(resting: World, code: int) -> None:
    world = resting
    person, card_id = await spender(world)
    await spend(world, person, card_id)
    async with faulty(world, SEND["WECHAT"], f"errcode:{code}"):
        await all_sent(world)
    waiting = (await states(world, await customer_id(person)))[EVENT]
    if waiting is MessageState.WAITING:  # forced less than half a minute ago by another test: it waits
        await let_all_be_due(world)
        await all_sent(world)
    assert len(await arrived(world, person)) == 1
    assert await remaining(world, person, EVENT) == 0


async def test_a_template_that_the_platform_does_not_take_waits_for_a_person(resting: World) -> None:
    world = resting
    person, card_id = await spender(world, agreed=0)
    await agree(world, person, "REFUND")
    order = await place(world, person, "pomfret")
    await pay_order(person, order, {"method": "STORED_VALUE", "cardId": card_id})
    owner = await world.staff()
    wanted = {"orderId": order["id"], "reason": "test", "idempotencyKey": new_key()}
    await owner.do("refundOrder", "refunded { amountFen }", **wanted)
    async with faulty(world, SEND["WECHAT"], "errcode:47003"):
        await all_sent(world)
    open_ones = "{ incidents { nodes { id kind summary } } }"
    [incident] = [each for each in (await owner.ask(open_ones))["incidents"]["nodes"] if "REFUND" in each["summary"]]
    assert "REFUND" in incident["summary"]
    assert "47003" in incident["summary"]
    await owner.do("retryIncident", "incident { resolvedAt }", incidentId=incident["id"])
    assert incident["id"] not in [each["id"] for each in (await owner.ask(open_ones))["incidents"]["nodes"]]


async def test_43101_ends_all_that_we_thought_was_left(resting: World) -> None:
    """Three were granted here; the platform knows of none: the other two would only be refused one by one."""
    world = resting
    person, card_id = await spender(world, agreed=3)
    await spend(world, person, card_id)
    async with faulty(world, SEND["WECHAT"], "errcode:43101"):
        await all_sent(world)
    assert await remaining(world, person, EVENT) == 0


async def test_once_nothing_is_left_the_next_event_leaves_no_task(resting: World) -> None:
    world = resting
    person, card_id = await spender(world)
    tasks, mine = world.app.connection.collection("outbox"), {"payload.customer_id": await customer_id(person)}
    for tasks_in_all in (1, 2, 2):  # sent; found without consent, and forgotten; not even noted
        await spend(world, person, card_id)
        await all_sent(world)
        assert await tasks.count_documents(mine) == tasks_in_all
    await agree(world, person, EVENT)
    await spend(world, person, card_id)
    await all_sent(world)
    assert len(await arrived(world, person)) == 2


async def test_who_agrees_while_their_wish_is_taken_back_is_told(
    resting: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second event finds no consent and takes the wish back, while the person agrees anew: the third arrives."""
    world = resting
    person, card_id = await spender(world)
    await spend(world, person, card_id)
    await all_sent(world)
    await spend(world, person, card_id)
    store, others = world.app.messages, list[asyncio.Task[None]]()
    want = store.want

    async def slowly(*args: Any) -> None:
        await want(*args)
        monkeypatch.undo()
        others.append(asyncio.create_task(all_sent(world)))
        await asyncio.sleep(0.3)

    monkeypatch.setattr(store, "want", slowly)
    await agree(world, person, EVENT)
    await asyncio.gather(*others)
    await spend(world, person, card_id)
    await all_sent(world)
    assert (len(await arrived(world, person, EVENT)), await remaining(world, person, EVENT)) == (2, 0)


async def test_a_consent_granted_while_43101_is_on_its_way_survives_it(resting: World) -> None:
    """The ledger knew of one, was told that there is none, and of one more meanwhile: that one is left."""
    world = resting
    person, card_id = await spender(world, agreed=1)
    await spend(world, person, card_id)
    store = world.app.messages
    [row] = (
        await world.app.connection.collection("message_consents")
        .find({"remaining": 1, "granted": 1})
        .sort("granted_at", -1)
        .to_list(1)
    )
    async with world.app.connection.session() as session:
        await report(world, person, template_of(EVENT))
        await store.end_consents(session, row["_id"], granted=1)
    assert await remaining(world, person, EVENT) == 1


async def test_what_did_not_count_gives_nothing_back_after_the_platform_knew_of_none(resting: World) -> None:
    """Two were taken; one message hears 43101, the other after it that it did not count: there is none all the same."""
    world = resting
    person, _ = await spender(world, agreed=2)
    store, connection = world.app.messages, world.app.connection
    newest = connection.collection("message_consents").find({"remaining": 2, "granted": 2}).sort("granted_at", -1)
    [row] = await newest.to_list(1)
    async with connection.session() as session:
        one, two = [await store.take_consent(session, row["_id"]) for _ in range(2)]
        assert one is not None
        assert two is not None
        await store.end_consents(session, row["_id"], one.granted)
        await store.return_consent(session, row["_id"], two.granted)
        assert await remaining(world, person, EVENT) == 0
        await report(world, person, template_of(EVENT))
        three = await store.take_consent(session, row["_id"])
        assert three is not None
        await store.return_consent(session, row["_id"], three.granted)
    assert await remaining(world, person, EVENT) == 1
