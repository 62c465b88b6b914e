"""One-time messages: what a person has agreed to, the send calls of both platforms, and what arrived on the phone."""

import json
import re
import secrets
import unicodedata
from pathlib import Path
from typing import Any

import orjson
from starlette.requests import Request
from starlette.routing import Route

from scripts.simulator.control_input import BadInput, answering_json, only, person_of
from scripts.simulator.open_api import OpenApiError, answering, json_body, require_token, text_field
from scripts.simulator.people import People
from scripts.simulator.records import Grant, Sent
from scripts.simulator.world import World

TEMPLATES: dict[str, dict[str, list[str]]] = json.loads((Path(__file__).parent / "templates.json").read_text("utf-8"))
ASKED_AT_ONCE = 3
NOT_SUBSCRIBED = {"wechat": 43101, "qq": 46001}
INVALID_DATA = {"wechat": 47003, "qq": 40035}
STATES = ("developer", "trial", "formal")
LANGUAGES = ("zh_CN", "en_US", "zh_HK", "zh_TW")
MOMENT = re.compile(r"\d{4}年\d{1,2}月\d{1,2}日( \d{2}:\d{2}(:\d{2})?)?")
HAN = re.compile(r"[\u4e00-\u9fff]")
PATTERNS = {
    "number": re.compile(r"[\d.]{1,32}"),
    "letter": re.compile(r"[A-Za-z]{1,32}"),
    "character_string": re.compile(r"[!-~]{1,32}"),
    "amount": re.compile(r"[¥￥$]?\d{1,10}(\.\d{1,2})?元?"),
    "phone_number": re.compile(r"[\d+*-]{1,17}"),
    "phrase": re.compile(r"[\u4e00-\u9fff]{1,5}"),
    "time": MOMENT,
    "date": MOMENT,
}


class Subscriptions:
    """Counts consents on its own, and keeps what was sent."""

    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._people = people

    def wechat_routes(self) -> list[Route]:
        path = "/cgi-bin/message/subscribe/send"
        return [Route(path, answering(self._sending("wechat"), "POST"), methods=["GET", "POST"])]

    def qq_routes(self) -> list[Route]:
        path = "/api/json/subscribe/SendSubscriptionMessage"
        return [Route(path, answering(self._sending("qq"), "POST"), methods=["GET", "POST"])]

    def control_routes(self) -> list[Route]:
        return [Route("/subscribe", answering_json(self._subscribe), methods=["POST"])]

    async def _subscribe(self, body: dict[str, Any]) -> Any:
        """{platform, user, template_ids, answer?} -> {template_id: accept|reject}: the person is asked by the app."""
        platform, user = person_of({key: body[key] for key in ("platform", "user") if key in body}, "")
        only(body, {"platform", "user", "template_ids"}, {"answer"})
        wanted, answer = body["template_ids"], body.get("answer", "accept")
        if not isinstance(wanted, list) or not 1 <= len(wanted) <= ASKED_AT_ONCE:
            raise BadInput(f"template_ids must have 1 to {ASKED_AT_ONCE} members")
        if answer not in ("accept", "reject") or any(each not in TEMPLATES[platform] for each in wanted):
            raise BadInput("answer must be accept or reject, and the templates known")
        openid = self._people.identity(platform, user).openid
        for template_id in wanted if answer == "accept" else []:
            grant = self._grant(platform, openid, template_id)
            grant.remaining += 1
            self._world.store.save(grant)
        return dict.fromkeys(wanted, answer)

    def _grant(self, platform: str, openid: str, template_id: str) -> Grant:
        found = self._world.store.one(Grant, platform=platform, openid=openid, template_id=template_id)
        return found or Grant(platform, openid, template_id, 0)

    def _sending(self, platform: str) -> Any:
        async def send(request: Request) -> dict[str, Any]:
            require_token(self._world, platform, request)
            body = await json_body(request)
            openid = text_field(body, "touser", 40003, "invalid openid")
            person = self._people.by_openid(platform, openid)
            if person is None:
                raise OpenApiError(40003, "invalid openid")
            keys = TEMPLATES[platform].get(text_field(body, "template_id", 40037, "invalid template_id"))
            if keys is None:
                raise OpenApiError(40037, "invalid template_id")
            _check(platform, body, keys)
            grant = self._grant(platform, openid, body["template_id"])
            if grant.remaining < 1:
                raise OpenApiError(NOT_SUBSCRIBED[platform], "user refuse to accept the msg")
            grant.remaining -= 1
            self._world.store.save(grant)
            content = orjson.dumps(body).decode()
            self._world.store.save(
                Sent(secrets.token_hex(8), platform, person.user, "subscribe", content, self._world.clock())
            )
            return {"errcode": 0, "errmsg": "ok"}

        return send


def _check(platform: str, body: dict[str, Any], keys: list[str]) -> None:
    """Every field of the template and no other, each within its limits. Raises OpenApiError."""
    data = body.get("data")
    if not isinstance(data, dict) or set(data) != set(keys):
        raise OpenApiError(INVALID_DATA[platform], "argument invalid! data keys")
    for key, field in data.items():
        value = field.get("value") if isinstance(field, dict) else None
        kind = re.sub(r"\d+$", "", key)
        if not isinstance(value, str) or not value or not fits(kind, value):
            raise OpenApiError(INVALID_DATA[platform], f"argument invalid! data.{key}.value")
    page = body.get("page", "")
    if not isinstance(page, str) or page.startswith("/"):
        raise OpenApiError(INVALID_DATA[platform], "argument invalid! page")
    if platform == "wechat" and (
        body.get("miniprogram_state", "formal") not in STATES or body.get("lang", "zh_CN") not in LANGUAGES
    ):
        raise OpenApiError(47003, "argument invalid! miniprogram_state or lang")


def fits(kind: str, value: str) -> bool:
    """Whether a field of this kind takes the value."""
    if any(unicodedata.category(each) == "Cc" for each in value):
        return False
    if kind in ("thing", "keyword"):
        return len(value.encode("utf-16-le")) // 2 <= 20
    if kind == "symbol":
        return len(value) <= 5
    if kind == "name":
        return len(value) <= (10 if HAN.search(value) else 20)
    if kind == "car_number":
        return len(value) <= 8
    return kind in PATTERNS and PATTERNS[kind].fullmatch(value) is not None
