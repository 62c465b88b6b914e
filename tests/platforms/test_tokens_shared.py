"""The access token of all processes: one fetch for all, taken over from who died, forced only as often as allowed."""

import asyncio
import json
from datetime import timedelta

import pytest

from gateway.outgoing import Outgoing
from gateway.qq import QQ
from gateway.wechat import WeChat
from resolvers.chat.tokens.model import FORCED_A_DAY, may_force
from resolvers.chat.tokens.store import LEASE, TokenStore
from resolvers.mongo import Connection
from resolvers.ports import OutsideFault, TextScene
from resolvers.vault import Vault
from tests.platforms.conftest import StillClock
from tests.platforms.stub import Stub
from tests.platforms.test_chat_platforms import PASSED, QQ_CHECK, QQ_TOKEN, WECHAT_CHECK, WECHAT_TOKEN
from tests.platforms.test_tokens import QQ_PASSED, token

REFUSED = {"errcode": 40001, "errmsg": "invalid credential"}


async def check(chat: WeChat | QQ) -> bool:
    return await chat.accepts_text("o1", "text", TextScene.SOCIAL)


def processes(
    count: int, outgoing: Outgoing, clock: StillClock, tokens: TokenStore, stub: Stub
) -> list[tuple[WeChat, QQ]]:
    """What so many processes have, each its own, on one database."""
    return [
        (WeChat(outgoing, clock, tokens, stub.url, "wxapp", "s"), QQ(outgoing, clock, tokens, stub.url, "111", "s"))
        for _ in range(count)
    ]


async def test_fifty_callers_in_five_processes_fetch_one_token(
    outgoing: Outgoing, clock: StillClock, tokens: TokenStore, stub: Stub
) -> None:
    stub.answers(WECHAT_TOKEN, token("w"))
    stub.answers(QQ_TOKEN, token("q"))
    stub.answers(WECHAT_CHECK, PASSED)
    stub.answers(QQ_CHECK, QQ_PASSED)
    stub.seconds = 0.1
    all_of_them = [chat for both in processes(5, outgoing, clock, tokens, stub) for chat in both]
    assert all(await asyncio.gather(*(check(chat) for chat in all_of_them for _ in range(10))))
    assert (stub.times(WECHAT_TOKEN), stub.times(QQ_TOKEN)) == (1, 1)
    assert (stub.times(WECHAT_CHECK), stub.times(QQ_CHECK)) == (50, 50)


async def test_a_token_refused_in_one_process_is_fetched_anew_once_and_by_the_others_not_at_all(
    outgoing: Outgoing, clock: StillClock, tokens: TokenStore, stub: Stub
) -> None:
    """Each process finds out by itself that its token is refused, and takes what the first has fetched since."""
    (one, _), (two, _) = processes(2, outgoing, clock, tokens, stub)
    stub.answers(WECHAT_TOKEN, token("old"), token("new"))
    stub.answers(WECHAT_CHECK, PASSED, PASSED, REFUSED, PASSED, REFUSED, PASSED)
    for chat in (one, two, one, two):
        assert await check(chat)
    used = [each.query["access_token"] for each in stub.asked if each.path == WECHAT_CHECK]
    assert used == ["old", "old", "old", "new", "old", "new"]
    assert stub.times(WECHAT_TOKEN) == 2


async def test_a_process_that_died_while_fetching_is_waited_for_no_longer_than_its_lease(
    wechat: WeChat, tokens: TokenStore, clock: StillClock, stub: Stub
) -> None:
    assert await tokens.lease("WECHAT:wxapp", "dead", clock.now())
    stub.answers(WECHAT_TOKEN, token("w"))
    stub.answers(WECHAT_CHECK, PASSED)
    waiting = asyncio.create_task(check(wechat))
    await asyncio.sleep(0.2)
    assert stub.times(WECHAT_TOKEN) == 0
    clock.at += LEASE
    assert await waiting
    assert stub.times(WECHAT_TOKEN) == 1


async def test_what_a_dead_process_brings_after_its_lease_does_not_replace_the_newer_one(
    wechat: WeChat, tokens: TokenStore, clock: StillClock, stub: Stub
) -> None:
    assert await tokens.lease("WECHAT:wxapp", "late", clock.now())
    clock.at += LEASE
    stub.answers(WECHAT_TOKEN, token("newer"))
    stub.answers(WECHAT_CHECK, PASSED)
    assert await check(wechat)
    newer = await tokens.kept("WECHAT:wxapp")
    assert newer is not None
    late = type(newer)("late", newer.renew_at, newer.expires_at)
    await tokens.keep("WECHAT:wxapp", "late", late)
    assert await tokens.kept("WECHAT:wxapp") == newer


