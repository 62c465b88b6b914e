"""Messages to one openid arrive in the order in which they were said, whoever sends them and whatever goes wrong."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from gateway.wechat_service import WeChatService
from resolvers.chat.desk.agents import take_conversation
from resolvers.chat.desk.deliver import ATTEMPT, deliver
from resolvers.chat.desk.speak import send_message
from resolvers.chat.incoming.answer import answer, answer_late
from resolvers.jobs import run_outbox_once
from resolvers.ports_chat import Message, PlatformBusy
from scripts.client import new_key
from tests.chat.talking import (
    event_fields,
    new_user,
    official,
    on_the_phone,
    openid_of,
    said_in,
    said_to_us,
    text_fields,
    waiting_talk,
)
from tests.support.core import member_of_staff
from tests.support.faults import fault
from tests.support.world import World


async def said(world: World, count: int) -> tuple[str, str, list[str]]:
    """(user, conversation, message ids) of somebody to whom an agent says 0, 1, 2 … at once."""
    user, talk = await waiting_talk(world)
    agent = await member_of_staff(world, "owner")
    await take_conversation(world.app, agent, talk)
    for number in range(count):
        await send_message(world.app, agent, talk, f"{number}", None, new_key())
    return user, talk, [each.id for each in await said_in(world.app, talk) if each.author == "AGENT"]


async def shown(world: World, user: str) -> list[str]:
    """The texts on a phone, in their order."""
    return [each["content"]["text"]["content"] for each in await world.phone.sent(user)]


async def done(world: World) -> None:
    """All that is due."""
    while await run_outbox_once(world.app):
        pass


@pytest.mark.parametrize("_time", range(4))
async def test_several_workers_send_what_is_said_at_once_in_order(world: World, _time: int) -> None:
    user, _, ids = await said(world, 5)
    arrived = [each["text"]["content"] for each in await on_the_phone(world, user, 5)]
    assert arrived == ["0", "1", "2", "3", "4"]
    turns = [message.turn for each in ids if (message := await world.app.conversations.message(each)) is not None]
    assert turns == [1, 2, 3, 4, 5]


async def test_what_the_platform_did_not_take_is_not_overtaken(quiet: World) -> None:
    """Nor are those behind it tried out of their turn, as long as it refuses."""
    user, _, ids = await said(quiet, 3)
    async with fault(quiet.http, quiet.simulator, "custom/send", "errcode:-1", 1_000):
        await done(quiet)
        assert await shown(quiet, user) == []
        tried = [message.tried_at for each in ids if (message := await quiet.app.conversations.message(each))]
        assert [each is None for each in tried] == [False, True, True]
    for _ in range(5):
        quiet.clock.ahead += timedelta(seconds=10)
        await done(quiet)
    assert await shown(quiet, user) == ["0", "1", "2"]


async def test_what_the_platform_never_takes_holds_nobody_up_for_long(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be its own fault: after five minutes those behind it go, and it goes on being tried."""
    user, talk, ids = await said(quiet, 2)
    real = WeChatService.send

    async def refuses_the_first(self: WeChatService, openid: str, message: Message) -> None:
        if message.text == "0":
            raise PlatformBusy("-1")
        await real(self, openid, message)

    monkeypatch.setattr(WeChatService, "send", refuses_the_first)
    for _ in range(4):
        await done(quiet)
        quiet.clock.ahead += timedelta(minutes=1)
    assert await shown(quiet, user) == []
    for _ in range(3):
        quiet.clock.ahead += timedelta(minutes=3)
        await done(quiet)
    assert await shown(quiet, user) == ["1"]
    monkeypatch.undo()
    quiet.clock.ahead += timedelta(hours=1)
    await done(quiet)
    assert await shown(quiet, user) == ["1", "0"]
    assert [each.delivery for each in await said_in(quiet.app, talk) if each.id in ids] == ["SENT"] * 2


async def test_once_the_platform_is_well_again_what_waited_goes_with_the_next_word(quiet: World) -> None:
    """Its own turn to be tried again would come an hour later."""
    user, talk, _ = await said(quiet, 1)
    async with fault(quiet.http, quiet.simulator, "custom/send", "errcode:-1", 1_000):
        for _ in range(40):
            await done(quiet)
            quiet.clock.ahead += timedelta(minutes=2)
    agent = await member_of_staff(quiet, "owner")
    second = await send_message(quiet.app, agent, talk, "1", None, new_key())
    await deliver(quiet.app, second.id)
    assert await shown(quiet, user) == ["0", "1"]


async def test_what_a_dead_process_was_sending_holds_the_next_up_for_half_a_minute(quiet: World) -> None:
    user, talk, ids = await said(quiet, 2)
    messages = quiet.app.connection.collection("conversation_messages")
    now = quiet.clock.now()
    await messages.update_one({"_id": ids[0]}, {"$set": {"delivery": "SENDING", "attempt": "dead", "tried_at": now}})
    with pytest.raises(PlatformBusy):
        await deliver(quiet.app, ids[1])
    quiet.clock.ahead += ATTEMPT
    await deliver(quiet.app, ids[1])
    assert await shown(quiet, user) == ["1"]
    assert [each.delivery for each in await said_in(quiet.app, talk) if each.id in ids] == ["SENT", "UNKNOWN"][::-1]


