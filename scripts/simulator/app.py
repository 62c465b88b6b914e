"""Puts the platforms together: `running_app` is the ASGI application, `serving` has it on a port of this process."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from scripts.simulator.book import Book
from scripts.simulator.chat import Chat
from scripts.simulator.content_check import ContentCheck
from scripts.simulator.control import Control
from scripts.simulator.courier import Courier
from scripts.simulator.credentials import load_credentials, write_gateway_settings
from scripts.simulator.faulty_transport import ClosableProtocol, FaultyTransport
from scripts.simulator.links import Links
from scripts.simulator.people import People
from scripts.simulator.phone_numbers import PhoneNumbers
from scripts.simulator.private_messages import PrivateMessages
from scripts.simulator.qq_bills import QQBills
from scripts.simulator.qq_pay import QQPay
from scripts.simulator.service_messages import ServiceMessages
from scripts.simulator.shipping import Shipping
from scripts.simulator.sign_in import SignIn
from scripts.simulator.storage import Store
from scripts.simulator.subscriptions import Subscriptions
from scripts.simulator.tokens import Tokens
from scripts.simulator.wechat_bills import WeChatBills
from scripts.simulator.wechat_pay import SignedApi, WeChatPay
from scripts.simulator.wechat_refund import WeChatRefunds
from scripts.simulator.world import KeyMode, World

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Serving:
    """A simulator that is up."""

    url: str
    world: World


def open_world(
    data: Path, key_mode: KeyMode = "public_key", speed: float = 1.0, clock: Callable[[], float] = time.time
) -> World:
    """The world kept in the folder `data`, which is made if it is not there; `clock` lets tests move time."""
    data.mkdir(parents=True, exist_ok=True)
    return World(load_credentials(data), Store(data / "simulator.sqlite3"), clock, key_mode, speed)


@contextlib.asynccontextmanager
async def running_app(world: World) -> AsyncIterator[ASGIApp]:
    """The application of all platforms with its courier at work, each real host a path prefix; shuts the store."""
    people = People(world)
    book = Book(world)
    courier = Courier(world, book)
    tokens = Tokens(world)
    check = ContentCheck(world, people)
    qq_pay = QQPay(world, book)
    signed = SignedApi(world)
    private = PrivateMessages(world, people)
    subscriptions = Subscriptions(world, people)
    links = Links(world)
    service = ServiceMessages(world, people)
    control = [
        *Control(world, people, book, courier).routes(),
        *private.control_routes(),
        *subscriptions.control_routes(),
        *links.control_routes(),
        *Chat(world, people).control_routes(),
        *service.control_routes(),
    ]

    def common(platform: str) -> list[Route]:
        return SignIn(world, people, platform).routes() + PhoneNumbers(world, people, platform).routes()

    routes = [
        Mount(
            "/wechat",
            routes=[
                *common("wechat"),
                *tokens.wechat_routes(),
                *check.wechat_routes(),
                *private.wechat_routes(),
                *subscriptions.wechat_routes(),
                *links.wechat_routes(),
                *service.wechat_routes(),
                *Shipping(world, book).wechat_routes(),
            ],
        ),
        Mount(
            "/wechatpay",
            routes=[
                *WeChatPay(world, people, book).routes(signed),
                *WeChatRefunds(world, book).routes(signed),
                *WeChatBills(world).routes(signed),
            ],
        ),
        Mount("/qq", routes=[*common("qq"), *tokens.qq_routes(), *check.qq_routes(), *subscriptions.qq_routes()]),
        Mount("/qpay", routes=[*qq_pay.wallet_routes(), *QQBills(world).routes()]),
        Mount("/qpayapi", routes=qq_pay.refund_routes()),
        Mount("/_control", routes=control),
    ]
    working = asyncio.create_task(courier.run())
    try:
        yield FaultyTransport(Starlette(routes=routes), world)
    finally:
        world.stop()
        await working
        world.store.close()


class _Server(uvicorn.Server):
    """Leaves signals to whoever started it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def listening(app: ASGIApp, port: int = 0) -> AsyncIterator[str]:
    """Serve `app` on 127.0.0.1 until the block ends, and give its base URL; port 0 picks a free one."""
    listener = _bind(port)
    config = uvicorn.Config(
        app,
        http=ClosableProtocol,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=1,
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        while not server.started:
            if task.done():
                task.result()
                raise RuntimeError("the simulator did not start")
            await asyncio.sleep(0.005)
        yield f"http://{HOST}:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def _bind(port: int) -> socket.socket:
    """With the protocol named, or asyncio leaves Nagle's delay on and every answer takes 40 ms."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((HOST, port))
    return listener


@contextlib.asynccontextmanager
async def serving(world: World, data: Path, port: int = 0) -> AsyncIterator[Serving]:
    """A whole simulator in this process, with `gateway-settings.json` in `data`."""
    async with running_app(world) as app, listening(app, port) as url:
        write_gateway_settings(data, url, world.credentials)
        try:
            yield Serving(url, world)
        finally:
            world.stop()
