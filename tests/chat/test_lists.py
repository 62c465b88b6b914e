"""The lists of the desk: by the state that a conversation is in now, and only after cursors of their own."""

from datetime import timedelta
from typing import Any

import pytest

from resolvers.chat.desk.agents import take_conversation, transfer_to_platform
from resolvers.chat.incoming.answer import answer
from resolvers.paging import encode_cursor, milliseconds
from scripts.client import Api, GraphQLFailed
from tests.chat.talking import said_to_us, text_fields, waiting_talk
from tests.chat.test_two_places import now_of, written
from tests.support.core import member_of_staff
from tests.support.world import World

LIST = """query($s: [ConversationState!], $after: String) { conversations(first: 100, state: $s, after: $after) {
  nodes { id state } } }"""
OWN = """query($b: ID!, $after: String) { me { conversation(brandId: $b) {
  cursor messages(first: 5, after: $after) { nodes { id } } } } }"""
THEIRS = (
    "query($id: ID!, $after: String) { conversation(id: $id) { messages(first: 5, after: $after) { nodes { id } } } }"
)


async def listed(staff: Api, talk: str, *states: str) -> list[str]:
    """The states with which a conversation is in the list of these."""
    nodes = (await staff.ask(LIST, s=list(states)))["conversations"]["nodes"]
    return [each["state"] for each in nodes if each["id"] == talk]


async def test_who_was_given_back_by_the_platforms_desk_is_listed_as_what_they_are(quiet: World) -> None:
    _, talk = await waiting_talk(quiet)
    owner = await member_of_staff(quiet, "owner")
    await take_conversation(quiet.app, owner, talk)
    await transfer_to_platform(quiet.app, owner, talk, None)
    staff = await quiet.staff()
    assert [await listed(staff, talk, each) for each in ("PLATFORM", "BOT")] == [["PLATFORM"], []]
    await answer(quiet.app, *said_to_us(quiet, text_fields(quiet, (await now_of(quiet, talk)).openid, "你好")))
    assert [await listed(staff, talk, each) for each in ("PLATFORM", "BOT")] == [["PLATFORM"], []]
    quiet.clock.ahead += timedelta(minutes=30)
    staff = await quiet.staff()
    assert [await listed(staff, talk, each) for each in ("PLATFORM", "BOT")] == [[], ["BOT"]]
    assert await listed(staff, talk, "PLATFORM", "BOT") == ["BOT"]
    assert await listed(staff, talk, "OPEN", "BOT") == ["BOT"]
    assert await listed(staff, talk, "OPEN", "PLATFORM") == []


async def test_cursors_of_other_lists_are_refused(quiet: World) -> None:
    """As wrong input, not with an empty page: of a list of another kind, of a subscription, or made up."""
    api, staff = await quiet.person(), await quiet.staff()
    talk = await written(quiet, api, "在吗")
    now = milliseconds(quiet.clock.now())
    [message] = (await staff.ask(THEIRS, id=talk))["conversation"]["messages"]["nodes"]
    of_messages, of_conversations = encode_cursor((2, message["id"])), encode_cursor((now + 1, talk))
    own = (await api.ask(OWN, b=quiet.brand_id))["me"]["conversation"]["cursor"]
    made_up = [
        encode_cursor(each) for each in ((1, "cnv_"), (1, "cms_"), ("1", message["id"]), (now, "cms_" + "l" * 26))
    ]

    async def refused(who: Api, query: str, cursor: str, **more: Any) -> bool:
        try:
            await who.ask(query, after=cursor, **more)
        except GraphQLFailed as error:
            return error.code == "BAD_USER_INPUT"
        return False

    for cursor in (of_conversations, own, *made_up):
        assert await refused(api, OWN, cursor, b=quiet.brand_id)
        assert await refused(staff, THEIRS, cursor, id=talk)
    for cursor in (of_messages, own, *made_up):
        assert await refused(staff, LIST, cursor)
    assert not await refused(api, OWN, of_messages, b=quiet.brand_id)
    assert not await refused(staff, THEIRS, of_messages, id=talk)
    assert not await refused(staff, LIST, of_conversations)


@pytest.mark.parametrize("count", [1, 2])
async def test_a_cursor_of_the_list_goes_on_where_it_stood(quiet: World, count: int) -> None:
    staff = await quiet.staff()
    query = (
        "query($n: Int!, $after: String) { conversations(first: $n, after: $after) { nodes { id } edges { cursor } } }"
    )
    found: Any = (await staff.ask(query, n=100))["conversations"]
    after = found["edges"][count - 1]["cursor"]
    rest: Any = (await staff.ask(query, n=100, after=after))["conversations"]
    assert [each["id"] for each in rest["nodes"]] == [each["id"] for each in found["nodes"]][count:]
