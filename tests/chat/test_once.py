"""Each callback is handled once: however often it is sent, at how many processes, in which order, and how late."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest

from gateway.wiring import wire
from resolvers.app import App
from resolvers.chat.incoming import answer as answering
from resolvers.chat.incoming.answer import answer
from resolvers.chat.incoming.model import LEASE_SECONDS, CallbackState, StillHandled
from resolvers.chat.incoming.respond import respond
from resolvers.jobs import run_outbox_once
from resolvers.ports_chat import Message
from scripts.simulator.push_envelope import MODES
from tests.chat.talking import (
    attempt,
    event_fields,
    keys_of,
    left_to_a_worker,
    new_user,
    newest,
    official,
    openid_of,
    post,
    quota_of,
    said_in,
    said_to_us,
    talk,
    text_fields,
    waiting_talk,
)
from tests.support.world import World, free_socket, running, settings_of

DESK = "正在为您转接同事，请稍候。"


@pytest.fixture
async def apps(quiet: World) -> AsyncIterator[list[App]]:
    """Two applications on one database, without jobs."""
    other = wire(settings_of(quiet.settings), quiet.clock)
    yield [quiet.app, other.app]
    await other.close()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Budgets as long as a busy machine may need."""
    monkeypatch.setattr(answering, "HANDLE_SECONDS", 20.0)
    monkeypatch.setattr(answering, "WAIT_SECONDS", 20.0)


def _text(said: object) -> str | None:
    return said.text if isinstance(said, Message) else None


async def test_three_attempts_at_two_processes_at_once_are_one(quiet: World, apps: list[App], patient: None) -> None:
    incoming, fields = said_to_us(quiet, text_fields(quiet, "o-thrice", "客服"))
    said = await asyncio.gather(*(answer(apps[number % 2], incoming, fields) for number in range(6)))
    assert [_text(each) for each in said] == [DESK] * 6
    conversation = await talk(quiet.app, official(quiet), "o-thrice")
    assert [(each.number, each.author.value) for each in await said_in(quiet.app, conversation.id)] == [
        (1, "CUSTOMER"),
        (2, "BOT"),
    ]
    assert conversation.unanswered == 1


async def test_a_hundred_messages_each_thrice_at_both_are_a_hundred(
    quiet: World, apps: list[App], patient: None
) -> None:
    """Of four people, in no order: each has 25, numbered without a hole."""
    told = [said_to_us(quiet, text_fields(quiet, f"o-many-{number % 4}", f"第{number}句")) for number in range(100)]
    await asyncio.gather(*(answer(apps[copy % 2], *each) for copy in range(3) for each in reversed(told)))
    for number in range(4):
        conversation = await talk(quiet.app, official(quiet), f"o-many-{number}")
        texts = await said_in(quiet.app, conversation.id)
        assert sorted(each.content.text for each in texts) == sorted(f"第{n}句" for n in range(number, 100, 4))
        assert [each.number for each in texts] == list(range(1, 26))
        assert conversation.unanswered == 25


@pytest.fixture
async def open_gateway(world: World) -> AsyncIterator[str]:
    """One more gateway on the same database, which takes plain mode too."""
    allowed = {f"KABAO_WECHAT_{app}_PLAIN_ALLOWED": "true" for app in ("OFFICIAL", "MESSAGE")}
    async with running(wire(settings_of(world.settings | allowed), world.clock), free_socket(), with_jobs=False) as url:
        yield url


FORMS = [("official", "xml"), ("mini_program", "xml"), ("mini_program", "json")]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("app", "form"), FORMS)
async def test_every_kind_in_each_mode_thrice_is_handled_once(
    world: World, open_gateway: str, app: str, form: str, mode: str
) -> None:
    app_id, user = keys_of(world, mini_program=app == "mini_program").app_id, new_user()
    url = f"{open_gateway}/callbacks/wechat/{app_id}"

    async def thrice(**what: str) -> object:
        said = await world.phone.say(user, app=app, mode=mode, format=form, times=3, url=url, **what)
        assert [each["status"] for each in said["attempts"]] == [200] * 3
        assert said["replies"] == [said["reply"]] * 3
        return said["reply"]

    reply = {"type": "text", "text": DESK}
    if app == "mini_program":
        assert await thrice(event="user_enter_tempsession", session_from=f"brand={world.brand_id}") is None
    assert await thrice(text="客服") == reply
    assert await thrice(image="media-1") is None
    assert await thrice(card="pages/index") is None
    kinds = ["TEXT", "TEXT", "IMAGE", "MINI_PROGRAM"]
    if app == "official":
        for event in ("subscribe", "VIEW", "LOCATION", "SCAN"):
            assert await thrice(event=event, key="k") is None
        assert await thrice(event="CLICK", key="desk") == reply
        assert await thrice(event="scancode_waitmsg", key="desk", scan_result="x") == reply
        assert await thrice(event="unsubscribe") is None
        kinds += ["TEXT", "TEXT"]
    talk_id = (await newest(await world.staff()))["id"]
    messages = await said_in(world.app, talk_id)
    assert [each.content.kind.value for each in messages] == kinds
    assert [each.number for each in messages] == list(range(1, len(kinds) + 1))
    assert sum(each.author.value == "CUSTOMER" for each in messages) == 3


