"""Conversations live: agents and the person see each change, after a break too, and the person no note."""

from datetime import timedelta
from typing import Any

import pytest

from resolvers.chat.desk.follow import STORE_OVERLAP
from scripts.client import Api, GraphQLFailed, Stream, new_key
from tests.chat.talking import CONVERSATION, MESSAGE, new_user, newest
from tests.support.following import follow
from tests.support.world import World

AGENT = """subscription($after: String) { conversationUpdates(after: $after) { __typename cursor resync
  conversation { id state revision messageCount customer { memberNumber } }
  messages { number author delivery revision content { text } } } }"""
OWN = """subscription($b: ID!, $after: String) { conversationUpdates(brandId: $b, after: $after) { __typename cursor
  resync conversation { state agentName } messages { author delivery content { text } } } }"""


async def about(stream: Stream, talk: str) -> Any:
    """The next event about a conversation: an agent hears of all of the brand's."""
    while True:
        event = await stream.next()
        if event["conversation"] is not None and event["conversation"].get("id", talk) == talk:
            return event


async def texts(stream: Stream, talk: str, *, until: str) -> list[str]:
    """The texts of a conversation up to one, each as often as it is told, an agent's once it is sent."""
    told: list[str] = []
    while True:
        event = await about(stream, talk)
        told += [each["content"]["text"] for each in event["messages"] if each["delivery"] in (None, "SENT")]
        if until in told:
            return told


async def _write(api: Api, world: World, text: str) -> str:
    fields = {"brandId": world.brand_id, "text": text, "idempotencyKey": new_key()}
    return str((await api.do("writeToDesk", "conversation { id }", **fields))["conversation"]["id"])


async def test_both_sides_see_what_the_other_says(world: World) -> None:
    api, staff = await world.person("QQ"), await world.staff()
    async with api.socket() as theirs, staff.socket() as ours:
        person = await follow(world.app, theirs, OWN, b=world.brand_id)
        agent = await follow(world.app, ours, AGENT)
        cursor = (await staff.ask("{ conversationsCursor }"))["conversationsCursor"]
        talk = await _write(api, world, "在吗")
        event = await about(agent, talk)
        assert (event["conversation"]["id"], event["conversation"]["state"]) == (talk, "WAITING")
        assert [each["content"]["text"] for each in event["messages"]] == ["在吗"]
        assert await texts(person, talk, until="在吗") == ["在吗"]
        await staff.do("takeConversation", CONVERSATION, conversationId=talk)
        await staff.do("addNote", MESSAGE, conversationId=talk, text="只给同事", idempotencyKey=new_key())
        await staff.do("sendMessage", MESSAGE, conversationId=talk, text="在的", idempotencyKey=new_key())
        assert await texts(agent, talk, until="在的") == ["只给同事", "在的"]
        taken = await person.next()
        assert (taken["conversation"], taken["messages"]) == ({"state": "OPEN", "agentName": "陈汐澜"}, [])
        assert await texts(person, talk, until="在的") == ["在的"]
        again = await ours.subscribe(AGENT, after=cursor)
        found = await about(again, talk)
        assert {each["content"]["text"] for each in found["messages"]} >= {"在吗", "只给同事", "在的"}


async def test_a_phone_that_slept_misses_nothing_and_gets_nothing_twice(world: World) -> None:
    api, staff = await world.person(), await world.staff()
    talk = await _write(api, world, "第一句")
    query = "query($b: ID!) { me { conversation(brandId: $b) { cursor } } }"
    cursor = (await api.ask(query, b=world.brand_id))["me"]["conversation"]["cursor"]
    await staff.do("takeConversation", CONVERSATION, conversationId=talk)
    for text in ("第二句", "第三句"):
        await staff.do("addNote", MESSAGE, conversationId=talk, text="密", idempotencyKey=new_key())
        await staff.do("sendMessage", MESSAGE, conversationId=talk, text=text, idempotencyKey=new_key())
    async with api.socket() as theirs:
        stream = await theirs.subscribe(OWN, b=world.brand_id, after=cursor)
        event = await stream.next()
        assert [each["content"]["text"] for each in event["messages"]] == ["第二句", "第三句"]
        assert event["resync"] is False
        resumed = await theirs.subscribe(OWN, b=world.brand_id, after=event["cursor"])
        await staff.do("sendMessage", MESSAGE, conversationId=talk, text="第四句", idempotencyKey=new_key())
        assert await texts(resumed, talk, until="第四句") == ["第四句"]


