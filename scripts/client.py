"""A front end in Python: GraphQL over HTTP and over one WebSocket, as a mini-program would use them."""

import asyncio
import contextlib
import itertools
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

PROTOCOL = "graphql-transport-ws"

Json = dict[str, Any]


class GraphQLFailed(Exception):
    """The answer had top-level errors."""

    def __init__(self, errors: list[Json]) -> None:
        super().__init__("; ".join(f"{each.get('extensions', {}).get('code')}: {each['message']}" for each in errors))
        self.errors = errors

    @property
    def code(self) -> str | None:
        """`extensions.code` of the first error."""
        code: str | None = self.errors[0].get("extensions", {}).get("code")
        return code


class Refused(Exception):
    """A mutation answered with its domain's error."""

    def __init__(self, error: Json) -> None:
        super().__init__(f"{error.get('codeName')}: {error.get('message')}")
        self.code: str | None = error.get("codeName")
        self.error = error


def new_key() -> str:
    """An idempotency key."""
    return uuid.uuid4().hex


class Api:
    """One person's connection to one endpoint."""

    def __init__(self, http: aiohttp.ClientSession, url: str, token: str | None = None) -> None:
        self.http = http
        self.url = url
        self.token = token
        self.refresh_token: str | None = None

    async def post(self, query: str, variables: Json | None = None, **headers: str) -> tuple[int, Json]:
        """Status and body of one request."""
        if self.token is not None:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        content = {"query": query, "variables": variables or {}}
        async with self.http.post(self.url, json=content, headers=headers) as response:
            answer: Json = await response.json(content_type=None)
            return response.status, answer

    async def ask(self, query: str, **variables: Any) -> Json:
        """The data of a query. Raises GraphQLFailed."""
        _, answer = await self.post(query, variables)
        if answer.get("errors"):
            raise GraphQLFailed(answer["errors"])
        data: Json = answer["data"]
        return data

    async def do(self, verb: str, wanted: str, **fields: Any) -> Json:
        """The success of a mutation `verb(input: …)`, selecting `wanted` of it. Raises Refused, GraphQLFailed."""
        kind = verb[0].upper() + verb[1:]
        staff = "/console" in self.url and verb in ("signIn", "refreshSession")
        name = f"Staff{kind}" if staff else kind
        query = f"""mutation {kind}($input: {name}Input!) {{ answer: {verb}(input: $input) {{ __typename
            ... on {name}Success {{ {wanted} }}
            ... on UserError {{ codeName message field }} }} }}"""
        answer: Json = (await self.ask(query, input=fields))["answer"]
        if answer["__typename"] != f"{name}Success":
            raise Refused(answer)
        return answer

    @asynccontextmanager
    async def socket(self) -> AsyncIterator["Socket"]:
        """An open, acknowledged socket."""
        async with self.http.ws_connect(self.url, protocols=[PROTOCOL], heartbeat=None) as connection:
            socket = Socket(connection)
            await connection.send_json(
                {"type": "connection_init", "payload": {"authorization": f"Bearer {self.token}"}}
            )
            acknowledged = await connection.receive_json(timeout=10)
            if acknowledged["type"] != "connection_ack":
                raise ConnectionError(acknowledged)
            reading = asyncio.create_task(socket.read())
            try:
                yield socket
            finally:
                reading.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await reading


class Socket:
    """A socket that carries any number of subscriptions."""

    def __init__(self, connection: aiohttp.ClientWebSocketResponse) -> None:
        self.connection = connection
        self._ids = itertools.count(1)
        self._streams: dict[str, asyncio.Queue[Json | None]] = {}

    async def read(self) -> None:
        """Hand every frame to its subscription; at the end of the socket, end them all."""
        async for message in self.connection:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            frame: Json = message.json()
            if frame["type"] == "ping":
                await self.connection.send_json({"type": "pong"})
            elif frame.get("id") in self._streams:
                self._streams[frame["id"]].put_nowait(frame)
        for queue in self._streams.values():
            queue.put_nowait(None)

    async def subscribe(self, query: str, **variables: Any) -> "Stream":
        """Start a subscription; its events wait until they are asked for."""
        operation_id = str(next(self._ids))
        queue: asyncio.Queue[Json | None] = asyncio.Queue()
        self._streams[operation_id] = queue
        payload = {"query": query, "variables": variables}
        await self.connection.send_json({"type": "subscribe", "id": operation_id, "payload": payload})
        return Stream(queue)


