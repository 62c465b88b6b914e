"""WeChat's server side: sign-in and content check (api.weixin.qq.com)."""

from typing import Any
from urllib.parse import urlencode

import orjson

from gateway.mini_program import TOKEN_REFUSED, MiniProgram, read_token
from gateway.open_data import open_data
from gateway.outgoing import Outgoing, in_time
from gateway.phone_numbers import read_phone_number
from gateway.subscribe_messages import WECHAT_CODES, WECHAT_PATH, wechat_content
from gateway.wechat_links import (
    CARD_PATH,
    CODE_PATH,
    ENV_VERSIONS,
    LINK_PATH,
    card_content,
    check_card,
    code_content,
    link_content,
    read_code,
    read_link,
    token_refused,
)
from gateway.wechat_shipping import PATH as SHIPPING_PATH
from gateway.wechat_shipping import check_shipped, shipping_content
from resolvers.chat.tokens.store import TokenStore
from resolvers.ports import (
    CardState,
    Clock,
    OutsideFault,
    PhoneMessage,
    Platform,
    ShippingNotice,
    TextScene,
    TicketRefused,
)

CHECK_VERSION = 2


class WeChat(MiniProgram):
    """A WeChat mini-program's view of the platform. Implements resolvers.ports.ChatPlatform."""

    platform = Platform.WECHAT

    def __init__(
        self,
        outgoing: Outgoing,
        clock: Clock,
        tokens: TokenStore,
        url: str,
        app_id: str,
        secret: str,
        program_state: str = "formal",
    ) -> None:
        super().__init__(outgoing, clock, tokens, url, app_id, secret)
        self._program_state = program_state

    async def accepts_text(self, openid: str, text: str, scene: TextScene) -> bool:
        """msg_sec_check v2: only `pass` passes, even with errcode 0. Raises OutsideFault."""
        content = {"content": text, "version": CHECK_VERSION, "scene": scene.value, "openid": openid}
        async with in_time():
            answer = await self._with_token("/wxa/msg_sec_check", content)
        result = answer.get("result")
        if answer.get("errcode", 0) != 0 or not isinstance(result, dict):
            raise OutsideFault(f"msg_sec_check: {answer.get('errcode')}")
        return bool(result.get("suggest") == "pass")

    async def phone_number(self, code: str, openid: str) -> str:
        """getuserphonenumber; with the openid, so that somebody else's code is refused.

        Raises CodeRefused, CodeUsed, OutsideFault.
        """
        async with in_time():
            answer = await self._with_token("/wxa/business/getuserphonenumber", {"code": code, "openid": openid})
        return read_phone_number(answer)

    async def upload_shipping(self, notice: ShippingNotice) -> None:
        """upload_shipping_info: without it WeChat keeps the money. Raises ProviderRefused, OutsideFault."""
        async with in_time():
            answer = await self._with_token(SHIPPING_PATH, shipping_content(notice))
        check_shipped(answer)

    async def send_message(self, message: PhoneMessage) -> None:
        """subscribeMessage.send. Raises NotDelivered, ConsentEnded, MessageRefused; OutsideFault: nobody can tell."""
        await self._deliver(WECHAT_PATH, wechat_content(message, self._program_state), WECHAT_CODES)

    async def mini_code(self, scene: str, page: str, width: int) -> tuple[bytes, str]:
        """getwxacodeunlimit. Raises LinkRefused, OutsideFault."""
        content = code_content(scene, page, width, ENV_VERSIONS[self._program_state])
        async with in_time():
            token = await self.token.get()
            answer = await self._post_raw(CODE_PATH, token, content)
            if token_refused(answer):
                answer = await self._post_raw(CODE_PATH, await self.token.get(refused=token), content)
        return read_code(answer)

    async def url_link(self, page: str, query: str, days: int) -> str:
        """generate_urllink. Raises LinkRefused, OutsideFault."""
        content = link_content(page, query, days, ENV_VERSIONS[self._program_state])
        async with in_time():
            return read_link(await self._with_token(LINK_PATH, content))

    async def update_card(self, activity_id: str, state: CardState) -> None:
        """updatablemsg.send. Raises CardOver, OutsideFault."""
        content = card_content(activity_id, state, ENV_VERSIONS[self._program_state])
        async with in_time():
            check_card(await self._with_token(CARD_PATH, content))

    async def new_activity(self, openid: str) -> str:
        """createActivityId: the one interface here that is asked by GET. Raises OutsideFault."""
        async with in_time():
            answer = await self._with_token("/cgi-bin/message/wxopen/activityid/create", None, openid=openid)
        activity_id = answer.get("activity_id")
        if answer.get("errcode", 0) != 0 or not isinstance(activity_id, str) or not activity_id:
            raise OutsideFault(f"createActivityId: {answer.get('errcode')}")
        return activity_id

    def opened_activity(self, session_key: str, encrypted_data: str, iv: str) -> str:
        """The activity id that wx.authPrivateMessage sealed. Raises TicketRefused."""
        activity_id = open_data(session_key, encrypted_data, iv, self._app_id).get("activityId")
        if not isinstance(activity_id, str):
            raise TicketRefused
        return activity_id

    async def _with_token(self, path: str, content: dict[str, Any] | None, **query: str) -> dict[str, Any]:
        """Call with the access token; once more with a fresh one when it is refused. POST, without content GET."""
        token = await self.token.get()
        answer = await self._call(path, token, content, query)
        if answer.get("errcode", 0) in TOKEN_REFUSED:
            answer = await self._call(path, await self.token.get(refused=token), content, query)
        return answer

    async def _call(
        self, path: str, token: str, content: dict[str, Any] | None, query: dict[str, str]
    ) -> dict[str, Any]:
        if content is not None:
            return await self._post(path, token, content, **query)
        url = f"{self._url}{path}?{urlencode({'access_token': token, **query})}"
        return (await self._outgoing.call("GET", url)).json()

    async def _fetch_token(self, forced: bool) -> tuple[str, int]:
        """The stable token: the same for all who ask, until five minutes before its end."""
        wanted: dict[str, Any] = {"grant_type": "client_credential", "appid": self._app_id, "secret": self._secret}
        if forced:
            wanted["force_refresh"] = True
        headers = {"Content-Type": "application/json"}
        url = f"{self._url}/cgi-bin/stable_token"
        return read_token((await self._outgoing.call("POST", url, headers=headers, body=orjson.dumps(wanted))).json())
