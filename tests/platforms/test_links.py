"""Codes, links and cards on the wire: what is sent, and what each answer of WeChat means; QQ has none of them."""

import json
from typing import Any

import pytest

from gateway.qq import QQ
from gateway.wechat import WeChat
from resolvers.ports import CardOver, CardState, LinkRefused, NotOffered, OutsideFault
from tests.platforms.stub import Stub
from tests.platforms.test_chat_platforms import A_TOKEN, WECHAT_TOKEN
from tests.platforms.test_subscribe_messages import said

CODE, LINK, CARD = "/wxa/getwxacodeunlimit", "/wxa/generate_urllink", "/cgi-bin/message/wxopen/updatablemsg/send"
GOING_ON = CardState(True, 2, 5, "pages/gift?id=1")
OVER = CardState(False, 5, 5, "pages/gift?id=1")


def body(stub: Stub, path: str) -> Any:
    return json.loads([each for each in stub.asked if each.path == path][-1].body)


async def test_what_is_asked_for(wechat: WeChat, stub: Stub) -> None:
    stub.answers(WECHAT_TOKEN, A_TOKEN)
    stub.answers(CODE, b"\xff\xd8jpeg", Content_Type="image/jpeg")
    stub.answers(LINK, {"errcode": 0, "errmsg": "ok", "url_link": "https://wxaurl.cn/x"})
    stub.answers(CARD, {"errcode": 0, "errmsg": "ok"})
    assert await wechat.mini_code("Tx", "pages/table", 430) == (b"\xff\xd8jpeg", "image/jpeg")
    assert body(stub, CODE) == {
        "scene": "Tx", "page": "pages/table", "check_path": False, "env_version": "release", "width": 430
    }  # fmt: skip
    assert await wechat.url_link("pages/table", "scene=Tx", 30) == "https://wxaurl.cn/x"
    assert body(stub, LINK) == {
        "path": "pages/table", "query": "scene=Tx", "expire_type": 1, "expire_interval": 30, "env_version": "release"
    }  # fmt: skip
    await wechat.update_card("act", GOING_ON)
    going_on = [{"name": "member_count", "value": "2"}, {"name": "room_limit", "value": "5"}]
    assert body(stub, CARD) == {
        "activity_id": "act", "target_state": 0, "template_info": {"parameter_list": going_on}
    }  # fmt: skip
    await wechat.update_card("act", OVER)
    ended = [{"name": "path", "value": "pages/gift?id=1"}, {"name": "version_type", "value": "release"}]
    assert body(stub, CARD) == {
        "activity_id": "act", "target_state": 1, "template_info": {"parameter_list": ended}
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        *((code, OutsideFault) for code in (-1, 45009, 45011)),
        *((code, LinkRefused) for code in (40097, 40129, 40169, 41030, 85096)),
    ],
)
async def test_what_the_codes_of_a_code_mean(wechat: WeChat, stub: Stub, code: int, kind: type[Exception]) -> None:
    stub.answers(WECHAT_TOKEN, A_TOKEN)
    stub.answers(CODE, said(code))
    with pytest.raises(kind):
        await wechat.mini_code("Tx", "pages/table", 430)
    assert stub.times(CODE) == 1


@pytest.mark.parametrize("code", [40165, 40212, 44990, 44993, 85079, 85401, 85402, 85407, 85408])
async def test_what_the_codes_of_a_link_mean(wechat: WeChat, stub: Stub, code: int) -> None:
    stub.answers(WECHAT_TOKEN, A_TOKEN)
    stub.answers(LINK, said(code), said(-1), {"errcode": 0})
    with pytest.raises(LinkRefused):
        await wechat.url_link("pages/table", "scene=Tx", 30)
    for _ in range(2):
        with pytest.raises(OutsideFault):
            await wechat.url_link("pages/table", "scene=Tx", 30)


@pytest.mark.parametrize("code", [47501, 47502, 47503, 47504])
async def test_what_the_codes_of_a_card_mean(wechat: WeChat, stub: Stub, code: int) -> None:
    stub.answers(WECHAT_TOKEN, A_TOKEN)
    stub.answers(CARD, said(code), said(-1))
    with pytest.raises(CardOver):
        await wechat.update_card("act", GOING_ON)
    with pytest.raises(OutsideFault):
        await wechat.update_card("act", GOING_ON)


@pytest.mark.parametrize("code", [40001, 40014, 42001])
async def test_a_token_refused_once_is_fetched_anew_and_tried_again(wechat: WeChat, stub: Stub, code: int) -> None:
    stub.answers(WECHAT_TOKEN, {**A_TOKEN, "access_token": "old"}, {**A_TOKEN, "access_token": "new"})
    stub.answers(CODE, said(code))
    stub.answers(CODE, b"png", Content_Type="image/png")
    assert await wechat.mini_code("Tx", "pages/table", 430) == (b"png", "image/png")
    assert [each.query["access_token"] for each in stub.asked if each.path == CODE] == ["old", "new"]


async def test_qq_has_none_of_them(qq: QQ) -> None:
    with pytest.raises(NotOffered):
        await qq.mini_code("Tx", "pages/table", 430)
    with pytest.raises(NotOffered):
        await qq.url_link("pages/table", "scene=Tx", 30)
    with pytest.raises(NotOffered):
        await qq.update_card("act", GOING_ON)
