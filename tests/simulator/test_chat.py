"""The simulated chats: pushes checked and tried thrice, windows and quotas counted, a menu kept to its bounds."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from wechatpy.crypto import WeChatCrypto

from scripts.simulator.credentials import Credentials
from tests.simulator.clock import MovableClock
from tests.simulator.merchant import Merchant

TEXT = {"msgtype": "text", "text": {"content": "您好"}}


class Account:
    """A merchant's callback address, written with wechatpy, that answers as a test tells it to."""

    def __init__(self, credentials: Credentials) -> None:
        self.crypto = WeChatCrypto(
            credentials.official_token, credentials.official_aes_key, credentials.official_app_id
        )
        self.says = ""
        self.seconds = 0.0
        self.echoes = True
        self.heard: list[str] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        query = request.query
        if request.method == "GET":
            return web.Response(text=query["echostr"] if self.echoes else "no")
        await asyncio.sleep(self.seconds)
        opened = self.crypto.decrypt_message(
            await request.text(), query["msg_signature"], query["timestamp"], query["nonce"]
        )
        self.heard.append(opened if isinstance(opened, str) else opened.decode())
        if not self.says:
            return web.Response(text="success")
        return web.Response(text=self.crypto.encrypt_message(self.says, "nonce", query["timestamp"]))