async def test_a_stable_token_that_is_refused_is_forced_within_the_platforms_limits(
    wechat: WeChat, clock: StillClock, stub: Stub
) -> None:
    """WeChat answers the same stable token until it is forced; not again within 30 s of the last time."""
    stub.answers(WECHAT_TOKEN, token("same"), token("same"), *[token("forced")] * 2, token("twice"))
    stub.answers(WECHAT_CHECK, REFUSED, PASSED, REFUSED, REFUSED, PASSED)
    assert await check(wechat)
    asked = [json.loads(each.body) for each in stub.asked if each.path == WECHAT_TOKEN]
    assert [each.get("force_refresh", False) for each in asked] == [False, False, True]
    clock.at += timedelta(seconds=30)
    with pytest.raises(OutsideFault, match="a moment ago"):
        await check(wechat)
    clock.at += timedelta(seconds=1)
    assert await check(wechat)
    forced = [json.loads(each.body).get("force_refresh", False) for each in stub.asked if each.path == WECHAT_TOKEN]
    assert forced == [False, False, True, False, True]


async def test_a_platform_that_refuses_every_token_is_not_asked_for_one_at_each_call(
    wechat: WeChat, qq: QQ, clock: StillClock, stub: Stub
) -> None:
    """Each token of QQ's ends the one before: twenty calls a second would fetch twenty."""
    for path in (WECHAT_TOKEN, QQ_TOKEN):
        stub.answers(path, *[token(f"t{number}") for number in range(30)])
    stub.answers(WECHAT_CHECK, REFUSED)
    stub.answers(QQ_CHECK, {"errCode": 40001, "errMsg": "invalid credential"})
    for chat, path in ((wechat, WECHAT_TOKEN), (qq, QQ_TOKEN)):
        for _ in range(20):
            with pytest.raises(OutsideFault):
                await check(chat)
        assert stub.times(path) == 2
    clock.at += timedelta(seconds=31)
    with pytest.raises(OutsideFault):
        await check(qq)
    assert stub.times(QQ_TOKEN) == 3


def test_a_token_is_forced_eighteen_times_a_day_and_no_more(clock: StillClock) -> None:
    every_hour = [clock.now() - timedelta(hours=hours) for hours in range(1, 24)]
    assert may_force(every_hour[: FORCED_A_DAY - 1], clock.now())
    assert not may_force(every_hour[:FORCED_A_DAY], clock.now())
    assert not may_force(every_hour[-FORCED_A_DAY:], clock.now())
    assert may_force(every_hour[-FORCED_A_DAY:], clock.now() + timedelta(hours=1))  # the oldest is a day old now


async def test_forced_at_once_by_ten_processes_counts_once(tokens: TokenStore, clock: StillClock) -> None:
    await tokens.lease("WECHAT:wxapp", "one", clock.now())
    taken = await asyncio.gather(*(tokens.take_forced("WECHAT:wxapp", clock.now()) for _ in range(10)))
    assert sorted(taken) == [False] * 9 + [True]


async def test_while_the_old_token_lives_a_platform_that_gives_no_new_one_is_no_fault(
    wechat: WeChat, clock: StillClock, stub: Stub
) -> None:
    stub.answers(WECHAT_TOKEN, token("old"), {"errcode": -1, "errmsg": "busy"})
    stub.answers(WECHAT_CHECK, PASSED)
    assert await check(wechat)
    clock.at += timedelta(seconds=6900)
    assert await check(wechat)
    assert await check(wechat)  # tried again after five seconds, not at each call
    assert stub.times(WECHAT_TOKEN) == 2
    clock.at += timedelta(seconds=300)
    with pytest.raises(OutsideFault):
        await check(wechat)


async def test_a_kept_token_cannot_be_read_without_the_master_key(
    connection: Connection, wechat: WeChat, clock: StillClock, stub: Stub
) -> None:
    stub.answers(WECHAT_TOKEN, token("very-secret"))
    stub.answers(WECHAT_CHECK, PASSED)
    assert await check(wechat)
    document = await connection.collection("platform_tokens").find_one({"_id": "WECHAT:wxapp"})
    assert document is not None
    assert b"very-secret" not in document["sealed"]
    assert await TokenStore(connection, Vault(b"another key".ljust(32, b"."))).kept("WECHAT:wxapp") is None
