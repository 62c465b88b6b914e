"""`/sns/jscode2session` of both platforms: a phone's one-time code becomes an openid and a session key."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from scripts.simulator.open_api import OpenApiError, answering, require_app
from scripts.simulator.people import People
from scripts.simulator.world import World


class SignIn:
    """One platform's code exchange. The answer is typed text/plain, as clients meet it in the field."""

    def __init__(self, world: World, people: People, platform: str) -> None:
        self._world = world
        self._people = people
        self._platform = platform

    def routes(self) -> list[Route]:
        endpoint = answering(self._exchange, "GET", "text/plain")
        return [Route("/sns/jscode2session", endpoint, methods=["GET", "POST"])]

    async def _exchange(self, request: Request) -> dict[str, Any]:
        query = request.query_params
        require_app(self._world, self._platform, query.get("appid", ""), query.get("secret", ""))
        if query.get("grant_type") != "authorization_code":
            raise OpenApiError(40002, "invalid grant_type")
        code = self._people.look_at_code(self._platform, "login", query.get("js_code", ""))
        # QQ lists no errcode of its own for a used code; WeChat's 40163 is known from the field, not from its page.
        if code == "used" and self._platform == "wechat":
            raise OpenApiError(40163, "code been used")
        if isinstance(code, str):
            raise OpenApiError(40029, "invalid code")
        self._world.store.use_code(code.code)
        identity = self._people.sign_in(self._platform, code.user)
        answer = {"session_key": identity.session_key, "openid": identity.openid}
        return answer if identity.unionid is None else {**answer, "unionid": identity.unionid}
