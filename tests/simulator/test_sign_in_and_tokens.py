"""Sign-in codes, access tokens and telephone numbers behave as the platforms' pages say."""

import asyncio
from typing import Any

import pytest

from scripts.simulator.app import Serving
from tests.simulator.clock import MovableClock
from tests.simulator.merchant import Merchant


def errcode(answer: Any) -> int:
    code: int = answer.json["errcode"]
    return code


async def test_a_code_gives_openid_session_key_and_unionid_once(merchant: Merchant) -> None:
    code = (await merchant.control("login", {"platform": "wechat", "user": "ann"}))["code"]
    answer = await merchant.exchange("wechat", code)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain")
    assert set(answer.json) == {"session_key", "openid", "unionid"}
    assert len(answer.json["openid"]) == 28
    assert answer.json["unionid"].startswith("u_")
    assert errcode(await merchant.exchange("wechat", code)) == 40163


async def test_a_code_lives_five_minutes(merchant: Merchant, clock: MovableClock) -> None:
    first = (await merchant.control("login", {"platform": "wechat", "user": "ann"}))["code"]
    second = (await merchant.control("login", {"platform": "wechat", "user": "ann"}))["code"]
    clock.ahead_seconds = 295
    assert "openid" in (await merchant.exchange("wechat", first)).json
    clock.ahead_seconds = 301
    assert errcode(await merchant.exchange("wechat", second)) == 40029


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"appid": "wx0123456789abcdef"}, 40013),
        ({"secret": "0" * 32}, 40125),
        ({"grant_type": "client_credential"}, 40002),
        ({"grant_type": ""}, 40002),
        ({"js_code": "unknown"}, 40029),
        ({"js_code": ""}, 40029),
    ],
)
@pytest.mark.parametrize("platform", ["wechat", "qq"])
async def test_a_wrong_exchange_is_refused_and_uses_no_code_up(
    merchant: Merchant, platform: str, changes: dict[str, str], expected: int
) -> None:
    code = (await merchant.control("login", {"platform": platform, "user": "ann"}))["code"]
    assert errcode(await merchant.exchange(platform, code, **changes)) == expected
    assert "openid" in (await merchant.exchange(platform, code)).json


async def test_a_code_is_of_one_platform_and_one_purpose(merchant: Merchant) -> None:
    wechat = (await merchant.control("login", {"platform": "wechat", "user": "ann"}))["code"]
    phone = (await merchant.control("phone", {"platform": "wechat", "user": "ann"}))["code"]
    assert errcode(await merchant.exchange("qq", wechat)) == 40029
    assert errcode(await merchant.exchange("wechat", phone)) == 40029
    assert errcode(await merchant.exchange("wechat", wechat.swapcase())) == 40029


async def test_persons_keep_their_openid_and_unionids_are_as_told(merchant: Merchant) -> None:
    first, again = await merchant.sign_in(), await merchant.sign_in()
    assert (again["openid"], again["unionid"]) == (first["openid"], first["unionid"])
    assert again["session_key"] != first["session_key"]
    bob = await merchant.sign_in(user="bob")
    assert len({first["openid"], bob["openid"]}) == len({first["unionid"], bob["unionid"]}) == 2
    on_qq = await merchant.sign_in("qq")
    assert set(on_qq) == {"session_key", "openid"}
    assert len(on_qq["openid"]) == 32
    assert (await merchant.sign_in("qq", unionid=first["unionid"]))["unionid"] == first["unionid"]
    assert "unionid" not in await merchant.sign_in("wechat", unionid=None)
    assert "unionid" not in await merchant.sign_in("wechat")


async def test_a_used_qq_code_is_invalid_like_any_other(merchant: Merchant) -> None:
    code = (await merchant.control("login", {"platform": "qq", "user": "ann"}))["code"]
    await merchant.exchange("qq", code)
    assert errcode(await merchant.exchange("qq", code)) == 40029


