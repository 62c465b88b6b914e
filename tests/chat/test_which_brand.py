"""Whom a message in a mini-program of several brands is for."""

from datetime import timedelta
from typing import Any

import pytest

from resolvers.chat.desk.agents import close_conversation, take_conversation
from resolvers.chat.desk.join import merge_conversations
from resolvers.chat.desk.speak import add_note, send_message
from resolvers.chat.incoming.answer import answer
from resolvers.chat.incoming.respond import NO_BRAND_TEXT
from resolvers.jobs import run_outbox_once
from resolvers.ports_chat import Message
from resolvers.work.model import SYSTEM, Call
from resolvers.work.unit import Work
from scripts.client import new_key
from tests.chat.talking import event_fields, keys_of, new_user, said_in, said_to_us, talk, text_fields
from tests.chat.test_two_places import done, now_of, written
from tests.support.core import member_of_staff
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
    """Until an agent of that conversation speaks again: then it is what the person sees, and answers."""
    openid = await asks_for_a_person(quiet, user := new_user(), quiet.brand_id)
    await writes(quiet, openid, "有包间吗")
    quiet.clock.ahead += timedelta(seconds=1)  # else it is the first press again, which has no id of its own
    await enters(quiet, openid, tea)
    await writes(quiet, openid, "奶茶凉了")
    assert await heard(quiet, openid) == {quiet.brand_id: ["客服", "有包间吗"], tea: ["奶茶凉了"]}
    staff = await quiet.staff()
    found = (await staff.ask("{ conversations(first: 1, state: [WAITING]) { nodes { id } } }"))["conversations"][
        "nodes"
    ]
    await staff.do("takeConversation", "__typename", conversationId=found[0]["id"])
    await staff.do("sendMessage", "__typename", conversationId=found[0]["id"], text="有的", idempotencyKey=new_key())
    while await run_outbox_once(quiet.app):
        pass
    assert len(await quiet.phone.sent(user)) == 1
    await writes(quiet, openid, "那订一间")
    assert await heard(quiet, openid) == {quiet.brand_id: ["客服", "有包间吗", "那订一间"], tea: ["奶茶凉了"]}
    await told(quiet, event_fields(quiet, openid, "user_enter_tempsession", SessionFrom=""))  # says nothing
    await staff.do("closeConversation", "__typename", conversationId=found[0]["id"])
    await writes(quiet, openid, "奶茶呢")
    assert (await heard(quiet, openid))[tea] == ["奶茶凉了", "奶茶呢"]


async def asks_for_a_person(world: World, user: str, brand_id: str) -> str:
    """The openid of somebody with a phone, who presses a brand's button and asks for a person."""
    now = world.clock.now().timestamp()
    at: Any = {"app": "mini_program", "created_at": now, "sent_at": now}
    await world.phone.say(user, event="user_enter_tempsession", session_from=f"brand={brand_id}", **at)
    said = await world.phone.say(user, text="客服", **at)
    assert said["reply"] == {"type": "text", "text": "正在为您转接同事，请稍候。"}
    [person] = await world.app.connection.collection("chat_people").find({}).sort("brands.noted_at", -1).to_list(1)
    return str(person["_id"]).partition(":")[2]


async def presses(world: World, openid: str, brand_id: str) -> dict[str, Any]:
    """A brand's button pressed three seconds ago, of which nobody has told us yet."""
    pressed = event_fields(world, openid, "user_enter_tempsession", SessionFrom=f"brand={brand_id}")
    world.clock.ahead += timedelta(seconds=3)
    return pressed


@pytest.mark.parametrize("text", ["你好", "客服"])
async def test_a_button_of_which_we_learn_late_counts_from_then_on(quiet: World, tea: str, text: str) -> None:
    """Its first attempt got lost, and a message came first: nobody could know of that one, but of all that follow."""
    openid = f"o-learned-{len(text.encode())}-{text}"
    await enters(quiet, openid, quiet.brand_id)
    quiet.clock.ahead += timedelta(seconds=3)
    pressed = await presses(quiet, openid, tea)
    await writes(quiet, openid, text)
    quiet.clock.ahead += timedelta(seconds=2)
    await told(quiet, pressed)
    quiet.clock.ahead += timedelta(seconds=20)
    for later in ("奶茶还没到", "人呢"):
        await writes(quiet, openid, later)
    assert await heard(quiet, openid) == {quiet.brand_id: [text], tea: ["奶茶还没到", "人呢"]}


async def test_an_older_button_of_which_we_learn_late_does_not_undo_a_newer_one(quiet: World, tea: str) -> None:
    pressed = await presses(quiet, "o-older", quiet.brand_id)
    await enters(quiet, "o-older", tea)
    quiet.clock.ahead += timedelta(seconds=2)
    await told(quiet, pressed)
    await writes(quiet, "o-older", "奶茶凉了")
    assert await heard(quiet, "o-older") == {tea: ["奶茶凉了"]}


