"""At most once per event and person: workers that race, workers that die, answers that get lost."""

import asyncio

import pytest

from resolvers.cards.model import StatementKind
from resolvers.cards.movement import Movement, write_card
from resolvers.chat.messages.model import MessageState
from resolvers.chat.messages.send import send_message
from resolvers.documents import from_document
from resolvers.jobs import run_outbox_once
from resolvers.outbox.model import Task
from resolvers.work.model import SYSTEM, Call
from resolvers.work.unit import Work
from scripts.client import Api
from tests.gifts.wrapped import holding
from tests.messages.phones import (
    agree,
    all_sent,
    arrived,
    let_all_be_due,
    remaining,
    report,
    states,
    template_of,
    user_of,
)
from tests.messages.test_ledger import EVENT, SEND, spend, spender
from tests.payments.money import customer_id, faulty
from tests.support.core import card_now
from tests.support.world import World


@pytest.fixture(autouse=True)
async def nothing_waits(resting: World) -> None:
    """What another test has left is done first."""
    await let_all_be_due(resting)
    await all_sent(resting)


async def state_of(world: World, person: Api) -> MessageState:
    return (await states(world, await customer_id(person)))[EVENT]


async def test_ten_workers_with_the_same_task_send_it_once(resting: World) -> None:
    """The outbox gives a task to one; here ten have it all the same, as when leases have run out."""
    world = resting
    person, card_id = await spender(world, agreed=5)
    await spend(world, person, card_id)
    mine = {"payload.customer_id": await customer_id(person)}
    document = await world.app.connection.collection("outbox").find_one(mine)
    assert document is not None
    task = from_document(Task, document)
    await asyncio.gather(*(send_message(world.app, task) for _ in range(10)), return_exceptions=True)
    assert len(await arrived(world, person)) == 1
    assert await remaining(world, person, EVENT) == 4
    assert await state_of(world, person) in (MessageState.SENT, MessageState.UNKNOWN)


@pytest.mark.parametrize("platform", ["WECHAT", "QQ"])
async def test_an_answer_that_got_lost_is_not_asked_for_again(resting: World, platform: str) -> None:
    """The platform has sent it, the connection broke: nobody here can tell, and it is not sent twice."""
    world = resting
    person, card_id = await spender(world, platform, agreed=2)
    await spend(world, person, card_id)
    async with faulty(world, SEND[platform], "drop"):
        await all_sent(world)
    assert await state_of(world, person) is MessageState.UNKNOWN
    await let_all_be_due(world)
    await all_sent(world)
    assert len(await arrived(world, person, EVENT, platform)) == 0
    assert await remaining(world, person, EVENT) == 1


async def test_a_worker_killed_while_it_asked_leaves_a_message_that_nobody_sends_again(resting: World) -> None:
    world = resting
    person, card_id = await spender(world, agreed=2)
    await spend(world, person, card_id)
    async with faulty(world, SEND["WECHAT"], "late"):
        dying = asyncio.create_task(run_outbox_once(world.app))
        await asyncio.sleep(1.0)
        dying.cancel()
        await asyncio.gather(dying, return_exceptions=True)
    assert await state_of(world, person) is MessageState.SENDING
    await let_all_be_due(world)
    await all_sent(world)
    assert await state_of(world, person) is MessageState.UNKNOWN
    assert len(await arrived(world, person)) == 1
    assert await remaining(world, person, EVENT) == 1


async def test_a_platform_that_is_not_there_is_asked_again(resting: World) -> None:
    """Nothing was sent, for certain: the consent is there again, and the message goes out later."""
    world = resting
    person, card_id = await spender(world)
    await spend(world, person, card_id)
    chat = next(chat for (platform, _), chat in world.app.platforms.items() if platform == "WECHAT")
    url, chat._url = chat._url, "http://127.0.0.1:1"  # type: ignore[attr-defined]
    try:
        await all_sent(world)
    finally:
        chat._url = url  # type: ignore[attr-defined]
    assert (await state_of(world, person), await remaining(world, person, EVENT)) == (MessageState.WAITING, 1)
    await let_all_be_due(world)
    await all_sent(world)
    assert (len(await arrived(world, person)), await remaining(world, person, EVENT)) == (1, 0)


