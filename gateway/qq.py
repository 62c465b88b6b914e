"""QQ's server side: sign-in and content check (api.q.qq.com).

The content check's path and fields were not found in official text, only in third-party wrappers: they stay in here.
So does the phone number's path, for which no text was found at all.
"""

from typing import Any
from urllib.parse import urlencode

from gateway.mini_program import TOKEN_REFUSED, MiniProgram, read_token
from gateway.outgoing import in_time
from gateway.phone_numbers import read_phone_number
from gateway.subscribe_messages import QQ_CODES, QQ_PATH, qq_content
from resolvers.ports import OutsideFault, PhoneMessage, Platform, ShippingNotice, TextScene

RISKY = 87014


class QQ(MiniProgram):
    """A QQ mini-program's view of the platform. Implements resolvers.ports.ChatPlatform."""

    platform = Platform.QQ

    async def accepts_text(self, openid: str, text: str, scene: TextScene) -> bool:
        """MsgSecCheck. Raises OutsideFault."""
        async with in_time():
            token = await self.token.get()
            code = await self._check(token, text)
            if code in TOKEN_REFUSED:
                code = await self._check(await self.token.get(refused=token), text)
        if code not in (0, RISKY):
            raise OutsideFault(f"MsgSecCheck: {code}")
        return bool(code == 0)

    async def phone_number(self, code: str, openid: str) -> str:
        """The phone-number button's code, as WeChat takes it. Raises CodeRefused, CodeUsed, OutsideFault."""
        async with in_time():
            token = await self.token.get()
            answer = await self._exchange(token, code, openid)
            if answer.get("errcode", 0) in TOKEN_REFUSED:
                answer = await self._exchange(await self.token.get(refused=token), code, openid)
        return read_phone_number(answer)

    async def upload_shipping(self, notice: ShippingNotice) -> None:
        """Nothing: QQ Wallet pays the merchant without being told of a delivery."""

    async def send_message(self, message: PhoneMessage) -> None:
        """SendSubscriptionMessage. Raises NotDelivered, ConsentEnded, MessageRefused; OutsideFault: nobody can tell."""
        await self._deliver(QQ_PATH, qq_content(message), QQ_CODES)

    async def _exchange(self, token: str, code: str, openid: str) -> dict[str, Any]:
        content = {"appid": self._app_id, "code": code, "openid": openid}
        return await self._post("/api/json/phone/getuserphonenumber", token, content)

    async def _check(self, token: str, text: str) -> Any:
        """The answer's code, which a check must name: an answer without one has checked nothing."""
        content = {"appid": self._app_id, "content": text}
        answer = await self._post("/api/json/security/MsgSecCheck", token, content)
        return answer.get("errCode", answer.get("errcode"))

    async def _fetch_token(self, forced: bool) -> tuple[str, int]:
        """A new token at each call, forced or not: QQ has no stable one."""
        query = urlencode({"grant_type": "client_credential", "appid": self._app_id, "secret": self._secret})
        return read_token((await self._outgoing.call("GET", f"{self._url}/api/getToken?{query}")).json())
