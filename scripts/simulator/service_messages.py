"""Customer-service messages, the official account's menu, and who follows it.

Windows and quotas are counted here from what people did and what was sent, with nobody's help: five messages within 48
hours of a message, three within a minute of a click, a scan or following. Of the error codes only those of the
protocol notes are confirmed.
"""

import uuid
from typing import Any

import orjson
from starlette.requests import Request
from starlette.routing import Route

from scripts.simulator.control_input import answering_json
from scripts.simulator.open_api import OpenApiError, answering, json_body, require_any_token, require_token, text_field
from scripts.simulator.people import People
from scripts.simulator.records import ButtonMenu, Follower, Heard, Identity, Sent
from scripts.simulator.world import World

MESSAGE_SECONDS, MESSAGE_COUNT = 48 * 3_600, 5
ACT_SECONDS, ACT_COUNT = 60, 3
KINDS = {
    "text": ("content",),
    "image": ("media_id",),
    "miniprogrampage": ("title", "pagepath", "thumb_media_id"),
    "news": ("articles",),
}
BUTTONS, SUB_BUTTONS, NAME_BYTES, SUB_NAME_BYTES, KEY_BYTES, URL_BYTES = 3, 5, 16, 60, 128, 1_024
NEEDED = {
    "click": ("key",),
    "scancode_push": ("key",),
    "scancode_waitmsg": ("key",),
    "location_select": ("key",),
    "view": ("url",),
    "miniprogram": ("url", "appid", "pagepath"),
    "media_id": ("media_id",),
}


class ServiceMessages:
    """Takes what the merchant sends, and keeps it as what the phone shows."""

    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._people = people

    def wechat_routes(self) -> list[Route]:
        return [
            Route("/cgi-bin/message/custom/send", answering(self._send, "POST"), methods=["GET", "POST"]),
            Route("/cgi-bin/menu/create", answering(self._create_menu, "POST"), methods=["GET", "POST"]),
            Route("/cgi-bin/menu/get", answering(self._get_menu, "GET"), methods=["GET", "POST"]),
            Route("/cgi-bin/user/info", answering(self._person, "GET"), methods=["GET", "POST"]),
        ]

    def control_routes(self) -> list[Route]:
        async def sent(request: Request) -> Any:
            user = request.query_params.get("user")
            return await answering_json(lambda _: self._shown(user))(request)

        return [Route("/sent", sent, methods=["GET"])]

    async def _shown(self, user: str | None) -> Any:
        """[{platform, user, kind, content, at}]: what arrived on a phone, or on all of them, oldest first."""
        found = self._world.store.find(Sent, **({"user": user} if user else {}))
        return [
            {
                "platform": each.platform,
                "user": each.user,
                "kind": each.kind,
                "content": orjson.loads(each.content),
                "at": each.at,
            }
            for each in found
        ]

    async def _send(self, request: Request) -> dict[str, Any]:
        platform = require_any_token(self._world, ("wechat", "official"), request)
        body = await json_body(request)
        openid = text_field(body, "touser", 40003, "invalid openid")
        person = self._world.store.one(Identity, platform=platform, openid=openid)
        if person is None:
            raise OpenApiError(40003, "invalid openid")
        _check_message(body)
        self._allow(platform, person.user)
        content = orjson.dumps({name: value for name, value in body.items() if name != "touser"}).decode()
        now = self._world.clock()
        self._world.store.save(Sent(str(uuid.uuid4()), platform, person.user, "service", content, now))
        return {"errcode": 0, "errmsg": "ok"}

    def _allow(self, platform: str, user: str) -> None:
        """Raises OpenApiError when the window is closed or the count used up."""
        store, now = self._world.store, self._world.clock()
        follower = store.one(Follower, user=user)
        if platform == "official" and (follower is None or not follower.following):
            raise OpenApiError(45015, "response out of time limit or subscription is canceled")
        heard = [(each.at, each.what) for each in store.find(Heard, platform=platform, user=user)]
        sent = [(each.at, "sent") for each in store.find(Sent, platform=platform, user=user, kind="service")]
        ends, left = {"message": 0.0, "act": 0.0}, {"message": 0, "act": 0}
        for at, what in [*sorted(heard + sent, key=lambda each: each[0]), (now, "now")]:
            if what == "message":
                ends[what], left[what] = at + MESSAGE_SECONDS, MESSAGE_COUNT
            elif what == "act":
                ends[what], left[what] = at + ACT_SECONDS, ACT_COUNT
            else:
                open_ones = [name for name in ("act", "message") if at < ends[name]]
                usable = [name for name in open_ones if left[name] > 0]
                if what == "sent" and usable:
                    left[usable[0]] -= 1
                elif what == "now" and not open_ones:
                    raise OpenApiError(45015, "response out of time limit or subscription is canceled")
                elif what == "now" and not usable:
                    raise OpenApiError(45047, "out of response count limit")

    async def _create_menu(self, request: Request) -> dict[str, Any]:
        require_token(self._world, "official", request)
        body = await json_body(request)
        _check_buttons(body.get("button"), BUTTONS, NAME_BYTES, below=True)
        self._world.store.save(ButtonMenu("official", orjson.dumps(body["button"]).decode()))
        return {"errcode": 0, "errmsg": "ok"}

    async def _get_menu(self, request: Request) -> dict[str, Any]:
        require_token(self._world, "official", request)
        menu = self._world.store.one(ButtonMenu, app="official")
        if menu is None:
            raise OpenApiError(46003, "menu no exist")
        return {"menu": {"button": [{"sub_button": [], **each} for each in orjson.loads(menu.content)]}}

    async def _person(self, request: Request) -> dict[str, Any]:
        require_token(self._world, "official", request)
        person = self._people.by_openid("official", request.query_params.get("openid", ""))
        if person is None:
            raise OpenApiError(40003, "invalid openid")
        follower = self._world.store.one(Follower, user=person.user)
        if follower is None or not follower.following:
            return {"subscribe": 0, "openid": person.openid}
        unionid = {} if person.unionid is None else {"unionid": person.unionid}
        return {"subscribe": 1, "openid": person.openid, "language": "zh_CN", **unionid}


