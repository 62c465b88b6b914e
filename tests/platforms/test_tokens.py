"""The access token: fetched once however many want it, once more when it is refused, and never waited for in a line."""

import asyncio
from datetime import timedelta

import pytest

from gateway import outgoing as outgoing_module
from gateway.qq import QQ
from gateway.wechat import WeChat
from resolvers.ports import OutsideFault, TextScene
from tests.platforms.conftest import StillClock
from tests.platforms.stub import Stub
from tests.platforms.test_chat_platforms import PASSED, QQ_CHECK, QQ_TOKEN, WECHAT_CHECK, WECHAT_TOKEN

QQ_PASSED = {"errCode": 0, "errMsg": "ok"}


def token(name: str, seconds: int = 7200) -> dict[str, object]:
    return {"access_token": name, "expires_in": seconds}


async def test_fifty_callers_at_once_fetch_one_token(wechat: WeChat, qq: QQ, stub: Stub) -> None:
    stub.answers(WECHAT_TOKEN, token("w"))
    stub.answers(QQ_TOKEN, token("q"))
    stub.answers(WECHAT_CHECK, PASSED)
    stub.answers(QQ_CHECK, QQ_PASSED)
    stub.seconds = 0.05
    callers = [chat.accepts_text("o1", "text", TextScene.SOCIAL) for chat in (wechat, qq) for _ in range(50)]
    assert await asyncio.gather(*callers) == [True] * 100
    assert (stub.times(WECHAT_TOKEN), stub.times(QQ_TOKEN)) == (1, 1)
    assert (stub.times(WECHAT_CHECK), stub.times(QQ_CHECK)) == (50, 50)


@pytest.mark.parametrize("code", [40001, 40014, 42001])
async def test_a_token_refused_once_is_fetched_once_more_and_tried_again(
    wechat: WeChat, qq: QQ, stub: Stub, code: int
) -> None:
    stub.answers(WECHAT_TOKEN, token("old"), token("new"))
    stub.answers(QQ_TOKEN, token("old"), token("new"))
    stub.answers(WECHAT_CHECK, {"errcode": code, "errmsg": "invalid credential"}, PASSED)
    stub.answers(QQ_CHECK, {"errCode": code, "errMsg": "invalid credential"}, QQ_PASSED)
    for chat, path in ((wechat, WECHAT_CHECK), (qq, QQ_CHECK)):
        assert await chat.accepts_text("o1", "text", TextScene.SOCIAL)
        used = [each.query["access_token"] for each in stub.asked if each.path == path]
        assert used == ["old", "new"]
    assert (stub.times(WECHAT_TOKEN), stub.times(QQ_TOKEN)) == (2, 2)


async def test_a_token_refused_twice_is_a_fault_and_no_storm(wechat: WeChat, qq: QQ, stub: Stub) -> None:
    stub.answers(WECHAT_TOKEN, token("a"), token("b"))
    stub.answers(QQ_TOKEN, token("a"), token("b"))
    stub.answers(WECHAT_CHECK, {"errcode": 40001, "errmsg": "invalid credential"})
    stub.answers(QQ_CHECK, {"errCode": 40001, "errMsg": "invalid credential"})
    for chat in (wechat, qq):
        with pytest.raises(OutsideFault):
            await chat.accepts_text("o1", "text", TextScene.SOCIAL)
    assert (stub.times(WECHAT_TOKEN), stub.times(QQ_TOKEN)) == (2, 2)
    assert (stub.times(WECHAT_CHECK), stub.times(QQ_CHECK)) == (2, 2)


async def test_fifty_callers_whose_token_is_refused_fetch_one_more(wechat: WeChat, stub: Stub) -> None:
    stub.answers(WECHAT_TOKEN, token("old"), token("new"))
    stub.answers(WECHAT_CHECK, *[{"errcode": 42001, "errmsg": "expired"}] * 50, PASSED)
    stub.seconds = 0.05
    assert all(await asyncio.gather(*(wechat.accepts_text("o1", "text", TextScene.SOCIAL) for _ in range(50))))
    assert stub.times(WECHAT_TOKEN) == 2


