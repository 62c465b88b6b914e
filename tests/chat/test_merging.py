"""Conversations of one person that become one: no question is lost, nothing said is gone, nobody changes desks."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from resolvers.chat.desk.agents import close_conversation, hand_over, take_conversation, transfer_to_platform
from resolvers.chat.desk.history import history_page
from resolvers.chat.desk.join import MAXIMUM_SAID_AGAIN, merge_conversations
from resolvers.chat.desk.model import Author, Conversation, ConversationState
from resolvers.chat.desk.speak import add_note, send_message
from resolvers.chat.desk.write import new_conversation, write_conversation
from resolvers.chat.desk.write import said as says_to
from resolvers.chat.incoming.answer import answer
from resolvers.paging import PageRequest
from resolvers.ports_chat import Message, MessageKind, Transfer
from resolvers.work.model import SYSTEM, Call
from resolvers.work.unit import Work
from scripts.client import Api, Refused, new_key
from tests.chat.talking import said_in, said_to_us, text_fields, waiting_talk
from tests.chat.test_two_places import now_of, written
from tests.support.core import member_of_staff
from tests.support.world import World

HISTORY = """query($b: ID!, $first: Int!, $after: String) { me { conversation(brandId: $b) {
  id messages(first: $first, after: $after) { nodes { id number content { text } } pageInfo { endCursor hasNextPage } }
} } }"""
NODE = "query($id: ID!) { node(id: $id) { ... on ConversationMessage { number content { text } } } }"


async def looks_around(world: World, user: str) -> None:
    """The person opens a link of the official account's menu: that tells who they are, and nothing else."""
    now = world.clock.now().timestamp()
    await world.phone.say(user, event="VIEW", key="https://a.b", created_at=now, sent_at=now)


async def says(world: World, talk: str, text: str) -> Any:
    """The person of a conversation writes where they wrote before: what they are answered."""
    return await answer(world.app, *said_to_us(world, text_fields(world, (await now_of(world, talk)).openid, text)))


async def texts(world: World, talk: str) -> list[str]:
    """What was said in a conversation, oldest first."""
    return [each.content.text for each in await said_in(world.app, talk)]


async def history(world: World, api: Api, first: int = 100) -> list[tuple[int, str]]:
    """(number, text) of all that a customer sees, newest first, read in pages."""
    seen: list[tuple[int, str]] = []
    after: str | None = None
    while True:
        found: Any = await api.ask(HISTORY, b=world.brand_id, first=first, after=after)
        page = found["me"]["conversation"]["messages"]
        seen += [(each["number"], each["content"]["text"]) for each in page["nodes"]]
        if not page["pageInfo"]["hasNextPage"]:
            return seen
        after = page["pageInfo"]["endCursor"]


@pytest.mark.parametrize("how", ["taken", "back in the queue"])
async def test_a_question_that_an_agent_has_taken_and_not_answered_is_said_again(quiet: World, how: str) -> None:
    user, visitors = await waiting_talk(quiet)
    await says(quiet, visitors, "我的钱呢")
    owner = await member_of_staff(quiet, "owner")
    await take_conversation(quiet.app, owner, visitors)
    if how == "back in the queue":
        await hand_over(quiet.app, owner, visitors, None)
    api = await quiet.person(name=user)
    mine = await written(quiet, api, "在小程序里")
    await take_conversation(quiet.app, await member_of_staff(quiet, "cashier-tianhe"), mine)
    await looks_around(quiet, user)
    assert (await now_of(quiet, visitors)).merged_into == mine
    goes_on = await now_of(quiet, mine)
    assert (goes_on.state, goes_on.unanswered) == ("OPEN", 3)
    assert await texts(quiet, mine) == ["在小程序里", "客服", "我的钱呢"]


async def test_what_an_agent_has_answered_is_not_said_again(quiet: World) -> None:
    user, visitors = await waiting_talk(quiet)
    owner = await member_of_staff(quiet, "owner")
    await take_conversation(quiet.app, owner, visitors)
    await send_message(quiet.app, owner, visitors, "您好", None, new_key())
    await says(quiet, visitors, "我的钱呢")
    await hand_over(quiet.app, owner, visitors, None)
    api = await quiet.person(name=user)
    mine = await written(quiet, api, "在小程序里")
    await take_conversation(quiet.app, owner, mine)
    await looks_around(quiet, user)
    assert await texts(quiet, mine) == ["在小程序里", "我的钱呢"]


async def test_of_more_than_a_page_that_waits_all_is_said_again(quiet: World) -> None:
    """111 and one: and the customer may write on in the app, where they have written one."""
    user, visitors = await waiting_talk(quiet)
    for number in range(110):
        await says(quiet, visitors, f"{number}")
    api = await quiet.person(name=user)
    mine = await written(quiet, api, "在小程序里")
    await looks_around(quiet, user)
    assert ((await now_of(quiet, visitors)).merged_into, (await now_of(quiet, mine)).unanswered) == (mine, 112)
    seen = [text for _, text in reversed(await history(quiet, api))]
    assert seen == ["正在为您转接同事，请稍候。", "在小程序里", "客服", *(f"{number}" for number in range(110))]
    for number in range(99):
        await written(quiet, api, f"再{number}")
    with pytest.raises(Refused, match="LIMIT_REACHED"):
        await written(quiet, api, "第一百零一句")


