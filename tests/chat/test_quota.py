"""What the platform lets us send to one openid: counted once per app and openid, and given back where it was taken."""

import asyncio
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from resolvers.chat.desk.agents import close_conversation, take_conversation
from resolvers.chat.desk.quota import (
    ACT_QUOTA,
    IN_TIME,
    MESSAGE_QUOTA,
    Grant,
    GrantKind,
    Quota,
    SendQuotaReached,
    SendWindowClosed,
    TakenOf,
)
from resolvers.chat.desk.speak import send_message
from resolvers.chat.incoming.answer import answer
from resolvers.jobs import run_outbox_once
from resolvers.people.model import Staff
from resolvers.ports_chat import Message, PlatformBusy, WindowClosed
from scripts.client import new_key
from tests.chat.talking import (
    event_fields,
    keys_of,
    left_to_a_worker,
    new_user,
    quota_of,
    said_in,
    said_to_us,
    text_fields,
    waiting_talk,
)
from tests.chat.test_two_places import asked_in_customer_service, done, now_of, sent_of, written
from tests.support.core import member_of_staff
from tests.support.faults import fault
from tests.support.racing import settled
from tests.support.world import World

MESSAGE, ACT = GrantKind.MESSAGE, GrantKind.ACT
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def granted(*kinds: GrantKind) -> Quota:
    """What is granted for these, all at noon."""
    quota = Quota()
    for kind in kinds:
        quota = quota.granted(kind, NOON, NOON)
    return quota


def taken(quota: Quota, count: int, now: datetime = NOON) -> Quota:
    """A quota of which so many were taken."""
    for _ in range(count):
        quota, _ = quota.taken(now)
    return quota


def test_a_quota_is_what_the_platform_grants() -> None:
    """Five in 48 hours of a message, three in a minute of an act, the latter first."""
    with pytest.raises(SendWindowClosed):
        Quota().taken(NOON)
    quota = granted(MESSAGE, ACT)
    assert (quota.left(NOON), quota.until(NOON)) == (8, NOON + timedelta(hours=48))
    quota = taken(quota, 3)
    assert (quota.by_act.left, quota.by_message.left, quota.turns) == (0, MESSAGE_QUOTA, 3)
    assert quota.left(NOON + timedelta(minutes=1)) == 5
    quota = taken(quota, 5)
    with pytest.raises(SendQuotaReached):
        quota.taken(NOON)
    with pytest.raises(SendWindowClosed):
        quota.taken(NOON + timedelta(hours=48))
    later = NOON + timedelta(seconds=1)
    assert quota.granted(MESSAGE, later, later).left(later) == 5
    assert quota.granted(MESSAGE, NOON - timedelta(seconds=1), NOON) == quota


def test_of_two_messages_in_one_second_the_one_that_comes_late_grants_nothing_anew() -> None:
    quota = taken(granted(MESSAGE), 5)
    assert quota.granted(MESSAGE, NOON, NOON + IN_TIME) == quota
    assert quota.granted(MESSAGE, NOON, NOON + IN_TIME - timedelta(milliseconds=1)).left(NOON) == 5


def test_what_was_not_delivered_goes_back_to_the_grant_it_was_taken_of_as_long_as_that_is_the_newest() -> None:
    quota, of_act = granted(MESSAGE, ACT).taken(NOON)
    quota = taken(quota, 3)  # two more of the act, one of the message
    assert (quota.by_act.left, quota.by_message.left) == (0, 4)
    back = quota.given_back(of_act)
    assert (back.by_act.left, back.by_message.left, back.turns) == (1, 4, 4)
    newer = taken(back.granted(ACT, NOON + timedelta(seconds=1), NOON), 1)
    assert newer.given_back(of_act) == newer
    assert newer.by_act.left == ACT_QUOTA - 1


def test_what_is_used_up_or_left_behind_says_nothing_of_a_newer_grant() -> None:
    second = timedelta(seconds=1)
    quota = granted(ACT).granted(MESSAGE, NOON - second, NOON)
    of_message, of_act = (
        TakenOf(MESSAGE, NOON + timedelta(hours=48) - second),
        TakenOf(ACT, NOON + timedelta(minutes=1)),
    )
    assert [
        (each.by_message.left, each.by_act.left) for each in (quota.used_up(of_message), quota.used_up(of_act))
    ] == [
        (0, 3),
        (0, 0),
    ]
    assert [quota.ended(NOON - each * second).left(NOON) for each in (0, 1, 2)] == [0, 3, 8]
    assert quota.ended(NOON - second).by_message == Grant(MESSAGE)


