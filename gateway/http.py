"""GraphQL over HTTP: POST only, bounded, with the content negotiation of the GraphQL-over-HTTP specification."""

import asyncio
import logging
import time
from typing import Any

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.access_tokens import TokenInvalid
from gateway.graphql import Engine, OperationRefused, bad_request, read_request
from gateway.logs import new_request_id
from gateway.sign_in_check import SignInCheck

log = logging.getLogger("kabao.http")

MAXIMUM_BODY = 128 * 1024  # bytes; the largest real request, an order of 100 lines, has about 12 KB
BODY_SECONDS = 10.0
JSON = "application/json"
GRAPHQL = "application/graphql-response+json"


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

    async def __call__(self, request: Request) -> Response:
        """Answer one request."""
        request_id, started = new_request_id(), time.perf_counter()
        seen: dict[str, Any] = {"operation": None}
        media = JSON
        try:
            media = negotiate(request.headers.get("accept"))
            status, answer = await self._answer(request, media, request_id, seen)
            headers: dict[str, str] = {}
        except Refusal as refusal:
            status, headers = refusal.status, refusal.headers
            answer = {"errors": [bad_request(refusal.message)]}
        except ClientDisconnect:
            status, headers, answer = 400, {}, {"errors": [bad_request("The body ended early.")]}
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
        refused_status = 400 if media == GRAPHQL else 200
        content = decode(await read_body(request), request.headers.get("content-type"))
        try:
            operation = self._engine.prepare(read_request(content))
            seen["operation"] = operation.node.name.value[:80] if operation.node.name else None
            if operation.is_subscription:
                raise OperationRefused([bad_request("Subscriptions are served on the WebSocket.")])
            try:
                bearer = await self._check.read(request.headers.get("authorization"))
            except TokenInvalid:
                if not operation.is_open:
                    return (401 if media == GRAPHQL else 200), {"errors": [unauthenticated()]}
                bearer = None
            return 200, await self._engine.run(operation, bearer.actor if bearer else None, request_id)
        except OperationRefused as refused:
            # A body that is no GraphQL request at all is the client's mistake under either media type.
            shapeless = not isinstance(content, dict) or not isinstance(content.get("query"), str)
            return (400 if shapeless else refused_status), {"errors": refused.errors}


def unauthenticated() -> dict[str, Any]:
    """The error for a token that is no good."""
    return {
        "message": "The access token is not valid (any more): refresh the session or sign in.",
        "extensions": {"code": "UNAUTHENTICATED"},
    }


def negotiate(accept: str | None) -> str:
    """The media type to answer in: the first of ours that the client accepts. Raises Refusal 406."""
    if not accept:
        return JSON
    for part in accept.lower().split(",")[:20]:
        media, _, parameters = part.partition(";")
        if "q=0" in parameters.replace(" ", "").split(";"):
            continue
        match media.strip():
            case "application/graphql-response+json":
                return GRAPHQL
            case "application/json" | "application/*" | "*/*":
                return JSON
    raise Refusal(406, f"Answers come as {JSON} or {GRAPHQL}.")


def decode(body: bytes, content_type: str | None) -> Any:
    """The JSON of a body. Raises Refusal 415 or 400."""
    media, _, parameters = (content_type or "").lower().partition(";")
    charset = parameters.replace(" ", "").replace('"', "")
    if media.strip() != JSON or ("charset=" in charset and "charset=utf-8" not in charset):
        raise Refusal(415, f"Send {JSON} in UTF-8.")
    try:
        return orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise Refusal(400, "The body is not JSON.") from error


async def read_body(request: Request, most: int = MAXIMUM_BODY) -> bytes:
    """The body, if it is not too long and comes in time. Raises Refusal 413 or 408."""
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced[:12]) > most:
        raise Refusal(413, f"A body has at most {most} bytes.", {"connection": "close"})
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most:
                    raise Refusal(413, f"A body has at most {most} bytes.", {"connection": "close"})
    except TimeoutError as error:
        raise Refusal(408, "The body did not come in time.", {"connection": "close"}) from error
    return bytes(body)