@pytest.mark.parametrize("begun", [False, True], ids=["nothing before", "it waits already"])
async def test_a_late_message_is_for_the_brand_of_its_own_time(quiet: World, tea: str, begun: bool) -> None:
    """The person has gone on to another brand by the time it comes, where an agent is; what follows is for that."""
    openid = f"o-late-{begun}"
    await enters(quiet, openid, quiet.brand_id)
    if begun:
        await writes(quiet, openid, "海鲜客服")
    quiet.clock.ahead += timedelta(seconds=3)
    late = text_fields(quiet, openid, "客服")
    quiet.clock.ahead += timedelta(seconds=3)
    await enters(quiet, openid, tea)
    await writes(quiet, openid, "客服")
    there = await talk(quiet.app, keys_of(quiet, mini_program=True).app_id, openid)
    assert there.brand_id == tea
    await take_conversation(quiet.app, await member_of_staff(quiet, "tea-owner"), there.id)
    quiet.clock.ahead += timedelta(seconds=3)
    await told(quiet, late)
    quiet.clock.ahead += timedelta(seconds=3)
    await writes(quiet, openid, "奶茶凉了")
    seafood = ["海鲜客服", "客服"] if begun else ["客服"]
    assert await heard(quiet, openid) == {quiet.brand_id: seafood, tea: ["客服", "奶茶凉了"]}


@pytest.mark.parametrize("more", [False, True], ids=["pressed again", "and written"])
async def test_a_late_answer_is_for_the_agent_who_asked(quiet: World, tea: str, more: bool) -> None:
    """The person has pressed that brand's button again, and even written there, by the time it comes."""
    openid = await asks_for_a_person(quiet, user := new_user(), quiet.brand_id)
    asking = await talk(quiet.app, keys_of(quiet, mini_program=True).app_id, openid)
    agent = await member_of_staff(quiet, "owner")
    await take_conversation(quiet.app, agent, asking.id)
    quiet.clock.ahead += timedelta(seconds=2)
    await enters(quiet, openid, tea)
    quiet.clock.ahead += timedelta(seconds=2)
    await send_message(quiet.app, agent, asking.id, "请告诉我手机号", None, new_key())
    await done(quiet)
    assert len(await quiet.phone.sent(user)) == 1
    quiet.clock.ahead += timedelta(seconds=2)
    late = text_fields(quiet, openid, "13800000000")
    quiet.clock.ahead += timedelta(seconds=2)
    await enters(quiet, openid, quiet.brand_id)
    if more:
        await writes(quiet, openid, "收到了吗")
    quiet.clock.ahead += timedelta(seconds=2)
    await told(quiet, late)
    seafood = ["客服", "收到了吗", "13800000000"] if more else ["客服", "13800000000"]
    assert await heard(quiet, openid) == {quiet.brand_id: seafood}


async def test_a_late_message_is_not_for_a_conversation_that_was_over_at_its_time(quiet: World, tea: str) -> None:
    """There an agent is again by the time it comes: what they wrote there long before does not count for more."""
    openid = "o-over"
    app_id = keys_of(quiet, mini_program=True).app_id
    await enters(quiet, openid, tea)
    await writes(quiet, openid, "客服")
    there, agent = await talk(quiet.app, app_id, openid), await member_of_staff(quiet, "tea-owner")
    await take_conversation(quiet.app, agent, there.id)
    await close_conversation(quiet.app, agent, there.id)
    quiet.clock.ahead += timedelta(seconds=5)
    await enters(quiet, openid, quiet.brand_id)
    quiet.clock.ahead += timedelta(seconds=2)
    late = text_fields(quiet, openid, "有包间吗")
    quiet.clock.ahead += timedelta(seconds=2)
    await enters(quiet, openid, tea)
    await writes(quiet, openid, "客服")
    await take_conversation(quiet.app, agent, there.id)
    quiet.clock.ahead += timedelta(seconds=2)
    await told(quiet, late)
    assert await heard(quiet, openid) == {quiet.brand_id: ["有包间吗"], tea: ["客服", "客服"]}


