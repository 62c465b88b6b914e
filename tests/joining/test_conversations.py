"""Conversations of two accounts that become one: one goes on with each brand, the other is kept for the agents."""

from typing import Any

from scripts.client import Api, Json, new_key
from tests.joining.accounts import bind, join_code, two_accounts
from tests.support.world import World

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
    assert (found["id"], found["state"], found["texts"]) == (answered, "OPEN", ["我的卡呢"])
    shown = {each["id"]: each for each in (await staff.ask(ALL))["conversations"]["nodes"]}
    assert shown[waiting]["state"] == "CLOSED"
    assert [each["content"]["text"] for each in shown[waiting]["messages"]["nodes"]] == ["在吗"]
    assert await write(world, caller, "谢谢") == answered
