"""A client that watches and keeps losing its socket: it resumes after its last cursor, or after an older one."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any

import aiohttp

from resolvers.live.model import cursor_of, number_of
from scripts.client import PROTOCOL, Json
from scripts.tortures.client import Client
from scripts.tortures.live_check import COUPONS, ORDER, WALLET, Segment, Story, Told

LIFE_SECONDS = 1.0  # of a socket, on average
OLDER = 0.15  # of resumes go back to an older cursor
AGAIN = 0.2  # of lives have the subscription ended and begun anew on the same socket
WAIT_SECONDS = 15.0  # for a handshake; and in the end for the rest of the log
_BROKEN = (aiohttp.ClientError, ConnectionError, TimeoutError, OSError)

_EVENT = """__typename cursor at
  ... on CouponReceived { coupon { id revision } } ... on CouponChanged { coupon { id revision } }
  ... on CardChanged { card { id revision } } ... on GiftChanged { gift { id revision } }
  ... on OrderChanged { order { id revision } } ... on PaymentChanged { payment { id revision } }
  ... on PointsChanged { membership { id } } ... on ResyncRequired { reason }"""
QUERIES = {
    WALLET: f"subscription Watch($after: String) {{ event: walletUpdates(after: $after) {{ {_EVENT} }} }}",
    COUPONS: f"subscription Watch($after: String) {{ event: couponUpdates(after: $after) {{ {_EVENT} }} }}",
    ORDER: f"""subscription Watch($after: String, $id: ID!) {{
      event: orderUpdates(orderId: $id, after: $after) {{ {_EVENT} }} }}""",
}


class Ended(Exception):
    """The socket is over; the message says how."""


class Watcher:
    """One screen of one person: a stream, followed over any number of sockets."""

    def __init__(self, client: Client, stream: str, start: int, lost: Counter[str], seed: str) -> None:
        self.story = Story(f"{client.name}/{stream}", client.id, start)
        self._client = client
        self._stream = stream
        self._lost = lost
        self._dice = random.Random(f"{seed}/{client.name}/{stream}")
        self._known = start
        self._seen = [start]
        self._order_id: str | None = None
        self.wrong: list[str] = []  # answers that no client should get

    async def run(self, stop: asyncio.Event) -> None:
        """Live one life after the other."""
        while not stop.is_set():
            try:
                await self._live(self._dice.expovariate(1 / LIFE_SECONDS), None)
            except (*_BROKEN, Ended) as reason:
                self._lost[f"lost: {reason if isinstance(reason, Ended) else 'connection'}"] += 1
                await asyncio.sleep(self._dice.uniform(0.05, 0.3))

    async def finish(self, newest: int) -> None:
        """One last life, until the cursor is at the end of the log. Raises TimeoutError."""
        async with asyncio.timeout(WAIT_SECONDS * 3):
            while True:
                try:
                    await self._live(WAIT_SECONDS, newest)
                except (*_BROKEN, Ended):
                    await asyncio.sleep(0.2)
                if self.story.segments and self.story.segments[-1].whole:
                    return

    async def _live(self, seconds: float, newest: int | None) -> None:
        gateway = self._dice.choice(self._client.shop.gateways)
        async with asyncio.timeout(WAIT_SECONDS):
            socket = await self._client.http.ws_connect(
                f"{gateway}/graphql", protocols=[PROTOCOL], autoping=True, max_msg_size=0
            )
            init = {"type": "connection_init", "payload": {"authorization": f"Bearer {self._client.api.token}"}}
            await socket.send_json(init)
        try:
            await self._until(socket, lambda frame: frame["type"] == "connection_ack", WAIT_SECONDS)
            await self._watch(socket, "1", seconds, newest)
            if newest is None and self._dice.random() < AGAIN:
                await socket.send_json({"type": "complete", "id": "1"})
                self._lost["subscription ended and begun anew"] += 1
                await self._watch(socket, "2", seconds, None)
        except (*_BROKEN, Ended):
            self._abort(socket)
            raise
        await self._leave(socket)

    async def _watch(self, socket: Any, operation_id: str, seconds: float, newest: int | None) -> None:
        """Subscribe and keep what is told, for a while, or until the cursor is at the end."""
        segment, variables = self._next_segment(newest is not None)
        self.story.segments.append(segment)
        payload = {"query": QUERIES[self._stream], "variables": variables}
        await socket.send_json({"type": "subscribe", "id": operation_id, "payload": payload})

        def keep(frame: Json) -> bool:
            if frame.get("id") != operation_id:
                return False
            if frame["type"] != "next" or frame["payload"].get("errors"):
                self.wrong.append(f"{segment}: {frame}")
                raise Ended(frame["type"])
            self._keep(segment, frame["payload"]["data"]["event"])
            segment.whole = newest is not None and self._at_the_end(segment, newest)
            return segment.whole

        if newest is not None and self._at_the_end(segment, newest):
            segment.whole = True
            return
        with contextlib.suppress(TimeoutError):
            await self._until(socket, keep, seconds)

    @staticmethod
    def _at_the_end(segment: Segment, newest: int) -> bool:
        return (segment.told[-1].number if segment.told else segment.after) >= newest

    def _next_segment(self, last: bool) -> tuple[Segment, Json]:
        """Where to go on: after the last cursor, sometimes after an older one, with an order perhaps of another."""
        me, after = self._client.id, self._known
        if not last and self._dice.random() < OLDER:
            after = self._dice.choice(self._seen)
        variables: Json = {}
        if self._stream == ORDER:
            mine = [each for each in self._client.caller.log.acknowledged("placeOrder") if each.customer_id == me]
            if self._order_id is None or (not last and self._dice.random() < 0.4):
                self._order_id = self._dice.choice(mine[-3:]).told("order", "id")
                after = self._dice.choice(self._seen)
            variables["id"] = self._order_id
        return Segment(me, self._stream, self._order_id, after), {**variables, "after": cursor_of(me, after)}

    def _keep(self, segment: Segment, event: Json) -> None:
        number = number_of(event["cursor"], self._client.id)
        things = [value for name, value in event.items() if name not in ("__typename", "cursor", "at", "reason")]
        thing: Json = things[0] if things else {}
        at = round(datetime.fromisoformat(event["at"]).timestamp() * 1000)
        segment.told.append(Told(number, event["__typename"], thing.get("id"), thing.get("revision"), at))
        self._known = max(self._known, number)
        self._seen.append(number)

    async def _until(self, socket: Any, done: Callable[[Json], bool], seconds: float) -> None:
        """Read frames until one is the awaited. Raises TimeoutError, Ended."""
        async with asyncio.timeout(seconds):
            while True:
                message = await socket.receive()
                if message.type is not aiohttp.WSMsgType.TEXT:
                    raise Ended(f"closed with {socket.close_code}")
                frame: Json = message.json()
                if frame["type"] == "ping":
                    await socket.send_json({"type": "pong"})
                elif done(frame):
                    return

    async def _leave(self, socket: Any) -> None:
        """One of the ways in which phones go."""
        way = self._dice.choice(("close", "abort", "torn", "deaf"))
        self._lost[f"by the phone: {way}"] += 1
        transport = self._transport(socket)
        if way == "torn" and transport is not None:
            transport.write(b"\x81\xfe\x01\x00half a frame")  # a text of 256 bytes is begun
            await asyncio.sleep(0.01)
        if way == "deaf" and transport is not None:
            transport.pause_reading()
            await asyncio.sleep(self._dice.uniform(0, 0.5))
        if way == "close":
            with contextlib.suppress(*_BROKEN):
                async with asyncio.timeout(2):
                    await socket.close()
        self._abort(socket)

    @staticmethod
    def _transport(socket: Any) -> Any:
        connection = socket._response.connection
        return connection.transport if connection is not None else None

    def _abort(self, socket: Any) -> None:
        transport = self._transport(socket)
        if transport is not None:
            transport.abort()
