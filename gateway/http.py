"""GraphQL over HTTP: POST only, bounded, with the content negotiation of the GraphQL-over-HTTP specification."""

import asyncio
import logging
import re
import time
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from gateway.access_tokens import TokenInvalid
from gateway.graphql import Engine
from gateway.logs import new_request_id
from gateway.requests import NoRequest, OperationRefused, bad_request, read_request
from gateway.sign_in_check import SignInCheck

log = logging.getLogger("kabao.http")

MAXIMUM_BODY = 128 * 1024  # bytes; the largest real request, an order of 100 lines, has about 12 KB
BODY_SECONDS = 10.0
JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
_SERVED = {GRAPHQL: GRAPHQL, JSON: JSON, "application/*": JSON, "*/*": JSON}
_QUALITY = re.compile(r"[01](\.\d{0,3})?")


class Refusal(Exception):
    """An HTTP status and what to say with it."""

    def __init__(self, status: int, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = headers or {}


class GraphQLEndpoint:
    """One endpoint."""

    def __init__(self, engine: Engine, check: SignInCheck) -> None:
        self._engine = engine
        self._check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        await (await self._respond(Request(scope, receive)))(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        request_id, started = new_request_id(), time.perf_counter()
        seen: dict[str, Any] = {"operation": None}
        media, headers = JSON, {}
        try:
            media = negotiate(request.headers.get("accept"))
            status, answer = await self._answer(request, media, request_id, seen)
        except Refusal as refusal:
            status, headers, answer = refusal.status, refusal.headers, {"errors": [bad_request(refusal.message)]}
        except ClientDisconnect:
            status, answer = 400, {"errors": [bad_request("The body ended early.")]}
        except Exception as error:  # before the operation ran: it is masked like one inside of it
            told = self._engine.masked(error, request_id)
            failed = 503 if told["extensions"]["code"] == "TRY_AGAIN" else 500
            status, answer = (failed if media == GRAPHQL else 200), {"errors": [told]}
        duration = round((time.perf_counter() - started) * 1000, 1)
        fields = {"request_id": request_id, "status": status, "milliseconds": duration, **seen}
        log.info("graphql", extra=fields)
        content_type = f"{media}; charset=utf-8"
        return Response(
            orjson.dumps(answer),
            status,
            {**headers, "content-type": content_type, "x-request-id": request_id, "cache-control": "no-store"},
        )

    async def _answer(
        self, request: Request, media: str, request_id: str, seen: dict[str, Any]
    ) -> tuple[int, dict[str, Any]]:
        if request.method != "POST":
            raise Refusal(405, "Only POST is served.", {"allow": "POST"})
        check_content_type(request.headers.get("content-type"))
        content = decode(await read_body(request))
        try:
            operation = self._engine.prepare(read_request(content))
            seen["operation"] = operation.name
            if operation.is_subscription:
                raise OperationRefused([bad_request("Subscriptions are served on the WebSocket.")])
            try:
                bearer = await self._check.read(request.headers.get("authorization"))
            except TokenInvalid:
                if not operation.is_open:
                    return (401 if media == GRAPHQL else 200), {"errors": [unauthenticated()]}
                bearer = None
            return 200, await self._engine.run(operation, bearer.actor if bearer else None, request_id)
        except NoRequest as refused:  # the client's mistake under either media type
            return 400, {"errors": refused.errors}
        except OperationRefused as refused:
            return (400 if media == GRAPHQL else 200), {"errors": refused.errors}


def unauthenticated() -> dict[str, Any]:
    """The error for a token that is no good."""
    return {
        "message": "The access token is not valid (any more): refresh the session or sign in.",
        "extensions": {"code": "UNAUTHENTICATED"},
    }


def negotiate(accept: str | None) -> str:
    """The media type to answer in: of ours, the one the client likes best, of equals the first. Raises Refusal 406."""
    if not accept:
        return JSON
    best, liked = "", 0.0
    for part in accept.lower().split(",")[:20]:
        media, _, parameters = part.partition(";")
        ours = _SERVED.get(media.strip())
        quality = _quality(parameters)
        if ours is not None and quality > liked:
            best, liked = ours, quality
    if not best:
        raise Refusal(406, f"Answers come as {JSON} or {GRAPHQL}.")
    return best


def _quality(parameters: str) -> float:
    for parameter in parameters.split(";"):
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            found = _QUALITY.fullmatch(value.strip())
            return float(found[0]) if found else 0.0
    return 1.0


def check_content_type(content_type: str | None) -> None:
    """Raise Refusal 415 for a body that says it is anything but JSON in UTF-8."""
    media, _, parameters = (content_type or "").lower().partition(";")
    charsets = [each.partition("=")[2].strip(' "') for each in parameters.split(";") if each.strip()[:8] == "charset="]
    if media.strip() != JSON or any(charset not in ("utf-8", "utf8") for charset in charsets):
        raise Refusal(415, f"Send {JSON} in UTF-8.")


def decode(body: bytes) -> Any:
    """The JSON of a body, with or without a byte order mark. Raises Refusal 400."""
    try:
        return orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "The body is not JSON.") from error


async def read_body(request: Request, most: int = MAXIMUM_BODY) -> bytes:
    """The body, if it is not too long and comes in time. Raises Refusal 413 or 408."""
    announced = request.headers.get("content-length", "")
    # The connection stays: closed with the rest of the body unread, it would take the answer with it.
    too_long = Refusal(413, f"A body has at most {most} bytes.")
    if announced.isascii() and announced.isdigit() and (len(announced) > 12 or int(announced) > most):
        raise too_long
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise too_long
    except TimeoutError as error:
        raise Refusal(408, "The body did not come in time.", {"connection": "close"}) from error
    return bytes(body)
