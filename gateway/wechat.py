"""WeChat's server side: sign-in and content check (api.weixin.qq.com)."""

from typing import Any
from urllib.parse import urlencode

import orjson

from gateway.outgoing import Outgoing, in_time
from gateway.platform_token import PlatformToken
from resolvers.ports import Clock, CodeRefused, CodeUsed, OutsideFault, PersonBlocked, PlatformUser, TextScene

TOKEN_REFUSED = (40001, 40014, 42001)
CODE_INVALID = 40029
CODE_BEEN_USED = 40163  # not on the official page, but what the field reports
USER_BLOCKED = (40226, 50004, 50007)
CHECK_VERSION = 2


class WeChat:
    """A WeChat mini-program's view of the platform. Implements resolvers.ports.ChatPlatform."""

    def __init__(self, outgoing: Outgoing, clock: Clock, url: str, app_id: str, secret: str) -> None:
        self._outgoing = outgoing
        self._url = url.rstrip("/")
        self._app_id = app_id
        self._secret = secret
        self._token = PlatformToken(clock, self._fetch_token)

    async def sign_in(self, code: str) -> PlatformUser:
        """code2Session. Raises CodeRefused, CodeUsed, PersonBlocked, OutsideFault."""
        query = urlencode(
            {"appid": self._app_id, "secret": self._secret, "js_code": code, "grant_type": "authorization_code"}
        )
        answer = (await self._outgoing.call("GET", f"{self._url}/sns/jscode2session?{query}")).json()
        return read_session(answer)

    async def accepts_text(self, openid: str, text: str, scene: TextScene) -> bool:
        """msg_sec_check v2: only `pass` passes, even with errcode 0. Raises OutsideFault."""
        content = {"content": text, "version": CHECK_VERSION, "scene": scene.value, "openid": openid}
        async with in_time():
            answer = await self._with_token("/wxa/msg_sec_check", content)
        result = answer.get("result")
        if answer.get("errcode", 0) != 0 or not isinstance(result, dict):
            raise OutsideFault(f"msg_sec_check: {answer.get('errcode')}")
        return bool(result.get("suggest") == "pass")

    async def _with_token(self, path: str, content: dict[str, Any]) -> dict[str, Any]:
        """POST with the access token; once more with a fresh one when it is refused.

        orjson writes real UTF-8: with escapes the content check lets everything pass.
        """
        token = await self._token.get()
        answer = await self._post(path, token, content)
        if answer.get("errcode", 0) in TOKEN_REFUSED:
            answer = await self._post(path, await self._token.get(refused=token), content)
        return answer

    async def _post(self, path: str, token: str, content: dict[str, Any]) -> dict[str, Any]:
        url = f"{self._url}{path}?{urlencode({'access_token': token})}"
        headers = {"Content-Type": "application/json"}
        return (await self._outgoing.call("POST", url, headers=headers, body=orjson.dumps(content))).json()

    async def _fetch_token(self) -> tuple[str, int]:
        wanted = {"grant_type": "client_credential", "appid": self._app_id, "secret": self._secret}
        headers = {"Content-Type": "application/json"}
        url = f"{self._url}/cgi-bin/stable_token"
        return read_token((await self._outgoing.call("POST", url, headers=headers, body=orjson.dumps(wanted))).json())


def read_session(answer: dict[str, Any]) -> PlatformUser:
    """The person of a code2Session answer, which has the same shape on both platforms; success carries no errcode."""
    match answer.get("errcode", 0):
        case 0:
            pass
        case code if code == CODE_BEEN_USED:
            raise CodeUsed
        case code if code == CODE_INVALID:
            raise CodeRefused
        case code if code in USER_BLOCKED:
            raise PersonBlocked
        case code:
            raise OutsideFault(f"code2Session: {code}")
    openid, session_key, unionid = answer.get("openid"), answer.get("session_key"), answer.get("unionid")
    if not isinstance(openid, str) or not openid or not isinstance(session_key, str):
        raise OutsideFault("code2Session answered without openid")
    return PlatformUser(openid, unionid if isinstance(unionid, str) and unionid else None, session_key)


def read_token(answer: dict[str, Any]) -> tuple[str, int]:
    """(token, seconds) of a token answer. Raises OutsideFault."""
    token, seconds = answer.get("access_token"), answer.get("expires_in")
    if not isinstance(token, str) or not token or not isinstance(seconds, int):
        raise OutsideFault(f"token: {answer.get('errcode')}")
    return token, seconds
