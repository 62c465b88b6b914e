"""A process that dies over a callback: the next attempt is handled, and none is told a success that is none."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest

from gateway.callbacks import endpoint
from resolvers.chat.incoming import answer as answering
from resolvers.chat.incoming.answer import HANDLE_SECONDS, answer, take_up_left
from resolvers.chat.incoming.model import ATTEMPTS_SECONDS, LEASE_SECONDS, StillHandled
from resolvers.jobs import run_outbox_once
from scripts.simulator.push_envelope import passive_reply
from tests.chat.talking import (
    attempt,
    keys_of,
    new_user,
    official,
    openid_of,
    post,
    said_in,
    said_to_us,
    talk,
    text_fields,
)
from tests.support.world import World

REPLY = {"type": "text", "text": "正在为您转接同事，请稍候。"}
PLATFORM_WAITS = 5  # seconds, and it tries again


async def test_when_a_process_dies_the_platforms_second_attempt_is_handled(quiet: World) -> None:
    """It comes after five seconds, and is not kept waiting for a dead one."""
    assert HANDLE_SECONDS + 0.5 <= LEASE_SECONDS <= PLATFORM_WAITS - 0.5
    fields = text_fields(quiet, "o-killed", "客服")
    await _killed(quiet, fields)
    quiet.clock.ahead += timedelta(seconds=PLATFORM_WAITS)
    started = asyncio.get_running_loop().time()
    assert await _posted(quiet, fields) == REPLY
    assert asyncio.get_running_loop().time() - started < 3
    conversation = await talk(quiet.app, official(quiet), "o-killed")
    assert [each.author.value for each in await said_in(quiet.app, conversation.id)] == ["CUSTOMER", "BOT"]


async def test_who_waits_in_vain_lets_the_platform_try_again(
    quiet: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Two processes die over it: success would be a lie, the third attempt does it."""
    fields = text_fields(quiet, "o-killed-twice", "客服")
    monkeypatch.setattr(answering, "WAIT_SECONDS", 0.2)
    await _killed(quiet, fields)
    assert await post(quiet, attempt(quiet, fields)) == (503, b"")
    quiet.clock.ahead += timedelta(seconds=PLATFORM_WAITS)
    await _killed(quiet, fields)
    assert await post(quiet, attempt(quiet, fields)) == (503, b"")
    assert [each for each in caplog.records if each.levelname == "ERROR"] == []
    quiet.clock.ahead += timedelta(seconds=PLATFORM_WAITS)
    assert await _posted(quiet, fields) == REPLY


async def test_what_is_cut_off_before_it_is_left_to_a_worker_is_tried_again(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = text_fields(quiet, "o-cut-off", "客服")

    async def hangs(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(answering, "respond", hangs)
    monkeypatch.setattr(endpoint, "ANSWER_SECONDS", 0.3)
    assert await post(quiet, attempt(quiet, fields)) == (503, b"")
    monkeypatch.undo()
    quiet.clock.ahead += timedelta(seconds=PLATFORM_WAITS)
    assert await _posted(quiet, fields) == REPLY


async def test_who_takes_over_late_leaves_it_to_a_worker_within_the_same_budget(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lease of the dead ends while an attempt waits, and no time is left to handle it in."""
    incoming, fields = said_to_us(quiet, text_fields(quiet, "o-taken-late", "客服"))
    began = quiet.clock.now() - timedelta(seconds=LEASE_SECONDS - 0.6)
    dead = await quiet.app.callbacks.begin(incoming.id, "dead", began, fields)
    assert dead is not None
    monkeypatch.setattr(answering, "HANDLE_SECONDS", 0.2)
    assert await answer(quiet.app, incoming, fields) is None
    with pytest.raises(StillHandled):  # should it wake after all, it has nothing to leave
        await answering._postpone(quiet.app, dead, fields)
    while await run_outbox_once(quiet.app):
        pass
    assert (await talk(quiet.app, official(quiet), "o-taken-late")).state.value == "WAITING"


async def test_when_all_three_attempts_die_a_worker_takes_it_up_and_the_reply_is_sent_as_a_message(
    quiet: World,
) -> None:
    user = new_user()
    openid = await openid_of(quiet, user)
    fields = text_fields(quiet, openid, "客服")
    for _ in range(3):
        await _killed(quiet, fields)
        quiet.clock.ahead += timedelta(seconds=PLATFORM_WAITS)
        assert not await take_up_left(quiet.app)  # the platform may still push it
    quiet.clock.ahead += timedelta(seconds=ATTEMPTS_SECONDS)
    assert (await asyncio.gather(*(take_up_left(quiet.app) for _ in range(5)))).count(True) == 1
    kept = await quiet.app.connection.collection("callbacks").find_one({"_id": said_to_us(quiet, fields)[0].id})
    assert kept is not None
    assert (kept["state"], kept["fields"]) == ("LATE", [])  # what was said is in the conversation, and nowhere else
    for _ in range(2):
        while await run_outbox_once(quiet.app):
            pass
        assert not await take_up_left(quiet.app)
    sent = [each["content"] for each in await quiet.phone.sent(user)]
    assert sent == [{"msgtype": "text", "text": {"content": REPLY["text"]}}]
    conversation = await talk(quiet.app, official(quiet), openid)
    assert [each.author.value for each in await said_in(quiet.app, conversation.id)][1:] == ["CUSTOMER", "BOT"]


async def _killed(world: World, fields: dict[str, Any]) -> None:
    """A process begins to handle a callback and dies."""
    incoming, pairs = said_to_us(world, fields)
    taken = await world.app.callbacks.begin(incoming.id, owner := uuid.uuid4().hex, world.clock.now(), pairs)
    assert taken is not None
    assert taken.owner == owner


async def _posted(world: World, fields: dict[str, Any]) -> object:
    """What an attempt is answered."""
    status, body = await post(world, attempt(world, fields))
    assert status == 200
    return passive_reply(keys_of(world), body, "safe", "xml")