@pytest.fixture
async def account(credentials: Credentials) -> AsyncIterator[Account]:
    account, app = Account(credentials), web.Application()
    app.router.add_route("*", "/callback", account.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    account.url = f"http://127.0.0.1:{runner.addresses[0][1]}/callback"
    yield account
    await runner.cleanup()


async def _control(merchant: Merchant, path: str, **content: Any) -> Any:
    async with merchant.session.post(f"{merchant.url}/_control/{path}", json=content) as answer:
        return await answer.json(content_type=None)


async def _token(merchant: Merchant, credentials: Credentials) -> str:
    wanted = {
        "grant_type": "client_credential",
        "appid": credentials.official_app_id,
        "secret": credentials.official_app_secret,
    }
    async with merchant.session.post(f"{merchant.url}/wechat/cgi-bin/stable_token", json=wanted) as answer:
        token: str = (await answer.json(content_type=None))["access_token"]
        return token


async def _call(merchant: Merchant, token: str, path: str, content: Any = None) -> int:
    url = f"{merchant.url}/wechat/cgi-bin/{path}?access_token={token}"
    asked = merchant.session.get(url) if content is None else merchant.session.post(url, json=content)
    async with asked as answer:
        said = await answer.json(content_type=None)
        code: int = said.get("errcode", 0)
        return code


async def test_an_address_must_pass_the_check(merchant: Merchant, account: Account) -> None:
    account.echoes = False
    assert "error" in await _control(merchant, "callback", app="official", url=account.url)
    assert "error" in await _control(merchant, "say", platform="wechat", user="ann", text="hi")
    account.echoes = True
    assert await _control(merchant, "callback", app="official", url=account.url) == {}
    assert "error" in await _control(merchant, "callback", app="official", url=account.url, format="json")


async def test_wechatpy_opens_what_is_pushed_and_its_answer_is_shown(merchant: Merchant, account: Account) -> None:
    await _control(merchant, "callback", app="official", url=account.url)
    account.says = "<xml><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[好]]></Content></xml>"
    said = await _control(merchant, "say", platform="wechat", user="ann", text="你好]]>")
    assert said["reply"] == {"type": "text", "text": "好"}
    assert "你好]]]]><![CDATA[>" in account.heard[0]
    account.says = "<xml><MsgType>odd</MsgType></xml>"
    assert (await _control(merchant, "say", platform="wechat", user="ann", text="x"))["reply"]["type"] == "unavailable"
    account.says = ""
    said = await _control(merchant, "say", platform="wechat", user="ann", text="x", times=3)
    assert (said["replies"], len(account.heard)) == ([None] * 3, 5)
    for wrong in ({"platform": "qq", "text": "x"}, {"platform": "wechat"}, {"platform": "wechat", "event": "no"}):
        assert "error" in await _control(merchant, "say", user="ann", **wrong)


async def test_an_answer_that_takes_more_than_five_seconds_is_dropped_and_asked_for_thrice(
    merchant: Merchant, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scripts.simulator.chat.ANSWER_SECONDS", 0.3)
    await _control(merchant, "callback", app="official", url=account.url)
    account.seconds = 0.6
    said = await _control(merchant, "say", platform="wechat", user="ann", text="x")
    assert said["reply"]["type"] == "unavailable"
    assert [attempt["status"] for attempt in said["attempts"]] == [0, 0, 0]


async def test_windows_and_quotas_are_counted(
    merchant: Merchant, account: Account, credentials: Credentials, clock: MovableClock
) -> None:
    """Five in 48 hours of a message, three in a minute of a click; nothing to strangers or to who has left."""
    await _control(merchant, "callback", app="official", url=account.url)
    await _control(merchant, "say", platform="wechat", user="ann", text="x")
    openid = account.heard[-1].split("<FromUserName><![CDATA[")[1].split("]]>")[0]

    async def send(to: str = openid) -> int:
        token = await _token(merchant, credentials)
        return await _call(merchant, token, "message/custom/send", {"touser": to, **TEXT})

    assert [await send() for _ in range(6)] == [0] * 5 + [45047]
    await _control(merchant, "say", platform="wechat", user="ann", event="CLICK", key="k")
    assert [await send() for _ in range(4)] == [0] * 3 + [45047]
    clock.ahead_seconds += 48 * 3_600
    assert await send() == 45015
    await _control(merchant, "say", platform="wechat", user="ann", text="x")
    assert await send() == 0
    await _control(merchant, "say", platform="wechat", user="ann", event="unsubscribe")
    assert await send() == 45015
    assert await send("o-nobody") == 40003
    async with merchant.session.get(f"{merchant.url}/_control/sent", params={"user": "ann"}) as answer:
        arrived = await answer.json(content_type=None)
    assert [(each["kind"], each["content"]) for each in arrived] == [("service", TEXT)] * 9


@pytest.mark.parametrize(
    ("content", "errcode"),
    [
        ({"msgtype": "odd"}, 40008),
        ({"msgtype": "text", "text": {"content": ""}}, 44004),
        ({"msgtype": "text", "text": {"content": "x" * 2_049}}, 45002),
        ({"msgtype": "image", "image": {}}, 44004),
    ],
)
async def test_a_message_must_be_whole(
    merchant: Merchant, account: Account, credentials: Credentials, content: dict[str, Any], errcode: int
) -> None:
    await _control(merchant, "callback", app="official", url=account.url)
    await _control(merchant, "say", platform="wechat", user="ann", text="x")
    openid = account.heard[-1].split("<FromUserName><![CDATA[")[1].split("]]>")[0]
    token = await _token(merchant, credentials)
    assert await _call(merchant, token, "message/custom/send", {"touser": openid, **content}) == errcode


CLICK = {"type": "click", "name": "点", "key": "k"}


@pytest.mark.parametrize(
    ("buttons", "errcode"),
    [
        ([CLICK], 0),
        ([{"name": "列", "sub_button": [CLICK] * 5}], 0),
        ([], 40016),
        ([CLICK] * 4, 40016),
        ([{**CLICK, "name": "五个汉字啊ab"}], 40018),
        ([{"name": "列", "sub_button": [{**CLICK, "name": "汉" * 21}]}], 40018),
        ([{"name": "列", "sub_button": [CLICK] * 6}], 40016),
        ([{**CLICK, "type": "odd"}], 40017),
        ([{**CLICK, "key": ""}], 40019),
        ([{**CLICK, "key": "k" * 129}], 40019),
        ([{"type": "view", "name": "看"}], 40020),
    ],
)
async def test_a_menu_is_kept_to_its_bounds(
    merchant: Merchant, credentials: Credentials, buttons: list[Any], errcode: int
) -> None:
    token = await _token(merchant, credentials)
    assert await _call(merchant, token, "menu/get") == 46003
    assert await _call(merchant, token, "menu/create", {"button": buttons}) == errcode
    assert await _call(merchant, token, "menu/get") == (0 if errcode == 0 else 46003)


async def test_the_tokens_of_one_app_are_not_the_others(merchant: Merchant, credentials: Credentials) -> None:
    token = await _token(merchant, credentials)
    async with merchant.session.post(
        f"{merchant.url}/wechat/wxa/msg_sec_check?access_token={token}", json={"content": "x"}
    ) as answer:
        assert (await answer.json(content_type=None))["errcode"] == 40014


async def test_a_rule_can_name_any_errcode(merchant: Merchant, credentials: Credentials) -> None:
    token = await _token(merchant, credentials)
    await merchant.fault("menu/get", "errcode:45009")
    assert [await _call(merchant, token, "menu/get") for _ in range(2)] == [45009, 46003]
    assert "error" in await _control(merchant, "faults", match="menu/get", mode="errcode:x")
