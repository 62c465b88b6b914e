"""People who write, and agents who answer, for the tests of the chat channel."""

import asyncio
import itertools
import uuid
from typing import Any

import pytest

from resolvers.app import App
from resolvers.chat.desk.model import ChatMessage, Conversation
from resolvers.chat.desk.quota import Quota
from resolvers.chat.incoming import answer as answering
from resolvers.chat.incoming.model import Incoming, read_incoming
from resolvers.chat.incoming.respond import respond
from resolvers.paging import PageRequest
from scripts.client import Api
from scripts.simulator.push_envelope import Pushed, PushKeys, pushed
from tests.support.world import World

_numbers = itertools.count(6_054_768_590_064_713_728)
CONVERSATION = "conversation { id revision state agentName unanswered sendsLeft sendUntil inApp messageCount }"
MESSAGE = "said { id number revision author delivery failure agentName content { kind text mediaId } }"


def new_user() -> str:
    """A person's name at the simulator."""
    return f"user-{uuid.uuid4().hex[:12]}"


def official(world: World) -> str:
    """The app id of the official account."""
    return world.settings["KABAO_WECHAT_OFFICIAL_APP_ID"]


def keys_of(world: World, *, mini_program: bool = False) -> PushKeys:
    """How the pushes of an app are signed and sealed."""
    settings = world.settings
    if mini_program:
        token, key = settings["KABAO_WECHAT_MESSAGE_TOKEN"], settings["KABAO_WECHAT_MESSAGE_AES_KEY"]
        return PushKeys(settings["KABAO_WECHAT_APP_ID"], token, key)
    return PushKeys(official(world), settings["KABAO_WECHAT_OFFICIAL_TOKEN"], settings["KABAO_WECHAT_OFFICIAL_AES_KEY"])


def text_fields(world: World, openid: str, text: str, **other: Any) -> dict[str, Any]:
    """The fields of a text message, as the platform writes them."""
    return {
        "ToUserName": "gh_official",
        "FromUserName": openid,
        "CreateTime": int(world.clock.now().timestamp()),
        "MsgType": "text",
        "Content": text,
        "MsgId": next(_numbers),
        **other,
    }


def event_fields(world: World, openid: str, event: str, key: str = "", **other: Any) -> dict[str, Any]:
    """The fields of an event."""
    return {
        "ToUserName": "gh_official",
        "FromUserName": openid,
        "CreateTime": int(world.clock.now().timestamp()),
        "MsgType": "event",
        "Event": event,
        **({"EventKey": key} if key else {}),
        **other,
    }


def said_to_us(world: World, fields: dict[str, Any], *, mini_program: bool = False) -> tuple[Incoming, dict[str, str]]:
    """A callback as the core gets it."""
    told = {name: str(value) for name, value in fields.items()}
    return read_incoming(keys_of(world, mini_program=mini_program).app_id, told), told


def attempt(world: World, fields: dict[str, Any], mode: str = "safe", form: str = "xml", **more: Any) -> Pushed:
    """One attempt to push, signed now."""
    keys = keys_of(world, mini_program=more.get("mini_program", False))
    return pushed(keys, fields, mode, form, more.get("now") or world.clock.now().timestamp())


async def post(world: World, ready: Pushed, app_id: str | None = None, gateway: str | None = None) -> tuple[int, bytes]:
    """Status and body of what a push is answered."""
    url = f"{gateway or world.gateway}/callbacks/wechat/{app_id or official(world)}?{ready.query}"
    async with world.http.post(url, data=ready.body, headers={"Content-Type": ready.content_type}) as answer:
        return answer.status, await answer.read()


async def left_to_a_worker(world: World, incoming: Incoming, fields: dict[str, str], *, handled: bool = False) -> None:
    """A callback that took too long: answered with nothing. `handled`: its transaction had gone through by then."""

    async def hangs(*what: Any) -> None:
        if handled:
            await respond(*what)
        await asyncio.sleep(60)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(answering, "HANDLE_SECONDS", 2.0 if handled else 0.1)
        patched.setattr(answering, "respond", hangs)
        assert await answering.answer(world.app, incoming, fields) is None


async def talk(app: App, app_id: str, openid: str) -> Conversation:
    """The conversation of a person in an app."""
    conversation = await app.conversations.newest_at_openid(app_id, openid)
    assert conversation is not None
    return conversation


async def quota_of(app: App, conversation_id: str) -> Quota:
    """What may be sent to the chat app in which the person of a conversation last wrote."""
    conversation = await app.conversations.conversation(conversation_id)
    assert conversation is not None
    return await app.conversations.quota(conversation.app_id, conversation.openid)


async def said_in(app: App, conversation_id: str) -> list[ChatMessage]:
    """All that was said in a conversation, oldest first."""
    page = await app.conversations.messages_page(conversation_id, PageRequest(100), with_notes=True)
    return list(reversed(page.items))


async def waiting_talk(world: World, user: str | None = None) -> tuple[str, str]:
    """(user, conversation id) of somebody who wrote to the official account and waits for a person."""
    user = user or new_user()
    now = world.clock.now().timestamp()
    reply = (await world.phone.say(user, text="客服", created_at=now, sent_at=now))["reply"]
    assert reply == {"type": "text", "text": "正在为您转接同事，请稍候。"}
    found = await newest(await world.staff())
    assert found["state"] == "WAITING"
    return user, found["id"]


async def openid_of(world: World, user: str) -> str:
    """The openid of a person who follows the official account from now on."""
    people = world.app.connection.collection("chat_people")
    known = {each["_id"] for each in await people.find({}).to_list(None)}
    now = world.clock.now().timestamp()
    await world.phone.say(user, event="subscribe", created_at=now, sent_at=now)
    [new] = {each["_id"] for each in await people.find({}).to_list(None)} - known
    return str(new).partition(":")[2]


async def newest(staff: Api, **which: Any) -> dict[str, Any]:
    """The brand's conversation in which something was said last."""
    query = """query($state: [ConversationState!], $mine: Boolean!) {
      conversations(first: 1, state: $state, mine: $mine) { nodes {
        id state agentName unanswered sendsLeft sendUntil inApp messageCount customer { id } } } }"""
    nodes = (await staff.ask(query, state=which.get("state"), mine=which.get("mine", False)))["conversations"]["nodes"]
    found: dict[str, Any] = nodes[0]
    return found


async def on_the_phone(world: World, user: str, count: int) -> list[dict[str, Any]]:
    """What arrived on a person's phone, once so much has."""
    for _ in range(600):
        sent = await world.phone.sent(user)
        if len(sent) >= count:
            return [each["content"] for each in sent]
        await asyncio.sleep(0.05)
    raise AssertionError(f"only {len(sent)} arrived")
