"""The desk: who has a conversation, what may be sent before the platform refuses it, and what the person sees."""

import asyncio
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from resolvers.chat.desk.agents import take_conversation
from resolvers.chat.desk.speak import send_message
from resolvers.jobs import run_outbox_once
from scripts.client import Refused, new_key
from tests.chat.talking import (
    CONVERSATION,
    MESSAGE,
    new_user,
    newest,
    official,
    on_the_phone,
    quota_of,
    said_in,
    waiting_talk,
)
from tests.support.core import member_of_staff
from tests.support.faults import fault
from tests.support.racing import settled
from tests.support.world import World

ANSWER = {"kind": "TEXT", "text": "您好，我是客服", "mediaId": ""}


async def delivered(world: World, message_id: str) -> str:
    """How far a message is once the outbox has done what it can."""
    for _ in range(600):
        message = await world.app.conversations.message(message_id)
        assert message is not None
        assert message.delivery is not None
        if message.delivery.value not in ("QUEUED", "SENDING"):
            return message.delivery.value
        await asyncio.sleep(0.05)
    raise AssertionError("it is still on its way")


async def test_of_two_agents_one_gets_it_and_asked_again_still_has_it(world: World) -> None:
    _, talk = await waiting_talk(world)
    names = ("cashier-riverside", "cashier-tianhe", "cashier-shekou")
    people = [await member_of_staff(world, name) for name in names]
    ends = await asyncio.gather(
        *(settled(lambda who=who: take_conversation(world.app, who, talk)) for who in people * 2)
    )
    assert Counter(ends) == {"won": 2, "CONVERSATION_TAKEN": 4}
    conversation = await world.app.conversations.conversation(talk)
    assert conversation is not None
    assert conversation.agent_id in [each.id for each in people]
    rows = await world.app.connection.collection("staff_actions").find({"target_id": talk}).to_list(None)
    assert [row["verb"] for row in rows] == ["takeConversation"]


async def test_an_answer_arrives_on_the_phone_and_in_the_conversation(world: World) -> None:
    user, talk = await waiting_talk(world)
    staff = await world.staff("cashier-tianhe")
    with pytest.raises(Refused, match="STATUS_INVALID"):
        await staff.do("sendMessage", MESSAGE, conversationId=talk, text="x", idempotencyKey=new_key())
    taken = (await staff.do("takeConversation", CONVERSATION, conversationId=talk))["conversation"]
    assert (taken["state"], taken["agentName"], taken["sendsLeft"], taken["unanswered"]) == ("OPEN", "梁子俊", 5, 1)
    key = new_key()
    for _ in range(2):
        said = await staff.do(
            "sendMessage", f"{MESSAGE} {CONVERSATION}", conversationId=talk, text=ANSWER["text"], idempotencyKey=key
        )
        assert (said["said"]["number"], said["said"]["content"]) == (3, ANSWER)
        assert (said["said"]["agentName"], said["conversation"]["sendsLeft"]) == ("梁子俊", 4)
        assert said["conversation"]["unanswered"] == 0
    assert await delivered(world, said["said"]["id"]) == "SENT"
    image = await staff.do("sendMessage", MESSAGE, conversationId=talk, mediaId="media-7", idempotencyKey=new_key())
    assert await delivered(world, image["said"]["id"]) == "SENT"
    assert await on_the_phone(world, user, 2) == [
        {"msgtype": "text", "text": {"content": ANSWER["text"]}},
        {"msgtype": "image", "image": {"media_id": "media-7"}},
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"text": ""},
        {"text": "  "},
        {"text": "x" * 601},
        {"text": "a\x00"},
        {"text": "a", "mediaId": "b"},
        {"mediaId": "é"},
        {"mediaId": "x" * 129},
    ],
)
async def test_what_cannot_be_said_is_refused(world: World, fields: dict[str, str]) -> None:
    _, talk = await waiting_talk(world)
    staff = await world.staff()
    await staff.do("takeConversation", CONVERSATION, conversationId=talk)
    with pytest.raises(Refused, match="TEXT_INVALID"):
        await staff.do("sendMessage", MESSAGE, conversationId=talk, **fields, idempotencyKey=new_key())


