"""One-time messages on the wire: what is sent, and what each answer of the platforms means."""

import json
from typing import Any

import pytest

from gateway.qq import QQ
from gateway.wechat import WeChat
from resolvers.ports import ConsentEnded, MessageRefused, NotDelivered, OutsideFault, PhoneMessage
from tests.platforms.stub import Stub
from tests.platforms.test_chat_platforms import A_TOKEN, QQ_TOKEN, WECHAT_TOKEN

WECHAT_SEND, QQ_SEND = "/cgi-bin/message/subscribe/send", "/api/json/subscribe/SendSubscriptionMessage"
MESSAGE = PhoneMessage("o1", "t1", "pages/card?id=crd_1", (("thing1", "储值卡"), ("amount2", "¥12.50")))
OK = {"errcode": 0, "errmsg": "ok"}


def said(code: Any) -> dict[str, Any]:
    return {"errcode": code, "errmsg": "said"}


async def test_what_is_sent(wechat: WeChat, qq: QQ, stub: Stub) -> None:
    for path in (WECHAT_TOKEN, QQ_TOKEN):
        stub.answers(path, A_TOKEN)
    stub.answers(WECHAT_SEND, OK)
    stub.answers(QQ_SEND, {"errCode": 0, "errMsg": "ok"})
    await wechat.send_message(MESSAGE)
    await qq.send_message(MESSAGE)
    to_wechat, to_qq = (next(each for each in stub.asked if each.path == path) for path in (WECHAT_SEND, QQ_SEND))
    shared = {
        "touser": "o1",
        "template_id": "t1",
        "page": "pages/card?id=crd_1",
        "data": {"thing1": {"value": "储值卡"}, "amount2": {"value": "¥12.50"}},
    }
    assert json.loads(to_wechat.body) == {**shared, "miniprogram_state": "formal", "lang": "zh_CN"}
    assert json.loads(to_qq.body) == shared
    assert "储值卡".encode() in to_wechat.body  # not escaped: WeChat would show the escapes
    assert to_wechat.query == to_qq.query == {"access_token": "token-1"}


REACTIONS: dict[str, dict[type[Exception], list[int]]] = {
    "wechat": {
        NotDelivered: [-1, 45009, 45011, 43108],
        ConsentEnded: [43101],
        MessageRefused: [43107, 40003, 40037, 45168, 47003, 48001],
    },
    "qq": {
        NotDelivered: [-1, 40036, 41030, 46002],
        ConsentEnded: [46001, 46003, 46006],
        MessageRefused: [40015, 40035, 40037, 46004, 46005, 47001, 48001],
    },
}
NOT_OURS = {("wechat", 43107), ("wechat", 40003), ("qq", 46004), ("qq", 46005), ("qq", 47001)}


@pytest.mark.parametrize(
    ("name", "kind", "code"),
    [(name, kind, code) for name, kinds in REACTIONS.items() for kind, codes in kinds.items() for code in codes],
)
async def test_what_each_code_means(
    wechat: WeChat, qq: QQ, stub: Stub, name: str, kind: type[Exception], code: int
) -> None:
    chat, path = (wechat, WECHAT_SEND) if name == "wechat" else (qq, QQ_SEND)
    stub.answers(WECHAT_TOKEN if name == "wechat" else QQ_TOKEN, A_TOKEN)
    stub.answers(path, said(code))
    with pytest.raises(kind, match=str(code)) as raised:
        await chat.send_message(MESSAGE)
    assert type(raised.value) is kind
    if isinstance(raised.value, MessageRefused):
        assert raised.value.ours is ((name, code) not in NOT_OURS)
    assert stub.times(path) == 1


@pytest.mark.parametrize("code", [40001, 40014, 42001])
async def test_a_refused_token_is_fetched_anew_once_and_then_it_waits(
    wechat: WeChat, qq: QQ, stub: Stub, code: int
) -> None:
    for chat, path, tokens in ((wechat, WECHAT_SEND, WECHAT_TOKEN), (qq, QQ_SEND, QQ_TOKEN)):
        stub.answers(tokens, {**A_TOKEN, "access_token": "old"}, {**A_TOKEN, "access_token": "new"})
        stub.answers(path, said(code), OK, said(code), said(code))
        await chat.send_message(MESSAGE)
        assert [each.query["access_token"] for each in stub.asked if each.path == path] == ["old", "new"]
        stub.answers(tokens, {**A_TOKEN, "access_token": "newer"})
        with pytest.raises(NotDelivered):
            await chat.send_message(MESSAGE)


async def test_no_token_is_nothing_sent(wechat: WeChat, qq: QQ, stub: Stub) -> None:
    for chat, path, tokens in ((wechat, WECHAT_SEND, WECHAT_TOKEN), (qq, QQ_SEND, QQ_TOKEN)):
        stub.answers(tokens, said(-1))
        with pytest.raises(NotDelivered):
            await chat.send_message(MESSAGE)
        assert stub.times(path) == 0


@pytest.mark.parametrize("answer", [b"<html>", b"[]", b""])
async def test_an_answer_that_says_nothing_leaves_it_open_whether_it_was_sent(
    wechat: WeChat, qq: QQ, stub: Stub, answer: bytes
) -> None:
    for chat, path, tokens in ((wechat, WECHAT_SEND, WECHAT_TOKEN), (qq, QQ_SEND, QQ_TOKEN)):
        stub.answers(tokens, A_TOKEN)
        stub.answers(path, answer, status=502)
        with pytest.raises(OutsideFault) as raised:
            await chat.send_message(MESSAGE)
        assert type(raised.value) is OutsideFault
