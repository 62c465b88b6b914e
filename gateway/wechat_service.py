"""An app's customer-service side at api.weixin.qq.com: messages, the menu, and who follows. Implements ChatService."""

from collections.abc import Sequence
from typing import Any, Protocol
from urllib.parse import urlencode

import orjson

from gateway.mini_program import TOKEN_REFUSED
from gateway.outgoing import Outgoing, in_time
from resolvers.ports import NotDelivered, OutsideFault
from resolvers.ports_chat import (
    Button,
    ButtonKind,
    MenuRefused,
    Message,
    MessageKind,
    MessageRefused,
    NotFollowing,
    PlatformBusy,
    QuotaExceeded,
    WindowClosed,
)

BUSY = (-1, 45009, 45011)  # inner error, the day's calls used up, the minute's
NOT_FOLLOWING = (40003, 43004)
WINDOW_CLOSED = 45015
QUOTA_EXCEEDED = 45047
NO_MENU = 46003


class Token(Protocol):
    """The app's access token."""

    async def get(self, refused: str = "") -> str:
        """A good token; `refused` is one that the platform did not accept. Raises OutsideFault."""
        ...


class WeChatService:
    """One app's customer-service side. `card_app_id`: the mini-program that cards open, where it is not the app."""

    def __init__(self, outgoing: Outgoing, url: str, token: Token, card_app_id: str = "") -> None:
        self._outgoing = outgoing
        self._url = url.rstrip("/")
        self._token = token
        self._card_app_id = card_app_id

    async def send(self, openid: str, message: Message) -> None:
        """custom/send. Raises a NotDelivered when it is certain that nothing was sent, else OutsideFault.

        The time for a token is not that for the message: one that is not to be had in time has sent nothing.
        """
        content = {"touser": openid, **self._content(message)}
        token = await self._token_to_send()
        answer = await self._sent(token, content)
        if _errcode(answer) in TOKEN_REFUSED:
            answer = await self._sent(await self._token_to_send(refused=token), content)
        match _errcode(answer):
            case 0:
                return
            case code if code in BUSY or code in TOKEN_REFUSED:
                raise PlatformBusy(str(code))
            case code if code in NOT_FOLLOWING:
                raise NotFollowing(str(code))
            case code if code == WINDOW_CLOSED:
                raise WindowClosed(str(code))
            case code if code == QUOTA_EXCEEDED:
                raise QuotaExceeded(str(code))
            case code:
                raise MessageRefused(str(code))

    async def create_menu(self, buttons: Sequence[Button]) -> None:
        """menu/create. Raises MenuRefused, OutsideFault."""
        async with in_time():
            answer = await self._with_token(
                "POST", "/cgi-bin/menu/create", {"button": [_button(each) for each in buttons]}
            )
        code = _errcode(answer)
        if code in BUSY or code in TOKEN_REFUSED:
            raise OutsideFault(f"menu/create: {code}")
        if code != 0:
            raise MenuRefused(f"{code}: {str(answer.get('errmsg', ''))[:100]}")

    async def read_menu(self) -> tuple[Button, ...]:
        """menu/get. Raises OutsideFault."""
        async with in_time():
            answer = await self._with_token("GET", "/cgi-bin/menu/get")
        code = _errcode(answer)
        if code == NO_MENU:
            return ()
        menu = answer.get("menu")
        if code != 0 or not isinstance(menu, dict) or not isinstance(menu.get("button"), list):
            raise OutsideFault(f"menu/get: {code}")
        return tuple(_read_button(each) for each in menu["button"] if isinstance(each, dict))

    async def unionid(self, openid: str) -> str | None:
        """user/info, which tells more of those who follow the account. Raises OutsideFault."""
        async with in_time():
            answer = await self._with_token("GET", "/cgi-bin/user/info", openid=openid)
        code = _errcode(answer)
        if code in NOT_FOLLOWING:
            return None
        if code != 0:
            raise OutsideFault(f"user/info: {code}")
        unionid = answer.get("unionid")
        return unionid if isinstance(unionid, str) and unionid else None

    def _content(self, message: Message) -> dict[str, Any]:
        match message.kind:
            case MessageKind.TEXT:
                return {"msgtype": "text", "text": {"content": message.text}}
            case MessageKind.IMAGE:
                return {"msgtype": "image", "image": {"media_id": message.media_id}}
            case MessageKind.NEWS:
                article = {
                    "title": message.title,
                    "description": message.description,
                    "url": message.url,
                    "picurl": message.picture_url,
                }
                return {"msgtype": "news", "news": {"articles": [article]}}
            case MessageKind.MINI_PROGRAM:
                card = {
                    "title": message.title,
                    "pagepath": message.page_path,
                    "thumb_media_id": message.media_id,
                    **({"appid": self._card_app_id} if self._card_app_id else {}),
                }
                return {"msgtype": "miniprogrampage", "miniprogrampage": card}

    async def _token_to_send(self, refused: str = "") -> str:
        """The token; without one nothing was sent yet. Raises PlatformBusy."""
        try:
            async with in_time():
                return await self._token.get(refused=refused)
        except OutsideFault as fault:
            raise PlatformBusy(f"no token: {fault}") from fault

    async def _sent(self, token: str, content: dict[str, Any]) -> dict[str, Any]:
        """What one call of custom/send is answered. Raises PlatformBusy when nobody was there, else OutsideFault."""
        try:
            return await self._call("POST", "/cgi-bin/message/custom/send", token, content, {})
        except NotDelivered as fault:
            raise PlatformBusy(str(fault)) from fault

    async def _with_token(
        self, method: str, path: str, content: dict[str, Any] | None = None, **query: str
    ) -> dict[str, Any]:
        """Call with the access token; once more with a fresh one when it is refused. Texts go out as real UTF-8."""
        token = await self._token.get()
        answer = await self._call(method, path, token, content, query)
        if _errcode(answer) in TOKEN_REFUSED:
            answer = await self._call(method, path, await self._token.get(refused=token), content, query)
        return answer

    async def _call(
        self, method: str, path: str, token: str, content: dict[str, Any] | None, query: dict[str, str]
    ) -> dict[str, Any]:
        url = f"{self._url}{path}?{urlencode({'access_token': token, **query})}"
        headers = {"Content-Type": "application/json"} if content is not None else None
        body = orjson.dumps(content) if content is not None else b""
        return (await self._outgoing.call(method, url, headers=headers, body=body)).json()


def _errcode(answer: dict[str, Any]) -> int:
    """The answer's errcode; success often carries none. Raises OutsideFault when it is no number."""
    code = answer.get("errcode", 0)
    if type(code) is not int:
        raise OutsideFault("an errcode that is no number")
    return code


_WIRE = {"key": "key", "url": "url", "app_id": "appid", "page_path": "pagepath", "media_id": "media_id"}


def _button(button: Button) -> dict[str, Any]:
    if button.kind is None:
        return {"name": button.name, "sub_button": [_button(each) for each in button.buttons]}
    filled = {wire: getattr(button, ours) for ours, wire in _WIRE.items() if getattr(button, ours)}
    return {"type": button.kind.value, "name": button.name, **filled}


def _read_button(shown: dict[str, Any]) -> Button:
    kinds = {each.value: each for each in ButtonKind}
    inner = shown.get("sub_button")
    inner = inner.get("list", []) if isinstance(inner, dict) else inner
    fields = {ours: str(shown.get(wire) or "") for ours, wire in _WIRE.items()}
    below = tuple(_read_button(each) for each in inner or () if isinstance(each, dict))
    return Button(name=str(shown.get("name", "")), kind=kinds.get(shown.get("type", "")), buttons=below, **fields)
