"""WeChat's private messages: an activity id, whom the message was sent to, and the ticket their phone gets."""

import base64
import secrets
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from starlette.requests import Request
from starlette.routing import Route

from scripts.simulator.control_input import BadInput, answering_json, only, person_of, text_of
from scripts.simulator.crypto import random_text
from scripts.simulator.open_api import OpenApiError, answering, require_token
from scripts.simulator.people import People
from scripts.simulator.records import Activity
from scripts.simulator.world import World

LIFE_SECONDS = 24 * 3_600
PLATFORM = "wechat"


class PrivateMessages:
    """Makes activities, and plays the phones of those who got a private message and those who did not."""

    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._people = people

    def wechat_routes(self) -> list[Route]:
        path = "/cgi-bin/message/wxopen/activityid/create"
        return [Route(path, answering(self._create, "GET"), methods=["GET", "POST"])]

    def control_routes(self) -> list[Route]:
        return [
            Route("/private_send", answering_json(self._send), methods=["POST"]),
            Route("/private_open", answering_json(self._open), methods=["POST"]),
        ]

    async def _create(self, request: Request) -> dict[str, Any]:
        require_token(self._world, PLATFORM, request)
        openid, unionid = request.query_params.get("openid"), request.query_params.get("unionid")
        if not openid and not unionid:
            raise OpenApiError(40003, "invalid openid")
        if openid and self._people.by_openid(PLATFORM, openid) is None:
            raise OpenApiError(40003, "invalid openid")
        activity = Activity(f"{random_text(8)}_{random_text(40)}", "")
        self._world.store.save(activity)
        expires_at = int(self._world.clock()) + LIFE_SECONDS
        return {"activity_id": activity.activity_id, "expiration_time": expires_at, "errcode": 0, "errmsg": "ok"}

    async def _send(self, body: dict[str, Any]) -> Any:
        """{activity_id, to} -> {}: the giver sends the private message to that person."""
        only(body, {"activity_id", "to"})
        activity = self._activity(body)
        users = {*activity.sent_to.split("\n"), text_of(body, "to")} - {""}
        self._world.store.save(Activity(activity.activity_id, "\n".join(sorted(users))))
        return {}

    async def _open(self, body: dict[str, Any]) -> Any:
        """{platform, user, activity_id} -> {valid, encryptedData?, iv?}: what wx.authPrivateMessage gives there.

        Sealed with that person's own session key. Whom the message was not sent to gets valid false and no ticket.
        """
        platform, user = person_of({key: body[key] for key in ("platform", "user") if key in body}, "")
        only(body, {"platform", "user", "activity_id"})
        activity = self._activity(body)
        if platform != PLATFORM:
            raise BadInput("only WeChat has private messages")
        if user not in activity.sent_to.split("\n"):
            return {"valid": False}
        identity = self._people.identity(platform, user)
        if not identity.session_key:
            raise BadInput(f"{user} has not signed in")
        content = {
            "activityId": activity.activity_id,
            "watermark": {"timestamp": int(self._world.clock()), "appid": identity.app_id},
        }
        iv = secrets.token_bytes(16)
        sealed = _seal(base64.b64decode(identity.session_key), iv, orjson.dumps(content))
        return {"valid": True, "encryptedData": _text(sealed), "iv": _text(iv)}

    def _activity(self, body: dict[str, Any]) -> Activity:
        activity = self._world.store.one(Activity, activity_id=text_of(body, "activity_id"))
        if activity is None:
            raise BadInput("no such activity")
        return activity


def _seal(key: bytes, iv: bytes, plain: bytes) -> bytes:
    fill = 16 - len(plain) % 16
    encryptor = Cipher(algorithms.AES128(key), modes.CBC(iv)).encryptor()
    return encryptor.update(plain + bytes([fill]) * fill) + encryptor.finalize()


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()