async def test_a_token_is_renewed_five_minutes_before_its_end(wechat: WeChat, stub: Stub, clock: StillClock) -> None:
    stub.answers(WECHAT_TOKEN, token("first"), token("second"))
    stub.answers(WECHAT_CHECK, PASSED)
    for ahead, fetched in ((0, 1), (6899, 1), (1, 2)):
        clock.at += timedelta(seconds=ahead)
        await wechat.accepts_text("o1", "text", TextScene.SOCIAL)
        assert stub.times(WECHAT_TOKEN) == fetched


async def test_a_stable_token_about_to_end_is_kept_for_a_little(wechat: WeChat, stub: Stub, clock: StillClock) -> None:
    """The platform answers the same token with what is left of it: asking each time would run into its limits."""
    stub.answers(WECHAT_TOKEN, token("ending", 120))
    stub.answers(WECHAT_CHECK, PASSED)
    for ahead, fetched in ((0, 1), (29, 1), (1, 2)):
        clock.at += timedelta(seconds=ahead)
        await wechat.accepts_text("o1", "text", TextScene.SOCIAL)
        assert stub.times(WECHAT_TOKEN) == fetched


@pytest.mark.parametrize(
    "said",
    [
        *({"errcode": code, "errmsg": "no"} for code in (-1, 40001, 40002, 40013, 40125, 40164, 40243, 45009, 45011)),
        {"access_token": "", "expires_in": 7200},
        {"access_token": "t"},
        {"access_token": "t", "expires_in": "7200"},
        b"<html>",
    ],
)
async def test_no_token_means_a_fault_and_another_try_the_next_time(
    wechat: WeChat, qq: QQ, stub: Stub, said: dict[str, object] | bytes
) -> None:
    stub.answers(WECHAT_TOKEN, said, token("good"))
    stub.answers(QQ_TOKEN, said, token("good"))
    stub.answers(WECHAT_CHECK, PASSED)
    stub.answers(QQ_CHECK, QQ_PASSED)
    for chat in (wechat, qq):
        with pytest.raises(OutsideFault):
            await chat.accepts_text("o1", "text", TextScene.SOCIAL)
        assert await chat.accepts_text("o1", "text", TextScene.SOCIAL)


async def test_callers_of_a_platform_that_hangs_all_give_up_together(
    wechat: WeChat, qq: QQ, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were they to wait in a line, the last of ten would be told after ten time-outs."""
    monkeypatch.setattr(outgoing_module, "CALL_SECONDS", 0.3)
    stub.answers(WECHAT_TOKEN, token("w"))
    stub.answers(QQ_TOKEN, token("q"))
    stub.seconds = 1.0
    callers = [chat.accepts_text("o1", "text", TextScene.SOCIAL) for chat in (wechat, qq) for _ in range(10)]
    async with asyncio.timeout(2.5):  # in a line: 3 s
        faults = await asyncio.gather(*callers, return_exceptions=True)
    assert {type(fault) for fault in faults} == {OutsideFault}
    assert (stub.times(WECHAT_TOKEN), stub.times(QQ_TOKEN)) == (1, 1)


async def test_a_check_with_all_its_calls_takes_no_longer_than_one_time_out(
    wechat: WeChat, qq: QQ, stub: Stub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outgoing_module, "CALL_SECONDS", 1.0)
    for path in (WECHAT_TOKEN, QQ_TOKEN):
        stub.answers(path, token("a"), token("b"))
    stub.answers(WECHAT_CHECK, {"errcode": 40001, "errmsg": "invalid credential"})
    stub.answers(QQ_CHECK, {"errCode": 40001, "errMsg": "invalid credential"})
    stub.seconds = 0.8  # each call by itself would be in time
    async with asyncio.timeout(2.5):  # all four: 3.2 s
        faults = await asyncio.gather(
            *(chat.accepts_text("o1", "text", TextScene.SOCIAL) for chat in (wechat, qq)), return_exceptions=True
        )
    assert {type(fault) for fault in faults} == {OutsideFault}
