"""Sign-in and content check of both chat apps: what each code of theirs means to us."""

import json

import pytest

from gateway.outgoing import Outgoing
from gateway.qq import QQ
from gateway.wechat import WeChat
from resolvers.chat.tokens.store import TokenStore
from resolvers.ports import (
    ChatPlatform,
    Clock,
    CodeRefused,
    CodeUsed,
    OutsideFault,
    PersonBlocked,
    PlatformUser,
    TextScene,
)
from tests.platforms.stub import Stub

SIGN_IN = "/sns/jscode2session"
WECHAT_CHECK, QQ_CHECK = "/wxa/msg_sec_check", "/api/json/security/MsgSecCheck"
WECHAT_TOKEN, QQ_TOKEN = "/cgi-bin/stable_token", "/api/getToken"
A_TOKEN = {"access_token": "token-1", "expires_in": 7200}
PASSED = {"errcode": 0, "errmsg": "ok", "result": {"suggest": "pass", "label": 100}}
PERSON = {"openid": "o1", "session_key": "HyVFkGl5F5OQWJZZaNzBBg=="}


@pytest.fixture(params=["wechat", "qq"])
def chat(request: pytest.FixtureRequest, wechat: WeChat, qq: QQ) -> ChatPlatform:
    return wechat if request.param == "wechat" else qq


async def test_a_code_becomes_a_person(chat: ChatPlatform, stub: Stub) -> None:
    stub.answers(SIGN_IN, PERSON)
    assert await chat.sign_in("a+b/c=") == PlatformUser("o1", None, "HyVFkGl5F5OQWJZZaNzBBg==")
    [asked] = stub.asked
    assert asked.query["js_code"] == "a+b/c="
    assert asked.query["grant_type"] == "authorization_code"
    assert set(asked.query) == {"appid", "secret", "js_code", "grant_type"}


@pytest.mark.parametrize(("unionid", "expected"), [("u1", "u1"), ("", None), (None, None), (7, None)])
async def test_a_unionid_is_taken_only_as_a_text(
    chat: ChatPlatform, stub: Stub, unionid: object, expected: str | None
) -> None:
    stub.answers(SIGN_IN, {**PERSON, "unionid": unionid, "errcode": 0, "errmsg": "ok"})
    assert (await chat.sign_in("code")).unionid == expected


REACTIONS: list[tuple[int | str | None, type[Exception]]] = [
    (40029, CodeRefused),
    (40163, CodeUsed),
    (40226, PersonBlocked),
    (50004, PersonBlocked),
    (50007, PersonBlocked),
    (-1, OutsideFault),
    (45009, OutsideFault),
    (45011, OutsideFault),
    (40013, OutsideFault),
    (40125, OutsideFault),
    (40164, OutsideFault),
    (40243, OutsideFault),
    (41002, OutsideFault),
    (41004, OutsideFault),
    (89503, OutsideFault),
    (99999, OutsideFault),
    ("40029", OutsideFault),
    (None, OutsideFault),
]


@pytest.mark.parametrize(("code", "reaction"), REACTIONS)
async def test_every_refusal_of_a_code_has_its_reaction(
    chat: ChatPlatform, stub: Stub, code: object, reaction: type[Exception]
) -> None:
    stub.answers(SIGN_IN, {"errcode": code, "errmsg": "no, rid: 6583f22d-35b1b023-4a6d02b6"})
    with pytest.raises(reaction) as raised:
        await chat.sign_in("code")
    assert type(raised.value) is reaction
    assert stub.times(SIGN_IN) == 1


NONSENSE = [b"", b"<html>502</html>", b"[]", b"null", b'"ok"', b"{", b'{"openid": 5, "session_key": "x"}', b"\xff\xfe"]


@pytest.mark.parametrize("said", [*NONSENSE, b'{"openid": "", "session_key": "x"}', b'{"openid": "o1"}'])
async def test_an_answer_that_is_none_is_a_fault_of_the_platform(chat: ChatPlatform, stub: Stub, said: bytes) -> None:
    stub.answers(SIGN_IN, said)
    with pytest.raises(OutsideFault):
        await chat.sign_in("code")


async def test_an_answer_too_large_is_not_read_to_its_end(chat: ChatPlatform, stub: Stub) -> None:
    stub.answers(SIGN_IN, b'{"openid": "' + b"x" * 3_000_000)
    with pytest.raises(OutsideFault, match="too large"):
        await chat.sign_in("code")