async def test_two_brands_of_one_mini_program_together_send_what_the_platform_takes(quiet: World) -> None:
    """Both agents write to one person, twelve at once: five are sent, and all five arrive."""
    user, tea = new_user(), await member_of_staff(quiet, "tea-owner")
    talks: dict[str, str] = {}
    for brand_id in (quiet.brand_id, tea.brand_id):
        quiet.clock.ahead += timedelta(seconds=2)
        now = quiet.clock.now().timestamp()
        at: Any = {"app": "mini_program", "created_at": now, "sent_at": now}
        await quiet.phone.say(user, event="user_enter_tempsession", session_from=f"brand={brand_id}", **at)
        await quiet.phone.say(user, text="客服", **at)
        found = await quiet.app.connection.collection("conversations").find_one(
            {"brand_id": brand_id, "app_id": keys_of(quiet, mini_program=True).app_id}, sort=[("last_at", -1)]
        )
        assert found is not None
        talks[brand_id] = found["_id"]
    agents = (await member_of_staff(quiet, "owner"), tea)
    for agent in agents:
        await take_conversation(quiet.app, agent, talks[agent.brand_id])

    async def sends(agent: Staff, text: str) -> str:
        talk = talks[agent.brand_id]
        return await settled(lambda: send_message(quiet.app, agent, talk, text, None, new_key()))

    ends = Counter(await asyncio.gather(*(sends(each, f"{number}") for number in range(6) for each in agents)))
    assert ends == {"won": 5, "QUOTA_REACHED": 7}
    await done(quiet)
    assert len(await quiet.phone.sent(user)) == 5


@pytest.mark.parametrize("act", ["CLICK", "SCAN", "subscribe"])
async def test_what_a_person_does_elsewhere_moves_no_conversation(quiet: World, act: str) -> None:
    """They wait in the mini-program's customer service, and do something in the official account."""
    user, talk = await waiting_talk(quiet)
    await quiet.person(name=user)
    now = quiet.clock.now().timestamp()
    await quiet.phone.say(user, text="登录后", created_at=now, sent_at=now)
    official = (await now_of(quiet, talk)).openid
    await asked_in_customer_service(quiet, user, "我的卡呢")
    there = await now_of(quiet, talk)
    quiet.clock.ahead += timedelta(seconds=5)
    await answer(quiet.app, *said_to_us(quiet, event_fields(quiet, official, act, "nothing")))
    quiet.clock.ahead += timedelta(seconds=90)
    after = await now_of(quiet, talk)
    assert (after.app_id, after.openid, after.in_app) == (there.app_id, there.openid, False)
    assert (await quota_of(quiet.app, talk)).left(quiet.clock.now()) == 5
    assert await sent_of(quiet, talk, 6) == {"won": 5, "QUOTA_REACHED": 1}
    await done(quiet)
    assert len(await quiet.phone.sent(user)) == 5


@pytest.mark.parametrize("act", ["CLICK", "SCAN", "subscribe"])
@pytest.mark.parametrize("known", [True, False], ids=["also in the chat", "in the app alone"])
async def test_what_a_person_does_in_a_chat_takes_nobody_out_of_the_app(quiet: World, act: str, known: bool) -> None:
    user = new_user()
    if known:
        await waiting_talk(quiet, user)
    api = await quiet.person(name=user)
    quiet.clock.ahead += timedelta(seconds=5)
    talk, now = await written(quiet, api, "我的卡呢"), quiet.clock.now().timestamp()
    await quiet.phone.say(user, event=act, key="nothing", created_at=now, sent_at=now)
    if known:
        talk = (await now_of(quiet, talk)).merged_into or talk
    quiet.clock.ahead += timedelta(seconds=70)
    assert (await now_of(quiet, talk)).in_app
    assert await sent_of(quiet, talk, 6) == {"won": 6}
    await done(quiet)
    assert await quiet.phone.sent(user) == []


async def test_who_never_wrote_is_answered_where_they_did_something(quiet: World) -> None:
    """They follow: three go there within the minute, though they said nothing yet."""
    user, now = new_user(), quiet.clock.now().timestamp()
    await quiet.phone.say(user, event="subscribe", created_at=now, sent_at=now)
    found = await quiet.app.connection.collection("conversations").find_one({}, sort=[("last_at", -1)])
    assert found is not None
    assert await sent_of(quiet, found["_id"], 4) == {"won": 3, "QUOTA_REACHED": 1}
    await done(quiet)
    assert len(await quiet.phone.sent(user)) == 3


