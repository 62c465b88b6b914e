"""The phone-number button's code of both chat apps: whose number it is, and what each answer means to us."""

import json
from typing import Any

import pytest

from gateway.outgoing import Outgoing
from gateway.qq import QQ
from gateway.wechat import WeChat
from resolvers.chat.tokens.store import TokenStore
from resolvers.ports import ChatPlatform, Clock, CodeRefused, CodeUsed, OutsideFault
from tests.platforms.stub import Stub

PATHS = {"wechat": "/wxa/business/getuserphonenumber", "qq": "/api/json/phone/getuserphonenumber"}
TOKENS = {"wechat": "/cgi-bin/stable_token", "qq": "/api/getToken"}
OFFICIAL = {  # the example of the official page
    "errcode": 0,
    "errmsg": "ok",
    "phone_info": {
        "phoneNumber": "13123456789",
        "purePhoneNumber": "13123456789",
        "countryCode": 86,
        "watermark": {"timestamp": 1637744274, "appid": "wxapp"},
    },
}


@pytest.fixture(params=["wechat", "qq"])
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def chat(name: str, wechat: WeChat, qq: QQ, stub: Stub) -> ChatPlatform:
    stub.answers(TOKENS[name], {"access_token": "t1", "expires_in": 7200}, {"access_token": "t2", "expires_in": 7200})
    return wechat if name == "wechat" else qq


def info(**changed: Any) -> dict[str, Any]:
    """The official example with another phone_info."""
    return {**OFFICIAL, "phone_info": {**OFFICIAL["phone_info"], **changed}}  # type: ignore[dict-item]


async def test_a_code_is_exchanged_together_with_the_openid(chat: ChatPlatform, name: str, stub: Stub) -> None:
    stub.answers(PATHS[name], OFFICIAL)
    assert await chat.phone_number("c0de+/=", "o1") == "13123456789"
    asked = next(each for each in stub.asked if each.path == PATHS[name])
    assert asked.query == {"access_token": "t1"}
    sent = json.loads(asked.body)
    assert (sent["code"], sent["openid"]) == ("c0de+/=", "o1")
    assert "c0de" not in str(asked.query)


@pytest.mark.parametrize(
    ("country", "number", "expected"),
    [
        (86, "13123456789", "13123456789"),
        ("86", "13123456789", "13123456789"),
        ("852", "90123456", "+85290123456"),
        (1, "2025550123", "+12025550123"),
    ],
)
async def test_the_country_code_is_a_text_or_a_number(
    chat: ChatPlatform, name: str, stub: Stub, country: object, number: str, expected: str
) -> None:
    stub.answers(PATHS[name], info(countryCode=country, purePhoneNumber=number, phoneNumber=f"+{country}{number}"))
    assert await chat.phone_number("code", "o1") == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [(40029, CodeRefused), (40163, CodeUsed), *((code, OutsideFault) for code in (-1, 40013, 45011, 48001, "0"))],
)
async def test_what_each_code_means(
    chat: ChatPlatform, name: str, stub: Stub, code: object, expected: type[Exception]
) -> None:
    stub.answers(PATHS[name], {"errcode": code, "errmsg": "no"})
    with pytest.raises(expected) as error:
        await chat.phone_number("c0de", "o1")
    assert type(error.value) is expected
    assert "c0de" not in str(error.value)


@pytest.mark.parametrize("refused", [40001, 40014, 42001])
async def test_a_token_refused_once_is_fetched_once_more(
    chat: ChatPlatform, name: str, stub: Stub, refused: int
) -> None:
    stub.answers(PATHS[name], {"errcode": refused, "errmsg": "invalid credential"}, OFFICIAL)
    assert await chat.phone_number("code", "o1") == "13123456789"
    used = [each.query["access_token"] for each in stub.asked if each.path == PATHS[name]]
    assert used == ["t1", "t2"]


async def test_a_token_refused_twice_is_a_fault(chat: ChatPlatform, name: str, stub: Stub) -> None:
    stub.answers(PATHS[name], {"errcode": 40001, "errmsg": "invalid credential"})
    with pytest.raises(OutsideFault):
        await chat.phone_number("code", "o1")
    assert stub.times(PATHS[name]) == 2


@pytest.mark.parametrize(
    "said",
    [
        {"errcode": 0, "errmsg": "ok"},
        {},
        {"errcode": 0, "phone_info": "13123456789"},
        {"errcode": 0, "phone_info": {}},
        *(
            info(purePhoneNumber=number)
            for number in (None, 13123456789, "", "1234", "1" * 16, "1312345678x", "１３１２３")
        ),
        *(info(countryCode=country) for country in (None, "", "+86", True, {})),
        b"<html>",
    ],
)
async def test_an_answer_without_a_number_is_a_fault(
    chat: ChatPlatform, name: str, stub: Stub, said: dict[str, Any] | bytes
) -> None:
    stub.answers(PATHS[name], said)
    with pytest.raises(OutsideFault):
        await chat.phone_number("code", "o1")


async def test_nobody_there_is_a_fault(outgoing: Outgoing, clock: Clock, tokens: TokenStore) -> None:
    for chat in (
        WeChat(outgoing, clock, tokens, "http://127.0.0.1:1", "a", "b"),
        QQ(outgoing, clock, tokens, "http://127.0.0.1:1", "a", "b"),
    ):
        with pytest.raises(OutsideFault):
            await chat.phone_number("code", "o1")