async def test_nobody_there_is_a_fault(outgoing: Outgoing, clock: Clock, tokens: TokenStore) -> None:
    for chat in (
        WeChat(outgoing, clock, tokens, "http://127.0.0.1:1", "a", "b"),
        QQ(outgoing, clock, tokens, "http://127.0.0.1:1", "a", "b"),
    ):
        with pytest.raises(OutsideFault):
            await chat.sign_in("code")
        with pytest.raises(OutsideFault):
            await chat.accepts_text("o1", "你好", TextScene.SOCIAL)


async def test_a_redirect_is_not_followed(chat: ChatPlatform, stub: Stub) -> None:
    stub.answers(SIGN_IN, b"", status=302, Location=f"{stub.url}/elsewhere")
    with pytest.raises(OutsideFault):
        await chat.sign_in("code")
    assert stub.times("/elsewhere") == 0


async def test_a_text_is_sent_as_real_utf_8(wechat: WeChat, qq: QQ, stub: Stub) -> None:
    stub.answers(WECHAT_TOKEN, A_TOKEN)
    stub.answers(QQ_TOKEN, A_TOKEN)
    stub.answers(WECHAT_CHECK, PASSED)
    stub.answers(QQ_CHECK, {"errCode": 0, "errMsg": "ok"})
    for chat, path in ((wechat, WECHAT_CHECK), (qq, QQ_CHECK)):
        assert await chat.accepts_text("o1", "生日快乐🎂", TextScene.SOCIAL)
        asked = next(each for each in stub.asked if each.path == path)
        assert "生日快乐🎂".encode() in asked.body
        assert b"\\u" not in asked.body
        assert asked.query == {"access_token": "token-1"}
    sent = next(each for each in stub.asked if each.path == WECHAT_CHECK)
    assert json.loads(sent.body) == {"content": "生日快乐🎂", "version": 2, "scene": 4, "openid": "o1"}
    sent = next(each for each in stub.asked if each.path == QQ_CHECK)
    assert json.loads(sent.body) == {"appid": "1112223334", "content": "生日快乐🎂"}


@pytest.mark.parametrize(("suggest", "accepted"), [("pass", True), ("review", False), ("risky", False), ("", False)])
async def test_only_pass_passes_though_the_code_is_zero(
    wechat: WeChat, stub: Stub, suggest: str, accepted: bool
) -> None:
    stub.answers(WECHAT_TOKEN, A_TOKEN)
    stub.answers(WECHAT_CHECK, {"errcode": 0, "errmsg": "ok", "result": {"suggest": suggest, "label": 20001}})
    assert await wechat.accepts_text("o1", "text", TextScene.SOCIAL) is accepted


@pytest.mark.parametrize(
    "said",
    [
        *({"errcode": code, "errmsg": "no"} for code in (-1, 40003, 40129, 43104, 44991, 45009, 61010, 87014)),
        {"errcode": 0, "errmsg": "ok"},
        {"errcode": 0, "errmsg": "ok", "result": None},
        {"errcode": 0, "errmsg": "ok", "result": "pass"},
        {},
        b"<html>",
    ],
)
async def test_wechat_having_checked_nothing_lets_nothing_pass(
    wechat: WeChat, stub: Stub, said: dict[str, object] | bytes
) -> None:
    stub.answers(WECHAT_TOKEN, A_TOKEN)
    stub.answers(WECHAT_CHECK, said)
    with pytest.raises(OutsideFault):
        await wechat.accepts_text("o1", "text", TextScene.SOCIAL)


@pytest.mark.parametrize(
    ("said", "accepted"), [({"errCode": 0}, True), ({"errcode": 0}, True), ({"errCode": 87014}, False)]
)
async def test_qq_says_yes_or_no(qq: QQ, stub: Stub, said: dict[str, int], accepted: bool) -> None:
    stub.answers(QQ_TOKEN, A_TOKEN)
    stub.answers(QQ_CHECK, said)
    assert await qq.accepts_text("o1", "text", TextScene.SOCIAL) is accepted


@pytest.mark.parametrize(
    "said", [{"errCode": -1}, {"errCode": 40013}, {"errCode": 45009}, {}, {"errCode": "0"}, b"<html>"]
)
async def test_qq_having_checked_nothing_lets_nothing_pass(qq: QQ, stub: Stub, said: dict[str, object] | bytes) -> None:
    stub.answers(QQ_TOKEN, A_TOKEN)
    stub.answers(QQ_CHECK, said)
    with pytest.raises(OutsideFault):
        await qq.accepts_text("o1", "text", TextScene.SOCIAL)