async def test_what_is_no_longer_worth_telling_is_not_told(resting: World) -> None:
    world = resting
    person, card_id = await spender(world)
    await spend(world, person, card_id)
    await world.app.connection.collection("outbox").update_many(
        {"kind": "message", "state": "WAITING"}, {"$set": {"payload.until": world.clock.now()}}
    )
    await all_sent(world)
    assert (await state_of(world, person), await remaining(world, person, EVENT)) == (MessageState.LAPSED, 1)
    assert await arrived(world, person) == []


async def in_both_apps(world: World, wechat: Api) -> Api:
    """The same person, by their unionid, in the other app."""
    user = user_of(wechat)
    for platform, app in (("WECHAT", "KABAO_WECHAT_APP_ID"), ("QQ", "KABAO_QQ_APP_ID")):
        code = await world.phone.sign_in_code(platform, user, unionid=f"union-{user}")
        api = Api(world.http, world.url)
        signed = await api.do(
            "signIn", "session { accessToken me { id } }", platform=platform, appId=world.settings[app], code=code
        )
        api.token = signed["session"]["accessToken"]
        api.user = user  # type: ignore[attr-defined]
    return api


async def test_somebody_in_both_apps_is_told_once_where_they_agreed_last(resting: World) -> None:
    """One person by their unionid: two identities, two ledgers, one message for each event."""
    world = resting
    wechat, card = await holding(world, 100_000)
    qq = await in_both_apps(world, wechat)
    await agree(world, wechat, EVENT)
    await agree(world, qq, EVENT, platform="QQ")
    await spend(world, wechat, card.id)
    await all_sent(world)
    assert (len(await arrived(world, wechat, EVENT)), len(await arrived(world, wechat, EVENT, "QQ"))) == (0, 1)
    await spend(world, wechat, card.id)
    await all_sent(world)
    assert (len(await arrived(world, wechat, EVENT)), len(await arrived(world, wechat, EVENT, "QQ"))) == (1, 1)
    await spend(world, wechat, card.id)
    await all_sent(world)
    assert len(await arrived(world, wechat)) == 2


async def test_where_the_platform_knows_of_no_consent_the_other_app_is_tried(resting: World) -> None:
    """WeChat's was reported last and is none; QQ's is one: the message arrives there, once."""
    world = resting
    wechat, card = await holding(world, 100_000)
    qq = await in_both_apps(world, wechat)
    await agree(world, qq, EVENT, platform="QQ")
    await report(world, wechat, template_of(EVENT))
    await spend(world, wechat, card.id)
    await all_sent(world)
    assert (len(await arrived(world, wechat, EVENT)), len(await arrived(world, wechat, EVENT, "QQ"))) == (0, 1)
    assert (await state_of(world, wechat), await remaining(world, wechat, EVENT)) == (MessageState.SENT, 0)
    assert await remaining(world, qq, EVENT) == 0
    await report(world, wechat, template_of(EVENT))
    await spend(world, wechat, card.id)
    await all_sent(world)
    assert len(await arrived(world, wechat)) == 1


async def test_a_message_of_something_that_was_undone_is_not_sent(resting: World) -> None:
    """Written in the transaction of what it tells: no commit, no message."""
    world = resting
    person, card_id = await spender(world)

    async def steps(work: Work) -> dict[str, str]:
        card = await card_now(world, card_id)
        await write_card(world.app.cards, work, card, card, [Movement(StatementKind.ADJUSTMENT, 0, "test")])
        raise RuntimeError("undone")

    with pytest.raises(RuntimeError, match="undone"):
        await world.app.work.run(Call("test", SYSTEM), steps)
    await all_sent(world)
    assert await arrived(world, person) == []
