"""The text check: errcode 0 with suggest=risky is a refusal, and escaped text is not seen at all."""

import json
from typing import Any

import pytest

from tests.simulator.clock import MovableClock
from tests.simulator.merchant import Answer, Merchant


async def check(merchant: Merchant, body: dict[str, Any], escaped: bool = False) -> Answer:
    url = f"{merchant.url}/wechat/wxa/msg_sec_check?access_token={await merchant.token()}"
    return await merchant.http("POST", url, data=json.dumps(body, ensure_ascii=escaped).encode())


@pytest.mark.parametrize(
    ("content", "suggest", "label"),
    [
        ("祝你生日快乐", "pass", 100),
        ("一起赌博吧", "risky", 20006),
        ("代开发票", "risky", 20008),
        ("特3456书yuuo莞6543李zxcz蒜7782法fgnv级", "risky", 20001),
        ("完2347全dfji试3726测asad感3847知qwez到", "risky", 20001),
    ],
)
async def test_what_is_risky(merchant: Merchant, content: str, suggest: str, label: int) -> None:
    openid = (await merchant.sign_in())["openid"]
    body = {"content": content, "version": 2, "scene": 4, "openid": openid}
    answer = await check(merchant, body)
    assert answer.json["errcode"] == 0
    assert answer.json["result"] == {"suggest": suggest, "label": label}


async def test_a_nickname_is_checked_too(merchant: Merchant) -> None:
    openid = (await merchant.sign_in())["openid"]
    body = {"content": "hello", "nickname": "赌博", "version": 2, "scene": 1, "openid": openid}
    assert (await check(merchant, body)).json["result"]["suggest"] == "risky"


async def test_escaped_text_always_passes(merchant: Merchant) -> None:
    openid = (await merchant.sign_in())["openid"]
    body = {"content": "赌博", "version": 2, "scene": 4, "openid": openid}
    assert (await check(merchant, body, escaped=True)).json["result"]["suggest"] == "pass"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"content": ""}, 44004),
        ({"content": "好" * 2501}, 45002),
        ({"version": 1}, 40097),
        ({"version": "2"}, 40097),
        ({"version": None}, 40097),
        ({"scene": 0}, 40129),
        ({"scene": 5}, 40129),
        ({"scene": "4"}, 40129),
        ({"openid": ""}, 40003),
        ({"openid": "o" + "x" * 27}, 40003),
    ],
)
async def test_wrong_arguments(merchant: Merchant, changes: dict[str, Any], expected: int) -> None:
    openid = (await merchant.sign_in())["openid"]
    body = {"content": "你好", "version": 2, "scene": 4, "openid": openid, **changes}
    assert (await check(merchant, body)).json["errcode"] == expected


async def test_2500_letters_are_allowed(merchant: Merchant) -> None:
    openid = (await merchant.sign_in())["openid"]
    body = {"content": "好" * 2500, "version": 2, "scene": 4, "openid": openid}
    assert (await check(merchant, body)).json["errcode"] == 0


async def test_the_person_must_have_come_within_two_hours(merchant: Merchant, clock: MovableClock) -> None:
    openid = (await merchant.sign_in())["openid"]
    body = {"content": "你好", "version": 2, "scene": 4, "openid": openid}
    clock.ahead_seconds = 7190
    assert (await check(merchant, body)).json["errcode"] == 0
    clock.ahead_seconds = 7210
    assert (await check(merchant, body)).json["errcode"] == 61010


async def qq_check(merchant: Merchant, token: str, body: dict[str, Any]) -> dict[str, Any]:
    url = f"{merchant.url}/qq/api/json/security/MsgSecCheck?access_token={token}"
    answer: dict[str, Any] = (await merchant.http("POST", url, data=json.dumps(body, ensure_ascii=False).encode())).json
    return answer


async def test_qq_spells_its_answer_in_camel_case(merchant: Merchant) -> None:
    token, app_id = await merchant.token("qq"), merchant.settings["KABAO_QQ_APP_ID"]
    assert await qq_check(merchant, token, {"appid": app_id, "content": "你好"}) == {"errCode": 0, "errMsg": "ok"}
    assert (await qq_check(merchant, token, {"appid": app_id, "content": "赌博"}))["errCode"] == 87014
    assert (await qq_check(merchant, token, {"appid": "1", "content": "你好"}))["errCode"] == 40013
    assert (await qq_check(merchant, "made-up", {"appid": app_id, "content": "你好"}))["errCode"] == 40014
