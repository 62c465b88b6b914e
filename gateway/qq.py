"""QQ's server side: sign-in and content check (api.q.qq.com).

The content check's path and fields were not found in official text, only in third-party wrappers: they stay in here.
"""

from urllib.parse import urlencode

import orjson

from gateway.outgoing import Outgoing
from gateway.platform_token import PlatformToken
from gateway.wechat import TOKEN_REFUSED, read_session, read_token
from resolvers.ports import Clock, OutsideFault, PlatformUser, TextScene

RISKY = 87014


class QQ:
    """A QQ mini-program's view of the platform. Implements resolvers.ports.ChatPlatform."""

    def __init__(self, outgoing: Outgoing, clock: Clock, url: str, app_id: str, secret: str) -> None:
        self._outgoing = outgoing
        self._url = url.rstrip("/")
        self._app_id = app_id
        self._secret = secret
        self._token = PlatformToken(clock, self._fetch_token)

    async def sign_in(self, code: str) -> PlatformUser:
        """code2Session. Raises CodeRefused, PersonBlocked, OutsideFault."""
        query = urlencode(
            {"appid": self._app_id, "secret": self._secret, "js_code": code, "grant_type": "authorization_code"}
        )
        return read_session((await self._outgoing.call("GET", f"{self._url}/sns/jscode2session?{query}")).json())

    async def accepts_text(self, openid: str, text: str, scene: TextScene) -> bool:
        """MsgSecCheck. Raises OutsideFault."""
        token = await self._token.get()
        code = None
        for _ in range(2):
            url = f"{self._url}/api/json/security/MsgSecCheck?{urlencode({'access_token': token})}"
            body = orjson.dumps({"appid": self._app_id, "content": text})
            headers = {"Content-Type": "application/json"}
            answer = (await self._outgoing.call("POST", url, headers=headers, body=body)).json()
            code = answer.get("errCode", answer.get("errcode", 0))
            if code not in TOKEN_REFUSED:
                break
            token = await self._token.get(refused=token)
        if code not in (0, RISKY):
            raise OutsideFault(f"MsgSecCheck: {code}")
        return bool(code == 0)

    async def _fetch_token(self) -> tuple[str, int]:
        query = urlencode({"grant_type": "client_credential", "appid": self._app_id, "secret": self._secret})
        return read_token((await self._outgoing.call("GET", f"{self._url}/api/getToken?{query}")).json())