async def stable(merchant: Merchant, **changes: Any) -> Any:
    body = {
        "grant_type": "client_credential",
        "appid": merchant.settings["KABAO_WECHAT_APP_ID"],
        "secret": merchant.settings["KABAO_WECHAT_APP_SECRET"],
        **changes,
    }
    return (await merchant.http("POST", f"{merchant.url}/wechat/cgi-bin/stable_token", json=body)).json


async def use(merchant: Merchant, token: str, platform: str = "wechat") -> int:
    """What an interface says to this token: 40029 is the complaint that comes after the token was found good."""
    path = "wechat/wxa/business" if platform == "wechat" else "qq/api/json/phone"
    url = f"{merchant.url}/{path}/getuserphonenumber?access_token={token}"
    return errcode(await merchant.http("POST", url, json={"code": "unknown"}))


GOOD = 40029


async def test_the_stable_token_stays_until_five_minutes_before_its_end(
    merchant: Merchant, clock: MovableClock
) -> None:
    first = await stable(merchant)
    assert first["expires_in"] == 7200
    clock.ahead_seconds = 6855
    again = await stable(merchant)
    assert again["access_token"] == first["access_token"]
    assert again["expires_in"] in (344, 345)
    clock.ahead_seconds = 6901
    renewed = await stable(merchant)
    assert renewed["access_token"] != first["access_token"]
    assert await use(merchant, first["access_token"]) == await use(merchant, renewed["access_token"]) == GOOD
    clock.ahead_seconds = 7201
    assert await use(merchant, first["access_token"]) == 42001
    assert await use(merchant, renewed["access_token"]) == GOOD


async def test_a_forced_refresh_ends_the_old_token_and_is_rationed(merchant: Merchant, clock: MovableClock) -> None:
    first = (await stable(merchant))["access_token"]
    forced = (await stable(merchant, force_refresh=True))["access_token"]
    assert await use(merchant, first) == 40001
    assert await use(merchant, forced) == GOOD
    assert (await stable(merchant))["access_token"] == forced
    assert (await stable(merchant, force_refresh=True))["errcode"] == 45011
    for number in range(1, 20):
        clock.ahead_seconds = 31 * number
        assert "access_token" in await stable(merchant, force_refresh=True)
    clock.ahead_seconds = 31 * 20
    assert (await stable(merchant, force_refresh=True))["errcode"] == 45009
    clock.ahead_seconds = 86_500
    assert "access_token" in await stable(merchant, force_refresh=True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"grant_type": "x"}, 40002),
        ({"appid": ""}, 41002),
        ({"secret": ""}, 41004),
        ({"appid": "wx0"}, 40013),
        ({"secret": "x"}, 40125),
        ({"force_refresh": "true"}, 47001),
    ],
)
async def test_a_wrong_request_for_a_stable_token(merchant: Merchant, changes: dict[str, Any], expected: int) -> None:
    assert (await stable(merchant, **changes))["errcode"] == expected


@pytest.mark.parametrize("platform", ["wechat", "qq"])
async def test_a_plain_token_is_replaced_by_the_next_with_five_minutes_overlap(
    merchant: Merchant, clock: MovableClock, platform: str
) -> None:
    first, second = await merchant.token(platform), await merchant.token(platform)
    assert first != second
    assert len(first) == 512
    assert await use(merchant, first, platform) == await use(merchant, second, platform) == GOOD
    clock.ahead_seconds = 301
    assert await use(merchant, first, platform) == 40001
    assert await use(merchant, second, platform) == GOOD
    clock.ahead_seconds = 7201
    assert await use(merchant, second, platform) == 42001


async def test_plain_and_stable_tokens_do_not_know_of_each_other(merchant: Merchant, clock: MovableClock) -> None:
    kept = (await stable(merchant))["access_token"]
    await merchant.token()
    clock.ahead_seconds = 301
    assert await use(merchant, kept) == GOOD
    assert (await stable(merchant))["access_token"] == kept