async def test_who_was_given_up_does_not_leave_a_message_that_nobody_sends(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process stalls over it for so long that another notes UNKNOWN, and its task is done; then it was not taken."""
    user, talk, ids = await said(quiet, 1)
    stalled, goes_on = asyncio.Event(), asyncio.Event()

    async def stalls(*_: Any) -> None:
        stalled.set()
        await goes_on.wait()
        raise PlatformBusy("-1")

    monkeypatch.setattr(WeChatService, "send", stalls)
    worker = asyncio.create_task(deliver(quiet.app, ids[0]))
    await stalled.wait()
    quiet.clock.ahead += ATTEMPT
    await done(quiet)
    goes_on.set()
    await asyncio.gather(worker, return_exceptions=True)
    assert [each.delivery for each in await said_in(quiet.app, talk) if each.id in ids] == ["UNKNOWN"]
    assert await shown(quiet, user) == []


async def test_a_late_reply_of_two_messages_arrives_in_its_order(quiet: World) -> None:
    """The text that leads to a card, and the card: neither is the callback's answer any more."""
    user = new_user()
    openid = await openid_of(quiet, user)
    _, fields = said_to_us(quiet, text_fields(quiet, openid, "优惠"))
    await answer_late(quiet.app, official(quiet), fields)
    for _ in range(2):
        await done(quiet)
        await answer_late(quiet.app, official(quiet), fields)
    assert [each["content"]["msgtype"] for each in await quiet.phone.sent(user)] == ["text", "miniprogrampage"]


async def test_what_outlives_the_minute_of_an_act_is_not_overtaken(quiet: World) -> None:
    """The first was taken of a click whose minute is over when the second is said: it goes, of the message."""
    user, talk = await waiting_talk(quiet)
    await done(quiet)
    conversation = await quiet.app.conversations.conversation(talk)
    assert conversation is not None
    await answer(quiet.app, *said_to_us(quiet, event_fields(quiet, conversation.openid, "CLICK", "nothing")))
    agent = await member_of_staff(quiet, "owner")
    await take_conversation(quiet.app, agent, talk)
    await send_message(quiet.app, agent, talk, "0", None, new_key())
    quiet.clock.ahead += timedelta(seconds=70)
    second = await send_message(quiet.app, agent, talk, "1", None, new_key())
    await deliver(quiet.app, second.id)
    assert await shown(quiet, user) == ["0", "1"]


async def test_a_busy_answer_to_one_holds_up_nobody_else(quiet: World) -> None:
    first, _, _ = await said(quiet, 2)
    async with fault(quiet.http, quiet.simulator, "custom/send", "errcode:-1", 1_000):
        await done(quiet)
        assert await shown(quiet, first) == []
    second, _, _ = await said(quiet, 2)
    await done(quiet)
    assert await shown(quiet, second) == ["0", "1"]


async def test_while_one_is_being_sent_the_next_waits_and_then_follows(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three workers at once: two are told to come back, and whoever had the first sends all three."""
    user, talk, ids = await said(quiet, 3)
    sending, real = asyncio.Event(), WeChatService.send
    may_go_on = asyncio.Event()

    async def slow(self: WeChatService, openid: str, message: Message) -> None:
        sending.set()
        await may_go_on.wait()
        await real(self, openid, message)

    monkeypatch.setattr(WeChatService, "send", slow)
    worker = asyncio.create_task(deliver(quiet.app, ids[0]))
    await sending.wait()
    async with asyncio.timeout(10):
        ends = await asyncio.gather(*(deliver(quiet.app, each) for each in ids), return_exceptions=True)
    assert [type(each) for each in ends] == [PlatformBusy] * 3
    may_go_on.set()
    await worker
    assert await shown(quiet, user) == ["0", "1", "2"]
    for each in ids:
        await deliver(quiet.app, each)
    assert len(await quiet.phone.sent(user)) == 3
    assert [each.delivery for each in await said_in(quiet.app, talk) if each.author == "AGENT"] == ["SENT"] * 3


async def test_of_workers_who_begin_at_once_one_sends(quiet: World) -> None:
    user, _, ids = await said(quiet, 3)

    async def works(message_id: str) -> None:
        while True:
            try:
                return await deliver(quiet.app, message_id)
            except PlatformBusy:
                await asyncio.sleep(0.02)

    await asyncio.gather(*(works(each) for each in [*reversed(ids), *ids]))
    assert await shown(quiet, user) == ["0", "1", "2"]


async def test_what_a_dead_process_was_sending_holds_the_others_up_for_half_a_minute(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    user, talk, ids = await said(quiet, 2)

    class Death(BaseException):
        """Nothing catches it."""

    async def dies(*_: Any) -> None:
        raise Death

    monkeypatch.setattr(WeChatService, "send", dies)
    with pytest.raises(Death):
        await deliver(quiet.app, ids[0])
    monkeypatch.undo()
    with pytest.raises(PlatformBusy):
        await deliver(quiet.app, ids[1])
    quiet.clock.ahead += ATTEMPT
    await deliver(quiet.app, ids[1])
    await deliver(quiet.app, ids[0])
    ends = [each.delivery for each in await said_in(quiet.app, talk) if each.author == "AGENT"]
    assert ends == ["UNKNOWN", "SENT"]
    assert await shown(quiet, user) == ["1"]