def _check_message(body: dict[str, Any]) -> None:
    kind = body.get("msgtype")
    if not isinstance(kind, str) or kind not in KINDS:
        raise OpenApiError(40008, "invalid message type")
    content = body.get(kind)
    if not isinstance(content, dict) or any(not content.get(name) for name in KINDS[kind]):
        raise OpenApiError(44004, "empty content")
    if kind == "text" and len(str(content["content"]).encode()) > 2_048:
        raise OpenApiError(45002, "content size out of limit")
    if kind == "news" and len(content["articles"]) != 1:
        raise OpenApiError(45008, "article size out of limit")


def _check_buttons(buttons: Any, most: int, name_bytes: int, *, below: bool) -> None:
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= most:
        raise OpenApiError(40016, "invalid button size")
    for button in buttons:
        name = button.get("name") if isinstance(button, dict) else None
        if not isinstance(name, str) or not 1 <= len(name.encode()) <= name_bytes:
            raise OpenApiError(40018, "invalid button name size")
        if button.get("sub_button"):
            if not below:
                raise OpenApiError(40023, "invalid sub button size")
            _check_buttons(button["sub_button"], SUB_BUTTONS, SUB_NAME_BYTES, below=False)
            continue
        needed = NEEDED.get(button.get("type"))
        if needed is None:
            raise OpenApiError(40017, "invalid button type")
        for field in needed:
            value = button.get(field)
            if not isinstance(value, str) or not value:
                raise OpenApiError(40019 if field == "key" else 40020, f"invalid button {field} size")
        if len(button.get("key", "").encode()) > KEY_BYTES or len(button.get("url", "").encode()) > URL_BYTES:
            raise OpenApiError(40019, "invalid button key size")