async def test_two_agents_at_once_cannot_exceed_the_quota(world: World) -> None:
    """Ten at once are five that the platform takes and five that are never tried."""
    user, talk = await waiting_talk(world)
    agent = await member_of_staff(world, "owner")
    await take_conversation(world.app, agent, talk)
    ends = await asyncio.gather(
        *(settled(lambda n=n: send_message(world.app, agent, talk, f"{n}", None, f"k-{talk}-{n}")) for n in range(10))
    )
    assert Counter(ends) == {"won": 5, "QUOTA_REACHED": 5}
    messages = [each for each in await said_in(world.app, talk) if each.author.value == "AGENT"]
    assert [await delivered(world, each.id) for each in messages] == ["SENT"] * 5
    assert len(await world.phone.sent(user)) == 5
    await world.phone.say(user, text="谢谢")
    await send_message(world.app, agent, talk, "不客气", None, f"k-{talk}-more")


async def test_after_48_hours_nothing_is_sent_any_more(quiet: World) -> None:
    user, talk = await waiting_talk(quiet)
    staff = await quiet.staff()
    await staff.do("takeConversation", CONVERSATION, conversationId=talk)
    quiet.clock.ahead += timedelta(hours=48)
    staff = await quiet.staff()
    with pytest.raises(Refused, match="WINDOW_CLOSED"):
        await staff.do("sendMessage", MESSAGE, conversationId=talk, text="还在吗", idempotencyKey=new_key())
    assert (await newest(staff))["sendUntil"] is None
    await quiet.phone.say(
        user, text="还在", sent_at=quiet.clock.now().timestamp(), created_at=quiet.clock.now().timestamp()
    )
    assert (await newest(staff))["sendsLeft"] == 5


async def test_rules_are_silent_while_a_person_answers(world: World) -> None:
    user, talk = await waiting_talk(world)
    assert (await world.phone.say(user, text="有优惠吗"))["reply"] is None
    staff = await world.staff()
    await staff.do("takeConversation", CONVERSATION, conversationId=talk)
    assert (await world.phone.say(user, text="有优惠吗"))["reply"] is None
    assert (await world.phone.say(user, event="CLICK", key="我的优惠"))[
        "reply"
    ] is not None  # a button is a wish of its own
    for _ in range(2):
        closed = (await staff.do("closeConversation", CONVERSATION, conversationId=talk))["conversation"]
        assert (closed["state"], closed["agentName"]) == ("CLOSED", None)
    assert (await world.phone.say(user, text="有优惠吗"))["reply"]["text"].startswith("您现在可以领取")
    assert (await newest(staff))["state"] == "BOT"


async def test_it_is_handed_to_a_colleague_and_back_to_the_queue(world: World) -> None:
    _, talk = await waiting_talk(world)
    owner, colleague = await world.staff(), await world.staff("cashier-shekou")
    colleague_id = (await colleague.ask("{ me { id } }"))["me"]["id"]
    with pytest.raises(Refused, match="STATUS_INVALID"):
        await owner.do("handOver", CONVERSATION, conversationId=talk, toStaffId=colleague_id)
    await owner.do("takeConversation", CONVERSATION, conversationId=talk)
    for _ in range(2):
        given = await owner.do("handOver", CONVERSATION, conversationId=talk, toStaffId=colleague_id)
        assert given["conversation"]["agentName"] == "郑嘉敏"
    with pytest.raises(Refused, match="CONVERSATION_TAKEN"):
        await owner.do("sendMessage", MESSAGE, conversationId=talk, text="x", idempotencyKey=new_key())
    assert (await newest(colleague, mine=True))["id"] == talk
    for _ in range(2):
        back = await colleague.do("handOver", CONVERSATION, conversationId=talk)
        assert (back["conversation"]["state"], back["conversation"]["agentName"]) == ("WAITING", None)
    theirs = (await (await world.staff("tea-owner")).ask("{ me { id } }"))["me"]["id"]
    await owner.do("takeConversation", CONVERSATION, conversationId=talk)
    for nobody in (theirs, "stf_none"):
        with pytest.raises(Refused, match="NOT_FOUND"):
            await owner.do("handOver", CONVERSATION, conversationId=talk, toStaffId=nobody)


