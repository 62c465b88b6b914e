"""All clients at once, each doing one thing after the other until told to stop."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import aiohttp

from scripts.client import Api, Phone
from scripts.tortures import stories_of_cards as cards
from scripts.tortures import stories_of_orders as orders
from scripts.tortures.caller import Caller
from scripts.tortures.client import Client, Shop
from scripts.tortures.log import Log

PAUSE_SECONDS = 0.2  # between two things of one client, at the most
OPENING_FEN = 20_000  # on everybody's card before anything is killed

Story = Callable[[Client], Awaitable[object]]

WEIGHTS: dict[Story, int] = {
    cards.top_up: 5,
    cards.cash_top_up: 2,
    cards.refund_top_up: 1,
    cards.top_up_and_regret: 1,
    orders.order_and_pay: 5,
    orders.order_at_once: 4,
    orders.order_and_cash: 2,
    orders.order_and_cancel: 3,
    orders.order_and_refund: 3,
    Client.confirm_later: 2,
}
GIFTS = 2  # the weight of a gift, for which it takes two


class Traffic:
    """The clients, half of them in WeChat, half in QQ, and the desk of the shop's owner."""

    def __init__(self, shop: Shop, http: aiohttp.ClientSession, simulator: str, count: int, seed: int) -> None:
        self.log = Log()
        self.caller = Caller(self.log, shop.gateways)
        self._dice = random.Random(f"{seed}/traffic")
        self._desk = Api(http, f"{shop.gateways[0]}/console/graphql")
        self._shop = shop
        phone = Phone(http, simulator)
        self._stop = asyncio.Event()
        self.clients = [
            Client(
                name=f"client-{seed}-{number}",
                platform="QQ" if number % 2 else "WECHAT",
                shop=shop,
                http=http,
                phone=phone,
                caller=self.caller,
                dice=random.Random(f"{seed}/{number}"),
                api=Api(http, f"{shop.gateways[0]}/graphql"),
                desk=self._desk,
            )
            for number in range(count)
        ]

    async def arrive(self) -> None:
        """Everybody signs in, joins the brand, and puts something on a card, while all is well."""
        await self._sign_in_desk()
        for client in self.clients:
            await client.sign_in()
            await client.api.do("joinBrand", "membership { number }", brandId=self._shop.brand_id)
            fields = {"storeId": self._shop.store_id, "customerId": client.id, "amountFen": OPENING_FEN}
            await client.at_desk("cashTopUp", cards.CARD, **fields)

    async def run(self) -> None:
        """Let everybody act until `stop`; returns when the last one has finished what was begun."""
        async with asyncio.TaskGroup() as group:
            keeper = group.create_task(self._keep_desk())
            living = [group.create_task(self._live(client)) for client in self.clients]
            await asyncio.wait(living)
            keeper.cancel()

    def stop(self) -> None:
        """Let everybody finish what was begun, and begin nothing new."""
        self._stop.set()

    async def _live(self, client: Client) -> None:
        stories: list[Story] = [*WEIGHTS, self._give]
        weights = [*WEIGHTS.values(), GIFTS]
        first = client.dice.sample(stories, len(stories))  # each once, so that a short torture has them all
        while not self._stop.is_set():
            story = first.pop() if first else client.dice.choices(stories, weights)[0]
            await story(client)
            await client.stay_signed_in()
            await asyncio.sleep(client.dice.uniform(0, PAUSE_SECONDS))

    async def _give(self, client: Client) -> None:
        friends = [each for each in self.clients if each is not client]
        await cards.give(client, client.dice.choice(friends))

    async def _keep_desk(self) -> None:
        while True:
            await asyncio.sleep(300)
            await self._sign_in_desk()

    async def _sign_in_desk(self) -> None:
        while True:
            try:
                signed = await Api(self._desk.http, self._desk.url).do("signIn", "accessToken", **self._shop.staff)
            except (aiohttp.ClientError, TimeoutError, OSError, ValueError, LookupError):
                await asyncio.sleep(1)
                continue
            self._desk.token = signed["accessToken"]
            return
