"""The manners of api.weixin.qq.com and api.q.qq.com: HTTP 200 always, errcode and errmsg, tokens in the query."""

from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from scripts.simulator.faults import ERRCODE
from scripts.simulator.faulty_transport import FAULT
from scripts.simulator.records import Token
from scripts.simulator.world import World, request_id

Handler = Callable[[Request], Awaitable[dict[str, Any]]]


class OpenApiError(Exception):
    """An errcode of the platform; the `rid` that ends every errmsg is added when it is answered."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errmsg)
        self.errcode = errcode
        self.errmsg = errmsg


def answering(
    handler: Handler, method: str, content_type: str = "application/json; charset=utf-8", camel_case: bool = False
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that answers `handler`'s object, or its OpenApiError as an object, with HTTP 200.

    `camel_case` names the pair errCode and errMsg, as some QQ interfaces do.
    """

    async def endpoint(request: Request) -> Response:
        try:
            fault = request.scope.get(FAULT) or ""
            if fault == "error":
                raise OpenApiError(-1, "system error")
            if fault.startswith(ERRCODE):
                raise OpenApiError(int(fault.removeprefix(ERRCODE)), "told to")
            if request.method != method:
                raise OpenApiError(43001 if method == "GET" else 43002, f"require {method} method")
            answer = await handler(request)
        except OpenApiError as error:
            code_name, text_name = ("errCode", "errMsg") if camel_case else ("errcode", "errmsg")
            answer = {code_name: error.errcode, text_name: f"{error.errmsg}, rid: {request_id()}"}
        return Response(orjson.dumps(answer), headers={"content-type": content_type})

    return endpoint


async def json_body(request: Request) -> dict[str, Any]:
    raw = await request.body()
    if not raw:
        raise OpenApiError(44002, "empty post data")
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise OpenApiError(47001, "data format error") from error
    if not isinstance(body, dict):
        raise OpenApiError(47001, "data format error")
    return body


def text_field(body: dict[str, Any], name: str, errcode: int, errmsg: str) -> str:
    """A non-empty string, or the stated error."""
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise OpenApiError(errcode, errmsg)
    return value


def require_app(world: World, platform: str, app_id: str, secret: str, wrong_secret: int = 40125) -> None:
    """Check appid and secret in the platform's order: missing first, then wrong."""
    credentials = world.credentials
    if not app_id:
        raise OpenApiError(41002, "appid missing")
    if not secret:
        raise OpenApiError(41004, "appsecret missing")
    known, right = {
        "wechat": (credentials.wechat_app_id, credentials.wechat_app_secret),
        "official": (credentials.official_app_id, credentials.official_app_secret),
        "qq": (credentials.qq_app_id, credentials.qq_app_secret),
    }[platform]
    if app_id != known:
        raise OpenApiError(40013, "invalid appid")
    if secret != right:
        raise OpenApiError(wrong_secret, "invalid appsecret")


def require_token(world: World, platform: str, request: Request) -> None:
    """Check the access_token of the query: missing, never issued here, replaced by a newer one, expired."""
    require_any_token(world, (platform,), request)


def require_any_token(world: World, platforms: tuple[str, ...], request: Request) -> str:
    """The same where several apps may call; answers whose token it is."""
    value = request.query_params.get("access_token", "")
    if not value:
        raise OpenApiError(41001, "access_token missing")
    token = world.store.one(Token, token=value)
    if token is None or token.platform not in platforms:
        raise OpenApiError(40014, "invalid access_token")
    if world.clock() >= token.expires_at:
        if token.replaced:
            raise OpenApiError(40001, "invalid credential, access_token is invalid or not latest")
        raise OpenApiError(42001, "access_token expired")
    return token.platform
