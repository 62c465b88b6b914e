"""No call leaves while a transaction is open, whatever the channel does; and all it asks the database has an index."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.outgoing import Outgoing
from resolvers.jobs import Jobs
from scripts.client import new_key
from tests.chat.talking import CONVERSATION, MESSAGE, new_user, newest, on_the_phone
from tests.support.watching import Commands, scan_of, watching
from tests.support.world import World


@pytest.fixture
def watched_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The path of every call to the outside."""
    seen: list[str] = []
    call = Outgoing.call

    async def noted(self: Outgoing, method: str, url: str, **more: Any) -> Any:
        seen.append(url.partition("?")[0].rpartition("/wechat")[2])
        return await call(self, method, url, **more)

    monkeypatch.setattr(Outgoing, "call", noted)
    return seen


async def _everything(world: World) -> None:
    """A person follows, asks for coupons and a human, an agent answers; rules and the menu are edited."""
    user, staff = new_user(), await world.staff()
    await world.phone.say(user, event="subscribe")
    await world.phone.say(user, text="优惠")
    await world.phone.say(user, text="客服", times=3)
    talk = (await newest(staff))["id"]
    await newest(staff, state=["WAITING"])
    await newest(staff, mine=False)
    await staff.do("takeConversation", CONVERSATION, conversationId=talk)
    await newest(staff, mine=True)
    await staff.do("sendMessage", MESSAGE, conversationId=talk, text="您好", idempotencyKey=new_key())
    await on_the_phone(world, user, 2)
    rule = {"match": "EXACT", "words": [f"x-{user}"], "content": {"kind": "TEXT", "text": "y"}}
    made = await staff.do("putReplyRule", "rule { id }", **rule, idempotencyKey=new_key())
    await staff.do("moveReplyRule", "rules { id }", ruleId=made["rule"]["id"])
    await staff.do("deleteReplyRule", "rules { id }", ruleId=made["rule"]["id"])
    await staff.do("putMenu", "menu { state }", buttons=[{"name": user[-8:], "kind": "CLICK", "key": "k"}])
    await staff.do("publishMenu", "menu { state }")
    await staff.do("transferToPlatform", CONVERSATION, conversationId=talk)
    await world.phone.say(user, text="你好")
    api = await world.person(name=user)
    await api.do("writeToDesk", MESSAGE, brandId=world.brand_id, text="在吗", idempotencyKey=new_key())
    await world.phone.say(user, app="mini_program", event="user_enter_tempsession", session_from="none")
    await world.phone.say(user, app="mini_program", text="客服")


async def test_no_call_leaves_while_a_transaction_is_open(world: World, watched_calls: list[str]) -> None:
    """Each call checks it by itself, and fails when one is; so that all of them went well is the proof."""
    await _everything(world)
    assert {
        "/cgi-bin/message/custom/send",
        "/cgi-bin/menu/create",
        "/cgi-bin/menu/get",
        "/cgi-bin/user/info",
    } <= {*watched_calls}


@pytest.fixture(scope="module")
async def listened(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[World, Commands]]:
    """A product whose database commands are listened to."""
    async with watching(mongodb_uri, Path(tmp_path_factory.mktemp("chat-reads"))) as found:
        yield found


async def test_every_query_of_the_channel_uses_an_index(listened: tuple[World, Commands]) -> None:
    world, commands = listened
    commands.seen.clear()
    app, now, jobs = world.app, world.clock.now(), Jobs(world.app)
    jobs.start()
    await _everything(world)
    await jobs.stop()
    conversation = (await app.conversations.changed_since(world.brand_id, now, 10))[0]
    await app.conversations.messages_after(conversation.id, 0, 10)
    await app.conversations.messages_since(conversation.id, now, 10)
    await app.conversations.newest_at_openid("wx", "o")
    await app.conversations.at_openid("wx", "o", [world.brand_id])
    await app.conversations.shown_before(conversation, now)
    await app.brands.only_brand()
    names = (
        "conversations",
        "conversation_messages",
        "reply_rules",
        "callbacks",
        "chat_people",
        "button_menus",
        "brands",
    )
    asked = [(name, command) for name, command in commands.seen if command.get(name) in names]
    assert {command[name] for name, command in asked} == set(names)
    scans = [await scan_of(world, name, command) for name, command in asked if not command.get("hint")]
    assert [scan for scan in scans if scan] == []


async def test_a_page_of_conversations_costs_the_same_for_two_and_for_twenty(listened: tuple[World, Commands]) -> None:
    world, commands = listened
    staff = await world.staff()
    for _ in range(20):
        api = await world.person()
        await api.do("joinBrand", "membership { id }", brandId=world.brand_id)
        await api.do("writeToDesk", MESSAGE, brandId=world.brand_id, text="在吗", idempotencyKey=new_key())
    counts = {}
    query = "query($first: Int!) { conversations(first: $first) { nodes { id state customer { memberNumber } } } }"
    for first in (2, 20):
        commands.seen.clear()
        nodes = (await staff.ask(query, first=first))["conversations"]["nodes"]
        counts[first] = len(commands.seen)
        assert all(node["customer"]["memberNumber"] for node in nodes)
    assert counts[2] == counts[20]
