"""What control calls have in common: one JSON object in, one JSON value out, 400 with a reason for bad input."""

from collections.abc import Awaitable, Callable, Collection
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

MAX_NAME = 64


class BadInput(Exception):
    """What a control call asks cannot be done; the text says why."""


def answering_json(handler: Callable[[dict[str, Any]], Awaitable[Any]]) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint that hands the body's object to `handler` and answers what it gives."""

    async def endpoint(request: Request) -> Response:
        status = 200
        try:
            answer = await handler(await _body(request))
        except BadInput as error:
            status, answer = 400, {"error": str(error)}
        return Response(orjson.dumps(answer), status, {"content-type": "application/json"})

    return endpoint


async def _body(request: Request) -> dict[str, Any]:
    if request.method != "POST":
        return {}
    try:
        body = orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise BadInput("the body must be JSON") from error
    if not isinstance(body, dict):
        raise BadInput("the body must be a JSON object")
    return body


def only(body: dict[str, Any], required: set[str], optional: Collection[str] = ()) -> None:
    """Raises BadInput for what is missing and for what has no meaning here."""
    missing = required - set(body)
    unknown = set(body) - required - set(optional)
    if missing:
        raise BadInput(f"missing: {', '.join(sorted(missing))}")
    if unknown:
        raise BadInput(f"unknown: {', '.join(sorted(unknown))}")


def text_of(body: dict[str, Any], name: str) -> str:
    value = body[name]
    if not isinstance(value, str) or not value:
        raise BadInput(f"{name} must be a non-empty text")
    return value


def times_of(body: dict[str, Any]) -> int:
    """`times`, once if it is not given."""
    times = body.get("times", 1)
    if isinstance(times, bool) or not isinstance(times, int):
        raise BadInput("times must be a whole number")
    return times


def person_of(body: dict[str, Any], optional: str) -> tuple[str, str]:
    """(platform, user) of a call that names them and perhaps one thing more."""
    only(body, {"platform", "user"}, {optional})
    platform, user = text_of(body, "platform").lower(), text_of(body, "user")
    if platform not in ("wechat", "qq"):
        raise BadInput("platform must be wechat or qq")
    if len(user) > MAX_NAME:
        raise BadInput(f"user must be at most {MAX_NAME} characters")
    return platform, user