@pytest.mark.parametrize("verb", ["takeConversation", "handOver", "closeConversation", "transferToPlatform"])
async def test_a_manager_settles_what_a_colleague_has_and_a_cashier_does_not(world: World, verb: str) -> None:
    """The owner comes after the manager, so that what the manager has is the colleague's in turn."""
    becomes = {"takeConversation": "OPEN", "handOver": "WAITING", "closeConversation": "CLOSED"}.get(verb, "PLATFORM")
    for name in ("manager-gz", "owner"):
        _, talk = await waiting_talk(world)
        await take_conversation(world.app, await member_of_staff(world, "cashier-shekou"), talk)
        with pytest.raises(Refused, match="CONVERSATION_TAKEN"):
            await (await world.staff("cashier-tianhe")).do(verb, CONVERSATION, conversationId=talk)
        manager = await world.staff(name)
        with pytest.raises(Refused, match="CONVERSATION_TAKEN"):
            await manager.do("sendMessage", MESSAGE, conversationId=talk, text="x", idempotencyKey=new_key())
        settled_one = (await manager.do(verb, CONVERSATION, conversationId=talk))["conversation"]
        assert settled_one["state"] == becomes
        mine = (await manager.ask("{ me { name } }"))["me"]["name"]
        assert settled_one["agentName"] == (mine if verb == "takeConversation" else None)


async def test_what_an_agent_had_who_is_gone_is_anybodys_to_take(world: World) -> None:
    user, talk = await waiting_talk(world)
    left = replace(
        await member_of_staff(world, "cashier-shekou"), id=f"stf_{new_key()}", username=new_key(), name="离职的同事"
    )
    await world.app.staff.insert(left)
    await take_conversation(world.app, left, talk)
    cashier = await world.staff("cashier-tianhe")
    with pytest.raises(Refused, match="CONVERSATION_TAKEN"):
        await cashier.do("takeConversation", CONVERSATION, conversationId=talk)
    await world.app.connection.collection("staff").update_one({"_id": left.id}, {"$set": {"active": False}})
    await world.phone.say(user, text="还在吗")
    taken = (await cashier.do("takeConversation", CONVERSATION, conversationId=talk))["conversation"]
    assert (taken["state"], taken["agentName"]) == ("OPEN", "梁子俊")
    await cashier.do("sendMessage", MESSAGE, conversationId=talk, text="在的", idempotencyKey=new_key())
    await cashier.do("closeConversation", CONVERSATION, conversationId=talk)


async def test_what_a_click_allows_is_not_sent_after_its_minute(quiet: World) -> None:
    """Five were sent of what a message allows, the sixth of what a click does: 48 hours are not its time."""
    user, talk = await waiting_talk(quiet)
    agent = await member_of_staff(quiet, "owner")
    await take_conversation(quiet.app, agent, talk)
    for number in range(5):
        await send_message(quiet.app, agent, talk, f"{number}", None, f"k-{talk}-{number}")
    while await run_outbox_once(quiet.app):
        pass
    now = quiet.clock.now().timestamp()
    await quiet.phone.say(user, event="CLICK", key="nothing", created_at=now, sent_at=now)
    sixth = await send_message(quiet.app, agent, talk, "5", None, f"k-{talk}-5")
    assert sixth.before == datetime.fromtimestamp(int(now) + 60, UTC)
    quiet.clock.ahead += timedelta(minutes=1)
    while await run_outbox_once(quiet.app):
        pass
    ended = await quiet.app.conversations.message(sixth.id)
    assert ended is not None
    assert (ended.delivery, ended.failure) == ("FAILED", "WINDOW_CLOSED")
    assert len(await quiet.phone.sent(user)) == 5


async def test_notes_are_for_colleagues_only(world: World) -> None:
    """Whoever has the conversation or not; the person sees neither the note nor a hole of it in the app."""
    api = await world.person("QQ")
    written = await api.do("writeToDesk", f"{MESSAGE} conversation {{ id }}", **_written(world, "在吗"))
    talk = written["conversation"]["id"]
    staff = await world.staff("cashier-tianhe")
    note = await staff.do("addNote", MESSAGE, conversationId=talk, text="老顾客", idempotencyKey=new_key())
    assert (note["said"]["author"], note["said"]["delivery"], note["said"]["number"]) == ("NOTE", None, 2)
    assert await _seen(api, world) == ["在吗"]
    assert [each.content.text for each in await said_in(world.app, talk)] == ["在吗", "老顾客"]


