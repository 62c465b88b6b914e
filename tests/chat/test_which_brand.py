"""Whom a message in a mini-program of several brands is for."""

from datetime import timedelta
from typing import Any

import pytest

from resolvers.chat.incoming.answer import answer
from resolvers.chat.incoming.respond import NO_BRAND_TEXT
from resolvers.ports_chat import Message
from scripts.client import new_key
from tests.chat.talking import event_fields, keys_of, new_user, said_in, said_to_us, text_fields
from tests.support.world import World


@pytest.fixture
async def tea(quiet: World) -> str:
    """The other brand of the mini-program."""
    staff = await quiet.app.staff.named("tea-owner")
    assert staff is not None
    return staff.brand_id


async def told(world: World, fields: dict[str, Any]) -> str | None:
    """The text with which the mini-program's customer service answers."""
    said = await answer(world.app, *said_to_us(world, fields, mini_program=True))
    return said.text if isinstance(said, Message) else None


async def enters(world: World, openid: str, brand_id: str) -> None:
    """A person presses a brand's customer-service button."""
    await told(world, event_fields(world, openid, "user_enter_tempsession", SessionFrom=f"brand={brand_id}"))


async def writes(world: World, openid: str, text: str) -> str | None:
    """A person writes, in whatever they have opened."""
    return await told(world, text_fields(world, openid, text))


async def heard(world: World, openid: str) -> dict[str, list[str]]:
    """What a person has written, by brand."""
    app_id = keys_of(world, mini_program=True).app_id
    rows = (
        await world.app.connection.collection("conversations").find({"app_id": app_id, "openid": openid}).to_list(None)
    )
    return {
        row["brand_id"]: [
            each.content.text for each in await said_in(world.app, row["_id"]) if each.author.value == "CUSTOMER"
        ]
        for row in rows
    }


async def test_a_conversation_of_rules_alone_keeps_nobody(quiet: World, tea: str) -> None:
    """Two brands' buttons pressed within one second are two."""
    await enters(quiet, "o-rules", quiet.brand_id)
    await writes(quiet, "o-rules", "你好")
    await enters(quiet, "o-rules", tea)
    await writes(quiet, "o-rules", "我要投诉奶茶")
    await writes(quiet, "o-rules", "还在吗")
    assert await heard(quiet, "o-rules") == {quiet.brand_id: ["你好"], tea: ["我要投诉奶茶", "还在吗"]}


async def test_a_person_who_said_no_brand_is_their_newest_memberships(quiet: World, tea: str) -> None:
    user = new_user()
    person, now = await quiet.person(name=user), quiet.clock.now().timestamp()
    for brand_id, text in ((quiet.brand_id, "你好"), (tea, "奶茶呢")):
        await person.do("joinBrand", "membership { id }", brandId=brand_id)
        await quiet.phone.say(user, app="mini_program", text=text, created_at=now, sent_at=now)
    found = await quiet.app.connection.collection("conversations").find({"brand_id": tea}).to_list(None)
    texts = [each.content.text for row in found for each in await said_in(quiet.app, row["_id"])]
    assert texts.count("奶茶呢") == 1


async def test_a_brand_said_since_goes_before_the_conversation_under_way(quiet: World, tea: str) -> None:
    """Until somebody of that conversation speaks again: then it is what the person sees, and answers."""
    await enters(quiet, "o-since", tea)
    await enters(quiet, "o-since", quiet.brand_id)
    assert await writes(quiet, "o-since", "客服") == "正在为您转接同事，请稍候。"
    await writes(quiet, "o-since", "有包间吗")
    quiet.clock.ahead += timedelta(seconds=1)  # else it is the first press again, which has no id of its own
    await enters(quiet, "o-since", tea)
    await writes(quiet, "o-since", "奶茶凉了")
    assert await heard(quiet, "o-since") == {quiet.brand_id: ["客服", "有包间吗"], tea: ["奶茶凉了"]}
    staff = await quiet.staff()
    found = (await staff.ask("{ conversations(first: 1, state: [WAITING]) { nodes { id } } }"))["conversations"][
        "nodes"
    ]
    await staff.do("takeConversation", "__typename", conversationId=found[0]["id"])
    await staff.do("sendMessage", "__typename", conversationId=found[0]["id"], text="有的", idempotencyKey=new_key())
    await writes(quiet, "o-since", "那订一间")
    assert await heard(quiet, "o-since") == {quiet.brand_id: ["客服", "有包间吗", "那订一间"], tea: ["奶茶凉了"]}
    await told(quiet, event_fields(quiet, "o-since", "user_enter_tempsession", SessionFrom=""))  # says nothing
    await staff.do("closeConversation", "__typename", conversationId=found[0]["id"])
    await writes(quiet, "o-since", "奶茶呢")
    assert (await heard(quiet, "o-since"))[tea] == ["奶茶凉了", "奶茶呢"]


async def test_a_message_for_nobody_is_answered_where_to_come_from(quiet: World) -> None:
    """No conversation is made of it; with a brand said, the next one is heard."""
    assert NO_BRAND_TEXT == "您好，请从想咨询的门店页面点“联系客服”进入，我们马上为您服务。"
    assert await writes(quiet, "o-nobody", "有人吗") == NO_BRAND_TEXT
    assert await told(quiet, event_fields(quiet, "o-nobody", "user_enter_tempsession", SessionFrom="")) is None
    assert await heard(quiet, "o-nobody") == {}
    await enters(quiet, "o-nobody", quiet.brand_id)
    await writes(quiet, "o-nobody", "有人吗")
    assert await heard(quiet, "o-nobody") == {quiet.brand_id: ["有人吗"]}
