"""One person who writes in a chat app and in the mini-program: one conversation, and one count of what may be sent."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from resolvers.chat.desk.agents import take_conversation
from resolvers.chat.desk.model import Conversation
from resolvers.chat.desk.speak import send_message
from resolvers.chat.incoming.answer import answer
from resolvers.jobs import run_outbox_once
from scripts.client import Api, Refused, new_key
from tests.chat.talking import (
    CONVERSATION,
    MESSAGE,
    left_to_a_worker,
    quota_of,
    said_in,
    said_to_us,
    text_fields,
    waiting_talk,
)
from tests.support.core import member_of_staff
from tests.support.faults import fault
from tests.support.following import follow
from tests.support.racing import settled
from tests.support.world import World

DESK = "正在为您转接同事，请稍候。"
OWN = """subscription($b: ID!) { conversationUpdates(brandId: $b) { resync conversation { id state }
  messages { content { text } } } }"""


async def written(world: World, api: Api, text: str) -> str:
    """Write in the mini-program: the conversation's id."""
    fields = {"brandId": world.brand_id, "text": text, "idempotencyKey": new_key()}
    return str((await api.do("writeToDesk", "conversation { id }", **fields))["conversation"]["id"])


async def now_of(world: World, talk: str) -> Conversation:
    """A conversation as it is now."""
    found = await world.app.conversations.conversation(talk)
    assert found is not None
    return found


async def done(world: World) -> None:
    """Everything that waited to be sent, sent."""
    while await run_outbox_once(world.app):
        pass


async def sent_of(world: World, talk: str, count: int) -> Counter[str]:
    """How so many messages of an agent in a conversation ended."""
    agent = await member_of_staff(world, "owner")
    await take_conversation(world.app, agent, talk)
    key = new_key()
    ends = [
        await settled(lambda n=n: send_message(world.app, agent, talk, f"{n}", None, f"{key}-{n}"))
        for n in range(count)
    ]
    return Counter(ends)


async def asked_in_customer_service(world: World, user: str, text: str) -> None:
    """Five seconds later the person writes to the mini-program's customer service, an app with an openid of its own."""
    world.clock.ahead += timedelta(seconds=5)
    now = world.clock.now().timestamp()
    at: Any = {"app": "mini_program", "created_at": now, "sent_at": now}
    await world.phone.say(user, event="user_enter_tempsession", session_from=f"brand={world.brand_id}", **at)
    await world.phone.say(user, text=text, **at)


async def test_a_visitors_conversation_and_the_one_in_the_app_become_one(world: World) -> None:
    """Both wait: the one of the later word goes on; six are sent of which the platform takes five, not ten."""
    user, visitors = await waiting_talk(world)
    api = await world.person(name=user)
    mine = await written(world, api, "在小程序里")
    assert mine != visitors
    await world.phone.say(user, text="还是公众号")
    goes_on, closed = await now_of(world, mine), await now_of(world, visitors)
    assert (closed.state, closed.merged_into, closed.openid, closed.unanswered) == ("CLOSED", mine, "", 0)
    assert (goes_on.state, goes_on.in_app, goes_on.unanswered) == ("WAITING", False, 3)
    assert [each.content.text for each in await said_in(world.app, mine)] == ["在小程序里", "客服", "还是公众号"]
    at_openid = world.app.connection.collection("conversations").count_documents({"openid": goes_on.openid})
    assert await at_openid == 1
    assert await sent_of(world, mine, 6) == {"won": 5, "QUOTA_REACHED": 1}
    staff = await world.staff()
    for verb, fields in (
        ("takeConversation", {}),
        ("transferToPlatform", {}),
        ("handOver", {}),
        ("sendMessage", {"text": "x", "idempotencyKey": new_key()}),
    ):
        with pytest.raises(Refused, match="STATUS_INVALID: 会话已合并到该顾客的另一个会话"):
            await staff.do(verb, "__typename", conversationId=visitors, **fields)


async def test_what_was_sent_to_a_visitor_counts_once_they_are_known(world: World) -> None:
    """Two of five were sent; a link of the menu, which allows nothing, is all that tells who they are."""
    user, visitors = await waiting_talk(world)
    assert await sent_of(world, visitors, 2) == {"won": 2}
    chat = await now_of(world, visitors)
    mine = await written(world, await world.person(name=user), "在小程序里")
    await world.phone.say(user, event="VIEW", key="https://a.b")
    goes_on = await now_of(world, visitors)
    assert (await now_of(world, mine)).merged_into == visitors  # an agent is in the visitor's
    assert (goes_on.state, goes_on.in_app, goes_on.openid) == ("OPEN", True, chat.openid)
    assert (await quota_of(world.app, visitors)).left(world.clock.now()) == 3
    assert goes_on.platform == "WECHAT"
    assert [each.content.text for each in await said_in(world.app, visitors)][-1] == "在小程序里"


async def test_a_phone_that_watches_is_told_that_another_conversation_goes_on(world: World) -> None:
    user, visitors = await waiting_talk(world)
    await take_conversation(world.app, await member_of_staff(world, "owner"), visitors)
    api = await world.person(name=user)
    for text in ("一", "二", "三", "四", "五", "六"):  # a higher revision than that of the other one
        mine = await written(world, api, text)
    async with api.socket() as socket:
        stream = await follow(world.app, socket, OWN, b=world.brand_id)
        await written(world, api, "七")
        assert (await stream.next())["conversation"]["id"] == mine
        await world.phone.say(user, event="VIEW", key="https://a.b")
        event = await stream.next()
        assert (event["resync"], event["conversation"]) == (True, {"id": visitors, "state": "OPEN"})
        await written(world, api, "八")
        assert [each["content"]["text"] for each in (await stream.next())["messages"]] == ["八"]