async def test_the_platforms_own_desk_gets_the_person_with_the_next_message(quiet: World) -> None:
    user, talk = await waiting_talk(quiet)
    staff = await quiet.staff()
    with pytest.raises(Refused, match="STATUS_INVALID"):
        await staff.do("transferToPlatform", CONVERSATION, conversationId=talk)
    await staff.do("takeConversation", CONVERSATION, conversationId=talk)
    for _ in range(2):
        given = await staff.do("transferToPlatform", CONVERSATION, conversationId=talk, account="kf1@brand")
        assert (given["conversation"]["state"], given["conversation"]["agentName"]) == ("PLATFORM", None)
    at = quiet.clock.now().timestamp()

    async def say(text: str, minutes: int) -> object:
        moment = at + 60 * minutes
        quiet.clock.ahead += timedelta(seconds=moment - quiet.clock.now().timestamp())
        return (await quiet.phone.say(user, text=text, created_at=moment, sent_at=moment))["reply"]

    transfer = {"type": "transfer", "account": "kf1@brand"}
    assert (await quiet.phone.say(user, event="VIEW", key="x", sent_at=at))["reply"] is None  # only messages go over
    assert await say("你好", 5) == transfer
    assert await say("有优惠吗", 34) == transfer
    assert await say("有优惠吗", 65) != transfer  # half an hour without a message: it is ours again
    assert (await newest(await quiet.staff()))["state"] == "BOT"


async def test_a_person_in_the_app_needs_no_quota_whichever_app_it_is(world: World) -> None:
    staff = await world.staff()
    for platform in ("QQ", "WECHAT"):
        api = await world.person(platform)
        assert (await api.ask("query($b: ID!) { me { conversation(brandId: $b) { id } } }", b=world.brand_id)) == {
            "me": {"conversation": None}
        }
        written = await api.do("writeToDesk", f"{MESSAGE} conversation {{ id state }}", **_written(world, "  在吗 "))
        assert (written["said"]["content"]["text"], written["conversation"]["state"]) == ("在吗", "WAITING")
        talk = written["conversation"]["id"]
        await staff.do("takeConversation", CONVERSATION, conversationId=talk)
        for number in range(7):
            fields = {"conversationId": talk, "text": f"{number}", "idempotencyKey": new_key()}
            said = await staff.do("sendMessage", f"{MESSAGE} {CONVERSATION}", **fields)
            assert (said["said"]["delivery"], said["conversation"]["inApp"]) == ("SENT", True)
        assert await _seen(api, world) == ["在吗", *(f"{number}" for number in range(7))]
        with pytest.raises(Refused, match="STATUS_INVALID"):
            await staff.do("transferToPlatform", CONVERSATION, conversationId=talk)


async def test_what_one_may_write_is_bounded(world: World) -> None:
    api = await world.person()
    for text in ("", " ", "x" * 601, "a\x1b"):
        with pytest.raises(Refused, match="TEXT_INVALID"):
            await api.do("writeToDesk", MESSAGE, **_written(world, text))
    with pytest.raises(Refused, match="NOT_FOUND"):
        await api.do("writeToDesk", MESSAGE, brandId="brd_none", text="x", idempotencyKey=new_key())
    key = new_key()
    for _ in range(2):
        await api.do("writeToDesk", MESSAGE, brandId=world.brand_id, text="同", idempotencyKey=key)
    with pytest.raises(Refused, match="IDEMPOTENCY_KEY_REUSED"):
        await api.do("writeToDesk", MESSAGE, brandId=world.brand_id, text="异", idempotencyKey=key)
    for number in range(99):
        await api.do("writeToDesk", MESSAGE, **_written(world, f"{number}"))
    with pytest.raises(Refused, match="LIMIT_REACHED"):
        await api.do("writeToDesk", MESSAGE, **_written(world, "101"))


