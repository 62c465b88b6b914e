"""Conversations of two accounts that become one: one goes on with each brand; what was said in the other is kept."""

from typing import Any

import pytest

from scripts.client import Api, Json, Refused, new_key
from tests.gateway.raw import signed_in_socket
from tests.joining.accounts import bind, join_code, two_accounts
from tests.support.world import World

WATCH = """subscription($b: ID!, $after: String) { conversationUpdates(brandId: $b, after: $after) { resync
  conversation { id } messages { content { text } } } }"""
MINE = "query($b: ID!) { me { conversation(brandId: $b) { id state messages { nodes { content { text } } } } } }"
ALL = "{ conversations { nodes { id state messages { nodes { author content { text } } } } } }"


async def write(world: World, person: Api, text: str) -> str:
    """Write to the brand's agents: the conversation's id."""
    done = await person.do(
        "writeToDesk", "conversation { id }", brandId=world.brand_id, text=text, idempotencyKey=new_key()
    )
    return str(done["conversation"]["id"])


async def mine(world: World, person: Api) -> Json:
    """One's own conversation: {id, state, texts}."""
    found: Any = (await person.ask(MINE, b=world.brand_id))["me"]["conversation"]
    return {**found, "texts": [each["content"]["text"] for each in found["messages"]["nodes"]]}


async def test_a_conversation_of_the_account_that_goes_in_goes_on(world: World) -> None:
    other, caller, number = await two_accounts(world)
    talk = await write(world, caller, "还有包间吗")
    await bind(world, caller, "QQ", number)
    for person in (caller, other):
        assert ((found := await mine(world, person))["id"], found["texts"]) == (talk, ["还有包间吗"])
    assert await write(world, other, "我到了") == talk
    assert sorted((await mine(world, caller))["texts"]) == ["我到了", "还有包间吗"]


async def test_of_two_the_one_goes_on_in_which_an_agent_is(world: World) -> None:
    """The QQ account spoke last, but an agent answers the WeChat one: that goes on, the other is closed and kept."""
    other, caller, number = await two_accounts(world)
    answered = await write(world, other, "我的卡呢")
    staff = await world.staff()
    await staff.do("takeConversation", "conversation { state }", conversationId=answered)
    waiting = await write(world, caller, "在吗")
    await staff.do("takeConversation", "conversation { state }", conversationId=waiting)
    await staff.do("closeConversation", "conversation { state }", conversationId=waiting)
    await bind(world, caller, "QQ", number, proof=await join_code(other))
    found = await mine(world, caller)
    assert (found["id"], found["state"], found["texts"]) == (answered, "OPEN", ["我的卡呢", "在吗"])
    shown = {each["id"]: each for each in (await staff.ask(ALL))["conversations"]["nodes"]}
    assert shown[waiting]["state"] == "CLOSED"
    assert [each["content"]["text"] for each in shown[waiting]["messages"]["nodes"]] == ["在吗"]
    assert await write(world, caller, "谢谢") == answered


async def test_an_agents_conversation_goes_on_though_the_other_waits_and_was_written_in_last(world: World) -> None:
    """What waited is asked in it again, and the one that was merged away can be neither taken nor written in."""
    other, caller, number = await two_accounts(world)
    answered = await write(world, other, "我的卡呢")
    staff = await world.staff()
    await staff.do("takeConversation", "conversation { state }", conversationId=answered)
    await staff.do("sendMessage", "said { id }", conversationId=answered, text="正在查", idempotencyKey=new_key())
    waiting = await write(world, caller, "在吗")
    await bind(world, caller, "QQ", number, proof=await join_code(other))
    found = await mine(world, caller)
    assert (found["id"], found["state"], found["texts"]) == (answered, "OPEN", ["在吗", "正在查", "我的卡呢"])
    await staff.do("sendMessage", "said { id }", conversationId=answered, text="查到了", idempotencyKey=new_key())
    for verb, fields in (("takeConversation", {}), ("sendMessage", {"text": "x", "idempotencyKey": new_key()})):
        with pytest.raises(Refused, match="STATUS_INVALID: 会话已合并到该顾客的另一个会话"):
            await staff.do(verb, "__typename", conversationId=waiting, **fields)
    assert (await mine(world, other))["texts"] == ["查到了", "在吗", "正在查", "我的卡呢"]


async def test_what_nobody_has_answered_in_either_is_asked_in_the_one_that_goes_on(world: World) -> None:
    other, caller, number = await two_accounts(world)
    first = await write(world, other, "问题一")
    second = await write(world, caller, "问题二")
    await write(world, caller, "问题三")
    await bind(world, caller, "QQ", number)
    found = await mine(world, other)
    assert (found["id"], sorted(found["texts"])) == (second, ["问题一", "问题三", "问题二"])
    staff = await world.staff()
    shown = {each["id"]: each for each in (await staff.ask(ALL))["conversations"]["nodes"]}
    assert (shown[first]["state"], shown[second]["state"]) == ("CLOSED", "WAITING")


async def test_after_the_cursor_of_the_other_conversation_it_goes_on_with_a_resync(world: World) -> None:
    other, caller, number = await two_accounts(world)
    await write(world, other, "问题一")
    old = (await other.ask("query($b: ID!) { me { conversation(brandId: $b) { cursor } } }", b=world.brand_id))["me"]
    kept = await write(world, caller, "问题二")
    await bind(world, caller, "QQ", number)
    async with other.socket() as socket:
        stream = await socket.subscribe(WATCH, b=world.brand_id, after=old["conversation"]["cursor"])
        event = await stream.next()
        assert (event["resync"], event["conversation"]["id"], event["messages"]) == (True, kept, [])
        await write(world, other, "问题四")
        event = await stream.next()
        assert (event["resync"], [each["content"]["text"] for each in event["messages"]]) == (False, ["问题四"])


@pytest.mark.parametrize("whose", ["survivor", "absorbed"])
async def test_a_socket_that_watches_no_wallet_is_closed_too(world: World, whose: str) -> None:
    """Who watches a conversation alone would go on watching that of an account which is no more."""
    other, caller, number = await two_accounts(world)
    person = other if whose == "survivor" else caller
    async with signed_in_socket(world, person.token) as frames:
        await frames.subscribe(
            "1",
            WATCH.replace("$b: ID!, $after: String", "")
            .replace("()", "")
            .replace("brandId: $b, after: $after", f'brandId: "{world.brand_id}"'),
        )
        await bind(world, caller, "QQ", number)
        assert await frames.close_code() == 4403
