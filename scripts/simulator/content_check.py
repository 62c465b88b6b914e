"""The platforms' text check.

WeChat's version 2 is official. A body that writes Chinese as `\\uXXXX` escapes is checked as the letters it literally
holds, so it always passes: that is what the field reports, and it is kept because a client that escapes has switched
its check off.

QQ's path and body come from third parties only, and so do its spelling `errCode` / `errMsg` and 87014 for refused text.
"""

import re
from typing import Any

import orjson
from starlette.requests import Request
from starlette.routing import Route

from scripts.simulator.open_api import OpenApiError, answering, json_body, require_token, text_field
from scripts.simulator.people import People
from scripts.simulator.world import World, request_id

MAX_CONTENT = 2500
VISIT_SECONDS = 2 * 3600
SCENES = (1, 2, 3, 4)
RISKY_LABELS = {
    "特3456书yuuo莞6543李zxcz蒜7782法fgnv级": 20001,
    "完2347全dfji试3726测asad感3847知qwez到": 20001,
    "赌博": 20006,
    "代开发票": 20008,
}
PASS_LABEL = 100
ESCAPED_LETTER = re.compile(rb"\\u(?!00[0-7])[0-9a-fA-F]{4}")


class ContentCheck:
    """Both platforms' checks; what is risky is the same short list on both."""

    def __init__(self, world: World, people: People) -> None:
        self._world = world
        self._people = people

    def wechat_routes(self) -> list[Route]:
        return [Route("/wxa/msg_sec_check", answering(self._wechat, "POST"), methods=["GET", "POST"])]

    def qq_routes(self) -> list[Route]:
        endpoint = answering(self._qq, "POST", camel_case=True)
        return [Route("/api/json/security/MsgSecCheck", endpoint, methods=["GET", "POST"])]

    async def _wechat(self, request: Request) -> dict[str, Any]:
        require_token(self._world, "wechat", request)
        body = await json_body(request)
        content = text_field(body, "content", 44004, "empty content hint")
        if len(content) > MAX_CONTENT:
            raise OpenApiError(45002, "content size out of limit")
        if body.get("version") != 2 or isinstance(body["version"], bool):
            raise OpenApiError(40097, "invalid args: version must be 2")
        if body.get("scene") not in SCENES or isinstance(body["scene"], bool):
            raise OpenApiError(40129, "invalid scene")
        identity = self._people.by_openid("wechat", text_field(body, "openid", 40003, "invalid openid"))
        if identity is None:
            raise OpenApiError(40003, "invalid openid")
        if self._world.clock() - identity.signed_in_at > VISIT_SECONDS:
            raise OpenApiError(61010, "code is expired")
        label = await _label(request, "content", "title", "nickname", "signature")
        suggest = "pass" if label == PASS_LABEL else "risky"
        return {
            "errcode": 0,
            "errmsg": "ok",
            "detail": [{"strategy": "content_model", "errcode": 0, "suggest": suggest, "label": label, "prob": 90}],
            "trace_id": request_id(),
            "result": {"suggest": suggest, "label": label},
        }

    async def _qq(self, request: Request) -> dict[str, Any]:
        require_token(self._world, "qq", request)
        body = await json_body(request)
        if body.get("appid") != self._world.credentials.qq_app_id:
            raise OpenApiError(40013, "invalid appid")
        text_field(body, "content", 44004, "empty content hint")
        if await _label(request, "content") != PASS_LABEL:
            raise OpenApiError(87014, "risky content")
        return {"errCode": 0, "errMsg": "ok"}


async def _label(request: Request, *names: str) -> int:
    """What the check thinks of these fields, reading escapes of non-ASCII letters as the text they are written in."""
    body = orjson.loads(ESCAPED_LETTER.sub(lambda escape: b"\\" + escape.group(), await request.body()))
    texts = [body[name] for name in names if isinstance(body.get(name), str)]
    return next((label for word, label in RISKY_LABELS.items() if any(word in text for text in texts)), PASS_LABEL)