async def test_who_signed_in_with_the_same_unionid_has_one_conversation_everywhere(world: World) -> None:
    """The official account knows another openid; the platform says once whose, and the app shows the same talk."""
    user = new_user()
    api = await world.person(name=user)
    assert (await world.phone.say(user, text="客服"))["reply"] is not None
    await api.do("writeToDesk", MESSAGE, **_written(world, "我在小程序里"))
    assert await _seen(api, world) == ["客服", "正在为您转接同事，请稍候。", "我在小程序里"]
    assert (await newest(await world.staff()))["inApp"] is True


async def test_who_did_not_follow_is_asked_for_once_and_again_when_they_do(world: World) -> None:
    """The platform tells no unionid of a stranger: asked once, then no more, and once more when they follow."""
    user = new_user()
    api = await world.person(name=user)
    async with fault(world.http, world.simulator, "user/info", "errcode:40003", 1):
        for text in ("一", "二"):
            await world.phone.say(user, text=text)
        assert await _seen(api, world) == []
    await world.phone.say(user, event="subscribe")
    assert (await _seen(api, world))[:2] == ["一", "二"]


async def test_a_platform_that_does_not_say_who_it_is_holds_nothing_up(world: World) -> None:
    """The message is kept as a visitor's; the next one asks again."""
    user = new_user()
    api = await world.person(name=user)
    async with fault(world.http, world.simulator, "user/info", "timeout", 1):
        said = await world.phone.say(user, text="客服")
        assert said["reply"] is not None
        assert said["attempts"][0]["seconds"] < 5
        assert await _seen(api, world) == []
    await world.phone.say(user, text="还在吗")
    assert (await _seen(api, world))[-1] == "还在吗"


async def test_what_a_person_does_elsewhere_leaves_the_quota_alone(world: World) -> None:
    """Opening customer service in the mini-program, or a link of the menu, grants nothing and takes nothing away."""
    user, talk = await waiting_talk(world)
    entered = f"brand={world.brand_id}"
    await world.phone.say(user, app="mini_program", event="user_enter_tempsession", session_from=entered)
    await world.phone.say(user, event="VIEW", key="https://a.b")
    conversation = await world.app.conversations.conversation(talk)
    assert conversation is not None
    assert (await quota_of(world.app, talk)).left(world.clock.now()) == 5
    assert conversation.app_id == official(world)


async def test_a_visitors_conversation_becomes_theirs_when_they_sign_in(world: World) -> None:
    user = new_user()
    await world.phone.say(user, text="客服")
    api = await world.person(name=user)
    assert await _seen(api, world) == []
    await world.phone.say(user, text="我登录了")
    assert await _seen(api, world) == ["客服", "正在为您转接同事，请稍候。", "我登录了"]
    people = await world.app.connection.collection("conversations").count_documents({"app_id": official(world)})
    assert people == len(
        await world.app.connection.collection("conversations").distinct("openid", {"app_id": official(world)})
    )


async def test_another_brands_conversations_are_out_of_reach(world: World) -> None:
    _, talk = await waiting_talk(world)
    theirs = await world.staff("tea-owner")
    assert (
        await theirs.ask("query($i: ID!) { conversation(id: $i) { id } conversations { nodes { id } } }", i=talk)
    ) == {
        "conversation": None,
        "conversations": {"nodes": []},
    }
    for verb, more in (
        ("takeConversation", {}),
        ("closeConversation", {}),
        ("handOver", {}),
        ("transferToPlatform", {}),
        ("addNote", {"text": "x", "idempotencyKey": "k"}),
        ("sendMessage", {"text": "x", "idempotencyKey": "k"}),
    ):
        with pytest.raises(Refused, match="NOT_FOUND"):
            await theirs.do(verb, "__typename", conversationId=talk, **more)


def _written(world: World, text: str) -> dict[str, str]:
    return {"brandId": world.brand_id, "text": text, "idempotencyKey": new_key()}


async def _seen(api: object, world: World) -> list[str]:
    """The texts that a person sees in the app, oldest first."""
    query = (
        "query($b: ID!) { me { conversation(brandId: $b) { messages(first: 100) { nodes { content { text } } } } } }"
    )
    found = (await api.ask(query, b=world.brand_id))["me"]["conversation"]  # type: ignore[attr-defined]
    return [each["content"]["text"] for each in reversed(found["messages"]["nodes"])] if found else []