class Stream:
    """One subscription's events."""

    def __init__(self, queue: "asyncio.Queue[Json | None]") -> None:
        self._queue = queue

    async def next(self, seconds: float = 30.0) -> Json:
        """The next event's data. Raises TimeoutError, ConnectionError when the socket ended, GraphQLFailed."""
        async with asyncio.timeout(seconds):
            frame = await self._queue.get()
        if frame is None:
            raise ConnectionError("the socket ended")
        if frame["type"] == "error":
            raise GraphQLFailed(frame["payload"])
        if frame["type"] == "complete":
            raise ConnectionError("the subscription ended")
        payload: Json = frame["payload"]
        if payload.get("errors"):
            raise GraphQLFailed(payload["errors"])
        data: Json = payload["data"]
        event: Json = next(iter(data.values()))
        return event

    async def until(self, wanted: str, seconds: float = 30.0) -> Json:
        """The next event of a type, others skipped."""
        async with asyncio.timeout(seconds):
            while True:
                event = await self.next(seconds)
                if event["__typename"] == wanted:
                    return event


class Phone:
    """What a person does on the phone, outside of our API: the chat app and its payment sheet, here the simulator's."""

    def __init__(self, http: aiohttp.ClientSession, simulator: str) -> None:
        self._http = http
        self._url = simulator

    async def control(self, path: str, **content: Any) -> Json:
        """A call to the simulator's control side. Raises RuntimeError with what it answered."""
        async with self._http.post(f"{self._url}/_control/{path}", json=content) as response:
            answer: Json = await response.json(content_type=None)
            if response.status >= 400:
                raise RuntimeError(f"{path}: {answer}")
            return answer

    async def sign_in_code(self, platform: str, user: str, **more: Any) -> str:
        """A one-time sign-in code."""
        code: str = (await self.control("login", platform=platform, user=user, **more))["code"]
        return code

    async def pay(self, payment: Json, user: str | None = None, outcome: str = "SUCCESS") -> None:
        """Confirm a payment in the chat app; `payment` with its clientParameters."""
        prepay_id = payment["clientParameters"]["package"].removeprefix("prepay_id=")
        await self.control("pay", prepay_id=prepay_id, outcome=outcome, **({"user": user} if user else {}))

    async def say(self, user: str, **what: Any) -> Json:
        """What a person does in the chat, and what they see in answer: {reply, replies, attempts}."""
        return await self.control("say", platform="wechat", user=user, **what)

    async def open_chats(self, gateway: str, settings: Mapping[str, str]) -> None:
        """Tell the simulated consoles where messages are pushed, which check the address; none without the settings."""
        for app, app_id, form in (
            ("official", settings.get("KABAO_WECHAT_OFFICIAL_APP_ID"), "xml"),
            ("mini_program", settings.get("KABAO_WECHAT_MESSAGE_TOKEN") and settings["KABAO_WECHAT_APP_ID"], "json"),
        ):
            if app_id:
                await self.control("callback", app=app, url=f"{gateway}/callbacks/wechat/{app_id}", format=form)

    async def sent(self, user: str) -> list[Json]:
        """What arrived on a person's phone, oldest first."""
        async with self._http.get(f"{self._url}/_control/sent", params={"user": user}) as response:
            rows: list[Json] = await response.json(content_type=None)
            return rows

    async def payments(self) -> list[Json]:
        """The provider's own view of every payment and refund."""
        async with self._http.get(f"{self._url}/_control/payments") as response:
            answer: Any = await response.json(content_type=None)
            rows: list[Json] = answer if isinstance(answer, list) else answer["payments"]
            return rows


PAYMENT = """payment { id status method amount { amountFen display } clientParameters {
  ... on WeChatPayParameters { timeStamp nonceStr package signType paySign }
  ... on QQWalletParameters { package bargainorId } } }"""


async def sign_in(http: aiohttp.ClientSession, url: str, phone: Phone, platform: str, app_id: str, user: str) -> Api:
    """A person signed in on a chat app."""
    api = Api(http, url)
    code = await phone.sign_in_code(platform, user)
    session = (
        await api.do(
            "signIn", "session { accessToken refreshToken me { id } }", platform=platform, appId=app_id, code=code
        )
    )["session"]
    api.token, api.refresh_token = session["accessToken"], session["refreshToken"]
    return api
