"""Both ways in which WeChat Pay signs, and QQ Wallet beside them: each call and each notification, to the end."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gateway.clock import SystemClock
from gateway.wiring import Wired, wire
from resolvers.payments.model import PaymentMethod
from resolvers.ports import OutsideFault, Platform
from resolvers.ports_payment import (
    AlreadyPaid,
    PaymentProvider,
    PrepayRequest,
    ProviderPayment,
    ProviderRefund,
    ProviderRefused,
    ProviderState,
    RefundRequest,
    RefundState,
)
from scripts.client import Phone
from scripts.simulator.app import Serving
from scripts.simulator.credentials import gateway_settings
from tests.support.faults import fault
from tests.support.world import SECRET, settings_of

METHODS = {Platform.WECHAT: PaymentMethod.WECHAT_PAY, Platform.QQ: PaymentMethod.QQ_WALLET}


@dataclass
class Shop:
    """A merchant with both wallets, and what it was told by notification."""

    wired: Wired
    phone: Phone
    http: aiohttp.ClientSession
    simulator: str
    told: list[ProviderPayment | ProviderRefund | None] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def wallet(self, platform: Platform) -> PaymentProvider:
        return self.wired.app.providers[METHODS[platform]]

    async def openid(self, platform: Platform) -> str:
        """Somebody new."""
        [chat] = [chat for (here, _), chat in self.wired.app.platforms.items() if here is platform]
        code = await self.phone.sign_in_code(platform.value, uuid.uuid4().hex)
        return (await chat.sign_in(code)).openid

    async def request(self, platform: Platform, **other: Any) -> PrepayRequest:
        """A payment of ¥88.88 that somebody new is asked for."""
        expires_at = SystemClock().now() + timedelta(minutes=15)
        wanted = {"out_trade_no": f"pay_{uuid.uuid4().hex[:24]}", "description": "储值 88.88 元", "amount_fen": 8888}
        return PrepayRequest(**{**wanted, "openid": await self.openid(platform), "expires_at": expires_at, **other})

    async def until_told(self, count: int) -> ProviderPayment | ProviderRefund | None:
        """The newest of so many notifications."""
        async with asyncio.timeout(30):
            while len(self.told) < count:
                await asyncio.sleep(0.01)
        return self.told[-1]


@asynccontextmanager
async def shop_at(simulator: Serving, **other: str) -> AsyncIterator[Shop]:
    """A shop with an address at which notifications are only read."""
    app = web.Application()
    runner = web.AppRunner(app, access_log=None)

    def taking(read: Callable[[web.Request, bytes], ProviderPayment | ProviderRefund | None]) -> Any:
        async def take(request: web.Request) -> web.Response:
            try:
                shop.told.append(read(request, await request.read()))
            except Exception as error:
                shop.refused.append(type(error).__name__)
                return web.Response(status=401)
            return web.Response(text="<xml><return_code>SUCCESS</return_code></xml>")

        return take

    app.router.add_post(
        "/webhooks/wechat-pay", taking(lambda request, body: shop.wired.wechat_pay.read_notice(request.headers, body))
    )
    app.router.add_post("/webhooks/qq-wallet", taking(lambda _, body: shop.wired.qq_wallet.read_notice(body)))
    async with AsyncExitStack() as stack:
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        values = {
            **gateway_settings(simulator.url, simulator.world.credentials),
            "MONGODB_URI": "mongodb://127.0.0.1:1/?connect=false",
            "KABAO_PUBLIC_URL": f"http://127.0.0.1:{runner.addresses[0][1]}",
            "KABAO_SECRET_KEY": SECRET,
            **other,
        }
        http = await stack.enter_async_context(aiohttp.ClientSession())
        shop = Shop(wire(settings_of(values)), Phone(http, simulator.url), http, simulator.url)
        stack.push_async_callback(shop.wired.close)
        yield shop


CASES = [("public_key", Platform.WECHAT), ("certificate", Platform.WECHAT), ("public_key", Platform.QQ)]


@pytest.mark.parametrize(("mode", "platform"), CASES)
async def test_a_payment_from_its_prepay_to_its_refund(
    simulators: dict[str, Serving], mode: str, platform: Platform
) -> None:
    async with shop_at(simulators[mode]) as shop:
        wallet, request = shop.wallet(platform), await shop.request(platform)
        absent = await wallet.query(request.out_trade_no)
        assert (absent.state, absent.amount_fen) == (ProviderState.ABSENT, 0)
        prepay_id = await wallet.prepay(request)
        assert await wallet.prepay(request) == prepay_id
        assert (await wallet.query(request.out_trade_no)).state is ProviderState.PENDING

        arguments = dict(wallet.client_parameters(prepay_id, SystemClock().now()))
        await shop.phone.control("pay", prepay_id=prepay_id, outcome="SUCCESS", arguments=arguments)
        paid = await wallet.query(request.out_trade_no)
        assert (paid.state, paid.amount_fen) == (ProviderState.SUCCEEDED, 8888)
        assert paid.payer_openid == (request.openid if platform is Platform.WECHAT else None)
        assert await shop.until_told(1) == paid
        with pytest.raises(AlreadyPaid):
            await wallet.close(request.out_trade_no)

        number = f"ref_{uuid.uuid4().hex[:24]}"
        assert (await wallet.query_refund(number)).state is RefundState.ABSENT
        back = RefundRequest(request.out_trade_no, paid.transaction_id, number, 888, 8888, "退菜")
        for _ in range(2):
            assert (await wallet.refund(back)).out_refund_no == number
        async with asyncio.timeout(30):
            while (found := await wallet.query_refund(number)).state is RefundState.PROCESSING:
                await asyncio.sleep(0.02)
        assert found == ProviderRefund(number, RefundState.SETTLED, 888)
        if platform is Platform.WECHAT:
            assert await shop.until_told(2) == found
        assert (await wallet.query(request.out_trade_no)).state is ProviderState.SUCCEEDED
        with pytest.raises(ProviderRefused):
            await wallet.refund(RefundRequest(request.out_trade_no, None, f"{number}x", 8001, 8888, "太多"))
        assert shop.refused == []


@pytest.mark.parametrize(("mode", "platform"), CASES)
async def test_a_payment_that_is_closed(simulators: dict[str, Serving], mode: str, platform: Platform) -> None:
    async with shop_at(simulators[mode]) as shop:
        wallet, request = shop.wallet(platform), await shop.request(platform)
        await wallet.close(request.out_trade_no)  # unknown there: nothing to close
        await wallet.prepay(request)
        for _ in range(2):
            await wallet.close(request.out_trade_no)
        assert (await wallet.query(request.out_trade_no)).state is ProviderState.CLOSED
        with pytest.raises(ProviderRefused):
            await wallet.prepay(request)


@pytest.mark.parametrize("platform", list(Platform))
async def test_the_same_number_with_another_amount_is_refused(
    simulators: dict[str, Serving], platform: Platform
) -> None:
    async with shop_at(simulators["public_key"]) as shop:
        wallet, request = shop.wallet(platform), await shop.request(platform)
        await wallet.prepay(request)
        with pytest.raises(ProviderRefused):
            await wallet.prepay(
                PrepayRequest(request.out_trade_no, request.description, 1, request.openid, request.expires_at)
            )


async def test_one_who_holds_both_keys_lives_through_a_change_of_mode(simulators: dict[str, Serving]) -> None:
    async with shop_at(simulators["public_key"]) as shop:
        wallet = shop.wallet(Platform.WECHAT)
        try:
            for count, mode in enumerate(("certificate", "public_key"), 1):
                await shop.phone.control("key_mode", mode=mode)
                request = await shop.request(Platform.WECHAT)
                prepay_id = await wallet.prepay(request)
                await shop.phone.control("pay", prepay_id=prepay_id, outcome="SUCCESS")
                assert await shop.until_told(count) == await wallet.query(request.out_trade_no)
        finally:
            await shop.phone.control("key_mode", mode="public_key")
        assert shop.refused == []


@pytest.mark.parametrize(
    ("mode", "lacking"),
    [("public_key", "KABAO_WECHAT_PAY_PUBLIC_KEY"), ("certificate", "KABAO_WECHAT_PAY_CERTIFICATES")],
)
async def test_one_who_lacks_the_key_in_use_believes_nothing(
    simulators: dict[str, Serving], mode: str, lacking: str
) -> None:
    async with shop_at(simulators[mode], **{lacking: ""}) as shop:
        with pytest.raises((OutsideFault, ProviderRefused)):
            await shop.wallet(Platform.WECHAT).prepay(await shop.request(Platform.WECHAT))


FAULTS = ["error", "html", "bad_signature", "drop"]


@pytest.mark.parametrize("mode", FAULTS)
@pytest.mark.parametrize("platform", list(Platform))
async def test_whatever_is_wrong_with_an_answer_it_is_a_fault_or_a_refusal(
    simulators: dict[str, Serving], platform: Platform, mode: str
) -> None:
    async with shop_at(simulators["public_key"]) as shop:
        wallet, request = shop.wallet(platform), await shop.request(platform)
        prepay_id = await wallet.prepay(request)
        await shop.phone.control("pay", prepay_id=prepay_id, outcome="SUCCESS")
        number = f"ref_{uuid.uuid4().hex[:24]}"
        refund = RefundRequest(request.out_trade_no, None, number, 1, 8888, "退")
        await wallet.refund(refund)
        calls: list[tuple[str, Callable[[], Any]]] = [
            ("jsapi" if platform is Platform.WECHAT else "unified_order", lambda: wallet.prepay(request)),
            (
                "out-trade-no" if platform is Platform.WECHAT else "order_query",
                lambda: wallet.query(request.out_trade_no),
            ),
            ("refunds" if platform is Platform.WECHAT else "qpay_refund.cgi", lambda: wallet.refund(refund)),
            ("refunds" if platform is Platform.WECHAT else "refund_query", lambda: wallet.query_refund(number)),
            ("close" if platform is Platform.WECHAT else "close_order", lambda: wallet.close(request.out_trade_no)),
        ]
        for path, call in calls:
            # twice, because a GET whose connection is dropped is repeated once
            async with fault(shop.http, shop.simulator, path, mode, times=2):
                with pytest.raises((OutsideFault, ProviderRefused)):
                    await call()
        assert (await wallet.query(request.out_trade_no)).amount_fen == 8888