async def test_a_message_from_the_chat_app_arrives_live_with_its_reply_and_its_delivery(world: World) -> None:
    user, staff = new_user(), await world.staff()
    async with staff.socket() as ours:
        agent = await follow(world.app, ours, AGENT)
        await world.phone.say(user, text="客服")
        talk = (await newest(staff))["id"]
        event = await about(agent, talk)
        assert [(each["author"], each["content"]["text"]) for each in event["messages"]] == [
            ("CUSTOMER", "客服"),
            ("BOT", "正在为您转接同事，请稍候。"),
        ]
        await staff.do("takeConversation", CONVERSATION, conversationId=talk)
        await staff.do("sendMessage", MESSAGE, conversationId=talk, text="您好", idempotencyKey=new_key())
        steps: list[str] = []
        while "SENT" not in steps:
            steps += [each["delivery"] for each in (await about(agent, talk))["messages"]]
        assert steps == ["QUEUED", "SENDING", "SENT"]


async def test_an_old_cursor_is_told_what_changed_since(world: World) -> None:
    staff = await world.staff()
    cursor = (await staff.ask("{ conversationsCursor }"))["conversationsCursor"]
    api = await world.person()
    talk = await _write(api, world, "之后")
    before = (await newest(staff))["id"]
    assert before == talk
    assert timedelta(seconds=60) < STORE_OVERLAP
    async with staff.socket() as ours:
        stream = await ours.subscribe(AGENT, after=cursor)
        seen: list[Any] = []
        while talk not in seen:
            seen.append((await stream.next())["conversation"]["id"])


async def test_after_a_cursor_of_another_conversation_one_reads_ones_own_again_and_other_cursors_are_refused(
    world: World,
) -> None:
    """As after two accounts were joined: the resync says which conversation goes on, and tells nothing of the other."""
    api, other, staff = await world.person(), await world.person(), await world.staff()
    mine = await _write(api, world, "我")
    await _write(other, world, "他")
    query = "query($b: ID!) { me { conversation(brandId: $b) { cursor } } }"
    cursor = (await other.ask(query, b=world.brand_id))["me"]["conversation"]["cursor"]
    async with api.socket() as theirs, staff.socket() as ours:
        stream = await theirs.subscribe(
            OWN.replace("conversation {", "conversation { id"), b=world.brand_id, after=cursor
        )
        event = await stream.next()
        assert (event["resync"], event["conversation"]["id"], event["messages"]) == (True, mine, [])
        desk = (await staff.ask("{ conversationsCursor }"))["conversationsCursor"]
        for wrong in (desk, "x", ""):
            with pytest.raises(GraphQLFailed, match="BAD_USER_INPUT"):
                await (await theirs.subscribe(OWN, b=world.brand_id, after=wrong)).next()
        with pytest.raises(GraphQLFailed, match="BAD_USER_INPUT"):
            await (await ours.subscribe(AGENT, after=cursor)).next()


async def test_another_brands_agents_hear_nothing(world: World) -> None:
    api, theirs = await world.person(), await world.staff("tea-owner")
    async with theirs.socket() as socket:
        stream = await follow(world.app, socket, AGENT)
        await _write(api, world, "不给你")
        with pytest.raises(TimeoutError):
            await stream.next(1.0)