async def test_of_too_much_the_newest_is_said_again_and_the_rest_is_seen_where_it_was(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert MAXIMUM_SAID_AGAIN == 500
    monkeypatch.setattr("resolvers.chat.desk.join.MAXIMUM_SAID_AGAIN", 3)
    user, visitors = await waiting_talk(quiet)
    for number in range(5):
        await says(quiet, visitors, f"{number}")
    api = await quiet.person(name=user)
    mine = await written(quiet, api, "在小程序里")
    await looks_around(quiet, user)
    assert await texts(quiet, mine) == ["在小程序里", "2", "3", "4"]
    assert await history(quiet, api) == [
        (4, "4"),
        (3, "3"),
        (2, "2"),
        (1, "在小程序里"),
        (-3, "1"),
        (-4, "0"),
        (-5, "正在为您转接同事，请稍候。"),
        (-6, "客服"),
    ]


@pytest.mark.parametrize("first", [1, 2, 3, 100])
async def test_what_was_said_before_is_still_seen_in_the_app(quiet: World, first: int) -> None:
    """The visitor's goes on, for somebody waits in it; the agent's answer in the other one is below it, in any page."""
    user, visitors = await waiting_talk(quiet)
    api, owner = await quiet.person(name=user), await member_of_staff(quiet, "owner")
    mine = await written(quiet, api, "会员卡余额不对")
    await take_conversation(quiet.app, owner, mine)
    await add_note(quiet.app, owner, mine, "查过了", new_key())
    told = await send_message(quiet.app, owner, mine, "已为您补回100元", None, new_key())
    await close_conversation(quiet.app, owner, mine)
    await looks_around(quiet, user)
    assert (await now_of(quiet, mine)).merged_into == visitors
    seen = await history(quiet, api, first)
    assert seen == [(2, "正在为您转接同事，请稍候。"), (1, "客服"), (0, "已为您补回100元"), (-2, "会员卡余额不对")]
    assert await api.ask(NODE, id=told.id) == {"node": {"number": 0, "content": {"text": "已为您补回100元"}}}
    other: Any = await (await quiet.person()).ask(NODE, id=told.id)
    assert other == {"node": None}


@pytest.mark.parametrize("answered", [False, True], ids=["said again", "below"])
async def test_a_page_after_a_merge_goes_on_where_the_one_before_it_ended(quiet: World, answered: bool) -> None:
    """The cursor is of the conversation in the app; the visitor's goes on, in which each number is another message."""
    user, visitors = await waiting_talk(quiet)
    api, owner = await quiet.person(name=user), await member_of_staff(quiet, "owner")
    await take_conversation(quiet.app, owner, visitors)
    for number in range(6):
        mine = await written(quiet, api, f"{number}")
    if answered:
        await take_conversation(quiet.app, owner, mine)
        await send_message(quiet.app, owner, mine, "好的", None, new_key())
        await close_conversation(quiet.app, owner, mine)
    first, after = await page_of_history(quiet, api, 2, None)
    assert first == (["好的", "5"] if answered else ["5", "4"])
    await looks_around(quiet, user)
    assert (await now_of(quiet, mine)).merged_into == visitors
    rest: list[str] = []
    while after is not None:
        page, after = await page_of_history(quiet, api, 2, after)
        rest += page
    seen_before = ["正在为您转接同事，请稍候。", "客服"]
    assert rest == (["4", "3", "2", "1", "0"] if answered else ["3", "2", "1", "0", *seen_before])


async def page_of_history(world: World, api: Api, first: int, after: str | None) -> tuple[list[str], str | None]:
    """The texts of one page of what a customer sees, and the cursor of the next."""
    found: Any = await api.ask(HISTORY, b=world.brand_id, first=first, after=after)
    page = found["me"]["conversation"]["messages"]
    info = page["pageInfo"]
    return [each["content"]["text"] for each in page["nodes"]], info["endCursor"] if info["hasNextPage"] else None


@pytest.mark.parametrize("third", ["三", "请稍候"], ids=["of the person", "of rules"])
async def test_a_cursor_of_before_two_merges_is_followed_through_both(quiet: World, third: str) -> None:
    """What waits is said again, and again; what rules answered is not, and the page begins with what was before it."""
    app, ids = quiet.app, dict[str, str]()

    async def begin(key: str, said: list[str]) -> None:
        async def steps(work: Work) -> dict[str, str]:
            talk = replace(new_conversation(work, quiet.brand_id, key, None), unanswered=len({*said} - {"请稍候"}))
            talk = talk.queued(work.now)
            authors = [(each, Author.BOT if each == "请稍候" else Author.CUSTOMER) for each in said]
            messages = [says_to(work, talk, author, Message(MessageKind.TEXT, text=each)) for each, author in authors]
            return {"id": (await write_conversation(app, work, talk, messages, new=True)).id}

        ids[key] = (await app.work.run(Call("test", SYSTEM), steps))["id"]
        quiet.clock.ahead += timedelta(seconds=1)

    async def merge(*keys: str) -> Conversation:
        async def steps(work: Work) -> dict[str, str]:
            talks = [await now_of(quiet, ids[key]) for key in keys]
            return {"id": (await merge_conversations(app, work, f"cus_merged_{third}", talks)).id}

        kept = (await app.work.run(Call("test", SYSTEM), steps))["id"]
        assert kept == ids[keys[-1]]
        quiet.clock.ahead += timedelta(seconds=1)
        return await now_of(quiet, kept)

    async def read(talk: Conversation, after: str | None = None) -> tuple[list[tuple[int, str]], str]:
        page = await history_page(app, talk, PageRequest.parse(2 if after is None else 100, after))
        return [(each.number, each.content.text) for each in page.items], page.cursors[-1]

    await begin("first", ["一", "二", third, "四"])
    seen, cursor = await read(await now_of(quiet, ids["first"]))
    assert seen == [(4, "四"), (3, third)]
    await begin("second", ["五"])
    talk = await merge("first", "second")
    below = [(-1, "请稍候")] if third == "请稍候" else []
    assert (await read(talk, cursor))[0] == [(3, "二"), (2, "一"), (1, "五"), *below]
    await begin("third", ["六"])
    talk = await merge("second", "third")
    seen = (await read(talk, cursor))[0]
    assert [text for number, text in seen if number > 0] == ["二", "一", "五", "六"]
    assert [text for number, text in seen if number < 1] == [text for _, text in below]


async def test_one_more_merge_changes_no_number(quiet: World) -> None:
    """What was merged first is from 0 downwards, what was merged later below it, whichever was said first."""
    app, ids = quiet.app, dict[str, str]()

    async def begin(key: str, *said: str) -> None:
        async def steps(work: Work) -> dict[str, str]:
            talk = new_conversation(work, quiet.brand_id, key, None)
            talk = replace(talk, state=ConversationState.OPEN if key == "goes-on" else ConversationState.CLOSED)
            messages = [says_to(work, talk, Author.CUSTOMER, Message(MessageKind.TEXT, text=each)) for each in said]
            return {"id": (await write_conversation(app, work, talk, messages, new=True)).id}

        ids[key] = (await app.work.run(Call("test", SYSTEM), steps))["id"]
        quiet.clock.ahead += timedelta(seconds=1)

    async def merged(key: str) -> list[tuple[int, str]]:
        async def steps(work: Work) -> dict[str, str]:
            talks = [await now_of(quiet, ids[each]) for each in ("goes-on", key)]
            await merge_conversations(app, work, "cus_one_more_merge", talks)
            return {}

        await app.work.run(Call("test", SYSTEM), steps)
        page = await history_page(app, await now_of(quiet, ids["goes-on"]), PageRequest(100))
        return [(each.number, each.content.text) for each in page.items]

    await begin("earlier", "一", "二")
    await begin("goes-on", "三")
    await begin("later", "四", "五")
    seen = await merged("earlier")
    assert seen == [(1, "三"), (0, "二"), (-1, "一")]
    assert await merged("later") == [*seen, (-2, "五"), (-3, "四")]


async def test_who_is_at_the_platforms_own_desk_stays_there(quiet: World) -> None:
    """The one in the app is closed, with a later word: it goes on in the other one, whose person was given away."""
    user, visitors = await waiting_talk(quiet)
    owner = await member_of_staff(quiet, "owner")
    await take_conversation(quiet.app, owner, visitors)
    await transfer_to_platform(quiet.app, owner, visitors, "kf1@brand")
    assert await says(quiet, visitors, "你好") == Transfer("kf1@brand")
    api = await quiet.person(name=user)
    mine = await written(quiet, api, "在小程序里")
    await take_conversation(quiet.app, owner, mine)
    await close_conversation(quiet.app, owner, mine)
    assert await says(quiet, visitors, "接着说") == Transfer("kf1@brand")
    assert (await now_of(quiet, mine)).merged_into == visitors
    assert (await now_of(quiet, visitors)).state == "PLATFORM"


async def test_who_was_given_back_by_the_platforms_desk_is_not_there_any_more(quiet: World) -> None:
    """Half an hour without a message: it counts no more than one that is closed, and the later word decides."""
    user, visitors = await waiting_talk(quiet)
    owner = await member_of_staff(quiet, "owner")
    await take_conversation(quiet.app, owner, visitors)
    await transfer_to_platform(quiet.app, owner, visitors, None)
    assert await says(quiet, visitors, "你好") == Transfer("")
    quiet.clock.ahead += timedelta(minutes=31)
    api, owner = await quiet.person(name=user), await member_of_staff(quiet, "owner")
    mine = await written(quiet, api, "在小程序里")
    await take_conversation(quiet.app, owner, mine)
    await close_conversation(quiet.app, owner, mine)
    await looks_around(quiet, user)
    assert (await now_of(quiet, visitors)).merged_into == mine
