"""WeChat's mini-program codes, URL links and updatable cards in the chat."""

import re
import struct
import zlib
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from scripts.simulator.crypto import random_text
from scripts.simulator.faults import ERRCODE
from scripts.simulator.faulty_transport import FAULT
from scripts.simulator.open_api import OpenApiError, answering, json_body, require_token, text_field
from scripts.simulator.records import Activity, CardShown
from scripts.simulator.world import World, request_id

SCENE = re.compile(r"[0-9A-Za-z!#$&'()*+,/:;=?@._~-]+")
MAX_SCENE = 32
WIDTHS = range(280, 1281)
MAX_QUERY = 1024
MAX_DAYS = 30
ENV_VERSIONS = ("develop", "trial", "release")


class Links:
    """Draws codes, hands out links, and keeps what each card shows."""

    def __init__(self, world: World) -> None:
        self._world = world

    def wechat_routes(self) -> list[Route]:
        card = "/cgi-bin/message/wxopen/updatablemsg/send"
        return [
            Route("/wxa/getwxacodeunlimit", self._code, methods=["POST"]),
            Route("/wxa/generate_urllink", answering(self._link, "POST"), methods=["GET", "POST"]),
            Route(card, answering(self._card, "POST"), methods=["GET", "POST"]),
        ]

    def control_routes(self) -> list[Route]:
        return [Route("/cards", self._cards, methods=["GET"])]

    async def _code(self, request: Request) -> Response:
        """An image when it goes well, and JSON under the same status when it does not."""
        try:
            fault = request.scope.get(FAULT) or ""
            if fault == "error" or fault.startswith(ERRCODE):
                raise OpenApiError(-1 if fault == "error" else int(fault.removeprefix(ERRCODE)), "as told")
            require_token(self._world, "wechat", request)
            body = await json_body(request)
            scene = text_field(body, "scene", 40129, "invalid scene")
            if len(scene) > MAX_SCENE:
                raise OpenApiError(40169, "invalid length for scene, or the data is not json string")
            if SCENE.fullmatch(scene) is None:
                raise OpenApiError(40129, "invalid scene")
            page = body.get("page", "")
            if not isinstance(page, str) or page.startswith("/") or "?" in page:
                raise OpenApiError(41030, "invalid page")
            if body.get("width", 430) not in WIDTHS or body.get("env_version", "release") not in ENV_VERSIONS:
                raise OpenApiError(40097, "invalid args")
        except OpenApiError as error:
            answer = {"errcode": error.errcode, "errmsg": f"{error.errmsg}, rid: {request_id()}"}
            return Response(orjson.dumps(answer), headers={"content-type": "application/json; charset=utf-8"})
        return Response(_png(f"{page}?scene={scene}"), headers={"content-type": "image/png"})

    async def _link(self, request: Request) -> dict[str, Any]:
        require_token(self._world, "wechat", request)
        body = await json_body(request)
        path, query = body.get("path", ""), body.get("query", "")
        if not isinstance(path, str) or path.startswith("/"):
            raise OpenApiError(40165, "invalid weapp pagepath")
        if not isinstance(query, str) or len(query) > MAX_QUERY:
            raise OpenApiError(40212, "invalid query")
        days = body.get("expire_interval")
        if body.get("expire_type") != 1 or not isinstance(days, int) or not 1 <= days <= MAX_DAYS:
            raise OpenApiError(85401, "invalid expire_time or expire_interval")
        if body.get("env_version", "release") not in ENV_VERSIONS:
            raise OpenApiError(85079, "miniprogram has no online release")
        return {"errcode": 0, "errmsg": "ok", "url_link": f"https://wxaurl.cn/{random_text(11)}"}

    async def _card(self, request: Request) -> dict[str, Any]:
        require_token(self._world, "wechat", request)
        body = await json_body(request)
        activity_id = text_field(body, "activity_id", 47501, "invalid activity_id")
        if self._world.store.one(Activity, activity_id=activity_id) is None:
            raise OpenApiError(47501, "invalid activity_id")
        state, shown = body.get("target_state"), self._world.store.one(CardShown, activity_id=activity_id)
        if state not in (0, 1) or (shown is not None and shown.state == 1 and state == 0):
            raise OpenApiError(47502, "invalid target_state")
        values = {each["name"]: each["value"] for each in body["template_info"]["parameter_list"]}
        wanted = {"member_count", "room_limit"} if state == 0 else {"path", "version_type"}
        if set(values) != wanted or not all(isinstance(value, str) for value in values.values()):
            raise OpenApiError(47001, "data format error")
        if state == 1 and values["version_type"] not in ENV_VERSIONS:
            raise OpenApiError(47001, "data format error")
        self._world.store.save(CardShown(activity_id, state, orjson.dumps(values).decode()))
        return {"errcode": 0, "errmsg": "ok"}

    async def _cards(self, request: Request) -> Response:
        """?activity_id= -> {state, values} | null: what the card in the chat shows."""
        shown = self._world.store.one(CardShown, activity_id=request.query_params.get("activity_id", ""))
        answer = {"state": shown.state, "values": orjson.loads(shown.content)} if shown else None
        return Response(orjson.dumps(answer), headers={"content-type": "application/json"})


def _png(text: str) -> bytes:
    """An image of one pixel that says in its text what it would open."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    says = chunk(b"tEXt", b"scene\0" + text.encode())
    return b"\x89PNG\r\n\x1a\n" + head + says + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
