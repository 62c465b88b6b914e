"""What the two platforms' server sides share: code2Session has the same parameters and fields on both, tokens too."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar
from urllib.parse import urlencode

import orjson

from gateway.outgoing import Answer, Outgoing, in_time
from gateway.platform_token import PlatformToken
from gateway.subscribe_messages import Reaction, read_sent
from resolvers.chat.tokens.store import TokenStore
from resolvers.ports import (
    CardState,
    Clock,
    CodeRefused,
    CodeUsed,
    NotDelivered,
    NotOffered,
    OutsideFault,
    PersonBlocked,
    Platform,
    PlatformUser,
)

TOKEN_REFUSED = (40001, 40014, 42001)
CODE_INVALID = 40029
CODE_BEEN_USED = 40163  # not on the official page, but what the field reports
USER_BLOCKED = (40226, 50004, 50007)


class MiniProgram(ABC):
    """A mini-program's view of its platform: the half of resolvers.ports.ChatPlatform that is the same on both."""

    platform: ClassVar[Platform]

    def __init__(
        self, outgoing: Outgoing, clock: Clock, tokens: TokenStore, url: str, app_id: str, secret: str
    ) -> None:
        self._outgoing = outgoing
        self._url = url.rstrip("/")
        self._app_id = app_id
        self._secret = secret
        self.token = PlatformToken(clock, tokens, f"{self.platform.value}:{app_id}", self._fetch_token)

    async def sign_in(self, code: str) -> PlatformUser:
        """code2Session. Raises CodeRefused, CodeUsed, PersonBlocked, OutsideFault."""
        query = urlencode(
            {"appid": self._app_id, "secret": self._secret, "js_code": code, "grant_type": "authorization_code"}
        )
        return read_session((await self._outgoing.call("GET", f"{self._url}/sns/jscode2session?{query}")).json())

    async def _deliver(self, path: str, content: dict[str, Any], codes: dict[int, Reaction]) -> None:
        """Send a message with the access token; once more with a fresh one when that is refused.

        Raises NotDelivered, ConsentEnded, MessageRefused; OutsideFault when nobody can tell.
        """
        token = await self._token_to_send()
        answer = await self._post(path, token, content)
        if answer.get("errcode", answer.get("errCode", 0)) in TOKEN_REFUSED:
            answer = await self._post(path, await self._token_to_send(refused=token), content)
        read_sent(answer, codes)

    async def _token_to_send(self, refused: str = "") -> str:
        """The token; without one nothing was sent yet. Raises NotDelivered."""
        try:
            async with in_time():
                return await self.token.get(refused)
        except OutsideFault as error:
            raise NotDelivered(f"no token: {error}") from error

    async def _post(self, path: str, token: str, content: dict[str, Any], **query: str) -> dict[str, Any]:
        """One call with a token. orjson writes real UTF-8: escaped text is shown, and checked, as it stands."""
        return (await self._post_raw(path, token, content, **query)).json()

    async def _post_raw(self, path: str, token: str, content: dict[str, Any], **query: str) -> Answer:
        url = f"{self._url}{path}?{urlencode({'access_token': token, **query})}"
        headers = {"Content-Type": "application/json"}
        return await self._outgoing.call("POST", url, headers=headers, body=orjson.dumps(content))

    async def new_activity(self, openid: str) -> str:
        """Raises NotOffered: private messages are WeChat's."""
        raise NotOffered

    def opened_activity(self, session_key: str, encrypted_data: str, iv: str) -> str:
        """Raises NotOffered: private messages are WeChat's."""
        raise NotOffered

    async def mini_code(self, scene: str, page: str, width: int) -> tuple[bytes, str]:
        """Raises NotOffered: how QQ makes codes is documented nowhere."""
        raise NotOffered

    async def url_link(self, page: str, query: str, days: int) -> str:
        """Raises NotOffered: links from outside are WeChat's."""
        raise NotOffered

    async def update_card(self, activity_id: str, state: CardState) -> None:
        """Raises NotOffered: updatable cards are WeChat's."""
        raise NotOffered

    @abstractmethod
    async def _fetch_token(self, forced: bool) -> tuple[str, int]:
        """An access token, and for how many seconds it is good; forced ends the one before. Raises OutsideFault."""


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