async def test_a_refused_message_of_an_act_leaves_the_quota_of_the_message_alone(quiet: World) -> None:
    """Four are left of the message and three of the act; one of the act is refused: then four go, not five."""
    user, talk = await waiting_talk(quiet)
    assert await sent_of(quiet, talk, 1) == {"won": 1}
    await done(quiet)
    openid = (await now_of(quiet, talk)).openid
    quiet.clock.ahead += timedelta(seconds=2)
    await answer(quiet.app, *said_to_us(quiet, event_fields(quiet, openid, "CLICK", "nothing")))
    async with fault(quiet.http, quiet.simulator, "custom/send", "errcode:40007", 1):
        assert await sent_of(quiet, talk, 1) == {"won": 1}
        await done(quiet)
    last = (await said_in(quiet.app, talk))[-1]
    assert (last.failure, last.taken_of and last.taken_of.kind) == ("REFUSED", ACT)
    quota = await quota_of(quiet.app, talk)
    assert (quota.by_message.left, quota.by_act.left) == (4, 3)
    quiet.clock.ahead += timedelta(seconds=90)
    assert await sent_of(quiet, talk, 5) == {"won": 4, "QUOTA_REACHED": 1}
    await done(quiet)
    assert len(await quiet.phone.sent(user)) == 5


