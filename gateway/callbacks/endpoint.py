"""`/callbacks/wechat/{app_id}`: the platform's check of the address, and what it pushes.

Whatever is wrong with a callback is answered 403 with nothing in it. A callback says when it was sent: one from more
than ten minutes ago, or ahead, is refused. The platform's three attempts come within fifteen seconds, so ten minutes
only allow for clocks that differ; what somebody sends again within them is handled once.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import orjson
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from gateway.callbacks.crypto import NotAuthentic, Seal, check_signature, signature
from gateway.callbacks.form import JSON, XML, Form, FormInvalid, read_form, write_answer, write_xml
from gateway.http import Refusal, read_body
from resolvers.app import App
from resolvers.chat.incoming.answer import answer
from resolvers.chat.incoming.model import Incoming, NotUnderstood, StillHandled, read_incoming
from resolvers.ports_chat import Message, Transfer

log = logging.getLogger("kabao.callbacks")

PATH = "/callbacks/wechat/{app_id}"
MAXIMUM_CALLBACK = 64 * 1024  # bytes; a real one has less than five kilobytes
MAXIMUM_ECHO = 256  # characters
SKEW_SECONDS = 600
ANSWER_SECONDS = 4.7  # the platform waits five
_NOTHING = b"success"
_SAFE = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store"}


@dataclass(frozen=True)
class Door:
    """How one app's callbacks are known. Without AES keys it is in plain mode; with them, plain ones are refused."""

    app_id: str
    token: str = field(repr=False)
    aes_keys: Sequence[str] = field(default=(), repr=False)
    plain_allowed: bool = False

    @property
    def seal(self) -> Seal:
        """What opens and seals its messages."""
        return Seal(self.app_id, self.aes_keys)


class Callbacks:
    """The callback endpoint of every app that is set up."""

    def __init__(self, app: App, doors: Mapping[str, Door]) -> None:
        self._app = app
        self._doors = doors
        self._seals = {door.app_id: door.seal for door in doors.values() if door.aes_keys}

    async def __call__(self, request: Request) -> Response:
        """The check by GET, a callback by POST; 404 for an app that is not set up."""
        door = self._doors.get(request.path_params["app_id"])
        if door is None:
            return Response(status_code=404)
        try:
            self._check_time(request)
            if request.method == "GET":
                return self._checked(door, request)
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._pushed(door, request)
        except (NotAuthentic, FormInvalid) as error:
            log.warning("callback refused", extra={"app": door.app_id, "reason": type(error).__name__})
            return Response(status_code=403)
        except (Refusal, ClientDisconnect) as error:
            return Response(status_code=getattr(error, "status", 400))
        except StillHandled:
            log.warning("callback is handled elsewhere", extra={"app": door.app_id})
            return Response(status_code=503)
        except Exception as error:  # the platform tries twice more, within fifteen seconds
            log.error("callback failed", extra={"app": door.app_id}, exc_info=error)
            return Response(status_code=503)

    def _check_time(self, request: Request) -> None:
        sent = request.query_params.get("timestamp", "")
        if not (sent.isascii() and sent.isdigit() and len(sent) <= 10):
            raise NotAuthentic("timestamp")
        if abs(self._app.clock.now().timestamp() - int(sent)) > SKEW_SECONDS:
            raise NotAuthentic("timestamp")

    def _checked(self, door: Door, request: Request) -> Response:
        query = request.query_params
        check_signature(query.get("signature", ""), door.token, query["timestamp"], query.get("nonce", ""))
        echo = query.get("echostr", "")
        if len(echo) > MAXIMUM_ECHO or not echo.isascii() or not echo.isprintable():
            raise NotAuthentic("echostr")
        return Response(echo, media_type="text/plain", headers=_SAFE)

    async def _pushed(self, door: Door, request: Request) -> Response:
        form = read_form(await read_body(request, MAXIMUM_CALLBACK))
        opened = self._opened(door, request.query_params, form)
        sealed = opened is not form
        try:
            incoming = read_incoming(door.app_id, opened.fields)
        except NotUnderstood:
            log.warning("callback not understood", extra={"app": door.app_id, "fields": sorted(opened.fields)[:20]})
            return Response(_NOTHING, media_type="text/plain", headers=_SAFE)
        said = await answer(self._app, incoming, dict(opened.fields))
        if said is None:
            return Response(_NOTHING, media_type="text/plain", headers=_SAFE)
        return self._written(door, incoming, said, opened.is_json, sealed=sealed)

    def _opened(self, door: Door, query: Mapping[str, str], form: Form) -> Form:
        """The callback as it was meant. In safe mode `signature` is worth nothing: it does not cover the message."""
        timestamp, nonce = query["timestamp"], query.get("nonce", "")
        if query.get("encrypt_type") == "aes":
            encrypted = form.fields.get("Encrypt", "")
            check_signature(query.get("msg_signature", ""), door.token, timestamp, nonce, encrypted)
            seal = self._seals.get(door.app_id)
            if seal is None:
                raise NotAuthentic("no key")
            return read_form(seal.open(encrypted))
        if door.aes_keys and not door.plain_allowed:
            raise NotAuthentic("plain")
        check_signature(query.get("signature", ""), door.token, timestamp, nonce)
        return form

    def _written(
        self, door: Door, incoming: Incoming, said: Message | Transfer, as_json: bool, *, sealed: bool
    ) -> Response:
        at = int(self._app.clock.now().timestamp())
        body = write_answer(incoming, said, at, as_json=as_json)
        if sealed:
            encrypted, nonce = self._seals[door.app_id].seal(body), secrets.token_hex(8)
            content = {
                "Encrypt": encrypted,
                "MsgSignature": signature(door.token, str(at), nonce, encrypted),
                "TimeStamp": at,
                "Nonce": nonce,
            }
            body = orjson.dumps(content) if as_json else write_xml(content)
        return Response(body, media_type=JSON if as_json else XML, headers=_SAFE)