async def test_a_late_older_message_grants_nothing_to_who_writes_in_the_app(quiet: World) -> None:
    """Five of five are sent; then the person goes on in the app, and what they wrote before arrives late."""
    user, talk = await waiting_talk(quiet)
    api = await quiet.person(name=user)
    now = quiet.clock.now().timestamp()
    await quiet.phone.say(user, text="登录后", created_at=now, sent_at=now)
    assert await sent_of(quiet, talk, 6) == {"won": 5, "QUOTA_REACHED": 1}
    await done(quiet)
    openid, earlier = (await now_of(quiet, talk)).openid, int(now) - 20
    assert await written(quiet, api, "在小程序里") == talk
    for text in ("迟到的", "更迟的"):
        fields = text_fields(quiet, openid, text, CreateTime=earlier)
        assert await answer(quiet.app, *said_to_us(quiet, fields)) is None
    found = await now_of(quiet, talk)
    assert (found.in_app, found.openid) == (True, openid)
    assert (await quota_of(quiet.app, talk)).left(quiet.clock.now()) == 0
    assert await sent_of(quiet, talk, 2) == {"won": 2}  # in the app, where nothing is counted
    await done(quiet)
    assert len(await quiet.phone.sent(user)) == 5


async def test_an_older_message_of_another_app_does_not_move_the_conversation_back(quiet: World) -> None:
    user, talk = await waiting_talk(quiet)
    await quiet.person(name=user)
    now = quiet.clock.now().timestamp()
    await quiet.phone.say(user, text="登录后", created_at=now, sent_at=now)
    official_openid = (await now_of(quiet, talk)).openid
    await asked_in_customer_service(quiet, user, "客服")
    there = await now_of(quiet, talk)
    assert there.openid != official_openid
    assert await sent_of(quiet, talk, 2) == {"won": 2}
    older = text_fields(quiet, official_openid, "迟到的", CreateTime=int(now))
    await answer(quiet.app, *said_to_us(quiet, older))
    found = await now_of(quiet, talk)
    assert (found.openid, (await quota_of(quiet.app, talk)).left(quiet.clock.now())) == (there.openid, 3)


@pytest.mark.parametrize("meanwhile", ["in the app", "to the mini-program's customer service"])
async def test_a_late_answer_goes_to_where_the_question_came_from(quiet: World, meanwhile: str) -> None:
    """The person has written elsewhere since: it arrives on the phone nevertheless, and counts where it went."""
    user, talk = await waiting_talk(quiet)
    api = await quiet.person(name=user)
    now = quiet.clock.now().timestamp()
    await quiet.phone.say(user, text="登录后", created_at=now, sent_at=now)
    staff = await quiet.staff()
    await staff.do("closeConversation", CONVERSATION, conversationId=talk)
    asked = await now_of(quiet, talk)
    incoming, fields = said_to_us(quiet, text_fields(quiet, asked.openid, "客服"))
    await left_to_a_worker(quiet, incoming, fields, handled=True)
    if meanwhile == "in the app":
        await written(quiet, api, "在小程序里")
    else:
        await asked_in_customer_service(quiet, user, "在小程序里")
    await done(quiet)
    [late] = [each for each in await said_in(quiet.app, talk) if each.content.text == DESK and not each.passive]
    assert (late.delivery, late.passive, late.openid) == ("SENT", False, asked.openid)
    sent = [each["content"] for each in await quiet.phone.sent(user)]
    assert sent == [{"msgtype": "text", "text": {"content": DESK}}]
    found = await now_of(quiet, talk)
    assert (found.in_app, found.openid == asked.openid) == ((meanwhile == "in the app",) * 2)
    asked_at, now_at = ((asked.app_id, asked.openid), (found.app_id, found.openid))
    left = [(await quiet.app.conversations.quota(*each)).left(quiet.clock.now()) for each in (asked_at, now_at)]
    assert left == ([4, 4] if meanwhile == "in the app" else [4, 5])


async def test_what_one_app_refuses_says_nothing_of_what_the_other_takes(quiet: World) -> None:
    user, talk = await waiting_talk(quiet)
    await quiet.person(name=user)
    now = quiet.clock.now().timestamp()
    await quiet.phone.say(user, text="登录后", created_at=now, sent_at=now)
    await done(quiet)
    assert await sent_of(quiet, talk, 1) == {"won": 1}
    await asked_in_customer_service(quiet, user, "我在这里")
    async with fault(quiet.http, quiet.simulator, "custom/send", "errcode:45047", 1):
        await done(quiet)
    assert (await said_in(quiet.app, talk))[-2].failure == "QUOTA_REACHED"
    assert (await quota_of(quiet.app, talk)).left(quiet.clock.now()) == 5


async def test_who_wrote_in_the_app_and_writes_in_the_chat_again_is_answered_there(world: World) -> None:
    user, talk = await waiting_talk(world)
    api = await world.person(name=user)
    await world.phone.say(user, text="登录后")
    assert await written(world, api, "在小程序里") == talk
    assert (await now_of(world, talk)).in_app
    await world.phone.say(user, text="回到公众号")
    assert not (await now_of(world, talk)).in_app
    staff = await world.staff()
    await staff.do("takeConversation", CONVERSATION, conversationId=talk)
    said = (await staff.do("sendMessage", MESSAGE, conversationId=talk, text="好", idempotencyKey=new_key()))["said"]
    assert said["delivery"] == "QUEUED"