async def test_an_old_grants_refusal_leaves_the_new_one_alone(quiet: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a message is on its way the person writes again; then the platform says that the window was closed."""
    _, talk = await waiting_talk(quiet)
    await done(quiet)
    there = await now_of(quiet, talk)
    assert await sent_of(quiet, talk, 1) == {"won": 1}

    async def refused(openid: str, message: Message) -> None:
        quiet.clock.ahead += timedelta(seconds=2)
        await answer(quiet.app, *said_to_us(quiet, text_fields(quiet, there.openid, "我又来了")))
        raise WindowClosed

    monkeypatch.setattr(quiet.app.channels[there.app_id].service, "send", refused)
    await done(quiet)
    failed = [each.failure for each in await said_in(quiet.app, talk) if each.author == "AGENT"]
    assert failed == ["WINDOW_CLOSED"]
    assert (await quota_of(quiet.app, talk)).left(quiet.clock.now()) == 5


async def test_who_left_before_they_wrote_last_may_be_answered(quiet: World) -> None:
    """The word that they left comes half a minute late; and one that they wrote before they left grants nothing."""
    _, talk = await waiting_talk(quiet)
    there = await now_of(quiet, talk)
    now = int(quiet.clock.now().timestamp())
    await answer(quiet.app, *said_to_us(quiet, text_fields(quiet, there.openid, "在吗")))
    left = event_fields(quiet, there.openid, "unsubscribe", CreateTime=now - 30)
    await answer(quiet.app, *said_to_us(quiet, left))
    assert (await quota_of(quiet.app, talk)).left(quiet.clock.now()) == 5
    assert await sent_of(quiet, talk, 1) == {"won": 1}
    quiet.clock.ahead += timedelta(seconds=60)
    await answer(quiet.app, *said_to_us(quiet, event_fields(quiet, there.openid, "unsubscribe")))
    late = text_fields(quiet, there.openid, "迟到的", CreateTime=now + 30)
    await answer(quiet.app, *said_to_us(quiet, late))
    assert (await quota_of(quiet.app, talk)).until(quiet.clock.now()) is None
    person = await quiet.app.callbacks.person(f"{there.app_id}:{there.openid}")
    assert not person.following


async def test_a_retry_of_a_message_in_the_same_second_grants_nothing_anew(quiet: World) -> None:
    user, talk = await waiting_talk(quiet)
    await done(quiet)
    openid = (await now_of(quiet, talk)).openid
    quiet.clock.ahead += timedelta(seconds=2)
    at = int(quiet.clock.now().timestamp())
    first, second = (text_fields(quiet, openid, text, CreateTime=at) for text in ("一", "二"))
    await answer(quiet.app, *said_to_us(quiet, first))
    assert await sent_of(quiet, talk, 6) == {"won": 5, "QUOTA_REACHED": 1}
    await done(quiet)
    quiet.clock.ahead += timedelta(seconds=10)
    await answer(quiet.app, *said_to_us(quiet, second))  # its third attempt
    assert [each.content.text for each in await said_in(quiet.app, talk)][-1] == "二"
    assert await sent_of(quiet, talk, 1) == {"QUOTA_REACHED": 1}
    assert len(await quiet.phone.sent(user)) == 5


async def test_what_outlives_the_minute_of_an_act_is_taken_of_the_message(quiet: World) -> None:
    """The platform was busy while the minute of the click went by; it is one of five for 48 hours then."""
    user, talk = await waiting_talk(quiet)
    await done(quiet)
    openid = (await now_of(quiet, talk)).openid
    await answer(quiet.app, *said_to_us(quiet, event_fields(quiet, openid, "CLICK", "nothing")))
    assert await sent_of(quiet, talk, 1) == {"won": 1}
    assert (await quota_of(quiet.app, talk)).left(quiet.clock.now()) == 7
    async with fault(quiet.http, quiet.simulator, "custom/send", "errcode:-1", 1_000):
        await done(quiet)
    quiet.clock.ahead += timedelta(seconds=70)
    await done(quiet)
    last = (await said_in(quiet.app, talk))[-1]
    assert (last.delivery, last.taken_of and last.taken_of.kind) == ("SENT", MESSAGE)
    assert (await quota_of(quiet.app, talk)).left(quiet.clock.now()) == 4
    assert len(await quiet.phone.sent(user)) == 1


async def test_what_is_being_sent_when_the_person_writes_again_counts_of_what_that_grants(
    quiet: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The platform was busy: it goes out once more, of the new five; so four may be said, and all five arrive."""
    user, talk = await waiting_talk(quiet)
    await done(quiet)
    there = await now_of(quiet, talk)
    assert await sent_of(quiet, talk, 1) == {"won": 1}

    async def busy(*_: object) -> None:
        quiet.clock.ahead += timedelta(seconds=2)
        now = quiet.clock.now().timestamp()
        await quiet.phone.say(user, text="我又来了", created_at=now, sent_at=now)
        raise PlatformBusy("-1")

    monkeypatch.setattr(quiet.app.channels[there.app_id].service, "send", busy)
    await run_outbox_once(quiet.app)
    monkeypatch.undo()
    assert await sent_of(quiet, talk, 5) == {"won": 4, "QUOTA_REACHED": 1}
    for _ in range(4):
        quiet.clock.ahead += timedelta(seconds=5)
        await done(quiet)
    assert len(await quiet.phone.sent(user)) == 5
    failures = [each.failure for each in await said_in(quiet.app, talk) if each.author == "AGENT"]
    assert failures == [None] * 5


async def test_what_is_queued_when_the_person_writes_again_counts_of_what_that_grants(quiet: World) -> None:
    """Two wait to go out: the platform counts them once they do, so three more may be said, and all five arrive."""
    user, talk = await waiting_talk(quiet)
    await done(quiet)
    assert await sent_of(quiet, talk, 2) == {"won": 2}
    quiet.clock.ahead += timedelta(seconds=2)
    now = quiet.clock.now().timestamp()
    await quiet.phone.say(user, text="还在吗", created_at=now, sent_at=now)
    assert (await quota_of(quiet.app, talk)).left(quiet.clock.now()) == 3
    assert await sent_of(quiet, talk, 4) == {"won": 3, "QUOTA_REACHED": 1}
    await done(quiet)
    assert len(await quiet.phone.sent(user)) == 5
    newest = (await quota_of(quiet.app, talk)).by_message.until
    ends = [(each.delivery, each.before) for each in await said_in(quiet.app, talk) if each.author == "AGENT"]
    assert ends == [("SENT", newest)] * 5


async def test_what_is_refused_after_the_person_wrote_again_goes_back_to_what_that_granted(quiet: World) -> None:
    _, talk = await waiting_talk(quiet)
    await done(quiet)
    assert await sent_of(quiet, talk, 1) == {"won": 1}
    quiet.clock.ahead += timedelta(seconds=2)
    again = text_fields(quiet, (await now_of(quiet, talk)).openid, "还在吗")
    await answer(quiet.app, *said_to_us(quiet, again))
    assert (await quota_of(quiet.app, talk)).left(quiet.clock.now()) == 4
    async with fault(quiet.http, quiet.simulator, "custom/send", "errcode:40007", 1):
        await done(quiet)
    assert (await quota_of(quiet.app, talk)).left(quiet.clock.now()) == 5


async def test_a_late_answer_counts_though_its_conversation_goes_on_in_another(quiet: World) -> None:
    """A callback outlives a merge: its answer is one of five, so the agent sends four."""
    user, visitors = await waiting_talk(quiet)
    openid = (await now_of(quiet, visitors)).openid
    agent = await member_of_staff(quiet, "owner")
    await close_conversation(quiet.app, agent, visitors)
    incoming, fields = said_to_us(quiet, text_fields(quiet, openid, "客服"))
    await left_to_a_worker(quiet, incoming, fields, handled=True)
    api = await quiet.person(name=user)
    quiet.clock.ahead += timedelta(seconds=5)
    mine = await written(quiet, api, "在小程序里")
    await take_conversation(quiet.app, agent, mine)
    await answer(quiet.app, *said_to_us(quiet, text_fields(quiet, openid, "还在吗")))
    assert (await now_of(quiet, visitors)).merged_into == mine
    await done(quiet)
    assert (await quota_of(quiet.app, mine)).left(quiet.clock.now()) == 4
    assert await sent_of(quiet, mine, 5) == {"won": 4, "QUOTA_REACHED": 1}
    await done(quiet)
    assert len(await quiet.phone.sent(user)) == 5
