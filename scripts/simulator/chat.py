"""The chats of the official account and of the mini-program's customer service: what people do there, pushed to us.

An app's address is set with `/_control/callback`, which checks it as the console does. A push waits five seconds for
its answer and is tried three times; what fails thrice, or is answered with what the platform cannot read, shows the
person that the account does not work.
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from typing import Any

import aiohttp
from starlette.routing import Route

from scripts.simulator.control_input import MAX_NAME, BadInput, answering_json, only, text_of, times_of
from scripts.simulator.crypto import random_digits
from scripts.simulator.people import People
from scripts.simulator.push_envelope import FORMATS, MODES, PushKeys, address_check, passive_reply, pushed
from scripts.simulator.records import CallbackAddress, Follower, Heard
from scripts.simulator.world import World

ANSWER_SECONDS = 5.0
ATTEMPTS = 3
APPS = {"official": "official", "mini_program": "wechat"}
BROKEN = {"type": "unavailable", "text": "该公众号暂时无法提供服务，请稍后再试"}
EVENTS = {
    "subscribe": "act",
    "unsubscribe": "",
    "CLICK": "act",
    "SCAN": "act",
    "scancode_waitmsg": "act",
    "VIEW": "",
    "LOCATION": "",
    "user_enter_tempsession": "",
}
OPTIONAL = {
    "app",
    "text",
    "image",
    "card",
    "event",
    "key",
    "scan_result",
    "session_from",
    "mode",
    "format",
    "times",
    "created_at",
    "sent_at",
    "msg_id",
    "url",
}


def push_keys(world: World, app: str) -> PushKeys:
    """How an app's pushes are signed and sealed."""
    credentials = world.credentials
    if app == "official":
        return PushKeys(credentials.official_app_id, credentials.official_token, credentials.official_aes_key)
    return PushKeys(credentials.wechat_app_id, credentials.message_token, credentials.message_aes_key)