async def test_a_note_of_colleagues_takes_no_message_from_another_brand(quiet: World, tea: str) -> None:
    """Nor does an agent's message that did not arrive: the person saw neither."""
    await enters(quiet, "o-noted", quiet.brand_id)
    await writes(quiet, "o-noted", "客服")
    quiet.clock.ahead += timedelta(seconds=1)
    await enters(quiet, "o-noted", tea)
    waiting = await talk(quiet.app, keys_of(quiet, mini_program=True).app_id, "o-noted")
    agent = await member_of_staff(quiet, "owner")
    quiet.clock.ahead += timedelta(seconds=1)
    await add_note(quiet.app, agent, waiting.id, "老顾客", new_key())
    await take_conversation(quiet.app, agent, waiting.id)
    await send_message(quiet.app, agent, waiting.id, "您好", None, new_key())
    while await run_outbox_once(quiet.app):  # the simulator knows no such openid
        pass
    assert (await said_in(quiet.app, waiting.id))[-1].failure == "NOT_FOLLOWING"
    await writes(quiet, "o-noted", "奶茶凉了")
    assert await heard(quiet, "o-noted") == {quiet.brand_id: ["客服"], tea: ["奶茶凉了"]}


async def test_what_is_said_in_the_mini_program_takes_no_message_from_another_brand(quiet: World, tea: str) -> None:
    """The customer-service window shows neither what the person wrote there nor what an agent answered."""
    openid = await asks_for_a_person(quiet, user := new_user(), quiet.brand_id)
    talk_there = await talk(quiet.app, keys_of(quiet, mini_program=True).app_id, openid)
    agent, api = await member_of_staff(quiet, "owner"), await quiet.person(name=user)
    await writes(quiet, openid, "有包间吗")
    await take_conversation(quiet.app, agent, talk_there.id)
    quiet.clock.ahead += timedelta(seconds=2)
    await enters(quiet, openid, tea)
    quiet.clock.ahead += timedelta(seconds=2)
    mine = await written(quiet, api, "几点开门")
    await send_message(quiet.app, agent, mine, "十点", None, new_key())
    await done(quiet)
    assert (len(await quiet.phone.sent(user)), (await now_of(quiet, mine)).in_app) == (0, True)
    await writes(quiet, openid, "奶茶凉了")
    seafood = [each.content.text for each in await said_in(quiet.app, mine) if each.author == "CUSTOMER"]
    assert (mine, seafood) == (talk_there.id, ["客服", "有包间吗", "几点开门"])
    assert (await heard(quiet, openid))[tea] == ["奶茶凉了"]


@pytest.mark.parametrize("goes_on", ["the visitor's", "the one in the app"])
async def test_a_conversation_begun_in_the_mini_program_is_not_seen_in_the_chat(
    quiet: World, tea: str, goes_on: str
) -> None:
    """Nor is what was said in it once it is one with the visitor's: only what the person wrote in the chat."""
    openid = f"o-in-app-{len(goes_on)}"
    await enters(quiet, openid, quiet.brand_id)
    await writes(quiet, openid, "客服")
    app_id = keys_of(quiet, mini_program=True).app_id
    visitors = await talk(quiet.app, app_id, openid)
    if goes_on == "the visitor's":
        await take_conversation(quiet.app, await member_of_staff(quiet, "owner"), visitors.id)
    visitors = await now_of(quiet, visitors.id)
    quiet.clock.ahead += timedelta(seconds=2)
    await enters(quiet, openid, tea)
    quiet.clock.ahead += timedelta(seconds=2)
    mine = await now_of(quiet, await written(quiet, await quiet.person(), "在小程序里"))
    assert mine.last_shown_at is None
    owner = mine.person_key

    async def steps(work: Work) -> dict[str, str]:
        return {"kept": (await merge_conversations(quiet.app, work, owner, [visitors, mine])).id}

    kept = await now_of(quiet, (await quiet.app.work.run(Call("test", SYSTEM), steps))["kept"])
    assert kept.id == (visitors.id if goes_on == "the visitor's" else mine.id)
    assert (kept.openid, kept.last_shown_at, kept.unanswered) == (openid, visitors.last_shown_at, 2)
    await writes(quiet, openid, "奶茶凉了")
    assert (await heard(quiet, openid))[tea] == ["奶茶凉了"]


async def test_a_message_for_nobody_is_answered_where_to_come_from(quiet: World) -> None:
    """No conversation is made of it; with a brand said, the next one is heard."""
    assert NO_BRAND_TEXT == "您好，请从想咨询的门店页面点“联系客服”进入，我们马上为您服务。"
    assert await writes(quiet, "o-nobody", "有人吗") == NO_BRAND_TEXT
    assert await told(quiet, event_fields(quiet, "o-nobody", "user_enter_tempsession", SessionFrom="")) is None
    assert await heard(quiet, "o-nobody") == {}
    await enters(quiet, "o-nobody", quiet.brand_id)
    await writes(quiet, "o-nobody", "有人吗")
    assert await heard(quiet, "o-nobody") == {quiet.brand_id: ["有人吗"]}
