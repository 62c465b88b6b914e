"""Access tokens: WeChat's stable and plain ones, which do not know of each other, and QQ's."""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from scripts.simulator.crypto import random_text
from scripts.simulator.open_api import OpenApiError, answering, json_body, require_app, text_field
from scripts.simulator.records import Token
from scripts.simulator.world import World

LIFE_SECONDS = 7200
OVERLAP_SECONDS = 300
FORCED_PER_DAY = 20
FORCED_APART_SECONDS = 30
DAY_SECONDS = 86_400
# The pages advise to reserve 512 characters, so the longest allowed is what clients get here.
TOKEN_LENGTH = 512


class Tokens:
    """Issues the tokens that `require_token` checks."""

    def __init__(self, world: World) -> None:
        self._world = world

    def wechat_routes(self) -> list[Route]:
        return [
            Route("/cgi-bin/stable_token", answering(self._stable, "POST"), methods=["GET", "POST"]),
            Route("/cgi-bin/token", answering(self._wechat_plain, "GET"), methods=["GET", "POST"]),
        ]

    def qq_routes(self) -> list[Route]:
        return [Route("/api/getToken", answering(self._qq_plain, "GET"), methods=["GET", "POST"])]

    async def _wechat_plain(self, request: Request) -> dict[str, Any]:
        return self._plain(self._app(request.query_params.get("appid", "")), request, wrong_secret=40125)

    def _app(self, app_id: str) -> str:
        """Which of the WeChat apps wants a token; each has tokens of its own."""
        return "official" if app_id == self._world.credentials.official_app_id else "wechat"

    async def _qq_plain(self, request: Request) -> dict[str, Any]:
        # QQ's page lists 40001 for a wrong secret here, and no 40125.
        return self._plain("qq", request, wrong_secret=40001)

    def _plain(self, platform: str, request: Request, wrong_secret: int) -> dict[str, Any]:
        """A new token at each call; the one before lives five minutes more."""
        query = request.query_params
        if query.get("grant_type") != "client_credential":
            raise OpenApiError(40002, "invalid grant_type")
        require_app(self._world, platform, query.get("appid", ""), query.get("secret", ""), wrong_secret)
        self._replace(platform, "plain", OVERLAP_SECONDS)
        return self._issue(platform, "plain")

    async def _stable(self, request: Request) -> dict[str, Any]:
        """The same token until five minutes before its end; a forced one ends the one before at once."""
        body = await json_body(request)
        if body.get("grant_type") != "client_credential":
            raise OpenApiError(40002, "invalid grant_type")
        app_id = text_field(body, "appid", 41002, "appid missing")
        secret = text_field(body, "secret", 41004, "appsecret missing")
        app = self._app(app_id)
        require_app(self._world, app, app_id, secret)
        forced = body.get("force_refresh", False)
        if not isinstance(forced, bool):
            raise OpenApiError(47001, "data format error")
        if forced:
            self._allow_forced(app)
            self._replace(app, "stable", 0)
            self._replace(app, "forced", 0)
            return self._issue(app, "forced")
        now = self._world.clock()
        for token in self._living(app, "stable") + self._living(app, "forced"):
            if token.expires_at - now > OVERLAP_SECONDS:
                return {"access_token": token.token, "expires_in": int(token.expires_at - now)}
        return self._issue(app, "stable")

    def _allow_forced(self, app: str) -> None:
        now = self._world.clock()
        forced = self._world.store.find(Token, platform=app, kind="forced")
        if any(now - token.issued_at < FORCED_APART_SECONDS for token in forced):
            raise OpenApiError(45011, "api minute-quota reach limit, force_refresh needs 30 seconds between calls")
        if sum(now - token.issued_at < DAY_SECONDS for token in forced) >= FORCED_PER_DAY:
            raise OpenApiError(45009, "reach max api daily quota limit")

    def _issue(self, platform: str, kind: str) -> dict[str, Any]:
        now = self._world.clock()
        token = Token(random_text(TOKEN_LENGTH), platform, kind, now, now + LIFE_SECONDS, 0)
        self._world.store.save(token)
        return {"access_token": token.token, "expires_in": LIFE_SECONDS}

    def _replace(self, platform: str, kind: str, overlap_seconds: float) -> None:
        end = self._world.clock() + overlap_seconds
        for token in self._living(platform, kind):
            if token.expires_at > end:
                token.expires_at, token.replaced = end, 1
                self._world.store.save(token)

    def _living(self, platform: str, kind: str) -> list[Token]:
        now = self._world.clock()
        return [
            token for token in self._world.store.find(Token, platform=platform, kind=kind) if token.expires_at > now
        ]