async def test_an_event_has_no_id_and_is_known_by_who_when_and_what(quiet: World, apps: list[App]) -> None:
    """Two buttons in one second are two, the same one twice in a second is a retry."""
    now = quiet.clock.now()
    fields = [event_fields(quiet, "o-events", "CLICK", key) for key in ("优惠", "desk")]
    for each in fields:
        each["CreateTime"] = int(now.timestamp())
    said = [await answer(apps[number % 2], *said_to_us(quiet, fields[number % 2])) for number in range(4)]
    assert [(_text(each) or "")[:4] for each in said] == ["您现在可", "正在为您", "您现在可", "正在为您"]
    conversation = await talk(quiet.app, official(quiet), "o-events")
    kinds = [each.content.kind.value for each in await said_in(quiet.app, conversation.id)]
    assert kinds == ["TEXT", "MINI_PROGRAM", "TEXT"]


async def test_what_arrives_late_or_out_of_order_moves_no_time_back(quiet: World) -> None:
    now = quiet.clock.now().replace(microsecond=0)
    moments = [now, now - timedelta(hours=3), now - timedelta(hours=60)]
    for number, at in enumerate(moments):
        fields = text_fields(quiet, "o-late", f"{number}", CreateTime=int(at.timestamp()))
        await answer(quiet.app, *said_to_us(quiet, fields))
        conversation = await talk(quiet.app, official(quiet), "o-late")
        assert (conversation.last_customer_at, conversation.last_at >= now) == (now, True)
        granted = (await quota_of(quiet.app, conversation.id)).by_message
        assert (granted.until, granted.left) == (now + timedelta(hours=48), 5)
    assert [each.at for each in await said_in(quiet.app, conversation.id)] == moments
    only_old = text_fields(quiet, "o-too-late", "1", CreateTime=int((now - timedelta(hours=60)).timestamp()))
    await answer(quiet.app, *said_to_us(quiet, only_old))
    assert (await quiet.app.conversations.quota(official(quiet), "o-too-late")).until(quiet.clock.now()) is None


async def test_a_message_from_the_future_grants_no_longer_than_one_from_now(quiet: World) -> None:
    ahead = quiet.clock.now() + timedelta(days=30)
    fields = text_fields(quiet, "o-future", "1", CreateTime=int(ahead.timestamp()))
    await answer(quiet.app, *said_to_us(quiet, fields))
    until = (await quiet.app.conversations.quota(official(quiet), "o-future")).by_message.until
    assert until is not None
    assert until <= quiet.clock.now() + timedelta(hours=48)


