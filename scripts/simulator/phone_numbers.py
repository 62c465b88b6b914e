"""The telephone number behind a code of the phone-number button.

WeChat's interface is official. QQ's path was not found in any official text: it is a stand-in with WeChat's shape, so
that the product's QQ adapter has something to talk to.
"""

from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from scripts.simulator.open_api import OpenApiError, answering, json_body, require_token, text_field
from scripts.simulator.people import People
from scripts.simulator.world import World


class PhoneNumbers:
    """One platform's exchange of a code for a number; a mismatched openid does not use the code up."""

    def __init__(self, world: World, people: People, platform: str) -> None:
        self._world = world
        self._people = people
        self._platform = platform

    def routes(self) -> list[Route]:
        paths = {"wechat": "/wxa/business/getuserphonenumber", "qq": "/api/json/phone/getuserphonenumber"}
        return [Route(paths[self._platform], answering(self._exchange, "POST"), methods=["GET", "POST"])]

    async def _exchange(self, request: Request) -> dict[str, Any]:
        require_token(self._world, self._platform, request)
        body = await json_body(request)
        code = self._people.look_at_code(self._platform, "phone", text_field(body, "code", 40029, "invalid code"))
        if isinstance(code, str):
            raise OpenApiError(40029, "invalid code")
        openid = body.get("openid")
        if openid is not None and openid != self._people.identity(self._platform, code.user).openid:
            raise OpenApiError(40029, "invalid code, openid does not match")
        self._world.store.use_code(code.code)
        number = self._people.phone(code.user)
        return {
            "errcode": 0,
            "errmsg": "ok",
            "phone_info": {
                "phoneNumber": number,
                "purePhoneNumber": number,
                "countryCode": "86",
                "watermark": {"timestamp": int(self._world.clock()), "appid": self._people.app_id(self._platform)},
            },
        }