class Chat:
    """Plays the people who write."""

    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._people = people

    def control_routes(self) -> list[Route]:
        return [
            Route("/callback", answering_json(self._callback), methods=["POST"]),
            Route("/say", answering_json(self._say), methods=["POST"]),
        ]

    async def _callback(self, body: dict[str, Any]) -> Any:
        """{app, url, mode?, format?} -> {}: where an app's messages go; refused unless the address passes the check."""
        only(body, {"app", "url"}, {"mode", "format"})
        app, url = _app(body), text_of(body, "url")
        mode, form = _one_of(body, "mode", MODES, "safe"), _one_of(body, "format", FORMATS, "xml")
        if app == "official" and form != "xml":
            raise BadInput("official accounts speak XML only")
        echo = random_digits(19)
        query = address_check(push_keys(self._world, app), echo, self._world.clock())
        try:
            async with aiohttp.ClientSession(trust_env=False) as http, http.get(f"{url}?{query}") as answer:
                passed = answer.status == 200 and await answer.text() == echo
        except (aiohttp.ClientError, TimeoutError, OSError):
            passed = False
        if not passed:
            raise BadInput("the address did not pass the check")
        self._world.store.save(CallbackAddress(app, url, mode, form))
        return {}

    async def _say(self, body: dict[str, Any]) -> Any:
        """{platform, user, text|image|card|event, …} -> {reply, attempts}: a person does something in the chat.

        `app` is official (the default) or mini_program; `times` sends so many copies at once, each tried thrice;
        `created_at` and `sent_at`, seconds since 1970, are when it happened and when it is pushed; `msg_id` gives a
        message again; `mode`, `format` and `url` are others than the app's own.
        """
        only(body, {"platform", "user"}, OPTIONAL)
        if text_of(body, "platform").lower() != "wechat":
            raise BadInput("only WeChat pushes messages: QQ names no such callbacks")
        app, user = _app(body), text_of(body, "user")
        if len(user) > MAX_NAME:
            raise BadInput(f"user must be at most {MAX_NAME} characters")
        address = self._world.store.one(CallbackAddress, app=app)
        if address is None and "url" not in body:
            raise BadInput(f"no callback address was set for {app}")
        mode = _one_of(body, "mode", MODES, address.mode if address else "safe")
        form = _one_of(body, "format", FORMATS, address.format if address else "xml")
        url = text_of(body, "url") if "url" in body else address.url if address else ""
        fields, what = self._fields(app, user, body)
        self._note(app, user, body, what)
        sent_at = body.get("sent_at")

        def attempt() -> tuple[str, bytes, str]:
            now = self._world.clock() if sent_at is None else float(sent_at)
            ready = pushed(push_keys(self._world, app), fields, mode, form, now)
            return f"{url}?{ready.query}", ready.body, ready.content_type

        copies = [self._push(app, attempt, mode, form) for _ in range(times_of(body))]
        ends = await asyncio.gather(*copies)
        return {"reply": ends[0][0], "replies": [each[0] for each in ends], "attempts": [x for e in ends for x in e[1]]}

    def _fields(self, app: str, user: str, body: dict[str, Any]) -> tuple[dict[str, Any], str]:
        """The message's fields, and what it grants: `message`, `act` or nothing."""
        openid = self._people.identity(APPS[app], user).openid
        created = int(body.get("created_at") or self._world.clock())
        common = {"ToUserName": "gh_" + app[:12], "FromUserName": openid, "CreateTime": created}
        number = int(body.get("msg_id") or random_digits(16))
        if "text" in body:
            return {**common, "MsgType": "text", "Content": text_of(body, "text"), "MsgId": number}, "message"
        if "image" in body:
            media_id = text_of(body, "image")
            shown = {"PicUrl": f"https://mmbiz.example.com/{media_id}", "MediaId": media_id}
            return {**common, "MsgType": "image", **shown, "MsgId": number}, "message"
        if "card" in body:
            page = {"Title": "卡片", "AppId": self._world.credentials.wechat_app_id, "PagePath": text_of(body, "card")}
            thumb = {"ThumbUrl": "https://mmbiz.example.com/t", "ThumbMediaId": "thumb"}
            return {**common, "MsgType": "miniprogrampage", **page, **thumb, "MsgId": number}, "message"
        event = text_of(body, "event") if "event" in body else ""
        if event not in EVENTS:
            raise BadInput(f"one of text, image, card, event is needed; event is one of {', '.join(EVENTS)}")
        more: dict[str, Any] = {"EventKey": body["key"]} if "key" in body else {}
        if event == "scancode_waitmsg":
            more["ScanCodeInfo"] = {"ScanType": "qrcode", "ScanResult": str(body.get("scan_result", ""))}
        if event == "user_enter_tempsession":
            more["SessionFrom"] = str(body.get("session_from", ""))
        return {**common, "MsgType": "event", "Event": event, **more}, EVENTS[event]

    def _note(self, app: str, user: str, body: dict[str, Any], what: str) -> None:
        store, now = self._world.store, self._world.clock()
        if app == "official":
            store.save(Follower(user, int(body.get("event") != "unsubscribe")))
        if what:
            at = float(body.get("created_at") or now)
            store.save(Heard(str(uuid.uuid4()), APPS[app], user, what, min(at, now)))

    async def _push(
        self, app: str, attempt: Callable[[], tuple[str, bytes, str]], mode: str, form: str
    ) -> tuple[Any, list[dict[str, Any]]]:
        made: list[dict[str, Any]] = []
        # Without the threshold aiohttp rounds five seconds up to as much as six.
        timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS, ceil_threshold=ANSWER_SECONDS + 1)
        async with aiohttp.ClientSession(timeout=timeout, trust_env=False) as http:
            for _ in range(ATTEMPTS):
                url, content, content_type = attempt()
                started, status, answer = time.perf_counter(), 0, b""
                try:
                    async with http.post(url, data=content, headers={"Content-Type": content_type}) as response:
                        status, answer = response.status, await response.read()
                except (aiohttp.ClientError, TimeoutError, OSError):
                    pass
                made.append({"status": status, "seconds": round(time.perf_counter() - started, 3)})
                if status == 200:
                    break
        try:
            reply = passive_reply(push_keys(self._world, app), answer, mode, form) if status == 200 else BROKEN
        except (ValueError, KeyError, TypeError, SyntaxError):
            reply = BROKEN
        return reply, made


def _app(body: dict[str, Any]) -> str:
    return _one_of(body, "app", tuple(APPS), "official")


def _one_of(body: dict[str, Any], name: str, allowed: tuple[str, ...], default: str) -> str:
    value = body.get(name, default)
    if value not in allowed:
        raise BadInput(f"{name} must be one of {', '.join(allowed)}")
    return str(value)