async def test_what_a_dead_process_began_is_finished_by_the_next_attempt(
    quiet: World, apps: list[App], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies before its transaction or after it: either way the person is answered, and the message is there once."""
    for number, committed in enumerate((False, True)):
        openid = f"o-dead-{number}"
        incoming, fields = said_to_us(quiet, text_fields(quiet, openid, "客服"))
        began = await quiet.app.callbacks.begin(incoming.id, "dead", quiet.clock.now(), fields)
        assert began is not None
        if committed:
            await respond(quiet.app, quiet.app.channels[official(quiet)], incoming)
        monkeypatch.setattr(answering, "WAIT_SECONDS", 0.2)
        with pytest.raises(StillHandled):  # it may still be at it
            await answer(apps[1], incoming, fields)
        quiet.clock.ahead += timedelta(seconds=LEASE_SECONDS)
        assert _text(await answer(apps[1], incoming, fields)) == DESK
        conversation = await talk(quiet.app, official(quiet), openid)
        assert [each.author.value for each in await said_in(quiet.app, conversation.id)] == ["CUSTOMER", "BOT"]
        await quiet.app.callbacks.finish(began, None)  # and should it wake after all, it changes nothing
        assert _text(await answer(apps[0], incoming, fields)) == DESK


async def test_who_could_not_be_transferred_in_time_waits_for_one_of_ours(quiet: World) -> None:
    """The platform takes a person over in the answer to a callback only, and that was given without it."""
    _, talk_id = await waiting_talk(quiet)
    staff = await quiet.staff()
    await staff.do("takeConversation", "conversation { state }", conversationId=talk_id)
    await staff.do("transferToPlatform", "conversation { state }", conversationId=talk_id, account="kf2001@kabao")
    before = await quiet.app.conversations.conversation(talk_id)
    assert before is not None
    incoming, fields = said_to_us(quiet, text_fields(quiet, before.openid, "转过去了吗"))
    await left_to_a_worker(quiet, incoming, fields)
    for _ in range(2):
        while await run_outbox_once(quiet.app):
            pass
        await quiet.app.outbox.revive(f"late_callback:{incoming.id}", quiet.clock.now())
    after = await quiet.app.conversations.conversation(talk_id)
    assert after is not None
    assert (after.state.value, after.unanswered, after.platform_until, after.agent_account) == ("WAITING", 1, None, "")
    assert after.waiting_since is not None
    assert after.revision == before.revision + 2  # what was written, and the queue: once


async def test_what_takes_too_long_is_answered_at_once_and_follows_as_a_message(
    quiet: World, apps: list[App], monkeypatch: pytest.MonkeyPatch
) -> None:
    user = new_user()
    openid = await openid_of(quiet, user)
    incoming, fields = said_to_us(quiet, text_fields(quiet, openid, "客服"))
    slow = asyncio.Event()

    async def hangs(*_: object) -> None:
        await slow.wait()

    monkeypatch.setattr(answering, "HANDLE_SECONDS", 0.2)
    monkeypatch.setattr(answering, "respond", hangs)
    started = asyncio.get_running_loop().time()
    assert await asyncio.gather(*(answer(app, incoming, fields) for app in apps * 2)) == [None] * 4
    assert asyncio.get_running_loop().time() - started < 3
    monkeypatch.undo()
    assert await answer(quiet.app, incoming, fields) is None  # a worker has it now
    while await run_outbox_once(quiet.app):
        pass
    sent = await quiet.phone.sent(user)
    assert [each["content"] for each in sent] == [{"msgtype": "text", "text": {"content": DESK}}]
    conversation = await talk(quiet.app, official(quiet), openid)
    last = (await said_in(quiet.app, conversation.id))[-1]
    assert (last.delivery and last.delivery.value, last.passive) == ("SENT", False)
    assert (await quota_of(quiet.app, conversation.id)).left(quiet.clock.now()) == 7  # five and three, less this one


async def test_a_reply_that_was_committed_too_late_is_sent_once(quiet: World) -> None:
    """The transaction went through, and only then time was over: nobody has seen the answer, so it is sent."""
    user = new_user()
    openid = await openid_of(quiet, user)
    incoming, fields = said_to_us(quiet, text_fields(quiet, openid, "客服"))
    await left_to_a_worker(quiet, incoming, fields, handled=True)
    for _ in range(2):
        while await run_outbox_once(quiet.app):
            pass
        await quiet.app.outbox.revive(f"late_callback:{incoming.id}", quiet.clock.now())
    assert len(await quiet.phone.sent(user)) == 1
    conversation = await talk(quiet.app, official(quiet), openid)
    assert (await said_in(quiet.app, conversation.id))[-1].delivery == "SENT"
    assert (await quota_of(quiet.app, conversation.id)).left(quiet.clock.now()) == 7


async def test_what_breaks_is_left_to_a_worker_who_tries_again(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    incoming, fields = said_to_us(quiet, text_fields(quiet, "o-broken", "客服"))

    async def breaks(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(answering, "respond", breaks)
    assert await answer(quiet.app, incoming, fields) is None
    assert await run_outbox_once(quiet.app)
    monkeypatch.undo()
    assert await quiet.app.conversations.newest_at_openid(official(quiet), "o-broken") is None
    quiet.clock.ahead += timedelta(seconds=5)
    while await run_outbox_once(quiet.app):
        pass
    assert (await talk(quiet.app, official(quiet), "o-broken")).state.value == "WAITING"


async def test_a_scan_with_fields_inside_fields_can_wait_for_a_worker_too(quiet: World) -> None:
    scanned = {"ScanCodeInfo.ScanResult": "x", "$odd": "y"}
    incoming, fields = said_to_us(quiet, event_fields(quiet, "o-scan-late", "scancode_waitmsg", "desk", **scanned))
    await left_to_a_worker(quiet, incoming, fields)
    while await run_outbox_once(quiet.app):
        pass
    assert (await talk(quiet.app, official(quiet), "o-scan-late")).state.value == "WAITING"


async def test_the_answer_comes_within_five_seconds_also_when_the_handling_hangs(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(answering, "respond", hangs)
    ready = attempt(quiet, text_fields(quiet, "o-hangs", "客服"))
    started = asyncio.get_running_loop().time()
    assert await post(quiet, ready) == (200, b"success")
    assert asyncio.get_running_loop().time() - started < 5


async def test_a_callback_is_forgotten_after_a_day(quiet: World) -> None:
    incoming, fields = said_to_us(quiet, text_fields(quiet, "o-forgotten", "客服"))
    now: datetime = quiet.clock.now()
    await answer(quiet.app, incoming, fields)
    callback = await quiet.app.callbacks.begin(incoming.id, "other", now, fields)
    assert callback is not None
    assert callback.state is CallbackState.DONE
    assert timedelta(hours=23) < callback.expires_at - now <= timedelta(hours=25)