async def test_tokens_are_checked_before_anything_else(merchant: Merchant) -> None:
    foreign = await merchant.token("qq")
    assert await use(merchant, "") == 41001
    assert await use(merchant, "made-up") == 40014
    assert await use(merchant, foreign) == 40014


async def test_qq_says_40001_to_a_wrong_secret(merchant: Merchant) -> None:
    app_id = merchant.settings["KABAO_QQ_APP_ID"]
    url = f"{merchant.url}/qq/api/getToken?grant_type=client_credential&appid={app_id}&secret=wrong"
    assert errcode(await merchant.http("GET", url)) == 40001


async def test_wrong_methods_and_bodies_have_their_errcodes(merchant: Merchant) -> None:
    url = f"{merchant.url}/wechat/wxa/business/getuserphonenumber?access_token={await merchant.token()}"
    assert errcode(await merchant.http("GET", url)) == 43002
    assert errcode(await merchant.http("POST", url)) == 44002
    assert errcode(await merchant.http("POST", url, data=b"{")) == 47001
    assert errcode(await merchant.http("POST", url, data=b"[]")) == 47001
    assert errcode(await merchant.http("POST", f"{merchant.url}/wechat/sns/jscode2session")) == 43001


@pytest.mark.parametrize("platform", ["wechat", "qq"])
async def test_a_phone_code_gives_the_number_once(merchant: Merchant, clock: MovableClock, platform: str) -> None:
    path = "wechat/wxa/business" if platform == "wechat" else "qq/api/json/phone"
    url = f"{merchant.url}/{path}/getuserphonenumber?access_token={await merchant.token(platform)}"
    openid = (await merchant.sign_in(platform))["openid"]

    async def new_code(**phone: str) -> str:
        code: str = (await merchant.control("phone", {"platform": platform, "user": "ann", **phone}))["code"]
        return code

    code = await new_code(phone="13812345678")
    assert errcode(await merchant.http("POST", url, json={"code": code, "openid": "o" + "x" * 27})) == 40029
    answer = (await merchant.http("POST", url, json={"code": code, "openid": openid})).json
    timestamp = answer["phone_info"]["watermark"].pop("timestamp")
    assert abs(timestamp - clock()) < 5
    assert answer == {
        "errcode": 0,
        "errmsg": "ok",
        "phone_info": {
            "phoneNumber": "13812345678",
            "purePhoneNumber": "13812345678",
            "countryCode": "86",
            "watermark": {"appid": merchant.settings[f"KABAO_{platform.upper()}_APP_ID"]},
        },
    }
    assert errcode(await merchant.http("POST", url, json={"code": code})) == 40029
    kept = await new_code()
    late = await new_code()
    assert (await merchant.http("POST", url, json={"code": kept})).json["phone_info"]["phoneNumber"] == "13812345678"
    clock.ahead_seconds = 301
    assert errcode(await merchant.http("POST", url, json={"code": late})) == 40029


async def test_one_name_is_one_person_with_one_phone_on_both_platforms(merchant: Merchant, simulator: Serving) -> None:
    numbers = set()
    for platform, path in (("wechat", "wechat/wxa/business"), ("qq", "qq/api/json/phone")):
        code = (await merchant.control("phone", {"platform": platform, "user": "ann"}))["code"]
        url = f"{merchant.url}/{path}/getuserphonenumber?access_token={await merchant.token(platform)}"
        numbers.add((await merchant.http("POST", url, json={"code": code})).json["phone_info"]["phoneNumber"])
    assert len(numbers) == 1
    assert numbers.pop().startswith("138")


async def test_a_code_used_by_two_at_once_serves_one(merchant: Merchant) -> None:
    code = (await merchant.control("login", {"platform": "wechat", "user": "ann"}))["code"]
    answers = await asyncio.gather(*(merchant.exchange("wechat", code) for _ in range(10)))
    assert sorted("openid" in answer.json for answer in answers) == [False] * 9 + [True]
